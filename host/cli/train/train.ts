/** `wuxing train`: teaches a network on the host or on boards, and keeps what it learnt. */
import type { Command } from "commander"
import { counted, grouped, percent } from "../../base/numbers"
import { sha256 } from "../../base/sha256"
import { parseDistortion } from "../../data/distort"
import { parseRange } from "../../data/range"
import { parseVariation } from "../../signals/vary"
import type { OwnFigure } from "../../training/own-figures"
import type { Context, Outcome, Run } from "../command"
import { printBoards, printEmulatedTime } from "../fleet-run"
import { addDashboardOptions, checkDashboardOptions } from "../options/dashboard-option"
import { FORCE } from "../options/output-file"
import { addPanelOptions, checkPanelOptions } from "../options/panel-option"
import {
  choiceOption,
  integerOption,
  NETWORKS,
  numberOption,
  onOption,
  PLACES,
  pathOption,
  seedOption,
  usageError,
} from "../options/usage"
import type { Output } from "../terminal/output"
import {
  fleetOf,
  fleetsBeside,
  interruption,
  Keeper,
  keepOnBoards,
  learn,
  lessonsIn,
  measure,
  measureOwn,
  recoveriesOf,
  watchedOf,
} from "./course"
import { signalFlags, type TrainOptions } from "./train-options"

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
    .option("--on <where>", `learn on boards: ${PLACES}`, onOption())
    .option("--seed <n>", "seed of a preset, and of the samples' order (default: 1)", seedOption)
    .option(
      "--epochs <n>",
      "times to go through the samples (default: the preset's)",
      integerOption("--epochs", 1, 10_000),
    )
    .option(
      "--rule <what>",
      "what learns: links (method 2), elements (method 1), mixed, or feedback: links by fixed random coefficients on the way back (default: the network's own)",
      choiceOption("--rule", ["links", "elements", "mixed", "feedback"]),
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
    .option("--cosine", "let the rate fall smoothly, with half a cosine (default: the preset's)")
    .option("--no-cosine", "let the rate fall by halves, every --epochs-per-bit")
    .option(
      "--eighths <n>",
      "with --cosine: the largest rate in eighths of what --learn-shift says (default: 8)",
      integerOption("--eighths", 8, 15),
    )
    .option(
      "--warm-up <epochs>",
      "with --cosine: epochs in which the rate first rises (default: 0)",
      numberOption("--warm-up", 0, 100),
    )
    .option(
      "--distort <what>",
      "turn, scale, move and bend each picture at random: none, or the most of each, as rotate=0.2,scale=0.12,shift=1.5,elastic=2,flip (radians, parts, pixels; default: the preset's)",
      parseDistortion,
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
      "--error <kind>",
      "squares: every sample draws the label's output to 1/4, the others below 0 (default: softmax or margin)",
      choiceOption("--error", ["squares"]),
    )
    .option(
      "--batch <n>",
      "samples that learn together; 1 as on boards (default: the preset's, else 1)",
      integerOption("--batch", 1, 65_536),
    )
    .option(
      "--rounding <what>",
      "of a batch's changes: each image's by itself, or their sum once, three times as fast (default: the preset's, else each)",
      choiceOption("--rounding", ["each", "once"]),
    )
    .option(
      "--workers <n>",
      "threads; the result does not depend on them (default: one a core)",
      integerOption("--workers", 1, 64),
    )
    .option(
      "--limit <n>",
      "learn only n of the training samples: of your own data drawn by the seed, of mnist the first; with --data-each n of each board's",
      integerOption("--limit", 1, 10_000_000),
    )
    .option(
      "--validation <n>",
      "keep n training samples apart and measure on them: of your own data drawn by the seed, of mnist the last (default: 0)",
      integerOption("--validation", 1, 10_000_000),
    )
    .option(
      "--data <what>",
      "mnist, fashion-mnist, a folder of images or recordings, or CSV (default: mnist)",
      pathOption("--data"),
    )
    .option(
      "--data-each <folder>",
      "with --share samples: each board learns its own data, a folder a board, in each what --data takes",
      pathOption("--data-each"),
    )
    .option(
      "--window <seconds>",
      "cut recordings into windows of this length (default: each is taken whole)",
      numberOption("--window", 0.001, 3600),
    )
    .option(
      "--rate <hz>",
      "samples a second to bring recordings to (default: as recorded)",
      numberOption("--rate", 0.1, 96_000),
    )
    .option(
      "--features <what>",
      'of recordings: "trace", "bands" or "reservoir", then settings, as trace,points=32,scale=own (default: by their rate)',
    )
    .option(
      "--vary <what>",
      "learn variants of each recording beside it, that differ by up to so much: for example copies=4,speed=0.1,turn=0.2; there are speed, warp, size, stretch, turn (radians), noise and tilt (default: no variants)",
      parseVariation,
    )
    .option("--test-names <regexp>", "recordings whose file name matches are for test")
    .option(
      "--test-every <n>",
      "one of n recordings of each class, from the first on, is for test (default: 5)",
      integerOption("--test-every", 2, 10_000),
    )
    .option(
      "--train-names <regexp>",
      "learn only recordings whose file name matches (default: all)",
    )
    .option(
      "--label <column>",
      "of CSV: the class's column by name or number, first or last (default: found by its name or its values)",
    )
    .option(
      "--range <what>",
      "of CSV: values that become 0 and 255, as 0..1 or -2..2; whole or columns: from what the data holds; auto (default)",
      parseRange,
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
    .option(
      "--share <what>",
      "what boards share: the network; the samples, each with the whole network, averaged again and again; auto: whichever is faster",
      choiceOption("--share", ["network", "samples", "auto"]),
      "network",
    )
    .option(
      "--average <n>",
      "with --share samples or auto: samples each learns between two averages (default: 50)",
      integerOption("--average", 1, 100_000),
    )
    .option(
      "--replicas <n>",
      "with --share samples or auto: copies that are averaged (default: one a board, on the host 4)",
      integerOption("--replicas", 1, 64),
    )
    .option("--anew", "with --on: begin anew even where boards hold a part of this very training")
    .option(...FORCE)
  addPanelOptions(command)
  addDashboardOptions(command).action(run(train))
}

async function train(options: TrainOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  checkOptions(options)
  const { linkRatios } = await import("../../network/link-ratio")
  const { saveModel } = await import("../../models/model-file")
  const { samplesOf } = await import("../../training/training-data")
  const { beginTraining } = await import("./begin")
  const { resumeTraining } = await import("./resume")
  const { training, command } =
    options.resume === undefined
      ? await beginTraining(options, context)
      : await resumeTraining(options.resume, options, context)
  try {
    const { plan } = training
    const { network } = training
    const { links, ratio } = linkRatios(network).pooled
    const keeper = new Keeper(
      options,
      `${network.name}-seed${plan.seed}`,
      (path, force) => saveModel(path, training.model(command + lessonsIn(training)), force),
      text => output.status(text),
    )
    output.status(
      `${network.name}: ${grouped(links)} links, ${grouped(plan.images)} ${samplesOf(training.data)} of ${training.data.name}, ` +
        `${counted(plan.epochs, "epoch")}, batch ${plan.batch}` +
        (options.out || options.resume ? "" : "; nothing is kept without --out"),
    )
    const fleet = fleetOf(training)
    const watched = watchedOf(training)
    const fleets = fleet ? [fleet] : fleetsBeside(training)
    const boards = fleets.length > 0 ? await printBoards(fleets, output) : undefined
    const onBoards = fleet && (await keepOnBoards(training, fleet, options, command, output))
    const busyBefore = await fleet?.busySeconds()
    const unfinished = await learn(training, keeper, context)
    const busyAfter = await fleet?.busySeconds()
    let stopped = unfinished || (await measure(training, context))
    if (!stopped) keeper.keep()
    const own = stopped ? undefined : await measureOwn(training, context)
    if (signal.aborted) stopped = true
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
      notes: training.data.notes,
      testAccuracy: training.accuracy.test,
      heldOutAccuracy: training.accuracy.heldOut,
      validationAccuracy: training.accuracy.validation,
      trainAccuracy: training.accuracy.train,
      epochs: training.samples / plan.images,
      seconds: training.seconds,
      samples: training.samples,
      // Not what somebody held the run for.
      samplesPerSecond:
        training.learnt === 0
          ? 0
          : training.learnt / (training.seconds - (watched?.heldMs ?? 0) / 1000),
      links,
      linkRatio: ratio,
      coefficientsHash: sha256(training.engine.coefficients),
      workers: Math.min(plan.batch, training.engine.workers),
      plan,
      history: training.history,
      command,
      out: keeper.path,
      own,
      ...(boards && { boards, recoveries: recoveriesOf(fleets) }),
      ...(fleet && { checkpoints: onBoards }),
      ...(emulated && { emulated }),
      ...((options.panel ?? options.dashboard) !== undefined && {
        taught: watched?.interventions.filter(word => "lesson" in word).length,
      }),
    }
    print(output, document)
    return {
      document,
      error: kept === undefined ? undefined : interruption(signal, training, kept, options),
    }
  } finally {
    await training.close()
  }
}

