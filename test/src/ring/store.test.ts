import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { findFixedPoint, Outcome } from "../../../src/ring/fixed-point"
import { step } from "../../../src/ring/heun"
import {
  fixedPoint,
  Parameter,
  parameter,
  Ring,
  Side,
  setElement,
  setInput,
} from "../../../src/ring/ring"
import { Refusal, storeFixedPoint, storeRound, targetRefusal } from "../../../src/ring/store"
import { AT, elements, Q12, q12, ringOf, uniformRing, vector } from "./helpers"
import { wrap } from "./reference"

/** Paper 000 §3.2: the targets it names, and one K3 can reach. */
const PAPER = [0.8, 0.6, 1.5, 1, 0.9].map(q12)
const PAPER_STEP_1 = [0.5, 1.5, 1.3, 0.6, 1].map(q12)
const REACHABLE = [0.9, 0.8, 1.1, 1, 0.9].map(q12)

const ring = () => uniformRing(5, 4096, 2048, 2048, 128)
const parameters = (m: Buffer) =>
  [Parameter.K1, Parameter.K2, Parameter.K3].map(set =>
    [0, 1, 2, 3, 4].map(i => parameter(m, AT, set, i)),
  )

/** Runs the ring from some starts and gives how far it ends from the targets at most, Q12. */
function farthestEnd(m: Buffer, targets: number[]): number {
  let farthest = 0
  for (const from of [
    [4096, 4096, 4096, 4096, 4096],
    [2000, 9000, 3000, 6000, 1500],
    [8000, 1500, 8000, 1500, 8000],
    [1300, 1300, 1300, 1300, 1300],
  ]) {
    from.forEach((e, i) => {
      setElement(m, AT, Side.Forward, i, e)
    })
    for (let s = 0; s < 600; s++) step(m, AT, Side.Forward)
    elements(m, Side.Forward).forEach((e, i) => {
      farthest = Math.max(farthest, Math.abs(e - targets[i]))
    })
  }
  return farthest
}

describe("storing a fixed point (paper 000 §3.2, fig. 2)", () => {
  for (const [name, targets, set, off] of [
    ["the paper's targets by K1", PAPER, Parameter.K1, 12],
    ["those of its step 1 by K1", PAPER_STEP_1, Parameter.K1, 32],
    ["reachable ones by K3", REACHABLE, Parameter.K3, 8],
    ["the same by K1", REACHABLE, Parameter.K1, 8],
  ] as const)
    test(`${name}: after 20 rounds any start settles at them`, () => {
      const m = ring()
      const before = parameters(m)
      const stored = storeFixedPoint(m, AT, [...targets], set, 128, 20, 2)
      expect(stored.refusal).toBe(Refusal.None)
      expect(farthestEnd(m, [...targets])).toBeLessThan(off)
      expect(findFixedPoint(m, AT, Side.Forward, 300)).toBe(Outcome.Found)
      targets.forEach((t, i) => {
        expect(Math.abs(fixedPoint(m, AT, Side.Forward, i) - t)).toBeLessThan(off)
      })
      // Only the set that was asked for has moved.
      const after = parameters(m)
      for (const other of [0, 1, 2]) if (other !== set) expect(after[other]).toEqual(before[other])
    })

  test("without it, a ring set to the targets goes back to its own fixed point (fig. 2a)", () => {
    const m = ring()
    expect(farthestEnd(m, new Array(5).fill(Q12))).toBeLessThan(3)
    expect(farthestEnd(m, PAPER)).toBeGreaterThan(1500)
  })

  test("the curve: the errors fall by half or so every round, and the ends come to the targets", () => {
    const m = ring()
    const { errors, parameters: k, ends } = storeFixedPoint(m, AT, PAPER, Parameter.K1, 128, 20, 2)
    expect([errors.length, k.length, ends.length]).toEqual([100, 100, 100])
    const largest = Array.from({ length: 20 }, (_, round) =>
      Math.max(...errors.slice(5 * round, 5 * round + 5).map(Math.abs)),
    )
    expect(largest[0]).toBeGreaterThan(1000)
    expect(largest[6]).toBeLessThan(largest[0] / 4)
    expect(largest[19]).toBeLessThanOrEqual(6)
    expect(k.slice(95)).toEqual([0, 1, 2, 3, 4].map(i => parameter(m, AT, Parameter.K1, i)))
    // Round 0 runs on with the parameters of the start: one time unit back towards 1.
    const drift = (round: number) => Math.abs(ends[5 * round + 2] - PAPER[2])
    expect(drift(0)).toBeGreaterThan(500)
    expect(drift(19)).toBeLessThan(8)
    const other = ring()
    PAPER.forEach((t, i) => {
      setElement(other, AT, Side.Forward, i, t)
    })
    step(other, AT, Side.Forward)
    step(other, AT, Side.Forward)
    expect(ends.slice(0, 5)).toEqual(elements(other, Side.Forward))
  })

  test("one round takes the small step's rate, with the sign that lessens it", () => {
    for (const set of [Parameter.K1, Parameter.K3]) {
      const m = ring()
      const errors: number[] = []
      const largest = storeRound(m, AT, PAPER, set, 64, errors)
      const t = PAPER.map(v => v / Q12)
      for (let i = 0; i < 5; i++) {
        const f = t[wrap(i - 1, 5)] - 0.5 * t[i] - 0.5 * t[i] * t[wrap(i - 2, 5)]
        // The step is not infinitely small: dt/2 = 0.025 of the rate's change.
        expect(Math.abs(errors[i] / Q12 - f)).toBeLessThan(0.06)
        const by = Math.floor((errors[i] * 64 + 128) / 256)
        const k = parameter(m, AT, set, i)
        expect(k).toBe(set === Parameter.K1 ? 4096 - by : 2048 + by)
      }
      expect(largest).toBe(Math.max(...errors.map(Math.abs)))
      expect(elements(m, Side.Forward)).toEqual(PAPER)
      expect(m.readUInt16LE(AT + Ring.Step)).toBe(128)
    }
  })

  test("is not misled by inputs that were left standing", () => {
    const m = ring()
    setInput(m, AT, Side.Forward, 1, 3000)
    storeFixedPoint(m, AT, REACHABLE, Parameter.K3, 128, 20, 2)
    expect(farthestEnd(m, REACHABLE)).toBeLessThan(8)
  })

  test("works for other rings: any reachable target of any n, the equations say so", () => {
    let stable = 0
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }).chain(n => vector(n, 3300, 4900)),
        fc.constantFrom(Parameter.K1, Parameter.K3),
        (targets, set) => {
          const n = targets.length
          const m = uniformRing(n, 4096, 2048, 2048, 64)
          const stored = storeFixedPoint(m, AT, targets, set, 128, 40, 0)
          expect(stored.refusal).toBe(Refusal.None)
          const k = [0, 1, 2].map(s =>
            targets.map((_, i) => parameter(m, AT, s as Parameter, i) / Q12),
          )
          const t = targets.map(v => v / Q12)
          for (let i = 0; i < n; i++) {
            const f =
              k[0][i] * t[wrap(i - 1, n)] - k[1][i] * t[i] - k[2][i] * t[i] * t[wrap(i - 2, n)]
            // At a gain of ½ a rate of up to 2 is left, and one of 2 by the step's own rounding.
            expect(Math.abs(f) * Q12).toBeLessThan(5)
          }
          if (findFixedPoint(m, AT, Side.Forward, 200) === Outcome.Found) {
            stable++
            for (let i = 0; i < n; i++)
              expect(Math.abs(fixedPoint(m, AT, Side.Forward, i) - targets[i])).toBeLessThan(60)
          }
        },
      ),
      { numRuns: 80 },
    )
    expect(stable).toBeGreaterThan(60)
  })
})

