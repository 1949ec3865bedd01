import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { step, stepPair } from "../../../src/ring/heun"
import {
  Field,
  fieldAt,
  fixedPoint,
  makeRing,
  ringBytes,
  Side,
  setElement,
  setFixedPoint,
  setInput,
  start,
} from "../../../src/ring/ring"
import { integral, mean, settle, settlePair, signal } from "../../../src/ring/trajectory"
import {
  AT,
  elements,
  field,
  mildParameters,
  Q12,
  real,
  ringOf,
  setInputs,
  uniformRing,
  vector,
} from "./helpers"
import {
  apply,
  clampTo,
  type Direction,
  jacobian,
  newton,
  run,
  solve,
  transpose,
} from "./reference"

describe("one element: the logistic equation (paper 000 eq. 3.3)", () => {
  // dE/dt = r·E − k·E² with r = K1 − K2, k = K3: E(t) = B/(1 + (B/E0 − 1)·e^(−rt)), B = r/k.
  for (const side of [Side.Forward, Side.Backward])
    test(`${Side[side]}: is its closed form, within Heun's and the rounding's error`, () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 2000, max: 8000 }),
          fc.double({ min: 0.1, max: 0.8, noNaN: true }),
          fc.integer({ min: 1000, max: 4000 }),
          fc.double({ min: 0.15, max: 2, noNaN: true }),
          fc.constantFrom(4, 8, 16),
          (k1, share, k3, from, dt8) => {
            const k2 = Math.round(k1 * share)
            const [r, k, dt] = [(k1 - k2) / Q12, k3 / Q12, dt8 / 256]
            const b = r / k
            const e0 = Math.round(from * b * Q12) / Q12
            fc.pre(e0 > 0.05 && e0 < 7 && b < 7)
            const m = ringOf({ k1: [k1], k2: [k2], k3: [k3] }, dt8, {
              elementMin: 0,
              elementMax: 32767,
            })
            setElement(m, AT, side, 0, e0 * Q12)
            // Heun's local error is dt³·(f'²f/6 − f''f²/12) up to the fourth order, and E lies
            // between E0 and B all the way. Errors grow by e^(r·dt) a step at the most, as f' ≤ r.
            const top = Math.max(e0, b)
            const rate = Math.max(r * b * 0.25, Math.abs(e0 * (r - k * e0)))
            const slope = Math.max(r, Math.abs(r - 2 * k * top))
            const local =
              (dt ** 3 * (slope ** 2 * rate)) / 6 +
              (dt ** 3 * 2 * k * rate ** 2) / 12 +
              dt ** 4 * (slope ** 3 * rate + 8 * k * slope * rate ** 2)
            // A step's rounding: two rates, each off by 1 + E/2 + |f'|/2, the second by its point too.
            const rounding =
              (dt * (1 + top / 2 + slope / 2) * (1 + dt * slope) + dt * slope * 0.5 + 1 / 512) / Q12
            let bound = 0
            for (let s = 1; s <= 400; s++) {
              step(m, AT, side)
              bound = bound * Math.exp(r * dt) + local + rounding
              const t = s * dt
              // Beyond this the bound has grown past use: it supposes the worst slope for ever.
              if (bound > 0.05) break
              const exact = b / (1 + (b / e0 - 1) * Math.exp(-r * t))
              const e = field(m, side, Field.Element)[0] / (Q12 * 256)
              expect(Math.abs(e - exact)).toBeLessThanOrEqual(bound)
            }
          },
        ),
        { numRuns: 300 },
      )
    })

  test("follows it closely all the way from 0.1 to 1 with the default parameters", () => {
    const m = uniformRing(1, 4096, 2048, 2048, 16, { elementMin: 1 })
    setElement(m, AT, Side.Forward, 0, 410)
    const e0 = 410 / Q12
    let farthest = 0
    for (let s = 1; s <= 400; s++) {
      step(m, AT, Side.Forward)
      const exact = 1 / (1 + (1 / e0 - 1) * Math.exp((-0.5 * s) / 16))
      farthest = Math.max(farthest, Math.abs(elements(m, Side.Forward)[0] / Q12 - exact))
    }
    expect(farthest).toBeLessThan(0.002)
    expect(elements(m, Side.Forward)[0]).toBeGreaterThan(4090)
  })
})

