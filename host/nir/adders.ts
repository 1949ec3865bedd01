/**
 * A plain NIR graph, Input → (Linear or Affine → neurons) once or more → Output, as an adder network to
 * begin learning from. Flatten and Scale may stand anywhere.
 *
 * Each neuron becomes a ring with its synapse on element 0 and element 1 read, and each weight a
 * coefficient, such that the network at rest answers small signals as the graph does: with g the
 * response of element 1 at rest to a net input of 1 on element 0, s the input scale, and r the response
 * of the graph's neuron to a constant input of 1,
 *
 *     C = r·W / (g²·s)   from pixels (the input neuron responds by g·s as well)
 *     C = r·W / g        from neurons
 *
 * For an LI r is its r. Of spiking neurons it is the slope of the rate far above the threshold, spikes
 * in a time constant (IF: in a unit of time): r / (v_threshold − v_reset), times w_in for a CubaLIF.
 *
 * Adder networks have no constant inputs, and all rings one time scale: bias, v_leak, tau and the
 * threshold itself have no counterpart and are left out.
 */
import "../base/memory"
import { basename } from "node:path"
import { WuxingError } from "../base/errors"
import type { Model } from "../models/model-file"
import { coefficientMax, type Layer, type Network } from "../network/network"
import { issuesOf, networkSchema } from "../network/network-schema"
import { pico16 } from "../network/presets"
import { inverseOf } from "./dense"
import { type Graph, type Matrix, type Node, scaledColumns, sizesOf } from "./graph"
import { ELEMENTS, jacobianOf, K3 } from "./ring"

export interface Adders {
  model: Model
  /** Largest |bias| and |v_leak| that was left out; 0: none was. */
  largestConstant: number
  /** Had neurons time constants (all but IF have), which were left out? */
  timed: boolean
  /** Had the graph spiking neurons, whose rates became signals? */
  spiking: boolean
  /** Weights that are not 0, and those of them whose coefficient rounds to 0. */
  weights: number
  vanished: number
}

interface Stage {
  name: string
  weight: Matrix
  /** Response of each neuron to a constant input of 1. */
  gain: Float64Array
  /** Largest bias or v_leak. */
  constant: number
  timed: boolean
  spiking: boolean
}

/** Finest first: the finer the signals, the smaller coefficients 32-bit sums allow. */
const SIGNAL_BITS = [12, 11, 10, 9, 8, 7, 6]

/**
 * @param name what to call the graph in an error, and, without its ending, the network
 * @throws WuxingError of kind "data": "nir-unsupported" for any other graph, "nir-too-large" for one
 *   that the core cannot hold
 */
export function addersOf(graph: Graph, name: string): Adders {
  const { width, stages } = stagesOf(graph, name)
  const inputScale = 4096
  const g = responseAtRest()
  const values = stages.map(({ weight, gain }, i) => {
    const response = i === 0 ? g * g * (inputScale / 4096) : g
    return Array.from({ length: weight.rows }, (_, row) =>
      Float64Array.from(
        weight.value.subarray(weight.start[row], weight.start[row + 1]),
        w => (w * gain[row]) / response,
      ),
    )
  })
  const { network, most } = networkFor(width, stages, values, inputScale, name)
  for (const [i, rows] of values.entries())
    for (const [row, coefficients] of rows.entries())
      for (const c of coefficients)
        if (Math.abs(Math.round(c * 8192)) > most)
          throw tooLarge(
            name,
            `node "${stages[i].name}" needs a coefficient of ${c.toFixed(4)} in row ${row}, but with so many links to a synapse it lies within ±${(most / 8192).toFixed(4)}`,
            "scale the weights down; which output is largest does not depend on it",
          )
  const all = values.flat().flatMap(coefficients => [...coefficients])
  const coefficients = Buffer.alloc(2 * all.length)
  for (const [i, c] of all.entries()) coefficients.writeInt16LE(Math.round(c * 8192), 2 * i)
  return {
    model: { network, coefficients, training: null },
    largestConstant: Math.max(...stages.map(({ constant }) => constant)),
    timed: stages.some(({ timed }) => timed),
    spiking: stages.some(({ spiking }) => spiking),
    weights: all.length,
    vanished: all.filter(c => Math.round(c * 8192) === 0).length,
  }
}

/** The response g of element 1 at rest to a net input of 1 on element 0, small signals. */
export function responseAtRest(): number {
  const k3 = new Array<number>(ELEMENTS).fill(K3)
  const inverse = inverseOf(
    jacobianOf(
      k3,
      k3.map(() => 1),
    ),
  )
  if (!inverse) throw new Error("the ring at its fixed point has no response")
  return -inverse[1][0]
}

function networkFor(
  width: number,
  stages: Stage[],
  values: Float64Array[][],
  inputScale: number,
  name: string,
): { network: Network; most: number } {
  const layers: Layer[] = stages.map(({ weight }, i) => ({
    ...{ neurons: weight.rows, inputs: 1, outputFirst: 1, outputs: 1 },
    // A layer without any link is one all the same.
    fanIn: Math.max(1, ...values[i].map(row => row.length)),
  }))
  const full = stages.every(({ weight }) => weight.value.length === weight.rows * weight.columns)
  const links = full
    ? { linking: "adder" as const }
    : {
        linking: "explicit" as const,
        given: stages.map(({ weight: { rows, start, column } }) =>
          Array.from({ length: rows }, (_, row) => [
            ...column.subarray(start[row], start[row + 1]),
          ]),
        ),
      }
  const base = { ...pico16(1), name: nameFrom(name), width, layers, inputScale, ...links }
  const checked = networkSchema.safeParse(base)
  if (!checked.success)
    throw tooLarge(name, issuesOf(checked.error), "use a graph with fewer neurons or layers")
  let largest = 0
  for (const row of values.flat())
    for (const c of row) largest = Math.max(largest, Math.abs(Math.round(c * 8192)))
  const coarsest = { ...base, signalBits: SIGNAL_BITS[SIGNAL_BITS.length - 1] }
  const network =
    SIGNAL_BITS.map(signalBits => ({ ...base, signalBits })).find(
      each => coefficientMax(each) >= largest,
    ) ?? coarsest
  return { network, most: coefficientMax(network) }
}

