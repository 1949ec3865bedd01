/**
 * AssemblyScript, for the host only: what links learn from the samples of a batch (lanes.ts). The sum of a
 * batch's products is taken, and rounded once (src/core/once.ts).
 */
import { Lane } from "./lane-layout"
import { across, field, SHORTS } from "./lane-vectors"
import { Header, NOISE_BITS } from "./layout"
import { mix, SOURCE_SALT, SYNAPSE_SALT } from "./links"
import { sampleRandom } from "./random"

/** S·λ of one source over 32 samples, in four parts. */
function product(at: usize, other: usize, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  return i32x4.add(
    i32x4.add(i32x4.dot_i16x8_s(v128.load(at), x0), i32x4.dot_i16x8_s(v128.load(at, 16), x1)),
    i32x4.add(i32x4.dot_i16x8_s(v128.load(other), x2), i32x4.dot_i16x8_s(v128.load(other, 16), x3)),
  )
}

/** What rounds a change, for the whole of a batch. */
let shift: i32 = 0
let spread: i32 = 0
let eighths = i32x4.splat(0)
let mask = i32x4.splat(0)
let most = i32x4.splat(0)
/** As Lane.Kept and Lane.Quantised. */
let kept: usize = 0
let lacking: i32 = 0

/** Four coefficients of a row change by their sums, as roundOnce and quantised (src/core/once.ts). */
function change(c: usize, sum: v128, noise: v128): void {
  const bits = v128.and(i32x4.shl(noise, spread), mask)
  const scaled = i32x4.mul(i32x4.shr_s(i32x4.add(sum, i32x4.splat(4)), 3), eighths)
  const v = i32x4.add(v128.load16x4_s(c + kept), i32x4.shr_s(i32x4.add(scaled, bits), shift))
  const now = i32x4.min_s(i32x4.max_s(v, i32x4.neg(most)), most)
  v128.store64_lane(c + kept, i16x8.narrow_i32x4_s(now, now), 0)
  if (lacking === 0) return
  const half = i32x4.splat(1 << (lacking - 1))
  const used = i32x4.shl(i32x4.shr_s(i32x4.add(now, half), lacking), lacking)
  v128.store64_lane(c, i16x8.narrow_i32x4_s(used, used), 0)
}

/** By four sources' offsets (32 bytes each): what their places add to the noise of a synapse. */
function salts(list: usize): v128 {
  return i32x4.mul(i32x4.shr_u(v128.load(list), 5), i32x4.splat(SOURCE_SALT))
}

/**
 * The rows of the rings from…to−1 (of shared kernels: of the channels) learn from the samples of all blocks.
 *
 * @param blocks u32 addresses of them
 * @param scratch i32[rows of a pass · FanIn]
 * @param first number of the batch's first sample
 * @param rate eighths of 2^−bits
 */
export function laneLearn(
  m: usize,
  layer: usize,
  blocks: usize,
  count: i32,
  scratch: usize,
  first: i32,
  rate: i32,
  bits: i32,
  from: i32,
  to: i32,
): void {
  const random = sampleRandom(load<i32>(m, Header.Seed), first)
  shift = bits + field(layer, Lane.Finer)
  spread = shift > NOISE_BITS ? shift - NOISE_BITS : 0
  eighths = i32x4.splat(rate)
  mask = i32x4.splat((1 << shift) - 1)
  most = i32x4.splat(field(layer, Lane.CoefficientMax))
  kept = field(layer, Lane.Kept)
  lacking = field(layer, Lane.Quantised)
  if (field(layer, Lane.Places) !== 0) {
    learnKernels(layer, blocks, count, random, from, to)
    return
  }
  const inputs = field(layer, Lane.Inputs)
  const rows = field(layer, Lane.Rows)
  const fanIn: usize = field(layer, Lane.FanIn)
  const stride: usize = field(layer, Lane.ListStride)
  const shared = field(layer, Lane.Shared) !== 0
  const step = shared ? 2 : 1
  for (let neuron = from; neuron < to; neuron++)
    for (let row = 0; row < rows; row += step) {
      const r: usize = neuron * rows + row
      const list = <usize>field(layer, Lane.List) + stride * (shared ? <usize>neuron : r)
      const c = <usize>field(layer, Lane.Coefficient) + ((r * fanIn) << 1)
      const synapse = field(layer, Lane.FirstSynapse) + neuron * inputs + row
      const noise = noiseOf(random, synapse)
      const lambda = <usize>field(layer, Lane.Lambda) + r * SHORTS
      const signals: usize = field(layer, Lane.In)
      if (shared) {
        const other = noiseOf(random, synapse + 1)
        learnTwo(list, fanIn, c, blocks, count, signals, lambda, scratch, noise, other)
      } else learnOne(list, fanIn, c, blocks, count, signals, lambda, scratch, noise)
    }
}

