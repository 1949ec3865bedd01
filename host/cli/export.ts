/** `wuxing export`: a network for other tools and programs: a graph of leaky integrators, or code. */
import type { Command } from "commander"
import { WuxingError } from "../base/errors"
import { grouped, percent } from "../base/numbers"
import type { Model } from "../models/model-file"
import type { Graph } from "../nir/graph"
import type { Images } from "../training/training-data"
import type { Context, Outcome, Run } from "./command"
import {
  addCodeOptions,
  CODE_FORMATS,
  type CodeOptions,
  exportCode,
  sayUntrained,
} from "./export-code"
import {
  addSpikingOptions,
  checkSpikingOptions,
  exportSpiking,
  type SpikingOptions,
} from "./export-spiking"
import { addNetworkOptions, networkNamed } from "./options/network-option"
import { FORCE, outputFile } from "./options/output-file"
import { choiceOption, NETWORKS, pathOption, usageError } from "./options/usage"
import type { Output } from "./terminal/output"
import { startProgress } from "./terminal/progress"

/** Test images on which graph and network are compared. */
const MOST_IMAGES = 1000

/** Formats that an option is for, where it is not for all. */
const ONLY_FOR: Record<string, { option: string; formats: string[] }> = {
  operatingPoint: { option: "--operating-point", formats: ["nir"] },
  spiking: { option: "--spiking", formats: ["nir"] },
  neuron: { option: "--neuron", formats: ["nir"] },
  steps: { option: "--steps", formats: ["nir", "c"] },
  weightBits: { option: "--weight-bits", formats: ["nir", "c"] },
  chip: { option: "--chip", formats: ["nir"] },
  data: { option: "--data", formats: ["nir", "c"] },
  layout: { option: "--layout", formats: ["c"] },
  board: { option: "--board", formats: ["c"] },
  name: { option: "--name", formats: CODE_FORMATS },
}

interface ExportOptions extends CodeOptions, SpikingOptions {
  operatingPoint?: string
}

export function addExport(program: Command, run: Run): void {
  const command = program
    .command("export")
    .description("write a network as a C library, a DeviceScript module or a graph for other tools")
    .argument("[out]", "file or folder to write", pathOption("<out>"))
    .option("--out <path>", "the same", pathOption("--out"))
    .option(
      "--format <format>",
      "nir: a graph, linearised or --spiking; c: a C library; devicescript: a module",
      choiceOption("--format", ["nir", ...CODE_FORMATS]),
      "nir",
    )
    .option("--model <network>", NETWORKS)
    .option(
      "--operating-point <image>",
      "linearise about the state for this input, a test image's number or a picture, not about the fixed points",
      pathOption("--operating-point"),
    )
    .option(
      "--data <what>",
      "test images: mnist, or a folder of images (default: mnist)",
      pathOption("--data"),
    )
    .option(...FORCE)
  addNetworkOptions(addSpikingOptions(addCodeOptions(command))).action(
    (out: string | undefined, options: ExportOptions) =>
      run((given: ExportOptions, context) => {
        for (const [key, { option, formats }] of Object.entries(ONLY_FOR))
          if (command.getOptionValueSource(key) === "cli" && !formats.includes(given.format))
            throw usageError(
              `${option} is not for --format ${given.format}`,
              `leave it out, or give --format ${formats[0]}`,
            )
        for (const key of ["steps", "weightBits"])
          if (
            command.getOptionValueSource(key) === "cli" &&
            given.format === "c" &&
            given.nir === undefined
          )
            throw usageError(
              `${ONLY_FOR[key].option} is not for --format c without --nir`,
              "leave it out, or name a graph with --nir",
            )
        const path = out ?? given.out
        if (path === undefined)
          throw usageError(
            "it is not said where to write",
            "for example wuxing export out --format c",
          )
        return CODE_FORMATS.includes(given.format)
          ? exportCode(path, given, context)
          : exportModel(path, given, context)
      })(options),
  )
}

