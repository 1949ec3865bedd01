/**
 * Between a fleet and the pages that look at it: gathers what the fleet does into messages, hands the
 * fleet what people want of it.
 */

import { type Clock, realClock, type Timer } from "../base/clock"
import { WuxingError } from "../base/errors"
import { faultOfNewClass } from "../data/classes"
import type { TrainingRecord } from "../models/model-file"
import { confidenceOf } from "../network/confidence"
import type { Network } from "../network/network"
import { type BoardTimes, partsBetween } from "../session/board-times"
import type { BoardHealth, Checkpoint } from "../session/reports"
import type { BoardState, FleetWatch, Learnt, Request } from "../session/watch"
import { describe, type Seen } from "./describe"
import { Ledger } from "./ledger"
import { type Looker, Looks } from "./looks"
import {
  type Control,
  decodeBytes,
  encodeBytes,
  type FleetView,
  type FromPage,
  type Hello,
  type Kind,
  type LiveBoard,
  type ToPage,
  type Update,
} from "./messages"
import { Rate } from "./rate"
import { type Asked, Requests } from "./requests"
import { loadedModel, savedModel, untaught } from "./state-file"

/** Updates a second at most. */
const UPDATES = 60
/** How often the boards' state is reported, and they are asked for it, ms. */
const FLEET_MS = 500
const ASK_MS = 2_000
/** Mean times are of so many samples, as far as there are: clocks of whole ms are right on average only. */
const TIMED_SAMPLES = 100
/** A model file is read or loaded in so long, ms, or not. */
const MOST_WAIT_MS = 60_000
const NO_WAY_BACK =
  "This network cannot go back: the running means of its PID control are kept nowhere."
/** Lines kept of the boards' logs. */
const LOG_LINES = 200
/** Characters of a line; a board's own lines are shorter. */
const MOST_LINE = 500
/** Single steps that may be asked for ahead. */
const MOST_STEPS = 1_000

type Send = (message: ToPage) => void

export interface HubOptions {
  clock?: Clock
  network: Network
  classes: string[]
  /** Holds the run before its first sample. */
  paused?: boolean
  /** The network's input as a picture, and whether it is one. Default: a square, or one row that is none. */
  frame?: { width: number; height: number }
  picture?: boolean
  /** How it was taught, for model files. */
  training?: TrainingRecord
  /** Aborted: nothing is held any more. */
  signal?: AbortSignal
  /** Why nobody may teach, read or slow down this run, if so. */
  fixed?: string
  /** Whoever runs the boards looks at `wanted`, and gives the network one more output. */
  addsClasses?: boolean
  /** Told when somebody holds the run: whoever waits for it may not see the page. */
  status?: (text: string) => void
}

export class Hub implements FleetWatch {
  /** Name of a class that there is to be one more of. */
  wanted?: string
  private network: Network
  classes: string[]
  private readonly visitors = new Set<Looker>()
  private ledgers: Record<Kind, Ledger>
  private readonly looks: Looks
  private readonly lines: { board: number; line: string }[] = []
  private readonly states: BoardState[] = []
  private health: BoardHealth[] = []
  private readonly resets: number[] = []
  /** What each board has reported of its times, as far back as a mean goes; and that mean. */
  private reported: BoardTimes[][] = []
  private times: NonNullable<LiveBoard["times"]>[] = []
  private latest?: Checkpoint
  private fleet?: Seen
  private hello?: Omit<Hello, "tallies" | "log" | "addsClasses">

  private kind?: Kind
  private paused: boolean
  private steps = 0
  private bits = 0
  private taught = 0
  private readonly requests = new Requests()
  private wake?: () => void
  private asking = false
  private asked = 0

  /** With the image of its last sample: a drawing may come between. */
  private pending?: Omit<Update, "image"> & { image?: Uint8Array }
  private timer?: Timer
  private readonly clock: Clock
  private readonly heart: Timer
  private readonly rate = new Rate()

  constructor(private readonly options: HubOptions) {
    const { network, classes, paused, signal } = options
    this.paused = paused ?? false
    this.network = network
    this.classes = classes
    this.ledgers = ledgersOf(classes)
    this.clock = this.options.clock ?? realClock
    this.looks = new Looks(this.clock, this.visitors, network, classes.length)
    this.heart = this.clock.every(FLEET_MS, () => this.beat(), { background: true })
    signal?.addEventListener("abort", () => this.changedNow())
  }

  /** The fleet is there, and nothing under way yet: pages get to know it. */
  async attach(fleet: Seen): Promise<void> {
    const { network, classes } = this
    this.hello = await describe(fleet, { ...this.options, network, classes })
    this.fleet = fleet
    for (const { send } of this.visitors) this.welcome(send)
  }

