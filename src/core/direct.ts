/**
 * A whole network run and taught straight from its inputs, one byte each, for programs that hold
 * network and inputs in one memory: the C library is made of it (host/export/c). The bits are those of
 * whole.ts. Nothing is listed or kept of the inputs, so that they must still be there when the network
 * learns, and no work is divided: there is nobody to yield to.
 *
 * The shard must be a whole network that learns links by the plain product (no other `Rule` than
 * `Fine`), with all signals of a layer on its bus.
 */
import { SOURCE_SALT, sampleRandom } from "../base/random"
import { learnShared, sumShared } from "./kernels"
import { Header, NOISE_BITS, Part, PartFlag, Rule } from "./layout"
import { packNoise } from "./noise"
import { outputError, partAt, readout } from "./run"
import { settleBackward, settleForward } from "./settle"
import { settleBackwardFine, settleForwardFine } from "./settle-fine"
import { hasTwo, settleBackwardTwo, settleForwardTwo } from "./settle-two"

/**
 * Runs the network.
 *
 * @param inputs `Header.Width` bytes
 * @returns the class of the largest output, the lowest of equals
 */
export function predictDirect(m: Buffer, inputs: Buffer): number {
  m.setAt(Header.Brief, "u16", 1)
  const best = forwardDirect(m, inputs)
  m.setAt(Header.Brief, "u16", 0)
  return best
}

/**
 * One learning step.
 *
 * @param label class the outputs should name
 * @param sample number of the sample: with the seed it decides the rounding
 * @returns the class named before learning
 */
export function learnDirect(m: Buffer, inputs: Buffer, label: number, sample: number): number {
  const best = forwardDirect(m, inputs)
  const parts = m.getAt(Header.Parts, "u16")
  m.setAt(Header.SampleRandom, "u16", sampleRandom(m.getAt(Header.Seed, "i32"), sample))
  // The layer before has the same memory for its backward sums.
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    m.fillAt(m.getAt(part + Part.BackIn, "i32"), m.getAt(part + Part.BusOutWidth, "u16") << 2, 0)
  }
  if (outputError(m, partAt(parts - 1), 0, label)) {
    for (let i = parts - 1; i >= 0; i--) {
      const part = partAt(i)
      const flags = m.getAt(part + Part.Flags, "u16")
      settleBackwardOf(m, part)
      if ((flags & PartFlag.Shared) !== 0) learnKernelsOf(m, part)
      else {
        packNoise(m, part)
        if ((flags & PartFlag.Input) !== 0) learnInputs(m, part, inputs)
        else learnSignals(m, part)
      }
    }
  }
  return best
}

function forwardDirect(m: Buffer, inputs: Buffer): number {
  const parts = m.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) {
    const part = partAt(i)
    const flags = m.getAt(part + Part.Flags, "u16")
    if ((flags & PartFlag.Shared) !== 0) sumKernelsOf(m, part, inputs)
    else if ((flags & PartFlag.Dense) !== 0) sumAll(m, part)
    else if ((flags & PartFlag.Input) !== 0) sumInputs(m, part, inputs)
    else sumSignals(m, part)
    settleForwardOf(m, part)
  }
  return readout(m, partAt(parts - 1), 0)
}

function settleForwardOf(m: Buffer, part: number): void {
  const neurons = m.getAt(part + Part.Neurons, "u16")
  if ((m.getAt(Header.Rule, "u16") & Rule.Fine) !== 0) settleForwardFine(m, part, 0, 0, neurons)
  else if (hasTwo(m, part)) settleForwardTwo(m, part, 0, 0, neurons)
  else settleForward(m, part, 0, 0, neurons)
}

function settleBackwardOf(m: Buffer, part: number): void {
  const neurons = m.getAt(part + Part.Neurons, "u16")
  if ((m.getAt(Header.Rule, "u16") & Rule.Fine) !== 0) settleBackwardFine(m, part, 0, neurons)
  else if (hasTwo(m, part)) settleBackwardTwo(m, part, 0, neurons)
  else settleBackward(m, part, 0, neurons)
}

