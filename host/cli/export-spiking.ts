/** `wuxing export --spiking`: a network as a NIR graph of integrate-and-fire neurons. */
import type { Command } from "commander"
import type { WuxingError } from "../base/errors"
import { grouped, percent } from "../base/numbers"
import type { Model } from "../models/model-file"
import type { Images } from "../training/training-data"
import type { Context, Outcome } from "./command"
import type { OutputFile } from "./options/output-file"
import { choiceOption, integerOption, usageError } from "./options/usage"
import { startProgress } from "./terminal/progress"

/** Test images on which graph and network are compared. */
const MOST_IMAGES = 1000

export interface SpikingOptions {
  spiking?: boolean
  neuron: "if" | "lif"
  steps: number
  weightBits?: number
  chip?: string
}

export function addSpikingOptions(command: Command): Command {
  return command
    .option("--spiking", "as integrate-and-fire neurons that classify as the network does")
    .option("--neuron <kind>", "spiking: if or lif", choiceOption("--neuron", ["if", "lif"]), "if")
    .option(
      "--steps <n>",
      "spiking, --nir: steps the graph is to be run for",
      integerOption("--steps", 8, 4096),
      128,
    )
    .option(
      "--weight-bits <n>",
      "spiking, --nir: weights as whole numbers of so many bits",
      integerOption("--weight-bits", 2, 16),
    )
    .option(
      "--chip <chip>",
      "spiking: refuse what the chip cannot hold: xylo, loihi2, spinnaker2, or another profile in boards/",
    )
}

/** @throws WuxingError "usage" where options do not go together */
export function checkSpikingOptions(
  { spiking, weightBits, chip }: SpikingOptions,
  operatingPoint: boolean,
): void {
  if (spiking && operatingPoint)
    throw usageError("--operating-point is for the linearised graph", "leave one of the two out")
  if (!spiking && (weightBits !== undefined || chip !== undefined))
    throw usageError("--weight-bits and --chip are for the spiking graph", "add --spiking")
}

/** @param images test images, or why there are none */
export async function exportSpiking(
  model: Model,
  file: OutputFile,
  images: Images | WuxingError,
  { neuron, steps, weightBits, chip }: SpikingOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  const { spikingGraph } = await import("../nir/spiking/compile")
  const { quantise } = await import("../nir/spiking/quantise")
  const { checkChip, chipUse } = await import("../nir/spiking/chips")
  const { readChipProfile } = await import("../hardware/board-profile")
  const { simulationOf } = await import("../nir/simulate")
  const { runImages } = await import("../nir/run-images")
  const { encodeNir } = await import("../nir/write-nir")

  const profile = chip === undefined ? undefined : readChipProfile(chip)
  const whole = spikingGraph(model, { steps, neuron })
  const bits = weightBits ?? profile?.weightBits
  const { graph, vanished } =
    bits === undefined ? { graph: whole, vanished: 0 } : quantise(whole, bits)
  const use = profile ? checkChip(graph, profile) : chipUse(graph)
  let measured: { images: number; accuracy: number; spikes: number } | undefined
  if ("images" in images) {
    const count = Math.min(MOST_IMAGES, images.count)
    const progress = startProgress(output, "testing", count)
    try {
      const labels = images.labels.subarray(0, count)
      const onImage = progress.sample
      const simulation = simulationOf(graph, model.network.name)
      const { named, spikes } = await runImages(simulation, images.images, labels, steps, {
        ...{ signal, onImage },
      })
      const right = named.filter((name, i) => name === labels[i]).length
      measured = { images: count, accuracy: right / count, spikes }
    } finally {
      progress.stop()
    }
  } else output.status(`not measured: ${images.message}`)
  graph.metadata = {
    description: `Wuxing network ${model.network.name} as integrate-and-fire neurons: constant inputs from 0 to 1 for ${steps} steps of 1, classes by spike counts.`,
    ...{ steps, neuron },
    ...(bits === undefined ? {} : { weight_bits: bits }),
    ...(measured
      ? {
          test_images: measured.images,
          accuracy: measured.accuracy,
          spikes_per_image: measured.spikes,
        }
      : {}),
  }
  const bytes = await encodeNir(graph)
  file.write(bytes)

  output.field("network", model.network.name)
  output.field("nodes", `${graph.nodes.size}, ${graph.edges.length} edges`)
  output.field("neurons", `${grouped(use.neurons)} (${neuron.toUpperCase()})`)
  output.field(
    "weights",
    `${grouped(use.synapses)} that are not 0${bits === undefined ? "" : `, whole numbers of ${bits} bits (${percent(vanished)} became 0)`}`,
  )
  output.field("fan-in, fan-out", `at most ${grouped(use.fanIn)} and ${grouped(use.fanOut)}`)
  if (profile) output.field("chip", `fits ${profile.name}`)
  if (measured) {
    output.field("steps", grouped(steps))
    output.field("test accuracy", `${percent(measured.accuracy)} of ${grouped(measured.images)}`)
    output.field("spikes an image", grouped(Math.round(measured.spikes)))
  }
  output.field("written", `${file.path}, ${grouped(bytes.length)} B`)
  return {
    document: {
      ...{ network: model.network.name, format: "nir", out: file.path, bytes: bytes.length },
      ...{ spiking: true, neuron, steps, weightBits: bits ?? null, chip: chip ?? null },
      ...{ nodes: graph.nodes.size, edges: graph.edges.length, ...use },
      largestWeight: use.largestWeight ?? null,
      ...{ vanished, measured: measured ?? null },
    },
  }
}
