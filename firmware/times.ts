/**
 * For how long this board computes what, by its own clock: told with its status.
 *
 * The machine's clock has milliseconds, and stands while a fiber runs. So times are taken between two
 * pauses, and are right as sums over many samples only.
 */
import * as ds from "@devicescript/core"
import { LayerTimes, MOST_TIMED, TimesField } from "../src/wire/protocol"

/** As it is told. */
export const times = Buffer.alloc(TimesField.OfLayers + MOST_TIMED * LayerTimes.Length)
times.setAt(TimesField.Tick, "u16", 1000)

let since = 0

/** How many layers the loaded shard goes up to. */
export function timeLayers(layers: number): void {
  times.setAt(TimesField.Layers, "u8", Math.min(layers, MOST_TIMED))
}

/** Bytes to tell. */
export function timesLength(): number {
  return TimesField.OfLayers + times.getAt(TimesField.Layers, "u8") * LayerTimes.Length
}

/** A message is taken up: what was before it counts for nothing. */
export function startClock(): void {
  since = ds.millis()
}

/**
 * What went on until now was this. The program must have paused just before.
 *
 * @param field of TimesField; of a layer the first one's
 * @param above how many layers lie below that one
 */
export function lap(field: number, above: number): void {
  const now = ds.millis()
  const at = field + above * LayerTimes.Length
  // Past 2^31, in 24 days of work, it becomes a fraction to the machine, and stays right.
  if (at < times.length) times.setAt(at, "u32", times.getAt(at, "u32") + now - since)
  since = now
}

export function countOne(field: TimesField): void {
  times.setAt(field, "u32", times.getAt(field, "u32") + 1)
}
