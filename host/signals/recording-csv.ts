/** Recordings from CSV: a row of names, then a row a sample. */
import { WuxingError } from "../base/errors"
import { readHead } from "../base/input-file"
import { type CsvRow, firstCsvRows, readCsvRows } from "../data/csv-rows"
import { numberOf } from "../data/numbers"
import { damagedRecording, MOST_VALUES, type Recording, tooLarge } from "./recording"

/** Names of a column of times, and how many of its units are a second. */
const TIME =
  /^(?:time|timestamp|t|ms|millis|milliseconds|micros|microseconds|seconds|zeit|zeitstempel)(?:[ _]*[([]?(s|ms|us|µs)[)\]]?)?$/i
const PER_SECOND: Record<string, number> = { s: 1, ms: 1000, us: 1e6, µs: 1e6 }
/** A date with its time of day, as loggers and phones write it: to the second, its fraction, its zone. */
const DATE = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/
const LABEL = /^(?:label|class)$/i
/** Of the median interval: where a gap begins, and what share of samples may be off by that much. */
const GAP = 1.5
const MOST_GAPS = 0.05
/** Columns of a table that could be a recording: its channels, a time and a label. */
const MOST_COLUMNS = 64

/** Lines of names and of a sample's values are shorter. */
const HEAD_BYTES = 8192

/**
 * Does a CSV file hold samples over time, not a sample a row? By its names, or by its place.
 *
 * @param ofClass does it lie in a class's folder, where tables of samples do not?
 * @throws Error if it cannot be read
 */
export function isSignalTable(path: string, ofClass: boolean): boolean {
  const head = readHead(path, HEAD_BYTES)
  const { separator, rows } = firstCsvRows(head, head.length < HEAD_BYTES, 2)
  const [names, values] = rows.map(({ cells }) => dropEmptyEnd(cells))
  if (names?.some(name => TIME.test(name))) return true
  // A list of pictures has names in its second line.
  const comma = separator !== ","
  return ofClass && !!values?.every(value => Number.isFinite(numberOf(value, comma)))
}

/**
 * Row by row, in memory that its numbers need.
 *
 * @param rate where it has no column of times
 * @throws WuxingError "recording-damaged", "recording-rate" (kind "data"); what `signal` gives
 */
export async function readCsvRecording(
  path: string,
  rate?: number,
  signal?: AbortSignal,
): Promise<Recording[]> {
  let table: SignalTable | undefined
  try {
    for await (const { separator, rows } of readCsvRows(path, signal))
      for (const row of rows) {
        if (table) table.add(row)
        else table = new SignalTable(path, dropEmptyEnd(row.cells), separator !== ",", rate)
      }
  } catch (error) {
    // The same complaint in a recording's words.
    if (!(error instanceof WuxingError) || error.code !== "data-csv") throw error
    throw damagedRecording(
      path,
      error.message.replace(/^.* cannot be used: /, ""),
      error.likely ?? "it is no CSV file",
    )
  }
  if (!table) throw damagedRecording(path, "it holds no lines", "it is empty")
  return table.recordings()
}

class SignalTable {
  private readonly time: number
  private readonly label: number
  private readonly channels: number[]
  private readonly found: Recording[] = []
  /** Of the stretch with one label that is being read. */
  private stretch: string | undefined
  private times = new Numbers()
  private values: Numbers[]
  private count = 0
  /** Are the times dates? As the first says. */
  private dated?: boolean

  constructor(
    private readonly path: string,
    private readonly names: string[],
    private readonly comma: boolean,
    private readonly rate?: number,
  ) {
    if (names.length > MOST_COLUMNS)
      throw damagedRecording(
        path,
        `it has ${names.length} columns, at most ${MOST_COLUMNS} are read`,
        "it is a table of something else",
      )
    if (names.some(name => name !== "" && !Number.isNaN(Number(name))))
      throw damagedRecording(
        path,
        "its first line is not a row of names",
        "channels are told by their names",
        "add a first line, for example: time,x,y,z",
      )
    this.time = names.findIndex(name => TIME.test(name))
    this.label = names.findIndex(name => LABEL.test(name))
    this.channels = names.map((_, i) => i).filter(i => i !== this.time && i !== this.label)
    if (this.channels.length === 0)
      throw damagedRecording(path, "it has no channel", "all columns are time or label")
    this.values = this.channels.map(() => new Numbers())
  }

