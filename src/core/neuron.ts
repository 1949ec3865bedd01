/**
 * One neuron with parameters and fixed points of its own, settled in a scratch record: the ring of
 * five elements with K1 = 1, K2 = ½ and any K3 (paper 000 eq. 4.1), and the linear backward system at
 * a state. settle.ts has the kernels for K3 = ½; with K3 = ½ these give the same bits.
 */
import { FIXED_POINT, Header } from "./layout"

/** Fraction bits of K3: Q14 in int16. */
export const INHIBITION_BITS = 14
/** K3 = ½. */
export const INHIBITION = 8192

/** Offsets in the scratch record, each field five i32. */
export enum Neuron {
  /** Q12: net input u, or what drives the linear system. */
  Input = 0,
  /** K3, Q14; of the linear system: decay 2·(K2 + K3[i]·X[i−2]), Q12. */
  Inhibition = 20,
  /** Q12: elements, from start to end; of the linear system: coupling 2·K3[i]·X[i], Q12. */
  Element = 40,
  /** Q12: sums of the elements (of λ) after each step. */
  Sum = 60,
  /** Q12: mean backward signal of each element. */
  Lambda = 80,
  /** Q24: the first half of G. */
  Gradient = 100,
  /** Of the linear system: bit i is set where λ[i] stays zero. One i32. */
  Held = 120,
  Length = 124,
}

/**
 * Puts K3 and a start into the record. In reversed order (element −j in place j, with the K3 of the
 * pair that it is in) the forward equation is the backward one (paper 000 eq. 4.3).
 *
 * @param inhibition i16[5], Q14; 0: all ½
 * @param rest i16[5], Q12; 0: all 1
 */
export function loadNeuron(
  m: Buffer,
  at: number,
  inhibition: number,
  rest: number,
  reversed: boolean,
): void {
  for (let j = 0; j < 5; j++) {
    let e = j
    let k = j
    if (reversed) {
      e = j === 0 ? 0 : 5 - j
      k = j < 3 ? 2 - j : 7 - j
    }
    const k3 = inhibition === 0 ? INHIBITION : m.getAt(inhibition + k + k, "i16")
    const b = rest === 0 ? FIXED_POINT : m.getAt(rest + e + e, "i16")
    m.setAt(at + Neuron.Inhibition + (j << 2), "i32", k3)
    m.setAt(at + Neuron.Element + (j << 2), "i32", b)
  }
}

/**
 * Lets the fixed point of a neuron follow its K3: some steps without input from where it was. The
 * slowest mode loses a fifth of its distance in each step (|1 + z + z²/2| = 0.79 at z = ¾ of its
 * eigenvalue), and one sample moves K3 by a few 1/16384, so that two steps a sample keep up.
 *
 * @param rest i16[5], Q12
 * @param steps of 3/4
 */
export function relaxNeuron(
  m: Buffer,
  at: number,
  inhibition: number,
  rest: number,
  reversed: boolean,
  steps: number,
): void {
  loadNeuron(m, at, inhibition, rest, reversed)
  m.fillAt(at + Neuron.Input, 20, 0)
  settleNeuron(m, at, steps)
  for (let j = 0; j < 5; j++) {
    const e = reversed && j > 0 ? 5 - j : j
    m.setAt(rest + e + e, "i16", m.getAt(at + Neuron.Element + (j << 2), "i32"))
  }
}

/**
 * The ring driven by `Input` from `Element` for some Heun steps of 3/4:
 *
 *     dE[i]/dt = E[i−1] − ½·E[i] − K3[i]·E[i]·E[i−2] + u[i]
 *
 * Afterwards `Element` has the end, `Sum` the sums of the elements after each step.
 */
