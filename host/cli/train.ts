/** `wuxing train`: teaches a network on the host or on boards, and keeps what it learnt. */
import { existsSync } from "node:fs"
import type { Command } from "commander"
import type { Network } from "../../src/network"
import { WuxingError } from "../errors"
import type { Fleet } from "../fleet/fleet"
import type { FleetEngine } from "../fleet/fleet-engine"
import type { Place } from "../fleet/place"
import type { Model } from "../model-file"
import { sha256 } from "../sha256"
import type { LearningRule } from "../training/rule"
import type { Recipe } from "../training/train-model"
import type { Plan, StartEngine, Training } from "../training/training"
import type { TrainingData } from "../training/training-data"
import type { Context, Outcome, Run } from "./command"
import {
  addDashboardOptions,
  checkDashboardOptions,
  type DashboardOptions,
} from "./dashboard-option"
import { printBoards, printEmulatedTime, startFleetProgress } from "./fleet-run"
import { grouped, type Output, percent } from "./output"
import { refuseToOverwrite } from "./overwrite"
import { addPanelOptions, checkPanelOptions, type PanelOptions } from "./panel-option"
import { startProgress } from "./progress"
import {
  choiceOption,
  integerOption,
  MOST_BOARDS,
  MOST_SEED,
  NETWORKS,
  onOption,
  PLACES,
  pathOption,
  usageError,
} from "./usage"

interface TrainOptions extends PanelOptions, DashboardOptions {
  engine: string
  on?: Place
  model?: string
  trained?: boolean
  resume?: string
  seed?: number
  epochs?: number
  rule?: LearningRule
  elementShift?: number
  learnShift?: number
  epochsPerBit?: number
  shiftImages?: boolean
  softmaxGain?: number
  batch?: number
  workers?: number
  limit?: number
  validation?: number
  data?: string
  out?: string
  force?: boolean
  checkpoint?: number
  anew?: boolean
}

export function addTrain(program: Command, run: Run): void {
  const command = program
    .command("train")
    .description("teach a network on the host or on boards; keep what it learnt")
    .option("--model <network>", NETWORKS)
    .option("--trained", "begin from the preset as trained, not as drawn by its seed")
    .option(
      "--engine <where>",
      "where to learn without --on: host",
      choiceOption("--engine", ["host"]),
      "host",
    )
    .option("--on <where>", `learn on boards: ${PLACES}`, onOption("--on", MOST_BOARDS))
    .option(
      "--seed <n>",
      "seed of a preset, and of the images' order (default: 1)",
      integerOption("--seed", 0, MOST_SEED),
    )
    .option(
      "--epochs <n>",
      "times to go through the images (default: the preset's)",
      integerOption("--epochs", 1, 10_000),
    )
    .option(
      "--rule <what>",
      "what learns: links (method 2), elements (method 1) or mixed (default: the network's own)",
      choiceOption("--rule", ["links", "elements", "mixed"]),
    )
    .option(
      "--element-shift <bits>",
      "rate of method 1: 2^(18 − bits) at first (default: 18, mixed 20)",
      integerOption("--element-shift", 4, 24),
    )
    .option(
      "--learn-shift <bits>",
      "rate: bits ΔC is shifted right at first (default: the preset's)",
      integerOption("--learn-shift", 1, 20),
    )
    .option(
      "--epochs-per-bit <n>",
      "epochs after which the rate is halved (default: the preset's)",
      integerOption("--epochs-per-bit", 1, 10_000),
    )
    .option(
      "--shift-images",
      "move each image by up to one pixel at random (default: the preset's)",
    )
    .option("--no-shift-images", "leave each image where it is")
    .option(
      "--softmax-gain <n>",
      "error by softmax, gain in Q4 times log2 e (231: 10); 0: the network's own (default: the preset's)",
      integerOption("--softmax-gain", 0, 65_535),
    )
    .option(
      "--batch <n>",
      "images that learn together; 1 as on boards (default: 1)",
      integerOption("--batch", 1, 65_536),
    )
    .option(
      "--workers <n>",
      "threads; the result does not depend on them (default: one a core)",
      integerOption("--workers", 1, 64),
    )
    .option(
      "--limit <n>",
      "learn only the first n training images",
      integerOption("--limit", 1, 10_000_000),
    )
    .option(
      "--validation <n>",
      "keep the last n training images apart and measure on them (default: 0)",
      integerOption("--validation", 1, 10_000_000),
    )
    .option(
      "--data <what>",
      "mnist, a folder of images, or CSV (default: mnist)",
      pathOption("--data"),
    )
    .option(
      "--out <file>",
      "model file to write, after each epoch; with --on at every checkpoint too",
      pathOption("--out"),
    )
    .option("--resume <file>", "go on where this file's training stopped", pathOption("--resume"))
    .option(
      "--checkpoint <n>",
      "with --on: samples between checkpoints, on boards and in the file (default: 500)",
      integerOption("--checkpoint", 1, 1_000_000),
    )
    .option("--anew", "with --on: begin anew even where boards hold a part of this very training")
    .option("--force", "write over a file that exists")
  addPanelOptions(command)
  addDashboardOptions(command).action(run(train))
}

