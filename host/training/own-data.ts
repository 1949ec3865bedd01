/**
 * Boards that each learn data of their own: a folder a board, and in each what `--data` takes.
 *
 *     class/
 *       anna/   wave/ 1.csv …   shake/ 1.csv …
 *       ben/    wave/ 1.csv …   circle/ 1.csv …
 *
 * Folders are boards in the order of their names' characters, as the agents of a room are. Classes are
 * those of all folders together: a board need not know each of them.
 */
import { createHash } from "node:crypto"
import { WuxingError } from "../base/errors"
import { counted } from "../base/numbers"
import { namesOfClasses } from "../data/classes"
import { foldersIn, isSplitName } from "../data/folder"
import { likenessOf } from "../data/likeness"
import type { RangeChoice, ValueRange } from "../data/range"
import type { Source } from "../data/source"
import type { Model } from "../models/model-file"
import { signalsOf } from "../network/network"
import { isRecordings, type RecordingSet } from "../signals/recording-set"
import type { DataRecord } from "./data-record"
import { recordingsFor, type SignalData, type SignalOptions, signalDataOf } from "./signal-data"
import { classesOf, dataOf, recordingsOf } from "./training"
import {
  type Images,
  joinedImages,
  type OwnPart,
  openData,
  readTrainingData,
  slicedImages,
  type Testing,
  type TrainingData,
} from "./training-data"

/** As many as copies of a network may be averaged. */
const MOST_BOARDS = 64
/** Of one board's folder it says nothing. */
const ONE_CLASS = /^(note: )?all (samples|recordings) are of one class/

export interface OwnOptions {
  /** Samples of each board to learn; absent: all. */
  limit?: number
  /** By which samples are held out and put in order, as of other data. */
  seed?: number
  /** Of tables: the class's column, and what becomes 0 and 255. */
  label?: string
  range?: RangeChoice
  signal?: AbortSignal
}

interface Board {
  name: string
  path: string
}

/** What a board has, before the data of all stands in one piece. */
interface Part {
  train: Images
  validation?: Images
  /** Absent: nothing could be held out. */
  test?: Images
}

/**
 * @param dir with a folder a board
 * @param model what learns, if that is known before; recordings of its signal where it reads one
 * @param choice how recordings are read; absent: as the model was taught
 * @returns data of all boards; `own` says which samples are whose
 * @throws WuxingError "data-empty" (kind data) where there are no folders for boards; "data-mismatch"
 *   where their tables cannot be brought to one range; or as readTrainingData and readSignalData
 */
export async function readOwnData(
  dir: string,
  model: Model | undefined,
  choice: SignalOptions | undefined,
  options: OwnOptions,
): Promise<TrainingData | SignalData> {
  const boards = boardsIn(dir)
  if (model?.signal || boards.every(({ path }) => isRecordings(path)))
    return await ownSignals(dir, boards, model, choice, options)
  if (!model)
    throw new WuxingError({
      code: "usage",
      kind: "usage",
      message: `--model is missing, and not all folders of ${dir} hold recordings to size a network by`,
      cause: "pictures and tables do not say how large a network is to be",
      help: "name a size of inputs, hidden neurons and classes, for example --model 64-16-3",
    })
  return await ownSamples(dir, boards, model, options)
}

function boardsIn(dir: string): Board[] {
  const boards = foldersIn(dir)
  const part = boards.find(({ name }) => isSplitName(name))
  if (part)
    throw noBoards(
      `${dir} has a folder ${part.name}, which is a part of one set of data`,
      "it is data for all boards",
      `give --data ${dir}, or rename the folder if it is a board's`,
    )
  if (boards.length < 2 || boards.length > MOST_BOARDS)
    throw noBoards(
      `${dir} holds ${counted(boards.length, "folder")}, expected 2 to ${MOST_BOARDS}: one a board`,
      "it is the data of one board, or lies one folder higher or deeper",
    )
  return boards
}

