import { describe, expect, test } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { coefficientsOf, HostNetwork } from "../../../host/network/host-network"
import { drawLinks, linksOf, type Network } from "../../../host/network/network"
import { model1, model2 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { checkLinks, isSound } from "../../../src/core/check"
import { Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { network, randomImage, uniform } from "../../src/core/helpers"

const small: Network = network(
  [
    { neurons: 23, inputs: 4, outputFirst: 3, outputs: 2 },
    { neurons: 8, inputs: 4, outputFirst: 3, outputs: 2 },
    { neurons: 3, inputs: 4, outputFirst: 4, outputs: 1 },
  ],
  { linking: "strict", inputSignals: 4, width: 20, signalBits: 12, softmaxGain: 2308 },
)

describe("a strict network on the host", () => {
  const mnist = readMnist().train

  for (const build of [model1, model2])
    test(`${build(1).name} runs, and learning changes it, the same way twice`, () => {
      const learner = new HostNetwork(build(1))
      const again = new HostNetwork(build(1))
      const before = learner.coefficients()
      expect(before.equals(new HostNetwork(build(2)).coefficients())).toBe(false)
      const answers = new Set<number>()
      for (let i = 0; i < 200; i++) {
        const image = imageAt(mnist, i)
        answers.add(learner.train(image, mnist.labels[i]))
        if (i >= 100) continue
        again.train(image, mnist.labels[i])
        if (i === 99) expect(again.coefficients().equals(learner.coefficients())).toBe(true)
      }
      // Not one answer to everything: the signals come through all five layers.
      expect(answers.size).toBeGreaterThan(3)
      const after = learner.coefficients()
      // Pixels at the rim never had ink, so of the first pair fewer links can learn.
      const changed = [1, 2, 3, 4, 5].map(() => 0)
      let at = 0
      for (let layer = 1; layer <= 5; layer++)
        for (let n = linksOf(learner.network, layer); n > 0; n--, at += 2)
          if (after.readInt16LE(at) !== before.readInt16LE(at)) changed[layer - 1]++
      expect(at).toBe(after.length)
      for (const [i, n] of changed.entries())
        expect(n, `layer ${i + 1}`).toBeGreaterThan(
          linksOf(learner.network, i + 1) / (i === 0 ? 5 : 2),
        )
    })

  test("learns to tell noisy patterns apart", () => {
    const next = uniform(9)
    const patterns = [0, 1, 2].map(() => randomImage(20, next, 0.5))
    const learner = new HostNetwork({ ...small, learnShift: 9, inputScale: 4096 })
    let right = 0
    for (let i = 0; i < 1200; i++) {
      const image = patterns[i % 3].map(pixel => (next() < 0.1 ? 0 : pixel))
      if (learner.train(image, i % 3) === i % 3 && i >= 900) right++
    }
    // By chance 100 of the last 300, with a standard deviation of 8.
    expect(right).toBeGreaterThan(240)
  })

  test("learns the same bits however it is cut into parts", () => {
    const cut = (most: number): Slice[] =>
      small.layers.flatMap((l, i) => {
        const slices: Slice[] = []
        for (let first = 0; first < l.neurons; first += most)
          slices.push({ layer: i + 1, first, count: Math.min(most, l.neurons - first) })
        return slices
      })
    const whole = new HostNetwork(small)
    const next = uniform(3)
    const images = Array.from({ length: 40 }, () => randomImage(20, next))
    for (const [i, image] of images.entries()) whole.train(image, i % 3)
    for (const most of [1, 2, 7]) {
      const other = new HostNetwork(small)
      Object.assign(other, { memory: buildShard(small, cut(most), 1) })
      for (const [i, image] of images.entries()) other.train(image, i % 3)
      expect(other.coefficients().equals(whole.coefficients())).toBe(true)
    }
  })

  test("is sound for a board, whole layers or slices", () => {
    for (const slices of [
      [{ layer: 1, first: 5, count: 9 }],
      [
        { layer: 1, first: 0, count: 23 },
        { layer: 2, first: 0, count: 8 },
        { layer: 3, first: 0, count: 3 },
      ],
    ]) {
      const m = buildShard(small, slices, 2)
      expect(isSound(m, m.length)).toBe(true)
      for (let i = 0; i < slices.length; i++) {
        let at = 0
        while (at >= 0) at = checkLinks(m, partAt(i), at)
        expect(at).toBe(-1)
      }
    }
  })

  test("gives and takes coefficients in the network's own order", () => {
    const slices: Slice[][] = [
      [
        { layer: 1, first: 0, count: 11 },
        { layer: 2, first: 3, count: 5 },
      ],
      [
        { layer: 1, first: 11, count: 12 },
        { layer: 2, first: 0, count: 3 },
        { layer: 3, first: 0, count: 3 },
      ],
    ]
    const shards = slices.map(s => buildShard(small, s, 1))
    const links = [1, 2, 3].map(layer => linksOf(small, layer))
    const all = Buffer.alloc(2 * links.reduce((a, b) => a + b))
    for (let i = 0; i < all.length / 2; i++) all.writeInt16LE(i + 1, 2 * i)
    for (const m of shards) exchangeCoefficients(m, small, all, true)
    expect(coefficientsOf(small, shards).equals(all)).toBe(true)

    // One coefficient at a time must move exactly the sum of the synapse that its place says.
    const whole = new HostNetwork(small)
    const image = new Uint8Array(20).fill(200)
    const sumsWith = (place: number) => {
      const one = Buffer.alloc(all.length)
      one.writeInt16LE(1000, 2 * place)
      exchangeCoefficients(whole.memory, small, one, true)
      whole.predict(image)
      const sums: number[] = []
      const at = whole.memory.readInt32LE(partAt(0) + Part.Sum)
      for (let t = 0; t < 23 * 4; t++) sums.push(whole.memory.readInt32LE(at + 4 * t))
      return sums
    }
    let place = 0
    for (const [synapse, sources] of drawLinks(small, 1).entries()) {
      if (sources.length === 0) continue
      const sums = sumsWith(place)
      expect(sums.map((s, t) => (s !== 0 ? t : -1)).filter(t => t >= 0)).toEqual([synapse])
      place++
    }
    expect(place).toBe(links[0])
  })
})
