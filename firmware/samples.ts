/**
 * Samples on their way through the shard: forward as images and signals come in, backward as errors
 * do. What can run, runs; what must wait for another board's signals or backward sums waits.
 */
import * as ds from "@devicescript/core"
import { MOST_LAYERS, MOST_SLOTS } from "../src/core/check"
import { activateRuns, clearImage } from "../src/core/image"
import { Header, Part, PartFlag } from "../src/core/layout"
import {
  backward,
  beginLearning,
  forward,
  outputError,
  PHASE,
  partAt,
  readout,
} from "../src/core/run"
import {
  BackField,
  BackFlag,
  Command,
  Compared,
  ImageField,
  ImageFlag,
  LayerTimes,
  MAX_PAYLOAD,
  SignalsField,
  Status,
  TimesField,
} from "../src/wire/protocol"
import { arena } from "./arena"
import { flush, gather, gatheredAt, gatheredCount, reports, signalsOf } from "./gathered"
import { fault, mismatch, report } from "./reports"
import { countOne, lap, timeLayers } from "./times"

const NONE = -1
/** Learning steps applied since the shard was loaded. */
export let updates = 0

let parts = 0
let slots = 0
/** The highest layer this shard computes. */
let layers = 0

// All the memory there will ever be, for the largest shard a board takes.

/** Per layer, u16: signals other boards compute; where this shard's own begin and end. */
const remote = Buffer.alloc((MOST_LAYERS + 1) * 2)
const ownFirst = Buffer.alloc((MOST_LAYERS + 1) * 2)
const ownEnd = Buffer.alloc((MOST_LAYERS + 1) * 2)
/** Per slot: the sample in it (i32), the next part to run forward (u8). */
const slotSample = Buffer.alloc(MOST_SLOTS * 4)
const slotNext = Buffer.alloc(MOST_SLOTS)
/** Per slot and layer, u16: signals of other boards received. */
const slotGot = Buffer.alloc(MOST_SLOTS * (MOST_LAYERS + 1) * 2)
/** Per layer, u8: whether the backward sums of other boards are complete. */
const backComplete = Buffer.alloc(MOST_LAYERS + 1)
/** Per layer, u8: messages with backward sums of the sample in hand so far. */
const backNumber = Buffer.alloc(MOST_LAYERS + 1)
// The image being received, as its first slice announced it.
let imageSample = NONE
let imagePixel = 0
let imageLearns = false
let imageLabel = 0

// The sample being learnt, its label, the next part to run backward.
let learnSample = NONE
let learnLabel = 0
let learnNext = NONE

/** Starts afresh with a newly loaded shard, which must be sound and fit. */
export function resetSamples(): void {
  parts = arena.getAt(Header.Parts, "u16")
  slots = arena.getAt(Header.Slots, "u16")
  layers = arena.getAt(partAt(parts - 1) + Part.Layer, "u16")
  timeLayers(layers)
  updates = 0
  imageSample = NONE
  learnSample = NONE
  remote.fillAt(0, remote.length, 0)
  ownFirst.fillAt(0, ownFirst.length, 0)
  ownEnd.fillAt(0, ownEnd.length, 0)
  let space = arena.getAt(Header.Size, "i32")
  let before = 0
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const layer = arena.getAt(part + Part.Layer, "u16")
    const first = arena.getAt(part + Part.BusOutFirst, "u16")
    // One layer's parts are one range, ascending: see src/core/check.ts.
    if (layer !== before) ownFirst.setAt(layer << 1, "u16", first)
    ownEnd.setAt(layer << 1, "u16", first + signalsOf(part))
    before = layer
    gatheredCount.setAt(i, "u8", 0)
    gatheredAt.setAt(i << 1, "u16", 0)
    if (reports(part)) {
      gatheredAt.setAt(i << 1, "u16", space)
      space += MAX_PAYLOAD
    }
  }
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const below = arena.getAt(part + Part.Layer, "u16") - 1
    if ((arena.getAt(part + Part.Flags, "u16") & PartFlag.Await) !== 0)
      remote.setAt(
        below << 1,
        "u16",
        arena.getAt(part + Part.BusInWidth, "u16") -
          ownEnd.getAt(below << 1, "u16") +
          ownFirst.getAt(below << 1, "u16"),
      )
    // Outputs that other boards compute: the error needs them all.
    if ((arena.getAt(part + Part.Flags, "u16") & PartFlag.Output) !== 0)
      remote.setAt(
        layers << 1,
        "u16",
        arena.getAt(part + Part.BusOutWidth, "u16") -
          ownEnd.getAt(layers << 1, "u16") +
          ownFirst.getAt(layers << 1, "u16"),
      )
  }
  for (let slot = 0; slot < slots; slot++) emptySlot(slot)
}

