/** `wuxing export --format c`, `--format devicescript`: a network as code for one's own program. */
import { existsSync, readdirSync } from "node:fs"
import type { Command } from "commander"
import { WuxingError } from "../base/errors"
import { counted, grouped } from "../base/numbers"
import { writeFolder } from "../base/write-folder"
import type { StoredSample } from "../export/c/export-c"
import { C_LAYOUTS, CHECKED_BOARDS, type CLayout, isModelName } from "../export/c/options"
import type { Model } from "../models/model-file"
import type { Context, Outcome } from "./command"
import { type NetworkOptions, networkNamed } from "./options/network-option"
import { choiceOption, pathOption, usageError } from "./options/usage"
import type { Output } from "./terminal/output"

export const CODE_FORMATS = ["c", "devicescript"]
/** Samples that go along, at most, and the bytes of them; fewer where flash is small. */
const MOST_SAMPLES = 16
const MOST_SAMPLE_BYTES = 16384
const SMALL_SAMPLE_BYTES = 1024

export interface CodeOptions extends NetworkOptions {
  format: string
  out?: string
  model?: string
  data?: string
  force?: boolean
  layout: CLayout
  board: string
  name: string
  nir?: string
  steps: number
  weightBits?: number
}

export function addCodeOptions(command: Command): Command {
  return command
    .option(
      "--layout <layout>",
      `how the C library is laid out: ${C_LAYOUTS.join(", ")}`,
      choiceOption("--layout", C_LAYOUTS),
      "plain",
    )
    .option(
      "--board <board>",
      `any, or a board the C library must fit: ${CHECKED_BOARDS.join(", ")} (others have far more room)`,
      boardOption,
      "any",
    )
    .option("--name <name>", "what the model is called in the program", nameOption, "gesture")
    .option(
      "--nir <file>",
      "C: a NIR graph of IF, LIF or CubaLIF neurons in the place of a model",
      pathOption("--nir"),
    )
}

function boardOption(text: string): string {
  if (text === "any" || CHECKED_BOARDS.includes(text)) return text
  throw usageError(
    `--board is "${text}", expected any, or one whose small memory is checked: ${CHECKED_BOARDS.join(", ")}`,
    "leave it out: boards of 32 bits (Pico, ESP32, Nano 33, Uno R4) have room for far larger networks, and `export` says what this one takes",
  )
}

function nameOption(text: string): string {
  if (!isModelName(text))
    throw usageError(
      `--name is "${text}", expected a C name in lower case`,
      "for example --name gesture",
    )
  return text
}

/**
 * @throws WuxingError "usage"; "folder-exists" (kind "usage"); as networkNamed, checkRule and checkBoard
 */
export async function exportCode(
  out: string,
  options: CodeOptions,
  { output, endsAtOnce, signal }: Context,
): Promise<Outcome> {
  const { model: what, layout, board, name } = options
  endsAtOnce?.()
  if (options.nir !== undefined) return exportGraph(out, options.nir, options, output)
  if (what === undefined) throw usageError("--model is missing", "for example --model pico-16")
  refuseFolder(out, options.force)
  const { checkBoard, checkRule } = await import("../export/c/fits")
  const { exportC } = await import("../export/c/export-c")
  const { modelSource } = await import("../export/c/model-source")
  const { classNamesOf } = await import("../training/training")

  const model = await networkNamed(what, options)
  const { network } = model
  const outputs = network.layers.at(-1)!.neurons
  const classes = classNamesOf(model)
  if (options.format === "devicescript")
    return await exportModule(out, model, classes, options, { output, signal })
  checkRule(model)
  const learns = checkBoard(board, modelSource(model, name, classes))
  const samples = await samplesFor(model, options)
  const made = exportC(model, {
    ...{ layout, name, classes, samples: samples.list, predictsOnly: !learns },
  })
  writeFolder(out, made.files, options.force ?? false)

  const { predictBytes, learnBytes, flashBytes } = made.model
  output.field("network", network.name)
  sayUntrained(model, output)
  output.field("inputs", `${grouped(network.width)} bytes, ${counted(outputs, "class")}`)
  output.field("constants", `${grouped(flashBytes)} B of flash`)
  output.field("memory to predict", `${grouped(predictBytes)} B of RAM`)
  output.field(
    "memory to learn",
    learnBytes === 0
      ? "it cannot: its coefficients have four bits"
      : `${grouped(learnBytes)} B of RAM${learns ? "" : ", which the board lacks"}`,
  )
  if (made.model.signal)
    output.field("memory of its signal", `${grouped(made.model.signal.ramBytes)} B of RAM more`)
  output.field("samples", samples.about)
  output.field("written", `${out}, ${made.files.size} files`)
  return {
    document: {
      ...{ model: what, trained: model.training !== null, network: network.name },
      ...{ format: options.format, layout, name, out, files: [...made.files.keys()] },
      ...{ predictBytes, learnBytes, flashBytes, learns, samples: samples.list.length },
      signalBytes: made.model.signal?.ramBytes ?? 0,
    },
  }
}

