import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  AT_REST,
  clampedElement,
  collapses,
  findFixedPoint,
  formulaFixedPoint,
  isUniform,
  isUniformRing,
  Outcome,
  relax,
  ringRatio,
  stepHolds,
  uniformFixedPoint,
} from "../../../src/ring/fixed-point"
import { step } from "../../../src/ring/heun"
import {
  Field,
  fixedPoint,
  Parameter,
  Ring,
  Side,
  setElement,
  setInput,
} from "../../../src/ring/ring"
import { mean, settle } from "../../../src/ring/trajectory"
import {
  AT,
  elements,
  field,
  mildParameters,
  Q12,
  q12,
  real,
  ringOf,
  uniformRing,
  wildParameters,
} from "./helpers"
import { apply, jacobian, newton, rate, rows, solve } from "./reference"

const unit = (n: number, k: number) =>
  Array.from({ length: n }, (_, i): number => (i === k ? 1 : 0))

describe("by formula", () => {
  test("is (K1 − K2)/K3, rounded to nearest in Q20, for any parameters", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 16384 }),
        fc.integer({ min: 1, max: 16384 }),
        fc.integer({ min: 1, max: 16384 }),
        (k1, k2, k3) => {
          const exact = Math.max(0, (k1 - k2) / k3) * 2 ** 20
          const found = uniformFixedPoint(k1, k2, k3)
          expect(Math.abs(found - Math.min(exact, 2 ** 30))).toBeLessThanOrEqual(0.5)
        },
      ),
      { numRuns: 3000 },
    )
    expect(uniformFixedPoint(4096, 2048, 2048)).toBe(2 ** 20)
    expect(uniformFixedPoint(16384, 1, 1)).toBe(2 ** 30)
  })

  test("stays where it is for any n below its threshold, on both sides", () => {
    for (let n = 1; n <= 12; n++)
      for (const [k1, k2, k3] of [
        [4096, 2048, 2048],
        [4096, 1500, 3000],
        [5000, 3000, 1234],
        [2000, 700, 1300],
      ])
        for (const side of [Side.Forward, Side.Backward]) {
          const m = uniformRing(n, k1, k2, k3, 64)
          expect(findFixedPoint(m, AT, side, 50)).toBe(Outcome.Found)
          expect(Math.abs(fixedPoint(m, AT, side, n - 1) - ((k1 - k2) / k3) * Q12)).toBeLessThan(
            0.51,
          )
          settle(m, AT, side, 500)
          // The rate rounds to at most 2/4096, and the slowest mode decays at 0.18 or more.
          for (let i = 0; i < n; i++)
            expect(Math.abs(mean(m, AT, side, i, 500))).toBeLessThanOrEqual(12)
        }
  })

  test("knows uniform sets from others, and the ratio r", () => {
    const m = uniformRing(4, 4096, 2048, 1000, 64)
    expect(isUniformRing(m, AT)).toBe(true)
    expect(ringRatio(m, AT)).toBe(2048)
    for (const set of [Parameter.K1, Parameter.K2, Parameter.K3])
      for (let i = 0; i < 4; i++) {
        const k = [1, 2, 3].map(() => [4096, 4096, 4096, 4096])
        k[set][i] = 4095
        const other = ringOf({ k1: k[0], k2: k[1], k3: k[2] }, 64)
        expect(isUniformRing(other, AT)).toBe(false)
        expect([0, 1, 2].map(s => isUniform(other, AT, s))).toEqual([0, 1, 2].map(s => s !== set))
      }
  })
})