async function train(options: TrainOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  checkOptions(options)
  // Loaded here so that `--version`, `help` and wrong options need not wait for them.
  const { linkRatios } = await import("../link-ratio")
  const { saveModel } = await import("../model-file")
  const { training, command } = await begin(options, context)
  try {
    const { plan } = training
    const { network } = training
    const { links, ratio } = linkRatios(network).pooled
    const keeper = new Keeper(options, `${network.name}-seed${plan.seed}`, path =>
      saveModel(path, training.model(command + lessonsIn(training))),
    )
    output.status(
      `${network.name}: ${grouped(links)} links, ${grouped(plan.images)} images of ${training.data.name}, ` +
        `${plan.epochs} epochs, batch ${plan.batch}` +
        (options.out || options.resume ? "" : "; nothing is kept without --out"),
    )
    const fleet = fleetOf(training)
    const boards = fleet && (await printBoards(fleet, output))
    const onBoards = fleet && (await keepOnBoards(training, fleet, options, command, output))
    const busyBefore = await fleet?.busySeconds()
    const unfinished = await learn(training, keeper, context)
    const busyAfter = await fleet?.busySeconds()
    const stopped = unfinished || (await measure(training, context))
    if (!stopped) keeper.keep()
    const kept = stopped ? keeper.keepAnyway() : undefined
    const emulated =
      training.learnt > 0
        ? printEmulatedTime(output, training.learnt, busyBefore, busyAfter)
        : undefined
    const document = {
      model: options.model ?? options.resume,
      network: network.name,
      engine: boards ? "boards" : options.engine,
      data: training.data.name,
      testAccuracy: training.accuracy.test,
      validationAccuracy: training.accuracy.validation,
      trainAccuracy: training.accuracy.train,
      epochs: training.samples / plan.images,
      seconds: training.seconds,
      samples: training.samples,
      // Not what somebody held the run for.
      samplesPerSecond:
        training.learnt === 0
          ? 0
          : training.learnt / (training.seconds - (fleet?.heldMs ?? 0) / 1000),
      links,
      linkRatio: ratio,
      coefficientsHash: sha256(training.engine.coefficients),
      workers: Math.min(plan.batch, training.engine.workers),
      plan,
      history: training.history,
      command,
      out: keeper.path,
      ...(fleet && { boards, recoveries: fleet.recoveries, checkpoints: onBoards }),
      ...(emulated && { emulated }),
      ...((options.panel ?? options.dashboard) !== undefined && { taught: fleet?.taught.length }),
    }
    print(output, document)
    return {
      document,
      error: kept === undefined ? undefined : interruption(signal, training, kept),
    }
  } finally {
    await training.close()
  }
}

