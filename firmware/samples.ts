/**
 * Samples on their way through the shard: forward as images and signals come in, backward as errors
 * do. What can run, runs; what must wait for another board's signals or backward sums waits.
 */
import * as ds from "@devicescript/core"
import { activateRuns, clearImage } from "../src/image"
import { Header, Part, PartFlag } from "../src/layout"
import {
  BackField,
  BackFlag,
  Command,
  ImageField,
  ImageFlag,
  MAX_PAYLOAD,
  SignalsField,
  Status,
} from "../src/protocol"
import { backward, beginLearning, forward, outputError, partAt, readout } from "../src/run"
import { arena } from "./arena"
import { fault, report } from "./reports"

const NONE = -1

/** Learning steps applied since the shard was loaded. */
export let updates = 0

let parts = 0
let slots = 0
let layers = 0
/** The layer whose signals the whole of which this shard computes or not: signals others compute. */
let remote: number[] = []

// Per slot: the sample in it, the next part to run forward, remote signals received per layer.
let slotSample: number[] = []
let slotNext: number[] = []
let slotGot: number[] = []

// The image being received.
let imageSample = NONE
let imagePixel = 0

// The sample being learnt: its number, label, next part to run backward, which layers' remote
// backward sums are complete.
let learnSample = NONE
let learnLabel = 0
let learnNext = NONE
let backComplete: boolean[] = []

// Per part: signals gathered for one report, how many samples, and the first of them.
let gathered: Buffer[] = []
let gatheredCount: number[] = []

/** Starts afresh with a newly loaded shard. */
export function resetSamples(): void {
  parts = arena.getAt(Header.Parts, "u16")
  slots = arena.getAt(Header.Slots, "u16")
  layers = arena.getAt(partAt(parts - 1) + Part.Layer, "u16")
  updates = 0
  imageSample = NONE
  learnSample = NONE
  remote = []
  slotSample = []
  slotNext = []
  slotGot = []
  gathered = []
  gatheredCount = []
  for (let layer = 0; layer <= layers; layer++) remote.push(0)
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const flags = arena.getAt(part + Part.Flags, "u16")
    const layer = arena.getAt(part + Part.Layer, "u16")
    if ((flags & PartFlag.Await) !== 0)
      remote[layer - 1] = arena.getAt(part + Part.BusInWidth, "u16")
    gathered.push(
      (flags & (PartFlag.Report | PartFlag.Output)) !== 0 ? Buffer.alloc(MAX_PAYLOAD) : undefined,
    )
    gatheredCount.push(0)
  }
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const layer = arena.getAt(part + Part.Layer, "u16")
    if (remote[layer] > 0) remote[layer] -= signalsOf(part)
  }
  for (let slot = 0; slot < slots; slot++) {
    slotSample.push(NONE)
    slotNext.push(parts)
    for (let layer = 0; layer <= layers; layer++) slotGot.push(0)
  }
}

/** Heap held for reports under way, bytes. */
export function reportBytes(): number {
  let bytes = 0
  for (const b of gathered) if (b) bytes += b.length
  return bytes
}

function signalsOf(part: number): number {
  return arena.getAt(part + Part.Neurons, "u16") * arena.getAt(part + Part.Outputs, "u16")
}

