/**
 * Links that learn otherwise than by the plain product (links.ts), or not at all: the product bounded
 * by atan(kt·G)/kt, PID control, links held fixed, rates below 2^−16, backward signals that return by
 * coefficients of their own. In loops apart, so that the usual ones stay as fast as they are.
 */
import { bounded } from "../base/atan"
import { SOURCE_SALT } from "../base/random"
import { BATCHED } from "./batched"
import { Header, NOISE_BITS, Part, Rule } from "./layout"
import { drawNoise } from "./noise"
import { controlled } from "./pid"

/**
 * Change of a link's coefficient, Q13.
 *
 * @param shift of the rate
 * @param g S·λ, |g| ≤ 2^28 (finer: < 2^30)
 * @param noise 16 random bits
 */
function changeOf(
  m: Buffer,
  rule: number,
  shift: number,
  record: number,
  g: number,
  noise: number,
): number {
  if ((rule & Rule.LinkBound) !== 0) g = bounded(g, m.getAt(Header.LinkBound, "u16"))
  // At most 2^16 · 2^4.
  if (shift > NOISE_BITS) noise = noise << (shift - NOISE_BITS)
  if ((rule & Rule.Pid) === 0) return (g + (noise & ((1 << shift) - 1))) >> shift
  // A quarter of the change (≤ 2^30), so two bits less.
  return (controlled(m, record, g) + (noise & ((1 << (shift - 2)) - 1))) >> (shift - 2)
}

/** Where the coefficients lie by which backward signals return: the links' own, or fixed ones. */
export function returnsBy(m: Buffer, part: number): number {
  const fixed = m.getAt(part + Part.LinkPid, "i32")
  if ((m.getAt(Header.Rule, "u16") & Rule.Feedback) !== 0 && fixed !== 0) return fixed
  return m.getAt(part + Part.Coefficient, "i32")
}

/** As drawNoise; links that are held fixed need none. */
export function drawNoiseByRule(m: Buffer, part: number): void {
  if ((m.getAt(Header.Rule, "u16") & Rule.FixedLinks) === 0) drawNoise(m, part)
}

/** As learnSparse (links.ts), by the network's rule. */
export function learnSparseByRule(m: Buffer, part: number, from: number, to: number): void {
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const returns = returnsBy(m, part)
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  const ids = m.getAt(part + Part.SourceIds, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const rule = m.getAt(Header.Rule, "u16")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const delta = m.getAt(part + Part.Delta, "i32")
  const records = m.getAt(part + Part.LinkPid, "i32")
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
        back += m.getAt(returns + link + link, "i16") * l
        if ((rule & Rule.FixedLinks) === 0 && signal !== 0) {
          const at = coefficient + link + link
          const old = m.getAt(at, "i16")
          const random = (m.getAt(noise + t, "u16") + salt) & 0xffff
          const change = changeOf(m, rule, shift, records + (link << 3), signal * l, random)
          if (BATCHED) {
            const d = delta + (link << 2)
            m.setAt(d, "i32", m.getAt(d, "i32") + change)
          } else m.setAt(at, "i16", clamped(old + change, max))
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

/** What the noise of a dense part's first source begins with: dense sources count up from there. */
export function firstSalt(m: Buffer, part: number): number {
  const ids = m.getAt(part + Part.SourceIds, "i32")
  if (ids === 0) return 0
  return (m.getAt(ids, "u16") * SOURCE_SALT) & 0xffff
}

/** As learnDense (links.ts), by the network's rule. */
export function learnDenseByRule(
  m: Buffer,
  part: number,
  slot: number,
  from: number,
  to: number,
): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  const bus =
    m.getAt(part + Part.BusIn, "i32") + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const returns = returnsBy(m, part)
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const rule = m.getAt(Header.Rule, "u16")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const delta = m.getAt(part + Part.Delta, "i32")
  const records = m.getAt(part + Part.LinkPid, "i32")
  const salt = firstSalt(m, part)
  for (let synapse = from; synapse < to; synapse++) {
    const l = m.getAt(lambda + synapse + synapse, "i16")
    if (l !== 0) {
      const first = synapse * sources
      let random = (m.getAt(noise + synapse + synapse, "u16") + salt) & 0xffff
      for (let source = 0; source < sources; source++) {
        const link = first + source
        const b = backOut + (source << 2)
        const back = m.getAt(returns + link + link, "i16") * l
        m.setAt(b, "i32", m.getAt(b, "i32") + back)
        const signal = m.getAt(bus + source + source, "i16")
        if ((rule & Rule.FixedLinks) === 0 && signal !== 0) {
          const at = coefficient + link + link
          const old = m.getAt(at, "i16")
          const change = changeOf(m, rule, shift, records + (link << 3), signal * l, random)
          if (BATCHED) {
            const d = delta + (link << 2)
            m.setAt(d, "i32", m.getAt(d, "i32") + change)
          } else m.setAt(at, "i16", clamped(old + change, max))
        }
        // As in learnDense: the noise of source i is noise + i · SOURCE_SALT.
        random = (random + SOURCE_SALT) & 0xffff
      }
    }
  }
}

function clamped(c: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, c))
}
