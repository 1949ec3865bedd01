import { describe, expect, it } from "vitest"
import type { BandsDescription, KernelsDescription } from "../../../host/signals/description"
import { kernelOf } from "../../../host/signals/fixed-kernels"
import { buildPlan, widthOf, workBytes } from "../../../host/signals/plan"
import { features } from "../../../src/signals/features"
import { kernelFeatures } from "../../../src/signals/fixed-kernels"
import { BANDS, clamp, coreFeatures, interleaved, uniform } from "./reference"

const KERNELS: KernelsDescription = { count: 9, size: 6, above: 0.6, parts: [5, 4], seed: 1 }
const SPREAD: BandsDescription = { ...BANDS, frames: 24, scale: "spread", level: 0.3, octaves: 8 }

/**
 * In float64, of a picture of bytes: each kernel's answers at all places, half of it over the edges, less the
 * threshold and no less than 0; their means over parts that are a quarter longer at both ends; and by how much
 * each is above the kernels' mean.
 */
function reference(picture: number[], description: BandsDescription, kernels: KernelsDescription) {
  const { frames, bands } = description
  const { count, size, above, parts } = kernels
  const value = (y: number, x: number) =>
    y >= 0 && y < frames && x >= 0 && x < bands ? picture[y * bands + x] - 128 : 0
  const half = Math.floor(size / 2)
  const [rows, columns] = [frames + 2 * half - size + 1, bands + 2 * half - size + 1]
  const answers = Array.from({ length: count }, (_, k) => {
    const kernel = kernelOf(kernels, k)
    return Array.from({ length: rows }, (_, r) =>
      Array.from({ length: columns }, (_, c) => {
        const sum = kernel.reduce(
          (all, weight, i) =>
            all + weight * value(r - half + Math.floor(i / size), c - half + (i % size)),
          0,
        )
        return Math.max(0, sum - above * 40 * 64)
      }),
    )
  })
  const span = (length: number, of: number, i: number): [number, number] => {
    const part = length / of
    return [
      Math.max(0, Math.floor((i - 0.25) * part + 1e-9)),
      Math.min(length, Math.ceil((i + 1.25) * part - 1e-9)),
    ]
  }
  return Array.from({ length: parts[0] * parts[1] }, (_, p) => {
    const [top, bottom] = span(rows, parts[0], Math.floor(p / parts[1]))
    const [left, right] = span(columns, parts[1], p % parts[1])
    const means = answers.map(answer => {
      const inside = answer.slice(top, bottom).flatMap(row => row.slice(left, right))
      return inside.reduce((all, a) => all + a, 0) / inside.length
    })
    const mean = means.reduce((all, m) => all + m, 0) / count
    return means.map(m => Math.max(1, clamp(128 + ((m - mean) * 13) / 256)))
  }).flat()
}

function kernelsOn(picture: number[], description: BandsDescription): number[] {
  const work = Buffer.alloc(workBytes(description), 0xa5)
  const room = (picture.length + 3) & ~3
  Buffer.from(picture).copy(work)
  const out = Buffer.alloc(widthOf(description))
  kernelFeatures(buildPlan(description), work, 0, room, out, 0)
  return [...out]
}

