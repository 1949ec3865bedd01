/** Boards as the engine of a training: they learn, and the host keeps the same files as without them. */

import { varied } from "../data/moved"
import type { Fleet } from "../fleet/fleet"
import type { Network } from "../network/network"
import type { Lesson } from "../session/reports"
import type { JobOptions, LabelledImages, LearningEngine, Manner } from "./learning-engine"
import { predictApart } from "./predict-apart"

interface FleetImages extends LabelledImages {
  images: Uint8Array
}

export class FleetEngine implements LearningEngine {
  samples = 0
  learnShift: number

  /** @param fleet boards that hold the network as learning is to begin; closed with the engine */
  constructor(
    readonly network: Network,
    readonly fleet: Fleet,
  ) {
    this.learnShift = network.learnShift
  }

  get workers(): number {
    return this.fleet.count
  }

  /** As read back when learning last ended. */
  get coefficients(): Buffer {
    return this.fleet.learnt.coefficients
  }

  get elements(): Buffer {
    return this.fleet.learnt.elements
  }

  store(images: Uint8Array, labels: Uint8Array): FleetImages {
    return { images, labels }
  }

  async train(
    { images, labels }: FleetImages,
    indices: Int32Array,
    options: JobOptions & Manner = {},
  ): Promise<{ done: number; right: number }> {
    const { network, fleet } = this
    const { elements } = network
    const { onProgress, onCheckpoint, rightBefore, signal } = options
    fleet.goOnAt(this.samples)
    const shift = elements && elements.shift + this.learnShift - network.learnShift
    await fleet.setLearnShift(
      this.learnShift,
      shift && Math.max(4, Math.min(24, shift)), // As on the host (training-engine.ts).
    )
    const lesson = (k: number): Lesson => {
      const i = indices[k]
      const image = images.subarray(i * network.width, (i + 1) * network.width)
      return { image: varied(image, k, options), label: labels[i] }
    }
    const result = await fleet.learn(lesson, indices.length, {
      onSample: onProgress,
      onCheckpoint,
      rightBefore,
      stopped: () => signal?.aborted === true,
    })
    this.samples += result.done
    return result
  }

  /**
   * By the host's engine, with what the boards have learnt: the same bits, and sixty thousand images
   * through boards would take an hour or more.
   */
  async predict(
    images: FleetImages,
    indices: Int32Array,
    options?: JobOptions,
  ): Promise<Int32Array> {
    return await predictApart(this, images, indices, options)
  }

  async close(): Promise<void> {
    await this.fleet.close()
  }
}
