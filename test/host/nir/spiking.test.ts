import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { readChipProfile } from "../../../host/hardware/board-profile"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import type { Graph } from "../../../host/nir/graph"
import { decodeNir } from "../../../host/nir/read-nir"
import { checkChip, chipUse } from "../../../host/nir/spiking/chips"
import { spikingGraph } from "../../../host/nir/spiking/compile"
import { quantise } from "../../../host/nir/spiking/quantise"
import { fitRing } from "../../../host/nir/spiking/ring-fit"
import type { KeptFit } from "../../../host/nir/spiking/ring-fits"
import { encodeNir } from "../../../host/nir/write-nir"
import { rates } from "../../../host/ring/float-ring"
import { byEquations } from "./equations"
import { nodeOf } from "./helpers"

interface SpikingRow {
  model: string
  steps: number
  neuron: string
  weightBits: number | null
  images: number
  accuracy: number
}

const fits = JSON.parse(readFileSync("host/nir/spiking/ring-fits.json", "utf8")) as KeptFit[]

/** A settled ring, from the equation and the clamps. */
function settled({ shape }: KeptFit, u: number[]): number[] {
  const k = { k1: [1, 1, 1, 1, 1], k2: Array(5).fill(0.5), k3: Array(5).fill(0.5) }
  const net = [0, 1, 2, 3, 4].map(i =>
    i < u.length ? Math.min(shape.netMax, Math.max(shape.netMin, u[i])) : 0,
  )
  let e = [1, 1, 1, 1, 1]
  const sum = [0, 0, 0, 0, 0]
  for (let s = 0; s < shape.steps; s++) {
    const f = rates(k, e, net)
    const g = rates(
      k,
      e.map((x, i) => x + 0.75 * f[i]),
      net,
    )
    e = e.map((x, i) =>
      Math.min(shape.elementMax, Math.max(shape.elementMin, x + 0.375 * (f[i] + g[i]))),
    )
    for (let i = 0; i < 5; i++) sum[i] += (e[i] - 1) / shape.steps
  }
  return sum.slice(shape.outputFirst, shape.outputFirst + shape.outputs)
}

test("the kept fits follow the settled ring as closely as they state", () => {
  expect(fits.length).toBeGreaterThan(5)
  for (const kept of fits) {
    const { take, bias, out, direct, offset, rms, worst } = kept.fit
    const squares = rms.map(() => 0)
    const most = rms.map(() => 0)
    const points = 2000
    for (let n = 0; n < points; n++) {
      // A quasi-random walk over −1.2 … 1.2, where trained networks are.
      const u = take[0].map((_, i) => ((n * Math.SQRT2 * (i + 1) + n * n * 0.0123 * i) % 2.4) - 1.2)
      const dot = (row: number[]) => row.reduce((s, w, i) => s + w * u[i], 0)
      const right = settled(kept, u)
      for (const [o, value] of right.entries()) {
        let fitted = offset[o] + dot(direct[o])
        for (const [j, row] of take.entries()) fitted += out[o][j] * Math.max(0, dot(row) + bias[j])
        squares[o] += (fitted - value) ** 2 / points
        most[o] = Math.max(most[o], Math.abs(fitted - value))
      }
    }
    for (const o of rms.keys()) {
      // Other points than those the errors are stated for: the same size of error.
      expect(Math.sqrt(squares[o])).toBeLessThan(2.5 * rms[o] + 1e-4)
      expect(most[o]).toBeLessThan(2 * worst[o] + 1e-3)
    }
  }
})

test("a kept fit is what fitting makes, digit by digit", () => {
  const kept = fits.find(({ shape }) => shape.inputs === 1)!
  const { shape, direct, fit } = kept
  expect(fitRing(shape, fit.bias.length, direct)).toEqual(fit)
})

const IMAGES = 400
const { images, labels } = readMnist().test

function accuracyOf(graph: Graph, steps: number): number {
  const run = byEquations(graph)
  let right = 0
  for (let i = 0; i < IMAGES; i++) {
    const pixels = Float64Array.from(images.subarray(784 * i, 784 * (i + 1)), p => p / 255)
    const { sums } = run(pixels, steps)
    if (sums.indexOf(Math.max(...sums)) === labels[i]) right++
  }
  return right / IMAGES
}

