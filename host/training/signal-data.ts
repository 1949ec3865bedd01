/** Recordings as training data: windows, their features by the core, a byte each. */
import { messageOf, WuxingError } from "../base/errors"
import { counted } from "../base/numbers"
import { drawSamples } from "../data/samples"
import type { Model } from "../models/model-file"
import { chooseFeatures } from "../signals/choose"
import type { Features, SignalDescription } from "../signals/description"
import { leastOf, widthOf } from "../signals/plan"
import {
  faultOfRecording,
  MOST_SAMPLE,
  type Recording,
  resampleTo,
  toSamples,
} from "../signals/recording"
import { readRecordings } from "../signals/recording-files"
import {
  cutWindows,
  isRecordings,
  type RecordingSet,
  readRecordingSet,
} from "../signals/recording-set"
import { segmentCut, trimFor } from "../signals/segment-cut"
import { type Variation, variationText, varied } from "../signals/vary"
import { FeatureEngine } from "./feature-engine"
import { classesOf, dataOf, recordingsOf } from "./training"
import {
  type DataOptions,
  type Images,
  type RecordingChoice,
  readTrainingData,
  type TrainingData,
} from "./training-data"

export interface SignalOptions extends RecordingChoice {
  /** Seconds of a window that recordings are cut into; absent: taken whole. */
  window?: number
  /** As chooseFeatures takes it. */
  features?: string
  /** Samples that will be kept apart at the end, so that no variant of them is learnt. */
  validation?: number
}

export interface SignalData extends TrainingData {
  signal: SignalDescription
  /** What was found, a line each. */
  notes: string[]
  /** Boards whose own each window is, where recordings say so. */
  owners: { train: number[]; test: number[] }
}

const ORDER_SEED = 1
const ORDER_SALT = 0x7267

/**
 * Whatever data a user names, for a model that is there: recordings where it reads a signal.
 *
 * @param choice which recordings; absent: as the model was taught
 * @param options of other data
 * @throws WuxingError as readTrainingData or readSignalData
 */
export async function readDataFor(
  what: string,
  model: Model,
  choice?: SignalOptions,
  options: DataOptions = {},
): Promise<TrainingData> {
  const { network, signal } = model
  const classes = classesOf(model)
  if (!signal) return await readTrainingData(what, network, { ...dataOf(model), ...options })
  if (!isRecordings(what))
    throw short(
      `${what} holds no recordings, and ${network.name} reads a signal`,
      "it is a folder of pictures, a table of samples, or does not exist",
      "name a folder of recordings (CSV, WAV, JSON), one folder a class",
    )
  return await readSignalData(
    what,
    {
      ...{ validation: options.validation, ...recordingsOf(model), ...choice },
      // Only what is learnt is varied.
      ...(options.testOnly && { vary: undefined }),
    },
    { signal, classes },
    options.signal,
  )
}

function patternOf(option: string, text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new WuxingError(
      {
        code: "usage",
        kind: "usage",
        message: `${option} "${text}" is no regular expression: ${messageOf(error)}`,
        cause: "a bracket or parenthesis is not closed",
        help: 'for example --test-names "_[0-4][.]"',
      },
      { cause: error },
    )
  }
}

/**
 * @param learnt what a model that is trained already says of its signal and classes
 * @param stop ends the reading with its reason
 * @throws WuxingError of kind "data", as readRecordingSet; "recording-short"; "usage" as chooseFeatures
 */
export async function readSignalData(
  what: string,
  options: SignalOptions,
  learnt: { signal?: SignalDescription; classes?: string[]; outputs?: number } = {},
  stop?: AbortSignal,
): Promise<SignalData> {
  return await signalDataOf(what, await recordingsFor(what, options, learnt, stop), options, learnt)
}

/**
 * Recordings as `readSignalData` takes them, before anything is made of them.
 *
 * @throws WuxingError of kind "data", as readRecordingSet; "usage" for a pattern that is none
 */
export async function recordingsFor(
  what: string,
  { rate, testNames, testEvery, trainNames }: SignalOptions,
  {
    signal,
    classes,
    outputs,
  }: { signal?: SignalDescription; classes?: string[]; outputs?: number },
  stop?: AbortSignal,
): Promise<RecordingSet> {
  return await readRecordingSet(what, {
    ...{ classes, outputs, rate: rate ?? signal?.features.rate, signal: stop },
    ...(testEvery !== undefined && { testEvery }),
    ...(testNames !== undefined && { testNames: patternOf("--test-names", testNames) }),
    ...(trainNames !== undefined && { trainNames: patternOf("--train-names", trainNames) }),
  })
}

/**
 * Data of recordings that were read.
 *
 * @param what they are called in records
 * @throws WuxingError of kind "data": "recording-short"; "usage" as chooseFeatures
 */
