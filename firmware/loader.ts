/** Loading a shard, reading it out, and its settings. */
import * as ds from "@devicescript/core"
import { PROGRAM_BYTES } from "../src/base/heap"
import { checkLinks, isSound, isSoundElementShift, isSoundLearnShift } from "../src/core/check"
import { Header, LAYOUT_VERSION, MAGIC, Part } from "../src/core/layout"
import { partAt } from "../src/core/run"
import { hasRoom } from "../src/service/outgoing"
import { resetSamples, updates } from "../src/service/samples"
import {
  Command,
  Compared,
  checksum,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
  Setting,
  Status,
  StatusField,
} from "../src/wire/protocol"
import { ARENA_BYTES, arena } from "./arena"
import { answer, countRefusal, fault, mismatch, refused, report } from "./reports"
import { tellTimes, times } from "./times"

const EMPTY = 0
const LOADING = 1
const READY = 2

let state = EMPTY
let bytes = 0
let expectedChecksum = 0
let expectedLayout = 0
let received = 0
let sum = 0

/** Is a shard loaded and sound? */
export function isReady(): boolean {
  return state === READY
}

/** tag u16, protocol u16, bytes u32, checksum u32, layout hash u32 */
export async function begin(p: Buffer): Promise<void> {
  if (p.length !== 16) return await refuse(Command.Begin, p, Status.BadLength)
  if (p.getAt(2, "u16") !== PROTOCOL_VERSION)
    return await refuse(Command.Begin, p, Status.BadVersion)
  const size = p.getAt(4, "u32")
  if (size > ARENA_BYTES) return await refuse(Command.Begin, p, Status.TooLarge)
  if (size < Header.Length + Part.Length || (size & 1) !== 0)
    return await refuse(Command.Begin, p, Status.BadValue)
  state = LOADING
  bytes = size
  expectedChecksum = p.getAt(8, "i32")
  expectedLayout = p.getAt(12, "i32")
  received = 0
  sum = 0
  arena.fillAt(0, ARENA_BYTES, 0)
  await answer(Command.Begin, p.getAt(0, "u16"), Status.Ok)
}

/** offset u32, bytes. A slice that was had before is ignored; one after a gap is refused. */
export async function slice(p: Buffer): Promise<void> {
  if (p.length < 6 || (p.length & 1) !== 0) return await fault(Status.BadLength, Command.Slice, 0)
  const offset = p.getAt(0, "u32")
  if (state !== LOADING) return await fault(Status.NoShard, Command.Slice, offset)
  const length = p.length - 4
  if (offset > received || offset + length > bytes)
    return await mismatch(
      Status.OutOfRange,
      Command.Slice,
      offset,
      Compared.Offset,
      offset,
      received,
    )
  if (offset < received) return
  arena.blitAt(offset, p, 4, length)
  sum = checksum(arena, offset, offset + length, sum)
  received = offset + length
}

/**
 * tag u16 → reply + received u32, checksum u32
 *
 * Bytes that are missing can still be sent; a shard that is complete and wrong must be begun anew.
 */
export async function commit(p: Buffer): Promise<void> {
  if (p.length !== 2) return await refuse(Command.Commit, p, Status.BadLength)
  let status = Status.Ok
  if (state !== LOADING) status = Status.NoShard
  else if (received !== bytes) status = Status.BadChecksum
  else {
    status = sum === expectedChecksum ? await judge() : Status.BadChecksum
    state = EMPTY
    if (status === Status.Ok) {
      await ds.sleep(1)
      resetSamples(arena, 0)
      state = READY
    }
  }
  if (status !== Status.Ok) countRefusal()
  const reply = Buffer.alloc(11)
  reply.setAt(0, "u16", p.getAt(0, "u16"))
  reply.setAt(2, "u8", status)
  reply.setAt(3, "u32", received)
  reply.setAt(7, "i32", sum)
  await report(Command.Commit, reply)
}

/**
 * Ok if the loaded bytes are the announced shard, and one this board can run.
 *
 * It sleeps for 1 ms, not 0, after which a fiber goes on before USB has its turn.
 */
