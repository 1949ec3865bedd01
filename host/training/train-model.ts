/** Training a network on the host: epochs over shuffled images, with a falling rate. */

import { hash32 } from "../../src/base/random"
import { Distorter, type Distortion } from "../data/distort"
import { drawSamples } from "../data/samples"
import type { JobOptions, LabelledImages, LearningEngine } from "./learning-engine"
import { epochRates, exactRates, learnShiftAt, type Rates, type Rounding } from "./schedule"
import type { Images, Range } from "./training-data"

/** How a network is trained. */
export interface Recipe extends Rates {
  /** Samples that learn together; absent: 1. */
  batch?: number
  /** How a batch's changes are rounded; absent: each sample's. */
  rounding?: Rounding
  /** Move every training image at random by −1, 0 or +1 pixel in both directions. */
  shiftImages: boolean
  /** Distort every training image at random (distort.ts), in place of moving it. */
  distortion?: Distortion
  /**
   * Gain of the softmax error this training uses (Q4 times log2 e, as Network.softmaxGain); 0: the
   * network's own error. It teaches every output at every sample, which suits a host and long runs;
   * boards learn on with the network's own, cheaper one.
   */
  softmaxGain: number
}

/** Separate the random numbers of order and shifts from all others of the seed. */
const ORDER_SALT = 0x6f726400
const SHIFT_SALT = 0x73686966

/** Images of an epoch in the order they are learnt: a seeded shuffle of its own for each epoch. */
export function epochOrder(count: number, seed: number, epoch: number): Int32Array {
  return Int32Array.from(drawSamples(count, count, seed, ORDER_SALT + epoch))
}

/**
 * An epoch of boards that each learn their own images: a share of each board's behind the other's, as they
 * are averaged. Each has an order of its own; one with fewer than the others begins it again.
 *
 * @param share samples of each board between two averages
 * @param most samples of each board in all, at least; whole shares are learnt
 */
export function ownOrder(
  own: readonly Range[],
  share: number,
  most: number,
  seed: number,
  epoch: number,
): Int32Array {
  const orders = own.map(({ from, to }, board) =>
    epochOrder(to - from, seed + 31 * board, epoch).map(i => from + i),
  )
  const rounds = Math.ceil(most / share)
  const all = new Int32Array(rounds * share * own.length)
  let at = 0
  for (let round = 0; round < rounds; round++)
    for (const order of orders)
      for (let k = 0; k < share; k++) all[at++] = order[(round * share + k) % order.length]
  return all
}

/** By how many pixels to move each image of an epoch: rows · width + columns. */
export function epochShifts(count: number, seed: number, epoch: number, width: number): Int32Array {
  const base = hash32(seed ^ SHIFT_SALT, epoch)
  return Int32Array.from({ length: count }, (_, k) => {
    const draw = ((hash32(base, k) >>> 8) & 0xffff) % 9
    return (Math.floor(draw / 3) - 1) * width + (draw % 3) - 1
  })
}

/** Which images have ink in their left (1), right (2) column or in both (3). */
export function edgesOf({ images, count, width, height }: Images): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => {
    let edges = 0
    for (let at = i * width * height; at < (i + 1) * width * height; at += width) {
      if (images[at] !== 0) edges |= 1
      if (images[at + width - 1] !== 0) edges |= 2
    }
    return edges
  })
}

/**
 * Leaves those images where they are whose ink a shift would move out at one side, and so in at the
 * other. (What would leave at the top or bottom is left by the engine.)
 */
function keepInside(shifts: Int32Array, order: Int32Array, edges: Uint8Array, width: number): void {
  for (const [k, i] of order.entries()) {
    const columns = ((shifts[k] + width + 1) % width) - 1
    if ((columns < 0 && edges[i] & 1) || (columns > 0 && edges[i] & 2)) shifts[k] = 0
  }
}

/** Images 0…count−1 of a store and how to go through them. */
export interface Lesson {
  store: LabelledImages
  count: number
  /** Pixels of a row, and rows. */
  images: Pick<Images, "width" | "height">
  seed: number
  /** As {@link edgesOf}; absent: images are moved whatever leaves them at a side. */
  edges?: Uint8Array
  /** Which images, in which order, `count` of them; absent: all, shuffled. */
  order?: (epoch: number) => Int32Array
}

/**
 * One epoch, or the rest of one.
 *
 * @param from images of the epoch that were learnt before: 0, or where an earlier call was aborted.
 *   An epoch in two calls ends with the same bits as in one.
 * @returns how many were learnt now, and how many of them were right before they were
 */
export async function trainEpoch(
  engine: LearningEngine,
  { store, count, images, seed, edges, order: ordered }: Lesson,
  recipe: Recipe,
  epoch: number,
  from: number,
  options: JobOptions,
): Promise<{ done: number; right: number }> {
  // A smooth rate goes further than a shift for all samples may.
  if (!recipe.smooth) engine.learnShift = learnShiftAt(recipe, epoch, engine.network)
  engine.samples = epoch * count + from
  const order = ordered ? ordered(epoch) : epochOrder(count, seed, epoch)
  const all =
    recipe.rounding === "once"
      ? exactRates(recipe, epoch, count, engine.network)
      : epochRates(recipe, epoch, count, seed, engine.network)
  const rates = all?.subarray(from)
  const { width, height } = images
  if (recipe.distortion) {
    const distorter = new Distorter(width, height, recipe.distortion, seed)
    const distort = (k: number, image: Uint8Array) => {
      const picture = new Uint8Array(image.length)
      distorter.draw(epoch, order[from + k], image, picture)
      return picture
    }
    return await engine.train(store, order.subarray(from), { ...options, distort, rates })
  }
  const shifts = recipe.shiftImages ? epochShifts(count, seed, epoch, width) : undefined
  if (shifts && edges) keepInside(shifts, order, edges, width)
  return await engine.train(store, order.subarray(from), {
    ...{ ...options, rates },
    shifts: shifts?.subarray(from),
  })
}
