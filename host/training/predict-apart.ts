/** Naming images by the host's threads, for learners that take one at a time and for trained networks. */
import { availableParallelism } from "node:os"
import { LANES } from "../codegen/assembly/lane-layout"
import { ELEMENTS_ARRAY, type Model } from "../models/model-file"
import { lanesFaultOf } from "./lane-memory"
import type { JobOptions, LabelledImages, LearningEngine } from "./learning-engine"
import { type EngineOptions, TrainingEngine } from "./training-engine"

type Learnt = Pick<LearningEngine, "coefficients" | "elements" | "network">

/** What a model has learnt, to be named by. */
export function learntOf({ network, coefficients, arrays }: Model): Learnt {
  return { network, coefficients, elements: arrays?.[ELEMENTS_ARRAY] ?? Buffer.alloc(0) }
}

/**
 * An engine that names images as `learner` would, and is not to learn. Where the network's rings and links
 * allow it, it computes images side by side in lanes: the same classes, by shared kernels eight times as fast.
 *
 * @throws as TrainingEngine.start
 */
export async function startNaming(learner: Learnt, workers?: number): Promise<TrainingEngine> {
  const { network } = learner
  const batch = Math.max(LANES, workers ?? availableParallelism())
  const beside = learner.elements.length === 0 && lanesFaultOf(network, batch) === ""
  return await TrainingEngine.startFrom(network, learner, {
    workers,
    ...(beside && { batch, rounding: "once" }),
  })
}

/** Names images as `learner` would, by an engine of its own. */
export async function predictApart(
  learner: Learnt,
  { images, labels }: LabelledImages & { images: Uint8Array },
  indices: Int32Array,
  { workers, ...job }: JobOptions & Pick<EngineOptions, "workers"> = {},
): Promise<Int32Array> {
  const engine = await startNaming(learner, workers)
  try {
    return await engine.predict(engine.store(images, labels), indices, job)
  } finally {
    await engine.close()
  }
}
