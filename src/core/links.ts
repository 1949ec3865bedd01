/**
 * Links: the sums that drive a layer, the backward sums, and the update of each coefficient by what
 * passes through it.
 *
 * *Sparse* links (fan-in below the number of sources) are stored by source, so that a silent source
 * costs nothing; each has the number of its synapse in one byte. *Dense* links (every synapse reads
 * every source) are stored by synapse and need no index.
 *
 * Sums are unshifted int32 and shifted once, where they are used, so that partial sums of several
 * boards add up to the same bits. The network's construction bounds them:
 * fan-in · CoefficientMax · largest signal < 2^31 and fan-out · CoefficientMax · LambdaMax < 2^31.
 */

import { SOURCE_SALT } from "../base/random"
import { BATCHED } from "./batched"
import { Header, NOISE_BITS, Part } from "./layout"
import { firstSalt, learnDenseByRule, learnSparseByRule } from "./link-rules"

export { drawNoise, packNoise } from "./noise"

/**
 * Makes the part's list of sources (u16 index, i16 signal) from one slot of the bus it reads. Silent
 * sources stay in: they too get a backward sum.
 */
export function listSignals(m: Buffer, part: number, slot: number): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  let at =
    m.getAt(part + Part.BusIn, "i32") + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
  const list = m.getAt(part + Part.List, "i32")
  let entry = list + 4
  for (let source = 0; source < sources; source++) {
    m.setAt(entry, "u16", source)
    m.setAt(entry + 2, "i16", m.getAt(at, "i16"))
    entry = entry + 4
    at = at + 2
  }
  m.setAt(list, "i32", sources)
}

/**
 * Sparse links: adds C·S of the listed sources from…to−1 to the sums of their synapses
 * (paper 001 eq. 3.1). The sums must have been cleared.
 */
export function sumSparse(m: Buffer, part: number, from: number, to: number): void {
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const sum = m.getAt(part + Part.Sum, "i32")
  const list = m.getAt(part + Part.List, "i32") + 4
  const last = list + (to << 2)
  for (let entry = list + (from << 2); entry < last; entry += 4) {
    const s = start + (m.getAt(entry, "u16") << 1)
    const link = m.getAt(s, "u16")
    const links = m.getAt(s + 2, "u16") - link
    if (links > 0) {
      const signal = m.getAt(entry + 2, "i16")
      let t = target + link
      const end = t + links
      let c = coefficient + link + link
      if ((links & 1) !== 0) {
        const a = sum + (m.getAt(t, "u8") << 2)
        m.setAt(a, "i32", m.getAt(a, "i32") + signal * m.getAt(c, "i16"))
        t = t + 1
        c = c + 2
      }
      // Two links a turn: half the cost of the loop itself.
      while (t < end) {
        const a = sum + (m.getAt(t, "u8") << 2)
        m.setAt(a, "i32", m.getAt(a, "i32") + signal * m.getAt(c, "i16"))
        const b = sum + (m.getAt(t + 1, "u8") << 2)
        m.setAt(b, "i32", m.getAt(b, "i32") + signal * m.getAt(c + 2, "i16"))
        t = t + 2
        c = c + 4
      }
    }
  }
}

/** Does every source of a part with sparse links reach every synapse? */
export function isFull(m: Buffer, part: number): boolean {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  // Below 2^8 · 2^16.
  return m.getAt(part + Part.Links, "i32") === synapses * m.getAt(part + Part.Sources, "u16")
}

/**
 * {@link sumSparse} of such a part: a source's links are in the order of the synapses then, which
 * `checkLinks` sees to, so that nobody need look up where they end. Eight sources at a time, as
 * {@link sumDense}.
 */
