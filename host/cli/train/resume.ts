/** `wuxing train --resume`: a training goes on where the one in a file stopped. */
import { resolve } from "node:path"
import type { Model } from "../../models/model-file"
import { readModel } from "../../models/model-source"
import { readDataFor } from "../../training/signal-data"
import { type Plan, planOf, Training } from "../../training/training"
import type { TrainingData } from "../../training/training-data"
import type { Context } from "../command"
import { MODEL, outputFile } from "../options/output-file"
import { usageError } from "../options/usage"
import { readyCore } from "../terminal/ready-core"
import { engineOn, gathers } from "./engine"
import { boardsOf, checkBoards } from "./sharing"
import type { Begun, TrainOptions } from "./train-options"

/**
 * A training that goes on where the one in a file stopped.
 *
 * @throws WuxingError "usage" (kind usage) where boards cannot go on, or it has ended already; or as
 *   readModel, planOf, readTrainingData or Training.resume
 */
export async function resumeTraining(
  file: string,
  options: TrainOptions,
  context: Context,
): Promise<Begun> {
  const { workers, epochs } = options
  const model = readModel(file, 0)
  const { plan, position } = planOf(file, model)
  // It goes on in its own file.
  outputFile(options.out ?? file, MODEL, options.force || isSame(options.out ?? file, file))
  const data = await dataToGoOn(file, model, plan, options, context)
  for (const line of data.notes ?? []) context.output.status(line)
  if (epochs !== undefined && epochs <= position.epoch)
    throw usageError(
      `--epochs is ${epochs}, but ${file} has learnt ${position.epoch} already`,
      "give the number of epochs in all",
    )
  const single = options.on
    ? { why: "boards learn", flag: "--on" }
    : options.dashboard !== undefined && { why: "--dashboard shows", flag: "--dashboard" }
  if (single && plan.batch > 1)
    throw usageError(
      `${file} was trained in batches, and ${single.why} one sample at a time`,
      `leave out ${single.flag}, or begin anew from this network (--model)`,
    )
  const boards = plan.share?.own ? await boardsOf(options.on) : undefined
  if (boards) checkBoards(data, boards)
  if (!options.on) await readyCore(gathers(plan), context.output)
  const training = await Training.resume(file, model, data, {
    ...{ workers, epochs },
    engine: engineOn(options, plan, model, data, context, boards),
  })
  // As it was given first: then it makes the same bits, stopped or not.
  const command = (model.training?.command ?? "").replace(
    / --epochs \d+/,
    ` --epochs ${training.plan.epochs}`,
  )
  return { training, command }
}

/** The data a training stopped in, as it was read then. */
async function dataToGoOn(
  file: string,
  model: Model,
  { share, images, validation }: Plan,
  { data, dataEach }: TrainOptions,
  { signal }: Context,
): Promise<TrainingData> {
  const [flag, other] = share?.own ? ["--data", data] : ["--data-each", dataEach]
  if (other !== undefined)
    throw usageError(
      share?.own
        ? `${file} was taught each board's own data`
        : `${file} was not taught each board's own data`,
      `give ${flag === "--data" ? "--data-each" : "--data"} in place of ${flag}`,
    )
  const name = dataEach ?? data ?? model.training?.data ?? "mnist"
  if (share?.own) {
    const { readOwnData } = await import("../../training/own-data")
    return await readOwnData(name, model, undefined, { limit: share.own, signal })
  }
  return await readDataFor(name, model, undefined, {
    ...{ limit: images, signal },
    // A part of the data's own is not asked for.
    validation: validation > 0 ? validation : undefined,
  })
}

/** Two names of one file. */
export function isSame(one: string, other: string): boolean {
  return resolve(one) === resolve(other)
}