  add(row: CsvRow): void {
    const { path, names, time, label, channels } = this
    const { line, cells } = row
    if (cells.length === names.length + 1) dropEmptyEnd(cells)
    if (cells.length !== names.length)
      throw damagedRecording(
        path,
        `line ${line} has ${cells.length} columns, expected ${names.length}`,
        "the channels are not of equal length, or the line was cut short",
      )
    this.count += channels.length + (time < 0 ? 0 : 1)
    if (this.count > MOST_VALUES) throw tooLarge(path)
    // A column of labels may change: each stretch with one label is a recording.
    const named = label < 0 ? undefined : cells[label]
    if (this.values[0].length > 0 && named !== this.stretch) this.end()
    this.stretch = named
    if (time >= 0) this.times.push(this.timeOf(row, time))
    for (let c = 0; c < channels.length; c++) this.values[c].push(this.number(row, channels[c]))
  }

  recordings(): Recording[] {
    this.end()
    // Of a file that holds one, the name is the file's.
    if (this.found.length === 1) this.found[0].name = this.path
    return this.found
  }

  private end(): void {
    const { path, names, time, label, channels, stretch, found } = this
    if (time >= 0 && label >= 0 && this.values[0].length === 1) throw this.tableOfSamples()
    const whole = {
      name: `${path}#${found.length}`,
      ...(stretch !== undefined && { label: stretch }),
      ...{ channels: channels.map(c => names[c]), values: this.values.map(v => v.taken()) },
    }
    const times = this.times.taken()
    this.times = new Numbers()
    this.values = channels.map(() => new Numbers())
    found.push(
      time < 0
        ? { ...whole, rate: this.rate }
        : evenly(whole, times, this.dated ? 1000 : unitOfTime(names[time], times)),
    )
  }

  /** What has a time and a label a row may be either; one row of a label tells. */
  private tableOfSamples(): WuxingError {
    const { path, names, time, label, stretch } = this
    const [at, what] = [names[time], names[label]]
    return damagedRecording(
      path,
      `its column "${at}" makes it a recording, in which "${stretch}" in the column "${what}" stands for one sample alone`,
      "it is a table with a sample a row, or the samples of one recording do not stand together",
      `remove the column "${at}", or give it another name ("${at} of the sample"), to have it read as a table; or keep the rows of a recording together`,
    )
  }

  private timeOf(row: CsvRow, column: number): number {
    const cell = row.cells[column]
    const at = millisecondsOf(cell)
    this.dated ??= !Number.isNaN(at)
    if (!this.dated) return this.number(row, column)
    if (!Number.isNaN(at)) return at
    throw damagedRecording(
      this.path,
      `line ${row.line} has "${cell.slice(0, 40)}" for ${this.names[column]}, expected a date and a time of day as in the lines before`,
      "the line is cut short, or its times are written in two ways",
    )
  }

  private number({ line, cells }: CsvRow, column: number): number {
    const value = numberOf(cells[column], this.comma)
    if (Number.isFinite(value)) return value
    throw damagedRecording(
      this.path,
      `line ${line} has "${cells[column].slice(0, 40)}" for ${this.names[column]}, expected a number`,
      "the line is cut short, or the column is text",
    )
  }
}

/** Many tools write a separator after a line's last value. */
function dropEmptyEnd(cells: string[]): string[] {
  if (cells.length > 1 && cells[cells.length - 1] === "") cells.pop()
  return cells
}

/**
 * Of a date with its time of day, since 1970; NaN: it is none. Without a zone it is read as UTC, so that no
 * computer's own summer time makes a gap.
 */
