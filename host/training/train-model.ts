/** Training a network on the host: epochs over shuffled images, with a falling rate. */
import { hash32 } from "../../src/random"
import { drawSamples } from "../data/samples"
import type { ImageStore, TrainingEngine } from "./training-engine"

/** How a network is trained. */
export interface Recipe {
  epochs: number
  /** Bits a product S·λ is shifted right in the first epoch: the rate. */
  learnShift: number
  /** Epochs after which one more bit halves the rate. */
  epochsPerBit: number
  /** Move every training image at random by −1, 0 or +1 pixel in both directions. */
  shiftImages: boolean
  /**
   * Gain of the softmax error this training uses (Q4 times log2 e, as Network.softmaxGain); 0: the
   * network's own error. It teaches every output at every sample, which suits a host and long runs;
   * boards learn on with the network's own, cheaper one.
   */
  softmaxGain: number
}

/** The core takes no more. */
const MOST_LEARN_SHIFT = 16
/** Separate the random numbers of order and shifts from all others of the seed. */
const ORDER_SALT = 0x6f726400
const SHIFT_SALT = 0x73686966

/** Learning shift of an epoch (0 = the first). */
export function learnShiftAt(recipe: Recipe, epoch: number): number {
  return Math.min(MOST_LEARN_SHIFT, recipe.learnShift + Math.floor(epoch / recipe.epochsPerBit))
}

/** Images of an epoch in the order they are learnt: a seeded shuffle of its own for each epoch. */
export function epochOrder(count: number, seed: number, epoch: number): Int32Array {
  return Int32Array.from(drawSamples(count, count, seed, ORDER_SALT + epoch))
}

/** By how many pixels to move each image of an epoch: rows · width + columns. */
export function epochShifts(count: number, seed: number, epoch: number, width: number): Int32Array {
  const base = hash32(seed ^ SHIFT_SALT, epoch)
  return Int32Array.from({ length: count }, (_, k) => {
    const draw = ((hash32(base, k) >>> 8) & 0xffff) % 9
    return (Math.floor(draw / 3) - 1) * width + (draw % 3) - 1
  })
}

/** Images 0…count−1 of a store and how to go through them. */
export interface Lesson {
  store: ImageStore
  count: number
  /** Pixels of a row. */
  width: number
  seed: number
}

/**
 * One epoch, or the rest of one.
 *
 * @param from images of the epoch that were learnt before: 0, or where an earlier call was aborted.
 *   An epoch in two calls ends with the same bits as in one.
 * @returns how many were learnt now, and how many of them were right before they were
 */
export async function trainEpoch(
  engine: TrainingEngine,
  { store, count, width, seed }: Lesson,
  recipe: Recipe,
  epoch: number,
  from: number,
  options: { onProgress?: (done: number, right: number) => void; signal?: AbortSignal },
): Promise<{ done: number; right: number }> {
  engine.learnShift = learnShiftAt(recipe, epoch)
  engine.samples = epoch * count + from
  const shifts = recipe.shiftImages ? epochShifts(count, seed, epoch, width) : undefined
  return await engine.train(store, epochOrder(count, seed, epoch).subarray(from), {
    ...options,
    shifts: shifts?.subarray(from),
  })
}
