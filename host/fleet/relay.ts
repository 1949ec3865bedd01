/**
 * The host's part in a running network: it sends images and labels, and passes on what boards report
 * for other boards. It computes nothing.
 */

import { type Network, signalsOf } from "../../src/network"
import {
  BackField,
  BackFlag,
  Command,
  ImageField,
  ImageFlag,
  MAX_PAYLOAD,
  SignalsField,
} from "../../src/protocol"
import type { Slice } from "../../src/shard"
import { encodeSlices } from "../data/runs"
import { WuxingError } from "../errors"
import { seconds, wait } from "../link/wait"
import type { BackReport, Board, Fault, SignalsReport } from "./board"

/** Samples a board can have under way (slots of its shard). */
export const SLOTS = 8
/** Samples sent before a board is told to report; half the slots, so that two groups overlap. */
const GROUP = 4
const GROUPS_UNDER_WAY = 2
/** Frames of one group a board may have to keep waiting (its program keeps 16). */
const MOST_FRAMES = 7
/** How long a sample may take virtual boards, with messages (it takes 25 ms). */
const SAMPLE_DEADLINE_MS = 2_500
const IMAGE_BYTES = MAX_PAYLOAD - ImageField.Length
const BACK_BYTES = MAX_PAYLOAD - BackField.Length

/** A board and what it computes. */
export interface Member {
  board: Board
  slices: Slice[]
}

interface Range {
  first: number
  end: number
}

interface Layer {
  /** Signals the layer gives. */
  width: number
  /** For each member the range of the layer's signals it computes, if any. */
  own: (Range | undefined)[]
  /** Members that read the layer's signals but do not compute all of them. */
  readers: number[]
  /** Members that compute some of them and need backward sums from others. */
  owners: number[]
}

export class Relay {
  private readonly layers: Layer[] = []
  private readonly last: number
  private failed?: (reason: Error) => void
  private failure?: Error
  private readonly boards: Board[]

  // Inference: outputs of the samples under way.
  private outputs = new Map<number, Int16Array>()
  private outputArrived?: () => void
  // Learning: what has come for the sample in hand.
  private learning?: LearningSample

  constructor(
    private readonly network: Network,
    private readonly members: Member[],
    private readonly signal?: AbortSignal,
  ) {
    this.last = network.layers.length
    this.boards = members.map(({ board }) => board)
    for (let layer = 0; layer <= this.last; layer++) this.layers.push(this.layerOf(layer))
    members.forEach(({ board }, index) => {
      board.onSignals = report => this.guard(this.passSignals(index, report))
      board.onBack = report => this.guard(this.passBack(index, report))
      board.onFault = fault => this.fail(this.faultError(board, fault))
    })
  }

  private layerOf(layer: number): Layer {
    const width = signalsOf(this.network, layer)
    const per = layer === 0 ? 1 : this.network.layers[layer - 1].outputs
    const own = this.members.map(({ slices }) => {
      const mine = slices.filter(s => s.layer === layer)
      if (mine.length === 0) return undefined
      const first = Math.min(...mine.map(s => s.first)) * per
      return { first, end: Math.max(...mine.map(s => s.first + s.count)) * per }
    })
    const whole = (index: number) => own[index]?.first === 0 && own[index]?.end === width
    const has = (index: number, l: number) => this.members[index].slices.some(s => s.layer === l)
    const all = this.members.map((_, index) => index)
    return {
      width,
      own,
      readers: layer === 0 ? [] : all.filter(i => has(i, layer + 1) && !whole(i)),
      owners: layer === 0 ? [] : all.filter(i => own[i] && !this.readsAll(i, layer + 1)),
    }
  }

  /** Does a member compute the whole of a layer? */
  private readsAll(index: number, layer: number): boolean {
    if (layer > this.network.layers.length) return true
    const here = this.members[index].slices.filter(s => s.layer === layer)
    return here.reduce((sum, s) => sum + s.count, 0) === this.network.layers[layer - 1].neurons
  }

  /**
   * Runs the boards on images; calls `onOutput` for each in order with the outputs (signal format).
   *
   * @param first number of the first sample: any, as long as no other run's samples are under way
   */
  async infer(
    images: (index: number) => Uint8Array,
    count: number,
    first: number,
    onOutput: (index: number, outputs: Int16Array) => void,
  ): Promise<void> {
    this.outputs.clear()
    let sent = 0
    let done = 0
    const open: number[] = []
    while (done < count) {
      while (sent < count && open.length < GROUPS_UNDER_WAY) {
        const group = this.nextGroup(images, sent, count)
        sent += group.length
        open.push(sent)
        for (const [i, slices] of group.entries()) {
          const flags = i === group.length - 1 ? ImageFlag.Flush : 0
          await this.sendImage(first + sent - group.length + i, slices, flags, 0, 0)
        }
      }
      const end = open.shift()!
      while (done < end) {
        const outputs = await this.awaitOutput(first + done)
        onOutput(done++, outputs)
      }
    }
  }