/** Shared kernels: a program of no network that has them leaves these two out. */
function sumKernelsOf(m: Buffer, part: number, inputs: Buffer): void {
  sumKernels(m, part, inputs)
}

function learnKernelsOf(m: Buffer, part: number): void {
  learnShared(m, part, 0, 0, m.getAt(part + Part.Links, "i32"))
}

/** The sums C·S of shared kernels. Where they read inputs, their signals are laid out first: they learn from them too. */
function sumKernels(m: Buffer, part: number, inputs: Buffer): void {
  clearSums(m, part)
  const sources = m.getAt(part + Part.Sources, "u16")
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Input) !== 0) {
    const table = m.getAt(Header.InputTable, "i32")
    const width = m.getAt(Header.Width, "u16")
    const signals = m.getAt(Header.InputSignals, "u16") << 1
    let bus = m.getAt(part + Part.BusIn, "i32")
    for (let input = 0; input < width; input++) {
      const row = table + inputs.getAt(input, "u8") * signals
      for (let k = 0; k < signals; k += 2) {
        m.setAt(bus, "i16", m.getAt(row + k, "i16"))
        bus = bus + 2
      }
    }
  }
  sumShared(m, part, 0, 0, sources)
}

/** The first input from `at` on that is not zero; `width` if there is none. */
function nextInput(inputs: Buffer, at: number, width: number): number {
  while (at < width && inputs.getAt(at, "u8") === 0) at = at + 1
  return at
}

/** Where a machine has these loops in a form of its own (host/export/c/template), it says that it did it. */
function sumByHand(_m: Buffer, _part: number, _inputs: Buffer): boolean {
  return false
}

function learnByHand(_m: Buffer, _part: number, _inputs: Buffer): boolean {
  return false
}

function rowByHand(
  _m: Buffer,
  _c: number,
  _bus: number,
  _last: number,
  _back: number,
  _w: number,
  _mask: number,
  _shift: number,
  _max: number,
): boolean {
  return false
}

function clearSums(m: Buffer, part: number): void {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  m.fillAt(m.getAt(part + Part.Sum, "i32"), synapses << 2, 0)
}

/** Sparse links that read inputs: the sums C·S (paper 001 eq. 3.1). A zero costs nothing. */
function sumInputs(m: Buffer, part: number, inputs: Buffer): void {
  clearSums(m, part)
  if (sumByHand(m, part, inputs)) return
  const table = m.getAt(Header.InputTable, "i32")
  const width = m.getAt(Header.Width, "u16")
  const signals = m.getAt(Header.InputSignals, "u16") << 1
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const sum = m.getAt(part + Part.Sum, "i32")
  let input = nextInput(inputs, 0, width)
  while (input < width) {
    const row = table + inputs.getAt(input, "u8") * signals
    let next = start + input * signals
    const link = m.getAt(next, "u16")
    let t = target + link
    let c = coefficient + link + link
    for (let k = 0; k < signals; k += 2) {
      next = next + 2
      const end = target + m.getAt(next, "u16")
      c = addLinks(m, sum, t, c, end, m.getAt(row + k, "i16"))
      t = end
    }
    input = nextInput(inputs, input + 1, width)
  }
}

/** Adds the links t … end−1 of one source (t ≤ end) to their sums; returns the address of the next coefficient. */
function addLinks(
  m: Buffer,
  sum: number,
  t: number,
  c: number,
  end: number,
  signal: number,
): number {
  while (t < end) {
    const a = sum + (m.getAt(t, "u8") << 2)
    m.setAt(a, "i32", m.getAt(a, "i32") + signal * m.getAt(c, "i16"))
    t = t + 1
    c = c + 2
  }
  return c
}

/** Sparse links that read a bus. */
function sumSignals(m: Buffer, part: number): void {
  clearSums(m, part)
  let bus = m.getAt(part + Part.BusIn, "i32")
  const last = bus + (m.getAt(part + Part.Sources, "u16") << 1)
  let next = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  let t = target
  let c = m.getAt(part + Part.Coefficient, "i32")
  const sum = m.getAt(part + Part.Sum, "i32")
  while (bus < last) {
    next = next + 2
    const end = target + m.getAt(next, "u16")
    c = addLinks(m, sum, t, c, end, m.getAt(bus, "i16"))
    t = end
    bus = bus + 2
  }
}

