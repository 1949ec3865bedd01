/** `wuxing bench`: how fast the host trains and runs networks, beside a yardstick. */
import { cpus } from "node:os"
import type { Command } from "commander"
import { grouped } from "../base/numbers"
import type { NetworkBench, Rate } from "../bench/engine-bench"
import type { Share } from "../bench/share-bench"
import type { Location } from "../hardware/location"
import type { Context, Outcome, Run } from "./command"
import { FORCE, type OutputFile, outputFile } from "./options/output-file"
import {
  choiceOption,
  integerOption,
  NETWORKS as NETWORKS_BY_NAME,
  onOption,
  pathOption,
  secondsOption,
  usageError,
} from "./options/usage"
import type { Output } from "./terminal/output"

const NETWORKS = ["model1", "pico-16", "fleet-300"]
const KERNELS = "mnist-kernels"
const IMAGES = 2000
const SEED = 1
const FIGURE = "bench-scaling.svg"
const FLEET_FIGURE = "bench-fleet.svg"

interface BenchOptions {
  seconds: number
  scaling?: boolean
  fleet?: boolean
  share?: Share
  model?: string
  boards?: number[]
  board?: string
  average?: number
  figure?: string
  force?: boolean
  link?: boolean
  on?: Location
}

export function addBench(program: Command, run: Run): void {
  program
    .command("bench")
    .description("measure how fast the host trains and runs networks, beside a yardstick")
    .option("--seconds <s>", "length of each run", secondsOption("--seconds", 0.01, 60), 0.5)
    .option("--scaling", "measure instead how the cost grows with neurons, links and samples")
    .option("--link", "measure instead the way to a board: round trip, throughput, framing")
    .option("--on <where>", "with --link: sim:1 (default) or serial:PORT", onOption(1))
    .option("--fleet", "measure instead what more boards bring, on counted virtual boards")
    .option(
      "--share <what>",
      "with --fleet: how many times as fast as one board several are that share the network, or the samples",
      choiceOption("--share", ["network", "samples"]),
    )
    .option("--model <network>", `with --share: ${NETWORKS_BY_NAME} (default: pico-16)`)
    .option("--boards <list>", "with --share: how many (default: 1,2,4,8, samples also 32)", counts)
    .option(
      "--board <kind>",
      "with --share: profile of the boards, pico or pico-native (default: pico)",
      choiceOption("--board", ["pico", "pico-native"]),
    )
    .option(
      "--average <n>",
      "with --share samples: samples each learns between two averages (default: 50)",
      integerOption("--average", 1, 100_000),
    )
    .option(
      "--figure <file>",
      `SVG file to write with --scaling or --fleet (default: ${FIGURE}, ${FLEET_FIGURE})`,
      pathOption("--figure"),
    )
    .option(...FORCE)
    .action(run(bench))
}

/** "1,2,4" */
function counts(text: string): number[] {
  return text.split(",").map(integerOption("--boards", 1, 64))
}

async function bench(options: BenchOptions, context: Context): Promise<Outcome> {
  if (options.on && !options.link)
    throw usageError("--on is given without --link", "networks are measured on the host alone")
  if (options.link) {
    const { benchLinks } = await import("./bench-link")
    return {
      document: { ...(await benchLinks(options.on, options.seconds, context)), ...machine() },
    }
  }
  if (options.fleet && options.share) {
    const { benchSharesOf } = await import("./bench-share")
    return {
      document: {
        ...(await benchSharesOf({ ...options, share: options.share }, context)),
        ...machine(),
      },
    }
  }
  for (const name of ["share", "model", "boards", "board", "average"] as const)
    if (options[name] !== undefined)
      throw usageError(
        `--${name} is given without --fleet --share`,
        "for example --fleet --share samples",
      )
  const figure = options.figure ?? (options.fleet ? FLEET_FIGURE : FIGURE)
  const file =
    options.scaling || options.fleet
      ? outputFile(figure, { code: "figure-unwritable", what: "figure" }, options.force)
      : undefined
  if (options.fleet) {
    const { benchFleetsOf } = await import("./bench-fleet")
    const { document, figure: svg } = await benchFleetsOf(context)
    file?.write(svg)
    context.output.field("figure", figure)
    return { document: { ...document, figure, ...machine() } }
  }
  const { readMnist } = await import("../data/mnist")
  const { train } = readMnist()
  const { slicedImages } = await import("../training/training-data")
  const images = slicedImages(train, 0, IMAGES)
  const document = file
    ? await scaling(options.seconds, file, context, images)
    : await speed(options, context, images)
  return {
    document: {
      ...document,
      peakMemoryBytes: peakMemory(),
      ...machine(),
      seconds: options.seconds,
    },
  }
}

