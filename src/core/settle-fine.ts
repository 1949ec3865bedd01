/**
 * Settling in a finer format, for networks of single links: their signals are small and pass many
 * layers. The ring of five elements, forward and backward, by improved Euler with dt = 3/4, as
 * settle.ts, but in displacements D = E − 1 rather than elements:
 *
 *     dD[i]/dt = D[i−1] − D[i] − ½·(D[i−2] + D[i]·D[i−2]) + u[i]
 *
 * which is the forward equation (paper 000 eq. 4.1) with K1 = 1, K2 = K3 = ½. Only the product needs
 * factors of fewer bits, and it is the smaller the smaller the signals; all else is exact in Q16.
 * Clamps in the header are Q12 as for all networks.
 */
import { FIXED_POINT, Header, Part, PartFlag } from "./layout"

/** From Q12 to the Q16 of a settle; from there to the Q14 of what is stored. */
const FINER = 4
const STORED = 2

/**
 * As `settleForward` (settle.ts). Net inputs, and displacements while they settle, are Q16; `Part.State`
 * gets the displacements at the end, Q14; the bus their time-means in the signal format, rounded to
 * the nearest.
 *
 * @param slot slot of the outgoing bus
 */
export function settleForwardFine(
  m: Buffer,
  part: number,
  slot: number,
  from: number,
  to: number,
): void {
  const steps = m.getAt(Header.Steps, "u16")
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const signalShift = m.getAt(Header.SignalShift, "u16")
  const rounding = 1 << (signalShift - 1)
  const netShift = m.getAt(Header.NetShift, "u16")
  const netMin = m.getAt(Header.NetMin, "i16") << FINER
  const netMax = m.getAt(Header.NetMax, "i16") << FINER
  const min = (m.getAt(Header.ElementMin, "i16") - FIXED_POINT) << FINER
  const max = (m.getAt(Header.ElementMax, "i16") - FIXED_POINT) << FINER
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputFirst = m.getAt(part + Part.OutputFirst, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
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

    let d0 = 0
    let d1 = 0
    let d2 = 0
    let d3 = 0
    let d4 = 0
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    let s4 = 0
    // Without input a neuron stays where it is, at the fixed point: as many do whose pixels are blank.
    let left = steps
    if ((u0 | u1 | u2 | u3 | u4) === 0) left = 0
    while (left > 0) {
      left = left - 1
      // Bounds in units of 1 (65536), for −1 < D <= 1.875 and |u| <= 2: with E = 1 + D,
      // f = E' − E(1 + E'')/2 + u lies in −8…5 and E + ¾f in −3…5.6, so the predictor is
      // −4 <= p <= 4.6. Its products, of factors in Q13, are below 21.4 in Q26: 1.44e9 < 2^31.
      const f0 = d4 - d0 - ((d3 + (((d0 >> 3) * (d3 >> 3)) >> 10)) >> 1) + u0
      const f1 = d0 - d1 - ((d4 + (((d1 >> 3) * (d4 >> 3)) >> 10)) >> 1) + u1
      const f2 = d1 - d2 - ((d0 + (((d2 >> 3) * (d0 >> 3)) >> 10)) >> 1) + u2
      const f3 = d2 - d3 - ((d1 + (((d3 >> 3) * (d1 >> 3)) >> 10)) >> 1) + u3
      const f4 = d3 - d4 - ((d2 + (((d4 >> 3) * (d2 >> 3)) >> 10)) >> 1) + u4
      const p0 = d0 + ((3 * f0) >> 2)
      const p1 = d1 + ((3 * f1) >> 2)
      const p2 = d2 + ((3 * f2) >> 2)
      const p3 = d3 + ((3 * f3) >> 2)
      const p4 = d4 + ((3 * f4) >> 2)
      d0 += (3 * (f0 + p4 - p0 - ((p3 + (((p0 >> 3) * (p3 >> 3)) >> 10)) >> 1) + u0)) >> 3
      d1 += (3 * (f1 + p0 - p1 - ((p4 + (((p1 >> 3) * (p4 >> 3)) >> 10)) >> 1) + u1)) >> 3
      d2 += (3 * (f2 + p1 - p2 - ((p0 + (((p2 >> 3) * (p0 >> 3)) >> 10)) >> 1) + u2)) >> 3
      d3 += (3 * (f3 + p2 - p3 - ((p1 + (((p3 >> 3) * (p1 >> 3)) >> 10)) >> 1) + u3)) >> 3
      d4 += (3 * (f4 + p3 - p4 - ((p2 + (((p4 >> 3) * (p2 >> 3)) >> 10)) >> 1) + u4)) >> 3
      if (d0 < min) d0 = min
      if (d0 > max) d0 = max
      if (d1 < min) d1 = min
      if (d1 > max) d1 = max
      if (d2 < min) d2 = min
      if (d2 > max) d2 = max
      if (d3 < min) d3 = min
      if (d3 > max) d3 = max
      if (d4 < min) d4 = min
      if (d4 > max) d4 = max
      s0 += d0
      s1 += d1
      s2 += d2
      s3 += d3
      s4 += d4
    }
    m.setAt(state, "i16", d0 >> STORED)
    m.setAt(state + 2, "i16", d1 >> STORED)
    m.setAt(state + 4, "i16", d2 >> STORED)
    m.setAt(state + 6, "i16", d3 >> STORED)
    m.setAt(state + 8, "i16", d4 >> STORED)
    state = state + 10
    // In Q14 |sum| <= steps · 1.875·2^14; steps · reciprocal <= 65544, and the rounding at most 2^23:
    // the product is below 2.03e9 < 2^31.
    for (let e = outputFirst; e < outputFirst + outputs; e++) {
      let s = s4
      if (e === 0) s = s0
      else if (e === 1) s = s1
      else if (e === 2) s = s2
      else if (e === 3) s = s3
      m.setAt(out, "i16", ((s >> STORED) * reciprocal + rounding) >> signalShift)
      out = out + 2
    }
  }
}

