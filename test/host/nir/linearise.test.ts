import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Model } from "../../../host/models/model-file"
import { HostNetwork } from "../../../host/network/host-network"
import { coefficientMax, type Network } from "../../../host/network/network"
import { model1 } from "../../../host/network/presets"
import { growthOf } from "../../../host/nir/dense"
import { linearise } from "../../../host/nir/linearise"
import { restOf } from "../../../host/nir/rest"
import { constantResponse, restingPoint, run } from "../../../host/ring/float-ring"
import { SettledNetwork } from "../../../host/ring/settled-network"
import { network } from "../../src/core/helpers"
import {
  dense,
  largestGap,
  layerMatrix,
  modelOf,
  nodeOf,
  numericJacobian,
  PARAMETERS,
  propagate,
  solve,
  spread,
} from "./helpers"

const net = network([
  { neurons: 4 },
  { neurons: 3, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 5 },
])
const strict: Network = {
  ...model1(3),
  name: "strict",
  width: 12,
  layers: model1(3)
    .layers.slice(2)
    .map((l, i) => ({ ...l, neurons: [9, 5, 3][i] })),
}

const image = (pixels: number, salt = 1) =>
  Uint8Array.from({ length: pixels }, (_, i) => Math.abs(spread(255)(i * salt)))
const grey = (pixels: Uint8Array) => Float64Array.from(pixels, p => p / 255)

describe("about the fixed points", () => {
  test("the layers' matrices are the Jacobians of the equations, ring by ring", () => {
    const { graph } = linearise(modelOf(net, spread(900)))
    const jacobian = numericJacobian(PARAMETERS.k3, [1, 1, 1, 1, 1])
    for (const [layer, neurons] of [20, 4, 3].entries()) {
      const m = layerMatrix(graph, layer)
      for (let i = 0; i < 5 * neurons; i++)
        for (let j = 0; j < 5 * neurons; j++) {
          const same = Math.floor(i / 5) === Math.floor(j / 5)
          expect(m[i][j]).toBeCloseTo(same ? jacobian[i % 5][j % 5] : 0, 9)
        }
      expect([...nodeOf(graph, `layer${layer}`, "LI").vLeak].every(v => v === 0)).toBe(true)
    }
  })

  // The response of a ring to a constant input, by its modes, and the links by hand.
  test.each([
    ["adders", net],
    ["adders with four signals a pixel", { ...net, inputSignals: 4, inputScale: 1229 }],
    ["one-to-one links", strict],
  ])("the outputs at rest are those of linear theory to 1e-6: %s", (_, network) => {
    const model = modelOf(network, spread(Math.min(6000, coefficientMax(network))))
    const d = constantResponse(5, 0.5)
    const pixels = grey(image(network.width))
    const each = network.inputSignals ?? 1
    const input = [...pixels].flatMap(p =>
      Array.from({ length: each }, (_, k) => d[k + 1] * p * (network.inputScale / 4096)),
    )
    const expected = propagate(model, input, (_layer, _neuron, u) =>
      [0, 1, 2, 3, 4].map(e => u.reduce((sum, v, i) => sum + d[(e - i + 5) % 5] * v, 0)),
    )
    const found = restOf(linearise(model).graph).run(pixels)
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(1e-3)
    expect(largestGap(found, expected)).toBeLessThan(1e-6)
  })

  test("elements that have learnt have their own tau, couplings and fixed points", () => {
    const own: Network = {
      ...net,
      rule: "mixed",
      elements: { shift: 10, bound: 6, min: 4096, max: 12000, signal: "gradient" },
    }
    const model = modelOf(own, spread(900))
    const k3Of = (neuron: number) => [0, 1, 2, 3, 4].map(e => 8192 + spread(3000)(neuron * 5 + e))
    const values = new HostNetwork(own).elements()
    const rest: number[][] = []
    for (let n = 0; n < 7; n++) {
      const k3 = k3Of(n).map(k => k / 16384)
      const b = restingPoint({ ...PARAMETERS, k3 }, [1, 1, 1, 1, 1])
      if (!b) throw new Error("no resting point")
      rest.push(b)
      for (let e = 0; e < 5; e++) {
        values.writeInt16LE(k3Of(n)[e], 2 * (n * 15 + e))
        values.writeInt16LE(Math.round(b[e] * 4096), 2 * (n * 15 + 5 + e))
      }
    }
    const taught: Model = { ...model, arrays: { elements: values } }
    const { graph, unstableRings } = linearise(taught)
    expect(unstableRings).toBe(0)
    const jacobians = rest.map((b, n) =>
      numericJacobian(
        k3Of(n).map(k => k / 16384),
        b,
      ),
    )
    for (let n = 0; n < 7; n++) {
      const [layer, first] = n < 4 ? [1, 5 * n] : [2, 5 * (n - 4)]
      const m = layerMatrix(graph, layer)
      for (let i = 0; i < 5; i++)
        expect(largestGap(m[first + i].slice(first, first + 5), jacobians[n][i])).toBeLessThan(1e-6)
    }
    const pixels = grey(image(20))
    const d = constantResponse(5, 0.5)
    const expected = propagate(
      taught,
      [...pixels].map(p => d[1] * p),
      (layer, neuron, u) =>
        solve(
          jacobians[layer === 1 ? neuron : 4 + neuron],
          u.map(v => -v),
        ),
    )
    expect(largestGap(restOf(graph).run(pixels), expected)).toBeLessThan(1e-6)
  })
})

