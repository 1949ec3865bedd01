/**
 * Shared kernels against the same network without sharing: windows at the same places whose coefficients are
 * copies. Forward and backward must have its bits, and a shared coefficient learn the exact sum of what all its
 * copies would.
 */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeRuns } from "../../../host/data/runs"
import { coefficientsOf, HostNetwork, wholeNetwork } from "../../../host/network/host-network"
import { coefficientMaxOf, kernelsOf, linksOf, type Network } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { sizedNetwork } from "../../../host/network/sized-network"
import { Header, Part, PartFlag } from "../../../src/core/layout"
import { gatherWhole, roundWhole } from "../../../src/core/once"
import { learnWhole } from "../../../src/core/whole"
import { address, partsOf, randomImage, readI32, uniform } from "./helpers"
import { kernelNetworks } from "./kernel-networks"

/** The same without sharing. */
function apartOf(net: Network): Network {
  const layers = net.layers.map(({ window, ...layer }) => {
    if (!window) return layer
    const { shared: _, ...own } = window
    return { ...layer, window: own }
  })
  return { ...net, layers }
}

/** For each link of the network without sharing, which coefficient it is a copy of; in the networks' own order. */
function originsOf(net: Network): number[] {
  const origins: number[] = []
  let first = 0
  for (const [i, { neurons, inputs }] of net.layers.entries()) {
    const kernels = kernelsOf(net, i + 1)
    const synapses = neurons * inputs
    const each = linksOf(apartOf(net), i + 1) / synapses
    for (let synapse = 0; synapse < synapses; synapse++) {
      const own = kernels ? synapse % kernels.synapses : synapse
      for (let rank = 0; rank < each; rank++) origins.push(first + own * each + rank)
    }
    first += linksOf(net, i + 1)
  }
  return origins
}

/** A whole network with room to gather in, in its own order afterwards. */
class Gathering {
  readonly memory: Buffer
  constructor(
    readonly net: Network,
    coefficients: Buffer,
  ) {
    const built = buildShard(net, wholeNetwork(net), 1)
    let end = (built.length + 3) & ~3
    for (const part of partsOf(built)) {
      built.writeInt32LE(end, part + Part.Delta)
      end += 8 * built.readInt32LE(part + Part.Links)
      built.writeUInt16LE(
        built.readUInt16LE(part + Part.Flags) & ~PartFlag.AtOnce,
        part + Part.Flags,
      )
    }
    this.memory = Buffer.alloc(end)
    built.copy(this.memory)
    const host = new HostNetwork(net)
    host.load(coefficients, Buffer.alloc(0))
    // Both shards lay their parts out alike.
    host.memory.copy(this.memory, 0, 0, host.memory.readInt32LE(Header.Image))
    for (const part of partsOf(built)) built.copy(this.memory, part, part, part + Part.Length)
  }

  gather(image: Uint8Array, label: number): number {
    const runs = encodeRuns(image)
    return gatherWhole(this.memory, runs, 0, runs.length, 0, label)
  }

  /** Σ S·λ of every link, network's order: what is gathered goes through the coefficients' places, 16 bits at a time. */
  sums(): number[] {
    const halves = [0, 16].map(shift => {
      const copy = Buffer.from(this.memory)
      for (const part of partsOf(copy)) {
        const links = copy.readInt32LE(part + Part.Links)
        const [at, delta] = [address(copy, part, Part.Coefficient), address(copy, part, Part.Delta)]
        for (const [i, sum] of readI32(copy, delta, links).entries())
          copy.writeInt16LE(((sum >> shift) << 16) >> 16, at + 2 * i)
      }
      return coefficientsOf(this.net, [copy])
    })
    return Array.from(
      { length: halves[0].length / 2 },
      (_, i) => halves[1].readInt16LE(2 * i) * 65536 + halves[0].readUInt16LE(2 * i),
    )
  }
}

/** Everything of a run that layers below and above see, by layer: signals, and sums of C·λ. */
function buses(net: Network, m: Buffer): { signals: number[][]; backs: number[][] } {
  const signals: number[][] = []
  const backs: number[][] = []
  for (const part of partsOf(m)) {
    const layer = m.readUInt16LE(part + Part.Layer)
    const count = m.readUInt16LE(part + Part.BusOutWidth)
    const at = address(m, part, Part.BusOut)
    signals[layer - 1] = Array.from({ length: count }, (_, i) => m.readInt16LE(at + 2 * i))
    backs[layer - 1] = readI32(m, address(m, part, Part.BackIn), count)
  }
  expect(signals.length).toBe(net.layers.length)
  return { signals, backs }
}

function mix16(x: number): number {
  let y = (x * 27655 + 13849) % 65536
  y ^= y >> 7
  y = (y * 31821 + 12345) % 65536
  return y ^ (y >> 9)
}

/** The 16 random bits of each coefficient of a layer, network's order, as docs/model.md has them. */
function noiseOf(net: Network, layer: number, random: number): number[] {
  const kernels = kernelsOf(net, layer)!
  const fanIn = linksOf(net, layer) / kernels.synapses
  let first = 0
  for (const l of net.layers.slice(0, layer - 1)) first += l.neurons * l.inputs
  return Array.from({ length: linksOf(net, layer) }, (_, i) => {
    const synapse = first + Math.floor(i / fanIn)
    return (mix16(random ^ ((synapse * 32749) % 65536)) + (i % fanIn) * 40503) % 65536
  })
}

