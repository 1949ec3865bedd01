/**
 * Which neuron reads which signals: drawn once for a network, and read by whatever needs it, so that plans,
 * shards, routes between boards and pictures cannot differ.
 */
import type { Network } from "./description"
import { drawLinks } from "./linking"
import { neuronOf, type Slice } from "./slices"

/** For each synapse the signals of the layer before that it reads, ascending. */
export type Sources = readonly (readonly number[])[]

export class Wiring {
  private readonly layers: Sources[] = []

  constructor(readonly network: Network) {}

  /** The sources of each synapse of layer `layer` (1 = the first behind the input). */
  sources(layer: number): Sources {
    this.layers[layer] ??= drawLinks(this.network, layer)
    return this.layers[layer]
  }

  /** The sources of each synapse of a slice, in the order of its neurons. */
  sourcesOf(slice: Slice): Sources {
    const all = this.sources(slice.layer)
    const { inputs } = this.network.layers[slice.layer - 1]
    const of: (readonly number[])[] = []
    for (let n = 0; n < slice.count; n++) {
      const first = neuronOf(slice, n) * inputs
      for (let synapse = first; synapse < first + inputs; synapse++) of.push(all[synapse])
    }
    return of
  }
}

/** A description is not changed once it is in use: whoever wants another network makes another one. */
const wirings = new WeakMap<Network, Wiring>()

/** The wiring of a network, the same for every caller. */
export function wiringOf(network: Network): Wiring {
  let wiring = wirings.get(network)
  if (!wiring) {
    wiring = new Wiring(network)
    wirings.set(network, wiring)
  }
  return wiring
}
