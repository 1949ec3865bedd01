/**
 * AssemblyScript, for the host only: a network run and taught for 16 samples side by side. Each sample's
 * signals, states and backward signals have the bits of the core (settle.ts, links.ts); of a batch's
 * products the sum is taken, and rounded once (src/core/once.ts).
 *
 * Signals lie source by source, 16 samples each, so that a coefficient is read once for all of them, and
 * eight products are one instruction: of two sources for four samples (forward), of eight samples for a
 * source (learning).
 */
import { LANES, Lane } from "./lane-layout"
import { settleBackward, settleForward } from "./lanes-settle"
import { Header, NOISE_BITS, Part } from "./layout"
import { mix, SOURCE_SALT, SYNAPSE_SALT } from "./links"
import { sampleRandom } from "./random"
import { outputError, readout } from "./run"

/** Bytes of a source's signals, and of a row's sums. */
const SHORTS: usize = 2 * LANES
const WORDS: usize = 4 * LANES

function field(layer: usize, at: usize): i32 {
  return load<i32>(layer + at)
}

/** a0 b0 a1 b1 a2 b2 a3 b3 */
function lower(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

function upper(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}

/** Makes a block ready for images: of a sample that gets none nothing is learnt. */
export function laneClear(layers: usize, count: i32, block: usize): void {
  const last = layers + (count - 1) * Lane.Length
  const outputs = field(last, Lane.Neurons) * field(last, Lane.Outputs)
  memory.fill(block + field(layers, Lane.In), 0, <usize>field(layers, Lane.Sources) * SHORTS)
  memory.fill(block + field(last, Lane.BackIn), 0, <usize>outputs * WORDS)
}

/**
 * Takes an image (runs of pixels, image.ts) for one of the 16 samples; the signals must have been
 * cleared.
 *
 * @returns false, and nothing taken, if the runs leave the image
 */
export function laneImage(
  m: usize,
  signals: usize,
  lane: i32,
  from: usize,
  to: usize,
  pixel: i32,
): bool {
  const width: i32 = load<u16>(m, Header.Width)
  const each: i32 = load<u16>(m, Header.InputSignals)
  const table = m + load<i32>(m, Header.InputTable)
  let place = pixel
  for (let at = from; at < to; ) {
    const count: i32 = load<u8>(at, 1)
    place += <i32>load<u8>(at)
    if (place < 0 || place + count > width) return false
    place += count
    at += 2 + count
  }
  const out = signals + 2 * lane
  place = pixel
  for (let at = from; at < to; ) {
    place += <i32>load<u8>(at)
    const end = at + 2 + <usize>load<u8>(at, 1)
    let into = out + <usize>(place * each) * SHORTS
    place += <i32>load<u8>(at, 1)
    for (at += 2; at < end; at++) {
      const row = table + ((<usize>load<u8>(at) * each) << 1)
      for (let k = 0; k < each; k++) {
        store<i16>(into, load<i16>(row + (k << 1)))
        into += SHORTS
      }
    }
  }
  return true
}

/** Sums C·S of two rows that read the same sources. */
function sumTwo(list: usize, fanIn: usize, c: usize, signals: usize, out: usize): void {
  let a0 = i32x4.splat(0)
  let a1 = i32x4.splat(0)
  let a2 = i32x4.splat(0)
  let a3 = i32x4.splat(0)
  let b0 = i32x4.splat(0)
  let b1 = i32x4.splat(0)
  let b2 = i32x4.splat(0)
  let b3 = i32x4.splat(0)
  const next = fanIn << 1
  const end = c + next
  for (; c < end; c += 4) {
    const p = signals + load<u32>(list)
    const q = signals + load<u32>(list, 4)
    list += 8
    const v = v128.load32_splat(c)
    const w = v128.load32_splat(c + next)
    const p0 = v128.load(p)
    const q0 = v128.load(q)
    const l0 = lower(p0, q0)
    const h0 = upper(p0, q0)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(l0, v))
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(l0, w))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(h0, v))
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(h0, w))
    const p1 = v128.load(p, 16)
    const q1 = v128.load(q, 16)
    const l1 = lower(p1, q1)
    const h1 = upper(p1, q1)
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(l1, v))
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(l1, w))
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(h1, v))
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(h1, w))
  }
  v128.store(out, a0)
  v128.store(out, a1, 16)
  v128.store(out, a2, 32)
  v128.store(out, a3, 48)
  v128.store(out, b0, 64)
  v128.store(out, b1, 80)
  v128.store(out, b2, 96)
  v128.store(out, b3, 112)
}

