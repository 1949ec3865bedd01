/**
 * AssemblyScript, for the host only: the settles of lanes-settle.ts for rings with synapses on the elements 0 and 2
 * and signals from 1 and 3, as all large presets have them. The same bits: what is left out has no effect. All
 * elements start at 1 (backward: at 0), so most of the first step is known; elements without a synapse have no net
 * input; and at the last backward step only the two elements are wanted that have one.
 *
 * Backward only those pairs of ring and sample are settled that have a signal from above and a net input within
 * its clamps, some third of all: they are gathered, four in a vector.
 */
import { LANES, Lane } from "./lane-layout"
import { FIXED_POINT, Header } from "./layout"
import { clamp, decay, drain, half } from "./settle"

/** Is it such a layer? */
export function liesApart(layer: usize): bool {
  return (
    load<i32>(layer, Lane.Inputs) === 2 &&
    load<i32>(layer, Lane.InputStep) === 2 &&
    load<i32>(layer, Lane.OutputFirst) === 1 &&
    load<i32>(layer, Lane.Outputs) === 2 &&
    load<i32>(layer, Lane.OutputStep) === 2
  )
}

/** Two vectors of four, as int16. */
function storeTwo(at: usize, other: usize, v: v128, w: v128): void {
  const both = i16x8.narrow_i32x4_s(v, w)
  v128.store64_lane(at, both, 0)
  v128.store64_lane(other, both, 1)
}

/** A whole step of 3/4 by the slope −n: e − n + ⌊n/4⌋ = e + ⌊−3n/4⌋. */
function ahead(e: v128, n: v128): v128 {
  return i32x4.add(i32x4.sub(e, n), i32x4.shr_s(n, 2))
}

/** Half a step of 3/4 by the sum of both slopes. */
function risen(e: v128, sum: v128): v128 {
  return i32x4.add(e, i32x4.shr_s(i32x4.add(i32x4.add(sum, sum), sum), 3))
}

/** As settleForward of lanes-settle.ts. */
export function apartForward(m: usize, layer: usize, block: usize): void {
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const signalShift: i32 = load<u16>(m, Header.SignalShift)
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin = i32x4.splat(load<i16>(m, Header.NetMin))
  const netMax = i32x4.splat(load<i16>(m, Header.NetMax))
  const min = i32x4.splat(load<i16>(m, Header.ElementMin))
  const max = i32x4.splat(load<i16>(m, Header.ElementMax))
  const rest = i32x4.splat(steps * FIXED_POINT)
  const one = i32x4.splat(FIXED_POINT)
  const zero = i32x4.splat(0)
  let sum = block + load<i32>(layer, Lane.Sum)
  let state = block + load<i32>(layer, Lane.State)
  let out = block + load<i32>(layer, Lane.Out)
  for (let neuron = load<i32>(layer, Lane.Neurons); neuron > 0; neuron--) {
    for (let quarter: usize = 0; quarter < <usize>(LANES / 4); quarter++) {
      const u0 = clamp(i32x4.shr_s(v128.load(sum), netShift), netMin, netMax)
      const u2 = clamp(i32x4.shr_s(v128.load(sum, 64), netShift), netMin, netMax)
      let e0 = one
      let e1 = one
      let e2 = one
      let e3 = one
      let e4 = one
      let s1 = rest
      let s3 = rest
      // Without a net input a ring stays where it is.
      if (v128.any_true(v128.or(u0, u2))) {
        const p0 = risenWhole(one, u0)
        const p2 = risenWhole(one, u2)
        e0 = clamp(risen(one, i32x4.add(i32x4.add(i32x4.sub(one, p0), u0), u0)), min, max)
        e1 = clamp(risen(one, i32x4.sub(p0, one)), min, max)
        const lost = decay(p2, p0, one)
        e2 = clamp(risen(one, i32x4.add(i32x4.add(i32x4.sub(one, lost), u2), u2)), min, max)
        e3 = clamp(risen(one, i32x4.sub(p2, one)), min, max)
        e4 = clamp(risen(one, i32x4.sub(one, i32x4.shr_s(i32x4.add(one, p2), 1))), min, max)
        s1 = e1
        s3 = e3
        for (let step = 1; step < steps; step++) {
          const n0 = i32x4.sub(decay(e0, e3, one), i32x4.add(e4, u0))
          const n1 = i32x4.sub(decay(e1, e4, one), e0)
          const n2 = i32x4.sub(decay(e2, e0, one), i32x4.add(e1, u2))
          const n3 = i32x4.sub(decay(e3, e1, one), e2)
          const n4 = i32x4.sub(decay(e4, e2, one), e3)
          const p0 = ahead(e0, n0)
          const p1 = ahead(e1, n1)
          const p2 = ahead(e2, n2)
          const p3 = ahead(e3, n3)
          const p4 = ahead(e4, n4)
          const g0 = i32x4.sub(i32x4.add(p4, u0), decay(p0, p3, one))
          const g1 = i32x4.sub(p0, decay(p1, p4, one))
          const g2 = i32x4.sub(i32x4.add(p1, u2), decay(p2, p0, one))
          const g3 = i32x4.sub(p2, decay(p3, p1, one))
          const g4 = i32x4.sub(p3, decay(p4, p2, one))
          e0 = clamp(risen(e0, i32x4.sub(g0, n0)), min, max)
          e1 = clamp(risen(e1, i32x4.sub(g1, n1)), min, max)
          e2 = clamp(risen(e2, i32x4.sub(g2, n2)), min, max)
          e3 = clamp(risen(e3, i32x4.sub(g3, n3)), min, max)
          e4 = clamp(risen(e4, i32x4.sub(g4, n4)), min, max)
          s1 = i32x4.add(s1, e1)
          s3 = i32x4.add(s3, e3)
        }
      }
      storeTwo(state, state + 32, e0, e1)
      storeTwo(state + 64, state + 96, e2, e3)
      storeTwo(state + 128, out, e4, signalOf(s1, rest, reciprocal, signalShift))
      const signal = signalOf(s3, rest, reciprocal, signalShift)
      v128.store64_lane(out + 32, i16x8.narrow_i32x4_s(signal, zero), 0)
      sum += 16
      state += 8
      out += 8
    }
    sum += 64
    state += 128
    out += 32
  }
}

