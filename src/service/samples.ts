/**
 * The order in which a board's samples run: forward as images and signals come in, backward as errors
 * do. What can run, runs; what must wait for another board's signals or backward sums waits.
 *
 * It is a machine in steps, so that it stands once for programs that pause and send in ways of their own
 * (firmware/samples.ts, firmware/native/samples.c). A message is handed to takeImage, takeSignals,
 * takeSums or takeBack; they and each step say by a {@link Turn} what the program has to do before the next one:
 *
 *     let turn = takeImage(m, p, length)
 *     while (turn !== Turn.Done) { …; turn = step(m, p) }
 *
 * A new message may be handed over after any turn; the one in hand is then given up.
 */
import { MOST_LAYERS } from "../core/check"
import { activateRuns, clearImage } from "../core/image"
import { Header, Part, PartFlag } from "../core/layout"
import { keepPicks, sumPicked } from "../core/picked"
import { backward, beginLearning, forward, outputError, PHASE, partAt, readout } from "../core/run"
import type { Payload } from "../wire/protocol"
import {
  BackField,
  BackFlag,
  Compared,
  ImageField,
  ImageFlag,
  LayerTimes,
  SignalsField,
  Status,
  SumsField,
  TimesField,
} from "../wire/protocol"
import {
  addBackwardSums,
  announceBackwardSums,
  awaitBackwardSums,
  backComplete,
  beginBackwardReport,
} from "./backward-sums"
import {
  announceBack,
  announceHeld,
  announceSums,
  gather,
  gathering,
  resetReports,
} from "./outgoing"
import {
  emptySlot,
  gotAt,
  layers,
  outputsMissing,
  ownCount,
  ownEnd,
  ownFirst,
  parts,
  readerOf,
  remote,
  resetTables,
  slotGot,
  slotNext,
  slotSample,
  slots,
  summed,
} from "./tables"
import { refuseForm, refuseValue, Turn } from "./turn"

/** What a step goes on with. */
enum Stage {
  /** A slice of an image was taken in. */
  Image = 0,
  /** A part runs forward; has run. */
  Forward = 1,
  RanForward = 2,
  /** A report went out that was in the way of what a part has computed. */
  Gather = 3,
  /** Outputs that other boards wait for go out; are on their way. */
  FlushOutputs = 4,
  Outputs = 5,
  /** A part runs backward; has run. */
  Backward = 6,
  RanBackward = 7,
  /** Some backward sums of a layer went out; all did. */
  ReportBack = 8,
  ReportedBack = 9,
  /** The sample runs no further for now. */
  Rest = 10,
  /** Reports that are gathered go out; nothing comes after. */
  Flush = 11,
  /** Outputs have this board's part of their sums. */
  Summed = 12,
}

const NONE = -1
/** The highest number of a sample: the next would not be a whole number to every machine. */
const LAST_SAMPLE = 2147483647

/** Learning steps applied since the shard was loaded. */
export let updates = 0
/** Samples whose image came in whole, and samples learnt, since the program started. */
export let samplesTaken = 0
export let samplesLearnt = 0
/** What the time until the end of this turn went to, as a place in TimesField; −1: it still goes on. */
export let lapAt = NONE

// The image being received, as its first slice announced it.
let imageSample = NONE
let imagePixel = 0
let imageLearns = false
let imageLabel = 0

// The sample being learnt, its label, the next part to run backward.
let learnSample = NONE
let learnLabel = 0
let learnNext = NONE

// The message in hand: whether gathered reports go out after it; of signals the part that reads them,
// of how many samples they are, and of how many they were taken in.
let flushes = false
let readerPart = 0
let samples = 0
let taken = 0

// What runs: which sample's slot and which part of it, where that part's pass goes on, and whether the
// sample is learnt.
let stage = 0
let runSlot = 0
let runIndex = 0
let runPart = 0
let runSample = 0
/** Where TimesField has the times of its layer. */
let runTime = 0
let cursor = 0
let learns = false
/** The backward settle of the part is over. */
let settled = false
// Backward sums on their way out: of which sample, and what it was answered with.
let backSample = 0
let predicted = 0

/**
 * Starts afresh with a newly loaded shard, which must be sound and fit.
 *
 * @param applied learning steps that it went through before
 */
export function resetSamples(m: Buffer, applied: number): void {
  updates = applied
  imageSample = NONE
  learnSample = NONE
  resetTables(m)
  resetReports(m)
}

