/**
 * AssemblyScript, for the host only: the loops over links of src/core/links.ts, several links at a time.
 * A source has one link to a synapse at most, so links of one source do not depend on each other.
 *
 * Products of two int16 are made as dot products of pairs whose second half is 0: one instruction
 * where a 32-bit product takes several.
 */
import { BATCHED } from "./batched"
import { Header, NOISE_BITS, Part } from "./layout"

export { isFull, learnRuns, listSignals, packNoise } from "./links-scalar"

export const SOURCE_SALT = 40503
export const SYNAPSE_SALT = 32749

/**
 * Behind the shard: for each synapse of the part in hand λ (low half) and its random state (high
 * half), so that a link reads both at once. Before, the neurons to settle (settle-fine.ts). The engine
 * keeps SCRATCH_BYTES free there.
 */
export function scratchOf(m: usize): usize {
  return m + ((load<i32>(m, Header.Size) + 63) & ~63)
}

export function sumSparse(m: usize, part: i32, from: i32, to: i32): void {
  const p = m + part
  const start = m + load<i32>(p, Part.Start)
  const target = m + load<i32>(p, Part.Target)
  const coefficient = m + load<i32>(p, Part.Coefficient)
  const sum = m + load<i32>(p, Part.Sum)
  const list = m + load<i32>(p, Part.List) + 4
  const last = list + (to << 2)
  for (let entry = list + (from << 2); entry < last; entry += 4) {
    const signal: i32 = load<i16>(entry, 2)
    if (signal === 0) continue
    const s = start + ((<usize>load<u16>(entry)) << 1)
    const link: usize = load<u16>(s)
    const end = target + <usize>load<u16>(s, 2)
    let t = target + link
    let c = coefficient + (link << 1)
    for (; t + 4 <= end; t += 4) {
      const a = sum + ((<usize>load<u8>(t)) << 2)
      store<i32>(a, load<i32>(a) + signal * load<i16>(c))
      const b = sum + ((<usize>load<u8>(t, 1)) << 2)
      store<i32>(b, load<i32>(b) + signal * load<i16>(c, 2))
      const d = sum + ((<usize>load<u8>(t, 2)) << 2)
      store<i32>(d, load<i32>(d) + signal * load<i16>(c, 4))
      const e = sum + ((<usize>load<u8>(t, 3)) << 2)
      store<i32>(e, load<i32>(e) + signal * load<i16>(c, 6))
      c += 8
    }
    for (; t < end; t++) {
      const a = sum + ((<usize>load<u8>(t)) << 2)
      store<i32>(a, load<i32>(a) + signal * load<i16>(c))
      c += 2
    }
  }
}

/** Where every source reaches every synapse: no faster here by itself. */
export function sumFull(m: usize, part: i32, from: i32, to: i32): void {
  sumSparse(m, part, from, to)
}

export function sumDense(m: usize, part: i32, slot: i32, from: i32, to: i32): void {
  const p = m + part
  const sources: i32 = load<u16>(p, Part.Sources)
  const bus = m + load<i32>(p, Part.BusIn) + ((slot * <i32>load<u16>(p, Part.BusInWidth)) << 1)
  const busEnd = bus + (sources << 1)
  let c = m + load<i32>(p, Part.Coefficient) + ((from * sources) << 1)
  let sum = m + load<i32>(p, Part.Sum) + (from << 2)
  for (let synapse = from; synapse < to; synapse++) {
    let four = i32x4.splat(0)
    let at = bus
    for (; at + 16 <= busEnd; at += 16) {
      four = i32x4.add(four, i32x4.dot_i16x8_s(v128.load(at), v128.load(c)))
      c += 16
    }
    let total =
      i32x4.extract_lane(four, 0) +
      i32x4.extract_lane(four, 1) +
      i32x4.extract_lane(four, 2) +
      i32x4.extract_lane(four, 3)
    for (; at < busEnd; at += 2) {
      total += <i32>load<i16>(at) * <i32>load<i16>(c)
      c += 2
    }
    store<i32>(sum, total)
    sum += 4
  }
}

