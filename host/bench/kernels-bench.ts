/**
 * How fast one thread learns by shared kernels, beside the C++ prototype that the engine is to come within half
 * of: both distort each picture and learn batches of 32 that are rounded once.
 */
import { Distorter } from "../data/distort"
import type { Network } from "../network/network"
import type { Recipe } from "../training/train-model"
import type { Images } from "../training/training-data"
import { TrainingEngine } from "../training/training-engine"
import { type BenchOptions, inTurn, type Rate } from "./engine-bench"

/** Images a second of one core that the prototype learns of `mnist-kernels`, by vectors of 512 bits. */
const PROTOTYPE = 16_000

export interface KernelsBench {
  network: string
  /** Distortion included, which runs beside the thread that learns. */
  train: Rate
  prototype: number
  /** Images a second of processor time, to the prototype's. */
  ratio: number
}

/** @param recipe rounds batches once, and distorts */
export async function benchKernels(
  network: Network,
  recipe: Recipe,
  { images, labels, count, width, height }: Images,
  { seconds, signal, onStep }: BenchOptions,
): Promise<KernelsBench> {
  onStep?.(`${network.name}: learning distorted pictures`)
  const { batch, rounding, distortion, softmaxGain, learnShift } = recipe
  if (rounding !== "once" || !distortion)
    throw new RangeError(`${network.name} is not trained on distorted pictures rounded once`)
  const engine = await TrainingEngine.start(
    { ...network, softmaxGain },
    { batch, rounding, workers: 1 },
  )
  try {
    const store = engine.store(images, labels)
    const fresh = engine.coefficients
    const distorter = new Distorter(width, height, distortion, network.seed)
    const work = (n: number) =>
      engine.train(
        store,
        Int32Array.from({ length: n }, (_, i) => i % count),
        {
          signal,
          // Half the recipe's rate, as in the middle of its warm-up: rings go on to learn.
          rates: new Uint8Array(n).fill((learnShift + 1) << 3),
          distort: (k, image) => {
            const picture = new Uint8Array(image.length)
            distorter.draw(0, k, image, picture)
            return picture
          },
        },
      )
    const before = () => {
      engine.coefficients = fresh
      engine.samples = 0
    }
    const [{ rate }] = await inTurn(seconds, signal, [{ work, before }])
    return {
      ...{ network: network.name, train: rate, prototype: PROTOTYPE },
      ratio: rate.samplesPerCpuSecond / PROTOTYPE,
    }
  } finally {
    await engine.close()
  }
}
