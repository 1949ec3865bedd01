/**
 * What an export keeps beside its graph, so that it can be read back, and reading it back.
 *
 * The coefficients are taken from the weights of the `links` nodes alone. What a linear graph has no
 * place for comes from the metadata: steps, formats, clamps, seed, the record of the training, further
 * arrays (K3 of elements that have learnt), and the image it was linearised about. Everything else in
 * the graph must be what the export of the result would hold, else something was changed that rings
 * cannot follow, and the file is refused by the name of the node.
 */

import { WuxingError } from "../base/errors"
import { sha256 } from "../base/sha256"
import { decodeModel, encodeModel, type Model } from "../models/model-file"
import { coefficientMax } from "../network/network"
import { type Graph, type Matrix, type Metadata, type Node, scaledRows, sizesOf } from "./graph"
import { linearise, linksTo } from "./linearise"
import type { Difference } from "./measure"
import { invalidNir } from "./read-nir"

const MODEL = "wuxing_model"
const IMAGE = "wuxing_image"
const COEFFICIENTS_HASH = "wuxing_coefficients_sha256"
/** Largest difference of a parameter that is not a link's: what rounding to float32 leaves. */
const TOLERANCE = 1e-6

export interface About {
  /** Pixels the graph was linearised about; undefined: about the fixed points. */
  image?: Uint8Array
  /** What the image is called. */
  imageName?: string
  unstableRings: number
  /** Undefined where there were no images to measure with. */
  difference?: Difference
}

/** Metadata for people (texts and figures) and for reading the file back (`wuxing_…`). */
export function metadataOf(model: Model, about: About): Metadata {
  const { image, imageName, unstableRings, difference } = about
  return {
    description: `Wuxing network ${model.network.name}: rings of five elements, linearised. Input: pixels from 0 to 1. A leaky integrator's v is its element's displacement from the fixed point.`,
    linearised_about: image
      ? `the mean state over a settle with ${imageName ?? "a given image"} as input, in which the graph rests at that input`
      : "the fixed points, without input",
    left_out:
      "the products of two displacements in the ring's equation; the clamps of net inputs and of elements; the mean over the steps of a settle, of which the state of rest is the counterpart",
    unstable_rings: unstableRings,
    ...(difference
      ? {
          test_images: difference.images,
          accuracy_of_network: difference.networkAccuracy,
          accuracy_of_graph_at_rest: difference.graphAccuracy,
          same_class: difference.agreement,
          mean_output_difference: difference.meanDifference,
          largest_output_difference: difference.largestDifference,
          mean_output_of_network: difference.meanOutput,
        }
      : {}),
    // A model file without coefficients to speak of: its own checksum finds damage.
    [MODEL]: new Uint8Array(
      encodeModel({ ...model, coefficients: Buffer.alloc(model.coefficients.length) }),
    ),
    [COEFFICIENTS_HASH]: sha256(model.coefficients),
    ...(image ? { [IMAGE]: Uint8Array.from(image) } : {}),
  }
}

/** Was the graph exported by this tool, whatever happened to it since? */
export function isExport({ metadata }: Graph): boolean {
  return MODEL in metadata
}

export interface ReadBack {
  model: Model
  /** Are the coefficients those that were exported? If not, the training record no longer holds. */
  unchanged: boolean
  /** Weights that were no multiple of 1/8192 and were rounded to one. */
  rounded: number
}

/**
 * @param name what to call the graph in an error
 * @param changed take also weights that are not those exported; links may have learnt elsewhere
 * @throws WuxingError of kind "data": "nir-invalid", "nir-changed", or as decodeModel
 */
