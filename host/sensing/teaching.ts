/**
 * A person teaches by saying what a movement is while it is made: the window or segment that is found next
 * is learnt as that, and kept as a recording. Where segments are cut, one that has just ended counts too.
 */
import type { Clock } from "../base/clock"
import type { Features } from "../signals/description"
import type { Learner } from "./learner"
import type { Row } from "./recorder"
import type { Detection, FoundWindow, Watcher } from "./watcher"

/** For so long after its end a segment can still be named, ms. */
const JUST_ENDED_MS = 2_000
/** For so long a name waits for its movement, ms. */
const WAIT_MS = 10_000
/** What is kept before and after what was found, so that a recording has stillness at its ends, s. */
const MARGIN_S = 0.25
/** As far back as a stream may need, in samples. */
const MOST_ROWS = 2 ** 17

export interface Lesson {
  /** Place of the class. */
  label: number
  found: FoundWindow
  /** The samples it was found in, as they came. */
  rows: Row[]
}

export class Teaching {
  /** Place of the class that the next movement is to be learnt as; undefined: none. */
  armed?: number
  /** Told of each window or segment, as Watcher's; and of what was just learnt. */
  onWindow?: (found: FoundWindow) => void
  onLesson?: (lesson: Lesson) => void
  /** Told of a class that waited for its movement in vain. */
  onNothing?: (label: number) => void
  private armedAt = 0
  private rows: Row[] = []
  /** Samples before the first of `rows`. */
  private first = 0
  /** What has just been found, until it is taught. */
  private last?: { found: FoundWindow; at: number }

  constructor(
    private readonly features: Features,
    private readonly watcher: Watcher,
    private readonly learner: Learner,
    private readonly clock: Clock,
  ) {
    watcher.onWindow = found => {
      this.last = { found, at: clock.now() }
      this.onWindow?.(found)
    }
  }

  /** @returns what is to be said of the sample, as Watcher.push */
  push(values: number[], at: number): Detection | undefined {
    this.rows.push({ values, at })
    const most = this.mostRows()
    if (this.rows.length > 2 * most) {
      this.first += this.rows.length - most
      this.rows = this.rows.slice(-most)
    }
    const before = this.last
    const said = this.watcher.push(values)
    if (this.armed !== undefined) {
      if (this.last !== before) this.teachLast(this.armed)
      else if (this.clock.now() - this.armedAt > WAIT_MS) {
        this.onNothing?.(this.armed)
        this.armed = undefined
      }
    }
    return said
  }

  /** The movement that is being made, that has just ended, or that comes next is of this class. */
  name(label: number): void {
    this.armed = label
    this.armedAt = this.clock.now()
    const { last, watcher } = this
    const justEnded = last && this.armedAt - last.at <= JUST_ENDED_MS
    if (this.features.cut?.by === "segment" && justEnded && !watcher.moving) this.teachLast(label)
  }

  private teachLast(label: number): void {
    const { found } = this.last!
    this.last = undefined
    this.armed = undefined
    this.learner.teach(found.bytes, label)
    const margin = Math.ceil(MARGIN_S * this.features.rate)
    const from = Math.max(0, found.from - margin - this.first)
    const rows = this.rows.slice(from, Math.max(0, found.to + margin - this.first))
    this.onLesson?.({ label, found, rows })
  }

  /** Samples that the longest window or segment, its margins and what may come after it have. */
  private mostRows(): number {
    const { cut, rate } = this.features
    const longest = cut?.by === "segment" ? cut.longest + cut.quiet : (cut?.length ?? 0)
    const around = (2 * MARGIN_S + JUST_ENDED_MS / 1000) * rate
    return Math.min(MOST_ROWS, Math.ceil(longest + around) + 64)
  }
}
