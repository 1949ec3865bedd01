/**
 * One improved Euler (Heun) step of a ring's side, input held constant over the step:
 *
 *     p = E + dt·f(E)        E ← clamp(E + dt·(f(E) + f(p))/2)
 *
 * Elements are clamped after the step, not at the predictor p. Rates are taken at values rounded to
 * Q12 and rounded to Q12 themselves, always to nearest; what is added to an element is exact.
 *
 * No value leaves 32 bits, whatever the parameters: a predictor beyond ±16 is taken as ±16. With
 * dt and parameters for which Heun is stable it does not come near (with the usual clamps it stays
 * within −7.5…8.25), so this only bounds a run that makes no sense anyway.
 */
import { EXTRA_BITS, Field, fieldAt, Parameter, parametersAt, Ring, Side } from "./ring"

/** ±16 in Q12. */
const FARTHEST = 65536

/**
 * One step of one side: the state moves by dt, and D = E − B (λ) of the new state is added to the
 * sums. At most 32,767 steps from a `start`, which keeps the sums below 2^31. For a ring of five
 * about 3,000 operations of a board's virtual machine, 4,000 for `OperatingPoint`.
 */
export function step(m: Buffer, ring: number, side: Side): void {
  predict(m, ring, side)
  correct(m, ring, side)
}

/**
 * One step of the forward and the backward system at the same time, the one's first half, then the
 * other's, as two mirrored machines with the same parameters would run (paper 000 §4.2). They share
 * nothing else, so it comes to the same as one after the other.
 */
export function stepPair(m: Buffer, ring: number): void {
  predict(m, ring, Side.Forward)
  predict(m, ring, Side.Backward)
  correct(m, ring, Side.Forward)
  correct(m, ring, Side.Backward)
}

/** The first half of a step: rate at the state, then the predictor as the new point. */
function predict(m: Buffer, ring: number, side: Side): void {
  const size = m.getAt(ring + Ring.Elements, "u16") << 2
  const dt = m.getAt(ring + Ring.Step, "u16")
  const element = fieldAt(m, ring, side, Field.Element)
  const point = fieldAt(m, ring, side, Field.Point)
  const rate = fieldAt(m, ring, side, Field.Rate)
  if (side === Side.OperatingPoint) holdClamped(m, ring)
  for (let i = 0; i < size; i += 4)
    m.setAt(point + i, "i32", (m.getAt(element + i, "i32") + 128) >> EXTRA_BITS)
  m.fillAt(rate, size, 0)
  addRates(m, ring, side)
  for (let i = 0; i < size; i += 4) {
    // |f| ≤ 608·2^12 < 2^21.3 (see `addRates`, point within ±8): dt·f < 2^29.3, and |E| ≤ 2^23.
    let p = (m.getAt(element + i, "i32") + dt * m.getAt(rate + i, "i32") + 128) >> EXTRA_BITS
    if (p < -FARTHEST) p = -FARTHEST
    if (p > FARTHEST) p = FARTHEST
    m.setAt(point + i, "i32", p)
  }
}

/** λ is zero where the forward element is on a clamp, also if it was not when λ last moved. */
function holdClamped(m: Buffer, ring: number): void {
  const size = m.getAt(ring + Ring.Elements, "u16") << 2
  const min = m.getAt(ring + Ring.ElementMin, "i16") << EXTRA_BITS
  const max = m.getAt(ring + Ring.ElementMax, "i16") << EXTRA_BITS
  const state = fieldAt(m, ring, Side.Forward, Field.Element)
  const lambda = fieldAt(m, ring, Side.OperatingPoint, Field.Element)
  for (let i = 0; i < size; i += 4) {
    const e = m.getAt(state + i, "i32")
    if (e <= min || e >= max) m.setAt(lambda + i, "i32", 0)
  }
}

