import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Features } from "../../../host/signals/description"
import { buildPlan, leastOf, widthOf, workBytes } from "../../../host/signals/plan"
import { features } from "../../../src/signals/features"
import { BANDS, coreFeatures, interleaved, TRACE, uniform } from "./reference"

/** From the first to behind the last block that moves, by the definition; undefined: none does. */
function bounds(channels: number[][], block: number, bits: number) {
  const count = channels[0].length
  const blocks = Array.from({ length: Math.floor(count / block) }, (_, b) =>
    channels.reduce(
      (sum, values) =>
        sum +
        values
          .slice(b * block, (b + 1) * block)
          .reduce((s, v, i) => s + Math.abs(v - values[Math.max(0, b * block + i - 1)]), 0),
      0,
    ),
  )
  const threshold = Math.max(1, Math.floor(Math.max(...blocks, 0) / 2 ** bits))
  const moving = blocks.flatMap((sum, b) => (sum >= threshold ? [b] : []))
  if (moving.length === 0) return undefined
  return { from: moving[0] * block, to: (moving.at(-1)! + 1) * block }
}

/** The part between the first and the last block that moves. */
function lively(channels: number[][], block: number, bits: number, least: number): number[][] {
  const part = bounds(channels, block, bits)
  if (!part) return channels
  const { from, to } = part
  return to - from >= least ? channels.map(values => values.slice(from, to)) : []
}

describe("quiet ends", () => {
  const trimmed: Features = { ...TRACE, trim: { bits: 3, block: 8 } }

  it("are left out: what remains has the features of the middle alone", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 80 }),
        fc.integer({ min: 24, max: 90 }),
        fc.integer({ min: 0, max: 80 }),
        fc.nat(),
        (before, middle, after, seed) => {
          const next = uniform(seed)
          const channels = [0, 1].map(() => {
            const still = Math.round(2000 * next())
            const moved = Array.from({ length: middle }, () => Math.round(30_000 * (next() - 0.5)))
            return [
              ...Array.from({ length: before }, () => still + Math.round(9 * next())),
              ...moved,
              ...Array.from({ length: after }, () => moved[middle - 1] + Math.round(9 * next())),
            ]
          })
          const part = lively(channels, 8, 3, 2)
          expect(part.length).toBe(2)
          expect(coreFeatures(trimmed, interleaved(channels))).toEqual(
            coreFeatures(TRACE, interleaved(part)),
          )
        },
      ),
    )
  })

  it("are found, whether working memory keeps every block's movement or only a few", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 4, maxLength: 300 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 2, max: 400 }),
        fc.boolean(),
        fc.nat(),
        (loudness, block, bits, points, sound, seed) => {
          const next = uniform(seed)
          const values = loudness.flatMap(power =>
            Array.from({ length: block }, () => Math.round((2 ** power - 1) * (next() - 0.5))),
          )
          // Room for the movements of 32 blocks, and of `points`.
          const plain: Features = sound
            ? { ...BANDS, frame: 32, bands: 8 }
            : { ...TRACE, points, channels: ["x"] }
          const part = bounds([values], block, bits)
          fc.pre(part !== undefined && part.to - part.from >= leastOf(plain))
          const { from, to } = part!
          const [out, work] = [widthOf(plain), workBytes(plain)].map(bytes => Buffer.alloc(bytes))
          const signal = interleaved([values])
          // In its place, as sound is raised over the sample before it.
          features(buildPlan(plain), work, signal, from, to - from, out, 0)
          expect(coreFeatures({ ...plain, trim: { bits, block } }, signal)).toEqual([...out])
        },
      ),
      { numRuns: 300 },
    )
  })

  it("sound with silence before and after it has the features it has without", () => {
    const next = uniform(5)
    const word = Array.from({ length: 2560 }, (_, i) =>
      Math.round(9000 * Math.sin(i / 3) * Math.sin(i / 500) + 2000 * (next() - 0.5)),
    )
    const quiet = (count: number) => Array.from({ length: count }, () => Math.round(20 * next()))
    const description: Features = { ...BANDS, trim: { bits: 4, block: 128 } }
    const padded = [...quiet(1280), ...word, ...quiet(2048)]
    const part = lively([padded], 128, 4, 256)[0]
    expect(Math.abs(part.length - word.length)).toBeLessThan(512)
    // Loudness is raised over the sample before it, which the part alone does not have.
    const whole = coreFeatures(description, interleaved([padded]))
    for (const [i, byte] of coreFeatures(BANDS, interleaved([part])).entries())
      expect(Math.abs(byte - whole[i])).toBeLessThan(4)
  })

  it("never cost a window its least length, and silence stays as it is", () => {
    const click = Array.from({ length: 4000 }, (_, i) => (i === 2000 ? 20_000 : 0))
    const description: Features = { ...BANDS, trim: { bits: 3, block: 64 } }
    expect(coreFeatures(description, interleaved([click])).length).toBe(160)
    expect(coreFeatures(description, Buffer.alloc(4000)).every(byte => byte === 0)).toBe(true)
  })
})
