/** `wuxing predict`: what a network takes pictures for. */
import type { Command } from "commander"
import { WuxingError } from "../base/errors"
import { percent } from "../base/numbers"
import type { Scaling } from "../data/scale"
import type { Location } from "../hardware/location"
import type { Model } from "../models/model-file"
import type { SignalDescription } from "../signals/description"
import type { Context, Outcome, Run } from "./command"
import { addNetworkOptions, type NetworkOptions, networkNamed } from "./options/network-option"
import { choiceOption, NETWORKS, onOption, PLACES } from "./options/usage"

const DEFAULT_MODEL = "pico-16"
/** A wider image leaves no room beside it. */
const MOST_COLUMNS = 60

interface PredictOptions extends NetworkOptions {
  model: string
  on?: Location
  scaling?: Scaling
}

export function addPredict(program: Command, run: Run): void {
  const command = program
    .command("predict <file...>")
    .description(
      "classify images (PNG or PGM, of any size), recordings (CSV, WAV, JSON) or rows of a table (CSV)",
    )
    .option("--model <network>", NETWORKS, DEFAULT_MODEL)
    .option("--on <where>", `ask boards: ${PLACES}`, onOption())
    .option(
      "--scaling <how>",
      "mass: what is drawn is cut out and centred, as MNIST was made; box: the whole picture (default: as the network was taught)",
      choiceOption("--scaling", ["mass", "box"]),
    )
  addNetworkOptions(command).action((files: string[], options: PredictOptions) =>
    run<PredictOptions>((given, context) => predict(files, given, context))(options),
  )
}

interface Answer {
  outputs: Int16Array
  shares: number[]
  best: number
}

async function predict(
  files: string[],
  options: PredictOptions,
  context: Context,
): Promise<Outcome> {
  const { output } = context
  if (options.on === undefined) context.endsAtOnce?.()
  const { classesOf, dataOf } = await import("../training/training")
  const { pictureInput } = await import("../training/picture-input")
  const { unlikeIn } = await import("../data/likeness")
  const { scalingFor } = await import("../data/picture")
  const { sharesOf } = await import("../network/confidence")

  const model = await networkNamed(options.model, options)
  if (model.training === null)
    output.status(`note: ${options.model} was never trained, so its answers mean nothing`)
  const { network } = model
  const scaling = options.scaling ?? scalingFor(model.training?.data)
  // All of them before any board is started: a picture that cannot be read ends the run at once.
  const { record } = dataOf(model)
  const rows = model.signal ? undefined : await rowsAt(files, options.model, model, context)
  const input =
    model.signal || rows
      ? undefined
      : pictureInput(options.model, model, options.scaling !== undefined)
  const images =
    rows?.map(({ inputs }) => inputs) ??
    (input === undefined
      ? await windowsOf(files, model.signal!, context)
      : await picturesOf(files, input.frame, scaling))
  const paths = rows?.map(({ name }) => name) ?? files
  const what = model.signal ? "recording" : record?.kind === "table" ? "row" : "image"
  const all = options.on
    ? await outputsOnBoards(options.on, model, images, context)
    : await outputsOnHost(model, images)
  const names = classesOf(model) ?? []
  const nameOf = (i: number) => names[i] ?? String(i)
  const gain = model.training?.settings?.softmaxGain
  const answers = all.map((outputs): Answer => {
    const shares = sharesOf(outputs, network, typeof gain === "number" ? gain : undefined)
    return { outputs, shares, best: outputs.indexOf(Math.max(...outputs)) }
  })

  for (const [i, image] of input ? images.entries() : [])
    if (image.every(pixel => pixel === 0)) output.status(`note: nothing is drawn in ${paths[i]}`)
  const unlike = images.map(
    image => input?.likeness && unlikeIn(image, input.frame.width, input.likeness),
  )
  for (const [i, how] of unlike.entries())
    if (how !== undefined)
      output.status(
        `note: ${paths[i]} is unlike all but a few of the pictures learnt from (${how}): its answer means little`,
      )
  if (output.stdout.isTTY && input) await printPictures(output, images, input.frame.width)
  output.table(
    [what, "class", "share", "next", "share"],
    answers.map(({ shares, best }, i) => {
      const next = second(shares, best)
      return [paths[i], nameOf(best), percent(shares[best]), nameOf(next), percent(shares[next])]
    }),
  )
  if (answers.length === 1) {
    const { outputs, shares } = answers[0]
    output.table(
      ["class", "output", "share"],
      [...shares.keys()].map(o => [
        nameOf(o),
        (outputs[o] / 2 ** network.signalBits).toFixed(3),
        percent(shares[o]),
      ]),
    )
  }
  return {
    document: {
      model: options.model,
      network: network.name,
      engine: options.on ? "boards" : "host",
      scaling,
      images: answers.map(({ outputs, shares, best }, i) => ({
        image: paths[i],
        ...(unlike[i] !== undefined && { unlike: unlike[i] }),
        class: nameOf(best),
        share: shares[best],
        classes: shares.map((share, o) => ({
          class: nameOf(o),
          output: outputs[o] / 2 ** network.signalBits,
          share,
        })),
      })),
    },
  }
}

