/**
 * The fixed point B of a ring, which is the zero of all its signals (paper 000 §3.2): by formula
 * where each parameter set is uniform, else by letting the ring run without input until it rests.
 * There may be none to use; the outcome says why.
 */
import { step } from "./heun"
import {
  ELEMENT_BITS,
  EXTRA_BITS,
  Field,
  fieldAt,
  Parameter,
  parameter,
  parametersAt,
  Ring,
  type Side,
  start,
} from "./ring"
import { heunLimit, NONE, oscillationThreshold } from "./stability"

export enum Outcome {
  /** B is in the record. */
  Found = 0,
  /** Not known yet: relax on. */
  Moving = 1,
  /**
   * The product of all K1 is not above that of all K2 (uniform: K1 ≤ K2), so zero is the only
   * equilibrium and every element falls to its lower clamp.
   */
  Collapse = 2,
  /** The fixed point is unstable: the ring runs in a cycle. Uniform: r is not below the threshold. */
  Oscillates = 3,
  /** The ring rests, but with an element on a clamp: see `clampedElement`. */
  Clamped = 4,
  /** The ring rests, but not under its own time step: improved Euler diverges from B. */
  StepTooLarge = 5,
  /** Still coming to rest after all the blocks allowed: slow, or very near the threshold. */
  Slow = 6,
}

/** What `relax` gives of a block in which the ring rested. */
export const AT_REST = 0
/** Steps of one block of `findFixedPoint`: with the usual parameters about one turn of a cycle. */
const BLOCK = 64
/** Elements that stay within this of where a block began, in Q12, rest. */
const REST = 1

/**
 * The fixed point (K1 − K2)/K3 where each set is uniform (paper 000 eq. 3.4, paper 001 eq. 2.2).
 *
 * @param k1 k2 k3 Q12, 1…16384
 * @returns Q20, rounded to nearest, at most 2^30 (taken as that if larger); 0 if K1 ≤ K2
 */
export function uniformFixedPoint(k1: number, k2: number, k3: number): number {
  if (k1 <= k2) return 0
  // (K1 − K2)·2^16 < 2^30; the four missing bits from the rest, which is below K3 ≤ 2^14.
  const scaled = (k1 - k2) << 16
  const whole = Math.idiv(scaled, k3)
  if (whole >= 67108864) return 1073741824
  return (whole << 4) + Math.idiv(((scaled - whole * k3) << 4) + (k3 >> 1), k3)
}

/** Have all values of a parameter set the same bits? */
export function isUniform(m: Buffer, ring: number, set: Parameter): boolean {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const at = parametersAt(m, ring, set)
  for (let i = 4; i < n << 2; i += 4)
    if (m.getAt(at + i, "i32") !== m.getAt(at, "i32")) return false
  return true
}

/** Are all three sets uniform, so that formula and linear theory hold? */
export function isUniformRing(m: Buffer, ring: number): boolean {
  return (
    isUniform(m, ring, Parameter.K1) &&
    isUniform(m, ring, Parameter.K2) &&
    isUniform(m, ring, Parameter.K3)
  )
}

/** r = (K1 − K2)/K1 of a uniform ring, Q12, rounded to nearest; negative if K1 < K2. */
export function ringRatio(m: Buffer, ring: number): number {
  const k1 = parameter(m, ring, Parameter.K1, 0)
  const k2 = parameter(m, ring, Parameter.K2, 0)
  // K2·2^12 ≤ 2^26.
  return 4096 - Math.idiv((k2 << 12) + (k1 >> 1), k1)
}

/**
 * Whether the ring has no equilibrium but zero. At any other, K1[i]·E[i−1] = E[i]·(K2[i] +
 * K3[i]·E[i−2]) for all i; multiplied together the elements cancel, so that the product of K1 must
 * be above that of K2. It is also enough: zero then repels. Exact, for the backward system too.
 */
export function collapses(m: Buffer, ring: number): boolean {
  const generation = product(m, ring, Parameter.K1)
  const decay = product(m, ring, Parameter.K2)
  for (let i = generation.length - 1; i >= 0; i--)
    if (generation[i] !== decay[i]) return generation[i] < decay[i]
  return true
}

/** The product of a set, n + 1 digits of 15 bits, lowest first. */
function product(m: Buffer, ring: number, set: Parameter): number[] {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const digits: number[] = [1]
  for (let i = 0; i < n; i++) digits.push(0)
  for (let i = 0; i < n; i++) {
    const k = parameter(m, ring, set, i)
    let carry = 0
    for (let d = 0; d <= n; d++) {
      // A digit < 2^15, K ≤ 2^14, the carry < 2^14: < 2^29.1.
      const v = digits[d] * k + carry
      digits[d] = v & 32767
      carry = v >> 15
    }
  }
  return digits
}