  /** As many images as fit a group by number and by frames. */
  private nextGroup(images: (index: number) => Uint8Array, from: number, count: number) {
    const group: ReturnType<typeof encodeSlices>[] = []
    let frames = 0
    for (let i = from; i < count && group.length < GROUP; i++) {
      const slices = encodeSlices(images(i), IMAGE_BYTES)
      if (group.length > 0 && frames + slices.length > MOST_FRAMES) break
      frames += slices.length
      group.push(slices)
    }
    return group
  }

  private async awaitOutput(sample: number): Promise<Int16Array> {
    const outputs = await this.wait<Int16Array>(
      `the outputs of sample ${sample} did not come`,
      resolve => {
        const look = () => {
          const found = this.outputs.get(sample)
          if (found) resolve(found)
        }
        this.outputArrived = look
        look()
        return () => {
          this.outputArrived = undefined
        }
      },
    )
    this.outputs.delete(sample)
    return outputs
  }

  /**
   * One learning step on the boards.
   *
   * @param sample number of the sample: it decides the rounding
   * @param updates learning steps the boards have applied so far
   * @returns what the network said before it learnt, and whether it learnt
   */
  async learn(
    image: Uint8Array,
    label: number,
    sample: number,
    updates: number,
  ): Promise<{ predicted: number; learned: boolean }> {
    const learning: LearningSample = { sample, done: new Set(), pieces: new Map() }
    this.learning = learning
    const slices = encodeSlices(image, IMAGE_BYTES)
    await this.sendImage(sample, slices, ImageFlag.Learn, label, updates)
    await this.wait<void>(`sample ${sample} was not learnt`, resolve => {
      learning.finished = resolve
      this.checkLearnt(learning)
      return () => {
        this.learning = undefined
      }
    })
    return { predicted: learning.predicted!, learned: learning.learned! }
  }

  private async sendImage(
    sample: number,
    slices: ReturnType<typeof encodeSlices>,
    flags: number,
    label: number,
    updates: number,
  ): Promise<void> {
    await Promise.all(
      this.members.map(async ({ board }, index) => {
        // A board without first-layer neurons only needs to know that the sample has begun.
        const mine = this.layers[1].own[index] ? slices : [{ pixel: 0, runs: Buffer.alloc(0) }]
        for (const [i, { pixel, runs }] of mine.entries()) {
          const payload = Buffer.alloc(ImageField.Length + runs.length)
          payload.setAt(ImageField.Sample, "i32", sample)
          payload.setAt(ImageField.Updates, "i32", updates)
          let own = flags
          if (i === 0) own |= ImageFlag.First
          if (i === mine.length - 1) own |= ImageFlag.Last
          payload.setAt(ImageField.Flags, "u8", own)
          payload.setAt(ImageField.Label, "u8", label)
          payload.setAt(ImageField.Pixel, "u16", pixel)
          runs.copy(payload, ImageField.Length)
          await board.link.send(Command.Image, payload)
        }
      }),
    )
  }

  private async passSignals(from: number, report: SignalsReport): Promise<void> {
    if (report.layer === this.last) {
      for (let i = 0; i < report.samples; i++) {
        const outputs = new Int16Array(report.count)
        for (let o = 0; o < report.count; o++)
          outputs[o] = report.values.getAt((i * report.count + o) * 2, "i16")
        this.outputs.set(report.sample + i, outputs)
      }
      this.outputArrived?.()
      return
    }
    const payload = Buffer.alloc(SignalsField.Length + report.values.length)
    payload.setAt(SignalsField.Sample, "i32", report.sample)
    payload.setAt(SignalsField.Layer, "u8", report.layer)
    payload.setAt(SignalsField.Count, "u8", report.count)
    payload.setAt(SignalsField.First, "u16", report.first)
    report.values.copy(payload, SignalsField.Length)
    const readers = this.layers[report.layer]?.readers ?? []
    await Promise.all(
      readers
        .filter(i => i !== from)
        .map(i => this.members[i].board.link.send(Command.Signals, payload)),
    )
  }

