import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeRuns } from "../../../host/data/runs"
import { busesOf } from "../../../host/network/buses"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { coefficientsOf, HostNetwork } from "../../../host/network/host-network"
import {
  fanInOf,
  isDense,
  linksOf,
  type Network,
  signalsOf,
  sourcesOf,
} from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Part, PartFlag } from "../../../src/core/layout"
import { beginLearning, outputError, partAt, readout } from "../../../src/core/run"
import {
  address,
  network,
  partsOf,
  randomImage,
  readI16,
  readI32,
  sourceIds,
  uniform,
  wholeBackward,
  wholeForward,
  writeI32,
} from "../../src/core/helpers"
import { networkOf, networks, randomPlan } from "./random-networks"

const layerOf = (m: Buffer, part: number) => m.readUInt16LE(part + Part.Layer)

/** A network cut into shards, with every signal and sum that crosses between them carried by hand. */
class Fleet {
  readonly shards: Buffer[]
  /** What is on each shard's buses. */
  private readonly buses: number[][][]
  private samples = 0

  constructor(
    readonly net: Network,
    plan: Slice[][],
    slots: number,
  ) {
    this.shards = plan.map(slices => buildShard(net, slices, slots))
    this.buses = plan.map(slices => busesOf(net, slices))
  }

  private *parts(layer: number): Generator<[Buffer, number]> {
    for (const m of this.shards)
      for (const part of partsOf(m)) if (layerOf(m, part) === layer) yield [m, part]
  }

  predict(image: Uint8Array): number {
    const runs = encodeRuns(image)
    for (const [m, part] of this.parts(1)) {
      const pixels = sourceIds(m, part)
      const own = pixels.length < image.length
      const mine = own ? encodeRuns(Uint8Array.from(pixels, p => image[p])) : runs
      clearImage(m, part)
      activateRuns(m, part, mine, 0, mine.length, 0)
    }
    for (let layer = 1; layer <= this.net.layers.length; layer++) {
      for (const [m, part] of this.parts(layer)) wholeForward(m, part)
      this.relaySignals(layer)
    }
    let answer = -1
    for (const [m, part] of this.parts(this.net.layers.length)) answer = readout(m, part, 0)
    return answer
  }

  /** Copies what each part has written onto the bus of every other shard that has one. */
  private relaySignals(layer: number): void {
    for (const [m, part] of this.parts(layer)) {
      const first = m.readUInt16LE(part + Part.BusOutFirst)
      const count = m.readUInt16LE(part + Part.Neurons) * m.readUInt16LE(part + Part.Outputs)
      const from = address(m, part, Part.BusOut)
      const ids = this.buses[this.shards.indexOf(m)][layer]
      for (const [i, other] of this.shards.entries()) {
        const bus = busOf(other, layer)
        for (let s = first; s < first + count; s++) {
          const place = this.buses[i][layer].indexOf(ids[s])
          if (bus !== 0 && place >= 0)
            m.copy(other, bus + 2 * place, from + 2 * s, from + 2 * s + 2)
        }
      }
    }
  }

  train(image: Uint8Array, label: number): number {
    const predicted = this.predict(image)
    for (const m of this.shards) beginLearning(m, this.samples)
    this.samples++
    let learns = false
    for (const [m, part] of this.parts(this.net.layers.length))
      learns = outputError(m, part, 0, label)
    if (!learns) return predicted
    for (let layer = this.net.layers.length; layer >= 1; layer--) {
      for (const [m, part] of this.parts(layer)) wholeBackward(m, part)
      if (layer > 1) this.relaySums(layer - 1)
    }
    return predicted
  }

