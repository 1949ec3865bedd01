/**
 * AssemblyScript, for the host only: the settles of src/core/settle-fine.ts for four neurons at a time, as
 * settle.ts here does those of src/core/settle.ts.
 *
 * Networks of single links leave many neurons alone: those whose inputs are all zero stay at rest, and
 * those to which no error comes back have λ = 0. So the others are listed first, and only they are
 * settled.
 */
import { FIXED_POINT, Header, Part, PartFlag } from "./layout"
import { scratchOf } from "./links"
import { clamp, half, whole } from "./settle"

const FINER = 4
const STORED = 2

/** before − d − (other + d·other) / 2 + u */
function slope(before: v128, d: v128, other: v128, u: v128): v128 {
  const product = i32x4.shr_s(i32x4.mul(i32x4.shr_s(d, 3), i32x4.shr_s(other, 3)), 10)
  const lost = i32x4.add(d, i32x4.shr_s(i32x4.add(other, product), 1))
  return i32x4.add(i32x4.sub(before, lost), u)
}

/** behind − l − (other + x·l + y·other) / 2 + input */
function drain(behind: v128, l: v128, x: v128, other: v128, y: v128, input: v128): v128 {
  const products = i32x4.add(i32x4.mul(x, i32x4.shr_s(l, 2)), i32x4.mul(y, i32x4.shr_s(other, 2)))
  const lost = i32x4.add(l, i32x4.shr_s(i32x4.add(other, i32x4.shr_s(products, 10)), 1))
  return i32x4.add(i32x4.sub(behind, lost), input)
}

/** Four neurons of a list, u16 each, at `list`. */
function neuronAt(list: usize, lane: usize): usize {
  return load<u16>(list + (lane << 1))
}

/** Numbers of the listed neurons, `stride` bytes apart from one neuron to the next. */
function gather(at: usize, stride: usize, list: usize): v128 {
  let v = v128.load32_zero(at + neuronAt(list, 0) * stride)
  v = v128.load_lane<i32>(at + neuronAt(list, 1) * stride, v, 1)
  v = v128.load_lane<i32>(at + neuronAt(list, 2) * stride, v, 2)
  return v128.load_lane<i32>(at + neuronAt(list, 3) * stride, v, 3)
}

/** The same of int16, sign-extended. */
function gatherShort(at: usize, stride: usize, list: usize): v128 {
  let v = i32x4.splat(load<i16>(at + neuronAt(list, 0) * stride))
  v = i32x4.replace_lane(v, 1, load<i16>(at + neuronAt(list, 1) * stride))
  v = i32x4.replace_lane(v, 2, load<i16>(at + neuronAt(list, 2) * stride))
  return i32x4.replace_lane(v, 3, load<i16>(at + neuronAt(list, 3) * stride))
}

/** The low half of each lane. */
function scatterShort(at: usize, stride: usize, list: usize, v: v128): void {
  v128.store_lane<i16>(at + neuronAt(list, 0) * stride, v, 0)
  v128.store_lane<i16>(at + neuronAt(list, 1) * stride, v, 2)
  v128.store_lane<i16>(at + neuronAt(list, 2) * stride, v, 4)
  v128.store_lane<i16>(at + neuronAt(list, 3) * stride, v, 6)
}

/**
 * Lists the neurons from…to−1 that have a number other than zero among their `count`, each shifted
 * right, and repeats the last one up to a whole number of fours: settled twice it ends the same.
 *
 * @param at the numbers, int32, of neuron 0
 * @returns end of the list
 */
function listBusy(list: usize, at: usize, count: i32, shift: i32, from: i32, to: i32): usize {
  let end = list
  let number = at + ((<usize>(from * count)) << 2)
  for (let neuron = from; neuron < to; neuron++) {
    let any = 0
    for (let i = 0; i < count; i++) {
      any |= load<i32>(number) >> shift
      number += 4
    }
    store<u16>(end, <u16>neuron)
    if (any !== 0) end += 2
  }
  if (end === list) return end
  const last = load<u16>(end - 2)
  for (; ((end - list) & 7) !== 0; end += 2) store<u16>(end, last)
  return end
}

