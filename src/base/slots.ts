/**
 * What a board has learnt, kept in its store of settings in two slots. A slot is written over only
 * while the other one holds, and the other one holds until the new one was read back whole. Wherever
 * a write is cut off, the slot in hand has the wrong CRC and the one before stands.
 *
 * A slot is chunks of the content, a value each, and a head, which is written last:
 *
 *     u32 magic | u32 generation | u32 bytes of content | SLOT_FACTS times i32 | i32 CRC-32 of all
 *     of the head before it, and on from there of the content
 *
 * all little-endian. The other slot's chunks are taken out before new ones come, so that a store needs
 * to be no larger than two slots.
 */
import { crc32 } from "./crc32"

/** Values by name. Names have up to three characters, values up to CHUNK_BYTES. */
export interface ValueStore {
  /** The value; empty, or undefined, if there is none. */
  get(name: string): Promise<Buffer>
  /** Puts a value; an empty one takes it out. A store without room need not say so. */
  set(name: string, value: Buffer): Promise<void>
  /** Lets the rest of the board have its turn. */
  pause(): Promise<void>
}

/** Where in a slot's head its parts are. */
export enum SlotHead {
  Magic = 0,
  Generation = 4,
  Bytes = 8,
  Facts = 12,
}

/** Numbers of the caller's own in a head: what the content is, how far it has come. */
export const SLOT_FACTS = 5
const CRC_AT = SlotHead.Facts + SLOT_FACTS * 4
export const HEAD_BYTES = CRC_AT + 4
/** "WXS1" */
const MAGIC = 0x31535857
/**
 * DeviceScript's store keeps 24 bytes beside each value, which it rounds up to 8, and its runtime
 * breaks down over an answer of more than 232 bytes, name included: so this wastes least.
 */
export const CHUNK_BYTES = 224
/**
 * Bytes of a chunk whose CRC is made between two pauses: 6 ms of a Pico, whose USB hears nothing
 * meanwhile. Where a board has something else to do too, two of these come in a row.
 */
const PIECE_BYTES = 56
/** 75 chunks: their names, a character each, are all printable. */
const MOST_BYTES = 75 * CHUNK_BYTES

/** The heads of both slots; undefined where one is not whole. Callers hand them on, unchanged. */
export type Slots = (Buffer | undefined)[]

/** Reads both slots whole: for a program to do once, at its start. */
export async function readSlots(store: ValueStore): Promise<Slots> {
  const a = await soundHead(store, 0)
  return [a, await soundHead(store, 1)]
}

/**
 * The head of the newest slot, or of the one before it.
 *
 * @returns undefined if there is none
 */
export function slotOf(slots: Slots, before: boolean): Buffer | undefined {
  const newest = newestOf(slots)
  return before ? slots[1 - newest] : slots[newest]
}

/**
 * Copies a slot's content into areas of a memory.
 *
 * @param areas where and how many bytes, in turn; as long as the content together
 * @returns false if there is no such slot, or it is of another length: the memory is as it was
 */
export async function restoreSlot(
  store: ValueStore,
  slots: Slots,
  generation: number,
  m: Buffer,
  areas: number[],
): Promise<boolean> {
  for (let slot = 0; slot < 2; slot++) {
    if (generationOf(slots[slot]) !== generation) continue
    // Once more, as it is to be used now.
    const head = await soundHead(store, slot)
    if (head === undefined || generationOf(head) !== generation) return false
    const bytes = bytesOf(areas)
    if (head.getAt(SlotHead.Bytes, "i32") !== bytes) return false
    for (let at = 0; at < bytes; at += CHUNK_BYTES)
      exchange(m, areas, at, await store.get(chunkName(slot, at)), false)
    return true
  }
  return false
}

/**
 * Keeps areas of a memory, which must not change meanwhile, in place of the older slot.
 *
 * @param slots gets the new one
 * @param areas where and how many bytes, in turn
 * @param facts SLOT_FACTS numbers, int32
 * @returns the generation, from 1 on; 0 if the store did not take it: the slot before still stands
 */