describe("pico-16 as integrate-and-fire neurons", () => {
  const model = loadModel(trainedPath("pico-16"))
  let graph: Graph
  beforeAll(async () => {
    const bytes = await encodeNir(spikingGraph(model, { steps: 128, neuron: "if" }))
    graph = await decodeNir(bytes, "test")
  })

  test("of the first 400 test images it classifies nearly as many as the board, from its file", () => {
    // The board: 96.0 %.
    expect(accuracyOf(graph, 128)).toBeGreaterThanOrEqual(0.95)
  })

  test("so it does in whole numbers of 8 bits, and with leaky neurons", () => {
    const { graph: whole } = quantise(graph, 8)
    for (const [, node] of whole.nodes) {
      if (node.type !== "Linear" && node.type !== "Affine") continue
      expect(node.weight.value.every(w => Number.isInteger(w) && Math.abs(w) <= 127)).toBe(true)
      if (node.type === "Affine") expect(node.bias.every(Number.isInteger)).toBe(true)
    }
    expect(nodeOf(whole, "classes", "IF").vThreshold.every(Number.isInteger)).toBe(true)
    expect(accuracyOf(whole, 128)).toBeGreaterThanOrEqual(0.945)
    const leaky = spikingGraph(model, { steps: 128, neuron: "lif" })
    expect(accuracyOf(leaky, 128)).toBeGreaterThanOrEqual(0.945)
    const { graph: wholeLeaky } = quantise(leaky, 8)
    expect(nodeOf(wholeLeaky, "classes", "LIF").vThreshold.every(Number.isInteger)).toBe(true)
    expect(accuracyOf(wholeLeaky, 128)).toBeGreaterThanOrEqual(0.945)
  })

  test.each(["if", "lif"] as const)(
    "%s: all matrices are Affine and every r is 1, as tools want it",
    neuron => {
      for (const [, node] of spikingGraph(model, { steps: 64, neuron }).nodes)
        if ("vThreshold" in node) {
          expect([...new Set(node.r)]).toEqual([1])
          expect([...new Set(node.vThreshold)]).toHaveLength(1)
        } else expect(["Input", "Affine", "Output"]).toContain(node.type)
    },
  )

  test("a link's coefficient reaches the matrices: without the links of a class it is never named", () => {
    const coefficients = Buffer.from(model.coefficients)
    // The last class: two synapses of 32 links each; −4 everywhere keeps it down.
    for (let i = coefficients.length / 2 - 64; i < coefficients.length / 2; i++)
      coefficients.writeInt16LE(0, 2 * i)
    const run = byEquations(spikingGraph({ ...model, coefficients }, { steps: 128, neuron: "if" }))
    for (let i = 0; i < 30; i++) {
      const pixels = Float64Array.from(images.subarray(784 * i, 784 * (i + 1)), p => p / 255)
      expect(run(pixels, 128).sums[9]).toBeLessThanOrEqual(1)
    }
  })

  test("chips: what fits is counted, what does not is refused with what would", () => {
    const use = chipUse(graph)
    expect(use).toMatchObject({ inputs: 784, outputs: 10, neurons: 16 * 8 + 10 * 4 + 10 })
    expect(use.fanOut).toBe(40 + 10)
    const { graph: whole } = quantise(graph, 8)
    expect(checkChip(whole, readChipProfile("loihi2")).largestWeight).toBe(127)
    expect(() => checkChip(graph, readChipProfile("loihi2"))).toThrow(/whole numbers of 8 bits/)
    expect(() => checkChip(whole, readChipProfile("xylo"))).toThrow(
      expect.objectContaining({
        ...{ code: "nir-chip", kind: "capacity" },
        message: expect.stringMatching(/"input" \(Input\) has 784 values, the chip takes 16/),
      }),
    )
  })

  test("rings that were not fitted are refused", () => {
    const odd = { ...model, network: { ...model.network, steps: 5 } }
    expect(() => spikingGraph(odd, { steps: 128, neuron: "if" })).toThrow(
      expect.objectContaining({ code: "nir-no-fit" }),
    )
  })
})

test("all 10,000 test images, as measured and kept: what was to be reached is", () => {
  const rows = JSON.parse(readFileSync("docs/figures/spiking.json", "utf8")) as SpikingRow[]
  const accuracy = (model: string, weightBits: number | null) =>
    rows.find(
      row =>
        row.model === model &&
        row.steps === 128 &&
        row.neuron === "if" &&
        row.weightBits === weightBits &&
        row.images === 10_000,
    )?.accuracy
  expect(accuracy("pico-16", null)).toBeGreaterThanOrEqual(0.955)
  expect(accuracy("pico-16", 8)).toBeGreaterThanOrEqual(0.95)
  expect(accuracy("fleet-300", null)).toBeGreaterThanOrEqual(0.978)
})