  /** Adds the partial backward sums of the layer's signals, and gives every shard the total. */
  private relaySums(layer: number): void {
    const width = signalsOf(this.net, layer)
    const total = new Array(width).fill(0)
    const areas = this.shards.map((m, i) => ({
      m,
      at: sumsOf(m, layer),
      ids: this.buses[i][layer],
    }))
    for (const { m, at, ids } of areas)
      if (at !== 0)
        readI32(m, at, ids.length).forEach((v, i) => {
          total[ids[i]] += v
        })
    for (const { m, at, ids } of areas)
      if (at !== 0)
        writeI32(
          m,
          at,
          ids.map(s => total[s]),
        )
  }

  coefficients(): Buffer {
    return coefficientsOf(this.net, this.shards)
  }
}

/** Address of a layer's bus in a shard, whichever of its parts names it; 0 = none. */
function busOf(m: Buffer, layer: number): number {
  for (const part of partsOf(m)) {
    if (layerOf(m, part) === layer) return address(m, part, Part.BusOut)
    if (layerOf(m, part) === layer + 1) return address(m, part, Part.BusIn)
  }
  return 0
}

function sumsOf(m: Buffer, layer: number): number {
  for (const part of partsOf(m)) {
    if (layerOf(m, part) === layer) return address(m, part, Part.BackIn)
    if (layerOf(m, part) === layer + 1) return address(m, part, Part.BackOut)
  }
  return 0
}

describe("a network cut into shards", () => {
  test("runs and learns the same bits as in one, for random networks and cuts", () => {
    let moved = 0
    fc.assert(
      fc.property(networks, fc.integer({ min: 1, max: 4 }), fc.nat(), (shape, count, salt) => {
        const net = networkOf(shape)
        const next = uniform(salt)
        const plan = randomPlan(net, count, next)
        const one = new HostNetwork(net)
        const fleet = new Fleet(net, plan, 1 + (salt % 3))
        expect(fleet.coefficients()).toEqual(one.coefficients())
        const start = one.coefficients()
        const classes = net.layers[net.layers.length - 1].neurons
        for (let sample = 0; sample < 6; sample++) {
          const image = randomImage(net.width, next, sample === 3 ? 0 : 0.5)
          const label = Math.floor(next() * classes)
          expect(fleet.train(image, label)).toBe(one.train(image, label))
          const outputs = one.memory.subarray(
            busOf(one.memory, net.layers.length),
            busOf(one.memory, net.layers.length) + 2 * classes,
          )
          for (const m of fleet.shards) {
            const bus = busOf(m, net.layers.length)
            if (bus !== 0) expect(m.subarray(bus, bus + 2 * classes)).toEqual(outputs)
          }
          expect(fleet.coefficients()).toEqual(one.coefficients())
        }
        if (!one.coefficients().equals(start)) moved++
      }),
      { numRuns: 150 },
    )
    // Bits that never change would agree too.
    expect(moved).toBeGreaterThan(100)
  })

  test("in chunks of one source, synapse or neuron gives the same bits", () => {
    fc.assert(
      fc.property(networks, fc.nat(), (shape, salt) => {
        const net = networkOf(shape)
        const next = uniform(salt)
        const one = new HostNetwork(net)
        const small = new HostNetwork(net)
        for (const part of partsOf(small.memory))
          for (const field of [Part.ChunkSources, Part.ChunkSynapses, Part.ChunkNeurons])
            small.memory.writeUInt16LE(1 + Math.floor(next() * 3), part + field)
        for (let sample = 0; sample < 3; sample++) {
          const image = randomImage(net.width, next)
          expect(small.train(image, 0)).toBe(one.train(image, 0))
        }
        expect(small.coefficients()).toEqual(one.coefficients())
      }),
      { numRuns: 40 },
    )
  })

  test("marks the parts whose signals others read, and whose sources others hold", () => {
    const net = network([{ neurons: 4 }, { neurons: 4 }, { neurons: 3, outputs: 1 }])
    const flags = (slices: Slice[]) => {
      const m = buildShard(net, slices, 1)
      return partsOf(m).map(part => m.readUInt16LE(part + Part.Flags))
    }
    const all = net.layers.map((l, k) => ({ layer: k + 1, first: 0, count: l.neurons }))
    const crossing = PartFlag.Report | PartFlag.Await
    expect(flags(all).map(f => f & crossing)).toEqual([0, 0, 0])
    expect(flags(all).map(f => f & (PartFlag.Input | PartFlag.Output))).toEqual([
      PartFlag.Input,
      0,
      PartFlag.Output,
    ])
    expect(flags([all[0]]).map(f => f & crossing)).toEqual([PartFlag.Report])
    expect(flags([all[2]]).map(f => f & crossing)).toEqual([PartFlag.Await])
    expect(flags([all[1]]).map(f => f & crossing)).toEqual([crossing])
    // A layer in two parts of one shard crosses nothing.
    const halves = [
      { layer: 1, first: 0, count: 1 },
      { layer: 1, first: 1, count: 3 },
    ]
    expect(flags([...halves, all[1], all[2]]).map(f => f & crossing)).toEqual([0, 0, 0, 0])
    expect(flags([halves[0], all[1], all[2]]).map(f => f & crossing)).toEqual([
      0,
      PartFlag.Await,
      0,
    ])
    expect(
      flags([all[0], { layer: 2, first: 0, count: 3 }, all[2]]).map(f => f & crossing),
    ).toEqual([PartFlag.Report, 0, PartFlag.Await])
  })
})