/** Weights of a graph as C keeps them, if nothing is said. */
const WEIGHT_BITS = 8
const MOST_STEPS = 1024

/** A NIR graph of spiking neurons, whoever wrote it, as a C library. */
async function exportGraph(
  out: string,
  path: string,
  options: CodeOptions,
  output: Output,
): Promise<Outcome> {
  const { model, format, board, layout, name, steps, weightBits = WEIGHT_BITS } = options
  if (model !== undefined) throw usageError("--nir and --model are both given", "leave one out")
  if (format !== "c") throw usageError("--nir becomes C only", "add --format c")
  if (steps > MOST_STEPS)
    throw usageError(`--steps is ${steps}, for C at most ${MOST_STEPS}`, "for example --steps 128")
  if (board !== "any")
    throw new WuxingError({
      code: "export-too-large",
      kind: "capacity",
      message: "a graph of spiking neurons cannot run on an Arduino with an AVR processor",
      cause: "its matrices are read where they lie, which AVR cannot do",
      help: "use a board with a 32-bit processor, or a network of rings: --model",
    })
  refuseFolder(out, options.force)
  const { readModelBytes } = await import("../models/model-file")
  const { decodeNir } = await import("../nir/read-nir")
  const { spikePlanOf } = await import("../nir/spiking/plan")
  const { exportSpikingC } = await import("../export/c/export-spiking-c")
  const { networkOfSize } = await import("../nir/run-images")
  const { SpikePlan } = await import("../../src/spiking/spike-plan")

  const graph = await decodeNir(readModelBytes(path, "NIR file"), path)
  const { plan, vanished } = spikePlanOf(graph, path, { steps, weightBits })
  const inputs = plan.getAt(SpikePlan.Inputs, "u16")
  const outputs = plan.getAt(SpikePlan.Classes, "u16")
  const network = networkOfSize(path, inputs, outputs)
  const samples = await samplesFor(
    { network, coefficients: Buffer.alloc(0), training: null },
    options,
  )
  const made = exportSpikingC(plan, {
    ...{ layout, name, samples: samples.list },
    classes: Array.from({ length: outputs }, (_, i) => `${i}`),
  })
  writeFolder(out, made.files, options.force ?? false)

  const { predictBytes, learnBytes, flashBytes } = made.model
  if (vanished > 0)
    output.status(
      `${grouped(vanished)} weights became 0: they are small beside their neuron's largest`,
    )
  output.field("graph", path)
  output.field("inputs", `${grouped(inputs)} bytes, ${counted(outputs, "class")}, ${steps} steps`)
  output.field("constants", `${grouped(flashBytes)} B of flash`)
  output.field("memory to classify", `${grouped(predictBytes)} B of RAM`)
  output.field(
    "memory to learn",
    learnBytes > 0
      ? `${grouped(learnBytes)} B of RAM: its last layer`
      : "its last layer reads the inputs and cannot learn",
  )
  output.field("samples", samples.about)
  output.field("written", `${out}, ${made.files.size} files`)
  return {
    document: {
      ...{ nir: path, format, layout, name, out, files: [...made.files.keys()] },
      ...{ inputs, classes: outputs, steps, weightBits, vanished },
      ...{ predictBytes, learnBytes, flashBytes, samples: samples.list.length },
    },
  }
}

/** A board's heap also holds the program; its flash holds program and model. */
const HEAP_BYTES = 40_000

async function exportModule(
  out: string,
  model: Model,
  classes: string[],
  { model: what, format, name, force }: CodeOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  if (model.signal) await checkSignal(model, output, signal)
  const { modelModule } = await import("../export/devicescript/model-module")
  const { text, heapBytes } = modelModule(model, classes)
  if (heapBytes > HEAP_BYTES)
    throw new WuxingError({
      code: "export-too-large",
      kind: "capacity",
      message: `the network takes ${grouped(heapBytes)} B of a board's heap, of which a program has about ${grouped(HEAP_BYTES)}`,
      cause: "every link takes three bytes, every neuron and signal some more",
      help: "pico-32 and smaller networks fit; larger ones run on several boards (wuxing deploy)",
    })
  const files = new Map([[`${name}.ts`, text]])
  writeFolder(out, files, force ?? false)
  output.field("network", model.network.name)
  sayUntrained(model, output)
  if (model.signal) {
    const { kind, channels, rate } = model.signal.features
    output.field(
      "features",
      `${kind} of ${channels.join(", ")} at ${rate} Hz: Signal in the package`,
    )
  }
  output.field("heap", `${grouped(heapBytes)} B on the board`)
  output.field("written", `${out}/${name}.ts`)
  return {
    document: {
      ...{ model: what, trained: model.training !== null, network: model.network.name },
      ...{ format, name, out, files: [...files.keys()], heapBytes },
    },
  }
}

