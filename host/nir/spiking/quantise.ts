/**
 * A graph of integrate-and-fire neurons in whole numbers, as chips have them: each neuron's weights,
 * biases and threshold times a factor of its own, so that its largest weight is the largest whole number
 * of so many bits. Which spikes it sends depends on their ratios alone; what is lost is the rounding of
 * its smaller weights. Leaky neurons get r = tau, so that their thresholds are whole as well: a step
 * then adds its input to v.
 */
import type { Graph, Matrix, Node } from "../graph"

/**
 * @param bits of a weight with its sign, 2…16; biases and thresholds are whole but not bounded
 * @returns a new graph; the shares of weights that became 0 are in `vanished`
 */
export function quantise(graph: Graph, bits: number): { graph: Graph; vanished: number } {
  const largest = 2 ** (bits - 1) - 1
  const nodes = new Map(graph.nodes)
  let [weights, vanished] = [0, 0]
  for (const [name, node] of graph.nodes) {
    if (node.type !== "IF" && node.type !== "LIF") continue
    const before = graph.edges.filter(([, to]) => to === name).map(([from]) => from)
    const factor = factorsOf(
      before.map(key => graph.nodes.get(key)!),
      node.r.length,
      largest,
    )
    for (const key of before) {
      const weighted = graph.nodes.get(key)!
      if (weighted.type !== "Linear" && weighted.type !== "Affine") continue
      const weight = rounded(weighted.weight, factor)
      weights += weighted.weight.value.length
      vanished += weighted.weight.value.length - weight.value.length
      nodes.set(
        key,
        weighted.type === "Linear"
          ? { type: "Linear", weight }
          : {
              type: "Affine",
              weight,
              bias: weighted.bias.map((b, i) => Math.round(b * factor[i])),
            },
      )
    }
    const tau = node.type === "LIF" ? node.tau : node.r
    const scaled = (v: number, i: number) => (v * factor[i] * tau[i]) / node.r[i]
    nodes.set(name, {
      ...node,
      r: tau,
      vThreshold: node.vThreshold.map((v, i) => Math.round(scaled(v, i))),
      vReset: node.vReset.map((v, i) => Math.round(scaled(v, i))),
    })
  }
  return { graph: { ...graph, nodes }, vanished: weights === 0 ? 0 : vanished / weights }
}

/** Whole factors, so that thresholds of 1 become whole. */
function factorsOf(before: Node[], count: number, largest: number): Float64Array {
  const most = new Float64Array(count)
  for (const node of before)
    if (node.type === "Linear" || node.type === "Affine")
      for (let row = 0; row < count; row++)
        for (let at = node.weight.start[row]; at < node.weight.start[row + 1]; at++)
          most[row] = Math.max(most[row], Math.abs(node.weight.value[at]))
  return most.map(value => Math.min(32767, Math.max(1, Math.floor(largest / (value || 1)))))
}

function rounded({ rows, columns, start, column, value }: Matrix, factor: Float64Array): Matrix {
  const first = new Int32Array(rows + 1)
  const columnsKept: number[] = []
  const kept: number[] = []
  for (let row = 0; row < rows; row++) {
    for (let at = start[row]; at < start[row + 1]; at++) {
      const whole = Math.round(value[at] * factor[row])
      if (whole === 0) continue
      columnsKept.push(column[at])
      kept.push(whole)
    }
    first[row + 1] = kept.length
  }
  return {
    ...{ rows, columns, start: first },
    column: Int32Array.from(columnsKept),
    value: Float64Array.from(kept),
  }
}
