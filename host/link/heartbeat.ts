/**
 * Notices that a board is gone or takes no more bytes. A board announces itself every 500 ms, so a few
 * beats without a frame say that it is gone: the system need not notice an unplugged port. Beats are
 * counted rather than time measured, because a host that computes for seconds hears nothing meanwhile,
 * and that is not the board's fault.
 */
import type { Clock, Timer } from "../base/clock"
import type { WuxingError } from "../base/errors"
import { silentError, stuckError } from "./link-errors"

const BEAT_MS = 500
/** Beats of silence after which the board is asked for a sign of life. */
const ASK_BEATS = 3
/** Beats of silence after which a board is given up: 4 s. */
const GONE_BEATS = 8
/** Beats a port may refuse bytes. A board that erases its flash for a program may do so for long. */
const STUCK_BEATS = 16
const STUCK_ERASING_BEATS = 48

/** What is watched. */
export interface Watched {
  title(): string
  /** Whether the board has been heard at all: before, its connecting has a deadline. */
  isKnown(): boolean
  /** Whether the port has not taken all bytes yet. */
  isWriting(): boolean
  /** Whether silence is no sign: erasing flash stops everything else on a board. */
  mayBeSilent(): boolean
  /** Asks for a sign of life. */
  ask(): void
  giveUp(reason: WuxingError): void
}

export class Heartbeat {
  private readonly timer: Timer
  private readonly goneBeats: number
  /** Beats since a frame came, and since the port began to refuse bytes. */
  private silentBeats = 0
  private stuckBeats = 0

  /** @param slower how many times as long as a board it may be silent (BoardSet) */
  constructor(
    clock: Clock,
    private readonly watched: Watched,
    slower = 1,
  ) {
    this.goneBeats = Math.ceil(GONE_BEATS * slower)
    // A link that nobody closed must not keep the process.
    this.timer = clock.every(BEAT_MS, () => this.beat(), { background: true })
  }

  /** A frame came. */
  heard(): void {
    this.silentBeats = 0
  }

  /** The port took bytes. */
  written(): void {
    this.stuckBeats = 0
  }

  stop(): void {
    this.timer.stop()
  }

  private beat(): void {
    const { watched } = this
    if (!watched.isKnown()) return
    const most = watched.mayBeSilent() ? STUCK_ERASING_BEATS : STUCK_BEATS
    if (watched.isWriting() && ++this.stuckBeats >= most) {
      watched.giveUp(stuckError(watched.title(), most * BEAT_MS))
      return
    }
    if (watched.mayBeSilent()) this.silentBeats = 0
    else this.silentBeats++
    if (this.silentBeats >= this.goneBeats)
      watched.giveUp(silentError(watched.title(), this.goneBeats * BEAT_MS))
    else if (this.silentBeats >= ASK_BEATS) watched.ask()
  }
}
