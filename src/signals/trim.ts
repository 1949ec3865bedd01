/** Where in a window something happens: what is still or quiet at its ends is left out. */
import { Plan } from "./plan"

/** How much a block of samples moves: the sum of the steps from sample to sample, over all channels. */
function movement(plan: Buffer, signal: Buffer, from: number): number {
  const channels = plan.getAt(Plan.Channels, "u16")
  const step = channels << 1
  const first = from * step
  const end = first + plan.getAt(Plan.Block, "u16") * step
  let sum = 0
  for (let at = first; at < end; at += 2) {
    const before =
      from > 0 || at >= first + step ? signal.getAt(at - step, "i16") : signal.getAt(at, "i16")
    const change = signal.getAt(at, "i16") - before
    // Up to 2^10 samples of 8 channels, each step below 2^16: below 2^29.
    sum = sum + (change < 0 ? -change : change)
  }
  return sum
}

/** Movement of a block that counts: 1/2^Trim of the liveliest one's, more than none. */
function liveliest(plan: Buffer, signal: Buffer, from: number, count: number): number {
  const block = plan.getAt(Plan.Block, "u16")
  let most = 0
  for (let at = 0; at + block <= count; at += block)
    most = Math.max(most, movement(plan, signal, from + at))
  return Math.max(1, most >> plan.getAt(Plan.Trim, "u16"))
}

/**
 * Samples to leave out at the beginning of samples from…from+count−1 so that the first block that moves,
 * as a 2^Trim-th of the liveliest, is the first; whole blocks, and never so many that fewer than `Least`
 * would be left.
 */
export function quietStart(plan: Buffer, signal: Buffer, from: number, count: number): number {
  const block = plan.getAt(Plan.Block, "u16")
  const most = count - plan.getAt(Plan.Least, "u16")
  const least = liveliest(plan, signal, from, count)
  let skip = 0
  while (
    skip + block <= most &&
    skip + block + block <= count &&
    movement(plan, signal, from + skip) < least
  )
    skip = skip + block
  return skip
}

/** The same at the end, of what is left after `skip` samples; blocks are counted from the beginning. */
export function quietEnd(
  plan: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  skip: number,
): number {
  const block = plan.getAt(Plan.Block, "u16")
  const least = liveliest(plan, signal, from, count)
  let end = Math.idiv(count, block) * block
  while (
    end - block > skip &&
    end - block - skip >= plan.getAt(Plan.Least, "u16") &&
    movement(plan, signal, from + end - block) < least
  )
    end = end - block
  return end - skip < plan.getAt(Plan.Least, "u16") ? 0 : count - end
}
