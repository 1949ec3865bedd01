/** How a stream is to be cut so that it gives what recordings of single movements hold. */
import type { Features } from "./description"
import { lengthOf, type Recording, sampleOf } from "./recording"

/** As src/signals/segment.ts has them. */
const LAG = 4
const SMOOTHING = 4
/** Of the liveliest moment of a recording of the middle: where a movement begins. */
const BEGINS_AT = 1 / 6
const QUIET_SECONDS = 0.3

/** @param unit as of the features: a value in the sensor's unit times this is the core's number */
export function segmentCut(
  recordings: Recording[],
  unit: number,
  rate: number,
): NonNullable<Features["cut"]> {
  const lengths = recordings.map(lengthOf).sort((a, b) => a - b)
  const peaks = recordings.map(r => liveliest(r, unit)).sort((a, b) => a - b)
  const clamp = (value: number, low: number, high: number) =>
    Math.min(high, Math.max(low, Math.round(value)))
  return {
    by: "segment",
    threshold: clamp(peaks[peaks.length >> 1] * BEGINS_AT, 1, 2 ** 20),
    quiet: clamp(QUIET_SECONDS * rate, 2, 4096),
    shortest: clamp(lengths[0] / 3, 2, 60_000),
    longest: clamp(lengths[lengths.length - 1] * 1.5, 4, 60_000),
  }
}

/** Largest smoothed movement over `LAG` samples. */
function liveliest({ values }: Recording, unit: number): number {
  let level = 0
  let most = 0
  for (let i = LAG; i < values[0].length; i++) {
    let change = 0
    for (const channel of values)
      change += Math.abs(sampleOf(channel[i], unit) - sampleOf(channel[i - LAG], unit))
    level += (change - level) / SMOOTHING
    most = Math.max(most, level)
  }
  return most
}
