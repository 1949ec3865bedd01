/** How long boards may take, by what their shares cost them. */

import { boardIds, readBoardProfile } from "../hardware/board-profile"
import type { Network } from "../network/network"
import { costOfShare, msPerImage, msPerLesson } from "../partition/cost"

/** With messages, of boards whose computing takes next to no time: virtual ones take 25 ms a sample. */
const LEAST_MS = 2_500
/** Predictions are within a quarter; a board that does something else meanwhile is not lost yet. */
const PATIENCE = 3

/**
 * Milliseconds until a sample counts as late: images are answered when all that are under way on the
 * slowest board may have been computed, a lesson when every layer was, forward and back.
 *
 * @param profiles of each board, by id; one there is no profile of counts as a Pico
 */
export function sampleDeadline(
  network: Network,
  shards: Buffer[],
  slots: number,
  profiles: string[],
): number {
  const known = profiles.map(id => readBoardProfile(boardIds().includes(id) ? id : "pico"))
  const costs = shards.map(shard => costOfShare(network, shard, slots))
  const images = slots * Math.max(...costs.map((cost, i) => msPerImage(cost, known[i])))
  return Math.ceil(LEAST_MS + PATIENCE * Math.max(images, msPerLesson(costs, known)))
}