function emptySlot(slot: number): void {
  slotSample.setAt(slot << 2, "i32", NONE)
  slotNext.setAt(slot, "u8", parts)
}

function gotAt(slot: number, layer: number): number {
  return (slot * (MOST_LAYERS + 1) + layer) << 1
}

/** Command image: ImageField, runs. */
export async function image(p: Buffer): Promise<void> {
  if (p.length < ImageField.Length) return await fault(Status.BadLength, Command.Image, 0)
  const sample = p.getAt(ImageField.Sample, "i32")
  const flags = p.getAt(ImageField.Flags, "u8")
  const learns = (flags & ImageFlag.Learn) !== 0
  const label = p.getAt(ImageField.Label, "u8")
  // Numbers past 2^31 would be fractions to the machine, and slots of them negative.
  if (sample < 0 || flags > 15) return await fault(Status.BadValue, Command.Image, sample)
  const slot = sample % slots
  if ((flags & ImageFlag.First) !== 0) {
    imageSample = NONE
    const before = p.getAt(ImageField.Updates, "i32")
    if (learns && before !== updates)
      return await mismatch(
        Status.OutOfOrder,
        Command.Image,
        sample,
        Compared.Updates,
        before,
        updates,
      )
    const last = partAt(parts - 1)
    const classes = arena.getAt(last + Part.BusOutWidth, "u16")
    if (
      learns &&
      (arena.getAt(last + Part.Flags, "u16") & PartFlag.Output) !== 0 &&
      label >= classes
    )
      return await mismatch(Status.BadValue, Command.Image, sample, Compared.Label, label, classes)
    imageSample = sample
    imagePixel = 0
    imageLearns = learns
    imageLabel = label
    learnSample = NONE
    slotSample.setAt(slot << 2, "i32", sample)
    slotNext.setAt(slot, "u8", 0)
    slotGot.fillAt(gotAt(slot, 0), (MOST_LAYERS + 1) << 1, 0)
    arena.setAt(Header.Brief, "u16", learns ? 0 : 1)
    if (takesPixels()) clearImage(arena, partAt(0))
  }
  if (imageSample !== sample)
    return await mismatch(
      Status.OutOfOrder,
      Command.Image,
      sample,
      Compared.Sample,
      sample,
      imageSample,
    )
  const pixel = p.getAt(ImageField.Pixel, "u16")
  if (pixel !== imagePixel)
    return await mismatch(
      Status.OutOfOrder,
      Command.Image,
      sample,
      Compared.Pixel,
      pixel,
      imagePixel,
    )
  let status = Status.Ok
  // Every slice says the same of its sample: the first one's word was checked.
  if (learns !== imageLearns || label !== imageLabel) status = Status.BadValue
  else if (takesPixels()) {
    imagePixel = activateRuns(arena, partAt(0), p, ImageField.Length, p.length, imagePixel)
    if (imagePixel < 0) status = Status.BadImage
  }
  if (status !== Status.Ok) {
    imageSample = NONE
    emptySlot(slot)
    return await fault(status, Command.Image, sample)
  }
  if (takesPixels()) {
    await ds.sleep(0)
    lap(TimesField.Images, 0)
  }
  if ((flags & ImageFlag.Last) === 0) return
  imageSample = NONE
  countOne(TimesField.Samples)
  if (learns) {
    learnSample = sample
    learnLabel = label
    learnNext = parts - 1
    backComplete.fillAt(0, backComplete.length, 0)
    backNumber.fillAt(0, backNumber.length, 0)
    beginLearning(arena, sample)
  }
  await advance(slot)
  if (learns || (flags & ImageFlag.Flush) !== 0) await flush(parts)
}

function takesPixels(): boolean {
  return (arena.getAt(partAt(0) + Part.Flags, "u16") & PartFlag.Input) !== 0
}

