/**
 * Running and teaching a shard, part by part. Each call does one chunk and returns where to go on,
 * so that a board can yield in between (its VM kills a run of 131,072 operations):
 *
 *     let at = 0
 *     while (at >= 0) { at = forward(m, part, slot, at); await yield }
 */

import { sampleRandom } from "../base/random"
import { settleBackwardOwn, settleForwardOwn } from "./elements"
import { beginShared, learnShared, sumShared } from "./kernels"
import { Header, Part, PartFlag, Rule } from "./layout"
import { drawNoiseByRule, learnDenseByRule, learnSparseByRule } from "./link-rules"
import {
  drawNoise,
  isFull,
  learnDense,
  learnRuns,
  learnSparse,
  listSignals,
  packNoise,
  sumDense,
  sumFull,
  sumSparse,
} from "./links"
import { learnPicked } from "./picked"
import { settleBackward, settleForward } from "./settle"
import { settleBackwardFine, settleForwardFine } from "./settle-fine"
import { hasTwo, settleBackwardTwo, settleForwardTwo } from "./settle-two"

/** Bit that marks the second phase of a cursor; the rest counts sources, synapses or neurons. */
export const PHASE = 0x10000

/** Address of the descriptor of part `index`. */
export function partAt(index: number): number {
  return Header.Length + index * Part.Length
}

/**
 * Next chunk of a part's forward pass: the sums of its links, unless they were made as the pixels
 * came, then the settle of its neurons.
 * For a part that reads pixels the image must be in hand (image.ts); for others the bus.
 *
 * @param cursor 0 to begin, then what the call before returned
 * @returns the next cursor, −1 when done
 */
export function forward(m: Buffer, part: number, slot: number, cursor: number): number {
  const flags = m.getAt(part + Part.Flags, "u16")
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const inputs = m.getAt(part + Part.Inputs, "u16")
  if (cursor === 0 && (flags & PartFlag.AtOnce) !== 0) cursor = PHASE
  if (cursor < PHASE) {
    let count = 0
    let chunk = 0
    let full = false
    if ((flags & PartFlag.Dense) !== 0) {
      count = neurons * inputs
      chunk = m.getAt(part + Part.ChunkSynapses, "u16")
    } else if ((flags & PartFlag.Shared) !== 0) {
      if (cursor === 0) beginShared(m, part)
      count = m.getAt(part + Part.Sources, "u16")
      chunk = m.getAt(part + Part.ChunkSources, "u16")
    } else {
      if (cursor === 0) {
        m.fillAt(m.getAt(part + Part.Sum, "i32"), (neurons * inputs) << 2, 0)
        if ((flags & PartFlag.Input) === 0) listSignals(m, part, slot)
      }
      count = m.getAt(m.getAt(part + Part.List, "i32"), "i32")
      chunk = m.getAt(part + Part.ChunkSources, "u16")
      full = isFull(m, part)
      // Eight sources at a time are summed for half of what one by one takes.
      if (full && chunk > 8) chunk = chunk & ~7
    }
    const to = Math.min(count, cursor + chunk)
    if ((flags & PartFlag.Dense) !== 0) sumDense(m, part, slot, cursor, to)
    else if ((flags & PartFlag.Shared) !== 0) sumShared(m, part, slot, cursor, to)
    else if (full) sumFull(m, part, cursor, to)
    else sumSparse(m, part, cursor, to)
    return to < count ? to : PHASE
  }
  const from = cursor - PHASE
  const to = Math.min(neurons, from + m.getAt(part + Part.ChunkNeurons, "u16"))
  const rule = m.getAt(Header.Rule, "u16")
  if ((rule & Rule.OfNeurons) !== 0) settleForwardOwn(m, part, slot, from, to)
  else if ((rule & Rule.Fine) !== 0) settleForwardFine(m, part, slot, from, to)
  else if (hasTwo(m, part)) settleForwardTwo(m, part, slot, from, to)
  else settleForward(m, part, slot, from, to)
  return to < neurons ? PHASE + to : -1
}

/** Begins the learning step of a sample: its random state, and no backward signal anywhere. */
export function beginLearning(m: Buffer, sample: number): void {
  m.setAt(Header.SampleRandom, "u16", sampleRandom(m.getAt(Header.Seed, "i32"), sample))
  const parts = m.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    m.fillAt(m.getAt(part + Part.BackIn, "i32"), m.getAt(part + Part.BusOutWidth, "u16") << 2, 0)
    const backOut = m.getAt(part + Part.BackOut, "i32")
    if (backOut !== 0) m.fillAt(backOut, m.getAt(part + Part.Sources, "u16") << 2, 0)
  }
}

