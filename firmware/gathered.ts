/** Reports of signals: those of several samples go out in one, behind the shard in the arena. */
import { MOST_PARTS } from "../src/core/check"
import { Header, Part, PartFlag } from "../src/core/layout"
import { partAt } from "../src/core/run"
import { Command, MAX_PAYLOAD, SignalsField, TimesField } from "../src/wire/protocol"
import { ARENA_BYTES, arena } from "./arena"
import { report } from "./reports"
import { lap } from "./times"

/** Signals of one report. */
const MOST_SIGNALS = (MAX_PAYLOAD - SignalsField.Length) >> 1

/**
 * Per part: samples gathered for one report (u8), and where in the arena, behind the shard, the
 * report is (u16; 0: the part reports nothing).
 */
export const gatheredCount = Buffer.alloc(MOST_PARTS)
export const gatheredAt = Buffer.alloc(MOST_PARTS * 2)

/** Is there room behind the loaded shard, which must be sound, for the reports it gathers? */
export function hasRoom(): boolean {
  let bytes = arena.getAt(Header.Size, "i32")
  const count = arena.getAt(Header.Parts, "u16")
  for (let i = 0; i < count; i++) if (reports(partAt(i))) bytes += MAX_PAYLOAD
  return bytes <= ARENA_BYTES
}

/** Does a part report its signals? */
export function reports(part: number): boolean {
  return (arena.getAt(part + Part.Flags, "u16") & (PartFlag.Report | PartFlag.Output)) !== 0
}

export function signalsOf(part: number): number {
  return arena.getAt(part + Part.Neurons, "u16") * arena.getAt(part + Part.Outputs, "u16")
}

/** Adds the signals of a part to its report, which goes out when full or at the next flush. */
export async function gather(index: number, slot: number, sample: number): Promise<void> {
  const part = partAt(index)
  const count = signalsOf(part)
  const at = gatheredAt.getAt(index << 1, "u16")
  const bus =
    arena.getAt(part + Part.BusOut, "i32") +
    ((slot * arena.getAt(part + Part.BusOutWidth, "u16") +
      arena.getAt(part + Part.BusOutFirst, "u16")) <<
      1)
  if (count > MOST_SIGNALS) {
    // One sample does not fit one message: several, each a range of the layer.
    for (let from = 0; from < count; from += MOST_SIGNALS) {
      const n = Math.min(MOST_SIGNALS, count - from)
      announce(at, part, sample, n, from)
      arena.blitAt(at + SignalsField.Length, arena, bus + from + from, n + n)
      gatheredCount.setAt(index, "u8", 1)
      await send(index)
    }
    return
  }
  const held = gatheredCount.getAt(index, "u8")
  if (
    held > 0 &&
    (arena.getAt(at + SignalsField.Sample, "i32") + held !== sample ||
      (held + 1) * count > MOST_SIGNALS)
  )
    await send(index)
  const place = gatheredCount.getAt(index, "u8")
  if (place === 0) announce(at, part, sample, count, 0)
  arena.blitAt(at + SignalsField.Length + ((place * count) << 1), arena, bus, count + count)
  gatheredCount.setAt(index, "u8", place + 1)
}

function announce(at: number, part: number, sample: number, count: number, from: number): void {
  arena.setAt(at + SignalsField.Sample, "i32", sample)
  arena.setAt(at + SignalsField.Layer, "u8", arena.getAt(part + Part.Layer, "u16"))
  arena.setAt(at + SignalsField.Count, "u8", count)
  arena.setAt(at + SignalsField.First, "u16", arena.getAt(part + Part.BusOutFirst, "u16") + from)
}

async function send(index: number): Promise<void> {
  const at = gatheredAt.getAt(index << 1, "u16")
  const bytes =
    arena.getAt(at + SignalsField.Count, "u8") * gatheredCount.getAt(index, "u8") * 2 +
    SignalsField.Length
  gatheredCount.setAt(index, "u8", 0)
  const payload = Buffer.alloc(bytes)
  payload.blitAt(0, arena, at, bytes)
  await report(Command.Signals, payload)
  lap(TimesField.Reports, 0)
}

/** @param parts of the shard */
export async function flush(parts: number): Promise<void> {
  for (let i = 0; i < parts; i++) if (gatheredCount.getAt(i, "u8") > 0) await send(i)
}