/** Sums C·S of one row. */
function sumOne(list: usize, fanIn: usize, c: usize, signals: usize, out: usize): void {
  let a0 = i32x4.splat(0)
  let a1 = i32x4.splat(0)
  let a2 = i32x4.splat(0)
  let a3 = i32x4.splat(0)
  const end = c + (fanIn << 1)
  for (; c < end; c += 4) {
    const p = signals + load<u32>(list)
    const q = signals + load<u32>(list, 4)
    list += 8
    const v = v128.load32_splat(c)
    const p0 = v128.load(p)
    const q0 = v128.load(q)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(lower(p0, q0), v))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(upper(p0, q0), v))
    const p1 = v128.load(p, 16)
    const q1 = v128.load(q, 16)
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(lower(p1, q1), v))
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(upper(p1, q1), v))
  }
  v128.store(out, a0)
  v128.store(out, a1, 16)
  v128.store(out, a2, 32)
  v128.store(out, a3, 48)
}

function sums(layer: usize, block: usize): void {
  const neurons = field(layer, Lane.Neurons)
  const rows = field(layer, Lane.Rows)
  const fanIn: usize = field(layer, Lane.FanIn)
  const stride: usize = field(layer, Lane.ListStride)
  const signals = block + field(layer, Lane.In)
  let list: usize = field(layer, Lane.List)
  let c: usize = field(layer, Lane.Coefficient)
  let out = block + field(layer, Lane.Sum)
  if (field(layer, Lane.Shared) !== 0) {
    for (let neuron = 0; neuron < neurons; neuron++) {
      for (let row = 0; row < rows; row += 2) {
        sumTwo(list, fanIn, c, signals, out)
        c += fanIn << 2
        out += 2 * WORDS
      }
      list += stride
    }
  } else
    for (let row = 0; row < neurons * rows; row++) {
      sumOne(list, fanIn, c, signals, out)
      c += fanIn << 1
      out += WORDS
      list += stride
    }
}

/** The sums of C·λ of two rows for each of their sources. */
function backTwo(list: usize, fanIn: usize, c: usize, lambda: usize, back: usize): void {
  const x0 = v128.load(lambda)
  const x1 = v128.load(lambda, 16)
  const y0 = v128.load(lambda, 32)
  const y1 = v128.load(lambda, 48)
  if (!v128.any_true(v128.or(v128.or(x0, x1), v128.or(y0, y1)))) return
  const l0 = lower(x0, y0)
  const l1 = upper(x0, y0)
  const l2 = lower(x1, y1)
  const l3 = upper(x1, y1)
  const next = fanIn << 1
  const end = c + next
  for (; c < end; c += 8) {
    const four = lower(v128.load64_zero(c), v128.load64_zero(c + next))
    addFour(list, back, four, l0, l1, l2, l3)
    list += 16
  }
}

/** The same of one row. */
function backOne(list: usize, fanIn: usize, c: usize, lambda: usize, back: usize): void {
  const l0 = v128.load16x4_u(lambda)
  const l1 = v128.load16x4_u(lambda, 8)
  const l2 = v128.load16x4_u(lambda, 16)
  const l3 = v128.load16x4_u(lambda, 24)
  if (!v128.any_true(v128.or(v128.or(l0, l1), v128.or(l2, l3)))) return
  const end = c + (fanIn << 1)
  for (; c < end; c += 8) {
    const four = v128.load16x4_u(c)
    addFour(list, back, four, l0, l1, l2, l3)
    list += 16
  }
}

/** The products of four coefficients, one a lane, for their sources. */
function addFour(
  list: usize,
  back: usize,
  four: v128,
  l0: v128,
  l1: v128,
  l2: v128,
  l3: v128,
): void {
  addBack(
    back + <usize>(load<u32>(list) << 1),
    v128.shuffle<i32>(four, four, 0, 0, 0, 0),
    l0,
    l1,
    l2,
    l3,
  )
  addBack(
    back + <usize>(load<u32>(list, 4) << 1),
    v128.shuffle<i32>(four, four, 1, 1, 1, 1),
    l0,
    l1,
    l2,
    l3,
  )
  addBack(
    back + <usize>(load<u32>(list, 8) << 1),
    v128.shuffle<i32>(four, four, 2, 2, 2, 2),
    l0,
    l1,
    l2,
    l3,
  )
  addBack(
    back + <usize>(load<u32>(list, 12) << 1),
    v128.shuffle<i32>(four, four, 3, 3, 3, 3),
    l0,
    l1,
    l2,
    l3,
  )
}

function addBack(at: usize, c: v128, l0: v128, l1: v128, l2: v128, l3: v128): void {
  v128.store(at, i32x4.add(v128.load(at), i32x4.dot_i16x8_s(l0, c)))
  v128.store(at, i32x4.add(v128.load(at, 16), i32x4.dot_i16x8_s(l1, c)), 16)
  v128.store(at, i32x4.add(v128.load(at, 32), i32x4.dot_i16x8_s(l2, c)), 32)
  v128.store(at, i32x4.add(v128.load(at, 48), i32x4.dot_i16x8_s(l3, c)), 48)
}