async function ownSignals(
  dir: string,
  boards: Board[],
  model: Model | undefined,
  choice: SignalOptions | undefined,
  { limit, signal: stop }: OwnOptions,
): Promise<SignalData> {
  const { network, signal } = model ?? {}
  const outputs = network && signalsOf(network, network.layers.length)
  const taught = signal && classesOf(model!)
  const given = signal ? { ...recordingsOf(model!), ...choice } : (choice ?? {})
  const sets: RecordingSet[] = []
  for (const { path } of boards) {
    // A rate that nobody has asked for is the first board's.
    const rate = given.rate ?? sets[0]?.rate
    const learnt = { signal, classes: taught, outputs }
    sets.push(await recordingsFor(path, { ...given, rate }, learnt, stop))
  }
  const [first] = sets
  for (const [i, { channels }] of sets.entries())
    if (channels.join() !== first.channels.join())
      throw new WuxingError({
        code: "recording-mixed",
        kind: "data",
        message: `recordings of ${boards[i].path} have the channels ${channels.join(", ")}, but those of ${boards[0].path} have ${first.channels.join(", ")}`,
        cause: "the boards have different sensors",
        help: "record them with sensors of one kind",
      })
  if (
    sets.every(({ train, test }, i) => [...train, ...test].every(r => r.label === boards[i].name))
  )
    throw noBoards(
      `the folders of ${dir} are classes, each with recordings of its own name alone`,
      "it is data for all boards",
      `give --data ${dir}, or a folder a board, and in it a folder a class`,
    )
  const owned = (which: "train" | "test") =>
    sets.flatMap((set, owner) => set[which].map(recording => ({ ...recording, owner })))
  const data = await signalDataOf(
    dir,
    {
      ...{ train: owned("train"), test: owned("test"), rate: first.rate },
      classes: taught ?? unionOf(sets, outputs, dir),
      channels: first.channels,
      notes: sets.flatMap(({ notes }, i) => notes.filter(told).map(n => `${boards[i].name}: ${n}`)),
    },
    given,
    { signal },
  )
  const { train, test, owners } = data
  const parts = boards.map((_, board) => ({
    train: picked(train, owners.train, board, limit),
    test: picked(test, owners.test, board),
  }))
  return { ...data, ...inOnePiece(boards, parts, data) }
}

async function ownSamples(
  dir: string,
  boards: Board[],
  model: Model,
  options: OwnOptions,
): Promise<TrainingData> {
  const { network } = model
  const { label, range, limit, seed, signal } = options
  const { record: known, classes: taught } = dataOf(model)
  // First what all have in common.
  const sources: Source[] = []
  for (const { path } of boards)
    sources.push(
      await openData(path, network, { classes: taught, record: known, label, range, signal }),
    )
  const [first] = sources
  const other = sources.findIndex(({ kind }) => (kind === "table") !== (first.kind === "table"))
  if (other > 0)
    throw mismatch(
      `${boards[other].path} holds a ${sources[other].kind === "table" ? "table" : "set of pictures"}, and ${boards[0].path} does not`,
      "keep data of one kind in all folders",
    )
  const frame = known?.frame ?? { width: first.width, height: first.height }
  const common: DataRecord = {
    ...{ kind: first.kind, frame, seed: known?.seed ?? seed ?? 1, heldOut: 0, labels: "" },
    range: known?.range ?? rangeOf(sources, boards),
    label: first.label,
    parts: known?.parts,
  }
  const classes = taught ?? unionOf(sources, signalsOf(network, network.layers.length), dir)
  const all: TrainingData[] = []
  for (const { path } of boards)
    all.push(
      await readTrainingData(path, network, { classes, record: common, limit, seed, signal }),
    )
  const parts = all.map(({ train, test, validation = 0, testing }): Part => {
    const end = train.count - validation
    return {
      train: slicedImages(train, 0, end),
      ...(validation > 0 && { validation: slicedImages(train, end, train.count) }),
      ...(testing !== "train" && { test }),
    }
  })
  const notes = all.flatMap(data => data.notes?.filter(told) ?? [])
  const testing = all.every(each => each.testing === "test") ? "test" : "heldOut"
  const data = inOnePiece(boards, parts, { classes, notes, testing })
  const records = all.map(each => each.record!)
  return {
    ...{ name: dir, classes, ...data },
    record: {
      ...common,
      heldOut: records.reduce((sum, { heldOut }) => sum + heldOut, 0),
      labels: createHash("sha256").update(data.train.labels).digest("hex"),
      parts: records.map(({ labels, heldOut }) => ({ labels, heldOut })),
      ...(first.kind !== "table" && {
        likeness: likenessOf(data.train.images, frame.width * frame.height, frame.width),
      }),
    },
  }
}