function checkOptions(options: TrainOptions): void {
  checkPanelOptions(options, options.on)
  checkDashboardOptions(options, options.on)
  if (options.on && (options.batch ?? 1) > 1)
    throw usageError(
      `--batch is ${options.batch}, but boards learn one image at a time`,
      "leave out --batch, or --on",
    )
  if (options.on && options.workers !== undefined)
    throw usageError(
      "--workers are threads, and --on leaves the work to boards",
      "give one of the two",
    )
  if (!options.on && (options.checkpoint !== undefined || options.anew))
    throw usageError(
      `${options.anew ? "--anew" : "--checkpoint"} is about boards, and nothing learns on any`,
      "give --on with it, or leave it out",
    )
  if (options.resume === undefined) {
    if (options.model === undefined)
      throw usageError("--model is missing", "for example --model pico-16, or --resume FILE")
    return
  }
  const fixed = {
    "--model": options.model,
    "--trained": options.trained,
    "--seed": options.seed,
    "--rule": options.rule,
    "--element-shift": options.elementShift,
    "--learn-shift": options.learnShift,
    "--epochs-per-bit": options.epochsPerBit,
    "--shift-images": options.shiftImages,
    "--softmax-gain": options.softmaxGain,
    "--batch": options.batch,
    "--limit": options.limit,
    "--validation": options.validation,
  }
  for (const [flag, value] of Object.entries(fixed))
    if (value !== undefined)
      throw usageError(
        `${flag} cannot be given with --resume`,
        "leave it out: the file says how its training goes on; or begin anew with --model FILE",
      )
}

async function begin(
  options: TrainOptions,
  context: Context,
): Promise<{ training: Training; command: string }> {
  const { Training, classesOf, planOf } = await import("../training/training")
  const { readTrainingData } = await import("../training/training-data")
  const { readModel } = await import("../model-source")
  const { modelNamed } = await import("../training/trained")
  const { recipeOf } = await import("../training/recipes")
  const { workers, epochs } = options
  if (options.resume !== undefined) {
    const model = readModel(options.resume, 0)
    const { position } = planOf(options.resume, model)
    refuseToOverwrite(options.out ?? options.resume, options.force)
    const data = readTrainingData(
      options.data ?? model.training?.data ?? "mnist",
      model.network,
      classesOf(model),
    )
    if (epochs !== undefined && epochs <= position.epoch)
      throw usageError(
        `--epochs is ${epochs}, but ${options.resume} has learnt ${position.epoch} already`,
        "give the number of epochs in all",
      )
    if (options.on && planOf(options.resume, model).plan.batch > 1)
      throw usageError(
        `${options.resume} was trained in batches, and boards learn one image at a time`,
        "leave out --on, or begin anew from this network (--model)",
      )
    const training = await Training.resume(options.resume, model, data, {
      ...{ workers, epochs },
      engine: engineOn(options, model, data.classes, context),
    })
    // As it was given first: then it makes the same bits, stopped or not.
    const command = (model.training?.command ?? "").replace(
      / --epochs \d+/,
      ` --epochs ${training.plan.epochs}`,
    )
    return { training, command }
  }
  if (options.out !== undefined) refuseToOverwrite(options.out, options.force)
  const what = options.model ?? ""
  const given = modelNamed(what, { trained: options.trained, seed: options.seed })
  const recipe = recipeOf(given.network)
  const model = await ruled(given, options, recipe)
  const data = readTrainingData(options.data ?? "mnist", model.network)
  const validation = options.validation ?? 0
  const rest = data.train.count - validation
  const plan: Plan = {
    epochs: epochs ?? recipe.epochs,
    // In another format the same rate is another shift.
    learnShift: options.rule ? model.network.learnShift : (options.learnShift ?? recipe.learnShift),
    epochsPerBit: options.epochsPerBit ?? recipe.epochsPerBit,
    shiftImages: options.shiftImages ?? recipe.shiftImages,
    softmaxGain: options.softmaxGain ?? recipe.softmaxGain,
    seed: options.seed ?? model.network.seed,
    batch: options.batch ?? 1,
    images: options.limit ?? Math.max(1, rest),
    validation,
  }
  const { mostLearnShift } = await import("../../src/network")
  const most = mostLearnShift(model.network)
  if (plan.learnShift > most)
    throw usageError(
      `--learn-shift is ${plan.learnShift}, but ${model.network.name} takes at most ${most}`,
      most < 20 ? "only networks with finer elements, as model1, take up to 20" : "give less",
    )
  const engine = engineOn(options, model, data.classes, context)
  const training = await Training.start(model, plan, data, { workers, engine })
  const named = options.trained ? `${quoted(what)} --trained` : quoted(what)
  return { training, command: commandOf(named, options.rule && model.network, plan, data) }
}

