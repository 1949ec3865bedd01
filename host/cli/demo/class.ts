/** `wuxing demo class`: a class of boards behind agents and a broker, in one command. */
import type { Command } from "commander"
import { grouped, percent } from "../../base/numbers"
import { type Dataset, readMnist } from "../../data/mnist"
import { drawSamples, SALTS } from "../../data/samples"
import type { BoardCount } from "../../hardware/counted-set"
import { hostsVerdict, mismatchOf } from "../../library/host-mismatch"
import type { FleetWatch } from "../../session/watch"
import type { Context, Outcome, Run } from "../command"
import {
  addDashboardOptions,
  checkDashboardOptions,
  type DashboardOptions,
  openDashboard,
} from "../options/dashboard-option"
import { integerOption, seedOption, usageError } from "../options/usage"
import { type Progress, startProgress } from "../terminal/progress"
import { addNamedDemo, demoAction, surroundings } from "./options"

/** Boards of a class at most: twice a large one. */
const MOST_CLASS = 64
const MOST_AGENTS = 8
const BOARDS = 32
const AGENTS = 4
const PROFILE = "pico"

interface ClassCommandOptions extends DashboardOptions {
  boards?: number
  agents?: number
  train?: number
  test?: number
  average?: number
  seed?: number
}

export function addDemoClass(demo: Command, run: Run): void {
  const description = "a class: 32 boards behind four agents and a broker learn side by side"
  const command = addNamedDemo(demo, "class", description)
    .option(
      "--boards <n>",
      `boards of the class, which compute by a Pico's time (default: ${BOARDS})`,
      integerOption("--boards", 1, MOST_CLASS),
    )
    .option(
      "--agents <n>",
      `agents that offer them (default: ${AGENTS})`,
      integerOption("--agents", 1, MOST_AGENTS),
    )
    .option("--train <n>", "training images (default: 3200)", integerOption("--train", 1, 60_000))
    .option("--test <n>", "test images (default: 320)", integerOption("--test", 1, 10_000))
    .option(
      "--average <n>",
      "samples each board learns between two averages (default: 20)",
      integerOption("--average", 1, 10_000),
    )
    .option("--seed <n>", "seed of the network and of the images drawn (default: 1)", seedOption)
  addDashboardOptions(command).action(demoAction(run, classDemo))
}

