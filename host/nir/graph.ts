/**
 * A graph in the Neuromorphic Intermediate Representation (NIR; Pedersen et al., Nature
 * Communications 15, 8122, 2024), as far as chains of weights and neurons need it: no convolutions.
 *
 * A node's input is the sum of the outputs of the nodes before it. Time is continuous. Values are
 * counted in row-major order, so that a Flatten changes nothing but the shape.
 */

/** A sparse matrix: the non-zero entries of row i are at start[i] … start[i+1]−1, columns ascending. */
export interface Matrix {
  rows: number
  columns: number
  start: Int32Array
  column: Int32Array
  value: Float64Array
}

export type Node =
  | { type: "Input"; shape: number[] }
  | { type: "Output"; shape: number[] }
  /** y = x, in one dimension. */
  | { type: "Flatten"; shape: number[] }
  /** y = W·x */
  | { type: "Linear"; weight: Matrix }
  | Affine
  /** y = scale·x, value by value. */
  | { type: "Scale"; scale: Float64Array }
  | Neurons

/** y = W·x + b */
export type Affine = { type: "Affine"; weight: Matrix; bias: Float64Array }

/** Nodes with a state; one value a neuron in each array. */
export type Neurons =
  /** Leaky integrators: tau·dv/dt = (v_leak − v) + r·x; the output is v. */
  | { type: "LI"; tau: Float64Array; r: Float64Array; vLeak: Float64Array }
  /** dv/dt = r·x; where v > v_threshold a spike is output and v becomes v_reset. */
  | { type: "IF"; r: Float64Array; vThreshold: Float64Array; vReset: Float64Array }
  /** As LI, with the spikes of IF. */
  | {
      type: "LIF"
      tau: Float64Array
      r: Float64Array
      vLeak: Float64Array
      vThreshold: Float64Array
      vReset: Float64Array
    }
  /** tauSyn·dI/dt = −I + wIn·x; tauMem·dv/dt = (v_leak − v) + r·I; spikes as IF. */
  | {
      type: "CubaLIF"
      tauSyn: Float64Array
      tauMem: Float64Array
      r: Float64Array
      vLeak: Float64Array
      vThreshold: Float64Array
      vReset: Float64Array
      wIn: Float64Array
    }

/** The arrays of nodes with one value a neuron: our name, NIR's name. */
export const VECTORS = {
  LI: { tau: "tau", r: "r", vLeak: "v_leak" },
  IF: { r: "r", vThreshold: "v_threshold", vReset: "v_reset" },
  LIF: { tau: "tau", r: "r", vLeak: "v_leak", vThreshold: "v_threshold", vReset: "v_reset" },
  CubaLIF: {
    tauSyn: "tau_syn",
    tauMem: "tau_mem",
    r: "r",
    vLeak: "v_leak",
    vThreshold: "v_threshold",
    vReset: "v_reset",
    wIn: "w_in",
  },
  Scale: { scale: "scale" },
} as const

export type VectorType = keyof typeof VECTORS

export function isVectorType(type: string | undefined): type is VectorType {
  return type !== undefined && Object.hasOwn(VECTORS, type)
}

/** The arrays of a node with NIR's names; none where it has a matrix or a shape. */
export function vectorsOf(node: Node): [name: string, values: Float64Array][] {
  if (!isVectorType(node.type)) return []
  const values = node as unknown as Record<string, Float64Array>
  return Object.entries(VECTORS[node.type]).map(([key, name]) => [name, values[key]])
}

/** Metadata of a graph: not needed to run it. */
export type Metadata = Record<string, string | number | Uint8Array | Int16Array>

export interface Graph {
  nodes: Map<string, Node>
  /** From, to. */
  edges: [string, string][]
  metadata: Metadata
}

/** How many values a node takes and gives. */
export interface Sizes {
  takes: number
  gives: number
}

export function sizesOf(node: Node): Sizes {
  if (node.type === "Input" || node.type === "Output" || node.type === "Flatten") {
    const size = node.shape.reduce((product, side) => product * side, 1)
    return { takes: size, gives: size }
  }
  if (node.type === "Linear" || node.type === "Affine")
    return { takes: node.weight.columns, gives: node.weight.rows }
  const size = vectorsOf(node)[0][1].length
  return { takes: size, gives: size }
}

/** Why a graph is invalid, or "". */
export function graphFaultOf({ nodes, edges }: Graph): string {
  for (const [name, node] of nodes) {
    const fault = valueFaultOf(node)
    if (fault) return `node "${name}" (${node.type}) ${fault}`
  }
  const sizes = new Map([...nodes].map(([name, node]) => [name, { ...sizesOf(node), ...node }]))
  return edgeFaultOf(sizes, edges)
}

