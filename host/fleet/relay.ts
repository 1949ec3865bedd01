/**
 * The host's part in a running network: it sends images and labels, and passes on what boards report
 * for other boards. It computes nothing, but that where boards share the outputs by their links, it adds
 * up the sums each has a part of.
 *
 * A message that a board had already, or that comes for a sample no longer under way, changes nothing:
 * boards refuse it and the host passes nothing on twice. So repeated and late messages cost nothing,
 * and a lost one shows by the fact that no more comes.
 */

import { Command, Compared, ImageFlag, Status } from "../../src/wire/protocol"
import { type Clock, realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { imageMessages } from "../link/messages"
import { seconds, wait } from "../link/wait"
import { inputImage, type Network, signalsOf } from "../network/network"
import { pickedSources } from "../network/shard-places"
import type { Slice } from "../network/slices"
import type { Sources } from "../network/wiring"
import { AddedSums, sumsMessage } from "./added-sums"
import type { Board } from "./board"
import { Gathering } from "./gather"
import { LearningStep } from "./learning-step"
import { MOST_IMAGES, Outbox } from "./outbox"
import type { BackReport, Fault, ReportShape, SignalsReport, SumsReport } from "./reports"
import { type Layer, pixelsOf, type Reader, routesOf } from "./routes"
import {
  backMessages,
  groupOf,
  picksFor,
  type SampleSignals,
  type Slices,
  signalsMessages,
  slicesFor,
} from "./service-messages"

/** Samples a board can have under way (slots of its shard), unless its memory allows other numbers. */
export const SLOTS = 8
/** How long a sample may take virtual boards, with messages (it takes 25 ms). */
const SAMPLE_DEADLINE_MS = 2_500
/** After this share of the deadline without a report, boards are asked whether they still have work. */
const STALL_SHARE = 0.2
/** A new sample's weight in the mean times of parts. */
const TIME_WEIGHT = 0.05
/** What is put together for the host itself. */
const OUTPUTS = "outputs"

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

export interface InferOptions {
  /** Number of the first sample: any, as long as no other run's samples are under way. */
  first: number
  /** Images under way at most; absent: as many as boards have slots. */
  most?: () => number
  /** Called for each image in order with its outputs (signal format). */
  onOutput(index: number, outputs: Int16Array): void
}

export class Relay {
  private readonly layers: Layer[]
  private readonly last: number
  private failed?: (reason: Error) => void
  private failure?: Error
  private readonly boards: Board[]
  private outboxes: Outbox[] = []
  private unlisten: (() => void)[] = []
  private readonly shapes: ReportShape[]
  /** Pixels each board takes; undefined: all. */
  private readonly pixels: (number[] | undefined)[]
  /** Of boards that take the links of lit pixels: the pixels that each of their synapses reads. */
  private readonly picked: (Sources | undefined)[]
  private readonly signal?: AbortSignal
  private readonly slots: number
  /** Images of a group at most. */
  private readonly group: number
  private readonly deadlineMs: number
  private readonly clock: Clock

  /** For each member the last sample it reported on, and how many before that. */
  private readonly heard: { sample: number; count: number }[]
  private readonly gathering = new Gathering()
  /** Members that have a part of the outputs' sums. */
  private readonly summing: number[]
  private readonly added: AddedSums
  /** Inference: outputs that have come and are not taken yet. */
  private readonly outputs = new Map<number, Int16Array>()
  /** Signals of the output layer. */
  private readonly width: number
  private outputArrived?: () => void
  private learning?: LearningStep
  private readonly times = new Map<string, number>()
  /** Counts reports and messages: where it stands still, nothing happens. */
  private activity = 0
  /** What may have cost a message: if nothing follows, that is why. */
  private suspicion?: string

  constructor(
    private readonly network: Network,
    members: Member[],
    options: RelayOptions = {},
  ) {
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
    this.summing = shares.flatMap((slices, i) => (slices.some(s => s.partial) ? [i] : []))
    this.added = new AddedSums(this.summing.length)
    const { neurons, inputs } = network.layers[this.last - 1]
    this.shapes = members.map((_, member) => ({
      layers: this.last,
      classes: this.width,
      own: this.layers.map(({ own }) => own[member]),
      widths: this.layers.map(({ widths }) => widths[member]),
      summed: this.summing.includes(member) ? neurons * inputs : 0,
    }))
    this.pixels = shares.map(slices => pixelsOf(network, slices))
    this.picked = shares.map(slices => pickedSources(network, slices))
    this.group = groupOf(network, shares, this.slots)
    this.attach()
  }

  private attach(): void {
    this.outboxes = this.boards.map(
      board =>
        new Outbox(
          ({ command, payload }) => {
            this.activity++
            return board.link.send(command, payload)
          },
          async () => {
            await board.status(this.deadlineMs)
          },
          reason => this.fail(reason),
          this.clock,
        ),
    )
    for (const outbox of this.outboxes) outbox.onEmpty = () => this.endIfLearnt()
    this.unlisten = this.boards.map((board, index) =>
      board.listen(this.shapes[index], {
        onBadReport: error => this.fail(error),
        onSignals: report => this.passSignals(index, report),
        onSums: report => this.passSums(index, report),
        onBack: report => this.passBack(index, report),
        onFault: fault => this.takeFault(board, fault),
      }),
    )
  }

  /** Hears no more of the boards: what they still report belongs to a run that has ended. */
  detach(): void {
    for (const outbox of this.outboxes) outbox.close()
    for (const stop of this.unlisten) stop()
  }

  /** Begins afresh with boards that have dealt with all they were sent. */
  resume(): void {
    this.detach()
    this.gathering.clear()
    this.added.clear()
    this.outputs.clear()
    this.learning = undefined
    this.failure = undefined
    this.suspicion = undefined
    this.attach()
  }

  /** Runs the boards on images, of which several are under way at once. */
  async infer(
    images: (index: number) => Uint8Array,
    count: number,
    { first, most = () => this.slots, onOutput }: InferOptions,
  ): Promise<void> {
    let sent = 0
    let done = 0
    let group: Slices[][] = []
    while (done < count) {
      while (sent < count) {
        const atOnce = Math.min(most(), this.slots)
        if (group.length === 0)
          group = this.nextGroup(images, sent, Math.min(count, sent + Math.min(this.group, atOnce)))
        if (sent > done && sent + group.length - done > atOnce) break
        for (const [i, slices] of group.entries()) {
          this.gathering.begin(first + sent + i)
          this.sendImage(first + sent + i, slices, i === group.length - 1 ? ImageFlag.Flush : 0)
        }
        sent += group.length
        group = []
      }
      const outputs = await this.awaitOutput(first + done)
      this.forget(first + done)
      onOutput(done++, outputs)
    }
  }

  /** Images from…to−1 as far as one group holds their messages: for each, for each board its slices. */
  private nextGroup(images: (index: number) => Uint8Array, from: number, to: number) {
    const group: Slices[][] = []
    const frames = this.boards.map(() => 0)
    for (let i = from; i < to; i++) {
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
    const lit = inputImage(this.network, image)
    const whole = slicesFor(lit, undefined)
    return this.pixels.map((pixels, i) => {
      const sources = this.picked[i]
      if (sources) return picksFor(lit, sources)
      return pixels ? slicesFor(lit, pixels) : whole
    })
  }

  private forget(sample: number): void {
    this.gathering.end(sample)
    this.added.end(sample)
    for (const outbox of this.outboxes) outbox.forget(sample)
  }

  private async awaitOutput(sample: number): Promise<Int16Array> {
    const outputs = await this.wait<Int16Array>(
      { late: `the outputs of sample ${sample} did not come`, sample },
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
    const learning = new LearningStep(sample, this.layers)
    this.learning = learning
    this.gathering.begin(sample)
    const start = this.clock.now()
    this.sendImage(sample, this.encode(image), ImageFlag.Learn, label, updates)
    await this.wait<void>({ late: `sample ${sample} was not learnt`, sample }, resolve => {
      learning.onFinished = resolve
      this.endIfLearnt()
      return () => {
        this.learning = undefined
      }
    })
    this.forget(sample)
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
    this.activity++
    this.outboxes[from].heard(sample + samples - 1, layer)
    this.count(from, sample + samples - 1, samples)
    if (layer === this.last && this.learning?.sample !== sample) {
      this.takeOutputs(report)
      return
    }
    if (this.learning?.sample === sample)
      this.learning.marks.set(`forward, layer ${layer}`, this.clock.now())
    for (const reader of this.layers[layer]?.readers ?? []) {
      const complete: SampleSignals[] = []
      for (let i = 0; i < samples; i++) {
        const values = this.assemble(from, reader, report, i)
        if (values) complete.push({ sample: sample + i, values })
      }
      for (const message of signalsMessages(reader.ranges, layer, complete))
        this.outboxes[reader.member].push({ command: Command.Signals, ...message, layer })
    }
  }

  /** Of a sample that is learnt all boards make the outputs; of others one does, each in its turn. */
  private passSums(from: number, { sample, values }: SumsReport): void {
    this.activity++
    // Nothing else goes to boards for the layer the outputs read.
    const layer = this.last - 1
    this.outboxes[from].heard(sample, layer)
    this.count(from, sample, 1)
    if (!this.gathering.isUnderWay(sample)) return
    const learns = this.learning?.sample === sample
    if (learns) this.learning?.marks.set("sums of the outputs", this.clock.now())
    const sums = this.added.add(from, sample, values)
    if (!sums) return
    const message = {
      command: Command.Sums,
      payload: sumsMessage(sample, this.last, sums),
      ...{ sample, layer },
    }
    const { summing } = this
    for (const i of learns ? summing : [summing[sample % summing.length]])
      this.outboxes[i].push(message)
  }

  private takeOutputs({ sample, samples, first, count, values }: SignalsReport): void {
    for (let i = 0; i < samples; i++) {
      const some = Array.from(
        { length: count },
        (_, o) => [first + o, values.getAt((i * count + o) * 2, "i16")] as const,
      )
      const outputs = this.gathering.put(sample + i, OUTPUTS, this.width, some)
      if (outputs) this.outputs.set(sample + i, outputs)
    }
    this.outputArrived?.()
  }

  /** Puts what a report has for a reader in its place; returns the signals once all are there. */
  private assemble(
    from: number,
    { member, wires, count: wanted }: Reader,
    { sample, layer, first, count, values }: SignalsReport,
    i: number,
  ): Int16Array | undefined {
    const some = wires[from]
      .filter(wire => wire.from >= first && wire.from < first + count)
      .map(wire => [wire.to, values.getAt((i * count + wire.from - first) * 2, "i16")] as const)
    if (some.length === 0) return undefined
    return this.gathering.put(sample + i, `${layer}/${member}`, wanted, some)
  }

  private passBack(from: number, report: BackReport): void {
    const { sample, layer } = report
    this.activity++
    this.outboxes[from].heard(sample, Number.POSITIVE_INFINITY)
    this.count(from, sample, 1)
    const learning = this.learning
    if (learning?.sample !== sample) return
    const part =
      layer + 1 === this.last ? "outputs, error, back to their layer" : `back, layer ${layer + 1}`
    learning.marks.set(part, this.clock.now())
    const due = learning.take(from, report)
    if (typeof due === "string") {
      this.fail(this.boards[from].badReport(Command.Back, due))
      return
    }
    for (const { layer, owner, sums } of due)
      for (const payload of backMessages(sample, layer, owner.range, sums))
        this.outboxes[owner.member].push({
          command: Command.Back,
          payload,
          sample,
          layer: this.last + layer,
        })
    this.endIfLearnt()
  }

  /**
   * A step is over once every report of it is there and all that they led to is on its way: a board must not be asked
   * for what it learnt, or told another rate, before messages that still wait here.
   */
  private endIfLearnt(): void {
    if (this.learning?.finished && !this.outboxes.some(({ waiting }) => waiting))
      this.learning.onFinished?.()
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

  /** A message that was had already changes nothing; if one is lost, no more will come, and that shows. */
  private takeFault(board: Board, fault: Fault): void {
    const refusal = board.refusal(fault.command, fault.status, detailOf(fault))
    if (fault.status === Status.OutOfOrder || fault.status === Status.Busy)
      this.suspect(refusal.message)
    else this.fail(refusal)
  }

  /** @param what may have cost a message; that shows by what does not come */
  suspect(what: string): void {
    this.suspicion = what
  }

  /** Ends the run in hand with an error. */
  fail(reason: Error): void {
    this.failure ??= reason
    this.failed?.(this.failure)
  }

  /**
   * Ends the run in hand where nothing more can come: no report since `activity` was that, and every
   * board has dealt with all it was sent.
   */
  private async failIfStalled(sample: number, activity: number): Promise<void> {
    if (this.outboxes.some(outbox => outbox.waiting)) return
    await Promise.all(this.boards.map(board => board.status(this.deadlineMs)))
    if (this.activity !== activity) return
    const before = this.suspicion ? `, and before that ${this.suspicion}` : ""
    this.failed?.(
      new WuxingError({
        code: "message-lost",
        kind: "board",
        message: `a message of sample ${sample} was lost: no board has work left${before}`,
        cause: "a bad cable, or a board that dropped what it had no room for",
        help: "check the boards' cables and supply, then run the command again",
      }),
    )
  }

  /** @param late what to say when it does not happen in time: "… did not come" */
  private wait<T>(
    { late, sample }: { late: string; sample: number },
    start: (resolve: (value: T) => void) => () => void,
  ): Promise<T> {
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
        let before = this.activity
        const timer = this.clock.every(this.deadlineMs * STALL_SHARE, () => {
          // A board that does not answer either is late: the deadline says so.
          if (this.activity === before) this.failIfStalled(sample, before).catch(() => {})
          before = this.activity
        })
        const rest = this.boards.map(board => board.link.stir())
        const stop = start(resolve)
        return () => {
          timer.stop()
          for (const stopStirring of rest) stopStirring()
          this.failed = undefined
          stop()
        }
      },
    })
  }
}

/** What was compared with what, of a message that was refused. */
function detailOf({ status, number, compared, got, expected }: Fault): string {
  if (status === Status.Busy) return ` (${number} messages were lost)`
  const which = `number ${number}`
  if (compared === Compared.Nothing) return ` (${which})`
  const value = (Compared[compared] ?? `value ${compared}`)
    .replace(/[A-Z]/g, c => ` ${c.toLowerCase()}`)
    .trim()
  return ` (${which}: ${value} ${got}, expected ${expected === -1 ? "none" : expected})`
}
