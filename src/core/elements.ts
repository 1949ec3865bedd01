/**
 * Neurons with parameters of their own, and method 1, which teaches them (papers 000 eq. 5.4–5.7): the
 * forward and backward passes of run.ts for the rules `elements`, `mixed` and for the papers' own
 * backward signal. A neuron is settled in a scratch record (neuron.ts).
 */
import { bounded } from "../base/atan"
import { mix16 } from "../base/random"
import { BATCHED } from "./batched"
import { FIXED_POINT, Header, Part, Rule } from "./layout"
import { loadAdjoint, loadNeuron, Neuron, relaxNeuron, settleAdjoint, settleNeuron } from "./neuron"
import { controlled } from "./pid"
import { loadRingAdjoint, settleRingAdjoint, settleRingNeuron } from "./ring-neuron"

/** Steps by which the fixed points follow after each sample, and after a batch of them. */
const RELAX_STEPS = 2
const MERGE_STEPS = 6
const ELEMENT_SALT = 29017
/** Largest quarter of a controlled change of K3, so that four of them times K3 fit 32 bits. */
const MOST_QUARTER = 2097151

/**
 * Forward settle of the neurons from…to−1 (as settle.ts) with their own K3 and B; also leaves the mean
 * displacement of every element.
 */
export function settleForwardOwn(
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
  const scratch = m.getAt(Header.Scratch, "i32")
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputFirst = m.getAt(part + Part.OutputFirst, "u16")
  const inputStep = m.getAt(part + Part.InputStep, "u8")
  const outputStep = m.getAt(part + Part.OutputStep, "u8")
  const outputEnd = outputFirst + m.getAt(part + Part.Outputs, "u16") * outputStep
  let inhibition = m.getAt(part + Part.Inhibition, "i32")
  let rest = m.getAt(part + Part.Rest, "i32")
  let displacement = m.getAt(part + Part.Displacement, "i32")
  const ring = (m.getAt(Header.Rule, "u16") & Rule.Ring) !== 0
  let stride = 10
  if (inhibition === 0) stride = 0
  inhibition = inhibition + from * stride
  rest = rest + from * stride
  displacement = displacement + from * 10
  let sum = m.getAt(part + Part.Sum, "i32") + ((from * inputs) << 2)
  let state = m.getAt(part + Part.State, "i32") + from * 10
  let out =
    m.getAt(part + Part.BusOut, "i32") +
    ((slot * m.getAt(part + Part.BusOutWidth, "u16") +
      m.getAt(part + Part.BusOutFirst, "u16") +
      from * m.getAt(part + Part.Outputs, "u16")) <<
      1)
  for (let neuron = from; neuron < to; neuron++) {
    m.fillAt(scratch + Neuron.Input, 20, 0)
    for (let i = 0; i < inputs; i++) {
      let u = m.getAt(sum, "i32") >> netShift
      if (u < netMin) u = netMin
      if (u > netMax) u = netMax
      m.setAt(scratch + Neuron.Input + ((i * inputStep) << 2), "i32", u)
      sum = sum + 4
    }
    loadNeuron(m, scratch, inhibition, rest, false)
    if (ring) settleRingNeuron(m, scratch, steps)
    else settleNeuron(m, scratch, steps)
    let output = outputFirst
    for (let i = 0; i < 5; i++) {
      m.setAt(state + i + i, "i16", m.getAt(scratch + Neuron.Element + (i << 2), "i32"))
      let b = FIXED_POINT
      if (stride !== 0) b = m.getAt(rest + i + i, "i16")
      // |sum of D| ≤ steps · 3·4096 and reciprocal ≤ 65536/steps: |product| ≤ 3·2^28 < 2^31.
      const d = (m.getAt(scratch + Neuron.Sum + (i << 2), "i32") - steps * b) * reciprocal
      m.setAt(displacement + i + i, "i16", d >> 16)
      if (i === output && i < outputEnd) {
        m.setAt(out, "i16", d >> signalShift)
        out = out + 2
        output = output + outputStep
      }
    }
    state = state + 10
    displacement = displacement + 10
    inhibition = inhibition + stride
    rest = rest + stride
  }
}