/**
 * What can be said of the ring's fixed point at once. If it is `Found`, B is in the record of
 * `side`, the element at it.
 *
 * @returns `Found`, `Collapse`, `Oscillates`, `Clamped`, `StepTooLarge`; `Moving` if a set is not
 *   uniform and the ring must be relaxed
 */
export function formulaFixedPoint(m: Buffer, ring: number, side: Side): Outcome {
  if (collapses(m, ring)) return Outcome.Collapse
  if (!isUniformRing(m, ring)) return Outcome.Moving
  const n = m.getAt(ring + Ring.Elements, "u16")
  const k1 = parameter(m, ring, Parameter.K1, 0)
  const k2 = parameter(m, ring, Parameter.K2, 0)
  const threshold = oscillationThreshold(n)
  // r against the threshold without the rounding of a division: 2^26 and 3·2^12·2^14 < 2^28.
  if (threshold !== NONE && threshold < 12288 && (k1 - k2) << 12 >= threshold * k1)
    return Outcome.Oscillates
  const b = uniformFixedPoint(k1, k2, parameter(m, ring, Parameter.K3, 0))
  const min = m.getAt(ring + Ring.ElementMin, "i16") << EXTRA_BITS
  const max = m.getAt(ring + Ring.ElementMax, "i16") << EXTRA_BITS
  const held = b <= min ? min : Math.min(b, max)
  const fixed = fieldAt(m, ring, side, Field.FixedPoint)
  for (let i = 0; i < n << 2; i += 4) m.setAt(fixed + i, "i32", held)
  start(m, ring, side)
  if (held !== b || b === min || b === max) return Outcome.Clamped
  // dt in Q12.
  if (m.getAt(ring + Ring.Step, "u16") << 4 >= heunLimit(n, k1, ringRatio(m, ring)))
    return Outcome.StepTooLarge
  return Outcome.Found
}

/**
 * Lets a side run for a block of steps from where it is, with a time step small enough for any state
 * within the clamps. Its net inputs must be zero. After it the record's fixed point is where the
 * block ended, and the element is there.
 *
 * @param steps at least 16. On a board as many as fit into one turn: 32 for a ring of five
 * @returns how far any element went from where the block began, Q12; `AT_REST` if by no more than 1
 */
export function relax(m: Buffer, ring: number, side: Side, steps: number): number {
  const dt = m.getAt(ring + Ring.Step, "u16")
  m.setAt(ring + Ring.Step, "u16", carefulStep(m, ring))
  const reach = run(m, ring, side, steps)
  m.setAt(ring + Ring.Step, "u16", dt)
  return reach > REST ? reach : AT_REST
}

/**
 * Finds the fixed point by formula or, from 1 (or the middle of the clamps), by at most `blocks`
 * blocks of `relax`, then checks that it also holds under the ring's own time step. Net inputs of
 * the side are set to zero. Afterwards B is in the record, the element at it.
 *
 * B by relaxation is where the integer step rests, so that without input there is no signal, or one
 * of 1/4096, rarely more, where the rounding leaves no exact rest. It is as far from the exact B as
 * rounding a rate (by 1 + E/2 + the Jacobian's row of 1/4096) moves the ring.
 *
 * All in one go, more than a board's turn allows: there use `formulaFixedPoint`, then `relax` turn by
 * turn, and leave the choice of a time step that holds to the host.
 *
 * @param side `Forward` or `Backward`; the two differ unless the sets are uniform
 * @param blocks 64 steps each; 200 are plenty for parameters about 1
 */
export function findFixedPoint(m: Buffer, ring: number, side: Side, blocks: number): Outcome {
  const n = m.getAt(ring + Ring.Elements, "u16")
  m.fillAt(fieldAt(m, ring, side, Field.Input), n << 2, 0)
  const known = formulaFixedPoint(m, ring, side)
  if (known !== Outcome.Moving) return known
  startAnywhere(m, ring, side)
  let reach = 1
  let earlier = 0
  for (let block = 0; block < blocks && reach !== AT_REST; block++) {
    reach = relax(m, ring, side, BLOCK)
    if (block === blocks >> 1) earlier = reach
  }
  // A cycle goes as far in the last block as in the middle one; what rests slowly does not.
  if (reach !== AT_REST)
    return reach >= earlier - (earlier >> 3) ? Outcome.Oscillates : Outcome.Slow
  if (clampedElement(m, ring, side) >= 0) return Outcome.Clamped
  return stepHolds(m, ring, side, blocks) ? Outcome.Found : Outcome.StepTooLarge
}

