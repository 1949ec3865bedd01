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
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part, PartFlag } from "../../../src/core/layout"
import { beginLearning, outputError, partAt, readout } from "../../../src/core/run"
import {
  address,
  network,
  partsOf,
  Q12,
  randomImage,
  readI16,
  readI32,
  sourceIds,
  synapsesOf,
  uniform,
  wholeBackward,
  wholeForward,
  writeI32,
} from "../../src/core/helpers"

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

/** Cuts every layer at random places and deals the pieces to the shards; none stays empty. */
function randomPlan(net: Network, shards: number, next: () => number): Slice[][] {
  const plan: Slice[][] = Array.from({ length: shards }, () => [])
  for (const [k, l] of net.layers.entries()) {
    for (let first = 0; first < l.neurons; ) {
      const count = 1 + Math.floor(next() * (l.neurons - first))
      plan[Math.floor(next() * shards)].push({ layer: k + 1, first, count })
      first += count
    }
  }
  return plan.filter(slices => slices.length > 0)
}

const networks = fc.record({
  width: fc.integer({ min: 1, max: 40 }),
  depth: fc.integer({ min: 2, max: 3 }),
  layers: fc.array(
    fc.record({
      neurons: fc.integer({ min: 1, max: 9 }),
      inputs: fc.integer({ min: 1, max: 5 }),
      outputFirst: fc.integer({ min: 0, max: 4 }),
      outputs: fc.integer({ min: 1, max: 5 }),
      // Few or all of the signals before: sparse or dense.
      fanIn: fc.oneof(fc.integer({ min: 2, max: 8 }), fc.constant(60)),
    }),
    { minLength: 3, maxLength: 3 },
  ),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  steps: fc.integer({ min: 2, max: 8 }),
  signalBits: fc.integer({ min: 8, max: 12 }),
})
type Shape = typeof networks extends fc.Arbitrary<infer T> ? T : never