/** What is wrong with a node's own values, or "". */
function valueFaultOf(node: Node): string {
  if (node.type === "Affine" && node.bias.length !== node.weight.rows)
    return `has ${node.bias.length} biases for ${node.weight.rows} rows`
  const vectors = vectorsOf(node)
  for (const [what, values] of vectors) {
    if (values.length !== vectors[0][1].length)
      return `has ${values.length} of ${what}, but ${vectors[0][1].length} of ${vectors[0][0]}`
    if (what.startsWith("tau") && !values.every(tau => tau > 0))
      return `has a ${what} that is not above 0`
  }
  return ""
}

/**
 * What is wrong with the edges, or "": each joins two nodes, is there once, and what is joined has one
 * size.
 *
 * @param nodes type and sizes of each; a size that is not known yet is 0 and fits any
 */
export function edgeFaultOf(
  nodes: Map<string, Sizes & { type: string }>,
  edges: [string, string][],
): string {
  const seen = new Set<string>()
  for (const [from, to] of edges) {
    const before = nodes.get(from)
    const after = nodes.get(to)
    for (const [name, node] of [
      [from, before],
      [to, after],
    ] as const)
      if (!node) return `the edge "${from}" → "${to}" names a node "${name}" that does not exist`
    if (!before || !after) continue
    const key = JSON.stringify([from, to])
    if (seen.has(key)) return `the edge "${from}" → "${to}" is there twice`
    seen.add(key)
    const { gives } = before
    const { takes } = after
    if (gives !== takes && gives > 0 && takes > 0)
      return `"${from}" (${before.type}) gives ${gives} values, but "${to}" (${after.type}) takes ${takes}`
  }
  return ""
}

/** Makes a matrix of entries in any order; those at one place are added. */
export function matrixOf(
  rows: number,
  columns: number,
  entries: Iterable<readonly [row: number, column: number, value: number]>,
): Matrix {
  const byRow: Map<number, number>[] = Array.from({ length: rows }, () => new Map())
  for (const [row, column, value] of entries)
    byRow[row].set(column, (byRow[row].get(column) ?? 0) + value)
  const start = new Int32Array(rows + 1)
  const sorted = byRow.map((row, i) => {
    const kept = [...row].filter(([, value]) => value !== 0).sort(([a], [b]) => a - b)
    start[i + 1] = start[i] + kept.length
    return kept
  })
  return {
    ...{ rows, columns, start },
    column: Int32Array.from(sorted.flatMap(row => row.map(([column]) => column))),
    value: Float64Array.from(sorted.flatMap(row => row.map(([, value]) => value))),
  }
}

/** Row, column and value of every entry that is not zero, row by row. */
export function* entriesOf(matrix: Matrix): Generator<[number, number, number]> {
  for (let row = 0; row < matrix.rows; row++)
    for (let at = matrix.start[row]; at < matrix.start[row + 1]; at++)
      yield [row, matrix.column[at], matrix.value[at]]
}

/** The nodes, but for those in `without`, on a cycle or on a way from one to another. */
export function cyclesOf(
  { nodes, edges }: Pick<Graph, "nodes" | "edges">,
  without: ReadonlySet<string> = new Set(),
): string[] {
  let left = new Set([...nodes.keys()].filter(key => !without.has(key)))
  for (;;) {
    const within = edges.filter(([from, to]) => left.has(from) && left.has(to))
    const leading = new Set(within.map(([from]) => from))
    const reached = new Set(within.map(([, to]) => to))
    const next = new Set([...left].filter(key => leading.has(key) && reached.has(key)))
    if (next.size === left.size) return [...left]
    left = next
  }
}

/** Neurons that spike. */
export type Spiking = Exclude<Neurons, { type: "LI" }>

export function isSpiking(node: Node): node is Spiking {
  return node.type === "IF" || node.type === "LIF" || node.type === "CubaLIF"
}

/** A matrix with each row times a number. */
export function scaledRows(weight: Matrix, by: Float64Array): Matrix {
  const value = weight.value.slice()
  for (let row = 0; row < weight.rows; row++)
    for (let at = weight.start[row]; at < weight.start[row + 1]; at++) value[at] *= by[row]
  return { ...weight, value }
}

/** A matrix with each column times a number. */
export function scaledColumns(weight: Matrix, by: Float64Array): Matrix {
  return { ...weight, value: weight.value.map((w, at) => w * by[weight.column[at]]) }
}
