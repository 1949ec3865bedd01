/** Which samples are learnt from and which are kept apart, drawn by a seed. */
import { drawSamples, SALTS } from "./samples"

/** Of each class; no more in all than MNIST tests with. */
const SHARE = 0.2
const MOST = 10_000

/**
 * A part of the samples to measure on, of each class the same share: at least one of a class that has
 * two, never all of a class.
 *
 * @param labels of all samples
 * @returns indices in ascending order; nothing where no class has two samples
 */
export function drawHeldOut(labels: Uint8Array, seed: number): number[] {
  const counts = new Int32Array(256)
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++
  const byClass = Array.from(counts, count => new Int32Array(count))
  counts.fill(0)
  for (let i = 0; i < labels.length; i++) byClass[labels[i]][counts[labels[i]]++] = i
  const share = Math.min(SHARE, MOST / labels.length)
  const held: number[] = []
  for (const [label, indices] of byClass.entries()) {
    if (indices.length < 2) continue
    const take = Math.min(indices.length - 1, Math.max(1, Math.round(indices.length * share)))
    // Each class draws for itself, so that one more sample of another changes nothing here.
    for (const i of drawSamples(indices.length, take, seed + 31 * label, SALTS.holding))
      held.push(indices[i])
  }
  return held.sort((a, b) => a - b)
}

/**
 * The samples that are not held out in an order drawn by the seed, so that any beginning of it, and
 * any end, is a fair choice from a file sorted by class.
 */
export function drawOrder(
  count: number,
  held: readonly number[],
  take: number,
  seed: number,
): number[] {
  const apart = new Uint8Array(count)
  for (const i of held) apart[i] = 1
  const rest = new Int32Array(count - held.length)
  let at = 0
  for (let i = 0; i < count; i++) if (apart[i] === 0) rest[at++] = i
  const drawn = drawSamples(rest.length, Math.min(take, rest.length), seed, SALTS.arranging)
  return drawn.map(i => rest[i])
}
