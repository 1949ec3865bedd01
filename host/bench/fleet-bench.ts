/**
 * What more boards bring: a fleet of counted boards (counted-boards.ts) names and learns images, and
 * its boards' own clocks say how long it took.
 */

import type { Chart } from "../base/chart"
import { type Dataset, imageAt } from "../data/mnist"
import { Fleet } from "../fleet/fleet"
import { readBoardProfile } from "../hardware/board-profile"
import { CountedBoards } from "../hardware/counted-boards"
import { operationsByPart, PARTS, type Part } from "../hardware/work-parts"
import { presetOf } from "../models/model-source"
import { isDense, linksOf, type Network } from "../network/network"
import { type Goal, type Plan, planNetwork, setAsideFor } from "../partition/plan"
import { mostRoom } from "../partition/room"

/** From here on nothing need be said of what is lost. */
const MOST_OF_THE_GAIN = 0.9
const NEAR_THE_LIMIT = 0.9

export interface FleetRate {
  /** By the boards' clocks: operations at the profile's speed, messages at its throttle and link. */
  samplesPerSecond: number
  /** The same as the plan has it, before anything runs. */
  predicted: number
  /** What it would be if no board ever waited: by the one with most operations a sample. */
  withoutWaiting: number
  /** Operations a sample on the busiest board, and on all together. */
  busiestOperations: number
  operations: number
  /** Messages a sample of the board that sends most, and what the throttle would allow. */
  messages: number
  throttleAllows: number
  /** Samples a second to those of the smallest fleet that fits, over boards to boards. */
  efficiency: number
  /** Where the time between two samples goes, as shares of 1 on a mean board. */
  time: {
    /** Even the busiest board waits: for messages, or layer for layer. */
    waiting: number
    /** It has more to do than a mean board. */
    uneven: number
    /** What every board does for itself: it takes in the image, sends and handles messages. */
    repeated: number
  }
  /** Operations a sample by part of the work, on each board. */
  parts: Record<Part, number[]>
  /** Does the busiest board compute outputs? */
  busiestHasOutputs: boolean
}

export interface FleetPoint {
  network: string
  boards: number
  /** Why this fleet cannot hold the network; then there are no rates. */
  unfit?: string
  naming?: FleetRate
  learning?: FleetRate
}

export interface FleetBenchOptions {
  /** The program that sets aside so many bytes, or the usual. */
  program: (shardBytes?: number) => Promise<Uint8Array>
  profile: string
  /** Images named, and learnt, by each fleet. */
  named: number
  learnt: number
  seed: number
  signal?: AbortSignal
  onStep?: (what: string) => void
}

/** The networks and numbers of boards of the figure. */
const FLEETS: [network: string, boards: number[]][] = [
  ["pico-32", [1, 2, 4]],
  ["fleet-64", [2, 4, 8]],
]

export async function benchFleets(
  data: Dataset,
  options: FleetBenchOptions,
  fleets = FLEETS,
): Promise<FleetPoint[]> {
  const points: FleetPoint[] = []
  for (const [network, sizes] of fleets) {
    const own: FleetPoint[] = []
    for (const boards of sizes) {
      options.signal?.throwIfAborted()
      options.onStep?.(`${network} on ${boards === 1 ? "1 board" : `${boards} boards`}`)
      own.push(await benchFleet(network, boards, data, options))
    }
    for (const kind of ["naming", "learning"] as const) {
      const base = own.find(p => p[kind])
      for (const point of own) {
        const rate = point[kind]
        if (!base || !rate) continue
        const first = base[kind]!
        rate.efficiency =
          rate.samplesPerSecond / first.samplesPerSecond / (point.boards / base.boards)
        // Of a mean board's work what is beyond its part of the smallest fleet's.
        const working = 1 - rate.time.waiting - rate.time.uneven
        rate.time.repeated = working * Math.max(0, 1 - first.operations / rate.operations)
      }
    }
    points.push(...own)
  }
  return points
}

async function benchFleet(
  name: string,
  count: number,
  data: Dataset,
  options: FleetBenchOptions,
): Promise<FleetPoint> {
  const network = presetOf(name, options.seed)
  const { named, learnt, profile } = options
  const planned = (goal: Goal) => {
    const on = Array.from({ length: count }, (_, i) => ({
      id: `board ${i}`,
      profile: readBoardProfile(profile),
    }))
    return planNetwork(network, on, goal)
  }
  const plan = planned("naming")
  if (!plan.feasible)
    return { network: name, boards: count, unfit: `${plan.reason}; ${roomOf(network, plan)}` }
  const naming = await measured(
    network,
    plan,
    plan.predictedSamplesPerSecond,
    named,
    options,
    fleet => onSample => fleet.classify(i => imageAt(data, i), named, onSample),
  )
  // From the first sample's outcome to the last one's: a board may still be learning then.
  const indices = Array.from({ length: learnt + 1 }, (_, i) => i)
  const forLearning = planned("learning")
  const learning = await measured(
    network,
    forLearning,
    forLearning.learning.predictedSamplesPerSecond,
    learnt,
    options,
    fleet => onSample => fleet.train(data, indices, onSample),
    true,
  )
  return { network: name, boards: count, naming, learning }
}

