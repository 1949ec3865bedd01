/**
 * Networks of a user's own size, named by it: "64-16-3" takes 64 pixels and tells 3 classes apart;
 * "64-16-3@24" has 24 links a hidden synapse.
 */

import { WuxingError } from "../base/errors"
import type { Network } from "./network"
import { pico16 } from "./presets"
import { faultOf } from "./validate"

const SIZE = /^[1-9]\d{0,4}(-[1-9]\d{0,4}){2,6}(@[1-9]\d{0,4})?$/
/** As in pico-16, whose form these networks have: two synapses a neuron, two steps. */
const FAN_IN = 96

export function isSize(name: string): boolean {
  return SIZE.test(name)
}

/**
 * An adder network of that size with rings as in the preset pico-16; every other figure of the name
 * is a layer of hidden neurons.
 *
 * @throws WuxingError "network-size" (kind "usage") if the core has no room for it
 */
export function sizedNetwork(name: string, seed: number): Network {
  const [sizes, fanIn = FAN_IN] = name.split("@")
  const [width, ...neurons] = sizes.split("-").map(Number)
  const base = pico16(seed)
  const [hidden, output] = base.layers
  const layers = neurons.map((count, i) =>
    i === neurons.length - 1
      ? { ...output, neurons: count }
      : { ...hidden, neurons: count, fanIn: Math.min(Number(fanIn), i === 0 ? width : 65535) },
  )
  const network = { ...base, name, width, layers }
  const fault = faultOf(network)
  if (fault)
    throw new WuxingError({
      code: "network-size",
      kind: "usage",
      message: `there can be no network ${name}: ${fault}`,
      cause: "a layer is too large, or there are too many",
      help: "name a smaller one, for example 784-32-10",
    })
  return network
}