export function settleForwardFine(m: usize, part: i32, slot: i32, from: i32, to: i32): void {
  const p = m + part
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const signalShift: i32 = load<u16>(m, Header.SignalShift)
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin) << FINER)
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax) << FINER)
  const min = i32x4.splat((load<i16>(m, Header.ElementMin) - FIXED_POINT) << FINER)
  const max = i32x4.splat((load<i16>(m, Header.ElementMax) - FIXED_POINT) << FINER)
  const inputs: i32 = load<u16>(p, Part.Inputs)
  const outputFirst: i32 = load<u16>(p, Part.OutputFirst)
  const outputs: i32 = load<u16>(p, Part.Outputs)
  const rounding = i32x4.splat(1 << (signalShift - 1))
  const zero = i32x4.splat(0)
  const sums: usize = inputs << 2
  const sum = m + load<i32>(p, Part.Sum)
  const state = m + load<i32>(p, Part.State)
  const busOut =
    (slot * <i32>load<u16>(p, Part.BusOutWidth) + <i32>load<u16>(p, Part.BusOutFirst)) << 1
  const out = m + load<i32>(p, Part.BusOut) + busOut
  memory.fill(state + from * 10, 0, (to - from) * 10)
  memory.fill(out + ((from * outputs) << 1), 0, ((to - from) * outputs) << 1)
  let list = scratchOf(m)
  const end = listBusy(list, sum, inputs, netShift, from, to)
  for (; list < end; list += 8) {
    const u0 = clamp(i32x4.shr_s(gather(sum, sums, list), netShift), netMin, netMax)
    let u1 = zero
    let u2 = zero
    let u3 = zero
    let u4 = zero
    if (inputs > 1) u1 = clamp(i32x4.shr_s(gather(sum + 4, sums, list), netShift), netMin, netMax)
    if (inputs > 2) u2 = clamp(i32x4.shr_s(gather(sum + 8, sums, list), netShift), netMin, netMax)
    if (inputs > 3) u3 = clamp(i32x4.shr_s(gather(sum + 12, sums, list), netShift), netMin, netMax)
    if (inputs > 4) u4 = clamp(i32x4.shr_s(gather(sum + 16, sums, list), netShift), netMin, netMax)
    let d0 = zero
    let d1 = zero
    let d2 = zero
    let d3 = zero
    let d4 = zero
    let s0 = zero
    let s1 = zero
    let s2 = zero
    let s3 = zero
    let s4 = zero
    for (let step = 0; step < steps; step++) {
      const f0 = slope(d4, d0, d3, u0)
      const f1 = slope(d0, d1, d4, u1)
      const f2 = slope(d1, d2, d0, u2)
      const f3 = slope(d2, d3, d1, u3)
      const f4 = slope(d3, d4, d2, u4)
      const p0 = whole(d0, f0)
      const p1 = whole(d1, f1)
      const p2 = whole(d2, f2)
      const p3 = whole(d3, f3)
      const p4 = whole(d4, f4)
      d0 = clamp(half(d0, f0, slope(p4, p0, p3, u0)), min, max)
      d1 = clamp(half(d1, f1, slope(p0, p1, p4, u1)), min, max)
      d2 = clamp(half(d2, f2, slope(p1, p2, p0, u2)), min, max)
      d3 = clamp(half(d3, f3, slope(p2, p3, p1, u3)), min, max)
      d4 = clamp(half(d4, f4, slope(p3, p4, p2, u4)), min, max)
      s0 = i32x4.add(s0, d0)
      s1 = i32x4.add(s1, d1)
      s2 = i32x4.add(s2, d2)
      s3 = i32x4.add(s3, d3)
      s4 = i32x4.add(s4, d4)
    }
    scatterShort(state, 10, list, i32x4.shr_s(d0, STORED))
    scatterShort(state + 2, 10, list, i32x4.shr_s(d1, STORED))
    scatterShort(state + 4, 10, list, i32x4.shr_s(d2, STORED))
    scatterShort(state + 6, 10, list, i32x4.shr_s(d3, STORED))
    scatterShort(state + 8, 10, list, i32x4.shr_s(d4, STORED))
    for (let e = outputFirst; e < outputFirst + outputs; e++) {
      let s = s4
      if (e === 0) s = s0
      else if (e === 1) s = s1
      else if (e === 2) s = s2
      else if (e === 3) s = s3
      const mean = i32x4.mul(i32x4.shr_s(s, STORED), reciprocal)
      const signal = i32x4.shr_s(i32x4.add(mean, rounding), signalShift)
      scatterShort(out + ((e - outputFirst) << 1), outputs << 1, list, signal)
    }
  }
}