  /** The fleet ends, and another one comes: of the same network, or of what it grows to. */
  detach(): void {
    this.flush()
    Object.assign(this, { fleet: undefined, hello: undefined })
    // Boards that are started again have not restarted by themselves.
    Object.assign(this, { health: [], reported: [], times: [] })
    if (this.bits !== 0) this.requests.addFirst({ do: "slow", bits: this.bits })
    for (const { send } of this.visitors) this.welcome(send)
  }

  /**
   * Goes on with a network of more outputs, or fewer again, once there is no fleet. What was counted is
   * kept, and states to go back to are those of this network.
   *
   * @param of what a state of the network so far is in this one
   */
  goOnWith(network: Network, classes: string[], of: (state: Learnt) => Learnt): void {
    this.network = network
    this.classes = classes
    this.latest &&= { ...this.latest, ...of(this.latest) }
    this.requests.map(of)
    this.looks.goOnWith(network, classes.length)
    for (const ledger of Object.values(this.ledgers)) ledger.resize(classes.length)
  }

  /** What was wanted is done, or cannot be, for this reason. */
  answerWanted(why?: string): void {
    const { wanted } = this
    if (wanted === undefined) return
    this.wanted = undefined
    const what = `There is no class ${wanted}: ${why}.`
    this.options.status?.(why === undefined ? `${wanted} is a class now` : what)
    if (why !== undefined) this.tell({ type: "refused", what })
  }

  /** A page has come. */
  visit(send: Send): { ask(message: FromPage): void; leave(): void; renew(): void } {
    const visitor: Looker = { send }
    // What is still to be told is in the tallies that this page gets.
    this.flush()
    this.visitors.add(visitor)
    this.welcome(send)
    return {
      ask: message => this.carryOut(visitor, message),
      leave: () => this.visitors.delete(visitor),
      // It missed something: everything again, what is still to be told before it.
      renew: () => {
        this.flush()
        this.welcome(send)
      },
    }
  }

  private welcome(send: Send): void {
    if (!this.hello) {
      send({ type: "waiting" })
      return
    }
    const { learning, naming } = this.ledgers
    const tallies = { learning: learning.tally(), naming: naming.tally() }
    const { addsClasses = false } = this.options
    send({ ...this.hello, addsClasses, tallies, log: this.lines })
    send(this.control())
    send(this.fleetView())
  }

  private tell(message: ToPage): void {
    for (const { send } of this.visitors) send(message)
  }

  // What the fleet says.

  state(board: number, state: BoardState): void {
    this.states[board] = state
  }

  classified(image: Uint8Array, outputs: Int16Array, label?: number): void {
    if (label === undefined) return
    const named = digitOf(outputs)
    this.add("naming", image, { label, named, error: named !== label })
  }

  learnt(image: Uint8Array, class_: number, label: number, error: boolean): void {
    if (error) this.requests.learnt()
    // Boards report it: what is none of the classes is shown as none.
    const known = Number.isInteger(class_) && class_ >= 0 && class_ < this.classes.length
    this.add("learning", image, { label, named: known ? class_ : -1, error })
  }

  saved(checkpoint: Checkpoint): void {
    this.requests.saved(checkpoint)
    this.looks.load(checkpoint)
    this.latest = checkpoint
  }

  log(board: number, text: string): void {
    const line = text.slice(0, MOST_LINE)
    this.lines.push({ board, line })
    if (this.lines.length > LOG_LINES) this.lines.shift()
    this.tell({ type: "log", lines: [{ board, line }] })
  }

  request(): Request | undefined {
    return this.requests.next()
  }

  before(request: Request): Request | undefined {
    return this.requests.readFirst(request)
  }

  requested(request: Request): void {
    if (this.requests.requested(request)) this.taught++
    this.tell(this.control())
  }

  allow(most: number): number {
    if (!this.held) return most
    if (this.steps === 0) return 0
    this.steps--
    this.tell(this.control())
    return 1
  }

  async changed(): Promise<void> {
    if (!this.requests.isEmpty || this.steps > 0 || !this.held) return
    await new Promise<void>(resolve => {
      this.wake = resolve
    })
  }

  async close(): Promise<void> {
    this.heart.stop()
    this.timer?.stop()
    this.looks.stop()
    this.flush()
    this.tell({ type: "ended" })
    this.visitors.clear()
  }

  private get held(): boolean {
    return this.paused && !this.options.signal?.aborted
  }

  private changedNow(): void {
    this.wake?.()
    this.wake = undefined
  }

  // What pages ask for.

