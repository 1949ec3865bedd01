/** `wuxing demo`: MNIST learnt on virtual boards, and the proof that the boards did it. */

import type { Command } from "commander"
import { realClock } from "../../base/clock"
import { grouped, percent } from "../../base/numbers"
import { sha256 } from "../../base/sha256"
import type { Dataset } from "../../data/mnist"
import { imageAt, readMnist } from "../../data/mnist"
import { drawSamples, SALTS } from "../../data/samples"
import type { FaultInjector } from "../../faults/injector"
import { type FaultRule, parseFaults } from "../../faults/spec"
import { isOpened, type Location, MOST_BOARDS } from "../../hardware/location"
import { hostsVerdict, mismatchOf } from "../../library/host-mismatch"
import type { Context, Outcome, Run } from "../command"
import {
  addDashboardOptions,
  checkDashboardOptions,
  type DashboardOptions,
} from "../options/dashboard-option"
import { addPanelOptions, checkPanelOptions, type PanelOptions } from "../options/panel-option"
import {
  folderOption,
  integerOption,
  onOption,
  PLACES,
  seedOption,
  usageError,
} from "../options/usage"
import { addDemoAdapt } from "./adapt"
import { addDemoAlone } from "./alone"
import { addDemoClass } from "./class"
import { addDemoFleet } from "./fleet"
import { addDemoGesture } from "./gesture"
import { addDemoMemory } from "./memory"
import { addDemoOscillator } from "./oscillator"

const DEFAULT_BOARDS = 2

export interface DemoOptions extends PanelOptions, DashboardOptions {
  boards?: number
  on?: Location
  train: number
  test: number
  seed: number
  data?: string
  faults?: FaultRule[]
}

export function addDemo(program: Command, run: Run): void {
  const command = program
    .command("demo")
    .description("train a network on boards with MNIST, test it, compare with the host")
    .option(
      "--boards <n>",
      `virtual boards to share the network over (default: ${DEFAULT_BOARDS})`,
      integerOption("--boards", 0, 999),
    )
    .option("--on <where>", `where the boards are: ${PLACES}`, onOption())
    .option("--train <n>", "training images", integerOption("--train", 1, 60_000), 2000)
    .option("--test <n>", "test images", integerOption("--test", 1, 10_000), 500)
    .option(
      "--seed <n>",
      "seed of the links, the coefficients, the rounding and the images drawn",
      seedOption,
      1,
    )
    .option(
      "--data <dir>",
      "folder of the four MNIST files (default: $WUXING_MNIST, else the npm package's)",
      folderOption("--data"),
    )
    .option(
      "--faults <spec>",
      "faults on the way to the boards, by --seed: drop@0.5%,reset@1.out.image#7",
      text => parseFaults(text),
    )
  addPanelOptions(command)
  addDashboardOptions(command).action(run(demo))
  addDemoAdapt(command, run)
  addDemoMemory(command, run)
  addDemoOscillator(command, run)
  addDemoAlone(command, run)
  addDemoFleet(command, run)
  addDemoClass(command, run)
  addDemoGesture(command, run)
}

