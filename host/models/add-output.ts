/** A network that tells one more class apart: what it has learnt stays, bit for bit. */
import { WuxingError } from "../base/errors"
import { MOST_CLASSES } from "../data/classes"
import { HostNetwork } from "../network/host-network"
import { coefficientMax, linkingOf, type Network } from "../network/network"
import { isSize } from "../network/sized-network"
import { faultOf } from "../network/validate"

/** In the network's own order; elements are empty where none learn. */
interface Learnt {
  coefficients: Buffer
  elements: Buffer
}

/**
 * With one more neuron behind the last hidden layer. Links are drawn neuron by neuron and the new one
 * is the last, so those of the others are the same; its coefficients are as the seed draws them.
 *
 * @throws WuxingError "network-size" (kind usage) if there can be no such network
 */
export function addOutput(network: Network, learnt: Learnt): { network: Network; learnt: Learnt } {
  const last = network.layers[network.layers.length - 1]
  if (linkingOf(network) !== "adder" || last.outputs !== 1)
    throw cannot(network, "its links are given, or an output neuron has several outputs")
  if (last.neurons >= MOST_CLASSES) throw cannot(network, `it has ${last.neurons} outputs`)
  const layers = [...network.layers.slice(0, -1), { ...last, neurons: last.neurons + 1 }]
  const name = isSize(network.name)
    ? network.name.replace(/\d+(?=(@\d+)?$)/, String(last.neurons + 1))
    : network.name
  const grown = { ...network, name, layers }
  const fault = faultOf(grown)
  if (fault) throw cannot(network, fault)
  if (coefficientMax(grown) < coefficientMax(network))
    throw cannot(network, "its coefficients would have to be smaller")
  const drawn = new HostNetwork(grown)
  const followed = (old: Buffer, all: Buffer) => Buffer.concat([old, all.subarray(old.length)])
  return {
    network: grown,
    learnt: {
      coefficients: followed(learnt.coefficients, drawn.coefficients()),
      elements: followed(learnt.elements, drawn.elements()),
    },
  }
}

function cannot({ name }: Network, why: string): WuxingError {
  return new WuxingError({
    code: "network-size",
    kind: "usage",
    message: `${name} can get no further class: ${why}`,
    cause: "its form leaves no room for one",
    help: "train one with as many outputs as there are classes",
  })
}