/**
 * Command image: ImageField, runs.
 *
 * @param length bytes of `p`
 * @returns a {@link Turn}, as takeSignals, takeBack and step
 */
export function takeImage(m: Buffer, p: Payload, length: number): number {
  if (length < ImageField.Length) return refuseForm(Status.BadLength, 0)
  const sample = p.getAt(ImageField.Sample, "i32")
  const flags = p.getAt(ImageField.Flags, "u8")
  const label = p.getAt(ImageField.Label, "u8")
  const teaches = (flags & ImageFlag.Learn) !== 0
  // Numbers past 2^31 would be fractions to the machine, and slots of them negative.
  if (sample < 0 || flags > 15) return refuseForm(Status.BadValue, sample)
  const takes = m.getAt(partAt(0) + Part.Flags, "u16")
  const pixels = (takes & PartFlag.Input) !== 0
  if ((flags & ImageFlag.First) !== 0) {
    imageSample = NONE
    const before = p.getAt(ImageField.Updates, "i32")
    if (teaches && before !== updates)
      return refuseValue(Status.OutOfOrder, sample, Compared.Updates, before, updates)
    const last = partAt(parts - 1)
    const classes = m.getAt(last + Part.BusOutWidth, "u16")
    if (teaches && (m.getAt(last + Part.Flags, "u16") & PartFlag.Output) !== 0 && label >= classes)
      return refuseValue(Status.BadValue, sample, Compared.Label, label, classes)
    imageSample = sample
    imagePixel = 0
    imageLearns = teaches
    imageLabel = label
    learnSample = NONE
    const slot = sample % slots
    slotSample.setAt(slot << 2, "i32", sample)
    slotNext.setAt(slot, "u8", 0)
    slotGot.fillAt(gotAt(slot, 0), (MOST_LAYERS + 1) << 1, 0)
    m.setAt(Header.Brief, "u16", teaches ? 0 : 1)
    if (pixels) clearImage(m, partAt(0))
  }
  if (imageSample !== sample)
    return refuseValue(Status.OutOfOrder, sample, Compared.Sample, sample, imageSample)
  const pixel = p.getAt(ImageField.Pixel, "u16")
  if (pixel !== imagePixel)
    return refuseValue(Status.OutOfOrder, sample, Compared.Pixel, pixel, imagePixel)
  // Every slice says the same of its sample: the first one's word was checked.
  if (teaches !== imageLearns || label !== imageLabel) return refuseImage(Status.BadValue, sample)
  if ((takes & PartFlag.Picked) !== 0)
    imagePixel = keepPicks(m, partAt(0), p, ImageField.Length, length, imagePixel)
  else if (pixels) imagePixel = activateRuns(m, partAt(0), p, ImageField.Length, length, imagePixel)
  if (imagePixel < 0) return refuseImage(Status.BadImage, sample)
  if (!pixels) return tookSlice(m, p)
  stage = Stage.Image
  lapAt = TimesField.Images
  return Turn.Pause
}

function refuseImage(status: number, sample: number): number {
  imageSample = NONE
  emptySlot(sample % slots)
  return refuseForm(status, sample)
}

/** A slice of an image was taken in: after the last one the sample runs. */
function tookSlice(m: Buffer, p: Payload): number {
  const flags = p.getAt(ImageField.Flags, "u8")
  if ((flags & ImageFlag.Last) === 0) return Turn.Done
  const sample = imageSample
  if ((m.getAt(partAt(0) + Part.Flags, "u16") & PartFlag.Picked) !== 0 && !sumPicked(m, partAt(0)))
    return refuseImage(Status.BadImage, sample)
  imageSample = NONE
  samplesTaken++
  if (imageLearns) {
    learnSample = sample
    learnLabel = imageLabel
    learnNext = parts - 1
    awaitBackwardSums()
    beginLearning(m, sample)
  }
  flushes = (flags & (ImageFlag.Learn | ImageFlag.Flush)) !== 0
  samples = 0
  taken = 0
  runSlot = sample % slots
  const turn = advance(m)
  return turn === Turn.Done ? remaining(m, p) : turn
}

