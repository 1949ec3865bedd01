/**
 * What a network is: its layers, its number formats and clamps, and the links implied by its seed.
 */

import { hash32, normalQ12, random15 } from "../../src/base/random"
import {
  COEFFICIENT_BITS,
  FIXED_POINT,
  LEAST_ELEMENT_SHIFT,
  LEAST_LEARN_SHIFT,
  LEAST_PID_SHIFT,
  MOST_ELEMENT_SHIFT,
  MOST_LEARN_SHIFT,
  NOISE_BITS,
} from "../../src/core/layout"
import { strictFaultOf, strictInputs, strictLinks, strictOutputs } from "./strict"

/**
 * How a network's links come about:
 *
 * - adder: each synapse sums `fanIn` different signals drawn by the seed (paper 001, section 3);
 * - strict: one-to-one, drawn by the seed (strict.ts);
 * - explicit: given one by one.
 */
export type Linking = "adder" | "strict" | "explicit"

/** One layer of neurons behind the input. */
export interface Layer {
  /** How many neurons, 1…65,535. */
  neurons: number
  /** Synapses of a neuron: they sit on the elements 0 … inputs−1. */
  inputs: number
  /** The elements outputFirst … outputFirst+outputs−1 give its signals. */
  outputFirst: number
  /** Signals a neuron gives. */
  outputs: number
  /**
   * Adder networks: links per synapse (paper 001, section 3), at most the signals of the layer
   * before. Others do not read it.
   */
  fanIn: number
}

export interface Network {
  name: string
  /** Input neurons: pixel on element 0, signals from the elements 1 … inputSignals. */
  width: number
  /** 1…4; absent: 1. Signal number: pixel · inputSignals + element − 1. */
  inputSignals?: number
  layers: Layer[]
  /** Absent: adder. */
  linking?: Linking
  /** Explicit networks: for each layer behind the input, for each synapse its sources, ascending. */
  given?: number[][][]
  /** Decides links, initial coefficients and the rounding while learning. */
  seed: number
  /** Heun steps of 3/4 per settle, 2…16. */
  steps: number
  /** Fraction bits of a signal on a link; at most 12, or 14 where elements are finer than Q12. */
  signalBits: number
  /**
   * Fraction bits of an element while it settles: 12 (absent) or 16. Finer ones (settle-fine.ts) cost
   * a quarter more time and suit networks of single links, whose signals are small; there only links learn,
   * by the plain product S·λ, which has λ in Q14 and so two bits more.
   */
  elementBits?: number
  /** Net input of an input neuron at pixel 255, Q12, at most 4. */
  inputScale: number
  /** Clamps of net inputs and elements, Q12. */
  netMin: number
  netMax: number
  elementMin: number
  elementMax: number
  /** Clamp of backward signals, Q12, at most 2. */
  lambdaMax: number
  /** The rate: a product S·λ is shifted right by this to become ΔC; at most {@link mostLearnShift}. */
  learnShift: number
  /** Least lead of the label's output over the best other, Q12. */
  margin: number
  /**
   * Gain of the softmax error, Q4, times log2 e (an error of gain 10 is 231); 0 or absent: error by
   * margin.
   */
  softmaxGain?: number
  /** The papers' two targets of the outputs (paper 000 eq. 5.2, 5.3), Q12; they come before the rest. */
  targets?: Targets
  /** Bits the error at the outputs is shifted right, 0…8; absent: 0. */
  errorShift?: number
  /** What learns: coefficients (method 2), K3 of each element (method 1), both. Absent: links. */
  rule?: "links" | "elements" | "mixed"
  /** Method 1; absent where it does not learn. */
  elements?: ElementLearning
  /**
   * Method 2: kt = 2^linkBound in ΔC = atan(kt·G)/kt (paper 001 eq. 3.4), 0…signalBits; absent: not
   * bounded.
   */
  linkBound?: number
  /** Distributed PID control of whatever learns; absent: none. */
  pid?: PidGains
  /** The linear backward signal at the operating point (absent), or the papers' backward equation. */
  backward?: "operating-point" | "bsp"
}

