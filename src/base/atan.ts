/**
 * The inverse tangent that bounds what one sample may change (paper 000 eq. 5.6, paper 001 eq. 3.4).
 */

/** π/2 in Q15. */
const QUARTER_TURN = 51472

/**
 * atan by the polynomial 4.4.47 of Abramowitz and Stegun up to 1, beyond it by π/2 − atan(1/x).
 *
 * @param x Q12, any 32-bit number but −2^31
 * @returns Q12, off by less than 2/4096
 */
export function atanQ12(x: number): number {
  let a = x
  if (a < 0) a = -a
  const far = a > 4096
  // Q15: 2^27 / a, or a·8 ≤ 2^15.
  if (far) a = Math.idiv(134217728 + (a >> 1), a)
  else a = a << 3
  // Every product of Horner's rule ≤ 2^15 · 2^15.
  const z = (a * a) >> 15
  let y = 683
  y = ((y * z) >> 15) - 2790
  y = ((y * z) >> 15) + 5903
  y = ((y * z) >> 15) - 10823
  y = ((y * z) >> 15) + 32764
  y = (y * a) >> 15
  if (far) y = QUARTER_TURN - y
  y = (y + 4) >> 3
  return x < 0 ? -y : y
}

/**
 * atan(kt·G)/kt, where kt·G in Q12 is G >> shift. What of G is below the last bit of that is kept, so
 * that small changes still add up.
 *
 * @param shift 0…12
 */
export function bounded(g: number, shift: number): number {
  const x = g >> shift
  // |x − atan x| ≤ |x| with the same sign: the product stays within G's own range.
  return g - ((x - atanQ12(x)) << shift)
}
