/**
 * The settles of settle.ts for the smallest neurons: one or two synapses, on the elements 0 and 1, and
 * one or two signals, from the elements 1 and 2. The same numbers to the bit (a property test holds
 * the two together), for 60 % of the operations:
 *
 * - what is zero is not computed: the net inputs of the elements 2–4, and in the first step, which
 *   begins at the fixed point, most of the products;
 * - one test a step tells that no element is near a clamp;
 * - in the last step only what the signals (backward: the synapses) need is computed. Forward this
 *   loses the end state, so only where nothing is to be learnt (`Header.Brief`).
 *
 * The two outputs lie next to the two inputs on the ring, where the response is largest, so such
 * neurons need the fewest steps too.
 */
import { FIXED_POINT, Header, Part } from "./layout"
import { settleBackward } from "./settle"

/** Whether these kernels know neurons like the part's. */
export function hasTwo(m: Buffer, part: number): boolean {
  return (
    m.getAt(part + Part.Inputs, "u16") <= 2 &&
    m.getAt(part + Part.OutputFirst, "u16") === 1 &&
    m.getAt(part + Part.Outputs, "u16") <= 2 &&
    m.getAt(part + Part.InputStep, "u8") === 1 &&
    m.getAt(part + Part.OutputStep, "u8") === 1
  )
}

/** Bits a distance 0…span surely has: the largest b with 2^b − 1 ≤ span. */
function bitsWithin(span: number): number {
  let bits = 13
  while (1 << bits > span + 1) bits = bits - 1
  return bits
}

/** As settleForward (settle.ts). Where `Header.Brief` is set, `Part.State` stays as it is. */
export function settleForwardTwo(
  m: Buffer,
  part: number,
  slot: number,
  from: number,
  to: number,
): void {
  const steps = m.getAt(Header.Steps, "u16")
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const signalShift = m.getAt(Header.SignalShift, "u16")
  const netShift = m.getAt(Header.NetShift, "u16")
  const netMin = m.getAt(Header.NetMin, "i16")
  const netMax = m.getAt(Header.NetMax, "i16")
  const min = m.getAt(Header.ElementMin, "i16")
  const max = m.getAt(Header.ElementMax, "i16")
  const bits = bitsWithin(max - min)
  const brief = m.getAt(Header.Brief, "u16") !== 0
  const twoInputs = m.getAt(part + Part.Inputs, "u16") > 1
  const twoOutputs = m.getAt(part + Part.Outputs, "u16") > 1
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  const one = FIXED_POINT
  const rest = steps * FIXED_POINT
  const whole = brief ? steps - 1 : steps
  let sum = m.getAt(part + Part.Sum, "i32") + ((from * inputs) << 2)
  let state = m.getAt(part + Part.State, "i32") + from * 10
  let out =
    m.getAt(part + Part.BusOut, "i32") +
    ((slot * m.getAt(part + Part.BusOutWidth, "u16") +
      m.getAt(part + Part.BusOutFirst, "u16") +
      from * outputs) <<
      1)
  for (let neuron = from; neuron < to; neuron++) {
    let u0 = m.getAt(sum, "i32") >> netShift
    sum = sum + 4
    if (u0 < netMin) u0 = netMin
    if (u0 > netMax) u0 = netMax
    let u1 = 0
    if (twoInputs) {
      u1 = m.getAt(sum, "i32") >> netShift
      sum = sum + 4
      if (u1 < netMin) u1 = netMin
      if (u1 > netMax) u1 = netMax
    }

    // First step: f = u, and only the predictors of 0 and 1 leave the fixed point 1.
    const q0 = one + ((3 * u0) >> 2)
    const q1 = one + ((3 * u1) >> 2)
    let e0 = one + ((3 * (u0 + u0 + one - q0)) >> 3)
    let e1 = one + ((3 * (u1 + u1 + q0 - q1)) >> 3)
    let e2 = one + ((3 * (q1 - ((one + q0) >> 1))) >> 3)
    let e3 = one + ((3 * (one - ((one + q1) >> 1))) >> 3)
    let e4 = one
    let s1 = 0
    let s2 = 0
    let left = whole
    while (true) {
      // Without a bit at or above `bits` (a negative number has them all), none is near a clamp.
      if (((e0 - min) | (e1 - min) | (e2 - min) | (e3 - min) | (e4 - min)) >> bits !== 0) {
        if (e0 < min) e0 = min
        if (e0 > max) e0 = max
        if (e1 < min) e1 = min
        if (e1 > max) e1 = max
        if (e2 < min) e2 = min
        if (e2 > max) e2 = max
        if (e3 < min) e3 = min
        if (e3 > max) e3 = max
        if (e4 < min) e4 = min
        if (e4 > max) e4 = max
      }
      s1 += e1
      s2 += e2
      left = left - 1
      if (left === 0) break
      // The bounds are settle.ts's.
      const f0 = e4 - ((e0 * (one + e3)) >> 13) + u0
      const f1 = e0 - ((e1 * (one + e4)) >> 13) + u1
      const f2 = e1 - ((e2 * (one + e0)) >> 13)
      const f3 = e2 - ((e3 * (one + e1)) >> 13)
      const f4 = e3 - ((e4 * (one + e2)) >> 13)
      const p0 = e0 + ((3 * f0) >> 2)
      const p1 = e1 + ((3 * f1) >> 2)
      const p2 = e2 + ((3 * f2) >> 2)
      const p3 = e3 + ((3 * f3) >> 2)
      const p4 = e4 + ((3 * f4) >> 2)
      e0 += (3 * (f0 + p4 - ((p0 * (one + p3)) >> 13) + u0)) >> 3
      e1 += (3 * (f1 + p0 - ((p1 * (one + p4)) >> 13) + u1)) >> 3
      e2 += (3 * (f2 + p1 - ((p2 * (one + p0)) >> 13))) >> 3
      e3 += (3 * (f3 + p2 - ((p3 * (one + p1)) >> 13))) >> 3
      e4 += (3 * (f4 + p3 - ((p4 * (one + p2)) >> 13))) >> 3
    }
    if (brief) {
      // Last step: E1, and E2 where it gives a signal.
      const f0 = e4 - ((e0 * (one + e3)) >> 13) + u0
      const f1 = e0 - ((e1 * (one + e4)) >> 13) + u1
      const f4 = e3 - ((e4 * (one + e2)) >> 13)
      const p0 = e0 + ((3 * f0) >> 2)
      const p1 = e1 + ((3 * f1) >> 2)
      const p4 = e4 + ((3 * f4) >> 2)
      if (twoOutputs) {
        const f2 = e1 - ((e2 * (one + e0)) >> 13)
        const p2 = e2 + ((3 * f2) >> 2)
        e2 += (3 * (f2 + p1 - ((p2 * (one + p0)) >> 13))) >> 3
        if (e2 < min) e2 = min
        if (e2 > max) e2 = max
        s2 += e2
      }
      e1 += (3 * (f1 + p0 - ((p1 * (one + p4)) >> 13) + u1)) >> 3
      if (e1 < min) e1 = min
      if (e1 > max) e1 = max
      s1 += e1
    } else {
      m.setAt(state, "i16", e0)
      m.setAt(state + 2, "i16", e1)
      m.setAt(state + 4, "i16", e2)
      m.setAt(state + 6, "i16", e3)
      m.setAt(state + 8, "i16", e4)
      state = state + 10
    }
    m.setAt(out, "i16", ((s1 - rest) * reciprocal) >> signalShift)
    out = out + 2
    if (twoOutputs) {
      m.setAt(out, "i16", ((s2 - rest) * reciprocal) >> signalShift)
      out = out + 2
    }
  }
}

