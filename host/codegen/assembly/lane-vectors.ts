/** AssemblyScript, for the host only: what the lanes engine's modules share. */
import { LANES } from "./lane-layout"

/** Bytes of a source's signals, and of a row's sums. */
export const SHORTS: usize = 2 * LANES
export const WORDS: usize = 4 * LANES

export function field(layer: usize, at: usize): i32 {
  return load<i32>(layer + at)
}

/** a0 b0 a1 b1 a2 b2 a3 b3 */
export function lower(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

export function upper(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}

/** The sums over each of four vectors, one a lane. */
export function across(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return i32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}
