/**
 * AssemblyScript, for the host only: the settles of src/core/settle.ts for four neurons at a time, one in
 * each 32-bit lane of a 128-bit vector. The same integer operations in the same order give the same
 * bits; what is left over of a part is done by the core's own.
 */
import { FIXED_POINT, Header, Part } from "./layout"
import { settleBackward as backwardOne, settleForward as forwardOne } from "./settle-scalar"

/** Four int32, each `stride` bytes behind the one before. */
export function gather(at: usize, stride: usize): v128 {
  let v = v128.load32_zero(at)
  v = v128.load_lane<i32>(at + stride, v, 1)
  v = v128.load_lane<i32>(at + 2 * stride, v, 2)
  return v128.load_lane<i32>(at + 3 * stride, v, 3)
}

/** The same of int16, sign-extended. */
export function gatherShort(at: usize, stride: usize): v128 {
  let v = i32x4.splat(load<i16>(at))
  v = i32x4.replace_lane(v, 1, load<i16>(at + stride))
  v = i32x4.replace_lane(v, 2, load<i16>(at + 2 * stride))
  return i32x4.replace_lane(v, 3, load<i16>(at + 3 * stride))
}

/** The low half of each lane, `stride` bytes apart. */
export function scatterShort(at: usize, stride: usize, v: v128): void {
  v128.store_lane<i16>(at, v, 0)
  v128.store_lane<i16>(at + stride, v, 2)
  v128.store_lane<i16>(at + 2 * stride, v, 4)
  v128.store_lane<i16>(at + 3 * stride, v, 6)
}

export function clamp(v: v128, least: v128, most: v128): v128 {
  return i32x4.min_s(i32x4.max_s(v, least), most)
}

/** 3·v, which costs less as an addition. */
function triple(v: v128): v128 {
  return i32x4.add(i32x4.add(v, v), v)
}

/** e·(1 + other) / 2 */
export function decay(e: v128, other: v128, one: v128): v128 {
  return i32x4.shr_s(i32x4.mul(e, i32x4.add(one, other)), 13)
}

/** before − decay + u */
export function slope(before: v128, lost: v128, u: v128): v128 {
  return i32x4.add(i32x4.sub(before, lost), u)
}

/** The predictor: a whole step of 3/4. */
export function whole(e: v128, f: v128): v128 {
  return i32x4.add(e, i32x4.shr_s(triple(f), 2))
}

/** The corrector: half a step of the sum of both slopes. */
export function half(e: v128, f: v128, g: v128): v128 {
  return i32x4.add(e, i32x4.shr_s(triple(i32x4.add(f, g)), 3))
}