function learnTwo(
  list: usize,
  fanIn: usize,
  c: usize,
  blocks: usize,
  count: i32,
  signals: usize,
  lambda: usize,
  scratch: usize,
  noise: v128,
  other: v128,
): void {
  const zero = i32x4.splat(0)
  const next = fanIn << 1
  for (let b = 0; b < count; b += 2) {
    const one: usize = load<u32>(blocks + (b << 2))
    const both = b + 1 < count
    const two = both ? <usize>load<u32>(blocks + (b << 2), 4) : one
    const x0 = v128.load(one + lambda)
    const x1 = v128.load(one + lambda, 16)
    const y0 = v128.load(one + lambda, 32)
    const y1 = v128.load(one + lambda, 48)
    const x2 = both ? v128.load(two + lambda) : zero
    const x3 = both ? v128.load(two + lambda, 16) : zero
    const y2 = both ? v128.load(two + lambda, 32) : zero
    const y3 = both ? v128.load(two + lambda, 48) : zero
    const last = b + 2 >= count
    const some = v128.or(
      v128.or(v128.or(x0, x1), v128.or(x2, x3)),
      v128.or(v128.or(y0, y1), v128.or(y2, y3)),
    )
    if (b === 0 && last && !v128.any_true(some)) return
    const p = one + signals
    const q = two + signals
    let l = list
    let s = scratch
    let k = c
    const end = c + next
    for (; k < end; k += 8) {
      const o0: usize = load<u32>(l)
      const a0 = product(p + o0, q + o0, x0, x1, x2, x3)
      const b0 = product(p + o0, q + o0, y0, y1, y2, y3)
      const o1: usize = load<u32>(l, 4)
      const a1 = product(p + o1, q + o1, x0, x1, x2, x3)
      const b1 = product(p + o1, q + o1, y0, y1, y2, y3)
      const o2: usize = load<u32>(l, 8)
      const a2 = product(p + o2, q + o2, x0, x1, x2, x3)
      const b2 = product(p + o2, q + o2, y0, y1, y2, y3)
      const o3: usize = load<u32>(l, 12)
      const a3 = product(p + o3, q + o3, x0, x1, x2, x3)
      const b3 = product(p + o3, q + o3, y0, y1, y2, y3)
      let v = across(a0, a1, a2, a3)
      let w = across(b0, b1, b2, b3)
      if (b !== 0) {
        v = i32x4.add(v, v128.load(s))
        w = i32x4.add(w, v128.load(s, 16))
      }
      if (last) {
        const salt = salts(l)
        change(k, v, i32x4.add(noise, salt))
        change(k + next, w, i32x4.add(other, salt))
      } else {
        v128.store(s, v)
        v128.store(s, w, 16)
      }
      l += 16
      s += 32
    }
  }
}

