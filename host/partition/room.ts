/** What a share of a network takes of a board's memory. */
import "../device-script-buffer"
import { Header, Part, PartFlag } from "../../src/layout"
import type { Network } from "../../src/network"
import { MAX_PAYLOAD } from "../../src/protocol"
import { partAt } from "../../src/run"
import { buildShard, type Slice } from "../../src/shard"

/** Samples that may be under way at once: the most that every board has memory for. */
export const SLOTS = [16, 8, 4, 2, 1]

/** What a board sets aside for a shard: its memory, and a report for each part that makes any. */
export function bytesOf(shard: Buffer): number {
  let bytes = shard.length
  for (let i = 0; i < shard.getAt(Header.Parts, "u16"); i++)
    if (shard.getAt(partAt(i) + Part.Flags, "u16") & (PartFlag.Report | PartFlag.Output))
      bytes += MAX_PAYLOAD
  return bytes
}

/** The shards of all shares with as many slots as all boards have room for; with one if none has. */
export function shardsFor(network: Network, shares: Slice[][], room: number[]) {
  const build = (slots: number) => shares.map(slices => buildShard(network, slices, slots))
  const fitIn = (shards: Buffer[]) => shards.every((shard, i) => bytesOf(shard) <= room[i])
  const one = build(1)
  if (fitIn(one))
    for (const slots of SLOTS) {
      const shards = build(slots)
      if (fitIn(shards)) return { slots, shards }
    }
  return { slots: 1, shards: one }
}