async function picturesOf(
  paths: string[],
  frame: { width: number; height: number },
  scaling: Scaling,
): Promise<Uint8Array[]> {
  const { picturePixels } = await import("../data/picture")
  return paths.map(path => picturePixels(path, frame, scaling))
}

/** Rows that may be named at once: a board takes a second for a dozen. */
const MOST_ROWS = 10_000

/**
 * Rows of tables, where the network has learnt from one and tables are what is named.
 *
 * @throws WuxingError "predict-table" (kind "data") for a table where it has learnt from none; as rowsOf
 */
async function rowsAt(
  paths: string[],
  name: string,
  model: Model,
  { output, signal }: Context,
): Promise<{ name: string; inputs: Uint8Array }[] | undefined> {
  const { isTableFile, rowsOf } = await import("../data/table-source")
  const { dataOf } = await import("../training/training")
  const tables = paths.filter(isTableFile)
  if (tables.length === 0) return undefined
  const { record, classes } = dataOf(model)
  if (!record?.range || tables.length < paths.length)
    throw new WuxingError({
      code: "predict-table",
      kind: "data",
      message: record?.range
        ? `${paths.find(path => !isTableFile(path))} is no table, as ${tables[0]} is`
        : `${tables[0]} is a table, and ${name} has learnt from none`,
      cause: record?.range
        ? "what is named at once is of one kind"
        : "a table's values become a network's input by the range that it has learnt",
      help: record?.range
        ? "name them one after the other"
        : "name a model that `wuxing train` made of a table; for a network of pictures a PNG or PGM",
    })
  const options = {
    ...{ width: model.network.width, outputs: model.network.layers.at(-1)!.neurons },
    ...{ classes, label: record.label, signal },
  }
  const all: { name: string; inputs: Uint8Array }[] = []
  for (const path of tables) {
    const { rows, beyond } = await rowsOf(path, options, record.range, MOST_ROWS)
    if (beyond > 0.01)
      output.status(
        `note: ${percent(beyond)} of the values of ${path} lie beyond what the network has learnt, and are clamped`,
      )
    for (const [i, inputs] of rows.entries())
      all.push({ name: rows.length === 1 ? path : `${path}:${i + 1}`, inputs })
  }
  return all
}

/** Features of recordings, each file's first one, taken whole or their first window. */
async function windowsOf(
  paths: string[],
  description: SignalDescription,
  { output, signal }: Context,
): Promise<Uint8Array[]> {
  const { featuresOfFile } = await import("../training/signal-data")
  const all: Uint8Array[] = []
  for (const path of paths)
    all.push(await featuresOfFile(path, description, note => output.status(note), signal))
  return all
}

function second(shares: number[], best: number): number {
  let next = best === 0 ? Math.min(1, shares.length - 1) : 0
  for (const [i, share] of shares.entries()) if (i !== best && share > shares[next]) next = i
  return next
}

async function outputsOnHost(model: Model, images: Uint8Array[]): Promise<Int16Array[]> {
  const { runnerOf } = await import("../models/run-model")
  return images.map(runnerOf(model))
}

async function outputsOnBoards(
  location: Location,
  model: Model,
  images: Uint8Array[],
  context: Context,
): Promise<Int16Array[]> {
  const { openFleet, printBoards } = await import("./fleet-run")
  const { checkpointOf } = await import("../fleet/checkpoint-of")
  const start = checkpointOf(model)
  const fleet = await openFleet(
    { location, network: model.network, goal: "naming", start },
    context,
  )
  try {
    await printBoards(fleet, context.output)
    const all: Int16Array[] = []
    await fleet.classify(
      i => images[i],
      images.length,
      (done, _, outputs) => {
        all[done - 1] = outputs.slice()
      },
    )
    return all
  } finally {
    await fleet.close()
  }
}

/** What the network sees, side by side as far as they fit. */
async function printPictures(
  output: Context["output"],
  images: Uint8Array[],
  width: number,
): Promise<void> {
  const { shaded } = await import("./terminal/pixels")
  if (width > MOST_COLUMNS) return
  const beside = Math.max(1, Math.floor((output.stdout.columns ?? 80) / (width + 1)))
  for (let from = 0; from < images.length; from += beside) {
    const blocks = images.slice(from, from + beside).map(image => shaded(image, width))
    for (const y of blocks[0].keys()) output.print(blocks.map(block => block[y]).join(" "))
  }
}
