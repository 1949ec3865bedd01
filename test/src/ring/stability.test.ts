import { describe, expect, test } from "vitest"
import { formulaFixedPoint, Outcome } from "../../../src/ring/fixed-point"
import { step } from "../../../src/ring/heun"
import { Field, Ring, Side, setElement } from "../../../src/ring/ring"
import {
  cosine,
  heunLimit,
  leadingMode,
  modeAngle,
  modeGrowth,
  NONE,
  oscillationThreshold,
  sine,
} from "../../../src/ring/stability"
import { AT, elements, field, Q12, q12, setInputs, uniformRing } from "./helpers"

/** The eigenvalue of mode m in units of K1: ω^−m − 1 − r·ω^−2m. */
function eigenvalue(n: number, m: number, r: number): [number, number] {
  const a = (2 * Math.PI * m) / n
  return [Math.cos(a) - 1 - r * Math.cos(2 * a), -Math.sin(a) + r * Math.sin(2 * a)]
}

/** The least r at which a mode stops decaying, by looking: no formula of the core's. */
function thresholdByHalving(n: number, most: number): number | undefined {
  const grows = (r: number) =>
    Array.from({ length: n }, (_, m) => eigenvalue(n, m, r)[0]).some(x => x > 1e-12)
  if (!grows(most)) return undefined
  let [low, high] = [0, most]
  while (high - low > 1e-9) {
    const r = (low + high) / 2
    if (grows(r)) high = r
    else low = r
  }
  return low
}

test("cosine and sine are within 8/32768 all round the circle", () => {
  let farthest = 0
  for (const n of [1, 2, 3, 4, 5, 7, 12, 97, 1000, 8191])
    for (let k = 0; k < n; k++) {
      const a = (2 * Math.PI * k) / n
      farthest = Math.max(farthest, Math.abs(cosine(k, n) - Math.cos(a) * 32768))
      farthest = Math.max(farthest, Math.abs(sine(k, n) - Math.sin(a) * 32768))
    }
  expect(farthest).toBeLessThanOrEqual(8)
  expect([cosine(0, 5), cosine(1, 4), cosine(1, 2), sine(1, 4)]).toEqual([32768, 0, -32768, 32768])
})

test("the modes' eigenvalues are those of the formula", () => {
  for (const n of [1, 2, 3, 5, 8, 11, 40])
    for (let m = 0; m < n; m++)
      for (const r of [0, 0.25, 0.5, 0.854, 1]) {
        const [growth, angle] = eigenvalue(n, m, r)
        expect(Math.abs(modeGrowth(n, m, q12(r)) / 32768 - growth)).toBeLessThan(0.001)
        expect(Math.abs(modeAngle(n, m, q12(r)) / 32768 - angle)).toBeLessThan(0.001)
      }
  // n = 5, r = ½: −0.5, −0.286 ± 0.657i, −1.964 ± 1.063i.
  expect([0, 1, 2].map(m => (modeGrowth(5, m, 2048) / 32768).toFixed(3))).toEqual([
    "-0.500",
    "-0.286",
    "-1.964",
  ])
  expect([1, 2].map(m => Math.abs(modeAngle(5, m, 2048) / 32768).toFixed(3))).toEqual([
    "0.657",
    "1.063",
  ])
})

