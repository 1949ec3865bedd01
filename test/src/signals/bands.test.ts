import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bandsOf, buildPlan, workBytes } from "../../../host/signals/plan"
import { amplitudes, loadFrame } from "../../../src/signals/fourier"
import { spreadBands } from "../../../src/signals/spread"
import { logOf, rootOf } from "../../../src/signals/whole-math"
import {
  BANDS,
  clamp,
  coreFeatures,
  interleaved,
  logBands,
  spectrum,
  spreadReference,
  uniform,
  windowed,
} from "./reference"

describe("whole-number mathematics", () => {
  it("the root is exact", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), x => {
        expect(rootOf(x)).toBe(Math.floor(Math.sqrt(x)))
      }),
    )
    for (const x of [0, 1, 2, 3, 4, 2 ** 30, 46_340 ** 2, 46_340 ** 2 - 1, 2 ** 31 - 1])
      expect(rootOf(x)).toBe(Math.floor(Math.sqrt(x)))
  })

  it("the logarithm is off by less than 1.5/256", () => {
    let worst = 0
    const look = (x: number) => {
      worst = Math.max(worst, Math.abs(logOf(x) - 256 * Math.log2(x)))
    }
    for (let x = 1; x < 70_000; x++) look(x)
    for (let x = 70_000; x < 2 ** 31; x = Math.floor(x * 1.0007)) look(x)
    look(2 ** 31 - 1)
    expect(worst).toBeLessThan(1.5)
    expect(worst).toBeGreaterThan(0.4)
  })
})

describe("amplitudes of a frame", () => {
  for (const frame of [32, 64, 128, 256, 512, 1024] as const)
    it(`of ${frame} samples: off by less than 3.2 % and 1/2,000 of the largest`, () => {
      const description = { ...BANDS, frame, bands: 8, from: 0 }
      const plan = buildPlan(description)
      const work = Buffer.alloc(workBytes(description))
      for (let seed = 0; seed < 6; seed++) {
        const next = uniform(seed)
        const loudness = [3, 100, 3000, 32_767][seed % 4]
        const tone = 3 + next() * (frame / 4)
        const samples = Array.from({ length: frame }, (_, i) =>
          Math.round(
            loudness *
              (seed < 3
                ? 2 * next() - 1
                : 0.9 * Math.sin((2 * Math.PI * tone * i) / frame) + 0.001 * (next() - 0.5)),
          ),
        )
        const exponent = loadFrame(plan, work, interleaved([samples]), 0)
        const halved = amplitudes(plan, work, frame * 4)
        const exact = spectrum(windowed(samples, 0, frame))
        const largest = Math.max(...exact)
        for (const [k, value] of exact.entries()) {
          const amplitude = work.readInt32LE(4 * (frame + k))
          expect(amplitude).toBeLessThan(2 ** 17)
          const off = Math.abs(amplitude / 2 ** (exponent - halved) - value)
          expect(off).toBeLessThan(0.032 * value + largest / 2000)
        }
      }
    })

  it("of silence: none", () => {
    expect(loadFrame(buildPlan(BANDS), Buffer.alloc(workBytes(BANDS)), Buffer.alloc(1000), 0)).toBe(
      -1000,
    )
  })
})

/** A voice of sorts: harmonics that glide, louder and softer, in some noise. */
function voice(count: number, seed: number, loudness: number): number[] {
  const next = uniform(seed)
  let phase = 0
  return Array.from({ length: count }, (_, i) => {
    phase += (2 * Math.PI * (120 + 40 * Math.sin(i / 900))) / 8000
    const sung = [1, 2, 3, 5, 8, 13].reduce((sum, n) => sum + Math.sin(n * phase) / n, 0)
    return Math.round(loudness * (0.3 * sung * Math.sin(i / 700) ** 2 + 0.01 * (next() - 0.5)))
  })
}

