/**
 * Reports of a board's program, decoded: their lengths, the ranges of their fields and what they echo
 * are checked here, once, and nowhere else. What passes can be used without another look; a board
 * whose report does not pass is at fault.
 */
import "../base/memory"
import {
  BackField,
  BackFlag,
  Command,
  FaultField,
  LayerTimes,
  MOST_TIMED,
  SavedField,
  SignalsField,
  Status,
  StatusField,
  SumsField,
  TimesField,
} from "../../src/wire/protocol"
import { type BoardTimes, timesOf } from "../session/board-times"
import type { Range } from "./routes"

/** What a report may be about, as the board's shard and the network say. */
export interface ReportShape {
  /** Layers of the network. */
  layers: number
  /** Signals of the output layer. */
  classes: number
  /** By layer (0 is empty) the places of the board's own signals on its bus. */
  own: Range[]
  /** By layer the width of the board's bus. */
  widths: number[]
  /** Synapses of the outputs whose sums all boards add up; 0: each has outputs of its own. */
  summed: number
}

/** Signals of one layer: `samples` consecutive samples of `count` i16, from `first` on its bus. */
export interface SignalsReport {
  sample: number
  samples: number
  layer: number
  first: number
  count: number
  values: Buffer
}

/** A board's part of the sums (i32) of all synapses of the outputs. */
export interface SumsReport {
  sample: number
  values: Buffer
}

/** Backward sums (i32) of one layer's signals from `first`. */
export interface BackReport {
  sample: number
  layer: number
  first: number
  learned: boolean
  last: boolean
  /** What the network said before it learnt; from boards with outputs only. */
  predicted?: number
  values: Buffer
}

/** A message that a board refused; numbers as in FaultField. */
export interface Fault {
  status: Status
  command: number
  number: number
  compared: number
  got: number
  expected: number
}

export interface BoardStatus {
  protocol: number
  ready: boolean
  layoutHash: number
  shardBytes: number
  heapBytes: number
  /** Bytes set aside for a shard and the reports it gathers. */
  arenaBytes: number
  updates: number
  handled: number
  refused: number
  dropped: number
  boot: number
  /** By its own clock; absent: its program is older, or it holds no shard. */
  times?: BoardTimes
}

/** A checkpoint on a board. */
export interface Saved {
  generation: number
  layoutHash: number
  /** As the host said: learnt samples, of which training, and how many of its epoch were right. */
  samples: number
  run: number
  right: number
}

/** A report that no sound program sends; the message says what is wrong with it. */
export class BadReport extends Error {
  override name = "BadReport"
}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BadReport(what)
}

const between = (name: string, value: number, least: number, most: number) =>
  demand(value >= least && value <= most, `${name} is ${value}, not within ${least} and ${most}`)

/** A reply has its tag, its status, and where that is Ok as many bytes as its command says. */
const REPLY_HEAD = 3
const OK_BYTES: Partial<Record<Command, number>> = {
  [Command.Begin]: REPLY_HEAD,
  [Command.Commit]: 11,
  [Command.Set]: REPLY_HEAD,
  [Command.Save]: 7,
  [Command.Saved]: SavedField.Length,
  [Command.Restore]: REPLY_HEAD,
}
const READ_HEAD = 7

export interface Reply {
  status: Status
  bytes: Buffer
}

