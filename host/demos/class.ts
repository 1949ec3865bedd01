/**
 * The demo "class": many boards behind a few agents and one broker learn one network side by side, each
 * its own samples, averaged again and again, and name images each its own share. The host repeats both.
 */
import { realClock, takeTurns } from "../base/clock"
import { sha256 } from "../base/sha256"
import { imageAt, type Mnist } from "../data/mnist"
import type { BoardCount } from "../hardware/counted-set"
import type { Verified } from "../library/host-mismatch"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { AveragedEngine, HostLearner } from "../training/averaged-engine"
import type { BoardLearner } from "../training/board-learners"

/** Between two looks at who has nothing to name, ms. */
const LOOK_MS = 20
/** Images the host names in one turn: the broker lives in this process. */
const STRIDE = 20

export interface ClassOptions {
  network: Network
  /** In the order of the class's boards. */
  learners: BoardLearner[]
  /** Boards of the class, whether or not they are among the learners. */
  boards: number
  counts(): Promise<BoardCount[]>
  mnist: Mnist
  training: number[]
  testing: number[]
  /** Samples each board learns between two averages. */
  average: number
  signal: AbortSignal
  status(text: string): void
  /** Learnt by all boards and averaged. */
  onAverage?(samples: number, coefficients: Buffer): void
  /** Of what is at hand, besides the boards' learning, which their watchers see. */
  onProgress?(title: string, total: number, done: number, right: number): void
}

export interface ClassResult extends Verified {
  trained: number
  tested: number
  accuracyBefore: number
  accuracyAfter: number
  /** Of learning, by our clock, s. */
  learningSeconds: number
  /** What each board computed to learn, loading and averages included; and to name. */
  learning: BoardCount[]
  naming: BoardCount[]
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

  const engine = new AveragedEngine(network, learners, sharing)
  for (const learner of learners) learner.onChange = engine.stir
  const namedBefore = await nameAll(options, engine, "naming before")
  const before = await options.counts()
  status("learning")
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
  const namedAfter = await nameAll(options, engine, "naming after")
  const naming = between(learnt, await options.counts())

  // One copy learns all shares in turn: many at once would leave the broker in this process no turn.
  const host = new AveragedEngine(network, [new HostLearner(network)], sharing)
  const repeating = (done: number, right: number) =>
    options.onProgress?.("repeating on the host", training.length, done, right)
  repeating(0, 0)
  await host.train(host.store(train.images, train.labels), indices, {
    ...{ signal, onProgress: repeating },
  })
  signal.throwIfAborted()
  const single = new HostNetwork(network)
  const nameOnHost = async (coefficients: Buffer) => {
    single.load(coefficients, Buffer.alloc(0))
    const names: number[] = []
    for (const i of testing) {
      if (names.length % STRIDE === 0) await takeTurns()
      names.push(single.predict(imageAt(test, i)))
    }
    return names
  }
  const onHost = [await nameOnHost(start), await nameOnHost(host.coefficients)]
  const namesMatch = same(namedBefore, onHost[0]) && same(namedAfter, onHost[1])
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

/**
 * Boards name the images side by side, with the same coefficients: each takes some whenever it has named
 * its last. What a board had in hand that is gone, or hangs, another names.
 */
async function nameAll(
  { network, learners, mnist, testing, onProgress, signal }: ClassOptions,
  engine: AveragedEngine,
  title: string,
): Promise<Int32Array> {
  const { test } = mnist
  const { coefficients, samples } = engine
  const names = new Int32Array(testing.length).fill(-1)
  const faults = new Map<BoardLearner, unknown>()
  const at = new Map<number, BoardLearner>()
  const loaded = new Set<BoardLearner>()
  let done = 0
  let right = 0
  onProgress?.(title, testing.length, 0, 0)
  const name = (k: number, named: number) => {
    if (names[k] >= 0) return
    names[k] = named
    if (named === test.labels[testing[k]]) right++
    onProgress?.(title, testing.length, ++done, right)
  }
  const work = async (learner: BoardLearner, images: number[]) => {
    try {
      if (!loaded.has(learner)) await learner.load(coefficients, samples, network.learnShift)
      loaded.add(learner)
      await learner.fleet.classify(
        i => imageAt(test, testing[images[i]]),
        images.length,
        (count, named) => name(images[count - 1], named),
        i => test.labels[testing[images[i]]],
      )
    } catch (error) {
      faults.set(learner, error)
    }
  }
  const most = Math.max(1, Math.ceil(testing.length / learners.length / 2))
  const working = new Set<BoardLearner>()
  while (done < testing.length) {
    signal.throwIfAborted()
    const free = new Set(engine.free)
    const able = learners.filter(learner => free.has(learner) && !faults.has(learner))
    for (const learner of able) {
      if (working.has(learner)) continue
      const images: number[] = []
      for (let k = 0; k < testing.length && images.length < most; k++) {
        const holder = at.get(k)
        if (names[k] < 0 && (!holder || holder.stalled || faults.has(holder))) images.push(k)
      }
      if (images.length === 0) break
      for (const k of images) at.set(k, learner)
      working.add(learner)
      void work(learner, images).then(() => working.delete(learner))
    }
    if (learners.every(learner => faults.has(learner) || engine.lost.has(learner)))
      throw [...engine.lost.values(), ...faults.values()].at(-1)
    await realClock.sleep(LOOK_MS, signal)
  }
  return names
}

function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((value, i) => value === b[i])
}

function between(before: BoardCount[], after: BoardCount[]): BoardCount[] {
  return after.map(({ operations, busySeconds }, i) => ({
    operations: operations - before[i].operations,
    busySeconds: busySeconds - before[i].busySeconds,
  }))
}