describe("there is none to use", () => {
  test("collapse: K1 ≤ K2, and such a ring does fall to its lower clamps", () => {
    for (const n of [1, 2, 5])
      for (const k2 of [4096, 5000]) {
        const m = uniformRing(n, 4096, k2, 2048, 64, { elementMin: 100 })
        expect(findFixedPoint(m, AT, Side.Forward, 50)).toBe(Outcome.Collapse)
        for (let i = 0; i < n; i++) setElement(m, AT, Side.Forward, i, Q12)
        for (let s = 0; s < 20000; s++) step(m, AT, Side.Forward)
        // At K1 = K2 the fall is as 1/(K3·t), and below 1/64 its rate rounds to nothing.
        expect(elements(m, Side.Forward)).toEqual(new Array(n).fill(100))
      }
    expect(findFixedPoint(uniformRing(5, 4096, 4095, 100, 64), AT, Side.Forward, 50)).not.toBe(
      Outcome.Collapse,
    )
  })

  test("collapse is the product of K1 not above that of K2, to the last unit", () => {
    let both = 0
    fc.assert(
      fc.property(wildParameters, fc.boolean(), (p, mirrored) => {
        // Half the time the same numbers in another order: equal products.
        const k2 = mirrored ? [...p.k1].reverse() : p.k2
        const product = (v: number[]) => v.reduce((s, k) => s * BigInt(k), 1n)
        const expected = product(p.k1) <= product(k2)
        expect(collapses(ringOf({ ...p, k2 }, 64), AT)).toBe(expected)
        if (expected !== mirrored) both++
        const more = [...k2]
        if (mirrored && more[0] > 1) {
          more[0]--
          expect(collapses(ringOf({ ...p, k2: more }, 64), AT)).toBe(false)
        }
      }),
      { numRuns: 1000 },
    )
    expect(both).toBeGreaterThan(100)
  })

  test("a collapse of unequal parameters is one when run, and so is its opposite", () => {
    // The products are 0.9 and 1.1 of each other, with no single K1 telling which.
    for (const factor of [0.9, 1.1]) {
      const p = {
        k1: [6000, 2000, 3000, Math.round(4000 * factor)],
        k2: [2000, 4000, 6000, 3000],
        k3: [2048, 1000, 3000, 2048],
      }
      const m = ringOf(p, 32, { elementMin: 1, elementMax: 32767 })
      for (let i = 0; i < 4; i++) setElement(m, AT, Side.Forward, i, 400)
      for (let s = 0; s < 20000; s++) step(m, AT, Side.Forward)
      expect(collapses(m, AT)).toBe(factor < 1)
      const rests = elements(m, Side.Forward).every(e => e > 60)
      expect(rests).toBe(factor > 1)
    }
  })

  test("an oscillating ring: by formula at its threshold for its n", () => {
    for (const [n, low, high] of [
      [5, 3490, 3506],
      [9, 3595, 3610],
      [11, 3650, 3665],
    ]) {
      const outcome = (r: number) =>
        formulaFixedPoint(uniformRing(n, 4096, 4096 - r, r, 32), AT, Side.Forward)
      expect(outcome(low)).toBe(Outcome.Found)
      expect(outcome(high)).toBe(Outcome.Oscillates)
    }
    // None for 1, 2, and none below r = 1 for 4, 6, 8.
    for (const n of [1, 2, 3, 4, 6, 8])
      expect(formulaFixedPoint(uniformRing(n, 16384, 16, 16384 - 16, 8), AT, Side.Forward)).toBe(
        Outcome.Found,
      )
  })

  test("an oscillating ring: by running it, where the sets are not uniform", () => {
    const near = (k: number) => [k, k + 3, k - 3, k + 1, k]
    const ring = (r: number) =>
      ringOf({ k1: near(4096), k2: near(4096 - r), k3: near(r) }, 32, {
        elementMin: 100,
        elementMax: 32767,
      })
    expect(findFixedPoint(ring(3300), AT, Side.Forward, 200)).toBe(Outcome.Found)
    expect(findFixedPoint(ring(3700), AT, Side.Forward, 200)).toBe(Outcome.Oscillates)
    expect(findFixedPoint(ring(3700), AT, Side.Backward, 200)).toBe(Outcome.Oscillates)
  })

  test("slow: still coming to rest when the blocks are over", () => {
    const near = (k: number) => [k, k + 40, k - 40, k + 1, k]
    const m = ringOf({ k1: near(4096), k2: near(700), k3: near(3396) }, 32)
    expect(findFixedPoint(m, AT, Side.Forward, 4)).toBe(Outcome.Slow)
    expect(findFixedPoint(m, AT, Side.Forward, 300)).toBe(Outcome.Found)
  })

  test("clamped: the fixed point lies outside the clamps; says which element", () => {
    const low = uniformRing(5, 4096, 3900, 2048, 64)
    expect(findFixedPoint(low, AT, Side.Forward, 50)).toBe(Outcome.Clamped)
    expect(clampedElement(low, AT, Side.Forward)).toBe(0)
    const high = uniformRing(5, 4096, 1024, 512, 64)
    expect(findFixedPoint(high, AT, Side.Forward, 50)).toBe(Outcome.Clamped)
    const one = ringOf(
      {
        k1: [4096, 4096, 9000, 4096, 4096],
        k2: new Array(5).fill(2048),
        k3: new Array(5).fill(2048),
      },
      64,
      { elementMax: q12(1.5) },
    )
    expect(findFixedPoint(one, AT, Side.Forward, 200)).toBe(Outcome.Clamped)
    expect(clampedElement(one, AT, Side.Forward)).toBe(2)
  })

  test("a time step too large: the fixed point is there, and Heun leaves it", () => {
    expect(formulaFixedPoint(uniformRing(5, 4096, 2048, 2048, 249), AT, Side.Forward)).toBe(
      Outcome.StepTooLarge,
    )
    const near = (k: number) => [k, k + 3, k - 3, k + 1, k]
    const ring = (dt: number) => ringOf({ k1: near(4096), k2: near(2048), k3: near(2048) }, dt)
    expect(findFixedPoint(ring(244), AT, Side.Forward, 100)).toBe(Outcome.Found)
    expect(findFixedPoint(ring(251), AT, Side.Forward, 100)).toBe(Outcome.StepTooLarge)
    expect(stepHolds(uniformRing(5, 4096, 2048, 2048, 192), AT, Side.Forward, 20)).toBe(true)
  })
})

