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
  const { network } = model
  const host = new HostNetwork(network)
  const { memory } = host
  exchangeCoefficients(memory, network, model.coefficients, true)
  const elements = model.arrays?.[ELEMENTS_ARRAY]
  if (elements) exchangeElements(memory, network, elements, true)
  const bus = memory.getAt(partAt(memory.getAt(Header.Parts, "u16") - 1) + Part.BusOut, "i32")
  const outputs = signalsOf(network, network.layers.length)
  return image => {
    host.predict(image)
    return Int16Array.from({ length: outputs }, (_, o) => memory.getAt(bus + 2 * o, "i16"))
  }
}
