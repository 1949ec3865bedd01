/** `wuxing panel`: boards that name images on a front panel, and are taught from it. */

import type { Command } from "commander"
import { realClock } from "../base/clock"
import type { WuxingError } from "../base/errors"
import { grouped, percent } from "../base/numbers"
import { sha256 } from "../base/sha256"
import type { Fleet } from "../fleet/fleet"
import type { Answer, Desk } from "../panel/desk"
import type { Context, Outcome, Run } from "./command"
import { FORCE, outputFile } from "./options/output-file"
import { addLayoutOption, openDesk } from "./options/panel-option"
import { addShownOptions, type ShownOptions, shownModel } from "./options/shown-network"
import { integerOption, pathOption, secondsOption, usageError } from "./options/usage"

const ORDER_SALT = 0x706c
const MOST_IMAGES = 10_000

interface PanelCommandOptions extends ShownOptions {
  port?: string
  layout?: string
  wiring?: string | true
  force?: boolean
  images?: number
  interval: number
}

/** One image as it was shown. */
interface Showing {
  /** Its number among the test images. */
  image: number
  label: number
  said: number
  /** What it was taught as, what was said of it then, and how far that class then led and before. */
  taught: { as: number; said: number; lead: number; leadBefore: number }[]
  confirmed: boolean
}

export function addPanel(program: Command, run: Run): void {
  const command = addLayoutOption(
    program
      .command("panel")
      .description(
        "show what boards see on a Firmata board's LEDs, and teach them with its buttons",
      )
      .option("--port <port>", "serial port of the Firmata board", pathOption("--port")),
  )
    .option("--wiring [file]", "draw the layout's wiring as SVG, into a file or on stdout, and end")
    .option(...FORCE)
  addShownOptions(command)
    .option(
      "--images <n>",
      "end after so many images (default: at Ctrl-C)",
      integerOption("--images", 1, MOST_IMAGES),
    )
    .option(
      "--interval <s>",
      "seconds an image stays when no button is pressed",
      secondsOption("--interval", 0, 3600),
      3,
    )
    .action(run(panel))
}

async function panel(options: PanelCommandOptions, context: Context): Promise<Outcome> {
  if (options.wiring !== undefined) return await drawWiring(options, context)
  const { port, layout } = options
  if (port === undefined)
    throw usageError(
      "--port is missing: the serial port of the Firmata board",
      "for example --port /dev/ttyACM0; `wuxing panel --wiring` draws what to connect",
    )
  const { openFleet, printBoards } = await import("./fleet-run")
  const { findBoards } = await import("../hardware/location")
  const { readTrainingData } = await import("../training/training-data")
  const { checkpointOf } = await import("../fleet/checkpoint-of")
  const { checkImages, dataOf } = await import("../training/training")
  const { drawSamples } = await import("../data/samples")

  const model = await shownModel(options)
  const { network } = model
  const data = await readTrainingData(options.data, network, {
    ...{ ...dataOf(model), signal: context.signal },
  })
  for (const line of data.notes ?? []) context.output.status(line)
  checkImages(network, data.name, data.test)
  const { count, images, labels } = data.test
  const order = drawSamples(
    count,
    Math.min(count, options.images ?? count),
    options.seed,
    ORDER_SALT,
  )
  const imageAt = (i: number) => images.subarray(i * network.width, (i + 1) * network.width)

  // Ports that are not there are said before the time is spent on compiling.
  const boards = await findBoards(options.on)
  const desk = (await openDesk({ panel: port, layout }, network, context))!
  const fleet = await openFleet(
    {
      location: options.on,
      boards,
      network,
      goal: "learning",
      start: checkpointOf(model),
      watch: desk,
    },
    context,
  )
  const shown: Showing[] = []
  let stopped: WuxingError | undefined
  try {
    await printBoards(fleet, context.output)
    while (shown.length < (options.images ?? Number.POSITIVE_INFINITY)) {
      const image = order[shown.length % order.length]
      const showing: Showing = {
        image,
        label: labels[image],
        said: -1,
        taught: [],
        confirmed: false,
      }
      await show(fleet, desk, imageAt(image), showing, options.interval * 1000, context)
        // Also where Ctrl-C ends it: what it was taught counts.
        .finally(() => showing.said >= 0 && shown.push(showing))
    }
  } catch (error) {
    // Ctrl-C is how it ends where no number of images is given: what was taught is told all the same.
    if (!context.signal.aborted) throw error
    stopped = context.signal.reason
  } finally {
    await fleet.close()
  }
  const right = shown.filter(({ said, label }) => said === label).length
  const { output } = context
  output.field("images shown", grouped(shown.length))
  output.field("classified correctly", grouped(right))
  output.field("taught", grouped(fleet.taught.length))
  output.field("confirmed", grouped(desk.confirmed))
  return {
    document: {
      network: network.name,
      shown,
      right,
      taught: fleet.taught.length,
      confirmed: desk.confirmed,
      coefficientsHash: sha256(fleet.learnt.coefficients),
      recoveries: fleet.recoveries,
    },
    error: stopped,
  }
}

