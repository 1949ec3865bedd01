/**
 * Settling: the ring of five elements {J, S, M, H, T} driven by a constant input, forward and
 * backward, by improved Euler (Heun) with dt = 3/4.
 *
 * These kernels are for the uniform default parameters K1 = 1, K2 = ½, K3 = ½ (paper 001, 3.), for
 * which K2·E[i] + K3·E[i]·E[i−2] is one product: E[i]·(1 + E[i−2]) / 2, in Q12 `(E·(4096 + E')) >> 13`.
 */
import { FIXED_POINT, Header, Part } from "./layout"

/**
 * Forward settle of the part's neurons from…to−1 (paper 000 eq. 4.1, paper 001 eq. 2.3):
 *
 *     dE[i]/dt = K1·E[i−1] − K2·E[i] − K3·E[i]·E[i−2] + u[i]
 *
 * Each starts at its fixed point, gets the clamped net input for all steps, leaves its end state in
 * `Part.State` and its signals on the outgoing bus: the time-mean of the displacement D = E − B
 * (eq. 4.2), the sum of D after each of the steps 1…n times round(65536/n), shifted right (floor)
 * to the signal format.
 *
 * @param slot slot of the outgoing bus
 */
export function settleForward(
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
  const inputs = m.getAt(part + Part.Inputs, "u16")
  // At most three synapses then.
  const apart = m.getAt(part + Part.InputStep, "u8") > 1
  const outputFirst = m.getAt(part + Part.OutputFirst, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  const outputStep = m.getAt(part + Part.OutputStep, "u8")
  const outputEnd = outputFirst + outputs * outputStep
  const rest = steps * FIXED_POINT
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
    if (u0 < netMin) u0 = netMin
    if (u0 > netMax) u0 = netMax
    let u1 = 0
    let u2 = 0
    let u3 = 0
    let u4 = 0
    if (inputs > 1) {
      u1 = m.getAt(sum + 4, "i32") >> netShift
      if (u1 < netMin) u1 = netMin
      if (u1 > netMax) u1 = netMax
    }
    if (inputs > 2) {
      u2 = m.getAt(sum + 8, "i32") >> netShift
      if (u2 < netMin) u2 = netMin
      if (u2 > netMax) u2 = netMax
    }
    if (apart) {
      u4 = u2
      u2 = u1
      u1 = 0
    }
    if (inputs > 3) {
      u3 = m.getAt(sum + 12, "i32") >> netShift
      if (u3 < netMin) u3 = netMin
      if (u3 > netMax) u3 = netMax
    }
    if (inputs > 4) {
      u4 = m.getAt(sum + 16, "i32") >> netShift
      if (u4 < netMin) u4 = netMin
      if (u4 > netMax) u4 = netMax
    }
    sum = sum + (inputs << 2)

    let e0 = FIXED_POINT
    let e1 = FIXED_POINT
    let e2 = FIXED_POINT
    let e3 = FIXED_POINT
    let e4 = FIXED_POINT
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    let s4 = 0
    for (let step = 0; step < steps; step++) {
      // Bounds in units of 1 (4096), for 0 < E <= 3 and |u| <= 4: E(1+E')/2 <= 6, so
      // -10 <= f <= 7, the predictor -7.5 <= p <= 8.25 and |p(1+p')| <= 76.4, which in Q24 is
      // 1.28e9 < 2^31.
      const f0 = e4 - ((e0 * (FIXED_POINT + e3)) >> 13) + u0
      const f1 = e0 - ((e1 * (FIXED_POINT + e4)) >> 13) + u1
      const f2 = e1 - ((e2 * (FIXED_POINT + e0)) >> 13) + u2
      const f3 = e2 - ((e3 * (FIXED_POINT + e1)) >> 13) + u3
      const f4 = e3 - ((e4 * (FIXED_POINT + e2)) >> 13) + u4
      const p0 = e0 + ((3 * f0) >> 2)
      const p1 = e1 + ((3 * f1) >> 2)
      const p2 = e2 + ((3 * f2) >> 2)
      const p3 = e3 + ((3 * f3) >> 2)
      const p4 = e4 + ((3 * f4) >> 2)
      e0 += (3 * (f0 + p4 - ((p0 * (FIXED_POINT + p3)) >> 13) + u0)) >> 3
      e1 += (3 * (f1 + p0 - ((p1 * (FIXED_POINT + p4)) >> 13) + u1)) >> 3
      e2 += (3 * (f2 + p1 - ((p2 * (FIXED_POINT + p0)) >> 13) + u2)) >> 3
      e3 += (3 * (f3 + p2 - ((p3 * (FIXED_POINT + p1)) >> 13) + u3)) >> 3
      e4 += (3 * (f4 + p3 - ((p4 * (FIXED_POINT + p2)) >> 13) + u4)) >> 3
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
      if (outputFirst < 3) {
        s0 += e0
        s1 += e1
        s2 += e2
      }
      s3 += e3
      s4 += e4
    }
    m.setAt(state, "i16", e0)
    m.setAt(state + 2, "i16", e1)
    m.setAt(state + 4, "i16", e2)
    m.setAt(state + 6, "i16", e3)
    m.setAt(state + 8, "i16", e4)
    state = state + 10
    // |sum of D| ≤ steps · 3·4096 and reciprocal ≤ 65536/steps: |product| ≤ 3·2^28 < 2^31.
    for (let e = outputFirst; e < outputEnd; e += outputStep) {
      let s = s4
      if (e === 0) s = s0
      else if (e === 1) s = s1
      else if (e === 2) s = s2
      else if (e === 3) s = s3
      m.setAt(out, "i16", ((s - rest) * reciprocal) >> signalShift)
      out = out + 2
    }
  }
}

