/** How a stream is to be cut so that it gives what recordings of single movements hold. */
import "../base/memory"
import { leastMovement, quietEnd, quietStart } from "../../src/signals/trim"
import type { Features } from "./description"
import { buildPlan, leastOf, workBytes } from "./plan"
import { lengthOf, type Recording, sampleOf, toSamples } from "./recording"
import { SETTLES, SignalStream } from "./stream"

/** As src/signals/segment.ts has them. */
const LAG = 4
const SMOOTHING = 4
/** Of the liveliest moment of a recording of the middle: where a movement begins. */
const BEGINS_AT = 1 / 6
const QUIET_SECONDS = 0.3

/** Ends that move less than a quarter of the liveliest block are still. */
const STILL_BITS = 2
const BLOCKS_A_SECOND = 10
/** A stream gives less than this share of a recording of the middle: the rest is its still ends. */
const MOST_OF_IT = 0.7

/**
 * Recordings of a length have still ends, which the segments of a stream have not: if these are long, they
 * are to be left out of both, or the network would never see what it learnt.
 *
 * @returns undefined if they are not long
 */
export function trimFor(recordings: Recording[], features: Features): Features["trim"] {
  const cut = { ...segmentCut(recordings, features), shortest: 2 }
  const shares = recordings
    .map(recording => longestSegment(recording, { ...features, cut }) / lengthOf(recording))
    .sort((a, b) => a - b)
  if (shares[shares.length >> 1] >= MOST_OF_IT) return undefined
  return { bits: STILL_BITS, block: Math.max(2, Math.round(features.rate / BLOCKS_A_SECOND)) }
}

/** Samples of the longest segment that a stream gives of a recording after which nothing moves. */
function longestSegment(recording: Recording, features: Features): number {
  const stream = new SignalStream(features)
  const count = lengthOf(recording)
  const rest = features.cut?.by === "segment" ? features.cut.quiet + SETTLES : 0
  let longest = 0
  for (let i = 0; i < count + rest; i++) {
    const at = Math.min(i, count - 1)
    const window = stream.push(
      recording.values.map(channel => sampleOf(channel[at], features.unit)),
    )
    if (window) longest = Math.max(longest, window.length / 2 / features.channels.length)
  }
  return Math.min(longest, count)
}

/** Samples of each that are not still ends, in their order. */
function movingLengths(recordings: Recording[], features: Features): number[] {
  if (!features.trim) return recordings.map(lengthOf)
  const plan = buildPlan(features)
  const work = Buffer.alloc(workBytes(features))
  return recordings.map(recording => {
    const signal = toSamples(recording, features.unit)
    const count = lengthOf(recording)
    const least = leastMovement(plan, work, signal, 0, count)
    const skip = quietStart(plan, work, signal, 0, count, least)
    return count - skip - quietEnd(plan, work, signal, 0, count, skip, least)
  })
}

/** @param features how a recording is read: without ends where these are trimmed */
export function segmentCut(
  recordings: Recording[],
  features: Features,
): NonNullable<Features["cut"]> {
  const { unit, rate } = features
  const lengths = movingLengths(recordings, features).sort((a, b) => a - b)
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

/**
 * Samples of a usual segment or window; of recordings that are taken whole a second, as the description
 * does not say how long they are.
 */
export function usualSamples(features: Features): number {
  const { cut, rate } = features
  if (cut?.by === "window") return cut.length
  // Between the shortest recording and the longest: `segmentCut` takes a third and one and a half of them.
  if (cut?.by === "segment") return Math.round((3 * cut.shortest + cut.longest / 1.5) / 2)
  return Math.max(leastOf(features), Math.min(65_535, Math.round(rate)))
}