export async function signalDataOf(
  what: string,
  set: RecordingSet,
  options: SignalOptions,
  learnt: { signal?: SignalDescription } = {},
): Promise<SignalData> {
  const { testNames, testEvery, trainNames } = options
  // In an order of its own, so that the last ones, which may be kept apart, are of all classes.
  const order = drawSamples(set.train.length, set.train.length, ORDER_SEED, ORDER_SALT)
  const train = order.map(i => set.train[i])
  const signal = learnt.signal ?? { features: described(set, options) }
  const { features } = signal
  if (features.channels.length !== set.channels.length)
    throw wrongChannels(what, set.channels, features)
  const notes = [describe(set), ...set.notes]
  if (!learnt.signal && features.kind === "trace" && features.trim)
    notes.push(`still ends are left out (trim=${features.trim.bits})`)
  else if (!learnt.signal && features.kind === "trace" && features.cut?.by === "segment")
    notes.push(
      "learnt from end to end; a stream's segments lack still ends: try `watch --recordings`, or trim=2",
    )
  const engine = await FeatureEngine.start(features)
  const { vary, validation = 0 } = options
  const shown = vary ? withVariants(train, vary, features, { validation, notes }) : train
  const learning = imagesOf(engine, shown, set.classes, notes)
  const testing = imagesOf(engine, set.test, set.classes, notes)
  return {
    name: what,
    classes: set.classes,
    ...{ train: learning.images, test: testing.images },
    owners: { train: learning.owners, test: testing.owners },
    ...{ signal, notes },
    recordings: {
      ...(options.rate !== undefined && { rate: options.rate }),
      ...(testNames !== undefined && { testNames }),
      ...(testEvery !== undefined && { testEvery }),
      ...(trainNames !== undefined && { trainNames }),
      ...(vary && { vary }),
    },
  }
}

/**
 * Each recording that is learnt and its variants, then those of which the last samples are kept apart for
 * validation: of these there are none, nor of those that are too short for any.
 */
function withVariants(
  train: Recording[],
  vary: Variation,
  features: Features,
  { validation, notes }: { validation: number; notes: string[] },
): Recording[] {
  const { cut, unit } = features
  if (vary.turn > 0 && features.channels.length < 2)
    throw new WuxingError({
      code: "usage",
      kind: "usage",
      message: `--vary turn=${vary.turn} turns channels about each other, and these recordings have one`,
      cause: "it is of movements, which have two or three channels",
      help: "leave turn out",
    })
  const needed = neededOf(features)
  const samplesOf = (recording: Recording) => {
    if (cut?.by === "window") return cutWindows([recording], cut.length, cut.hop).length
    return recording.values[0].length < needed ? 0 : 1
  }
  let apart = 0
  let end = train.length
  while (end > 0 && apart < validation) apart += samplesOf(train[--end])
  const varying = train.slice(0, end).filter(recording => samplesOf(recording) > 0)
  const variants = Array.from({ length: vary.copies }, (_, copy) =>
    varying.map((recording, i) => varied(recording, vary, i, copy, needed)),
  ).flat()
  notes.push(`learnt with ${variants.length} variants (${variationText(vary)})`)
  const isLost = (v: number) => Math.abs(v * unit) > MOST_SAMPLE
  const clipped = variants.filter(({ values }) => values.some(channel => channel.some(isLost)))
  if (clipped.length > 0)
    notes.push(
      `${clipped.length} of the variants go beyond what 16 bits hold, and are cut off there: try less of size, stretch and noise`,
    )
  return [...train.slice(0, end), ...variants, ...train.slice(end)]
}

/** Samples of a recording from which it gives any features. */
function neededOf(features: Features): number {
  return features.cut?.by === "window" ? features.cut.length : leastOf(features)
}

/**
 * Features of a file's recording: of its middle window where the network reads windows.
 *
 * @throws WuxingError of kind "data": "recording-damaged", "recording-short", "recording-mixed"
 */
export async function featuresOfFile(
  path: string,
  { features }: SignalDescription,
  note: (text: string) => void,
  stop?: AbortSignal,
): Promise<Uint8Array> {
  const all = await readRecordings(path, features.rate, stop)
  if (all.length > 1) note(`${path} holds ${all.length} recordings, the first is taken`)
  const [recording] = all
  if (recording.channels.length !== features.channels.length)
    throw wrongChannels(path, recording.channels, features)
  const fault = faultOfRecording(recording)
  if (fault) note(`${path} is ${fault}`)
  const ready = resampleTo(recording, features.rate)
  const engine = await FeatureEngine.start(features)
  const { cut } = features
  const windows = cut?.by === "window" ? cutWindows([ready], cut.length, cut.hop) : [ready]
  const window = windows[windows.length >> 1]
  const made = window && engine.of(toSamples(window, features.unit))
  if (made) return made
  throw short(
    `${path} has ${ready.values[0].length} samples, fewer than a window takes`,
    "it was cut short, or recorded more slowly than the network expects",
  )
}

