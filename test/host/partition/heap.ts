/**
 * The heap a plan's largest share really takes: the program is built with just the memory set aside
 * that the plan asks for and a further Buffer, larger and larger, until a run ends for want of memory.
 */

import { Fleet } from "../../../host/fleet/fleet"
import { CountedBoards } from "../../../host/hardware/counted-boards"
import type { Network } from "../../../host/network/network"
import type { PlannedOn } from "../../../host/partition/board-spec"
import { type Plan, type PlannedBoard, planNetwork } from "../../../host/partition/plan"
import { LEAST_BALLAST, programWith } from "../../firmware/ballast"
import { randomImage, uniform } from "../../src/core/helpers"

const HEAP_BYTES = 65_536
const NAMED = 12
const LEARNT = 4
/** Learning ends with reading all boards, for which more in one process are too slow. */
const MOST_LEARNING = 8

export interface Share {
  network: Network
  plan: Plan
  on: PlannedOn[]
  /**
   * Predicted for the board that needs most, bytes: all boards run one program, which sets aside what
   * the largest share asks for, and messages wait on the board that has most of them.
   */
  heapBytes: number
  /** What the program is to set aside, bytes. */
  shardBytes: number
}

/** @throws Error if the network does not fit */
export function largestShare(network: Network, on: PlannedOn[]): Share {
  const plan = planNetwork(network, on)
  if (!plan.feasible) throw new Error(`${network.name} does not fit: ${plan.reason}`)
  const most = (of: (b: PlannedBoard) => number) => Math.max(...plan.boards.map(of))
  const shardBytes = most(b => b.shardBytes)
  const heapBytes = shardBytes + most(b => b.heapBytes - b.shardBytes)
  return { network, plan, on, heapBytes, shardBytes }
}

/**
 * Does the plan run, name and learn on virtual boards whose program sets aside just what the plan
 * asks for, with `ballast` bytes of the heap taken away?
 *
 * @returns false if a board ran out of memory
 * @throws Error if it failed for another reason
 */
export async function runsWith({ network, plan, on, shardBytes }: Share, ballast: number) {
  const bytecode = await programWith(shardBytes, ballast)
  const boards = await CountedBoards.start(on.length, bytecode, on[0].profile)
  const shares = plan.boards.map(b => b.slices)
  const fleet = new Fleet(
    { network, boards: on.length, bytecode, sampleDeadlineMs: 60_000 },
    boards,
    shares,
  )
  try {
    const next = uniform(1)
    const images = Array.from({ length: NAMED }, () => randomImage(network.width, next, 0.4))
    await fleet.begin()
    await fleet.classify(i => images[i], NAMED)
    if (on.length <= MOST_LEARNING) await fleet.learn(i => ({ image: images[i], label: i }), LEARNT)
    return true
  } catch (error) {
    if (boards.logs.flat().some(line => /stats: \d+ objects/.test(line))) return false
    throw error
  } finally {
    await fleet.close()
  }
}

/** Heap the plan's largest share takes, bytes, to the nearest `step` above. */
export async function truth(share: Share, step = 64): Promise<number> {
  // Ballast that is too much, and that is not: further off than any prediction should be.
  let most = HEAP_BYTES - Math.floor(share.heapBytes * 0.9)
  let least = Math.max(LEAST_BALLAST, HEAP_BYTES - Math.ceil(share.heapBytes * 1.1))
  if (!(await runsWith(share, least))) throw new Error(`${share.network.name} does not run at all`)
  while (most - least > step) {
    const middle = (most + least) >> 1
    if (await runsWith(share, middle)) least = middle
    else most = middle
  }
  return HEAP_BYTES - least
}
