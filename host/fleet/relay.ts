/**
 * The host's part in a running network: it sends images and labels, and passes on what boards report
 * for other boards. It computes nothing.
 */

import {
  BackField,
  BackFlag,
  Command,
  ImageFlag,
  MAX_PAYLOAD,
  SignalsField,
} from "../../src/wire/protocol"
import { type Clock, realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { encodeSlices } from "../data/runs"
import { IMAGE_BYTES, imageMessages } from "../link/messages"
import { seconds, wait } from "../link/wait"
import { type Network, signalsOf } from "../network/network"
import type { Slice } from "../network/shard"
import type { BackReport, Board, Fault, SignalsReport } from "./board"
import { MOST_IMAGES, Outbox } from "./outbox"
import { type Layer, type Owner, pixelsOf, type Reader, routesOf, type Wire } from "./routes"

/** Samples a board can have under way (slots of its shard), unless its memory allows other numbers. */
export const SLOTS = 8
/** Samples whose results a board gathers before it is told to report them. */
const GROUP = 8
/** How long a sample may take virtual boards, with messages (it takes 25 ms). */
const SAMPLE_DEADLINE_MS = 2_500
const MOST_SIGNALS = (MAX_PAYLOAD - SignalsField.Length) >> 1
const MOST_SUMS = (MAX_PAYLOAD - BackField.Length) >> 2
/** A new sample's weight in the mean times of parts. */
const TIME_WEIGHT = 0.05
/** Sums that come with their places; and so many in a row go without. */
const MOST_LISTED = Math.floor((MAX_PAYLOAD - BackField.Length) / 6)
const LEAST_RUN = 4

/** A board and what it computes. */
export interface Member {
  board: Board
  slices: Slice[]
}

/** A part of a learnt sample, from the message that began it to the one that brought its result. */
export interface PartTime {
  name: string
  /** Mean over the last samples. */
  ms: number
}

export interface RelayOptions {
  signal?: AbortSignal
  /** Slots of the boards' shards. */
  slots?: number
  /** How long a sample may take, ms. */
  deadlineMs?: number
}

/** An image as it goes to one board: slices of runs, each one message. */
type Slices = ReturnType<typeof encodeSlices>

/** Signals of one layer for one reader, of which some are still to come. */
interface Assembly {
  values: Int16Array
  /** Which have come: a report that comes twice must not stand in for one that is lost. */
  there: Uint8Array
  missing: number
}

function emptyAssembly(count: number): Assembly {
  return { values: new Int16Array(count), there: new Uint8Array(count), missing: count }
}

function put(assembly: Assembly, place: number, value: number): void {
  // A signal of a place outside would be counted and never be there.
  if (place >= assembly.values.length) return
  assembly.values[place] = value
  if (assembly.there[place] === 0) assembly.missing--
  assembly.there[place] = 1
}

export class Relay {
  private readonly layers: Layer[]
  private readonly last: number
  private failed?: (reason: Error) => void
  private failure?: Error
  private readonly boards: Board[]
  private readonly outboxes: Outbox[]
  /** Pixels each board takes; undefined: all. */
  private readonly pixels: (number[] | undefined)[]
  private readonly signal?: AbortSignal
  private readonly slots: number
  /** Images of a group at most. */
  private readonly group: number
  private readonly deadlineMs: number
  private readonly clock: Clock

  /** For each member the last sample it reported on, and how many before that. */
  private readonly heard: { sample: number; count: number }[]
  /** By "layer/member/sample". */
  private readonly assemblies = new Map<string, Assembly>()
  // Inference: outputs of the samples under way, of which some may still be missing.
  private outputs = new Map<number, Assembly>()
  /** Signals of the output layer. */
  private readonly width: number
  private outputArrived?: () => void
  // Learning: what has come for the sample in hand.
  private learning?: LearningSample
  private readonly times = new Map<string, number>()

  constructor(network: Network, members: Member[], options: RelayOptions = {}) {
    this.signal = options.signal
    this.clock = members[0]?.board.link.clock ?? realClock
    this.slots = options.slots ?? SLOTS
    this.deadlineMs = options.deadlineMs ?? SAMPLE_DEADLINE_MS
    this.last = network.layers.length
    this.width = signalsOf(network, this.last)
    this.boards = members.map(({ board }) => board)
    this.heard = members.map(() => ({ sample: -1, count: 0 }))
    const shares = members.map(({ slices }) => slices)
    this.layers = routesOf(network, shares)
    this.pixels = shares.map(slices => pixelsOf(network, slices))
    this.group = groupOf(network, shares, this.slots)
    this.outboxes = members.map(
      ({ board }) =>
        new Outbox(
          ({ command, payload }) => board.link.send(command, payload),
          async () => {
            await board.status(this.deadlineMs)
          },
          reason => this.fail(reason),
          this.clock,
        ),
    )
    members.forEach(({ board }, index) => {
      board.onSignals = report => this.passSignals(index, report)
      board.onBack = report => this.passBack(index, report)
      board.onFault = fault => this.fail(this.faultError(board, fault))
    })
  }

  /**
   * Runs the boards on images; calls `onOutput` for each in order with the outputs (signal format).
   * Several are under way at once.
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
    let group: Slices[][] = []
    while (done < count) {
      while (sent < count) {
        if (group.length === 0) group = this.nextGroup(images, sent, count)
        if (sent > done && sent + group.length - done > this.slots) break
        for (const [i, slices] of group.entries())
          this.sendImage(first + sent + i, slices, i === group.length - 1 ? ImageFlag.Flush : 0)
        sent += group.length
        group = []
      }
      const outputs = await this.awaitOutput(first + done)
      for (const outbox of this.outboxes) outbox.forget(first + done)
      onOutput(done++, outputs)
    }
  }

  /** As many images as fit a group by number and by messages: for each, for each board its slices. */
  private nextGroup(images: (index: number) => Uint8Array, from: number, count: number) {
    const group: Slices[][] = []
    const frames = this.boards.map(() => 0)
    const most = this.group
    for (let i = from; i < count && group.length < most; i++) {
      const slices = this.encode(images(i))
      slices.forEach((s, member) => {
        frames[member] += s.length
      })
      if (group.length > 0 && frames.some(n => n > MOST_IMAGES)) break
      group.push(slices)
    }
    return group
  }

  /** An image for each board: the pixels it takes. */
  private encode(image: Uint8Array): Slices[] {
    const whole = encodeSlices(image, IMAGE_BYTES)
    return this.pixels.map(pixels =>
      pixels
        ? // A board without pixels only needs to know that the sample has begun.
          encodeSlices(
            Uint8Array.from(pixels, p => image[p]),
            IMAGE_BYTES,
          )
        : whole,
    )
  }

  private async awaitOutput(sample: number): Promise<Int16Array> {
    const outputs = await this.wait<Int16Array>(
      `the outputs of sample ${sample} did not come`,
      resolve => {
        const look = () => {
          const found = this.outputs.get(sample)
          if (found?.missing === 0) resolve(found.values)
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
    const learning: LearningSample = {
      ...{ sample, done: new Set(), sums: new Map(), handed: new Set() },
      ...{ heard: new Set(), missing: new Map(), marks: new Map() },
    }
    this.learning = learning
    const start = this.clock.now()
    this.sendImage(sample, this.encode(image), ImageFlag.Learn, label, updates)
    await this.wait<void>(`sample ${sample} was not learnt`, resolve => {
      learning.finished = resolve
      this.checkLearnt(learning)
      return () => {
        this.learning = undefined
      }
    })
    for (const outbox of this.outboxes) outbox.forget(sample)
    if (learning.learned) this.keepTimes(start, learning.marks)
    return { predicted: learning.predicted!, learned: learning.learned! }
  }

  /**
   * Where the time of learnt samples goes, as it looks from here: a part ends when the last message with
   * its result comes, the way and the boards' wait for one another included. What boards do behind their
   * last report counts to the next sample's first part. What they themselves tell is in their status.
   */
  get partTimes(): PartTime[] {
    return Array.from(this.times, ([name, ms]) => ({ name, ms }))
  }

  private keepTimes(start: number, marks: Map<string, number>): void {
    let before = start
    for (const [name, at] of Array.from(marks).sort(([, a], [, b]) => a - b)) {
      const known = this.times.get(name) ?? at - before
      this.times.set(name, known + TIME_WEIGHT * (at - before - known))
      before = at
    }
  }

  private sendImage(sample: number, each: Slices[], flags: number, label = 0, updates = 0): void {
    for (const [member, slices] of each.entries())
      for (const payload of imageMessages(slices, { sample, updates, flags, label }))
        this.outboxes[member].push({ command: Command.Image, payload, sample, layer: 0 })
  }

  private passSignals(from: number, report: SignalsReport): void {
    const { sample, samples, layer } = report
    this.outboxes[from].heard(sample + samples - 1, layer)
    this.count(from, sample + samples - 1, samples)
    if (layer === this.last && this.learning?.sample !== sample) {
      this.takeOutputs(report)
      return
    }
    if (this.learning?.sample === sample)
      this.learning.marks.set(`forward, layer ${layer}`, this.clock.now())
    for (const reader of this.layers[layer]?.readers ?? []) {
      const wires = reader.wires[from]
      if (wires.length === 0) continue
      const complete: { sample: number; values: Int16Array }[] = []
      for (let i = 0; i < samples; i++) {
        const values = this.assemble(reader, layer, report, i, wires)
        if (values) complete.push({ sample: sample + i, values })
      }
      this.sendSignals(reader, layer, complete)
    }
  }

  private takeOutputs({ sample, samples, first, count, values }: SignalsReport): void {
    for (let i = 0; i < samples; i++) {
      const outputs = this.outputs.get(sample + i) ?? emptyAssembly(this.width)
      this.outputs.set(sample + i, outputs)
      for (let o = 0; o < count; o++)
        put(outputs, first + o, values.getAt((i * count + o) * 2, "i16"))
    }
    this.outputArrived?.()
  }

  /** Puts what a report has for a reader in its place; returns the signals once all are there. */
  private assemble(
    reader: Reader,
    layer: number,
    { sample, first, count, values }: SignalsReport,
    i: number,
    wires: Wire[],
  ): Int16Array | undefined {
    const key = `${layer}/${reader.member}/${sample + i}`
    const assembly = this.assemblies.get(key) ?? emptyAssembly(reader.count)
    this.assemblies.set(key, assembly)
    for (const { from, to } of wires)
      if (from >= first && from < first + count)
        put(assembly, to, values.getAt((i * count + from - first) * 2, "i16"))
    if (assembly.missing > 0) return undefined
    this.assemblies.delete(key)
    return assembly.values
  }

  /** Sends a reader its signals, of as many consecutive samples in one message as fit. */
  private sendSignals(
    { member, ranges }: Reader,
    layer: number,
    samples: { sample: number; values: Int16Array }[],
  ): void {
    let skipped = 0
    for (const { first, end } of ranges) {
      for (let from = first; from < end; from += MOST_SIGNALS) {
        const count = Math.min(MOST_SIGNALS, end - from)
        const each = Math.floor(MOST_SIGNALS / count)
        for (let i = 0; i < samples.length; ) {
          let n = 1
          while (n < each && samples[i + n]?.sample === samples[i].sample + n) n++
          const payload = Buffer.alloc(SignalsField.Length + n * count * 2)
          payload.setAt(SignalsField.Sample, "i32", samples[i].sample)
          payload.setAt(SignalsField.Layer, "u8", layer)
          payload.setAt(SignalsField.Count, "u8", count)
          payload.setAt(SignalsField.First, "u16", from)
          let at: number = SignalsField.Length
          for (const { values } of samples.slice(i, i + n))
            for (let s = 0; s < count; s++) {
              payload.setAt(at, "i16", values[skipped + from - first + s])
              at += 2
            }
          const sample = samples[i + n - 1].sample
          this.outboxes[member].push({ command: Command.Signals, payload, sample, layer })
          i += n
        }
      }
      skipped += end - first
    }
  }

  private passBack(from: number, report: BackReport): void {
    const { sample, layer } = report
    this.outboxes[from].heard(sample, Number.POSITIVE_INFINITY)
    this.count(from, sample, 1)
    const learning = this.learning
    if (learning?.sample !== sample) return
    const part =
      layer + 1 === this.last ? "outputs, error, back to their layer" : `back, layer ${layer + 1}`
    learning.marks.set(part, this.clock.now())
    if (report.predicted !== undefined) {
      learning.predicted = report.predicted
      learning.learned = report.learned
    }
    const reader = this.layers[layer]?.readers.find(r => r.member === from)
    const key = `${layer}/${from}`
    const repeated = learning.heard.has(`${key}/${report.first}`)
    learning.heard.add(`${key}/${report.first}`)
    let missing = learning.missing.get(key) ?? reader?.count ?? 0
    if (reader && report.learned && !repeated)
      for (let i = 0; i < report.values.length >> 2; i++) {
        const { owner, place } = reader.origins[report.first + i]
        const home = `${layer}/${owner}`
        const sums = learning.sums.get(home) ?? []
        sums.push({ place, value: report.values.getAt(i << 2, "i32") })
        learning.sums.set(home, sums)
        missing--
      }
    learning.missing.set(key, missing)
    // The last report alone says nothing of those before it: they may be lost, or come behind.
    if (report.learned ? missing === 0 : report.last) learning.done.add(key)
    if (learning.learned) this.handBack(learning)
    this.checkLearnt(learning)
  }

  /** Once every reader of an owner's signals has reported, the owner gets the sums for them. */
  private handBack(learning: LearningSample): void {
    this.layers.forEach(({ owners }, layer) => {
      for (const owner of owners) {
        const key = `${layer}/${owner.member}`
        if (learning.handed.has(key)) continue
        if (!owner.readers.every(i => learning.done.has(`${layer}/${i}`))) continue
        learning.handed.add(key)
        this.sendBack(learning.sample, layer, owner, learning.sums.get(key) ?? [])
      }
    })
  }

  /** Sums of neighbouring signals go in a row; others each with its place. */
  private sendBack(sample: number, layer: number, { member, range }: Owner, sums: Sum[]): void {
    const messages: Buffer[] = []
    const message = (flags: number, first: number, bytes: number) => {
      const payload = Buffer.alloc(BackField.Length + bytes)
      payload.setAt(BackField.Sample, "i32", sample)
      payload.setAt(BackField.Layer, "u8", layer)
      payload.setAt(BackField.Flags, "u8", flags)
      payload.setAt(BackField.First, "u16", first)
      messages.push(payload)
      return payload
    }
    const single: Sum[] = []
    for (let i = 0; i < sums.length; ) {
      let n = 1
      while (n < MOST_SUMS && sums[i + n]?.place === sums[i].place + n) n++
      const run = sums.slice(i, i + n)
      i += n
      if (n < LEAST_RUN) {
        single.push(...run)
        continue
      }
      const payload = message(0, run[0].place, n << 2)
      for (const [k, { value }] of run.entries())
        payload.setAt(BackField.Length + (k << 2), "i32", value)
    }
    for (let i = 0; i < single.length; i += MOST_LISTED) {
      const some = single.slice(i, i + MOST_LISTED)
      const payload = message(BackFlag.Listed, 0, some.length * 6)
      for (const [k, { place, value }] of some.entries()) {
        payload.setAt(BackField.Length + k * 6, "u16", place)
        payload.setAt(BackField.Length + k * 6 + 2, "i32", value)
      }
    }
    if (messages.length === 0) message(0, range.first, 0)
    const last = messages[messages.length - 1]
    last.setAt(BackField.Flags, "u8", last.getAt(BackField.Flags, "u8") | BackFlag.Last)
    for (const [i, payload] of messages.entries()) {
      payload.setAt(BackField.Number, "u8", i & 0xff)
      this.outboxes[member].push({
        ...{ command: Command.Back, payload, sample },
        layer: this.last + layer,
      })
    }
  }

  /** A sample is learnt when every board that reports on it has; the rest follows in order. */
  private checkLearnt(learning: LearningSample): void {
    if (learning.learned === undefined) return
    if (learning.learned)
      // Those that read the outputs report on the layer below.
      for (const [layer, { readers }] of this.layers.slice(0, this.last).entries())
        for (const { member } of readers) if (!learning.done.has(`${layer}/${member}`)) return
    learning.finished?.()
  }

  /** Samples a board has reported on. */
  heardOf(member: number): number {
    return this.heard[member].count
  }

  private count(member: number, sample: number, samples: number): void {
    const heard = this.heard[member]
    if (sample === heard.sample) return
    heard.count += sample > heard.sample ? Math.min(samples, sample - heard.sample) : samples
    heard.sample = sample
  }

  /** Hears no more of the boards: what they still report belongs to a run that has ended. */
  detach(): void {
    for (const outbox of this.outboxes) outbox.close()
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
      clock: this.clock,
      deadlineMs: this.deadlineMs,
      signal: this.signal,
      what: "a sample",
      late: () =>
        new WuxingError({
          code: "sample-late",
          kind: "board",
          message: `${late} within ${seconds(this.deadlineMs)}`,
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

/**
 * Samples of a group: two groups fit the boards' slots, and no board has a message nearly full and
 * then another for the rest.
 */
function groupOf(network: Network, shares: Slice[][], slots: number): number {
  let group = Math.max(1, Math.min(GROUP, slots >> 1))
  for (const { layer, count } of shares.flat()) {
    const fit = Math.floor(MOST_SIGNALS / (count * network.layers[layer - 1].outputs))
    if (fit >= GROUP / 2) group = Math.min(group, fit)
  }
  return group
}

/** A backward sum on its way to the owner of its signal: the place on the owner's bus. */
interface Sum {
  place: number
  value: number
}

interface LearningSample {
  sample: number
  predicted?: number
  learned?: boolean
  /** "layer/member" of every reader that has reported all its sums for that layer. */
  done: Set<string>
  /** Reports that have come, by "layer/member/first". */
  heard: Set<string>
  /** Sums that have not, by "layer/member". */
  missing: Map<string, number>
  /** By "layer/member" of the owner. */
  sums: Map<string, Sum[]>
  /** Owners that got theirs. */
  handed: Set<string>
  /** When the last message of each part came, ms. */
  marks: Map<string, number>
  finished?: () => void
}
