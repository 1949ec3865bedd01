/**
 * Features of a trace: a window or a segment of any length is brought to a fixed number of points, and
 * values, differences and magnitude of these to bytes.
 *
 * In working memory each channel is a column of i32, one a point: those that come out first, and after
 * them the channels' values where these do not come out themselves.
 */
import { Derive, Plan, Scaling } from "./plan"
import { rootOf } from "./whole-math"

/**
 * Takes samples from…from+count−1 of a signal.
 *
 * @param count 2…65535
 * @param out gets a byte a point and channel that comes out, point by point, from `outAt` on
 */
export function traceFeatures(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  out: Buffer,
  outAt: number,
): void {
  const points = plan.getAt(Plan.Points, "u16")
  const channels = plan.getAt(Plan.Channels, "u16")
  const derive = plan.getAt(Plan.Derive, "u16")
  const column = points << 2
  const columns = Math.idiv(plan.getAt(Plan.Width, "u16"), points)
  const values = (derive & Derive.Values) !== 0 ? channels : 0
  const raw = values > 0 ? 0 : columns * column
  for (let c = 0; c < channels; c++) resample(plan, work, signal, from, count, c, raw + c * column)
  let differences = 0
  if ((derive & Derive.Differences) !== 0) {
    differences = channels
    for (let c = 0; c < channels; c++)
      difference(work, raw + c * column, (values + c) * column, points)
  }
  if ((derive & Derive.Magnitude) !== 0)
    magnitude(work, raw, (values + differences) * column, points, channels)

  const scaling = plan.getAt(Plan.Scaling, "u16")
  let first = 0
  while (first < columns) {
    // What is of one kind has one scale: all values, then all differences, then the magnitude.
    let last = columns
    if (first < values) last = values
    else if (first < values + differences) last = values + differences
    let range = 0
    if (scaling === Scaling.Shape)
      for (let c = first; c < last; c++) range = Math.max(range, rangeOf(work, c * column, points))
    for (let c = first; c < last; c++) {
      let low = plan.getAt(Plan.Low, "i32")
      let high = plan.getAt(Plan.High, "i32")
      if (first >= values) {
        // Differences go both ways, a magnitude only up.
        high = Math.max(high, -low)
        low = first < values + differences ? -high : 0
      }
      if (scaling !== Scaling.Range) {
        low = lowestOf(work, c * column, points)
        high = low + rangeOf(work, c * column, points)
        let least = plan.getAt(Plan.Floor, "i32")
        if (scaling === Scaling.Shape) least = Math.max(least, range)
        // As much is added below as above, the odd one above.
        const more = Math.max(0, least - high + low)
        low = low - (more >> 1)
        high = high + more - (more >> 1)
      }
      columnToBytes(work, c * column, points, low, high, out, outAt + c, columns)
    }
    first = last
  }
}

/**
 * Values of a channel at evenly spaced points, the first and the last sample among them; between two
 * samples on the line through them, rounded to the nearest.
 */
function resample(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  channel: number,
  to: number,
): void {
  const gaps = plan.getAt(Plan.Points, "u16") - 1
  const step = plan.getAt(Plan.Channels, "u16") << 1
  // Samples from point to point: a whole number and `more` parts of `gaps`.
  const ahead = Math.idiv(count - 1, gaps)
  const more = count - 1 - ahead * gaps
  let here = from * step + (channel << 1)
  let rest = 0
  let at = to
  for (let k = 0; k <= gaps; k++) {
    let value = signal.getAt(here, "i16")
    if (rest > 0) {
      // |rise · rest| < 2^16 · gaps, and gaps < 2^9; with 2^16 · gaps added it is never negative, so
      // that it is rounded the same way up and down.
      const rise = signal.getAt(here + step, "i16") - value
      const parts = rise * rest + (gaps << 16)
      value = value + Math.idiv(parts + parts + gaps, gaps + gaps) - 65536
    }
    work.setAt(at, "i32", value)
    at = at + 4
    here = here + ahead * step
    rest = rest + more
    if (rest >= gaps) {
      rest = rest - gaps
      here = here + step
    }
  }
}

function difference(work: Buffer, from: number, to: number, points: number): void {
  let before = work.getAt(from, "i32")
  for (let k = 0; k < points << 2; k += 4) {
    const value = work.getAt(from + k, "i32")
    work.setAt(to + k, "i32", value - before)
    before = value
  }
}

/** Off by less than √channels + 2, as the squares of up to four halved values fit 31 bits, of eight quartered ones. */
function magnitude(work: Buffer, from: number, to: number, points: number, channels: number): void {
  const column = points << 2
  const shift = channels > 3 ? 2 : 1
  for (let k = 0; k < column; k += 4) {
    let sum = 0
    // Each square ≤ 2^28, three of them; or 2^26, eight of them.
    for (let at = from + k; at < from + channels * column; at += column) {
      const value = work.getAt(at, "i32") >> shift
      sum = sum + value * value
    }
    work.setAt(to + k, "i32", rootOf(sum) << shift)
  }
}

function lowestOf(work: Buffer, at: number, points: number): number {
  let low = work.getAt(at, "i32")
  for (let k = at; k < at + (points << 2); k += 4) low = Math.min(low, work.getAt(k, "i32"))
  return low
}

function rangeOf(work: Buffer, at: number, points: number): number {
  let high = work.getAt(at, "i32")
  for (let k = at; k < at + (points << 2); k += 4) high = Math.max(high, work.getAt(k, "i32"))
  return high - lowestOf(work, at, points)
}

/** low…high becomes 0…255, rounded; a column without any range becomes zeros. */
function columnToBytes(
  work: Buffer,
  from: number,
  points: number,
  low: number,
  high: number,
  out: Buffer,
  outAt: number,
  stride: number,
): void {
  const range = high - low
  let to = outAt
  for (let k = from; k < from + (points << 2); k += 4) {
    // Both below 2^18: the product is below 2^26.
    const above = Math.min(Math.max(work.getAt(k, "i32") - low, 0), range)
    out.setAt(to, "u8", range > 0 ? Math.idiv(above * 255 + (range >> 1), range) : 0)
    to = to + stride
  }
}