/** Command signals: SignalsField, then `count` i16 for each sample. */
export function takeSignals(m: Buffer, p: Payload, length: number): number {
  if (length < SignalsField.Length) return refuseForm(Status.BadLength, 0)
  const sample = p.getAt(SignalsField.Sample, "i32")
  const layer = p.getAt(SignalsField.Layer, "u8")
  const count = p.getAt(SignalsField.Count, "u8")
  const first = p.getAt(SignalsField.First, "u16")
  const bytes = count + count
  const values = length - SignalsField.Length
  if (count < 1 || values < bytes || values % bytes !== 0)
    return refuseForm(Status.BadLength, sample)
  if (sample < 0) return refuseForm(Status.BadValue, sample)
  if (layer < 1 || layer > layers || remote.getAt(layer << 1, "u16") === 0)
    return refuseValue(Status.WrongShard, sample, Compared.Layer, layer, layers)
  readerPart = readerOf(m, layer)
  const width = widthOf(m, layer)
  const end = first + count
  if (
    end > width ||
    (first < ownEnd.getAt(layer << 1, "u16") && end > ownFirst.getAt(layer << 1, "u16"))
  )
    return refuseValue(Status.OutOfRange, sample, Compared.Place, first, width)
  flushes = true
  samples = Math.idiv(values, bytes)
  taken = 0
  return remaining(m, p)
}

/** Signals of a layer, as its reader has them. */
function widthOf(m: Buffer, layer: number): number {
  return m.getAt(readerPart + (layer === layers ? Part.BusOutWidth : Part.BusInWidth), "u16")
}

/** Takes in the signals of the next sample of a message. */
function takeNext(m: Buffer, p: Payload): number {
  const start = p.getAt(SignalsField.Sample, "i32")
  // Past the last number there is no sample in hand.
  if (start > LAST_SAMPLE - taken) return refuseForm(Status.BadValue, start)
  const sample = start + taken
  const layer = p.getAt(SignalsField.Layer, "u8")
  const count = p.getAt(SignalsField.Count, "u8")
  const first = p.getAt(SignalsField.First, "u16")
  const slot = sample % slots
  const place = gotAt(slot, layer)
  const got = slotGot.getAt(place, "u16")
  const inHand = slotSample.getAt(slot << 2, "i32")
  // Signals that were had already may have been used: the learning step must find the same.
  if (sample !== inHand)
    return refuseValue(Status.OutOfOrder, sample, Compared.Sample, sample, inHand)
  // They come in the order of their places, own ones left out: one that comes twice must not stand in
  // for one that is lost.
  let next = got
  if (next >= ownFirst.getAt(layer << 1, "u16")) next += ownCount(layer)
  if (first !== next)
    return refuseValue(Status.OutOfOrder, sample, Compared.FirstSignal, first, next)
  const most = remote.getAt(layer << 1, "u16")
  if (got + count > most)
    return refuseValue(Status.OutOfOrder, sample, Compared.SignalCount, got + count, most)
  const bus =
    m.getAt(readerPart + (layer === layers ? Part.BusOut : Part.BusIn), "i32") +
    ((slot * widthOf(m, layer) + first) << 1)
  m.blitAt(bus, p, SignalsField.Length + ((taken * count) << 1), count << 1)
  slotGot.setAt(place, "u16", got + count)
  taken++
  runSlot = slot
  // While its image still comes in, a sample waits.
  return imageSample === sample ? Turn.Done : advance(m)
}

/** The sample in hand runs no further: what its message has left to do. */
function remaining(m: Buffer, p: Payload): number {
  while (taken < samples) {
    const turn = takeNext(m, p)
    if (turn !== Turn.Done) return turn
  }
  return flushes ? flush(m) : Turn.Done
}

/** Sends what is gathered; nothing comes after. */
function flush(m: Buffer): number {
  if (!announceHeld(m, parts)) return Turn.Done
  const turn = sending(Stage.Flush)
  return gathering === 0 ? Turn.SendLast : turn
}

function sending(next: number): number {
  stage = next
  lapAt = TimesField.Reports
  return Turn.Send
}

/** Goes on with the message in hand after a turn: the same message as before. */
export function step(m: Buffer, p: Payload): number {
  if (stage === Stage.Forward) return runForward(m)
  let turn: number = Turn.Done
  if (stage === Stage.RanForward) turn = ranForward(m)
  else if (stage === Stage.Backward) return runBackward(m)
  else if (stage === Stage.RanBackward) turn = ranBackward(m)
  else if (stage === Stage.Flush) return flush(m)
  else if (stage === Stage.Image) return tookSlice(m, p)
  else if (stage === Stage.Gather) turn = report(m)
  else if (stage === Stage.ReportBack) turn = reportBack(m)
  else if (stage === Stage.ReportedBack) turn = learnBack(m)
  else if (stage === Stage.FlushOutputs) turn = flushOutputs(m)
  else if (stage === Stage.Outputs) turn = learn(m)
  else if (stage === Stage.Summed) return reportSums(m)
  return turn === Turn.Done ? remaining(m, p) : turn
}