async function judge(): Promise<Status> {
  if (arena.getAt(Header.Magic, "u16") !== MAGIC) return Status.BadShard
  if (arena.getAt(Header.Version, "u16") !== LAYOUT_VERSION) return Status.BadVersion
  if (arena.getAt(Header.Image, "i32") !== bytes) return Status.BadShard
  if (arena.getAt(Header.LayoutHash, "i32") !== expectedLayout) return Status.BadShard
  if (arena.getAt(Header.Size, "i32") > ARENA_BYTES) return Status.TooLarge
  await ds.sleep(1)
  if (!isSound(arena, ARENA_BYTES)) return Status.BadShard
  const parts = arena.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) {
    let at = 0
    while (at >= 0) {
      await ds.sleep(1)
      at = checkLinks(arena, partAt(i), at)
    }
    if (at === -2) return Status.BadShard
  }
  if (!hasRoom(arena, ARENA_BYTES)) return Status.TooLarge
  return Status.Ok
}

/** tag u16 → reply + StatusField, TimesField */
export async function status(
  p: Buffer,
  boot: number,
  handled: number,
  dropped: number,
): Promise<void> {
  if (p.length !== 2) return await refuse(Command.Status, p, Status.BadLength)
  const told = state === READY ? tellTimes() : 0
  const reply = Buffer.alloc(StatusField.Length + told)
  reply.setAt(StatusField.Tag, "u16", p.getAt(0, "u16"))
  reply.setAt(StatusField.State, "u8", state)
  reply.setAt(StatusField.Protocol, "u16", PROTOCOL_VERSION)
  reply.setAt(StatusField.Layout, "u16", LAYOUT_VERSION)
  if (state === READY) {
    reply.setAt(StatusField.LayoutHash, "i32", arena.getAt(Header.LayoutHash, "i32"))
    reply.setAt(StatusField.ShardBytes, "u32", arena.getAt(Header.Size, "i32"))
    reply.setAt(StatusField.Updates, "u32", updates)
  }
  reply.setAt(StatusField.HeapBytes, "u32", PROGRAM_BYTES + ARENA_BYTES)
  reply.setAt(StatusField.Handled, "u32", handled)
  reply.setAt(StatusField.Refused, "u32", refused)
  reply.setAt(StatusField.Dropped, "u32", dropped)
  reply.setAt(StatusField.Boot, "u32", boot)
  reply.setAt(StatusField.ArenaBytes, "u32", ARENA_BYTES)
  reply.blitAt(StatusField.Length, times, 0, told)
  await report(Command.Status, reply)
}

/** tag u16, offset u32, length u16 → reply + offset u32, bytes */
export async function read(p: Buffer): Promise<void> {
  if (p.length !== 8) return await refuse(Command.Read, p, Status.BadLength)
  if (state !== READY) return await refuse(Command.Read, p, Status.NoShard)
  const offset = p.getAt(2, "u32")
  const length = p.getAt(6, "u16")
  if (length > MAX_PAYLOAD - 7 || offset + length > arena.getAt(Header.Size, "i32"))
    return await refuse(Command.Read, p, Status.OutOfRange)
  const reply = Buffer.alloc(7 + length)
  reply.setAt(0, "u16", p.getAt(0, "u16"))
  reply.setAt(3, "u32", offset)
  reply.blitAt(7, arena, offset, length)
  await report(Command.Read, reply)
}

/** tag u16, setting u8, value i32 → reply */
export async function set(p: Buffer): Promise<void> {
  if (p.length !== 7) return await refuse(Command.Set, p, Status.BadLength)
  if (state !== READY) return await refuse(Command.Set, p, Status.NoShard)
  const setting = p.getAt(2, "u8")
  const value = p.getAt(3, "i32")
  if (setting === Setting.LearnShift && isSoundLearnShift(arena, value))
    arena.setAt(Header.LearnShift, "u16", value)
  else if (setting === Setting.Margin && value >= 0 && value <= 32767)
    arena.setAt(Header.Margin, "i16", value)
  else if (setting === Setting.ElementShift && isSoundElementShift(value))
    arena.setAt(Header.ElementShift, "u16", value)
  else return await refuse(Command.Set, p, Status.BadValue)
  await answer(Command.Set, p.getAt(0, "u16"), Status.Ok)
}

/** Answers with an error; a payload too short for a tag gets tag 0. */
export async function refuse(command: number, p: Buffer, status: Status): Promise<void> {
  await answer(command, p.length >= 2 ? p.getAt(0, "u16") : 0, status)
}