test.each([
  ["the fixed points", undefined],
  ["an image", image(20)],
])("about %s, integrators have r = 1 and no leak, and every matrix is Affine", (_, about) => {
  const { graph } = linearise(modelOf(net, spread(900)), about)
  const biases: number[] = []
  for (const [name, node] of graph.nodes) {
    // Tools make attributes and paths of names.
    expect(name).toMatch(/^[a-z]\w*$/)
    if (node.type === "LI") {
      expect([...new Set(node.r), ...new Set(node.vLeak)]).toEqual([1, 0])
    } else if (node.type === "Affine") biases.push(...node.bias)
    else expect(["Input", "Output"]).toContain(node.type)
  }
  expect(biases.some(b => b !== 0)).toBe(about !== undefined)
})

describe("about the state for an image", () => {
  const model = modelOf(net, spread(5000))
  const x = image(20)
  const full = new SettledNetwork(net, model.coefficients)

  /** Mean states, from the float network's own path and, for input neurons, step by step. */
  function meanStates(): { input: number[][]; layers: number[][][] } {
    full.predict(x)
    const mean = (path: (step: number) => number[]) => {
      const states = Array.from({ length: net.steps }, (_, s) => path(s + 1))
      return [0, 1, 2, 3, 4].map(e => states.reduce((sum, s) => sum + s[e], 0) / net.steps)
    }
    return {
      input: [...x].map(p =>
        mean(step => run(PARAMETERS, [1, 1, 1, 1, 1], [p / 255, 0, 0, 0, 0], 0.75, step)),
      ),
      layers: full.layers.map(layer =>
        Array.from({ length: layer.neurons }, (_, n) =>
          mean(step => {
            const at = (n * (net.steps + 1) + step) * 5
            return [...layer.path.subarray(at, at + 5)]
          }),
        ),
      ),
    }
  }

  test("it rests, at that image, in the outputs of the whole network", () => {
    const rest = restOf(linearise(model, x).graph)
    full.predict(x)
    const held = full.layers.flatMap(layer => [...layer.net].filter(u => u < -0.2 || u > 1))
    // The state is on clamps too, and far from the fixed points: else this would show little.
    expect(held.length).toBeGreaterThan(0)
    expect(Math.max(...full.outputs.map(Math.abs))).toBeGreaterThan(0.1)
    expect(largestGap(rest.run(grey(x)), full.outputs)).toBeLessThan(1e-6)
  })

  test("its matrices are the Jacobians there, and its change for another image is theirs", () => {
    const { graph } = linearise(model, x)
    const states = meanStates()
    const all = [states.input, ...states.layers]
    const jacobians = all.map(layer => layer.map(state => numericJacobian(PARAMETERS.k3, state)))
    for (const [layer, rings] of jacobians.entries()) {
      const m = layerMatrix(graph, layer)
      for (const [n, jacobian] of rings.entries())
        for (let i = 0; i < 5; i++)
          expect(largestGap(m[5 * n + i].slice(5 * n, 5 * n + 5), jacobian[i])).toBeLessThan(1e-6)
    }
    const y = image(20, 3)
    const input = [...grey(y)].map((p, n) => {
      const change = solve(jacobians[0][n], [x[n] / 255 - p, 0, 0, 0, 0])
      return change[1]
    })
    // Signals are those of the change: what comes of it is added to the outputs at the image itself.
    const change = propagate(model, input, (layer, neuron, u) =>
      solve(
        jacobians[layer][neuron],
        u.map(v => -v),
      ),
    )
    full.predict(x)
    const expected = change.map((value, o) => value + full.outputs[o])
    const rest = restOf(graph)
    expect(Math.max(...change.map(Math.abs))).toBeGreaterThan(0.05)
    expect(largestGap(rest.run(grey(y)), expected)).toBeLessThan(1e-6)
  })

  test("rings that would run away are counted", () => {
    expect(linearise(model, x).unstableRings).toBe(0)
    // Every element held down to 0.3, where a push in all of them grows by 1 − K2 − 2·K3·0.3 = 0.2.
    const collapsing = network([{ neurons: 4, inputs: 5, outputFirst: 0, outputs: 5 }], {
      netMin: -4096,
    })
    const white = new Uint8Array(20).fill(255)
    const { unstableRings } = linearise(
      modelOf(collapsing, () => -8192),
      white,
    )
    expect(unstableRings).toBe(4)
  })
})

