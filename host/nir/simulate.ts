/**
 * A small simulator of NIR graphs in discrete time, written from the equations of the primitives
 * (graph.ts), which say nothing of steps. Here:
 *
 * - within a step, values pass through the whole graph, in the order of its edges; an edge that closes
 *   a cycle gives what there was in the step before (0 in the first);
 * - a state moves as it would for an input that is constant over the step: IF by r·x·dt, LI, LIF and
 *   CubaLIF by the exact exponential; a CubaLIF's current first, then its v for that current;
 * - v > v_threshold at the end of a step is a spike of 1 in that step, and v becomes v_reset;
 * - v and currents start at 0.
 */
import { WuxingError } from "../base/errors"
import {
  cyclesOf,
  type Graph,
  isSpiking,
  type Matrix,
  type Neurons,
  type Node,
  sizesOf,
} from "./graph"

export interface Simulation {
  inputs: number
  outputs: number
  /** Nodes that spike, in the order of their names in the graph, with their number of neurons. */
  spiking: { name: string; neurons: number }[]
  /**
   * Runs from rest with an input that stays as it is.
   *
   * @param input as many values as the Input takes
   * @param onSpike called for each spike: node as in `spiking`, neuron, step from 0
   */
  run(
    input: ArrayLike<number>,
    steps: number,
    onSpike?: (node: number, neuron: number, step: number) => void,
  ): Run
}

export interface Run {
  /** What the Output was given, summed over the steps: spike counts, where it is given spikes. */
  sums: Float64Array
  /** Spikes of all nodes. */
  spikes: number
}

/** One node while a graph runs. */
interface Place {
  name: string
  node: Node
  /** What the node gives, and the values that are not 0 where they are few. */
  out: Float64Array
  active: Int32Array
  /** Number of active values; −1: any value may be other than 0. */
  count: number
  /** Does `out` stay as it is over a run? */
  constant: boolean
  sources: Place[]
  advance: () => void
}

/**
 * @param dt length of a step, in the unit of the graph's time constants
 * @throws WuxingError "nir-unsupported" (kind "data") without one Input and one Output that is
 *   reached, or where nodes without a state form a cycle
 */
export function simulationOf(graph: Graph, name: string, dt = 1): Simulation {
  const only = (type: "Input" | "Output") => {
    const found = [...graph.nodes].filter(([, node]) => node.type === type)
    if (found.length !== 1)
      throw unsupported(
        name,
        `it has ${found.length} nodes of type ${type}, expected one`,
        ...ONE_WAY,
      )
    return found[0][0]
  }
  const input = only("Input")
  const output = only("Output")
  if (!graph.edges.some(([, to]) => to === output))
    throw unsupported(name, `nothing leads to node "${output}" (Output)`, ...ONE_WAY)
  const order = orderOf(graph, name)
  const places = new Map<string, Place>()
  for (const key of order) {
    const node = graph.nodes.get(key)!
    const out = new Float64Array(sizesOf(node).gives)
    places.set(key, {
      ...{ name: key, node, out, active: new Int32Array(out.length), count: -1 },
      ...{ constant: false, sources: [], advance: () => {} },
    })
  }
  for (const [from, to] of graph.edges) places.get(to)!.sources.push(places.get(from)!)
  const rank = new Map(order.map((key, i) => [key, i]))
  const resets: (() => void)[] = []
  for (const place of places.values()) {
    const late = place.sources.some(source => rank.get(source.name)! >= rank.get(place.name)!)
    place.constant =
      !late &&
      (place.name === input || !isNeurons(place.node)) &&
      place.sources.every(source => source.constant)
    place.advance = advanceOf(place, dt, reset => resets.push(reset))
  }
  const inOrder = order.map(key => places.get(key)!)
  const constant = inOrder.filter(place => place.constant && place.name !== input)
  const moving = inOrder.filter(place => !place.constant)
  const spiking = inOrder.filter(({ node }) => isSpiking(node))
  const [first, last] = [places.get(input)!, places.get(output)!]
  return {
    inputs: first.out.length,
    outputs: last.out.length,
    spiking: spiking.map(({ name, out }) => ({ name, neurons: out.length })),
    run(given, steps, onSpike) {
      for (const reset of resets) reset()
      for (const place of moving) {
        place.out.fill(0)
        place.count = isSpiking(place.node) ? 0 : -1
      }
      first.out.set(given)
      for (const place of constant) place.advance()
      const sums = new Float64Array(last.out.length)
      let spikes = 0
      for (let step = 0; step < steps; step++) {
        for (const place of moving) place.advance()
        for (let i = 0; i < sums.length; i++) sums[i] += last.out[i]
        for (const [n, { active, count }] of spiking.entries()) {
          spikes += count
          if (onSpike) for (let k = 0; k < count; k++) onSpike(n, active[k], step)
        }
      }
      return { sums, spikes }
    },
  }
}

function isNeurons(node: Node): node is Neurons {
  return node.type === "LI" || isSpiking(node)
}