  private carryOut(visitor: Looker, message: FromPage): void {
    const { send } = visitor
    if (message.type === "look") {
      this.looks.ask(visitor, message)
      return
    }
    const { fixed } = this.options
    if (fixed !== undefined && ["teach", "read", "rate"].includes(message.type)) {
      refuse(send, fixed)
      return
    }
    if (message.type === "name" || message.type === "teach") this.draw(send, message)
    else if (message.type === "read") this.want(send, { do: "read" })
    else if (message.type === "undo" || message.type === "restart") this.goBack(send, message.type)
    else if (message.type === "add-class") this.addClass(send, message.name)
    else if (message.type === "rate") {
      if (this.want(send, { do: "slow", bits: message.bits })) this.bits = message.bits
    } else if (message.type === "step") {
      this.steps = Math.min(MOST_STEPS, this.steps + (this.paused ? 1 : 0))
      this.tellFleet()
    } else if (message.type !== "pause" && message.type !== "resume") {
      refuse(send, "There is no signal here.")
      return
    } else {
      const paused = message.type === "pause"
      if (paused !== this.paused)
        this.options.status?.(paused ? "held from the dashboard" : "goes on, by the dashboard")
      this.paused = paused
      this.steps = 0
      this.tellFleet()
    }
    this.changedNow()
    this.tell(this.control())
  }

  /** @returns whether all of them were taken on */
  private want(send: Send, ...asked: Asked[]): boolean {
    if (!this.fleet) refuse(send, "The boards are not ready yet.")
    else if (!this.requests.add(...asked))
      refuse(send, "The boards are busy: try again in a moment.")
    else {
      this.changedNow()
      return true
    }
    return false
  }

  /** Has a drawing named, after it was learnt if it has a label. */
  private draw(send: Send, message: Extract<FromPage, { type: "name" | "teach" }>): void {
    const { network, classes } = this
    const image = decodeBytes(message.image)
    const label = message.type === "teach" ? message.label : undefined
    if (image.length !== network.width || (label ?? 0) >= classes.length) {
      refuse(send, `A drawing has ${network.width} pixels, and its class is one of the network's.`)
      return
    }
    const answered = (outputs: Int16Array) => {
      if (outputs.length < classes.length) {
        refuse(send, `The boards gave ${outputs.length} of ${classes.length} outputs.`)
        return
      }
      this.looks.seen(image, label)
      // What was learnt before the answer is told before it: a page knows by that how old an answer is.
      this.flush()
      if (label !== undefined) this.tell(this.control())
      send({
        ...{ type: "answer", id: message.id, taught: label },
        outputs: Array.from(outputs, o => o / 2 ** network.signalBits),
        digit: digitOf(outputs),
        confidence: confidenceOf(outputs, network),
      })
      this.looks.soon()
    }
    const name: Request = { do: "classify", image, answered }
    if (label === undefined) this.want(send, name)
    // Read back as well, so that a look inside shows what has changed.
    else if (this.want(send, { do: "teach", lesson: { image, label } }, name, { do: "read" }))
      this.taught++
  }

  private addClass(send: Send, name: string): void {
    const { network, classes } = this
    const fault = this.options.addsClasses
      ? faultOfNewClass(name, classes)
      : "No class can be added to this run."
    if (fault !== undefined) refuse(send, fault)
    else if (network.pid) refuse(send, NO_WAY_BACK)
    else if (!this.fleet || this.wanted !== undefined) refuse(send, "The boards are not ready yet.")
    else this.wanted = name
  }

  /** Takes back the last lesson, or all that was learnt. */
  private goBack(send: Send, how: "undo" | "restart"): void {
    const done = () => {
      this.taught = how === "undo" ? Math.max(0, this.taught - 1) : 0
      this.options.status?.(how === "undo" ? "the last lesson taken back" : "begun again")
      if (how === "restart") {
        this.flush()
        this.ledgers = ledgersOf(this.classes)
        for (const { send } of this.visitors) this.welcome(send)
      }
      this.tell(this.control())
    }
    if (this.network.pid) refuse(send, NO_WAY_BACK)
    else if (how === "undo" && this.requests.undoable === 0 && this.requests.isEmpty)
      refuse(send, "There is no lesson to take back.")
    else this.want(send, { do: how, done })
  }

  /** A model file of what was learnt, read back now. @throws WuxingError if the run has no time for it */
  async file(): Promise<Buffer> {
    await this.answerOf(answered => ({ do: "read", answered }))
    if (!this.latest) throw busy()
    return this.model(this.latest)
  }

  /** @param learnt of the network as it is now */
  model(learnt: Checkpoint): Buffer {
    const { network, classes } = this
    const { training = untaught(network) } = this.options
    return savedModel({ network, classes, training, learnt })
  }