/** What is exported names by chance, if nobody has taught it. */
export function sayUntrained({ training }: Model, output: Output): void {
  if (training === null)
    output.field("training", "none: coefficients as drawn or given (wuxing train teaches)")
}

/** @throws WuxingError as checkStream and checkTurns */
async function checkSignal(model: Model, output: Output, signal?: AbortSignal): Promise<void> {
  const { checkStream } = await import("../models/sensor-image")
  const { buildFirmware } = await import("../hardware/firmware")
  const { checkTurns } = await import("../profile/sensor")
  checkStream(model.signal!.features)
  output.status("counting what its features take on a board")
  const { bytecode } = await buildFirmware({ demo: "sensor", quiet: true, signal })
  await checkTurns(model, bytecode)
}

/** @throws WuxingError "folder-exists" (kind "usage") if there is anything */
export function refuseFolder(
  path: string,
  force = false,
  help = "name another folder, or write into it with --force",
): void {
  if (force || !existsSync(path)) return
  try {
    if (readdirSync(path).length === 0) return
  } catch {
    // A file, or a folder that cannot be read.
  }
  throw new WuxingError({
    code: "folder-exists",
    kind: "usage",
    message: `${path} exists already`,
    cause: "an earlier run wrote it, or it is something else of yours",
    help,
  })
}

/** So many windows' random samples, where no recordings are given, at most. */
const RANDOM_SAMPLES = 64

/** As many of these as have room, one at least. */
function fitting(list: StoredSample[], room: number): StoredSample[] {
  let bytes = 0
  const some = list.filter(({ inputs, signal }) => {
    bytes += inputs.length + (signal?.length ?? 0)
    return bytes <= room
  })
  return some.length > 0 ? some.slice(0, MOST_SAMPLES) : list.slice(0, 1)
}

/** Test samples of the data, where the network takes them; else random ones. */
async function samplesFor(model: Model, { data: given, board }: CodeOptions) {
  const { network, signal } = model
  const room = board === "uno" || board === "nano" ? SMALL_SAMPLE_BYTES : MOST_SAMPLE_BYTES
  const outputs = network.layers.at(-1)!.neurons
  const { hash32 } = await import("../../src/base/random")
  if (signal && given !== undefined) {
    const { testWindows } = await import("../training/signal-data")
    const windows = await testWindows(given, model)
    // Of all classes: one of each before a second of any.
    const turn = windows.map((w, i) => windows.slice(0, i).filter(o => o.label === w.label).length)
    const order = windows.map((_, i) => i).sort((a, b) => turn[a] - turn[b] || a - b)
    const list = fitting(
      order.map(i => {
        const { features, label, signal: window } = windows[i]
        return { inputs: features, label, signal: window }
      }),
      room,
    )
    return { list, about: `${list.length} of ${given}'s test recordings` }
  }
  const count = Math.max(2, Math.min(MOST_SAMPLES, Math.floor(room / network.width)))
  if (signal) {
    const { hostFeatures } = await import("../signals/host-features")
    const { leastOf } = await import("../signals/plan")
    const { cut, channels } = signal.features
    const length =
      cut?.by === "window" ? cut.length : Math.max(leastOf(signal.features), RANDOM_SAMPLES)
    const list = Array.from({ length: count }, (_, i) => {
      const window = Buffer.alloc(2 * channels.length * length)
      for (let at = 0; at < window.length; at += 2)
        window.writeInt16LE((hash32(i + 1, at) & 0x3fff) - 0x2000, at)
      const inputs = hostFeatures(signal.features, window)!
      return { inputs, label: i % outputs, signal: window }
    })
    const some = fitting(list, room)
    return { list: some, about: `${some.length} random ones, as no --data is given` }
  }
  if (given !== undefined || network.width === 784) {
    const { readTrainingData, usualData } = await import("../training/training-data")
    const { checkImages, dataOf } = await import("../training/training")
    const { name, test } = await readTrainingData(given ?? usualData(model), network, {
      ...dataOf(model),
      testOnly: true,
    })
    checkImages(network, name, test)
    const list = Array.from({ length: Math.min(count, test.count) }, (_, i) => ({
      inputs: test.images.slice(i * network.width, (i + 1) * network.width),
      label: test.labels[i],
    }))
    return { list, about: `${list.length} of ${name}'s test samples` }
  }
  const list = Array.from({ length: count }, (_, i) => ({
    inputs: Uint8Array.from({ length: network.width }, (_, at) => hash32(i + 1, at) & 255),
    label: i % outputs,
  }))
  return { list, about: `${count} random ones, as no --data is given` }
}
