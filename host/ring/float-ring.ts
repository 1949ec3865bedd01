/**
 * The ring of n elements in float64, straight from its equation (paper 001 eq. 2.3): what the ring in
 * integers is compared with.
 */

/** Parameters of each element, n each; all positive. */
export interface FloatParameters {
  k1: number[]
  k2: number[]
  k3: number[]
}

/** Each set with one value. */
export function uniformParameters(n: number, k1: number, k2: number, k3: number): FloatParameters {
  const all = (k: number) => new Array<number>(n).fill(k)
  return { k1: all(k1), k2: all(k2), k3: all(k3) }
}

/** dE[i]/dt = K1[i]·E[i−1] − K2[i]·E[i] − K3[i]·E[i]·E[i−2] + u[i]. */
export function rates({ k1, k2, k3 }: FloatParameters, e: number[], u: number[]): number[] {
  const n = e.length
  return e.map(
    (x, i) => k1[i] * e[(i + n - 1) % n] - k2[i] * x - k3[i] * x * e[(i + 2 * n - 2) % n] + u[i],
  )
}

/** The state after `steps` improved Euler steps, without clamps. */
export function run(
  ring: FloatParameters,
  from: number[],
  u: number[],
  dt: number,
  steps: number,
): number[] {
  let e = from
  for (let s = 0; s < steps; s++) {
    const f = rates(ring, e, u)
    const g = rates(
      ring,
      e.map((x, i) => x + dt * f[i]),
      u,
    )
    e = e.map((x, i) => x + (dt / 2) * (f[i] + g[i]))
  }
  return e
}

/**
 * Where the ring rests without input.
 *
 * @returns undefined if it does not rest within 100,000 steps of 0.05
 */
export function restingPoint(ring: FloatParameters, from: number[]): number[] | undefined {
  const none = from.map(() => 0)
  let e = from
  for (let block = 0; block < 100; block++) {
    e = run(ring, e, none, 0.05, 1000)
    if (!e.every(Number.isFinite)) return undefined
    if (rates(ring, e, none).every(f => Math.abs(f) < 1e-10)) return e
  }
  return undefined
}

/**
 * Growth of the ring's modes about its fixed point, uniform parameters, in units of K1: the real
 * parts of ω^−m − 1 − r·ω^−2m, ω = e^(2πi/n).
 *
 * @param r (K1 − K2)/K1
 */
export function growths(n: number, r: number): number[] {
  return Array.from({ length: n }, (_, m) => {
    const angle = (2 * Math.PI * m) / n
    return Math.cos(angle) - 1 - r * Math.cos(2 * angle)
  })
}

/**
 * What a constant input of 1 on element 0 moves each element in the end, small signals, K1 = 1 and
 * fixed point 1: a sum over the modes, each input over minus its eigenvalue.
 *
 * @param r K1 − K2, below the threshold of oscillation
 */
export function constantResponse(n: number, r: number): number[] {
  return Array.from({ length: n }, (_, k) => {
    let sum = 0
    for (let m = 0; m < n; m++) {
      const a = (2 * Math.PI * m) / n
      const re = 1 - Math.cos(a) + r * Math.cos(2 * a)
      const im = Math.sin(a) - r * Math.sin(2 * a)
      // Real part of e^(iak)/(re + i·im); the imaginary parts of a pair of modes cancel.
      sum += (Math.cos(a * k) * re + Math.sin(a * k) * im) / (re * re + im * im)
    }
    return sum / n
  })
}