  /**
   * Goes on from a model file of the same network.
   *
   * @throws WuxingError as decodeModel, "model-other" for another network, "dashboard-busy"
   */
  async load(bytes: Buffer): Promise<void> {
    const { network } = this
    const state = loadedModel(bytes, network)
    if (network.pid) throw busy(NO_WAY_BACK)
    await this.answerOf(answered => ({ do: "load", state, answered }))
    this.options.status?.("another state loaded by the dashboard")
    this.tell(this.control())
  }

  private async answerOf(request: (answered: () => void) => Request): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const given = this.want(() => reject(busy()), request(resolve))
      if (given) this.clock.after(MOST_WAIT_MS, () => reject(busy()), { background: true })
    })
  }

  // What pages are told.

  private add(kind: Kind, image: Uint8Array, sample: Update["samples"][number]): void {
    this.kind = kind
    this.looks.seen(image, sample.label)
    if (this.pending && this.pending.kind !== kind) this.flush()
    this.pending ??= { type: "update", kind, samples: [], points: [], mistakes: [] }
    const { point, mistake } = this.ledgers[kind].add(sample, () => encodeBytes(image))
    this.pending.samples.push(sample)
    this.pending.image = image
    if (point) this.pending.points.push(point)
    if (mistake) this.pending.mistakes.push(mistake)
    this.rate.count(this.clock.now())
    this.timer ??= this.clock.after(1000 / UPDATES, () => this.flush())
  }

  private flush(): void {
    this.timer?.stop()
    this.timer = undefined
    const { pending } = this
    if (!pending) return
    this.pending = undefined
    if (this.visitors.size > 0)
      this.tell({ ...pending, image: pending.image && encodeBytes(pending.image) })
    this.looks.soon()
  }

  private control(): { type: "control" } & Control {
    return {
      ...{ type: "control", kind: this.kind, paused: this.paused, bits: this.bits },
      shift: this.fleet?.learnShifts.links ?? this.network.learnShift,
      samplesPerSecond: this.rate.perSecond(this.clock.now()),
      taught: this.taught,
      undoable: this.requests.undoable,
    }
  }

  private fleetView(): FleetView {
    const live = this.fleet?.live() ?? []
    return {
      type: "fleet",
      boards: live.map(({ samples, fromBoard, toBoard, errors, silentSeconds }, i) => ({
        state: this.stateOf(i),
        ...{ samples, fromBoard, toBoard, errors, silentSeconds },
        resets: this.resets[i] ?? 0,
        times: this.times[i],
        ...(this.health[i] && healthOf(this.health[i])),
      })),
      recoveries: this.fleet?.recoveries ?? 0,
      parts: this.fleet?.partTimes ?? [],
    }
  }

  /** A board that waits for its next sample is not learning while the run is held. */
  private stateOf(board: number): LiveBoard["state"] {
    const state = this.states[board] ?? "running"
    return this.held && this.steps === 0 && state === "learning" ? "paused" : state
  }

  private tellFleet(): void {
    if (this.fleet) this.tell(this.fleetView())
  }

  private beat(): void {
    if (this.visitors.size === 0 || !this.fleet) return
    this.tellFleet()
    this.tell(this.control())
    const now = this.clock.now()
    if (this.asking || now - this.asked < ASK_MS) return
    this.asking = true
    this.asked = now
    const answered = (health: BoardHealth[]) => {
      this.asking = false
      for (const [i, { boot, times }] of health.entries()) {
        if (this.health[i] && this.health[i].boot !== boot) {
          this.resets[i] = (this.resets[i] ?? 0) + 1
          this.reported[i] = []
        }
        if (times) this.hearTimes(i, times)
      }
      this.health = health
    }
    this.requests.addReport({ do: "report", answered })
    this.changedNow()
  }

  private hearTimes(board: number, times: BoardTimes): void {
    this.reported[board] ??= []
    const reported = this.reported[board]
    reported.push(times)
    while (reported.length > 2 && times.samples - reported[1].samples >= TIMED_SAMPLES)
      reported.shift()
    const parts = partsBetween(reported[0], times)
    if (parts.length > 0) this.times[board] = { tickMs: times.tickMs, parts }
  }
}

function digitOf(outputs: Int16Array): number {
  return outputs.indexOf(Math.max(...outputs))
}

function ledgersOf({ length }: string[]): Record<Kind, Ledger> {
  return { learning: new Ledger(length), naming: new Ledger(length) }
}

function busy(message = "the run has no time for this now"): WuxingError {
  return new WuxingError({
    ...{ code: "dashboard-busy", kind: "board", message },
    cause: "its boards are being started, do not answer, or others have asked for much",
    help: "try again in a moment",
  })
}

function healthOf({ heapBytes, handled, refused, dropped }: BoardHealth) {
  return { heapBytes, handled, refused, dropped }
}

function refuse(send: Send, what: string): void {
  send({ type: "refused", what })
}
