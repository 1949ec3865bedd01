/**
 * Which images a run uses: a seeded draw without repetition, so that a seed names one run.
 *
 * The order matters as much as the choice: learning is one sample at a time.
 */

/** What separates the draws of one seed, so that they are independent: "tr", "te" and "ad". */
export const SALTS = { training: 0x7472, testing: 0x7465, adapting: 0x6164 }

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
  const order = Array.from({ length: count }, (_, index) => index)
  // Fisher-Yates from the front, stopped when enough are drawn.
  for (let i = 0; i < take; i++) {
    const j = i + Math.floor((next() / 2 ** 32) * (count - i))
    const drawn = order[j]
    order[j] = order[i]
    order[i] = drawn
  }
  return order.slice(0, take)
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