function learnOne(
  list: usize,
  fanIn: usize,
  c: usize,
  blocks: usize,
  count: i32,
  signals: usize,
  lambda: usize,
  scratch: usize,
  noise: v128,
): void {
  const zero = i32x4.splat(0)
  for (let b = 0; b < count; b += 2) {
    const one: usize = load<u32>(blocks + (b << 2))
    const both = b + 1 < count
    const two = both ? <usize>load<u32>(blocks + (b << 2), 4) : one
    const x0 = v128.load(one + lambda)
    const x1 = v128.load(one + lambda, 16)
    const x2 = both ? v128.load(two + lambda) : zero
    const x3 = both ? v128.load(two + lambda, 16) : zero
    const last = b + 2 >= count
    const some = v128.or(v128.or(x0, x1), v128.or(x2, x3))
    if (b === 0 && last && !v128.any_true(some)) return
    const p = one + signals
    const q = two + signals
    let l = list
    let s = scratch
    let k = c
    const end = c + (fanIn << 1)
    for (; k < end; k += 8) {
      const o0: usize = load<u32>(l)
      const a0 = product(p + o0, q + o0, x0, x1, x2, x3)
      const o1: usize = load<u32>(l, 4)
      const a1 = product(p + o1, q + o1, x0, x1, x2, x3)
      const o2: usize = load<u32>(l, 8)
      const a2 = product(p + o2, q + o2, x0, x1, x2, x3)
      const o3: usize = load<u32>(l, 12)
      const a3 = product(p + o3, q + o3, x0, x1, x2, x3)
      let v = across(a0, a1, a2, a3)
      if (b !== 0) v = i32x4.add(v, v128.load(s))
      if (last) change(k, v, i32x4.add(noise, salts(l)))
      else v128.store(s, v)
      l += 16
      s += 16
    }
  }
}

/** Bits of the lower of two numbers that hold a sum (src/core/once.ts), and the most of the higher one. */
const LOW_BITS: i32 = 20
const MOST_HIGH: i32 = 1 << (30 - LOW_BITS)

/**
 * The shared kernels of the channels from…to−1: four sources of two rows at a time, over all places. Of
 * a block's samples each of four numbers holds the sum of four, below 4 · 2^29; it is cut in two before
 * blocks are added up, so that the sum is exact in the end.
 */
