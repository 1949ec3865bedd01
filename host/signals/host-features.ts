/** Features of a window by the core as it stands, one at a time. */
import "../base/memory"
import { features } from "../../src/signals/features"
import type { Features } from "./description"
import { buildPlan, widthOf, workBytes } from "./plan"

/**
 * @param samples i16 little-endian, channels interleaved
 * @returns a byte each; undefined if the window is too short for any
 */
export function hostFeatures(description: Features, samples: Buffer): Uint8Array | undefined {
  const out = Buffer.alloc(widthOf(description))
  const count = Math.floor(samples.length / 2 / description.channels.length)
  const work = Buffer.alloc(workBytes(description))
  const made = features(buildPlan(description), work, samples, 0, count, out, 0)
  return made > 0 ? new Uint8Array(out) : undefined
}