describe("the threshold of r", () => {
  test("is the published one: n = 5, 9, 11; 1 for 4, 6, 8, 12; none for 1 and 2", () => {
    const threshold = (n: number) => (oscillationThreshold(n) / Q12).toFixed(3)
    expect([5, 9, 11].map(threshold)).toEqual(["0.854", "0.879", "0.893"])
    expect([4, 6, 8, 12].map(threshold)).toEqual(["1.000", "1.000", "1.000", "1.000"])
    expect([1, 2].map(oscillationThreshold)).toEqual([NONE, NONE])
  })

  test("is where a mode of the formula begins to grow, for n up to 64 and a few large", () => {
    for (const n of [...Array.from({ length: 64 }, (_, i) => i + 1), 100, 501, 8191]) {
      const expected = thresholdByHalving(n, 3.2)
      const found = oscillationThreshold(n)
      if (expected === undefined) expect(found === NONE || found > 3.2 * Q12).toBe(true)
      else if (expected < 1) expect(Math.abs(found - expected * Q12)).toBeLessThanOrEqual(2)
      else expect(Math.abs(found / Q12 - expected)).toBeLessThan(0.002)
    }
  })

  test("is met by rings that run: below it a push dies away, above it it grows", () => {
    for (const [n, mode] of [
      [5, 1],
      [9, 2],
      [11, 2],
    ]) {
      const threshold = oscillationThreshold(n)
      const reach = (r: number) => {
        // K1 = 1, B = 1.
        const m = uniformRing(n, 4096, 4096 - r, r, 64, { elementMin: 1, elementMax: 32767 })
        for (let i = 0; i < n; i++) {
          const push = 0.05 * Math.cos((2 * Math.PI * mode * i) / n)
          setElement(m, AT, Side.Forward, i, q12(1 + push))
        }
        for (let s = 0; s < 2000; s++) step(m, AT, Side.Forward)
        let farthest = 0
        for (let s = 0; s < 60; s++) {
          step(m, AT, Side.Forward)
          farthest = Math.max(farthest, ...elements(m, Side.Forward).map(e => Math.abs(e - Q12)))
        }
        return farthest / Q12
      }
      expect(reach(threshold - 60)).toBeLessThan(0.025)
      expect(reach(threshold + 60)).toBeGreaterThan(0.2)
      expect(leadingMode(n, threshold + 60)).toBe(mode)
    }
  })
})

describe("Heun's limit of dt", () => {
  /** The least dt at which |1 + z + z²/2| reaches 1 for some mode. */
  function limitByLooking(n: number, k1: number, r: number): number {
    for (let dt = 0; dt < 4 / k1; dt += 0.0005)
      for (let m = 0; m < n; m++) {
        const [a, b] = eigenvalue(n, m, r)
        const [x, y] = [dt * k1 * a, dt * k1 * b]
        const size = Math.hypot(1 + x + (x * x - y * y) / 2, y + x * y)
        if (size > 1 + 1e-9) return dt
      }
    return 4 / k1
  }

  test("is 0.968 for the default parameters", () => {
    expect((heunLimit(5, 4096, 2048) / Q12).toFixed(3)).toBe("0.968")
  })

  test("is that of the modes, for any n, K1 and r below the threshold", () => {
    for (const n of [1, 2, 3, 4, 5, 6, 9, 16])
      for (const r of [0.1, 0.3, 0.5, 0.75])
        for (const k1 of [0.5, 1, 2.5]) {
          const found = heunLimit(n, q12(k1), q12(r)) / Q12
          expect(Math.abs(found - limitByLooking(n, k1, r))).toBeLessThan(0.004)
        }
  })

  test("is 0 past the threshold", () => {
    expect(heunLimit(5, 4096, 3600)).toBe(0)
  })

  test("is met by rings that run: steps of 247/256 come to rest, of 249/256 do not, by the formula too", () => {
    const reach = (dt: number) => {
      const m = uniformRing(5, 4096, 2048, 2048, dt, { elementMin: 1, elementMax: 32767 })
      const known = formulaFixedPoint(m, AT, Side.Forward)
      // The stiffest mode, m = 2.
      for (let i = 0; i < 5; i++)
        setElement(m, AT, Side.Forward, i, q12(1 + 0.02 * Math.cos((4 * Math.PI * i) / 5)))
      for (let s = 0; s < 2500; s++) step(m, AT, Side.Forward)
      const off = elements(m, Side.Forward).map(e => Math.abs(e - Q12))
      return [known, Math.max(...off)] as const
    }
    const [holds, near] = reach(247)
    expect(holds).toBe(Outcome.Found)
    expect(near).toBeLessThan(4)
    const [breaks, far] = reach(249)
    expect(breaks).toBe(Outcome.StepTooLarge)
    expect(far).toBeGreaterThan(82)
  })
})