function nameFrom(path: string): string {
  return (
    basename(path)
      .replace(/\.[a-z0-9]+$/i, "")
      .slice(0, 100) || "nir"
  )
}

/** The graph as a chain; anything else is refused by the name and type of the node. */
function stagesOf({ nodes, edges }: Graph, name: string): { width: number; stages: Stage[] } {
  const refuse = (key: string, what: string) =>
    unsupported(name, `node "${key}" (${nodes.get(key)?.type}) ${what}`)
  const only = (type: "Input" | "Output") => {
    const found = [...nodes].filter(([, node]) => node.type === type).map(([key]) => key)
    if (found.length === 0) throw unsupported(name, `it has no node of type ${type}`)
    if (found.length > 1) throw refuse(found[1], "is a second one of its type")
    return found[0]
  }
  const first = only("Input")
  const last = only("Output")
  const width = sizesOf(nodes.get(first)!).gives
  const visited = new Set([first])
  const stages: Stage[] = []
  const nextOf = (key: string): string => {
    const next = edges.filter(([from]) => from === key).map(([, to]) => to)
    if (next.length !== 1) throw refuse(key, `leads to ${next.length} nodes, expected one`)
    if (visited.has(next[0])) throw refuse(next[0], "is reached again: the graph is recurrent")
    visited.add(next[0])
    return next[0]
  }
  let at = nextOf(first)
  /** Scales since the last weights or neurons, value by value. */
  let scale: Float64Array | undefined
  const past = (key: string): string => {
    let next = key
    for (;;) {
      const node = nodes.get(next)!
      if (node.type === "Scale") scale = product(scale, node.scale)
      else if (node.type !== "Flatten") return next
      next = nextOf(next)
    }
  }
  at = past(at)
  while (at !== last || stages.length === 0) {
    const node = nodes.get(at)!
    if (node.type !== "Linear" && node.type !== "Affine")
      throw refuse(at, "stands where a Linear or Affine is expected")
    const { weight } = node
    const columns = scale
    scale = undefined
    const after = past(nextOf(at))
    const neurons = nodes.get(after)!
    const response = responseOf(neurons)
    if (!response) throw refuse(after, `stands where neurons are expected, after "${at}"`)
    if (!response.gain.every(gain => Number.isFinite(gain) && gain !== 0))
      throw refuse(after, "has a v_threshold that is not above its v_reset, or an r of 0")
    const bias = node.type === "Affine" ? node.bias : new Float64Array(0)
    stages.push({
      name: at,
      weight: columns ? scaledColumns(weight, columns) : weight,
      gain: product(scale, response.gain),
      constant: largestOf(bias, response.vLeak),
      timed: neurons.type !== "IF",
      spiking: neurons.type !== "LI",
    })
    scale = undefined
    at = past(nextOf(after))
  }
  if (scale) throw refuse(last, "is reached through a Scale, which no ring stands for")
  if (edges.some(([from]) => from === last)) throw refuse(last, "leads on")
  for (const key of nodes.keys())
    if (!visited.has(key)) throw refuse(key, "is not on the way from input to output")
  return { width, stages }
}

/** What a neuron makes of a constant input of 1, far above any threshold. */
function responseOf(node: Node): { gain: Float64Array; vLeak: Float64Array } | undefined {
  if (node.type === "LI") return { gain: node.r, vLeak: node.vLeak }
  if (node.type !== "IF" && node.type !== "LIF" && node.type !== "CubaLIF") return undefined
  const { r, vThreshold, vReset } = node
  const gain = r.map((value, i) => {
    const height = vThreshold[i] - vReset[i]
    return height > 0 ? value / height : Number.NaN
  })
  return {
    gain: node.type === "CubaLIF" ? product(gain, node.wIn) : gain,
    vLeak: node.type === "IF" ? new Float64Array(0) : node.vLeak,
  }
}

function product(a: Float64Array | undefined, b: Float64Array): Float64Array {
  return a ? a.map((value, i) => value * b[i]) : b
}

function largestOf(...arrays: Float64Array[]): number {
  let largest = 0
  for (const values of arrays) for (const v of values) largest = Math.max(largest, Math.abs(v))
  return largest
}

function unsupported(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "nir-unsupported",
    kind: "data",
    message: `NIR file ${name} cannot become a network of rings: ${what}`,
    cause: "it is neither an export of this tool nor a chain of weights and neurons",
    help: "Input → (Linear or Affine → LI, IF, LIF or CubaLIF), once or more, → Output is read, with Flatten and Scale anywhere",
  })
}

function tooLarge(name: string, what: string, help: string): WuxingError {
  return new WuxingError({
    code: "nir-too-large",
    kind: "data",
    message: `NIR file ${name} cannot become a network of rings: ${what}`,
    cause: "the core keeps coefficients in 16 bits and sums in 32",
    help,
  })
}