/** Command signals: SignalsField, then `count` i16 for each sample. */
export async function signals(p: Buffer): Promise<void> {
  if (p.length < SignalsField.Length) return await fault(Status.BadLength, Command.Signals, 0)
  const sample = p.getAt(SignalsField.Sample, "i32")
  const layer = p.getAt(SignalsField.Layer, "u8")
  const count = p.getAt(SignalsField.Count, "u8")
  const first = p.getAt(SignalsField.First, "u16")
  const bytes = count + count
  const length = p.length - SignalsField.Length
  if (count < 1 || length < bytes || length % bytes !== 0)
    return await fault(Status.BadLength, Command.Signals, sample)
  if (sample < 0) return await fault(Status.BadValue, Command.Signals, sample)
  if (layer < 1 || layer > layers || remote.getAt(layer << 1, "u16") === 0)
    return await mismatch(Status.WrongShard, Command.Signals, sample, Compared.Layer, layer, layers)
  // Outputs are read by no part: the error is made of them where they are.
  const outputs = layer === layers
  const reader = outputs ? partAt(parts - 1) : readerOf(layer)
  const width = arena.getAt(reader + (outputs ? Part.BusOutWidth : Part.BusInWidth), "u16")
  const end = first + count
  if (
    end > width ||
    (first < ownEnd.getAt(layer << 1, "u16") && end > ownFirst.getAt(layer << 1, "u16"))
  )
    return await mismatch(Status.OutOfRange, Command.Signals, sample, Compared.Place, first, width)
  const samples = Math.idiv(length, bytes)
  for (let i = 0; i < samples; i++) {
    const slot = (sample + i) % slots
    const place = gotAt(slot, layer)
    // They come in the order of their places, own ones left out: one that comes twice must not stand
    // in for one that is lost.
    let next = slotGot.getAt(place, "u16")
    if (next >= ownFirst.getAt(layer << 1, "u16"))
      next += ownEnd.getAt(layer << 1, "u16") - ownFirst.getAt(layer << 1, "u16")
    const total = slotGot.getAt(place, "u16") + count
    // Signals that were had already may have been used: the learning step must find the same.
    let compared = Compared.Nothing
    let expected = slotSample.getAt(slot << 2, "i32")
    let got = sample + i
    if (got !== expected) compared = Compared.Sample
    else if (first !== next) {
      compared = Compared.FirstSignal
      got = first
      expected = next
    } else if (total > remote.getAt(layer << 1, "u16")) {
      compared = Compared.SignalCount
      got = total
      expected = remote.getAt(layer << 1, "u16")
    }
    if (compared !== Compared.Nothing)
      return await mismatch(Status.OutOfOrder, Command.Signals, sample + i, compared, got, expected)
    const bus =
      arena.getAt(reader + (outputs ? Part.BusOut : Part.BusIn), "i32") +
      ((slot * width + first) << 1)
    arena.blitAt(bus, p, SignalsField.Length + i * bytes, bytes)
    slotGot.setAt(place, "u16", total)
    // While its image still comes in, a sample waits.
    if (imageSample !== sample + i) await advance(slot)
  }
  await flush(parts)
}

/** A part that reads the signals of `layer`. */
function readerOf(layer: number): number {
  let part = partAt(0)
  for (let i = 0; i < parts; i++)
    if (arena.getAt(partAt(i) + Part.Layer, "u16") === layer + 1) part = partAt(i)
  return part
}