/** A whole step of 3/4 by the slope f. */
function risenWhole(e: v128, f: v128): v128 {
  return i32x4.add(e, i32x4.shr_s(i32x4.add(i32x4.add(f, f), f), 2))
}

function signalOf(sum: v128, rest: v128, reciprocal: v128, shift: i32): v128 {
  return i32x4.shr_s(i32x4.mul(i32x4.sub(sum, rest), reciprocal), shift)
}

/** The sums over all steps of λ of the elements 0 and 2, as settlePairs leaves them. */
let sum0 = i32x4.splat(0)
let sum2 = i32x4.splat(0)

/** As settleBackward of lanes-settle.ts. */
export function apartBackward(m: usize, layer: usize, block: usize): void {
  const steps: i32 = load<u16>(m, Header.Steps)
  const reciprocal = i32x4.splat(load<u16>(m, Header.Reciprocal))
  const netShift: i32 = load<u16>(m, Header.NetShift)
  const netMin: i32 = load<i16>(m, Header.NetMin)
  const netMax: i32 = load<i16>(m, Header.NetMax)
  // A net input is within its clamps: of sums, before they are shifted. |clamp| ≤ 2^15, shifted by at most 13.
  const least = i32x4.splat(((netMin + 1) << netShift) - 1)
  const most = i32x4.splat(netMax << netShift)
  const min = i32x4.splat(load<i16>(m, Header.ElementMin))
  const max = i32x4.splat(load<i16>(m, Header.ElementMax))
  const limit = i32x4.splat(load<i16>(m, Header.LambdaMax))
  const below = i32x4.neg(limit)
  const backShift = load<i32>(layer, Lane.BackShift)
  const neurons = load<i32>(layer, Lane.Neurons)
  const zero = i32x4.splat(0)
  const sums = block + load<i32>(layer, Lane.Sum)
  const states = block + load<i32>(layer, Lane.State)
  const lambdas = block + load<i32>(layer, Lane.Lambda)
  const backs = block + load<i32>(layer, Lane.BackIn)
  const pairs = block + load<i32>(layer, Lane.Pairs)
  let waiting: usize = 0
  for (let neuron = 0; neuron <= neurons; neuron++) {
    if (neuron < neurons) {
      const at: usize = (<usize>neuron) << 7
      let active = 0
      for (let quarter: usize = 0; quarter < <usize>(LANES / 4); quarter++) {
        const s = sums + at + (quarter << 4)
        const b = backs + at + (quarter << 4)
        const u0 = v128.load(s)
        const u2 = v128.load(s, 64)
        const open = v128.or(
          v128.and(i32x4.gt_s(u0, least), i32x4.lt_s(u0, most)),
          v128.and(i32x4.gt_s(u2, least), i32x4.lt_s(u2, most)),
        )
        const driven = i32x4.shr_s(v128.or(v128.load(b), v128.load(b, 64)), backShift)
        const both = v128.andnot(open, i32x4.eq(driven, zero))
        active |= i32x4.bitmask(both) << ((<i32>quarter) << 2)
      }
      const lambda = lambdas + (at >> 1)
      v128.store(lambda, zero)
      v128.store(lambda, zero, 16)
      v128.store(lambda, zero, 32)
      v128.store(lambda, zero, 48)
      while (active !== 0) {
        store<u32>(pairs + (waiting << 2), (neuron << 4) | ctz(active))
        waiting++
        active &= active - 1
      }
    } else {
      if (waiting === 0) break
      // The last vector is filled up with one pair again and again.
      for (; waiting < 4; waiting++) store<u32>(pairs + (waiting << 2), load<u32>(pairs))
    }
    while (waiting >= 4) {
      waiting -= 4
      const list = pairs + (waiting << 2)
      const a = load<u32>(list)
      const b = load<u32>(list, 4)
      const c = load<u32>(list, 8)
      const d = load<u32>(list, 12)
      const i1 = clamp(i32x4.shr_s(fourWords(backs, a, b, c, d), backShift), below, limit)
      const i3 = clamp(i32x4.shr_s(fourWords(backs + 64, a, b, c, d), backShift), below, limit)
      const sa = states + stateOf(a)
      const sb = states + stateOf(b)
      const sc = states + stateOf(c)
      const sd = states + stateOf(d)
      const x01 = eightShorts(sa, sb, sc, sd)
      const x23 = eightShorts(sa + 64, sb + 64, sc + 64, sd + 64)
      const x0 = i32x4.extend_low_i16x8_s(x01)
      const x1 = i32x4.extend_high_i16x8_s(x01)
      const x2 = i32x4.extend_low_i16x8_s(x23)
      const x3 = i32x4.extend_high_i16x8_s(x23)
      const x4 = fourShorts(sa + 128, sb + 128, sc + 128, sd + 128)
      const lowest = i32x4.min_s(i32x4.min_s(i32x4.min_s(x0, x1), i32x4.min_s(x2, x3)), x4)
      const highest = i32x4.max_s(i32x4.max_s(i32x4.max_s(x0, x1), i32x4.max_s(x2, x3)), x4)
      if (i32x4.all_true(v128.and(i32x4.gt_s(lowest, min), i32x4.lt_s(highest, max))))
        settlePairs(steps, x0, x1, x2, x3, x4, i1, i3, limit)
      else settleBound(steps, x0, x1, x2, x3, x4, i1, i3, limit, min, max)
      const u0 = fourWords(sums, a, b, c, d)
      const u2 = fourWords(sums + 64, a, b, c, d)
      const l0 = v128.and(
        clamp(i32x4.shr_s(i32x4.mul(sum0, reciprocal), 16), below, limit),
        v128.and(i32x4.gt_s(u0, least), i32x4.lt_s(u0, most)),
      )
      const l2 = v128.and(
        clamp(i32x4.shr_s(i32x4.mul(sum2, reciprocal), 16), below, limit),
        v128.and(i32x4.gt_s(u2, least), i32x4.lt_s(u2, most)),
      )
      const l = i16x8.narrow_i32x4_s(l0, l2)
      v128.store_lane<i16>(lambdas + lambdaOf(a), l, 0)
      v128.store_lane<i16>(lambdas + lambdaOf(b), l, 1)
      v128.store_lane<i16>(lambdas + lambdaOf(c), l, 2)
      v128.store_lane<i16>(lambdas + lambdaOf(d), l, 3)
      v128.store_lane<i16>(lambdas + lambdaOf(a), l, 4, 32)
      v128.store_lane<i16>(lambdas + lambdaOf(b), l, 5, 32)
      v128.store_lane<i16>(lambdas + lambdaOf(c), l, 6, 32)
      v128.store_lane<i16>(lambdas + lambdaOf(d), l, 7, 32)
    }
  }
}