/** The first element of a side that is on a clamp, or −1. */
export function clampedElement(m: Buffer, ring: number, side: Side): number {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const min = m.getAt(ring + Ring.ElementMin, "i16") << EXTRA_BITS
  const max = m.getAt(ring + Ring.ElementMax, "i16") << EXTRA_BITS
  const at = fieldAt(m, ring, side, Field.Element)
  for (let i = 0; i < n; i++) {
    const e = m.getAt(at + (i << 2), "i32")
    if (e <= min || e >= max) return i
  }
  return -1
}

/**
 * Whether the fixed point in the record holds under the ring's own time step: pushed by 1/16 at
 * element 0, does the ring come back to within a 16th of that in `blocks` blocks? (A push excites all
 * modes, so only a small rest shows that the least stable one has gone too.) Leaves the element at
 * the fixed point.
 */
export function stepHolds(m: Buffer, ring: number, side: Side, blocks: number): boolean {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const fixed = fieldAt(m, ring, side, Field.FixedPoint)
  const element = fieldAt(m, ring, side, Field.Element)
  const b: number[] = []
  for (let i = 0; i < n << 2; i += 4) b.push(m.getAt(fixed + i, "i32"))
  start(m, ring, side)
  m.setAt(element, "i32", m.getAt(element, "i32") + (1 << (ELEMENT_BITS - 4)))
  let holds = false
  for (let block = 0; block < blocks && !holds; block++) {
    run(m, ring, side, BLOCK)
    let farthest = 0
    for (let i = 0; i < n; i++) {
      const d = m.getAt(element + (i << 2), "i32") - b[i]
      if (d > farthest) farthest = d
      if (-d > farthest) farthest = -d
    }
    if (farthest < 1 << (ELEMENT_BITS - 8)) holds = true
  }
  for (let i = 0; i < n; i++) m.setAt(fixed + (i << 2), "i32", b[i])
  start(m, ring, side)
  return holds
}

/** A block of steps; returns the farthest any element was from the beginning, Q12. */
function run(m: Buffer, ring: number, side: Side, steps: number): number {
  const size = m.getAt(ring + Ring.Elements, "u16") << 2
  const fixed = fieldAt(m, ring, side, Field.FixedPoint)
  const element = fieldAt(m, ring, side, Field.Element)
  let reach = 0
  for (let i = 0; i < size; i += 4) m.setAt(fixed + i, "i32", m.getAt(element + i, "i32"))
  m.fillAt(fieldAt(m, ring, side, Field.Sum), size, 0)
  for (let s = 0; s < steps; s++) {
    step(m, ring, side)
    for (let i = 0; i < size; i += 4) {
      let d = (m.getAt(element + i, "i32") - m.getAt(fixed + i, "i32") + 128) >> EXTRA_BITS
      if (d < 0) d = -d
      if (d > reach) reach = d
    }
  }
  for (let i = 0; i < size; i += 4) m.setAt(fixed + i, "i32", m.getAt(element + i, "i32"))
  return reach
}

/** Starts a relaxation at 1, or between the clamps where 1 is outside them. */
function startAnywhere(m: Buffer, ring: number, side: Side): void {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const min = m.getAt(ring + Ring.ElementMin, "i16")
  const max = m.getAt(ring + Ring.ElementMax, "i16")
  let e = 4096
  if (e <= min || e >= max) e = (min + max) >> 1
  const element = fieldAt(m, ring, side, Field.Element)
  for (let i = 0; i < n << 2; i += 4) m.setAt(element + i, "i32", e << EXTRA_BITS)
}

/**
 * A time step, Q8, for which Heun is stable at any state within the clamps: 1 over a bound of the
 * Jacobian's norm, K1 + K2 + 2·K3·max E with the largest of each.
 */
function carefulStep(m: Buffer, ring: number): number {
  const n = m.getAt(ring + Ring.Elements, "u16")
  const max = m.getAt(ring + Ring.ElementMax, "i16")
  let k12 = 0
  let k3 = 0
  for (let i = 0; i < n; i++) {
    const sum = parameter(m, ring, Parameter.K1, i) + parameter(m, ring, Parameter.K2, i)
    if (sum > k12) k12 = sum
    const k = parameter(m, ring, Parameter.K3, i)
    if (k > k3) k3 = k
  }
  // K3·max < 2^29: the norm ≤ 2^15 + 2^18 in Q12.
  const norm = k12 + ((k3 * max) >> 11)
  const dt = Math.idiv(1048576, norm)
  if (dt < 1) return 1
  return Math.min(dt, 256)
}
