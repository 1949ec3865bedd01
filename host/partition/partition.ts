/** Which board computes which neurons. */

import { WuxingError } from "../base/errors"
import type { Network } from "../network/network"
import { mostNeurons, type Slice } from "../network/shard"

/**
 * The plainest partition: each hidden layer is split evenly over the boards, the output layer stays
 * whole on the last one.
 *
 * @returns for each board the slices it computes, layers ascending
 * @throws WuxingError "too-many-boards" if a hidden layer has fewer neurons than there are boards
 */
export function splitEvenly(network: Network, boards: number): Slice[][] {
  const shares: Slice[][] = Array.from({ length: boards }, () => [])
  const last = network.layers.length
  for (let layer = 1; layer <= last; layer++) {
    const { neurons } = network.layers[layer - 1]
    if (layer === last) {
      addSlices(network, shares[boards - 1], layer, 0, neurons)
      continue
    }
    if (neurons < boards)
      throw new WuxingError({
        code: "too-many-boards",
        kind: "capacity",
        message: `layer ${layer} of ${network.name} has ${neurons} neurons, fewer than the ${boards} boards`,
        cause: "a neuron cannot be cut in two",
        help: `use at most ${neurons} boards`,
      })
    for (let board = 0; board < boards; board++) {
      const first = Math.floor((board * neurons) / boards)
      const end = Math.floor(((board + 1) * neurons) / boards)
      addSlices(network, shares[board], layer, first, end - first)
    }
  }
  return shares
}

/** A slice of more links than a part can hold becomes several, one behind the other. */
export function addSlices(
  network: Network,
  slices: Slice[],
  layer: number,
  first: number,
  count: number,
) {
  const most = mostNeurons(network, layer)
  for (let done = 0; done < count; done += most)
    slices.push({ layer, first: first + done, count: Math.min(most, count - done) })
}

/** As {@link addSlices}, any neurons of the layer, ascending. */
export function addNeurons(network: Network, slices: Slice[], layer: number, neurons: number[]) {
  if (neurons.length === 0) return
  const [first] = neurons
  if (neurons[neurons.length - 1] - first === neurons.length - 1) {
    addSlices(network, slices, layer, first, neurons.length)
    return
  }
  const most = mostNeurons(network, layer)
  for (let done = 0; done < neurons.length; done += most) {
    const some = neurons.slice(done, done + most)
    slices.push({ layer, first: some[0], count: some.length, neurons: some })
  }
}