/**
 * Backward settle of the part's neurons from…to−1: the operating-point backward signal. It is the
 * transpose of the forward Jacobian at the neuron's own end state X, started at zero:
 *
 *     dλ[i]/dt = K1·λ[i+1] − (K2 + K3·X[i−2])·λ[i] − K3·X[i+2]·λ[i+2] + in[i]
 *
 * `in` are the sums of C·λ at this layer's signals (`Part.BackIn`), shifted to Q12 (finer by `Part.Finer`) and
 * clamped. The system is linear, so a finer λ takes the same bits and saturates earlier. An element that ended on a clamp keeps λ = 0; a synapse whose net input was clamped gets
 * λ = 0. The time-mean (as in the forward settle) goes to `Part.Lambda`, clamped.
 *
 */
export function settleBackward(m: Buffer, part: number, from: number, to: number): void {
  const steps = m.getAt(Header.Steps, "u16")
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const netShift = m.getAt(Header.NetShift, "u16")
  const netMin = m.getAt(Header.NetMin, "i16")
  const netMax = m.getAt(Header.NetMax, "i16")
  const min = m.getAt(Header.ElementMin, "i16")
  const max = m.getAt(Header.ElementMax, "i16")
  const limit = m.getAt(Header.LambdaMax, "i16")
  const backShift = m.getAt(part + Part.BackShift, "u16")
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const inputStep = m.getAt(part + Part.InputStep, "u8")
  const inputEnd = inputs * inputStep
  const outputFirst = m.getAt(part + Part.OutputFirst, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  const outputStep = m.getAt(part + Part.OutputStep, "u8")
  const outputEnd = outputFirst + outputs * outputStep
  let sum = m.getAt(part + Part.Sum, "i32") + ((from * inputs) << 2)
  let state = m.getAt(part + Part.State, "i32") + from * 10
  let lambda = m.getAt(part + Part.Lambda, "i32") + ((from * inputs) << 1)
  let back =
    m.getAt(part + Part.BackIn, "i32") +
    ((m.getAt(part + Part.BusOutFirst, "u16") + from * outputs) << 2)
  for (let neuron = from; neuron < to; neuron++) {
    let i0 = 0
    let i1 = 0
    let i2 = 0
    let i3 = 0
    let i4 = 0
    let driven = false
    for (let e = outputFirst; e < outputEnd; e += outputStep) {
      let v = m.getAt(back, "i32") >> backShift
      back = back + 4
      if (v < -limit) v = -limit
      if (v > limit) v = limit
      if (v !== 0) driven = true
      if (e === 0) i0 = v
      else if (e === 1) i1 = v
      else if (e === 2) i2 = v
      else if (e === 3) i3 = v
      else i4 = v
    }
    if (driven) {
      const x0 = m.getAt(state, "i16")
      const x1 = m.getAt(state + 2, "i16")
      const x2 = m.getAt(state + 4, "i16")
      const x3 = m.getAt(state + 6, "i16")
      const x4 = m.getAt(state + 8, "i16")
      const free0 = x0 > min && x0 < max
      const free1 = x1 > min && x1 < max
      const free2 = x2 > min && x2 < max
      const free3 = x3 > min && x3 < max
      const free4 = x4 > min && x4 < max
      const clamped = !(free0 && free1 && free2 && free3 && free4)
      // The factors of λ[i] on itself, 1 + X[i−2] in Q12 (2·(K2 + K3·X)).
      const a0 = FIXED_POINT + x3
      const a1 = FIXED_POINT + x4
      const a2 = FIXED_POINT + x0
      const a3 = FIXED_POINT + x1
      const a4 = FIXED_POINT + x2
      let l0 = 0
      let l1 = 0
      let l2 = 0
      let l3 = 0
      let l4 = 0
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      let s4 = 0
      for (let step = 0; step < steps; step++) {
        // |λ| ≤ limit ≤ 2·4096 and 0 < X ≤ 3·4096 give |f| ≤ 10·4096, |p| ≤ 9.5·4096, and
        // p·(1+X) + X·p ≤ 9.5·7·2^24 = 1.12e9 < 2^31.
        let f0 = l1 - ((l0 * a0 + x2 * l2) >> 13) + i0
        let f1 = l2 - ((l1 * a1 + x3 * l3) >> 13) + i1
        let f2 = l3 - ((l2 * a2 + x4 * l4) >> 13) + i2
        let f3 = l4 - ((l3 * a3 + x0 * l0) >> 13) + i3
        let f4 = l0 - ((l4 * a4 + x1 * l1) >> 13) + i4
        if (clamped) {
          // λ stays 0 where the element cannot move; l is 0 already, so f = 0 keeps p at 0.
          if (!free0) f0 = 0
          if (!free1) f1 = 0
          if (!free2) f2 = 0
          if (!free3) f3 = 0
          if (!free4) f4 = 0
        }
        const p0 = l0 + ((3 * f0) >> 2)
        const p1 = l1 + ((3 * f1) >> 2)
        const p2 = l2 + ((3 * f2) >> 2)
        const p3 = l3 + ((3 * f3) >> 2)
        const p4 = l4 + ((3 * f4) >> 2)
        l0 += (3 * (f0 + p1 - ((p0 * a0 + x2 * p2) >> 13) + i0)) >> 3
        l1 += (3 * (f1 + p2 - ((p1 * a1 + x3 * p3) >> 13) + i1)) >> 3
        l2 += (3 * (f2 + p3 - ((p2 * a2 + x4 * p4) >> 13) + i2)) >> 3
        l3 += (3 * (f3 + p4 - ((p3 * a3 + x0 * p0) >> 13) + i3)) >> 3
        l4 += (3 * (f4 + p0 - ((p4 * a4 + x1 * p1) >> 13) + i4)) >> 3
        if (clamped) {
          if (!free0) l0 = 0
          if (!free1) l1 = 0
          if (!free2) l2 = 0
          if (!free3) l3 = 0
          if (!free4) l4 = 0
        }
        if (l0 < -limit) l0 = -limit
        if (l0 > limit) l0 = limit
        if (l1 < -limit) l1 = -limit
        if (l1 > limit) l1 = limit
        if (l2 < -limit) l2 = -limit
        if (l2 > limit) l2 = limit
        if (l3 < -limit) l3 = -limit
        if (l3 > limit) l3 = limit
        if (l4 < -limit) l4 = -limit
        if (l4 > limit) l4 = limit
        s0 += l0
        s1 += l1
        s2 += l2
        s3 += l3
        s4 += l4
      }
      for (let e = 0; e < inputEnd; e += inputStep) {
        let s = s4
        if (e === 0) s = s0
        else if (e === 1) s = s1
        else if (e === 2) s = s2
        else if (e === 3) s = s3
        const u = m.getAt(sum, "i32") >> netShift
        // |s| ≤ steps · 2·4096: |s · reciprocal| ≤ 2^29.
        if (u <= netMin || u >= netMax) s = 0
        else s = (s * reciprocal) >> 16
        // The floor and a reciprocal rounded up can take the mean one step past the clamp.
        if (s < -limit) s = -limit
        if (s > limit) s = limit
        m.setAt(lambda, "i16", s)
        sum = sum + 4
        lambda = lambda + 2
      }
    } else {
      m.fillAt(lambda, inputs << 1, 0)
      sum = sum + (inputs << 2)
      lambda = lambda + (inputs << 1)
    }
    state = state + 10
  }
}
