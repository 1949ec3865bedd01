/**
 * A network of settled rings as a graph of integrate-and-fire neurons, to be run for a given number of
 * steps and read by spike counts.
 *
 * Each ring is a sum of rectified pieces (ring-fit.ts), each piece the rate of one neuron: with its
 * threshold at 1 and a total input of c·z over the T steps, it spikes about c·max(0, z) times. So all
 * links and the linear parts between two layers of pieces become one matrix:
 *
 *     input → weights1 → pieces1 → weights2_1 → pieces2 → … → weightsN_1 → classes → output
 *                          └──────────────── weights3_1, … ─────┘
 *
 * The first layer's pieces get constant currents from the pixels. The rings after it also have a part
 * in proportion to their net inputs, which needs no neurons: it goes on from the pieces before, so that
 * the pieces of a later layer only carry what is not linear. That matters since a neuron that is reset
 * to v_reset loses by how much it overshot: few spikes pass through two layers of neurons.
 *
 * A count is rounded down; half a spike more of input rounds it to the nearest instead.
 */
import { WuxingError } from "../../base/errors"
import type { Model } from "../../models/model-file"
import { drawLinks, elementsLearn, inputSignalsOf, isFine, signalsOf } from "../../network/network"
import { refuseKernels } from "../../network/refuse-kernels"
import type { Graph, Matrix, Node } from "../graph"
import { type RingFit, type RingShape, settledMap, shapeOf } from "./ring-fit"
import { keptFit } from "./ring-fits"

/** Spikes in T steps for a piece of height 1, as shares of T: first pieces, later ones, classes. */
const FIRST = 1 / 4
const LATER = 1 / 8
const CLASSES = 1 / 4
/** Added to the outputs: all classes that matter are above 0. */
const LIFT = 0
/** Time constant of leaky neurons, in steps of the run: long enough to hold what was summed. */
const LEAK = 16

export interface SpikingOptions {
  /** Steps the graph is to be run for. */
  steps: number
  neuron: "if" | "lif"
}

/** Values as sums of what the sources give: spikes of earlier pieces (matrices), and a constant. */
interface Form {
  /** By source: row by row, values × neurons of the source. */
  parts: Map<string, Float64Array[]>
  constant: Float64Array
}

/**
 * @throws WuxingError "nir-no-fit" (kind "data") where no ring of the network's kind has been fitted
 */
export function spikingGraph(model: Model, { steps, neuron }: SpikingOptions): Graph {
  const { network } = model
  refuseKernels(
    network,
    "be exported as spiking neurons",
    "export one with windows of each neuron's own",
  )
  const refuse = (what: string) => noFit(network.name, what)
  if (elementsLearn(network)) throw refuse("its rings have K3 of their own")
  if (network.ring) throw refuse("its rings have other K1 to K3")
  if (network.inputCentre) throw refuse("its inputs are about a middle (inputCentre)")
  if (isFine(network)) throw refuse("its rings are finer than Q12")
  const nodes = new Map<string, Node>([["input", { type: "Input", shape: [network.width] }]])
  const edges: [string, string][] = []
  let signals = pixelSignals(model)
  let at = 0
  const last = network.layers.length
  /** Joins what `form` says to new neurons `name`, so that row r gets `gain` times it. */
  const join = (name: string, form: Form, gain: number, count: number) => {
    if (form.parts.size === 0) throw refuse("nothing leads to a layer")
    for (const [i, [source, rows]] of [...form.parts].entries()) {
      const weight = dense(rows, gain)
      const key = form.parts.size > 1 ? `weights_${source}_${name}` : `weights_${name}`
      // All Affine, as some tools read no Linear; the first has the bias.
      const bias = form.constant.map(c => (i > 0 ? 0 : (gain * c + 0.5) / steps))
      nodes.set(key, { type: "Affine", weight, bias })
      edges.push([source, key], [key, name])
    }
    nodes.set(name, neurons(count, steps, neuron))
  }
  for (const [i, layer] of network.layers.entries()) {
    const shape = shapeOf(network, layer)
    const fit = keptFit(shape, i > 0)
    if (!fit) throw refuse(`none with the settings of layer ${i + 1} has been fitted`)
    const coefficients = drawLinks(network, i + 1).map(sources =>
      sources.map(source => [source, model.coefficients.readInt16LE(2 * at++) / 8192] as const),
    )
    const net = combine(signals, coefficients)
    const name = `pieces${i + 1}`
    const per = (i === 0 ? FIRST : LATER) * steps
    const pieces = takes(net, fit, shape.inputs, layer.neurons)
    // Constant currents reach the neurons at each step; spikes are counted as they come.
    const count = layer.neurons * fit.bias.length
    join(name, i === 0 ? perStep(pieces, steps) : pieces, per, count)
    signals = gives(net, fit, shape, layer.neurons, name, per)
  }
  const outputs = signalsOf(network, last)
  const lifted = { ...signals, constant: signals.constant.map(c => c + LIFT) }
  join("classes", lifted, CLASSES * steps, outputs)
  nodes.set("output", { type: "Output", shape: [outputs] })
  edges.push(["classes", "output"])
  return { nodes, edges, metadata: {} }
}