/** Where a pair's sums and backward sums lie (128 bytes a ring), its λ (64) and its states (160). */
function wordOf(pair: usize): usize {
  return ((pair >> 4) << 7) + ((pair & 15) << 2)
}

function lambdaOf(pair: usize): usize {
  return ((pair >> 4) << 6) + ((pair & 15) << 1)
}

function stateOf(pair: usize): usize {
  return (pair >> 4) * 160 + ((pair & 15) << 1)
}

function fourWords(at: usize, a: usize, b: usize, c: usize, d: usize): v128 {
  let v = v128.load32_zero(at + wordOf(a))
  v = v128.load_lane<i32>(at + wordOf(b), v, 1)
  v = v128.load_lane<i32>(at + wordOf(c), v, 2)
  return v128.load_lane<i32>(at + wordOf(d), v, 3)
}

/** Of one element's states the four at these addresses, of the next element's those behind them. */
function eightShorts(a: usize, b: usize, c: usize, d: usize): v128 {
  let v = v128.load_lane<i16>(a, i32x4.splat(0), 0)
  v = v128.load_lane<i16>(b, v, 1)
  v = v128.load_lane<i16>(c, v, 2)
  v = v128.load_lane<i16>(d, v, 3)
  v = v128.load_lane<i16>(a, v, 4, 32)
  v = v128.load_lane<i16>(b, v, 5, 32)
  v = v128.load_lane<i16>(c, v, 6, 32)
  return v128.load_lane<i16>(d, v, 7, 32)
}