async function demo(options: DemoOptions, { output, signal }: Context): Promise<Outcome> {
  const location = placeOf(options)
  checkPanelOptions(options, location)
  checkDashboardOptions(options)
  if (isOpened(location) && options.faults?.some(({ kind }) => kind === "kill"))
    throw usageError(
      "--faults has a kill, which takes a board's power away, and --on names ports",
      "use unplug or reset, or virtual boards",
    )
  const mnist = readMnist(options.data)
  // Both splits are read, and the draws made, before any board is started: bad data fails at once.
  const training = draw("--train", mnist.train, options.train, options.seed, SALTS.training)
  const testing = draw("--test", mnist.test, options.test, options.seed, SALTS.testing)

  const { openFleet, printBoards, printEmulatedTime, startFleetProgress } = await import(
    "../fleet-run"
  )
  const { verifyOnHost } = await import("../../library/verify-on-host")
  const { pico16 } = await import("../../network/presets")
  const { FaultInjector } = await import("../../faults/injector")
  const network = pico16(options.seed)
  const faults =
    options.faults &&
    new FaultInjector(options.faults, options.seed, ({ rule, frame }) =>
      output.log(`fault: ${rule.kind} at ${frame}`),
    )

  const fleet = await openFleet(
    { location, network, goal: "learning", faults, watchers: options },
    { output, signal },
  )
  try {
    const shares = await printBoards(fleet, output)
    const withProgress = async <Result>(
      title: string,
      total: number,
      work: (onSample: (done: number, correct: number) => void) => Promise<Result>,
    ): Promise<Result> => {
      const progress = startFleetProgress(output, title, total, fleet)
      try {
        return await work((done, correct) => progress.sample(done, correct))
      } finally {
        progress.stop()
      }
    }
    const evaluate = (title: string) =>
      withProgress(title, testing.length, onSample => fleet.evaluate(mnist.test, testing, onSample))
    const before = await evaluate("testing before")
    output.field("accuracy before", shareOf(before))

    const busyBefore = await fleet.busySeconds()
    const asideBefore = fleet.heldMs + fleet.keepingMs
    const start = realClock.now()
    await withProgress("training", training.length, onSample =>
      fleet.train(mnist.train, training, onSample),
    )
    // Not what somebody held the run for, nor the copies that were read back meanwhile.
    const ms = realClock.now() - start - (fleet.heldMs + fleet.keepingMs - asideBefore)
    const samplesPerSecond = training.length / (ms / 1000)
    const busyAfter = await fleet.busySeconds()

    const after = await evaluate("testing after")
    output.field("accuracy after", shareOf(after))
    output.field("samples a second", `${samplesPerSecond.toFixed(1)} (training)`)
    const emulated = printEmulatedTime(output, training.length, busyBefore, busyAfter)

    const coefficients = await fleet.coefficients()
    output.field("coefficients", sha256(coefficients))
    if (fleet.recoveries > 0)
      output.field("recoveries", `${fleet.recoveries} (boards that stopped and were started again)`)

    if (faults) output.field("faults", totalsOf(faults))

    output.status("repeating the run on the host")
    const { train } = mnist
    const verified = await verifyOnHost(coefficients, {
      network,
      lessons: i => ({ image: imageAt(train, training[i]), label: train.labels[training[i]] }),
      count: training.length,
      interventions: fleet.interventions,
      signal,
    })
    output.field("host's own run", hostsVerdict(verified))

    return {
      document: {
        network,
        seed: options.seed,
        boards: shares,
        trained: training.length,
        tested: after.tested,
        accuracyBefore: before.correct / before.tested,
        accuracyAfter: after.correct / after.tested,
        samplesPerSecond,
        ...(emulated && { emulated }),
        ...verified,
        recoveries: fleet.recoveries,
        ...((options.panel ?? options.dashboard) !== undefined && { taught: fleet.taught.length }),
        ...(faults && { faults: faults.totals }),
      },
      error: mismatchOf(verified, training.length),
    }
  } finally {
    await fleet.close()
  }
}

/** "3 drop, 1 kill" */
function totalsOf(faults: FaultInjector): string {
  const totals = Object.entries(faults.totals).map(([kind, n]) => `${grouped(n)} ${kind}`)
  return totals.join(", ") || "none"
}

function placeOf({ boards, on }: DemoOptions): Location {
  // A class has more, and its option stands with this one's.
  if (boards !== undefined) integerOption("--boards", 1, MOST_BOARDS)(String(boards))
  if (boards === undefined) return on ?? { kind: "sim", boards: DEFAULT_BOARDS }
  if (on?.kind === "serial" || on?.kind === "mqtt")
    throw usageError(
      "--boards is the number of virtual boards, and --on names boards that are there",
      "leave --boards out: every board found is used",
    )
  if (on && boards !== on.boards)
    throw usageError(
      `--boards ${boards} and --on ${on.kind}:${on.boards} disagree about the number of boards`,
      "give one of the two",
    )
  return { kind: on?.kind ?? "sim", boards }
}

function draw(flag: string, data: Dataset, take: number, seed: number, salt: number): number[] {
  if (take > data.count)
    throw usageError(
      `${flag} is ${take}, but the data has ${grouped(data.count)} such images`,
      `lower ${flag}, or name a larger data set (--data DIR)`,
    )
  return drawSamples(data.count, take, seed, salt)
}

function shareOf({ correct, tested }: { correct: number; tested: number }): string {
  return `${percent(correct / tested)} (${grouped(correct)} of ${grouped(tested)})`
}
