/**
 * Backward sums between boards, while a sample is learnt. Of a layer's signals that other boards read,
 * those boards send their part of the sums: it is checked and added. Of signals that other boards
 * computed, this board's part is announced, in as many reports as it takes.
 */
import { MOST_LAYERS } from "../core/check"
import { Part, PartFlag } from "../core/layout"
import { partAt } from "../core/run"
import type { Payload } from "../wire/protocol"
import { BackField, BackFlag, Compared, MAX_PAYLOAD, Status } from "../wire/protocol"
import { announceBack } from "./outgoing"
import {
  gotAt,
  layers,
  outputsMissing,
  ownEnd,
  ownFirst,
  parts,
  remote,
  slotGot,
  slotNext,
  slots,
} from "./tables"
import { refuseForm, refuseValue, Turn } from "./turn"

/** Sums of one report. */
const MOST_SUMS = (MAX_PAYLOAD - BackField.Length) >> 2

/** Per layer, u8: whether the backward sums of other boards are complete. */
export const backComplete = Buffer.alloc(MOST_LAYERS + 1)
/** Per layer, u8: messages with backward sums of the sample in hand so far. */
const backNumber = Buffer.alloc(MOST_LAYERS + 1)

/** The next signal of which a backward sum is announced. */
let backFrom = 0

/** A sample will be learnt: none of its backward sums has come. */
export function awaitBackwardSums(): void {
  backComplete.fillAt(0, MOST_LAYERS + 1, 0)
  backNumber.fillAt(0, MOST_LAYERS + 1, 0)
}

/**
 * Adds what a message says: BackField, then i32 sums, or with BackFlag.Listed each behind its signal's u16.
 *
 * @param length bytes of `p`
 * @param learnSample the sample that is learnt, −1 for none
 * @returns Turn.Done, or Turn.Refuse where the message is not the one that is due
 */
export function addBackwardSums(
  m: Buffer,
  p: Payload,
  length: number,
  learnSample: number,
): number {
  if (length < BackField.Length) return refuseForm(Status.BadLength, 0)
  const flags = p.getAt(BackField.Flags, "u8")
  const listed = (flags & BackFlag.Listed) !== 0
  const bytes = length - BackField.Length
  if (listed ? bytes % 6 !== 0 : (bytes & 3) !== 0) return refuseForm(Status.BadLength, 0)
  const sample = p.getAt(BackField.Sample, "i32")
  const layer = p.getAt(BackField.Layer, "u8")
  const first = p.getAt(BackField.First, "u16")
  if (sample < 0) return refuseForm(Status.BadValue, sample)
  const slot = sample % slots
  if (sample !== learnSample)
    return refuseValue(Status.OutOfOrder, sample, Compared.Sample, sample, learnSample)
  const next = slotNext.getAt(slot, "u8")
  if (next < parts) return refuseValue(Status.OutOfOrder, sample, Compared.NextPart, next, parts)
  if (outputsMissing(slot)) {
    const got = slotGot.getAt(gotAt(slot, layers), "u16")
    const most = remote.getAt(layers << 1, "u16")
    return refuseValue(Status.OutOfOrder, sample, Compared.SignalCount, got, most)
  }
  let owner = -1
  for (let i = 0; i < parts; i++)
    if (m.getAt(partAt(i) + Part.Layer, "u16") === layer) owner = partAt(i)
  if (owner < 0 || (m.getAt(owner + Part.Flags, "u16") & PartFlag.Report) === 0)
    return refuseValue(Status.WrongShard, sample, Compared.Layer, layer, layers)
  const width = m.getAt(owner + Part.BusOutWidth, "u16")
  let most = first + (bytes >> 2) - 1
  if (listed) {
    most = 0
    for (let i: number = BackField.Length; i < length; i += 6)
      if (p.getAt(i, "u16") > most) most = p.getAt(i, "u16")
  }
  if (most >= width) return refuseValue(Status.OutOfRange, sample, Compared.Place, most, width)
  const due = backNumber.getAt(layer, "u8")
  const numbered = p.getAt(BackField.Number, "u8")
  const complete = backComplete.getAt(layer, "u8") !== 0
  if (complete || numbered !== due) {
    const expected = complete ? -1 : due
    return refuseValue(Status.OutOfOrder, sample, Compared.Message, numbered, expected)
  }
  backNumber.setAt(layer, "u8", (due + 1) & 0xff)
  const back = m.getAt(owner + Part.BackIn, "i32")
  let at = back + (first << 2)
  if (listed)
    for (let i: number = BackField.Length; i < length; i += 6) {
      at = back + (p.getAt(i, "u16") << 2)
      m.setAt(at, "i32", m.getAt(at, "i32") + p.getAt(i + 2, "i32"))
    }
  else
    for (let i: number = BackField.Length; i < length; i += 4) {
      m.setAt(at, "i32", m.getAt(at, "i32") + p.getAt(i, "i32"))
      at += 4
    }
  if ((flags & BackFlag.Last) !== 0) backComplete.setAt(layer, "u8", 1)
  return Turn.Done
}

/** The layer of `part` is through: its backward sums go out from the first signal that is not an own one. */
export function beginBackwardReport(m: Buffer, part: number): void {
  const layer = m.getAt(part + Part.Layer, "u16") - 1
  backFrom = 0
  if (
    (m.getAt(part + Part.Flags, "u16") & PartFlag.Await) !== 0 &&
    ownFirst.getAt(layer << 1, "u16") === 0
  )
    backFrom = ownEnd.getAt(layer << 1, "u16")
}

/**
 * Announces the next backward sums of the signals that other boards computed for the layer of `part`;
 * without any, only what came of the sample.
 *
 * @param predicted what the sample was answered with
 * @returns true with the last of them
 */
export function announceBackwardSums(
  m: Buffer,
  part: number,
  sample: number,
  predicted: number,
): boolean {
  const layer = m.getAt(part + Part.Layer, "u16") - 1
  const awaits = (m.getAt(part + Part.Flags, "u16") & PartFlag.Await) !== 0
  const width = awaits ? m.getAt(part + Part.BusInWidth, "u16") : 0
  const first = ownFirst.getAt(layer << 1, "u16")
  const from = backFrom
  const n = Math.min(MOST_SUMS, (from < first ? first : width) - from)
  // Own signals are jumped over.
  backFrom = from + n
  if (backFrom === first) backFrom = ownEnd.getAt(layer << 1, "u16")
  const last = backFrom >= width
  const flags = BackFlag.Learned | (last ? BackFlag.Last : 0)
  const at = m.getAt(part + Part.BackOut, "i32") + (from << 2)
  announceBack(sample, layer, flags, from, predicted, at, n)
  return last
}