  private async passBack(from: number, report: BackReport): Promise<void> {
    const learning = this.learning
    if (learning?.sample !== report.sample) return
    if (report.predicted !== undefined) {
      learning.predicted = report.predicted
      learning.learned = report.learned
    }
    if (report.learned && report.layer >= 1) {
      const pieces = learning.pieces.get(report.layer) ?? []
      pieces.push({ from, first: report.first, values: report.values })
      learning.pieces.set(report.layer, pieces)
    }
    if (!report.last) return
    learning.done.add(`${report.layer}/${from}`)
    if (report.learned && report.layer >= 1) await this.handBack(learning, report.layer)
    this.checkLearnt(learning)
  }

  /** Once every reader of a layer has reported, its owners get the sums for their signals. */
  private async handBack(learning: LearningSample, layer: number): Promise<void> {
    const { readers, owners, own } = this.layers[layer]
    if (!readers.every(i => learning.done.has(`${layer}/${i}`))) return
    const pieces = learning.pieces.get(layer) ?? []
    await Promise.all(
      owners.map(async owner => {
        const range = own[owner]!
        const parts: { first: number; values: Buffer }[] = []
        for (const piece of pieces) {
          if (piece.from === owner) continue
          const first = Math.max(range.first, piece.first)
          const end = Math.min(range.end, piece.first + piece.values.length / 4)
          for (let at = first; at < end; at += BACK_BYTES >> 2) {
            const stop = Math.min(end, at + (BACK_BYTES >> 2))
            parts.push({
              first: at,
              values: piece.values.subarray((at - piece.first) * 4, (stop - piece.first) * 4),
            })
          }
        }
        if (parts.length === 0) parts.push({ first: range.first, values: Buffer.alloc(0) })
        for (const [i, { first, values }] of parts.entries()) {
          const payload = Buffer.alloc(BackField.Length + values.length)
          payload.setAt(BackField.Sample, "i32", learning.sample)
          payload.setAt(BackField.Layer, "u8", layer)
          payload.setAt(BackField.Flags, "u8", i === parts.length - 1 ? BackFlag.Last : 0)
          payload.setAt(BackField.First, "u16", first)
          values.copy(payload, BackField.Length)
          await this.members[owner].board.link.send(Command.Back, payload)
        }
      }),
    )
  }

  /** A sample is learnt when every board that reports on it has; the rest follows in order. */
  private checkLearnt(learning: LearningSample): void {
    if (learning.learned === undefined) return
    if (learning.learned)
      for (let layer = 1; layer < this.last; layer++)
        for (const i of this.layers[layer].readers) if (!learning.done.has(`${layer}/${i}`)) return
    learning.finished?.()
  }

  private guard(work: Promise<void>): void {
    work.catch(error => this.fail(error as Error))
  }

  /** Hears no more of the boards: what they still report belongs to a run that has ended. */
  detach(): void {
    for (const board of this.boards) {
      board.onSignals = undefined
      board.onBack = undefined
      board.onFault = undefined
    }
  }

  /** Ends the run in hand with an error. */
  fail(reason: Error): void {
    this.failure ??= reason
    this.failed?.(this.failure)
  }

  /** @param late what to say when it does not happen in time: "… did not come" */
  private wait<T>(late: string, start: (resolve: (value: T) => void) => () => void): Promise<T> {
    if (this.failure) return Promise.reject(this.failure)
    return wait<T>({
      deadlineMs: SAMPLE_DEADLINE_MS,
      signal: this.signal,
      what: "a sample",
      late: () =>
        new WuxingError({
          code: "sample-late",
          kind: "board",
          message: `${late} within ${seconds(SAMPLE_DEADLINE_MS)}`,
          cause: "a board was reset, hangs, or lost its connection",
          help: "check the boards' cables and supply, then run the command again",
        }),
      start: (resolve, reject) => {
        this.failed = reject
        const stop = start(resolve)
        return () => {
          this.failed = undefined
          stop()
        }
      },
    })
  }

  private faultError(board: Board, fault: Fault): WuxingError {
    return board.refusal(
      fault.command,
      fault.status,
      ` (number ${fault.number}, it expected ${fault.expected === -1 ? "none" : fault.expected})`,
    )
  }
}

interface LearningSample {
  sample: number
  predicted?: number
  learned?: boolean
  /** "layer/member" of every reader that has reported all its sums for that layer. */
  done: Set<string>
  pieces: Map<number, { from: number; first: number; values: Buffer }[]>
  finished?: () => void
}
