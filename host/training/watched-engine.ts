/**
 * The host's engine for a training that people look on at, and put in a word: one image at a time, with
 * the bits of the engine alone, and of boards.
 */

import { realClock } from "../base/clock"
import { varied } from "../data/moved"
import type { Network } from "../network/network"
import { slowedBy } from "../session/rate"
import type { Checkpoint, Lesson } from "../session/reports"
import { type FleetWatch, type Intervention, LESSON_SAMPLES, type Request } from "../session/watch"
import type { JobOptions, LabelledImages, LearningEngine, Manner } from "./learning-engine"
import { predictApart } from "./predict-apart"
import { type ImageStore, TrainingEngine } from "./training-engine"

/** How often those who look on get the coefficients, ms. */
const KEPT_MS = 2_000

interface WatchedImages extends LabelledImages {
  images: Uint8Array
  stored: ImageStore
}

export class WatchedEngine implements LearningEngine {
  samples = 0
  /** Lessons, changes of the rate and states loaded beside the training, in order. */
  readonly interventions: Intervention[] = []
  /** Time it was held, ms. */
  heldMs = 0
  private planned: number
  private bits = 0
  private lastKept = 0

  /**
   * @param start what was learnt before
   * @param workers threads to measure with; it learns on one
   * @throws as TrainingEngine.start
   */
  static async start(
    network: Network,
    start: Checkpoint,
    watch: FleetWatch,
    workers?: number,
  ): Promise<WatchedEngine> {
    const engine = await TrainingEngine.startFrom(network, start, { workers: 1 })
    return new WatchedEngine(engine, watch, workers)
  }

  private constructor(
    private readonly engine: TrainingEngine,
    private readonly watch: FleetWatch,
    private readonly measurers?: number,
  ) {
    this.planned = engine.learnShift
    this.keep()
  }

  get network(): Network {
    return this.engine.network
  }

  get workers(): number {
    return this.engine.workers
  }

  get coefficients(): Buffer {
    return this.engine.coefficients
  }

  get elements(): Buffer {
    return this.engine.elements
  }

  /** As planned; what somebody changed beside it comes on top. */
  get learnShift(): number {
    return this.planned
  }

  set learnShift(bits: number) {
    this.planned = bits
    this.engine.learnShift = this.shiftNow
  }

  /** The learning shift in force. */
  get shiftNow(): number {
    return this.slowed(this.planned)
  }

  private slowed(links: number): number {
    return slowedBy({ links }, this.bits, this.network).links
  }

  store(images: Uint8Array, labels: Uint8Array): WatchedImages {
    return { images, labels, stored: this.engine.store(images, labels) }
  }

  async train(
    { images, labels, stored }: WatchedImages,
    indices: Int32Array,
    { onProgress, signal, ...manner }: JobOptions & Manner = {},
  ): Promise<{ done: number; right: number }> {
    const { width } = this.network
    let done = 0
    let right = 0
    while (done < indices.length && !signal?.aborted) {
      await this.awaitTurn(signal)
      if (signal?.aborted) break
      const i = indices[done]
      const label = labels[i]
      const k = done
      const image = varied(images.subarray(i * width, (i + 1) * width), k, manner)
      const one = {
        shifts: manner.shifts?.subarray(k, k + 1),
        distort: manner.distort && (() => image),
        rates: manner.rates && Uint8Array.of(this.slowed(manner.rates[k])),
      }
      const { classified, error } = await this.learn(stored, i, one, label, this.samples)
      this.samples++
      done++
      if (classified === label) right++
      this.watch.learnt?.(image, classified, label, error)
      if (realClock.now() - this.lastKept > KEPT_MS) this.keep()
      onProgress?.(done, right)
    }
    await this.answerRequests()
    this.keep()
    return { done, right }
  }

  /** By an engine of its own, on as many threads as there may be. */
  async predict(
    images: WatchedImages,
    indices: Int32Array,
    options?: JobOptions,
  ): Promise<Int32Array> {
    return await predictApart(this, images, indices, { ...options, workers: this.measurers })
  }

  async close(): Promise<void> {
    await Promise.all([this.engine.close(), this.watch.close?.()])
  }

  private async learn(
    store: ImageStore,
    i: number,
    manner: Manner,
    label: number,
    sample: number,
  ): Promise<{ classified: number; error: boolean }> {
    this.engine.samples = sample
    await this.engine.train(store, Int32Array.of(i), manner)
    return this.engine.lastOf(label)
  }

  private keep(): void {
    this.lastKept = realClock.now()
    const { samples, coefficients, elements } = this
    this.watch.saved?.({ samples, coefficients, elements })
  }

  /** Between two samples: does what is requested, and waits until the run may go on. */
  private async awaitTurn(signal?: AbortSignal): Promise<void> {
    const { watch } = this
    for (;;) {
      await this.answerRequests()
      if ((watch.allow?.(1) ?? 1) > 0 || signal?.aborted || !watch.changed) return
      const start = realClock.now()
      await watch.changed()
      this.heldMs += realClock.now() - start
    }
  }

  private async answerRequests(): Promise<void> {
    for (let request = this.watch.request?.(); request; request = this.watch.request?.())
      await this.answer(request)
  }

  private async answer(request: Request): Promise<void> {
    if (request.do === "teach") await this.teach(request.lesson)
    else if (request.do === "slow") {
      this.bits = request.bits
      this.engine.learnShift = this.shiftNow
      this.interventions.push({ bits: request.bits, after: this.samples })
    } else if (request.do === "load") {
      const { coefficients, elements } = request.state
      this.engine.coefficients = coefficients
      if (elements.length > 0) this.engine.elements = elements
      this.interventions.push({ state: request.state, after: this.samples })
      this.keep()
      request.answered?.()
    } else if (request.do === "report") request.answered([])
    else if (request.do === "read") {
      this.keep()
      request.answered?.()
    } else {
      await this.engine.lend(request.image, Uint8Array.of(0), store =>
        this.engine.predict(store, Int32Array.of(0)),
      )
      request.answered(this.engine.outputs())
    }
  }

  private async teach(lesson: Lesson): Promise<void> {
    const lessons = this.interventions.filter(word => "lesson" in word).length
    const sample = LESSON_SAMPLES + lessons
    this.interventions.push({ lesson, after: this.samples, sample })
    const { image, label } = lesson
    await this.engine.lend(image, Uint8Array.of(label), store =>
      this.learn(store, 0, {}, label, sample),
    )
  }
}
