import { writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { encodeModel, type Model } from "../../../host/models/model-file"
import { HostNetwork } from "../../../host/network/host-network"
import { coefficientMax, type Network } from "../../../host/network/network"
import { metadataOf, readBack } from "../../../host/nir/exported"
import { entriesOf, type Graph } from "../../../host/nir/graph"
import { importNir } from "../../../host/nir/import"
import { linearise } from "../../../host/nir/linearise"
import { decodeNir } from "../../../host/nir/read-nir"
import { encodeNir } from "../../../host/nir/write-nir"
import { network } from "../../src/core/helpers"
import { temporaryFolder } from "../../temporary"
import { changeByH5py, hasH5py } from "./h5py"
import { modelOf, nodeOf, spread } from "./helpers"

const folder = temporaryFolder("nir")

const net = network([
  { neurons: 4 },
  { neurons: 3, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 5 },
])
const training = {
  command: "wuxing train --model test",
  seed: 1,
  epochs: 2.5,
  samples: 1000,
  accuracy: { test: 0.95 },
  state: { next: 7 },
}

function exported(model: Model, image?: Uint8Array): Graph {
  const { graph, unstableRings } = linearise(model, image)
  graph.metadata = metadataOf(model, { image, unstableRings })
  return graph
}

const variants: Record<string, Partial<Network>> = {
  adders: {},
  "four signals a pixel": { inputSignals: 4 },
  "explicit links, some synapses without any": {
    linking: "explicit",
    given: [
      Array.from({ length: 12 }, (_, t) => (t % 3 === 2 ? [] : [t, t + 1])),
      Array.from({ length: 12 }, (_, t) => [t % 8]),
    ],
  },
  "elements that learn": {
    rule: "mixed",
    backward: "bsp",
    elements: { shift: 10, bound: 6, min: 4096, max: 12000, signal: "product" },
  },
}

test("any network is read back from its file to the byte, at the fixed points and elsewhere", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(variants)),
      fc.integer({ min: 0, max: 1000 }),
      fc.boolean(),
      fc.option(fc.uint8Array({ minLength: 20, maxLength: 20 }), { nil: undefined }),
      async (variant, salt, taught, image) => {
        const own = { ...net, seed: salt, ...variants[variant] }
        const max = coefficientMax(own)
        const model: Model = {
          ...modelOf(own, i => spread(max)(i + salt)),
          training: taught ? training : null,
        }
        if (own.elements) model.arrays = { elements: new HostNetwork(own).elements() }
        const graph = await decodeNir(await encodeNir(exported(model, image)), "test.nir")
        const back = readBack(graph, "test.nir")
        expect(back).toMatchObject({ unchanged: true, rounded: 0 })
        expect(encodeModel(back.model).equals(encodeModel(model))).toBe(true)
      },
    ),
    { numRuns: 20 },
  )
})

test.each([
  ["the fixed points", undefined],
  ["an image", Uint8Array.from({ length: 20 }, (_, i) => 11 * i)],
])(
  "an export of before 0.2, with r = tau and Linear nodes, about %s, is read back too",
  (_, image) => {
    const model = modelOf(net, spread(900))
    const graph = exported(model, image)
    for (let layer = 0; layer <= 2; layer++) {
      const integrators = nodeOf(graph, `layer${layer}`, "LI")
      const { tau } = integrators
      const into = layer === 0 ? "pixels" : `links${layer}`
      for (const key of [into, `layer${layer}_ring`]) {
        const { weight } = nodeOf(graph, key, "Affine")
        const value = Float64Array.from(entriesOf(weight), ([row, , v]) => v / tau[row])
        graph.nodes.set(key, { type: "Linear", weight: { ...weight, value } })
      }
      // The constants stood in v_leak.
      const { bias: vLeak } = nodeOf(exported(model, image), into, "Affine")
      graph.nodes.set(`layer${layer}`, { type: "LI", tau, r: tau, vLeak })
    }
    const { weight } = nodeOf(graph, "readout", "Affine")
    graph.nodes.set("readout", { type: "Linear", weight })
    const back = readBack(graph, "old.nir")
    expect(back).toMatchObject({ unchanged: true, rounded: 0 })
    expect(encodeModel(back.model).equals(encodeModel(model))).toBe(true)
  },
)

