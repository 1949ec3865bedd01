import { describe, expect, test } from "vitest"
import { pico16 } from "../../../host/network/presets"
import { epochRates, exactRates, learnShiftAt } from "../../../host/training/schedule"

const net = pico16(1)
const of = (epochs: number, eighths: number, warm: number, learnShift = 11) => ({
  ...{ epochs, learnShift, epochsPerBit: 1, smooth: { eighths, warm } },
})
/** Mean of 2^−shift. */
const meanOf = (shifts: Uint8Array) => shifts.reduce((sum, s) => sum + 2 ** -s, 0) / shifts.length

describe("a smooth rate", () => {
  test.each([
    [8, 0],
    [11, 150],
    [15, 300],
  ])(
    "of %i eighths with %i hundredths of warm-up is half a cosine in the mean",
    (eighths, warm) => {
      const rates = of(10, eighths, warm)
      for (let epoch = 0; epoch < 10; epoch++) {
        const shifts = epochRates(rates, epoch, 40_000, 5, net)!
        // Over fifths of an epoch, in which it hardly changes: the mean of so many is good to 2 %.
        for (let fifth = 0; fifth < 5; fifth++) {
          const t = epoch + (fifth + 0.5) / 5
          const fallen = Math.max(1 / 64, (1 + Math.cos((Math.PI * t) / 10)) / 2)
          const rising = warm > 0 ? Math.min(1, t / (warm / 100)) : 1
          const some = shifts.subarray(fifth * 8000, (fifth + 1) * 8000)
          const expected = 2 ** -11 * (eighths / 8) * fallen * rising
          expect(Math.abs(meanOf(some) / expected - 1)).toBeLessThan(0.04)
          // Neighbours only, but for those at the two ends.
          expect(new Set(some).size).toBeLessThanOrEqual(epoch === 0 && warm > 0 ? 9 : 4)
        }
      }
    },
  )

  test("of batches that are rounded once is half a cosine to an eighth below", () => {
    const rates = of(10, 11, 150)
    for (let epoch = 0; epoch < 10; epoch++)
      for (const [k, rate] of exactRates(rates, epoch, 500, net)!.entries()) {
        const t = epoch + k / 500
        const fallen = Math.max(1 / 64, (1 + Math.cos((Math.PI * t) / 10)) / 2)
        const expected = 2 ** -11 * (11 / 8) * fallen * Math.min(1, t / 1.5)
        const met = (2 ** -(rate >> 3) * (8 + (rate & 7))) / 8
        // The smallest rate there is comes first.
        if (expected > 2 ** -20) expect(met / expected).toBeLessThan(1.01)
        expect(met / expected).toBeGreaterThan(0.88)
      }
  })

  test("takes no shift that is too small or too large", () => {
    const shifts = [0, 1].flatMap(epoch => [...epochRates(of(2, 15, 0, 16), epoch, 5000, 1, net)!])
    expect(Math.min(...shifts)).toBe(15)
    expect(Math.max(...shifts)).toBe(20)
  })

  test("is of the seed, the epoch and the place", () => {
    const rates = of(4, 11, 0)
    const one = epochRates(rates, 1, 1000, 1, net)
    expect(epochRates(rates, 1, 1000, 1, net)).toEqual(one)
    expect(epochRates(rates, 1, 1000, 2, net)).not.toEqual(one)
  })

  test("is told by the shift in an epoch's middle", () => {
    const rates = of(10, 8, 0)
    expect([0, 4, 9].map(epoch => learnShiftAt(rates, epoch, net))).toEqual([11, 11, 16])
  })
})

test("without one, rates are steps", () => {
  const rates = { epochs: 6, learnShift: 15, epochsPerBit: 2 }
  expect([0, 1, 2, 5].map(epoch => learnShiftAt(rates, epoch, net))).toEqual([15, 15, 16, 16])
  expect(epochRates(rates, 0, 10, 1, net)).toBeUndefined()
})
