/**
 * Recordings as files people have:
 *
 * - CSV: a row of names, then a row a sample. A column named time, timestamp, t or ms (with a unit after
 *   it, as "time (s)") says when; one named label or class says what; the others are channels.
 * - WAV: any sample rate and depth, mono or stereo. Values are −32,768…32,767 whatever the depth.
 * - JSON as Edge Impulse's data acquisition format has it (payload with values, sensors, interval_ms), and
 *   lists of { label, values or points, interval_ms }.
 */
import { readFileSync, statSync } from "node:fs"
import { basename, extname } from "node:path"
import { CsvError, parse } from "csv-parse/sync"
import wavefile from "wavefile"
import { z } from "zod"
import { messageOf } from "../base/errors"
import { damagedRecording, type Recording } from "./recording"

export const RECORDING_ENDINGS = [".csv", ".wav", ".json"]
const MOST_BYTES = 2 ** 28
const MOST_CHANNELS = 8
/** Names of a column of times, and how many of its units are a second. */
const TIME = /^(?:time|timestamp|t|ms|millis|seconds)(?:[ _]*[([]?(s|ms|us|µs)[)\]]?)?$/i
const PER_SECOND: Record<string, number> = { s: 1, ms: 1000, us: 1e6, µs: 1e6 }
const LABEL = /^(?:label|class)$/i
/** Of the median interval: where a gap begins, and what share of samples may be off by that much. */
const GAP = 1.5
const MOST_GAPS = 0.05

/**
 * All recordings in a file.
 *
 * @param rate of files that do not say theirs
 * @throws WuxingError of kind "data": "recording-damaged", "recording-rate"
 */
export function readRecordings(path: string, rate?: number): Recording[] {
  const ending = extname(path).toLowerCase()
  let bytes: Buffer
  try {
    const { size } = statSync(path)
    if (size > MOST_BYTES) throw new Error(`${size} bytes, at most ${MOST_BYTES} are read`)
    bytes = readFileSync(path)
  } catch (error) {
    throw damagedRecording(
      path,
      messageOf(error),
      "it is missing, too large, or you may not read it",
    )
  }
  const read = { ".csv": readCsvRecording, ".wav": readWav, ".json": readJson }[ending]
  if (!read)
    throw damagedRecording(
      path,
      `"${ending}" is not read`,
      `it is none of ${RECORDING_ENDINGS.join(", ")}`,
    )
  const recordings = read(bytes, path, rate)
  for (const recording of recordings) check(recording)
  return recordings
}

function check({ name, values, channels }: Recording): void {
  if (channels.length > MOST_CHANNELS)
    throw damagedRecording(
      name,
      `it has ${channels.length} channels, at most ${MOST_CHANNELS} are read`,
      "it is a table of something else",
    )
  if (values.length === 0 || values[0].length < 2)
    throw damagedRecording(name, "it holds fewer than two samples", "it is empty, or was cut short")
}

/** Does a CSV file hold samples over time, not a sample a row? @param head its first line */
export function isSignalTable(head: string): boolean {
  return head.split(/[,;\t]/).some(cell => TIME.test(cell.trim().replace(/^"(.*)"$/, "$1")))
}