function checkOptions(options: TrainOptions): void {
  checkPanelOptions(options, options.on)
  checkDashboardOptions(options)
  if (options.dashboard !== undefined && (options.batch ?? 1) > 1)
    throw usageError(
      `--batch is ${options.batch}, but --dashboard shows one sample at a time`,
      "leave out one of the two",
    )
  if (options.on && (options.batch ?? 1) > 1)
    throw usageError(
      `--batch is ${options.batch}, but boards learn one sample at a time`,
      "leave out --batch, or --on",
    )
  const alone = Object.entries({
    "--on": options.on,
    "--dashboard": options.dashboard,
    "--panel": options.panel,
  }).find(([, value]) => value !== undefined)
  if (alone && options.rounding === "once")
    throw usageError(
      `--rounding once is about batches, but with ${alone[0]} images are learnt one at a time`,
      "leave out one of the two",
    )
  if (options.on && options.workers !== undefined)
    throw usageError(
      "--workers are threads, and --on leaves the work to boards",
      "give one of the two",
    )
  if (options.dataEach !== undefined) checkDataEach(options)
  if (options.share === "auto" && !options.on)
    throw usageError("--share auto is about boards, and nothing learns on any", "give --on with it")
  if (options.share === "network" || options.share === undefined) {
    for (const [flag, value] of Object.entries({
      "--average": options.average,
      "--replicas": options.replicas,
    }))
      if (value !== undefined)
        throw usageError(`${flag} is about copies of a network`, "add --share samples")
    if (options.dataEach !== undefined && options.resume === undefined)
      throw usageError(
        "--data-each is about boards that each hold the whole network",
        "add --share samples",
      )
  } else if (
    (options.batch ?? 1) > 1 ||
    options.dashboard !== undefined ||
    options.panel !== undefined
  )
    throw usageError(
      `--share ${options.share} goes with neither --batch, --dashboard nor --panel`,
      "leave it out, or the other",
    )
  if (
    !options.on &&
    options.share !== "samples" &&
    (options.checkpoint !== undefined || options.anew)
  )
    throw usageError(
      `${options.anew ? "--anew" : "--checkpoint"} is about boards, and nothing learns on any`,
      "give --on with it, or leave it out",
    )
  if (options.resume === undefined) return
  const fixed = {
    "--model": options.model,
    "--trained": options.trained,
    "--seed": options.seed,
    "--rule": options.rule,
    "--element-shift": options.elementShift,
    "--learn-shift": options.learnShift,
    "--epochs-per-bit": options.epochsPerBit,
    "--cosine": options.cosine,
    "--eighths": options.eighths,
    "--warm-up": options.warmUp,
    "--distort": options.distort,
    "--shift-images": options.shiftImages,
    "--softmax-gain": options.softmaxGain,
    "--error": options.error,
    "--batch": options.batch,
    "--rounding": options.rounding,
    "--limit": options.limit,
    "--validation": options.validation,
    ...signalFlags(options),
    "--label": options.label,
    "--range": options.range,
    "--average": options.average,
    "--replicas": options.replicas,
  }
  for (const [flag, value] of Object.entries(fixed))
    if (value !== undefined)
      throw usageError(
        `${flag} cannot be given with --resume`,
        "leave it out: the file says how its training goes on; or begin anew with --model FILE",
      )
}