function millisecondsOf(cell: string): number {
  const [, day, time, fraction = "0", zone = "Z"] = DATE.exec(cell) ?? []
  if (day === undefined) return Number.NaN
  // biome-ignore lint/style/noRestrictedGlobals: what a file says, not what a clock does
  return Date.parse(`${day}T${time}${zone}`) + 1000 * Number(`0.${fraction}`)
}

/** Numbers that come one by one. */
class Numbers {
  length = 0
  private all = new Float64Array(64)

  push(value: number): void {
    if (this.length === this.all.length) {
      const more = new Float64Array(this.length + (this.length >> 1))
      more.set(this.all)
      this.all = more
    }
    this.all[this.length++] = value
  }

  taken(): Float64Array {
    return this.all.subarray(0, this.length)
  }
}

/** Units of a column of times in a second: as its name says; without that whole numbers are milliseconds. */
function unitOfTime(name: string, times: Float64Array): number {
  const unit =
    TIME.exec(name)?.[1]?.toLowerCase() ??
    (/^(ms|milli)/i.test(name) ? "ms" : /^micro/i.test(name) ? "us" : undefined)
  if (unit) return PER_SECOND[unit]
  return times.every(Number.isInteger) && !/^seconds$/i.test(name) ? 1000 : 1
}

/**
 * Samples at even intervals from such as come when they come.
 *
 * @throws WuxingError "recording-rate" if too many are missing, or more than are there
 */
function evenly(
  recording: Omit<Recording, "rate">,
  times: Float64Array,
  perSecond: number,
): Recording {
  const { name } = recording
  const gaps = times.slice(1)
  for (let i = 0; i < gaps.length; i++) gaps[i] -= times[i]
  const still = gaps.indexOf(0)
  if (still >= 0)
    throw rateError(
      name,
      `samples ${still + 1} and ${still + 2} have the same time`,
      "its times are too coarse, as whole seconds are, or a line is there twice",
      "write times in milliseconds; or remove their column and give --rate, in samples a second",
    )
  const backwards = gaps.findIndex(gap => gap < 0)
  if (backwards >= 0)
    throw rateError(
      name,
      `its time does not go on at sample ${backwards + 2}`,
      "lines are out of order, or two recordings were joined",
    )
  const ordered = gaps.slice().sort()
  const median = ordered[gaps.length >> 1]
  let off = 0
  for (const gap of gaps) if (gap > GAP * median || gap < median / GAP) off++
  if (off > MOST_GAPS * gaps.length)
    throw rateError(
      name,
      `${off} of its ${gaps.length} intervals are not near ${round(median)}, at most ${100 * MOST_GAPS} % may be off by half`,
      "samples are missing, or the sensor's rate drifts",
    )
  // The mean over all, since a median of rounded milliseconds is off by up to a half.
  const interval = off === 0 ? (times[times.length - 1] - times[0]) / gaps.length : median
  const count = Math.round((times[times.length - 1] - times[0]) / interval) + 1
  if (count > 2 * times.length)
    throw rateError(
      name,
      `it has ${times.length} samples, but its times reach over ${count}`,
      "more is missing than is there, or a time is wrong",
    )
  const values = recording.values.map(channel => betweenTimes(channel, times, interval, count))
  return { ...recording, rate: round(perSecond / interval), values }
}

/** So many values at even intervals, each along the line between its neighbours. */
function betweenTimes(
  channel: Float64Array,
  times: Float64Array,
  interval: number,
  count: number,
): Float64Array {
  const made = new Float64Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    const time = times[0] + i * interval
    while (at < times.length - 2 && times[at + 1] < time) at++
    const part = (time - times[at]) / (times[at + 1] - times[at])
    made[i] = channel[at] + (channel[at + 1] - channel[at]) * Math.min(1, Math.max(0, part))
  }
  return made
}

function rateError(name: string, what: string, cause: string, help?: string): Error {
  const error = damagedRecording(name, what, cause, help)
  return Object.assign(error, { code: "recording-rate" })
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