describe("features of sound", () => {
  for (const [what, description] of [
    ["bands as wide as the ear's", BANDS],
    ["even bands, one frame at a time", { ...BANDS, spacing: "even", average: 1, frame: 128 }],
    ["about its own range", { ...BANDS, scale: "own", octaves: 0 }],
  ] as const)
    it(`${what}: bytes within 3 of float64 where the band is no more than 8 octaves below the loudest`, () => {
      for (const [seed, loudness] of [
        [1, 20_000],
        [2, 800],
        [3, 32_000],
      ]) {
        const samples = voice(2500 + 700 * seed, seed, loudness)
        const bytes = coreFeatures(description, interleaved([samples]))
        const logs = logBands(samples, description).flat()
        const high = Math.max(...logs)
        const low = description.scale === "peak" ? high - description.octaves : Math.min(...logs)
        let compared = 0
        for (const [i, log] of logs.entries()) {
          if (log < high - 8) continue
          compared++
          const exact = clamp((255 * (log - low)) / (high - low))
          expect(Math.abs(bytes[i] - exact)).toBeLessThan(3)
        }
        expect(compared).toBeGreaterThan(50)
      }
    })

  for (const [what, description] of [
    ["to one mean and deviation", { ...BANDS, scale: "spread" }],
    [
      "the same, less half of each band's mean",
      { ...BANDS, scale: "spread", level: 0.5, octaves: 8 },
    ],
    [
      "the same, less all of it, of 14 even bands",
      { ...BANDS, scale: "spread", level: 1, bands: 14, from: 200, to: 3500, spacing: "even" },
    ],
  ] as const)
    it(`${what}: bytes within 2 of float64`, () => {
      for (const [seed, loudness] of [
        [1, 20_000],
        [2, 3_000],
        [3, 32_000],
      ]) {
        const samples = voice(2500 + 700 * seed, seed, loudness)
        const bytes = coreFeatures(description, interleaved([samples]))
        const exact = spreadReference(samples, description)
        expect(new Set(bytes).size).toBeGreaterThan(40)
        for (const [i, byte] of bytes.entries()) expect(Math.abs(byte - exact[i])).toBeLessThan(2)
      }
    })

  it("of one value alone have no deviation: all are the mean", () => {
    // Silence: every logarithm is 0.
    const bytes = coreFeatures({ ...BANDS, scale: "spread" }, Buffer.alloc(2000))
    expect(bytes).toEqual(Array(160).fill(128))
  })

  it("spread of as many values as it takes, half at either end, stays within 32 bits", () => {
    const description = { ...BANDS, scale: "spread", bands: 32, frames: 512, average: 8 } as const
    const plan = buildPlan({ ...description, octaves: 16 })
    const count = 32 * 512
    const work = Buffer.alloc(4 * count)
    // Eight sums of 16 octaves, and nothing.
    for (let i = 0; i < count; i++) work.writeInt32LE(i % 2 === 0 ? 32_768 : 0, 4 * i)
    const out = Buffer.alloc(count)
    spreadBands(plan, work, 0, 0, out, 0)
    expect([...out]).toEqual(Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 168 : 88)))
    expect(() => buildPlan({ ...description, bands: 33 })).toThrow("16384 that scale=spread takes")
    expect(() => buildPlan({ ...BANDS, level: 0.5 })).toThrow("level is of scale=spread alone")
  })

  it("do not depend on loudness but for its rounding", () => {
    const loud = coreFeatures(BANDS, interleaved([voice(4000, 4, 30_000)]))
    const soft = coreFeatures(BANDS, interleaved([voice(4000, 4, 3_000)]))
    for (const [i, byte] of loud.entries()) expect(Math.abs(byte - soft[i])).toBeLessThan(14)
  })

  it("a pure tone lights its band alone", () => {
    const bands = bandsOf(BANDS)
    for (const hz of [500, 1000, 2500]) {
      const samples = Array.from({ length: 4000 }, (_, i) =>
        Math.round(9000 * Math.sin((2 * Math.PI * hz * i) / 8000)),
      )
      const bytes = coreFeatures(BANDS, interleaved([samples]))
      const row = bytes.slice(5 * 16, 6 * 16)
      const bin = (hz * 256) / 8000
      const weightOf = ({ first, weights }: (typeof bands)[number]) => weights[bin - first] ?? 0
      const heard = bands.map(weightOf)
      expect(row.indexOf(Math.max(...row))).toBe(heard.indexOf(Math.max(...heard)))
    }
  })

  it("silence is nothing, and a window shorter than a frame gives nothing", () => {
    expect(coreFeatures(BANDS, Buffer.alloc(2000)).every(byte => byte === 0)).toBe(true)
    expect(coreFeatures(BANDS, Buffer.alloc(510))).toEqual([])
  })

  it("tables do not hang on the last bit of a cosine", () => {
    // Otherwise two machines could round a value to two neighbours.
    for (const frame of [32, 64, 128, 256, 512, 1024])
      for (let k = 0; k < frame; k++) {
        const value = 32_767 * Math.cos((2 * Math.PI * k) / frame)
        for (const x of [value, 16_383.5 - value / 2]) {
          const rest = Math.abs(x - Math.floor(x) - 0.5)
          expect(rest > 1e-7 || Math.abs(value) < 1e-7 || (k * 4) % frame === 0).toBe(true)
        }
      }
  })
})