describe("fixed kernels", () => {
  it("have one norm and no mean, are smooth, and are others by number and by seed", () => {
    for (let k = 0; k < 50; k++) {
      const kernel = kernelOf(KERNELS, k)
      const norm = Math.sqrt(kernel.reduce((all, w) => all + w * w, 0))
      expect(Math.abs(norm - 64)).toBeLessThan(1.5)
      expect(Math.abs(kernel.reduce((all, w) => all + w, 0))).toBeLessThan(18.1)
      // Neighbours have more than a third of their squares in common; those of white noise have none.
      let beside = 0
      for (let i = 0; i < 36; i++) if (i % 6 < 5) beside += kernel[i] * kernel[i + 1]
      expect(beside / 64 ** 2).toBeGreaterThan(0.33)
    }
    expect(kernelOf(KERNELS, 1)).not.toEqual(kernelOf(KERNELS, 0))
    expect(kernelOf({ ...KERNELS, seed: 2 }, 0)).not.toEqual(kernelOf(KERNELS, 0))
  })

  for (const [what, description, kernels] of [
    ["6 x 6", SPREAD, KERNELS],
    [
      "of an odd size, one part",
      SPREAD,
      { ...KERNELS, size: 3, parts: [1, 1] as [number, number] },
    ],
    [
      "8 x 8 on ten frames, as many parts as frames and bands",
      { ...SPREAD, frames: 10, bands: 9 },
      { ...KERNELS, size: 8, parts: [10, 9] as [number, number], above: 0 },
    ],
    ["a single one, far above", SPREAD, { ...KERNELS, count: 1, above: 3 }],
  ] as const)
    it(`${what}: bytes within 1.2 of float64`, () => {
      const described = { ...description, kernels: { ...kernels } }
      const { frames, bands } = description
      const next = uniform(5)
      for (const picture of [
        Array.from({ length: frames * bands }, () => Math.floor(256 * next())),
        Array.from({ length: frames * bands }, (_, i) =>
          Math.round(128 + 90 * Math.sin(i / 17) * Math.cos(Math.floor(i / bands) / 3)),
        ),
        Array.from({ length: frames * bands }, (_, i) => (i % 2 === 0 ? 0 : 255)),
      ]) {
        const bytes = kernelsOn(picture, described)
        const exact = reference(picture, description, described.kernels)
        expect(bytes).toHaveLength(exact.length)
        for (const [i, byte] of bytes.entries()) expect(Math.abs(byte - exact[i])).toBeLessThan(1.2)
        if (kernels.count > 1) expect(new Set(bytes).size).toBeGreaterThan(4)
      }
    })

  it("are laid on the bytes that the bands have without them", () => {
    const next = uniform(3)
    const samples = Array.from({ length: 4000 }, (_, i) =>
      Math.round(9000 * Math.sin(i * (0.1 + i / 30_000)) + 2000 * (next() - 0.5)),
    )
    const signal = interleaved([samples])
    const described = { ...SPREAD, kernels: KERNELS }
    expect(coreFeatures(described, signal)).toEqual(
      kernelsOn(coreFeatures(SPREAD, signal), described),
    )
  })

  it("stay within 32 bits at the most that can be, in as much memory as the host says", () => {
    const described: BandsDescription = {
      ...{ ...SPREAD, frames: 512, bands: 30, average: 8 },
      kernels: { count: 2, size: 8, above: 0, parts: [1, 1], seed: 4 },
    }
    const plan = buildPlan(described)
    // Kernels of one sign, as none that is drawn is: all answers are as large as they can be.
    const table = plan.readUInt16LE(50) + 10
    plan.fill(128 + 64, table, table + 64)
    plan.fill(128, table + 64)
    const work = Buffer.alloc(workBytes(described))
    work.fill(255, 0, 512 * 30)
    const out = Buffer.alloc(2)
    kernelFeatures(plan, work, 0, 512 * 30, out, 0)
    expect([...out]).toEqual([255, 1])
    expect(features(plan, work, Buffer.alloc(2000), 0, 1000, out, 0)).toBe(2)
  })

  it("are refused where they cannot be laid", () => {
    const planOf = (change: Partial<BandsDescription>, kernels: Partial<KernelsDescription> = {}) =>
      buildPlan({ ...SPREAD, ...change, kernels: { ...KERNELS, ...kernels } })
    expect(() => planOf({ scale: "peak", level: undefined })).toThrow("of scale=spread alone")
    expect(() => planOf({ frames: 5 })).toThrow("do not lie within 5 frames and 16 bands")
    expect(() => planOf({}, { parts: [25, 4] })).toThrow("have no 25 x 4 parts")
    expect(() => planOf({ frames: 512, bands: 32 })).toThrow("more than 16384 places")
    expect(() => planOf({}, { count: 1024, parts: [24, 16] })).toThrow("more than 65,535")
  })
})
