/** Training a network on the host's engine and measuring it after each epoch. */
import type { Network } from "../network/network"
import { type Recipe, trainEpoch } from "../training/train-model"
import { type Images, slicedImages } from "../training/training-data"
import { TrainingEngine } from "../training/training-engine"
import type { Task } from "./row"

export interface Curve {
  name: string
  /** After each epoch: share of the training images right before each was learnt, and of the test images. */
  train: number[]
  test: number[]
  /** As drawn, before anything was learnt; NaN where only the last epoch is measured. */
  untrained: number
}

export interface Lessons {
  train: Images
  test: Images
  /** The test images are named after the last epoch alone, which saves the time for the others. */
  lastOnly?: boolean
}

/** The first so many images of each split. */
export function lessons(task: Task, train: number, test: number): Lessons {
  return { train: first(task.data.train, train), test: first(task.data.test, test) }
}

export function first(images: Images, count: number): Images {
  return slicedImages(images, 0, Math.min(count, images.count))
}

export function imageOf({ images, width, height }: Images, index: number): Uint8Array {
  const pixels = width * height
  return images.subarray(index * pixels, (index + 1) * pixels)
}

/**
 * Trains a network as on boards, one image at a time unless the recipe says otherwise, and yields its curve after each epoch.
 *
 * @param onShare the curve's own share that is done
 * @param then called once with the trained engine, before it is closed
 */
export async function* learningCurve(
  task: Task,
  name: string,
  network: Network,
  recipe: Recipe,
  { train, test, lastOnly }: Lessons,
  onShare: (share: number) => void,
  then?: (engine: TrainingEngine) => Promise<void>,
): AsyncGenerator<Curve, void, void> {
  const { signal, seed } = task
  const error = recipe.softmaxGain > 0 ? { softmaxGain: recipe.softmaxGain } : {}
  const { batch, rounding } = recipe
  const engine = await TrainingEngine.start({ ...network, ...error }, { batch, rounding })
  try {
    const store = engine.store(train.images, train.labels)
    const tests = engine.store(test.images, test.labels)
    const all = Int32Array.from({ length: test.count }, (_, i) => i)
    const accuracy = async () => {
      const classes = await engine.predict(tests, all, { signal })
      return classes.filter((c, i) => c === test.labels[i]).length / test.count
    }
    const curve: Curve = {
      name,
      train: [],
      test: [],
      untrained: lastOnly ? Number.NaN : await accuracy(),
    }
    const lesson = { store, count: train.count, images: train, seed }
    for (let epoch = 0; epoch < recipe.epochs; epoch++) {
      const { right } = await trainEpoch(engine, lesson, recipe, epoch, 0, {
        signal,
        onProgress: done => onShare((epoch + done / train.count) / recipe.epochs),
      })
      signal.throwIfAborted()
      curve.train.push(right / train.count)
      if (!lastOnly || epoch === recipe.epochs - 1) curve.test.push(await accuracy())
      yield curve
    }
    await then?.(engine)
  } finally {
    await engine.close()
  }
}

/** The curve as points: epochs against share of test images classified correctly. */
export function testPoints({ untrained, test }: Curve): [number, number][] {
  return [untrained, ...test].map((accuracy, epoch) => [epoch, accuracy])
}

/** The last test accuracy, or that before learning. */
export function lastOf({ untrained, test }: Curve): number {
  return test.length > 0 ? test[test.length - 1] : untrained
}
