/**
 * Features of a sequence: rings that keep their state from one moment to the next. Their links are fixed
 * and drawn by a seed; what comes out is where each ring was on average, over the whole sequence or over
 * each of some parts of it.
 *
 * A moment is a point of a trace, or a sample as it comes: then a board takes its steps while it still
 * hears, and little is left to do at the end. Every ring has synapses on the elements 0 and 2 and signals
 * from 1 and 3. A synapse reads all values of the moment and, of the rings' signals of the moment before,
 * some neighbours on a circle. Links are uniform in ± their bound.
 *
 * Working memory begins as a shard does (src/core/layout.ts), for the kernel that the rings share with
 * networks: K1, K2 and clamps in the header, then a record a ring (src/core/neuron.ts), whose elements
 * are not reset while the sequence lasts.
 */
import { hash32 } from "../base/random"
import { FIXED_POINT, Header } from "../core/layout"
import { Neuron } from "../core/neuron"
import { settleRingNeuron } from "../core/ring-neuron"
import { Derive, Plan, Reservoir } from "./plan"
import { traceFeatures } from "./trace"

/** Where in working memory the number of moments so far is, i32; a shard has its mark there. */
const DONE = 0
/** Clamps in Q12: net inputs −0.2…1, elements 0.3…3, as in networks. */
const NET_MIN = -819
const NET_MAX = 4096
const ELEMENT_MIN = 1229
const ELEMENT_MAX = 12288
/** A mean element of 1.15 is byte 128, one 1/256 more the next one. */
const MIDDLE = 4712
const BYTE_SHIFT = 4

/**
 * Sequences of points: features of samples from…from+count−1 as `features` has them.
 *
 * @param out gets a byte a part, ring and signal
 */
export function reservoirFeatures(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
  out: Buffer,
  outAt: number,
): void {
  const moments = beginSequence(plan, work, signal, from, count)
  for (let t = 0; t < moments; t++) {
    takeMoment(plan, work, signal, from + t)
    stepRings(plan, work)
  }
  endSequence(plan, work, out, outAt)
}

/**
 * Puts all rings to rest and draws their links; of a sequence of points also finds those.
 *
 * @returns how many moments there are
 */
export function beginSequence(
  plan: Buffer,
  work: Buffer,
  signal: Buffer,
  from: number,
  count: number,
): number {
  const points = plan.getAt(Plan.Points, "u16")
  if (points > 0)
    traceFeatures(plan, work, signal, from, count, work, plan.getAt(Reservoir.Trace, "i32"))
  work.fillAt(0, plan.getAt(Reservoir.Values, "i32"), 0)
  work.setAt(Header.ElementMin, "i16", ELEMENT_MIN)
  work.setAt(Header.ElementMax, "i16", ELEMENT_MAX)
  work.setAt(Header.Generation, "i16", FIXED_POINT)
  work.setAt(Header.Decay, "i16", plan.getAt(Reservoir.Decay, "u16"))
  const rings = plan.getAt(Reservoir.Rings, "u16")
  for (let r = 0; r < rings; r++) {
    const record = Header.Length + r * Neuron.Length
    for (let e = 0; e < 20; e += 4) work.setAt(record + Neuron.Element + e, "i32", FIXED_POINT)
  }
  drawLinks(plan, work)
  return points > 0 ? points : count
}

/** Each synapse: i16 where its rings' signals begin, then i16 coefficients, Q12, of values and signals. */
function drawLinks(plan: Buffer, work: Buffer): void {
  const seed = plan.getAt(Reservoir.Seed, "i32")
  const synapses = plan.getAt(Reservoir.Rings, "u16") << 1
  const values = plan.getAt(Reservoir.Columns, "u16")
  const links = values + plan.getAt(Reservoir.Recurrent, "u16")
  const inputBound = plan.getAt(Reservoir.InputBound, "u16")
  const recurrentBound = plan.getAt(Reservoir.RecurrentBound, "u16")
  const signals = plan.getAt(Reservoir.Signals, "i32")
  let at = plan.getAt(Reservoir.Links, "i32")
  for (let s = 0; s < synapses; s++) {
    const base = hash32(seed, s)
    // 2^15 · 2^7.
    const first = ((hash32(base, 0) >>> 17) * synapses) >> 15
    work.setAt(at, "i16", signals + first + first)
    at = at + 2
    for (let i = 1; i <= links; i++) {
      const bound = i <= values ? inputBound : recurrentBound
      // 2^15 · 2^14.
      work.setAt(at, "i16", ((hash32(base, i) >> 16) * bound) >> 15)
      at = at + 2
    }
  }
}

/**
 * Takes the values of the next moment, i16 in Q12 within ±1: bytes of a point, or a sample and how far
 * it is from the one before it.
 *
 * @param sample its number, where moments are samples
 */