function backSums(layer: usize, block: usize): void {
  const neurons = field(layer, Lane.Neurons)
  const rows = field(layer, Lane.Rows)
  const fanIn: usize = field(layer, Lane.FanIn)
  const stride: usize = field(layer, Lane.ListStride)
  const back = block + field(layer, Lane.BackOut)
  let list: usize = field(layer, Lane.List)
  let c: usize = field(layer, Lane.Coefficient)
  let lambda = block + field(layer, Lane.Lambda)
  memory.fill(back, 0, (<usize>field(layer, Lane.Sources) + 1) * WORDS)
  if (field(layer, Lane.Shared) !== 0) {
    for (let neuron = 0; neuron < neurons; neuron++) {
      for (let row = 0; row < rows; row += 2) {
        backTwo(list, fanIn, c, lambda, back)
        c += fanIn << 2
        lambda += 2 * SHORTS
      }
      list += stride
    }
  } else
    for (let row = 0; row < neurons * rows; row++) {
      backOne(list, fanIn, c, lambda, back)
      c += fanIn << 1
      lambda += SHORTS
      list += stride
    }
}

/** The sums over each of four vectors, one a lane. */
function across(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return i32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}

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

/** Four coefficients of a row change by their sums, as roundOnce (src/core/once.ts). */
function change(c: usize, sum: v128, noise: v128): void {
  const bits = v128.and(i32x4.shl(noise, spread), mask)
  const scaled = i32x4.mul(i32x4.shr_s(i32x4.add(sum, i32x4.splat(4)), 3), eighths)
  const v = i32x4.add(v128.load16x4_s(c), i32x4.shr_s(i32x4.add(scaled, bits), shift))
  const kept = i32x4.min_s(i32x4.max_s(v, i32x4.neg(most)), most)
  v128.store64_lane(c, i16x8.narrow_i32x4_s(kept, kept), 0)
}

/** By four sources' offsets (32 bytes each): what their places add to the noise of a synapse. */
function salts(list: usize): v128 {
  return i32x4.mul(i32x4.shr_u(v128.load(list), 5), i32x4.splat(SOURCE_SALT))
}

/**
 * The rows of the rings from…to−1 learn from the samples of all blocks.
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
  most = i32x4.splat(load<i16>(m, Header.CoefficientMax))
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
      const noise = mix(
        v128.and(i32x4.splat(random ^ (synapse * SYNAPSE_SALT)), i32x4.splat(0xffff)),
      )
      const lambda = <usize>field(layer, Lane.Lambda) + r * SHORTS
      const signals: usize = field(layer, Lane.In)
      if (shared) {
        const after = (synapse + 1) * SYNAPSE_SALT
        const other = mix(v128.and(i32x4.splat(random ^ after), i32x4.splat(0xffff)))
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

/** Runs the network for the 16 samples of a block, whose images must have been taken. */
export function laneForward(m: usize, layers: usize, count: i32, block: usize): void {
  for (let i = 0; i < count; i++) {
    const layer = layers + i * Lane.Length
    sums(layer, block)
    settleForward(m, layer, block)
  }
}

/**
 * The class the network names for one of the samples and, with a label, the error at its outputs.
 *
 * @param part the core's part with the outputs: its bus and its backward sums are written
 * @param label −1: nothing is to be learnt
 */
export function laneError(
  m: usize,
  part: i32,
  layer: usize,
  block: usize,
  lane: i32,
  label: i32,
): i32 {
  const outputs = field(layer, Lane.Neurons) * field(layer, Lane.Outputs)
  const bus = m + load<i32>(m + part, Part.BusOut)
  const from = block + field(layer, Lane.Out) + 2 * lane
  for (let k = 0; k < outputs; k++) store<i16>(bus + 2 * k, load<i16>(from + k * SHORTS))
  const named = readout(m, part, 0)
  if (label < 0) return named
  const error = m + load<i32>(m + part, Part.BackIn)
  memory.fill(error, 0, outputs << 2)
  const learns = outputError(m, part, 0, label)
  const to = block + field(layer, Lane.BackIn) + 4 * lane
  for (let k = 0; k < outputs; k++)
    store<i32>(to + k * WORDS, learns ? load<i32>(error + 4 * k) : 0)
  return named
}

/** The backward signals of all layers, for a block whose errors are in place. */
export function laneBackward(m: usize, layers: usize, count: i32, block: usize): void {
  for (let i = count - 1; i >= 0; i--) {
    const layer = layers + i * Lane.Length
    settleBackward(m, layer, block)
    if (i > 0) backSums(layer, block)
  }
}
