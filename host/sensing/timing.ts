/**
 * When samples were taken, from when they came. A sensor takes them evenly, but a host gets them in bursts:
 * what only came late is no gap, as the samples behind it make up for it.
 */

/** Milliseconds from which, and intervals from which, missing time is a gap. */
const GAP_MS = 250
const GAP_INTERVALS = 3
/** Samples and milliseconds from which a rate can be told from bursts. */
const RATE_SAMPLES = 20
const RATE_MS = 1000
/** Stretches of a half of which the middle one, by its length, counts: a few may come late or make up for it. */
const STRETCHES = 5
/** The interval is found again without the gaps, so often. */
const ROUNDS = 2

export interface Timing {
  /** Milliseconds from sample to sample where none are missing. */
  interval: number
  /** When each sample was taken, from 0 on, ms: evenly, but for gaps. */
  times: number[]
  /** Share of the whole in which samples are missing. */
  missing: number
  /** Milliseconds of the longest gap. */
  longest: number
  /** Long enough for its rate to be compared? */
  rated: boolean
  /** By how much the rate of its second half differs from that of its first, as a share. */
  drift: number
}

/** @param arrivals milliseconds, at least two, none before the one before it */
export function timingOf(arrivals: number[]): Timing {
  const last = arrivals.length - 1
  const span = arrivals[last] - arrivals[0]
  let gaps = new Map<number, number>()
  let interval = last < RATE_SAMPLES ? span / last : middleInterval(arrivals)
  for (let round = 0; round < ROUNDS; round++) {
    const found = gapsOf(arrivals, interval)
    const lost = sum(found.values())
    gaps = found
    interval = Math.max(0, span - lost) / last
  }
  const times: number[] = []
  let at = 0
  for (let i = 0; i <= last; i++) {
    if (i > 0) at += interval + (gaps.get(i) ?? 0)
    times.push(at)
  }
  const rated = last >= RATE_SAMPLES && span >= RATE_MS
  const missing = span > 0 ? sum(gaps.values()) / span : 0
  return {
    ...{ interval, times, missing, longest: Math.max(0, ...gaps.values()) },
    ...{ rated, drift: rated && gaps.size === 0 ? driftOf(arrivals) : 0 },
  }
}

/**
 * Missing milliseconds before each sample, where there are enough. A sample's delay against an even course
 * is at least what all later ones share: that rises for good where samples are missing.
 */
function gapsOf(arrivals: number[], interval: number): Map<number, number> {
  const gaps = new Map<number, number>()
  const least = Math.max(GAP_MS, GAP_INTERVALS * interval)
  let later = Number.POSITIVE_INFINITY
  for (let i = arrivals.length - 1; i >= 0; i--) {
    const delay = Math.min(arrivals[i] - i * interval, later)
    if (later - delay > least && Number.isFinite(later)) gaps.set(i + 1, later - delay)
    later = delay
  }
  return gaps
}

/** Of all stretches: one with a gap in it does not count. */
function middleInterval(arrivals: number[]): number {
  const { step, lengths } = stretchesOf(arrivals)
  return middleOf(lengths) / step
}

function driftOf(arrivals: number[]): number {
  const { lengths } = stretchesOf(arrivals)
  const [first, second] = [lengths.slice(0, STRETCHES), lengths.slice(STRETCHES)].map(middleOf)
  return first > 0 && second > 0 ? Math.abs(first / second - 1) : 0
}

/** Milliseconds of equally many samples each, twice `STRETCHES` of them. */
function stretchesOf(arrivals: number[]): { step: number; lengths: number[] } {
  const step = Math.floor((arrivals.length - 1) / (2 * STRETCHES))
  const lengths = Array.from(
    { length: 2 * STRETCHES },
    (_, i) => arrivals[(i + 1) * step] - arrivals[i * step],
  )
  return { step, lengths }
}

function middleOf(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
