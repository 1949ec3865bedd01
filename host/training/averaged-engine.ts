/**
 * Copies of a network that learn side by side, each its own share of the samples, and are averaged after
 * every so many (local SGD). A share's result depends on where it begins and on its samples alone. So any
 * learner may do any share: a slow one, one that is lost and one that joins late change no bit. Only where
 * each has data of its own (`own`) its share waits for it.
 */
import { takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { varied } from "../data/moved"
import { averageOf, beyondAverages } from "../network/average"
import { HostNetwork } from "../network/host-network"
import { leastLearnShift, type Network } from "../network/network"
import type { Lesson } from "../session/reports"
import type { JobOptions, LabelledImages, LearningEngine, Manner } from "./learning-engine"
import { predictApart } from "./predict-apart"

/** An average moves less than its copies: they learn faster by so many bits at most. */
const MOST_FASTER_BITS = 2

const CHECKPOINT = 500
/** Samples a copy on the host learns in one turn. */
const STRIDE = 10

/** One copy of the network, wherever it is. */
export interface Learner {
  /** Takes over coefficients; the next sample it learns has this number. */
  load(coefficients: Buffer, sample: number, learnShift: number): Promise<void>
  /** @returns how many of the lessons were right before, and the coefficients; undefined if stopped */
  learn(
    lessons: (i: number) => Lesson,
    count: number,
    stopped: () => boolean,
  ): Promise<{ right: number; coefficients: Buffer } | undefined>
  /** It does not get on at present: its share may be done by another as well. */
  readonly stalled: boolean
  close(): Promise<void>
}

export interface AveragedOptions {
  /** Shares a round is made of; as many learners have something to do at once. */
  replicas: number
  /** Samples of a share. */
  average: number
  start: Buffer
  /** Each learner does the share of its own number, and no other: it has data of its own. */
  own?: boolean
  /** Samples between two looks of whoever keeps what was learnt; default: 500. */
  checkpoint?: number
}

interface AveragedImages extends LabelledImages {
  images: Uint8Array
}

interface Share {
  from: number
  to: number
}

type Result = { right: number; coefficients: Buffer }

export class AveragedEngine implements LearningEngine {
  samples = 0
  learnShift: number
  coefficients: Buffer
  readonly elements = Buffer.alloc(0)
  /** Learners that were lost, and why. */
  readonly lost = new Map<Learner, unknown>()
  /** Shares that learners are at; some perhaps of rounds that have ended. */
  private readonly busy = new Set<Learner>()
  private wake: () => void = () => {}

  constructor(
    readonly network: Network,
    readonly learners: readonly Learner[],
    private readonly options: AveragedOptions,
  ) {
    this.learnShift = network.learnShift
    this.coefficients = options.start
  }

  get workers(): number {
    return this.options.replicas
  }

  /** Learners that are there and have nothing to do: none that is still at a share of a round that has ended. */
  get free(): Learner[] {
    const { busy, lost } = this
    return this.learners.filter(each => !busy.has(each) && !lost.has(each) && !each.stalled)
  }

  /** Learners may have something to do again, or one stalls. */
  readonly stir = (): void => {
    this.wake()
  }

  store(images: Uint8Array, labels: Uint8Array): AveragedImages {
    return { images, labels }
  }

  /** Stops between two rounds only: what a round has begun and not ended is not kept. */
  async train(
    { images, labels }: AveragedImages,
    indices: Int32Array,
    options: JobOptions & Manner = {},
  ): Promise<{ done: number; right: number }> {
    const { network } = this
    const { replicas, average } = this.options
    const { signal, onProgress, onCheckpoint } = options
    const lesson = (k: number): Lesson => {
      const i = indices[k]
      const image = images.subarray(i * network.width, (i + 1) * network.width)
      return { image: varied(image, k, options), label: labels[i] }
    }
    let done = 0
    let right = 0
    let kept = this.samples
    while (done < indices.length && !signal?.aborted) {
      const shares: Share[] = []
      for (let from = done; from < indices.length && shares.length < replicas; from += average)
        shares.push({ from, to: Math.min(indices.length, from + average) })
      const results = await this.round(shares, lesson, this.samples - done, signal)
      if (!results) break
      this.coefficients = averageOf(
        results.map(({ coefficients }) => coefficients),
        network.seed,
        this.samples,
      )
      for (const { right: some } of results) right += some
      const { to } = shares[shares.length - 1]
      this.samples += to - done
      done = to
      onProgress?.(done, right)
      if (done < indices.length && this.samples - kept >= (this.options.checkpoint ?? CHECKPOINT)) {
        onCheckpoint?.(done, right)
        kept = this.samples
      }
    }
    return { done, right }
  }

  /** @returns undefined if it was aborted @throws what the last learner was lost by, if all are */
  private async round(
    shares: Share[],
    lesson: (k: number) => Lesson,
    offset: number,
    signal: AbortSignal | undefined,
  ): Promise<Result[] | undefined> {
    const { coefficients: start, learnShift, busy, lost, learners } = this
    const results: (Result | undefined)[] = shares.map(() => undefined)
    const holders = shares.map(() => new Set<Learner>())
    let left = shares.length
    const ended = () => left === 0 || signal?.aborted === true
    const faster = Math.min(MOST_FASTER_BITS, Math.floor(Math.log2(this.options.replicas)))
    const shift = Math.max(leastLearnShift(this.network), learnShift - faster)
    const work = async (learner: Learner, i: number) => {
      const { from, to } = shares[i]
      busy.add(learner)
      holders[i].add(learner)
      try {
        await learner.load(start, offset + from, shift)
        const result = await learner.learn(k => lesson(from + k), to - from, ended)
        if (!result || results[i] || ended()) return
        results[i] = result
        left--
      } catch (error) {
        lost.set(learner, error)
      } finally {
        busy.delete(learner)
        holders[i].delete(learner)
        this.stir()
      }
    }
    const waits = (i: number) =>
      !results[i] && [...holders[i]].every(holder => holder.stalled || lost.has(holder))
    const { own } = this.options
    const next = (place: number) => {
      if (own) return place < shares.length && waits(place) ? place : -1
      return shares.findIndex((_, i) => waits(i))
    }
    signal?.addEventListener("abort", this.stir)
    try {
      while (!ended()) {
        const changed = new Promise<void>(resolve => {
          this.wake = resolve
        })
        for (const [place, learner] of learners.entries()) {
          if (busy.has(learner) || lost.has(learner)) continue
          const i = next(place)
          if (i >= 0) void work(learner, i)
        }
        const gone = (learner: Learner) => lost.has(learner)
        if (own ? learners.some(gone) : learners.every(gone)) throw [...lost.values()].at(-1)
        await changed
      }
    } finally {
      signal?.removeEventListener("abort", this.stir)
    }
    return left === 0 ? (results as Result[]) : undefined
  }

  async predict(
    images: AveragedImages,
    indices: Int32Array,
    options?: JobOptions,
  ): Promise<Int32Array> {
    return await predictApart(this, images, indices, options)
  }

  async close(): Promise<void> {
    await Promise.all(this.learners.map(learner => learner.close().catch(() => {})))
  }
}

/** A copy on the host: the same bits as a board's. */
export class HostLearner implements Learner {
  readonly stalled = false
  private readonly host: HostNetwork

  constructor(network: Network) {
    this.host = new HostNetwork(network)
  }

  async load(coefficients: Buffer, sample: number, learnShift: number): Promise<void> {
    this.host.load(coefficients, Buffer.alloc(0))
    this.host.samples = sample
    this.host.learnShift = learnShift
  }

  async learn(lessons: (i: number) => Lesson, count: number, stopped: () => boolean) {
    let right = 0
    for (let i = 0; i < count; i++) {
      // A signal, and whoever else lives in this process.
      if (i % STRIDE === 0) await takeTurns()
      if (stopped()) return undefined
      const { image, label } = lessons(i)
      if (this.host.train(image, label) === label) right++
    }
    return { right, coefficients: this.host.coefficients() }
  }

  async close(): Promise<void> {}
}

/** @throws WuxingError "usage" where a network learns what cannot be averaged */
export function checkAveraged(network: Network): void {
  const beyond = beyondAverages(network)
  if (beyond === undefined) return
  throw new WuxingError({
    code: "usage",
    kind: "usage",
    message: `${network.name} cannot be learnt by shares of the samples: its ${beyond} would have to be averaged too`,
    cause: "only coefficients of links are averaged",
    help: "leave out --share samples, or teach links alone",
  })
}