function fourShorts(a: usize, b: usize, c: usize, d: usize): v128 {
  let v = v128.load_lane<i16>(a, i32x4.splat(0), 0)
  v = v128.load_lane<i16>(b, v, 1)
  v = v128.load_lane<i16>(c, v, 2)
  return i32x4.extend_low_i16x8_s(v128.load_lane<i16>(d, v, 3))
}

/** Four pairs whose elements are all within their clamps. */
function settlePairs(
  steps: i32,
  x0: v128,
  x1: v128,
  x2: v128,
  x3: v128,
  x4: v128,
  i1: v128,
  i3: v128,
  limit: v128,
): void {
  const one = i32x4.splat(FIXED_POINT)
  const least = i32x4.neg(limit)
  const zero = i32x4.splat(0)
  const a0 = i32x4.add(one, x3)
  const a1 = i32x4.add(one, x4)
  const a2 = i32x4.add(one, x0)
  const a3 = i32x4.add(one, x1)
  const a4 = i32x4.add(one, x2)
  const first1 = risenWhole(zero, i1)
  const first3 = risenWhole(zero, i3)
  let l0 = clamp(risen(zero, first1), least, limit)
  let l1 = clamp(
    risen(zero, i32x4.sub(i32x4.add(i1, i1), drain(first1, a1, x3, first3))),
    least,
    limit,
  )
  let l2 = clamp(risen(zero, first3), least, limit)
  let l3 = clamp(
    risen(zero, i32x4.sub(i32x4.add(i3, i3), i32x4.shr_s(i32x4.mul(first3, a3), 13))),
    least,
    limit,
  )
  let l4 = clamp(risen(zero, i32x4.neg(i32x4.shr_s(i32x4.mul(x1, first1), 13))), least, limit)
  let s0 = l0
  let s2 = l2
  for (let step = 1; step < steps; step++) {
    const n0 = i32x4.sub(drain(l0, a0, x2, l2), l1)
    const n1 = i32x4.sub(drain(l1, a1, x3, l3), i32x4.add(l2, i1))
    const n2 = i32x4.sub(drain(l2, a2, x4, l4), l3)
    const n3 = i32x4.sub(drain(l3, a3, x0, l0), i32x4.add(l4, i3))
    const n4 = i32x4.sub(drain(l4, a4, x1, l1), l0)
    const p0 = ahead(l0, n0)
    const p1 = ahead(l1, n1)
    const p2 = ahead(l2, n2)
    const p3 = ahead(l3, n3)
    const p4 = ahead(l4, n4)
    const g0 = i32x4.sub(p1, drain(p0, a0, x2, p2))
    const g2 = i32x4.sub(p3, drain(p2, a2, x4, p4))
    if (step < steps - 1) {
      const g1 = i32x4.sub(i32x4.add(p2, i1), drain(p1, a1, x3, p3))
      const g3 = i32x4.sub(i32x4.add(p4, i3), drain(p3, a3, x0, p0))
      const g4 = i32x4.sub(p0, drain(p4, a4, x1, p1))
      l1 = clamp(risen(l1, i32x4.sub(g1, n1)), least, limit)
      l3 = clamp(risen(l3, i32x4.sub(g3, n3)), least, limit)
      l4 = clamp(risen(l4, i32x4.sub(g4, n4)), least, limit)
    }
    l0 = clamp(risen(l0, i32x4.sub(g0, n0)), least, limit)
    l2 = clamp(risen(l2, i32x4.sub(g2, n2)), least, limit)
    s0 = i32x4.add(s0, l0)
    s2 = i32x4.add(s2, l2)
  }
  sum0 = s0
  sum2 = s2
}

