/** Bands of a whole window brought to one mean and deviation, so that voices and microphones differ less. */
import { Plan } from "./plan"
import { rootOf } from "./whole-math"

/** Bytes of a deviation, and the byte of the mean: ends lie 3.2 deviations away. */
const DEVIATION = 40
const MEAN = 128

/**
 * Takes what is below `least` as that, takes from each band its share of the band's own mean, and writes
 * (value − mean) / deviation as bytes.
 *
 * @param sums where in working memory the sums of logarithms are, i32, frame by frame, at most 2^14 of
 *   them; they are written over
 * @param least less than 2^15 below the largest sum
 */
export function spreadBands(
  plan: Buffer,
  work: Buffer,
  sums: number,
  least: number,
  out: Buffer,
  outAt: number,
): void {
  const frames = plan.getAt(Plan.Points, "u16")
  const row = plan.getAt(Plan.Bands, "u16") << 2
  const width = frames * plan.getAt(Plan.Bands, "u16")
  const end = sums + (width << 2)
  const level = plan.getAt(Plan.Level, "u16")
  let total = 0
  for (let b = sums; b < sums + row; b += 4) {
    let sum = 0
    for (let at = b; at < end; at += row) {
      // Up to 16 octaves in Q8, 8 of them averaged: 0…2^15.
      const value = Math.max(work.getAt(at, "i32") - least, 0)
      work.setAt(at, "i32", value)
      // 2^9 · 2^15.
      sum = sum + value
    }
    // 2^15 · 2^8.
    const away = (Math.idiv(sum + (frames >> 1), frames) * level + 128) >> 8
    for (let at = b; at < end; at += row) {
      // 0…2^16, so that only whole numbers that are not negative are divided.
      const value = work.getAt(at, "i32") + 32768 - away
      work.setAt(at, "i32", value)
      // 2^14 · 2^16.
      total = total + value
    }
  }
  const mean = Math.idiv(total + (width >> 1), width)
  toBytes(work, sums, end, mean, deviationOf(work, sums, end, row, mean), out, outAt)
}

/**
 * @param row bytes of a frame's sums
 * @returns 16 times the deviation of values 0…2^16 from their mean, below 2^20
 */
function deviationOf(work: Buffer, sums: number, end: number, row: number, mean: number): number {
  let most = 0
  for (let at = sums; at < end; at += 4) {
    const value = work.getAt(at, "i32") - mean
    most = Math.max(most, value < 0 ? -value : value)
  }
  let down = 0
  while (most >> down >= 1024) down = down + 1
  const round = down > 0 ? 1 << (down - 1) : 0
  let squares = 0
  let frames = 0
  for (let from = sums; from < end; from += row) {
    let sum = 0
    for (let at = from; at < from + row; at += 4) {
      const value = (work.getAt(at, "i32") - mean + round) >> down
      // 2^20 each, 2^6 of them.
      sum = sum + value * value
    }
    // A row has four bytes a band; up to 2^9 frames of 2^20.
    squares = squares + Math.idiv(sum << 2, row)
    frames = frames + 1
  }
  return rootOf(Math.idiv(squares, frames) << 8) << down
}

/** @param deviation 16 times what becomes `DEVIATION` bytes */
function toBytes(
  work: Buffer,
  sums: number,
  end: number,
  mean: number,
  deviation: number,
  out: Buffer,
  outAt: number,
): void {
  let to = outAt
  for (let at = sums; at < end; at += 4) {
    const value = work.getAt(at, "i32") - mean
    const size = value < 0 ? -value : value
    // 2^16 · 640 + 2^19.
    const steps =
      deviation > 0 ? Math.idiv(size * (DEVIATION << 4) + (deviation >> 1), deviation) : 0
    out.setAt(to, "u8", Math.min(255, Math.max(0, value < 0 ? MEAN - steps : MEAN + steps)))
    to = to + 1
  }
}
