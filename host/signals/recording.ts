/** Recordings of a signal: what sensors said over time. */
import { WuxingError } from "../base/errors"

export interface Recording {
  /** File, and its number where the file holds several. */
  name: string
  /** What it is a recording of; undefined: nobody said. */
  label?: string
  channels: string[]
  /** Samples a second; undefined: the file does not say. */
  rate?: number
  /** One array a channel, of equal lengths, in the sensor's units. */
  values: Float64Array[]
  /** Board whose own it is, where each has its own. */
  owner?: number
}

/** Of a file; and of all its channels together, also once it is brought to another rate. */
export const MOST_FILE_BYTES = 2 ** 28
export const MOST_VALUES = 2 ** 24
export const MOST_CHANNELS = 8
/** Samples a second. */
export const MOST_RATE = 1_000_000

/** @throws WuxingError "recording-damaged" (kind data) */
export function damagedRecording(
  name: string,
  what: string,
  cause: string,
  help = "record it again, or remove it",
): WuxingError {
  return new WuxingError({
    code: "recording-damaged",
    kind: "data",
    message: `recording ${name} cannot be used: ${what}`,
    cause,
    help,
  })
}

/** Of more values than are read. */
export function tooLarge(name: string): WuxingError {
  return damagedRecording(
    name,
    `it holds more than ${MOST_VALUES} values`,
    "it is longer than this tool takes into memory",
    "cut it into several files, or record at a lower rate",
  )
}

export function lengthOf({ values }: Recording): number {
  return values[0].length
}

/**
 * As many samples a second as asked for: between samples along straight lines, means where there are fewer.
 *
 * @throws WuxingError "recording-damaged" if it gets too long
 */
export function resampleTo(recording: Recording, rate: number): Recording {
  if (recording.rate === undefined || recording.rate === rate) return { ...recording, rate }
  const step = recording.rate / rate
  const count = lengthOf(recording)
  const made = Math.max(1, Math.floor((count - 1) / step) + 1)
  if (made * recording.values.length > MOST_VALUES) throw tooLarge(recording.name)
  const values = recording.values.map(from =>
    Float64Array.from({ length: made }, (_, i) =>
      step > 1 ? meanAbout(from, i * step, step) : valueAt(from, i * step),
    ),
  )
  return { ...recording, rate, values }
}

/** Between samples along a straight line; before the first and behind the last as these. */
export function valueAt(values: Float64Array, at: number): number {
  const whole = Math.min(Math.floor(at), values.length - 1)
  const next = Math.min(whole + 1, values.length - 1)
  return values[whole] + (values[next] - values[whole]) * (at - whole)
}

/** Weighted by a triangle two steps wide, so that what the new rate cannot carry is mostly gone. */
function meanAbout(values: Float64Array, middle: number, width: number): number {
  let sum = 0
  let weights = 0
  const from = Math.max(0, Math.ceil(middle - width))
  for (let i = from; i <= Math.min(values.length - 1, middle + width); i++) {
    const weight = 1 - Math.abs(i - middle) / (width + 1e-9)
    sum += weight * values[i]
    weights += weight
  }
  return weights > 0 ? sum / weights : valueAt(values, middle)
}

/** Largest whole number a sample becomes. */
export const MOST_SAMPLE = 32_767

/**
 * As the core reads it: i16, channels interleaved; what is beyond is clipped.
 *
 * @param unit what values are multiplied by
 */
export function toSamples({ values }: Recording, unit: number): Buffer {
  const channels = values.length
  const bytes = Buffer.alloc(2 * channels * values[0].length)
  for (const [c, from] of values.entries())
    for (let i = 0; i < from.length; i++)
      bytes.writeInt16LE(sampleOf(from[i], unit), 2 * (i * channels + c))
  return bytes
}

export function sampleOf(value: number, unit: number): number {
  return Math.max(-MOST_SAMPLE - 1, Math.min(MOST_SAMPLE, Math.round(value * unit)))
}

/**
 * The power of two that brings the largest of these values to between a quarter and half of 16 bits,
 * so that later ones may be twice as large.
 */
export function unitFor(recordings: Recording[]): number {
  let largest = 0
  for (const { values } of recordings)
    for (const channel of values)
      for (const value of channel) largest = Math.max(largest, Math.abs(value))
  return largest > 0 ? 2 ** Math.floor(Math.log2(2 ** 14 / largest)) : 1
}

/** A channel that comes so often to stay at its own extreme, so many samples each time, is clipped. */
const CLIPPED_TIMES = 3
const CLIPPED_SAMPLES = 3

/**
 * What is wrong with a recording, if anything: "empty" if no channel ever moves; "clipped" if one stays at
 * its largest or its smallest value again and again.
 */
export function faultOfRecording({ values }: Recording): "clipped" | "empty" | undefined {
  if (values.every(channel => channel.every(value => value === channel[0]))) return "empty"
  for (const channel of values) {
    let high = channel[0]
    let low = channel[0]
    for (const value of channel) {
      if (value > high) high = value
      if (value < low) low = value
    }
    if (high > low && Math.max(staysAt(channel, high), staysAt(channel, low)) >= CLIPPED_TIMES)
      return "clipped"
  }
  return undefined
}

/** How often a channel comes to a value and stays, having left it before. */
function staysAt(channel: Float64Array, value: number): number {
  let times = 0
  let run = 0
  for (const v of channel) {
    run = v === value ? run + 1 : 0
    if (run === CLIPPED_SAMPLES) times++
  }
  return times
}
