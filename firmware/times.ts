/**
 * For how long this board computes what, by its own clock: told with its status.
 *
 * The machine's clock has milliseconds, and stands while a fiber runs. So times are taken between two
 * pauses, and are right as sums over many samples only.
 */
import * as ds from "@devicescript/core"
import { samplesLearnt, samplesTaken } from "../src/service/samples"
import { layers } from "../src/service/tables"
import { LayerTimes, MOST_TIMED, TimesField } from "../src/wire/protocol"

/** As it is told. */
export const times = Buffer.alloc(TimesField.OfLayers + MOST_TIMED * LayerTimes.Length)
times.setAt(TimesField.Tick, "u16", 1000)

let since = 0

/** Brings what is counted up to date. @returns bytes to tell */
export function tellTimes(): number {
  const timed = Math.min(layers, MOST_TIMED)
  times.setAt(TimesField.Layers, "u8", timed)
  times.setAt(TimesField.Samples, "u32", samplesTaken)
  times.setAt(TimesField.Learnt, "u32", samplesLearnt)
  return TimesField.OfLayers + timed * LayerTimes.Length
}

/** A message is taken up: what was before it counts for nothing. */
export function startClock(): void {
  since = ds.millis()
}

/** What went on until now was this: a place in TimesField. The program must have paused just before. */
export function lap(at: number): void {
  const now = ds.millis()
  // Past 2^31, in 24 days of work, it becomes a fraction to the machine, and stays right.
  if (at < times.length) times.setAt(at, "u32", times.getAt(at, "u32") + now - since)
  since = now
}
