/**
 * The demo "class": many boards behind a few agents and one broker learn one network side by side, each
 * its own samples, averaged again and again, and name images each its own share. The host repeats both.
 */
import { realClock } from "../base/clock"
import { sha256 } from "../base/sha256"
import { imageAt, type Mnist } from "../data/mnist"
import type { ComputedCount } from "../hardware/own-time-boards"
import type { Verified } from "../library/host-mismatch"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { AveragedEngine, HostLearner } from "../training/averaged-engine"
import type { BoardLearner } from "../training/board-learners"

export interface ClassOptions {
  network: Network
  /** In the order of the class's boards. */
  learners: BoardLearner[]
  /** Boards of the class, whether or not they are among the learners. */
  boards: number
  counts(): Promise<ComputedCount[]>
  mnist: Mnist
  training: number[]
  testing: number[]
  /** Samples each board learns between two averages. */
  average: number
  signal: AbortSignal
  status(text: string): void
  /** Learnt by all boards and averaged. */
  onAverage?(samples: number, coefficients: Buffer): void
  /** Images named. */
  onNamed?(title: string, done: number, right: number): void
}

export interface ClassResult extends Verified {
  trained: number
  tested: number
  accuracyBefore: number
  accuracyAfter: number
  /** Of learning, by our clock, s. */
  learningSeconds: number
  /** What each board computed to learn, loading and averages included; and to name. */
  learning: ComputedCount[]
  naming: ComputedCount[]
  /** Of learning, by what the busiest board of the class computed; and if one board learnt all. */
  samplesPerSecond: number
  samplesPerSecondAlone: number
  /** The boards' names of all images are the host's. */
  namesMatch: boolean
  recoveries: number
}

/** @throws WuxingError as the boards' fleets do; the signal's reason */
export async function runClass(options: ClassOptions): Promise<ClassResult> {
  const { network, learners, mnist, training, testing, average, signal, status } = options
  const { train, test } = mnist
  const rightOf = (names: Int32Array) =>
    names.reduce((sum, name, i) => sum + (name === test.labels[testing[i]] ? 1 : 0), 0)
  const start = new HostNetwork(network).coefficients()
  const sharing = { replicas: options.boards, average, start, checkpoint: 1 }

  const namedBefore = await nameAll(options, "naming before", start, 0)
  const before = await options.counts()
  status("learning")
  const engine = new AveragedEngine(network, learners, sharing)
  for (const learner of learners) learner.onChange = engine.stir
  const indices = Int32Array.from(training)
  const began = realClock.now()
  await engine.train(engine.store(train.images, train.labels), indices, {
    signal,
    onCheckpoint: () => options.onAverage?.(engine.samples, engine.coefficients),
  })
  signal.throwIfAborted()
  options.onAverage?.(engine.samples, engine.coefficients)
  const learningSeconds = (realClock.now() - began) / 1000
  const learnt = await options.counts()
  const namedAfter = await nameAll(options, "naming after", engine.coefficients, engine.samples)
  const naming = between(learnt, await options.counts())

  status("repeating the run on the host")
  const copies = Array.from({ length: options.boards }, () => new HostLearner(network))
  const host = new AveragedEngine(network, copies, sharing)
  await host.train(host.store(train.images, train.labels), indices, { signal })
  signal.throwIfAborted()
  const single = new HostNetwork(network)
  const nameOnHost = (coefficients: Buffer) => {
    single.load(coefficients, Buffer.alloc(0))
    return testing.map(i => single.predict(imageAt(test, i)))
  }
  const namesMatch =
    same(namedBefore, nameOnHost(start)) && same(namedAfter, nameOnHost(host.coefficients))
  const [coefficientsHash, hostHash] = [sha256(engine.coefficients), sha256(host.coefficients)]
  const learning = between(before, learnt)
  const busy = learning.map(({ busySeconds }) => busySeconds)
  return {
    ...{ trained: training.length, tested: testing.length },
    accuracyBefore: rightOf(namedBefore) / testing.length,
    accuracyAfter: rightOf(namedAfter) / testing.length,
    ...{ learningSeconds, learning, naming },
    samplesPerSecond: training.length / Math.max(...busy),
    samplesPerSecondAlone: training.length / busy.reduce((sum, s) => sum + s, 0),
    ...{ coefficientsHash, hostHash, hostMatches: coefficientsHash === hostHash, namesMatch },
    recoveries: learners.reduce((sum, { fleet }) => sum + fleet.recoveries, 0),
  }
}

/** Every board names its share of the images with the same coefficients. */
async function nameAll(
  { network, learners, mnist, testing, onNamed }: ClassOptions,
  title: string,
  coefficients: Buffer,
  samples: number,
): Promise<Int32Array> {
  const { test } = mnist
  const names = new Int32Array(testing.length)
  let done = 0
  let right = 0
  onNamed?.(title, 0, 0)
  await Promise.all(
    learners.map(async (learner, i) => {
      await learner.load(coefficients, samples, network.learnShift)
      const own = testing.map((_, k) => k).filter(k => k % learners.length === i)
      await learner.fleet.classify(
        k => imageAt(test, testing[own[k]]),
        own.length,
        (count, name) => {
          const k = own[count - 1]
          names[k] = name
          if (name === test.labels[testing[k]]) right++
          onNamed?.(title, ++done, right)
        },
        k => test.labels[testing[own[k]]],
      )
    }),
  )
  return names
}

function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((value, i) => value === b[i])
}

function between(before: ComputedCount[], after: ComputedCount[]): ComputedCount[] {
  return after.map(({ operations, busySeconds }, i) => ({
    operations: operations - before[i].operations,
    busySeconds: busySeconds - before[i].busySeconds,
  }))
}