describe("by relaxation", () => {
  test("is the equations' own fixed point, on both sides, and leaves no signal without input", () => {
    let found = 0
    let closest = Infinity
    let strays = 0
    let signals = 0
    fc.assert(
      fc.property(
        mildParameters.filter(p => new Set(p.k3).size > 1),
        fc.constantFrom(Side.Forward, Side.Backward),
        (p, side) => {
          const n = p.k1.length
          const direction = side === Side.Forward ? "forward" : "backward"
          const m = ringOf(p, 32)
          setInput(m, AT, side, 0, 500)
          const outcome = findFixedPoint(m, AT, side, 300)
          if (outcome === Outcome.Slow) return
          const near = elements(m, side).map(e => e / Q12)
          const exact = newton(
            real(p),
            direction,
            outcome === Outcome.Found ? near : near.map(() => 1),
          )
          if (outcome !== Outcome.Found) {
            // Then there is none between the clamps that holds: outside, unstable or not positive.
            if (outcome === Outcome.Clamped)
              expect(exact.some(e => !(e > 0.31 && e < 2.99))).toBe(true)
            return
          }
          found++
          expect(
            rate(real(p), direction, exact, new Array(n).fill(0)).every(f => Math.abs(f) < 1e-9),
          ).toBe(true)
          // The integer rate is off by 1 + E/2 from its roundings and |J|/2 from where it is taken;
          // at rest no element moves by more than 1 in a block, which is longer than a time unit; and
          // the element is read rounded: J·½. So J·(B − B exact) is within:
          const j = jacobian(real(p), direction, exact)
          const reach = j.map(row => row.reduce((s, v) => s + Math.abs(v), 0))
          const limit = reach.map((r, i) => 2.2 + exact[i] / 2 + 1.5 * r)
          const off = elements(m, side).map((e, i) => e / Q12 - exact[i])
          for (const [i, v] of apply(j, off).entries()) {
            expect(Math.abs(v) * Q12).toBeLessThan(limit[i])
            closest = Math.min(closest, Math.abs(off[i]) * Q12)
          }
          // Without input the ring may stray about B by as much again as B is off, and no further.
          const inverse = rows(n, (i, k) => solve(j, unit(n, k))[i])
          settle(m, AT, side, 60)
          for (let i = 0; i < n; i++) {
            const stray = inverse[i].reduce((s, v, k) => s + 2 * Math.abs(v) * limit[k], 0)
            const d = Math.abs(mean(m, AT, side, i, 60))
            expect(d).toBeLessThanOrEqual(stray)
            if (d > 1) strays++
            signals++
          }
        },
      ),
      { numRuns: 250 },
    )
    expect(found).toBeGreaterThan(150)
    expect(closest).toBeLessThan(0.5)
    expect(strays).toBeLessThan(0.02 * signals)
  })

  test("block by block, as a board does it, comes to rest at the same place", () => {
    const p = {
      k1: [4096, 4500, 3900, 4096, 4200],
      k2: [2048, 2000, 2100, 1900, 2048],
      k3: [2048, 1800, 2300, 2048, 2000],
    }
    const whole = ringOf(p, 128)
    expect(findFixedPoint(whole, AT, Side.Forward, 200)).toBe(Outcome.Found)
    const turns = ringOf(p, 128)
    expect(formulaFixedPoint(turns, AT, Side.Forward)).toBe(Outcome.Moving)
    let count = 0
    while (relax(turns, AT, Side.Forward, 16) !== AT_REST) count++
    expect(count).toBeGreaterThan(3)
    expect(turns.readUInt16LE(AT + Ring.Step)).toBe(128)
    field(turns, Side.Forward, Field.FixedPoint).forEach((b, i) => {
      expect(Math.abs(b / 256 - fixedPoint(whole, AT, Side.Forward, i))).toBeLessThan(3)
    })
  })
})
