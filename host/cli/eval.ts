/** `wuxing eval`: how well a network names images it has not learnt. */

import type { Command } from "commander"
import { realClock } from "../base/clock"
import { grouped, percent } from "../base/numbers"
import { sha256 } from "../base/sha256"
import { parseRange, type RangeChoice } from "../data/range"
import { drawSamples, SALTS } from "../data/samples"
import type { Location } from "../hardware/location"
import type { Model } from "../models/model-file"
import type { Images } from "../training/training-data"
import type { Context, Outcome, Run } from "./command"
import { messagesPerSample } from "./fleet-run"
import { addNetworkOptions, type NetworkOptions, networkNamed } from "./options/network-option"
import { FORCE } from "./options/output-file"
import { addPanelOptions, checkPanelOptions, type PanelOptions } from "./options/panel-option"
import {
  integerOption,
  NETWORKS,
  numberOption,
  onOption,
  PLACES,
  pathOption,
  usageError,
} from "./options/usage"
import { startProgress } from "./terminal/progress"
import { readyCore } from "./terminal/ready-core"

/** What the images are that were measured on. */
const NAMES = { test: "test", heldOut: "held-out", train: "training" }

interface EvalOptions extends NetworkOptions, PanelOptions {
  model?: string
  data?: string
  testNames?: string
  label?: string
  range?: RangeChoice
  limit?: number
  on?: Location
  workers?: number
  nir?: string
  steps: number
  dt: number
  trace?: string
  force?: boolean
}

export function addEval(program: Command, run: Run): void {
  const command = program
    .command("eval")
    .description("measure how well a network names the test samples")
    .option("--model <network>", NETWORKS)
    .option(
      "--data <what>",
      "mnist, fashion-mnist, a folder of images or recordings, or CSV (default: mnist, or fashion-mnist where it was learnt)",
      pathOption("--data"),
    )
    .option(
      "--test-names <regexp>",
      "of recordings: those whose file name matches (default: as the network was taught)",
    )
    .option("--label <column>", "of CSV: the class's column (default: as the network learnt it)")
    .option(
      "--range <what>",
      "of CSV: values that become 0 and 255 (default: as the network learnt them)",
      parseRange,
    )
    .option(
      "--limit <n>",
      "only n of the test samples: of your own data drawn by the seed, of mnist the first (default: all)",
      integerOption("--limit", 1, 10_000_000),
    )
    .option("--on <where>", `name them on boards: ${PLACES}`, onOption())
    .option(
      "--workers <n>",
      "threads; the result does not depend on them (default: one a core)",
      integerOption("--workers", 1, 64),
    )
    .option("--nir <file>", "a NIR graph in place of a network, run in steps", pathOption("--nir"))
    .option("--steps <n>", "of --nir: steps an image", integerOption("--steps", 1, 100_000), 128)
    .option("--dt <t>", "of --nir: length of a step", numberOption("--dt", 1e-9, 1e9), 1)
    .option("--trace <file>", "of --nir: write its spikes as CSV", pathOption("--trace"))
    .option(...FORCE)
  addPanelOptions(addNetworkOptions(command)).action(run(evaluateModel))
}

async function evaluateModel(options: EvalOptions, context: Context): Promise<Outcome> {
  const { model: what, data: dataName, testNames, limit, on, workers } = options
  const { output } = context
  if (options.nir !== undefined) {
    if (what !== undefined || on !== undefined)
      throw usageError("--nir is given with a network or boards", "give one of them")
    const { evaluateNir } = await import("./eval-nir")
    return evaluateNir(options.nir, { ...options, data: options.data ?? "mnist" }, context)
  }
  if (options.trace !== undefined) throw usageError("--trace is for graphs", "add --nir FILE")
  if (what === undefined) throw usageError("--model is missing", "for example --model pico-16")
  if (on !== undefined && workers !== undefined)
    throw usageError(
      "--workers are threads, and --on leaves the work to boards",
      "give one of the two",
    )
  checkPanelOptions(options, on)
  const { readDataFor } = await import("../training/signal-data")
  const { samplesOf, usualData } = await import("../training/training-data")
  const { checkImages } = await import("../training/training")
  const { evaluate } = await import("../training/confusion")
  const { linkRatios } = await import("../network/link-ratio")
  const { signalsOf } = await import("../network/network")

  const model = await networkNamed(what, options)
  const { network } = model
  const { label, range, seed } = options
  const data = await readDataFor(
    dataName ?? usualData(model),
    model,
    testNames === undefined ? {} : { testNames },
    {
      ...{ label, range, seed, signal: context.signal, testOnly: true },
    },
  )
  for (const note of data.notes ?? []) output.status(note)
  checkImages(network, data.name, data.test)
  // A network may have more outputs than the data has classes, and name one of them.
  const outputs = signalsOf(network, network.layers.length)
  const classes = Array.from({ length: outputs }, (_, i) => data.classes[i] ?? String(i))
  const testing = firstOf(data.test, limit, data.name === "mnist" ? undefined : (seed ?? 1))
  const { count, labels } = testing
  const { named, seconds, ...boards } = on
    ? await nameOnBoards(on, model, testing, context, options)
    : await nameOnHost(workers, model, testing, context)
  const { right, accuracy, confusion, perClass } = evaluate(labels, named, classes)
  const { links, ratio } = linkRatios(network).pooled

  const testedOn = data.testing ?? "test"
  output.field(
    `${NAMES[testedOn]} accuracy`,
    `${percent(accuracy)} (${grouped(right)} of ${grouped(count)})`,
  )
  output.table(
    ["class", samplesOf(data), "precision", "recall", "F1"],
    perClass.map(f => [f.class, f.count, share(f.precision), share(f.recall), share(f.f1)]),
    [0, 4],
  )
  output.print("named as (columns) what is (rows):")
  output.table(
    ["", ...classes],
    confusion.map((row, label) => [classes[label], ...row]),
  )

  return {
    document: {
      model: what,
      trained: model.training !== null,
      network: network.name,
      engine: on ? "boards" : "host",
      data: data.name,
      [`${testedOn}Accuracy`]: accuracy,
      notes: data.notes,
      tested: count,
      right,
      seconds,
      samplesPerSecond: count / seconds,
      classes,
      confusion,
      perClass,
      links,
      linkRatio: ratio,
      coefficientsHash: sha256(model.coefficients),
      training: model.training,
      ...boards,
    },
  }
}

