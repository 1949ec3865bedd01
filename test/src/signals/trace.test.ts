import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { TraceDescription } from "../../../host/signals/description"
import {
  columnsOf,
  coreFeatures,
  interleaved,
  rangesOf,
  resampled,
  TRACE,
  traceReference,
} from "./reference"

const anyTrace = fc
  .record({
    channels: fc.integer({ min: 1, max: 4 }),
    count: fc.integer({ min: 2, max: 300 }),
    points: fc.integer({ min: 2, max: 40 }),
    take: fc.subarray(["values", "differences", "magnitude"] as const, { minLength: 1 }),
    scale: fc.constantFrom("range", "own", "shape"),
    floor: fc.constantFrom(0, 500, 20_000),
    amplitude: fc.constantFrom(40, 3000, 32_767),
  })
  .chain(({ channels, count, amplitude, ...rest }) =>
    fc.record({
      signal: fc.array(
        fc.array(fc.integer({ min: -amplitude, max: amplitude }), {
          minLength: count,
          maxLength: count,
        }),
        { minLength: channels, maxLength: channels },
      ),
      description: fc.constant<TraceDescription>({
        ...TRACE,
        ...rest,
        ...{ take: [...rest.take], low: -amplitude, high: amplitude },
        channels: Array.from({ length: channels }, (_, i) => `c${i}`),
      }),
    }),
  )

describe("features of a trace", () => {
  it("points lie on the lines between samples, rounded to the nearest", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 2, maxLength: 400 }),
        fc.integer({ min: 2, max: 512 }),
        (values, points) => {
          const description: TraceDescription = {
            ...{ ...TRACE, channels: ["x"], points },
            ...{ scale: "range", low: 0, high: 255 },
          }
          const bytes = coreFeatures(description, interleaved([values]))
          for (const [k, value] of resampled(values, points).entries())
            expect(Math.abs(bytes[k] - value)).toBeLessThanOrEqual(0.5 + 1e-9)
        },
      ),
    )
  })

  it("extremes of 16 bits are interpolated without an overflow", () => {
    const description: TraceDescription = {
      ...{ ...TRACE, channels: ["x"], points: 512 },
      ...{ scale: "range", low: -32_768, high: 32_767 },
    }
    const values = [-32_768, 32_767, -32_768, 32_767]
    const bytes = coreFeatures(description, interleaved([values]))
    for (const [k, value] of resampled(values, 512).entries())
      expect(Math.abs(bytes[k] - (255 * (value + 32_768)) / 65_535)).toBeLessThan(0.51)
  })

  it("bytes are those of float64 within the rounding of points and magnitudes", () => {
    fc.assert(
      fc.property(anyTrace, ({ signal, description }) => {
        const bytes = coreFeatures(description, interleaved(signal))
        const exact = traceReference(signal, description)
        const columns = columnsOf(signal, description)
        const ranges = rangesOf(columns, description)
        expect(bytes.length).toBe(exact.length)
        for (const [i, byte] of bytes.entries()) {
          const c = i % columns.length
          // A point is off by 1/2, a difference by 1, a magnitude by √channels + 2 (of four channels
          // twice that); a range and where it begins by as much again.
          const off = { values: 0.5, differences: 1, magnitude: signal.length > 3 ? 9 : 4.3 }[
            columns[c].kind
          ]
          const range = ranges[c][1] - ranges[c][0]
          const bound = 0.5 + (255 * (3 * off + 1)) / Math.max(range, 1)
          expect(Math.abs(byte - exact[i])).toBeLessThanOrEqual(Math.min(bound, 255))
        }
      }),
    )
  })

  it("a shape keeps its proportions, wherever and however large it is drawn", () => {
    const circle = (scale: number, x: number, y: number) => [
      Array.from({ length: 50 }, (_, i) => Math.round(x + scale * Math.cos(i / 8))),
      Array.from({ length: 50 }, (_, i) => Math.round(y + (scale / 2) * Math.sin(i / 8))),
    ]
    const small = coreFeatures(TRACE, interleaved(circle(2000, 0, 0)))
    const large = coreFeatures(TRACE, interleaved(circle(9000, 3000, -8000)))
    for (const [i, byte] of small.entries())
      expect(Math.abs(byte - large[i])).toBeLessThanOrEqual(1)
    const heights = small.filter((_, i) => i % 2 === 1)
    // Half as high as wide: 128 of 255 about the middle.
    expect(Math.max(...heights) - Math.min(...heights)).toBeCloseTo(128, -1)
  })

  it("noise below the floor is not made large, and a flat window is all in the middle", () => {
    const noise = [Array.from({ length: 40 }, (_, i) => i % 3), Array.from({ length: 40 }, () => 0)]
    const bytes = coreFeatures({ ...TRACE, floor: 1000 }, interleaved(noise))
    for (const byte of bytes) expect(Math.abs(byte - 127.5)).toBeLessThan(2)
    expect(coreFeatures(TRACE, interleaved(noise.map(n => n.map(() => 7))))).toEqual(
      Array(32).fill(0),
    )
  })

  it("a window shorter than two samples gives nothing", () => {
    expect(coreFeatures(TRACE, interleaved([[1], [2]]))).toEqual([])
  })
})