/** Runs forward whatever part has all it needs; with all outputs there, the error goes back. */
async function advance(slot: number): Promise<void> {
  while (slotNext.getAt(slot, "u8") < parts) {
    const index = slotNext.getAt(slot, "u8")
    const part = partAt(index)
    const flags = arena.getAt(part + Part.Flags, "u16")
    const below = arena.getAt(part + Part.Layer, "u16") - 1
    if (
      (flags & PartFlag.Await) !== 0 &&
      slotGot.getAt(gotAt(slot, below), "u16") < remote.getAt(below << 1, "u16")
    )
      return
    const learns = learnSample !== NONE && learnSample === slotSample.getAt(slot << 2, "i32")
    arena.setAt(Header.Brief, "u16", learns ? 0 : 1)
    let at = 0
    while (at >= 0) {
      at = forward(arena, part, slot, at)
      await ds.sleep(0)
    }
    lap(TimesField.OfLayers + LayerTimes.Forward, below)
    slotNext.setAt(slot, "u8", index + 1)
    // Of a sample that is learnt, outputs are for the other boards that have some.
    if ((flags & PartFlag.Output) !== 0 && learns && remote.getAt(layers << 1, "u16") === 0)
      continue
    if (gatheredAt.getAt(index << 1, "u16") > 0)
      await gather(index, slot, slotSample.getAt(slot << 2, "i32"))
  }
  if (learnSample === NONE || learnSample !== slotSample.getAt(slot << 2, "i32")) return
  const last = partAt(parts - 1)
  if ((arena.getAt(last + Part.Flags, "u16") & PartFlag.Output) === 0) return
  if (remote.getAt(layers << 1, "u16") > 0) {
    await flush(parts)
    if (outputsMissing(slot)) return
    // The machine sends when the program pauses: the other boards with outputs wait for these.
    await ds.sleep(1)
    lap(TimesField.Reports, 0)
  }
  await learn(last, slot)
}

/** Do outputs that other boards compute still have to come? */
function outputsMissing(slot: number): boolean {
  return slotGot.getAt(gotAt(slot, layers), "u16") < remote.getAt(layers << 1, "u16")
}

/** The output is there and the label known: the error, and what follows from it. */
async function learn(part: number, slot: number): Promise<void> {
  const predicted = readout(arena, part, slot)
  if (outputError(arena, part, slot, learnLabel)) return await learnBack(slot, predicted)
  const b = Buffer.alloc(BackField.Length)
  b.setAt(BackField.Sample, "i32", learnSample)
  b.setAt(BackField.Layer, "u8", layers - 1)
  b.setAt(BackField.Flags, "u8", BackFlag.Last)
  b.setAt(BackField.Predicted, "u8", predicted)
  learnSample = NONE
  await report(Command.Back, b)
}

/** Command back: BackField, i32 sums. */
export async function back(p: Buffer): Promise<void> {
  if (p.length < BackField.Length) return await fault(Status.BadLength, Command.Back, 0)
  const listed = (p.getAt(BackField.Flags, "u8") & BackFlag.Listed) !== 0
  const bytes = p.length - BackField.Length
  if (listed ? bytes % 6 !== 0 : (bytes & 3) !== 0)
    return await fault(Status.BadLength, Command.Back, 0)
  const sample = p.getAt(BackField.Sample, "i32")
  const layer = p.getAt(BackField.Layer, "u8")
  const first = p.getAt(BackField.First, "u16")
  if (sample < 0) return await fault(Status.BadValue, Command.Back, sample)
  const slot = sample % slots
  if (sample !== learnSample)
    return await mismatch(
      Status.OutOfOrder,
      Command.Back,
      sample,
      Compared.Sample,
      sample,
      learnSample,
    )
  const next = slotNext.getAt(slot, "u8")
  if (next < parts)
    return await mismatch(Status.OutOfOrder, Command.Back, sample, Compared.NextPart, next, parts)
  if (outputsMissing(slot))
    return await mismatch(
      Status.OutOfOrder,
      Command.Back,
      sample,
      Compared.SignalCount,
      slotGot.getAt(gotAt(slot, layers), "u16"),
      remote.getAt(layers << 1, "u16"),
    )
  let owner = NONE
  for (let i = 0; i < parts; i++)
    if (arena.getAt(partAt(i) + Part.Layer, "u16") === layer) owner = partAt(i)
  if (owner === NONE || (arena.getAt(owner + Part.Flags, "u16") & PartFlag.Report) === 0)
    return await mismatch(Status.WrongShard, Command.Back, sample, Compared.Layer, layer, layers)
  const width = arena.getAt(owner + Part.BusOutWidth, "u16")
  let most = first + (bytes >> 2) - 1
  if (listed) {
    most = 0
    for (let i = BackField.Length; i < p.length; i += 6)
      if (p.getAt(i, "u16") > most) most = p.getAt(i, "u16")
  }
  if (most >= width)
    return await mismatch(Status.OutOfRange, Command.Back, sample, Compared.Place, most, width)
  const number = backNumber.getAt(layer, "u8")
  const numbered = p.getAt(BackField.Number, "u8")
  const complete = backComplete.getAt(layer, "u8") !== 0
  if (complete || numbered !== number)
    return await mismatch(
      Status.OutOfOrder,
      Command.Back,
      sample,
      Compared.Message,
      numbered,
      complete ? NONE : number,
    )
  backNumber.setAt(layer, "u8", (number + 1) & 0xff)
  const back = arena.getAt(owner + Part.BackIn, "i32")
  let at = back + (first << 2)
  if (listed)
    for (let i = BackField.Length; i < p.length; i += 6) {
      at = back + (p.getAt(i, "u16") << 2)
      arena.setAt(at, "i32", arena.getAt(at, "i32") + p.getAt(i + 2, "i32"))
    }
  else
    for (let i = BackField.Length; i < p.length; i += 4) {
      arena.setAt(at, "i32", arena.getAt(at, "i32") + p.getAt(i, "i32"))
      at += 4
    }
  if ((p.getAt(BackField.Flags, "u8") & BackFlag.Last) === 0) return
  backComplete.setAt(layer, "u8", 1)
  await learnBack(slot, 255)
}

