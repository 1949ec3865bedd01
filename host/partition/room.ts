/** What a share of a network takes of a board's memory. */
import "../base/memory"
import { PROGRAM_BYTES, shardBytesOf } from "../../src/base/heap"
import { Part, PartFlag } from "../../src/core/layout"
import { MAX_PAYLOAD } from "../../src/wire/protocol"
import type { BoardProfile } from "../hardware/board-profile"
import type { Network } from "../network/network"
import { buildShard, reports, sizeOfShard } from "../network/shard"
import { partsOf } from "../network/shard-parts"
import type { Slice } from "../network/slices"

/** Kept free on a board that a network takes all it can of: for messages that wait, and some more. */
const LEAST_FREE_BYTES = 6500

/** What a board's program sets aside for its share, bytes. */
export function usualRoom({ heapBytes }: BoardProfile): number {
  return Math.max(0, shardBytesOf(heapBytes))
}

/**
 * The most it could set aside if it is built to: for networks that do not fit as it is. What a native
 * program sets aside is fixed.
 */
export function mostRoom(profile: BoardProfile): number {
  const most = profile.heapBytes - PROGRAM_BYTES - LEAST_FREE_BYTES
  return profile.operationCycles ? Math.max(usualRoom(profile), most) : usualRoom(profile)
}

/** Samples that may be under way at once: the most that every board has memory for. */
export const SLOTS = [16, 8, 4, 2, 1]

/** What a board sets aside for a shard: its memory, and a report for each part that makes any. */
export function bytesOf(shard: Buffer): number {
  const reporting = partsOf(shard).filter(
    part => shard.getAt(part + Part.Flags, "u16") & (PartFlag.Report | PartFlag.Output),
  )
  return shard.length + reporting.length * MAX_PAYLOAD
}

/** As {@link bytesOf}, of a shard that is not built, by its slots. */
export function bytesFor(network: Network, slices: Slice[]): (slots: number) => number {
  const size = sizeOfShard(network, slices)
  const reporting = slices.filter(
    ({ layer }) => layer === network.layers.length || reports(network, slices, layer),
  )
  return slots => size(slots) + reporting.length * MAX_PAYLOAD
}

/**
 * Others' signals that wait while the board computes, for one layer and for each further one: some
 * messages, how many hangs on who is ahead of whom. About the middle of what was measured.
 */
const WAITING_BYTES = 1300
const WAITING_MORE_BYTES = 700

/**
 * Heap a board needs for a shard, bytes: the program, what it sets aside, and messages that wait.
 * test/host/partition/heap-sweep.ts measures how near that is.
 */
export function heapFor(shard: Buffer): number {
  let waiting = 0
  let before = 0
  const parts = partsOf(shard)
  for (const part of parts) {
    const layer = shard.getAt(part + Part.Layer, "u16")
    const flags = shard.getAt(part + Part.Flags, "u16")
    if (layer !== before && (flags & PartFlag.Await) !== 0)
      waiting += waiting === 0 ? WAITING_BYTES : WAITING_MORE_BYTES
    before = layer
  }
  if (parts.length === 0) return PROGRAM_BYTES
  return PROGRAM_BYTES + bytesOf(shard) + waiting
}

/** The shards of all shares with as many slots as all boards have room for; with one if none has. */
export function shardsFor(network: Network, shares: Slice[][], room: number[]) {
  const bytes = shares.map(slices => bytesFor(network, slices))
  const slots = SLOTS.find(n => bytes.every((of, i) => of(n) <= room[i])) ?? 1
  return { slots, shards: shares.map(slices => buildShard(network, slices, slots)) }
}