async function exportModel(
  out: string,
  options: ExportOptions,
  context: Context,
): Promise<Outcome> {
  const { output, signal } = context
  const { model: what } = options
  if (what === undefined) throw usageError("--model is missing", "for example --model pico-16")
  const file = outputFile(out, { code: "nir-unwritable", what: "NIR file" }, options.force)
  const { linearise } = await import("../nir/linearise")
  const { operatingPoint } = await import("../nir/operating-point")
  const { metadataOf } = await import("../nir/exported")
  const { encodeNir, fitsFloat32 } = await import("../nir/write-nir")
  const { sizesOf } = await import("../nir/graph")

  const model = await networkNamed(what, options)
  const images = await testImages(model, options)
  checkSpikingOptions(options, options.operatingPoint !== undefined)
  if (options.spiking) return exportSpiking(model, file, images, options, context)
  const point =
    options.operatingPoint === undefined
      ? undefined
      : operatingPoint(options.operatingPoint, model.network, () => {
          if (images instanceof WuxingError) throw images
          return images
        })
  const { graph, rings, unstableRings } = linearise(model, point?.image)
  if (unstableRings > 0)
    output.status(
      `${unstableRings} of ${rings} rings are unstable in linear theory about this state: run in time, the graph does not come to rest`,
    )
  const difference =
    images instanceof WuxingError
      ? undefined
      : await measure(model, graph, images, { output, signal })
  if (images instanceof WuxingError) output.status(`not measured: ${images.message}`)
  graph.metadata = metadataOf(model, {
    ...{ image: point?.image, imageName: point?.name },
    ...{ unstableRings, difference },
  })
  const bytes = await encodeNir(graph)
  file.write(bytes)

  const nodes = [...graph.nodes.values()]
  const integrators = nodes.reduce(
    (sum, node) => sum + (node.type === "LI" ? sizesOf(node).gives : 0),
    0,
  )
  const weights = nodes.reduce(
    (sum, node) => sum + ("weight" in node ? node.weight.value.length : 0),
    0,
  )
  const precision = fitsFloat32(graph) ? "float32" : "float64"
  output.field("network", model.network.name)
  sayUntrained(model, output)
  output.field("linearised about", point ? `the mean state for ${point.name}` : "the fixed points")
  output.field("nodes", `${nodes.length}, ${graph.edges.length} edges`)
  output.field("leaky integrators", grouped(integrators))
  output.field("weights", `${grouped(weights)} that are not 0, ${precision}`)
  output.field("left out", "products of displacements, clamps, the mean over a settle")
  if (difference) {
    const { networkAccuracy, graphAccuracy, agreement } = difference
    const { meanDifference, largestDifference, meanOutput } = difference
    output.field("test images", grouped(difference.images))
    output.field("network's accuracy", percent(networkAccuracy))
    output.field("graph's, at rest", percent(graphAccuracy))
    output.field("same class named", percent(agreement))
    output.field(
      "outputs differ by",
      `${meanDifference.toFixed(3)} on average, ${largestDifference.toFixed(3)} at most (the network's are ${meanOutput.toFixed(3)} in size)`,
    )
  }
  output.field("written", `${out}, ${grouped(bytes.length)} B`)
  return {
    document: {
      ...{ model: what, trained: model.training !== null, network: model.network.name },
      ...{ format: options.format, out, bytes: bytes.length },
      linearisedAbout: point ? "operating point" : "fixed points",
      image: point?.name ?? null,
      ...{ nodes: nodes.length, edges: graph.edges.length, integrators, weights, precision },
      ...{ rings, unstableRings, difference: difference ?? null },
    },
  }
}

/** Images of another size than the default data's are nobody's fault: then nothing is measured. */
async function testImages(
  model: Model,
  { data: name }: ExportOptions,
): Promise<Images | WuxingError> {
  const { readTrainingData, usualData } = await import("../training/training-data")
  const { checkImages, dataOf } = await import("../training/training")
  const { network } = model
  const data = await readTrainingData(name ?? usualData(model), network, {
    ...dataOf(model),
    testOnly: true,
  })
  try {
    checkImages(network, data.name, data.test)
    return data.test
  } catch (error) {
    if (name === undefined && error instanceof WuxingError && error.code === "data-mismatch")
      return error
    throw error
  }
}

async function measure(
  model: Model,
  graph: Graph,
  { images, labels, count }: Images,
  { output, signal }: { output: Output; signal: AbortSignal },
) {
  const { restOf } = await import("../nir/rest")
  const { measureDifference } = await import("../nir/measure")
  const progress = startProgress(output, "comparing", Math.min(count, MOST_IMAGES))
  try {
    return await measureDifference(model, restOf(graph), images, labels.subarray(0, MOST_IMAGES), {
      signal,
      onImage: progress.sample,
    })
  } finally {
    progress.stop()
  }
}