/** The model as one that learns by the rule asked for, if any. */
async function ruled(model: Model, options: TrainOptions, recipe: Recipe): Promise<Model> {
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
  const { withRule } = await import("../training/rule")
  const network = withRule(model.network, rule, elementShift)
  const finer = model.network.learnShift - network.learnShift
  // The elements' rate is told relative to the network's own shift.
  const learnShift = options.learnShift ?? Math.max(1, recipe.learnShift - finer)
  return { ...model, network: { ...network, learnShift } }
}

/**
 * Has boards keep what they learn, and goes on from what they have kept where that is newer than the
 * file: a host that died may have been further than its last file.
 */
async function keepOnBoards(
  training: Training,
  fleet: Fleet,
  { resume, anew }: TrainOptions,
  command: string,
  output: Output,
): Promise<{ kept: boolean; why?: string; from?: number }> {
  const why = fleet.keepOnBoards(training.run(command))
  if (why !== undefined) {
    output.status(`checkpoints on the host alone: ${why}`)
    return { kept: false, why }
  }
  const total = training.plan.epochs * training.plan.images
  const found =
    resume === undefined && anew
      ? undefined
      : await fleet.goOnFromBoards(training.samples, resume === undefined ? total - 1 : total)
  if (!found) {
    if (resume === undefined) await fleet.markStart()
    return { kept: true }
  }
  training.goOnAt(found.samples, found.right)
  output.status(
    `the boards hold this training up to sample ${grouped(found.samples)}${resume === undefined ? "" : `, newer than ${resume}`}: going on from there`,
  )
  return { kept: true, from: found.samples }
}

/** What the command alone does not make again. */
function lessonsIn(training: Training): string {
  const beside = fleetOf(training)?.beside ?? []
  const lessons = beside.filter(word => "lesson" in word).length
  const rates = beside.length - lessons
  const words = [
    ...(lessons > 0 ? [`${lessons} lessons by hand`] : []),
    ...(rates > 0 ? [`${rates} changes of the rate by hand`] : []),
  ]
  return words.length > 0 ? ` # and ${words.join(", ")}` : ""
}

/** Boards to learn on; undefined: the host. */
function engineOn(
  options: TrainOptions,
  model: Model,
  classes: string[],
  context: Context,
): StartEngine | undefined {
  const { on: place } = options
  const watch = { ...options, classes }
  if (place === undefined) return undefined
  return async network => {
    const { openPatientFleet } = await import("./fleet-run")
    const { FleetEngine } = await import("../fleet/fleet-engine")
    const { checkpointOf } = await import("../training/training")
    return new FleetEngine(
      network,
      await openPatientFleet(
        ...([place, network, checkpointOf(model), context, watch, options.checkpoint] as const),
      ),
    )
  }
}