/** Deals the neurons of every layer to the shards one by one; a densely read layer stays in ranges. */
function scattered(net: Network, shards: number, next: () => number): Slice[][] {
  const plan: Slice[][] = Array.from({ length: shards }, () => [])
  for (const [k, l] of net.layers.entries()) {
    const last = k + 1 === net.layers.length
    if (last || isDense(net, k + 2)) {
      plan[Math.floor(next() * shards)].push({ layer: k + 1, first: 0, count: l.neurons })
      continue
    }
    const dealt: number[][] = Array.from({ length: shards }, () => [])
    for (let n = 0; n < l.neurons; n++) dealt[Math.floor(next() * shards)].push(n)
    for (const [i, neurons] of dealt.entries())
      if (neurons.length > 0)
        plan[i].push({ layer: k + 1, first: 0, count: neurons.length, neurons: neurons.reverse() })
  }
  return plan.filter(slices => slices.length > 0)
}

test("neurons dealt to shards one by one learn the same bits", () => {
  let apart = 0
  fc.assert(
    fc.property(networks, fc.integer({ min: 2, max: 4 }), fc.nat(), (shape, count, salt) => {
      const net = networkOf(shape)
      const next = uniform(salt)
      const plan = scattered(net, count, next)
      if (plan.flat().some(s => s.neurons && s.count > 1)) apart++
      const one = new HostNetwork(net)
      const fleet = new Fleet(net, plan, 1 + (salt % 3))
      expect(fleet.coefficients()).toEqual(one.coefficients())
      const classes = net.layers[net.layers.length - 1].neurons
      for (let sample = 0; sample < 4; sample++) {
        const image = randomImage(net.width, next, 0.5)
        const label = Math.floor(next() * classes)
        expect(fleet.train(image, label)).toBe(one.train(image, label))
        expect(fleet.coefficients()).toEqual(one.coefficients())
      }
    }),
    { numRuns: 100 },
  )
  expect(apart).toBeGreaterThan(20)
})

