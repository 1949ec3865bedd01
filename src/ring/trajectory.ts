/**
 * The two ways a signal goes through a ring.
 *
 * Settled: a constant input for a number of steps from the fixed point; the signal handed on is the
 * time-mean of the displacement. `settle`, `settlePair`, then `mean` or `backwardMean`.
 *
 * Trajectory (papers 000 §4.1, §5.2; 001 eq. 2.3, 2.4): the state moves one step at a time with an
 * input that may change each step, `signal` is what it gives at that moment, and what counts in the
 * end is ∫ D dt. `start` once, then for every step the inputs (`setInput`) and `step` or `stepPair`,
 * then `integral`. In a network the input is C·D of the sources before this step.
 *
 * D is as exact as the fixed point the record holds: see `findFixedPoint`.
 */
import { step, stepPair } from "./heun"
import { EXTRA_BITS, Field, fieldAt, Ring, Side, start } from "./ring"

/**
 * Runs a side from its fixed point (λ from zero) under its present inputs, held constant.
 *
 * For `OperatingPoint`: after the forward side has settled, at its end state.
 *
 * @param steps 1…32767
 */
export function settle(m: Buffer, ring: number, side: Side, steps: number): void {
  start(m, ring, side)
  for (let s = 0; s < steps; s++) step(m, ring, side)
}

/** `settle` of the forward and the backward system at the same time (paper 000 §4.2). */
export function settlePair(m: Buffer, ring: number, steps: number): void {
  start(m, ring, Side.Forward)
  start(m, ring, Side.Backward)
  for (let s = 0; s < steps; s++) stepPair(m, ring)
}

/**
 * Time-mean of the displacement D = E − B (paper 000 eq. 4.2, 5.4; λ itself) of element i: the sum
 * after each of the steps since `start` divided by their number, rounded to nearest, halves away
 * from zero.
 *
 * @param steps how many there were
 * @returns Q12
 */
export function mean(m: Buffer, ring: number, side: Side, i: number, steps: number): number {
  const sum = m.getAt(fieldAt(m, ring, side, Field.Sum) + (i << 2), "i32")
  const half = steps >> 1
  // |sum| + half < 2^30 + 2^14.
  // `0 −` instead of a minus sign, which makes a negative zero of 0.
  return sum < 0 ? 0 - Math.idiv(half - sum, steps) : Math.idiv(sum + half, steps)
}

/**
 * The operating-point signal that leaves the ring at its synapse on element i: the time-mean of
 * λ[i], or 0 where the forward net input is clamped, which no small change of it would show behind.
 *
 * @returns Q12
 */
export function backwardMean(m: Buffer, ring: number, i: number, steps: number): number {
  const u = m.getAt(fieldAt(m, ring, Side.Forward, Field.Input) + (i << 2), "i32")
  if (u <= m.getAt(ring + Ring.InputMin, "i16") || u >= m.getAt(ring + Ring.InputMax, "i16"))
    return 0
  return mean(m, ring, Side.OperatingPoint, i, steps)
}

/** The signal at this moment, D = E − B of element i (λ), Q12, rounded to nearest. */
export function signal(m: Buffer, ring: number, side: Side, i: number): number {
  const at = i << 2
  const e = m.getAt(fieldAt(m, ring, side, Field.Element) + at, "i32")
  return (e - m.getAt(fieldAt(m, ring, side, Field.FixedPoint) + at, "i32") + 128) >> EXTRA_BITS
}

/**
 * ∫ D dt of element i since `start` (paper 000 eq. 5.1; paper 001 eq. 3.3): the sum of D after each
 * step times dt, Q12 · time, floored.
 */
export function integral(m: Buffer, ring: number, side: Side, i: number): number {
  const sum = m.getAt(fieldAt(m, ring, side, Field.Sum) + (i << 2), "i32")
  const dt = m.getAt(ring + Ring.Step, "u16")
  // sum·dt in halves: |sum >> 8| ≤ 2^22, dt ≤ 2^8.
  return (sum >> 8) * dt + (((sum & 255) * dt) >> 8)
}
