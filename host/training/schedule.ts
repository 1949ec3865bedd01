/** The rate of each sample: by steps, halved every so many epochs, or smoothly. */
import { hash32 } from "../../src/base/random"
import { MOST_LEARN_SHIFT } from "../../src/core/layout"
import { mostFiner, mostLearnShift, type Network } from "../network/network"

/** A rate that rises from nothing, then falls with half a cosine. */
export type Smooth = {
  /** The largest rate is so many eighths of 2^−learnShift, 8…15. */
  eighths: number
  /** Hundredths of an epoch in which it rises. */
  warm: number
}

/**
 * How the changes of a batch are rounded: each sample's by itself, and then added up; or the sum of
 * their products once.
 */
export type Rounding = "each" | "once"

/** Of a rate that is met exactly: the shift, and in so many bits below it eighths beyond 8. */
export const EXACT_BITS = 3

export interface Rates {
  epochs: number
  /** Bits a product S·λ is shifted right in the first epoch: the rate. */
  learnShift: number
  /** Epochs after which one more bit halves the rate; a smooth one does not read it. */
  epochsPerBit: number
  /** Absent: by steps. */
  smooth?: Smooth
}

const SALT = 0x72617465
/** The least rate is the largest one shifted by so many bits. */
const LEAST_BITS = 6
/** The rate 2^−learnShift. */
const UNIT = 65536
/** Half a cosine: cos(π·i/64) in Q16. */
const COSINE = Int32Array.from({ length: 65 }, (_, i) =>
  Math.round(Math.cos((Math.PI * i) / 64) * UNIT),
)

/** Learning shift of an epoch (0 = the first); of a smooth rate, the larger one of the two in its middle. */
export function learnShiftAt(rates: Rates, epoch: number, network: Network): number {
  if (rates.smooth) return split(rates, smoothRate(rates, rates.smooth, epoch, 1, 2), network).shift
  const shift = rates.learnShift + Math.floor(epoch / rates.epochsPerBit)
  return Math.min(mostLearnShift(network), shift)
}

/**
 * The shift of each sample of an epoch. A rate between two powers of two is met on average: each sample
 * takes the one or the other, by (seed, epoch, its place). So no link needs more than its shift, and a
 * product no more bits.
 */
export function epochRates(
  rates: Rates,
  epoch: number,
  count: number,
  seed: number,
  network: Network,
): Uint8Array | undefined {
  const { smooth } = rates
  if (!smooth) return undefined
  const base = hash32(seed ^ SALT, epoch)
  return Uint8Array.from({ length: count }, (_, k) => {
    const { shift, larger } = split(rates, smoothRate(rates, smooth, epoch, k, count), network)
    return hash32(base, k) >>> 16 < larger ? shift : shift + 1
  })
}

/**
 * As {@link epochRates}, for batches that are rounded once: a rate is met to an eighth, as shift · 2^3 +
 * eighths − 8. That of its first sample is a batch's.
 */
export function exactRates(
  rates: Rates,
  epoch: number,
  count: number,
  network: Network,
): Uint8Array | undefined {
  const { smooth } = rates
  if (!smooth) return undefined
  const most = MOST_LEARN_SHIFT - mostFiner(network)
  return Uint8Array.from({ length: count }, (_, k) => {
    const { shift, scaled } = normal(rates, smoothRate(rates, smooth, epoch, k, count), most)
    const eighths = Math.max(8, Math.floor(scaled / (UNIT / 8)))
    return (shift << EXACT_BITS) + eighths - 8
  })
}

/** The rate after `epoch` + k/count epochs, in 1/65536 of 2^−learnShift. */
function smoothRate(
  { epochs }: Rates,
  { eighths, warm }: Smooth,
  epoch: number,
  k: number,
  count: number,
): number {
  const most = (UNIT / 8) * eighths
  const done = epoch * count + k
  // The place between two of the table's: 2^16 · 64 · 10,000 epochs of 10^7 samples stays below 2^53.
  const place = (done * 64) / (epochs * count)
  const i = Math.min(63, Math.floor(place))
  const cosine = COSINE[i] + (COSINE[i + 1] - COSINE[i]) * (place - i)
  const fallen = Math.max(most >> LEAST_BITS, Math.floor((most * (UNIT + cosine)) / (2 * UNIT)))
  const rising = warm * count
  return rising > done * 100 ? Math.floor((fallen * done * 100) / rising) : fallen
}

/**
 * A rate as one of two shifts.
 *
 * @returns the smaller shift, and how often it is taken, of 65536 times
 */
function split(rates: Rates, rate: number, network: Network): { shift: number; larger: number } {
  const most = MOST_LEARN_SHIFT - mostFiner(network)
  const { shift, scaled } = normal(rates, rate, most)
  if (shift >= most) return { shift: most, larger: UNIT }
  // 1 … 2 times 2^−shift: the double with probability p, else itself, is 1 + p of it in the mean.
  return { shift: shift - 1, larger: scaled - UNIT }
}

/** A rate as scaled/65536 · 2^−shift, scaled in 65536 … 131071; below where the shift can be no larger. */
function normal({ learnShift }: Rates, rate: number, most: number) {
  let shift = learnShift
  let scaled = Math.max(1, rate)
  while (scaled >= 2 * UNIT) {
    scaled = scaled >> 1
    shift--
  }
  while (scaled < UNIT && shift < most) {
    scaled *= 2
    shift++
  }
  return { shift, scaled }
}
