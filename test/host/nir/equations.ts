/**
 * A simulator of NIR graphs from the equations of the primitives alone, sharing nothing with the tool
 * but the shape of a graph in memory. Feed-forward graphs only, one step a unit of time.
 *
 *     IF       dv/dt = r·x
 *     LI, LIF  tau·dv/dt = (v_leak − v) + r·x
 *     CubaLIF  tau_syn·dI/dt = w_in·x − I, then as LIF by tau_mem with I for x
 *     spikes   v > v_threshold: a spike, v becomes v_reset
 *
 * x is constant over a step, and so are the solutions exact; so is I, for v, what it has come to.
 */
import type { Graph, Node } from "../../../host/nir/graph"

interface Unit {
  node: Node
  from: Unit[]
  value: Float64Array
  v: Float64Array
  current: Float64Array
  x: Float64Array
  /** Places of what is not 0, and how many. */
  some: Int32Array
  count: number
  still: boolean
  /** Of weights: rows and values of each column. */
  columns: { rows: Int32Array; weights: Float64Array }[]
}

export interface Counted {
  /** Of the Output, over all steps. */
  sums: number[]
  spikes: number
}

export function byEquations(graph: Graph): (input: ArrayLike<number>, steps: number) => Counted {
  const units = new Map<string, Unit>()
  const unitOf = (name: string): Unit => {
    const known = units.get(name)
    if (known) return known
    const node = graph.nodes.get(name)!
    const from = graph.edges.filter(([, to]) => to === name).map(([before]) => unitOf(before))
    const still = node.type === "Input" || (isStateless(node) && from.every(unit => unit.still))
    const size = sizeOf(node)
    const zeros = () => new Float64Array(size)
    const unit = {
      ...{ node, from, still, value: zeros(), v: zeros(), current: zeros(), x: zeros() },
      ...{ some: new Int32Array(size), count: 0, columns: columnsOf(node) },
    }
    units.set(name, unit)
    return unit
  }
  const outputs = [...graph.nodes].filter(([, node]) => node.type === "Output")
  const last = unitOf(outputs[0][0])
  // Map keeps the order in which units were finished: each after what leads to it.
  const order = [...units.values()]
  return (input, steps) => {
    let spikes = 0
    const sums = new Array<number>(last.value.length).fill(0)
    for (const unit of order) for (const state of [unit.v, unit.current]) state.fill(0)
    for (let step = 0; step < steps; step++) {
      for (const unit of order) {
        if (unit.still && step > 0) continue
        if (unit.node.type === "Input") unit.value.set(input)
        else advance(unit)
        unit.count = 0
        for (let i = 0; i < unit.value.length; i++)
          if (unit.value[i] !== 0) unit.some[unit.count++] = i
        if ("vThreshold" in unit.node) spikes += unit.count
      }
      for (let i = 0; i < sums.length; i++) sums[i] += last.value[i]
    }
    return { sums, spikes }
  }
}

function columnsOf(node: Node): Unit["columns"] {
  if (node.type !== "Linear" && node.type !== "Affine") return []
  const { rows, columns, start, column, value } = node.weight
  const lists: [number, number][][] = Array.from({ length: columns }, () => [])
  for (let r = 0; r < rows; r++)
    for (let at = start[r]; at < start[r + 1]; at++) lists[column[at]].push([r, value[at]])
  return lists.map(list => ({
    rows: Int32Array.from(list, ([r]) => r),
    weights: Float64Array.from(list, ([, w]) => w),
  }))
}

function isStateless({ type }: Node): boolean {
  return type === "Linear" || type === "Affine" || type === "Scale" || type === "Flatten"
}

function sizeOf(node: Node): number {
  if (node.type === "Linear" || node.type === "Affine") return node.weight.rows
  if ("shape" in node) return node.shape.reduce((a, b) => a * b, 1)
  return node.type === "Scale" ? node.scale.length : node.r.length
}

function advance({ node, from, value, v, current, x, columns }: Unit): void {
  if (node.type === "Linear" || node.type === "Affine") {
    if (node.type === "Affine") value.set(node.bias)
    else value.fill(0)
    for (const unit of from)
      for (let k = 0; k < unit.count; k++) {
        const given = unit.value[unit.some[k]]
        const { rows, weights } = columns[unit.some[k]]
        for (let at = 0; at < rows.length; at++) value[rows[at]] += weights[at] * given
      }
    return
  }
  x.fill(0)
  for (const unit of from)
    for (let k = 0; k < unit.count; k++) x[unit.some[k]] += unit.value[unit.some[k]]
  if (node.type === "IF") for (let i = 0; i < v.length; i++) v[i] += node.r[i] * x[i]
  else if (node.type === "LI" || node.type === "LIF")
    for (let i = 0; i < v.length; i++) {
      const rest = node.vLeak[i] + node.r[i] * x[i]
      v[i] = rest + (v[i] - rest) * Math.exp(-1 / node.tau[i])
    }
  else if (node.type === "CubaLIF")
    for (let i = 0; i < v.length; i++) {
      const given = node.wIn[i] * x[i]
      current[i] = given + (current[i] - given) * Math.exp(-1 / node.tauSyn[i])
      const rest = node.vLeak[i] + node.r[i] * current[i]
      v[i] = rest + (v[i] - rest) * Math.exp(-1 / node.tauMem[i])
    }
  else {
    for (let i = 0; i < x.length; i++)
      value[i] = node.type === "Scale" ? x[i] * node.scale[i] : x[i]
    return
  }
  for (let i = 0; i < v.length; i++) {
    const spike = "vThreshold" in node && v[i] > node.vThreshold[i]
    if (spike) v[i] = node.vReset[i]
    value[i] = node.type === "LI" ? v[i] : spike ? 1 : 0
  }
}