/** {@link mix16} of src/base/random.ts in each lane. */
export function mix(x: v128): v128 {
  const low = i32x4.splat(0xffff)
  let y = v128.and(i32x4.add(i32x4.mul(x, i32x4.splat(27655)), i32x4.splat(13849)), low)
  y = v128.xor(y, i32x4.shr_u(y, 7))
  y = v128.and(i32x4.add(i32x4.mul(y, i32x4.splat(31821)), i32x4.splat(12345)), low)
  return v128.xor(y, i32x4.shr_u(y, 9))
}

/** Random states of all synapses, also of those with λ = 0, which do not use theirs. */
export function drawNoise(m: usize, part: i32): void {
  const p = m + part
  const synapses = <i32>load<u16>(p, Part.Neurons) * <i32>load<u16>(p, Part.Inputs)
  const random = i32x4.splat(load<u16>(m, Header.SampleRandom))
  const low = i32x4.splat(0xffff)
  const step = i32x4.splat(4 * SYNAPSE_SALT)
  let salt = i32x4.mul(
    i32x4.add(i32x4.splat(load<u16>(p, Part.FirstSynapse)), i32x4(0, 1, 2, 3)),
    i32x4.splat(SYNAPSE_SALT),
  )
  let lambda = m + load<i32>(p, Part.Lambda)
  let at = scratchOf(m)
  // Up to three synapses that are not there are drawn too; what follows λ can be read.
  for (let i = 0; i < synapses; i += 4) {
    const noise = mix(v128.xor(random, v128.and(salt, low)))
    const l = v128.load16x4_u(lambda)
    v128.store(at, v128.or(l, i32x4.shl(noise, 16)))
    salt = i32x4.add(salt, step)
    lambda += 8
    at += 16
  }
}

export function learnSparse(m: usize, part: i32, from: i32, to: i32): void {
  const p = m + part
  const start = m + load<i32>(p, Part.Start)
  const target = m + load<i32>(p, Part.Target)
  const coefficient = m + load<i32>(p, Part.Coefficient)
  const delta = m + load<i32>(p, Part.Delta)
  const packed = scratchOf(m)
  const backOut: i32 = load<i32>(p, Part.BackOut)
  const shift: i32 = <i32>load<u16>(m, Header.LearnShift) + <i32>load<u16>(p, Part.Finer)
  const max: i32 = load<i16>(m, Header.CoefficientMax)
  const mask: i32 = (1 << shift) - 1
  // As changeOf in src/core/link-rules.ts.
  const spread: i32 = max_i32(0, shift - NOISE_BITS)
  const masks = i32x4.splat(mask)
  const most = i32x4.splat(max)
  const least = i32x4.splat(-max)
  const list = m + load<i32>(p, Part.List) + 4
  const last = list + (to << 2)
  for (let entry = list + (from << 2); entry < last; entry += 4) {
    const signal: i32 = load<i16>(entry, 2)
    // Nothing to learn (the noise alone is shifted out), and nobody to send back to.
    if (signal === 0 && backOut === 0) continue
    const source: i32 = load<u16>(entry)
    const salt: i32 = (source * SOURCE_SALT) & 0xffff
    const s = start + (source << 1)
    const link: usize = load<u16>(s)
    const end = target + <usize>load<u16>(s, 2)
    let t = target + link
    // One-to-one networks have many sources without a link in the part.
    if (t === end) continue
    let c = coefficient + (link << 1)
    let d = delta + (link << 2)
    let back = 0
    if (t + 4 <= end) {
      const signals = i32x4.splat(signal & 0xffff)
      const salts = i32x4.splat(salt)
      let backs = i32x4.splat(0)
      for (; t + 4 <= end; t += 4) {
        let w = v128.load32_zero(packed + ((<usize>load<u8>(t)) << 2))
        w = v128.load_lane<i32>(packed + ((<usize>load<u8>(t, 1)) << 2), w, 1)
        w = v128.load_lane<i32>(packed + ((<usize>load<u8>(t, 2)) << 2), w, 2)
        w = v128.load_lane<i32>(packed + ((<usize>load<u8>(t, 3)) << 2), w, 3)
        const old = v128.load16x4_u(c)
        backs = i32x4.add(backs, i32x4.dot_i16x8_s(w, old))
        const noise = v128.and(i32x4.shl(i32x4.add(i32x4.shr_u(w, 16), salts), spread), masks)
        // With λ = 0 the noise, below 2^shift, is shifted out: no change.
        const change = i32x4.shr_s(i32x4.add(i32x4.dot_i16x8_s(w, signals), noise), shift)
        if (BATCHED) {
          v128.store(d, i32x4.add(v128.load(d), change))
          d += 16
        } else {
          const signed = i32x4.shr_s(i32x4.shl(old, 16), 16)
          const v = i32x4.min_s(i32x4.max_s(i32x4.add(signed, change), least), most)
          v128.store_lane<i64>(c, i16x8.narrow_i32x4_s(v, v), 0)
        }
        c += 8
      }
      back =
        i32x4.extract_lane(backs, 0) +
        i32x4.extract_lane(backs, 1) +
        i32x4.extract_lane(backs, 2) +
        i32x4.extract_lane(backs, 3)
    }
    for (; t < end; t++) {
      const w: i32 = load<i32>(packed + ((<usize>load<u8>(t)) << 2))
      const l: i32 = (w << 16) >> 16
      const old: i32 = load<i16>(c)
      back += old * l
      const change: i32 = (signal * l + ((((w >>> 16) + salt) << spread) & mask)) >> shift
      if (BATCHED) {
        store<i32>(d, load<i32>(d) + change)
        d += 4
      } else store<i16>(c, <i16>min<i32>(max, max_i32(-max, old + change)))
      c += 2
    }
    if (backOut !== 0) {
      const b = m + backOut + (source << 2)
      store<i32>(b, load<i32>(b) + back)
    }
  }
}

