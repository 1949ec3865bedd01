/**
 * AssemblyScript, for the host only: the sums of layers whose rings share coefficients over places
 * (src/core/kernels.ts), for 16 samples side by side. What all rows of a place read is put side by side in pairs
 * first, so that it is so once for all of them.
 */
import { Lane } from "./lane-layout"
import { field, lower, SHORTS, upper, WORDS } from "./lane-vectors"

/** Numbers of two sources (or rows), 16 each, as pairs. */
function pack(p: usize, q: usize, into: usize): void {
  const p0 = v128.load(p)
  const q0 = v128.load(q)
  const p1 = v128.load(p, 16)
  const q1 = v128.load(q, 16)
  v128.store(into, lower(p0, q0))
  v128.store(into, upper(p0, q0), 16)
  v128.store(into, lower(p1, q1), 32)
  v128.store(into, upper(p1, q1), 48)
}

/**
 * Sums of products of packed numbers with two rows of so many coefficients.
 *
 * @param next bytes from the one row to the other
 * @param out i32[16] of the first row
 * @param other the same of the second
 * @param adds to what is there
 */
function sumPacked(
  packed: usize,
  c: usize,
  end: usize,
  next: usize,
  out: usize,
  other: usize,
  adds: bool,
): void {
  let a0 = i32x4.splat(0)
  let a1 = i32x4.splat(0)
  let a2 = i32x4.splat(0)
  let a3 = i32x4.splat(0)
  let b0 = i32x4.splat(0)
  let b1 = i32x4.splat(0)
  let b2 = i32x4.splat(0)
  let b3 = i32x4.splat(0)
  if (adds) {
    a0 = v128.load(out)
    a1 = v128.load(out, 16)
    a2 = v128.load(out, 32)
    a3 = v128.load(out, 48)
    b0 = v128.load(other)
    b1 = v128.load(other, 16)
    b2 = v128.load(other, 32)
    b3 = v128.load(other, 48)
  }
  for (; c < end; c += 4) {
    const v = v128.load32_splat(c)
    const w = v128.load32_splat(c + next)
    const x0 = v128.load(packed)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x0, v))
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x0, w))
    const x1 = v128.load(packed, 16)
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x1, v))
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x1, w))
    const x2 = v128.load(packed, 32)
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(x2, v))
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(x2, w))
    const x3 = v128.load(packed, 48)
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(x3, v))
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(x3, w))
    packed += 64
  }
  v128.store(out, a0)
  v128.store(out, a1, 16)
  v128.store(out, a2, 32)
  v128.store(out, a3, 48)
  v128.store(other, b0)
  v128.store(other, b1, 16)
  v128.store(other, b2, 32)
  v128.store(other, b3, 48)
}

/** Sources whose packed signals, 8 KiB, stay close to the core while all rows read them. */
const TILE: usize = 256

/** The sums C·S of all rings. */
export function sumKernels(layer: usize, block: usize): void {
  const places = field(layer, Lane.Places)
  const rows: usize = (field(layer, Lane.Neurons) / places) * field(layer, Lane.Rows)
  const fanIn: usize = field(layer, Lane.FanIn)
  const stride: usize = field(layer, Lane.ListStride)
  const coefficients: usize = field(layer, Lane.Coefficient)
  const signals = block + field(layer, Lane.In)
  const packed = block + field(layer, Lane.Packed)
  let list: usize = field(layer, Lane.List)
  let sums = block + field(layer, Lane.Sum)
  for (let place = 0; place < places; place++) {
    for (let from: usize = 0; from < fanIn; from += TILE) {
      const count = min(TILE, fanIn - from)
      for (let k: usize = 0; k < count; k += 2) {
        const at = list + ((from + k) << 2)
        pack(signals + load<u32>(at), signals + load<u32>(at, 4), packed + (k << 5))
      }
      for (let row: usize = 0; row < rows; row += 2) {
        const c = coefficients + ((row * fanIn + from) << 1)
        const out = sums + row * WORDS
        sumPacked(packed, c, c + (count << 1), fanIn << 1, out, out + WORDS, from !== 0)
      }
    }
    list += stride
    sums += rows * WORDS
  }
}

/** The sums of C·λ of all places, for their sources. */
export function backKernels(layer: usize, block: usize): void {
  const places = field(layer, Lane.Places)
  const rows: usize = (field(layer, Lane.Neurons) / places) * field(layer, Lane.Rows)
  const fanIn: usize = field(layer, Lane.FanIn)
  const stride: usize = field(layer, Lane.ListStride)
  const coefficients: usize = field(layer, Lane.Coefficient)
  const back = block + field(layer, Lane.BackOut)
  const packed = block + field(layer, Lane.Packed)
  const turned = block + field(layer, Lane.Turned)
  let list: usize = field(layer, Lane.List)
  let lambda = block + field(layer, Lane.Lambda)
  memory.fill(back, 0, (<usize>field(layer, Lane.Sources) + 1) * WORDS)
  for (let row: usize = 0; row < rows; row++)
    for (let k: usize = 0; k < fanIn; k++)
      store<i16>(
        turned + ((k * rows + row) << 1),
        load<i16>(coefficients + ((row * fanIn + k) << 1)),
      )
  for (let place = 0; place < places; place++) {
    for (let row: usize = 0; row < rows; row += 2) {
      pack(lambda, lambda + SHORTS, packed + (row << 5))
      lambda += 2 * SHORTS
    }
    for (let k: usize = 0; k < fanIn; k += 2) {
      const at = list + (k << 2)
      const c = turned + ((k * rows) << 1)
      const out = back + ((<usize>load<u32>(at)) << 1)
      const other = back + ((<usize>load<u32>(at, 4)) << 1)
      sumPacked(packed, c, c + (rows << 1), rows << 1, out, other, true)
    }
    list += stride
  }
}