describe("the oscillator", () => {
  const r = q12(0.866)

  function pushed(push: number, clamps: { elementMin: number; elementMax: number }): Buffer {
    const m = uniformRing(5, 4096, 4096 - r, r, 32, { ...clamps, inputMax: 2 * Q12 })
    for (let i = 0; i < 5; i++)
      setElement(m, AT, Side.Forward, i, q12(1 + push * Math.cos((2 * Math.PI * i) / 5)))
    return m
  }

  /** Angle per time of element 0 from its upward crossings of B, over some steps. */
  function measuredAngle(m: Buffer, steps: number): number {
    const crossings: number[] = []
    let before = field(m, Side.Forward, Field.Element)[0] / 256
    for (let s = 1; s <= steps; s++) {
      step(m, AT, Side.Forward)
      const now = field(m, Side.Forward, Field.Element)[0] / 256
      if (before < Q12 && now >= Q12) crossings.push(s - 1 + (Q12 - before) / (now - before))
      before = now
    }
    const turns = crossings.length - 1
    expect(turns).toBeGreaterThan(2)
    return (2 * Math.PI * turns) / (((crossings[turns] - crossings[0]) * 32) / 256)
  }

  const wide = { elementMin: 1, elementMax: 32767 }

  test("near its fixed point turns at the imaginary part of the unstable mode", () => {
    const [growth, angle] = eigenvalue(5, 1, r / Q12)
    expect(growth).toBeGreaterThan(0.005)
    expect(Math.abs(measuredAngle(pushed(0.02, wide), 480) / Math.abs(angle) - 1)).toBeLessThan(
      0.02,
    )
  })

  test("grows at the real part of the unstable mode while it is small", () => {
    const m = pushed(0.01, wide)
    const amplitude = () => {
      // Of mode 1: no other mode, and no phase, counts.
      const e = elements(m, Side.Forward)
      const x = e.reduce((s, v, i) => s + v * Math.cos((2 * Math.PI * i) / 5), 0)
      const y = e.reduce((s, v, i) => s + v * Math.sin((2 * Math.PI * i) / 5), 0)
      return Math.hypot(x, y)
    }
    for (let s = 0; s < 80; s++) step(m, AT, Side.Forward)
    const before = amplitude()
    for (let s = 0; s < 800; s++) step(m, AT, Side.Forward)
    const measured = Math.log(amplitude() / before) / 100
    const [growth] = eigenvalue(5, 1, r / Q12)
    expect(Math.abs(measured - growth)).toBeLessThan(0.003)
  })

  test("is bounded by the clamps, which also set its swing", () => {
    const m = pushed(0.02, { elementMin: q12(0.8), elementMax: q12(1.2) })
    for (let s = 0; s < 8000; s++) step(m, AT, Side.Forward)
    const seen = new Set<number>()
    for (let s = 0; s < 400; s++) {
      step(m, AT, Side.Forward)
      for (const e of elements(m, Side.Forward)) seen.add(e)
    }
    expect(Math.max(...seen)).toBe(q12(1.2))
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(q12(0.8))
    expect(Math.min(...seen)).toBeLessThan(q12(0.9))
    // A small swing, so that it still turns about as the linear theory says.
    const [, angle] = eigenvalue(5, 1, r / Q12)
    expect(Math.abs(measuredAngle(m, 1200) / Math.abs(angle) - 1)).toBeLessThan(0.06)
  })

  test("an input quiets it, on all elements or on one; it starts again when the input goes", () => {
    for (const u of [
      [1200, 1200, 1200, 1200, 1200],
      [2000, 0, 0, 0, 0],
    ]) {
      const m = pushed(0.05, { elementMin: 1229, elementMax: 12288 })
      for (let s = 0; s < 8000; s++) step(m, AT, Side.Forward)
      const swing = (steps: number) => {
        let [low, high] = [Infinity, 0]
        for (let s = 0; s < steps; s++) {
          step(m, AT, Side.Forward)
          const [e] = elements(m, Side.Forward)
          low = Math.min(low, e)
          high = Math.max(high, e)
        }
        return (high - low) / Q12
      }
      expect(swing(1200)).toBeGreaterThan(0.5)
      setInputs(m, Side.Forward, u)
      for (let s = 0; s < 16000; s++) step(m, AT, Side.Forward)
      expect(swing(1200)).toBeLessThan(0.01)
      setInputs(m, Side.Forward, [0, 0, 0, 0, 0])
      // Equal elements would balance on the point of the needle.
      setElement(m, AT, Side.Forward, 0, elements(m, Side.Forward)[0] + 200)
      for (let s = 0; s < 8000; s++) step(m, AT, Side.Forward)
      expect(swing(1200)).toBeGreaterThan(0.5)
    }
  })

  test("a ring below the threshold needs no input to be quiet", () => {
    const m = uniformRing(5, 4096, 4096 - 3400, 3400, 32, wide)
    setElement(m, AT, Side.Forward, 0, q12(1.1))
    for (let s = 0; s < 8000; s++) step(m, AT, Side.Forward)
    expect(elements(m, Side.Forward).every(e => Math.abs(e - Q12) < 40)).toBe(true)
    expect(m.readUInt16LE(AT + Ring.Step)).toBe(32)
  })
})