test("the growth of a linear system is the largest real part of its eigenvalues", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -2, max: 2, noNaN: true }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.double({ min: -2, max: 2, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      (real, imaginary, other, shear) => {
        // A pair real ± i·imaginary beside `other`, in skew coordinates.
        const a = [
          [real, -imaginary, 0],
          [imaginary, real, 0],
          [0, 0, other],
        ]
        const skew = [
          [1, shear, 0],
          [0, 1, shear],
          [0, 0, 1],
        ]
        const back = [
          [1, -shear, shear * shear],
          [0, 1, -shear],
          [0, 0, 1],
        ]
        const times = (p: number[][], q: number[][]) =>
          p.map(row => q[0].map((_, j) => row.reduce((sum, v, k) => sum + v * q[k][j], 0)))
        expect(growthOf(times(times(skew, a), back))).toBeCloseTo(Math.max(real, other), 1)
      },
    ),
  )
})

test("run in time from zero, the graph comes to the outputs the interpreter gives", () => {
  const { graph } = linearise(modelOf(net, spread(1000)), image(20, 5))
  const pixels = grey(image(20))
  const layers = [0, 1, 2].map(i => {
    const { tau, r, vLeak } = nodeOf(graph, `layer${i}`, "LI")
    const { weight, bias } = nodeOf(graph, i === 0 ? "pixels" : `links${i}`, "Affine")
    const into = dense(weight)
    const ring = dense(nodeOf(graph, `layer${i}_ring`, "Affine").weight)
    return { tau, r, vLeak, into, bias, ring, v: new Array<number>(tau.length).fill(0) }
  })
  const product = (m: number[][], x: ArrayLike<number>) =>
    m.map(row => row.reduce((sum, w, j) => (w === 0 ? sum : sum + w * x[j]), 0))
  const dt = 0.05
  for (let step = 0; step < 3000; step++) {
    let given: ArrayLike<number> = pixels
    const next = layers.map(({ tau, r, vLeak, into, bias, ring, v }) => {
      const outside = product(into, given)
      const within = product(ring, v)
      given = v
      return v.map(
        (value, i) =>
          value + (dt / tau[i]) * (vLeak[i] - value + r[i] * (outside[i] + bias[i] + within[i])),
      )
    })
    for (const [i, v] of next.entries()) layers[i].v = v
  }
  const outputs = product(dense(nodeOf(graph, "readout", "Affine").weight), layers[2].v)
  expect(largestGap(restOf(graph).run(pixels), outputs)).toBeLessThan(1e-6)
})