export function settleNeuron(m: Buffer, at: number, steps: number): void {
  const min = m.getAt(Header.ElementMin, "i16")
  const max = m.getAt(Header.ElementMax, "i16")
  const u0 = m.getAt(at + Neuron.Input, "i32")
  const u1 = m.getAt(at + Neuron.Input + 4, "i32")
  const u2 = m.getAt(at + Neuron.Input + 8, "i32")
  const u3 = m.getAt(at + Neuron.Input + 12, "i32")
  const u4 = m.getAt(at + Neuron.Input + 16, "i32")
  const k0 = m.getAt(at + Neuron.Inhibition, "i32")
  const k1 = m.getAt(at + Neuron.Inhibition + 4, "i32")
  const k2 = m.getAt(at + Neuron.Inhibition + 8, "i32")
  const k3 = m.getAt(at + Neuron.Inhibition + 12, "i32")
  const k4 = m.getAt(at + Neuron.Inhibition + 16, "i32")
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
    // Bounds in units of 1 (4096), for 0 < E <= 3, |u| <= 4 and K3 <= 0.85 (in Q14 13926):
    // E(1/2 + K3·E') <= 9.2, so -13.2 <= f <= 7, the predictor -8.25 <= p <= 8.25,
    // K3·p in Q26 < 2^29 and |p(1 + 2·K3·p')| <= 8.25 · 15.1 = 124, which in Q24 is 2.08e9 < 2^31.
    const f0 = e4 - ((e0 * (FIXED_POINT + ((k0 * e3) >> 13))) >> 13) + u0
    const f1 = e0 - ((e1 * (FIXED_POINT + ((k1 * e4) >> 13))) >> 13) + u1
    const f2 = e1 - ((e2 * (FIXED_POINT + ((k2 * e0) >> 13))) >> 13) + u2
    const f3 = e2 - ((e3 * (FIXED_POINT + ((k3 * e1) >> 13))) >> 13) + u3
    const f4 = e3 - ((e4 * (FIXED_POINT + ((k4 * e2) >> 13))) >> 13) + u4
    const p0 = e0 + ((3 * f0) >> 2)
    const p1 = e1 + ((3 * f1) >> 2)
    const p2 = e2 + ((3 * f2) >> 2)
    const p3 = e3 + ((3 * f3) >> 2)
    const p4 = e4 + ((3 * f4) >> 2)
    e0 += (3 * (f0 + p4 - ((p0 * (FIXED_POINT + ((k0 * p3) >> 13))) >> 13) + u0)) >> 3
    e1 += (3 * (f1 + p0 - ((p1 * (FIXED_POINT + ((k1 * p4) >> 13))) >> 13) + u1)) >> 3
    e2 += (3 * (f2 + p1 - ((p2 * (FIXED_POINT + ((k2 * p0) >> 13))) >> 13) + u2)) >> 3
    e3 += (3 * (f3 + p2 - ((p3 * (FIXED_POINT + ((k3 * p1) >> 13))) >> 13) + u3)) >> 3
    e4 += (3 * (f4 + p3 - ((p4 * (FIXED_POINT + ((k4 * p2) >> 13))) >> 13) + u4)) >> 3
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

/**
 * Puts the linear system at a state into the record: the transpose of the forward Jacobian there.
 *
 * @param inhibition i16[5], Q14; 0: all ½
 * @param state i16[5], Q12
 * @param holds whether λ of an element on a clamp stays zero, as it does at an end state
 */
export function loadAdjoint(
  m: Buffer,
  at: number,
  inhibition: number,
  state: number,
  holds: boolean,
): void {
  const min = m.getAt(Header.ElementMin, "i16")
  const max = m.getAt(Header.ElementMax, "i16")
  let held = 0
  for (let i = 0; i < 5; i++) {
    const k3 = inhibition === 0 ? INHIBITION : m.getAt(inhibition + i + i, "i16")
    const x = m.getAt(state + i + i, "i16")
    const inhibitor = i < 2 ? i + 3 : i - 2
    // K3 < 2^14, X ≤ 3·2^12.
    const by = (k3 * m.getAt(state + inhibitor + inhibitor, "i16")) >> 13
    m.setAt(at + Neuron.Inhibition + (i << 2), "i32", FIXED_POINT + by)
    m.setAt(at + Neuron.Element + (i << 2), "i32", (k3 * x) >> 13)
    if (holds && (x <= min || x >= max)) held = held | (1 << i)
  }
  m.setAt(at + Neuron.Held, "i32", held)
}

/**
 * The linear system driven by `Input` from zero (settle.ts, `settleBackward`):
 *
 *     dλ[i]/dt = λ[i+1] − (½ + K3[i]·X[i−2])·λ[i] − K3[i+2]·X[i+2]·λ[i+2] + in[i]
 *
 * Afterwards `Sum` has the sums of λ after each step.
 */
export function settleAdjoint(m: Buffer, at: number, steps: number): void {
  const limit = m.getAt(Header.LambdaMax, "i16")
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
    // In units of 1: |λ| and |in| ≤ limit ≤ 1.5, a ≤ 6.1 and b ≤ 5.1 (K3 ≤ 0.85, X ≤ 3), so
    // |f| ≤ 11.4, |p| ≤ 10.1 and (a + b)·|p| ≤ 113, which in Q24 is 1.9e9 < 2^31.
    let f0 = l1 - ((l0 * a0 + b2 * l2) >> 13) + i0
    let f1 = l2 - ((l1 * a1 + b3 * l3) >> 13) + i1
    let f2 = l3 - ((l2 * a2 + b4 * l4) >> 13) + i2
    let f3 = l4 - ((l3 * a3 + b0 * l0) >> 13) + i3
    let f4 = l0 - ((l4 * a4 + b1 * l1) >> 13) + i4
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
    l0 += (3 * (f0 + p1 - ((p0 * a0 + b2 * p2) >> 13) + i0)) >> 3
    l1 += (3 * (f1 + p2 - ((p1 * a1 + b3 * p3) >> 13) + i1)) >> 3
    l2 += (3 * (f2 + p3 - ((p2 * a2 + b4 * p4) >> 13) + i2)) >> 3
    l3 += (3 * (f3 + p4 - ((p3 * a3 + b0 * p0) >> 13) + i3)) >> 3
    l4 += (3 * (f4 + p0 - ((p4 * a4 + b1 * p1) >> 13) + i4)) >> 3
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
