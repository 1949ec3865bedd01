import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type Graph, matrixOf, type Node } from "../../../host/nir/graph"
import { simulationOf } from "../../../host/nir/simulate"
import { byEquations } from "./equations"

const chain = (nodes: [string, Node][], more: [string, string][] = []): Graph => ({
  nodes: new Map(nodes),
  edges: [...nodes.slice(1).map(([to], i): [string, string] => [nodes[i][0], to]), ...more],
  metadata: {},
})
const of = (...values: number[]) => Float64Array.from(values)
const one = (node: Node): Graph =>
  chain([
    ["input", { type: "Input", shape: [1] }],
    ["n", node],
    ["output", { type: "Output", shape: [1] }],
  ])
const sum = (graph: Graph, input: number, steps: number, dt = 1) =>
  simulationOf(graph, "test", dt).run([input], steps).sums[0]

describe("one neuron, by hand", () => {
  test("IF: v passes its threshold strictly, and is set to v_reset", () => {
    const node: Node = { type: "IF", r: of(2), vThreshold: of(1), vReset: of(-1) }
    // v: 0.5, 1 (not above 1), 1.5 → spike, −1; then −0.5, 0, 0.5, 1, 1.5 → spike.
    const spikes: number[] = []
    simulationOf(one(node), "test").run([0.25], 12, (_n, _i, step) => spikes.push(step))
    expect(spikes).toEqual([2, 7])
    expect(sum(one(node), 0.25, 12)).toBe(2)
  })

  test("LI: the exact exponential for a constant input, whatever the step", () => {
    const node: Node = { type: "LI", tau: of(3), r: of(2), vLeak: of(0.5) }
    const v = (t: number) => (0.5 + 2 * 0.7) * (1 - Math.exp(-t / 3))
    expect(sum(one(node), 0.7, 1)).toBeCloseTo(v(1), 12)
    expect(sum(one(node), 0.7, 2)).toBeCloseTo(v(1) + v(2), 12)
    expect(sum(one(node), 0.7, 1, 0.25)).toBeCloseTo(v(0.25), 12)
  })

  test("LIF: the first spike comes when the exponential passes the threshold", () => {
    const node: Node = {
      ...{ type: "LIF", tau: of(10), r: of(1), vLeak: of(0) },
      ...{ vThreshold: of(0.5), vReset: of(0) },
    }
    // 1 − exp(−t/10) > 0.5 first at t = 7 (ln 2 · 10 = 6.93).
    expect(sum(one(node), 1, 6)).toBe(0)
    expect(sum(one(node), 1, 7)).toBe(1)
    expect(sum(one(node), 1, 70)).toBe(10)
  })

  test("CubaLIF: fine steps come to the solution of its two equations", () => {
    const node: Node = {
      ...{ type: "CubaLIF", tauSyn: of(2), tauMem: of(5), r: of(1.5), vLeak: of(0) },
      ...{ vThreshold: of(0.8), vReset: of(0), wIn: of(0.9) },
    }
    // v(t) = a·(1 − (5·e^(−t/5) − 2·e^(−t/2))/3) for a constant input, a = r·w_in·x.
    const v = (t: number) => 1.5 * 0.9 * (1 - (5 * Math.exp(-t / 5) - 2 * Math.exp(-t / 2)) / 3)
    let first = 0
    while (v(first) <= 0.8) first += 0.001
    const steps: number[] = []
    simulationOf(one(node), "test", 0.001).run([1], 10_000, (_n, _i, step) => steps.push(step))
    expect(Math.abs(steps[0] * 0.001 - first)).toBeLessThan(0.005)
  })
})

test("an edge back gives what there was a step before; a cycle without neurons is refused by name", () => {
  const neuron: Node = { type: "IF", r: of(1), vThreshold: of(1), vReset: of(0) }
  const back: Node = { type: "Linear", weight: matrixOf(1, 1, [[0, 0, -1]]) }
  const graph = one(neuron)
  graph.nodes.set("back", back)
  graph.edges.push(["n", "back"], ["back", "n"])
  // v: 0.75, 1.5 → spike; then −1 + 0.75 and on: five steps a spike from then on, not two.
  const steps: number[] = []
  simulationOf(graph, "test").run([0.75], 12, (_n, _i, step) => steps.push(step))
  expect(steps).toEqual([1, 4, 7, 10])
  graph.nodes.set("n", { type: "Linear", weight: matrixOf(1, 1, [[0, 0, 1]]) })
  expect(() => simulationOf(graph, "test")).toThrow(/the nodes n, back form a cycle/)
})

test("a graph that leads to no Output is refused, not run for nothing", () => {
  const graph: Graph = { ...one({ type: "Scale", scale: of(1) }), edges: [["input", "n"]] }
  expect(() => simulationOf(graph, "test")).toThrow('nothing leads to node "output" (Output)')
})

test("any feed-forward graph spikes as the equations say, spike by spike in number", () => {
  const value = fc.double({ min: -1, max: 1, noNaN: true })
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 60, maxLength: 60 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      (w, input) => {
        const entries = (rows: number, columns: number, from: number) =>
          matrixOf(
            rows,
            columns,
            Array.from({ length: rows * columns }, (_, i) => [
              Math.floor(i / columns),
              i % columns,
              w[(from + i) % 60],
            ]),
          )
        const all = (n: number, x: number) => new Float64Array(n).fill(x)
        const graph = chain(
          [
            ["input", { type: "Input", shape: [2, 2] }],
            ["flat", { type: "Flatten", shape: [2, 2] }],
            ["scale", { type: "Scale", scale: of(1, 0.5, 2, 1) }],
            ["a", { type: "Affine", weight: entries(5, 4, 0), bias: of(...w.slice(0, 5)) }],
            ["if", { type: "IF", r: all(5, 0.5), vThreshold: all(5, 1), vReset: all(5, 0.1) }],
            ["b", { type: "Linear", weight: entries(5, 5, 20) }],
            [
              "lif",
              {
                ...{ type: "LIF", tau: all(5, 9), r: all(5, 5), vLeak: of(...w.slice(50, 55)) },
                ...{ vThreshold: all(5, 0.7), vReset: all(5, -0.2) },
              },
            ],
            ["output", { type: "Output", shape: [5] }],
          ],
          [["if", "output"]],
        )
        const ours = simulationOf(graph, "test").run(input, 50)
        const theirs = byEquations(graph)(input, 50)
        expect([...ours.sums]).toEqual(theirs.sums)
        expect(ours.spikes).toBe(theirs.spikes)
      },
    ),
    { numRuns: 60 },
  )
})