async function classDemo(options: ClassCommandOptions, context: Context): Promise<Outcome> {
  const { boards = BOARDS, agents = Math.min(AGENTS, boards), average = 20, seed = 1 } = options
  const { train = 100 * boards, test = 10 * boards } = options
  const { output, signal } = context
  checkDashboardOptions(options)
  // The option of `demo` stands with this one's, and takes no boards too, to refuse them itself.
  integerOption("--boards", 1, MOST_CLASS)(String(boards))
  if (agents > boards)
    throw usageError(
      `--agents ${agents} is more than --boards ${boards}: an agent without boards offers nothing`,
      "give at least a board for each agent",
    )
  const mnist = readMnist()
  const training = draw("--train", mnist.train, train, seed, SALTS.training)
  const testing = draw("--test", mnist.test, test, seed, SALTS.testing)
  const { openClassRoom } = await import("../../demos/class-room")
  const { runClass } = await import("../../demos/class")
  const { openLearners } = await import("../../training/board-learners")
  const { findBoards } = await import("../../hardware/location")
  const { pico16 } = await import("../../network/presets")
  const network = pico16(seed)
  const { status, log } = surroundings(context)
  output.print(
    "A class of boards behind agents and a broker learns one network: each board its own images, and what\nthey learnt is averaged again and again. Then each names its share of the test images. The host repeats\nboth: same bits.\n",
  )
  const viewOptions = {
    ...options,
    fixed: "This run is repeated on the host: nobody has a word in what it learns.",
  }
  const dashboard = await openDashboard(viewOptions, network, context)
  let progress: Progress | undefined
  const under = (title: string, total: number) => {
    progress?.stop()
    progress = startProgress(output, title, total)
  }
  let right = 0
  let learnt = 0
  const counting: FleetWatch = {
    learnt: (_, predicted, label) => {
      if (learnt === 0) under("learning", train)
      if (predicted === label) right++
      // Learnt again after a recovery, it is not counted twice.
      learnt = Math.min(train, learnt + 1)
      progress?.sample(learnt, right)
    },
  }
  const { allOf } = await import("../../session/watch")
  const { sideBySide, watchersOf } = await import("../../dashboard/side-by-side")
  const looking = dashboard && watchersOf(dashboard, boards)
  status(`starting ${boards} boards behind ${agents} agents`)
  const room = await openClassRoom(boards, agents, PROFILE, status).catch(async error => {
    await dashboard?.close()
    throw error
  })
  const closings = [() => room.stop(), () => dashboard?.close()]
  try {
    const found = await findBoards(room.location)
    const said = new Set<string>()
    const learners = await openLearners({
      ...{ network, location: room.location, boards: found, signal, log },
      // Each board's fleet says the same.
      status: text => {
        if (!said.has(text)) status(text)
        said.add(text)
      },
      watch: board => (looking ? allOf([counting, looking[board]]) : counting),
    })
    closings.unshift(async () => {
      await Promise.all(learners.map(learner => learner.close().catch(() => {})))
    })
    const fleets = learners.map(({ fleet }) => fleet)
    await dashboard?.attach(sideBySide(network, fleets))
    let title = ""
    const result = await runClass({
      ...{ network, learners, boards, mnist, training, testing, average, signal, status },
      counts: () => room.counts(),
      onAverage: (samples, coefficients) =>
        dashboard?.saved?.({ samples, coefficients, elements: Buffer.alloc(0) }),
      onProgress: (what, total, done, right) => {
        if (what !== title) under(what, total)
        title = what
        progress?.sample(done, right)
      },
    })
    progress?.stop()
    progress = undefined
    const { learning, naming, ...rest } = result
    const memoryBytes = process.memoryUsage.rss() + (await room.memoryBytes())
    let first = 0
    const tables = room.agents.map(({ name, boards: count }) => {
      const own = (counts: BoardCount[]) => sumOf(counts.slice(first, first + count))
      const row = { name, boards: count, learning: own(learning), naming: own(naming) }
      first += count
      return row
    })
    output.table(
      [
        "agent",
        "boards",
        "operations, learning",
        "computed (s)",
        "operations, naming",
        "computed (s)",
      ],
      tables.map(({ name, boards, learning, naming }) => [
        ...[name, boards, grouped(learning.operations), learning.busySeconds.toFixed(1)],
        ...[grouped(naming.operations), naming.busySeconds.toFixed(1)],
      ]),
    )
    output.field("accuracy before", percent(result.accuracyBefore))
    output.field("accuracy after", percent(result.accuracyAfter))
    const { samplesPerSecond, samplesPerSecondAlone, learningSeconds } = result
    output.field(
      "samples a second",
      `${samplesPerSecond.toFixed(1)} by what Picos compute, waiting left out; one alone ${samplesPerSecondAlone.toFixed(2)}`,
    )
    output.field("on this machine", `${(train / learningSeconds).toFixed(1)} a second`)
    if (result.recoveries > 0) output.field("recoveries", String(result.recoveries))
    output.field("coefficients", result.coefficientsHash)
    const verified = { ...result, hostMatches: result.hostMatches && result.namesMatch }
    output.field("host's own run", hostsVerdict(verified))
    return {
      document: {
        ...{ demo: "class", network: network.name, seed, boards, average, profile: PROFILE },
        ...{ agents: tables, memoryBytes, ...rest },
      },
      error: mismatchOf(verified, train),
    }
  } finally {
    progress?.stop()
    for (const close of closings) await close()
  }
}

function sumOf(counts: BoardCount[]): BoardCount {
  return {
    operations: counts.reduce((sum, { operations }) => sum + operations, 0),
    busySeconds: counts.reduce((sum, { busySeconds }) => sum + busySeconds, 0),
  }
}

function draw(flag: string, data: Dataset, take: number, seed: number, salt: number): number[] {
  if (take > data.count)
    throw usageError(
      `${flag} is ${take}, but the data has ${grouped(data.count)} such images`,
      `lower ${flag}`,
    )
  return drawSamples(data.count, take, seed, salt)
}
