/**
 * How many times as fast as one board several learn and name, where they share the network and where
 * they share the samples: boards whose own clocks say how long it took (hardware/counted-set.ts).
 */
import { type Dataset, imageAt } from "../data/mnist"
import { Fleet } from "../fleet/fleet"
import { readBoardProfile } from "../hardware/board-profile"
import { CountedBoards } from "../hardware/counted-boards"
import { CountedPicos } from "../hardware/emulator/counted-picos"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { type Goal, type Plan, planNetwork, setAsideFor } from "../partition/plan"
import { AveragedEngine } from "../training/averaged-engine"
import { type BoardLearner, learnersOn } from "../training/board-learners"

export type Share = "network" | "samples"

/** What so many boards make of a network. */
export interface ShareRow {
  network: string
  share: Share
  boards: number
  /** Id of their profile. */
  board: string
  /** Why these boards cannot do it; then there are no rates. */
  unfit?: string
  /** Samples learnt a second, averaging included; images named a second, many under way at once. */
  learnPerSecond?: number
  inferPerSecond?: number
  /** Over one board's of the same kind. Absent where the network does not fit one. */
  learnSpeedup?: number
  inferSpeedup?: number
}

export interface ShareBenchOptions {
  share: Share
  boards: number[]
  /** Id of the boards' profile. */
  board: string
  /** Samples each board learns between two averages, and averages counted. */
  average: number
  rounds: number
  /** Images named by each board. */
  named: number
  /** The program that sets aside so many bytes, or the usual. */
  program: (shardBytes?: number) => Promise<Uint8Array>
  signal?: AbortSignal
  onStep?: (what: string) => void
}

/** @param network as it is trained: every sample teaches where its error is by softmax */
export async function benchShares(
  network: Network,
  data: Dataset,
  options: ShareBenchOptions,
): Promise<ShareRow[]> {
  const { share, boards } = options
  const rows: ShareRow[] = []
  const one = await row(network, 1, data, { ...options, share: "network" })
  for (const count of boards) {
    options.signal?.throwIfAborted()
    options.onStep?.(`${network.name} on ${count === 1 ? "1 board" : `${count} boards`}`)
    const own = count === 1 ? { ...one, share } : await row(network, count, data, options)
    const { learnPerSecond: learn, inferPerSecond: infer } = own
    rows.push({
      ...own,
      ...(learn && one.learnPerSecond && { learnSpeedup: learn / one.learnPerSecond }),
      ...(infer && one.inferPerSecond && { inferSpeedup: infer / one.inferPerSecond }),
    })
  }
  return rows
}

async function row(
  network: Network,
  count: number,
  data: Dataset,
  options: ShareBenchOptions,
): Promise<ShareRow> {
  const { share, board } = options
  const profile = readBoardProfile(board)
  const planned = (boards: number, goal: Goal) =>
    planNetwork(
      network,
      Array.from({ length: boards }, (_, i) => ({ id: `board ${i}`, profile })),
      goal,
    )
  const found = { network: network.name, share, boards: count, board }
  const whole = share === "samples"
  const naming = planned(whole ? 1 : count, "naming")
  const learning = whole ? naming : planned(count, "learning")
  const unfit = [naming, learning].find(plan => !plan.feasible)
  if (unfit) return { ...found, unfit: unfit.reason ?? "it does not fit" }
  const idle = [naming, learning].some(({ boards }) => boards.some(b => b.slices.length === 0))
  if (idle) return { ...found, unfit: "some of the boards would have nothing to do" }
  if (whole) return { ...found, ...(await beside(network, count, naming, data, options)) }
  return {
    ...found,
    learnPerSecond: await learnTogether(network, learning, data, options),
    inferPerSecond: await nameTogether(network, naming, data, options),
  }
}

/** Boards of which each holds the whole network. */
async function beside(
  network: Network,
  count: number,
  plan: Plan,
  data: Dataset,
  options: ShareBenchOptions,
): Promise<Pick<ShareRow, "learnPerSecond" | "inferPerSecond">> {
  const { average, rounds, named, signal } = options
  const { boards, bytecode } = await opened(count, plan, options)
  const learners = await learnersOn(boards, { network, bytecode, signal })
  const engine = new AveragedEngine(network, learners, {
    ...{ replicas: count, average },
    start: new HostNetwork(network).coefficients(),
  })
  for (const learner of learners) learner.onChange = engine.stir
  try {
    const store = engine.store(data.images, data.labels)
    const samples = count * average * rounds
    const from = boards.seconds
    await engine.train(store, indices(samples, data), { signal })
    const between = boards.seconds
    await Promise.all(
      learners.map(({ fleet }: BoardLearner, b) =>
        fleet.classify(i => imageAt(data, (b * named + i) % data.labels.length), named),
      ),
    )
    return {
      learnPerSecond: samples / (between - from),
      inferPerSecond: (count * named) / (boards.seconds - between),
    }
  } finally {
    await engine.close()
  }
}

/** Up to the last sample's outcome from the first one's: then a board may still be learning. */
async function learnTogether(
  network: Network,
  plan: Plan,
  data: Dataset,
  options: ShareBenchOptions,
): Promise<number> {
  // As many as each of the boards that share the samples learns.
  const learnt = options.average * options.rounds
  return await withFleet(network, plan, options, async (fleet, seconds) => {
    const times: number[] = []
    await fleet.train(data, [...indices(learnt + 1, data)], () => times.push(seconds()))
    return learnt / (times[learnt] - times[0])
  })
}

async function nameTogether(
  network: Network,
  plan: Plan,
  data: Dataset,
  options: ShareBenchOptions,
): Promise<number> {
  const { named } = options
  const count = plan.boards.length * named
  return await withFleet(network, plan, options, async (fleet, seconds) => {
    const from = seconds()
    await fleet.classify(i => imageAt(data, i % data.labels.length), count)
    return count / (seconds() - from)
  })
}

async function withFleet(
  network: Network,
  plan: Plan,
  options: ShareBenchOptions,
  work: (fleet: Fleet, seconds: () => number) => Promise<number>,
): Promise<number> {
  const count = plan.boards.length
  const { boards, bytecode } = await opened(count, plan, options)
  const { signal } = options
  const shares = plan.boards.map(b => b.slices)
  const fleet = new Fleet({ network, boards: count, bytecode, signal }, boards, shares)
  try {
    await fleet.begin()
    return await work(fleet, () => boards.seconds)
  } finally {
    await fleet.close()
  }
}

async function opened(count: number, plan: Plan, { board, program }: ShareBenchOptions) {
  const profile = readBoardProfile(board)
  if (profile.deviceScriptBoard === null)
    return { boards: CountedPicos.start(count), bytecode: Buffer.alloc(0) }
  const bytecode = await program(setAsideFor(plan, profile))
  return { boards: await CountedBoards.start(count, bytecode, profile), bytecode }
}

function indices(count: number, { labels }: Dataset): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i % labels.length)
}
