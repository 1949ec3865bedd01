/** From where on a network knows what it sees: found on images that it did not learn from. */
import type { Model } from "../models/model-file"
import { runnerOf } from "../models/run-model"
import type { Images } from "./training-data"

/** Share of correctly classified images that are still to be said, not "unknown". */
const KEPT = 0.95

/** The largest output and its lead over the next. */
export function leadOf(outputs: ArrayLike<number>): { best: number; lead: number } {
  let best = 0
  for (let o = 1; o < outputs.length; o++) if (outputs[o] > outputs[best]) best = o
  let next = -32_768
  for (let o = 0; o < outputs.length; o++) if (o !== best) next = Math.max(next, outputs[o])
  return { best, lead: outputs[best] - next }
}

/**
 * The lead (Q signalBits) that 95 % of the correctly classified images of a range have; 0 if none was right.
 *
 * @param from first image of the range, @param to the one after its last
 */
export function leadToTrust(
  model: Model,
  { images, labels, width, height }: Images,
  from: number,
  to: number,
): number {
  const run = runnerOf(model)
  const pixels = width * height
  const leads: number[] = []
  for (let i = from; i < to; i++) {
    const { best, lead } = leadOf(run(images.subarray(i * pixels, (i + 1) * pixels)))
    if (best === labels[i]) leads.push(lead)
  }
  leads.sort((a, b) => a - b)
  return leads[Math.floor((1 - KEPT) * leads.length)] ?? 0
}