/** Each node after those that lead to it; where there are cycles, they are cut before neurons. */
function orderOf({ nodes, edges }: Graph, name: string): string[] {
  const missing = new Map([...nodes.keys()].map(key => [key, 0]))
  for (const [, to] of edges) missing.set(to, missing.get(to)! + 1)
  const order: string[] = []
  const done = new Set<string>()
  const ready = [...missing].filter(([, count]) => count === 0).map(([key]) => key)
  while (done.size < nodes.size) {
    const next =
      ready.shift() ?? [...nodes].find(([key, node]) => !done.has(key) && isNeurons(node))?.[0]
    if (next === undefined)
      throw unsupported(
        name,
        `the nodes ${cyclesOf({ nodes, edges }, done).join(", ")} form a cycle without neurons`,
        "within a step, what a node gives would hang on itself",
        "cycles are run where they lead through neurons (LI, IF, LIF, CubaLIF)",
      )
    if (done.has(next)) continue
    done.add(next)
    order.push(next)
    for (const [from, to] of edges) {
      if (from !== next) continue
      missing.set(to, missing.get(to)! - 1)
      if (missing.get(to) === 0 && !done.has(to)) ready.push(to)
    }
  }
  return order
}

/** The step of a node. @param atStart takes what puts its state back to 0 */
function advanceOf(place: Place, dt: number, atStart: (reset: () => void) => void): () => void {
  const { node, out, sources } = place
  if (node.type === "Linear" || node.type === "Affine") {
    const bias = node.type === "Affine" ? node.bias : new Float64Array(out.length)
    const columns = byColumn(node.weight)
    return () => {
      out.set(bias)
      for (const source of sources) addProduct(out, columns, source)
    }
  }
  if (!isNeurons(node)) {
    const scale = node.type === "Scale" ? node.scale : undefined
    return () => {
      gather(out, sources)
      if (scale) for (let i = 0; i < out.length; i++) out[i] *= scale[i]
    }
  }
  const x = new Float64Array(out.length)
  const v = new Float64Array(out.length)
  const current = new Float64Array(node.type === "CubaLIF" ? out.length : 0)
  atStart(() => {
    v.fill(0)
    current.fill(0)
  })
  const move = movementOf(node, v, current, dt)
  if (node.type === "LI")
    return () => {
      gather(x, sources)
      move(x)
      out.set(v)
    }
  const { vThreshold, vReset } = node
  return () => {
    gather(x, sources)
    move(x)
    for (let k = 0; k < place.count; k++) out[place.active[k]] = 0
    let count = 0
    for (let i = 0; i < v.length; i++)
      if (v[i] > vThreshold[i]) {
        v[i] = vReset[i]
        out[i] = 1
        place.active[count++] = i
      }
    place.count = count
  }
}

/** How v moves in a step for the input x. */
function movementOf(
  node: Neurons,
  v: Float64Array,
  current: Float64Array,
  dt: number,
): (x: Float64Array) => void {
  const { r } = node
  if (node.type === "IF") {
    const gain = r.map(value => value * dt)
    return x => {
      for (let i = 0; i < v.length; i++) v[i] += gain[i] * x[i]
    }
  }
  const { vLeak } = node
  const keep = (tau: Float64Array) => tau.map(value => Math.exp(-dt / value))
  const kept = keep(node.type === "CubaLIF" ? node.tauMem : node.tau)
  const towards = (x: Float64Array) => {
    for (let i = 0; i < v.length; i++) {
      const rest = vLeak[i] + r[i] * x[i]
      v[i] = rest + (v[i] - rest) * kept[i]
    }
  }
  if (node.type !== "CubaLIF") return towards
  const keptCurrent = keep(node.tauSyn)
  const { wIn } = node
  return x => {
    for (let i = 0; i < v.length; i++) {
      const rest = wIn[i] * x[i]
      current[i] = rest + (current[i] - rest) * keptCurrent[i]
    }
    towards(current)
  }
}

/** The sum of what the sources give. */
function gather(sum: Float64Array, sources: Place[]): void {
  if (sources.length === 1 && sources[0].count < 0) {
    sum.set(sources[0].out)
    return
  }
  sum.fill(0)
  for (const { out, active, count } of sources)
    if (count < 0) for (let i = 0; i < sum.length; i++) sum[i] += out[i]
    else for (let k = 0; k < count; k++) sum[active[k]] += out[active[k]]
}

/** The entries of column c are at start[c] … start[c+1]−1. */
interface Columns {
  start: Int32Array
  row: Int32Array
  value: Float64Array
}

function byColumn({ rows, columns, start, column, value }: Matrix): Columns {
  const first = new Int32Array(columns + 1)
  for (const c of column) first[c + 1]++
  for (let c = 0; c < columns; c++) first[c + 1] += first[c]
  const next = first.slice()
  const row = new Int32Array(column.length)
  const values = new Float64Array(column.length)
  for (let r = 0; r < rows; r++)
    for (let at = start[r]; at < start[r + 1]; at++) {
      const to = next[column[at]]++
      row[to] = r
      values[to] = value[at]
    }
  return { start: first, row, value: values }
}

function addProduct(sum: Float64Array, columns: Columns, source: Place): void {
  const { out, active, count } = source
  const { start, row, value } = columns
  const add = (c: number) => {
    const x = out[c]
    if (x === 0) return
    for (let at = start[c]; at < start[c + 1]; at++) sum[row[at]] += value[at] * x
  }
  if (count < 0) for (let c = 0; c < out.length; c++) add(c)
  else for (let k = 0; k < count; k++) add(active[k])
}

/** Cause and help where a graph has no one input and output. */
const ONE_WAY = [
  "it is not a graph from one input to one output",
  "join inputs, and outputs, to one before the export; the Output must be reached",
] as const

function unsupported(name: string, what: string, cause: string, help: string): WuxingError {
  return new WuxingError({
    code: "nir-unsupported",
    kind: "data",
    message: `NIR graph ${name} cannot be run: ${what}`,
    cause,
    help,
  })
}
