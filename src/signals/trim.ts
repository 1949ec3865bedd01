/** Where in a window something happens: what is still or quiet at its ends is left out. */
import { FeatureKind, Plan } from "./plan"

/** How much a block of samples moves: the sum of the steps from sample to sample, over all channels. */
function movement(plan: Buffer, signal: Buffer, from: number): number {
  const step = plan.getAt(Plan.Channels, "u16") << 1
  const first = from * step
  const end = first + plan.getAt(Plan.Block, "u16") * step
  const last = from > 0 ? first - step : first
  let sum = 0
  for (let channel = 0; channel < step; channel += 2) {
    let before = signal.getAt(last + channel, "i16")
    for (let at = first + channel; at < end; at += step) {
      const value = signal.getAt(at, "i16")
      // Up to 2^10 samples of 8 channels, each step below 2^16: below 2^29.
      sum = sum + (value < before ? before - value : value - before)
      before = value
    }
  }
  return sum
}

/** Movements, i32 each, for which working memory surely has room before anything else is in it. */
function keptMovements(plan: Buffer): number {
  const bands = plan.getAt(Plan.Kind, "u16") === FeatureKind.Bands
  return bands ? 1 << plan.getAt(Plan.FrameBits, "u16") : plan.getAt(Plan.Points, "u16")
}

/** Movement of the block that begins at sample from+at, as `leastMovement` kept it, else found again. */
function movementAt(plan: Buffer, work: Buffer, signal: Buffer, from: number, at: number): number {
  const number = Math.idiv(at, plan.getAt(Plan.Block, "u16"))
  if (number < keptMovements(plan)) return work.getAt(number << 2, "i32")
  return movement(plan, signal, from + at)
}

/**
 * Movement from which a block of samples from…from+count−1 counts: 1/2^Trim of the liveliest one's, more
 * than none.
 *
 * @param work the features' working memory; gets the first blocks' movements
 */
export function leastMovement(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
): number {
  const block = plan.getAt(Plan.Block, "u16")
  const kept = keptMovements(plan) << 2
  let most = 0
  let to = 0
  for (let at = 0; at + block <= count; at += block) {
    const moved = movement(plan, signal, from + at)
    if (to < kept) work.setAt(to, "i32", moved)
    to = to + 4
    most = Math.max(most, moved)
  }
  return Math.max(1, most >> plan.getAt(Plan.Trim, "u16"))
}

/**
 * Samples to leave out at the beginning of samples from…from+count−1 so that the first block that moves,
 * as a 2^Trim-th of the liveliest, is the first; whole blocks, and never so many that fewer than `Least`
 * would be left.
 *
 * @param work as `leastMovement` left it
 * @param least `leastMovement` of these samples
 */
export function quietStart(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  least: number,
): number {
  const block = plan.getAt(Plan.Block, "u16")
  const most = count - plan.getAt(Plan.Least, "u16")
  let skip = 0
  while (
    skip + block <= most &&
    skip + block + block <= count &&
    movementAt(plan, work, signal, from, skip) < least
  )
    skip = skip + block
  return skip
}

/** The same at the end, of what is left after `skip` samples; blocks are counted from the beginning. */
export function quietEnd(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  skip: number,
  least: number,
): number {
  const block = plan.getAt(Plan.Block, "u16")
  let end = Math.idiv(count, block) * block
  while (
    end - block > skip &&
    end - block - skip >= plan.getAt(Plan.Least, "u16") &&
    movementAt(plan, work, signal, from, end - block) < least
  )
    end = end - block
  return end - skip < plan.getAt(Plan.Least, "u16") ? 0 : count - end
}
