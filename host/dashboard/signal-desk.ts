/**
 * Between a sensor and the pages that look at it: its trace, what a network names in it, recordings. What
 * pages ask for is done by who reads the sensor.
 */
import { basename } from "node:path"
import { type Clock, realClock, type Timer } from "../base/clock"
import { messageOf, type WuxingError } from "../base/errors"
import type { RecordingStore } from "../sensing/recording-store"
import type { FoundWindow } from "../sensing/watcher"
import type { Recording } from "../signals/recording"
import { lengthOf } from "../signals/recording"
import type { FromPage, ToPage } from "./messages"
import { Rate } from "./rate"
import type { AskedOfSignal, Mark, SignalState, SignalView } from "./signal-messages"

/** How often samples are told, ms, and how many of them at most. */
const TRACE_MS = 40
const MOST_ROWS = 40
/** What a page that comes later is shown of the past: so many samples, and marks. */
const PAST_ROWS = 1_000
const PAST_MARKS = 100
const STATE_MS = 500
/** Samples of a recording that a page is given: as many as a screen is wide, and some. */
const MOST_PLAYED = 2_000
/** Digits of a value: a screen has no more. */
const DIGITS = 6

type Asked = AskedOfSignal | Extract<FromPage, { type: "undo" | "restart" }>
type Send = (message: ToPage) => void

/** What is done when a page asks; each may throw a WuxingError, which the page is told. */
export interface SignalActs {
  record?(label: string): void
  cut?(): void
  lesson?(label: number): void
  /** Takes back the last lesson, or all of them. */
  undo?(): void
  addClass?(name: string): void
  restart?(): void
}

export interface SignalDeskOptions {
  source: string
  store: RecordingStore
  /** Samples a second, where they are known. */
  rate?: number
  /** Of a recording. */
  seconds: number
  records: SignalView["records"]
  classes?: string[]
  acts: SignalActs
  /** How things stand with whoever reads the sensor. */
  state(): Pick<SignalState, "recording" | "armed" | "taught" | "undoable">
  /** What a network finds in a recording; absent: there is none. */
  marksOf?(recording: Recording): Mark[]
  /** A model file of what was learnt, out and in, as Hub has them; absent: there is no network. */
  file?(): Promise<Buffer>
  load?(bytes: Buffer): Promise<void>
  clock?: Clock
  signal?: AbortSignal
}

export class SignalDesk {
  private readonly visitors = new Set<Send>()
  private readonly clock: Clock
  private readonly rate = new Rate()
  private readonly heart: Timer
  private channels: string[] = []
  /** The last samples, and the number of the next one. */
  private past: number[][] = []
  private next = 0
  private told = 0
  private readonly marks: Mark[] = []
  private timer?: Timer
  private lastAt: number
  private note?: string
  private gone?: string

  constructor(private readonly options: SignalDeskOptions) {
    this.clock = options.clock ?? realClock
    this.lastAt = this.clock.now()
    this.heart = this.clock.every(STATE_MS, () => this.tellState(), { background: true })
  }

  get file() {
    return this.options.file
  }

  get load() {
    return this.options.load
  }

  /** A page has come. */
  visit(send: Send): { ask(message: FromPage): void; leave(): void; renew(): void } {
    this.flush()
    this.visitors.add(send)
    this.welcome(send)
    return {
      ask: message => this.carryOut(send, message as Asked),
      leave: () => this.visitors.delete(send),
      renew: () => {
        this.flush()
        this.welcome(send)
      },
    }
  }

  private welcome(send: Send): void {
    const { source, store, rate, seconds, records, classes } = this.options
    send({
      ...{ type: "signal", source, channels: this.channels, rate, seconds, records, classes },
      folder: store.folder,
      trace: { from: this.next - this.past.length, stride: 1, rows: this.past.map(shown) },
      marks: this.marks,
      recordings: this.listed(),
    })
    send(this.state())
  }

  private tell(message: ToPage): void {
    for (const send of this.visitors) send(message)
  }

  // What is read.

  /** A sample has come. */
  sample(values: number[], names?: string[]): void {
    if (this.channels.length !== values.length) {
      this.channels = names ?? values.map((_, c) => `ch${c + 1}`)
      for (const send of this.visitors) this.welcome(send)
    }
    const now = this.clock.now()
    this.rate.count(now)
    this.lastAt = now
    this.past.push(values)
    this.next++
    if (this.past.length > 2 * PAST_ROWS) this.past = this.past.slice(-PAST_ROWS)
    this.timer ??= this.clock.after(TRACE_MS, () => this.flush())
  }