/** @param ask what was asked, from behind its tag */
export function decodeReply(command: Command, ask: Buffer, bytes: Buffer): Reply {
  demand(bytes.length >= REPLY_HEAD, `it has ${bytes.length} bytes`)
  const status = bytes.getAt(2, "u8")
  between("its status", status, Status.Ok, Status.Internal)
  // A refused commit says how many bytes came.
  if (status !== Status.Ok) {
    const most = command === Command.Commit ? OK_BYTES[Command.Commit]! : REPLY_HEAD
    between("its length", bytes.length, REPLY_HEAD, most)
    return { status, bytes }
  }
  const wanted = OK_BYTES[command]
  if (wanted !== undefined) demand(bytes.length === wanted, `it has ${bytes.length} bytes`)
  if (command === Command.Read) {
    const offset = ask.getAt(0, "i32")
    const length = ask.getAt(4, "u16")
    demand(bytes.length === READ_HEAD + length, `it has ${bytes.length} bytes for ${length}`)
    const echoed = bytes.getAt(3, "i32")
    demand(echoed === offset, `it is about offset ${echoed}, and ${offset} was asked for`)
  }
  return { status, bytes }
}

/** Bytes of a reply to Read. */
export function readBytes({ bytes }: Reply): Buffer {
  return bytes.subarray(READ_HEAD)
}

/** Bytes of the shard a board has, by its reply to Commit; undefined: it does not say. */
export function committedBytes({ bytes }: Reply): number | undefined {
  return bytes.length >= 7 ? bytes.getAt(3, "i32") : undefined
}

/** @param reply one that is Ok */
export function decodeStatus({ bytes }: Reply): BoardStatus {
  demand(bytes.length >= StatusField.Length, `it has ${bytes.length} bytes`)
  const state = bytes.getAt(StatusField.State, "u8")
  between("the state", state, 0, 2)
  const count = (field: StatusField, name: string) => {
    const value = bytes.getAt(field, "i32")
    between(name, value, 0, 2 ** 31 - 1)
    return value
  }
  const rest = bytes.length - StatusField.Length
  if (rest > 0) {
    demand(rest >= TimesField.OfLayers, `it has ${rest} bytes of times`)
    const layers = bytes.getAt(StatusField.Length + TimesField.Layers, "u8")
    between("the layers timed", layers, 0, MOST_TIMED)
    const wanted = TimesField.OfLayers + layers * LayerTimes.Length
    demand(rest === wanted, `it has ${rest} bytes of times for ${layers} layers`)
    between("its tick", bytes.getAt(StatusField.Length + TimesField.Tick, "u16"), 1, 0xffff)
  }
  const arenaBytes = count(StatusField.ArenaBytes, "the memory set aside")
  const shardBytes = count(StatusField.ShardBytes, "the shard's size")
  demand(shardBytes <= arenaBytes, `its shard has ${shardBytes} of ${arenaBytes} bytes`)
  return {
    protocol: bytes.getAt(StatusField.Protocol, "u16"),
    ready: state === 2,
    layoutHash: bytes.getAt(StatusField.LayoutHash, "i32"),
    shardBytes,
    heapBytes: count(StatusField.HeapBytes, "the memory held"),
    arenaBytes,
    updates: count(StatusField.Updates, "the number of updates"),
    // Counters that wrap around.
    handled: bytes.readUInt32LE(StatusField.Handled),
    refused: bytes.readUInt32LE(StatusField.Refused),
    dropped: bytes.readUInt32LE(StatusField.Dropped),
    boot: bytes.getAt(StatusField.Boot, "i32"),
    times: timesOf(bytes),
  }
}

/** @param reply one that is Ok */
export function decodeSaved({ bytes }: Reply): Saved {
  const samples = bytes.getAt(SavedField.Samples, "i32")
  const right = bytes.getAt(SavedField.Right, "i32")
  between("the number of samples", samples, 0, 2 ** 31 - 1)
  between("the number of right ones", right, 0, 2 ** 31 - 1)
  return {
    generation: bytes.getAt(SavedField.Generation, "i32"),
    layoutHash: bytes.getAt(SavedField.LayoutHash, "i32"),
    samples,
    run: bytes.getAt(SavedField.Run, "i32"),
    right,
  }
}