/** Command image: ImageField, runs. */
export async function image(p: Buffer): Promise<void> {
  if (p.length < ImageField.Length) return await fault(Status.BadLength, Command.Image, 0, 0)
  const sample = p.getAt(ImageField.Sample, "u32")
  const flags = p.getAt(ImageField.Flags, "u8")
  const learn = (flags & ImageFlag.Learn) !== 0
  const label = p.getAt(ImageField.Label, "u8")
  const slot = sample % slots
  if ((flags & ImageFlag.First) !== 0) {
    imageSample = NONE
    if (learn && p.getAt(ImageField.Updates, "u32") !== updates)
      return await fault(Status.OutOfOrder, Command.Image, sample, updates)
    const last = partAt(parts - 1)
    if (
      learn &&
      (arena.getAt(last + Part.Flags, "u16") & PartFlag.Output) !== 0 &&
      label >= arena.getAt(last + Part.BusOutWidth, "u16")
    )
      return await fault(
        Status.BadValue,
        Command.Image,
        sample,
        arena.getAt(last + Part.BusOutWidth, "u16"),
      )
    imageSample = sample
    imagePixel = 0
    learnSample = NONE
    slotSample[slot] = sample
    slotNext[slot] = 0
    for (let layer = 0; layer <= layers; layer++) slotGot[slot * (layers + 1) + layer] = 0
    if (takesPixels()) clearImage(arena, partAt(0))
  }
  if (imageSample !== sample || p.getAt(ImageField.Pixel, "u16") !== imagePixel)
    return await fault(Status.OutOfOrder, Command.Image, sample, imageSample)
  if (takesPixels()) {
    imagePixel = activateRuns(arena, partAt(0), p, ImageField.Length, p.length, imagePixel)
    if (imagePixel < 0) {
      imageSample = NONE
      slotSample[slot] = NONE
      slotNext[slot] = parts
      return await fault(Status.BadImage, Command.Image, sample, 0)
    }
  }
  if ((flags & ImageFlag.Last) === 0) return
  imageSample = NONE
  if (learn) {
    learnSample = sample
    learnLabel = label
    learnNext = parts - 1
    backComplete = []
    for (let layer = 0; layer <= layers; layer++) backComplete.push(false)
    beginLearning(arena, sample)
  }
  await advance(slot)
  if (learn || (flags & ImageFlag.Flush) !== 0) await flush()
}

function takesPixels(): boolean {
  return (arena.getAt(partAt(0) + Part.Flags, "u16") & PartFlag.Input) !== 0
}

/** Command signals: SignalsField, then `count` i16 for each sample. */
export async function signals(p: Buffer): Promise<void> {
  if (p.length < SignalsField.Length) return await fault(Status.BadLength, Command.Signals, 0, 0)
  const sample = p.getAt(SignalsField.Sample, "u32")
  const layer = p.getAt(SignalsField.Layer, "u8")
  const count = p.getAt(SignalsField.Count, "u8")
  const first = p.getAt(SignalsField.First, "u16")
  const bytes = count + count
  const length = p.length - SignalsField.Length
  if (count < 1 || length < bytes || length % bytes !== 0)
    return await fault(Status.BadLength, Command.Signals, sample, 0)
  if (layer < 1 || layer >= layers || remote[layer] <= 0)
    return await fault(Status.WrongShard, Command.Signals, sample, layer)
  const reader = readerOf(layer)
  const width = arena.getAt(reader + Part.BusInWidth, "u16")
  if (first + count > width) return await fault(Status.OutOfRange, Command.Signals, sample, width)
  const samples = Math.idiv(length, bytes)
  for (let i = 0; i < samples; i++) {
    const slot = (sample + i) % slots
    if (slotSample[slot] !== sample + i)
      return await fault(Status.OutOfOrder, Command.Signals, sample + i, slotSample[slot])
    const bus = arena.getAt(reader + Part.BusIn, "i32") + ((slot * width + first) << 1)
    arena.blitAt(bus, p, SignalsField.Length + i * bytes, bytes)
    slotGot[slot * (layers + 1) + layer] += count
    await advance(slot)
  }
  await flush()
}

/** A part that reads the signals of `layer`. */
function readerOf(layer: number): number {
  let part = partAt(0)
  for (let i = 0; i < parts; i++)
    if (arena.getAt(partAt(i) + Part.Layer, "u16") === layer + 1) part = partAt(i)
  return part
}