/** On failure only, the error is high − O on the label's output and low − O on the others. */
export interface Targets {
  high: number
  low: number
}

/** Method 1 (paper 000 eq. 5.5–5.7): K3 of each element changes by −K3 · rate · atan(kt·G)/kt. */
export interface ElementLearning {
  /** The rate is 2^(18 − shift); shift 4…24. */
  shift: number
  /** kt = 2^bound, bound 2…12. */
  bound: number
  /** Clamp of K3, Q14 with 8192 the start: 4096 ≤ min ≤ 8192 ≤ max ≤ 13926. */
  min: number
  max: number
  /** G: the product mean D · mean D̂ of the paper, or the gradient, which it stands for. */
  signal: "product" | "gradient"
}

/** Gains of G, of its running mean and of its change since the last sample: Q4, 0…64. */
export interface PidGains {
  proportional: number
  integral: number
  differential: number
  /** The mean forgets by 2^−memory a sample; 0…15. */
  memory: number
}

/** Neurons of layer `layer` (0 = the input). */
export function neuronsOf(net: Network, layer: number): number {
  return layer === 0 ? net.width : net.layers[layer - 1].neurons
}

/** Synapses of layer `layer` (1 = the first behind the input), linked or not. */
export function synapsesOf(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  return l.neurons * l.inputs
}

/** Signals an input neuron gives, 1…4: those of the elements behind element 0. */
export function inputSignalsOf(net: Network): number {
  return net.inputSignals ?? 1
}

/** Signals layer `layer` gives (0 = the input), read by somebody or not. */
export function signalsOf(net: Network, layer: number): number {
  if (layer === 0) return net.width * inputSignalsOf(net)
  const l = net.layers[layer - 1]
  return l.neurons * l.outputs
}

export function linkingOf(net: Network): Linking {
  return net.linking ?? "adder"
}

/** Links per synapse of layer `layer` (1 = the first behind the input); the most where they differ. */
export function fanInOf(net: Network, layer: number): number {
  const linking = linkingOf(net)
  if (linking === "adder") return Math.min(net.layers[layer - 1].fanIn, signalsOf(net, layer - 1))
  if (linking === "strict") return 1
  let most = 1
  for (const sources of givenOf(net, layer)) most = Math.max(most, sources.length)
  return most
}

/** Links ending in layer `layer`. */
export function linksOf(net: Network, layer: number): number {
  if (linkingOf(net) === "strict")
    return Math.min(strictOutputs(net, layer - 1), strictInputs(net, layer))
  return linksBefore(net, layer, synapsesOf(net, layer))
}

/** Links ending in layer `layer` on synapses below `synapse`: where its own begin in that layer. */
export function linksBefore(net: Network, layer: number, synapse: number): number {
  if (linkingOf(net) === "adder") return synapse * fanInOf(net, layer)
  let links = 0
  for (const sources of drawSlice(net, layer, 0, synapse)) links += sources.length
  return links
}

/** Does K3 learn, so that neurons have parameters and fixed points of their own? */
export function elementsLearn(net: Network): boolean {
  return net.rule === "elements" || net.rule === "mixed"
}

/** Are elements finer than Q12? */
export function isFine(net: Network): boolean {
  return net.elementBits === 16
}

/** The largest rate, as a shift. */
export function leastLearnShift(net: Network): number {
  return net.pid ? LEAST_PID_SHIFT : LEAST_LEARN_SHIFT
}

/** The smallest rate, as a shift: more bits than round a change need products as large as finer ones. */
export function mostLearnShift(net: Network): number {
  return isFine(net) ? MOST_LEARN_SHIFT : NOISE_BITS
}

/** Fraction bits of the backward signals λ that links learn from. */
export function lambdaBits(net: Network): number {
  return isFine(net) ? 14 : 12
}

