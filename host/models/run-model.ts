/** A model on the host, one image at a time, by the core that boards run. */
import { Header, Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { exchangeCoefficients, exchangeElements } from "../network/exchange"
import { HostNetwork } from "../network/host-network"
import { signalsOf } from "../network/network"
import { ELEMENTS_ARRAY, type Model } from "./model-file"

/**
 * What runs the model: takes an image, a byte a pixel, and gives all outputs, in the network's signal
 * format (Q signalBits); each call gives an array of its own.
 */
export function runnerOf(model: Model): (image: Uint8Array) => Int16Array {
  const host = hostOf(model)
  return image => outputsOf(host, image)
}

/** The model's network on the host, with what it has learnt. */
export function hostOf({ network, coefficients, arrays }: Model): HostNetwork {
  const host = new HostNetwork(network)
  exchangeCoefficients(host.memory, network, coefficients, true)
  const elements = arrays?.[ELEMENTS_ARRAY]
  if (elements) exchangeElements(host.memory, network, elements, true)
  return host
}

/** All outputs for an image, in the network's signal format (Q signalBits). */
export function outputsOf(host: HostNetwork, image: Uint8Array): Int16Array {
  const { memory, network } = host
  host.predict(image)
  const bus = memory.getAt(partAt(memory.getAt(Header.Parts, "u16") - 1) + Part.BusOut, "i32")
  const outputs = signalsOf(network, network.layers.length)
  return Int16Array.from({ length: outputs }, (_, o) => memory.getAt(bus + 2 * o, "i16"))
}
