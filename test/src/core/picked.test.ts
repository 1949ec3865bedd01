/** Links that lie synapse by synapse, and images that come as the links of lit pixels. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeRuns, pickSlices } from "../../../host/data/runs"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork, wholeNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { pickedShare, pickedSources } from "../../../host/network/shard-places"
import type { Slice } from "../../../host/network/slices"
import { checkLinks, isSound } from "../../../src/core/check"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part, PartFlag } from "../../../src/core/layout"
import { keepPicks, sumPicked } from "../../../src/core/picked"
import { beginLearning, partAt } from "../../../src/core/run"
import {
  address,
  network,
  randomImage,
  readI32,
  synapsesOf,
  uniform,
  wholeBackward,
  wholeForward,
} from "./helpers"

const part = partAt(0)
const NEURONS = 5

function net(width: number, fanIn: number, fields: Partial<Network> = {}): Network {
  return network(
    [
      { neurons: NEURONS, inputs: 2, outputFirst: 1, fanIn },
      { neurons: 3, inputs: 2, outputFirst: 1, outputs: 1, fanIn: 10 },
    ],
    { width, ...fields },
  )
}

/** Some of the neurons that read pixels. */
function shareOf(next: () => number): Slice[] {
  const count = 1 + Math.floor(next() * (NEURONS - 1))
  if (next() < 0.5) return [{ layer: 1, first: Math.floor(next() * (NEURONS - count + 1)), count }]
  const neurons = [0, 1, 2, 3, 4].filter(() => next() < 0.5).slice(0, 4)
  if (neurons.length === 0) neurons.push(3)
  return [{ layer: 1, first: 0, count: neurons.length, neurons }]
}

const isPicked = (m: Buffer) => (m.readUInt16LE(part + Part.Flags) & PartFlag.Picked) !== 0

function trusted(m: Buffer): boolean {
  return isSound(m, m.length) && checkLinks(m, part, 0) === -1
}

/** The image as the host sends it. */
function take(m: Buffer, n: Network, slices: Slice[], image: Uint8Array, most: number): boolean {
  clearImage(m, part)
  let at = 0
  for (const slice of pickSlices(image, pickedSources(n, slices)!, most)) {
    expect(slice.pixel).toBe(at)
    at = keepPicks(m, part, slice.runs, 0, slice.runs.length, at)
  }
  return sumPicked(m, part)
}

