/** How far a linear graph is from the network it was made of. */
import { takeTurns } from "../base/clock"
import type { Model } from "../models/model-file"
import { runnerOf } from "../models/run-model"
import type { Rest } from "./rest"

export interface Difference {
  images: number
  /** Shares of images classified correctly, by the network as boards compute it and by the graph at rest. */
  networkAccuracy: number
  graphAccuracy: number
  /** Share of images for which both name the same class. */
  agreement: number
  /** |graph − network| over all outputs and images. */
  meanDifference: number
  largestDifference: number
  /** Mean |output| of the network, to compare the two above with. */
  meanOutput: number
}

export interface Watch {
  /** Its reason is thrown when it is aborted. */
  signal?: AbortSignal
  /** @param right of the images done, how many the graph classified correctly */
  onImage?: (done: number, right: number) => void
}

/**
 * @param rest the graph made of the model
 * @param images a byte a pixel, one behind the other
 * @param labels one an image
 */
export async function measureDifference(
  model: Model,
  rest: Rest,
  images: Uint8Array,
  labels: Uint8Array,
  { signal, onImage }: Watch = {},
): Promise<Difference> {
  const { width, signalBits } = model.network
  const run = runnerOf(model)
  let [right, same, rightAtRest] = [0, 0, 0]
  let [sum, most, size] = [0, 0, 0]
  for (const [i, label] of labels.entries()) {
    const image = images.subarray(i * width, (i + 1) * width)
    const full = Float64Array.from(run(image), output => output / 2 ** signalBits)
    const linear = rest.run(Float64Array.from(image, pixel => pixel / 255))
    const classes = [largest(full), largest(linear)]
    if (classes[0] === label) right++
    if (classes[1] === label) rightAtRest++
    if (classes[0] === classes[1]) same++
    for (const [o, value] of full.entries()) {
      const d = Math.abs(value - linear[o])
      sum += d
      most = Math.max(most, d)
      size += Math.abs(value)
    }
    onImage?.(i + 1, rightAtRest)
    // Lets the signal be seen.
    if (i % 50 === 0) await takeTurns()
    signal?.throwIfAborted()
  }
  const values = labels.length * rest.outputs
  return {
    images: labels.length,
    networkAccuracy: right / labels.length,
    graphAccuracy: rightAtRest / labels.length,
    agreement: same / labels.length,
    meanDifference: sum / values,
    largestDifference: most,
    meanOutput: size / values,
  }
}

/** The lowest of the largest, as the core's readout. */
function largest(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}
