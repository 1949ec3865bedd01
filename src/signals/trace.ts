/**
 * Features of a trace: a window or a segment of any length is brought to a fixed number of points, and
 * values, differences and magnitude of these to bytes.
 *
 * In working memory each channel is a column of i32, one a point: those that come out first, and after
 * them the channels' values where these do not come out themselves. Behind all columns are the lowest
 * and the highest value of each, found as it is written: a board takes most of its time to read.
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
  const values = (derive & Derive.Values) !== 0 ? channels : 0
  const changes = (derive & Derive.Differences) !== 0 ? channels : 0
  // Of a reservoir more or fewer bytes come out than of the trace that it reads.
  const columns = values + changes + ((derive & Derive.Magnitude) !== 0 ? 1 : 0)
  const raw = values > 0 ? 0 : columns
  const bounds = (values > 0 ? columns : columns + channels) * column
  for (let c = 0; c < channels; c++)
    resample(plan, work, signal, from, count, c, (raw + c) * column, bounds + ((raw + c) << 3))
  if (changes > 0)
    for (let c = 0; c < channels; c++) {
      const to = values + c
      difference(work, (raw + c) * column, to * column, points, bounds + (to << 3))
    }
  if ((derive & Derive.Magnitude) !== 0) {
    const to = values + changes
    magnitude(work, raw * column, to * column, points, channels, bounds + (to << 3))
  }

  const scaling = plan.getAt(Plan.Scaling, "u16")
  let first = 0
  while (first < columns) {
    // What is of one kind has one scale: all values, then all differences, then the magnitude.
    let last = columns
    if (first < values) last = values
    else if (first < values + changes) last = values + changes
    let least = plan.getAt(Plan.Floor, "i32")
    if (scaling === Scaling.Shape)
      for (let at = bounds + (first << 3); at < bounds + (last << 3); at += 8) {
        const range = work.getAt(at + 4, "i32") - work.getAt(at, "i32")
        if (range > least) least = range
      }
    for (let c = first; c < last; c++) {
      let low = plan.getAt(Plan.Low, "i32")
      let high = plan.getAt(Plan.High, "i32")
      if (scaling !== Scaling.Range) {
        low = work.getAt(bounds + (c << 3), "i32")
        high = work.getAt(bounds + (c << 3) + 4, "i32")
        // As much is added below as above, the odd one above.
        const more = Math.max(0, least - high + low)
        low = low - (more >> 1)
        high = high + more - (more >> 1)
      } else if (first >= values) {
        // Differences go both ways, a magnitude only up.
        high = Math.max(high, -low)
        low = first < values + changes ? -high : 0
      }
      columnToBytes(work, c * column, points, low, high, out, outAt + c, columns)
    }
    first = last
  }
}

/**
 * Values of a channel at evenly spaced points, the first and the last sample among them; between two
 * samples on the line through them, rounded to the nearest.
 *
 * @param bounds gets the lowest and the highest
 */
function resample(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  channel: number,
  to: number,
  bounds: number,
): void {
  const gaps = plan.getAt(Plan.Points, "u16") - 1
  const step = plan.getAt(Plan.Channels, "u16") << 1
  // Samples from point to point: a whole number, and `more` of `parts` parts.
  const whole = Math.idiv(count - 1, gaps)
  const parts = gaps + gaps
  const more = (count - 1 - whole * gaps) << 1
  const ahead = whole * step
  // |rise · rest| < 2^16 · parts, and parts < 2^10; with 2^16 · parts added it is never negative, so that
  // it is rounded the same way up and down.
  const middle = (gaps << 17) + gaps
  let here = from * step + (channel << 1)
  let rest = 0
  let low = 32767
  let high = -32768
  const end = to + (gaps << 2)
  for (let at = to; at <= end; at += 4) {
    let value = signal.getAt(here, "i16")
    if (rest > 0) {
      const rise = signal.getAt(here + step, "i16") - value
      value = value + Math.idiv(rise * rest + middle, parts) - 65536
    }
    work.setAt(at, "i32", value)
    if (value < low) low = value
    if (value > high) high = value
    here = here + ahead
    rest = rest + more
    if (rest >= parts) {
      rest = rest - parts
      here = here + step
    }
  }
  work.setAt(bounds, "i32", low)
  work.setAt(bounds + 4, "i32", high)
}

/** @param bounds gets the lowest and the highest */
function difference(work: Buffer, from: number, to: number, points: number, bounds: number): void {
  let before = work.getAt(from, "i32")
  // The first is 0.
  let low = 0
  let high = 0
  for (let k = 0; k < points << 2; k += 4) {
    const value = work.getAt(from + k, "i32")
    const change = value - before
    work.setAt(to + k, "i32", change)
    if (change < low) low = change
    if (change > high) high = change
    before = value
  }
  work.setAt(bounds, "i32", low)
  work.setAt(bounds + 4, "i32", high)
}

/**
 * Off by less than √channels + 2, as the squares of up to four halved values fit 31 bits, of eight quartered ones.
 *
 * @param bounds gets the lowest and the highest
 */
function magnitude(
  work: Buffer,
  from: number,
  to: number,
  points: number,
  channels: number,
  bounds: number,
): void {
  const column = points << 2
  const shift = channels > 3 ? 2 : 1
  // √3 · 2^14 · 2, or √8 · 2^13 · 4: below 2^17.
  let low = 131072
  let high = 0
  for (let k = 0; k < column; k += 4) {
    let sum = 0
    // Each square ≤ 2^28, three of them; or 2^26, eight of them.
    for (let at = from + k; at < from + channels * column; at += column) {
      const value = work.getAt(at, "i32") >> shift
      sum = sum + value * value
    }
    const value = rootOf(sum) << shift
    work.setAt(to + k, "i32", value)
    if (value < low) low = value
    if (value > high) high = value
  }
  work.setAt(bounds, "i32", low)
  work.setAt(bounds + 4, "i32", high)
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
  const half = range >> 1
  let to = outAt
  for (let k = from; k < from + (points << 2); k += 4) {
    let above = work.getAt(k, "i32") - low
    if (above < 0) above = 0
    if (above > range) above = range
    // Both below 2^18: the product is below 2^26.
    out.setAt(to, "u8", above > 0 ? Math.idiv(above * 255 + half, range) : 0)
    to = to + stride
  }
}
