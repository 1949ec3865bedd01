/** `wuxing demo gesture`: a board with an accelerometer is taught gestures and classifies them live. */
import type { Command } from "commander"
import { percent } from "../../base/numbers"
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

/** Seconds in which all gestures are made once, at the default pace. */
const MADE_S = 7

interface GestureCommandOptions extends OneBoardOptions {
  examples: number
  tries: number
  pace: number
  seed?: number
}

export function addDemoGesture(demo: Command, run: Run): void {
  const description = "a board with an accelerometer is taught gestures, then classifies them live"
  const command = addNamedDemo(demo, "gesture", description)
    .option(
      "--examples <n>",
      "examples of each gesture it is taught",
      integerOption("--examples", 1, 8),
      5,
    )
    .option(
      "--tries <n>",
      "times each is made afterwards, by each of two persons",
      integerOption("--tries", 1, 50),
      4,
    )
    .option(
      "--pace <ms>",
      "from reading to reading; 20 is the speed of a hand",
      integerOption("--pace", 1, 100),
      5,
    )
    .option("--seed <n>", "seed of the network and the persons (default: 1)", seedOption)
  addOneBoardOptions(command).action(demoAction(run, gesture))
}

async function gesture(options: GestureCommandOptions, context: Context): Promise<Outcome> {
  const { output } = context
  const { on: location = ONE_VIRTUAL_BOARD, examples, tries, pace: paceMs, seed = 1 } = options
  const { gestureCharts, runGesture } = await import("../../demos/gesture")
  const { GESTURES } = await import("../../demos/gestures")
  output.print(
    "A board reads an accelerometer. It has never seen the gestures it is to tell apart: it is shown each a\nfew times and told what it was, learns by itself, and keeps it in its flash.\n",
  )
  const result = await underBar(context, "gesture", 15 + MADE_S * (examples + 2 * tries), of =>
    runGesture({
      ...{ location, seed, examples, tries, paceMs },
      ...{ ...surroundings(context), ...of },
    }),
  )
  const { made, accuracy } = result
  output.field("board", `${result.board} (${result.profile})`)
  output.field("network", `${result.network}, as drawn by seed ${seed}`)
  output.field("taught", `${result.taught} examples, ${result.steps} learning steps on the board`)
  output.print("")
  const names = [...GESTURES, "unknown"]
  output.print("classified as (columns) what was made (rows):")
  output.table(
    ["", ...names],
    GESTURES.map(is => [
      is,
      ...names.map(named => made.filter(m => m.gesture === is && m.named === named).length),
    ]),
  )
  output.field("before", percent(result.before))
  output.field("the teacher's gestures", percent(accuracy.teacher))
  output.field("another person's", percent(accuracy.other))
  output.field("power off and on", `before the live part (${result.powerCut})`)
  output.field("coefficients", result.coefficientsHash)
  output.field(
    "host's own run",
    result.hostMatches ? "same windows, features and coefficients, bit for bit" : result.hostHash,
  )
  await drawCharts(options, gestureCharts(result), context)
  return {
    document: { demo: "gesture", seed, ...result },
    error: result.hostMatches
      ? undefined
      : hostMismatch(
          `the board (${result.board}) found or learnt something else than the host's core`,
          "it runs another program, or readings were lost on the way: give a longer --pace",
        ),
  }
}
