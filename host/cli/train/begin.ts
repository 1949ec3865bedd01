/** `wuxing train` from the start: the network, data and plan that the options ask for. */
import { counted } from "../../base/numbers"
import { frameOf } from "../../data/folder"
import { pipeOrDevice } from "../../data/pipe"
import type { Model } from "../../models/model-file"
import { modelNamed } from "../../models/trained"
import { leastLearnShift, mostLearnShift, type Network, signalsOf } from "../../network/network"
import { faultOf } from "../../network/validate"
import { isRecordings } from "../../signals/recording-set"
import { recipeOf } from "../../training/recipes"
import { bySquares, withRule } from "../../training/rule"
import { readDataFor, readSignalData, type SignalData, sizeFor } from "../../training/signal-data"
import type { Recipe } from "../../training/train-model"
import { type Plan, Training } from "../../training/training"
import { isPackaged, readTrainingData, type TrainingData } from "../../training/training-data"
import type { Context } from "../command"
import { MODEL, outputFile } from "../options/output-file"
import { quoted, usageError } from "../options/usage"
import type { Output } from "../terminal/output"
import { readyCore } from "../terminal/ready-core"
import { commandOf } from "./command-of"
import { engineOn, gathers } from "./engine"
import { refuseLearningOnBoards } from "./refuse-boards"
import { ownSamples, sharedBy, sharingOf } from "./sharing"
import { sizeMissing } from "./size-missing"
import { type Begun, signalFlags, type TrainOptions } from "./train-options"

/** Images that learn together where their sum is rounded. */
const BATCH = 32
/**
 * Samples in which a preset's smooth rate rises at least: in fewer the first steps, all with one sign,
 * drive small networks into their clamps (docs/training.md, "Rates").
 */
const LEAST_WARM = 160 * BATCH

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
  const model = drawn(ruled(given, options, recipe), options)
  if (options.on !== undefined) refuseLearningOnBoards(model.network, options, recipe)
  const validation = options.validation ?? data.validation ?? 0
  const rest = data.train.count - validation
  const softmaxGain = options.error ? 0 : (options.softmaxGain ?? recipe.softmaxGain)
  const taught = softmaxGain > 0 ? { ...model.network, softmaxGain } : model.network
  const { share, boards } = await sharedBy(options, taught, context)
  const sharing = share === "samples" ? sharingOf(options, boards, data) : undefined
  const epochs = options.epochs ?? recipe.epochs
  const images = ownSamples(sharing) ?? options.limit ?? Math.max(1, rest)
  const plan: Plan = {
    epochs,
    // In another format the same rate is another shift.
    learnShift: options.rule ? model.network.learnShift : (options.learnShift ?? recipe.learnShift),
    epochsPerBit: options.epochsPerBit ?? recipe.epochsPerBit,
    ...smoothOf(options, recipe, epochs, images, context.output),
    ...variationOf(options, recipe, data, model.network),
    softmaxGain,
    seed: options.seed ?? model.network.seed,
    ...batchOf(options, recipe, share, context.output),
    images,
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

/** Samples that learn together, on the host; boards and whoever watches take one at a time. */
function batchOf(
  { batch, rounding, on, dashboard, panel }: TrainOptions,
  recipe: Recipe,
  share: string | undefined,
  output: Output,
): Pick<Plan, "batch" | "rounding"> {
  const alone = on !== undefined || share === "samples" || dashboard !== undefined || panel
  if (alone || batch === 1) {
    if (batch === 1 && rounding === undefined && recipe.rounding === "once")
      output.status(
        `--batch 1: each image is rounded by itself, where the preset rounds ${recipe.batch ?? BATCH} at once (--rounding once to keep that)`,
      )
    return { batch: 1, ...(rounding === "once" && { rounding }) }
  }
  const together = { batch: batch ?? recipe.batch, rounding: rounding ?? recipe.rounding }
  if (together.rounding !== "once") return { batch: together.batch ?? 1 }
  return { batch: together.batch ?? BATCH, rounding: "once" }
}

/** @throws WuxingError "usage" where options contradict each other */
function smoothOf(
  options: TrainOptions,
  { smooth }: Recipe,
  epochs: number,
  images: number,
  output: Output,
): Pick<Plan, "smooth"> {
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
      `${options.cosine ? "--cosine" : "the network's own recipe (--cosine)"} changes the rate from sample to sample, which boards and copies cannot`,
      `give --no-cosine, and after how many epochs the rate is halved, for example --epochs-per-bit ${Math.ceil(epochs / 5)}, with --on and --share samples`,
    )
  if (options.rule === "elements" || options.rule === "mixed")
    throw usageError("--cosine is a rate of links alone", "leave it out with --rule")
  const usual = smooth?.warm ?? 0
  // Half of the training at most: the rest is for the rate to fall.
  const least = usual && Math.min(50 * epochs, Math.ceil((100 * LEAST_WARM) / images))
  const warm = warmUp === undefined ? Math.max(usual, least) : Math.round(warmUp * 100)
  if (warmUp === undefined && warm > usual)
    output.status(
      `the rate rises over the first ${warm / 100} epochs, not ${usual / 100}, as ${counted(images, "sample")} an epoch are few (--warm-up says otherwise)`,
    )
  return { smooth: { eighths: eighths ?? smooth?.eighths ?? 8, warm } }
}

/** How images are moved or distorted. @throws WuxingError "usage" where they are no pictures */
function variationOf(
  options: TrainOptions,
  recipe: Recipe,
  { name, train, classes }: TrainingData,
  network: Network,
): Pick<Plan, "shiftImages" | "distortion"> {
  const { distort = recipe.distortion, shiftImages = recipe.shiftImages } = options
  if (distort === undefined || distort === "none") return { shiftImages }
  if (options.shiftImages)
    throw usageError("--distort moves images too", "leave out --shift-images, or give shift=1")
  if (train.height < 2 || train.width > 256 || train.height > 256) {
    const has = `${name} has ${train.width}x${train.height} values a sample`
    if (options.distort !== undefined)
      throw usageError(
        `--distort is for pictures, and ${has}`,
        "leave it out, or give --distort none",
      )
    const { width, height } = frameOf(network.width)
    throw usageError(
      `${network.name} distorts pictures of ${width}x${height} as it learns, and ${has}`,
      `name a network of that size, for example --model ${train.width * train.height}-16-${Math.max(2, classes.length)}`,
    )
  }
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

function signalPart(options: TrainOptions): string {
  return Object.entries(signalFlags(options))
    .filter(([, value]) => value !== undefined)
    .map(([flag, value]) => ` ${flag} ${quoted(String(value))}`)
    .join("")
}

/** The model with the error asked for, if any. */
function drawn(model: Model, { error, softmaxGain = 0 }: TrainOptions): Model {
  if (error === undefined) return model
  if (softmaxGain > 0)
    throw usageError(
      `--softmax-gain ${softmaxGain} is of another error than --error ${error}`,
      "give one of the two",
    )
  const network = bySquares(model.network)
  const fault = faultOf(network)
  if (fault)
    throw usageError(
      `${network.name} cannot learn by squares: ${fault}`,
      "leave --error out, or take another network",
    )
  return { ...model, network }
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
