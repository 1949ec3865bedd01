/**
 * One neuron whose ring has other K1, K2 and K3 than 1, ½ and ½, the same for all its elements, settled
 * in a scratch record as neuron.ts does. K3 is K1 − K2, so that the fixed point B = (K1 − K2)/K3 (paper
 * 000 eq. 3.4) is 1: another K3 is another unit of the elements. With K1 = 1 and K2 = ½ these give the
 * bits of neuron.ts.
 */
import { Header } from "./layout"
import { Neuron } from "./neuron"

/** Largest K1 and K3, Q12: bounds below count on them. */
export const MOST_GENERATION = 4096
export const MOST_RING_INHIBITION = 3481

/**
 * The ring driven by `Input` from `Element` for some Heun steps of 3/4:
 *
 *     dE[i]/dt = K1·E[i−1] − K2·E[i] − K3·E[i]·E[i−2] + u[i]
 *
 * As `settleNeuron`; loaded in reversed order it is the backward equation, as all elements are alike.
 */
export function settleRingNeuron(m: Buffer, at: number, steps: number): void {
  const min = m.getAt(Header.ElementMin, "i16")
  const max = m.getAt(Header.ElementMax, "i16")
  // At most 2^12.
  const k1 = m.getAt(Header.Generation, "i16")
  const k2 = m.getAt(Header.Decay, "i16")
  const k3 = k1 - k2
  // 2·K2, Q12.
  const decay = k2 << 1
  const u0 = m.getAt(at + Neuron.Input, "i32")
  const u1 = m.getAt(at + Neuron.Input + 4, "i32")
  const u2 = m.getAt(at + Neuron.Input + 8, "i32")
  const u3 = m.getAt(at + Neuron.Input + 12, "i32")
  const u4 = m.getAt(at + Neuron.Input + 16, "i32")
  let e0 = m.getAt(at + Neuron.Element, "i32")
  let e1 = m.getAt(at + Neuron.Element + 4, "i32")
  let e2 = m.getAt(at + Neuron.Element + 8, "i32")
  let e3 = m.getAt(at + Neuron.Element + 12, "i32")
  let e4 = m.getAt(at + Neuron.Element + 16, "i32")
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  let s4 = 0
  for (let step = 0; step < steps; step++) {
    // Bounds in units of 1 (4096), for 0 < E ≤ 3, |u| ≤ 4, K1 ≤ 1, K3 ≤ 0.85 and K2 + K3 = K1:
    // E(K2 + K3·E') ≤ 3(1 + 2·0.85) = 8.1, so −12.1 ≤ f ≤ 7 and −6.1 ≤ p ≤ 8.25;
    // K3·p below 2^27, |p(2·K2 + 2·K3·p')| ≤ 8.25 · 14.4 = 119, which in Q24 is 1.99e9 < 2^31.
    const f0 = ((k1 * e4) >> 12) - ((e0 * (decay + ((k3 * e3) >> 11))) >> 13) + u0
    const f1 = ((k1 * e0) >> 12) - ((e1 * (decay + ((k3 * e4) >> 11))) >> 13) + u1
    const f2 = ((k1 * e1) >> 12) - ((e2 * (decay + ((k3 * e0) >> 11))) >> 13) + u2
    const f3 = ((k1 * e2) >> 12) - ((e3 * (decay + ((k3 * e1) >> 11))) >> 13) + u3
    const f4 = ((k1 * e3) >> 12) - ((e4 * (decay + ((k3 * e2) >> 11))) >> 13) + u4
    const p0 = e0 + ((3 * f0) >> 2)
    const p1 = e1 + ((3 * f1) >> 2)
    const p2 = e2 + ((3 * f2) >> 2)
    const p3 = e3 + ((3 * f3) >> 2)
    const p4 = e4 + ((3 * f4) >> 2)
    e0 += (3 * (f0 + ((k1 * p4) >> 12) - ((p0 * (decay + ((k3 * p3) >> 11))) >> 13) + u0)) >> 3
    e1 += (3 * (f1 + ((k1 * p0) >> 12) - ((p1 * (decay + ((k3 * p4) >> 11))) >> 13) + u1)) >> 3
    e2 += (3 * (f2 + ((k1 * p1) >> 12) - ((p2 * (decay + ((k3 * p0) >> 11))) >> 13) + u2)) >> 3
    e3 += (3 * (f3 + ((k1 * p2) >> 12) - ((p3 * (decay + ((k3 * p1) >> 11))) >> 13) + u3)) >> 3
    e4 += (3 * (f4 + ((k1 * p3) >> 12) - ((p4 * (decay + ((k3 * p2) >> 11))) >> 13) + u4)) >> 3
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
    s0 += e0
    s1 += e1
    s2 += e2
    s3 += e3
    s4 += e4
  }
  m.setAt(at + Neuron.Element, "i32", e0)
  m.setAt(at + Neuron.Element + 4, "i32", e1)
  m.setAt(at + Neuron.Element + 8, "i32", e2)
  m.setAt(at + Neuron.Element + 12, "i32", e3)
  m.setAt(at + Neuron.Element + 16, "i32", e4)
  m.setAt(at + Neuron.Sum, "i32", s0)
  m.setAt(at + Neuron.Sum + 4, "i32", s1)
  m.setAt(at + Neuron.Sum + 8, "i32", s2)
  m.setAt(at + Neuron.Sum + 12, "i32", s3)
  m.setAt(at + Neuron.Sum + 16, "i32", s4)
}

