import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeRuns, encodeSlices } from "../../../host/data/runs"
import { buildShard } from "../../../host/network/shard"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { address, listing, network } from "./helpers"

const part = partAt(0)

function shardOf(width: number): Buffer {
  return listing(
    buildShard(
      network([{ neurons: 2, fanIn: 4 }], { width }),
      [{ layer: 1, first: 0, count: 2 }],
      1,
    ),
  )
}

/** The list of the part: pixel and signal of each entry. */
function listOf(m: Buffer): [number, number][] {
  const list = address(m, part, Part.List)
  return Array.from({ length: m.readInt32LE(list) }, (_, i) => [
    m.readUInt16LE(list + 4 + 4 * i),
    m.readInt16LE(list + 6 + 4 * i),
  ])
}

/** What the list should be: every pixel that is not zero, with its response from the table. */
function expected(m: Buffer, image: Uint8Array): [number, number][] {
  const table = m.readInt32LE(Header.InputTable)
  const list: [number, number][] = []
  for (const [i, pixel] of image.entries())
    if (pixel !== 0) list.push([i, m.readInt16LE(table + 2 * pixel)])
  return list
}

const images = fc
  .array(
    fc.oneof(
      // Stretches past 255 of either kind, for which one byte is not enough.
      fc.record({ length: fc.integer({ min: 1, max: 600 }), ink: fc.boolean() }),
      fc.record({ length: fc.integer({ min: 1, max: 4 }), ink: fc.boolean() }),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map(stretches =>
    Uint8Array.from(
      stretches.flatMap(({ length, ink }, s) =>
        Array.from({ length }, (_, i) => (ink ? 1 + ((i * 7 + s * 31) % 255) : 0)),
      ),
    ),
  )

describe("an image as runs", () => {
  test("comes back as exactly its active pixels, in slices of any size from 3 bytes", () => {
    fc.assert(
      fc.property(images, fc.integer({ min: 3, max: 300 }), (image, most) => {
        const m = shardOf(image.length)
        clearImage(m, part)
        let pixel = 0
        for (const slice of encodeSlices(image, most)) {
          expect(slice.runs.length).toBeLessThanOrEqual(most)
          expect(slice.pixel).toBe(pixel)
          pixel = activateRuns(m, part, slice.runs, 0, slice.runs.length, slice.pixel)
        }
        expect(listOf(m)).toEqual(expected(m, image))
      }),
      { numRuns: 200 },
    )
  })

  test("in one slice is the same list, wherever in its buffer it lies", () => {
    fc.assert(
      fc.property(images, fc.nat(20), (image, offset) => {
        const m = shardOf(image.length)
        const runs = encodeRuns(image)
        const framed = Buffer.concat([Buffer.alloc(offset, 255), runs, Buffer.alloc(5, 255)])
        activateRuns(m, part, framed, offset, offset + runs.length, 0)
        expect(listOf(m)).toEqual(expected(m, image))
      }),
      { numRuns: 50 },
    )
  })

  test("replaces the one before it", () => {
    const m = shardOf(10)
    for (const image of [Uint8Array.of(0, 9, 9, 0, 1, 0, 0, 0, 0, 255), new Uint8Array(10)]) {
      const runs = encodeRuns(image)
      clearImage(m, part)
      activateRuns(m, part, runs, 0, runs.length, 0)
      expect(listOf(m)).toEqual(expected(m, image))
    }
  })
})

describe("malformed runs", () => {
  /** Runs bytes through a shard; checks that nothing but the image's list was written. */
  function attempt(width: number, slices: { bytes: number[]; pixel: number }[]): number[] {
    const m = shardOf(width)
    const list = address(m, part, Part.List)
    const end = list + 4 + 4 * width
    const before = Buffer.from(m)
    const results = slices.map(({ bytes, pixel }) => {
      const length = m.readInt32LE(list)
      const result = activateRuns(m, part, Buffer.from(bytes), 0, bytes.length, pixel)
      if (result < 0) expect(m.readInt32LE(list)).toBe(length)
      return result
    })
    expect(m.subarray(0, list)).toEqual(before.subarray(0, list))
    expect(m.subarray(end)).toEqual(before.subarray(end))
    expect(m.readInt32LE(list)).toBeLessThanOrEqual(width)
    return results
  }

  const cases: [string, number[], number][] = [
    ["a lone skip", [3], 0],
    ["a count without its pixels", [0, 2], 0],
    ["fewer pixels than counted", [0, 3, 7, 7], 0],
    ["a rest of one byte", [0, 1, 9, 4], 0],
    ["a run past the image", [8, 3, 1, 1, 1], 0],
    ["a skip past the image", [11, 0], 0],
    ["a run that starts past the image", [0, 1, 5], 10],
    ["a pixel far outside", [0, 1, 5], 65535],
  ]
  for (const [name, bytes, pixel] of cases)
    test(`${name} gives −1`, () => {
      expect(attempt(10, [{ bytes, pixel }])).toEqual([-1])
    })

  test("the end of the image itself is still inside", () => {
    expect(attempt(10, [{ bytes: [8, 2, 1, 1], pixel: 0 }])).toEqual([10])
    expect(attempt(10, [{ bytes: [10, 0], pixel: 0 }])).toEqual([10])
    expect(attempt(10, [{ bytes: [], pixel: 10 }])).toEqual([10])
  })

  test("random bytes never write outside the list", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 40 }),
        fc.array(fc.oneof(fc.nat(255), fc.nat(8)), { maxLength: 60 }),
        fc.nat(60),
        (width, bytes, pixel) => {
          const [result] = attempt(width, [{ bytes, pixel }])
          // No bytes, no pixel: nothing was checked and nothing done.
          if (bytes.length > 0) expect(result).toBeLessThanOrEqual(width)
        },
      ),
      { numRuns: 500 },
    )
  })

  test("slices that go back over the image cannot fill the list beyond its end", () => {
    const full = [0, 6, 1, 2, 3, 4, 5, 6]
    const results = attempt(6, [
      { bytes: full, pixel: 0 },
      { bytes: full, pixel: 0 },
    ])
    expect(results).toEqual([6, -1])
  })
})
