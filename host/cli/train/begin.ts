/** What `wuxing train` begins with: a new training or one that was stopped, on the host or on boards. */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { WuxingError } from "../../base/errors"
import { type Distortion, distortionText } from "../../data/distort"
import { pipeOrDevice } from "../../data/pipe"
import type { RangeChoice } from "../../data/range"
import { checkpointOf } from "../../fleet/checkpoint-of"
import type { FoundBoards, Location } from "../../hardware/location"
import type { Model } from "../../models/model-file"
import { readModel } from "../../models/model-source"
import { modelNamed } from "../../models/trained"
import { leastLearnShift, mostLearnShift, type Network, signalsOf } from "../../network/network"
import { AVERAGE } from "../../partition/sharing"
import { isRecordings } from "../../signals/recording-set"
import type { LearningEngine } from "../../training/learning-engine"
import { recipeOf } from "../../training/recipes"
import { type LearningRule, withRule } from "../../training/rule"
import type { Rounding } from "../../training/schedule"
import { readDataFor, readSignalData, sizeFor } from "../../training/signal-data"
import type { Recipe } from "../../training/train-model"
import {
  type Plan,
  planOf,
  type Sharing,
  type StartEngine,
  Training,
} from "../../training/training"
import { readTrainingData, type TrainingData } from "../../training/training-data"
import type { Context } from "../command"
import { openPatientFleet } from "../fleet-run"
import { type DashboardOptions, openDashboard, type ViewOptions } from "../options/dashboard-option"
import { MODEL, outputFile } from "../options/output-file"
import type { PanelOptions } from "../options/panel-option"
import { quoted, usageError } from "../options/usage"
import { readyCore } from "../terminal/ready-core"

/** Images that learn together where their sum is rounded. */
const BATCH = 32
/** Copies of a network on the host. */
const REPLICAS = 4

export interface TrainOptions extends PanelOptions, DashboardOptions {
  engine: string
  on?: Location
  model?: string
  trained?: boolean
  resume?: string
  seed?: number
  epochs?: number
  rule?: LearningRule
  elementShift?: number
  learnShift?: number
  epochsPerBit?: number
  cosine?: boolean
  eighths?: number
  warmUp?: number
  shiftImages?: boolean
  distort?: Distortion | "none"
  softmaxGain?: number
  batch?: number
  rounding?: Rounding
  workers?: number
  limit?: number
  validation?: number
  data?: string
  window?: number
  rate?: number
  features?: string
  testNames?: string
  testEvery?: number
  trainNames?: string
  label?: string
  range?: RangeChoice
  out?: string
  force?: boolean
  checkpoint?: number
  anew?: boolean
  share?: string
  average?: number
  replicas?: number
}

interface Begun {
  training: Training
  /** Makes the same bits again. */
  command: string
}

/**
 * A training from its start, as the options ask for it.
 *
 * @throws WuxingError "usage" (kind usage) where they ask for what cannot be, or as modelNamed,
 *   readTrainingData or Training.start
 */
export async function beginTraining(options: TrainOptions, context: Context): Promise<Begun> {
  if (options.out !== undefined) outputFile(options.out, MODEL, options.force)
  const { what, given, data } = await startingPoint(options, context)
  const recipe = recipeOf(given.network)
  const model = ruled(given, options, recipe)
  const validation = options.validation ?? data.validation ?? 0
  const rest = data.train.count - validation
  const softmaxGain = options.softmaxGain ?? recipe.softmaxGain
  const taught = softmaxGain > 0 ? { ...model.network, softmaxGain } : model.network
  const { share, boards } = await sharedBy(options, taught, context)
  const plan: Plan = {
    epochs: options.epochs ?? recipe.epochs,
    // In another format the same rate is another shift.
    learnShift: options.rule ? model.network.learnShift : (options.learnShift ?? recipe.learnShift),
    epochsPerBit: options.epochsPerBit ?? recipe.epochsPerBit,
    ...smoothOf(options, recipe),
    ...variationOf(options, recipe, data),
    softmaxGain,
    seed: options.seed ?? model.network.seed,
    ...batchOf(options, recipe, share),
    images: options.limit ?? Math.max(1, rest),
    validation,
    ...(share === "samples" && { share: sharingOf(options, boards) }),
  }
  const most = mostLearnShift(model.network)
  if (plan.learnShift > most)
    throw usageError(
      `--learn-shift is ${plan.learnShift}, but ${model.network.name} takes at most ${most}`,
      most < 20 ? "only networks with finer elements, as model1, take up to 20" : "give less",
    )
  const least = leastLearnShift(model.network)
  if (plan.learnShift < least)
    throw usageError(
      `--learn-shift is ${plan.learnShift}, but ${model.network.name} takes at least ${least}`,
      "give more: networks under PID control quarter their changes",
    )
  if (!options.on) await readyCore(gathers(plan), context.output)
  const training = await Training.start(model, plan, data, {
    workers: options.workers,
    engine: engineOn(options, plan, model, data, context, boards),
  })
  const named = options.trained ? `${quoted(what)} --trained` : quoted(what)
  const command = commandOf(named, options.rule && model.network, plan, data, options)
  return { training, command: command + signalPart(options) }
}