export function sumFull(m: Buffer, part: number, from: number, to: number): void {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const row = synapses << 1
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const first = m.getAt(part + Part.Sum, "i32")
  const last = first + (synapses << 2)
  let entry = m.getAt(part + Part.List, "i32") + 4 + (from << 2)
  let left = to - from
  while (left >= 8) {
    const s0 = m.getAt(entry + 2, "i16")
    const s1 = m.getAt(entry + 6, "i16")
    const s2 = m.getAt(entry + 10, "i16")
    const s3 = m.getAt(entry + 14, "i16")
    const s4 = m.getAt(entry + 18, "i16")
    const s5 = m.getAt(entry + 22, "i16")
    const s6 = m.getAt(entry + 26, "i16")
    const s7 = m.getAt(entry + 30, "i16")
    const c0 = coefficient + m.getAt(entry, "u16") * row
    const c1 = coefficient + m.getAt(entry + 4, "u16") * row
    const c2 = coefficient + m.getAt(entry + 8, "u16") * row
    const c3 = coefficient + m.getAt(entry + 12, "u16") * row
    const c4 = coefficient + m.getAt(entry + 16, "u16") * row
    const c5 = coefficient + m.getAt(entry + 20, "u16") * row
    const c6 = coefficient + m.getAt(entry + 24, "u16") * row
    const c7 = coefficient + m.getAt(entry + 28, "u16") * row
    let c = 0
    for (let sum = first; sum < last; sum += 4) {
      m.setAt(
        sum,
        "i32",
        m.getAt(sum, "i32") +
          s0 * m.getAt(c0 + c, "i16") +
          s1 * m.getAt(c1 + c, "i16") +
          s2 * m.getAt(c2 + c, "i16") +
          s3 * m.getAt(c3 + c, "i16") +
          s4 * m.getAt(c4 + c, "i16") +
          s5 * m.getAt(c5 + c, "i16") +
          s6 * m.getAt(c6 + c, "i16") +
          s7 * m.getAt(c7 + c, "i16"),
      )
      c = c + 2
    }
    entry = entry + 32
    left = left - 8
  }
  while (left > 0) {
    const s = m.getAt(entry + 2, "i16")
    let c = coefficient + m.getAt(entry, "u16") * row
    for (let sum = first; sum < last; sum += 4) {
      m.setAt(sum, "i32", m.getAt(sum, "i32") + s * m.getAt(c, "i16"))
      c = c + 2
    }
    entry = entry + 4
    left = left - 1
  }
}

/**
 * Dense links: the sums C·S of the synapses from…to−1 over one slot of the bus. Eight signals at a
 * time are held in variables while all synapses pass by: a board reads a variable at a third of the
 * cost of its memory.
 */
export function sumDense(m: Buffer, part: number, slot: number, from: number, to: number): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  const row = sources << 1
  let bus =
    m.getAt(part + Part.BusIn, "i32") + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
  const first = m.getAt(part + Part.Sum, "i32") + (from << 2)
  const last = m.getAt(part + Part.Sum, "i32") + (to << 2)
  m.fillAt(first, (to - from) << 2, 0)
  let column = m.getAt(part + Part.Coefficient, "i32") + from * row
  let left = sources
  while (left >= 8) {
    const s0 = m.getAt(bus, "i16")
    const s1 = m.getAt(bus + 2, "i16")
    const s2 = m.getAt(bus + 4, "i16")
    const s3 = m.getAt(bus + 6, "i16")
    const s4 = m.getAt(bus + 8, "i16")
    const s5 = m.getAt(bus + 10, "i16")
    const s6 = m.getAt(bus + 12, "i16")
    const s7 = m.getAt(bus + 14, "i16")
    let c = column
    for (let sum = first; sum < last; sum += 4) {
      m.setAt(
        sum,
        "i32",
        m.getAt(sum, "i32") +
          s0 * m.getAt(c, "i16") +
          s1 * m.getAt(c + 2, "i16") +
          s2 * m.getAt(c + 4, "i16") +
          s3 * m.getAt(c + 6, "i16") +
          s4 * m.getAt(c + 8, "i16") +
          s5 * m.getAt(c + 10, "i16") +
          s6 * m.getAt(c + 12, "i16") +
          s7 * m.getAt(c + 14, "i16"),
      )
      c = c + row
    }
    bus = bus + 16
    column = column + 16
    left = left - 8
  }
  while (left > 0) {
    const s = m.getAt(bus, "i16")
    let c = column
    for (let sum = first; sum < last; sum += 4) {
      m.setAt(sum, "i32", m.getAt(sum, "i32") + s * m.getAt(c, "i16"))
      c = c + row
    }
    bus = bus + 2
    column = column + 2
    left = left - 1
  }
}

