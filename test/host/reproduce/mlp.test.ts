import { expect, test } from "vitest"
import { type Activation, Mlp } from "../../../host/reproduce/mlp"
import { randomImage, uniform } from "../../src/core/helpers"

const LAYERS = [30, 12, 8, 5]
const net = (activation: Activation, linkRatio: number, seed = 1) =>
  new Mlp({ layers: LAYERS, linkRatio, activation, seed })

for (const activation of ["relu", "sigmoid"] as const)
  for (const ratio of [1, 0.4])
    for (const seed of [1, 2, 3])
      test(`the gradient is that of central differences: ${activation}, ${ratio}, seed ${seed}`, () => {
        const mlp = net(activation, ratio, seed)
        const image = randomImage(LAYERS[0], uniform(seed + 10))
        // Off zero, where a rectifier has a corner.
        for (const pair of mlp.pairs)
          for (const i of pair.bias.keys()) pair.bias[i] = 0.1 + 0.01 * i
        const gradient = mlp.gradient(image, 3)
        const h = 1e-6
        for (const [p, pair] of mlp.pairs.entries())
          for (const kind of ["weight", "bias"] as const)
            for (const [i, value] of pair[kind].entries()) {
              pair[kind][i] = value + h
              const up = mlp.loss(image, 3)
              pair[kind][i] = value - h
              const down = mlp.loss(image, 3)
              pair[kind][i] = value
              expect(
                Math.abs((up - down) / (2 * h) - gradient[p][kind][i]),
                `${p} ${kind} ${i}`,
              ).toBeLessThan(1e-6)
            }
      })

test("a step of training goes down the gradient by the rate", () => {
  const mlp = net("relu", 0.5)
  const image = randomImage(LAYERS[0], uniform(5))
  const before = mlp.pairs.map(pair => pair.weight.slice())
  const gradient = mlp.gradient(image, 2)
  mlp.train(image, 2, 0.01)
  for (const [p, pair] of mlp.pairs.entries())
    for (const [l, w] of pair.weight.entries())
      expect(w).toBeCloseTo(before[p][l] - 0.01 * gradient[p].weight[l], 12)
})

test("as many links as asked for, each once, of each pair of layers", () => {
  for (const ratio of [1, 0.3, 0.05, 0.01]) {
    const mlp = net("relu", ratio)
    for (const [p, pair] of mlp.pairs.entries()) {
      const possible = LAYERS[p] * LAYERS[p + 1]
      expect(pair.weight.length).toBe(Math.max(1, Math.round(ratio * possible)))
      expect(pair.start[pair.before]).toBe(pair.weight.length)
      const seen = new Set<number>()
      for (let s = 0; s < pair.before; s++)
        for (let l = pair.start[s]; l < pair.start[s + 1]; l++)
          seen.add(s * pair.after + pair.target[l])
      expect(seen.size).toBe(pair.weight.length)
    }
    expect(mlp.links).toBe(mlp.pairs.reduce((sum, pair) => sum + pair.weight.length, 0))
  }
})

test("links are spread evenly over sources and targets", () => {
  const mlp = new Mlp({ layers: [200, 100], linkRatio: 0.1, activation: "relu", seed: 4 })
  const { start, target } = mlp.pairs[0]
  const perTarget = new Array<number>(100).fill(0)
  for (const t of target) perTarget[t]++
  // 2,000 links: 20 a target and 10 a source; beyond 5 standard deviations is no chance.
  for (const count of perTarget) expect(Math.abs(count - 20)).toBeLessThan(5 * Math.sqrt(20))
  for (let s = 0; s < 200; s++)
    expect(Math.abs(start[s + 1] - start[s] - 10)).toBeLessThan(5 * Math.sqrt(10))
})

test("the same seed gives the same network, another one another", () => {
  const [a, b, c] = [net("relu", 0.3, 1), net("relu", 0.3, 1), net("relu", 0.3, 2)]
  expect(a.pairs[0].weight).toEqual(b.pairs[0].weight)
  expect(a.pairs[0].target).not.toEqual(c.pairs[0].target)
})

test("it learns what it is shown", () => {
  for (const activation of ["relu", "sigmoid"] as const) {
    const mlp = net(activation, 1)
    const next = uniform(8)
    const images = Array.from({ length: 5 }, () => randomImage(LAYERS[0], next))
    for (let round = 0; round < 400; round++)
      for (const [label, image] of images.entries()) mlp.train(image, label, 0.05)
    expect(images.map(image => mlp.predict(image))).toEqual([0, 1, 2, 3, 4])
  }
})

test("a link ratio that is none is refused", () => {
  for (const ratio of [0, -0.1, 1.1, Number.NaN])
    expect(() => net("relu", ratio)).toThrow(RangeError)
})