/** Which of the core's two variants it needs. */
function gathers({ batch, rounding }: Plan): boolean {
  return batch > 1 && rounding !== "once"
}

/** Samples that learn together, on the host; boards and whoever watches take one at a time. */
function batchOf(
  { batch, rounding, on, dashboard, panel }: TrainOptions,
  recipe: Recipe,
  share: string | undefined,
): Pick<Plan, "batch" | "rounding"> {
  const alone = on !== undefined || share === "samples" || dashboard !== undefined || panel
  if (alone || batch === 1) return { batch: 1, ...(rounding === "once" && { rounding }) }
  const together = { batch: batch ?? recipe.batch, rounding: rounding ?? recipe.rounding }
  if (together.rounding !== "once") return { batch: together.batch ?? 1 }
  return { batch: together.batch ?? BATCH, rounding: "once" }
}

/** @throws WuxingError "usage" where options contradict each other */
function smoothOf(options: TrainOptions, { smooth }: Recipe): Pick<Plan, "smooth"> {
  const { cosine = smooth !== undefined, eighths, warmUp } = options
  if (!cosine) {
    if (eighths !== undefined || warmUp !== undefined)
      throw usageError(
        `${eighths === undefined ? "--warm-up" : "--eighths"} is about a rate that changes smoothly`,
        "give --cosine with it",
      )
    return {}
  }
  if (options.epochsPerBit !== undefined)
    throw usageError("--epochs-per-bit and --cosine are two ways for the rate to fall", "give one")
  if (options.on !== undefined || options.share === "samples")
    throw usageError(
      "--cosine changes the rate from sample to sample, which boards and copies cannot",
      "give --no-cosine, and --epochs-per-bit, with --on and --share samples",
    )
  if (options.rule !== undefined && options.rule !== "links")
    throw usageError("--cosine is a rate of links alone", "leave it out with --rule")
  const warm = warmUp === undefined ? (smooth?.warm ?? 0) : Math.round(warmUp * 100)
  return { smooth: { eighths: eighths ?? smooth?.eighths ?? 8, warm } }
}

/** How images are moved or distorted. @throws WuxingError "usage" where they are no pictures */
function variationOf(
  options: TrainOptions,
  recipe: Recipe,
  { name, train }: TrainingData,
): Pick<Plan, "shiftImages" | "distortion"> {
  const { distort = recipe.distortion, shiftImages = recipe.shiftImages } = options
  if (distort === undefined || distort === "none") return { shiftImages }
  if (options.shiftImages)
    throw usageError("--distort moves images too", "leave out --shift-images, or give shift=1")
  if (train.height < 2 || train.width > 256 || train.height > 256)
    throw usageError(
      `--distort is for pictures, and ${name} has ${train.width}x${train.height} values a sample`,
      "leave it out, or give --distort none",
    )
  return { shiftImages: false, distortion: distort }
}

/**
 * Network and data to begin with. Recordings come with a network of their own where none is asked for;
 * a network that has learnt to read a signal goes on reading it in the same way.
 */