export function decodeSignals(p: Buffer, { layers, own }: ReportShape): SignalsReport {
  demand(p.length > SignalsField.Length, `it has ${p.length} bytes`)
  const sample = p.getAt(SignalsField.Sample, "i32")
  const layer = p.getAt(SignalsField.Layer, "u8")
  const count = p.getAt(SignalsField.Count, "u8")
  const first = p.getAt(SignalsField.First, "u16")
  const values = p.subarray(SignalsField.Length)
  demand(
    count > 0 && values.length % (count * 2) === 0,
    `it has ${values.length} bytes for ${count} signals a sample`,
  )
  const samples = values.length / (count * 2)
  between("its sample", sample, 0, 2 ** 31 - samples)
  between("its layer", layer, 1, layers)
  const range = own[layer]
  demand(
    first >= range.first && first + count <= range.end,
    `its signals ${first} to ${first + count - 1} of layer ${layer} are not those of this board (${range.first} to ${range.end - 1})`,
  )
  return { sample, samples, layer, first, count, values }
}

export function decodeSums(p: Buffer, { layers, summed }: ReportShape): SumsReport {
  demand(summed > 0, "its outputs are its own")
  demand(p.length === SumsField.Length + summed * 4, `it has ${p.length} bytes for ${summed} sums`)
  const sample = p.getAt(SumsField.Sample, "i32")
  between("its sample", sample, 0, 2 ** 31 - 1)
  between("its layer", p.getAt(SumsField.Layer, "u8"), layers, layers)
  between("the sums it counts", p.getAt(SumsField.Count, "u8"), summed, summed)
  return { sample, values: p.subarray(SumsField.Length) }
}

export function decodeBack(p: Buffer, shape: ReportShape): BackReport {
  const { layers, classes, own, widths } = shape
  demand(p.length >= BackField.Length, `it has ${p.length} bytes`)
  const sample = p.getAt(BackField.Sample, "i32")
  const layer = p.getAt(BackField.Layer, "u8")
  const flags = p.getAt(BackField.Flags, "u8")
  const first = p.getAt(BackField.First, "u16")
  const predicted = p.getAt(BackField.Predicted, "u8")
  const values = p.subarray(BackField.Length)
  const learned = (flags & BackFlag.Learned) !== 0
  between("its sample", sample, 0, 2 ** 31 - 1)
  between("its layer", layer, 0, layers - 1)
  between("its flags", flags, 0, BackFlag.Last | BackFlag.Learned)
  demand(own[layer + 1].end > own[layer + 1].first, `it computes nothing of layer ${layer + 1}`)
  const hasOutputs = own[layers].end > own[layers].first
  if (predicted !== 0xff || (hasOutputs && layer === layers - 1))
    between("the class it gives", predicted, 0, classes - 1)
  demand(values.length % 4 === 0, `it has ${values.length} bytes of sums`)
  const sums = values.length >> 2
  demand(learned || (sums === 0 && (flags & BackFlag.Last) !== 0), "it has sums of no error")
  demand(
    sums === 0 || (first + sums <= widths[layer] && !overlaps(first, sums, own[layer])),
    `its sums ${first} to ${first + sums - 1} are not all of foreign signals of layer ${layer}`,
  )
  return {
    sample,
    layer,
    first,
    learned,
    last: (flags & BackFlag.Last) !== 0,
    predicted: predicted === 0xff ? undefined : predicted,
    values,
  }
}

function overlaps(first: number, count: number, { first: from, end }: Range): boolean {
  return first < end && first + count > from
}

export function decodeFault(p: Buffer): Fault {
  demand(p.length === FaultField.Length, `it has ${p.length} bytes`)
  const status = p.getAt(FaultField.Status, "u8")
  between("its status", status, Status.BadLength, Status.Internal)
  return {
    status,
    command: p.getAt(FaultField.Command, "u8"),
    number: p.getAt(FaultField.Number, "i32"),
    compared: p.getAt(FaultField.Compared, "u8"),
    got: p.getAt(FaultField.Got, "i32"),
    expected: p.getAt(FaultField.Expected, "i32"),
  }
}
