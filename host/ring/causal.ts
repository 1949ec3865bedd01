/**
 * Causal distance (paper 003 §3.2): how far a parameter is from an element, in steps of cause and
 * effect, and how much it moves it. Ranked by influence, the few parameters that matter stand first.
 *
 * A parameter K1[i], K2[i] or K3[i] stands in the equation of element i and acts on it at once:
 * distance 1. Element i acts on i+1, which it generates, and on i+2, which it inhibits, one step
 * each, so from i to i+k it is ⌈k/2⌉ steps, k modulo n. A distance of d means that after a change of
 * the parameter the element sets off as t^d.
 */
import { WuxingError } from "../base/errors"
import { elementName } from "./ring-errors"

/** A set of parameters: generation, decay, inhibition. */
export type ParameterName = "K1" | "K2" | "K3"

/** A ring's parameters as real numbers, n each. */
export interface RingParameters {
  /** K1, by which element i−1 generates i. */
  k1: number[]
  /** K2, by which element i decays. */
  k2: number[]
  /** K3, by which element i−2 inhibits i. */
  k3: number[]
}

/** What one parameter is to one element, about the ring's fixed point B. */
export interface Influence {
  /** Its set. */
  parameter: ParameterName
  /** Whose equation it stands in. */
  index: number
  /** "K1[S]". */
  name: string
  /** The element it acts on. */
  element: number
  /** Causal distance d, 1 and up. */
  distance: number
  /** Onset c: a step of ΔK at t = 0 moves the element by c·ΔK·t^d/d! at first. */
  onset: number
  /** ∂B[element]/∂K: what it has moved in the end. */
  sensitivity: number
  /** |K·∂B/∂K / B|: the relative change for a relative change. The ranking is by this. */
  influence: number
  /** Its part of the sum of all influences on the element, 0…1. */
  share: number
}

/**
 * Causal distance of a parameter of element `index` to `element` in a ring of n.
 * @throws WuxingError "no-such-element"
 */
export function causalDistance(n: number, index: number, element: number): number {
  for (const i of [index, element])
    if (!Number.isInteger(i) || i < 0 || i >= n) throw noSuchElement(n, i)
  return 1 + Math.ceil(((element - index + n) % n) / 2)
}

/**
 * All 3n parameters by their influence on an element, the largest first; of equal ones the nearer
 * first.
 *
 * @param fixedPoint B, n positive numbers; sought from (mean K1 − mean K2)/mean K3 if not given
 * @throws WuxingError "no-such-element"; "no-fixed-point" if there is no positive one
 */
export function rankParameters(
  ring: RingParameters,
  element: number,
  fixedPoint: number[] = findFixedPoint(ring),
): Influence[] {
  const n = ring.k1.length
  if (!Number.isInteger(element) || element < 0 || element >= n) throw noSuchElement(n, element)
  const b = fixedPoint
  const j = jacobian(ring, b)
  const all: Influence[] = []
  for (let i = 0; i < n; i++) {
    // ∂f[i]/∂K of the forward equation (paper 001 eq. 2.1); every other f does not hold K.
    const before = b[(i + n - 1) % n]
    const inhibitor = b[(i + 2 * n - 2) % n]
    const acts: [ParameterName, number, number][] = [
      ["K1", ring.k1[i], before],
      ["K2", ring.k2[i], -b[i]],
      ["K3", ring.k3[i], -b[i] * inhibitor],
    ]
    const distance = causalDistance(n, i, element)
    // J^(d−1) and −J⁻¹, applied to a unit force on element i.
    let force = b.map((_, k): number => (k === i ? 1 : 0))
    const settled = solve(
      j,
      force.map(f => -f),
    )
    for (let d = 1; d < distance; d++) force = times(j, force)
    for (const [parameter, value, act] of acts) {
      const sensitivity = settled[element] * act
      all.push({
        parameter,
        index: i,
        name: `${parameter}[${elementName(n, i)}]`,
        element,
        distance,
        onset: force[element] * act,
        sensitivity,
        influence: Math.abs((value * sensitivity) / b[element]),
        share: 0,
      })
    }
  }
  const sum = all.reduce((s, one) => s + one.influence, 0)
  for (const one of all) one.share = one.influence / sum
  return all.sort((x, y) => y.influence - x.influence || x.distance - y.distance)
}