/**
 * Largest absolute signal on a link: an element lies in elementMin…elementMax, and B is 1 or, where
 * fixed points move, also somewhere there.
 */
export function largestSignal(net: Network): number {
  // As settleForward rounds: the reciprocal to the nearest, the mean towards −∞. An element's
  // displacement is below 3·2^12, steps times the reciprocal at most 2^16 + 8.
  const ones = net.steps * reciprocalOf(net.steps)
  if (isFine(net)) {
    // As settleForwardFine: displacements in Q14, at most 1.875, and rounded to the nearest.
    const most = Math.max(net.elementMax - FIXED_POINT, FIXED_POINT - net.elementMin)
    return (((most << 2) * ones) >> (30 - net.signalBits)) + 1
  }
  const own = elementsLearn(net)
  const up = net.elementMax - (own ? net.elementMin : FIXED_POINT)
  const down = net.elementMin - (own ? net.elementMax : FIXED_POINT)
  return Math.max((up * ones) >> (28 - net.signalBits), -((down * ones) >> (28 - net.signalBits)))
}

/** round(65536 / steps): turns the sum over the steps into the time-mean. */
export function reciprocalOf(steps: number): number {
  return Math.floor((65536 + (steps >> 1)) / steps)
}

/**
 * Clamp of the coefficients of a layer, Q13: int16, and so small that neither the forward sum of a
 * synapse nor the backward sum of a signal can leave 32 bits.
 */
export function coefficientMax(net: Network): number {
  let max = 32767
  for (let layer = 1; layer <= net.layers.length; layer++) {
    const l = net.layers[layer - 1]
    max = Math.min(max, Math.floor(2147483647 / (fanInOf(net, layer) * largestSignal(net))))
    if (layer > 1) {
      // Every synapse could read one signal; a signal's true fan-out is found when links are drawn.
      const fanOut = Math.min(l.neurons * l.inputs, widestFanOut(net, layer))
      const lambdaMax = net.lambdaMax << (lambdaBits(net) - 12)
      max = Math.min(max, Math.floor(2147483647 / (fanOut * lambdaMax)))
    }
  }
  return max
}

/** The largest number of links any one signal of the layer before sends into layer `layer`. */
function widestFanOut(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  const synapses = l.neurons * l.inputs
  const sources = signalsOf(net, layer - 1)
  if (linkingOf(net) === "adder" && fanInOf(net, layer) === sources) return synapses
  const count: number[] = []
  for (let s = 0; s < sources; s++) count.push(0)
  for (const drawn of drawLinks(net, layer)) for (const s of drawn) count[s]++
  let widest = 1
  for (const c of count) widest = Math.max(widest, c)
  return widest
}

/** The sources of each synapse of layer `layer`, ascending; a function of the network alone. */
export function drawLinks(net: Network, layer: number): number[][] {
  return drawSlice(net, layer, 0, synapsesOf(net, layer))
}

/** {@link drawLinks} of the synapses first … first+count−1. */
export function drawSlice(net: Network, layer: number, first: number, count: number): number[][] {
  const linking = linkingOf(net)
  if (linking === "strict") return strictLinks(net, layer).slice(first, first + count)
  if (linking === "explicit") return givenOf(net, layer).slice(first, first + count)
  const links: number[][] = []
  for (let t = first; t < first + count; t++) links.push(adderSources(net, layer, t))
  return links
}

/** The sources of one synapse, ascending. */
export function sourcesOf(net: Network, layer: number, synapse: number): number[] {
  return drawSlice(net, layer, synapse, 1)[0]
}

function givenOf(net: Network, layer: number): number[][] {
  return net.given ? net.given[layer - 1] : []
}

/**
 * `fanIn` different signals of the layer before, drawn by (seed, layer, synapse) (selection
 * sampling, Knuth, TAOCP 2, 3.4.2, algorithm S).
 */
