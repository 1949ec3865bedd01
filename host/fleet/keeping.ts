/** What boards can keep of what they have learnt, by the size of their stores. */
import "../base/memory"
import { CHUNK_BYTES, HEAD_BYTES } from "../../src/base/slots"
import { Part } from "../../src/core/layout"
import { partsOf } from "../network/shard-parts"

/** A store of DeviceScript's keeps an entry beside each value and rounds values up to 8 bytes. */
const ENTRY_BYTES = 24
const valueBytes = (bytes: number) => ENTRY_BYTES + Math.max(8, (bytes + 7) & ~7)
/** The entry of the program itself, and one small value of somebody else's. */
const FOREIGN_BYTES = ENTRY_BYTES + valueBytes(1)

/** Bytes of a store that one slot takes. */
export function slotBytes(content: number): number {
  const rest = content % CHUNK_BYTES
  return (
    Math.floor(content / CHUNK_BYTES) * valueBytes(CHUNK_BYTES) +
    (rest > 0 ? valueBytes(rest) : 0) +
    valueBytes(HEAD_BYTES)
  )
}

/**
 * Does a settings store of so many bytes hold two slots of so many, one after the other, for ever?
 * What is taken out leaves an entry until something of its name comes again: the head's is the last.
 */
export function holdsTwoSlots(storeBytes: number, content: number): boolean {
  return 2 * slotBytes(content) + valueBytes(0) + FOREIGN_BYTES <= storeBytes
}

/** The most content of which a store holds two slots, bytes (even); 0: none. */
export function mostKept(storeBytes: number): number {
  let content = Math.max(0, storeBytes >> 1) & ~1
  while (content > 0 && !holdsTwoSlots(storeBytes, content)) content -= 2
  return content
}

/** Coefficients, and K3 and fixed points of elements that learn. */
export function learntAreas(shard: Buffer): { at: number; bytes: number }[] {
  return partsOf(shard).flatMap(part => [
    {
      at: shard.getAt(part + Part.Coefficient, "i32"),
      bytes: shard.getAt(part + Part.Links, "i32") * 2,
    },
    ...[Part.Inhibition, Part.Rest, Part.RestBack]
      .map(field => ({
        at: shard.getAt(part + field, "i32"),
        bytes: shard.getAt(part + Part.Neurons, "u16") * 10,
      }))
      .filter(({ at }) => at !== 0),
  ])
}