/** As settleBackward (settle.ts). */
export function settleBackwardTwo(m: Buffer, part: number, from: number, to: number): void {
  const steps = m.getAt(Header.Steps, "u16")
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const netShift = m.getAt(Header.NetShift, "u16")
  const netMin = m.getAt(Header.NetMin, "i16")
  const netMax = m.getAt(Header.NetMax, "i16")
  const limit = m.getAt(Header.LambdaMax, "i16")
  const backShift = m.getAt(part + Part.BackShift, "u16")
  const least = -limit
  const bits = bitsWithin(limit + limit)
  const above = m.getAt(Header.ElementMin, "i16") + 1
  const stateBits = bitsWithin(m.getAt(Header.ElementMax, "i16") - 1 - above)
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  const twoInputs = inputs > 1
  const twoOutputs = outputs > 1
  const one = FIXED_POINT
  let sum = m.getAt(part + Part.Sum, "i32") + ((from * inputs) << 2)
  let state = m.getAt(part + Part.State, "i32") + from * 10
  let lambda = m.getAt(part + Part.Lambda, "i32") + ((from * inputs) << 1)
  let back =
    m.getAt(part + Part.BackIn, "i32") +
    ((m.getAt(part + Part.BusOutFirst, "u16") + from * outputs) << 2)
  for (let neuron = from; neuron < to; neuron++) {
    let i1 = m.getAt(back, "i32") >> backShift
    back = back + 4
    if (i1 < least) i1 = least
    if (i1 > limit) i1 = limit
    let i2 = 0
    if (twoOutputs) {
      i2 = m.getAt(back, "i32") >> backShift
      back = back + 4
      if (i2 < least) i2 = least
      if (i2 > limit) i2 = limit
    }
    let s0 = 0
    let s1 = 0
    let own = true
    if (i1 !== 0 || i2 !== 0) {
      const x0 = m.getAt(state, "i16")
      const x1 = m.getAt(state + 2, "i16")
      const x2 = m.getAt(state + 4, "i16")
      const x3 = m.getAt(state + 6, "i16")
      const x4 = m.getAt(state + 8, "i16")
      if (
        ((x0 - above) | (x1 - above) | (x2 - above) | (x3 - above) | (x4 - above)) >> stateBits !==
        0
      ) {
        // An element may have ended on a clamp: rare, and the general way knows what then.
        settleBackward(m, part, neuron, neuron + 1)
        own = false
      } else {
        const a0 = one + x3
        const a1 = one + x4
        const a2 = one + x0
        const a3 = one + x1
        const a4 = one + x2
        // First step: f = in, and only the predictors of 1 and 2 leave zero.
        const q1 = (3 * i1) >> 2
        const q2 = (3 * i2) >> 2
        let l0 = (3 * (q1 - ((x2 * q2) >> 13))) >> 3
        let l1 = (3 * (i1 + q2 - ((q1 * a1) >> 13) + i1)) >> 3
        let l2 = (3 * (i2 - ((q2 * a2) >> 13) + i2)) >> 3
        let l3 = 0
        let l4 = (-3 * ((x1 * q1) >> 13)) >> 3
        let left = steps - 1
        while (true) {
          if (
            ((l0 + limit) | (l1 + limit) | (l2 + limit) | (l3 + limit) | (l4 + limit)) >> bits !==
            0
          ) {
            if (l0 < least) l0 = least
            if (l0 > limit) l0 = limit
            if (l1 < least) l1 = least
            if (l1 > limit) l1 = limit
            if (l2 < least) l2 = least
            if (l2 > limit) l2 = limit
            if (l3 < least) l3 = least
            if (l3 > limit) l3 = limit
            if (l4 < least) l4 = least
            if (l4 > limit) l4 = limit
          }
          s0 += l0
          s1 += l1
          left = left - 1
          if (left === 0) break
          const f0 = l1 - ((l0 * a0 + x2 * l2) >> 13)
          const f1 = l2 - ((l1 * a1 + x3 * l3) >> 13) + i1
          const f2 = l3 - ((l2 * a2 + x4 * l4) >> 13) + i2
          const f3 = l4 - ((l3 * a3 + x0 * l0) >> 13)
          const f4 = l0 - ((l4 * a4 + x1 * l1) >> 13)
          const p0 = l0 + ((3 * f0) >> 2)
          const p1 = l1 + ((3 * f1) >> 2)
          const p2 = l2 + ((3 * f2) >> 2)
          const p3 = l3 + ((3 * f3) >> 2)
          const p4 = l4 + ((3 * f4) >> 2)
          l0 += (3 * (f0 + p1 - ((p0 * a0 + x2 * p2) >> 13))) >> 3
          l1 += (3 * (f1 + p2 - ((p1 * a1 + x3 * p3) >> 13) + i1)) >> 3
          l2 += (3 * (f2 + p3 - ((p2 * a2 + x4 * p4) >> 13) + i2)) >> 3
          l3 += (3 * (f3 + p4 - ((p3 * a3 + x0 * p0) >> 13))) >> 3
          l4 += (3 * (f4 + p0 - ((p4 * a4 + x1 * p1) >> 13))) >> 3
        }
        // Last step: λ0, and λ1 where it has a synapse.
        const f0 = l1 - ((l0 * a0 + x2 * l2) >> 13)
        const f1 = l2 - ((l1 * a1 + x3 * l3) >> 13) + i1
        const f2 = l3 - ((l2 * a2 + x4 * l4) >> 13) + i2
        const p0 = l0 + ((3 * f0) >> 2)
        const p1 = l1 + ((3 * f1) >> 2)
        const p2 = l2 + ((3 * f2) >> 2)
        if (twoInputs) {
          const f3 = l4 - ((l3 * a3 + x0 * l0) >> 13)
          const p3 = l3 + ((3 * f3) >> 2)
          l1 += (3 * (f1 + p2 - ((p1 * a1 + x3 * p3) >> 13) + i1)) >> 3
          if (l1 < least) l1 = least
          if (l1 > limit) l1 = limit
          s1 += l1
        }
        l0 += (3 * (f0 + p1 - ((p0 * a0 + x2 * p2) >> 13))) >> 3
        if (l0 < least) l0 = least
        if (l0 > limit) l0 = limit
        s0 += l0
      }
    }
    if (own) {
      let u = m.getAt(sum, "i32") >> netShift
      if (u <= netMin || u >= netMax) s0 = 0
      else s0 = (s0 * reciprocal) >> 16
      if (s0 < least) s0 = least
      if (s0 > limit) s0 = limit
      m.setAt(lambda, "i16", s0)
      if (twoInputs) {
        u = m.getAt(sum + 4, "i32") >> netShift
        if (u <= netMin || u >= netMax) s1 = 0
        else s1 = (s1 * reciprocal) >> 16
        if (s1 < least) s1 = least
        if (s1 > limit) s1 = limit
        m.setAt(lambda + 2, "i16", s1)
      }
    }
    sum = sum + (inputs << 2)
    lambda = lambda + (inputs << 1)
    state = state + 10
  }
}
