/**
 * A neuron, which is a ring of five elements, as a linear system about a state (paper 001 eq. 2.3,
 * linearised), in float64 and in the terms of leaky integrators.
 *
 * About the state X, for the displacement D = E − B and a small change of it:
 *
 *     dD[i]/dt = K1·D[i−1] − (K2 + K3[i]·X[i−2])·D[i] − K3[i]·X[i]·D[i−2] + u[i]
 *
 * A leaky integrator is tau·dv/dt = (v_leak − v) + r·I. So v = D, tau = 1/(K2 + K3[i]·X[i−2]), r = 1, and
 * I is tau times u[i] and what comes from the two elements before.
 */
import { rates } from "../ring/float-ring"
import { inverseOf, times } from "./dense"

export const ELEMENTS = 5
export const K1 = 1
export const K2 = 0.5
/** K3 where elements do not learn. */
export const K3 = 0.5

/** Element i−1 and i−2 of a ring. */
export const before = (i: number, by: number) => (i + ELEMENTS - by) % ELEMENTS

/** tau of each element, by which what it takes is multiplied. */
export function tauOf(k3: number[], x: number[]): number[] {
  return k3.map((k, i) => 1 / (K2 + k * x[before(i, 2)]))
}

/** What element i gets from i−1 (always K1) and from i−2. */
export function couplingOf(k3: number[], x: number[]): [from1: number, from2: number][] {
  return k3.map((k, i) => [K1, -k * x[i]])
}

/** The Jacobian at X; row i is what moves element i. */
export function jacobianOf(k3: number[], x: number[]): number[][] {
  const tau = tauOf(k3, x)
  return couplingOf(k3, x).map(([from1, from2], i) => {
    const row = new Array<number>(ELEMENTS).fill(0)
    row[i] = -1 / tau[i]
    row[before(i, 1)] += from1
    row[before(i, 2)] += from2
    return row
  })
}

/**
 * The fixed point B to the last bit of float64, by Newton's method from where the integers have it.
 *
 * @returns undefined if there is none near
 */
export function fixedPointOf(k3: number[], near: number[]): number[] | undefined {
  const parameters = { k1: k3.map(() => K1), k2: k3.map(() => K2), k3 }
  let b = near
  for (let round = 0; round < 50; round++) {
    const inverse = inverseOf(jacobianOf(k3, b))
    if (!inverse) return undefined
    const move = times(
      inverse,
      rates(
        parameters,
        b,
        b.map(() => 0),
      ),
    )
    b = b.map((value, i) => value - move[i])
    if (move.every(m => Math.abs(m) < 1e-15)) break
  }
  // Zero is an equilibrium as well, and none to linearise about.
  return b.every(value => value > 0.01 && Number.isFinite(value)) ? b : undefined
}

/** Time step of a settle. */
const DT = 0.75

/**
 * The mean state over a settle, each step's state counted after the step (as settle.ts, without
 * rounding).
 *
 * @param u net input of each element, as it acts
 */
export function meanState(
  k3: number[],
  b: number[],
  u: number[],
  steps: number,
  clamps: { least: number; most: number },
): number[] {
  const parameters = { k1: k3.map(() => K1), k2: k3.map(() => K2), k3 }
  const sum = b.map(() => 0)
  let e = b
  for (let s = 0; s < steps; s++) {
    const f = rates(parameters, e, u)
    const g = rates(
      parameters,
      e.map((value, i) => value + DT * f[i]),
      u,
    )
    e = e.map((value, i) =>
      Math.min(clamps.most, Math.max(clamps.least, value + (DT / 2) * (f[i] + g[i]))),
    )
    for (let i = 0; i < ELEMENTS; i++) sum[i] += e[i]
  }
  return sum.map(value => value / steps)
}
