import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import {
  causalDistance,
  drivers,
  type ParameterName,
  rankParameters,
} from "../../../host/ring/causal"
import { type FloatRing, newton, rate, wrap } from "../../src/ring/reference"

const uniform = (n: number): FloatRing => ({
  k1: new Array(n).fill(1),
  k2: new Array(n).fill(0.5),
  k3: new Array(n).fill(0.5),
})

const rings = fc.integer({ min: 1, max: 8 }).chain(n => {
  const about = (k: number) =>
    fc.array(fc.double({ min: 0.75 * k, max: 1.25 * k, noNaN: true }), {
      minLength: n,
      maxLength: n,
    })
  return fc.record({ k1: about(1), k2: about(0.5), k3: about(0.5) })
})

const key = { K1: "k1", K2: "k2", K3: "k3" } as const
function changed(ring: FloatRing, set: ParameterName, i: number, by: number): FloatRing {
  return { ...ring, [key[set]]: ring[key[set]].map((k, at) => (at === i ? k + by : k)) }
}

describe("causal distance", () => {
  test("is the number of arrows on the shortest way, and one for the equation itself", () => {
    for (let n = 1; n <= 12; n++)
      for (let from = 0; from < n; from++) {
        // Breadth first along i → i+1 and i → i+2.
        const seen = new Map([[from, 1]])
        const queue = [from]
        for (const i of queue)
          for (const next of [wrap(i + 1, n), wrap(i + 2, n)])
            if (!seen.has(next)) {
              seen.set(next, seen.get(i)! + 1)
              queue.push(next)
            }
        for (let to = 0; to < n; to++) expect(causalDistance(n, from, to)).toBe(seen.get(to))
      }
    // {J, S, M, H, T}: J's own parameters 1, T's 2 (it generates J), H's 2 (it inhibits J).
    expect([0, 1, 2, 3, 4].map(i => causalDistance(5, i, 0))).toEqual([1, 3, 3, 2, 2])
  })

  test("is how the element sets off: as t^d, with the onset given", () => {
    // The equations run from the fixed point after a step of one parameter; E ∝ t^d/d! at first.
    const ring = { ...uniform(5), k2: [0.5, 0.45, 0.55, 0.5, 0.6] }
    const b = newton(ring, "forward", [1, 1, 1, 1, 1])
    const none = [0, 0, 0, 0, 0]
    for (let element = 0; element < 5; element++)
      for (const one of rankParameters(ring, element, b)) {
        const by = 1e-4
        const other = changed(ring, one.parameter, one.index, by)
        const moved = (t: number) => {
          let e = b
          const h = t / 40
          // Classical Runge-Kutta: not the integrator under study.
          for (let s = 0; s < 40; s++) {
            const go = (v: number[], k: number[], c: number) => v.map((x, i) => x + c * k[i])
            const k1 = rate(other, "forward", e, none)
            const k2 = rate(other, "forward", go(e, k1, h / 2), none)
            const k3 = rate(other, "forward", go(e, k2, h / 2), none)
            const k4 = rate(other, "forward", go(e, k3, h), none)
            e = e.map((x, i) => x + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]))
          }
          return (e[element] - b[element]) / by
        }
        const t = 0.02
        let factorial = 1
        for (let d = 2; d <= one.distance; d++) factorial *= d
        expect((moved(t) * factorial) / t ** one.distance / one.onset).toBeCloseTo(1, 1)
        // The exponent itself.
        expect(Math.log2(moved(2 * t) / moved(t))).toBeCloseTo(one.distance, 0)
      }
  })
})

describe("ranked by influence", () => {
  test("sensitivities are what the fixed point does when a parameter is changed", () => {
    fc.assert(
      fc.property(rings, fc.nat(7), (ring, which) => {
        const n = ring.k1.length
        const element = which % n
        const ones = new Array<number>(n).fill(1)
        const b = newton(ring, "forward", ones)
        fc.pre(b.every(x => x > 0.2 && x < 5))
        const ranked = rankParameters(ring, element)
        expect(ranked.length).toBe(3 * n)
        for (const one of ranked) {
          const h = 1e-6
          const up = newton(changed(ring, one.parameter, one.index, h), "forward", b)[element]
          const down = newton(changed(ring, one.parameter, one.index, -h), "forward", b)[element]
          const scale = 1 + Math.abs(one.sensitivity)
          expect(Math.abs(one.sensitivity - (up - down) / (2 * h)) / scale).toBeLessThan(1e-4)
          const k = ring[key[one.parameter]][one.index]
          expect(one.influence).toBeCloseTo(Math.abs((k * one.sensitivity) / b[element]), 4)
        }
      }),
      { numRuns: 100 },
    )
  })

  test("of a uniform ring, the sums over a set are the formula's derivatives", () => {
    // B = (K1 − K2)/K3: ∂B/∂K1 = 1/K3 = 2, ∂B/∂K2 = −2, ∂B/∂K3 = −B/K3 = −2.
    for (const n of [1, 2, 3, 5, 9]) {
      const ranked = rankParameters(uniform(n), 0)
      const sum = (set: ParameterName) =>
        ranked.filter(o => o.parameter === set).reduce((s, o) => s + o.sensitivity, 0)
      expect([sum("K1"), sum("K2"), sum("K3")].map(v => v.toFixed(9))).toEqual([
        "2.000000000",
        "-2.000000000",
        "-2.000000000",
      ])
    }
  })

  test("the first of the default ring is K1 of the element before, then the element's own K1", () => {
    // The DC response: 0.780 of a force on the element itself, 0.878 of one on the element before.
    const ranked = rankParameters(uniform(5), 2)
    expect(ranked[0]).toMatchObject({ name: "K1[S]", distance: 2 })
    expect(ranked[0].influence).toBeCloseTo(0.878, 3)
    expect(ranked[1]).toMatchObject({ name: "K1[M]", distance: 1 })
    expect(ranked[1].influence).toBeCloseTo(0.78, 3)
    expect(ranked.map(o => o.influence)).toEqual(ranked.map(o => o.influence).sort((x, y) => y - x))
    expect(ranked.reduce((s, o) => s + o.share, 0)).toBeCloseTo(1, 12)
  })

  test("the drivers are the fewest that have the share asked for", () => {
    const ranked = rankParameters(uniform(5), 0)
    for (const share of [0.1, 0.5, 0.8, 0.95]) {
      const few = drivers(ranked, share)
      const sum = (some: typeof few) => some.reduce((s, o) => s + o.share, 0)
      expect(sum(few)).toBeGreaterThanOrEqual(share - 1e-9)
      expect(sum(few.slice(0, -1))).toBeLessThan(share)
    }
    expect(drivers(ranked, 1).length).toBe(15)
  })

  test("is refused for an element that is not there, and a ring that collapses", () => {
    expect(() => rankParameters(uniform(5), 5)).toThrow(
      expect.objectContaining({ code: "no-such-element", kind: "usage" }),
    )
    expect(() => causalDistance(3, -1, 0)).toThrow(WuxingError)
    expect(() => rankParameters({ ...uniform(5), k2: new Array(5).fill(1.5) }, 0)).toThrow(
      expect.objectContaining({ code: "no-fixed-point" }),
    )
  })
})