describe("trajectory", () => {
  const sides: [Direction, Side][] = [
    ["forward", Side.Forward],
    ["backward", Side.Backward],
  ]
  for (const [direction, side] of sides)
    test(`${direction}: with an input that changes each step, ∫D and the state are within bounds`, () => {
      fc.assert(
        fc.property(
          mildParameters.chain(p =>
            fc.tuple(
              fc.constant(p),
              fc.array(vector(p.k1.length, -1500, 2500), { minLength: 1, maxLength: 40 }),
            ),
          ),
          fc.constantFrom(32, 64, 128),
          ([p, inputs], dt) => {
            const n = p.k1.length
            const m = ringOf(p, dt)
            start(m, AT, side)
            for (const u of inputs) {
              setInputs(m, side, u)
              step(m, AT, side)
            }
            const ones = new Array<number>(n).fill(1)
            const exact = run(
              real(p),
              direction,
              ones,
              ones,
              inputs.map(u => u.map(v => clampTo(v, -819, Q12) / Q12)),
              { dt: dt / 256, min: 1229 / Q12, max: 3 },
            )
            for (let i = 0; i < n; i++) {
              const d = signal(m, AT, side, i) - (exact.end[i] - 1) * Q12
              expect(Math.abs(d)).toBeLessThanOrEqual(exact.endBound[i] + 0.5 + 1e-6)
              const area = integral(m, AT, side, i) - (exact.sum[i] * Q12 * dt) / 256
              // One floor.
              expect(Math.abs(area)).toBeLessThanOrEqual((exact.sumBound[i] * dt) / 256 + 1 + 1e-6)
            }
          },
        ),
        { numRuns: 200 },
      )
    })

  test("the integral is the sum of the signals times dt, floored, up to the largest sums", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
        fc.integer({ min: 1, max: 256 }),
        (sum, dt) => {
          const m = uniformRing(2, 4096, 2048, 2048, dt)
          m.writeInt32LE(sum, fieldAt(m, AT, Side.Backward, Field.Sum) + 4)
          expect(integral(m, AT, Side.Backward, 1)).toBe(Math.floor((sum * dt) / 256))
        },
      ),
    )
  })

  test("with a constant input it is the settled semantics: the same state and sums", () => {
    const u = [500, -200, 0, 900, 300]
    const one = uniformRing(5, 4096, 2048, 2048, 128)
    setInputs(one, Side.Forward, u)
    settle(one, AT, Side.Forward, 9)
    const other = uniformRing(5, 4096, 2048, 2048, 128)
    start(other, AT, Side.Forward)
    let sum = 0
    for (let s = 0; s < 9; s++) {
      setInputs(other, Side.Forward, u)
      step(other, AT, Side.Forward)
      sum += signal(other, AT, Side.Forward, 2)
    }
    expect(other).toEqual(one)
    expect(mean(one, AT, Side.Forward, 2, 9)).toBe(Math.round(sum / 9))
  })

  test("two rings in one memory, linked with a delay of one step, run as the equations do", () => {
    // u2(t) = C·D1(t − dt): the second ring's element 0 reads the first one's element 1.
    const size = ringBytes(5, 1)
    const m = Buffer.alloc(2 * size)
    makeRing(m, 0, 5, 1, 128)
    makeRing(m, size, 5, 1, 128)
    setInput(m, 0, Side.Forward, 0, 1200)
    const ring = {
      k1: new Array(5).fill(1),
      k2: new Array(5).fill(0.5),
      k3: new Array(5).fill(0.5),
    }
    const limits = { dt: 0.5, min: 0.3, max: 3 }
    const ones = [1, 1, 1, 1, 1]
    const inputs: number[][] = []
    let first = ones
    for (let s = 0; s < 40; s++) {
      const d = signal(m, 0, Side.Forward, 1)
      // C = 3/4.
      setInput(m, size, Side.Forward, 0, (3 * d) >> 2)
      inputs.push([0.75 * (first[1] - 1), 0, 0, 0, 0])
      step(m, 0, Side.Forward)
      step(m, size, Side.Forward)
      first = run(ring, "forward", ones, first, [[1200 / Q12, 0, 0, 0, 0]], limits).end
    }
    const exact = run(ring, "forward", ones, ones, inputs, limits)
    for (let i = 0; i < 5; i++) {
      const area = integral(m, size, Side.Forward, i) / Q12
      expect(Math.abs(area - exact.sum[i] * 0.5)).toBeLessThan(0.03)
    }
    expect(Math.abs(exact.sum[1] * 0.5)).toBeGreaterThan(1)
  })
})

