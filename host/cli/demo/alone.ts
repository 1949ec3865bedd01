/** `wuxing demo alone`: a board that names and learns images without a host. */
import type { Command } from "commander"
import { hostMismatch } from "../../library/host-mismatch"
import type { Context, Outcome, Run } from "../command"
import { integerOption, seedOption } from "../options/usage"
import {
  addNamedDemo,
  addOneBoardOptions,
  demoAction,
  drawCharts,
  ONE_VIRTUAL_BOARD,
  type OneBoardOptions,
  surroundings,
  underBar,
} from "./options"

/** Flashes that naming an image three times takes, with what lies between, by a run of the defaults. */
const NAMED_IN_PACES = 70

interface AloneCommandOptions extends OneBoardOptions {
  images: number
  pace: number
  seed?: number
}

export function addDemoAlone(demo: Command, run: Run): void {
  const description = "a board names its images by its LED and learns from a button, without a host"
  const command = addNamedDemo(demo, "alone", description)
    .option("--images <n>", "images it keeps", integerOption("--images", 1, 8), 8)
    .option("--pace <ms>", "milliseconds of a flash", integerOption("--pace", 20, 2000), 150)
    .option("--seed <n>", "seed of the test images drawn (default: 1)", seedOption)
  addOneBoardOptions(command).action(demoAction(run, alone))
}

async function alone(options: AloneCommandOptions, context: Context): Promise<Outcome> {
  const { output } = context
  const { on: location = ONE_VIRTUAL_BOARD, images: count, pace: paceMs, seed = 1 } = options
  const { readMnist } = await import("../../data/mnist")
  const { drawSamples, SALTS } = await import("../../data/samples")
  const { aloneChart, runAlone } = await import("../../demos/alone")
  const { test } = readMnist()
  const from = drawSamples(test.count, Math.min(test.count, 1000), seed, SALTS.testing)
  output.print(
    "A board keeps a network, a few images and what it learns in its flash. It names the images by flashes\nof its LED, again and again; presses of a button say what an image is, and it learns that.\n",
  )
  const seconds = 15 + count * NAMED_IN_PACES * (paceMs / 1000)
  const result = await underBar(context, "alone", seconds, of =>
    runAlone({
      ...{ location, data: test, from, images: count, paceMs },
      ...{ ...surroundings(context), ...of },
    }),
  )
  output.field("board", `${result.board} (${result.profile})`)
  output.field(
    "network",
    `${result.network}, ${result.coefficientBytes} B of coefficients in two slots`,
  )
  output.print("")
  output.table(
    ["image", "is", "named", "button", "then named", "after power off and on"],
    result.images.map(i => [
      `test image ${i.image}`,
      `${i.label}`,
      `${i.before}`,
      i.taught ? `${i.label === 0 ? 10 : i.label} presses` : "",
      `${i.afterLessons}`,
      `${i.afterPower}`,
    ]),
    [0, 1, 2, 4, 5],
  )
  output.field("learning steps", `${result.steps}`)
  output.field("kept in flash", `${result.generation} times`)
  output.field("power off and on", `twice (${result.powerCut})`)
  output.field("coefficients", result.coefficientsHash)
  output.field(
    "host's own run",
    result.hostMatches ? "same coefficients, bit for bit" : result.hostHash,
  )
  await drawCharts(options, [aloneChart(result)], context)
  return {
    document: { demo: "alone", seed, ...result },
    error: result.hostMatches
      ? undefined
      : hostMismatch(
          `the board (${result.board}) learnt something else than the host's core`,
          "it runs another program, or a press of the button was lost",
        ),
  }
}
