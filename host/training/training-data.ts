/** The images to train and test with, by what a user calls them. */
import { createHash } from "node:crypto"
import { realClock, takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { FASHION_CLASSES, readFashion } from "../data/fashion"
import { openFolder } from "../data/folder"
import { drawHeldOut, drawOrder } from "../data/held-out"
import { likenessOf } from "../data/likeness"
import { CLASSES, readMnist } from "../data/mnist"
import type { RangeChoice } from "../data/range"
import type { Part, Source } from "../data/source"
import { isTable, openTable } from "../data/table-source"
import type { Model } from "../models/model-file"
import { type Network, signalsOf } from "../network/network"
import type { SignalDescription } from "../signals/description"
import type { Variation } from "../signals/vary"
import type { DataRecord } from "./data-record"

/** Images of one size, row by row, one byte a pixel, one image behind the other. */
export interface Images {
  images: Uint8Array
  labels: Uint8Array
  count: number
  /** Pixels of a row. */
  width: number
  height: number
}

/**
 * What the `test` images are: a part the data calls so (or data that was never learnt from), samples
 * drawn and kept apart from training, or the training samples themselves where none could be kept apart.
 */
export type Testing = "test" | "heldOut" | "train"

export interface TrainingData {
  /** What the data is called in records: "mnist", "fashion-mnist", or the path given. */
  name: string
  /** Names of the labels 0, 1, … */
  classes: string[]
  /** Read when first asked for. */
  readonly train: Images
  readonly test: Images
  /** Of recordings: how their windows became images. */
  signal?: SignalDescription
  /** Of recordings: how they were chosen, for a model's record. */
  recordings?: RecordingChoice
  /** Default: "test". */
  testing?: Testing
  /** Training images at the end that the data itself keeps apart to choose settings by. Default: 0. */
  validation?: number
  /** Training images there are, where not all of them were asked for. */
  available?: number
  /** Where each board has its own: which of the samples are whose. */
  own?: OwnPart[]
  /** What a model keeps of it. */
  record?: DataRecord
  /** What was decided about it, and what should be known: for people, a line each. */
  notes?: string[]
}

/** Samples from … to−1. */
export interface Range {
  from: number
  to: number
}

/** What one board has of the data. */
export interface OwnPart {
  name: string
  train: Range
  test: Range
}

/** Which recordings are learnt and which are for test; regular expressions as texts. */
export type RecordingChoice = {
  rate?: number
  testNames?: string
  testEvery?: number
  trainNames?: string
  /** Variants of those that are learnt. */
  vary?: Variation
}

export interface DataOptions {
  /** Names of the classes the network has learnt, if it has, and how its data was taken. */
  classes?: string[]
  record?: DataRecord
  /** Of a table: the class's column, and what becomes 0 and 255. */
  label?: string
  range?: RangeChoice
  /** By which samples are held out and the others put in order. Default: 1. */
  seed?: number
  /** Training images to learn, and to keep apart at their end: all others are left unread. */
  limit?: number
  validation?: number
  /** Only `test` is needed; of data that was never learnt from, that is all of it. */
  testOnly?: boolean
  signal?: AbortSignal
}

/** Images in memory; less where small ones are scaled up, which a small file could ask for. */
const MOST_SET_BYTES = 2 ** 30
const MOST_SCALED_BYTES = 320 * 2 ** 20
/** So long without looking at a signal, ms. */
const BUSY_MS = 50
/** Fashion-MNIST by its name. */
const FASHION = "fashion-mnist"

/** What its samples are called, where people read it. */
export function samplesOf({ signal, record }: Pick<TrainingData, "signal" | "record">): string {
  return signal ? "samples" : record?.kind === "table" ? "rows" : "images"
}

/**
 * @param what "mnist" (the packaged files, or the folder in WUXING_MNIST), "fashion-mnist" (data/fashion.ts),
 *   or a folder of IDX files or pictures, which are scaled to the network's input, or CSV
 * @throws WuxingError of kind "data", as readMnist, readFashion, openFolder and openTable; for files at once
 */
export async function readTrainingData(
  what: string,
  network: Network,
  options: DataOptions = {},
): Promise<TrainingData> {
  if (what === "mnist") return mnistData()
  if (what === FASHION) return fashionData()
  const source = await openData(what, network, options)
  const { record } = options
  const labels = createHash("sha256").update(source.train.labels).digest("hex")
  // The same samples in the same order: then what was held out must be so again.
  const known = record && [record, ...(record.parts ?? [])].find(part => part.labels === labels)
  const same = known !== undefined
  const seed = same ? record!.seed : (options.seed ?? 1)
  const notes = [`${what}: ${source.says}`, ...source.notes.map(note => `note: ${note}`)]
  const { train } = source
  const count = train.labels.length
  let testing: Testing = "test"
  let held: number[] = []
  if (!source.test && (same || !options.testOnly)) {
    held = known?.heldOut === 0 ? [] : drawHeldOut(train.labels, seed)
    testing = held.length > 0 ? "heldOut" : "train"
    notes.push(
      held.length > 0
        ? `no test part: ${held.length} of the ${count} samples are held out (of each class the same share, seed ${seed})`
        : "note: no test part, and too few samples of each class to hold any out: figures are of the training samples",
    )
  }
  const own = source.validation ? source.validation.labels.length : 0
  if (own > 0 && options.validation !== undefined && options.validation !== own)
    throw new WuxingError({
      code: "usage",
      kind: "usage",
      message: `--validation is ${options.validation}, but ${what} has a validation part of its own, of ${own} samples`,
      cause: "one of the two can be measured on, not both",
      help: "leave out --validation",
    })
  const fresh = own > 0 ? 0 : (options.validation ?? 0)
  const wanted = (options.limit ?? count) + fresh
  const { signal } = options
  const frame = { width: source.width, height: source.height }
  const read = (part: Part, indices: ArrayLike<number> & Iterable<number>) =>
    materialise(part, indices, frame, signal)
  const all = (part: Part) => Int32Array.from({ length: part.labels.length }, (_, i) => i)
  const learning = options.testOnly
    ? undefined
    : joinedImages([
        await read(train, drawOrder(count, held, wanted, seed)),
        ...(source.validation ? [await read(source.validation, all(source.validation))] : []),
      ])
  const test = source.test
    ? await read(source.test, all(source.test))
    : await read(train, testing === "heldOut" ? held : all(train))
  const pixels = source.width * source.height
  return {
    name: what,
    classes: source.classes,
    train: learning ?? test,
    test,
    ...{ testing, notes, validation: own, available: count - held.length + own },
    record: {
      ...{ kind: source.kind, frame, seed, heldOut: held.length, labels },
      ...(source.range && { range: source.range }),
      ...(source.label !== undefined && { label: source.label }),
      ...(learning &&
        source.kind !== "table" && {
          likeness: likenessOf(learning.images, pixels, source.width),
        }),
    },
  }
}

function mnistData(): TrainingData {
  const mnist = readMnist()
  return {
    name: "mnist",
    classes: Array.from({ length: CLASSES }, (_, i) => String(i)),
    get train() {
      return mnist.train
    },
    get test() {
      return mnist.test
    },
  }
}

/** The data of that name; each part is read when it is first asked for. */
function fashionData(): TrainingData {
  return {
    name: FASHION,
    classes: FASHION_CLASSES,
    get train() {
      return readFashion("train")
    },
    get test() {
      return readFashion("test")
    },
  }
}

/** Is it one of the sets that come by npm? */
export function isPackaged(name: string): boolean {
  return name === "mnist" || name === FASHION
}

/** What a model is measured on where nobody says: the set of these names it has learnt from, else MNIST. */
export function usualData({ training }: Model): string {
  return training?.data === FASHION ? FASHION : "mnist"
}

/** Data before any of it is taken. @throws as readTrainingData */
export async function openData(
  what: string,
  network: Network,
  options: DataOptions,
): Promise<Source> {
  const { record, classes, signal } = options
  const source = {
    ...{ pixels: network.width, outputs: signalsOf(network, network.layers.length) },
    ...{ classes, signal },
    frame: record?.frame,
  }
  if (isTable(what))
    return await openTable(what, {
      ...source,
      ...{
        range: record?.range,
        label: options.label ?? record?.label,
        rangeChoice: options.range,
      },
    })
  for (const [flag, given] of [
    ["--label", options.label],
    ["--range", options.range],
  ])
    if (given !== undefined)
      throw new WuxingError({
        code: "usage",
        kind: "usage",
        message: `${flag} is about tables, and ${what} is none`,
        cause: "it is a folder of pictures or of IDX files, or no file at all",
        help: `leave out ${flag}, or name a CSV file`,
      })
  return openFolder(what, source)
}

async function materialise(
  part: Part,
  indices: ArrayLike<number> & Iterable<number>,
  { width, height }: { width: number; height: number },
  signal?: AbortSignal,
): Promise<Images> {
  const pixels = width * height
  const count = indices.length
  const most = part.scaledUp ? MOST_SCALED_BYTES : MOST_SET_BYTES
  if (count * pixels > most)
    throw new WuxingError({
      code: "data-unreadable",
      kind: "data",
      message: `${part.path} cannot be read: ${count} images of ${width}x${height} pixels are ${count * pixels} bytes, at most ${most} are taken`,
      cause: "there are too many, or they are much smaller than the network's input",
      help: "learn fewer of them (--limit), or name a network of fewer inputs",
    })
  const images = new Uint8Array(count * pixels)
  const labels = new Uint8Array(count)
  let at = realClock.now()
  let i = 0
  for (const sample of indices) {
    part.fill(sample, images.subarray(i * pixels, (i + 1) * pixels))
    labels[i] = part.labels[sample]
    i++
    if ((i & 15) !== 0 || realClock.now() - at < BUSY_MS) continue
    await takeTurns()
    signal?.throwIfAborted()
    at = realClock.now()
  }
  return { images, labels, count, width, height }
}

/** Images from … to−1, which stay where they are. */
export function slicedImages(all: Images, from: number, to: number): Images {
  const pixels = all.width * all.height
  return {
    ...all,
    images: all.images.subarray(from * pixels, to * pixels),
    labels: all.labels.subarray(from, to),
    count: to - from,
  }
}

/** Images of one size in one piece, in the order given. */
export function joinedImages(parts: readonly Images[]): Images {
  if (parts.length === 1) return parts[0]
  const put = (pieces: Uint8Array[]) => {
    const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const piece of pieces) {
      all.set(piece, at)
      at += piece.length
    }
    return all
  }
  return {
    ...parts[0],
    images: put(parts.map(({ images }) => images)),
    labels: put(parts.map(({ labels }) => labels)),
    count: parts.reduce((sum, { count }) => sum + count, 0),
  }
}
