/** How densely a network is linked (paper 001, section 2). */
import "../base/memory"
import { linksOf, type Network, neuronsOf } from "./network"

export interface LinkRatio {
  links: number
  /** Links a full connection of the neurons would have: neurons before times neurons behind. */
  possible: number
  /** links / possible, 0…: adders may sum several signals of one neuron, so it can pass 1. */
  ratio: number
}

export interface LayerPair extends LinkRatio {
  /** Neurons of the layer before (the first pair: pixels) and behind. */
  before: number
  after: number
}

/** Link ratios of each pair of layers, from the input on, and pooled over all of them. */
export function linkRatios(network: Network): { pairs: LayerPair[]; pooled: LinkRatio } {
  const pairs = network.layers.map((_, i) => {
    const before = neuronsOf(network, i)
    const after = neuronsOf(network, i + 1)
    return { before, after, ...ratioOf(linksOf(network, i + 1), before * after) }
  })
  const links = pairs.reduce((sum, pair) => sum + pair.links, 0)
  const possible = pairs.reduce((sum, pair) => sum + pair.possible, 0)
  return { pairs, pooled: ratioOf(links, possible) }
}

function ratioOf(links: number, possible: number): LinkRatio {
  return { links, possible, ratio: links / possible }
}