function readCsvRecording(bytes: Buffer, path: string, rate?: number): Recording[] {
  const text = bytes.toString("utf8")
  let rows: string[][]
  try {
    rows = parse(text, {
      ...{ bom: true, skip_empty_lines: true, trim: true, relax_column_count: true },
      delimiter:
        [";", "\t"].filter(mark => text.slice(0, text.indexOf("\n")).includes(mark))[0] ?? ",",
    })
  } catch (error) {
    throw damagedRecording(
      path,
      error instanceof CsvError ? error.message : messageOf(error),
      "a quoted field is not closed, or it is no CSV file",
    )
  }
  const [names = [], ...samples] = rows
  if (names.some(name => name !== "" && !Number.isNaN(Number(name))))
    throw damagedRecording(
      path,
      "its first line is not a row of names",
      "channels are told by their names",
      "add a first line, for example: time,x,y,z",
    )
  const time = names.findIndex(name => TIME.test(name))
  const label = names.findIndex(name => LABEL.test(name))
  const columns = names.map((_, i) => i).filter(i => i !== time && i !== label)
  if (columns.length === 0)
    throw damagedRecording(path, "it has no channel", "all columns are time or label")
  const number = (row: number, column: number): number => {
    const cell = samples[row][column] ?? ""
    const value = cell === "" ? Number.NaN : Number(cell)
    if (Number.isFinite(value)) return value
    throw damagedRecording(
      path,
      `line ${row + 2} has "${cell}" for ${names[column]}, expected a number`,
      "the line is cut short, or the column is text",
    )
  }
  const wrong = samples.findIndex(row => row.length !== names.length)
  if (wrong >= 0)
    throw damagedRecording(
      path,
      `line ${wrong + 2} has ${samples[wrong].length} columns, expected ${names.length}`,
      "the channels are not of equal length, or the line was cut short",
    )
  // A column of labels may change: each stretch with one label is a recording.
  const recordings: Recording[] = []
  let from = 0
  for (let i = 1; i <= samples.length; i++) {
    if (i < samples.length && (label < 0 || samples[i][label] === samples[from][label])) continue
    const values = columns.map(c =>
      Float64Array.from({ length: i - from }, (_, k) => number(from + k, c)),
    )
    const whole = {
      name: recordings.length === 0 && i === samples.length ? path : `${path}#${recordings.length}`,
      ...(label >= 0 && { label: samples[from][label] }),
      ...{ channels: columns.map(c => names[c]), values },
    }
    const times = time < 0 ? [] : Array.from({ length: i - from }, (_, k) => number(from + k, time))
    recordings.push(
      time < 0 ? { ...whole, rate } : evenly(whole, times, unitOfTime(names[time], times)),
    )
    from = i
  }
  return recordings
}

/** Units of a column of times in a second: as its name says; without that whole numbers are milliseconds. */
function unitOfTime(name: string, times: number[]): number {
  const unit =
    TIME.exec(name)?.[1]?.toLowerCase() ?? (/^(ms|millis)$/i.test(name) ? "ms" : undefined)
  if (unit) return PER_SECOND[unit]
  return times.every(Number.isInteger) && !/^seconds$/i.test(name) ? 1000 : 1
}

/**
 * Samples at even intervals from such as come when they come.
 *
 * @throws WuxingError "recording-rate" if too many are missing
 */
function evenly(recording: Omit<Recording, "rate">, times: number[], perSecond: number): Recording {
  const gaps = times.slice(1).map((time, i) => time - times[i])
  const backwards = gaps.findIndex(gap => gap <= 0)
  if (backwards >= 0)
    throw rateError(
      recording.name,
      `its time does not go on at sample ${backwards + 2}`,
      "lines are out of order, or two recordings were joined",
    )
  const median = [...gaps].sort((a, b) => a - b)[gaps.length >> 1]
  const missing = gaps.filter(gap => gap > GAP * median).length
  const early = gaps.filter(gap => gap < median / GAP).length
  if (missing + early > MOST_GAPS * gaps.length)
    throw rateError(
      recording.name,
      `${missing + early} of its ${gaps.length} intervals are not near ${round(median)}, at most ${100 * MOST_GAPS} % may be off by half`,
      "samples are missing, or the sensor's rate drifts",
    )
  // The mean over all, since a median of rounded milliseconds is off by up to a half.
  const interval =
    missing + early === 0 ? (times[times.length - 1] - times[0]) / gaps.length : median
  const count = Math.round((times[times.length - 1] - times[0]) / interval) + 1
  let at = 0
  const places = Array.from({ length: count }, (_, i) => {
    const time = times[0] + i * interval
    while (at < times.length - 2 && times[at + 1] < time) at++
    return { at, part: Math.min(1, Math.max(0, (time - times[at]) / (times[at + 1] - times[at]))) }
  })
  return {
    ...recording,
    rate: round(perSecond / interval),
    values: recording.values.map(channel =>
      Float64Array.from(
        places,
        ({ at: i, part }) => channel[i] + (channel[i + 1] - channel[i]) * part,
      ),
    ),
  }
}