/** Runs forward whatever part has all it needs. */
async function advance(slot: number): Promise<void> {
  while (slotNext[slot] < parts) {
    const index = slotNext[slot]
    const part = partAt(index)
    const flags = arena.getAt(part + Part.Flags, "u16")
    const layer = arena.getAt(part + Part.Layer, "u16")
    if (
      (flags & PartFlag.Await) !== 0 &&
      slotGot[slot * (layers + 1) + layer - 1] < remote[layer - 1]
    )
      return
    let at = 0
    while (at >= 0) {
      at = forward(arena, part, slot, at)
      await ds.sleep(0)
    }
    slotNext[slot] = index + 1
    const learns = learnSample === slotSample[slot]
    if ((flags & PartFlag.Output) !== 0 && learns) {
      if (slotNext[slot] === parts) return await learn(part, slot)
    } else if (gathered[index]) await gather(index, slot)
  }
}

/** Adds the signals of a part to its report, which goes out when full or at the next flush. */
async function gather(index: number, slot: number): Promise<void> {
  const part = partAt(index)
  const count = signalsOf(part)
  const buffer = gathered[index]
  const bus =
    arena.getAt(part + Part.BusOut, "i32") +
    ((slot * arena.getAt(part + Part.BusOutWidth, "u16") +
      arena.getAt(part + Part.BusOutFirst, "u16")) <<
      1)
  const most = (MAX_PAYLOAD - SignalsField.Length) >> 1
  const sample = slotSample[slot]
  const held = gatheredCount[index]
  if (
    held > 0 &&
    (buffer.getAt(SignalsField.Sample, "u32") + held !== sample || (held + 1) * count > most)
  )
    await send(index)
  if (count > most) {
    // One sample does not fit one message: several, each a range of the layer.
    for (let from = 0; from < count; from += most) {
      const n = Math.min(most, count - from)
      const part_ = Buffer.alloc(SignalsField.Length + n + n)
      head(part_, part, sample, n, from)
      part_.blitAt(SignalsField.Length, arena, bus + from + from, n + n)
      await report(Command.Signals, part_)
    }
    return
  }
  if (gatheredCount[index] === 0) head(buffer, part, sample, count, 0)
  buffer.blitAt(SignalsField.Length + gatheredCount[index] * count * 2, arena, bus, count + count)
  gatheredCount[index]++
}

function head(b: Buffer, part: number, sample: number, count: number, from: number): void {
  b.setAt(SignalsField.Sample, "u32", sample)
  b.setAt(SignalsField.Layer, "u8", arena.getAt(part + Part.Layer, "u16"))
  b.setAt(SignalsField.Count, "u8", count)
  b.setAt(SignalsField.First, "u16", arena.getAt(part + Part.BusOutFirst, "u16") + from)
}

async function send(index: number): Promise<void> {
  const buffer = gathered[index]
  const bytes = buffer.getAt(SignalsField.Count, "u8") * gatheredCount[index] * 2
  gatheredCount[index] = 0
  await report(Command.Signals, buffer.slice(0, SignalsField.Length + bytes))
}

async function flush(): Promise<void> {
  for (let i = 0; i < parts; i++) if (gatheredCount[i] > 0) await send(i)
}

/** The output is there and the label known: the error, and what follows from it. */
async function learn(part: number, slot: number): Promise<void> {
  const predicted = readout(arena, part, slot)
  if (outputError(arena, part, slot, learnLabel)) return await learnBack(slot, predicted)
  learnSample = NONE
  const b = Buffer.alloc(BackField.Length)
  b.setAt(BackField.Sample, "u32", slotSample[slot])
  b.setAt(BackField.Layer, "u8", layers - 1)
  b.setAt(BackField.Flags, "u8", BackFlag.Last)
  b.setAt(BackField.Predicted, "u8", predicted)
  await report(Command.Back, b)
}

