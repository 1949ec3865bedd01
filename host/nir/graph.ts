/**
 * A graph in the Neuromorphic Intermediate Representation (NIR; Pedersen et al., Nature
 * Communications 15, 8122, 2024), as far as linear networks need it: no spikes, no convolutions.
 *
 * What a node is given is the sum of what the nodes before it give. Time is continuous.
 */

/** A matrix of which few entries are not zero: those of row i are at start[i] … start[i+1]−1. */
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
  /** y = W·x */
  | { type: "Linear"; weight: Matrix }
  /** y = W·x + b */
  | { type: "Affine"; weight: Matrix; bias: Float64Array }
  /** Leaky integrators: tau·dv/dt = (vLeak − v) + r·x. What they give is v. */
  | { type: "LI"; tau: Float64Array; r: Float64Array; vLeak: Float64Array }

/** Texts, numbers and arrays beside a graph: nobody needs them to run it. */
export type Metadata = Record<string, string | number | Uint8Array | Int16Array>

export interface Graph {
  nodes: Map<string, Node>
  /** From, to. */
  edges: [string, string][]
  metadata: Metadata
}

/** Values a node takes and gives. */
export function sizesOf(node: Node): { takes: number; gives: number } {
  if (node.type === "Input" || node.type === "Output") {
    const size = node.shape.reduce((product, side) => product * side, 1)
    return { takes: size, gives: size }
  }
  if (node.type === "LI") return { takes: node.tau.length, gives: node.tau.length }
  return { takes: node.weight.columns, gives: node.weight.rows }
}

/** Why a graph is not one, or "": its edges, and that what is joined has one size. */
export function graphFaultOf({ nodes, edges }: Graph): string {
  for (const [name, node] of nodes) {
    if (node.type === "Affine" && node.bias.length !== node.weight.rows)
      return `node "${name}" (Affine) has ${node.bias.length} biases for ${node.weight.rows} rows`
    if (node.type === "LI")
      for (const [what, values] of [
        ["r", node.r],
        ["v_leak", node.vLeak],
      ] as const)
        if (values.length !== node.tau.length)
          return `node "${name}" (LI) has ${values.length} of ${what}, but ${node.tau.length} of tau`
    if (node.type === "LI" && !node.tau.every(tau => tau > 0))
      return `node "${name}" (LI) has a tau that is not above 0`
  }
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
    const { gives } = sizesOf(before)
    const { takes } = sizesOf(after)
    if (gives !== takes)
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

/** Row, column and value of everything that is not zero, row by row. */
export function* entriesOf(matrix: Matrix): Generator<[number, number, number]> {
  for (let row = 0; row < matrix.rows; row++)
    for (let at = matrix.start[row]; at < matrix.start[row + 1]; at++)
      yield [row, matrix.column[at], matrix.value[at]]
}
