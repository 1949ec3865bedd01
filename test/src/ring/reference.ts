/**
 * The ring of n elements in float64, written from its equations, and how far the integer ring may be
 * from it. Nothing here is shared with the core.
 */

export interface FloatRing {
  k1: number[]
  k2: number[]
  k3: number[]
}

export type Direction = "forward" | "backward"

export const wrap = (i: number, n: number) => ((i % n) + n) % n
export const clampTo = (x: number, min: number, max: number) => Math.min(max, Math.max(min, x))

/**
 * forward:  dE[i]/dt = K1[i]·E[i−1]   − K2[i]·E[i] − K3[i]·E[i]·E[i−2]   + u[i]   (paper 001 eq. 2.3)
 * backward: dÊ[i]/dt = K1[i+1]·Ê[i+1] − K2[i]·Ê[i] − K3[i+2]·Ê[i]·Ê[i+2] + û[i]   (paper 001 eq. 2.5)
 */
export function rate(ring: FloatRing, direction: Direction, e: number[], u: number[]): number[] {
  const n = e.length
  const at = (v: number[], i: number) => v[wrap(i, n)]
  return e.map((x, i) =>
    direction === "forward"
      ? ring.k1[i] * at(e, i - 1) - ring.k2[i] * x - ring.k3[i] * x * at(e, i - 2) + u[i]
      : at(ring.k1, i + 1) * at(e, i + 1) -
        ring.k2[i] * x -
        at(ring.k3, i + 2) * x * at(e, i + 2) +
        u[i],
  )
}

export type Matrix = number[][]

export const rows = (n: number, f: (i: number, j: number) => number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => f(i, j)))
export const times = (a: Matrix, b: Matrix): Matrix =>
  rows(a.length, (i, j) => a[i].reduce((s, v, k) => s + v * b[k][j], 0))
export const apply = (a: Matrix, v: number[]) =>
  a.map(row => row.reduce((s, x, k) => s + x * v[k], 0))
export const transpose = (a: Matrix): Matrix => rows(a.length, (i, j) => a[j][i])
const absolute = (a: Matrix, v: number[]) =>
  a.map(row => row.reduce((s, x, k) => s + Math.abs(x) * v[k], 0))

/** ∂(dE[i]/dt)/∂E[j]. Coinciding neighbours (n = 1, 2) add up. */
export function jacobian(ring: FloatRing, direction: Direction, e: number[]): Matrix {
  const n = e.length
  const j = rows(n, () => 0)
  for (let i = 0; i < n; i++) {
    const sign = direction === "forward" ? 1 : -1
    const source = wrap(i - sign, n)
    const inhibitor = wrap(i - 2 * sign, n)
    const k1 = direction === "forward" ? ring.k1[i] : ring.k1[source]
    const k3 = direction === "forward" ? ring.k3[i] : ring.k3[inhibitor]
    j[i][source] += k1
    j[i][i] -= ring.k2[i] + k3 * e[inhibitor]
    j[i][inhibitor] -= k3 * e[i]
  }
  return j
}

/** Solves a·x = b by elimination with pivoting. */
export function solve(a: Matrix, b: number[]): number[] {
  const n = b.length
  const m = a.map((row, i) => [...row, b[i]])
  for (let c = 0; c < n; c++) {
    let pivot = c
    for (let r = c + 1; r < n; r++) if (Math.abs(m[r][c]) > Math.abs(m[pivot][c])) pivot = r
    const swap = m[c]
    m[c] = m[pivot]
    m[pivot] = swap
    for (let r = 0; r < n; r++) {
      if (r === c) continue
      const f = m[r][c] / m[c][c]
      for (let k = c; k <= n; k++) m[r][k] -= f * m[c][k]
    }
  }
  return m.map((row, i) => row[n] / row[i])
}

/** The positive fixed point near `start`, by Newton's method. */
export function newton(ring: FloatRing, direction: Direction, start: number[]): number[] {
  let e = start
  const none = e.map(() => 0)
  for (let k = 0; k < 50; k++) {
    const d = solve(jacobian(ring, direction, e), rate(ring, direction, e, none))
    e = e.map((x, i) => x - d[i])
  }
  return e
}

