/** Where a training learns: on the host, unseen or watched, or on boards, that share or copy the network. */
import { checkpointOf } from "../../fleet/checkpoint-of"
import type { FoundBoards } from "../../hardware/location"
import type { Model } from "../../models/model-file"
import type { Network } from "../../network/network"
import type { LearningEngine } from "../../training/learning-engine"
import type { Plan, Sharing, StartEngine } from "../../training/training"
import type { TrainingData } from "../../training/training-data"
import type { Context } from "../command"
import { openPatientFleet } from "../fleet-run"
import { openDashboard, type ViewOptions } from "../options/dashboard-option"
import type { TrainOptions } from "./train-options"

/** Which of the core's two variants it needs. */
export function gathers({ batch, rounding }: Plan): boolean {
  return batch > 1 && rounding !== "once"
}

/** Boards to learn on, or the host under eyes; undefined: the host alone. */
export function engineOn(
  options: TrainOptions,
  { share }: Plan,
  model: Model,
  { classes, record }: TrainingData,
  context: Context,
  boards?: FoundBoards,
): StartEngine | undefined {
  const { on: location } = options
  const watch = { ...options, classes, record }
  if (share) return network => sideBySide(network, share, model, options, context, boards)
  if (location === undefined)
    return options.dashboard === undefined
      ? undefined
      : network => watchedOnHost(network, model, watch, context)
  return async network => {
    const { FleetEngine } = await import("../../training/fleet-engine")
    return new FleetEngine(
      network,
      await openPatientFleet(
        {
          ...{ location, boards, network },
          goal: "learning",
          start: checkpointOf(model),
          watchers: watch,
          checkpointSamples: options.checkpoint,
        },
        context,
      ),
    )
  }
}

/** Copies of the network that learn side by side, on boards or on the host. */
async function sideBySide(
  network: Network,
  { replicas, average, own: each }: Sharing,
  model: Model,
  { on: location, checkpoint }: TrainOptions,
  { output, signal }: Context,
  boards?: FoundBoards,
): Promise<LearningEngine> {
  const { AveragedEngine, checkAveraged, HostLearner } = await import(
    "../../training/averaged-engine"
  )
  checkAveraged(network)
  const own = each !== undefined
  const options = { replicas, average, own, start: model.coefficients, checkpoint }
  if (location === undefined) {
    const learners = Array.from({ length: replicas }, () => new HostLearner(network))
    return new AveragedEngine(network, learners, options)
  }
  const { openLearners } = await import("../../training/board-learners")
  const learners = await openLearners({
    ...{ network, location, boards, signal, all: own },
    log: line => output.log(line),
    status: text => output.status(text),
  })
  const engine = new AveragedEngine(network, learners, options)
  for (const learner of learners) learner.onChange = engine.stir
  return engine
}

async function watchedOnHost(
  network: Network,
  model: Model,
  watch: TrainOptions & ViewOptions,
  context: Context,
): Promise<LearningEngine> {
  const { onHost } = await import("../../dashboard/describe")
  const { WatchedEngine } = await import("../../training/watched-engine")
  const dashboard = await openDashboard(watch, network, context)
  if (!dashboard) throw new TypeError("there is no dashboard to watch from")
  try {
    const engine = await WatchedEngine.start(
      ...([network, checkpointOf(model), dashboard, watch.workers] as const),
    )
    await dashboard.attach(onHost(network, engine))
    return engine
  } catch (error) {
    await dashboard.close()
    throw error
  }
}