/** The signals of the input neurons: in proportion to the pixel, which is exact at 0 and 255. */
function pixelSignals({ network }: Model): Form {
  const each = inputSignalsOf(network)
  const shape: RingShape = {
    ...{ inputs: 1, outputFirst: 1, outputs: each, steps: network.steps },
    // The net input of an input neuron is not clamped.
    ...{ netMin: 0, netMax: Number.POSITIVE_INFINITY },
    elementMin: network.elementMin / 4096,
    elementMax: network.elementMax / 4096,
  }
  const full = settledMap(shape, [network.inputScale / 4096])
  const rows = Array.from({ length: network.width * each }, (_, s) => {
    const row = new Float64Array(network.width)
    row[Math.floor(s / each)] = full[s % each]
    return row
  })
  return { parts: new Map([["input", rows]]), constant: new Float64Array(rows.length) }
}

/** Σ weight · value of the form, row by row. */
function combine(form: Form, rows: (readonly (readonly [number, number])[])[]): Form {
  const parts = new Map<string, Float64Array[]>()
  for (const [source, values] of form.parts)
    parts.set(
      source,
      rows.map(entries => {
        const sum = new Float64Array(values[0].length)
        for (const [index, weight] of entries) addTo(sum, values[index], weight)
        return sum
      }),
    )
  const constant = rows.map(entries =>
    entries.reduce((sum, [index, weight]) => sum + weight * form.constant[index], 0),
  )
  return { parts, constant: Float64Array.from(constant) }
}

function addTo(sum: Float64Array, values: Float64Array, weight: number): void {
  if (weight !== 0) for (let i = 0; i < sum.length; i++) sum[i] += weight * values[i]
}

/** What the pieces of all rings take, before they are rectified. */
function takes(net: Form, { take, bias }: RingFit, inputs: number, neurons: number): Form {
  const rows = Array.from({ length: neurons }, (_, n) =>
    take.map(weights => weights.map((weight, i) => [n * inputs + i, weight] as const)),
  ).flat()
  const form = combine(net, rows)
  return { ...form, constant: form.constant.map((c, r) => c + bias[r % bias.length]) }
}

/** The signals of all rings: the direct part of their net inputs, and their pieces' spikes. */
function gives(
  net: Form,
  { out, direct, offset, bias }: RingFit,
  { inputs, outputs }: RingShape,
  neurons: number,
  name: string,
  per: number,
): Form {
  const rings = Array.from({ length: neurons }, (_, n) => n)
  const isDirect = direct.some(weights => weights.some(weight => weight !== 0))
  const linear = combine(
    isDirect ? net : { parts: new Map(), constant: net.constant },
    rings.flatMap(n =>
      direct.map(weights => weights.map((weight, i) => [n * inputs + i, weight] as const)),
    ),
  )
  const rows = rings.flatMap(n =>
    out.map(weights => {
      const row = new Float64Array(neurons * bias.length)
      for (const [j, weight] of weights.entries()) row[n * bias.length + j] = weight / per
      return row
    }),
  )
  return {
    parts: new Map([...linear.parts, [name, rows]]),
    constant: linear.constant.map((c, s) => c + offset[s % outputs]),
  }
}

/** Of a form over constant inputs: their share of a step. */
function perStep({ parts, constant }: Form, steps: number): Form {
  const scaled = [...parts].map(
    ([source, rows]) => [source, rows.map(row => row.map(v => v / steps))] as const,
  )
  return { parts: new Map(scaled), constant }
}

/** Rows times a gain, rounded to float32, as a sparse matrix. */
function dense(rows: Float64Array[], gain: number): Matrix {
  const columns = rows[0].length
  const start = new Int32Array(rows.length + 1)
  for (const [r, row] of rows.entries())
    start[r + 1] = start[r] + row.reduce((count, value) => count + (value === 0 ? 0 : 1), 0)
  const column = new Int32Array(start[rows.length])
  const value = new Float64Array(column.length)
  let at = 0
  for (const row of rows)
    for (let c = 0; c < columns; c++)
      if (row[c] !== 0) {
        column[at] = c
        value[at++] = Math.fround(gain * row[c])
      }
  return { rows: rows.length, columns, start, column, value }
}

/** r of 1, as some tools know no other; thresholds such that a total input of 1 is a spike. */
function neurons(count: number, steps: number, kind: "if" | "lif"): Node {
  const all = (value: number) => new Float64Array(count).fill(value)
  if (kind === "if") return { type: "IF", r: all(1), vThreshold: all(1), vReset: all(0) }
  const tau = LEAK * steps
  return {
    ...{ type: "LIF", tau: all(tau), r: all(1), vLeak: all(0) },
    ...{ vThreshold: all(1 / tau), vReset: all(0) },
  }
}

function noFit(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "nir-no-fit",
    kind: "data",
    message: `the rings of ${name} cannot become integrate-and-fire neurons: ${what}`,
    cause:
      "a settled ring is replaced by a fit of its map, and fits are kept for the rings of the presets of adders",
    help: "use a network of such rings (pico-…, fleet-…, or a size such as 64-16-3), taught by the rule `links`",
  })
}