export interface Run {
  /** The states after the last step. */
  end: number[]
  /** The sum of D (λ) after each step. */
  sum: number[]
  /** How far the integer ring's end and sum may be from these, in steps of Q12. */
  endBound: number[]
  sumBound: number[]
}

interface Limits {
  dt: number
  min: number
  max: number
}

const LSB = 4096

/**
 * Improved Euler under an input that may change at every step, with a running error analysis of the
 * integer ring beside it, valid for every input. Unit of the bounds: 1/4096 (one step of Q12). One
 * integer step, with Δ what its state is off by:
 *
 * - The rate is taken at the state rounded to Q12 (off by ½), its gain, its factor of decay and its
 *   decay are rounded to nearest (½ each, the factor's times the element): φ = 1 + ½·|E|, and
 *   |J|·½ for where it is taken.
 * - The predictor adds dt times that and is rounded once more: r = ½ + dt·(φ + |J|·½).
 * - The state adds dt/2 of both rates, in Q20, where only the halving drops 1/512 of a step.
 * - f is bilinear: f(E + Δ) = f(E) + J·Δ − K3·Δ[i]·Δ[inhibitor], exactly.
 *
 * Errors made at a step arrive at a later one through the product of the steps' Jacobians
 * M = I + dt/2·(J(E) + J(p)·(I + dt·J(E))); the bound adds their absolute values, for the sum over
 * the steps those of the sums of products. A clamp multiplies Δ[i] by a number in [0, 1].
 */
export function run(
  ring: FloatRing,
  direction: Direction,
  fixed: number[],
  from: number[],
  inputs: number[][],
  { dt, min, max }: Limits,
): Run {
  const n = from.length
  const errors = new Errors(n)
  let e = from
  const sum = e.map(() => 0)
  const forward = direction === "forward"
  for (const u of inputs) {
    const f = rate(ring, direction, e, u)
    const p = e.map((x, i) => x + dt * f[i])
    const g = rate(ring, direction, p, u)
    const j = jacobian(ring, direction, e)
    const jp = jacobian(ring, direction, p)
    const dp = rows(n, (i, k) => (i === k ? 1 : 0) + dt * j[i][k])
    const jpdp = times(jp, dp)
    const m = rows(n, (i, k) => (i === k ? 1 : 0) + (dt / 2) * (j[i][k] + jpdp[i][k]))

    const b = errors.bound()
    const quadratic = (v: number[], i: number) => {
      const inhibitor = wrap(forward ? i - 2 : i + 2, n)
      return (ring.k3[forward ? i : inhibitor] * v[i] * v[inhibitor]) / LSB
    }
    // Everything the first rate is off by, where it is taken and how it is rounded.
    const half = e.map(() => 0.5)
    const near = b.map(v => v + 0.5)
    const atState = absolute(j, half).map(
      (v, i) => v + 1 + 0.5 * (Math.abs(e[i]) + near[i] / LSB) + quadratic(near, i),
    )
    const r = atState.map(v => 0.5 + dt * v)
    const pOff = absolute(dp, b).map((v, i) => v + r[i])
    const atPoint = absolute(jp, r).map(
      (v, i) => v + 1 + 0.5 * (Math.abs(p[i]) + pOff[i] / LSB) + quadratic(pOff, i),
    )
    errors.step(
      m,
      atState.map((v, i) => (dt / 2) * (v + atPoint[i]) + 1 / 512),
    )
    const next = e.map((x, i) => x + (dt / 2) * (f[i] + g[i]))
    errors.clamp(next, min, max)
    errors.count()
    e = next.map(x => clampTo(x, min, max))
    e.forEach((x, i) => {
      sum[i] += x - fixed[i]
    })
  }
  return {
    end: e,
    sum,
    endBound: errors.bound(),
    // D is itself rounded to Q12 before it is summed.
    sumBound: errors.sum().map(v => v + 0.5 * inputs.length),
  }
}

/**
 * The same for the operating-point signal at the states x (exact in Q12), from zero:
 *
 *     dλ[i]/dt = K1[i+1]·λ[i+1] − (K2[i] + K3[i]·X[i−2])·λ[i] − K3[i+2]·X[i+2]·λ[i+2] + in[i]
 *
 * @param held elements on a clamp: λ = 0
 * @param limit clamp of λ
 */
