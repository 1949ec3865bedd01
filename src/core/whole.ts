/** A whole network in one shard: run it and teach it without a pause, as a host does. */
import { activateRuns, clearImage } from "./image"
import { Header } from "./layout"
import { backward, beginLearning, forward, outputError, partAt, readout } from "./run"

/**
 * Runs the network on the image `runs` (bytes from…to, see image.ts).
 *
 * @param pixel where the first skip counts from: 0, or an offset that shifts the image
 * @returns the class of the largest output, −1 if the runs leave the image
 */
export function predictWhole(
  m: Buffer,
  runs: Buffer,
  from: number,
  to: number,
  pixel: number,
): number {
  m.setAt(Header.Brief, "u16", 1)
  const predicted = forwardWhole(m, runs, from, to, pixel)
  m.setAt(Header.Brief, "u16", 0)
  return predicted
}

/** As {@link predictWhole}, and keeps what learning needs. */
export function forwardWhole(
  m: Buffer,
  runs: Buffer,
  from: number,
  to: number,
  pixel: number,
): number {
  const parts = m.getAt(Header.Parts, "u16")
  clearImage(m, partAt(0))
  if (activateRuns(m, partAt(0), runs, from, to, pixel) < 0) return -1
  for (let i = 0; i < parts; i++) {
    let at = 0
    while (at >= 0) at = forward(m, partAt(i), 0, at)
  }
  return readout(m, partAt(parts - 1), 0)
}

/**
 * One learning step on an image.
 *
 * @param sample number of the sample: with the seed it decides the rounding
 * @returns the class named before learning; −1, and nothing learnt, if the runs leave the image
 */
export function learnWhole(
  m: Buffer,
  runs: Buffer,
  from: number,
  to: number,
  pixel: number,
  label: number,
  sample: number,
): number {
  const predicted = forwardWhole(m, runs, from, to, pixel)
  if (predicted < 0) return predicted
  const parts = m.getAt(Header.Parts, "u16")
  beginLearning(m, sample)
  if (outputError(m, partAt(parts - 1), 0, label)) {
    for (let i = parts - 1; i >= 0; i--) {
      let at = 0
      while (at >= 0) at = backward(m, partAt(i), 0, at)
    }
  }
  return predicted
}