/** The first of them, or as many drawn by a seed: files may be sorted by class. */
export function firstOf(images: Images, limit: number | undefined, seed?: number): Images {
  const count = Math.min(images.count, limit ?? images.count)
  if (count === images.count) return images
  const pixels = images.width * images.height
  const drawn =
    seed === undefined
      ? Array.from({ length: count }, (_, i) => i)
      : drawSamples(images.count, count, seed, SALTS.testing)
  const some = { ...images, count, images: new Uint8Array(count * pixels) }
  for (const [i, from] of drawn.entries())
    some.images.set(images.images.subarray(from * pixels, (from + 1) * pixels), i * pixels)
  return { ...some, labels: Uint8Array.from(drawn, from => images.labels[from]) }
}

interface Named {
  named: Int32Array
  /** Naming alone, without what comes before. */
  seconds: number
}

async function nameOnHost(
  workers: number | undefined,
  model: Model,
  { images, labels, count }: Images,
  { output, signal }: Context,
): Promise<Named> {
  const { learntOf, startNaming } = await import("../training/predict-apart")
  await readyCore(false, output)
  const engine = await startNaming(learntOf(model), workers)
  const progress = startProgress(output, "testing", count)
  const start = realClock.now()
  try {
    const store = engine.store(images, labels)
    const indices = Int32Array.from({ length: count }, (_, i) => i)
    const named = await engine.predict(store, indices, { signal, onProgress: progress.sample })
    return { named, seconds: (realClock.now() - start) / 1000 }
  } finally {
    progress.stop()
    await engine.close()
  }
}

async function nameOnBoards(
  location: Location,
  model: Model,
  { images, labels, count }: Images,
  context: Context,
  panel: PanelOptions,
) {
  const { openFleet, printBoards, printEmulatedTime, startFleetProgress } = await import(
    "./fleet-run"
  )
  const { checkpointOf } = await import("../fleet/checkpoint-of")
  const { width } = model.network
  const fleet = await openFleet(
    {
      location,
      network: model.network,
      goal: "naming",
      start: checkpointOf(model),
      watchers: panel,
    },
    context,
  )
  try {
    const boards = await printBoards(fleet, context.output)
    const busyBefore = await fleet.busySeconds()
    const before = fleet.messages
    const progress = startFleetProgress(context.output, "testing", count, fleet)
    const start = realClock.now()
    let right = 0
    const named = await fleet
      .classify(
        i => images.subarray(i * width, (i + 1) * width),
        count,
        (done, as) => {
          if (as === labels[done - 1]) right++
          progress.sample(done, right)
        },
      )
      .finally(() => progress.stop())
    const seconds = (realClock.now() - start) / 1000
    const busyAfter = await fleet.busySeconds()
    const emulated = printEmulatedTime(context.output, count, busyBefore, busyAfter)
    return {
      named,
      seconds,
      boards,
      ...(emulated && { emulated }),
      messagesPerSample: messagesPerSample(before, fleet.messages, count),
      recoveries: fleet.recoveries,
      ...(panel.panel !== undefined && { taught: fleet.taught.length }),
    }
  } finally {
    await fleet.close()
  }
}

function share(value: number | null): string {
  return value === null ? "–" : percent(value)
}
