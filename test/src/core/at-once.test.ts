import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeSlices } from "../../../host/data/runs"
import { HostNetwork, wholeNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { buildShard } from "../../../host/network/shard"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part, PartFlag } from "../../../src/core/layout"
import { sumSparse } from "../../../src/core/links"
import { partAt } from "../../../src/core/run"
import {
  address,
  listing,
  network,
  randomImage,
  readI32,
  synapsesOf,
  uniform,
  wholeForward,
} from "./helpers"

const part = partAt(0)

function net(width: number, fanIn: number, fields: Partial<Network> = {}): Network {
  return network(
    [
      { neurons: 5, inputs: 2, outputFirst: 1, fanIn },
      { neurons: 3, inputs: 2, outputFirst: 1, outputs: 1, fanIn: 20 },
    ],
    { width, ...fields },
  )
}

function isAtOnce(m: Buffer): boolean {
  return (m.readUInt16LE(part + Part.Flags) & PartFlag.AtOnce) !== 0
}

describe("pixels summed at once", () => {
  test("give the sums of the list, in slices of any size, briefly or not", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 300 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 3, max: 240 }),
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.constantFrom(0, 1),
        (width, fanIn, most, seed, brief) => {
          const n = net(width, fanIn)
          const next = uniform(seed)
          const image = randomImage(width, next, next())
          const [atOnce, listed] = [0, 1].map(() => buildShard(n, wholeNetwork(n), 1))
          expect(isAtOnce(atOnce)).toBe(true)
          listing(listed)
          for (const m of [atOnce, listed]) {
            m.writeUInt16LE(brief, Header.Brief)
            // What an earlier image left must not shine through.
            m.fill(99, address(m, part, Part.Sum), address(m, part, Part.Sum) + 4)
            clearImage(m, part)
            let pixel = 0
            for (const slice of encodeSlices(image, most))
              pixel = activateRuns(m, part, slice.runs, 0, slice.runs.length, pixel)
          }
          const synapses = synapsesOf(listed, part)
          listed.fill(
            0,
            address(listed, part, Part.Sum),
            address(listed, part, Part.Sum) + 4 * synapses,
          )
          sumSparse(listed, part, 0, listed.readInt32LE(address(listed, part, Part.List)))
          const sums = (m: Buffer) => readI32(m, address(m, part, Part.Sum), synapses)
          expect(sums(atOnce)).toEqual(sums(listed))
          // The forward pass takes them as they are.
          wholeForward(atOnce, part)
          expect(sums(atOnce)).toEqual(sums(listed))
        },
      ),
      { numRuns: 200 },
    )
  })

  test("teach the same coefficients as listed ones, however few of them one run may do", () => {
    let changed = 0
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 400 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 16 }),
        (width, fanIn, chunk, seed, learnShift) => {
          const n = net(width, fanIn, { seed: seed & 0xffff, learnShift, margin: 32000 })
          const atOnce = new HostNetwork(n)
          const listed = new HostNetwork(n)
          listing(listed.memory)
          atOnce.memory.writeUInt16LE(chunk, part + Part.ChunkSources)
          const before = Buffer.from(atOnce.coefficients())
          const next = uniform(seed)
          for (let sample = 0; sample < 4; sample++) {
            const image = randomImage(width, next, 0.2 + 0.8 * next())
            const label = Math.floor(next() * 3)
            expect(atOnce.train(image, label)).toBe(listed.train(image, label))
          }
          expect(atOnce.coefficients().equals(listed.coefficients())).toBe(true)
          if (!before.equals(atOnce.coefficients())) changed++
        },
      ),
      { numRuns: 200 },
    )
    expect(changed).toBeGreaterThan(150)
  })

  test("random bytes write nothing but the kept runs and the sums", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 40 }),
        fc.array(
          fc.record({
            bytes: fc.array(
              fc.oneof({ weight: 3, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(255) }),
              { maxLength: 40 },
            ),
            pixel: fc.nat(45),
          }),
          { maxLength: 6 },
        ),
        (width, slices) => {
          const n = net(width, 4)
          const m = buildShard(n, wholeNetwork(n), 1)
          const list = address(m, part, Part.List)
          const sum = address(m, part, Part.Sum)
          const before = Buffer.from(m)
          for (const { bytes, pixel } of slices) {
            const length = m.readInt32LE(list)
            const result = activateRuns(m, part, Buffer.from(bytes), 0, bytes.length, pixel)
            if (result < 0) expect(m.readInt32LE(list)).toBe(length)
          }
          for (const [from, bytes] of [
            [list, 4 + 4 * width],
            [sum, 4 * synapsesOf(m, part)],
          ])
            before.copy(m, from, from, from + bytes)
          expect(m.equals(before)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  test("are not where a message could take a board too long, nor where links learn otherwise", () => {
    const whole = (n: Network) => buildShard(n, wholeNetwork(n), 1)
    expect(isAtOnce(whole(net(20, 12)))).toBe(true)
    // Fifteen and more links on every pixel.
    expect(isAtOnce(whole(network([{ neurons: 8, inputs: 2, outputFirst: 1, fanIn: 20 }])))).toBe(
      false,
    )
    expect(isAtOnce(whole(net(20, 4, { linkBound: 3 })))).toBe(false)
    expect(isAtOnce(whole(net(20, 4, { inputSignals: 2 })))).toBe(false)
    // Two parts of one layer share the pixels.
    const n = net(20, 4)
    const two = [
      { layer: 1, first: 0, count: 2 },
      { layer: 1, first: 2, count: 3 },
    ]
    expect(isAtOnce(buildShard(n, two, 1))).toBe(false)
  })
})