function networkOf(shape: Shape): Network {
  const layers = shape.layers.slice(0, shape.depth).map(l => ({
    ...l,
    outputs: Math.min(l.outputs, 5 - l.outputFirst),
  }))
  // A classifier: two outputs at least, one each, always something to learn.
  const last = layers[layers.length - 1]
  layers[layers.length - 1] = { ...last, neurons: last.neurons + 1, outputs: 1 }
  return network(layers, {
    width: shape.width,
    seed: shape.seed,
    steps: shape.steps,
    signalBits: shape.signalBits,
    learnShift: shape.signalBits,
    margin: Q12,
  })
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

/** Every area of a shard, by name, as its first byte and the one behind its last. */
function areasOf(m: Buffer, net: Network): Map<string, [number, number]> {
  const areas = new Map<string, [number, number]>()
  const slots = m.readUInt16LE(Header.Slots)
  const parts = partsOf(m)
  const put = (name: string, at: number, bytes: number) => {
    const known = areas.get(name)
    // Shared areas: the same address from each part; the longest use of it counts.
    if (known) expect(at).toBe(known[0])
    areas.set(name, [at, Math.max(at + bytes, known?.[1] ?? 0)])
  }
  put("header", 0, Header.Length)
  put("descriptors", Header.Length, parts.length * Part.Length)
  put("input table", m.readInt32LE(Header.InputTable), 512)
  for (const [i, part] of parts.entries()) {
    const layer = layerOf(m, part)
    const links = m.readInt32LE(part + Part.Links)
    const synapses = synapsesOf(m, part)
    const sources = sourceIds(m, part).length
    const width = m.readUInt16LE(part + Part.BusOutWidth)
    put(`coefficients ${i}`, address(m, part, Part.Coefficient), 2 * links)
    if (isDense(net, layer)) {
      for (const field of [Part.Start, Part.Target, Part.List])
        expect(address(m, part, field)).toBe(0)
    } else {
      put(`starts ${i}`, address(m, part, Part.Start), 2 * (sources + 1))
      put(`targets ${i}`, address(m, part, Part.Target), links)
      const list = layer === 1 ? "image list" : "signal list"
      put(list, address(m, part, Part.List), 4 + 4 * sources)
    }
    const ids = address(m, part, Part.SourceIds)
    if (ids !== 0) put(`sources of ${layer}`, ids, 2 * sources)
    const neurons = address(m, part, Part.NeuronIds)
    if (neurons !== 0) put(`neurons ${i}`, neurons, 2 * m.readUInt16LE(part + Part.Neurons))
    put(`sums ${i}`, address(m, part, Part.Sum), 4 * synapses)
    put(`states ${i}`, address(m, part, Part.State), 10 * m.readUInt16LE(part + Part.Neurons))
    put(`lambda ${i}`, address(m, part, Part.Lambda), 2 * synapses)
    put(`noise ${i}`, address(m, part, Part.Noise), 2 * synapses)
    put(`bus ${layer}`, address(m, part, Part.BusOut), 2 * slots * width)
    put(`backward sums ${layer}`, address(m, part, Part.BackIn), 4 * width)
    if (layer > 1) {
      put(`bus ${layer - 1}`, address(m, part, Part.BusIn), 2 * slots * sources)
      put(`backward sums ${layer - 1}`, address(m, part, Part.BackOut), 4 * sources)
    } else {
      expect(address(m, part, Part.BusIn)).toBe(0)
      expect(address(m, part, Part.BackOut)).toBe(0)
    }
  }
  return areas
}

const LOADED = /^(header|descriptors|input table|coefficients|starts|targets|sources|neurons)/

function checkLayout(m: Buffer, net: Network): void {
  const image = m.readInt32LE(Header.Image)
  expect(m.readInt32LE(Header.Size)).toBe(m.length)
  let end = 0
  let before = "start"
  const sorted = [...areasOf(m, net)].sort((a, b) => a[1][0] - b[1][0] || a[1][1] - b[1][1])
  for (const [name, [from, to]] of sorted) {
    expect(from, `${name} overlaps ${before}`).toBeGreaterThanOrEqual(end)
    // Two bytes of alignment at most a part's odd bytes ask for; the rest would be waste.
    expect(from - end, `between ${before} and ${name}`).toBeLessThan(4)
    expect(to, name).toBeLessThanOrEqual(LOADED.test(name) ? image : m.length)
    if (!LOADED.test(name)) expect(from, name).toBeGreaterThanOrEqual(image)
    end = to
    before = name
  }
  expect(m.length - end).toBeLessThan(4)
}

describe("the layout of a shard", () => {
  test("has no two areas that overlap, and no gap beyond alignment", () => {
    fc.assert(
      fc.property(
        networks,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(),
        (shape, count, slots, salt) => {
          const net = networkOf(shape)
          for (const slices of randomPlan(net, count, uniform(salt)))
            checkLayout(buildShard(net, slices, slots), net)
        },
      ),
      { numRuns: 150 },
    )
  })

  test("has no overlaps either when the slices come in another order", () => {
    const net = network([{ neurons: 2 }, { neurons: 8, fanIn: 3 }, { neurons: 2, fanIn: 3 }])
    checkLayout(
      buildShard(
        net,
        [
          { layer: 2, first: 0, count: 8 },
          { layer: 1, first: 0, count: 2 },
          { layer: 3, first: 0, count: 2 },
        ],
        1,
      ),
      net,
    )
  })

  test("grows with neurons, slots and parts", () => {
    const net = network([{ neurons: 9, fanIn: 6 }, { neurons: 5 }])
    const size = (slices: Slice[], slots = 1) => buildShard(net, slices, slots).length
    for (const layer of [1, 2])
      for (let count = 1; count < net.layers[layer - 1].neurons; count++)
        expect(size([{ layer, first: 0, count: count + 1 }])).toBeGreaterThan(
          size([{ layer, first: 0, count }]),
        )
    const slice = { layer: 1, first: 0, count: 3 }
    // One slot of its own six signals of two bytes.
    expect(size([slice], 2) - size([slice], 1)).toBe(12)
    expect(size([slice, { layer: 2, first: 0, count: 1 }])).toBeGreaterThan(size([slice]))
  })

  test("states the number formats the network asks for", () => {
    for (let steps = 2; steps <= 16; steps++)
      for (const signalBits of [6, 10, 12]) {
        const net = network([{}], { steps, signalBits, margin: 999, learnShift: 13, seed: -7 })
        const m = buildShard(net, [{ layer: 1, first: 0, count: 4 }], 3)
        const u16 = (field: Header) => m.readUInt16LE(field)
        expect(u16(Header.Steps)).toBe(steps)
        // The nearest, not the floor: the mean of a signal would lie low.
        expect(Math.abs(u16(Header.Reciprocal) - 65536 / steps)).toBeLessThanOrEqual(0.5)
        expect(u16(Header.SignalShift)).toBe(28 - signalBits)
        expect(u16(Header.NetShift)).toBe(signalBits + 1)
        expect(u16(Header.Margin)).toBe(Math.floor(999 / 2 ** (12 - signalBits)))
        expect(u16(Header.LearnShift)).toBe(13)
        expect(u16(Header.Slots)).toBe(3)
        expect(u16(Header.Width)).toBe(20)
        expect(m.readInt32LE(Header.Seed)).toBe(-7)
      }
  })

  test("zeroes the working memory and says nothing of the sample before the first", () => {
    const m = new HostNetwork(pico16(1)).memory
    expect(m.subarray(m.readInt32LE(Header.Image)).every(byte => byte === 0)).toBe(true)
  })

  test("is told by the layout hash: another seed, cut, clamp or link structure has another", () => {
    const net = network([{ neurons: 5, fanIn: 7 }, { neurons: 4 }])
    const hash = (n: Network, slices: Slice[], slots = 1) =>
      buildShard(n, slices, slots).readInt32LE(Header.LayoutHash)
    const slice = { layer: 1, first: 0, count: 3 }
    const hashes = [
      hash(net, [slice]),
      hash({ ...net, seed: 2 }, [slice]),
      hash(net, [{ ...slice, first: 1 }]),
      hash(net, [{ ...slice, count: 2 }]),
      hash(net, [slice], 2),
      hash({ ...net, learnShift: 11 }, [slice]),
      hash({ ...net, netMax: 4000 }, [slice]),
      hash({ ...net, steps: 7 }, [slice]),
    ]
    expect(new Set(hashes).size).toBe(hashes.length)
    expect(hash(net, [slice])).toBe(hashes[0])
  })

  test("more synapses than a byte can name are refused", () => {
    const net = network([{ neurons: 86, inputs: 3, fanIn: 4 }])
    expect(() => buildShard(net, [{ layer: 1, first: 0, count: 86 }], 1)).toThrow("256 synapses")
    expect(buildShard(net, [{ layer: 1, first: 0, count: 85 }], 1).length).toBeGreaterThan(0)
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
