/** The one way to a fleet: finds the boards, plans, compiles the firmware, starts. */
import type { FaultInjector } from "../faults/injector"
import { type Fleet, startFleet } from "../fleet/fleet"
import type { FleetOptions } from "../fleet/options"
import { type FoundBoards, findBoards, type Location } from "../hardware/location"
import { programFor } from "../hardware/program-for"
import type { Network } from "../network/network"
import { refuseQuantised } from "../network/refuse-quantised"
import type { Slice } from "../network/slices"
import type { Goal } from "../partition/plan"
import { planFor, plannedShares } from "../partition/shares"

/** What is to run where. */
export interface FleetOpening
  extends Pick<
    FleetOptions,
    "network" | "start" | "signal" | "log" | "status" | "watch" | "wrap" | "checkpointSamples"
  > {
  location: Location
  /** As `findBoards` found them, where that was worth knowing first. */
  boards?: FoundBoards
  /** What the shares are planned for. */
  goal: Goal
  /** What goes wrong on the way to the boards. */
  faults?: FaultInjector
}

/** @throws WuxingError "quantised-learning", or as findBoards, buildFirmware and startFleet; nothing is left running then */
export async function openFleet(opening: FleetOpening): Promise<Fleet> {
  const { location, network, goal, faults, wrap, signal, status, ...rest } = opening
  if (goal === "learning") refuseQuantised(network)
  const boards = opening.boards ?? (await findBoards(location))
  const { shares, shardBytes } = sharesOn(network, boards, goal)
  const bytecode = await programFor(boards, location, { shardBytes, signal, status })
  const { faultyPorts } = await import("../faults/faulty-port")
  return await startFleet({
    ...rest,
    network,
    shares,
    bytecode,
    signal,
    status,
    wrap: faults ? faultyPorts(faults) : wrap,
    boards: boards.count,
    open: boards.open,
  })
}

/** Which board gets what, and what DeviceScript boards' program sets aside for it if not the usual. */
function sharesOn(
  network: Network,
  { count, profile }: FoundBoards,
  goal: Goal,
): { shares?: Slice[][]; shardBytes?: number } {
  const planned = plannedShares(network, count, goal, profile)
  if (planned) return planned
  return { shares: goal === "naming" ? planFor(network, count) : undefined }
}
