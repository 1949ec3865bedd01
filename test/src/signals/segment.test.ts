import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { encodeRuns } from "../../../host/data/runs"
import type { Features } from "../../../host/signals/description"
import { SignalStream } from "../../../host/signals/stream"
import { hashOf, mostRuns, paddedWidth, writeAll, writeRuns } from "../../../src/signals/runs"
import { TRACE, uniform } from "./reference"

const SEGMENTS: Features = {
  ...TRACE,
  cut: { by: "segment", threshold: 200, quiet: 10, shortest: 15, longest: 100 },
}

/** Still with some noise, but for stretches [from, to) that move. */
function stream(count: number, moves: [number, number][], seed = 1): number[][] {
  const next = uniform(seed)
  return Array.from({ length: count }, (_, i) => {
    const moving = moves.some(([from, to]) => i >= from && i < to)
    return [0, 1].map(c =>
      Math.round((moving ? 3000 * Math.sin(i / 2 + c) : 0) + 8 * (next() - 0.5)),
    )
  })
}

function cut(features: Features, samples: number[][]): { end: number; length: number }[] {
  const live = new SignalStream(features)
  return samples.flatMap((sample, i) => {
    const found = live.push(sample)
    return found ? [{ end: i, length: found.length / 4 }] : []
  })
}

describe("a stream cut into segments", () => {
  it("each stretch that moves is one, from just before it begins to just after it ends", () => {
    const moves: [number, number][] = [
      [50, 90],
      [200, 230],
      [300, 360],
    ]
    const found = cut(SEGMENTS, stream(450, moves))
    expect(found.length).toBe(3)
    for (const [i, { end, length }] of found.entries()) {
      const [from, to] = moves[i]
      expect(end).toBeGreaterThanOrEqual(to + 9)
      expect(end).toBeLessThan(to + 50)
      expect(length).toBeGreaterThanOrEqual(to - from)
      expect(length).toBeLessThan(to - from + 45)
    }
  })

  it("holds the very samples of the stretch", () => {
    const samples = stream(200, [[60, 100]])
    const live = new SignalStream(SEGMENTS)
    const found = samples.flatMap((sample, i) => {
      const bytes = live.push(sample)
      return bytes ? [{ bytes, end: i }] : []
    })
    expect(found.length).toBe(1)
    const flat = Array.from({ length: found[0].bytes.length / 4 }, (_, k) => [
      found[0].bytes.readInt16LE(4 * k),
      found[0].bytes.readInt16LE(4 * k + 2),
    ])
    const start = samples.findIndex((_, i) =>
      flat.every((pair, k) => pair.join() === samples[i + k]?.join()),
    )
    expect(start).toBeGreaterThan(45)
    expect(start).toBeLessThanOrEqual(60)
    expect(start + flat.length).toBeGreaterThanOrEqual(100)
  })

  it("noise and short knocks are none, and what does not end is cut at the longest", () => {
    expect(cut(SEGMENTS, stream(2000, []))).toEqual([])
    expect(
      cut(
        { ...SEGMENTS, cut: { ...SEGMENTS.cut!, shortest: 60 } as never },
        stream(200, [[50, 54]]),
      ),
    ).toEqual([])
    const long = cut(SEGMENTS, stream(500, [[20, 500]]))
    expect(long.length).toBeGreaterThanOrEqual(4)
    expect(long.every(({ length }) => length === 100)).toBe(true)
  })
})

describe("a stream cut into windows", () => {
  it("one every hop, each the latest samples", () => {
    const features: Features = { ...TRACE, cut: { by: "window", length: 20, hop: 5 } }
    const samples = Array.from({ length: 60 }, (_, i) => [i, -i])
    const live = new SignalStream(features)
    const found = samples.flatMap((sample, i) => {
      const bytes = live.push(sample)
      return bytes
        ? [[i, bytes.readInt16LE(0), bytes.readInt16LE(bytes.length - 4), bytes.length / 4]]
        : []
    })
    expect(found).toEqual(Array.from({ length: 9 }, (_, k) => [19 + 5 * k, 5 * k, 19 + 5 * k, 20]))
  })

  it("after a break it begins again", () => {
    const live = new SignalStream({ ...TRACE, cut: { by: "window", length: 4, hop: 4 } })
    for (const x of [1, 2, 3]) expect(live.push([x, 0])).toBeUndefined()
    live.clear()
    for (const x of [4, 5, 6]) expect(live.push([x, 0])).toBeUndefined()
    expect(live.push([7, 0])?.readInt16LE(0)).toBe(4)
  })
})

it("features become the runs the host makes of them, in the room that is set aside", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1, max: 255 })), {
        maxLength: 30,
      }),
      fc.integer({ min: 0, max: 400 }),
      (parts, rest) => {
        const bytes = Buffer.from([
          ...parts.flatMap(([zeros, value]) => [...Array(zeros).fill(0), value, value]),
          ...Array(rest).fill(0),
        ])
        const runs = Buffer.alloc(mostRuns(bytes.length))
        const length = writeRuns(bytes, bytes.length, runs)
        expect(runs.subarray(0, length)).toEqual(encodeRuns(bytes))
      },
    ),
  )
})

it("features all taken are one run after another, in the room that is set aside", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 1200 }), bytes => {
      const runs = Buffer.alloc(mostRuns(bytes.length))
      const length = writeAll(Buffer.from(bytes), bytes.length, runs)
      const back: number[] = []
      for (let at = 0; at < length; ) {
        const [skip, count] = runs.subarray(at, at + 2)
        back.push(...Array(skip).fill(0), ...runs.subarray(at + 2, at + 2 + count))
        at += 2 + count
      }
      expect(back).toEqual([...bytes])
    }),
  )
})

it("their hash is FNV-1a over words, with large whole numbers here", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), bytes => {
      const padded = Buffer.alloc(paddedWidth(bytes.length))
      padded.set(bytes)
      let hash = 0x811c9dc5n
      for (let at = 0; at < padded.length; at += 4)
        hash = ((hash ^ BigInt(padded.readUInt32LE(at))) * 0x01000193n) & 0xffffffffn
      expect(BigInt(hashOf(padded, bytes.length) >>> 0)).toBe(hash)
      expect(padded.length).toBeLessThan(bytes.length + 4)
    }),
  )
})