/** The least a network's links take beside what boards set aside: two bytes a link, and one for its place. */
function roomOf(network: Network, { boards }: Plan): string {
  const bytes = network.layers.reduce(
    (sum, _, i) => sum + linksOf(network, i + 1) * (isDense(network, i + 1) ? 2 : 3),
    0,
  )
  const room = boards.reduce((sum, b) => sum + mostRoom(readBoardProfile(b.profile)), 0)
  return `its links alone take ${bytes} B, and these boards can set aside ${room} B`
}

/**
 * @param work does so many samples and says when each is done
 * @param fromFirst it does one more, and time counts from the first one's end
 */
async function measured(
  network: Network,
  plan: Plan,
  predicted: number,
  samples: number,
  { program, profile: id, signal }: FleetBenchOptions,
  work: (fleet: Fleet) => (onSample: () => void) => Promise<unknown>,
  fromFirst = false,
): Promise<FleetRate> {
  const profile = readBoardProfile(id)
  const count = plan.boards.length
  const shares = plan.boards.map(b => b.slices)
  const bytecode = await program(setAsideFor(plan, profile))
  const boards = await CountedBoards.start(count, bytecode, profile)
  const fleet = new Fleet({ network, boards: count, bytecode, signal }, boards, shares)
  const look = () => ({
    ...{ at: boards.seconds, counts: boards.counts(), messages: fleet.sent },
    byAddress: boards.countsByAddress(),
  })
  try {
    await fleet.begin()
    let start = look()
    let end = start
    let first = fromFirst
    // Up to the last sample: what was learnt is read back after it.
    await work(fleet)(() => {
      end = look()
      if (first) start = end
      first = false
    })
    const seconds = (end.at - start.at) / samples
    const now = end.counts
    const operations = now.map((c, i) => (c.operations - start.counts[i].operations) / samples)
    const busy = now.map((c, i) => (c.busySeconds - start.counts[i].busySeconds) / samples)
    const parts = end.byAddress.map((all, i) =>
      operationsByPart(
        bytecode,
        Float64Array.from(all, (n, at) => (n - start.byAddress[i][at]) / samples),
      ),
    )
    const busiest = Math.max(...busy)
    const mean = busy.reduce((sum, s) => sum + s, 0) / count
    const messages = end.messages.map((n, i) => (n - start.messages[i]) / samples)
    const outputs = shares[busy.indexOf(busiest)].some(s => s.layer === network.layers.length)
    return {
      samplesPerSecond: 1 / seconds,
      predicted,
      withoutWaiting: 1 / busiest,
      busiestOperations: Math.max(...operations),
      operations: operations.reduce((sum, n) => sum + n, 0),
      messages: Math.max(...messages),
      throttleAllows: 1000 / (profile.messageThrottle.intervalMs * Math.max(...messages)),
      efficiency: 1,
      time: {
        waiting: (seconds - busiest) / seconds,
        uneven: (busiest - mean) / seconds,
        repeated: 0,
      },
      parts: Object.fromEntries(
        PARTS.map(part => [part, parts.map(of => Math.round(of[part]))]),
      ) as Record<Part, number[]>,
      busiestHasOutputs: outputs,
    }
  } finally {
    await fleet.close()
  }
}

/** Samples a second against boards: as counted, as the plan has it, and what the throttle would allow. */
export function fleetCharts(points: FleetPoint[], profile: string): Chart[] {
  const names = [...new Set(points.map(p => p.network))]
  return (["naming", "learning"] as const).map(kind => ({
    title: `Samples a second against boards (${profile}, ${kind})`,
    x: { label: "boards", log: true },
    y: { label: "samples a second", log: true },
    series: names.flatMap(name => {
      const mine = points.filter(p => p.network === name && p[kind])
      const line = (of: (rate: FleetRate) => number) =>
        mine.map(p => [p.boards, of(p[kind]!)] as const)
      return [
        { name: `${name}, counted`, points: line(r => r.samplesPerSecond), draw: "marks" as const },
        { name: `${name}, predicted`, points: line(r => r.predicted), draw: "line" as const },
        {
          name: `${name}, throttle's limit`,
          points: line(r => r.throttleAllows),
          ...{ draw: "line" as const, dashed: true },
        },
      ]
    }),
  }))
}

/** What keeps a fleet from the gain its boards could bring, in words; undefined where little does. */
export function lossOf({ efficiency, time, ...rate }: FleetRate): string | undefined {
  if (efficiency > MOST_OF_THE_GAIN) return undefined
  const percent = (share: number) => `${Math.round(100 * share)} %`
  const whose = rate.busiestHasOutputs ? ", which has outputs," : ""
  return [
    [
      `${percent(efficiency)} of the ideal gain; of the time even the busiest board${whose} waits ${percent(time.waiting)}`,
      `a mean board has less to do for ${percent(time.uneven)}`,
      `${percent(time.repeated)} go into what every board does for itself (images in, messages)`,
    ].join(", "),
    rate.samplesPerSecond > rate.throttleAllows * NEAR_THE_LIMIT
      ? "the throttle is the limit"
      : `the throttle would allow ${rate.throttleAllows.toFixed(0)} a second`,
  ].join("; ")
}
