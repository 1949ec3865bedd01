/** How long boards may take, by what their shares cost them. */

import { profileOrPico } from "../hardware/board-profile"
import type { Network } from "../network/network"
import { costOfShare, msPerImage, msPerLesson } from "../partition/cost"

/** With messages, of boards whose computing takes next to no time: virtual ones take 25 ms a sample. */
const LEAST_MS = 2_500
/**
 * What a save takes a Pico beside its flash, ms: each 224 B is a message to the board's own store, and
 * the CRC over them is computed twice. Asked again sooner, it would only have more waiting for it.
 */
const STORE_MS = 4_000
/** Sectors a save erases at most: the store is put in order up to four times, of four sectors each. */
const STORE_ERASES = 16
/** A board that computes something else first is not lost yet. */
const STORE_PATIENCE = 4
/** A board that is alive and has nothing to compute answers this fast. */
const PING_MS = 500
/** Predictions are within a quarter; a board that does something else meanwhile is not lost yet. */
const PATIENCE = 3

/**
 * Milliseconds until a sample counts as late: images are answered when all that are under way on the
 * slowest board may have been computed, a lesson when every layer was, forward and back.
 *
 * @param profiles of each board, by id; one there is no profile of counts as a Pico
 * @param slower how many times as long as such boards they may take (BoardSet)
 */
export function sampleDeadline(
  network: Network,
  shards: Buffer[],
  slots: number,
  profiles: string[],
  slower = 1,
): number {
  return Math.ceil(LEAST_MS + PATIENCE * slower * longestWork(network, shards, slots, profiles))
}

/**
 * How long a board that is alive may take to say so: it hears nothing while it computes what it was
 * sent before.
 *
 * @param profiles as for {@link sampleDeadline}, as `slower`
 */
export function pingDeadline(
  network: Network,
  shards: Buffer[],
  slots: number,
  profiles: string[],
  slower = 1,
): number {
  return Math.ceil(PING_MS + slower * longestWork(network, shards, slots, profiles))
}

/** Of the slowest board, ms: all images it may have under way, or a lesson. */
function longestWork(
  network: Network,
  shards: Buffer[],
  slots: number,
  profiles: string[],
): number {
  const known = profiles.map(profileOrPico)
  const costs = shards.map(shard => costOfShare(network, shard, slots))
  const images = slots * Math.max(...costs.map((cost, i) => msPerImage(cost, known[i])))
  return Math.max(images, msPerLesson(costs, known))
}

/**
 * How long a board may take to write its store or to look through it, and when it is asked again.
 *
 * @param profile its id; one there is no profile of counts as a Pico
 */
export function storeDeadline(profile: string): { deadlineMs: number; againMs: number } {
  const { flash } = profileOrPico(profile)
  const againMs = STORE_MS + STORE_ERASES * flash.eraseMs
  return { againMs, deadlineMs: STORE_PATIENCE * againMs }
}