function adderSources(net: Network, layer: number, synapse: number): number[] {
  const total = signalsOf(net, layer - 1)
  let need = fanInOf(net, layer)
  const base = hash32(hash32(net.seed, layer), synapse)
  const sources: number[] = []
  for (let s = 0; s < total && need > 0; s++) {
    // 32767 · 2^15 < 2^31 for up to 65,535 signals.
    if ((random15(base, s) * (total - s)) >> 15 < need) {
      sources.push(s)
      need--
    }
  }
  return sources
}

/**
 * Initial coefficient of link `rank` of a synapse, Q13: normal with variance 1/fan-in, not clamped.
 *
 * @param fanIn links of the synapse
 */
export function initialCoefficient(
  net: Network,
  layer: number,
  synapse: number,
  rank: number,
  fanIn: number = fanInOf(net, layer),
): number {
  const base = hash32(hash32(hash32(net.seed, 0x1000 + layer), synapse), rank)
  // 2^13 / sqrt(fan-in) = sqrt(2^26 / fan-in); |normal| ≤ 6·4096, so the product is below 2^28.
  const scale = integerSqrt(Math.floor((1 << (2 * COEFFICIENT_BITS)) / fanIn))
  return (normalQ12(base, 0) * scale) >> 12
}

/** Floor of the square root of 0 ≤ x < 2^31. */
export function integerSqrt(x: number): number {
  let root = 0
  for (let bit = 32768; bit > 0; bit = bit >> 1) {
    const next = root + bit
    // next ≤ 65535; next ≤ x / next avoids the product past 2^31.
    if (next <= Math.floor(x / next)) root = next
  }
  return root
}

/** Why a network cannot be run, or "" if it can. */
export function faultOf(net: Network): string {
  if (net.layers.length < 1) return "it has no layer"
  if (net.width < 1 || net.width > 65535) return "width must be 1…65535 pixels"
  if (net.steps < 2 || net.steps > 16) return "steps must be 2…16"
  if (net.elementBits !== undefined && net.elementBits !== 12 && net.elementBits !== 16)
    return "elementBits must be 12 or 16"
  if (net.signalBits < 6 || net.signalBits > (isFine(net) ? 14 : 12))
    return "signalBits must be 6…12, or 6…14 with elementBits 16"
  if (net.elementMin < 1 || net.elementMin >= FIXED_POINT) return "elementMin must lie in 0…1"
  if (net.elementMax <= FIXED_POINT || net.elementMax > 3 * FIXED_POINT)
    return "elementMax must lie in 1…3"
  if (net.netMin < -4 * FIXED_POINT || net.netMin > 0) return "netMin must lie in −4…0"
  if (net.netMax > 4 * FIXED_POINT || net.netMax < 0) return "netMax must lie in 0…4"
  if (net.inputScale < 0 || net.inputScale > 4 * FIXED_POINT) return "inputScale must lie in 0…4"
  if (net.lambdaMax < 1 || net.lambdaMax > 2 * FIXED_POINT) return "lambdaMax must lie in 0…2"
  if (net.learnShift < LEAST_LEARN_SHIFT || net.learnShift > mostLearnShift(net))
    return "learnShift must be 1…16, or 1…20 with elementBits 16"
  const inputSignals = inputSignalsOf(net)
  if (inputSignals < 1 || inputSignals > 4) return "inputSignals must be 1…4"
  if (net.width * inputSignals > 65535) return "the input gives more than 65,535 signals"
  for (const l of net.layers) {
    if (l.neurons < 1) return "a layer needs a neuron"
    if (l.inputs < 1 || l.inputs > 5) return "inputs must be 1…5"
    if (l.outputs < 1 || l.outputFirst < 0 || l.outputFirst + l.outputs > 5)
      return "output elements must lie in 0…4"
    if (l.fanIn < 1) return "fanIn must be at least 1"
    if (l.neurons * l.outputs > 65535) return "a layer gives more than 65,535 signals"
  }
  const fault = learningFaultOf(net)
  if (fault !== "") return fault
  if (isFine(net)) {
    const fine = fineFaultOf(net)
    if (fine !== "") return fine
  }
  if (linkingOf(net) === "strict") return strictFaultOf(net)
  if (linkingOf(net) === "explicit") return givenFaultOf(net)
  return ""
}

