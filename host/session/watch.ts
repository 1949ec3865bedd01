/** Watchers of a fleet at work, which may make requests: a panel, a dashboard. */
import type { BoardHealth, Checkpoint, Lesson } from "./reports"

/** Numbers of lessons learnt beside a run start here; they decide the stochastic rounding. */
export const LESSON_SAMPLES = 0x20000000

export type BoardState = "loading" | "running" | "learning" | "fault"

/** What is to be done between two samples of a run, with no sample under way. */
export type Request =
  /** Learn this, once. */
  | { do: "teach"; lesson: Lesson }
  /** Learn from now on 2^−bits times as fast as the run's own plan says. */
  | { do: "slow"; bits: number }
  /** Go on from another state of the same network. */
  | { do: "load"; state: Learnt; answered?(): void }
  /** Classify an image. */
  | { do: "classify"; image: Uint8Array; answered(outputs: Int16Array): void }
  /** Read back what has been learnt. */
  | { do: "read"; answered?(): void }
  /** Ask the boards how they are. */
  | { do: "report"; answered(boards: BoardHealth[]): void }

export interface FleetWatch {
  /** What a board does from now on. */
  state?(board: number, state: BoardState): void
  /** A board does not answer. It is connected to anew when this resolves; it must not reject. */
  hung?(board: number): Promise<unknown>
  /**
   * What the boards gave for an image, in the signal format.
   *
   * @param label what it shows, where that is known
   */
  classified?(image: Uint8Array, outputs: Int16Array, label?: number): void
  /**
   * What the boards took an image for before they learnt it.
   *
   * @param learned whether there was anything to learn: an error at the outputs
   */
  learnt?(image: Uint8Array, predicted: number, label: number, learned: boolean): void
  /** All that was learnt, as just read from the boards, or as they were loaded with it. */
  saved?(checkpoint: Checkpoint): void
  /** A line of a board's log. */
  log?(board: number, line: string): void
  /** Asked between samples: what is to be done beside the run, if anything. */
  request?(): Request | undefined
  /**
   * Another watcher wants a lesson: what is to be done first, if anything, for this one to know what the
   * lesson changes.
   */
  before?(request: Request): Request | undefined
  /** Another watcher's request is done next. */
  requested?(request: Request): void
  /** How many samples the run may do now, at most `most`; 0: none for now. */
  allow?(most: number): number
  /** Where `allow` was 0: resolves when there is a request, or the run may go on. */
  changed?(): Promise<void>
  /** The fleet has ended. */
  close?(): Promise<void>
}

/** A lesson learnt beside the run: so it can be repeated elsewhere to the same bits. */
export interface Taught {
  lesson: Lesson
  /** Samples of the run learnt before it. */
  after: number
  /** Its own number, which decides the rounding; out of the way of those of the run. */
  sample: number
}

/** The rate as somebody changed it while a run went on. */
export interface Slowed {
  /** As in the request. */
  bits: number
  after: number
}

/** What a network has learnt, in its own order. */
export type Learnt = Pick<Checkpoint, "coefficients" | "elements">

/** Another state of the network that the run went on from. */
export interface Loaded {
  state: Learnt
  after: number
}

/** What somebody did to a run beside it, in a form that can be repeated. */
export type Intervention = Taught | Slowed | Loaded

/** Several watchers as one: all are notified, all may request, all must allow. */
export function allOf(watches: readonly FleetWatch[]): FleetWatch {
  let waiting: { request: Request; of: FleetWatch } | undefined
  const others = (of: FleetWatch) => watches.filter(w => w !== of)
  return {
    state: (board, state) => {
      for (const w of watches) w.state?.(board, state)
    },
    hung: async board => await Promise.all(watches.map(w => w.hung?.(board))),
    classified: (image, outputs, label) => {
      for (const w of watches) w.classified?.(image, outputs, label)
    },
    learnt: (image, predicted, label, learned) => {
      for (const w of watches) w.learnt?.(image, predicted, label, learned)
    },
    saved: checkpoint => {
      for (const w of watches) w.saved?.(checkpoint)
    },
    log: (board, line) => {
      for (const w of watches) w.log?.(board, line)
    },
    request: () => {
      for (const w of waiting ? [] : watches) {
        const request = w.request?.()
        if (!request) continue
        waiting = { request, of: w }
        break
      }
      if (!waiting) return undefined
      const { request, of } = waiting
      for (const w of others(of)) {
        const first = w.before?.(request)
        if (first) return first
      }
      waiting = undefined
      for (const w of others(of)) w.requested?.(request)
      return request
    },
    before: request => {
      for (const w of watches) {
        const first = w.before?.(request)
        if (first) return first
      }
      return undefined
    },
    requested: request => {
      for (const w of watches) w.requested?.(request)
    },
    allow: most => watches.reduce((least, w) => Math.min(least, w.allow?.(least) ?? least), most),
    changed: () => Promise.race(watches.flatMap(w => w.changed?.() ?? [])),
    close: async () => {
      await Promise.all(watches.map(w => w.close?.()))
    },
  }
}
