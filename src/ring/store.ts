/**
 * Fixed-point storing (paper 000 §3.2, fig. 2, eq. 3.5 and 3.6): a ring is taught to rest at given
 * target values. Elements are set to the targets, one small step shows where the ring wants to go,
 * and K1 or K3 of each element is adjusted against it. After some 20 rounds any start settles there.
 */
import { step } from "./heun"
import { Field, fieldAt, Parameter, parameter, Ring, Side, setElement, setParameter } from "./ring"

/** Why a target cannot be stored. */
export enum Refusal {
  None = 0,
  /** The target is not between the ring's clamps. */
  OutsideClamps = 1,
  /** By K3: K1·T[i−1] ≤ K2·T[i], so element i would need a K3 of zero or less. */
  NegativeParameter = 2,
  /** The parameter the element would need is outside the ring's range of parameters. */
  ParameterRange = 3,
}

/** What `storeFixedPoint` did. */
export interface Stored {
  /** `None`, or why nothing was stored, and because of which element. */
  refusal: Refusal
  element: number
  /**
   * The curve, n values a round: the error found (the rate at the target, Q12), the adjusted
   * parameters (Q12), and the elements after `hold` more steps with the parameters before (Q12).
   */
  errors: number[]
  parameters: number[]
  ends: number[]
}

/** dt of the small step, Q8: about 0.05. */
const SMALL_STEP = 13

/**
 * Whether the target of element i can be reached by its K1 or its K3, the others' targets given.
 *
 * @param targets n values, Q12
 * @param set `Parameter.K1` or `Parameter.K3`
 */
export function targetRefusal(
  m: Buffer,
  ring: number,
  targets: number[],
  set: Parameter,
  i: number,
): Refusal {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const target = targets[i]
  const source = targets[(i + n - 1) % n]
  const inhibitor = targets[(i + n + n - 2) % n]
  if (target <= m.getAt(ring + Ring.ElementMin, "i16")) return Refusal.OutsideClamps
  if (target >= m.getAt(ring + Ring.ElementMax, "i16")) return Refusal.OutsideClamps
  const kMin = m.getAt(ring + Ring.ParameterMin, "i16")
  const kMax = m.getAt(ring + Ring.ParameterMax, "i16")
  const k2 = parameter(m, ring, Parameter.K2, i)
  // K ≤ 2^14, targets < 2^15 (checked for i; the others are refused under their own index).
  if (set === Parameter.K3) {
    const wanted = parameter(m, ring, Parameter.K1, i) * source - k2 * target
    if (wanted <= 0) return Refusal.NegativeParameter
    const pair = (target * inhibitor + 2048) >> 12
    if (times(pair, kMax) < wanted >> 12 || times(pair, kMin) > (wanted >> 12) + 1)
      return Refusal.ParameterRange
    return Refusal.None
  }
  const a = k2 + ((parameter(m, ring, Parameter.K3, i) * inhibitor + 2048) >> 12)
  const wanted = times(a, target)
  if ((kMax * source) >> 12 < wanted - 1 || (kMin * source) >> 12 > wanted + 1)
    return Refusal.ParameterRange
  return Refusal.None
}

/**
 * One round: elements to the targets, one small step (eq. 3.5), parameters against the change
 * (eq. 3.6). Leaves the elements at the targets. The forward net inputs must be zero.
 *
 * @param gain Q8, 1…256: the share of the rate taken off K1 or added to K3. Stable while gain times
 *   the targets it acts on, T[i−1] for K1 and T[i]·T[i−2] for K3, is below 2
 * @param errors gets the n rates at the targets, Q12, appended
 * @returns the largest of them in size
 */
export function storeRound(
  m: Buffer,
  ring: number,
  targets: number[],
  set: Parameter,
  gain: number,
  errors: number[],
): number {
  const n = m.getAt(ring + Ring.Elements, "u16")
  setTargets(m, ring, targets)
  const dt = m.getAt(ring + Ring.Step, "u16")
  m.setAt(ring + Ring.Step, "u16", SMALL_STEP)
  step(m, ring, Side.Forward)
  m.setAt(ring + Ring.Step, "u16", dt)
  const element = fieldAt(m, ring, Side.Forward, Field.Element)
  let largest = 0
  for (let i = 0; i < n; i++) {
    // The change in Q20 over dt in Q8 is a rate in Q12, below 2^21.
    const change = m.getAt(element + (i << 2), "i32") - (targets[i] << 8)
    const error = Math.idiv(change, SMALL_STEP)
    const by = (gain * error + 128) >> 8
    const k = parameter(m, ring, set, i)
    setParameter(m, ring, set, i, set === Parameter.K1 ? k - by : k + by)
    errors.push(error)
    if (error > largest) largest = error
    if (-error > largest) largest = -error
  }
  setTargets(m, ring, targets)
  return largest
}

/**
 * Stores targets as the ring's fixed point. Whether the ring then rests there, and from any start,
 * is for `findFixedPoint` to say: a target can be an equilibrium and unstable.
 *
 * @param targets n values, Q12; the ring's own clamps of elements and parameters hold
 * @param set `Parameter.K1` or `Parameter.K3`: what is adjusted
 * @param gain Q8; 128 suits targets about 1
 * @param rounds 20 in the paper
 * @param hold steps the ring runs on, with its own dt, before it is reset (a second in the paper)
 * @returns the curve, or the refusal; the parameters are unchanged then
 */
export function storeFixedPoint(
  m: Buffer,
  ring: number,
  targets: number[],
  set: Parameter,
  gain: number,
  rounds: number,
  hold: number,
): Stored {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const stored: Stored = {
    refusal: Refusal.None,
    element: -1,
    errors: [],
    parameters: [],
    ends: [],
  }
  for (let i = 0; i < n; i++) {
    const refusal = targetRefusal(m, ring, targets, set, i)
    if (refusal !== Refusal.None && stored.refusal === Refusal.None) {
      stored.refusal = refusal
      stored.element = i
    }
  }
  if (stored.refusal !== Refusal.None) return stored
  m.fillAt(fieldAt(m, ring, Side.Forward, Field.Input), n << 2, 0)
  const element = fieldAt(m, ring, Side.Forward, Field.Element)
  for (let round = 0; round < rounds; round++) {
    setTargets(m, ring, targets)
    for (let s = 0; s < hold; s++) step(m, ring, Side.Forward)
    for (let i = 0; i < n; i++) stored.ends.push((m.getAt(element + (i << 2), "i32") + 128) >> 8)
    storeRound(m, ring, targets, set, gain, stored.errors)
    for (let i = 0; i < n; i++) stored.parameters.push(parameter(m, ring, set, i))
  }
  return stored
}

function setTargets(m: Buffer, ring: number, targets: number[]): void {
  const n = m.getAt(ring + Ring.Elements, "u16")
  m.fillAt(fieldAt(m, ring, Side.Forward, Field.Sum), n << 2, 0)
  for (let i = 0; i < n; i++) setElement(m, ring, Side.Forward, i, targets[i])
}

/** (a·b + 2048) >> 12 for products past 32 bits: a < 2^19, |b| ≤ 2^16. */
function times(a: number, b: number): number {
  return (a * (b >> 6) + ((a * (b & 63)) >> 6) + 32) >> 6
}