/** Shows one image until somebody says it is right or its time is over; teaches it when told to. */
async function show(
  fleet: Fleet,
  desk: Desk,
  image: Uint8Array,
  showing: Showing,
  intervalMs: number,
  { output, signal }: Context,
): Promise<void> {
  const name = async (): Promise<Answer> => {
    // Lessons that wait are learnt before.
    await fleet.classify(() => image, 1)
    return desk.answer!
  }
  let answer = await name()
  showing.said = answer.digit
  output.status(
    `image ${showing.image}: ${answer.digit} (${percent(answer.confidence)}), it is ${showing.label}`,
  )
  for (;;) {
    const touch = await nextTouch(desk, intervalMs, signal)
    if (touch === undefined) return
    if (touch === "right") {
      showing.confirmed = true
      return
    }
    const before = answer
    answer = await name()
    const as = fleet.taught[fleet.taught.length - 1].lesson.label
    const lead = leadOf(as, answer)
    const leadBefore = leadOf(as, before)
    showing.taught.push({ as, said: answer.digit, lead, leadBefore })
    output.status(
      `taught as ${as}: ${answer.digit} (${percent(answer.confidence)}), the lead of ${as} went from ${leadBefore.toFixed(3)} to ${lead.toFixed(3)}`,
    )
  }
}

/** What is pressed first; undefined when the time is over. */
async function nextTouch(
  desk: Desk,
  ms: number,
  signal: AbortSignal,
): Promise<"teach" | "right" | undefined> {
  signal.throwIfAborted()
  const over = new AbortController()
  try {
    return await Promise.race([
      realClock.sleep(ms, AbortSignal.any([signal, over.signal])).then(() => undefined),
      new Promise<"teach" | "right">(resolve => {
        desk.onTeach = () => resolve("teach")
        desk.onRight = () => resolve("right")
      }),
    ])
  } finally {
    over.abort()
    desk.onTeach = undefined
    desk.onRight = undefined
  }
}

/** How far the output of a class lies above the best other; of 1. */
function leadOf(label: number, { outputs, scale }: Answer): number {
  const others = Array.from(outputs).filter((_, i) => i !== label)
  return (outputs[label] - Math.max(...others)) / scale
}

async function drawWiring(
  { layout, wiring, force }: PanelCommandOptions,
  { output }: Context,
): Promise<Outcome> {
  const { DEFAULT_LAYOUT, readLayout } = await import("../panel/layout")
  const { drawLayout } = await import("../panel/wiring")
  const name = layout ?? DEFAULT_LAYOUT
  const svg = drawLayout(readLayout(name), name)
  if (typeof wiring !== "string") {
    output.print(svg.trimEnd())
    return { document: { layout: name, svg } }
  }
  outputFile(wiring, { code: "wiring-unwritten", what: "drawing" }, force).write(svg)
  output.status(`drawn: ${wiring}`)
  return { document: { layout: name, file: wiring } }
}
