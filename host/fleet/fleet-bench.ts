/**
 * What more boards bring: a fleet of counted boards (counted-boards.ts) names and learns images, and
 * its boards' own clocks say how long it took.
 */

import type { Network } from "../../src/network"
import type { Slice } from "../../src/shard"
import { readBoardProfile } from "../boards"
import type { Chart } from "../chart"
import { type Dataset, imageAt } from "../data/mnist"
import { WuxingError } from "../errors"
import { presetOf } from "../model-source"
import { splitEvenly } from "../partition/partition"
import { CountedBoards } from "./counted-boards"
import { Fleet } from "./fleet"
import { planFor } from "./plan"

export interface FleetRate {
  /** By the boards' clocks: operations at the profile's speed, messages at its throttle and link. */
  samplesPerSecond: number
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
  bytecode: Uint8Array
  profile: string
  /** Images named, and learnt, by each fleet. */
  named: number
  learnt: number
  seed: number
  signal?: AbortSignal
  onStep?: (what: string) => void
}

/** The networks and numbers of boards of the figure. */
export const FLEETS: [network: string, boards: number[]][] = [
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
        if (base && rate)
          rate.efficiency =
            rate.samplesPerSecond / base[kind]!.samplesPerSecond / (point.boards / base.boards)
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
  try {
    const network = presetOf(name, options.seed)
    const { named, learnt } = options
    const naming = await measured(
      network,
      count,
      planFor(network, count),
      named,
      options,
      fleet => onSample => fleet.name(i => imageAt(data, i), named, onSample),
    )
    const indices = Array.from({ length: learnt }, (_, i) => i)
    const even = splitEvenly(network, count)
    const learning = await measured(
      network,
      count,
      even,
      learnt,
      options,
      fleet => onSample => fleet.train(data, indices, onSample),
    )
    return { network: name, boards: count, naming, learning }
  } catch (error) {
    if (error instanceof WuxingError && error.kind === "capacity")
      return { network: name, boards: count, unfit: error.message }
    throw error
  }
}

/** @param work does so many samples and says when each is done */
async function measured(
  network: Network,
  count: number,
  shares: Slice[][],
  samples: number,
  { bytecode, profile: id, signal }: FleetBenchOptions,
  work: (fleet: Fleet) => (onSample: () => void) => Promise<unknown>,
): Promise<FleetRate> {
  const profile = readBoardProfile(id)
  const boards = await CountedBoards.start(count, bytecode, profile)
  // Wall time says nothing here, so waits end late.
  const fleet = new Fleet(
    { network, boards: count, bytecode, signal, sampleDeadlineMs: 60_000 },
    boards,
    shares,
  )
  const look = () => ({ at: boards.seconds, counts: boards.counts(), messages: fleet.sent })
  try {
    await fleet.begin()
    const start = look()
    let end = start
    // Up to the last sample: what was learnt is read back after it.
    await work(fleet)(() => {
      end = look()
    })
    const seconds = end.at - start.at
    const now = end.counts
    const operations = now.map((c, i) => (c.operations - start.counts[i].operations) / samples)
    const busy = now.map((c, i) => (c.busySeconds - start.counts[i].busySeconds) / samples)
    const messages = end.messages.map((n, i) => (n - start.messages[i]) / samples)
    return {
      samplesPerSecond: samples / seconds,
      withoutWaiting: 1 / Math.max(...busy),
      busiestOperations: Math.max(...operations),
      operations: operations.reduce((sum, n) => sum + n, 0),
      messages: Math.max(...messages),
      throttleAllows: 1000 / (profile.messageThrottle.intervalMs * Math.max(...messages)),
      efficiency: 1,
    }
  } finally {
    await fleet.close()
  }
}

/** Samples a second against boards, with lines for what each fleet would do if no board waited. */
export function fleetChart(points: FleetPoint[], profile: string): Chart {
  const names = [...new Set(points.map(p => p.network))]
  return {
    title: `Samples a second against boards (${profile})`,
    x: { label: "boards", log: true },
    y: { label: "samples a second", log: true },
    series: names.flatMap(name =>
      (["naming", "learning"] as const).flatMap(kind => {
        const mine = points.filter(p => p.network === name && p[kind])
        return [
          {
            name: `${name}, ${kind}`,
            points: mine.map(p => [p.boards, p[kind]!.samplesPerSecond] as const),
            draw: "marks" as const,
          },
          {
            name: `${name}, ${kind}: if no board waited`,
            points: mine.map(p => [p.boards, p[kind]!.withoutWaiting] as const),
            ...{ draw: "line" as const, dashed: true },
          },
        ]
      }),
    ),
  }
}
