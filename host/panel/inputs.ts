/** Buttons and the potentiometer, free of what contacts and noise add. */
import { realClock } from "../base/clock"

/** Contacts bounce for up to some 20 ms; no finger presses twice within this, ms. */
export const QUIET_MS = 40

/**
 * A press counts when the button has been quiet before it: a bounce, at the press or at the release,
 * follows another edge at once.
 */
export class Debouncer {
  private lastEdge = Number.NEGATIVE_INFINITY

  constructor(
    private readonly onPress: () => void,
    private readonly now: () => number = realClock.now,
  ) {}

  edge(pressed: boolean): void {
    const quiet = this.now() - this.lastEdge >= QUIET_MS
    this.lastEdge = this.now()
    if (pressed && quiet) this.onPress()
  }
}

/** Readings a potentiometer must pass a boundary by before another label is chosen. */
const HYSTERESIS = 8
const READINGS = 1024

/**
 * The label at a reading (0…1023): the turn is divided evenly, and a reading near a boundary keeps
 * the label that was chosen before.
 */
export function labelAt(reading: number, classes: number, before: number | undefined): number {
  const share = READINGS / classes
  if (
    before !== undefined &&
    reading >= before * share - HYSTERESIS &&
    reading < (before + 1) * share + HYSTERESIS
  )
    return before
  // A reading that is no number chooses the first, as one of 0.
  return Math.min(classes - 1, Math.max(0, Math.floor(reading / share) || 0))
}