  /** A window or segment was found. @param name of its class; undefined: none that is known */
  found({ from, to, detection }: FoundWindow, name: string | undefined): void {
    const mark = { from: Math.max(0, from), to: Math.max(0, to), name, lead: detection.lead }
    this.marks.push(mark)
    if (this.marks.length > PAST_MARKS) this.marks.shift()
    this.flush()
    this.tell({ type: "mark", ...mark })
  }

  /** The classes have changed. */
  anew(note: string): void {
    this.flush()
    for (const send of this.visitors) this.welcome(send)
    this.changed(note)
  }

  /** Recordings, or how things stand, have changed. @param note what is to be said of it */
  changed(note?: string): void {
    this.note = note
    this.tell({ type: "recordings", recordings: this.listed() })
    this.tellState()
  }

  /** The sensor is gone, for this reason. */
  lost({ message, help }: WuxingError): void {
    this.gone = help === undefined ? message : `${message}; ${help}`
    this.flush()
    this.tellState()
  }

  async close(): Promise<void> {
    this.heart.stop()
    this.flush()
    this.timer?.stop()
    this.tell({ type: "ended" })
    this.visitors.clear()
  }

  private flush(): void {
    this.timer?.stop()
    this.timer = undefined
    const rows = this.past.slice(
      this.past.length - Math.min(this.past.length, this.next - this.told),
    )
    this.told = this.next
    if (rows.length > 0)
      this.tell({ type: "trace", ...thinned(rows, this.next - rows.length, MOST_ROWS) })
  }

  private tellState(): void {
    this.tell(this.state())
  }

  private state(): { type: "signal-state" } & SignalState {
    const now = this.clock.now()
    return {
      type: "signal-state",
      rate: this.rate.perSecond(now),
      silentSeconds: (now - this.lastAt) / 1000,
      ...this.options.state(),
      ...{ note: this.note, gone: this.gone },
    }
  }

  private listed() {
    return this.options.store.list().map(({ id, label, path, samples, own }) => ({
      id,
      label,
      file: basename(path),
      samples,
      own,
    }))
  }

  // What pages ask for.

  private carryOut(send: Send, message: Asked): void {
    const fail = (error: unknown) => send({ type: "refused", what: `${messageOf(error)}.` })
    try {
      if (this.gone !== undefined && message.type !== "play" && message.type !== "delete")
        send({ type: "refused", what: `The sensor is gone: ${this.gone}` })
      else if (message.type === "play") this.play(send, message.recording).catch(fail)
      else this.act(send, message)
    } catch (error) {
      fail(error)
    }
    this.tellState()
  }

  private act(send: Send, message: Exclude<Asked, { type: "play" }>): void {
    const { acts, store, classes = [] } = this.options
    if (message.type === "delete") {
      const { path } = store.delete(message.recording)
      this.changed(`${path} is deleted`)
    } else if (message.type === "record" && acts.record) acts.record(message.label)
    else if (message.type === "cut" && acts.cut) acts.cut()
    else if (message.type === "undo" && acts.undo) acts.undo()
    else if (message.type === "add-class" && acts.addClass) acts.addClass(message.name)
    else if (message.type === "restart" && acts.restart) acts.restart()
    else if (message.type === "lesson" && acts.lesson && message.label < classes.length)
      acts.lesson(message.label)
    else send({ type: "refused", what: "This cannot be asked of this signal." })
  }

  private playing = false

  /** One at a time: reading may take a while. */
  private async play(send: Send, id: number): Promise<void> {
    if (this.playing) {
      send({ type: "refused", what: "A recording is being read: try again in a moment." })
      return
    }
    this.playing = true
    try {
      const { store, signal, rate: nominal, marksOf } = this.options
      const recording = await store.read(id, nominal, signal)
      const { channels, rate = nominal ?? 1, values } = recording
      const rows = Array.from({ length: lengthOf(recording) }, (_, i) => values.map(v => v[i]))
      const listed = this.listed().find(one => one.id === id)
      if (!listed) return
      const { label, file } = listed
      send({
        ...{ type: "played", id, label, file, channels, rate },
        ...thinned(rows, 0, MOST_PLAYED),
        marks: marksOf?.(recording) ?? [],
      })
    } finally {
      this.playing = false
    }
  }
}

/** At most so many of some samples, evenly. */
function thinned(rows: number[][], from: number, most: number) {
  const stride = Math.max(1, Math.ceil(rows.length / most))
  return { from, stride, rows: rows.filter((_, i) => i % stride === 0).map(shown) }
}

function shown(values: number[]): number[] {
  return values.map(value => Number(value.toPrecision(DIGITS)))
}