/** The boards a training learns on, if it does. */
function fleetOf({ engine }: Training): Fleet | undefined {
  return "fleet" in engine ? (engine as FleetEngine).fleet : undefined
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
): string {
  const words = [
    ...["wuxing", "train", "--model", named, "--seed", plan.seed, "--epochs", plan.epochs],
    ...(ruled ? ["--rule", ruled.rule ?? "links"] : []),
    ...(ruled?.elements ? ["--element-shift", ruled.elements.shift] : []),
    ...["--learn-shift", plan.learnShift, "--epochs-per-bit", plan.epochsPerBit],
    ...[plan.shiftImages ? "--shift-images" : "--no-shift-images"],
    ...["--softmax-gain", plan.softmaxGain, "--batch", plan.batch],
  ]
  if (plan.images + plan.validation < data.train.count) words.push("--limit", plan.images)
  if (plan.validation > 0) words.push("--validation", plan.validation)
  if (data.name !== "mnist") words.push("--data", quoted(data.name))
  return words.join(" ")
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Learns to the end; true if it was stopped before. */
async function learn(
  training: Training,
  keeper: Keeper,
  { output, signal }: Context,
): Promise<boolean> {
  const { plan } = training
  const before = training.samples
  const { right: rightBefore } = training.position
  let right = 0
  const total = plan.epochs * plan.images - before
  const fleet = fleetOf(training)
  const progress = fleet
    ? startFleetProgress(output, "training", total, fleet)
    : startProgress(output, "training", total)
  try {
    while (!training.finished) {
      const start = training.position.epoch * plan.images - before
      const figures = await training.epoch({
        signal,
        onProgress: (done, correct) => progress.sample(start + done, right + correct - rightBefore),
        onCheckpoint: () => keeper.keep(),
      })
      if (!figures) return true
      right += Math.round(figures.accuracy * plan.images)
      output.log(
        `epoch ${figures.epoch}: ${percent(figures.accuracy)} right while learning, learning shift ${figures.learnShift}`,
      )
      keeper.keep()
    }
    return false
  } finally {
    progress.stop()
  }
}

/** Measures what was learnt; true if it was stopped before. */
async function measure(training: Training, { output, signal }: Context): Promise<boolean> {
  output.status(fleetOf(training) ? "measuring on the host" : "measuring")
  try {
    await training.measure("train", signal)
    if (training.plan.validation > 0) await training.measure("validation", signal)
    await training.measure("test", signal)
    return false
  } catch (error) {
    if (signal.aborted) return true
    throw error
  }
}

/** Writes the model; over its own files, never over others. */
class Keeper {
  path?: string
  private readonly wanted?: string

  constructor(
    private readonly options: TrainOptions,
    private readonly name: string,
    private readonly save: (path: string) => void,
  ) {
    this.wanted = options.out ?? options.resume
  }

  /** To where the user said, if anywhere. */
  keep(): void {
    if (this.wanted === undefined) return
    // It may have come into being since the start.
    if (this.path === undefined) refuseToOverwrite(this.wanted, this.options.force)
    this.write(this.wanted)
  }

  /** What was learnt is kept where it is stopped, even if nobody said where. */
  keepAnyway(): string {
    if (this.wanted !== undefined) {
      this.keep()
      return this.wanted
    }
    let path = `${this.name}.wuxing`
    for (let i = 2; existsSync(path); i++) path = `${this.name}-${i}.wuxing`
    this.write(path)
    return path
  }

  private write(path: string): void {
    this.save(path)
    this.path = path
  }
}

function interruption(signal: AbortSignal, training: Training, path: string): WuxingError {
  const reason = signal.reason instanceof Error ? signal.reason.message : "stopped"
  const { plan, samples } = training
  return new WuxingError({
    code: "interrupted",
    kind: "interrupted",
    message: `${reason} after ${grouped(samples)} of ${grouped(plan.images * plan.epochs)} samples, kept in ${path}`,
    cause: "Ctrl-C, or another process asked for it",
    help: `go on with: wuxing train --resume ${quoted(path)} --force`,
  })
}

function print(
  output: Output,
  document: {
    testAccuracy?: number
    validationAccuracy?: number
    trainAccuracy?: number
    epochs: number
    seconds: number
    samplesPerSecond: number
    coefficientsHash: string
    out?: string
  },
): void {
  const { testAccuracy, validationAccuracy, trainAccuracy } = document
  if (trainAccuracy !== undefined) output.field("train accuracy", percent(trainAccuracy))
  if (validationAccuracy !== undefined)
    output.field("validation accuracy", percent(validationAccuracy))
  if (testAccuracy !== undefined) output.field("test accuracy", percent(testAccuracy))
  output.field("epochs", grouped(document.epochs))
  output.field("seconds", document.seconds.toFixed(1))
  output.field("samples a second", grouped(Math.round(document.samplesPerSecond)))
  output.field("coefficients", document.coefficientsHash)
  if (document.out !== undefined) output.field("kept in", document.out)
}