export function settleForward(m: usize, part: i32, slot: i32, from: i32, to: i32): void {
  const p = m + part
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const signalShift: i32 = load<u16>(m, Header.SignalShift)
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin))
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax))
  const min = i32x4.splat(load<i16>(m, Header.ElementMin))
  const max = i32x4.splat(load<i16>(m, Header.ElementMax))
  const inputs: i32 = load<u16>(p, Part.Inputs)
  const inputStep: i32 = load<u8>(p, Part.InputStep)
  const outputFirst: i32 = load<u16>(p, Part.OutputFirst)
  const outputs: i32 = load<u16>(p, Part.Outputs)
  const outputStep: i32 = load<u8>(p, Part.OutputStep)
  const rest = i32x4.splat(steps * FIXED_POINT)
  const one = i32x4.splat(FIXED_POINT)
  const zero = i32x4.splat(0)
  const sums: usize = inputs << 2
  let sum = m + load<i32>(p, Part.Sum) + from * inputs * 4
  let state = m + load<i32>(p, Part.State) + from * 10
  let out =
    m +
    load<i32>(p, Part.BusOut) +
    ((slot * <i32>load<u16>(p, Part.BusOutWidth) +
      <i32>load<u16>(p, Part.BusOutFirst) +
      from * outputs) <<
      1)
  let neuron = from
  for (; neuron + 4 <= to; neuron += 4) {
    const u0 = clamp(i32x4.shr_s(gather(sum, sums), netShift), netMin, netMax)
    let u1 = zero
    let u2 = zero
    let u3 = zero
    let u4 = zero
    if (inputs > 1) u1 = clamp(i32x4.shr_s(gather(sum + 4, sums), netShift), netMin, netMax)
    if (inputs > 2) u2 = clamp(i32x4.shr_s(gather(sum + 8, sums), netShift), netMin, netMax)
    if (inputStep > 1) {
      u4 = u2
      u2 = u1
      u1 = zero
    }
    if (inputs > 3) u3 = clamp(i32x4.shr_s(gather(sum + 12, sums), netShift), netMin, netMax)
    if (inputs > 4) u4 = clamp(i32x4.shr_s(gather(sum + 16, sums), netShift), netMin, netMax)
    sum += 4 * sums
    let e0 = one
    let e1 = one
    let e2 = one
    let e3 = one
    let e4 = one
    let s0 = zero
    let s1 = zero
    let s2 = zero
    let s3 = zero
    let s4 = zero
    for (let step = 0; step < steps; step++) {
      const f0 = slope(e4, decay(e0, e3, one), u0)
      const f1 = slope(e0, decay(e1, e4, one), u1)
      const f2 = slope(e1, decay(e2, e0, one), u2)
      const f3 = slope(e2, decay(e3, e1, one), u3)
      const f4 = slope(e3, decay(e4, e2, one), u4)
      const p0 = whole(e0, f0)
      const p1 = whole(e1, f1)
      const p2 = whole(e2, f2)
      const p3 = whole(e3, f3)
      const p4 = whole(e4, f4)
      e0 = clamp(half(e0, f0, slope(p4, decay(p0, p3, one), u0)), min, max)
      e1 = clamp(half(e1, f1, slope(p0, decay(p1, p4, one), u1)), min, max)
      e2 = clamp(half(e2, f2, slope(p1, decay(p2, p0, one), u2)), min, max)
      e3 = clamp(half(e3, f3, slope(p2, decay(p3, p1, one), u3)), min, max)
      e4 = clamp(half(e4, f4, slope(p3, decay(p4, p2, one), u4)), min, max)
      if (outputFirst < 3) {
        s0 = i32x4.add(s0, e0)
        s1 = i32x4.add(s1, e1)
        s2 = i32x4.add(s2, e2)
      }
      s3 = i32x4.add(s3, e3)
      s4 = i32x4.add(s4, e4)
    }
    scatterShort(state, 10, e0)
    scatterShort(state + 2, 10, e1)
    scatterShort(state + 4, 10, e2)
    scatterShort(state + 6, 10, e3)
    scatterShort(state + 8, 10, e4)
    state += 40
    for (let k = 0; k < outputs; k++) {
      const e = outputFirst + k * outputStep
      let s = s4
      if (e === 0) s = s0
      else if (e === 1) s = s1
      else if (e === 2) s = s2
      else if (e === 3) s = s3
      const signal = i32x4.shr_s(i32x4.mul(i32x4.sub(s, rest), reciprocal), signalShift)
      scatterShort(out + (k << 1), outputs << 1, signal)
    }
    out += outputs << 3
  }
  forwardOne(m, part, slot, neuron, to)
}