/** Index of the largest output in a slot; the lowest of equals. */
export function readout(m: Buffer, part: number, slot: number): number {
  return bestOutput(m, part, slot, -1)
}

function bestOutput(m: Buffer, part: number, slot: number, except: number): number {
  const width = m.getAt(part + Part.BusOutWidth, "u16")
  const bus = m.getAt(part + Part.BusOut, "i32") + ((slot * width) << 1)
  let best = -1
  let most = -32769
  for (let i = 0; i < width; i++) {
    const v = m.getAt(bus + i + i, "i16")
    if (i !== except && v > most) {
      most = v
      best = i
    }
  }
  return best
}

/**
 * The error at the outputs, as backward signals (Q25 in `Part.BackIn`): to the papers' targets if the
 * network has any, else by softmax if it has a gain for it, else by margin.
 *
 * @param label class the outputs should have named
 * @returns true if there is something to learn
 */
export function outputError(m: Buffer, part: number, slot: number, label: number): boolean {
  let learns = false
  if (m.getAt(Header.TargetHigh, "i16") !== m.getAt(Header.TargetLow, "i16"))
    learns = targetError(m, part, slot, label)
  else if (m.getAt(Header.SoftmaxGain, "u16") !== 0) learns = softmaxError(m, part, slot, label)
  else learns = marginError(m, part, slot, label)
  const shift = m.getAt(Header.ErrorShift, "u16")
  if (learns && shift !== 0) {
    const back = m.getAt(part + Part.BackIn, "i32")
    const end = back + (m.getAt(part + Part.BusOutWidth, "u16") << 2)
    for (let at = back; at < end; at += 4) m.setAt(at, "i32", m.getAt(at, "i32") >> shift)
  }
  return learns
}

/** Fraction bits of signals. */
function signalBits(m: Buffer): number {
  const state = (m.getAt(Header.Rule, "u16") & Rule.Fine) !== 0 ? 14 : 12
  return state + 16 - m.getAt(Header.SignalShift, "u16")
}

/**
 * The papers' error (paper 000 eq. 5.2, 5.3): a − O on the label, b − O on others; on failure only, but under
 * Rule.Squares, where every sample draws the outputs to their targets (least squares).
 */
function targetError(m: Buffer, part: number, slot: number, label: number): boolean {
  const always = (m.getAt(Header.Rule, "u16") & Rule.Squares) !== 0
  if (!always && bestOutput(m, part, slot, -1) === label) return false
  const width = m.getAt(part + Part.BusOutWidth, "u16")
  const bus = m.getAt(part + Part.BusOut, "i32") + ((slot * width) << 1)
  const back = m.getAt(part + Part.BackIn, "i32")
  const low = m.getAt(Header.TargetLow, "i16")
  // From the signal format to Q25; |target − O| < 2^3.
  const shift = 25 - signalBits(m)
  for (let i = 0; i < width; i++) {
    const error = i === label ? m.getAt(Header.TargetHigh, "i16") : low
    m.setAt(back + (i << 2), "i32", (error - m.getAt(bus + i + i, "i16")) << shift)
  }
  return true
}

/**
 * Error by margin (after papers 5.2, 5.3): if the label's output does not lead the best
 * other by the margin, +1 on it and −1 on that other; otherwise there is nothing to learn.
 */
function marginError(m: Buffer, part: number, slot: number, label: number): boolean {
  const other = bestOutput(m, part, slot, label)
  if (other < 0) return false
  const bus =
    m.getAt(part + Part.BusOut, "i32") + ((slot * m.getAt(part + Part.BusOutWidth, "u16")) << 1)
  const lead = m.getAt(bus + label + label, "i16") - m.getAt(bus + other + other, "i16")
  if (lead >= m.getAt(Header.Margin, "i16")) return false
  const back = m.getAt(part + Part.BackIn, "i32")
  m.setAt(back + (label << 2), "i32", 1 << 25)
  m.setAt(back + (other << 2), "i32", -(1 << 25))
  return true
}

/**
 * Softmax error: target − p with p = 2^(gain·O) / Σ 2^(gain·O), by a table of 32 powers. Nothing to
 * learn where p of the label is 63/64 or more.
 */
