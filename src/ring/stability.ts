/**
 * Linear theory of a ring whose parameter sets are uniform, about its fixed point. With
 * r = (K1 − K2)/K1 the mode m = 0…n−1 has the eigenvalue
 *
 *     K1·(ω^−m − 1 − r·ω^−2m),   ω = e^(2πi/n)
 *
 * from paper 000 eq. 3.2 and 3.4. In integers, so that a board can tell before it runs.
 */

/** What `oscillationThreshold` gives where there is none. */
export const NONE = -1

/**
 * cos(2π·k/n).
 *
 * @param k 0 ≤ k < n
 * @param n 1…32767
 * @returns Q15, off by at most 8/32768
 */
export function cosine(k: number, n: number): number {
  // 4k < 2^17. The rest is below n, times 2^15 below 2^30.
  const quarter = Math.idiv(k << 2, n)
  let x = Math.idiv(((k << 2) - quarter * n) << 15, n)
  if (quarter === 1 || quarter === 3) x = 32768 - x
  // Taylor series of cos(π/2·x) in z = x², Q15: products ≤ 40426·2^15 < 2^30.4.
  const z = (x * x + 16384) >> 15
  let c = 684 - ((30 * z + 16384) >> 15)
  c = 8312 - ((c * z + 16384) >> 15)
  c = 40426 - ((c * z + 16384) >> 15)
  c = 32768 - ((c * z + 16384) >> 15)
  // Not −c, which makes a negative zero of 0.
  return quarter === 1 || quarter === 2 ? 0 - c : c
}

/** sin(2π·k/n), Q15; k and n as in `cosine`, n at most 8191. */
export function sine(k: number, n: number): number {
  // cos of a quarter turn less, a whole turn more where that is negative.
  const quarters = (k << 2) - n
  return cosine(quarters < 0 ? quarters + (n << 2) : quarters, n << 2)
}

/**
 * Real part of mode m's eigenvalue: its growth (or, below zero, decay) per time.
 *
 * @param r Q12, 0…4096
 * @returns Q15, in units of K1
 */
export function modeGrowth(n: number, m: number, r: number): number {
  // |r·cos| ≤ 2^27.
  return cosine(m, n) - 32768 - ((r * cosine((m << 1) % n, n) + 2048) >> 12)
}

/** Imaginary part of mode m's eigenvalue, its angle per time; as `modeGrowth`. */
export function modeAngle(n: number, m: number, r: number): number {
  return ((r * sine((m << 1) % n, n) + 2048) >> 12) - sine(m, n)
}

/**
 * The r = (K1 − K2)/K1 from which the ring oscillates by itself: the least (1 − cos θ)/(−cos 2θ) of
 * the modes, θ = 2π·m/n. As r < 1 for positive parameters, a ring with 1 or more never does.
 *
 * n = 5: 0.854; 9: 0.879; 11: 0.893; 4, 6, 8, 12: 1; 3: 3; 7: 1.36; 1 and 2: none.
 *
 * @param n 1…8191
 * @returns Q12, off by at most 2/4096 where below 1; `NONE` if no mode can grow
 */
export function oscillationThreshold(n: number): number {
  let least = NONE
  for (let m = 1; m << 1 <= n; m++) {
    const c = cosine(m, n)
    // −cos 2θ = 1 − 2·cos²θ; c² ≤ 2^30.
    const d = 32768 - ((c * c + 8192) >> 14)
    if (d > 0) {
      // (1 − c) ≤ 2^16, in Q27 ≤ 2^28.
      const r = Math.idiv(((32768 - c) << 12) + (d >> 1), d)
      if (least === NONE || r < least) least = r
    }
  }
  return least
}

/** The mode that grows fastest (or decays slowest) at r, Q12; of a pair of modes m and n−m the lower. */
export function leadingMode(n: number, r: number): number {
  let best = 0
  let growth = modeGrowth(n, 0, r)
  for (let m = 1; m << 1 <= n; m++) {
    const g = modeGrowth(n, m, r)
    if (g > growth) {
      growth = g
      best = m
    }
  }
  return best
}

/**
 * The time step at which improved Euler itself stops being stable at the fixed point: for every mode
 * |1 + z + z²/2| < 1 must hold, z = dt times its eigenvalue. The default parameters, n = 5: 0.968.
 *
 * @param k1 Q12, 1…16384
 * @param r (K1 − K2)/K1, Q12
 * @returns dt in Q12, off by about 4/4096; at most 4/K1; 0 if the ring is past its threshold
 */
export function heunLimit(n: number, k1: number, r: number): number {
  // dt·K1 in Q12, by halving: `low` is stable, `high` is not (or the most that is asked for).
  let low = 0
  let high = 16384
  while (high - low > 1) {
    const h = (low + high) >> 1
    if (isHeunStable(n, r, h)) low = h
    else high = h
  }
  // low ≤ 2^14: 2^26.
  return Math.idiv(low << 12, k1)
}

/** @param h dt·K1, Q12, up to 16384 */
function isHeunStable(n: number, r: number, h: number): boolean {
  for (let m = 0; m << 1 <= n; m++) {
    const growth = modeGrowth(n, m, r)
    if (growth >= 0) return false
    // |eigenvalue| ≤ 3·2^15, h ≤ 2^14: < 2^30.6. From Q27 to Q14.
    const x = (h * growth) >> 13
    const y = (h * modeAngle(n, m, r)) >> 13
    // Beyond these nothing is stable, and below the squares stay within 2^30.
    if (x < -32768 || y < -32768 || y > 32768) return false
    const a = 16384 + x + ((x * x - y * y) >> 15)
    const b = y + ((x * y) >> 14)
    if (a > 16384 || a < -16384 || b > 16384 || b < -16384) return false
    if (a * a + b * b >= 268435456) return false
  }
  return true
}
