/**
 * Learning in batches that are rounded once: all samples of a batch see the same coefficients; of each
 * link the exact sum of S·λ over the batch is taken, and rounded to a change of its coefficient:
 *
 *     ΔC = (((Σ S·λ + 4) >> 3) · eighths + noise) >> shift
 *
 * which is the rate eighths · 2^−3 · 2^−shift. The noise is a function of the seed, the link and the number
 * of the batch's first sample. Forward and backward a sample has the bits that it has alone.
 *
 * Of a coefficient of shared kernels (kernels.ts) it is the sum over all places too, kept in two numbers,
 * and past ±2^30 it counts as that: exact in 32 bits whatever the batch.
 *
 * A layer's coefficients may be used in four bits, each a whole number −7…7 times a power of two: forward and
 * backward take the nearest such number ({@link quantised}), and what is learnt changes the 16 bits that are kept
 * beside it, within {@link keptMost}.
 *
 * The host learns so, with loops of its own (host/codegen/assembly/lanes.ts) that are held to these.
 */
import { mix16, SOURCE_SALT, sampleRandom } from "../base/random"
import { changeShared, productsOf, sharedNoise } from "./kernels"
import { Header, NOISE_BITS, Part, PartFlag } from "./layout"
import { returnsBy } from "./link-rules"
import { backward, beginLearning, outputError, PHASE, partAt } from "./run"
import { forwardWhole } from "./whole"

/** Most that the sum of a batch's products may be: 15 eighths of it, with the noise, stay below 2^31. */
export const MOST_SUM = 1 << 30

/** The largest whole number that four bits hold with its negative. */
export const MOST_MULTIPLE = 7

/** Bits of the lower of the two numbers that hold the sum of a shared coefficient. */
const LOW_BITS = 20

/**
 * Change of a coefficient, Q13.
 *
 * @param sum Σ S·λ, at most {@link MOST_SUM}
 * @param eighths 8…15
 * @param noise 16 random bits; those below 2^shift count
 * @param shift 1…20
 */
export function roundOnce(sum: number, eighths: number, noise: number, shift: number): number {
  // At most 2^16 · 2^4.
  if (shift > NOISE_BITS) noise = noise << (shift - NOISE_BITS)
  return (((sum + 4) >> 3) * eighths + (noise & ((1 << shift) - 1))) >> shift
}

/**
 * What a layer of four bits uses of a coefficient: the nearest whole multiple of 2^shift, halves up, Q13.
 *
 * @param c within ±{@link keptMost}
 * @param shift 1…12
 */
export function quantised(c: number, shift: number): number {
  return ((c + (1 << (shift - 1))) >> shift) << shift
}

/**
 * How far a coefficient that is used in four bits is kept, Q13: what is used of it is then at most 7 multiples
 * of 2^shift, and within the clamp that the sums of its layer ask for.
 *
 * @param max that clamp, at most 32767
 */
export function keptMost(max: number, shift: number): number {
  return Math.min(max, (Math.min(MOST_MULTIPLE, max >> shift) << shift) + (1 << (shift - 1)) - 1)
}

/**
 * Runs a whole network on an image (as `learnWhole`), and adds its products to `Part.Delta` of every part
 * (i32[links]; i32[2 · links] where they are shared).
 * No part may sum pixels at once (PartFlag.AtOnce).
 *
 * @returns the class named; −1, and nothing added, if the runs leave the image
 */
export function gatherWhole(
  m: Buffer,
  runs: Buffer,
  from: number,
  to: number,
  pixel: number,
  label: number,
): number {
  const named = forwardWhole(m, runs, from, to, pixel)
  if (named < 0) return named
  const parts = m.getAt(Header.Parts, "u16")
  beginLearning(m, 0)
  if (outputError(m, partAt(parts - 1), 0, label)) {
    for (let i = parts - 1; i >= 0; i--) {
      let at = 0
      while (at < PHASE) at = backward(m, partAt(i), 0, at)
      const flags = m.getAt(partAt(i) + Part.Flags, "u16")
      if ((flags & PartFlag.Dense) !== 0) gatherDense(m, partAt(i))
      else if ((flags & PartFlag.Shared) !== 0) gatherShared(m, partAt(i))
      else gatherSparse(m, partAt(i))
    }
  }
  return named
}

/**
 * Rounds what a batch has gathered, changes the coefficients by it and forgets it.
 *
 * @param first number of the batch's first sample
 * @param eighths 8…15 of the rate in the header
 */
export function roundWhole(m: Buffer, first: number, eighths: number): void {
  const random = sampleRandom(m.getAt(Header.Seed, "i32"), first)
  const parts = m.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) {
    const shared = (m.getAt(partAt(i) + Part.Flags, "u16") & PartFlag.Shared) !== 0
    if (shared) roundShared(m, partAt(i), random, eighths)
    else roundPart(m, partAt(i), random, eighths)
  }
}

