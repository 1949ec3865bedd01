/**
 * What a shard waits for, and which samples are under way in it. All the memory there will ever be, for
 * the largest shard a board takes.
 */
import { MOST_LAYERS, MOST_SLOTS } from "../core/check"
import { Header, Part, PartFlag } from "../core/layout"
import { partAt } from "../core/run"
import { signalsOf } from "./outgoing"

/** Of the shard: parts, and samples that may be under way at once. */
export let parts = 0
export let slots = 0
/** The highest layer this shard computes. */
export let layers = 0

/** Synapses of outputs whose sums all boards add up; 0: this shard has no such outputs. */
export let summed = 0

/** Per layer, u16: signals other boards compute; where this shard's own begin and end. */
export const remote = Buffer.alloc((MOST_LAYERS + 1) << 1)
export const ownFirst = Buffer.alloc((MOST_LAYERS + 1) << 1)
export const ownEnd = Buffer.alloc((MOST_LAYERS + 1) << 1)
/** Per slot: the sample in it (i32), the next part to run forward (u8). */
export const slotSample = Buffer.alloc(MOST_SLOTS << 2)
export const slotNext = Buffer.alloc(MOST_SLOTS)
/** Per slot and layer, u16: signals of other boards received. */
export const slotGot = Buffer.alloc((MOST_SLOTS * (MOST_LAYERS + 1)) << 1)
/** Starts afresh with a newly loaded shard, which must be sound and fit. */
export function resetTables(m: Buffer): void {
  parts = m.getAt(Header.Parts, "u16")
  slots = m.getAt(Header.Slots, "u16")
  layers = m.getAt(partAt(parts - 1) + Part.Layer, "u16")
  remote.fillAt(0, (MOST_LAYERS + 1) << 1, 0)
  ownFirst.fillAt(0, (MOST_LAYERS + 1) << 1, 0)
  ownEnd.fillAt(0, (MOST_LAYERS + 1) << 1, 0)
  const last = partAt(parts - 1)
  summed = 0
  if ((m.getAt(last + Part.Flags, "u16") & PartFlag.Partial) !== 0)
    summed = m.getAt(last + Part.Neurons, "u16") * m.getAt(last + Part.Inputs, "u16")
  let before = 0
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const layer = m.getAt(part + Part.Layer, "u16")
    const first = m.getAt(part + Part.BusOutFirst, "u16")
    // One layer's parts are one range, ascending: see src/core/check.ts.
    if (layer !== before) ownFirst.setAt(layer << 1, "u16", first)
    ownEnd.setAt(layer << 1, "u16", first + signalsOf(m, part))
    before = layer
  }
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const flags = m.getAt(part + Part.Flags, "u16")
    const below = m.getAt(part + Part.Layer, "u16") - 1
    if ((flags & PartFlag.Await) !== 0)
      remote.setAt(below << 1, "u16", m.getAt(part + Part.BusInWidth, "u16") - ownCount(below))
    // Outputs that other boards compute: the error needs them all.
    if ((flags & PartFlag.Output) !== 0)
      remote.setAt(layers << 1, "u16", m.getAt(part + Part.BusOutWidth, "u16") - ownCount(layers))
  }
  for (let slot = 0; slot < slots; slot++) emptySlot(slot)
}

/** Signals of a layer that this shard computes. */
export function ownCount(layer: number): number {
  return ownEnd.getAt(layer << 1, "u16") - ownFirst.getAt(layer << 1, "u16")
}

/** No sample is in a slot, so nothing of it may run. */
export function emptySlot(slot: number): void {
  slotSample.setAt(slot << 2, "i32", -1)
  slotNext.setAt(slot, "u8", parts)
}

/** Where in {@link slotGot} a layer of a slot is. */
export function gotAt(slot: number, layer: number): number {
  return (slot * (MOST_LAYERS + 1) + layer) << 1
}

/** A part that reads the signals of `layer`; outputs are where the error is made of them. */
export function readerOf(m: Buffer, layer: number): number {
  if (layer === layers) return partAt(parts - 1)
  let part = partAt(0)
  for (let i = 0; i < parts; i++)
    if (m.getAt(partAt(i) + Part.Layer, "u16") === layer + 1) part = partAt(i)
  return part
}

/** Do outputs that other boards compute still have to come? */
export function outputsMissing(slot: number): boolean {
  return slotGot.getAt(gotAt(slot, layers), "u16") < remote.getAt(layers << 1, "u16")
}