/** The second half: rate at the predictor, then the state, its clamp and the sums. */
function correct(m: Buffer, ring: number, side: Side): void {
  const size = m.getAt(ring + Ring.Elements, "u16") << 2
  const dt = m.getAt(ring + Ring.Step, "u16")
  let min = m.getAt(ring + Ring.ElementMin, "i16")
  let max = m.getAt(ring + Ring.ElementMax, "i16")
  if (side === Side.OperatingPoint) {
    max = m.getAt(ring + Ring.LambdaMax, "i16")
    min = -max
  }
  min = min << EXTRA_BITS
  max = max << EXTRA_BITS
  const fixed = fieldAt(m, ring, side, Field.FixedPoint)
  const element = fieldAt(m, ring, side, Field.Element)
  const sum = fieldAt(m, ring, side, Field.Sum)
  const rate = fieldAt(m, ring, side, Field.Rate)
  addRates(m, ring, side)
  for (let i = 0; i < size; i += 4) {
    // |f + g| ≤ (608 + 1160)·2^12 < 2^22.8 (see `addRates`): dt·(f + g) < 2^30.8, half of it and
    // |E| ≤ 2^23 stay below 2^31.
    let e = m.getAt(element + i, "i32") + ((dt * m.getAt(rate + i, "i32")) >> 1)
    if (e < min) e = min
    if (e > max) e = max
    m.setAt(element + i, "i32", e)
    // |D| < 2^15, and 32,767 of them below 2^30.
    const d = (e - m.getAt(fixed + i, "i32") + 128) >> EXTRA_BITS
    m.setAt(sum + i, "i32", m.getAt(sum + i, "i32") + d)
  }
}

/** Adds the side's rates at `Field.Point` to `Field.Rate`, Q12. */
function addRates(m: Buffer, ring: number, side: Side): void {
  if (side === Side.OperatingPoint) addLinearRates(m, ring)
  else addRingRates(m, ring, side)
}

/**
 * Forward (paper 000 eq. 4.1, paper 001 eq. 2.3), and backward, where the causal order is reversed
 * and a parameter stays with its pair of elements (paper 000 eq. 4.3, paper 001 eq. 2.5):
 *
 *     dE[i]/dt = K1[i]·E[i−1]   − K2[i]·E[i] − K3[i]·E[i]·E[i−2]   + u[i]
 *     dÊ[i]/dt = K1[i+1]·Ê[i+1] − K2[i]·Ê[i] − K3[i+2]·Ê[i]·Ê[i+2] + û[i]
 *
 * Bounds in units of 1 (2^12), for |K| ≤ 4, |u| ≤ 8. Points within ±8: K1·p ≤ 32, the decay
 * a = K2 + K3·p ≤ 36, a·p ≤ 288, the rate ≤ 328. Points within ±16: 64, 68, 1088 and 1160.
 */
function addRingRates(m: Buffer, ring: number, side: Side): void {
  const size = m.getAt(ring + Ring.Elements, "u16") << 2
  const inputMin = m.getAt(ring + Ring.InputMin, "i16")
  const inputMax = m.getAt(ring + Ring.InputMax, "i16")
  const k1 = parametersAt(m, ring, Parameter.K1)
  const k2 = parametersAt(m, ring, Parameter.K2)
  const k3 = parametersAt(m, ring, Parameter.K3)
  const input = fieldAt(m, ring, side, Field.Input)
  const point = fieldAt(m, ring, side, Field.Point)
  const rate = fieldAt(m, ring, side, Field.Rate)
  const backward = side === Side.Backward
  // Offsets of the element that generates i and of the one that inhibits it: i∓1 and i∓2 modulo n.
  let source = backward ? 4 : size - 4
  if (source === size) source = 0
  let inhibitor = backward ? source + 4 : source - 4
  if (inhibitor === size) inhibitor = 0
  if (inhibitor < 0) inhibitor = size - 4
  for (let i = 0; i < size; i += 4) {
    let u = m.getAt(input + i, "i32")
    if (u < inputMin) u = inputMin
    if (u > inputMax) u = inputMax
    const p = m.getAt(point + i, "i32")
    const generation = m.getAt(k1 + (backward ? source : i), "i32")
    const inhibition = m.getAt(k3 + (backward ? inhibitor : i), "i32")
    // K ≤ 2^14, |p| ≤ 2^16: both products ≤ 2^30.
    const a =
      m.getAt(k2 + i, "i32") + ((inhibition * m.getAt(point + inhibitor, "i32") + 2048) >> 12)
    const gain = (generation * m.getAt(point + source, "i32") + 2048) >> 12
    // a·p in two halves, since |a·p| may reach 1088·2^24: |a·(p >> 6)| ≤ 68·2^12·2^10 < 2^28.1. Same
    // result as (a·p + 2048) >> 12.
    const decay = (a * (p >> 6) + ((a * (p & 63)) >> 6) + 32) >> 6
    m.setAt(rate + i, "i32", m.getAt(rate + i, "i32") + gain - decay + u)
    source += 4
    if (source === size) source = 0
    inhibitor += 4
    if (inhibitor === size) inhibitor = 0
  }
}