export function readBack(graph: Graph, name: string, changed = false): ReadBack {
  const { [MODEL]: kept, [IMAGE]: image, [COEFFICIENTS_HASH]: hash } = graph.metadata
  if (!(kept instanceof Uint8Array))
    throw invalidNir(name, `its metadata "${MODEL}" is no model file`)
  const stored = decodeModel(Buffer.from(kept), `in ${name}, metadata "${MODEL}",`)
  const { network } = stored
  if (image !== undefined && !(image instanceof Uint8Array && image.length === network.width))
    throw invalidNir(name, `its metadata "${IMAGE}" is not an image of ${network.width} pixels`)
  const folded = withUnitGains(graph)
  const { coefficients, rounded } = coefficientsIn(folded, stored, name)
  const model = { ...stored, coefficients }
  compare(folded, linearise(model, image as Uint8Array | undefined).graph, name)
  const unchanged = rounded === 0 && sha256(coefficients) === hash
  if (!unchanged && !changed)
    throw new WuxingError({
      code: "nir-changed",
      kind: "data",
      message: `the links' weights in NIR file ${name} are not those that were exported: their checksum (SHA-256) differs`,
      cause: "they learnt elsewhere, or the file is damaged",
      help: "if they are meant, read them with --changed",
    })
  return { model: unchanged ? model : { ...model, training: null }, unchanged, rounded }
}

function coefficientsIn(
  graph: Graph,
  { network, coefficients: { length } }: Model,
  name: string,
): { coefficients: Buffer; rounded: number } {
  const coefficients = Buffer.alloc(length)
  const most = coefficientMax(network)
  let at = 0
  let rounded = 0
  for (let layer = 1; layer <= network.layers.length; layer++) {
    const key = `links${layer}`
    const node = graph.nodes.get(key)
    if (node?.type !== "Affine") throw invalidNir(name, `it has no node "${key}" of type Affine`)
    const integrators = graph.nodes.get(`layer${layer}`)
    if (integrators?.type !== "LI")
      throw invalidNir(name, `it has no node "layer${layer}" of type LI`)
    const places = linksTo(network, layer)
    const valueAt = lookUp(node.weight)
    for (const { target, source } of places) {
      const weight = valueAt(target, source)
      const exact = (weight / integrators.tau[target]) * 8192
      const value = Math.round(exact)
      if (!(Math.abs(value) <= most))
        throw invalidNir(
          name,
          `node "${key}" (Affine) has the weight ${weight} at [${target}, ${source}], but a coefficient lies within ±${most / 8192} times tau`,
        )
      // A tau that is not 1 costs the last bits of the weight.
      if (Math.abs(value - exact) > 1e-6) rounded++
      coefficients.writeInt16LE(value, at)
      at += 2
    }
  }
  return { coefficients, rounded }
}

/**
 * The graph with r = 1 and v_leak = 0 in its integrators, as exports have it since 0.2; earlier ones had
 * r = tau, and Linear nodes.
 */
function withUnitGains({ nodes, edges, metadata }: Graph): Graph {
  const folded = new Map(nodes)
  for (const [key, node] of nodes)
    if (node.type === "Linear")
      folded.set(key, {
        type: "Affine",
        weight: node.weight,
        bias: new Float64Array(node.weight.rows),
      })
  for (const [key, node] of nodes) {
    if (node.type !== "LI" || node.r.every(r => r === 1)) continue
    if (node.r.some((r, i) => r !== node.tau[i])) continue
    const sources = edges.filter(([, to]) => to === key).map(([from]) => from)
    let constants = node.vLeak
    for (const source of sources) {
      const affine = folded.get(source)
      if (affine?.type !== "Affine" || affine.bias.length !== node.r.length)
        return { nodes, edges, metadata }
      const added = constants
      folded.set(source, {
        type: "Affine",
        weight: scaledRows(affine.weight, node.r),
        bias: affine.bias.map((b, row) => b * node.r[row] + added[row]),
      })
      constants = new Float64Array(constants.length)
    }
    const none = { r: node.r.map(() => 1), vLeak: node.r.map(() => 0) }
    folded.set(key, { ...node, ...none })
  }
  return { nodes: folded, edges, metadata }
}