/**
 * The sample in runSlot runs on, if its next part has all it needs; with all outputs there, the error
 * goes back.
 */
function advance(m: Buffer): number {
  runIndex = slotNext.getAt(runSlot, "u8")
  runSample = slotSample.getAt(runSlot << 2, "i32")
  learns = learnSample !== NONE && learnSample === runSample
  if (runIndex < parts) {
    runPart = partAt(runIndex)
    const below = m.getAt(runPart + Part.Layer, "u16") - 1
    if (
      (m.getAt(runPart + Part.Flags, "u16") & PartFlag.Await) !== 0 &&
      slotGot.getAt(gotAt(runSlot, below), "u16") < remote.getAt(below << 1, "u16")
    )
      return Turn.Done
    m.setAt(Header.Brief, "u16", learns ? 0 : 1)
    runTime = TimesField.OfLayers + below * LayerTimes.Length
    cursor = 0
    return runForward(m)
  }
  if (!learns) return Turn.Done
  runPart = partAt(parts - 1)
  if ((m.getAt(runPart + Part.Flags, "u16") & PartFlag.Output) === 0) return Turn.Done
  return remote.getAt(layers << 1, "u16") > 0 ? flushOutputs(m) : learn(m)
}

/** Runs a chunk of a part's forward pass. */
function runForward(m: Buffer): number {
  cursor = forward(m, runPart, runSlot, cursor)
  if (
    cursor === PHASE &&
    summed > 0 &&
    (m.getAt(runPart + Part.Flags, "u16") & PartFlag.Partial) !== 0
  ) {
    stage = Stage.Summed
    lapAt = runTime + LayerTimes.Forward
  } else if (cursor < 0) {
    stage = Stage.RanForward
    lapAt = runTime + LayerTimes.Forward
  } else {
    stage = Stage.Forward
    lapAt = NONE
  }
  return Turn.Pause
}

function ranForward(m: Buffer): number {
  slotNext.setAt(runSlot, "u8", runIndex + 1)
  // Of a sample that is learnt, outputs are for the other boards that have some.
  if (
    learns &&
    (m.getAt(runPart + Part.Flags, "u16") & PartFlag.Output) !== 0 &&
    remote.getAt(layers << 1, "u16") === 0
  )
    return advance(m)
  return report(m)
}

/** This board's part of the outputs' sums is made: it goes out, and the sample waits for all boards'. */
function reportSums(m: Buffer): number {
  announceSums(m, runPart, runSample, summed)
  if (taken < samples || gathering > 0) return sending(Stage.Rest)
  lapAt = TimesField.Reports
  return Turn.SendLast
}

/** Command sums: SumsField, then an i32 for each synapse of the outputs. */
export function takeSums(m: Buffer, p: Payload, length: number): number {
  if (length < SumsField.Length) return refuseForm(Status.BadLength, 0)
  const sample = p.getAt(SumsField.Sample, "i32")
  const layer = p.getAt(SumsField.Layer, "u8")
  const count = p.getAt(SumsField.Count, "u8")
  if (sample < 0) return refuseForm(Status.BadValue, sample)
  if (summed === 0 || layer !== layers)
    return refuseValue(Status.WrongShard, sample, Compared.Layer, layer, layers)
  if (count !== summed || length !== SumsField.Length + (count << 2))
    return refuseForm(Status.BadLength, sample)
  const slot = sample % slots
  const inHand = slotSample.getAt(slot << 2, "i32")
  if (sample !== inHand)
    return refuseValue(Status.OutOfOrder, sample, Compared.Sample, sample, inHand)
  // Its own part of them is made by then: outputs run behind the layer they read, in one go.
  const next = slotNext.getAt(slot, "u8")
  if (next !== parts - 1)
    return refuseValue(Status.OutOfOrder, sample, Compared.NextPart, next, parts - 1)
  runSlot = slot
  runSample = sample
  runIndex = parts - 1
  runPart = partAt(runIndex)
  learns = learnSample !== NONE && learnSample === sample
  m.blitAt(m.getAt(runPart + Part.Sum, "i32"), p, SumsField.Length, count << 2)
  m.setAt(Header.Brief, "u16", learns ? 0 : 1)
  runTime = TimesField.OfLayers + (layer - 1) * LayerTimes.Length
  flushes = true
  samples = 0
  taken = 0
  cursor = PHASE
  return runForward(m)
}

