/** How sure a network is of what it names. */
import type { Network } from "./network"

/** Gain of the softmax for networks that were taught by margins: that of the presets' recipes. */
const GAIN = 10

/**
 * The softmax of the outputs, one share of 1 for each. Its gain is the one the network was taught
 * with (Network.softmaxGain, Q4 times log2 e).
 *
 * @param outputs in the network's signal format (Q signalBits)
 * @param softmaxGain where a recipe taught at another gain than the network states
 */
export function sharesOf(
  outputs: ArrayLike<number>,
  network: Network,
  softmaxGain = network.softmaxGain,
): number[] {
  const bits = softmaxGain ? softmaxGain / 16 : GAIN * Math.LOG2E
  const values = Array.from(outputs)
  const best = Math.max(...values)
  const powers = values.map(value => 2 ** ((bits * (value - best)) / 2 ** network.signalBits))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map(power => power / sum)
}

/** The largest of {@link sharesOf}: 1/outputs when all are equal, 1 when one is far ahead. */
export function confidenceOf(outputs: ArrayLike<number>, network: Network): number {
  return Math.max(...sharesOf(outputs, network))
}