export function settleBackwardFine(m: usize, part: i32, from: i32, to: i32): void {
  const p = m + part
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin) << FINER)
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax) << FINER)
  const min = i32x4.splat((load<i16>(m, Header.ElementMin) - FIXED_POINT) << STORED)
  const max = i32x4.splat((load<i16>(m, Header.ElementMax) - FIXED_POINT) << STORED)
  const limit = i32x4.splat(load<i16>(m, Header.LambdaMax) << FINER)
  const least = i32x4.neg(limit)
  const storedMost = i32x4.shr_s(limit, STORED)
  const storedLeast = i32x4.neg(storedMost)
  const rounding = i32x4.splat(32768)
  const inputs: i32 = load<u16>(p, Part.Inputs)
  const outputFirst: i32 = load<u16>(p, Part.OutputFirst)
  const outputs: i32 = load<u16>(p, Part.Outputs)
  const backShift: i32 = (load<u16>(p, Part.Flags) & PartFlag.Output) !== 0 ? 9 : 11
  const zero = i32x4.splat(0)
  const sums: usize = inputs << 2
  const sum = m + load<i32>(p, Part.Sum)
  const state = m + load<i32>(p, Part.State)
  const lambda = m + load<i32>(p, Part.Lambda)
  const back = m + load<i32>(p, Part.BackIn) + ((<i32>load<u16>(p, Part.BusOutFirst)) << 2)
  memory.fill(lambda + ((from * inputs) << 1), 0, ((to - from) * inputs) << 1)
  let list = scratchOf(m)
  const end = listBusy(list, back, outputs, backShift, from, to)
  for (; list < end; list += 8) {
    let i0 = zero
    let i1 = zero
    let i2 = zero
    let i3 = zero
    let i4 = zero
    for (let e = outputFirst; e < outputFirst + outputs; e++) {
      const v = clamp(
        i32x4.shr_s(gather(back + ((e - outputFirst) << 2), outputs << 2, list), backShift),
        least,
        limit,
      )
      if (e === 0) i0 = v
      else if (e === 1) i1 = v
      else if (e === 2) i2 = v
      else if (e === 3) i3 = v
      else i4 = v
    }
    const x0 = gatherShort(state, 10, list)
    const x1 = gatherShort(state + 2, 10, list)
    const x2 = gatherShort(state + 4, 10, list)
    const x3 = gatherShort(state + 6, 10, list)
    const x4 = gatherShort(state + 8, 10, list)
    const free0 = v128.and(i32x4.gt_s(x0, min), i32x4.lt_s(x0, max))
    const free1 = v128.and(i32x4.gt_s(x1, min), i32x4.lt_s(x1, max))
    const free2 = v128.and(i32x4.gt_s(x2, min), i32x4.lt_s(x2, max))
    const free3 = v128.and(i32x4.gt_s(x3, min), i32x4.lt_s(x3, max))
    const free4 = v128.and(i32x4.gt_s(x4, min), i32x4.lt_s(x4, max))
    const y0 = i32x4.shr_s(x0, 2)
    const y1 = i32x4.shr_s(x1, 2)
    const y2 = i32x4.shr_s(x2, 2)
    const y3 = i32x4.shr_s(x3, 2)
    const y4 = i32x4.shr_s(x4, 2)
    let l0 = zero
    let l1 = zero
    let l2 = zero
    let l3 = zero
    let l4 = zero
    let s0 = zero
    let s1 = zero
    let s2 = zero
    let s3 = zero
    let s4 = zero
    for (let step = 0; step < steps; step++) {
      const f0 = v128.and(drain(l1, l0, y3, l2, y2, i0), free0)
      const f1 = v128.and(drain(l2, l1, y4, l3, y3, i1), free1)
      const f2 = v128.and(drain(l3, l2, y0, l4, y4, i2), free2)
      const f3 = v128.and(drain(l4, l3, y1, l0, y0, i3), free3)
      const f4 = v128.and(drain(l0, l4, y2, l1, y1, i4), free4)
      const p0 = whole(l0, f0)
      const p1 = whole(l1, f1)
      const p2 = whole(l2, f2)
      const p3 = whole(l3, f3)
      const p4 = whole(l4, f4)
      l0 = clamp(v128.and(half(l0, f0, drain(p1, p0, y3, p2, y2, i0)), free0), least, limit)
      l1 = clamp(v128.and(half(l1, f1, drain(p2, p1, y4, p3, y3, i1)), free1), least, limit)
      l2 = clamp(v128.and(half(l2, f2, drain(p3, p2, y0, p4, y4, i2)), free2), least, limit)
      l3 = clamp(v128.and(half(l3, f3, drain(p4, p3, y1, p0, y0, i3)), free3), least, limit)
      l4 = clamp(v128.and(half(l4, f4, drain(p0, p4, y2, p1, y1, i4)), free4), least, limit)
      s0 = i32x4.add(s0, l0)
      s1 = i32x4.add(s1, l1)
      s2 = i32x4.add(s2, l2)
      s3 = i32x4.add(s3, l3)
      s4 = i32x4.add(s4, l4)
    }
    for (let e = 0; e < inputs; e++) {
      let s = s4
      if (e === 0) s = s0
      else if (e === 1) s = s1
      else if (e === 2) s = s2
      else if (e === 3) s = s3
      const u = i32x4.shr_s(gather(sum + (e << 2), sums, list), netShift)
      const open = v128.and(i32x4.gt_s(u, netMin), i32x4.lt_s(u, netMax))
      const scaled = i32x4.add(i32x4.mul(i32x4.shr_s(s, STORED), reciprocal), rounding)
      const mean = clamp(i32x4.shr_s(scaled, 16), storedLeast, storedMost)
      scatterShort(lambda + (e << 1), inputs << 1, list, v128.and(mean, open))
    }
  }
}