/** Four pairs of which some elements are at a clamp, and so have no backward signal. */
function settleBound(
  steps: i32,
  x0: v128,
  x1: v128,
  x2: v128,
  x3: v128,
  x4: v128,
  i1: v128,
  i3: v128,
  limit: v128,
  min: v128,
  max: v128,
): void {
  const one = i32x4.splat(FIXED_POINT)
  const least = i32x4.neg(limit)
  const zero = i32x4.splat(0)
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
  let s2 = zero
  for (let step = 0; step < steps; step++) {
    const f0 = v128.and(i32x4.sub(l1, drain(l0, a0, x2, l2)), free0)
    const f1 = v128.and(i32x4.add(i32x4.sub(l2, drain(l1, a1, x3, l3)), i1), free1)
    const f2 = v128.and(i32x4.sub(l3, drain(l2, a2, x4, l4)), free2)
    const f3 = v128.and(i32x4.add(i32x4.sub(l4, drain(l3, a3, x0, l0)), i3), free3)
    const f4 = v128.and(i32x4.sub(l0, drain(l4, a4, x1, l1)), free4)
    const p0 = risenWhole(l0, f0)
    const p1 = risenWhole(l1, f1)
    const p2 = risenWhole(l2, f2)
    const p3 = risenWhole(l3, f3)
    const p4 = risenWhole(l4, f4)
    const g0 = half(l0, f0, i32x4.sub(p1, drain(p0, a0, x2, p2)))
    const g1 = half(l1, f1, i32x4.add(i32x4.sub(p2, drain(p1, a1, x3, p3)), i1))
    const g2 = half(l2, f2, i32x4.sub(p3, drain(p2, a2, x4, p4)))
    const g3 = half(l3, f3, i32x4.add(i32x4.sub(p4, drain(p3, a3, x0, p0)), i3))
    const g4 = half(l4, f4, i32x4.sub(p0, drain(p4, a4, x1, p1)))
    l0 = clamp(v128.and(g0, free0), least, limit)
    l1 = clamp(v128.and(g1, free1), least, limit)
    l2 = clamp(v128.and(g2, free2), least, limit)
    l3 = clamp(v128.and(g3, free3), least, limit)
    l4 = clamp(v128.and(g4, free4), least, limit)
    s0 = i32x4.add(s0, l0)
    s2 = i32x4.add(s2, l2)
  }
  sum0 = s0
  sum2 = s2
}
