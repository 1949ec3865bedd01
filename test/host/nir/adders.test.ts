import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { addersOf, responseAtRest } from "../../../host/nir/adders"
import { type Graph, matrixOf, type Node } from "../../../host/nir/graph"
import { linearise } from "../../../host/nir/linearise"
import { restOf } from "../../../host/nir/rest"
import { constantResponse } from "../../../host/ring/float-ring"
import { largestGap } from "./helpers"

function chain(weights: number[][][], affine = false, constant = 0): Graph {
  const nodes: [string, Node][] = [["in", { type: "Input", shape: [weights[0][0].length] }]]
  for (const [i, w] of weights.entries()) {
    const entries = w.flatMap((row, r) => row.map((v, c) => [r, c, v] as const))
    const weight = matrixOf(w.length, w[0].length, entries)
    const fill = (v: number) => new Float64Array(w.length).fill(v)
    nodes.push([
      `w${i}`,
      affine ? { type: "Affine", weight, bias: fill(constant) } : { type: "Linear", weight },
    ])
    const li: Node = { type: "LI", tau: fill(0.01), r: fill(2), vLeak: fill(0) }
    nodes.push([`li${i}`, li])
  }
  nodes.push(["out", { type: "Output", shape: [weights[weights.length - 1].length] }])
  const names = nodes.map(([name]) => name)
  const edges = names.slice(1).map((name, i): [string, string] => [names[i], name])
  return { nodes: new Map(nodes), edges, metadata: {} }
}

const weight = fc.integer({ min: -1000, max: 1000 }).map(v => v / 4000)
const layers = fc
  .array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 4 })
  .chain(sizes =>
    fc.tuple(
      ...sizes.slice(1).map((rows, i) =>
        fc.array(fc.array(weight, { minLength: sizes[i], maxLength: sizes[i] }), {
          minLength: rows,
          maxLength: rows,
        }),
      ),
    ),
  )

test("the response at rest is the one of the ring's modes", () => {
  expect(responseAtRest()).toBeCloseTo(constantResponse(5, 0.5)[1], 12)
})

test("the network's linear response at rest is the graph's, but for the rounding of coefficients", () => {
  fc.assert(
    fc.property(layers, fc.boolean(), (weights, affine) => {
      const graph = chain(weights, affine)
      const { model, largestConstant } = addersOf(graph, "some/where/plain.nir")
      expect(largestConstant).toBe(0)
      expect(model.network.name).toBe("plain")
      const x = Float64Array.from(weights[0][0], (_, i) => (i % 3) / 2)
      // v = r·W·v of the layer before, by hand.
      let expected = [...x]
      let scale = 1
      for (const w of weights) {
        expected = w.map(row => 2 * row.reduce((sum, v, i) => sum + v * expected[i], 0))
        scale *= 1 + 2 * w[0].length
      }
      const rest = restOf(linearise(model).graph).run(x)
      expect(largestGap(rest, expected)).toBeLessThan((scale * weights.length) / 8192)
      expect(largestGap(restOf(graph).run(x), expected)).toBeLessThan(1e-9)
    }),
    // A layer without any link, behind one that has some.
    {
      examples: [
        [[[[0.1]], [[0], [0]]], false],
        [[[[0]]], true],
      ],
    },
  )
})

test("it names what the graph names, as boards compute it, where signals are small", () => {
  const rows = Array.from({ length: 4 }, (_, r) =>
    Array.from({ length: 16 }, (_, c) => 0.02 * Math.sin(3 * r + c * c)),
  )
  const graph = chain([rows])
  const { model } = addersOf(graph, "plain.nir")
  const host = new HostNetwork(model.network)
  exchangeCoefficients(host.memory, model.network, model.coefficients, true)
  const rest = restOf(graph)
  let same = 0
  for (let i = 0; i < 50; i++) {
    const image = Uint8Array.from({ length: 16 }, (_, p) => 60 + 60 * Math.sin(i * p + i))
    const v = rest.run(Float64Array.from(image, p => p / 255))
    if (host.predict(image) === v.indexOf(Math.max(...v))) same++
  }
  expect(same).toBeGreaterThan(40)
})