function rateError(name: string, what: string, cause: string): Error {
  const error = damagedRecording(name, what, cause)
  return Object.assign(error, { code: "recording-rate" })
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

function readWav(bytes: Buffer, path: string): Recording[] {
  try {
    const wav = new wavefile.WaveFile(bytes)
    const { sampleRate, numChannels } = wav.fmt as { sampleRate: number; numChannels: number }
    if (wav.bitDepth !== "16") wav.toBitDepth("16")
    const samples = wav.getSamples(false) as unknown as Float64Array | Float64Array[]
    const values = (numChannels === 1 ? [samples] : samples) as Float64Array[]
    const channels = numChannels === 1 ? ["audio"] : values.map((_, i) => `audio${i + 1}`)
    return [
      { name: path, channels, rate: sampleRate, values: values.map(v => Float64Array.from(v)) },
    ]
  } catch (error) {
    throw damagedRecording(
      path,
      messageOf(error),
      "it is damaged, or compressed in a way that is not read",
    )
  }
}

const rowsSchema = z.array(z.union([z.number(), z.array(z.number())]))
const edgeImpulseSchema = z.object({
  payload: z.object({
    label: z.string().optional(),
    interval_ms: z.number().positive(),
    sensors: z.array(z.object({ name: z.string() })).min(1),
    values: rowsSchema,
  }),
})
const listSchema = z
  .array(
    z.object({
      label: z.union([z.string(), z.number()]).optional(),
      values: rowsSchema.optional(),
      points: rowsSchema.optional(),
      interval_ms: z.number().positive().optional(),
      sensors: z.array(z.object({ name: z.string() })).optional(),
    }),
  )
  .min(1)

function readJson(bytes: Buffer, path: string, rate?: number): Recording[] {
  let json: unknown
  try {
    json = JSON.parse(bytes.toString("utf8"))
  } catch (error) {
    throw damagedRecording(path, messageOf(error), "it was cut short, or is no JSON file")
  }
  const one = edgeImpulseSchema.safeParse(json)
  if (one.success) {
    const { label, interval_ms, sensors, values } = one.data.payload
    return [
      {
        ...{ name: path, rate: round(1000 / interval_ms), channels: sensors.map(s => s.name) },
        ...(label !== undefined && { label }),
        values: columnsOf(path, values, sensors.length),
      },
    ]
  }
  const list = listSchema.safeParse(json)
  if (!list.success)
    throw damagedRecording(
      path,
      "it is neither of Edge Impulse's format nor a list of recordings",
      "it has no payload with values, sensors and interval_ms",
    )
  return list.data.map(({ label, values, points, interval_ms, sensors }, i) => {
    const rows = values ?? points ?? []
    const name = `${path}#${i}`
    const width = Array.isArray(rows[0]) ? rows[0].length : 1
    const names = sensors?.map(s => s.name) ?? "xyzabcde".slice(0, width).split("")
    return {
      ...{ name, channels: names, values: columnsOf(name, rows, names.length) },
      rate: interval_ms === undefined ? rate : round(1000 / interval_ms),
      ...(label !== undefined && { label: String(label) }),
    }
  })
}

function columnsOf(name: string, rows: (number | number[])[], channels: number): Float64Array[] {
  const wrong = rows.findIndex(row => (Array.isArray(row) ? row.length : 1) !== channels)
  if (wrong >= 0)
    throw damagedRecording(
      name,
      `sample ${wrong + 1} has ${Array.isArray(rows[wrong]) ? (rows[wrong] as number[]).length : 1} values, expected ${channels}`,
      "a sensor was lost while it was recorded, or channels are missing in the list of sensors",
    )
  return Array.from({ length: channels }, (_, c) =>
    Float64Array.from(rows, row => (Array.isArray(row) ? row[c] : row)),
  )
}

/** The label a file's name gives: what is before the first point or underscore. */
export function labelOfName(path: string): string {
  return basename(path).split(/[._]/)[0]
}