describe("the mirrored pair", () => {
  test("run at the same time, comes to the same as one after the other, to the bit", () => {
    let moved = 0
    fc.assert(
      fc.property(
        mildParameters.chain(p => {
          const n = p.k1.length
          return fc.record({
            p: fc.constant(p),
            fixed: vector(n, 3500 * 256, 5000 * 256),
            inputs: fc.array(fc.tuple(vector(n, -800, 2000), vector(n, -800, 2000)), {
              minLength: 1,
              maxLength: 30,
            }),
          })
        }),
        fc.integer({ min: 1, max: 200 }),
        ({ p, fixed, inputs }, dt) => {
          const both = ringOf(p, dt)
          for (const [i, b] of fixed.entries()) {
            setFixedPoint(both, AT, Side.Forward, i, b)
            setFixedPoint(both, AT, Side.Backward, i, b + 1000)
          }
          const apart = Buffer.from(both)
          start(both, AT, Side.Forward)
          start(both, AT, Side.Backward)
          for (const [u, v] of inputs) {
            setInputs(both, Side.Forward, u)
            setInputs(both, Side.Backward, v)
            stepPair(both, AT)
          }
          start(apart, AT, Side.Forward)
          for (const [u] of inputs) {
            setInputs(apart, Side.Forward, u)
            step(apart, AT, Side.Forward)
          }
          start(apart, AT, Side.Backward)
          for (const [, v] of inputs) {
            setInputs(apart, Side.Backward, v)
            step(apart, AT, Side.Backward)
          }
          expect(both).toEqual(apart)
          if (field(both, Side.Forward, Field.Sum).some(d => Math.abs(d) > 100)) moved++
        },
      ),
      { numRuns: 200 },
    )
    expect(moved).toBeGreaterThan(100)
  })

  test("settles as its halves do", () => {
    const u = [700, 0, -300, 0, 0]
    const both = uniformRing(5, 4096, 2048, 2048, 192)
    setInputs(both, Side.Forward, u)
    setInputs(both, Side.Backward, [...u].reverse())
    const apart = Buffer.from(both)
    settlePair(both, AT, 8)
    settle(apart, AT, Side.Backward, 8)
    settle(apart, AT, Side.Forward, 8)
    expect(both).toEqual(apart)
    // In a uniform ring the mirrored input gives the mirrored signals.
    expect(field(both, Side.Backward, Field.Sum)).toEqual(
      [...field(both, Side.Forward, Field.Sum)].reverse(),
    )
  })
})