/** Dense links, which read all of a bus. */
function sumAll(m: Buffer, part: number): void {
  const bus = m.getAt(part + Part.BusIn, "i32")
  const last = bus + (m.getAt(part + Part.Sources, "u16") << 1)
  let sum = m.getAt(part + Part.Sum, "i32")
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const end = sum + (synapses << 2)
  let c = m.getAt(part + Part.Coefficient, "i32")
  const fours = (m.getAt(part + Part.Sources, "u16") & 3) === 0 && isWord(c)
  while (sum < end) {
    m.setAt(sum, "i32", fours ? dotFours(m, bus, last, c) : dot(m, bus, last, c))
    c = c + (last - bus)
    sum = sum + 4
  }
}

/** Whether an address is a whole word's; a machine that can read words anywhere need not know. */
function isWord(_at: number): boolean {
  return true
}

/** Sum of the products of the signals bus … last with the coefficients from `c` on. */
function dot(m: Buffer, bus: number, last: number, c: number): number {
  let v = 0
  while (bus < last) {
    v += m.getAt(bus, "i16") * m.getAt(c, "i16")
    bus = bus + 2
    c = c + 2
  }
  return v
}

/** The same of a multiple of four, which begin at whole words: two numbers at a time. */
function dotFours(m: Buffer, bus: number, last: number, c: number): number {
  let v = 0
  while (bus < last) {
    const s = m.getAt(bus, "i32")
    const k = m.getAt(c, "i32")
    v += ((s << 16) >> 16) * ((k << 16) >> 16)
    v += (s >> 16) * (k >> 16)
    const r = m.getAt(bus + 4, "i32")
    const l = m.getAt(c + 4, "i32")
    v += ((r << 16) >> 16) * ((l << 16) >> 16)
    v += (r >> 16) * (l >> 16)
    bus = bus + 8
    c = c + 8
  }
  return v
}

/**
 * Links that read inputs learn (method 2, paper 001 eq. 3.3–3.5 in the integer form):
 * ΔC = (S·λ + noise) >> LearnShift, C clamped. λ and noise must have been packed (packNoise).
 */
function learnInputs(m: Buffer, part: number, inputs: Buffer): void {
  if (learnByHand(m, part, inputs)) return
  const table = m.getAt(Header.InputTable, "i32")
  const width = m.getAt(Header.Width, "u16")
  const signals = m.getAt(Header.InputSignals, "u16") << 1
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const packed = m.getAt(part + Part.Sum, "i32")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const spread = spreadOf(shift)
  const mask = (1 << (shift - spread)) - 1
  const max = m.getAt(Header.CoefficientMax, "i16")
  let input = nextInput(inputs, 0, width)
  while (input < width) {
    const row = table + inputs.getAt(input, "u8") * signals
    let next = start + input * signals
    const link = m.getAt(next, "u16")
    let t = target + link
    let c = coefficient + link + link
    // The noise of source i is (noise + i · SOURCE_SALT) mod 2^16, as in links.ts.
    let salt = Math.imul((input * signals) >> 1, SOURCE_SALT) & 0xffff
    for (let k = 0; k < signals; k += 2) {
      next = next + 2
      const end = target + m.getAt(next, "u16")
      c = learnLinks(m, packed, t, c, end, m.getAt(row + k, "i16"), salt, mask, spread, shift, max)
      t = end
      salt = (salt + SOURCE_SALT) & 0xffff
    }
    input = nextInput(inputs, input + 1, width)
  }
}

/** The links t … end−1 of one input learn; returns the address of the next coefficient. */
function learnLinks(
  m: Buffer,
  packed: number,
  t: number,
  c: number,
  end: number,
  signal: number,
  salt: number,
  mask: number,
  spread: number,
  shift: number,
  max: number,
): number {
  while (t < end) {
    const w = m.getAt(packed + (m.getAt(t, "u8") << 2), "i32")
    if (w !== 0) learnLink(m, c, signal, w, salt, mask, spread, shift, max)
    t = t + 1
    c = c + 2
  }
  return c
}