export function runLinear(
  ring: FloatRing,
  x: number[],
  held: boolean[],
  input: number[],
  steps: number,
  { dt, max: limit }: Limits,
): Run {
  const n = x.length
  const full = transpose(jacobian(ring, "forward", x))
  const j = rows(n, (i, k) => (held[i] || held[k] ? 0 : full[i][k]))
  const drive = input.map((v, i) => (held[i] ? 0 : clampTo(v, -limit, limit)))
  const jj = times(j, j)
  const m = rows(n, (i, k) => (i === k ? 1 : 0) + dt * j[i][k] + ((dt * dt) / 2) * jj[i][k])
  const errors = new Errors(n)
  let l = x.map(() => 0)
  const sum = x.map(() => 0)
  const half = x.map(() => 0.5)
  for (let step = 0; step < steps; step++) {
    const f = apply(j, l).map((v, i) => v + drive[i])
    const p = l.map((v, i) => v + dt * f[i])
    const g = apply(j, p).map((v, i) => v + drive[i])
    const b = errors.bound()
    // Three products rounded, and two factors, each times its λ.
    const rounding = (v: number[], off: number[], i: number) =>
      held[i]
        ? 0
        : 1.5 +
          0.5 *
            (Math.abs(v[i]) + Math.abs(v[wrap(i + 2, n)]) + (off[i] + off[wrap(i + 2, n)]) / LSB)
    const near = b.map(v => v + 0.5)
    const atState = absolute(j, half).map((v, i) => v + rounding(l, near, i))
    const r = atState.map(v => 0.5 + dt * v)
    const pOff = near.map((v, i) => v + r[i] + dt * absolute(j, near)[i])
    const atPoint = absolute(j, r).map((v, i) => v + rounding(p, pOff, i))
    errors.step(
      m,
      atState.map((v, i) => (held[i] ? 0 : (dt / 2) * (v + atPoint[i]) + 1 / 512)),
    )
    const next = l.map((v, i) => v + (dt / 2) * (f[i] + g[i]))
    errors.clamp(next, -limit, limit)
    errors.count()
    l = next.map(v => clampTo(v, -limit, limit))
    l.forEach((v, i) => {
      sum[i] += v
    })
  }
  return {
    end: l,
    sum,
    endBound: errors.bound(),
    sumBound: errors.sum().map(v => v + 0.5 * steps),
  }
}

/** Errors made at each step, and what has become of them. */
class Errors {
  private readonly made: { size: number[]; now: Matrix; sum: Matrix }[] = []

  constructor(private readonly n: number) {}

  step(m: Matrix, size: number[]): void {
    for (const e of this.made) e.now = times(m, e.now)
    this.add(size)
  }

  /** Both sides surely on the clamp: no error is left. Surely off: all of it. Else between. */
  clamp(values: number[], min: number, max: number): void {
    // Both states end up between the clamps, so they are never further apart than these. Where Heun
    // itself diverges this keeps the bound finite.
    const range = (max - min) * LSB
    this.bound().forEach((b, i) => {
      if (b <= range) return
      for (const e of this.made) e.now[i] = e.now[i].map(() => 0)
      this.add(values.map((_, k) => (i === k ? range : 0)))
    })
    const bound = this.bound()
    values.forEach((value, i) => {
      const off = bound[i] / LSB
      if (value - off > min && value + off < max) return
      const surely = value + off < min || value - off > max
      for (const e of this.made) e.now[i] = e.now[i].map(x => (surely ? 0 : x / 2))
      if (!surely) this.add(values.map((_, k) => (i === k ? bound[i] / 2 : 0)))
    })
  }

  count(): void {
    for (const e of this.made) e.sum = rows(this.n, (i, k) => e.sum[i][k] + e.now[i][k])
  }

  bound(): number[] {
    return this.total(e => e.now)
  }

  sum(): number[] {
    return this.total(e => e.sum)
  }

  private add(size: number[]): void {
    const n = this.n
    this.made.push({ size, now: rows(n, (i, k) => (i === k ? 1 : 0)), sum: rows(n, () => 0) })
  }

  private total(pick: (e: { size: number[]; now: Matrix; sum: Matrix }) => Matrix): number[] {
    const all = new Array<number>(this.n).fill(0)
    for (const e of this.made)
      absolute(pick(e), e.size).forEach((v, i) => {
        all[i] += v
      })
    return all
  }
}
