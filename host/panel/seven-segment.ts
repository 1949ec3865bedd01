/** Which segments make which digit; a is on top, on clockwise to f, g in the middle. */
export const SEGMENTS = ["a", "b", "c", "d", "e", "f", "g"] as const

const LIT = [
  "abcdef",
  "bc",
  "abdeg",
  "abcdg",
  "bcfg",
  "acdfg",
  "acdefg",
  "abc",
  "abcdefg",
  "abcdfg",
]

/** @returns whether each segment from a to g is lit; none for what is no digit */
export function segmentsOf(digit: number | undefined): boolean[] {
  const lit = digit === undefined ? "" : (LIT[digit] ?? "")
  return SEGMENTS.map(segment => lit.includes(segment))
}
