/** The trained networks in models/ are what their records and the README say. */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { readMnist } from "../../host/data/mnist"
import { trainedModel, trainedPath } from "../../host/training/trained"
import { TrainingEngine } from "../../host/training/training-engine"
import { presetNames } from "../../src/presets"

const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8")

/** What the papers' reproduction is to reach, share of the 10,000 test images. */
const GOALS: Record<string, number> = {
  "pico-fast": 0.92,
  "pico-16": 0.952,
  "pico-32": 0.965,
  "fleet-64": 0.977,
  "fleet-300": 0.983,
}

describe("a trained network that is kept", () => {
  const kept = presetNames.filter(name => existsSync(trainedPath(name)))

  it("exists for every preset with a goal", () => {
    expect(kept).toEqual(expect.arrayContaining(Object.keys(GOALS)))
  })

  it.each(kept)(
    "%s names as many test images rightly as its record and the README say",
    async name => {
      const model = trainedModel(name)
      const { test } = readMnist()
      const engine = await TrainingEngine.start(model.network)
      try {
        engine.coefficients = model.coefficients
        const store = engine.store(test.images, test.labels)
        const indices = Int32Array.from({ length: test.count }, (_, i) => i)
        const classes = await engine.predict(store, indices)
        const accuracy = classes.filter((c, i) => c === test.labels[i]).length / test.count
        expect(accuracy).toBe(model.training?.accuracy?.test)
        expect(accuracy).toBeGreaterThanOrEqual(GOALS[name] ?? 0)
        const row = readme.split("\n").find(line => line.startsWith(`| \`${name}\` `))
        expect(row).toContain(`${(accuracy * 100).toFixed(2)} %`)
      } finally {
        await engine.close()
      }
    },
  )

  it.each(kept)("%s says by which command it is made again", name => {
    const { training } = trainedModel(name)
    expect(training?.command).toMatch(
      new RegExp(`^wuxing train --model ${name} --seed \\d+ --epochs`),
    )
  })
})
