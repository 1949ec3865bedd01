/**
 * What watchers of a run ask for between two samples: lessons, another rate of learning, a look at what
 * was learnt. What changes the network is listed, so that a recovery repeats it in its place.
 */
import type { Clock } from "../base/clock"
import type { BoardHealth, Checkpoint, Lesson } from "../session/reports"
import {
  type FleetWatch,
  type Intervention,
  LESSON_SAMPLES,
  type Request,
  type Taught,
} from "../session/watch"
import type { LoadedNetwork } from "./loaded-network"

/** What requests ask of the rest of the fleet. */
export interface InterventionsHost {
  clock: Clock
  signal?: AbortSignal
  watch?: FleetWatch
  takeCheckpoint(): Promise<void>
  /** Loads the boards with another state, between two samples. */
  load(checkpoint: Checkpoint): Promise<void>
  health(): Promise<BoardHealth[]>
}

export class Interventions {
  /** Lessons, changes of the rate and states loaded beside the run, in order. */
  readonly all: Intervention[] = []
  /** Spent waiting until the run may go on, ms. */
  heldMs = 0
  /** So many of `all` has been done by the boards, and is in the last checkpoint. */
  private appliedCount = 0
  private savedCount = 0
  /** In hand, to be tried again if a board stops meanwhile. */
  private request?: Request
  /** A state that is being loaded, to be answered when it is. */
  private loading?: Extract<Request, { do: "load" }>

  constructor(
    private readonly loaded: LoadedNetwork,
    private readonly host: InterventionsHost,
  ) {}

  /** Lessons learnt beside the run, in order. */
  get taught(): Taught[] {
    return this.all.filter(each => "lesson" in each)
  }

  /** Has the last checkpoint not all that was applied? */
  get areUnsaved(): boolean {
    return this.appliedCount > this.savedCount
  }

  /** A checkpoint holds what was applied. */
  saved(): void {
    this.savedCount = this.appliedCount
  }

  /** Boards were loaded with the last checkpoint. */
  rewind(): void {
    this.appliedCount = this.savedCount
  }

  teach(lesson: Lesson): void {
    const sample = LESSON_SAMPLES + this.taught.length
    this.all.push({ lesson, after: this.loaded.samples, sample })
  }

  /**
   * Between two samples: does what is asked for, and waits until the run may go on.
   *
   * @returns samples that may follow before this is asked again, 1…most
   */
  async awaitTurn(most: number, stopped?: () => boolean): Promise<number> {
    const { watch, signal, clock } = this.host
    for (;;) {
      await this.apply()
      const allowed = watch?.allow?.(most) ?? most
      if (allowed > 0 || stopped?.() || !watch?.changed) return Math.max(1, allowed)
      const start = clock.now()
      await watch.changed()
      this.heldMs += clock.now() - start
      signal?.throwIfAborted()
    }
  }

  /** What a recovery undid, each in its place, then what is asked for now. */
  async apply(): Promise<void> {
    for (;;) {
      for (; this.appliedCount < this.all.length; this.appliedCount++) {
        const next = this.all[this.appliedCount]
        if (next.after > this.loaded.samples) return
        if ("lesson" in next) await this.loaded.learn(next.lesson, next.sample)
        else if ("bits" in next) await this.loaded.slow(next.bits)
        else await this.host.load({ ...next.state, samples: next.after })
      }
      this.loading?.answered?.()
      this.loading = undefined
      this.request ??= this.host.watch?.request?.()
      if (!this.request) return
      await this.answer(this.request)
      const { request } = this
      this.request = undefined
      // It is done when it has been applied, at once, and again after a recovery.
      if (request.do === "load") this.loading = request
    }
  }

  private async answer(request: Request): Promise<void> {
    if (request.do === "teach") this.teach(request.lesson)
    else if (request.do === "slow")
      this.all.push({ bits: request.bits, after: this.loaded.samples })
    else if (request.do === "load")
      this.all.push({ state: request.state, after: this.loaded.samples })
    else if (request.do === "report") request.answered(await this.host.health())
    else if (request.do === "read") {
      await this.host.takeCheckpoint()
      request.answered?.()
    } else
      await this.loaded.infer(() => request.image, 1, {
        onOutput: (_, outputs) => request.answered(outputs),
      })
  }
}
