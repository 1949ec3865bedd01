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
import { BATCHED } from "./batched"
import { Header, Part } from "./layout"
import { SOURCE_SALT } from "./random"

export { drawNoise } from "./noise"

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
    const signal = m.getAt(entry + 2, "i16")
    const s = start + (m.getAt(entry, "u16") << 1)
    let link = m.getAt(s, "u16")
    const end = m.getAt(s + 2, "u16")
    while (link < end) {
      const a = sum + (m.getAt(target + link, "u8") << 2)
      m.setAt(a, "i32", m.getAt(a, "i32") + signal * m.getAt(coefficient + link + link, "i16"))
      link = link + 1
    }
  }
}

/** Dense links: the sums C·S of the synapses from…to−1 over one slot of the bus. */
export function sumDense(m: Buffer, part: number, slot: number, from: number, to: number): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  const bus =
    m.getAt(part + Part.BusIn, "i32") + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
  const busEnd = bus + (sources << 1)
  let c = m.getAt(part + Part.Coefficient, "i32") + ((from * sources) << 1)
  let sum = m.getAt(part + Part.Sum, "i32") + (from << 2)
  for (let synapse = from; synapse < to; synapse++) {
    let total = 0
    for (let at = bus; at < busEnd; at += 2) {
      total += m.getAt(at, "i16") * m.getAt(c, "i16")
      c = c + 2
    }
    m.setAt(sum, "i32", total)
    sum = sum + 4
  }
}

/**
 * Sparse links, listed sources from…to−1: sends the backward signal on and learns (method 2, paper
 * 001 eq. 3.3–3.5 in the integer form): for each link, BackOut[source] += C·λ, then
 * ΔC = (S·λ + noise) >> LearnShift, C clamped. The noise makes the rounding stochastic.
 */
export function learnSparse(m: Buffer, part: number, from: number, to: number): void {
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  const ids = m.getAt(part + Part.SourceIds, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const shift = m.getAt(Header.LearnShift, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
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
    let link = m.getAt(s, "u16")
    const end = m.getAt(s + 2, "u16")
    let back = 0
    while (link < end) {
      const t = m.getAt(target + link, "u8") << 1
      const l = m.getAt(lambda + t, "i16")
      if (l !== 0) {
        const at = coefficient + link + link
        const old = m.getAt(at, "i16")
        back += old * l
        // |S·λ| ≤ 2^15 · 2^13 = 2^28 (finer: 2^15 · 1.5 · 2^14 < 2^30), the noise below 2^16.
        const change = (signal * l + ((m.getAt(noise + t, "u16") + salt) & mask)) >> shift
        if (BATCHED) {
          const d = delta + (link << 2)
          m.setAt(d, "i32", m.getAt(d, "i32") + change)
        } else {
          let c = old + change
          if (c > max) c = max
          if (c < -max) c = -max
          m.setAt(at, "i16", c)
        }
      }
      link = link + 1
    }
    if (backOut !== 0) {
      const b = backOut + (source << 2)
      m.setAt(b, "i32", m.getAt(b, "i32") + back)
    }
  }
}

/** Dense links of the synapses from…to−1: backward sums and learning, as {@link learnSparse}. */
export function learnDense(m: Buffer, part: number, slot: number, from: number, to: number): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  const bus =
    m.getAt(part + Part.BusIn, "i32") + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
  const busEnd = bus + (sources << 1)
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const shift = m.getAt(Header.LearnShift, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const mask = (1 << shift) - 1
  const delta = m.getAt(part + Part.Delta, "i32")
  for (let synapse = from; synapse < to; synapse++) {
    const l = m.getAt(lambda + synapse + synapse, "i16")
    if (l !== 0) {
      let c = coefficient + ((synapse * sources) << 1)
      let random = m.getAt(noise + synapse + synapse, "u16")
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
        } else {
          let v = old + change
          if (v > max) v = max
          if (v < -max) v = -max
          m.setAt(c, "i16", v)
        }
        random = (random + SOURCE_SALT) & 0xffff
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