function max_i32(a: i32, b: i32): i32 {
  return a > b ? a : b
}

export function learnDense(m: usize, part: i32, slot: i32, from: i32, to: i32): void {
  const p = m + part
  const sources: i32 = load<u16>(p, Part.Sources)
  const bus = m + load<i32>(p, Part.BusIn) + ((slot * <i32>load<u16>(p, Part.BusInWidth)) << 1)
  const busEnd = bus + (sources << 1)
  const packed = scratchOf(m)
  const shift: i32 = <i32>load<u16>(m, Header.LearnShift) + <i32>load<u16>(p, Part.Finer)
  const max: i32 = load<i16>(m, Header.CoefficientMax)
  const mask: i32 = (1 << shift) - 1
  // As changeOf in src/core/link-rules.ts.
  const spread: i32 = max_i32(0, shift - NOISE_BITS)
  const masks = i32x4.splat(mask)
  const most = i32x4.splat(max)
  const least = i32x4.splat(-max)
  const step = i32x4.splat(4 * SOURCE_SALT)
  let row = m + load<i32>(p, Part.Coefficient) + ((from * sources) << 1)
  let gathered = m + load<i32>(p, Part.Delta) + ((from * sources) << 2)
  const backOut = m + load<i32>(p, Part.BackOut)
  for (let synapse = from; synapse < to; synapse++) {
    const w: i32 = load<i32>(packed + (synapse << 2))
    const l: i32 = (w << 16) >> 16
    if (l !== 0) {
      let c = row
      let d = gathered
      let b = backOut
      let random: i32 = w >>> 16
      const lambdas = i32x4.splat(l & 0xffff)
      // Only the bits of the mask count, so they may run over.
      let randoms = i32x4.add(
        i32x4.splat(random),
        i32x4(0, SOURCE_SALT, 2 * SOURCE_SALT, 3 * SOURCE_SALT),
      )
      let at = bus
      for (; at + 8 <= busEnd; at += 8) {
        const old = v128.load16x4_u(c)
        v128.store(b, i32x4.add(v128.load(b), i32x4.dot_i16x8_s(old, lambdas)))
        const product = i32x4.dot_i16x8_s(v128.load16x4_u(at), lambdas)
        const noise = v128.and(i32x4.shl(randoms, spread), masks)
        const change = i32x4.shr_s(i32x4.add(product, noise), shift)
        if (BATCHED) {
          v128.store(d, i32x4.add(v128.load(d), change))
          d += 16
        } else {
          const signed = i32x4.shr_s(i32x4.shl(old, 16), 16)
          const v = i32x4.min_s(i32x4.max_s(i32x4.add(signed, change), least), most)
          v128.store_lane<i64>(c, i16x8.narrow_i32x4_s(v, v), 0)
        }
        randoms = i32x4.add(randoms, step)
        random += 4 * SOURCE_SALT
        c += 8
        b += 16
      }
      for (; at < busEnd; at += 2) {
        const old: i32 = load<i16>(c)
        store<i32>(b, load<i32>(b) + old * l)
        const change: i32 = (<i32>load<i16>(at) * l + ((random << spread) & mask)) >> shift
        if (BATCHED) {
          store<i32>(d, load<i32>(d) + change)
          d += 4
        } else store<i16>(c, <i16>min<i32>(max, max_i32(-max, old + change)))
        random += SOURCE_SALT
        c += 2
        b += 4
      }
    }
    row += sources << 1
    gathered += sources << 2
  }
}

