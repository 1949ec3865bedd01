/** Shares of a network whose outputs boards share by their links, for tests that lay them out by hand. */
import type { Network } from "../../../host/network/network"
import type { Slice } from "../../../host/network/slices"
import { splitEvenly } from "../../../host/partition/partition"

/** The hidden layers split evenly, the outputs on every board with the links from its own signals. */
export function byLinks(network: Network, boards: number): Slice[][] {
  const layer = network.layers.length
  const count = network.layers[layer - 1].neurons
  return splitEvenly(network, boards).map(slices => [
    ...slices.filter(s => s.layer < layer),
    { layer, first: 0, count, partial: true },
  ])
}
