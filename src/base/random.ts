/**
 * Seeded random numbers as pure functions of what they are for. There is no generator state to
 * carry: the number for a link at a sample depends on (seed, link, sample) alone, so a network
 * learns the same bits however it is cut over boards.
 */

/** Spreads a source's index over the 16 bits of rounding noise: 2^16 / golden ratio, odd. */
export const SOURCE_SALT = 40503

/**
 * 32-bit hash of two numbers (the finaliser of MurmurHash3, public domain).
 *
 * @returns an integer in −2^31 … 2^31−1
 */
export function hash32(seed: number, index: number): number {
  let h = seed ^ Math.imul(index, -1640531527)
  h = h ^ (h >>> 16)
  h = Math.imul(h, -2048144789)
  h = h ^ (h >>> 13)
  h = Math.imul(h, -1028477387)
  return h ^ (h >>> 16)
}

/** Random integer in 0 … 32767 for (seed, index). */
export function random15(seed: number, index: number): number {
  return (hash32(seed, index) >>> 17) & 0x7fff
}

/** Random state of one sample, 0 … 65535, from which every synapse derives its own. */
export function sampleRandom(seed: number, sample: number): number {
  return (hash32(seed ^ 0x5eed, sample) >>> 16) & 0xffff
}

/**
 * Approximately normal random number with standard deviation 1 in Q12 (the sum of twelve uniform
 * ones, less its mean). Range ±6 in Q12.
 */
export function normalQ12(seed: number, index: number): number {
  const base = hash32(seed, index)
  let sum = 0
  // Each term < 2^15, the sum < 2^19. The mean is 12 · 32767/2 = 196602.
  for (let k = 0; k < 12; k++) sum += random15(base, k)
  return (sum - 196602) >> 3
}

/** One step of a 16-bit mix (multiply, xor-shift, twice); x in 0 … 65535. */
export function mix16(x: number): number {
  // 65535 · 27655 + 13849 < 2^31, and 65535 · 31821 + 12345 < 2^31.
  let y = (x * 27655 + 13849) & 0xffff
  y = y ^ (y >> 7)
  y = (y * 31821 + 12345) & 0xffff
  return y ^ (y >> 9)
}
