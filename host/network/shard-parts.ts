/** The parts of a shard, each a slice of a layer (layout.ts). */
import "../base/memory"
import { Header, Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"

/** Where their descriptors lie. */
export function partsOf(shard: Buffer): number[] {
  return Array.from({ length: shard.getAt(Header.Parts, "u16") }, (_, i) => partAt(i))
}

/** Links whose coefficients a shard holds. */
export function linksIn(shard: Buffer): number {
  return partsOf(shard).reduce((sum, part) => sum + shard.getAt(part + Part.Links, "i32"), 0)
}