describe("shared kernels", () => {
  test("are windows whose coefficients are copies: the bits of every signal, back and forth", () => {
    fc.assert(
      fc.property(kernelNetworks, fc.integer(), (net, seed) => {
        const next = uniform(seed)
        const apart = apartOf(net)
        const origins = originsOf(net)
        const shared = new HostNetwork(net).coefficients()
        const copies = Buffer.alloc(2 * origins.length)
        for (const [i, from] of origins.entries())
          shared.copy(copies, 2 * i, 2 * from, 2 * from + 2)
        const one = new Gathering(net, shared)
        const other = new Gathering(apart, copies)
        for (let k = 0; k < 3; k++) {
          const image = randomImage(net.width, next, 0.6)
          const label = Math.floor(next() * net.layers[net.layers.length - 1].neurons)
          expect(one.gather(image, label)).toBe(other.gather(image, label))
          const mine = buses(net, one.memory)
          const theirs = buses(apart, other.memory)
          // Signals nobody reads are on no bus there.
          for (const [i, layer] of mine.signals.entries())
            if (theirs.signals[i].length === layer.length) {
              expect(layer).toEqual(theirs.signals[i])
              expect(mine.backs[i]).toEqual(theirs.backs[i])
            }
        }
      }),
      { numRuns: 60 },
    )
  })

  test("learn from an image the exact sum over all places, rounded once by (seed, coefficient, sample)", () => {
    let changed = 0
    fc.assert(
      fc.property(kernelNetworks, fc.integer(), fc.nat(9999), (net, seed, sample) => {
        const next = uniform(seed)
        const origins = originsOf(net)
        const before = new HostNetwork(net).coefficients()
        const copies = Buffer.alloc(2 * origins.length)
        for (const [i, from] of origins.entries())
          before.copy(copies, 2 * i, 2 * from, 2 * from + 2)
        const image = randomImage(net.width, next, 0.7)
        const label = Math.floor(next() * net.layers[net.layers.length - 1].neurons)

        const apart = new Gathering(apartOf(net), copies)
        apart.gather(image, label)
        const sums = new Array<bigint>(before.length / 2).fill(0n)
        for (const [i, sum] of apart.sums().entries()) sums[origins[i]] += BigInt(sum)

        const host = new HostNetwork(net)
        const runs = encodeRuns(image)
        learnWhole(host.memory, runs, 0, runs.length, 0, label, sample)
        const after = host.coefficients()
        const random = host.memory.readUInt16LE(Header.SampleRandom)
        let at = 0
        for (const [i, l] of net.layers.entries()) {
          const links = linksOf(net, i + 1)
          if (kernelsOf(net, i + 1)) {
            const most = coefficientMaxOf(net, i + 1)
            const shift = BigInt(net.learnShift + (l.finer ?? 0))
            for (const [k, noise] of noiseOf(net, i + 1, random).entries()) {
              const bits = BigInt(noise) & ((1n << shift) - 1n)
              const change = Number((sums[at + k] + bits) >> shift)
              const was = before.readInt16LE(2 * (at + k))
              expect(after.readInt16LE(2 * (at + k))).toBe(
                Math.max(-most, Math.min(most, was + change)),
              )
              if (change !== 0) changed++
            }
          }
          at += links
        }
      }),
      { numRuns: 60 },
    )
    expect(changed).toBeGreaterThan(0)
  })

  test("add a batch up exactly, past what 32 bits hold, and saturate at 2^30", () => {
    const net = { ...sizedNetwork("64-2c3s1-3", 4), softmaxGain: 0, learnShift: 8 }
    const host = new HostNetwork(net)
    const batch = new Gathering(net, host.coefficients())
    const [part] = partsOf(batch.memory)
    const delta = address(batch.memory, part, Part.Delta)
    const write = (link: number, sum: number) => {
      batch.memory.writeInt32LE(sum & 0xfffff, delta + 8 * link)
      batch.memory.writeInt32LE(Math.floor(sum / 2 ** 20), delta + 8 * link + 4)
    }
    const held = () => {
      const [low, high] = readI32(batch.memory, delta, 2)
      return high * 2 ** 20 + low
    }
    const image = randomImage(64, uniform(2), 1)
    batch.gather(image, 1)
    const one = held()
    expect(one).not.toBe(0)
    const far = 2 ** 33 - 7
    for (const from of [far, -far]) {
      write(0, from)
      for (let k = 0; k < 50; k++) batch.gather(image, 1)
      expect(held()).toBe(from + 50 * one)
    }
    // Saturated, either changes a coefficient by as much: to its clamp.
    const coefficient = address(batch.memory, part, Part.Coefficient)
    write(0, 2 ** 40)
    write(1, -(2 ** 40))
    roundWhole(batch.memory, 0, 8)
    const most = coefficientMaxOf(net, 1)
    expect(batch.memory.readInt16LE(coefficient)).toBe(most)
    expect(batch.memory.readInt16LE(coefficient + 2)).toBe(-most)
  })
})