describe("links that are picked", () => {
  test("have the sums of the whole network, and learn its bits, in slices and chunks of any size", () => {
    let changed = 0
    fc.assert(
      fc.property(
        fc.integer({ min: 256, max: 420 }),
        fc.integer({ min: 1, max: 255 }),
        fc.integer({ min: 1, max: 240 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 16 }),
        (width, fanIn, most, chunk, seed, learnShift) => {
          const next = uniform(seed)
          const n = net(width, Math.min(fanIn, Math.floor((width * 4) / 9)), {
            ...{ seed: seed & 0xffff, learnShift },
          })
          const slices = pickedShare(n, shareOf(next))!
          const host = new HostNetwork(n)
          const whole = host.memory
          const m = buildShard(n, slices, 1)
          expect(isPicked(m)).toBe(true)
          expect(trusted(m)).toBe(true)
          m.writeUInt16LE(chunk, part + Part.ChunkSynapses)
          const before = host.coefficients()
          const neurons = Array.from(
            { length: m.readUInt16LE(part + Part.Neurons) },
            (_, i) => slices[0].neurons?.[i] ?? slices[0].first + i,
          )
          for (let sample = 0; sample < 3; sample++) {
            const image = randomImage(width, next, next())
            const runs = encodeRuns(image)
            clearImage(whole, part)
            expect(activateRuns(whole, part, runs, 0, runs.length, 0)).toBeGreaterThanOrEqual(0)
            expect(take(m, n, slices, image, most)).toBe(true)
            const sums = (of: Buffer) =>
              readI32(of, address(of, part, Part.Sum), synapsesOf(of, part))
            const all = sums(whole)
            expect(sums(m)).toEqual(neurons.flatMap(i => [all[2 * i], all[2 * i + 1]]))
            for (const of of [whole, m]) wholeForward(of, part)
            // Backward sums as the layer above might have them, of all neurons in the one, of its own
            // in the other.
            for (const of of [whole, m]) beginLearning(of, sample)
            const [here, there] = [m, whole].map(of => address(of, part, Part.BackIn))
            const width1 = whole.readUInt16LE(part + Part.BusOutWidth)
            const back = Array.from({ length: width1 }, () => Math.floor((next() - 0.5) * 2 ** 26))
            for (const [i, b] of back.entries()) whole.writeInt32LE(b, there + 4 * i)
            const each = width1 / NEURONS
            for (const [k, i] of neurons.entries())
              for (let s = 0; s < each; s++) {
                const place = m.readUInt16LE(part + Part.BusOutFirst) + k * each + s
                m.writeInt32LE(back[i * each + s], here + 4 * place)
              }
            wholeBackward(whole, part)
            wholeBackward(m, part)
            const expected = host.coefficients()
            const mine = Buffer.from(expected)
            exchangeCoefficients(m, n, mine, false)
            expect(mine.equals(expected)).toBe(true)
          }
          if (!host.coefficients().equals(before)) changed++
        },
      ),
      { numRuns: 60 },
    )
    expect(changed).toBeGreaterThan(40)
  })

  test("random bytes write nothing but the list and the sums, and are no image", () => {
    const n = net(256, 20)
    const slices = pickedShare(n, [{ layer: 1, first: 1, count: 2 }])!
    const built = buildShard(n, slices, 1)
    const list = address(built, part, Part.List)
    const sum = address(built, part, Part.Sum)
    // Four synapses of twenty links.
    const most = 4 + 2 * 80 + 4 + 2
    let images = 0
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.oneof(fc.nat(3), fc.constant(0), fc.nat(255)), { maxLength: 120 }), {
          maxLength: 4,
        }),
        slicesOfBytes => {
          const m = Buffer.from(built)
          let had = keepPicks(m, part, Buffer.alloc(0), 0, 0, 0)
          for (const bytes of slicesOfBytes) {
            const end = keepPicks(m, part, Buffer.from(bytes), 0, bytes.length, had)
            if (had + bytes.length > 2 * 80 + 4) expect(end).toBe(-1)
            else expect(end).toBe(had + bytes.length)
            if (end < 0) break
            // A slice that comes again, or before one that is missing.
            if (end > 0) expect(keepPicks(m, part, Buffer.from([0]), 0, 1, end - 1)).toBe(-1)
            had = end
          }
          const given = m.subarray(list + 4, list + 4 + had)
          expect(sumPicked(m, part)).toBe(isImage(Array.from(given)))
          if (isImage(Array.from(given))) images++
          built.copy(m, list, list, list + most)
          built.copy(m, sum, sum, sum + 16)
          expect(m.equals(built)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
    expect(images).toBeLessThan(500)
    // The one way of having no lit pixel, and a byte more or less.
    const blank = [20, 20, 20, 20]
    for (const [bytes, is] of [
      [blank, true],
      [blank.slice(1), false],
      [[...blank, 0], false],
      [[0, 9, 19, 7, 1, ...blank.slice(1)], true],
      [[0, 9, 19, 7, 2, ...blank.slice(1)], false],
      [[...Array(21).fill([0, 9]).flat(), 20, ...blank.slice(1)], false],
    ] as const) {
      const m = Buffer.from(built)
      expect(keepPicks(m, part, Buffer.from(bytes), 0, bytes.length, 0)).toBe(bytes.length)
      expect(sumPicked(m, part)).toBe(is)
    }

    /** By the format as the spec has it. */
    function isImage(bytes: number[]): boolean {
      let at = 0
      for (let synapse = 0; synapse < 4; synapse++) {
        let link = 0
        let picks = 0
        for (;;) {
          if (at >= bytes.length) return false
          link += bytes[at++]
          if (link > 20) return false
          if (link === 20) break
          at++
          picks++
        }
        if (picks > 20) return false
      }
      return at === bytes.length
    }
  })

  test("are refused where they or their chunks are not sound", () => {
    const n = net(256, 100)
    const good = buildShard(n, pickedShare(n, [{ layer: 1, first: 1, count: 3 }])!, 1)
    expect(trusted(good)).toBe(true)
    const start = address(good, part, Part.Start)
    const flags = good.readUInt16LE(part + Part.Flags)
    const spoil: ((m: Buffer) => void)[] = [
      m => m.writeUInt16LE(1, start),
      m => m.writeUInt16LE(m.readUInt16LE(start + 4) + 1, start + 2),
      m => m.writeUInt16LE(99, start + 2 * 6),
      // More links of a synapse than a byte moves over.
      m => m.writeUInt16LE(256, start + 2),
      // Ten synapses of 255 links and more take a run too long.
      m => m.writeUInt16LE(0, part + Part.ChunkSynapses),
      m => m.writeUInt16LE(flags & ~PartFlag.AtOnce, part + Part.Flags),
      m => m.writeUInt16LE(flags | PartFlag.Shared, part + Part.Flags),
      m => m.writeUInt16LE(flags | 1024, part + Part.Flags),
      m => m.writeInt32LE(m.readInt32LE(Header.Size) - 100, part + Part.List),
      m => m.writeInt32LE(m.readInt32LE(part + Part.Target) + 4, part + Part.Target),
      m => m.writeInt32LE(2 ** 31 - 1, part + Part.Links),
      m => m.writeInt32LE(-1, part + Part.Links),
      m => m.writeUInt16LE(65535, part + Part.Neurons),
      m => m.writeUInt16LE(65535, part + Part.Inputs),
    ]
    for (const [i, change] of spoil.entries()) {
      const m = Buffer.from(good)
      change(m)
      expect([i, trusted(m)]).toEqual([i, false])
    }
  })

  test("are where a share has few links a pixel of many, and the plain rule", () => {
    const share = (n: Network, slices: Slice[] = [{ layer: 1, first: 0, count: 4 }]) =>
      pickedShare(n, slices) !== undefined
    expect(share(net(256, 100))).toBe(true)
    expect(share(net(255, 100))).toBe(false)
    // Eight synapses of 128 links are four a pixel.
    expect(share(net(256, 128))).toBe(true)
    expect(share(net(256, 129))).toBe(false)
    expect(share(net(800, 256))).toBe(false)
    expect(share(net(256, 50, { linkBound: 3 }))).toBe(false)
    expect(share(net(256, 50, { inputSignals: 2 }))).toBe(false)
    expect(share(net(256, 50), wholeNetwork(net(256, 50)))).toBe(false)
    const two = [
      { layer: 1, first: 0, count: 2 },
      { layer: 1, first: 2, count: 1 },
    ]
    expect(share(net(256, 50), two)).toBe(false)
  })
})