describe("exchangeCoefficients", () => {
  test("is its own inverse, touches only the shard's own, and follows the network's order", () => {
    fc.assert(
      fc.property(networks, fc.integer({ min: 1, max: 4 }), fc.nat(), (shape, count, salt) => {
        const net = networkOf(shape)
        const next = uniform(salt)
        const plan = randomPlan(net, count, next)
        const shards = plan.map(slices => buildShard(net, slices, 1))
        const total = net.layers.reduce((n, _, k) => n + linksOf(net, k + 1), 0)
        const all = Buffer.alloc(2 * total)
        for (let i = 0; i < total; i++) all.writeInt16LE(Math.floor(next() * 65536) - 32768, 2 * i)

        for (const m of shards) exchangeCoefficients(m, net, all, true)
        const back = Buffer.alloc(2 * total)
        for (const m of shards) exchangeCoefficients(m, net, back, false)
        expect(back).toEqual(all)
        expect(coefficientsOf(net, shards)).toEqual(all)

        const mine = Buffer.alloc(2 * total)
        exchangeCoefficients(shards[0], net, mine, false)
        let base = 0
        for (const [k, l] of net.layers.entries()) {
          const fanIn = fanInOf(net, k + 1)
          for (let t = 0; t < l.neurons * l.inputs; t++) {
            const neuron = Math.floor(t / l.inputs)
            const held = plan[0].some(
              s => s.layer === k + 1 && neuron >= s.first && neuron < s.first + s.count,
            )
            const range: [number, number] = [2 * base, 2 * (base + fanIn)]
            const expected = held ? all.subarray(...range) : Buffer.alloc(2 * fanIn)
            expect(mine.subarray(...range)).toEqual(expected)
            base += fanIn
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test("puts each coefficient beside its own source and synapse", () => {
    const net = network(
      [
        { neurons: 5, fanIn: 7 },
        { neurons: 4, fanIn: 6 },
      ],
      { width: 30, seed: 9 },
    )
    const slices = [
      { layer: 1, first: 1, count: 3 },
      { layer: 2, first: 2, count: 2 },
    ]
    const m = buildShard(net, slices, 1)
    const all = Buffer.alloc(2 * (linksOf(net, 1) + linksOf(net, 2)))
    for (let i = 0; 2 * i < all.length; i++) all.writeInt16LE(i + 1, 2 * i)
    exchangeCoefficients(m, net, all, true)
    for (const [i, part] of partsOf(m).entries()) {
      const { layer, first, count } = slices[i]
      const { inputs } = net.layers[layer - 1]
      const found = new Map<string, number>()
      const starts = address(m, part, Part.Start)
      for (const [place, s] of sourceIds(m, part).entries())
        for (
          let link = m.readUInt16LE(starts + 2 * place);
          link < m.readUInt16LE(starts + 2 * place + 2);
          link++
        ) {
          const t = m[address(m, part, Part.Target) + link]
          found.set(`${s}>${t}`, m.readInt16LE(address(m, part, Part.Coefficient) + 2 * link))
        }
      expect(found.size).toBe(count * inputs * fanInOf(net, layer))
      for (let t = 0; t < count * inputs; t++) {
        const synapse = first * inputs + t
        for (const [rank, s] of sourcesOf(net, layer, synapse).entries()) {
          const place = (layer - 1) * linksOf(net, 1) + synapse * fanInOf(net, layer) + rank
          expect(found.get(`${s}>${t}`)).toBe(place + 1)
        }
      }
    }
  })
})

test("a layer of more links than 16 bits count is built on the host all the same", () => {
  const net = network([{ neurons: 85, inputs: 3, fanIn: 300 }], { width: 784 })
  const one = new HostNetwork(net)
  expect(one.coefficients().length).toBe(2 * 255 * 300)
  one.predict(randomImage(784, uniform(1)))
})

test("the smallest network there is runs and has nothing to learn", () => {
  const net = network([{ neurons: 1, inputs: 1, outputFirst: 0, outputs: 1, fanIn: 1 }], {
    width: 1,
    seed: 5,
  })
  const one = new HostNetwork(net)
  expect(one.train(Uint8Array.of(255), 0)).toBe(0)
  expect(one.coefficients().length).toBe(2)
  expect(readI16(one.memory, address(one.memory, partAt(0), Part.BusOut), 1)[0]).not.toBe(0)
})