/** Runs backward whatever part has all it needs; the sample is learnt when none is left. */
async function learnBack(slot: number, predicted: number): Promise<void> {
  const sample = learnSample
  while (learnNext >= 0) {
    const part = partAt(learnNext)
    const flags = arena.getAt(part + Part.Flags, "u16")
    const layer = arena.getAt(part + Part.Layer, "u16")
    if ((flags & PartFlag.Report) !== 0 && backComplete.getAt(layer, "u8") === 0) return
    let at = 0
    let settled = false
    while (at >= 0) {
      at = backward(arena, part, slot, at)
      await ds.sleep(0)
      if (at >= PHASE && !settled) {
        settled = true
        lap(TimesField.OfLayers + LayerTimes.Backward, layer - 1)
      }
    }
    lap(TimesField.OfLayers + LayerTimes.Learn, layer - 1)
    learnNext--
    const layerDone = learnNext < 0 || arena.getAt(partAt(learnNext) + Part.Layer, "u16") !== layer
    if (learnNext < 0) {
      // Counted before the report below: when the host has that, the sample is learnt.
      updates++
      countOne(TimesField.Learnt)
      learnSample = NONE
    }
    if (layerDone && (flags & (PartFlag.Await | PartFlag.Output)) !== 0)
      await reportBack(part, sample, predicted)
  }
}

/** Reports the backward sums of the signals other shards computed; without any, only the outcome. */
async function reportBack(part: number, sample: number, predicted: number): Promise<void> {
  const layer = arena.getAt(part + Part.Layer, "u16") - 1
  const width =
    (arena.getAt(part + Part.Flags, "u16") & PartFlag.Await) !== 0
      ? arena.getAt(part + Part.BusInWidth, "u16")
      : 0
  const first = ownFirst.getAt(layer << 1, "u16")
  const end = ownEnd.getAt(layer << 1, "u16")
  const most = (MAX_PAYLOAD - BackField.Length) >> 2
  // Own signals are jumped over.
  let from = first === 0 && width > 0 ? end : 0
  while (true) {
    const stop = from < first ? first : width
    const n = Math.min(most, stop - from)
    let next = from + n
    if (next === first) next = end
    const b = Buffer.alloc(BackField.Length + (n << 2))
    b.setAt(BackField.Sample, "i32", sample)
    b.setAt(BackField.Layer, "u8", layer)
    b.setAt(BackField.Flags, "u8", BackFlag.Learned | (next >= width ? BackFlag.Last : 0))
    b.setAt(BackField.First, "u16", from)
    b.setAt(BackField.Predicted, "u8", predicted)
    b.blitAt(BackField.Length, arena, arena.getAt(part + Part.BackOut, "i32") + (from << 2), n << 2)
    await report(Command.Back, b)
    // The machine sends when the program pauses: otherwise this board's next layer, up to a quarter of
    // a second of work, would hold up the boards that wait for these sums.
    if (next >= width) await ds.sleep(1)
    lap(TimesField.Reports, 0)
    if (next >= width) return
    from = next
  }
}