/** Command back: BackField, i32 sums. */
export async function back(p: Buffer): Promise<void> {
  if (p.length < BackField.Length || ((p.length - BackField.Length) & 3) !== 0)
    return await fault(Status.BadLength, Command.Back, 0, 0)
  const sample = p.getAt(BackField.Sample, "u32")
  const layer = p.getAt(BackField.Layer, "u8")
  const first = p.getAt(BackField.First, "u16")
  const count = (p.length - BackField.Length) >> 2
  if (sample !== learnSample) return await fault(Status.OutOfOrder, Command.Back, sample, updates)
  let owner = NONE
  for (let i = 0; i < parts; i++)
    if (arena.getAt(partAt(i) + Part.Layer, "u16") === layer) owner = partAt(i)
  if (owner === NONE || (arena.getAt(owner + Part.Flags, "u16") & PartFlag.Report) === 0)
    return await fault(Status.WrongShard, Command.Back, sample, layer)
  if (first + count > arena.getAt(owner + Part.BusOutWidth, "u16"))
    return await fault(
      Status.OutOfRange,
      Command.Back,
      sample,
      arena.getAt(owner + Part.BusOutWidth, "u16"),
    )
  let at = arena.getAt(owner + Part.BackIn, "i32") + (first << 2)
  for (let i = BackField.Length; i < p.length; i += 4) {
    arena.setAt(at, "i32", arena.getAt(at, "i32") + p.getAt(i, "i32"))
    at += 4
  }
  if ((p.getAt(BackField.Flags, "u8") & BackFlag.Last) === 0) return
  backComplete[layer] = true
  await learnBack(sample % slots, 255)
}

/** Runs backward whatever part has all it needs; the sample is learnt when none is left. */
async function learnBack(slot: number, predicted: number): Promise<void> {
  while (learnNext >= 0) {
    const part = partAt(learnNext)
    const flags = arena.getAt(part + Part.Flags, "u16")
    const layer = arena.getAt(part + Part.Layer, "u16")
    if ((flags & PartFlag.Report) !== 0 && !backComplete[layer]) return
    let at = 0
    while (at >= 0) {
      at = backward(arena, part, slot, at)
      await ds.sleep(0)
    }
    learnNext--
    const layerDone = learnNext < 0 || arena.getAt(partAt(learnNext) + Part.Layer, "u16") !== layer
    if (learnNext < 0) {
      // Counted before the report below: when the host has that, the sample is learnt.
      updates++
      learnSample = NONE
    }
    if (layerDone && (flags & (PartFlag.Await | PartFlag.Output)) !== 0)
      await reportBack(part, slot, predicted)
  }
}

/** Reports the backward sums of the signals other shards computed. */
async function reportBack(part: number, slot: number, predicted: number): Promise<void> {
  const layer = arena.getAt(part + Part.Layer, "u16") - 1
  const width = arena.getAt(part + Part.BusInWidth, "u16")
  // Own signals of that layer are one range on the bus.
  let ownFirst = width
  let ownEnd = width
  for (let i = 0; i < parts; i++) {
    const p = partAt(i)
    if (arena.getAt(p + Part.Layer, "u16") === layer) {
      const first = arena.getAt(p + Part.BusOutFirst, "u16")
      if (ownFirst === width) ownFirst = first
      ownEnd = first + signalsOf(p)
    }
  }
  if ((arena.getAt(part + Part.Flags, "u16") & PartFlag.Await) === 0) ownFirst = ownEnd = 0
  const most = (MAX_PAYLOAD - BackField.Length) >> 2
  let from = ownFirst === 0 ? ownEnd : 0
  if ((arena.getAt(part + Part.Flags, "u16") & PartFlag.Await) === 0) from = width
  while (true) {
    const stop = from < ownFirst ? ownFirst : width
    const n = Math.min(most, stop - from)
    let next = from + n
    if (next === ownFirst) next = ownEnd
    const b = Buffer.alloc(BackField.Length + (n << 2))
    b.setAt(BackField.Sample, "u32", slotSample[slot])
    b.setAt(BackField.Layer, "u8", layer)
    b.setAt(BackField.Flags, "u8", BackFlag.Learned | (next >= width ? BackFlag.Last : 0))
    b.setAt(BackField.First, "u16", from)
    b.setAt(BackField.Predicted, "u8", predicted)
    b.blitAt(BackField.Length, arena, arena.getAt(part + Part.BackOut, "i32") + (from << 2), n << 2)
    await report(Command.Back, b)
    if (next >= width) return
    from = next
  }
}