/** Everything but the weights of links is what the model's own export would hold. */
function compare(graph: Graph, expected: Graph, name: string): void {
  for (const [key, { type }] of graph.nodes)
    if (!expected.nodes.has(key))
      throw invalidNir(name, `node "${key}" (${type}) is not of this network's export`)
  // Integrators first: a coefficient is a weight divided by a tau.
  const integratorsFirst = [...expected.nodes].sort(
    ([, a], [, b]) => Number(b.type === "LI") - Number(a.type === "LI"),
  )
  for (const [key, node] of integratorsFirst) {
    const found = graph.nodes.get(key)
    if (found?.type !== node.type)
      throw invalidNir(name, `it has no node "${key}" of type ${node.type}`)
    // Half a step of Q13, times a tau that is below 2, where a weight was rounded.
    const what = differenceOf(found, node, /^links\d+$/.test(key) ? 1 / 8192 : 0)
    if (what)
      throw invalidNir(
        name,
        `node "${key}" (${node.type}) was changed: ${what}, which rings cannot follow`,
      )
  }
  const edges = (of: Graph) => of.edges.map(edge => JSON.stringify(edge)).sort()
  const there = edges(graph)
  const wanted = edges(expected)
  const odd = there.find(e => !wanted.includes(e)) ?? wanted.find(e => !there.includes(e))
  if (odd)
    throw invalidNir(name, `the edge ${odd} is ${there.includes(odd) ? "too many" : "missing"}`)
}

/** What sets two nodes of one type apart by more than rounding, or "". */
function differenceOf(node: Node, expected: Node, slack: number): string {
  const list = (what: string, a: ArrayLike<number>, b: ArrayLike<number>) => {
    if (a.length !== b.length) return `it has ${a.length} of ${what}, not ${b.length}`
    for (let i = 0; i < a.length; i++)
      if (Math.abs(a[i] - b[i]) > TOLERANCE * Math.max(1, Math.abs(b[i])))
        return `${what}[${i}] is ${a[i]}, not ${b[i]}`
    return ""
  }
  if (node.type === "LI" && expected.type === "LI")
    return (
      list("tau", node.tau, expected.tau) ||
      list("r", node.r, expected.r) ||
      list("v_leak", node.vLeak, expected.vLeak)
    )
  if (node.type === "Affine" && expected.type === "Affine") {
    const [a, b] = [sizesOf(node), sizesOf(expected)]
    if (a.takes !== b.takes || a.gives !== b.gives)
      return `its weight is [${a.gives}, ${a.takes}], not [${b.gives}, ${b.takes}]`
    return (
      entriesDifference(node.weight, expected.weight, slack) ||
      list("bias", node.bias, expected.bias)
    )
  }
  if ("shape" in node && "shape" in expected) return list("shape", node.shape, expected.shape)
  return ""
}

function entriesDifference(a: Matrix, b: Matrix, slack: number): string {
  const inA = lookUp(a)
  const inB = lookUp(b)
  for (const [matrix, other] of [
    [a, inB],
    [b, inA],
  ] as const)
    for (let row = 0; row < matrix.rows; row++)
      for (let at = matrix.start[row]; at < matrix.start[row + 1]; at++) {
        const column = matrix.column[at]
        const [x, y] = [matrix.value[at], other(row, column)]
        if (Math.abs(x - y) > slack + TOLERANCE * Math.max(1, Math.abs(x)))
          return `the weight at [${row}, ${column}] is ${inA(row, column)}, not ${inB(row, column)}`
      }
  return ""
}

/** The value at a place; columns ascend within a row. */
function lookUp({ start, column, value }: Matrix): (row: number, column: number) => number {
  return (row, wanted) => {
    let low = start[row]
    let high = start[row + 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (column[middle] < wanted) low = middle + 1
      else high = middle
    }
    return low < start[row + 1] && column[low] === wanted ? value[low] : 0
  }
}
