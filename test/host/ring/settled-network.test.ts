import { describe, expect, test } from "vitest"
import { HostNetwork } from "../../../host/network/host-network"
import { q12 } from "../../../host/network/network"
import { model1, pico16 } from "../../../host/network/presets"
import { type Backward, SettledNetwork } from "../../../host/ring/settled-network"
import { allSources, network, randomImage, realCoefficients, uniform } from "../../src/core/helpers"
import { Reference } from "../../src/core/reference"

const hidden = { inputs: 3, outputFirst: 3, outputs: 2 }
const output = { inputs: 4, outputFirst: 4, outputs: 1 }

function small(seed: number, inputScale: number) {
  const net = network(
    [
      { ...hidden, neurons: 8, fanIn: 12 },
      { ...hidden, neurons: 6, fanIn: 16 },
      { ...output, neurons: 4, fanIn: 7 },
    ],
    { width: 40, seed, steps: 8, inputScale: q12(inputScale) },
  )
  const coefficients = new HostNetwork(net).coefficients()
  return { net, coefficients, float: new SettledNetwork(net, coefficients) }
}

function errorOf(label: number, other: number, size: number): Float64Array {
  const error = new Float64Array(4)
  error[label] = size
  error[other] = -size
  return error
}

describe("forward", () => {
  for (const seed of [1, 2, 3])
    test(`is the reference's, seed ${seed}`, () => {
      const { net, coefficients, float } = small(seed, 1)
      const sources = allSources(net)
      const reference = new Reference(net, sources, realCoefficients(sources, coefficients))
      const image = randomImage(net.width, uniform(seed))
      float.predict(image)
      const exact = reference.forward(image)
      for (const [k, signals] of exact.signals.entries())
        for (const [s, v] of signals.entries()) expect(float.signals[k][s]).toBeCloseTo(v, 12)
    })

  test("names what the integer core names, of presets too", () => {
    for (const net of [pico16(1), model1(1)]) {
      const core = new HostNetwork(net)
      const float = new SettledNetwork(net, core.coefficients())
      const next = uniform(3)
      let same = 0
      for (let i = 0; i < 30; i++) {
        const image = randomImage(net.width, next, 0.2)
        if (core.predict(image) === float.predict(image)) same++
      }
      // Two outputs can be too close for the core's roundings; by chance 3 of 30 would agree.
      expect(same).toBeGreaterThanOrEqual(24)
    }
  })
})

describe("backward", () => {
  /** Largest difference of signal times λ from central differences, relative to the largest. */
  function farthest(seed: number, inputScale: number, how: Backward, size: number): number {
    const { net, float } = small(seed, inputScale)
    const image = randomImage(net.width, uniform(seed + 7))
    float.predict(image)
    float.backward(errorOf(1, 2, size), how)
    const said = float.layers.map((layer, k) =>
      [...layer.source].map((s, l) => {
        let t = 0
        while (layer.start[t + 1] <= l) t++
        return (float.signals[k][s] * layer.lambda[t]) / size
      }),
    )
    let most = 0
    let off = 0
    const h = 1e-6
    const loss = () => {
      float.predict(image)
      return float.outputs[1] - float.outputs[2]
    }
    for (const [k, { coefficient }] of float.layers.entries())
      for (const [l, c] of coefficient.entries()) {
        coefficient[l] = c + h
        const up = loss()
        coefficient[l] = c - h
        const down = loss()
        coefficient[l] = c
        const gradient = (up - down) / (2 * h)
        most = Math.max(most, Math.abs(gradient))
        off = Math.max(off, Math.abs(gradient - said[k][l]))
      }
    return off / most
  }

  for (const seed of [1, 2, 3])
    for (const inputScale of [0.3, 1])
      test(`exact is the gradient itself, seed ${seed}, input scale ${inputScale}`, () => {
        expect(farthest(seed, inputScale, "exact", 1)).toBeLessThan(1e-6)
      })

  test("for small signals all three are the gradient, and the smaller the nearer", () => {
    for (const how of ["operating-point", "bsp"] as const) {
      const near = farthest(1, 0.003, how, 0.001)
      const far = farthest(1, 0.3, how, 0.1)
      expect(near).toBeLessThan(0.01)
      expect(near).toBeLessThan(far)
    }
  })

  test("operating point is the reference's", () => {
    for (const seed of [1, 2, 3]) {
      const { net, coefficients, float } = small(seed, 1)
      const sources = allSources(net)
      const reference = new Reference(net, sources, realCoefficients(sources, coefficients))
      const image = randomImage(net.width, uniform(seed))
      float.predict(image)
      float.backward(errorOf(0, 3, 1), "operating-point")
      const exact = reference.backward(reference.forward(image), [...errorOf(0, 3, 1)])
      for (const [k, lambda] of exact.entries())
        for (const [t, v] of lambda.entries()) expect(float.layers[k].lambda[t]).toBeCloseTo(v, 12)
    }
  })

  test("what is run again after a change of one neuron is what running all gives", () => {
    const { net, float } = small(4, 1)
    const image = randomImage(net.width, uniform(4))
    float.predict(image)
    const { coefficient, start, inputs } = float.layers[0]
    for (const neuron of [0, 5]) {
      coefficient[start[neuron * inputs]] += 0.3
      float.rerun(0, neuron)
      const again = float.outputs.slice()
      float.predict(image)
      expect(again).toEqual(float.outputs)
    }
  })
})

test("learning adds rate · S · λ and keeps to the clamp", () => {
  const { net, float } = small(2, 1)
  float.predict(randomImage(net.width, uniform(2)))
  float.backward(errorOf(0, 1, 1), "exact")
  const before = float.layers.map(layer => layer.coefficient.slice())
  float.learn(0.5, 0.4)
  for (const [k, layer] of float.layers.entries())
    for (let t = 0; t < layer.lambda.length; t++)
      for (let l = layer.start[t]; l < layer.start[t + 1]; l++) {
        if (layer.lambda[t] === 0) continue
        const free = before[k][l] + 0.5 * float.signals[k][layer.source[l]] * layer.lambda[t]
        expect(layer.coefficient[l]).toBeCloseTo(Math.min(0.4, Math.max(-0.4, free)), 12)
      }
})