function learnKernels(
  layer: usize,
  blocks: usize,
  count: i32,
  random: i32,
  from: i32,
  to: i32,
): void {
  const places = field(layer, Lane.Places)
  const inputs = field(layer, Lane.Inputs)
  const rows = field(layer, Lane.Rows)
  const fanIn: usize = field(layer, Lane.FanIn)
  const stride: usize = field(layer, Lane.ListStride)
  const lists: usize = field(layer, Lane.List)
  const coefficients: usize = field(layer, Lane.Coefficient)
  const signals: usize = field(layer, Lane.In)
  const lambdas: usize = field(layer, Lane.Lambda)
  const place: usize = (<usize>field(layer, Lane.Neurons) / places) * rows * SHORTS
  const low = i32x4.splat((1 << LOW_BITS) - 1)
  const zero = i32x4.splat(0)
  for (let rank: usize = 0; rank < fanIn; rank += 4) {
    const salt = i32x4.mul(
      i32x4.add(i32x4.splat(<i32>rank), i32x4(0, 1, 2, 3)),
      i32x4.splat(SOURCE_SALT),
    )
    // Of what fills up a row nothing is learnt: its sources are always zero.
    for (let channel = from; channel < to; channel++)
      for (let row = 0; row < rows; row += 2) {
        const r: usize = channel * rows + row
        let highA = zero
        let lowA = zero
        let highB = zero
        let lowB = zero
        for (let b = 0; b < count; b++) {
          const block: usize = load<u32>(blocks + (b << 2))
          const from = block + signals
          let list = lists + (rank << 2)
          let lambda = block + lambdas + r * SHORTS
          const end = lambda + places * place
          let a0 = zero
          let a1 = zero
          let a2 = zero
          let a3 = zero
          let b0 = zero
          let b1 = zero
          let b2 = zero
          let b3 = zero
          while (lambda < end) {
            const x0 = v128.load(lambda)
            const x1 = v128.load(lambda, 16)
            const y0 = v128.load(lambda, 32)
            const y1 = v128.load(lambda, 48)
            const p0 = from + load<u32>(list)
            const s0 = v128.load(p0)
            const t0 = v128.load(p0, 16)
            a0 = i32x4.add(a0, i32x4.add(i32x4.dot_i16x8_s(s0, x0), i32x4.dot_i16x8_s(t0, x1)))
            b0 = i32x4.add(b0, i32x4.add(i32x4.dot_i16x8_s(s0, y0), i32x4.dot_i16x8_s(t0, y1)))
            const p1 = from + load<u32>(list, 4)
            const s1 = v128.load(p1)
            const t1 = v128.load(p1, 16)
            a1 = i32x4.add(a1, i32x4.add(i32x4.dot_i16x8_s(s1, x0), i32x4.dot_i16x8_s(t1, x1)))
            b1 = i32x4.add(b1, i32x4.add(i32x4.dot_i16x8_s(s1, y0), i32x4.dot_i16x8_s(t1, y1)))
            const p2 = from + load<u32>(list, 8)
            const s2 = v128.load(p2)
            const t2 = v128.load(p2, 16)
            a2 = i32x4.add(a2, i32x4.add(i32x4.dot_i16x8_s(s2, x0), i32x4.dot_i16x8_s(t2, x1)))
            b2 = i32x4.add(b2, i32x4.add(i32x4.dot_i16x8_s(s2, y0), i32x4.dot_i16x8_s(t2, y1)))
            const p3 = from + load<u32>(list, 12)
            const s3 = v128.load(p3)
            const t3 = v128.load(p3, 16)
            a3 = i32x4.add(a3, i32x4.add(i32x4.dot_i16x8_s(s3, x0), i32x4.dot_i16x8_s(t3, x1)))
            b3 = i32x4.add(b3, i32x4.add(i32x4.dot_i16x8_s(s3, y0), i32x4.dot_i16x8_s(t3, y1)))
            lambda += place
            list += stride
          }
          highA = i32x4.add(highA, highs(a0, a1, a2, a3))
          highB = i32x4.add(highB, highs(b0, b1, b2, b3))
          lowA = i32x4.add(
            lowA,
            across(v128.and(a0, low), v128.and(a1, low), v128.and(a2, low), v128.and(a3, low)),
          )
          lowB = i32x4.add(
            lowB,
            across(v128.and(b0, low), v128.and(b1, low), v128.and(b2, low), v128.and(b3, low)),
          )
        }
        const synapse = field(layer, Lane.FirstSynapse) + channel * inputs + row
        const c = coefficients + ((r * fanIn + rank) << 1)
        change(c, whole(highA, lowA), i32x4.add(noiseOf(random, synapse), salt))
        change(c + (fanIn << 1), whole(highB, lowB), i32x4.add(noiseOf(random, synapse + 1), salt))
      }
  }
}

/** Of four vectors the sums of their numbers' higher parts. */
function highs(a: v128, b: v128, c: v128, d: v128): v128 {
  return across(
    i32x4.shr_s(a, LOW_BITS),
    i32x4.shr_s(b, LOW_BITS),
    i32x4.shr_s(c, LOW_BITS),
    i32x4.shr_s(d, LOW_BITS),
  )
}

/** The sums that two numbers each hold, −2^30 … 2^30 − 1. */
function whole(high: v128, low: v128): v128 {
  const carried = i32x4.add(high, i32x4.shr_s(low, LOW_BITS))
  const kept = i32x4.min_s(
    i32x4.max_s(carried, i32x4.splat(-MOST_HIGH)),
    i32x4.splat(MOST_HIGH - 1),
  )
  return v128.or(i32x4.shl(kept, LOW_BITS), v128.and(low, i32x4.splat((1 << LOW_BITS) - 1)))
}

function noiseOf(random: i32, synapse: i32): v128 {
  return mix(v128.and(i32x4.splat(random ^ (synapse * SYNAPSE_SALT)), i32x4.splat(0xffff)))
}