export function takeMoment(plan: Buffer, work: Buffer, signal: Buffer, sample: number): void {
  const done = work.getAt(DONE, "i32")
  const columns = plan.getAt(Reservoir.Columns, "u16")
  let to = plan.getAt(Reservoir.Values, "i32")
  if (plan.getAt(Plan.Points, "u16") > 0) {
    let at = plan.getAt(Reservoir.Trace, "i32") + done * columns
    for (let c = 0; c < columns; c++) {
      work.setAt(to, "i16", (work.getAt(at, "u8") << 5) - 4080)
      at = at + 1
      to = to + 2
    }
    return
  }
  const derive = plan.getAt(Plan.Derive, "u16")
  const channels = plan.getAt(Plan.Channels, "u16")
  const first = sample * channels
  if ((derive & Derive.Values) !== 0)
    for (let c = 0; c < channels; c++) {
      work.setAt(to, "i16", signal.getAt((first + c) << 1, "i16") >> 3)
      to = to + 2
    }
  if ((derive & Derive.Differences) !== 0)
    for (let c = 0; c < channels; c++) {
      let change = 0
      if (done > 0)
        change =
          signal.getAt((first + c) << 1, "i16") - signal.getAt((first + c - channels) << 1, "i16")
      // Eight times the size of values: from sample to sample a signal moves little.
      work.setAt(to, "i16", Math.min(4096, Math.max(-4096, change)))
      to = to + 2
    }
}

/** Drives all rings by the values of the moment and their signals of the one before, all at once. */
export function stepRings(plan: Buffer, work: Buffer): void {
  const rings = plan.getAt(Reservoir.Rings, "u16")
  const recurrent = plan.getAt(Reservoir.Recurrent, "u16")
  const steps = plan.getAt(Reservoir.Steps, "u16")
  const columns = plan.getAt(Reservoir.Columns, "u16")
  const signals = plan.getAt(Reservoir.Signals, "i32")
  const values = plan.getAt(Reservoir.Values, "i32")
  const lastValue = values + columns + columns
  const lastRecord = Header.Length + rings * Neuron.Length
  let link = plan.getAt(Reservoir.Links, "i32")
  // Elements 0 and 2 of the same ring, eight bytes apart.
  let input = Header.Length + Neuron.Input
  for (let s = 0; s < rings << 1; s++) {
    let at = work.getAt(link, "i16")
    const end = at + recurrent + recurrent
    link = link + 2
    // |values| ≤ 2^12, of at most 16 columns by less than 2^14: below 2^30. |D| ≤ 2^13, of at most 16
    // signals by less than 2^13: below 2^30. Together below 2^31.
    let sum = 0
    for (let value = values; value < lastValue; value += 2) {
      sum = sum + work.getAt(value, "i16") * work.getAt(link, "i16")
      link = link + 2
    }
    while (at < end) {
      sum =
        sum +
        work.getAt(at, "i16") * work.getAt(link, "i16") +
        work.getAt(at + 2, "i16") * work.getAt(link + 2, "i16")
      at = at + 4
      link = link + 4
    }
    sum = sum >> 12
    if (sum < NET_MIN) sum = NET_MIN
    if (sum > NET_MAX) sum = NET_MAX
    work.setAt(input, "i32", sum)
    input = (s & 1) === 0 ? input + 8 : input + Neuron.Length - 8
  }
  // Of a sequence of points the part that this moment is in.
  const done = work.getAt(DONE, "i32")
  const parts = plan.getAt(Reservoir.Parts, "u16")
  let mean = plan.getAt(Reservoir.Means, "i32")
  if (parts > 1)
    mean = mean + ((Math.idiv(done * parts, plan.getAt(Plan.Points, "u16")) * rings) << 3)
  let signal = signals
  for (let record = Header.Length; record < lastRecord; record += Neuron.Length) {
    settleRingNeuron(work, record, steps)
    const e1 = work.getAt(record + Neuron.Element + 4, "i32")
    const e3 = work.getAt(record + Neuron.Element + 12, "i32")
    work.setAt(signal, "i16", e1 - FIXED_POINT)
    work.setAt(signal + 2, "i16", e3 - FIXED_POINT)
    // Up to 65,535 moments of at most 3 · 2^12: below 2^30.
    work.setAt(mean, "i32", work.getAt(mean, "i32") + e1)
    work.setAt(mean + 4, "i32", work.getAt(mean + 4, "i32") + e3)
    signal = signal + 4
    mean = mean + 8
  }
  // The circle's beginning stands once more behind its end.
  work.blitAt(signal, work, signals, recurrent + recurrent)
  work.setAt(DONE, "i32", done + 1)
}

/** Mean elements over the parts of a sequence that has ended, as bytes 1…255. */
export function endSequence(plan: Buffer, work: Buffer, out: Buffer, outAt: number): void {
  const done = work.getAt(DONE, "i32")
  const parts = plan.getAt(Reservoir.Parts, "u16")
  const each = plan.getAt(Reservoir.Rings, "u16") << 1
  let mean = plan.getAt(Reservoir.Means, "i32")
  let to = outAt
  let first = 0
  for (let p = 1; p <= parts; p++) {
    // Moments t with ⌊t · parts / done⌋ = p − 1.
    const next = Math.idiv(p * done + parts - 1, parts)
    const count = next - first
    for (let i = 0; i < each; i++) {
      const element = count > 0 ? Math.idiv(work.getAt(mean, "i32") + (count >> 1), count) : MIDDLE
      const byte = 128 + ((element - MIDDLE) >> BYTE_SHIFT)
      out.setAt(to, "u8", Math.min(255, Math.max(1, byte)))
      mean = mean + 4
      to = to + 1
    }
    first = next
  }
}
