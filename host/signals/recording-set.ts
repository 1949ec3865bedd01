/**
 * Labelled recordings of a folder or a file:
 *
 *     gestures/                gestures/             gestures/
 *       wave/  1.csv 2.csv       wave.1.json           training/ wave.1.json …
 *       shake/ 1.csv             shake.1.json          testing/  …
 *
 * The label is what the file itself says, else the class folder's name, else the file's name up to its
 * first point or underscore.
 */
import { readdirSync, statSync } from "node:fs"
import { basename, extname, join, relative, sep } from "node:path"
import { takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { counted } from "../base/numbers"
import { namesOfClasses } from "../data/classes"
import {
  damagedRecording,
  faultOfRecording,
  lengthOf,
  type Recording,
  resampleTo,
} from "./recording"
import { isSignalTable } from "./recording-csv"
import { labelOfName, RECORDING_ENDINGS, readRecordings } from "./recording-files"

export interface RecordingSetOptions {
  /** Samples a second to bring all to; absent: as recorded, of the first one. */
  rate?: number
  /** Recordings whose name matches are for test; absent: see `split`. */
  testNames?: RegExp
  /** One of so many of each class, from the first on, is for test where no name or folder says. */
  testEvery?: number
  /** Only recordings whose name matches are learnt. */
  trainNames?: RegExp
  /** Names of the classes a network has learnt. */
  classes?: string[]
  /** Outputs of the network. */
  outputs?: number
  signal?: AbortSignal
}

export interface RecordingSet {
  train: Recording[]
  test: Recording[]
  classes: string[]
  channels: string[]
  rate: number
  /** What a user should know of it, a sentence each. */
  notes: string[]
}

/** Of recordings that nobody has split: one of so many of each class is for test. */
const TEST_EVERY = 5
const SPLITS = { train: ["train", "training"], test: ["test", "testing"] }
/** Rates that differ by less are one: a clock's error. */
const SAME_RATE = 0.02

/**
 * Are there recordings at this path, not pictures or tables of samples? A CSV file of numbers in a folder
 * of its class is one, whatever its columns are called: tables do not lie in such folders.
 */
export function isRecordings(path: string): boolean {
  const files = filesOf(path, 40)
  return files.length > 0 && files.every(file => looksLikeRecording(path, file))
}

function looksLikeRecording(root: string, path: string): boolean {
  if (extname(path).toLowerCase() !== ".csv") return true
  try {
    return isSignalTable(path, relative(root, path).includes(sep))
  } catch {
    // Whoever reads it says what is wrong with it.
    return false
  }
}

const natural = new Intl.Collator("en", { numeric: true }).compare

/** Files with an ending of recordings, up to two folders deep, in natural order. */
function filesOf(path: string, most = Number.POSITIVE_INFINITY): string[] {
  const found: string[] = []
  const visit = (at: string, depth: number) => {
    const stat = statSync(at, { throwIfNoEntry: false })
    if (!stat || found.length >= most) return
    if (!stat.isDirectory()) {
      if (RECORDING_ENDINGS.includes(extname(at).toLowerCase())) found.push(at)
      return
    }
    if (depth > 2) return
    const names = readdirSync(at).filter(name => !name.startsWith("."))
    for (const name of names.sort(natural)) visit(join(at, name), depth + 1)
  }
  visit(path, 0)
  return found
}

/**
 * @throws WuxingError of kind "data": "recording-damaged", "recording-rate", "recording-mixed",
 *   "data-classes"
 */
export async function readRecordingSet(
  path: string,
  options: RecordingSetOptions = {},
): Promise<RecordingSet> {
  const all: Entry[] = []
  for (const file of filesOf(path)) {
    all.push(...labelled(path, file, await readRecordings(file, options.rate, options.signal)))
    await takeTurns()
    options.signal?.throwIfAborted()
  }
  if (all.length === 0)
    throw damagedRecording(
      path,
      "it holds no recordings",
      `none of its files ends with ${RECORDING_ENDINGS.join(", ")}`,
    )
  const [first] = all
  const { channels } = first.recording
  const other = all.find(({ recording }) => recording.channels.join() !== channels.join())
  if (other) throw mixedChannels(first.recording, other.recording, all)
  const rate = options.rate ?? first.recording.rate
  if (rate === undefined)
    throw mixed(
      `${first.recording.name} does not say how many samples a second it has`,
      `it has neither interval_ms nor a column of times, called time or ms: its columns are ${channels.join(", ")}`,
      "give --rate, in samples a second, for example --rate 50",
    )
  const notes: string[] = []
  const faults = new Map(all.map(({ recording }) => [recording, faultOfRecording(recording)]))
  const kept = all.filter(({ recording }) => faults.get(recording) !== "empty")
  for (const [what, then] of [
    ["empty", "its channels never move; such are left out"],
    ["clipped", "it stays at its sensor's limit again and again"],
  ]) {
    const some = all.filter(({ recording }) => faults.get(recording) === what)
    if (some.length > 0)
      notes.push(`${some.length} recordings are ${what} (first ${some[0].recording.name}): ${then}`)
  }
  const differing = kept.filter(
    ({ recording: r }) => r.rate !== undefined && Math.abs(r.rate / rate - 1) > SAME_RATE,
  )
  if (differing.length > 0)
    notes.push(
      `${differing.length} recordings of another rate (${differing[0].recording.rate} Hz) were brought to ${rate} Hz`,
    )
  const ready = kept.map(entry => ({
    ...entry,
    recording:
      Math.abs((entry.recording.rate ?? rate) / rate - 1) > SAME_RATE
        ? resampleTo(entry.recording, rate)
        : entry.recording,
  }))
  const classes =
    options.classes ??
    namesOfClasses(
      ready.map(({ recording }) => recording.label!),
      options.outputs,
      path,
    )
  const unknown = ready.find(({ recording }) => !classes.includes(recording.label!))
  if (unknown)
    throw mixed(
      `${unknown.recording.name} is of class "${unknown.recording.label}", which is none of: ${classes.join(", ")}`,
      "the network was trained on other recordings, or the class is misspelt",
    )
  if (classes.length === 1)
    notes.push(
      `all recordings are of one class (${classes[0]}): there is nothing to tell apart; a folder a class is expected`,
    )
  return { ...split(ready, options, notes), classes, channels, rate, notes }
}

/** All recordings at a path, in natural order. @throws WuxingError "recording-damaged" */
export async function recordingsAt(
  path: string,
  rate?: number,
  signal?: AbortSignal,
): Promise<Recording[]> {
  const all: Recording[] = []
  for (const file of filesOf(path)) all.push(...(await readRecordings(file, rate, signal)))
  if (all.length > 0) return all
  throw damagedRecording(
    path,
    "it holds no recordings",
    `none of its files ends with ${RECORDING_ENDINGS.join(", ")}`,
  )
}

interface Entry {
  recording: Recording
  split?: "train" | "test"
}

function labelled(root: string, file: string, recordings: Recording[]): Entry[] {
  const folders = relative(root, file).split("/").slice(0, -1)
  const found = Object.entries(SPLITS).find(([, names]) => names.includes(folders[0]))
  const inside = found ? folders.slice(1) : folders
  const byPlace = inside.at(-1) ?? labelOfName(file)
  return recordings.map(recording => ({
    recording: { ...recording, label: recording.label ?? byPlace },
    ...(found && { split: found[0] as "train" | "test" }),
  }))
}

function split(
  entries: Entry[],
  { testNames, trainNames, testEvery = TEST_EVERY }: RecordingSetOptions,
  notes: string[],
): { train: Recording[]; test: Recording[] } {
  const nameOf = (entry: Entry) => basename(entry.recording.name)
  let isTest: (entry: Entry) => boolean
  if (testNames) isTest = entry => testNames.test(nameOf(entry))
  else if (entries.some(entry => entry.split === "test")) isTest = entry => entry.split === "test"
  else {
    const seen = new Map<string, number>()
    const chosen = new Set<Entry>()
    for (const entry of entries) {
      const label = entry.recording.label!
      const number = seen.get(label) ?? 0
      seen.set(label, number + 1)
      if (number % testEvery === 0) chosen.add(entry)
    }
    const few = [...seen].find(([, count]) => count < 2)
    if (few)
      throw mixed(
        `there is one recording of "${few[0]}", and one of each class is for test`,
        "no more were recorded yet, or this is the folder of one class",
        "record more of it; name the folder above that of a class; or keep test recordings in a folder `test` beside `train`",
      )
    notes.push(`one of ${testEvery} recordings of each class is kept for test`)
    isTest = entry => chosen.has(entry)
  }
  const test = entries.filter(isTest)
  const train = entries.filter(
    entry => !isTest(entry) && (trainNames === undefined || trainNames.test(nameOf(entry))),
  )
  for (const [what, some] of Object.entries({ train, test }))
    if (some.length === 0)
      throw mixed(
        `no recording is left to ${what === "test" ? "test with" : "learn from"}`,
        "the names asked for match all of them, or none",
        "change --test-names or --train-names",
      )
  return { train: train.map(e => e.recording), test: test.map(e => e.recording) }
}

/** Cuts recordings into windows; what is shorter gives none. */
export function cutWindows(recordings: Recording[], length: number, hop: number): Recording[] {
  return recordings.flatMap(recording => {
    const count = Math.max(0, Math.floor((lengthOf(recording) - length) / hop) + 1)
    return Array.from({ length: count }, (_, i) => ({
      ...recording,
      name: `${recording.name}@${i * hop}`,
      values: recording.values.map(channel => channel.subarray(i * hop, i * hop + length)),
    }))
  })
}

/** Which is the odd one out nobody can know: both are counted and named. */
function mixedChannels(first: Recording, other: Recording, all: Entry[]): WuxingError {
  const some = (one: Recording) => {
    const same = all.filter(
      ({ recording }) => recording.channels.join() === one.channels.join(),
    ).length
    const others = same > 1 ? ` and ${counted(same - 1, "other")}` : ""
    return `${one.name}${others} ${same > 1 ? "have" : "has"}`
  }
  const channels = (one: Recording) => `the channels ${one.channels.join(", ")}`
  if (![first, other].every(({ name }) => extname(name).toLowerCase() === ".wav"))
    return mixed(
      `${some(other)} ${channels(other)}, but ${some(first)} ${channels(first)}`,
      "recordings of different sensors are in one folder",
    )
  const sound = ({ channels: { length } }: Recording) =>
    length === 1 ? "one channel (mono)" : `${length} channels${length === 2 ? " (stereo)" : ""}`
  return mixed(
    `${some(other)} ${sound(other)}, but ${some(first)} ${sound(first)}`,
    "they come from different microphones or programs",
    "bring those of more channels to one: ffmpeg -i x.wav -ac 1 y.wav, and keep only y.wav",
  )
}

function mixed(
  message: string,
  cause: string,
  help = "keep recordings of one sensor in one folder",
): WuxingError {
  return new WuxingError({ code: "recording-mixed", kind: "data", message, cause, help })
}