export async function saveSlot(
  store: ValueStore,
  slots: Slots,
  m: Buffer,
  areas: number[],
  facts: number[],
): Promise<number> {
  const bytes = bytesOf(areas)
  if (bytes > MOST_BYTES) return 0
  const newest = newestOf(slots)
  const slot = 1 - newest
  const generation = slots[newest] === undefined ? 1 : generationOf(slots[newest]) + 1

  // The head goes first: half a slot is never taken for a whole one.
  const nothing = Buffer.alloc(0)
  const before = slots[slot]
  slots[slot] = undefined
  await store.set(headName(slot), nothing)
  if (before !== undefined)
    for (let at = 0; at < before.getAt(SlotHead.Bytes, "i32"); at += CHUNK_BYTES)
      await store.set(chunkName(slot, at), nothing)
  // Cut off once, it may have any of its chunks.
  else
    for (let at = 0; at < MOST_BYTES; at += CHUNK_BYTES) {
      const name = chunkName(slot, at)
      if (isThere(await store.get(name))) await store.set(name, nothing)
      else if (at >= bytes) break
    }

  const head = Buffer.alloc(HEAD_BYTES)
  head.setAt(SlotHead.Magic, "i32", MAGIC)
  head.setAt(SlotHead.Generation, "i32", generation)
  head.setAt(SlotHead.Bytes, "i32", bytes)
  for (let i = 0; i < SLOT_FACTS; i++) head.setAt(SlotHead.Facts + (i << 2), "i32", facts[i])
  let crc = crc32(head, 0, CRC_AT, 0)
  await store.pause()
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes - at))
    exchange(m, areas, at, chunk, true)
    crc = await crcOf(store, chunk, crc)
    await store.set(chunkName(slot, at), chunk)
  }
  head.setAt(CRC_AT, "i32", crc)
  await store.set(headName(slot), head)
  const found = await soundHead(store, slot)
  if (found === undefined || found.getAt(CRC_AT, "i32") !== crc) return 0
  slots[slot] = found
  return generation
}

/** A slot's head if it and all of its content are there and right. */
async function soundHead(store: ValueStore, slot: number): Promise<Buffer | undefined> {
  const head = await store.get(headName(slot))
  if (!isThere(head) || head.length !== HEAD_BYTES) return undefined
  if (head.getAt(SlotHead.Magic, "i32") !== MAGIC) return undefined
  const bytes = head.getAt(SlotHead.Bytes, "i32")
  if (bytes < 0 || bytes > MOST_BYTES) return undefined
  let crc = crc32(head, 0, CRC_AT, 0)
  await store.pause()
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = await store.get(chunkName(slot, at))
    if (!isThere(chunk) || chunk.length !== Math.min(CHUNK_BYTES, bytes - at)) return undefined
    crc = await crcOf(store, chunk, crc)
  }
  return crc === head.getAt(CRC_AT, "i32") ? head : undefined
}

/** The CRC goes on over a whole chunk. */
async function crcOf(store: ValueStore, chunk: Buffer, before: number): Promise<number> {
  let crc = before
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
    crc = crc32(chunk, at, Math.min(chunk.length, at + PIECE_BYTES), crc)
    await store.pause()
  }
  return crc
}

/** 0 or 1; 1 where there is none yet, so that the first is put in 0. */
function newestOf(slots: Slots): number {
  if (slots[0] === undefined) return 1
  if (slots[1] === undefined) return 0
  // As a difference: the counter may wrap.
  return ((generationOf(slots[0]) - generationOf(slots[1])) | 0) > 0 ? 0 : 1
}

/** 0 of none. */
function generationOf(head: Buffer | undefined): number {
  return head === undefined ? 0 : head.getAt(SlotHead.Generation, "i32")
}

function isThere(value: Buffer | undefined): boolean {
  return value !== undefined && value.length > 0
}

function headName(slot: number): string {
  return slot === 0 ? "wa" : "wb"
}

/** Of the chunk that begins with byte `at` of the content: one character each, from "0" on. */
function chunkName(slot: number, at: number): string {
  return headName(slot) + String.fromCharCode(48 + Math.idiv(at, CHUNK_BYTES))
}

function bytesOf(areas: number[]): number {
  let bytes = 0
  for (let i = 1; i < areas.length; i += 2) bytes += areas[i]
  return bytes
}

/** Copies a chunk out of the areas' bytes from `at` on, or back into them. */
function exchange(m: Buffer, areas: number[], at: number, chunk: Buffer, out: boolean): void {
  let skip = at
  let done = 0
  for (let i = 0; i < areas.length && done < chunk.length; i += 2) {
    if (skip >= areas[i + 1]) {
      skip -= areas[i + 1]
      continue
    }
    const n = Math.min(areas[i + 1] - skip, chunk.length - done)
    if (out) chunk.blitAt(done, m, areas[i] + skip, n)
    else m.blitAt(areas[i] + skip, chunk, done, n)
    done += n
    skip = 0
  }
}