describe("an export that was changed", () => {
  const model = { ...modelOf(net, spread(900)), training }
  const refusal = (graph: Graph): WuxingError => {
    try {
      readBack(graph, "changed.nir")
    } catch (error) {
      if (error instanceof WuxingError) return error
      throw error
    }
    throw new Error("it was read")
  }

  test("in weights of links: if that is meant they become coefficients, and the record of the training goes", () => {
    const graph = exported(model)
    const { weight } = nodeOf(graph, "links2", "Affine")
    weight.value[5] = 0.25
    expect(refusal(graph)).toMatchObject({ code: "nir-changed", kind: "data" })
    const changed = readBack(graph, "changed.nir", true)
    expect(changed).toMatchObject({ unchanged: false, rounded: 0, model: { training: null } })
    expect(changed.model.coefficients.equals(model.coefficients)).toBe(false)
    weight.value[5] = 0.25001
    const rounded = readBack(graph, "changed.nir", true)
    expect(rounded).toMatchObject({ unchanged: false, rounded: 1, model: { training: null } })
    expect(rounded.model.coefficients).toEqual(changed.model.coefficients)
  })

  test.each<[string, (graph: Graph) => unknown, RegExp]>([
    [
      "a weight no coefficient can be",
      g => nodeOf(g, "links1", "Affine").weight.value.fill(9, 3, 4),
      /"links1" \(Affine\) has the weight 9/,
    ],
    [
      "a link where the network has none",
      g => {
        const { weight } = nodeOf(g, "links1", "Affine")
        // The displacement of element 0 of an input neuron is no signal.
        weight.column[0] = 0
      },
      /"links1" \(Affine\) was changed: the weight at \[0, 0\]/,
    ],
    [
      "a time constant",
      g => nodeOf(g, "layer1", "LI").tau.fill(1.1, 7, 8),
      /"layer1" \(LI\).*tau\[7\]/,
    ],
    ["a resistance", g => nodeOf(g, "layer2", "LI").r.fill(1.1, 7, 8), /"layer2" \(LI\).*r\[7\]/],
    [
      "a leak",
      g => nodeOf(g, "layer0", "LI").vLeak.fill(0.1, 7, 8),
      /"layer0" \(LI\).*v_leak\[7\]/,
    ],
    [
      "a coupling",
      g => nodeOf(g, "layer1_ring", "Affine").weight.value.fill(0.9, 7, 8),
      /"layer1_ring" \(Affine\)/,
    ],
    [
      "a constant",
      g => nodeOf(g, "links2", "Affine").bias.fill(0.1, 7, 8),
      /"links2" \(Affine\).*bias\[7\]/,
    ],
    ["what is read", g => nodeOf(g, "readout", "Affine").weight.column.fill(0, 0, 1), /"readout"/],
    ["the scale of pixels", g => nodeOf(g, "pixels", "Affine").weight.value.fill(2), /"pixels"/],
    ["an edge too many", g => g.edges.push(["layer1_ring", "layer1_ring"]), /too many/],
    ["an edge too few", g => g.edges.pop(), /missing/],
    [
      "a node too many",
      g => g.nodes.set("more", { type: "Input", shape: [2] }),
      /"more" \(Input\)/,
    ],
    ["a node too few", g => g.nodes.delete("layer1"), /"layer1"/],
    [
      "a node of another type",
      g => {
        const { weight } = nodeOf(g, "links1", "Affine")
        g.nodes.set("links1", { type: "Scale", scale: weight.value })
      },
      /"links1" of type Affine/,
    ],
    [
      "the shape of the input",
      g => g.nodes.set("input", { type: "Input", shape: [4, 5] }),
      /"input"/,
    ],
  ])("in %s: refused by name", (_, change, what) => {
    const graph = exported(model)
    change(graph)
    expect(refusal(graph)).toMatchObject({ code: "nir-invalid", kind: "data" })
    expect(refusal(graph).message).toMatch(what)
  })

  test("in the settings it keeps: refused as damaged", () => {
    const graph = exported(model)
    const kept = graph.metadata.wuxing_model as Uint8Array
    kept[40] ^= 1
    expect(refusal(graph)).toMatchObject({ code: "model-damaged" })
    expect(refusal(graph).message).toMatch(/changed\.nir.*wuxing_model/)
  })
})

describe("damage", () => {
  const model = { ...modelOf(net, spread(900)), training }

  test.skipIf(!hasH5py)("what is missing is named (needs python3-h5py)", async () => {
    const path = join(folder, "missing.nir")
    for (const [what, said] of [
      ["node/type", /top node is of type unknown/],
      ["node/edges", /"edges"/],
      ["node/nodes/layer1/tau", /"layer1" \(LI\) has no "tau"/],
      ["node/nodes/input/shape", /"input" \(Input\) has no "shape"/],
      ["node/nodes/input/type", /"input" is of type unknown/],
    ] as const) {
      writeFileSync(path, await encodeNir(exported(model)))
      await changeByH5py(path, `del f["${what}"]`)
      const reading = importNir(path)
      await expect(reading).rejects.toThrow(said)
      await expect(reading).rejects.toMatchObject({ kind: "data" })
    }
  })

  // Last: now and then the HDF5 library itself breaks off over such a file and is no good afterwards.
  test("a flipped bit anywhere is refused, or changes nothing that is read", async () => {
    const bytes = await encodeNir(
      exported(
        model,
        Uint8Array.from({ length: 20 }, (_, i) => 11 * i),
      ),
    )
    const whole = encodeModel(model)
    const path = join(folder, "flipped.nir")
    let refused = 0
    for (let i = 0; i < 120; i++) {
      const damaged = Buffer.from(bytes)
      // The HDF5 library's own signature and superblock are dense with meaning: begin with them.
      const at = i < 40 ? i * 2 : Math.floor((i * 7919 * 31) % bytes.length)
      damaged[at] ^= 1 << (i % 8)
      writeFileSync(path, damaged)
      try {
        const { model: read } = await importNir(path)
        expect([i, at, encodeModel(read).equals(whole)]).toEqual([i, at, true])
      } catch (error) {
        if (!(error instanceof WuxingError)) throw error
        expect([i, at, error.kind]).toEqual([i, at, "data"])
        refused++
      }
    }
    expect(refused).toBeGreaterThan(10)
  })
})
