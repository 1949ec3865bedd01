/**
 * A small interpreter of linear NIR graphs: what a graph's outputs come to when its input stays as it
 * is.
 *
 * At rest a leaky integrator gives v_leak + r·I. So each value a node gives is a constant plus a
 * weighted sum of other such values, and the graph is one linear system. It is solved block by block:
 * a block is a set of values that depend on one another (a ring and its couplings), and blocks are
 * taken in the order in which they depend on one another.
 */
import { WuxingError } from "../base/errors"
import { inverseOf } from "./dense"
import { type Graph, sizesOf } from "./graph"

/** Largest set of values that may depend on one another: its inverse is dense. */
const MOST_IN_BLOCK = 2000

export interface Rest {
  inputs: number
  outputs: number
  /** The outputs at rest, in a new array. @param input as many values as the Input node takes */
  run(input: ArrayLike<number>): Float64Array
}

/**
 * Prepares a graph with one Input and one Output.
 *
 * @throws WuxingError "nir-no-rest" (kind "data") if it has no state of rest, or more than one
 */
export function restOf(graph: Graph): Rest {
  const { input, output, system } = systemOf(graph)
  const blocks = blocksOf(system).map(members => blockOf(members, system))
  const value = new Float64Array(system.constant.length)
  const inputs = sizesOf(graph.nodes.get(input.name)!).gives
  const outputs = sizesOf(graph.nodes.get(output.name)!).gives
  return {
    inputs,
    outputs,
    run(given) {
      const { constant, start, from, weight } = system
      for (const { members, inverse } of blocks) {
        const right = members.map(v => {
          let sum = constant[v]
          if (v >= input.at && v < input.at + inputs) sum += given[v - input.at]
          for (let at = start[v]; at < start[v + 1]; at++) sum += weight[at] * value[from[at]]
          return sum
        })
        // Values of the block itself were 0 in that sum: they are set after it.
        if (!inverse) value[members[0]] = right[0]
        else
          for (let i = 0; i < members.length; i++) {
            let sum = 0
            for (let j = 0; j < members.length; j++) sum += inverse[i][j] * right[j]
            value[members[i]] = sum
          }
      }
      const result = value.slice(output.at, output.at + outputs)
      value.fill(0)
      return result
    },
  }
}

/** value = constant + Σ weight · value[from], row by row. */
interface System {
  constant: Float64Array
  start: Int32Array
  from: Int32Array
  weight: Float64Array
}

interface Place {
  name: string
  /** Where the node's values begin. */
  at: number
}

function systemOf({ nodes, edges }: Graph): { input: Place; output: Place; system: System } {
  const places = new Map<string, number>()
  let count = 0
  for (const [name, node] of nodes) {
    places.set(name, count)
    count += sizesOf(node).gives
  }
  const only = (type: "Input" | "Output"): Place => {
    const found = [...nodes].filter(([, node]) => node.type === type).map(([name]) => name)
    if (found.length !== 1)
      throw noRest(`it has ${found.length} nodes of type ${type}, expected one`)
    return { name: found[0], at: places.get(found[0])! }
  }
  const constant = new Float64Array(count)
  const start = new Int32Array(count + 1)
  const from: number[] = []
  const weight: number[] = []
  for (const [name, node] of nodes) {
    const sources = edges.filter(([, to]) => to === name).map(([source]) => places.get(source)!)
    const first = places.get(name)!
    const { gives } = sizesOf(node)
    for (let i = 0; i < gives; i++) {
      const put = (taken: number, w: number) => {
        for (const source of sources) {
          from.push(source + taken)
          weight.push(w)
        }
      }
      if (node.type === "IF" || node.type === "LIF" || node.type === "CubaLIF")
        throw noRest(`node "${name}" (${node.type}) spikes`)
      if (node.type === "Scale") put(i, node.scale[i])
      else if (node.type === "LI") {
        constant[first + i] = node.vLeak[i]
        put(i, node.r[i])
      } else if (node.type === "Linear" || node.type === "Affine") {
        if (node.type === "Affine") constant[first + i] = node.bias[i]
        for (let at = node.weight.start[i]; at < node.weight.start[i + 1]; at++)
          put(node.weight.column[at], node.weight.value[at])
      } else put(i, 1)
      start[first + i + 1] = from.length
    }
  }
  const system = {
    ...{ constant, start },
    from: Int32Array.from(from),
    weight: Float64Array.from(weight),
  }
  return { input: only("Input"), output: only("Output"), system }
}

/**
 * Sets of values that depend on one another, each behind those it depends on (R. Tarjan, SIAM J.
 * Comput. 1, 146, 1972; without recursion, as chains may be long).
 */
function blocksOf({ start, from }: System): number[][] {
  const count = start.length - 1
  const index = new Int32Array(count).fill(-1)
  const low = new Int32Array(count)
  const waiting = new Uint8Array(count)
  const next = start.slice(0, count)
  const stack: number[] = []
  const blocks: number[][] = []
  let seen = 0
  for (let root = 0; root < count; root++) {
    if (index[root] >= 0) continue
    const path = [root]
    while (path.length > 0) {
      const v = path[path.length - 1]
      if (index[v] < 0) {
        index[v] = low[v] = seen++
        waiting[v] = 1
        stack.push(v)
      }
      if (next[v] < start[v + 1]) {
        const w = from[next[v]++]
        if (index[w] < 0) path.push(w)
        else if (waiting[w]) low[v] = Math.min(low[v], index[w])
        continue
      }
      path.pop()
      const parent = path[path.length - 1]
      if (parent !== undefined) low[parent] = Math.min(low[parent], low[v])
      if (low[v] !== index[v]) continue
      const members: number[] = []
      let w: number
      do {
        w = stack.pop()!
        waiting[w] = 0
        members.push(w)
      } while (w !== v)
      blocks.push(members)
    }
  }
  return blocks
}

function blockOf(
  members: number[],
  { start, from, weight }: System,
): { members: number[]; inverse?: number[][] } {
  const place = new Map(members.map((v, i) => [v, i]))
  const matrix = () => members.map((_, i) => members.map((_, j) => (i === j ? 1 : 0)))
  let within: number[][] | undefined
  for (const [i, v] of members.entries())
    for (let at = start[v]; at < start[v + 1]; at++) {
      const j = place.get(from[at])
      if (j === undefined) continue
      if (members.length > MOST_IN_BLOCK)
        throw noRest(
          `${members.length} of its values depend on one another, more than can be solved`,
        )
      within ??= matrix()
      within[i][j] -= weight[at]
    }
  if (!within) return { members }
  const inverse = inverseOf(within)
  if (!inverse) throw noRest("values that depend on one another have no state of rest")
  return { members, inverse }
}

function noRest(what: string): WuxingError {
  return new WuxingError({
    code: "nir-no-rest",
    kind: "data",
    message: `the NIR graph cannot be run to rest: ${what}`,
    cause: "it was not exported by this tool, or altered since",
    help: "export it again",
  })
}
