/**
 * How far the integer settle may be from the float64 reference: a running error analysis, valid for
 * every input (not an estimate). Unit: one step of the settle's format (Q12: 1/4096).
 *
 * One Heun step of the core, with Δ the error it starts from, against the exact map Φ of the same
 * step:
 *
 * - f: the products of an element are shifted right once, and floored: f is too large by θ in [0, 1).
 *   A net input that was floored itself adds δ, |δ| ≤ inputError.
 * - predictor p = E + (3·f >> 2): the floor of quarters drops up to ¾, so p is off by
 *   ¾(θ + δ) − [0, ¾], at most ¾ + ¾·inputError =: r.
 * - corrector E += (3·(f + g)) >> 3: ⅜(θ + θ' + 2δ) − [0, ⅞], at most ⅞ + ¾·inputError; the error r
 *   of p reaches g through the Jacobian at p: ⅜·|J(p)|·r.
 * - f is bilinear: f(E + Δ) = f(E) + J·Δ − ½·Δ[i]·Δ[i−2], exactly. The quadratic terms of both stages
 *   are bounded with the bound so far (forward only; the backward system is linear).
 *
 * So Δ' = M·Δ + ρ with M = I + ⅜(J(E) + J(p)·(I + ¾·J(E))) and a bound for |ρ|. The errors made at
 * step k arrive at step n multiplied by M[n]…M[k+1]; the bound is the sum over k of the absolute
 * value of that product times ρ[k], for the time-mean the same with the mean of the products. A clamp
 * multiplies Δ[i] by a number in [0, 1]: 0 where both sides are surely on it, 1 where both are surely
 * off, else ½ with ½·|Δ[i]| added to the errors made.
 */
import { forwardRate, jacobian } from "./reference"

type Matrix = number[][]

const N = 5

function zeros(): Matrix {
  return [
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
  ]
}

function identity(): Matrix {
  const m = zeros()
  for (let i = 0; i < N; i++) m[i][i] = 1
  return m
}

function rows(f: (i: number, j: number) => number): Matrix {
  const m = zeros()
  for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) m[i][j] = f(i, j)
  return m
}

// Loops written out: the tests that take this bound spent most of their time here in callbacks.
function times(a: Matrix, b: Matrix): Matrix {
  const out: Matrix = []
  for (let i = 0; i < N; i++) {
    const [a0, a1, a2, a3, a4] = a[i]
    const row = [0, 0, 0, 0, 0]
    for (let j = 0; j < N; j++)
      row[j] = a0 * b[0][j] + a1 * b[1][j] + a2 * b[2][j] + a3 * b[3][j] + a4 * b[4][j]
    out.push(row)
  }
  return out
}

/** Adds |a|·v to a sum. */
function addAbsoluteTimes(a: Matrix, v: number[], total: number[]): void {
  for (let i = 0; i < N; i++) {
    let sum = 0
    for (let k = 0; k < N; k++) sum += Math.abs(a[i][k]) * v[k]
    total[i] += sum
  }
}

function absoluteTimes(a: Matrix, v: number[]): number[] {
  const total = [0, 0, 0, 0, 0]
  addAbsoluteTimes(a, v, total)
  return total
}

/** The format a settle computes in. */
export interface SettleFormat {
  /** Steps a unit. */
  one: number
  /**
   * What the factors of each element's products lose before they are multiplied, as an error of its
   * rate in steps; of the elements (forward) or of λ (backward), and of the state backward.
   */
  lost(values: number[], state: number[]): number[]
}

const Q12: SettleFormat = { one: 4096, lost: values => values.map(() => 0) }

/** Q16 of displacements, whose factors keep 13 bits forward; backward 12 of the state's 14, 14 of λ. */
export const FINE_FORWARD: SettleFormat = {
  one: 65536,
  lost: values =>
    values.map((e, i) => 3.5 * (Math.abs(e - 1) + Math.abs(values[(i + 3) % N] - 1)) + 0.01),
}
export const FINE_BACKWARD: SettleFormat = {
  one: 65536,
  lost: (values, state) =>
    values.map((l, i) => {
      const by = (k: number) => Math.abs(state[(i + k) % N] - 1)
      return 1.5 * (by(3) + by(2)) + 6 * (Math.abs(l) + Math.abs(values[(i + 2) % N])) + 0.01
    }),
}

/** Errors made at one step: how they arrive now, and in the time-mean. */
interface Made {
  size: number[]
  now: Matrix
  mean: Matrix
}

class Errors {
  private readonly made: Made[] = []

  constructor(
    private readonly steps: number,
    private readonly one: number,
  ) {}

  /** Carries all errors through a step and adds those made in it; returns the bound. */
  step(m: Matrix, size: number[]): number[] {
    for (const e of this.made) e.now = times(m, e.now)
    this.made.push({ size, now: identity(), mean: zeros() })
    return this.bound()
  }

  bound(): number[] {
    return this.sum(e => e.now)
  }

