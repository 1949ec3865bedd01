/**
 * The heap a plan's largest share really takes: the program is built with just the memory set aside
 * that the plan asks for and a further Buffer, larger and larger, until a run ends for want of memory.
 */

import { Fleet } from "../../../host/fleet/fleet"
import { CountedBoards } from "../../../host/hardware/counted-boards"
import type { Network } from "../../../host/network/network"
import type { PlannedOn } from "../../../host/partition/board-spec"
import { type Plan, type PlannedBoard, planNetwork } from "../../../host/partition/plan"
import { buildVariant } from "../../firmware/variant"
import { randomImage, uniform } from "../../src/core/helpers"

const HEAP_BYTES = 65_536
const NAMED = 12
const LEARNT = 4
/** A literal of two bytes, as the program has it. */
const LEAST_BALLAST = 256
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

/** Sizes the program is compiled with, which stand for those of a run: two-byte literals found nowhere else. */
const ANY_SHARD = 40_923
const ANY_BALLAST = 50_929

let compiled: Promise<Uint8Array> | undefined

/** The program with these sizes, put into the compiled one: to compile it takes longer than a run. */
async function programWith(shardBytes: number, ballast: number): Promise<Uint8Array> {
  compiled ??= buildVariant(
    "arena.ts",
    /export const ARENA_BYTES = .*\nexport const arena = .*/,
    `export const ARENA_BYTES = ${ANY_SHARD}
export const arena = Buffer.alloc(ARENA_BYTES)
const ballast = Buffer.alloc(${ANY_BALLAST})
ballast.setAt(0, "u8", 1)`,
  )
  const bytecode = Buffer.from(await compiled)
  replaceLiteral(bytecode, ANY_SHARD, shardBytes)
  replaceLiteral(bytecode, ANY_BALLAST, ballast)
  return bytecode
}

/** DeviceScript's bytecode: the operation "literal", a byte that says two follow, and those, high first. */
function replaceLiteral(bytecode: Buffer, from: number, to: number): void {
  if (to < 0x100 || to > 0xffff) throw new RangeError(`${to} is no literal of two bytes`)
  const literal = (n: number) => Buffer.of(0x28, 0xf9, n >> 8, n & 0xff)
  let found = 0
  for (let at = bytecode.indexOf(literal(from)); at >= 0; at = bytecode.indexOf(literal(from))) {
    literal(to).copy(bytecode, at)
    found++
  }
  if (found === 0) throw new Error(`the literal ${from} is not in the bytecode`)
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