describe("signals and gradients", () => {
  // A ring whose linear response is well conditioned, for any n.
  const rings = fc
    .tuple(mildParameters, fc.integer({ min: 0, max: 8 }))
    .filter(([p]) => Math.max(...p.k2) < 0.9 * Math.min(...p.k1))

  /** The ring at rest, its fixed points by Newton's method; undefined where it does not rest. */
  function atRest(p: Parameters<typeof real>[0]) {
    const n = p.k1.length
    const b = newton(real(p), "forward", new Array(n).fill(1))
    const m = ringOf(p, 64, { inputMin: -8192, inputMax: 8192 })
    for (let i = 0; i < n; i++) setFixedPoint(m, AT, Side.Forward, i, Math.round(b[i] * Q12 * 256))
    const j = jacobian(real(p), "forward", b)
    return { m, n, b, j }
  }

  /** ‖e^(J·t)‖ of a long time: whether (and how well) the ring has come to rest by then. */
  function forgets(j: number[][], n: number, t: number): boolean {
    let v = Array.from({ length: n }, (_, i): number => (i === 0 ? 1 : 0))
    const h = 0.05
    for (let s = 0; s < t / h; s++) {
      const f = apply(j, v)
      const g = apply(
        j,
        v.map((x, i) => x + h * f[i]),
      )
      v = v.map((x, i) => x + (h / 2) * (f[i] + g[i]))
    }
    return Math.max(...v.map(Math.abs)) < 0.002
  }

  test("the response to a small input is −J⁻¹, that of λ its transpose, for any n and parameters", () => {
    let tried = 0
    fc.assert(
      fc.property(rings, ([p, which]) => {
        const { m, n, b, j } = atRest(p)
        fc.pre(b.every(x => x > 0.4 && x < 2.6) && forgets(j, n, 60))
        const i = which % n
        const u = 200
        const steps = 400
        const one = new Array<number>(n).fill(0).map((_, k) => (k === i ? 1 : 0))
        const response = solve(j, one).map(v => -v)
        const scale = 1 + Math.max(...response.map(Math.abs))
        fc.pre(scale < 5)
        setInput(m, AT, Side.Forward, i, u)
        settle(m, AT, Side.Forward, steps)
        for (let k = 0; k < n; k++) {
          const d = signal(m, AT, Side.Forward, k) / u
          // Curvature: of the order of the response squared times u.
          expect(Math.abs(d - response[k])).toBeLessThan(0.03 * scale + 0.08 * scale ** 2)
        }
        setInput(m, AT, Side.Forward, i, 0)
        start(m, AT, Side.Forward)
        setInput(m, AT, Side.OperatingPoint, i, u)
        settle(m, AT, Side.OperatingPoint, steps)
        const back = solve(transpose(j), one).map(v => -v)
        const reach = 1 + Math.max(...back.map(Math.abs))
        for (let k = 0; k < n; k++) {
          const l = signal(m, AT, Side.OperatingPoint, k) / u
          expect(Math.abs(l - back[k])).toBeLessThan(0.04 * reach ** 2)
        }
        tried++
      }),
      { numRuns: 100 },
    )
    expect(tried).toBe(100)
  })

  test("of a ring of five, r = ½: 0.780, 0.878, 0.488, 0.049, −0.195 on the elements that follow", () => {
    const theory = [0.78, 0.878, 0.488, 0.049, -0.195]
    for (let i = 0; i < 5; i++) {
      const m = uniformRing(5, 4096, 2048, 2048, 64)
      setInput(m, AT, Side.OperatingPoint, i, 2000)
      settle(m, AT, Side.OperatingPoint, 300)
      for (let k = 0; k < 5; k++) {
        // λ goes against the arrows: element i−k answers as element i+k does forward.
        const l = signal(m, AT, Side.OperatingPoint, (i + 5 - k) % 5) / 2000
        expect(Math.abs(l - theory[k])).toBeLessThan(0.003)
      }
    }
  })

  test("λ at a driven state is the gradient of an element there, by finite differences", () => {
    // What the papers' backward system is not: exact far from the fixed point.
    const p = { k1: [4300, 3900, 4096], k2: [2048, 1900, 2200], k3: [2048, 2300, 1900] }
    const rest = newton(real(p), "forward", [1, 1, 1])
    const settled = (u: number[]) => {
      let e = rest
      for (let s = 0; s < 60; s++)
        e = run(real(p), "forward", rest, e, [u], { dt: 0.5, min: 0.1, max: 7 }).end
      return e
    }
    const u = [0.6, 0, 0.3]
    const h = 1e-5
    const m = ringOf(p, 128)
    for (let i = 0; i < 3; i++) setFixedPoint(m, AT, Side.Forward, i, Math.round(rest[i] * 2 ** 20))
    setInputs(
      m,
      Side.Forward,
      u.map(v => Math.round(v * Q12)),
    )
    settle(m, AT, Side.Forward, 60)
    expect(fixedPoint(m, AT, Side.Forward, 1)).toBe(Math.round(rest[1] * Q12))
    setInput(m, AT, Side.OperatingPoint, 2, 2000)
    settle(m, AT, Side.OperatingPoint, 80)
    for (let i = 0; i < 3; i++) {
      const up = settled(u.map((v, k) => (k === i ? v + h : v)))
      const down = settled(u.map((v, k) => (k === i ? v - h : v)))
      const gradient = (up[2] - down[2]) / (2 * h)
      expect(Math.abs(signal(m, AT, Side.OperatingPoint, i) / 2000 - gradient)).toBeLessThan(0.004)
    }
  })
})