export function mergeDeltas(
  m: usize,
  part: i32,
  workers: i32,
  stride: i32,
  from: i32,
  to: i32,
): void {
  const max: i32 = load<i16>(m, Header.CoefficientMax)
  const most = i32x4.splat(max)
  const least = i32x4.splat(-max)
  const zero = i32x4.splat(0)
  let c = m + load<i32>(m + part, Part.Coefficient) + (from << 1)
  let delta = m + load<i32>(m + part, Part.Delta) + (from << 2)
  let link = from
  for (; link + 4 <= to; link += 4) {
    let change = zero
    let d = delta
    for (let worker = 0; worker < workers; worker++) {
      const one = v128.load(d)
      if (v128.any_true(one)) {
        change = i32x4.add(change, one)
        v128.store(d, zero)
      }
      d += stride
    }
    if (v128.any_true(change)) {
      const sum = i32x4.add(v128.load16x4_s(c), change)
      const v = i32x4.min_s(i32x4.max_s(sum, least), most)
      v128.store_lane<i64>(c, i16x8.narrow_i32x4_s(v, v), 0)
    }
    c += 8
    delta += 16
  }
  for (; link < to; link++) {
    let change = 0
    let d = delta
    for (let worker = 0; worker < workers; worker++) {
      change += load<i32>(d)
      store<i32>(d, 0)
      d += stride
    }
    store<i16>(c, <i16>min<i32>(max, max_i32(-max, <i32>load<i16>(c) + change)))
    c += 2
    delta += 4
  }
}

/**
 * Adds what all `workers` threads gathered for a part to this thread's own coefficients, links
 * 0…links−1, and clamps them.
 *
 * @param m memory of this thread's shard
 * @param first memory of the first thread's; the others' follow, `stride` bytes apart
 */
export function applyDeltas(
  m: usize,
  part: i32,
  first: usize,
  workers: i32,
  stride: i32,
  links: i32,
): void {
  const max: i32 = load<i16>(m, Header.CoefficientMax)
  const most = i32x4.splat(max)
  const least = i32x4.splat(-max)
  let c = m + load<i32>(m + part, Part.Coefficient)
  let delta = first + load<i32>(m + part, Part.Delta)
  let link = 0
  for (; link + 4 <= links; link += 4) {
    let change = v128.load(delta)
    for (let worker = 1, d = delta + stride; worker < workers; worker++, d += stride)
      change = i32x4.add(change, v128.load(d))
    if (v128.any_true(change)) {
      const sum = i32x4.add(v128.load16x4_s(c), change)
      const v = i32x4.min_s(i32x4.max_s(sum, least), most)
      v128.store_lane<i64>(c, i16x8.narrow_i32x4_s(v, v), 0)
    }
    c += 8
    delta += 16
  }
  for (; link < links; link++) {
    let change = 0
    for (let worker = 0, d = delta; worker < workers; worker++, d += stride) change += load<i32>(d)
    store<i16>(c, <i16>min<i32>(max, max_i32(-max, <i32>load<i16>(c) + change)))
    c += 2
    delta += 4
  }
}

/** Forgets what this thread gathered for a part. Most of it is 0 already: only read, not written. */
export function clearDeltas(m: usize, part: i32, links: i32): void {
  const zero = i32x4.splat(0)
  let delta = m + load<i32>(m + part, Part.Delta)
  // The engine's arrays of changes end on whole 64 bytes.
  for (const end = delta + (links << 2); delta < end; delta += 64) {
    const a = v128.load(delta)
    const b = v128.load(delta, 16)
    const c = v128.load(delta, 32)
    const d = v128.load(delta, 48)
    if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) {
      v128.store(delta, zero)
      v128.store(delta, zero, 16)
      v128.store(delta, zero, 32)
      v128.store(delta, zero, 48)
    }
  }
}
