/**
 * AssemblyScript, for the host only: the settles of settle.ts for the samples of a block (lane-layout.ts),
 * four of them in each vector.
 */
import { LANES, Lane } from "./lane-layout"
import { apartBackward, apartForward, liesApart } from "./lanes-apart"
import { FIXED_POINT, Header } from "./layout"
import { clamp, decay, drain, half, slope, whole } from "./settle"

function store4(at: usize, v: v128): void {
  v128.store64_lane(at, i16x8.narrow_i32x4_s(v, v), 0)
}

/** As settleForward of all rings. */
export function settleForward(m: usize, layer: usize, block: usize): void {
  if (liesApart(layer)) {
    apartForward(m, layer, block)
    return
  }
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const signalShift: i32 = load<u16>(m, Header.SignalShift)
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin))
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax))
  const min = i32x4.splat(load<i16>(m, Header.ElementMin))
  const max = i32x4.splat(load<i16>(m, Header.ElementMax))
  const neurons = load<i32>(layer, Lane.Neurons)
  const inputs = load<i32>(layer, Lane.Inputs)
  const apart = load<i32>(layer, Lane.InputStep) > 1
  const outputFirst = load<i32>(layer, Lane.OutputFirst)
  const outputs = load<i32>(layer, Lane.Outputs)
  const outputStep = load<i32>(layer, Lane.OutputStep)
  const rows: usize = load<i32>(layer, Lane.Rows)
  const rest = i32x4.splat(steps * FIXED_POINT)
  const one = i32x4.splat(FIXED_POINT)
  const zero = i32x4.splat(0)
  let sums = block + load<i32>(layer, Lane.Sum)
  let states = block + load<i32>(layer, Lane.State)
  let outs = block + load<i32>(layer, Lane.Out)
  for (let neuron = 0; neuron < neurons; neuron++) {
    for (let quarter: usize = 0; quarter < <usize>(LANES / 4); quarter++) {
      const sum = sums + (quarter << 4)
      const u0 = clamp(i32x4.shr_s(v128.load(sum), netShift), netMin, netMax)
      let u1 = zero
      let u2 = zero
      let u3 = zero
      let u4 = zero
      if (inputs > 1) u1 = clamp(i32x4.shr_s(v128.load(sum, 64), netShift), netMin, netMax)
      if (inputs > 2) u2 = clamp(i32x4.shr_s(v128.load(sum, 128), netShift), netMin, netMax)
      if (apart) {
        u4 = u2
        u2 = u1
        u1 = zero
      }
      if (inputs > 3) u3 = clamp(i32x4.shr_s(v128.load(sum, 192), netShift), netMin, netMax)
      if (inputs > 4) u4 = clamp(i32x4.shr_s(v128.load(sum, 256), netShift), netMin, netMax)
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
        s0 = i32x4.add(s0, e0)
        s1 = i32x4.add(s1, e1)
        s2 = i32x4.add(s2, e2)
        s3 = i32x4.add(s3, e3)
        s4 = i32x4.add(s4, e4)
      }
      const state = states + (quarter << 3)
      store4(state, e0)
      store4(state + 32, e1)
      store4(state + 64, e2)
      store4(state + 96, e3)
      store4(state + 128, e4)
      for (let k = 0; k < outputs; k++) {
        const e = outputFirst + k * outputStep
        let s = s4
        if (e === 0) s = s0
        else if (e === 1) s = s1
        else if (e === 2) s = s2
        else if (e === 3) s = s3
        store4(
          outs + (k << 5) + (quarter << 3),
          i32x4.shr_s(i32x4.mul(i32x4.sub(s, rest), reciprocal), signalShift),
        )
      }
    }
    sums += rows << 6
    states += 160
    outs += outputs << 5
  }
}

/** As settleBackward of all rings; rows that fill up have no backward signal. */
export function settleBackward(m: usize, layer: usize, block: usize): void {
  if (liesApart(layer)) {
    apartBackward(m, layer, block)
    return
  }
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin))
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax))
  const min = i32x4.splat(load<i16>(m, Header.ElementMin))
  const max = i32x4.splat(load<i16>(m, Header.ElementMax))
  const limit = i32x4.splat(load<i16>(m, Header.LambdaMax))
  const least = i32x4.neg(limit)
  const backShift = load<i32>(layer, Lane.BackShift)
  const neurons = load<i32>(layer, Lane.Neurons)
  const inputs = load<i32>(layer, Lane.Inputs)
  const inputStep = load<i32>(layer, Lane.InputStep)
  const outputFirst = load<i32>(layer, Lane.OutputFirst)
  const outputs = load<i32>(layer, Lane.Outputs)
  const outputStep = load<i32>(layer, Lane.OutputStep)
  const rows: usize = load<i32>(layer, Lane.Rows)
  const one = i32x4.splat(FIXED_POINT)
  const zero = i32x4.splat(0)
  let sums = block + load<i32>(layer, Lane.Sum)
  let states = block + load<i32>(layer, Lane.State)
  let lambdas = block + load<i32>(layer, Lane.Lambda)
  let backs = block + load<i32>(layer, Lane.BackIn)
  for (let neuron = 0; neuron < neurons; neuron++) {
    for (let quarter: usize = 0; quarter < <usize>(LANES / 4); quarter++) {
      let i0 = zero
      let i1 = zero
      let i2 = zero
      let i3 = zero
      let i4 = zero
      let driven = zero
      for (let k = 0; k < outputs; k++) {
        const e = outputFirst + k * outputStep
        const v = clamp(
          i32x4.shr_s(v128.load(backs + (k << 6) + (quarter << 4)), backShift),
          least,
          limit,
        )
        driven = v128.or(driven, v)
        if (e === 0) i0 = v
        else if (e === 1) i1 = v
        else if (e === 2) i2 = v
        else if (e === 3) i3 = v
        else i4 = v
      }
      const lambda = lambdas + (quarter << 3)
      if (v128.any_true(driven)) {
        const state = states + (quarter << 3)
        const x0 = v128.load16x4_s(state)
        const x1 = v128.load16x4_s(state, 32)
        const x2 = v128.load16x4_s(state, 64)
        const x3 = v128.load16x4_s(state, 96)
        const x4 = v128.load16x4_s(state, 128)
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
          const g0 = half(l0, f0, slope(p1, drain(p0, a0, x2, p2), i0))
          const g1 = half(l1, f1, slope(p2, drain(p1, a1, x3, p3), i1))
          const g2 = half(l2, f2, slope(p3, drain(p2, a2, x4, p4), i2))
          const g3 = half(l3, f3, slope(p4, drain(p3, a3, x0, p0), i3))
          const g4 = half(l4, f4, slope(p0, drain(p4, a4, x1, p1), i4))
          l0 = clamp(v128.and(g0, free0), least, limit)
          l1 = clamp(v128.and(g1, free1), least, limit)
          l2 = clamp(v128.and(g2, free2), least, limit)
          l3 = clamp(v128.and(g3, free3), least, limit)
          l4 = clamp(v128.and(g4, free4), least, limit)
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
          const u = i32x4.shr_s(v128.load(sums + (k << 6) + (quarter << 4)), netShift)
          const open = v128.and(i32x4.gt_s(u, netMin), i32x4.lt_s(u, netMax))
          const mean = clamp(i32x4.shr_s(i32x4.mul(s, reciprocal), 16), least, limit)
          store4(lambda + (k << 5), v128.and(mean, open))
        }
      } else for (let k = 0; k < inputs; k++) store4(lambda + (k << 5), zero)
    }
    sums += rows << 6
    states += 160
    lambdas += rows << 5
    backs += outputs << 6
  }
}