function checkDataEach(options: TrainOptions): void {
  if (options.share === "auto")
    throw usageError(
      "--data-each leaves boards no choice of what they share",
      "give --share samples",
    )
  for (const [flag, value] of Object.entries({
    "--data": options.data,
    "--replicas": options.replicas,
    "--validation": options.validation,
  }))
    if (value !== undefined)
      throw usageError(
        `${flag} goes with one set of data for all, and --data-each names a folder a board`,
        "leave out one of the two",
      )
}

function print(
  output: Output,
  document: {
    testAccuracy?: number
    heldOutAccuracy?: number
    validationAccuracy?: number
    trainAccuracy?: number
    epochs: number
    seconds: number
    samplesPerSecond: number
    coefficientsHash: string
    own?: OwnFigure[]
    out?: string
  },
): void {
  if (document.own)
    printOwn(output, document.own, document.testAccuracy ?? document.heldOutAccuracy)
  const { testAccuracy, heldOutAccuracy, validationAccuracy, trainAccuracy } = document
  if (trainAccuracy !== undefined) output.field("train accuracy", percent(trainAccuracy))
  if (validationAccuracy !== undefined)
    output.field("validation accuracy", percent(validationAccuracy))
  if (heldOutAccuracy !== undefined) output.field("held-out accuracy", percent(heldOutAccuracy))
  if (testAccuracy !== undefined) output.field("test accuracy", percent(testAccuracy))
  output.field("epochs", grouped(document.epochs))
  output.field("seconds", document.seconds.toFixed(1))
  output.field("samples a second", grouped(Math.round(document.samplesPerSecond)))
  output.field("coefficients", document.coefficientsHash)
  if (document.out !== undefined) output.field("kept in", document.out)
}

/** What each board's data taught it, beside what it has of the others'. @param all the average's, of all */
function printOwn(output: Output, own: OwnFigure[], all: number | undefined): void {
  const share = (value: number | undefined) => (value === undefined ? "-" : percent(value))
  const sum = (of: (figure: OwnFigure) => number) =>
    own.reduce((total, figure) => total + of(figure), 0)
  const known = own.every(({ aloneAll }) => aloneAll !== undefined)
  const mean = known ? sum(({ aloneAll }) => aloneAll!) / own.length : undefined
  output.table(
    ["board", "data", "samples", "alone: its own", "alone: all", "average: its own"],
    own.map(({ name, images, aloneOwn, aloneAll, averageOwn }, i) => [
      ...[`${i}`, name, grouped(images)],
      ...[aloneOwn, aloneAll, averageOwn].map(share),
    ]),
  )
  const mostly = mean === undefined ? "" : `; each board alone ${percent(mean)} in the mean`
  if (all !== undefined) output.field("average, all", `${percent(all)}${mostly}`)
}
