/** The trained networks in models/ are what their records and docs/networks.md say. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { loadModel } from "../../../host/models/model-file"
import {
  keptNames,
  modelNamed,
  trainedModel,
  trainedNames,
  trainedPath,
} from "../../../host/models/trained"
import { HostNetwork } from "../../../host/network/host-network"
import { totalLinks } from "../../../host/network/network-schema"
import { presetNames } from "../../../host/network/presets"
import { learntOf, startNaming } from "../../../host/training/predict-apart"
import { readTrainingData, usualData } from "../../../host/training/training-data"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { describeWith, WAND } from "../signals/own-data"

const page = readFileSync(
  fileURLToPath(new URL("../../../docs/networks.md", import.meta.url)),
  "utf8",
)

/** What the papers' reproduction is to reach, share of the 10,000 test images. */
const GOALS: Record<string, number> = {
  model1: 0.9,
  model2: 0.9,
  "model1-method-1": 0.45,
  "pico-fast": 0.92,
  "pico-alone": 0.92,
  "pico-16": 0.952,
  "pico-32": 0.965,
  "fleet-64": 0.977,
  "fleet-300": 0.983,
  "mnist-windows": 0.993,
  "mnist-kernels": 0.993,
  "mnist-tiny": 0.992,
  "fashion-windows": 0.908,
  "fashion-kernels": 0.905,
}

/** MODEL1 taught by K3 of its elements alone. */
const METHOD_ONE = "model1-method-1"

describe("a trained network that is kept", () => {
  it("exists for every preset and every goal", () => {
    for (const name of presetNames) expect(trainedNames).toContain(name)
    for (const name of Object.keys(GOALS)) expect(trainedNames).toContain(name)
    for (const name of trainedNames) expect(existsSync(trainedPath(name)), name).toBe(true)
  })

  it.each(trainedNames)(
    "%s names as many test images correctly as its record and the page say",
    async name => {
      const model = loadModel(trainedPath(name))
      const { test } = await readTrainingData(usualData(model), model.network)
      const engine = await startNaming(learntOf(model))
      try {
        const store = engine.store(test.images, test.labels)
        const indices = Int32Array.from({ length: test.count }, (_, i) => i)
        const classes = await engine.predict(store, indices)
        const accuracy = classes.filter((c, i) => c === test.labels[i]).length / test.count
        expect(accuracy).toBe(model.training?.accuracy?.test)
        expect(accuracy).toBeGreaterThanOrEqual(GOALS[name] ?? 0)
        const rows = page.split("\n").filter(line => line.startsWith(`| \`${name}\` `))
        expect(rows.join("\n")).toContain(`${(accuracy * 100).toFixed(2)} %`)
      } finally {
        await engine.close()
      }
    },
  )

  it("by method 1 has learnt nothing else: its coefficients are as drawn", () => {
    const { network, coefficients, training } = loadModel(trainedPath(METHOD_ONE))
    expect(coefficients.equals(new HostNetwork(network).coefficients())).toBe(true)
    expect(training?.command).toMatch(/^wuxing train --model model1 --seed 1 .*--rule elements /)
    expect(modelNamed(METHOD_ONE, { trained: true }).coefficients).toEqual(coefficients)
    expect(() => modelNamed(METHOD_ONE, {})).toThrow(/as trained only/)
  })

  it("of a sequence has at most 400 links, and says by which command it is made again", () => {
    const { network, training } = trainedModel("gesture-sequence")
    expect(totalLinks(network)).toBeLessThanOrEqual(400)
    expect(training?.command).toMatch(/^wuxing train --model 40-10 --seed 1 .*--features reservoir/)
    expect(keptNames).toEqual([...trainedNames, "gesture-sequence"])
    expect(() => modelNamed("gesture-sequence", {})).toThrow(/as trained only/)
  })

  it("takes less than 3 MB of the repository with all others", () => {
    const folder = dirname(trainedPath("any"))
    const bytes = readdirSync(folder).map(name => statSync(join(folder, name)).size)
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3_000_000)
  })

  it.each(presetNames)("%s says by which command it is made again", name => {
    const { training } = trainedModel(name)
    expect(training?.command).toMatch(
      new RegExp(`^wuxing train --model ${name} --seed \\d+ --epochs`),
    )
  })
})

describeWith(WAND, "the kept network of a sequence", () => {
  const folder = temporaryFolder("gesture-sequence")

  it("is made again to the bit by the command in its file, and names what the page says", async () => {
    const kept = trainedPath("gesture-sequence")
    const { training } = loadModel(kept)
    const out = join(folder, "again.wuxing")
    const [, ...words] = training!.command.split(" ").map(word => word.replace(/^'(.*)'$/, "$1"))
    const { status, stderr } = await wuxing([...words, "--out", out])
    expect(status, stderr).toBe(0)
    expect(readFileSync(out).equals(readFileSync(kept))).toBe(true)
    const signals = readFileSync(
      fileURLToPath(new URL("../../../docs/signals.md", import.meta.url)),
    )
    expect(signals.toString()).toContain(
      `${(100 * training!.accuracy!.test!).toFixed(1)}, 98.0, 98.5, 98.5 and 98.5 % of the 200 kept strokes`,
    )
  })
})
