/** Ranges of bytes in a memory, as a check of a shard compares them. */

/** Do so many bytes from `at` on lie in from…to−1, where 0 ≤ from ≤ to? */
export function inside(at: number, bytes: number, from: number, to: number): boolean {
  // By a difference of two numbers that are not negative.
  return at >= from && at <= to && bytes >= 0 && bytes <= to - at
}

/** Do the ranges from…end−1 and otherFrom…otherEnd−1 share nothing? */
export function aside(from: number, end: number, otherFrom: number, otherEnd: number): boolean {
  return end <= otherFrom || from >= otherEnd
}