function learningFaultOf(net: Network): string {
  const { elements, linkBound, pid, targets } = net
  const errorShift = net.errorShift ?? 0
  if (errorShift < 0 || errorShift > 8) return "errorShift must be 0…8"
  if (targets && targets.high <= targets.low) return "the high target must be above the low one"
  if (targets && (targets.low < -2 * FIXED_POINT || targets.high > 2 * FIXED_POINT))
    return "targets must lie in −2…2"
  if (elementsLearn(net) !== (elements !== undefined))
    return "the rules elements and mixed, and only they, need settings for elements"
  if (elements) {
    if (elements.shift < LEAST_ELEMENT_SHIFT || elements.shift > MOST_ELEMENT_SHIFT)
      return "the elements' shift must be 4…24"
    if (elements.bound < 2 || elements.bound > 12) return "the elements' bound must be 2…12"
    if (elements.min < 4096 || elements.min > 8192) return "the least K3 must lie in 4096…8192"
    if (elements.max < 8192 || elements.max > 13926) return "the most K3 must lie in 8192…13926"
    if (elements.signal === "gradient" && net.backward === "bsp")
      return "the elements' gradient needs the backward signal at the operating point"
    if (net.lambdaMax > FIXED_POINT + (FIXED_POINT >> 1))
      return "lambdaMax must be at most 1.5 where elements learn"
  }
  if (linkBound !== undefined && (linkBound < 0 || linkBound > net.signalBits))
    return "linkBound must be 0…signalBits"
  if (pid) {
    for (const gain of [pid.proportional, pid.integral, pid.differential])
      if (gain < 0 || gain > 64) return "gains must be 0…64"
    if (pid.memory < 0 || pid.memory > 15) return "the memory of the integral must be 0…15"
    if (net.learnShift < LEAST_PID_SHIFT) return "learnShift must be at least 3 under PID control"
  }
  return ""
}

/** What the bounds of settle-fine.ts and of the products with finer signals ask for. */
function fineFaultOf(net: Network): string {
  if (net.elementMax > 11776) return "elementMax must be at most 2.875 with elementBits 16"
  if (net.netMin < -2 * FIXED_POINT || net.netMax > 2 * FIXED_POINT)
    return "netMin and netMax must lie in −2…2 with elementBits 16"
  if (net.inputScale > 2 * FIXED_POINT) return "inputScale must be at most 2 with elementBits 16"
  if (net.lambdaMax > FIXED_POINT + (FIXED_POINT >> 1))
    return "lambdaMax must be at most 1.5 with elementBits 16"
  if ((net.softmaxGain ?? 0) > 32767) return "softmaxGain must be at most 32767 with elementBits 16"
  if (elementsLearn(net) || net.backward === "bsp" || net.linkBound !== undefined || net.pid)
    return "only links learn with elementBits 16, by the plain product at the operating point"
  return ""
}

function givenFaultOf(net: Network): string {
  if (!net.given || net.given.length !== net.layers.length)
    return "links must be given for each layer behind the input"
  for (let layer = 1; layer <= net.layers.length; layer++) {
    const given = givenOf(net, layer)
    if (given.length !== synapsesOf(net, layer))
      return `layer ${layer} has ${synapsesOf(net, layer)} synapses, but the sources of ${given.length} are given`
    for (let t = 0; t < given.length; t++) {
      let before = -1
      for (const s of given[t]) {
        if (s <= before || s >= signalsOf(net, layer - 1))
          return `the sources of synapse ${t} of layer ${layer} must ascend and be below ${signalsOf(net, layer - 1)}`
        before = s
      }
    }
  }
  return ""
}