/** Bits of a rate below those that noise can round: zeros take their place (link-rules.ts). */
function spreadOf(shift: number): number {
  return shift > NOISE_BITS ? shift - NOISE_BITS : 0
}

/**
 * Links that read a bus learn as {@link learnInputs}, and send the backward signal on:
 * BackOut[source] += C·λ for the coefficient as it was.
 */
function learnSignals(m: Buffer, part: number): void {
  const bus = m.getAt(part + Part.BusIn, "i32")
  const last = bus + (m.getAt(part + Part.Sources, "u16") << 1)
  const packed = m.getAt(part + Part.Sum, "i32")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const spread = spreadOf(shift)
  const mask = (1 << (shift - spread)) - 1
  const max = m.getAt(Header.CoefficientMax, "i16")
  let c = m.getAt(part + Part.Coefficient, "i32")
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Dense) !== 0) {
    const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
    const end = packed + (synapses << 2)
    const row = m.getAt(part + Part.Sources, "u16") << 1
    for (let sum = packed; sum < end; sum += 4) {
      const w = m.getAt(sum, "i32")
      if (w !== 0) {
        const back = m.getAt(part + Part.BackOut, "i32")
        if (spread !== 0 || !rowByHand(m, c, bus, last, back, w, mask, shift, max))
          learnRow(m, c, bus, last, back, w, mask, spread, shift, max)
      }
      c = c + row
    }
    return
  }
  const target = m.getAt(part + Part.Target, "i32")
  let next = m.getAt(part + Part.Start, "i32")
  let t = target
  let back = m.getAt(part + Part.BackOut, "i32")
  let salt = 0
  for (let at = bus; at < last; at += 2) {
    next = next + 2
    const end = target + m.getAt(next, "u16")
    const signal = m.getAt(at, "i16")
    let sum = m.getAt(back, "i32")
    while (t < end) {
      const w = m.getAt(packed + (m.getAt(t, "u8") << 2), "i32")
      t = t + 1
      if (w !== 0) {
        sum += m.getAt(c, "i16") * (w >> 16)
        learnLink(m, c, signal, w, salt, mask, spread, shift, max)
      }
      c = c + 2
    }
    m.setAt(back, "i32", sum)
    back = back + 4
    salt = (salt + SOURCE_SALT) & 0xffff
  }
}

/** The dense links of a synapse learn, from the coefficient at `c` on; `w` is λ · 2^16 + noise. */
function learnRow(
  m: Buffer,
  c: number,
  bus: number,
  last: number,
  back: number,
  w: number,
  mask: number,
  spread: number,
  shift: number,
  max: number,
): void {
  const l = w >> 16
  let noise = w & 0xffff
  while (bus < last) {
    // As learnLink. 65,535 + 50,000 sources · SOURCE_SALT < 2^31.
    const change = (m.getAt(bus, "i16") * l + ((noise & mask) << spread)) >> shift
    noise = noise + SOURCE_SALT
    let v = m.getAt(c, "i16")
    m.setAt(back, "i32", m.getAt(back, "i32") + v * l)
    v += change
    if (v > max) v = max
    if (v < -max) v = -max
    m.setAt(c, "i16", v)
    bus = bus + 2
    back = back + 4
    c = c + 2
  }
}

/**
 * One link's coefficient at `c` follows its signal and `w`, λ · 2^16 + noise. As in links.ts: |S·λ| ≤ 2^28
 * (finer: < 2^30), the noise below 2^16 (finer: 2^20).
 */
function learnLink(
  m: Buffer,
  c: number,
  signal: number,
  w: number,
  salt: number,
  mask: number,
  spread: number,
  shift: number,
  max: number,
): void {
  const change = (signal * (w >> 16) + (((w + salt) & mask) << spread)) >> shift
  if (change === 0) return
  let v = m.getAt(c, "i16") + change
  if (v > max) v = max
  if (v < -max) v = -max
  m.setAt(c, "i16", v)
}
