/** Naming images by the host's threads, for learners that take one at a time. */
import type { JobOptions, LabelledImages, LearningEngine } from "./learning-engine"
import { type EngineOptions, TrainingEngine } from "./training-engine"

/** Names images as `learner` would, by an engine of its own. */
export async function predictApart(
  learner: Pick<LearningEngine, "coefficients" | "elements" | "network">,
  { images, labels }: LabelledImages & { images: Uint8Array },
  indices: Int32Array,
  { workers, ...job }: JobOptions & Pick<EngineOptions, "workers"> = {},
): Promise<Int32Array> {
  const engine = await TrainingEngine.startFrom(learner.network, learner, { workers })
  try {
    return await engine.predict(engine.store(images, labels), indices, job)
  } finally {
    await engine.close()
  }
}
