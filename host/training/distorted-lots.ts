/** Distorted images on their way into the training engine's memory, lot by lot. */
import { mostRunBytes, writeRuns } from "../data/runs"
import { inputImage, type Network } from "../network/network"
import type { Manner } from "./learning-engine"

/** Images that are made at once, and their bytes. */
const COUNT = 1024
const MOST_BYTES = 2 ** 22

/** What threads are given to learn. */
export interface Lot {
  /** Address of each image's runs, and of the end. */
  starts: Int32Array
  labels: Uint8Array
  /** Of the images, in the order they are learnt. */
  indices: Int32Array
  /** As {@link Manner}. */
  shifts: Int32Array
  rates?: Uint8Array
}

/** Images in a lot, whole batches, and the bytes to keep free for one. */
export function lotSize(pixels: number, batch: number): { count: number; bytes: number } {
  const most = mostRunBytes(pixels)
  const batches = Math.max(1, Math.floor(Math.min(COUNT, MOST_BYTES / most) / batch))
  // Lots begin on whole 64 bytes.
  return { count: batches * batch, bytes: (batches * batch * most + 63) & ~63 }
}

/**
 * Makes the pictures in the places from … of a job.
 *
 * @param memory where they go, at address `area`
 */
export function makeLot(
  job: Required<Pick<Manner, "distort">> &
    Pick<Manner, "rates"> & {
      images: Uint8Array
      labels: Uint8Array
      indices: Int32Array
      network: Network
    },
  from: number,
  most: number,
  memory: ArrayBufferLike,
  area: number,
): Lot {
  const { images, labels, indices, network, rates, distort } = job
  const pixels = network.width
  const count = Math.min(most, indices.length - from)
  const bytes = new Uint8Array(memory)
  const starts = new Int32Array(count + 1)
  const room = mostRunBytes(pixels)
  starts[0] = area
  for (let k = 0; k < count; k++) {
    const i = indices[from + k]
    const picture = distort(from + k, images.subarray(i * pixels, (i + 1) * pixels))
    const at = starts[k]
    const driven = inputImage(network, picture)
    starts[k + 1] = at + writeRuns(driven, 0, bytes.subarray(at, at + room)).used
  }
  return {
    starts,
    labels: Uint8Array.from({ length: count }, (_, k) => labels[indices[from + k]]),
    indices: Int32Array.from({ length: count }, (_, k) => k),
    shifts: new Int32Array(count),
    rates: rates?.subarray(from, from + count),
  }
}