async function startingPoint(
  options: TrainOptions,
  context: Context,
): Promise<{ what: string; given: Model; data: TrainingData }> {
  const { model: what, trained, seed, data: name = "mnist" } = options
  const named = what === undefined ? undefined : modelNamed(what, { trained, seed })
  if (named?.signal)
    return {
      what: what!,
      given: named,
      data: await readDataFor(name, named, options, { signal: context.signal }),
    }
  if (name !== "mnist" && isRecordings(name)) {
    const outputs = named && signalsOf(named.network, named.network.layers.length)
    const data = await readSignalData(name, options, { outputs }, context.signal)
    for (const note of data.notes) context.output.status(note)
    const size = sizeFor(data)
    const given = named ?? modelNamed(size, { seed })
    return { what: what ?? size, given, data }
  }
  if (named === undefined || what === undefined)
    throw (name === "mnist" ? undefined : pipeOrDevice(name)) ?? sizeMissing(name)
  for (const [flag, value] of Object.entries(signalFlags(options)))
    if (value !== undefined)
      throw usageError(`${flag} is about recordings, and ${name} holds none`, "leave it out")
  const { label, range, limit, validation } = options
  const data = await readTrainingData(name, named.network, {
    ...{ label, range, limit, validation, signal: context.signal },
    seed: seed ?? named.network.seed,
  })
  for (const line of data.notes ?? []) context.output.status(line)
  return { what, given: named, data }
}

/** Only recordings give a network its size. */
function sizeMissing(name: string): WuxingError {
  if (name === "mnist")
    return usageError("--model is missing", "for example --model pico-16, or --resume FILE")
  if (!existsSync(name))
    return new WuxingError({
      code: "data-missing",
      kind: "data",
      message: `${name} does not exist`,
      cause: "the name is misspelt, or it lies in another folder",
      help: "name a folder of recordings with a folder a class; or a table or pictures, with --model",
    })
  return usageError(
    `--model is missing, and ${name} holds no recordings to size a network by`,
    "for a table or pictures name a size of inputs, hidden neurons and classes, for example --model 10-8-5; recordings lie in a folder a class, or have a column of times",
  )
}

function signalPart(options: TrainOptions): string {
  return Object.entries(signalFlags(options))
    .filter(([, value]) => value !== undefined)
    .map(([flag, value]) => ` ${flag} ${quoted(String(value))}`)
    .join("")
}

/** Options that say how recordings are read. */
export function signalFlags(options: TrainOptions): Record<string, unknown> {
  return {
    "--window": options.window,
    "--rate": options.rate,
    "--features": options.features,
    "--test-names": options.testNames,
    "--test-every": options.testEvery,
    "--train-names": options.trainNames,
  }
}

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
  const data = await readDataFor(
    options.data ?? model.training?.data ?? "mnist",
    model,
    undefined,
    {
      ...{ limit: plan.images, signal: context.signal },
      // A part of the data's own is not asked for.
      validation: plan.validation > 0 ? plan.validation : undefined,
    },
  )
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
  if (!options.on) await readyCore(gathers(plan), context.output)
  const training = await Training.resume(file, model, data, {
    ...{ workers, epochs },
    engine: engineOn(options, plan, model, data, context),
  })
  // As it was given first: then it makes the same bits, stopped or not.
  const command = (model.training?.command ?? "").replace(
    / --epochs \d+/,
    ` --epochs ${training.plan.epochs}`,
  )
  return { training, command }
}

/** Two names of one file. */
export function isSame(one: string, other: string): boolean {
  return resolve(one) === resolve(other)
}

/** The model as one that learns by the rule asked for, if any. */
function ruled(model: Model, options: TrainOptions, recipe: Recipe): Model {
  const { rule, elementShift } = options
  if (elementShift !== undefined && (rule === undefined || rule === "links"))
    throw usageError(
      "--element-shift is the rate of elements, which only learn by some rules",
      "give --rule elements or --rule mixed with it",
    )
  if (rule === undefined) return model
  if (rule === "links" && model.network.elements)
    throw usageError(
      `the elements of ${options.model} have learnt, and --rule links would forget it`,
      "give --rule mixed, or name another network",
    )
  const network = withRule(model.network, rule, elementShift)
  const finer = model.network.learnShift - network.learnShift
  // The elements' rate is told relative to the network's own shift.
  const learnShift = options.learnShift ?? Math.max(1, recipe.learnShift - finer)
  return { ...model, network: { ...network, learnShift } }
}