export function settleBackward(m: usize, part: i32, from: i32, to: i32): void {
  const p = m + part
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin))
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax))
  const min = i32x4.splat(load<i16>(m, Header.ElementMin))
  const max = i32x4.splat(load<i16>(m, Header.ElementMax))
  const limit = i32x4.splat(load<i16>(m, Header.LambdaMax))
  const least = i32x4.neg(limit)
  const backShift: i32 = load<u16>(p, Part.BackShift)
  const inputs: i32 = load<u16>(p, Part.Inputs)
  const inputStep: i32 = load<u8>(p, Part.InputStep)
  const outputFirst: i32 = load<u16>(p, Part.OutputFirst)
  const outputs: i32 = load<u16>(p, Part.Outputs)
  const outputStep: i32 = load<u8>(p, Part.OutputStep)
  const one = i32x4.splat(FIXED_POINT)
  const zero = i32x4.splat(0)
  const sums: usize = inputs << 2
  let sum = m + load<i32>(p, Part.Sum) + from * inputs * 4
  let state = m + load<i32>(p, Part.State) + from * 10
  let lambda = m + load<i32>(p, Part.Lambda) + from * inputs * 2
  let back =
    m + load<i32>(p, Part.BackIn) + ((<i32>load<u16>(p, Part.BusOutFirst) + from * outputs) << 2)
  let neuron = from
  for (; neuron + 4 <= to; neuron += 4) {
    let i0 = zero
    let i1 = zero
    let i2 = zero
    let i3 = zero
    let i4 = zero
    let driven = zero
    for (let k = 0; k < outputs; k++) {
      const e = outputFirst + k * outputStep
      const v = clamp(i32x4.shr_s(gather(back + (k << 2), outputs << 2), backShift), least, limit)
      driven = v128.or(driven, v)
      if (e === 0) i0 = v
      else if (e === 1) i1 = v
      else if (e === 2) i2 = v
      else if (e === 3) i3 = v
      else i4 = v
    }
    back += outputs << 4
    // A neuron that is not driven keeps λ = 0 beside one that is.
    if (v128.any_true(driven)) {
      const x0 = gatherShort(state, 10)
      const x1 = gatherShort(state + 2, 10)
      const x2 = gatherShort(state + 4, 10)
      const x3 = gatherShort(state + 6, 10)
      const x4 = gatherShort(state + 8, 10)
      const free0 = v128.and(i32x4.gt_s(x0, min), i32x4.lt_s(x0, max))
      const free1 = v128.and(i32x4.gt_s(x1, min), i32x4.lt_s(x1, max))
      const free2 = v128.and(i32x4.gt_s(x2, min), i32x4.lt_s(x2, max))
      const free3 = v128.and(i32x4.gt_s(x3, min), i32x4.lt_s(x3, max))
      const free4 = v128.and(i32x4.gt_s(x4, min), i32x4.lt_s(x4, max))
      const a0 = i32x4.add(one, x3)
      const a1 = i32x4.add(one, x4)
      const a2 = i32x4.add(one, x0)
      const a3 = i32x4.add(one, x1)
      const a4 = i32x4.add(one, x2)
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
        const f0 = v128.and(slope(l1, drain(l0, a0, x2, l2), i0), free0)
        const f1 = v128.and(slope(l2, drain(l1, a1, x3, l3), i1), free1)
        const f2 = v128.and(slope(l3, drain(l2, a2, x4, l4), i2), free2)
        const f3 = v128.and(slope(l4, drain(l3, a3, x0, l0), i3), free3)
        const f4 = v128.and(slope(l0, drain(l4, a4, x1, l1), i4), free4)
        const p0 = whole(l0, f0)
        const p1 = whole(l1, f1)
        const p2 = whole(l2, f2)
        const p3 = whole(l3, f3)
        const p4 = whole(l4, f4)
        l0 = clamp(
          v128.and(half(l0, f0, slope(p1, drain(p0, a0, x2, p2), i0)), free0),
          least,
          limit,
        )
        l1 = clamp(
          v128.and(half(l1, f1, slope(p2, drain(p1, a1, x3, p3), i1)), free1),
          least,
          limit,
        )
        l2 = clamp(
          v128.and(half(l2, f2, slope(p3, drain(p2, a2, x4, p4), i2)), free2),
          least,
          limit,
        )
        l3 = clamp(
          v128.and(half(l3, f3, slope(p4, drain(p3, a3, x0, p0), i3)), free3),
          least,
          limit,
        )
        l4 = clamp(
          v128.and(half(l4, f4, slope(p0, drain(p4, a4, x1, p1), i4)), free4),
          least,
          limit,
        )
        s0 = i32x4.add(s0, l0)
        s1 = i32x4.add(s1, l1)
        s2 = i32x4.add(s2, l2)
        s3 = i32x4.add(s3, l3)
        s4 = i32x4.add(s4, l4)
      }
      for (let k = 0; k < inputs; k++) {
        const e = k * inputStep
        let s = s4
        if (e === 0) s = s0
        else if (e === 1) s = s1
        else if (e === 2) s = s2
        else if (e === 3) s = s3
        const u = i32x4.shr_s(gather(sum + (k << 2), sums), netShift)
        const open = v128.and(i32x4.gt_s(u, netMin), i32x4.lt_s(u, netMax))
        const mean = clamp(i32x4.shr_s(i32x4.mul(s, reciprocal), 16), least, limit)
        scatterShort(lambda + (k << 1), inputs << 1, v128.and(mean, open))
      }
    } else memory.fill(lambda, 0, inputs << 3)
    sum += 4 * sums
    lambda += inputs << 3
    state += 40
  }
  backwardOne(m, part, neuron, to)
}

/** (l·a + x·other) / 2 */
export function drain(l: v128, a: v128, x: v128, other: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.mul(l, a), i32x4.mul(x, other)), 13)
}
