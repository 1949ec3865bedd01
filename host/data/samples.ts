/**
 * Which images a run uses: a seeded draw without repetition, so that a seed names one run.
 *
 * The order matters as much as the choice: learning is one sample at a time.
 */

/** What separates the draws of one seed, so that they are independent: two letters each. */
export const SALTS = {
  training: 0x7472,
  testing: 0x7465,
  adapting: 0x6164,
  holding: 0x686f,
  arranging: 0x6172,
}

/**
 * The first `take` of a seeded shuffle of 0…count-1.
 *
 * @param salt one of SALTS
 * @throws RangeError unless 0 <= take <= count
 */
export function drawSamples(count: number, take: number, seed: number, salt: number): number[] {
  if (!Number.isInteger(take) || take < 0 || take > count)
    throw new RangeError(`cannot draw ${take} of ${count} samples`)
  const next = splitMix32(Math.imul(seed, 0x9e3779b1) ^ salt)
  // What has changed places, all else is where it was: a few of many millions cost no memory.
  const moved = new Map<number, number>()
  const order: number[] = []
  // Fisher-Yates from the front, stopped when enough are drawn.
  for (let i = 0; i < take; i++) {
    const j = i + Math.floor((next() / 2 ** 32) * (count - i))
    order.push(moved.get(j) ?? j)
    moved.set(j, moved.get(i) ?? i)
    moved.delete(i)
  }
  return order
}

/**
 * SplitMix32: 32-bit state walked by an odd constant, each value mixed. Small, seedable and the
 * same on every machine; it chooses samples only and has no part in what the boards compute.
 */
function splitMix32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}