/**
 * The fewest parameters that together have at least `share` of all influence: the core drivers.
 * @param ranked as from `rankParameters`
 */
export function drivers(ranked: Influence[], share: number): Influence[] {
  let sum = 0
  const first = ranked.findIndex(one => {
    sum += one.share
    // Shares are rounded, so they may add up to a hair below 1.
    return sum >= share - 1e-12
  })
  return first < 0 ? ranked : ranked.slice(0, first + 1)
}

/** ∂f[i]/∂E[k] of the forward equation. */
function jacobian({ k1, k2, k3 }: RingParameters, e: number[]): number[][] {
  const n = e.length
  return e.map((x, i) => {
    const row = new Array<number>(n).fill(0)
    const inhibitor = (i + 2 * n - 2) % n
    row[(i + n - 1) % n] += k1[i]
    row[i] -= k2[i] + k3[i] * e[inhibitor]
    row[inhibitor] -= k3[i] * x
    return row
  })
}

/** Newton's method; steps that would leave the positive numbers are halved. */
function findFixedPoint(ring: RingParameters): number[] {
  const { k1, k2, k3 } = ring
  const n = k1.length
  const logarithms = (k: number[]) => k.reduce((s, v) => s + Math.log(v), 0)
  // Multiplied over all elements, K1·E[i−1] = E[i]·(K2 + K3·E[i−2]) leaves the product of K1 above K2's.
  if (logarithms(k1) <= logarithms(k2)) throw noFixedPoint(ring)
  const mean = (k: number[]) => k.reduce((s, v) => s + v, 0) / n
  const start = (mean(k1) - mean(k2)) / mean(k3)
  let e = new Array<number>(n).fill(start > 0 ? start : 1)
  for (let round = 0; round < 100; round++) {
    const f = e.map(
      (x, i) => k1[i] * e[(i + n - 1) % n] - k2[i] * x - k3[i] * x * e[(i + 2 * n - 2) % n],
    )
    if (Math.max(...f.map(Math.abs)) < 1e-12) return e
    const d = solve(jacobian(ring, e), f)
    let part = 1
    while (e.some((x, i) => x - part * d[i] <= 0.1 * x) && part > 1e-6) part /= 2
    e = e.map((x, i) => x - part * d[i])
  }
  throw noFixedPoint(ring)
}

function times(a: number[][], v: number[]): number[] {
  return a.map(row => row.reduce((s, x, k) => s + x * v[k], 0))
}

/** Solves a·x = b (elimination with row pivots). */
function solve(a: number[][], b: number[]): number[] {
  const n = b.length
  const rows = a.map((row, i) => [...row, b[i]])
  for (let c = 0; c < n; c++) {
    let pivot = c
    for (let r = c + 1; r < n; r++) if (Math.abs(rows[r][c]) > Math.abs(rows[pivot][c])) pivot = r
    const row = rows[pivot]
    rows[pivot] = rows[c]
    rows[c] = row
    for (let r = c + 1; r < n; r++) {
      const factor = rows[r][c] / row[c]
      for (let k = c; k <= n; k++) rows[r][k] -= factor * row[k]
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let r = n - 1; r >= 0; r--) {
    let rest = rows[r][n]
    for (let k = r + 1; k < n; k++) rest -= rows[r][k] * x[k]
    x[r] = rest / rows[r][r]
  }
  return x
}

function noSuchElement(n: number, i: number): WuxingError {
  return new WuxingError({
    code: "no-such-element",
    kind: "usage",
    message: `there is no element ${i} in a ring of ${n}`,
    help: `elements are counted from 0 to ${n - 1}`,
  })
}

function noFixedPoint({ k1, k2, k3 }: RingParameters): WuxingError {
  return new WuxingError({
    code: "no-fixed-point",
    kind: "usage",
    message: `the ring with K1 {${k1.join(", ")}}, K2 {${k2.join(", ")}}, K3 {${k3.join(", ")}} has no positive fixed point to rank its parameters at`,
    cause: "K1 generates less than K2 takes away",
    help: "raise K1, lower K2, or give the fixed point",
  })
}
