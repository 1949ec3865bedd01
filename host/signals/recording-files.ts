/**
 * Recordings as files people have:
 *
 * - CSV: a row of names, then a row a sample. A column named time, timestamp, t or ms (with a unit after
 *   it, as "time (s)") says when; one named label or class says what; the others are channels.
 * - WAV: any sample rate and depth, mono or stereo. Values are −32,768…32,767 whatever the depth.
 * - JSON as Edge Impulse's data acquisition format has it (payload with values, sensors, interval_ms), and
 *   lists of { label, values or points, interval_ms }.
 *
 * A file has at most 256 MB and 16,777,216 values, 8 channels and 10,000 recordings; of JSON, at most
 * 8,388,608 values of any kind. All of it is checked before memory is taken for what a file claims.
 */
import { basename, extname } from "node:path"
import { z } from "zod"
import { messageOf } from "../base/errors"
import { readBytes } from "../base/input-file"
import { parseJson } from "../base/json-text"
import { MOST_NAME } from "../data/classes"
import {
  damagedRecording,
  MOST_CHANNELS,
  MOST_FILE_BYTES,
  MOST_RATE,
  type Recording,
} from "./recording"
import { readCsvRecording } from "./recording-csv"
import { readWav } from "./recording-wav"

export const RECORDING_ENDINGS = [".csv", ".wav", ".json"]
const MOST_RECORDINGS = 10_000
const JSON_BOUNDS = { values: 2 ** 23, depth: 8 }

/**
 * All recordings in a file.
 *
 * @param rate of files that do not say theirs
 * @throws WuxingError of kind "data": "recording-damaged", "recording-rate", "data-missing"; what
 *   `signal` gives
 */
export async function readRecordings(
  path: string,
  rate?: number,
  signal?: AbortSignal,
): Promise<Recording[]> {
  const ending = extname(path).toLowerCase()
  if (!RECORDING_ENDINGS.includes(ending))
    throw damagedRecording(
      path,
      `"${ending}" is not read`,
      `it is none of ${RECORDING_ENDINGS.join(", ")}`,
    )
  const recordings =
    ending === ".csv"
      ? await readCsvRecording(path, rate, signal)
      : ending === ".wav"
        ? readWav(bytesOf(path), path)
        : readJson(bytesOf(path), path, rate)
  if (recordings.length > MOST_RECORDINGS)
    throw damagedRecording(
      path,
      `it holds ${recordings.length} recordings, at most ${MOST_RECORDINGS} are read`,
      "its labels change with every sample, or it is a table of something else",
    )
  for (const recording of recordings) check(recording)
  return recordings
}

function bytesOf(path: string): Buffer {
  try {
    return readBytes(path, MOST_FILE_BYTES)
  } catch (error) {
    throw damagedRecording(
      path,
      messageOf(error),
      "it is missing, too large, no regular file, or you may not read it",
    )
  }
}

function check({ name, values, channels, label = "", rate }: Recording): void {
  if (channels.length > MOST_CHANNELS)
    throw damagedRecording(
      name,
      `it has ${channels.length} channels, at most ${MOST_CHANNELS} are read`,
      "it is a table of something else",
    )
  if (values.length === 0 || values[0].length < 2)
    throw damagedRecording(name, "it holds fewer than two samples", "it is empty, or was cut short")
  if (label.length > MOST_NAME || channels.some(channel => channel.length > MOST_NAME))
    throw damagedRecording(
      name,
      `its label, or a channel's name, has more than ${MOST_NAME} characters`,
      "it is another text than a name",
    )
  if (rate !== undefined && !(rate > 0 && rate <= MOST_RATE))
    throw damagedRecording(
      name,
      `it has ${rate} samples a second, expected up to ${MOST_RATE}`,
      "its header or its times are wrong",
    )
}

// Lists are checked value by value, and no further than the first that is wrong.
const rowsSchema = z.custom<unknown[]>(Array.isArray)
const sensorsSchema = z.custom<{ name: string }[]>(
  value =>
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MOST_CHANNELS &&
    value.every(sensor => typeof sensor?.name === "string"),
)
const edgeImpulseSchema = z.object({
  payload: z.object({
    label: z.string().optional(),
    interval_ms: z.number().positive(),
    sensors: sensorsSchema,
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
      sensors: sensorsSchema.optional(),
    }),
  )
  .min(1)

function readJson(bytes: Buffer, path: string, rate?: number): Recording[] {
  let json: unknown
  try {
    json = parseJson(bytes, JSON_BOUNDS)
  } catch (error) {
    throw damagedRecording(path, messageOf(error), "it was cut short, or is no such JSON file")
  }
  if (Array.isArray(json) && json.length > MOST_RECORDINGS)
    throw damagedRecording(
      path,
      `it lists ${json.length} recordings, at most ${MOST_RECORDINGS} are read`,
      "it is a list of something else",
    )
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
      `it has no payload with values, interval_ms and 1 to ${MOST_CHANNELS} sensors`,
    )
  return list.data.map(({ label, values, points, interval_ms, sensors }, i) => {
    const rows = values ?? points ?? []
    const name = `${path}#${i}`
    const width = Array.isArray(rows[0]) ? Math.min(rows[0].length, MOST_CHANNELS) : 1
    const names = sensors?.map(s => s.name) ?? "xyzabcde".slice(0, width).split("")
    return {
      ...{ name, channels: names, values: columnsOf(name, rows, names.length) },
      rate: interval_ms === undefined ? rate : round(1000 / interval_ms),
      ...(label !== undefined && { label: String(label) }),
    }
  })
}

/** @param rows of each sample its values, or the one it has */
function columnsOf(name: string, rows: unknown[], channels: number): Float64Array[] {
  const columns = Array.from({ length: channels }, () => new Float64Array(rows.length))
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    const count = Array.isArray(row) ? row.length : 1
    if (count !== channels)
      throw damagedRecording(
        name,
        `sample ${i + 1} has ${count} values, expected ${channels}`,
        "a sensor was lost while it was recorded, or channels are missing in the list of sensors",
      )
    for (let c = 0; c < channels; c++) {
      const value: unknown = Array.isArray(row) ? row[c] : row
      if (typeof value !== "number" || !Number.isFinite(value))
        throw damagedRecording(
          name,
          `sample ${i + 1} holds what is no number`,
          "a value is missing, or text",
        )
      columns[c][i] = value
    }
  }
  return columns
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

/** The label a file's name gives: what is before the first point or underscore. */
export function labelOfName(path: string): string {
  return basename(path).split(/[._]/)[0]
}
