/** Small graphs of spiking neurons. */
import { type Graph, matrixOf, type Node } from "../../../host/nir/graph"

/**
 * Nine inputs, twelve neurons, four classes.
 *
 * @param whole weights, thresholds and biases of 8 bits
 * @param skip the classes also read the inputs
 * @param salt another graph for another number
 */
export function randomGraph(
  kind: "IF" | "LIF" | "CubaLIF",
  whole: boolean,
  skip: boolean,
  salt: number,
): Graph {
  let at = salt * 1000
  const next = () => Math.abs(Math.sin(++at * 12.9898) * 43758.5453) % 1
  const weight = () => (whole ? Math.round(254 * next() - 127) : 2 * next() - 0.8)
  const full = (rows: number, columns: number, density: number) =>
    matrixOf(
      rows,
      columns,
      Array.from({ length: rows * columns }, (_, i) => [
        ...([Math.floor(i / columns), i % columns] as const),
        next() < density ? weight() : 0,
      ]) as [number, number, number][],
    )
  const list = (count: number, value: () => number) => Float64Array.from({ length: count }, value)
  const neurons = (count: number): Node => {
    const unit = whole ? 127 : 1
    const spikes = {
      vThreshold: list(count, () => Math.round((1 + 3 * next()) * unit)),
      vReset: list(count, () => 0),
    }
    if (kind === "IF") return { type: "IF", r: list(count, () => 1), ...spikes }
    const leaks = { vLeak: list(count, () => 0.2 * next()), ...spikes }
    if (kind === "LIF")
      return {
        type: "LIF",
        tau: list(count, () => 5 + 30 * next()),
        r: list(count, () => 8),
        ...leaks,
      }
    return {
      ...{ type: "CubaLIF", tauSyn: list(count, () => 2 + 5 * next()), ...leaks },
      ...{ tauMem: list(count, () => 5 + 20 * next()), r: list(count, () => 6) },
      wIn: list(count, () => 1.5),
    }
  }
  const affine = (rows: number, columns: number, density: number): Node => ({
    type: "Affine",
    weight: full(rows, columns, density),
    bias: list(rows, () => (whole ? Math.round(20 * next()) : 0.1 * next())),
  })
  const nodes = new Map<string, Node>([
    ["input", { type: "Input", shape: [9] }],
    ["a", affine(12, 9, 0.9)],
    ["first", neurons(12)],
    ["b", affine(4, 12, 0.3)],
    ["second", neurons(4)],
    ["output", { type: "Output", shape: [4] }],
  ])
  const edges: [string, string][] = [
    ["input", "a"],
    ["a", "first"],
    ["first", "b"],
    ["b", "second"],
    ["second", "output"],
  ]
  if (skip) {
    nodes.set("c", affine(4, 9, 0.5))
    edges.push(["input", "c"], ["c", "second"])
  }
  return { nodes, edges, metadata: {} }
}
