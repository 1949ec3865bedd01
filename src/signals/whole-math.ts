/** Square root and logarithm in whole numbers. */

/**
 * @param x 0…2^31−1
 * @returns the whole part of its square root, exactly
 */
export function rootOf(x: number): number {
  let rest = x
  let root = 0
  let bit = 1073741824
  while (bit > rest) bit = bit >> 2
  while (bit > 0) {
    // root + bit ≤ 2^31 − 1, as root² ≤ x.
    const next = root + bit
    root = root >> 1
    if (rest >= next) {
      rest = rest - next
      root = root + bit
    }
    bit = bit >> 2
  }
  return root
}

/**
 * @param x 1…2^31−1
 * @returns its logarithm to base 2 in Q8, off by less than 1.5/256
 */
export function logOf(x: number): number {
  let whole = 0
  let rest = x
  if (rest >= 65536) {
    rest = rest >> 16
    whole = 16
  }
  if (rest >= 256) {
    rest = rest >> 8
    whole = whole + 8
  }
  if (rest >= 16) {
    rest = rest >> 4
    whole = whole + 4
  }
  if (rest >= 4) {
    rest = rest >> 2
    whole = whole + 2
  }
  if (rest >= 2) whole = whole + 1
  // The fraction f in Q12: x / 2^whole − 1.
  const f = (whole > 12 ? x >> (whole - 12) : x << (12 - whole)) - 4096
  // log2(1 + f) = f + f(1 − f)(0.4384 − 0.1680 f), off by less than 0.0013; f(1 − f) ≤ 2^22.
  const bend = (f * (4096 - f)) >> 12
  const q12 = f + ((bend * (1796 - ((688 * f) >> 12))) >> 12)
  return (whole << 8) + ((q12 + 8) >> 4)
}
