/** Words for what `src/ring/fixed-point.ts` and `src/ring/store.ts` answer with codes. */
import { Outcome } from "../../src/ring/fixed-point"
import { Parameter } from "../../src/ring/ring"
import { NONE, oscillationThreshold } from "../../src/ring/stability"
import { Refusal } from "../../src/ring/store"
import { WuxingError } from "../base/errors"

const NAMES = ["J", "S", "M", "H", "T"]

/** The papers' name of element i of a ring of five (paper 000 §3.1), else its index. */
export function elementName(n: number, i: number): string {
  return n === NAMES.length ? NAMES[i] : `${i}`
}

export interface RingInQuestion {
  /** What to call the ring: "the ring of layer 2, neuron 7". */
  name: string
  /** Its number of elements. */
  n: number
  /** (K1 − K2)/K1, where the parameter sets are uniform. */
  r?: number
  /** Its time step, time units. */
  dt?: number
  /** For `Outcome.Clamped`: the element on a clamp. */
  element?: number
}

/**
 * @returns the error for a ring without a fixed point to use: codes "ring-collapses",
 *   "ring-oscillates", "fixed-point-clamped", "step-too-large", "ring-unsettled", kind "usage";
 *   undefined for `Outcome.Found`
 */
export function fixedPointError(outcome: Outcome, ring: RingInQuestion): WuxingError | undefined {
  const { name, n } = ring
  if (outcome === Outcome.Found) return undefined
  if (outcome === Outcome.Collapse)
    return new WuxingError({
      code: "ring-collapses",
      kind: "usage",
      message: `${name} has no fixed point: it collapses, every element falls to its lower clamp`,
      cause:
        "K1 generates less than K2 takes away: the product of all K1 is not above that of all K2",
      help: "raise K1 or lower K2",
    })
  if (outcome === Outcome.Oscillates) {
    const threshold = oscillationThreshold(n)
    const known =
      threshold === NONE || threshold >= 4096
        ? `a uniform ring of ${n} never does`
        : `a uniform ring of ${n} does from r = (K1 − K2)/K1 = ${(threshold / 4096).toFixed(3)}`
    const own = ring.r === undefined ? "" : `; its r is ${ring.r.toFixed(3)}`
    return new WuxingError({
      code: "ring-oscillates",
      kind: "usage",
      message: `${name} has no fixed point to rest at: it oscillates (${known}${own})`,
      cause: "the inhibition is strong against the elements' own decay",
      help: "raise K2 or lower K1 until r is below the threshold",
    })
  }
  if (outcome === Outcome.Clamped) {
    const which =
      ring.element === undefined ? "an element" : `element ${elementName(n, ring.element)}`
    return new WuxingError({
      code: "fixed-point-clamped",
      kind: "usage",
      message: `the fixed point of ${name} is outside the clamps: ${which} rests on one`,
      cause: "the parameters move the fixed point, and the clamps of the elements do not follow",
      help: "widen the clamps of the elements, or bring the parameters nearer to each other",
    })
  }
  if (outcome === Outcome.StepTooLarge) {
    const step = ring.dt === undefined ? "its time step" : `its time step of ${ring.dt}`
    return new WuxingError({
      code: "step-too-large",
      kind: "usage",
      message: `${name} does not stay at its fixed point under ${step}`,
      cause: "improved Euler is unstable there (with the default parameters from dt = 0.968)",
      help: "take a smaller step, such as 0.5",
    })
  }
  return new WuxingError({
    code: "ring-unsettled",
    kind: "usage",
    message: `${name} has not come to rest`,
    cause: "it is slow, or very near the threshold of oscillation",
    help: "let it run longer, or raise K2",
  })
}

/**
 * @param set what was to be adjusted, `Parameter.K1` or `Parameter.K3`
 * @param targets real numbers
 * @returns the error for targets that cannot be stored, which names the element: codes
 *   "target-outside-clamps", "target-unreachable", kind "usage"; undefined for `Refusal.None`
 */
export function storingError(
  refusal: Refusal,
  element: number,
  set: Parameter,
  targets: number[],
): WuxingError | undefined {
  if (refusal === Refusal.None) return undefined
  const n = targets.length
  const name = elementName(n, element)
  const before = elementName(n, (element + n - 1) % n)
  const all = `{${targets.join(", ")}}`
  if (refusal === Refusal.OutsideClamps)
    return new WuxingError({
      code: "target-outside-clamps",
      kind: "usage",
      message: `the targets ${all} cannot be stored: ${targets[element]} of element ${name} is not between the clamps of the elements`,
      help: "choose a target between the clamps, or widen them",
    })
  const negative = refusal === Refusal.NegativeParameter
  return new WuxingError({
    code: "target-unreachable",
    kind: "usage",
    message: `the targets ${all} cannot be stored by ${Parameter[set]}: element ${name} would need a ${Parameter[set]} ${negative ? "of zero or less" : "outside its range"}`,
    cause: negative
      ? `K1·T[${before}] must be above K2·T[${name}] (T[${before}] = ${targets[(element + n - 1) % n]}, T[${name}] = ${targets[element]})`
      : "the targets of neighbours are too far apart",
    help:
      set === Parameter.K3
        ? "choose targets nearer to each other, such as {0.9, 0.8, 1.1, 1.0, 0.9}, or adjust K1"
        : "choose targets nearer to each other",
  })
}
