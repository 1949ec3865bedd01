/** `wuxing demo oscillator`: a neuron that blinks by itself. */
import type { Command } from "commander"
import { percent } from "../../base/numbers"
import type { Context, Outcome, Run } from "../command"
import {
  addPanelOptions,
  checkPanelOptions,
  openPanel,
  type PanelOptions,
} from "../options/panel-option"
import { integerOption } from "../options/usage"
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

/** A step each 3 ms, too fast for a Pico. */
const MOST_SPEED = 8

interface OscillatorCommandOptions extends OneBoardOptions, PanelOptions {
  speed: number
}

export function addDemoOscillator(demo: Command, run: Run): void {
  const description = "one neuron on a board, tuned past its threshold, blinks the board's LED"
  const command = addNamedDemo(demo, "oscillator", description).option(
    "--speed <n>",
    "times as fast as 0.7 blinks a second; a Pico keeps up to 2",
    integerOption("--speed", 1, MOST_SPEED),
    1,
  )
  addPanelOptions(addOneBoardOptions(command)).action(demoAction(run, oscillator))
}

async function oscillator(options: OscillatorCommandOptions, context: Context): Promise<Outcome> {
  const { output } = context
  const { on: location = ONE_VIRTUAL_BOARD, speed } = options
  checkPanelOptions(options, location)
  const { runOscillator, oscillatorCharts, oscillatorSeconds } = await import(
    "../../demos/oscillator"
  )
  output.print(
    "One neuron runs on a board in real time; the board's LED is lit while its element J is above its mean.\nPast the threshold r = (K1 - K2)/K1 = 0.854 it swings, and blinks, by itself; an input quiets it.\n",
  )
  const panel = await openPanel(options, 10, context)
  const result = await underBar(context, "oscillator", 10 + oscillatorSeconds(speed), of =>
    runOscillator({
      ...{ location, speed, ...surroundings(context), ...of },
      onLight: lit => panel?.showBoard(0, lit ? "running" : undefined),
    }),
  ).finally(() => panel?.close())
  const { below, past, full, quieted, again } = result
  const off = (a: number, b: number) => `${a > b ? "+" : ""}${percent(a / b - 1)}`
  output.field("board", `${result.board} (${result.profile})`)
  output.field("threshold", `r = ${result.threshold.toFixed(3)} (linear theory)`)
  output.field(
    `pushed at r = ${below.r}`,
    `${below.blinks} blinks, then ${below.dark ? "dark" : "still blinking"}`,
  )
  output.print("")
  output.field(`pushed at r = ${past.r}`, `${past.cycles} cycles while the swing is small`)
  output.field(
    "period",
    `${past.period.toFixed(3)} time units; linear theory ${past.theoryPeriod.toFixed(3)} (${off(past.period, past.theoryPeriod)})`,
  )
  output.field(
    "blinks a second",
    `${past.ledHertz.toFixed(3)} by the host's clock; linear theory ${past.theoryHertz.toFixed(3)} (${off(past.ledHertz, past.theoryHertz)})`,
  )
  output.field(
    "growth",
    `${past.growth.toFixed(4)} a time unit; linear theory ${past.theoryGrowth.toFixed(4)}`,
  )
  output.print("")
  output.field(
    "full swing",
    `period ${full.period.toFixed(2)} (${off(full.period, past.theoryPeriod)}), ${full.ledHertz.toFixed(3)} blinks a second, amplitude ${full.amplitude.toFixed(2)}`,
  )
  output.field(
    `input of ${quieted.input} on J`,
    quieted.dark ? `dark after ${quieted.units.toFixed(0)} time units` : "still blinking",
  )
  output.field("input taken away", `${again.blinks} blinks, by itself`)
  await drawCharts(options, oscillatorCharts(result), context)
  return { document: { demo: "oscillator", ...result } }
}
