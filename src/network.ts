/**
 * What a network is: its layers, its number formats and clamps, and the links implied by its seed.
 */
import { COEFFICIENT_BITS, FIXED_POINT } from "./layout"
import { hash32, normalQ12, random15 } from "./random"

/** One layer of neurons behind the input. */
export interface Layer {
  neurons: number
  /** Synapses of a neuron: they sit on the elements 0 … inputs−1. */
  inputs: number
  /** The elements outputFirst … outputFirst+outputs−1 give its signals. */
  outputFirst: number
  outputs: number
  /** Links per synapse (paper 001, section 3: adders); at most the signals of the layer before. */
  fanIn: number
}

export interface Network {
  name: string
  /** Input neurons: pixel on element 0, signal from element 1. */
  width: number
  layers: Layer[]
  /** Decides links, initial coefficients and the rounding while learning. */
  seed: number
  /** Heun steps of 3/4 per settle, 2…16. */
  steps: number
  /** Fraction bits of a signal on a link; at most 12. */
  signalBits: number
  /** Net input of an input neuron at pixel 255, Q12, at most 4. */
  inputScale: number
  /** Clamps of net inputs and elements, Q12. */
  netMin: number
  netMax: number
  elementMin: number
  elementMax: number
  /** Clamp of backward signals, Q12, at most 2. */
  lambdaMax: number
  /** The rate: a product S·λ is shifted right by this to become ΔC. */
  learnShift: number
  /** Least lead of the label's output over the best other, Q12. */
  margin: number
  /**
   * Gain of the softmax error, Q4, times log2 e (an error of gain 10 is 231); 0 or absent: error by
   * margin.
   */
  softmaxGain?: number
}

/** Signals layer `layer` gives (0 = the input). */
export function signalsOf(net: Network, layer: number): number {
  if (layer === 0) return net.width
  const l = net.layers[layer - 1]
  return l.neurons * l.outputs
}

/** Links per synapse of layer `layer` (1 = the first behind the input). */
export function fanInOf(net: Network, layer: number): number {
  return Math.min(net.layers[layer - 1].fanIn, signalsOf(net, layer - 1))
}

/** Links ending in layer `layer`. */
export function linksOf(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  return l.neurons * l.inputs * fanInOf(net, layer)
}

/** Largest absolute signal on a link: an element lies in elementMin…elementMax, B is 1. */
export function largestSignal(net: Network): number {
  const up = net.elementMax - FIXED_POINT
  const down = FIXED_POINT - net.elementMin
  return Math.max(up, down) >> (12 - net.signalBits)
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
      max = Math.min(max, Math.floor(2147483647 / (fanOut * net.lambdaMax)))
    }
  }
  return max
}

/** The largest number of links any one signal of the layer before sends into layer `layer`. */
function widestFanOut(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  const synapses = l.neurons * l.inputs
  const sources = signalsOf(net, layer - 1)
  if (fanInOf(net, layer) === sources) return synapses
  const count: number[] = []
  for (let s = 0; s < sources; s++) count.push(0)
  for (let t = 0; t < synapses; t++) for (const s of sourcesOf(net, layer, t)) count[s]++
  let widest = 0
  for (const c of count) widest = Math.max(widest, c)
  return widest
}

/**
 * The sources of a synapse, ascending: `fanIn` different signals of the layer before, drawn by
 * (seed, layer, synapse) (selection sampling, Knuth, TAOCP 2, 3.4.2, algorithm S).
 *
 * @param synapse index in its layer
 */
export function sourcesOf(net: Network, layer: number, synapse: number): number[] {
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

/** Initial coefficient of link `rank` of a synapse, Q13: normal with variance 1/fan-in. */
export function initialCoefficient(
  net: Network,
  layer: number,
  synapse: number,
  rank: number,
): number {
  const base = hash32(hash32(hash32(net.seed, 0x1000 + layer), synapse), rank)
  // 2^13 / sqrt(fan-in) = sqrt(2^26 / fan-in); |normal| ≤ 6·4096, so the product is below 2^28.
  const scale = integerSqrt(Math.floor((1 << (2 * COEFFICIENT_BITS)) / fanInOf(net, layer)))
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
  if (net.signalBits < 6 || net.signalBits > 12) return "signalBits must be 6…12"
  if (net.elementMin < 1 || net.elementMin >= FIXED_POINT) return "elementMin must lie in 0…1"
  if (net.elementMax <= FIXED_POINT || net.elementMax > 3 * FIXED_POINT)
    return "elementMax must lie in 1…3"
  if (net.netMin < -4 * FIXED_POINT || net.netMin > 0) return "netMin must lie in −4…0"
  if (net.netMax > 4 * FIXED_POINT || net.netMax < 0) return "netMax must lie in 0…4"
  if (net.inputScale < 0 || net.inputScale > 4 * FIXED_POINT) return "inputScale must lie in 0…4"
  if (net.lambdaMax < 1 || net.lambdaMax > 2 * FIXED_POINT) return "lambdaMax must lie in 0…2"
  if (net.learnShift < 1 || net.learnShift > 16) return "learnShift must be 1…16"
  for (const l of net.layers) {
    if (l.neurons < 1) return "a layer needs a neuron"
    if (l.inputs < 1 || l.inputs > 5) return "inputs must be 1…5"
    if (l.outputs < 1 || l.outputFirst < 0 || l.outputFirst + l.outputs > 5)
      return "output elements must lie in 0…4"
    if (l.fanIn < 1) return "fanIn must be at least 1"
  }
  return ""
}