function softmaxError(m: Buffer, part: number, slot: number, label: number): boolean {
  const gain = m.getAt(Header.SoftmaxGain, "u16")
  // The gain has 4 fraction bits; the exponent is to have 5.
  const shift = signalBits(m) - 1
  const width = m.getAt(part + Part.BusOutWidth, "u16")
  const bus = m.getAt(part + Part.BusOut, "i32") + ((slot * width) << 1)
  const back = m.getAt(part + Part.BackIn, "i32")
  const best = m.getAt(bus + (bestOutput(m, part, slot, -1) << 1), "i16")
  let sum = 0
  for (let i = 0; i < width; i++) {
    // |O| < 2^14, so the difference is below 2^15, and a gain below 2^16 keeps the product in 31 bits;
    // finer signals are below 2^15 and the gain is below 2^15 then. Signals that another board sends
    // may be anything: a product past 2^31 is negative.
    const x = ((best - m.getAt(bus + i + i, "i16")) * gain) >> shift
    let w = 0
    if (x >= 0 && x < 512) w = m.getAt(Header.PowerTable + ((x & 31) << 1), "u16") >> (x >> 5)
    // The weights wait where the error is to go. At most 65,535 outputs of 2^15.
    m.setAt(back + (i << 2), "i32", w)
    sum += w
  }
  if (m.getAt(back + (label << 2), "i32") >= sum - (sum >> 6)) {
    m.fillAt(back, width << 2, 0)
    return false
  }
  for (let i = 0; i < width; i++) {
    let error = -Math.idiv(m.getAt(back + (i << 2), "i32") << 12, sum)
    if (i === label) error += 4096
    m.setAt(back + (i << 2), "i32", error << 13)
  }
  return true
}

/**
 * Next chunk of a part's learning step: the backward settle of its neurons, then the backward sums
 * and the update of its links. `Part.BackIn` must be complete.
 *
 * @param cursor 0 to begin, then what the call before returned
 * @returns the next cursor, −1 when done
 */
export function backward(m: Buffer, part: number, slot: number, cursor: number): number {
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const rule = m.getAt(Header.Rule, "u16")
  if (cursor < PHASE) {
    const to = Math.min(neurons, cursor + m.getAt(part + Part.ChunkNeurons, "u16"))
    if ((rule & Rule.OfNeurons) !== 0) settleBackwardOwn(m, part, cursor, to)
    else if ((rule & Rule.Fine) !== 0) settleBackwardFine(m, part, cursor, to)
    else if (hasTwo(m, part)) settleBackwardTwo(m, part, cursor, to)
    else settleBackward(m, part, cursor, to)
    if (to < neurons) return to
    const flags = m.getAt(part + Part.Flags, "u16")
    if ((flags & PartFlag.Shared) !== 0) return PHASE
    if ((rule & Rule.OfLinks) !== 0) drawNoiseByRule(m, part)
    else if ((flags & PartFlag.AtOnce) !== 0) packNoise(m, part)
    else drawNoise(m, part)
    // Another part's list may have taken the place of this one's since the forward pass.
    if ((flags & (PartFlag.Dense | PartFlag.Input)) === 0) listSignals(m, part, slot)
    return PHASE
  }
  const from = cursor - PHASE
  const flags = m.getAt(part + Part.Flags, "u16")
  if ((flags & PartFlag.AtOnce) !== 0) {
    let next = 0
    if ((flags & PartFlag.Picked) !== 0) next = learnPicked(m, part, from)
    else next = learnRuns(m, part, from)
    return next < 0 ? -1 : PHASE + next
  }
  if ((flags & PartFlag.Dense) !== 0) {
    const synapses = neurons * m.getAt(part + Part.Inputs, "u16")
    const to = Math.min(synapses, from + m.getAt(part + Part.ChunkSynapses, "u16"))
    if ((rule & Rule.OfLinks) !== 0) learnDenseByRule(m, part, slot, from, to)
    else learnDense(m, part, slot, from, to)
    return to < synapses ? PHASE + to : -1
  }
  if ((flags & PartFlag.Shared) !== 0) {
    // At most 65,535 (validate.ts), so that a cursor holds them.
    const links = m.getAt(part + Part.Links, "i32")
    const to = Math.min(links, from + m.getAt(part + Part.ChunkSynapses, "u16"))
    learnShared(m, part, slot, from, to)
    return to < links ? PHASE + to : -1
  }
  const count = m.getAt(m.getAt(part + Part.List, "i32"), "i32")
  const to = Math.min(count, from + m.getAt(part + Part.ChunkSources, "u16"))
  if ((rule & Rule.OfLinks) !== 0) learnSparseByRule(m, part, from, to)
  else learnSparse(m, part, from, to)
  return to < count ? PHASE + to : -1
}