/** Gathers what the part has computed, if others read it. */
function report(m: Buffer): number {
  return gather(m, runIndex, runSlot, runSample) ? sending(Stage.Gather) : advance(m)
}

/** Sends own outputs before others' are waited for, as they wait for these. */
function flushOutputs(m: Buffer): number {
  if (announceHeld(m, parts)) return sending(Stage.FlushOutputs)
  if (outputsMissing(runSlot)) return Turn.Done
  stage = Stage.Outputs
  lapAt = TimesField.Reports
  return Turn.Rest
}

/** The output is there and the label known: the error, and what follows from it. */
function learn(m: Buffer): number {
  predicted = readout(m, runPart, runSlot)
  if (outputError(m, runPart, runSlot, learnLabel)) return learnBack(m)
  if (!tellsOutcome(m)) {
    learnSample = NONE
    return Turn.Done
  }
  announceBack(learnSample, layers - 1, BackFlag.Last, 0, predicted, 0, 0)
  learnSample = NONE
  stage = Stage.Rest
  lapAt = NONE
  return Turn.Send
}

/** Where all boards make all outputs, one of them says what came of it. */
function tellsOutcome(m: Buffer): boolean {
  return summed === 0 || (m.getAt(partAt(parts - 1) + Part.Flags, "u16") & PartFlag.Tells) !== 0
}

/** Command back: as {@link addBackwardSums} takes it; with the last of a layer its part learns. */
export function takeBack(m: Buffer, p: Payload, length: number): number {
  const turn = addBackwardSums(m, p, length, learnSample)
  if (turn !== Turn.Done || (p.getAt(BackField.Flags, "u8") & BackFlag.Last) === 0) return turn
  flushes = false
  samples = 0
  taken = 0
  runSlot = learnSample % slots
  predicted = 255
  return learnBack(m)
}

/** The next part runs backward, if it has all it needs; the sample is learnt when none is left. */
function learnBack(m: Buffer): number {
  if (learnNext < 0) return Turn.Done
  runPart = partAt(learnNext)
  const layer = m.getAt(runPart + Part.Layer, "u16")
  if (
    (m.getAt(runPart + Part.Flags, "u16") & PartFlag.Report) !== 0 &&
    backComplete.getAt(layer, "u8") === 0
  )
    return Turn.Done
  runTime = TimesField.OfLayers + (layer - 1) * LayerTimes.Length
  cursor = 0
  settled = false
  return runBackward(m)
}

/** Runs a chunk of a part's learning step. */
function runBackward(m: Buffer): number {
  cursor = backward(m, runPart, runSlot, cursor)
  stage = Stage.Backward
  lapAt = NONE
  if (cursor < 0) {
    stage = Stage.RanBackward
    lapAt = runTime + LayerTimes.Learn
  } else if (cursor >= PHASE && !settled) {
    settled = true
    lapAt = runTime + LayerTimes.Backward
  }
  return Turn.Pause
}

/** A part has learnt: where its layer is through, others may wait for backward sums. */
function ranBackward(m: Buffer): number {
  const layer = m.getAt(runPart + Part.Layer, "u16")
  learnNext--
  const layerDone = learnNext < 0 || m.getAt(partAt(learnNext) + Part.Layer, "u16") !== layer
  backSample = learnSample
  if (learnNext < 0) {
    // Counted before the report below: when the host has that, the sample is learnt.
    updates++
    samplesLearnt++
    learnSample = NONE
  }
  const flags = m.getAt(runPart + Part.Flags, "u16")
  if (!layerDone || (flags & (PartFlag.Await | PartFlag.Output)) === 0) return learnBack(m)
  if ((flags & PartFlag.Output) !== 0 && !tellsOutcome(m)) return learnBack(m)
  beginBackwardReport(m, runPart)
  return reportBack(m)
}

/** Reports backward sums of the signals other shards computed; without any, only the outcome. */
function reportBack(m: Buffer): number {
  const last = announceBackwardSums(m, runPart, backSample, predicted)
  stage = last ? Stage.ReportedBack : Stage.ReportBack
  lapAt = TimesField.Reports
  return last ? Turn.SendAndRest : Turn.Send
}