function machine() {
  return { machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version } }
}

type Images = import("../training/training-data").Images

async function speed({ seconds }: BenchOptions, { output, signal }: Context, images: Images) {
  const { BATCH, benchNetwork, ROUNDED_ONCE } = await import("../bench/engine-bench")
  const { presetOf } = await import("../models/model-source")
  const { recipeOf } = await import("../training/recipes")
  const networks: NetworkBench[] = []
  for (const name of NETWORKS) {
    // As it is trained: the error by the recipe's.
    const preset = presetOf(name, SEED)
    const { softmaxGain } = recipeOf(preset)
    networks.push(
      await benchNetwork({ ...preset, softmaxGain }, images, {
        ...{ seconds, signal },
        onStep: what => output.status(what),
      }),
    )
  }
  const { benchKernels } = await import("../bench/kernels-bench")
  const shared = presetOf(KERNELS, SEED)
  const kernels = await benchKernels(shared, recipeOf(shared), images, {
    ...{ seconds, signal },
    onStep: what => output.status(what),
  })
  output.table(
    ["samples a second", ...NETWORKS, "threads"],
    [
      row("learning, one by one", networks, 1, n => n.train.batch1),
      row(`learning, batches of ${BATCH}`, networks, 1, n => n.train.batched),
      row(`learning, batches of ${BATCH}`, networks, 2, n => n.train.batchedTwoWorkers),
      row(`learning, ${ROUNDED_ONCE} rounded once`, networks, 1, n => n.train.once),
      row("naming", networks, 1, n => n.infer.oneWorker),
      row("naming", networks, 2, n => n.infer.twoWorkers),
      row("yardstick: learning", networks, 1, n => n.yardstick.train),
      row("yardstick: naming", networks, 1, n => n.yardstick.infer),
    ],
  )
  const figures = (title: string, of: (n: NetworkBench) => string) => [title, ...networks.map(of)]
  output.table(
    ["", ...NETWORKS],
    [
      figures("ns a neuron's step", n => n.nsPerNeuronStep.toFixed(2)),
      figures("ns a link", n => n.nsPerLink.toFixed(2)),
      figures("times the yardstick, learning", n => n.ratios.train.toFixed(1)),
      figures("times the yardstick, naming", n => n.ratios.infer.toFixed(1)),
      figures("two threads to one, learning", n => n.ratios.trainTwoWorkers.toFixed(2)),
      figures("two threads to one, naming", n => n.ratios.inferTwoWorkers.toFixed(2)),
    ],
  )
  output.table(
    ["shared kernels, of one core", "images a second", "a prototype", "ratio"],
    [
      [
        `learning ${KERNELS}, distorted`,
        Math.round(kernels.train.samplesPerCpuSecond),
        kernels.prototype,
        kernels.ratio.toFixed(2),
      ],
    ],
  )
  printMemory(output)
  return { batch: BATCH, networks, kernels }
}

async function scaling(
  seconds: number,
  file: OutputFile,
  { output, signal }: Context,
  images: Images,
) {
  const { benchScaling, scalingChart } = await import("../bench/scaling")
  const { renderChart } = await import("../base/chart")
  const series = await benchScaling(images, {
    ...{ seconds, signal },
    onStep: what => output.status(what),
  })
  file.write(renderChart(scalingChart(series)))
  output.table(
    ["varied", "from", "to", "ns for one more", "fixed (ns)", "largest deviation"],
    series.map(s => [
      s.varied,
      s.points[0].size,
      s.points[s.points.length - 1].size,
      (s.slope * 1e9).toFixed(1),
      Math.round(s.fixed * 1e9),
      `${(s.deviation * 100).toFixed(1)} %`,
    ]),
    [0, 3, 4],
  )
  output.field("figure", file.path)
  printMemory(output)
  return { scaling: series, figure: file.path }
}

function row(
  title: string,
  all: NetworkBench[],
  threads: number,
  of: (n: NetworkBench) => Rate | undefined,
) {
  const figure = (rate: Rate | undefined) => (rate ? Math.round(rate.samplesPerSecond) : "–")
  return [title, ...all.map(n => figure(of(n))), threads]
}

/** The most this process has held, bytes. */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024
}

function printMemory(output: Output): void {
  output.field("peak memory", `${grouped(Math.round(peakMemory() / 2 ** 20))} MiB`)
}
