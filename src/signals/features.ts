/** From a window of a signal to the bytes a network reads. */
import { bandFeatures } from "./bands"
import { FeatureKind, Plan } from "./plan"
import { reservoirFeatures } from "./reservoir"
import { traceFeatures } from "./trace"
import { leastMovement, quietEnd, quietStart } from "./trim"

/**
 * @param plan as `plan.ts` describes it, sound
 * @param work working memory; the host says how much a plan takes (`workBytes`)
 * @param signal i16, channels interleaved
 * @param from number of the window's first sample
 * @param count its samples, up to 65,535
 * @param out gets the features, a byte each, from `outAt` on
 * @returns how many there are; 0, and nothing is written, if the window is shorter than the plan's least
 */
export function features(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  out: Buffer,
  outAt: number,
): number {
  if (count < plan.getAt(Plan.Least, "u16")) return 0
  let first = from
  let left = count
  if (plan.getAt(Plan.Trim, "u16") > 0) {
    const least = leastMovement(plan, work, signal, from, count)
    const skip = quietStart(plan, work, signal, from, count, least)
    left = count - skip - quietEnd(plan, work, signal, from, count, skip, least)
    first = from + skip
  }
  const kind = plan.getAt(Plan.Kind, "u16")
  if (kind === FeatureKind.Bands) bandFeatures(plan, work, signal, first, left, out, outAt)
  else if (kind === FeatureKind.Reservoir)
    reservoirFeatures(plan, work, signal, first, left, out, outAt)
  else traceFeatures(plan, work, signal, first, left, out, outAt)
  return plan.getAt(Plan.Width, "u16")
}
