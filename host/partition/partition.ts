/** Which board computes which neurons. */

import { WuxingError } from "../base/errors"
import { hasKernels, type Network } from "../network/network"
import { refuseFeedback } from "../network/refuse-feedback"
import { addSlices, type Slice } from "../network/slices"
import { cutsByLayer } from "./by-layers"

/**
 * The plainest partition: each hidden layer is split evenly over the boards, the output layer stays
 * whole on the last one. With shared kernels boards get whole layers.
 *
 * @returns for each board the slices it computes, layers ascending
 * @throws WuxingError "too-many-boards" if a hidden layer has fewer neurons than there are boards;
 *   "fixed-feedback"
 */
export function splitEvenly(network: Network, boards: number): Slice[][] {
  refuseFeedback(network)
  if (hasKernels(network)) return cutsByLayer(network, boards)[0]
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
