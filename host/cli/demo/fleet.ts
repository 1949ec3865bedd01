/** `wuxing demo fleet`: four boards learn together, and one of them is unplugged half-way. */
import type { Command } from "commander"
import { percent } from "../../base/numbers"
import { readMnist } from "../../data/mnist"
import { drawSamples, SALTS } from "../../data/samples"
import type { Location } from "../../hardware/location"
import { hostsVerdict, mismatchOf } from "../../library/host-mismatch"
import type { Context, Outcome, Run } from "../command"
import { integerOption, onOption, seedOption, usageError } from "../options/usage"
import {
  addNamedDemo,
  addSvgOption,
  demoAction,
  drawCharts,
  lasting,
  surroundings,
} from "./options"

const BOARDS = 4
/** Seconds of an image on two cores. */
const LEARNT_S = 0.05
const CLASSIFIED_S = 0.03

interface FleetCommandOptions {
  on?: Location
  train?: number
  test?: number
  seed?: number
  svg?: string
  force?: boolean
}

export function addDemoFleet(demo: Command, run: Run): void {
  const description = "fleet-64 on four boards, one of which is unplugged half-way"
  const command = addNamedDemo(demo, "fleet", description)
    .option(
      "--on <where>",
      "where the boards are: sim:4 for virtual ones, serial:PORT,PORT,… for real ones (default: sim:4)",
      onOption(),
    )
    .option("--train <n>", "training images (default: 300)", integerOption("--train", 1, 60_000))
    .option("--test <n>", "test images (default: 200)", integerOption("--test", 1, 10_000))
    .option("--seed <n>", "seed of the network and of the images drawn (default: 1)", seedOption)
  addSvgOption(command).action(demoAction(run, fleetDemo))
}

async function fleetDemo(options: FleetCommandOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  const {
    on: location = { kind: "sim", boards: BOARDS },
    train = 300,
    test = 200,
    seed = 1,
  } = options
  if (location.kind === "emu")
    throw usageError("emulated Picos have no cable to pull", "for example --on sim:4")
  if (train < 60)
    throw usageError(
      `--train is ${train}, too few for a cable to be pulled half-way`,
      "for example --train 300",
    )
  const mnist = readMnist()
  const training = drawSamples(mnist.train.count, train, seed, SALTS.training)
  const testing = drawSamples(mnist.test.count, test, seed, SALTS.testing)
  const { openFleet, printBoards, startFleetParts } = await import("../fleet-run")
  const { CHECKPOINT_SAMPLES, fleetChart, runFleetDemo, Unplugger } = await import(
    "../../demos/fleet"
  )
  const { fleet64 } = await import("../../network/presets")
  const network = fleet64(seed)
  output.print(
    "A network that no board could hold alone learns on several. Half-way the cable of one is pulled; the\nothers wait for it, and all go on from what the host kept. The host repeats the run: same bits.\n",
  )
  output.status(lasting(10 + train * LEARNT_S + 2 * test * CLASSIFIED_S))
  const { attended, status } = surroundings(context)
  const byHand = location.kind === "serial" && attended
  const unplugger = byHand ? undefined : new Unplugger()
  const checkpointSamples = CHECKPOINT_SAMPLES
  const fleet = await openFleet(
    { location, network, goal: "learning", wrap: unplugger?.wrap, checkpointSamples },
    context,
  )
  const progress = startFleetParts(output, fleet)
  try {
    const shares = await printBoards(fleet, output)
    const result = await runFleetDemo({
      ...{ fleet, network, mnist, training, testing, unplugger, signal, status },
      onSample: (what, done, right) =>
        progress.sample(what, what === "training" ? train : test, done, right),
    })
    progress.stop()
    const { unplugged } = result
    output.field("accuracy before", percent(result.accuracyBefore))
    output.field("accuracy after", percent(result.accuracyAfter))
    output.field(
      "unplugged",
      unplugged.by === "nobody"
        ? "nobody pulled a cable"
        : `board ${unplugged.board} after sample ${unplugged.sample} of ${train}`,
    )
    output.field("started again", `${result.recoveries} time${result.recoveries === 1 ? "" : "s"}`)
    output.field("samples a second", result.samplesPerSecond.toFixed(1))
    output.field("coefficients", result.coefficientsHash)
    output.field("host's own run", hostsVerdict(result))
    await drawCharts(options, [fleetChart(result)], context)
    return {
      document: { demo: "fleet", network: network.name, seed, boards: shares, ...result },
      error: mismatchOf(result, train),
    }
  } finally {
    progress.stop()
    await fleet.close()
  }
}