/** As `loadAdjoint` (neuron.ts), of such a ring. */
export function loadRingAdjoint(m: Buffer, at: number, state: number, holds: boolean): void {
  const min = m.getAt(Header.ElementMin, "i16")
  const max = m.getAt(Header.ElementMax, "i16")
  const k2 = m.getAt(Header.Decay, "u16")
  const k3 = m.getAt(Header.Generation, "u16") - k2
  let held = 0
  for (let i = 0; i < 5; i++) {
    const x = m.getAt(state + i + i, "i16")
    const inhibitor = i < 2 ? i + 3 : i - 2
    // K3 < 2^12, X ≤ 3·2^12.
    const by = (k3 * m.getAt(state + inhibitor + inhibitor, "i16")) >> 11
    m.setAt(at + Neuron.Inhibition + (i << 2), "i32", (k2 << 1) + by)
    m.setAt(at + Neuron.Element + (i << 2), "i32", (k3 * x) >> 11)
    if (holds && (x <= min || x >= max)) held = held | (1 << i)
  }
  m.setAt(at + Neuron.Held, "i32", held)
}

/**
 * As `settleAdjoint` (neuron.ts), with K1:
 *
 *     dλ[i]/dt = K1·λ[i+1] − (K2 + K3·X[i−2])·λ[i] − K3·X[i+2]·λ[i+2] + in[i]
 */
export function settleRingAdjoint(m: Buffer, at: number, steps: number): void {
  const limit = m.getAt(Header.LambdaMax, "i16")
  const k1 = m.getAt(Header.Generation, "u16")
  const held = m.getAt(at + Neuron.Held, "i32")
  const free0 = (held & 1) === 0
  const free1 = (held & 2) === 0
  const free2 = (held & 4) === 0
  const free3 = (held & 8) === 0
  const free4 = (held & 16) === 0
  const i0 = m.getAt(at + Neuron.Input, "i32")
  const i1 = m.getAt(at + Neuron.Input + 4, "i32")
  const i2 = m.getAt(at + Neuron.Input + 8, "i32")
  const i3 = m.getAt(at + Neuron.Input + 12, "i32")
  const i4 = m.getAt(at + Neuron.Input + 16, "i32")
  const a0 = m.getAt(at + Neuron.Inhibition, "i32")
  const a1 = m.getAt(at + Neuron.Inhibition + 4, "i32")
  const a2 = m.getAt(at + Neuron.Inhibition + 8, "i32")
  const a3 = m.getAt(at + Neuron.Inhibition + 12, "i32")
  const a4 = m.getAt(at + Neuron.Inhibition + 16, "i32")
  const b0 = m.getAt(at + Neuron.Element, "i32")
  const b1 = m.getAt(at + Neuron.Element + 4, "i32")
  const b2 = m.getAt(at + Neuron.Element + 8, "i32")
  const b3 = m.getAt(at + Neuron.Element + 12, "i32")
  const b4 = m.getAt(at + Neuron.Element + 16, "i32")
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
    // In units of 1: |λ| and |in| ≤ limit ≤ 1.5, a ≤ 2(1 + 2·0.85) = 5.4 and b ≤ 5.1, so
    // |f| ≤ 10.9, |p| ≤ 9.7 and (a + b)·|p| ≤ 102, which in Q24 is 1.72e9 < 2^31.
    let f0 = ((k1 * l1) >> 12) - ((l0 * a0 + b2 * l2) >> 13) + i0
    let f1 = ((k1 * l2) >> 12) - ((l1 * a1 + b3 * l3) >> 13) + i1
    let f2 = ((k1 * l3) >> 12) - ((l2 * a2 + b4 * l4) >> 13) + i2
    let f3 = ((k1 * l4) >> 12) - ((l3 * a3 + b0 * l0) >> 13) + i3
    let f4 = ((k1 * l0) >> 12) - ((l4 * a4 + b1 * l1) >> 13) + i4
    if (held !== 0) {
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
    l0 += (3 * (f0 + ((k1 * p1) >> 12) - ((p0 * a0 + b2 * p2) >> 13) + i0)) >> 3
    l1 += (3 * (f1 + ((k1 * p2) >> 12) - ((p1 * a1 + b3 * p3) >> 13) + i1)) >> 3
    l2 += (3 * (f2 + ((k1 * p3) >> 12) - ((p2 * a2 + b4 * p4) >> 13) + i2)) >> 3
    l3 += (3 * (f3 + ((k1 * p4) >> 12) - ((p3 * a3 + b0 * p0) >> 13) + i3)) >> 3
    l4 += (3 * (f4 + ((k1 * p0) >> 12) - ((p4 * a4 + b1 * p1) >> 13) + i4)) >> 3
    if (held !== 0) {
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
  m.setAt(at + Neuron.Sum, "i32", s0)
  m.setAt(at + Neuron.Sum + 4, "i32", s1)
  m.setAt(at + Neuron.Sum + 8, "i32", s2)
  m.setAt(at + Neuron.Sum + 12, "i32", s3)
  m.setAt(at + Neuron.Sum + 16, "i32", s4)
}
