/** `wuxing demo adapt`: the world changes, and the boards learn it from a few samples. */
import type { Command } from "commander"
import { percent } from "../../base/numbers"
import type { Dataset } from "../../data/mnist"
import type { World } from "../../demos/worlds"
import type { Location } from "../../hardware/location"
import { hostsVerdict, mismatchOf } from "../../library/host-mismatch"
import type { Context, Outcome, Run } from "../command"
import {
  choiceOption,
  folderOption,
  integerOption,
  onOption,
  seedOption,
  usageError,
} from "../options/usage"
import {
  addNamedDemo,
  addSvgOption,
  demoAction,
  drawCharts,
  lasting,
  ONE_VIRTUAL_BOARD,
  surroundings,
} from "./options"

/** Seconds of an image of pico-32 on two cores. */
const LEARNT_S = 0.05
const CLASSIFIED_S = 0.02
const MODELS = ["pico-16", "pico-32", "fleet-64"]

interface AdaptCommandOptions {
  on?: Location
  model: string
  world: World
  angle: number
  samples: number
  test?: number
  all: number
  seed?: number
  data?: string
  svg?: string
  force?: boolean
}

export function addDemoAdapt(demo: Command, run: Run): void {
  const description =
    "the world changes: boards recover from at most 300 samples, and do not forget"
  const command = addNamedDemo(demo, "adapt", description)
    .option(
      "--model <name>",
      `a trained preset: ${MODELS.join(", ")}`,
      choiceOption("--model", MODELS),
      "pico-32",
    )
    .option(
      "--world <what>",
      "turned or inverted",
      choiceOption("--world", ["turned", "inverted"]),
      "turned",
    )
    .option(
      "--angle <degrees>",
      "by how much digits are turned",
      integerOption("--angle", -180, 180),
      25,
    )
    .option(
      "--samples <n>",
      "samples to learn from, at most 300",
      integerOption("--samples", 3, 300),
      300,
    )
    .option(
      "--data <dir>",
      "a new world of your own: a folder of pictures, one folder per digit (in place of --world)",
      folderOption("--data"),
    )
    .option(
      "--on <where>",
      "where the boards are: sim:N, emu:N or serial:PORT,… (default: sim:1)",
      onOption(),
    )
    .option(
      "--test <n>",
      "test images for the boards (default: 300)",
      integerOption("--test", 1, 10_000),
    )
    .option(
      "--all <n>",
      "test images for the host's core",
      integerOption("--all", 1, 10_000),
      10_000,
    )
    .option("--seed <n>", "seed of the images drawn (default: 1)", seedOption)
  addSvgOption(command).action(demoAction(run, adapt))
}

async function adapt(options: AdaptCommandOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  const { on: location = ONE_VIRTUAL_BOARD, model: name, angle, seed = 1 } = options
  const { trainedModel } = await import("../../models/trained")
  const { checkpointOf } = await import("../../fleet/checkpoint-of")
  const { readMnist } = await import("../../data/mnist")
  const { drawSamples, SALTS } = await import("../../data/samples")
  const { inWorld } = await import("../../demos/worlds")
  const { adaptChart, adaptNetwork, runAdapt } = await import("../../demos/adapt")
  const { openFleet, printBoards, startFleetParts } = await import("../fleet-run")

  const mnist = readMnist()
  const trained = trainedModel(name)
  const model = { ...trained, network: adaptNetwork(trained.network) }
  const draw = (data: Dataset, take: number, salt: number) =>
    drawSamples(data.count, Math.min(take, data.count), seed, salt)
  const world = options.data === undefined ? options.world : undefined
  const [train, test] =
    options.data === undefined
      ? [mnist.train, mnist.test]
      : await readOwn(options.data, trained.network)
  const samples = inWorld(train, draw(train, options.samples, SALTS.adapting), world, angle)
  const tested = (data: Dataset, take: number, of: World | undefined) =>
    inWorld(data, draw(data, take, SALTS.testing), of, angle)
  const { test: forBoards = 300, all } = options
  const what =
    world === undefined
      ? `Digits from ${options.data}`
      : world === "turned"
        ? `Digits turned by ${angle} degrees`
        : "Inverted digits"
  output.print(
    `${name}, trained on the host, runs on boards. The world changes: ${what.toLowerCase()}. The boards learn\nfrom ${samples.count} samples of the new world, each streamed once, and are tested in both worlds.\n`,
  )
  output.status(
    lasting(10 + samples.count * LEARNT_S + (4 * forBoards + samples.count) * CLASSIFIED_S),
  )
  const { status } = surroundings(context)
  const fleet = await openFleet(
    { location, network: model.network, goal: "learning", start: checkpointOf(model) },
    context,
  )
  const progress = startFleetParts(output, fleet)
  try {
    const shares = await printBoards(fleet, output)
    const result = await runAdapt({
      ...{ fleet, model, samples, signal, status },
      old: tested(mnist.test, forBoards, undefined),
      changed: tested(test, forBoards, world),
      allOld: tested(mnist.test, all, undefined),
      allChanged: tested(test, all, world),
      onProgress: progress.sample,
    })
    progress.stop()
    const { before, after } = result
    output.table(
      ["classified correctly", "before", `after ${result.samples} samples`, "with learning off"],
      [
        row(`new world (${result.tested} images)`, before.new, after.new, before.new),
        row(`old world (${result.tested} images)`, before.old, after.old, before.old),
        row(
          `new world (${result.all.tested}, host's core)`,
          result.all.before.new,
          result.all.after.new,
          result.all.before.new,
        ),
        row(
          `old world (${result.all.tested}, host's core)`,
          result.all.before.old,
          result.all.after.old,
          result.all.before.old,
        ),
      ],
    )
    output.field(
      "streamed samples",
      `${result.on.right} of ${result.samples} classified correctly while learning, ${result.off.right} without`,
    )
    output.field(
      "lost, recovered",
      `${percent(result.all.before.old - result.all.before.new)} of all ${result.all.tested} test images lost, ${percent(result.recovered)} of that recovered`,
    )
    output.field("forgotten", `${(result.forgotten * 100).toFixed(1)} points of the old world`)
    output.field(
      "learning off",
      result.off.coefficientsUnchanged ? "coefficients as they were" : "coefficients changed",
    )
    output.field("coefficients", result.coefficientsHash)
    output.field("learnt on the host", hostsVerdict(result))
    await drawCharts(options, [adaptChart(result, what)], context)
    return {
      document: {
        ...{ demo: "adapt", model: name, world: world ?? options.data },
        ...(world === "turned" && { angle }),
        ...{ seed, boards: shares },
        ...result,
      },
      error: mismatchOf(result, result.samples),
    }
  } finally {
    progress.stop()
    await fleet.close()
  }
}

function row(name: string, ...shares: number[]): string[] {
  return [name, ...shares.map(percent)]
}

/** A person's own digits, with as many outputs as the network has. */
async function readOwn(
  dir: string,
  network: Parameters<typeof import("../../training/training-data").readTrainingData>[1],
): Promise<[Dataset, Dataset]> {
  const { readTrainingData } = await import("../../training/training-data")
  const data = await readTrainingData(dir, network)
  const dataset = (split: "train" | "test"): Dataset => {
    const { images, labels, count, width, height } = data[split]
    if (width !== 28 || height !== 28)
      throw usageError(
        `--data ${dir} has images of ${width}x${height}`,
        "name a folder of pictures",
      )
    return { images, labels, count, width, height }
  }
  return [dataset("train"), dataset("test")]
}