/**
 * Backward settle of the neurons from…to−1: the mean backward signal of every element, by the linear
 * system at the operating point or by the papers' backward equation; from it λ of the synapses and,
 * by method 1, the change of K3. Fixed points then follow by relaxation.
 *
 * Bsp: what comes in is clamped as net inputs are, D̂ = Ê − B̂ (paper 000 eq. 5.4). In either a synapse
 * whose net input was clamped gets λ = 0.
 */
export function settleBackwardOwn(m: Buffer, part: number, from: number, to: number): void {
  const rule = m.getAt(Header.Rule, "u16")
  const bsp = (rule & Rule.Bsp) !== 0
  const netShift = m.getAt(Header.NetShift, "u16")
  const netMin = m.getAt(Header.NetMin, "i16")
  const netMax = m.getAt(Header.NetMax, "i16")
  const limit = m.getAt(Header.LambdaMax, "i16")
  const scratch = m.getAt(Header.Scratch, "i32")
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputFirst = m.getAt(part + Part.OutputFirst, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  const inputStep = m.getAt(part + Part.InputStep, "u8")
  const outputStep = m.getAt(part + Part.OutputStep, "u8")
  const outputEnd = outputFirst + outputs * outputStep
  let least = -limit
  let most = limit
  if (bsp) {
    least = netMin
    most = netMax
  }
  let sum = m.getAt(part + Part.Sum, "i32") + ((from * inputs) << 2)
  let lambda = m.getAt(part + Part.Lambda, "i32") + ((from * inputs) << 1)
  let back =
    m.getAt(part + Part.BackIn, "i32") +
    ((m.getAt(part + Part.BusOutFirst, "u16") + from * outputs) << 2)
  for (let neuron = from; neuron < to; neuron++) {
    let driven = false
    m.fillAt(scratch + Neuron.Input, 20, 0)
    for (let e = outputFirst; e < outputEnd; e += outputStep) {
      let v = m.getAt(back, "i32") >> 13
      back = back + 4
      if (v < least) v = least
      if (v > most) v = most
      if (v !== 0) driven = true
      let place = e
      if (bsp && e > 0) place = 5 - e
      m.setAt(scratch + Neuron.Input + (place << 2), "i32", v)
    }
    if (driven) {
      if (bsp) backwardEquation(m, part, scratch, neuron)
      else adjoint(m, part, scratch, neuron, m.getAt(part + Part.State, "i32") + neuron * 10, true)
      for (let i = 0; i < inputs; i++) {
        const u = m.getAt(sum, "i32") >> netShift
        let l = m.getAt(scratch + Neuron.Lambda + ((i * inputStep) << 2), "i32")
        if (u <= netMin || u >= netMax) l = 0
        m.setAt(lambda, "i16", l)
        sum = sum + 4
        lambda = lambda + 2
      }
      if ((rule & Rule.Elements) !== 0) learnElements(m, part, scratch, neuron, rule)
    } else {
      m.fillAt(lambda, inputs << 1, 0)
      sum = sum + (inputs << 2)
      lambda = lambda + (inputs << 1)
    }
    if (!BATCHED && (rule & Rule.Elements) !== 0) relaxPart(m, part, scratch, neuron, RELAX_STEPS)
  }
}

/** Mean λ of every element into the record, from what drives it: the linear system at a state. */
function adjoint(
  m: Buffer,
  part: number,
  scratch: number,
  neuron: number,
  state: number,
  holds: boolean,
): void {
  let inhibition = m.getAt(part + Part.Inhibition, "i32")
  if (inhibition !== 0) inhibition = inhibition + neuron * 10
  const steps = m.getAt(Header.Steps, "u16")
  if ((m.getAt(Header.Rule, "u16") & Rule.Ring) !== 0) {
    loadRingAdjoint(m, scratch, state, holds)
    settleRingAdjoint(m, scratch, steps)
  } else {
    loadAdjoint(m, scratch, inhibition, state, holds)
    settleAdjoint(m, scratch, steps)
  }
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const limit = m.getAt(Header.LambdaMax, "i16")
  for (let i = 0; i < 20; i += 4) {
    // |s| ≤ steps · 2·4096: |s · reciprocal| ≤ 2^29.
    let l = (m.getAt(scratch + Neuron.Sum + i, "i32") * reciprocal) >> 16
    if (l < -limit) l = -limit
    if (l > limit) l = limit
    m.setAt(scratch + Neuron.Lambda + i, "i32", l)
  }
}

/** Mean D̂ of every element into the record: the backward equation from B̂ (paper 001 eq. 2.5, 2.6). */
function backwardEquation(m: Buffer, part: number, scratch: number, neuron: number): void {
  const steps = m.getAt(Header.Steps, "u16")
  const reciprocal = m.getAt(Header.Reciprocal, "u16")
  const limit = m.getAt(Header.LambdaMax, "i16")
  let inhibition = m.getAt(part + Part.Inhibition, "i32")
  let rest = m.getAt(part + Part.RestBack, "i32")
  if (inhibition !== 0) inhibition = inhibition + neuron * 10
  if (rest !== 0) rest = rest + neuron * 10
  loadNeuron(m, scratch, inhibition, rest, true)
  if ((m.getAt(Header.Rule, "u16") & Rule.Ring) !== 0) settleRingNeuron(m, scratch, steps)
  else settleNeuron(m, scratch, steps)
  for (let e = 0; e < 5; e++) {
    let place = e
    if (e > 0) place = 5 - e
    let b = FIXED_POINT
    if (rest !== 0) b = m.getAt(rest + e + e, "i16")
    // As the forward sums.
    let l = ((m.getAt(scratch + Neuron.Sum + (place << 2), "i32") - steps * b) * reciprocal) >> 16
    if (l < -limit) l = -limit
    if (l > limit) l = limit
    m.setAt(scratch + Neuron.Lambda + (e << 2), "i32", l)
  }
}

/**
 * Method 1 (paper 000 eq. 5.5–5.7): G of each element, bounded, changes its K3 in proportion to K3. A
 * larger K3 lowers an element. G is the product of the papers, mean D · mean D̂, or what it stands
 * for, the gradient at the operating point, with the way the fixed point itself moves:
 *
 *     −dL/dK3[i] = −(λ_X[i]·X[i]·X[i−2] − λ_B[i]·B[i]·B[i−2]) = −G
 *
 * where λ_X, λ_B are the linear backward signals at the end state X and at the fixed point B.
 */
function learnElements(
  m: Buffer,
  part: number,
  scratch: number,
  neuron: number,
  rule: number,
): void {
  const shift = m.getAt(Header.ElementShift, "u16")
  const bound = m.getAt(Header.ElementBound, "u16")
  const mask = (1 << shift) - 1
  const spread = shift > 16 ? shift - 16 : 0
  const random = m.getAt(Header.SampleRandom, "u16")
  const at = neuron * 10
  const inhibition = m.getAt(part + Part.Inhibition, "i32") + at
  const state = m.getAt(part + Part.State, "i32") + at
  const rest = m.getAt(part + Part.Rest, "i32") + at
  const displacement = m.getAt(part + Part.Displacement, "i32") + at
  const ids = m.getAt(part + Part.NeuronIds, "i32")
  let first = neuron
  if (ids !== 0) first = m.getAt(ids + neuron + neuron, "u16")
  first = m.getAt(part + Part.FirstElement, "u16") + first * 5
  const gradient = (rule & Rule.Gradient) !== 0
  for (let i = 0; i < 5; i++) {
    const l = m.getAt(scratch + Neuron.Lambda + (i << 2), "i32")
    // Q24: |D| < 3·2^12, |λ| ≤ 1.5·2^12; X·X' ≤ 9 in Q12, so that the product is below 13.5.
    if (gradient) m.setAt(scratch + Neuron.Gradient + (i << 2), "i32", l * inhibited(m, state, i))
    else {
      const g = l * m.getAt(displacement + i + i, "i16")
      m.setAt(scratch + Neuron.Gradient + (i << 2), "i32", g)
    }
  }
  if (gradient) adjoint(m, part, scratch, neuron, rest, false)
  for (let i = 0; i < 5; i++) {
    let g = m.getAt(scratch + Neuron.Gradient + (i << 2), "i32")
    // Both at most 13.5 in Q24 with either sign: below 27, 2^28.8.
    if (gradient) g -= m.getAt(scratch + Neuron.Lambda + (i << 2), "i32") * inhibited(m, rest, i)
    if (g !== 0) {
      // Below π/8 in Q24 as kt ≥ 4.
      g = bounded(g, bound)
      if ((rule & Rule.Pid) !== 0) {
        const record = m.getAt(part + Part.ElementPid, "i32") + ((at + i + i) << 2)
        g = Math.min(MOST_QUARTER, Math.max(-MOST_QUARTER, controlled(m, record, g))) << 2
      }
      const k = m.getAt(inhibition + i + i, "i16")
      const noise = (mix16(random ^ (((first + i) * ELEMENT_SALT) & 0xffff)) << spread) & mask
      // |g| < 2^23, K3 >> 6 < 2^7.8, the noise below 2^20: < 2^31.
      const change = (g * (k >> 6) + noise) >> shift
      if (BATCHED) {
        const d = m.getAt(part + Part.InhibitionDelta, "i32") + ((at + i + i) << 1)
        m.setAt(d, "i32", m.getAt(d, "i32") - change)
      } else m.setAt(inhibition + i + i, "i16", clampedInhibition(m, k - change))
    }
  }
}

/** E[i]·E[i−2] of five elements, Q12. */
function inhibited(m: Buffer, elements: number, i: number): number {
  const by = i < 2 ? i + 3 : i - 2
  return (m.getAt(elements + i + i, "i16") * m.getAt(elements + by + by, "i16")) >> 12
}

function clampedInhibition(m: Buffer, k: number): number {
  const least = Math.max(m.getAt(Header.InhibitionMin, "i16"), k)
  return Math.min(m.getAt(Header.InhibitionMax, "i16"), least)
}

/** Lets the fixed points of a neuron follow its K3. */
export function relaxPart(
  m: Buffer,
  part: number,
  scratch: number,
  neuron: number,
  steps: number,
): void {
  const inhibition = m.getAt(part + Part.Inhibition, "i32") + neuron * 10
  const rest = m.getAt(part + Part.Rest, "i32") + neuron * 10
  relaxNeuron(m, scratch, inhibition, rest, false, steps)
  const back = m.getAt(part + Part.RestBack, "i32")
  if (back !== 0) relaxNeuron(m, scratch, inhibition, back + neuron * 10, true, steps)
}

/**
 * Applies the changes of K3 that `workers` copies of this shard gathered for the neurons from…to−1 of
 * a part, as mergeDeltas (links.ts) does for links, and lets the fixed points follow.
 *
 * @param worker whose scratch record to use
 */
export function mergeInhibition(
  m: Buffer,
  part: number,
  workers: number,
  stride: number,
  worker: number,
  from: number,
  to: number,
): void {
  const scratch = m.getAt(Header.Scratch, "i32") + worker * stride
  for (let neuron = from; neuron < to; neuron++) {
    let at = m.getAt(part + Part.Inhibition, "i32") + neuron * 10
    let delta = m.getAt(part + Part.InhibitionDelta, "i32") + neuron * 20
    for (let i = 0; i < 5; i++) {
      let change = 0
      let d = delta
      for (let copy = 0; copy < workers; copy++) {
        change += m.getAt(d, "i32")
        m.setAt(d, "i32", 0)
        d = d + stride
      }
      if (change !== 0) m.setAt(at, "i16", clampedInhibition(m, m.getAt(at, "i16") + change))
      at = at + 2
      delta = delta + 4
    }
    relaxPart(m, part, scratch, neuron, MERGE_STEPS)
  }
}
