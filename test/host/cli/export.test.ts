import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PNG } from "pngjs"
import { beforeAll, describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import { linearise } from "../../../host/nir/linearise"
import { decodeNir } from "../../../host/nir/read-nir"
import { constantResponse } from "../../../host/ring/float-ring"
import { loadModelInto } from "../../../host/training/training"
import { TrainingEngine } from "../../../host/training/training-engine"
import { temporaryFolder } from "../../temporary"
import { nodeOf, propagate } from "../nir/helpers"
import { type Ended, wuxing } from "./run-cli"

const folder = temporaryFolder("nir")
const file = (name: string) => join(folder, name)
const document = (ended: Ended) => JSON.parse(ended.stdout)

const links = {
  format: "wuxing-links",
  version: 1,
  name: "two by two",
  width: 4,
  layers: [{ neurons: 2, inputs: 2, outputFirst: 3, outputs: 1 }],
  links: [
    [1, 0, 1, 0, 0, 0.5],
    [1, 1, 1, 0, 1, -0.25],
    [1, 2, 1, 1, 0, 1],
    [1, 3, 1, 1, 1, 2],
  ],
}
writeFileSync(file("links.json"), JSON.stringify(links))

describe("a trained network, there and back", () => {
  let exported: Ended
  beforeAll(async () => {
    const args = ["export", "--format", "nir", "--model", "pico-16", "--trained", file("pico.nir")]
    exported = await wuxing([...args, "--json", "--quiet"])
  })

  test("comes back to the byte", async () => {
    expect(exported.stderr).toBe("")
    expect(document(exported)).toMatchObject({ linearisedAbout: "fixed points", integrators: 4050 })
    const imported = await wuxing(["import", file("pico.nir"), file("pico.wuxing"), "--json"])
    expect(document(imported)).toMatchObject({ from: "export", unchanged: true, links: 3712 })
    expect(readFileSync(file("pico.wuxing")).equals(readFileSync(trainedPath("pico-16")))).toBe(
      true,
    )
  })

  test("what it says of 1,000 test images is what linear theory and the core in WebAssembly find", async () => {
    const model = loadModel(trainedPath("pico-16"))
    const { images, labels } = readMnist().test
    const d = constantResponse(5, 0.5)
    let right = 0
    for (let i = 0; i < 1000; i++) {
      const outputs = propagate(
        model,
        Array.from(images.subarray(784 * i, 784 * (i + 1)), p => (d[1] * p) / 255),
        (_layer, _neuron, u) =>
          [0, 1, 2, 3, 4].map(e => u.reduce((sum, v, k) => sum + d[(e - k + 5) % 5] * v, 0)),
      )
      if (outputs.indexOf(Math.max(...outputs)) === labels[i]) right++
    }
    const engine = await TrainingEngine.start(model.network, { workers: 1 })
    loadModelInto(engine, model)
    const named = await engine.predict(
      engine.store(images, labels),
      Int32Array.from({ length: 1000 }, (_, i) => i),
    )
    await engine.close()
    const { difference } = document(exported)
    expect(difference).toMatchObject({
      images: 1000,
      graphAccuracy: right / 1000,
      networkAccuracy: named.filter((c, i) => c === labels[i]).length / 1000,
    })
    const { metadata } = await decodeNir(readFileSync(file("pico.nir")), "pico.nir")
    expect(metadata).toMatchObject({
      test_images: 1000,
      accuracy_of_graph_at_rest: right / 1000,
      mean_output_difference: difference.meanDifference,
      largest_output_difference: difference.largestDifference,
      left_out: expect.stringMatching(/products .*clamps .*mean/),
    })
  })
})

test("--operating-point takes a picture, which is scaled to the network's input", async () => {
  const png = new PNG({ width: 4, height: 4 })
  // Left half 100, right half 40: dark at the rim, so that it is not taken for ink on paper.
  for (let i = 0; i < 16; i++) {
    const grey = i % 4 < 2 ? 100 : 40
    png.data.set([grey, grey, grey, 255], 4 * i)
  }
  writeFileSync(file("picture.png"), PNG.sync.write(png))
  const args = ["export", "--model", file("links.json"), file("at.nir"), "--json"]
  const ended = await wuxing([...args, "--operating-point", file("picture.png")])
  expect(ended.stderr).toMatch(/not measured: the images of mnist are 28x28/)
  expect(document(ended)).toMatchObject({
    linearisedAbout: "operating point",
    image: `picture ${file("picture.png")}`,
    difference: null,
  })
  const back = await wuxing(["import", file("at.nir"), file("at.wuxing"), "--json"])
  expect(document(back)).toMatchObject({ unchanged: true })
  const { graph } = linearise(loadModel(file("at.wuxing")), Uint8Array.of(100, 40, 100, 40))
  const { nodes, metadata } = await decodeNir(readFileSync(file("at.nir")), "at.nir")
  expect(nodes.get("layer1")).toEqual(nodeOf(graph, "layer1", "LI"))
  expect(metadata.linearised_about).toMatch(/mean state .*picture\.png/)
})

test("nothing is overwritten without --force", async () => {
  writeFileSync(file("precious.nir"), "precious")
  writeFileSync(file("precious.wuxing"), "precious")
  const out = ["export", "--model", file("links.json"), file("precious.nir"), "--json"]
  const refused = await wuxing(out)
  expect(refused.status).toBe(2)
  expect(document(refused).error.message).toMatch(/precious\.nir exists already/)
  expect(readFileSync(file("precious.nir"), "utf8")).toBe("precious")
  expect((await wuxing([...out, "--force"])).status).toBe(0)
  const back = ["import", file("precious.nir"), file("precious.wuxing"), "--json"]
  expect((await wuxing(back)).status).toBe(2)
  expect(readFileSync(file("precious.wuxing"), "utf8")).toBe("precious")
  expect((await wuxing([...back, "--force"])).status).toBe(0)
  expect(loadModel(file("precious.wuxing")).network.name).toBe("two by two")
})

test("a plan for a chip: made without one, with a status of its own where it does not fit", async () => {
  const fits = await wuxing(["partition", "--model", "pico-16", "--boards", "loihi", "--json"])
  expect(fits.status).toBe(0)
  expect(document(fits)).toMatchObject({
    ...{ network: "pico-16", profile: "loihi", chips: 1, feasible: true, reason: "" },
    placed: { rings: 810, neurons: 4050 },
  })
  expect(document(fits).cores).toHaveLength(4)
  const args = ["partition", "--model", "pico-16", "--boards", "dynap-se2:30", "--json"]
  const not = await wuxing(args)
  expect(not.status).toBe(6)
  expect(document(not)).toMatchObject({
    ...{ feasible: false, chips: 30, reason: expect.stringMatching(/fan-in/) },
    error: { code: "partition-infeasible", kind: "capacity" },
  })
})

test.each([
  [["partition", "--model", "pico-16", "--boards", "truenorth"], 2, "board-unknown", /"truenorth"/],
  [["export", "x.nir"], 2, "usage", /--model is missing/],
  [["export", "--model", "pico-16", "--format", "onnx", "x.nir"], 2, "usage", /"onnx"/],
  [
    ["export", "--model", "pico-16", "--operating-point", "10000", "x.nir"],
    2,
    "image-unknown",
    /10000/,
  ],
  [
    ["export", "--model", "pico-16", "--operating-point", "no.png", "x.nir"],
    3,
    "data-unreadable",
    /no\.png/,
  ],
  [["import", "nowhere.nir", "x.wuxing"], 3, "model-missing", /nowhere\.nir/],
  [["import", "package.json", "x.wuxing"], 3, "nir-foreign", /package\.json/],
] as const)("%j is refused: exit status %i, code %s", async (args, status, code, message) => {
  const ended = await wuxing([...args, "--json"])
  expect(ended.status).toBe(status)
  expect(document(ended).error).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(existsSync("x.nir") || existsSync("x.wuxing")).toBe(false)
})