function gatherShared(m: Buffer, part: number): void {
  const links = m.getAt(part + Part.Links, "i32")
  const delta = m.getAt(part + Part.Delta, "i32")
  for (let link = 0; link < links; link++) {
    const total = productsOf(m, part, 0, link)
    const at = delta + (link << 3)
    const low = m.getAt(at, "i32") + (total & ((1 << LOW_BITS) - 1))
    m.setAt(at, "i32", low & ((1 << LOW_BITS) - 1))
    m.setAt(at + 4, "i32", m.getAt(at + 4, "i32") + (total >> LOW_BITS) + (low >> LOW_BITS))
  }
}

function roundShared(m: Buffer, part: number, random: number, eighths: number): void {
  const links = m.getAt(part + Part.Links, "i32")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const most = MOST_SUM >> LOW_BITS
  for (let link = 0; link < links; link++) {
    const at = m.getAt(part + Part.Delta, "i32") + (link << 3)
    const high = Math.min(most - 1, Math.max(-most, m.getAt(at + 4, "i32")))
    const sum = (high << LOW_BITS) + m.getAt(at, "i32")
    const noise = sharedNoise(m, part, random, link)
    changeShared(m, part, link, roundOnce(sum, eighths, noise, shift))
    m.setAt(at, "i32", 0)
    m.setAt(at + 4, "i32", 0)
  }
}

function gatherSparse(m: Buffer, part: number): void {
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const returns = returnsBy(m, part)
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const delta = m.getAt(part + Part.Delta, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const list = m.getAt(part + Part.List, "i32")
  const last = list + 4 + (m.getAt(list, "i32") << 2)
  for (let entry = list + 4; entry < last; entry += 4) {
    const source = m.getAt(entry, "u16")
    const signal = m.getAt(entry + 2, "i16")
    const end = m.getAt(start + source + source + 2, "u16")
    let back = 0
    for (let link = m.getAt(start + source + source, "u16"); link < end; link++) {
      const l = m.getAt(lambda + (m.getAt(target + link, "u8") << 1), "i16")
      const d = delta + (link << 2)
      m.setAt(d, "i32", m.getAt(d, "i32") + signal * l)
      back += m.getAt(returns + link + link, "i16") * l
    }
    // Pixels want no backward sum.
    if (backOut !== 0) {
      const b = backOut + (source << 2)
      m.setAt(b, "i32", m.getAt(b, "i32") + back)
    }
  }
}

function gatherDense(m: Buffer, part: number): void {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const sources = m.getAt(part + Part.Sources, "u16")
  const bus = m.getAt(part + Part.BusIn, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const lambda = m.getAt(part + Part.Lambda, "i32")
  let c = returnsBy(m, part)
  let d = m.getAt(part + Part.Delta, "i32")
  for (let synapse = 0; synapse < synapses; synapse++) {
    const l = m.getAt(lambda + synapse + synapse, "i16")
    for (let source = 0; source < sources; source++) {
      m.setAt(d, "i32", m.getAt(d, "i32") + m.getAt(bus + source + source, "i16") * l)
      const b = backOut + (source << 2)
      m.setAt(b, "i32", m.getAt(b, "i32") + m.getAt(c, "i16") * l)
      c = c + 2
      d = d + 4
    }
  }
}

function roundPart(m: Buffer, part: number, random: number, eighths: number): void {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const sources = m.getAt(part + Part.Sources, "u16")
  const dense = (m.getAt(part + Part.Flags, "u16") & PartFlag.Dense) !== 0
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const first = m.getAt(part + Part.FirstSynapse, "u16")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const delta = m.getAt(part + Part.Delta, "i32")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
  for (let source = 0; source < sources; source++) {
    let link = 0
    let end = synapses
    if (!dense) {
      link = m.getAt(start + source + source, "u16")
      end = m.getAt(start + source + source + 2, "u16")
    }
    for (; link < end; link++) {
      const synapse = dense ? link : m.getAt(target + link, "u8")
      const at = dense ? link * sources + source : link
      const d = delta + (at << 2)
      // As drawNoise and learnSparse: synapses below 2^16, sources · SOURCE_SALT below 2^31.
      const own = mix16(random ^ (((first + synapse) * 32749) & 0xffff))
      const noise = (own + source * SOURCE_SALT) & 0xffff
      let v = m.getAt(coefficient + at + at, "i16")
      v += roundOnce(m.getAt(d, "i32"), eighths, noise, shift)
      if (v > max) v = max
      if (v < -max) v = -max
      m.setAt(coefficient + at + at, "i16", v)
      m.setAt(d, "i32", 0)
    }
  }
}
