import fc from "fast-check"
import { expect, test } from "vitest"
import { atanQ12, bounded } from "../../../src/base/atan"
import "../../../host/base/memory"

test("atanQ12 is off by less than 2/4096 everywhere, odd and rising", () => {
  let worst = 0
  let before = -7000
  const check = (x: number) => {
    worst = Math.max(worst, Math.abs(atanQ12(x) - Math.atan(x / 4096) * 4096))
    expect(atanQ12(-x)).toBe(-atanQ12(x) + 0)
  }
  for (let x = 0; x < 60000; x++) {
    check(x)
    // Within the rounding, so that a stronger G never counts for less.
    expect(atanQ12(x)).toBeGreaterThanOrEqual(before - 1)
    before = atanQ12(x)
  }
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), check), { numRuns: 5000 })
  expect(worst).toBeLessThan(2)
  expect(worst).toBeGreaterThan(0.4)
})

test("bounded is atan(kt·G)/kt, and leaves small changes whole", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 28), max: 2 ** 28 }),
      fc.integer({ min: 0, max: 12 }),
      (g, shift) => {
        const unit = 4096 * 2 ** shift
        const exact = Math.atan(g / unit) * unit
        // The polynomial's error, and less than one step of G >> shift that is not bent.
        expect(Math.abs(bounded(g, shift) - exact)).toBeLessThan(3 * 2 ** shift)
      },
    ),
    { numRuns: 20000 },
  )
  for (let g = -40; g <= 40; g++) expect(Math.abs(bounded(g, 10) - g)).toBeLessThan(1025)
  expect(bounded(3, 10)).toBe(3)
  expect(bounded(1500, 10)).toBe(1500)
})
