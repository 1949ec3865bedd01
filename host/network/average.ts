/** What several copies of a network have learnt, as one: averaged in whole numbers. */
import { hash32 } from "../../src/base/random"
import type { Network } from "./network"

/** Sets the noise of averaging apart from that of learning. */
const SALT = 0x61766572

/**
 * The mean of each coefficient, rounded once and at random by (seed, sample, link) alone, so that it does
 * not depend on the order in which copies come.
 *
 * @param copies coefficients in the network's order (int16, Q13), at least one
 * @param sample number of the first sample the copies did not begin with
 */
export function averageOf(copies: readonly Buffer[], seed: number, sample: number): Buffer {
  const mean = Buffer.alloc(copies[0].length)
  const round = hash32(seed ^ SALT, sample)
  for (let at = 0; at < mean.length; at += 2) {
    let sum = 0
    for (const copy of copies) sum += copy.readInt16LE(at)
    const noise = (hash32(round, at >> 1) >>> 0) % copies.length
    mean.writeInt16LE(Math.floor((sum + noise) / copies.length), at)
  }
  return mean
}

/** What of a network would have to be averaged beside its coefficients; undefined: nothing, so it can be. */
export function beyondAverages({ elements, pid }: Network): string | undefined {
  if (pid) return "PID control"
  return elements ? "elements" : undefined
}
