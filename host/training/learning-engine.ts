/** Where a network learns: what a training needs of it. */
import type { Variation } from "../data/moved"
import type { Network } from "../network/network"

/** Images as an engine keeps them. */
export interface LabelledImages {
  readonly labels: Uint8Array
}

export interface JobOptions {
  /** Samples of the job that are done, and how many of them were right. */
  onProgress?: (done: number, right: number) => void
  signal?: AbortSignal
  /**
   * Called now and then, when the engine's coefficients are those after so many samples of the job
   * (before the last one); engines that have them at hand at the end alone do not call it.
   */
  onCheckpoint?: (done: number, right: number) => void
  /** Right among the samples of the epoch that were learnt before this job: boards keep the sum. */
  rightBefore?: number
}

/** How a job's samples are learnt, each by its place in the job. */
export interface Manner extends Variation {
  /** Shift of each one's rate, in place of the engine's; not on boards. */
  rates?: Uint8Array
}

export interface LearningEngine {
  readonly network: Network
  /** Threads or boards that share the work. */
  readonly workers: number
  /** Samples learnt so far; the next one's number in the stochastic rounding. */
  samples: number
  /** Bits by which learning shifts: the rate. */
  learnShift: number
  /** In the network's order, int16, Q13; and what elements that learn have of their own. */
  readonly coefficients: Buffer
  readonly elements: Buffer
  /** The coefficients with the 16 bits that learn on, where four of them are used; as `coefficients`. */
  readonly kept?: Buffer
  /** Images as bytes, one behind the other, for the jobs below. */
  store(images: Uint8Array, labels: Uint8Array): LabelledImages
  /**
   * Learns images in the given order.
   *
   * @returns how many were learnt (fewer than given only if aborted), and how many were right before
   */
  train(
    store: LabelledImages,
    indices: Int32Array,
    options?: JobOptions & Manner,
  ): Promise<{ done: number; right: number }>
  /** Classes named for images. @throws WuxingError "interrupted" */
  predict(store: LabelledImages, indices: Int32Array, options?: JobOptions): Promise<Int32Array>
  close(): Promise<void>
}
