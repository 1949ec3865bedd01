/** What `wuxing train` begins with: a new training or one that was stopped, on the host or on boards. */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { WuxingError } from "../../base/errors"
import type { Distortion } from "../../data/distort"
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
import { type Variation, variationText } from "../../signals/vary"
import type { LearningEngine } from "../../training/learning-engine"
import { recipeOf } from "../../training/recipes"
import { type LearningRule, withRule } from "../../training/rule"
import type { Rounding } from "../../training/schedule"
import { readDataFor, readSignalData, type SignalData, sizeFor } from "../../training/signal-data"
import type { Recipe } from "../../training/train-model"
import {
  type Plan,
  planOf,
  type Sharing,
  type StartEngine,
  Training,
} from "../../training/training"
import { isPackaged, readTrainingData, type TrainingData } from "../../training/training-data"
import type { Context } from "../command"
import { openPatientFleet } from "../fleet-run"
import { type DashboardOptions, openDashboard, type ViewOptions } from "../options/dashboard-option"
import { MODEL, outputFile } from "../options/output-file"
import type { PanelOptions } from "../options/panel-option"
import { quoted, usageError } from "../options/usage"
import { readyCore } from "../terminal/ready-core"
import { commandOf } from "./command-of"

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
  dataEach?: string
  window?: number
  rate?: number
  features?: string
  testNames?: string
  testEvery?: number
  trainNames?: string
  vary?: Variation
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
  const sharing = share === "samples" ? sharingOf(options, boards, data) : undefined
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
    images: ownSamples(sharing) ?? options.limit ?? Math.max(1, rest),
    validation,
    ...(sharing && { share: sharing }),
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
  if (options.rule === "elements" || options.rule === "mixed")
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
  refuseVaried(options)
  const named = what === undefined ? undefined : modelNamed(what, { trained, seed })
  if (options.dataEach !== undefined)
    return await ownStartingPoint(options.dataEach, options, named, context)
  if (named?.signal)
    return {
      what: what!,
      given: named,
      data: await readDataFor(name, named, options, { signal: context.signal }),
    }
  if (!isPackaged(name) && isRecordings(name)) {
    const outputs = named && signalsOf(named.network, named.network.layers.length)
    const data = await readSignalData(name, options, { outputs }, context.signal)
    for (const note of data.notes) context.output.status(note)
    const size = sizeFor(data)
    const given = named ?? modelNamed(size, { seed })
    return { what: what ?? size, given, data }
  }
  if (named === undefined || what === undefined)
    throw (isPackaged(name) ? undefined : pipeOrDevice(name)) ?? sizeMissing(name)
  refuseSignalFlags(options, name)
  const { label, range, limit, validation } = options
  const data = await readTrainingData(name, named.network, {
    ...{ label, range, limit, validation, signal: context.signal },
    seed: seed ?? named.network.seed,
  })
  for (const line of data.notes ?? []) context.output.status(line)
  return { what, given: named, data }
}

/** The same, of a folder a board. */
async function ownStartingPoint(
  dir: string,
  options: TrainOptions,
  named: Model | undefined,
  { output, signal }: Context,
): Promise<{ what: string; given: Model; data: TrainingData }> {
  const { model: what, label, range, limit } = options
  const { readOwnData } = await import("../../training/own-data")
  const seed = options.seed ?? named?.network.seed
  const read = { label, range, limit, seed, signal }
  const data = await readOwnData(dir, named, options, read)
  for (const line of data.notes ?? []) output.status(line)
  if ("signal" in data && data.signal) {
    const size = sizeFor(data as SignalData)
    const given = named ?? modelNamed(size, { seed: options.seed })
    return { what: what ?? size, given, data }
  }
  refuseSignalFlags(options, dir)
  return { what: what!, given: named!, data }
}

function refuseVaried({ vary, limit, dataEach }: TrainOptions): void {
  if (vary === undefined) return
  if (limit !== undefined)
    throw usageError(
      "--vary and --limit cannot be given together: it is recordings that are varied, and samples that are limited",
      "choose the recordings to learn by their names (--train-names)",
    )
  if (dataEach !== undefined)
    throw usageError(
      "--vary cannot be given with --data-each: boards learn what each has recorded",
      "leave one of them out",
    )
}

function refuseSignalFlags(options: TrainOptions, name: string): void {
  for (const [flag, value] of Object.entries(signalFlags(options)))
    if (value !== undefined)
      throw usageError(`${flag} is about recordings, and ${name} holds none`, "leave it out")
}

/** Only recordings give a network its size. */
function sizeMissing(name: string): WuxingError {
  if (isPackaged(name))
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
    "--vary": options.vary && variationText(options.vary),
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

/** The model as one that learns by the rule asked for, if any. */
function ruled(model: Model, options: TrainOptions, recipe: Recipe): Model {
  const { rule, elementShift } = options
  const ofLinks = rule === "links" || rule === "feedback"
  if (elementShift !== undefined && (rule === undefined || ofLinks))
    throw usageError(
      "--element-shift is the rate of elements, which only learn by some rules",
      "give --rule elements or --rule mixed with it",
    )
  if (rule === undefined) return model
  if (ofLinks && model.network.elements)
    throw usageError(
      `the elements of ${options.model} have learnt, and --rule ${rule} would forget it`,
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

/** What boards share, and they, where that is to be known before a training is planned. */
async function sharedBy(
  { on, share, average }: TrainOptions,
  network: Network,
  { output }: Context,
): Promise<{ share?: string; boards?: FoundBoards }> {
  if (on === undefined || (share !== "samples" && share !== "auto")) return { share }
  const boards = await boardsOf(on)
  if (share === "samples" || !boards) return { share, boards }
  const { readBoardProfile } = await import("../../hardware/board-profile")
  const { weighSharing } = await import("../../partition/sharing")
  const profile = readBoardProfile(boards.profile)
  const each = Array.from({ length: boards.count }, (_, i) => ({ id: `board ${i}`, profile }))
  const { faster } = weighSharing(network, each, average)
  output.status(`${boards.description} learn ${network.name} faster by sharing the ${faster}`)
  return { share: faster, boards }
}

async function boardsOf(on: Location | undefined): Promise<FoundBoards | undefined> {
  if (on === undefined) return undefined
  const { findBoards } = await import("../../hardware/location")
  return await findBoards(on)
}

/** As many copies as there are boards, unless asked otherwise; or as there are folders for them. */
function sharingOf(
  { average, replicas }: TrainOptions,
  boards: FoundBoards | undefined,
  data: TrainingData,
): Sharing {
  const { own } = data
  if (!own) return { replicas: replicas ?? boards?.count ?? REPLICAS, average: average ?? AVERAGE }
  if (boards) checkBoards(data, boards)
  const most = Math.max(...own.map(({ train }) => train.to - train.from))
  return { replicas: own.length, average: average ?? Math.min(AVERAGE, most), own: most }
}

/** Samples of an epoch: whole shares of every board, as many as the one with most data needs. */
function ownSamples(sharing: Sharing | undefined): number | undefined {
  if (sharing?.own === undefined) return undefined
  const { replicas, average, own } = sharing
  return replicas * Math.ceil(own / average) * average
}

/** @throws WuxingError "usage" where there are not as many as folders */
function checkBoards({ name, own = [] }: TrainingData, boards: FoundBoards): void {
  if (boards.count === own.length) return
  throw usageError(
    `${name} has folders for ${own.length} boards, and there are ${boards.count}: ${boards.description}`,
    "name as many boards as there are folders, or none to learn on the host",
  )
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