/**
 * As `settleBackward` (settle.ts): the linear system at the neuron's end state X = 1 + D,
 *
 *     dλ[i]/dt = λ[i+1] − λ[i] − ½·(λ[i+2] + D[i−2]·λ[i] + D[i+2]·λ[i+2]) + in[i]
 *
 * λ is Q16 while it settles and Q14 in `Part.Lambda`. `in` are the error at the outputs (Q25), for
 * other layers sums of C·λ (Q27).
 */
export function settleBackwardFine(m: Buffer, part: number, from: number, to: number): void {
  const steps = m.getAt(Header.Steps, "u16")
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const netShift = m.getAt(Header.NetShift, "u16")
  const netMin = m.getAt(Header.NetMin, "i16") << FINER
  const netMax = m.getAt(Header.NetMax, "i16") << FINER
  const min = (m.getAt(Header.ElementMin, "i16") - FIXED_POINT) << STORED
  const max = (m.getAt(Header.ElementMax, "i16") - FIXED_POINT) << STORED
  const limit = m.getAt(Header.LambdaMax, "i16") << FINER
  const stored = limit >> STORED
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputFirst = m.getAt(part + Part.OutputFirst, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  const backShift = (m.getAt(part + Part.Flags, "u16") & PartFlag.Output) !== 0 ? 9 : 11
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
    for (let e = outputFirst; e < outputFirst + outputs; e++) {
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
      let x0 = m.getAt(state, "i16")
      let x1 = m.getAt(state + 2, "i16")
      let x2 = m.getAt(state + 4, "i16")
      let x3 = m.getAt(state + 6, "i16")
      let x4 = m.getAt(state + 8, "i16")
      const free0 = x0 > min && x0 < max
      const free1 = x1 > min && x1 < max
      const free2 = x2 > min && x2 < max
      const free3 = x3 > min && x3 < max
      const free4 = x4 > min && x4 < max
      const clamped = !(free0 && free1 && free2 && free3 && free4)
      // Factors in Q12.
      x0 = x0 >> 2
      x1 = x1 >> 2
      x2 = x2 >> 2
      x3 = x3 >> 2
      x4 = x4 >> 2
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
        // |λ|, |in| <= limit <= 1.5 (in units of 65536) and −1 < D <= 1.875 give |f| <= 5.4·1.5 and
        // |p| <= 5.05·1.5; two products with |D|, in Q26, are below 28.5: 1.91e9 < 2^31.
        let f0 = l1 - l0 - ((l2 + ((x3 * (l0 >> 2) + x2 * (l2 >> 2)) >> 10)) >> 1) + i0
        let f1 = l2 - l1 - ((l3 + ((x4 * (l1 >> 2) + x3 * (l3 >> 2)) >> 10)) >> 1) + i1
        let f2 = l3 - l2 - ((l4 + ((x0 * (l2 >> 2) + x4 * (l4 >> 2)) >> 10)) >> 1) + i2
        let f3 = l4 - l3 - ((l0 + ((x1 * (l3 >> 2) + x0 * (l0 >> 2)) >> 10)) >> 1) + i3
        let f4 = l0 - l4 - ((l1 + ((x2 * (l4 >> 2) + x1 * (l1 >> 2)) >> 10)) >> 1) + i4
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
        l0 +=
          (3 * (f0 + p1 - p0 - ((p2 + ((x3 * (p0 >> 2) + x2 * (p2 >> 2)) >> 10)) >> 1) + i0)) >> 3
        l1 +=
          (3 * (f1 + p2 - p1 - ((p3 + ((x4 * (p1 >> 2) + x3 * (p3 >> 2)) >> 10)) >> 1) + i1)) >> 3
        l2 +=
          (3 * (f2 + p3 - p2 - ((p4 + ((x0 * (p2 >> 2) + x4 * (p4 >> 2)) >> 10)) >> 1) + i2)) >> 3
        l3 +=
          (3 * (f3 + p4 - p3 - ((p0 + ((x1 * (p3 >> 2) + x0 * (p0 >> 2)) >> 10)) >> 1) + i3)) >> 3
        l4 +=
          (3 * (f4 + p0 - p4 - ((p1 + ((x2 * (p4 >> 2) + x1 * (p1 >> 2)) >> 10)) >> 1) + i4)) >> 3
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
      for (let e = 0; e < inputs; e++) {
        let s = s4
        if (e === 0) s = s0
        else if (e === 1) s = s1
        else if (e === 2) s = s2
        else if (e === 3) s = s3
        const u = m.getAt(sum, "i32") >> netShift
        // In Q14 |s| <= steps · 1.5·2^14, so the product is below 1.62e9.
        if (u <= netMin || u >= netMax) s = 0
        else s = ((s >> STORED) * reciprocal + 32768) >> 16
        // The rounding can take the mean one step past the clamp.
        if (s < -stored) s = -stored
        if (s > stored) s = stored
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
