/** A network: its description, its links, and the coefficients it begins with. */
import { hash32, normalQ12 } from "../../src/base/random"
import { COEFFICIENT_BITS } from "../../src/core/layout"
import { keptMost, quantised } from "../../src/core/once"
import {
  lambdaBits,
  largestSignal,
  linkingOf,
  type Network,
  quantisedShift,
  signalsOf,
} from "./description"
import { fanInOf, kernelsOf, linksOf } from "./linking"
import { wiringOf } from "./wiring"

export * from "./description"
export * from "./linking"

/**
 * Clamp of the coefficients, Q13: int16, and so small that neither the forward sum of a synapse nor the
 * backward sum of a signal can leave 32 bits, in any layer. Layers of shared kernels do not count: each has a
 * clamp of its own ({@link coefficientMaxOf}).
 */
export function coefficientMax(net: Network): number {
  let max = 32767
  for (let layer = 1; layer <= net.layers.length; layer++)
    if (!kernelsOf(net, layer)) max = Math.min(max, roomOf(net, layer))
  return max
}

/** Clamp of the coefficients of layer `layer`, Q13; where they are used in four bits, of those kept to learn. */
export function coefficientMaxOf(net: Network, layer: number): number {
  const max = kernelsOf(net, layer) ? roomOf(net, layer) : coefficientMax(net)
  const shift = quantisedShift(net, layer)
  return shift > 0 ? keptMost(max, shift) : max
}

/** Of each layer its bytes from…to−1 of the network's coefficients, and their clamp, Q13. */
export function coefficientRanges(net: Network): { from: number; to: number; max: number }[] {
  let to = 0
  return net.layers.map((_, i) => {
    const from = to
    to += 2 * linksOf(net, i + 1)
    return { from, to, max: coefficientMaxOf(net, i + 1) }
  })
}

/** The first of a network's coefficients that is past its clamp, as a sentence; "" if none is. */
export function faultOfCoefficients(net: Network, all: Buffer): string {
  for (const { from, to, max } of coefficientRanges(net))
    for (let at = from; at < to; at += 2)
      if (Math.abs(all.readInt16LE(at)) > max)
        return `coefficient ${at / 2} is ${all.readInt16LE(at)}, at most ±${max}`
  return ""
}

/** Clamp that the sums of a layer's links ask for. */
function roomOf(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  const most = Math.floor(2147483647 / (fanInOf(net, layer) * largestSignal(net)))
  if (layer === 1) return Math.min(32767, most)
  // Every synapse could read one signal; a signal's true fan-out is found when links are drawn.
  const fanOut = Math.min(l.neurons * l.inputs, widestFanOut(net, layer))
  const lambdaMax = net.lambdaMax << (lambdaBits(net) - 12)
  return Math.min(32767, most, Math.floor(2147483647 / (fanOut * lambdaMax)))
}

/** The largest number of links any one signal of the layer before sends into layer `layer`. */
function widestFanOut(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  const synapses = l.neurons * l.inputs
  const sources = signalsOf(net, layer - 1)
  const kernels = kernelsOf(net, layer)
  if (kernels) {
    const { window, columns, rows } = kernels
    const over = (size: number, places: number) => Math.min(places, Math.ceil(size / window.stride))
    return over(window.width, columns) * over(window.height, rows) * kernels.synapses
  }
  if (linkingOf(net) === "adder" && fanInOf(net, layer) === sources) return synapses
  const count: number[] = []
  for (let s = 0; s < sources; s++) count.push(0)
  for (const drawn of wiringOf(net).sources(layer)) for (const s of drawn) count[s]++
  let widest = 1
  for (const c of count) widest = Math.max(widest, c)
  return widest
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
  return drawnCoefficient(net, INITIAL_SALT + layer, synapse, rank, fanIn)
}

/**
 * What backward signals return by over link `rank` of a synapse, if not by its coefficient (`feedback`):
 * Q13, of the same distribution but drawn apart, so that nothing of the forward coefficients is in it;
 * not clamped.
 *
 * @param fanIn links of the synapse
 */
export function feedbackCoefficient(
  net: Network,
  layer: number,
  synapse: number,
  rank: number,
  fanIn: number,
): number {
  if (net.feedback === "none") return 0
  return drawnCoefficient(net, FEEDBACK_SALT + layer, synapse, rank, fanIn)
}

const INITIAL_SALT = 0x1000
const FEEDBACK_SALT = 0x5000

function drawnCoefficient(
  net: Network,
  salt: number,
  synapse: number,
  rank: number,
  fanIn: number,
): number {
  const base = hash32(hash32(hash32(net.seed, salt), synapse), rank)
  // |normal| ≤ 6·4096, so the product is below 2^28.
  return (normalQ12(base, 0) * scaleOf(fanIn)) >> 12
}

/**
 * The coefficient that link `rank` of a synapse begins with, Q13: as drawn, within the clamp, in the bits that
 * its layer uses.
 *
 * @param max clamp that the sums of its layer ask for, Q13
 */
export function firstCoefficient(
  net: Network,
  layer: number,
  synapse: number,
  rank: number,
  fanIn: number,
  max: number,
): number {
  const shift = quantisedShift(net, layer)
  const most = shift > 0 ? keptMost(max, shift) : max
  const drawn = initialCoefficient(net, layer, synapse, rank, fanIn)
  // Also a rare large one of a normal distribution must keep to the clamp, which bounds the sums.
  const kept = Math.min(most, Math.max(-most, drawn))
  return shift > 0 ? quantised(kept, shift) : kept
}

/** By fan-in; a root for each of many links of the same takes long. */
const scales: number[] = []

/** Standard deviation of initial coefficients, Q13: 2^13 / sqrt(fan-in) = sqrt(2^26 / fan-in). */
function scaleOf(fanIn: number): number {
  scales[fanIn] ??= integerSqrt(Math.floor((1 << (2 * COEFFICIENT_BITS)) / fanIn))
  return scales[fanIn]
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
