/** What each board's own data would have taught alone, beside what all learnt together. */
import type { LearningEngine } from "./learning-engine"
import { ownOrder, trainEpoch } from "./train-model"
import { loadModelInto, type Training } from "./training"
import type { Images, OwnPart, Range } from "./training-data"
import { TrainingEngine } from "./training-engine"

/** Shares of the samples tested on that are named correctly; absent where a board has none to test with. */
export interface OwnFigure {
  name: string
  /** Samples it learnt from, and those it is tested with. */
  images: number
  tested: number
  /** By a network that learnt its data alone, as many samples, of its own and of all boards' test samples. */
  aloneOwn?: number
  aloneAll?: number
  /** By the average, of its own. */
  averageOwn?: number
}

/**
 * A figure a board. Each is learnt alone by the host from where the training began, one sample after the
 * other, in the order in which the board learnt them; of a training that goes on with another there is
 * nothing to begin from, and such figures are left out.
 *
 * @param onProgress share of it that is done, 0…1
 */
export async function ownFigures(
  training: Training,
  options: { signal?: AbortSignal; onProgress?: (share: number) => void } = {},
): Promise<OwnFigure[]> {
  const { data, engine, begun } = training
  const { own = [], test } = data
  const { signal, onProgress } = options
  const together = await namedBy(engine, test, signal)
  const figures: OwnFigure[] = []
  for (const [board, part] of own.entries()) {
    const alone =
      begun &&
      (await aloneOn(training, own, board, {
        signal,
        onProgress: share => onProgress?.((board + share) / own.length),
      }))
    figures.push({
      ...{ name: part.name, images: sizeOf(part.train), tested: sizeOf(part.test) },
      aloneOwn: alone && rightOf(alone, test, part.test),
      aloneAll: alone && rightOf(alone, test, { from: 0, to: test.count }),
      averageOwn: rightOf(together, test, part.test),
    })
  }
  return figures
}

/** Classes that a network names of all test samples which has learnt one board's data alone. */
async function aloneOn(
  { network, plan, begun, data }: Training,
  own: OwnPart[],
  board: number,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: (share: number) => void },
): Promise<Int32Array> {
  const { train, test } = data
  const { average, own: most } = plan.share!
  const taught = plan.softmaxGain > 0 ? { ...network, softmaxGain: plan.softmaxGain } : network
  const engine = await TrainingEngine.start(taught)
  try {
    loadModelInto(engine, begun!)
    const store = engine.store(train.images, train.labels)
    const count = Math.ceil(most! / average) * average
    const lesson = {
      ...{ store, count, images: train, seed: plan.seed },
      order: (epoch: number) => {
        // As in the training: an order is drawn by the board's place.
        const ranges = own.map((part, i) => (i === board ? part.train : { from: 0, to: 1 }))
        const all = ownOrder(ranges, count, count, plan.seed, epoch)
        return all.slice(board * count, (board + 1) * count)
      },
    }
    for (let epoch = 0; epoch < plan.epochs; epoch++)
      await trainEpoch(engine, lesson, plan, epoch, 0, {
        signal,
        onProgress: done => onProgress((epoch + done / count) / plan.epochs),
      })
    signal?.throwIfAborted()
    return await namedBy(engine, test, signal)
  } finally {
    await engine.close()
  }
}

async function namedBy(
  engine: LearningEngine,
  { images, labels, count }: Images,
  signal?: AbortSignal,
): Promise<Int32Array> {
  const all = Int32Array.from({ length: count }, (_, i) => i)
  return await engine.predict(engine.store(images, labels), all, { signal })
}

function rightOf(classes: Int32Array, { labels }: Images, range: Range): number | undefined {
  const { from, to } = range
  if (to === from) return undefined
  let right = 0
  for (let i = from; i < to; i++) if (classes[i] === labels[i]) right++
  return right / (to - from)
}

function sizeOf({ from, to }: Range): number {
  return to - from
}
