/**
 * A board's reports of signals and backward sums, one at a time: {@link reportCommand} and the variables
 * beside it name the one to send until another is announced. Signals of several samples go out in one
 * report; until then they are gathered behind the shard, in its memory.
 */
import { MOST_PARTS } from "../core/check"
import { Header, Part, PartFlag } from "../core/layout"
import { partAt } from "../core/run"
import type { Payload } from "../wire/protocol"
import { BackField, Command, MAX_PAYLOAD, SignalsField, SumsField } from "../wire/protocol"

/** Signals of one report. */
const MOST_SIGNALS = (MAX_PAYLOAD - SignalsField.Length) >> 1

/** Of the report to send: Command.Signals, Back or Sums, and the bytes of its payload. */
export let reportCommand = 0
export let reportBytes = 0
let reportSample = 0
let reportLayer = 0
/** SignalsField.Count, SumsField.Count or BackField.Flags, which lie at the same place, as First does. */
let reportMark = 0
let reportFirst = 0
let reportPredicted = 0
/** Address of its signals (i16) or sums (i32). */
let reportAt = 0

/** Parts with a report that is begun. */
export let gathering = 0
/** Per part, u8: samples gathered for one report. */
const gatheredCount = Buffer.alloc(MOST_PARTS)
/**
 * Per part, u16: a quarter of the address where they are gathered, as in a payload, but with the first one's
 * number alone before them; 0: the part reports nothing.
 */
const gatheredAt = Buffer.alloc(MOST_PARTS << 1)
/** Signals of the sample in hand that have gone out, where one sample takes several reports. */
let rangeFrom = 0

/** Is there room in `size` bytes for the loaded shard, which must be sound, and the reports it gathers? */
export function hasRoom(m: Buffer, size: number): boolean {
  let bytes = endOf(m)
  const parts = m.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) if (reportsSignals(m, partAt(i))) bytes += MAX_PAYLOAD
  return bytes <= size
}

/** Where the shard ends, at the next address that is a multiple of 4: at most 2^18. */
function endOf(m: Buffer): number {
  return (m.getAt(Header.Size, "i32") + 3) & -4
}

function reportsSignals(m: Buffer, part: number): boolean {
  return (m.getAt(part + Part.Flags, "u16") & (PartFlag.Report | PartFlag.Output)) !== 0
}

/** Signals a part computes: a u8 of neurons' outputs each. */
export function signalsOf(m: Buffer, part: number): number {
  return m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Outputs, "u16")
}

/** Starts afresh with a newly loaded shard. */
export function resetReports(m: Buffer): void {
  let space = endOf(m)
  const parts = m.getAt(Header.Parts, "u16")
  rangeFrom = 0
  gathering = 0
  for (let i = 0; i < parts; i++) {
    gatheredCount.setAt(i, "u8", 0)
    gatheredAt.setAt(i << 1, "u16", 0)
    if (reportsSignals(m, partAt(i))) {
      gatheredAt.setAt(i << 1, "u16", space >> 2)
      space += MAX_PAYLOAD
    }
  }
}

/**
 * Adds the signals of part `index`, if others read them, to its report, which goes out when it is full or
 * flushed.
 *
 * @returns true if a report must be sent first: then call it again
 */
export function gather(m: Buffer, index: number, slot: number, sample: number): boolean {
  const at = gatheredAt.getAt(index << 1, "u16") << 2
  if (at === 0) return false
  const part = partAt(index)
  const count = signalsOf(m, part)
  const bus =
    m.getAt(part + Part.BusOut, "i32") +
    ((slot * m.getAt(part + Part.BusOutWidth, "u16") + m.getAt(part + Part.BusOutFirst, "u16")) <<
      1)
  if (count > MOST_SIGNALS) {
    // One sample does not fit one message: several, each a range of the layer.
    if (rangeFrom >= count) {
      rangeFrom = 0
      return false
    }
    const n = Math.min(MOST_SIGNALS, count - rangeFrom)
    announceSignals(m, part, sample, n, rangeFrom)
    reportAt = bus + (rangeFrom << 1)
    reportBytes = SignalsField.Length + (n << 1)
    rangeFrom += n
    return true
  }
  const held = gatheredCount.getAt(index, "u8")
  if (
    held > 0 &&
    (m.getAt(at + SignalsField.Sample, "i32") + held !== sample ||
      (held + 1) * count > MOST_SIGNALS)
  ) {
    announceGathered(m, index)
    return true
  }
  if (held === 0) {
    m.setAt(at + SignalsField.Sample, "i32", sample)
    gathering++
  }
  m.blitAt(at + SignalsField.Length + ((held * count) << 1), m, bus, count << 1)
  gatheredCount.setAt(index, "u8", held + 1)
  return false
}

/** Announces the report of the first part that has gathered any signals; false if none has. */
export function announceHeld(m: Buffer, parts: number): boolean {
  if (gathering === 0) return false
  for (let i = 0; i < parts; i++)
    if (gatheredCount.getAt(i, "u8") > 0) {
      announceGathered(m, i)
      return true
    }
  return false
}

function announceGathered(m: Buffer, index: number): void {
  const part = partAt(index)
  const count = signalsOf(m, part)
  const at = gatheredAt.getAt(index << 1, "u16") << 2
  announceSignals(m, part, m.getAt(at + SignalsField.Sample, "i32"), count, 0)
  reportAt = at + SignalsField.Length
  reportBytes = SignalsField.Length + ((count * gatheredCount.getAt(index, "u8")) << 1)
  gatheredCount.setAt(index, "u8", 0)
  gathering--
}

function announceSignals(
  m: Buffer,
  part: number,
  sample: number,
  count: number,
  from: number,
): void {
  reportCommand = Command.Signals
  reportSample = sample
  reportLayer = m.getAt(part + Part.Layer, "u16")
  reportMark = count
  reportFirst = m.getAt(part + Part.BusOutFirst, "u16") + from
}

/**
 * A report of `count` backward sums at the address `at`.
 *
 * @param flags as {@link BackField} has it, as `layer`, `first` and `predicted`
 */
export function announceBack(
  sample: number,
  layer: number,
  flags: number,
  first: number,
  predicted: number,
  at: number,
  count: number,
): void {
  reportCommand = Command.Back
  reportSample = sample
  reportLayer = layer
  reportMark = flags
  reportFirst = first
  reportPredicted = predicted
  reportAt = at
  reportBytes = BackField.Length + (count << 2)
}

/** A report of what this shard has of the sums of a part's synapses, which are `count`. */
export function announceSums(m: Buffer, part: number, sample: number, count: number): void {
  reportCommand = Command.Sums
  reportSample = sample
  reportLayer = m.getAt(part + Part.Layer, "u16")
  reportMark = count
  reportFirst = 0
  reportAt = m.getAt(part + Part.Sum, "i32")
  reportBytes = SumsField.Length + (count << 2)
}

/** Writes the announced report into a payload of {@link reportBytes}. */
export function writeReport(m: Buffer, payload: Payload): void {
  payload.setAt(SignalsField.Sample, "i32", reportSample)
  payload.setAt(SignalsField.Layer, "u8", reportLayer)
  payload.setAt(SignalsField.Count, "u8", reportMark)
  payload.setAt(SignalsField.First, "u16", reportFirst)
  let head: number = SignalsField.Length
  if (reportCommand === Command.Back) {
    payload.setAt(BackField.Predicted, "u8", reportPredicted)
    payload.setAt(BackField.Number, "u8", 0)
    head = BackField.Length
  }
  payload.blitAt(head, m, reportAt, reportBytes - head)
}
