/**
 * AssemblyScript, for the host only: a network run and taught for 16 samples side by side. Each sample's
 * signals, states and backward signals have the bits of the core (settle.ts, links.ts); of a batch's
 * products the sum is taken, and rounded once (src/core/once.ts).
 *
 * Signals lie source by source, 16 samples each, so that a coefficient is read once for all of them, and
 * eight products are one instruction: of two sources for four samples (forward), of eight samples for a
 * source (learning).
 */
import { Lane } from "./lane-layout"
import { field, lower, SHORTS, upper, WORDS } from "./lane-vectors"
import { backKernels, sumKernels } from "./lanes-kernels"
import { settleBackward, settleForward } from "./lanes-settle"
import { Header, Part } from "./layout"
import { outputError, readout } from "./run"

export { laneLearn } from "./lanes-learn"

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
  let c: usize = field(layer, Lane.Returns)
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

/** Runs the network for the 16 samples of a block, whose images must have been taken. */
export function laneForward(m: usize, layers: usize, count: i32, block: usize): void {
  for (let i = 0; i < count; i++) {
    const layer = layers + i * Lane.Length
    if (field(layer, Lane.Places) !== 0) sumKernels(layer, block)
    else sums(layer, block)
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
    if (i === 0) continue
    if (field(layer, Lane.Places) !== 0) backKernels(layer, block)
    else backSums(layer, block)
  }
}