  clamp(values: number[], min: number, max: number): void {
    const bound = this.bound()
    values.forEach((value, i) => {
      const off = bound[i] / this.one
      if (value - off > min && value + off < max) return
      const surely = value + off < min || value - off > max
      for (const e of this.made) e.now[i] = e.now[i].map(x => (surely ? 0 : x / 2))
      if (!surely) {
        const size = values.map((_, j) => (i === j ? bound[i] / 2 : 0))
        this.made.push({ size, now: identity(), mean: zeros() })
      }
    })
  }

  count(): void {
    for (const { mean, now } of this.made)
      for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) mean[i][j] += now[i][j] / this.steps
  }

  mean(): number[] {
    return this.sum(e => e.mean)
  }

  private sum(pick: (e: Made) => Matrix): number[] {
    const total = new Array<number>(N).fill(0)
    for (const e of this.made) addAbsoluteTimes(pick(e), e.size, total)
    return total
  }
}

export interface ErrorBound {
  /** Of the elements after the last step. */
  end: number[]
  /** Of the time-mean, before it is itself rounded. */
  mean: number[]
}

/** @param inputError for each element how far the core's net input may be from u, in Q12 steps */
export function forwardErrorBound(
  u: number[],
  inputError: number[],
  steps: number,
  min: number,
  max: number,
  format: SettleFormat = Q12,
): ErrorBound {
  const errors = new Errors(steps, format.one)
  let e = new Array<number>(N).fill(1)
  for (let step = 0; step < steps; step++) {
    const f = forwardRate(e, u)
    const p = e.map((x, i) => x + 0.75 * f[i])
    const g = forwardRate(p, u)
    const j = jacobian(e)
    const jp = jacobian(p)
    const dp = rows((i, k) => (i === k ? 1 : 0) + 0.75 * j[i][k])
    const jpdp = times(jp, dp)
    const m = rows((i, k) => (i === k ? 1 : 0) + 0.375 * (j[i][k] + jpdp[i][k]))

    const b = errors.bound()
    const quadratic = (v: number[], i: number) => (v[i] * v[(i + 3) % N]) / (2 * format.one)
    // The factors are the core's, off by up to b.
    const away = (v: number[], by: number[]) =>
      v.map((x, i) => x + (Math.sign(x - 1) || 1) * (by[i] / format.one))
    const lost = format.lost(away(e, b), e)
    const r = inputError.map((d, i) => 0.75 + 0.75 * (d + lost[i]) + 0.75 * quadratic(b, i))
    const pError = absoluteTimes(dp, b).map((v, i) => v + r[i])
    const throughP = absoluteTimes(jp, r)
    const lostThen = format.lost(away(p, pError), p)
    errors.step(
      m,
      inputError.map(
        (d, i) =>
          0.875 +
          0.75 * d +
          0.375 * (lost[i] + lostThen[i]) +
          0.375 * (quadratic(b, i) + quadratic(pError, i) + throughP[i]),
      ),
    )
    const next = e.map((x, i) => x + 0.375 * (f[i] + g[i]))
    errors.clamp(next, min, max)
    errors.count()
    e = next.map(x => Math.min(max, Math.max(min, x)))
  }
  return { end: errors.bound(), mean: errors.mean() }
}

/** @param x end state of the forward settle, exactly what the core reads */
export function backwardErrorBound(
  x: number[],
  held: boolean[],
  input: number[],
  inputError: number[],
  steps: number,
  limit: number,
  format: SettleFormat = Q12,
): ErrorBound {
  const errors = new Errors(steps, format.one)
  const forward = jacobian(x)
  // The transpose; an element that is held has no rate and makes no error.
  const j = rows((i, k) => (held[i] ? 0 : forward[k][i]))
  const jj = times(j, j)
  const m = rows((i, k) => (i === k ? 1 : 0) + 0.75 * j[i][k] + 0.28125 * jj[i][k])
  // λ ≤ limit, and the predictor at most 5.2 times that.
  const limits = x.map(() => limit)
  const lost = format.lost(limits, x)
  const lostThen = format.lost(
    limits.map(l => 5.2 * l),
    x,
  )
  const r = inputError.map((d, i) => (held[i] ? 0 : 0.75 + 0.75 * (d + lost[i])))
  const throughP = absoluteTimes(j, r)
  const size = inputError.map((d, i) =>
    held[i] ? 0 : 0.875 + 0.75 * d + 0.375 * (lost[i] + lostThen[i] + throughP[i]),
  )
  const drive = input.map((v, i) => (held[i] ? 0 : v))
  let l = new Array<number>(N).fill(0)
  for (let step = 0; step < steps; step++) {
    errors.step(m, size)
    const kick = j.map(
      (row, i) => 0.75 * drive[i] + 0.28125 * row.reduce((s, v, k) => s + v * drive[k], 0),
    )
    const next = m.map((row, i) => row.reduce((s, v, k) => s + v * l[k], 0) + kick[i])
    errors.clamp(next, -limit, limit)
    errors.count()
    l = next.map(v => Math.min(limit, Math.max(-limit, v)))
  }
  return { end: errors.bound(), mean: errors.mean() }
}