/**
 * The operating-point backward signal, with X the forward side's elements as they are now:
 *
 *     dλ[i]/dt = K1[i+1]·λ[i+1] − (K2[i] + K3[i]·X[i−2])·λ[i] − K3[i+2]·X[i+2]·λ[i+2] + in[i]
 *
 * Its matrix is the transpose of the forward Jacobian at X, for any parameters and any n. Where X is
 * on a clamp the element cannot move, and its λ is 0. `in` is clamped to λ's own range.
 *
 * Bounds in units of 1 (2^12), for |K| ≤ 4, 0 ≤ X < 8: a = K2 + K3·X ≤ 36, b = K3·X ≤ 32. Points
 * within ±8: 32 + 288 + 256 + 8 = 584, counted as 608. Points within ±16: 64 + 576 + 512 + 8 = 1160.
 */
function addLinearRates(m: Buffer, ring: number): void {
  const size = m.getAt(ring + Ring.Elements, "u16") << 2
  const limit = m.getAt(ring + Ring.LambdaMax, "i16")
  const min = m.getAt(ring + Ring.ElementMin, "i16") << EXTRA_BITS
  const max = m.getAt(ring + Ring.ElementMax, "i16") << EXTRA_BITS
  const k1 = parametersAt(m, ring, Parameter.K1)
  const k2 = parametersAt(m, ring, Parameter.K2)
  const k3 = parametersAt(m, ring, Parameter.K3)
  const x = fieldAt(m, ring, Side.Forward, Field.Element)
  const input = fieldAt(m, ring, Side.OperatingPoint, Field.Input)
  const point = fieldAt(m, ring, Side.OperatingPoint, Field.Point)
  const rate = fieldAt(m, ring, Side.OperatingPoint, Field.Rate)
  // Offsets of the elements i+1, i+2 and i−2, modulo n.
  let next = size === 4 ? 0 : 4
  let inhibited = next + 4
  if (inhibited === size) inhibited = 0
  let inhibitor = size - 8
  if (inhibitor < 0) inhibitor += size
  for (let i = 0; i < size; i += 4) {
    const state = m.getAt(x + i, "i32")
    if (state > min && state < max) {
      let u = m.getAt(input + i, "i32")
      if (u < -limit) u = -limit
      if (u > limit) u = limit
      const p = m.getAt(point + i, "i32")
      const q = m.getAt(point + inhibited, "i32")
      // K ≤ 2^14, X < 2^15 in Q12, |p| ≤ 2^16: products ≤ 2^30.
      const xi = (m.getAt(x + inhibitor, "i32") + 128) >> EXTRA_BITS
      const a = m.getAt(k2 + i, "i32") + ((m.getAt(k3 + i, "i32") * xi + 2048) >> 12)
      const xo = (m.getAt(x + inhibited, "i32") + 128) >> EXTRA_BITS
      const b = (m.getAt(k3 + inhibited, "i32") * xo + 2048) >> 12
      const gain = (m.getAt(k1 + next, "i32") * m.getAt(point + next, "i32") + 2048) >> 12
      // In halves, as in `addRingRates`: |a·(p >> 6)| ≤ 36·2^12·2^10 < 2^27.2.
      const decay = (a * (p >> 6) + ((a * (p & 63)) >> 6) + 32) >> 6
      const loss = (b * (q >> 6) + ((b * (q & 63)) >> 6) + 32) >> 6
      m.setAt(rate + i, "i32", m.getAt(rate + i, "i32") + gain - decay - loss + u)
    }
    next += 4
    if (next === size) next = 0
    inhibited += 4
    if (inhibited === size) inhibited = 0
    inhibitor += 4
    if (inhibitor === size) inhibitor = 0
  }
}
