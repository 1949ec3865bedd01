/** What a linear network does, straight from the equations, and views of a graph as plain matrices. */

import type { Model } from "../../../host/models/model-file"
import { drawLinks, type Network } from "../../../host/network/network"
import { totalLinks } from "../../../host/network/network-schema"
import type { Graph, Matrix, Node } from "../../../host/nir/graph"
import { rates, uniformParameters } from "../../../host/ring/float-ring"

export const PARAMETERS = uniformParameters(5, 1, 0.5, 0.5)

/** A model of the network with the coefficients `value` gives, a number of Q13 for each link. */
export function modelOf(net: Network, value: (link: number) => number): Model {
  const coefficients = Buffer.alloc(2 * totalLinks(net))
  for (let i = 0; i < coefficients.length / 2; i++) coefficients.writeInt16LE(value(i), 2 * i)
  return { network: net, coefficients, training: null }
}

/** Pseudo-random whole numbers within ±most, the same at each run. */
export function spread(most: number): (i: number) => number {
  return i => Math.round(most * Math.sin(12.9898 * (i + 1) + (i * i) / 7))
}

export function nodeOf<Type extends Node["type"]>(
  graph: Graph,
  name: string,
  type: Type,
): Node & { type: Type } {
  const node = graph.nodes.get(name)
  if (node?.type !== type) throw new Error(`node ${name} is ${node?.type}, not ${type}`)
  return node as Node & { type: Type }
}

export function dense({ rows, columns, start, column, value }: Matrix): number[][] {
  const all = Array.from({ length: rows }, () => new Array<number>(columns).fill(0))
  for (let r = 0; r < rows; r++)
    for (let at = start[r]; at < start[r + 1]; at++) all[r][column[at]] = value[at]
  return all
}

/** dv/dt = M·v + r/tau·I + v_leak/tau of a layer with its ring node: the M. */
export function layerMatrix(graph: Graph, layer: number): number[][] {
  const { tau, r } = nodeOf(graph, `layer${layer}`, "LI")
  const ring = dense(nodeOf(graph, `layer${layer}_ring`, "Affine").weight)
  return ring.map((row, i) => row.map((weight, j) => (r[i] * weight - (i === j ? 1 : 0)) / tau[i]))
}

/** The Jacobian of a ring's rates at X, by central differences: exact for a quadratic. */
export function numericJacobian(k3: number[], x: number[]): number[][] {
  const parameters = { ...PARAMETERS, k3 }
  const h = 2 ** -10
  const none = x.map(() => 0)
  const columns = x.map((_, j) => {
    const moved = (by: number) =>
      rates(
        parameters,
        x.map((value, i) => (i === j ? value + by : value)),
        none,
      )
    const up = moved(h)
    const down = moved(-h)
    return up.map((value, i) => (value - down[i]) / (2 * h))
  })
  return x.map((_, i) => columns.map(column => column[i]))
}

/** M⁻¹·b by elimination. */
export function solve(m: number[][], b: number[]): number[] {
  const rows = m.map((row, i) => [...row, b[i]])
  const n = m.length
  for (let i = 0; i < n; i++) {
    const best = rows
      .slice(i)
      .reduce((p, row, k) => (Math.abs(row[i]) > Math.abs(rows[p][i]) ? i + k : p), i)
    ;[rows[i], rows[best]] = [rows[best], rows[i]]
    for (let r = i + 1; r < n; r++) {
      const factor = rows[r][i] / rows[i][i]
      for (let c = i; c <= n; c++) rows[r][c] -= factor * rows[i][c]
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let i = n - 1; i >= 0; i--)
    x[i] =
      (rows[i][n] - rows[i].slice(i + 1, n).reduce((s, v, k) => s + v * x[i + 1 + k], 0)) /
      rows[i][i]
  return x
}

/**
 * Outputs of a network of linear neurons.
 *
 * @param input signals of the input neurons
 * @param respond displacements of the five elements of a neuron for its net inputs
 */
export function propagate(
  { network, coefficients }: Model,
  input: number[],
  respond: (layer: number, neuron: number, u: number[]) => number[],
): number[] {
  let signals = input
  let at = 0
  for (const [i, layer] of network.layers.entries()) {
    const links = drawLinks(network, i + 1)
    const next: number[] = []
    for (let n = 0; n < layer.neurons; n++) {
      const u = [0, 0, 0, 0, 0]
      for (let s = 0; s < layer.inputs; s++)
        for (const source of links[n * layer.inputs + s])
          u[s] += (coefficients.readInt16LE(2 * at++) / 8192) * signals[source]
      const d = respond(i + 1, n, u)
      next.push(...d.slice(layer.outputFirst, layer.outputFirst + layer.outputs))
    }
    signals = next
  }
  return signals
}

export function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`)
  let gap = 0
  for (let i = 0; i < a.length; i++) gap = Math.max(gap, Math.abs(a[i] - b[i]))
  return gap
}