function wrongChannels(what: string, channels: string[], features: Features): WuxingError {
  return short(
    `${what} has ${channels.length} channels (${channels.join(", ")}), but the network reads ${features.channels.length} (${features.channels.join(", ")})`,
    "the network was trained on another sensor",
    "name other recordings, or train a network for these",
  )
}

function described(set: RecordingSet, { window, features }: SignalOptions): Features {
  const chosen = chooseFeatures(set, features)
  if (window === undefined) {
    const says = /\btrim=/.test(features ?? "") || chosen.kind !== "trace"
    const trim = says ? chosen.trim : trimFor(set.train, chosen)
    const read = { ...chosen, trim }
    return { ...read, cut: segmentCut(set.train, read) }
  }
  const length = Math.round(window * set.rate)
  return { ...chosen, cut: { by: "window", length, hop: Math.max(1, length >> 1) } }
}

function describe({ train, test, classes, channels, rate }: RecordingSet): string {
  const lengths = train.map(r => r.values[0].length / rate).sort((a, b) => a - b)
  const [least, most] = [lengths[0], lengths[lengths.length - 1]].map(s => s.toFixed(2))
  return (
    `${train.length + test.length} recordings of ${counted(classes.length, "class")} (${classes.join(", ")}): ` +
    `${channels.join(", ")} at ${rate} Hz, ${least} to ${most} s`
  )
}

/** A window of a recording, and what a network reads of it. */
export interface SignalWindow {
  /** i16 little-endian, channels interleaved. */
  signal: Buffer
  features: Uint8Array
  label: number
  /** As its recording's. */
  owner?: number
}

/** Windows that are long enough. */
function windowsOf(
  engine: FeatureEngine,
  recordings: Recording[],
  classes: string[],
): SignalWindow[] {
  const { cut, unit } = engine.description
  const windows = cut?.by === "window" ? cutWindows(recordings, cut.length, cut.hop) : recordings
  return windows.flatMap(window => {
    const signal = toSamples(window, unit)
    const features = engine.of(signal)
    const label = classes.indexOf(window.label!)
    return features ? [{ signal, features, label, owner: window.owner }] : []
  })
}

/**
 * Windows of the recordings that are kept for test, for a model that reads a signal.
 *
 * @throws WuxingError as readDataFor
 */
export async function testWindows(what: string, model: Model): Promise<SignalWindow[]> {
  // What it refuses, this does.
  const { signal, classes } = (await readDataFor(what, model)) as SignalData
  const { rate, testEvery, testNames } = recordingsOf(model) ?? {}
  const set = await readRecordingSet(what, {
    ...{ classes, rate: rate ?? signal.features.rate },
    ...(testEvery !== undefined && { testEvery }),
    ...(testNames !== undefined && { testNames: patternOf("--test-names", testNames) }),
  })
  return windowsOf(await FeatureEngine.start(signal.features), set.test, set.classes)
}

/** @throws WuxingError "recording-short" if none is long enough */
function imagesOf(
  engine: FeatureEngine,
  recordings: Recording[],
  classes: string[],
  notes: string[],
): { images: Images; owners: number[] } {
  const { description, width } = engine
  const made = windowsOf(engine, recordings, classes)
  const needed = neededOf(description)
  if (made.length === 0)
    throw short(
      `none of ${recordings.length} recordings has ${needed} samples, as a window takes`,
      "they were cut too short, or --window is too long",
    )
  const shorter = recordings.filter(({ values }) => values[0].length < needed).length
  if (shorter > 0)
    notes.push(`${shorter} recordings are shorter than ${needed} samples, and were left out`)
  const images = new Uint8Array(made.length * width)
  for (const [i, { features }] of made.entries()) images.set(features, i * width)
  const row = description.kind === "bands" ? description.bands : width
  return {
    images: {
      ...{ images, count: made.length, width: row, height: width / row },
      labels: Uint8Array.from(made, ({ label }) => label),
    },
    owners: made.map(({ owner }) => owner ?? 0),
  }
}

/**
 * Network for data of which nobody has said: as small as serves, an output a class. What rings have made
 * of a sequence needs no hidden neurons.
 */
export function sizeFor({ signal, classes }: SignalData, hidden = 16): string {
  const sizes = [widthOf(signal.features), hidden, classes.length]
  return sizes.filter((_, i) => i !== 1 || signal.features.kind !== "reservoir").join("-")
}

function short(
  message: string,
  cause: string,
  help = "record longer, or give a shorter --window",
): WuxingError {
  return new WuxingError({ code: "recording-short", kind: "data", message, cause, help })
}