test("weights of 0 are no links; with none, each synapse reads every signal", () => {
  const sparse = addersOf(
    chain([
      [
        [1, 0, -0.5],
        [0, 0, 0.25],
      ],
    ]),
    "sparse.nir",
  ).model
  expect(sparse.network).toMatchObject({ linking: "explicit", given: [[[0, 2], [2]]] })
  expect(sparse.coefficients.length).toBe(6)
  const full = addersOf(
    chain([
      [
        [1, 0.1, -0.5],
        [0.2, 0.3, 0.25],
      ],
    ]),
    "full.nir",
  ).model
  expect(full.network.linking).toBe("adder")
  expect(full.network.layers[0].fanIn).toBe(3)
})

test("bias is left out and said, as adders have no constant input", () => {
  const { largestConstant, model, timed } = addersOf(chain([[[1, 0.5]]], true, -0.75), "biased.nir")
  expect(largestConstant).toBe(0.75)
  expect(timed).toBe(true)
  const without = addersOf(chain([[[1, 0.5]]]), "biased.nir").model
  expect(model.coefficients).toEqual(without.coefficients)
})

test("signals become coarser where coefficients are large, and larger ones still are refused", () => {
  const wide = (value: number) => [Array.from({ length: 784 }, () => value)]
  const fine = addersOf(chain([wide(0.01)]), "fine.nir").model.network.signalBits
  const coarse = addersOf(chain([wide(0.5)]), "coarse.nir").model.network.signalBits
  expect(coarse).toBeLessThan(fine)
  expect(() => addersOf(chain([wide(2)]), "large.nir")).toThrow(
    expect.objectContaining({
      code: "nir-too-large",
      message: expect.stringMatching(/"w0" needs a coefficient of 5\.\d+ in row 0/),
    }),
  )
})

describe("any other graph is refused by the name and type of the node", () => {
  test.each<[string, (graph: Graph) => unknown, RegExp]>([
    ["recurrent", g => g.edges.push(["li0", "w0"]), /"li0" \(LI\) leads to 2 nodes/],
    [
      "a loop on the way",
      g => {
        g.edges = g.edges.filter(([from]) => from !== "li1")
        g.edges.push(["li1", "w0"])
      },
      /"w0" \(Linear\) is reached again/,
    ],
    [
      "two matrices in a row",
      g => {
        g.edges = [
          ["in", "w0"],
          ["w0", "w1"],
        ]
      },
      /"w1" \(Linear\) stands where neurons are expected/,
    ],
    [
      "LI first",
      g => {
        g.edges = [["in", "li0"]]
      },
      /"li0" \(LI\) stands where a Linear or Affine is expected/,
    ],
    ["no output", g => g.nodes.delete("out"), /no node of type Output/],
    [
      "two inputs",
      g => g.nodes.set("in2", { type: "Input", shape: [2] }),
      /"in2" \(Input\) is a second one/,
    ],
    [
      "a dead end",
      g => {
        g.edges.pop()
      },
      /"li1" \(LI\) leads to 0 nodes/,
    ],
    [
      "a node apart",
      g => g.nodes.set("apart", { ...(g.nodes.get("li0") as Node & { type: "LI" }) }),
      /"apart" \(LI\) is not on the way/,
    ],
    ["an output that leads on", g => g.edges.push(["out", "w0"]), /"out" \(Output\) leads on/],
    [
      "no layer at all",
      g => {
        g.edges = [["in", "out"]]
      },
      /"out" \(Output\) stands where/,
    ],
  ])("%s", (_, change, what) => {
    const graph = chain([
      [
        [0.1, 0.2],
        [0.3, 0.4],
      ],
      [
        [0.5, 0.6],
        [0.7, 0.8],
      ],
    ])
    change(graph)
    expect(() => addersOf(graph, "odd.nir")).toThrow(
      expect.objectContaining({ code: "nir-unsupported", message: expect.stringMatching(what) }),
    )
  })

  test("more layers than a board can hold", () => {
    const many = Array.from({ length: 17 }, () => [[0.5]])
    expect(() => addersOf(chain(many), "deep.nir")).toThrow(
      expect.objectContaining({ code: "nir-too-large" }),
    )
  })
})