/** Boards to learn on, or the host under eyes; undefined: the host alone. */
function engineOn(
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
  { replicas, average }: Sharing,
  model: Model,
  { on: location, checkpoint }: TrainOptions,
  { output, signal }: Context,
  boards?: FoundBoards,
): Promise<LearningEngine> {
  const { AveragedEngine, checkAveraged, HostLearner } = await import(
    "../../training/averaged-engine"
  )
  checkAveraged(network)
  const options = { replicas, average, start: model.coefficients, checkpoint }
  if (location === undefined) {
    const learners = Array.from({ length: replicas }, () => new HostLearner(network))
    return new AveragedEngine(network, learners, options)
  }
  const { openLearners } = await import("../../training/board-learners")
  const learners = await openLearners({
    ...{ network, location, boards, signal },
    log: line => output.log(line),
    status: text => output.status(text),
  })
  const engine = new AveragedEngine(network, learners, options)
  for (const learner of learners) learner.onChange = engine.stir
  return engine
}

/** What boards share, and they, where that is to be known before a training is planned. */
async function sharedBy(
  { on, share, average }: TrainOptions,
  network: Network,
  { output }: Context,
): Promise<{ share?: string; boards?: FoundBoards }> {
  if (on === undefined || (share !== "samples" && share !== "auto")) return { share }
  const { findBoards } = await import("../../hardware/location")
  const boards = await findBoards(on)
  if (share === "samples") return { share, boards }
  const { readBoardProfile } = await import("../../hardware/board-profile")
  const { weighSharing } = await import("../../partition/sharing")
  const profile = readBoardProfile(boards.profile)
  const each = Array.from({ length: boards.count }, (_, i) => ({ id: `board ${i}`, profile }))
  const { faster } = weighSharing(network, each, average)
  output.status(`${boards.description} learn ${network.name} faster by sharing the ${faster}`)
  return { share: faster, boards }
}

/** As many copies as there are boards, unless asked otherwise. */
function sharingOf(
  { average = AVERAGE, replicas }: TrainOptions,
  boards: FoundBoards | undefined,
): Sharing {
  return { replicas: replicas ?? boards?.count ?? REPLICAS, average }
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

/**
 * The command that makes the same bits again: whatever the defaults will be then, all of them.
 *
 * @param named the network, as a shell takes it
 * @param ruled it, where its rule was asked for
 */
function commandOf(
  named: string,
  ruled: Network | undefined,
  plan: Plan,
  data: TrainingData,
  { label, range }: TrainOptions,
): string {
  const words = [
    ...["wuxing", "train", "--model", named, "--seed", plan.seed, "--epochs", plan.epochs],
    ...(ruled ? ["--rule", ruled.rule ?? "links"] : []),
    ...(ruled?.elements ? ["--element-shift", ruled.elements.shift] : []),
    ...["--learn-shift", plan.learnShift],
    ...(plan.smooth
      ? ["--cosine --eighths", plan.smooth.eighths, "--warm-up", plan.smooth.warm / 100]
      : ["--epochs-per-bit", plan.epochsPerBit]),
    ...(plan.distortion
      ? ["--distort", distortionText(plan.distortion)]
      : [plan.shiftImages ? "--shift-images" : "--no-shift-images"]),
    ...["--softmax-gain", plan.softmaxGain, "--batch", plan.batch],
    ...(plan.rounding ? ["--rounding", plan.rounding] : []),
  ]
  if (plan.images + plan.validation < (data.available ?? data.train.count))
    words.push("--limit", plan.images)
  if (plan.share)
    words.push(
      ...["--share samples --replicas", plan.share.replicas, "--average", plan.share.average],
    )
  if (plan.validation > (data.validation ?? 0)) words.push("--validation", plan.validation)
  if (data.name !== "mnist") words.push("--data", quoted(data.name))
  if (label !== undefined) words.push("--label", quoted(label))
  if (range !== undefined)
    words.push("--range", typeof range === "object" ? `${range.from}..${range.to}` : range)
  return words.join(" ")
}