/** Samples of all boards, one board's behind the other's; those to validate on behind all. */
function inOnePiece(
  boards: Board[],
  parts: Part[],
  { classes, notes, testing = "test" }: { classes: string[]; notes: string[]; testing?: Testing },
): Pick<TrainingData, "train" | "test" | "own" | "testing" | "validation" | "notes"> {
  const lone = parts.findIndex(({ train }) => train.count === 0)
  if (lone >= 0)
    throw noBoards(
      `${boards[lone].path} holds nothing to learn`,
      "all of it is for test",
      "put more into it, or remove the folder",
    )
  const some = parts.some(({ test }) => test && test.count > 0)
  let [learnt, tested] = [0, 0]
  const own = parts.map(({ train, test }, i): OwnPart => {
    const part = {
      name: boards[i].name,
      train: { from: learnt, to: learnt + train.count },
      test: { from: tested, to: tested + ((some ? test : train)?.count ?? 0) },
    }
    learnt = part.train.to
    tested = part.test.to
    return part
  })
  const kept = parts.flatMap(({ validation }) => validation ?? [])
  for (const [i, { train, test }] of parts.entries()) {
    const known = new Set([...train.labels, ...(test?.labels ?? [])])
    const names = [...known].sort((a, b) => a - b).map(label => classes[label])
    notes.push(
      `board ${i}: ${boards[i].name}, ${train.count} samples to learn and ${test?.count ?? 0} to test with (${names.join(", ")})`,
    )
  }
  return {
    train: joinedImages([...parts.map(({ train }) => train), ...kept]),
    test: joinedImages(parts.flatMap(({ train, test }) => (some ? test : train) ?? [])),
    ...{ own, notes, testing: some ? testing : "train" },
    validation: kept.reduce((sum, { count }) => sum + count, 0),
  }
}

/** @throws WuxingError "data-mismatch" where tables are scaled in different ways */
function rangeOf(sources: Source[], boards: Board[]): ValueRange | undefined {
  return sources
    .map(({ range }) => range)
    .reduce((all, range, i) => {
      if (!all || !range) return all
      if (all.by === "whole" && range.by === "whole")
        return { by: "whole", from: Math.min(all.from, range.from), to: Math.max(all.to, range.to) }
      if (all.by === "column" && range.by === "column" && all.from.length === range.from.length)
        return {
          by: "column",
          from: all.from.map((from, c) => Math.min(from, range.from[c])),
          to: all.to.map((to, c) => Math.max(to, range.to[c])),
        }
      throw mismatch(
        `the values of ${boards[i].path} lie otherwise than those of ${boards[0].path}, so that they would be scaled in another way`,
        "say how for all of them with --range: whole, columns, or as 0..1",
      )
    })
}

/** @throws WuxingError "data-classes" where they are more than the network's outputs */
function unionOf(
  sets: readonly { classes: string[] }[],
  outputs: number | undefined,
  dir: string,
): string[] {
  return namesOfClasses(
    sets.flatMap(({ classes }) => classes),
    outputs,
    dir,
  )
}

function told(note: string): boolean {
  return !ONE_CLASS.test(note)
}

function picked(images: Images, owners: number[], board: number, most = owners.length): Images {
  const those = owners.flatMap((owner, i) => (owner === board ? [i] : [])).slice(0, most)
  return those.length === 0
    ? slicedImages(images, 0, 0)
    : joinedImages(those.map(i => slicedImages(images, i, i + 1)))
}

function noBoards(message: string, cause: string, help?: string): WuxingError {
  return new WuxingError({
    ...{ code: "data-empty", kind: "data", message, cause },
    help:
      help ??
      "name a folder that holds a folder a board, and in each of those what --data takes: a folder a class, a table, or IDX files",
  })
}

function mismatch(message: string, help: string): WuxingError {
  return new WuxingError({
    ...{ code: "data-mismatch", kind: "data", message, help },
    cause: "the boards' data is of different kinds",
  })
}
