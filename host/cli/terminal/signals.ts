/** Ctrl-C and its kin: the first asks for an orderly end, a second one for any end. */

import type { EventEmitter } from "node:events"
import { realClock } from "../../base/clock"

/**
 * Signals this close are one press of Ctrl-C: the terminal signals the whole process group, and npm
 * passes its own copy on.
 */
const SAME_PRESS_MS = 500

export const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/**
 * @param source the process
 * @param first called once, with the signal's name
 * @param again called for each later press
 * @param now milliseconds of any steady clock, replaced in tests
 */
export function watchSignals(
  source: Pick<EventEmitter, "on">,
  first: (name: string) => void,
  again: () => void,
  now: () => number = realClock.now,
): void {
  let firstAt: number | undefined
  for (const name of SIGNALS)
    source.on(name, () => {
      if (firstAt === undefined) {
        firstAt = now()
        first(name)
      } else if (now() - firstAt > SAME_PRESS_MS) again()
    })
}