/**
 * Sparse links, listed sources from…to−1: sends the backward signal on and learns (method 2, paper
 * 001 eq. 3.3–3.5 in the integer form): for each link, BackOut[source] += C·λ, then
 * ΔC = (S·λ + noise) >> LearnShift, C clamped. The noise makes the rounding stochastic.
 */
export function learnSparse(m: Buffer, part: number, from: number, to: number): void {
  // Rates this small need the noise shifted, which would cost every link of every network.
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  if (shift > NOISE_BITS) {
    learnSparseByRule(m, part, from, to)
    return
  }
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  const ids = m.getAt(part + Part.SourceIds, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const least = -max
  const mask = (1 << shift) - 1
  const delta = m.getAt(part + Part.Delta, "i32")
  const list = m.getAt(part + Part.List, "i32") + 4
  const last = list + (to << 2)
  for (let entry = list + (from << 2); entry < last; entry += 4) {
    const signal = m.getAt(entry + 2, "i16")
    const source = m.getAt(entry, "u16")
    let salt = source
    if (ids !== 0) salt = m.getAt(ids + source + source, "u16")
    salt = (salt * SOURCE_SALT) & 0xffff
    const s = start + (source << 1)
    const link = m.getAt(s, "u16")
    const end = target + m.getAt(s + 2, "u16")
    let c = coefficient + link + link
    let d = delta + (link << 2)
    let back = 0
    for (let at = target + link; at < end; at++) {
      const t = m.getAt(at, "u8") << 1
      const l = m.getAt(lambda + t, "i16")
      if (l !== 0) {
        const old = m.getAt(c, "i16")
        // Pixels want no backward sum.
        if (backOut !== 0) back += old * l
        // |S·λ| ≤ 2^15 · 2^13 = 2^28 (finer: 2^15 · 1.5 · 2^14 < 2^30), the noise below 2^16.
        const change = (signal * l + ((m.getAt(noise + t, "u16") + salt) & mask)) >> shift
        if (BATCHED) m.setAt(d, "i32", m.getAt(d, "i32") + change)
        else if (change !== 0) {
          let v = old + change
          if (v > max) v = max
          if (v < least) v = least
          m.setAt(c, "i16", v)
        }
      }
      c = c + 2
      if (BATCHED) d = d + 4
    }
    if (backOut !== 0) {
      const b = backOut + (source << 2)
      m.setAt(b, "i32", m.getAt(b, "i32") + back)
    }
  }
}

/**
 * The links of pixels that were summed at once: learns as {@link learnSparse}, from the runs that
 * were kept (image.ts). λ and noise must have been packed (packNoise). Never gathers a batch.
 *
 * @param from 0 to begin, then what the call before returned
 * @returns where to go on after as many pixels as one run of the board may do; −1 when done
 */
export function learnRuns(m: Buffer, part: number, from: number): number {
  const table = m.getAt(Header.InputTable, "i32")
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const packed = m.getAt(part + Part.Sum, "i32")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const least = -max
  const mask = (1 << shift) - 1
  const list = m.getAt(part + Part.List, "i32")
  const first = list + 4
  const last = first + m.getAt(list, "i32")
  let left = m.getAt(part + Part.ChunkSources, "u16")
  let run = first
  while (run < last) {
    const begin = run + 3
    const end = begin + m.getAt(run + 2, "u8")
    let at = first + from
    if (at < begin) at = begin
    if (at < end) {
      if (left === 0) return at - first
      let stop = at + left
      if (stop > end) stop = end
      left = left - (stop - at)
      const pixel = m.getAt(run, "u8") + (m.getAt(run + 1, "u8") << 8) + at - begin
      let salt = (pixel * SOURCE_SALT) & 0xffff
      let next = start + (pixel << 1)
      const link = m.getAt(next, "u16")
      let t = target + link
      let c = coefficient + link + link
      while (at < stop) {
        const signal = m.getAt(table + (m.getAt(at, "u8") << 1), "i16")
        at = at + 1
        next = next + 2
        const after = target + m.getAt(next, "u16")
        while (t < after) {
          const w = m.getAt(packed + (m.getAt(t, "u8") << 2), "i32")
          t = t + 1
          if (w) {
            // As in learnSparse: |S·λ| ≤ 2^28, the noise below 2^16; only its bits under the mask count.
            const change = (signal * (w >> 16) + ((w + salt) & mask)) >> shift
            if (change) {
              let v = m.getAt(c, "i16") + change
              if (v > max) v = max
              if (v < least) v = least
              m.setAt(c, "i16", v)
            }
          }
          c = c + 2
        }
        // At most 255 pixels a run: below 2^24.
        salt = salt + SOURCE_SALT
      }
      if (at < end) return at - first
    }
    run = end
  }
  return -1
}

/** Dense links of the synapses from…to−1: backward sums and learning, as {@link learnSparse}. */
export function learnDense(m: Buffer, part: number, slot: number, from: number, to: number): void {
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  if (shift > NOISE_BITS) {
    learnDenseByRule(m, part, slot, from, to)
    return
  }
  const sources = m.getAt(part + Part.Sources, "u16")
  const bus =
    m.getAt(part + Part.BusIn, "i32") + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
  const busEnd = bus + (sources << 1)
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const least = -max
  const mask = (1 << shift) - 1
  const delta = m.getAt(part + Part.Delta, "i32")
  const salt = firstSalt(m, part)
  for (let synapse = from; synapse < to; synapse++) {
    const l = m.getAt(lambda + synapse + synapse, "i16")
    if (l !== 0) {
      let c = coefficient + ((synapse * sources) << 1)
      let random = m.getAt(noise + synapse + synapse, "u16") + salt
      let b = backOut
      let d = delta + ((synapse * sources) << 2)
      for (let at = bus; at < busEnd; at += 2) {
        const old = m.getAt(c, "i16")
        m.setAt(b, "i32", m.getAt(b, "i32") + old * l)
        // The noise of source i is (noise + i · SOURCE_SALT) mod 2^shift, as in learnSparse.
        const change = (m.getAt(at, "i16") * l + (random & mask)) >> shift
        if (BATCHED) {
          m.setAt(d, "i32", m.getAt(d, "i32") + change)
          d = d + 4
        } else if (change !== 0) {
          let v = old + change
          if (v > max) v = max
          if (v < least) v = least
          m.setAt(c, "i16", v)
        }
        // Only the bits of the mask count. 2 · 65,535 + 50,000 sources · SOURCE_SALT < 2^31, more than
        // any board holds.
        random = random + SOURCE_SALT
        c = c + 2
        b = b + 4
      }
    }
  }
}

/**
 * Applies the changes that `workers` copies of this shard gathered for the links from…to−1 of a
 * part, each copy `stride` bytes behind the one before, and clears them. A batch of 2^16 samples
 * changing a coefficient by at most 2^15 each stays inside 32 bits.
 */
export function mergeDeltas(
  m: Buffer,
  part: number,
  workers: number,
  stride: number,
  from: number,
  to: number,
): void {
  const max = m.getAt(Header.CoefficientMax, "i16")
  let at = m.getAt(part + Part.Coefficient, "i32") + (from << 1)
  let delta = m.getAt(part + Part.Delta, "i32") + (from << 2)
  for (let link = from; link < to; link++) {
    let change = 0
    let d = delta
    for (let worker = 0; worker < workers; worker++) {
      change += m.getAt(d, "i32")
      m.setAt(d, "i32", 0)
      d = d + stride
    }
    if (change !== 0) {
      let c = m.getAt(at, "i16") + change
      if (c > max) c = max
      if (c < -max) c = -max
      m.setAt(at, "i16", c)
    }
    at = at + 2
    delta = delta + 4
  }
}