describe("targets that cannot be stored are refused, and nothing is changed", () => {
  for (const [name, targets, element] of [
    // K1·T[S] = 0.6 < K2·T[M] = 0.75.
    ["{0.8, 0.6, 1.5, 1.0, 0.9}: element M", PAPER, 2],
    // K1·T[J] = 0.5 < K2·T[S] = 0.75.
    ["{0.5, 1.5, 1.3, 0.6, …}: element S", PAPER_STEP_1, 1],
  ] as const)
    test(`the paper's own by K3, ${name} would need a negative one`, () => {
      const m = ring()
      const before = Buffer.from(m)
      const stored = storeFixedPoint(m, AT, [...targets], Parameter.K3, 128, 20, 2)
      expect(stored).toMatchObject({
        refusal: Refusal.NegativeParameter,
        element,
        errors: [],
        parameters: [],
        ends: [],
      })
      expect(m).toEqual(before)
    })

  test("by K3 exactly where K1·T[i−1] ≤ K2·T[i], or the K3 needed is out of range", () => {
    const seen = new Set<Refusal>()
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }).chain(n =>
          fc.record({
            t: vector(n, 1300, 12000),
            k1: vector(n, 1000, 8000),
            k2: vector(n, 500, 6000),
          }),
        ),
        ({ t, k1, k2 }) => {
          const n = t.length
          const m = ringOf({ k1, k2, k3: t.map(() => 2048) }, 64)
          m.writeInt16LE(6000, AT + Ring.ParameterMax)
          m.writeInt16LE(200, AT + Ring.ParameterMin)
          for (let i = 0; i < n; i++) {
            const wanted = k1[i] * t[wrap(i - 1, n)] - k2[i] * t[i]
            const k3 = (wanted / (t[i] * t[wrap(i - 2, n)])) * Q12
            const found = targetRefusal(m, AT, t, Parameter.K3, i)
            seen.add(found)
            if (wanted <= 0) expect(found).toBe(Refusal.NegativeParameter)
            else if (k3 > 6000 * 1.01 || k3 < 200 * 0.95 - 3)
              expect(found).toBe(Refusal.ParameterRange)
            else if (k3 < 6000 * 0.99 && k3 > 200 * 1.05 + 3) expect(found).toBe(Refusal.None)
          }
        },
      ),
      { numRuns: 400 },
    )
    expect(seen.size).toBe(3)
  })

  test("by K1 only where the K1 needed is out of range", () => {
    const m = ring()
    const targets = PAPER.slice()
    targets[0] = q12(0.31)
    targets[1] = q12(2.5)
    // (0.5·2.5 + 0.5·2.5·0.9)/0.31 = 7.7 > 4.
    const stored = storeFixedPoint(m, AT, targets, Parameter.K1, 128, 20, 0)
    expect([stored.refusal, stored.element]).toEqual([Refusal.ParameterRange, 1])
  })

  test("outside the clamps", () => {
    for (const [value, refused] of [
      [q12(3.1), true],
      [12288, true],
      [1229, true],
      [-5, true],
      [q12(2.9), false],
    ] as const) {
      const targets = [4096, 4096, 4096, value, 4096]
      const found = targetRefusal(ring(), AT, targets, Parameter.K1, 3)
      expect(found === Refusal.OutsideClamps).toBe(refused)
    }
  })
})
