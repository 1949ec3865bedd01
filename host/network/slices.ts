/** Which neurons of which layers a shard computes. */
import type { Network } from "./description"
import { fanInOf, isDense, kernelsOf } from "./linking"

/**
 * Neurons of a layer (1 = the first behind the input): first … first+count−1, or, where `neurons`
 * is given, those, in that order; count is then their number, and first means nothing.
 */
export interface Slice {
  /** From 1 on: the first behind the input. */
  layer: number
  /** The first of its neurons, where they follow one another. */
  first: number
  /** How many neurons. */
  count: number
  /** Which neurons, ascending, where they do not follow one another. */
  neurons?: number[]
  /**
   * Of the output layer, all of it: the links are only those from signals of the share's own slices, and
   * the sums of all shares are added up.
   */
  partial?: boolean
  /**
   * Of the first layer: the links lie synapse by synapse, and images come as the links of lit pixels
   * (src/core/picked.ts).
   */
  picked?: boolean
}

/** Index in its layer of the i-th neuron of a slice. */
export function neuronOf(slice: Slice, i: number): number {
  return slice.neurons ? slice.neurons[i] : slice.first + i
}

/** A part's synapse number is one byte. */
export const MAX_SYNAPSES = 256

/** Where a source's links start is 16 bits. */
export const MAX_SPARSE_LINKS = 65535

/** Neurons of a layer that fit one part, whichever they are. */
export function mostNeurons(net: Network, layer: number): number {
  // Shared kernels are a part by themselves: links are counted once for all places.
  if (kernelsOf(net, layer)) return net.layers[layer - 1].neurons
  const inputs = net.layers[layer - 1].inputs
  const bySynapses = Math.floor(MAX_SYNAPSES / inputs)
  if (isDense(net, layer)) return bySynapses
  return Math.min(bySynapses, Math.floor(MAX_SPARSE_LINKS / (inputs * fanInOf(net, layer))))
}

/** Signals of a layer that slices of it give. */
export function ownSignals(net: Network, slices: Slice[], layer: number): number {
  return neuronsHere(slices, layer) * net.layers[layer - 1].outputs
}

/** Neurons of a layer in slices. */
export function neuronsHere(slices: Slice[], layer: number): number {
  let n = 0
  for (const slice of slices) if (slice.layer === layer) n += slice.count
  return n
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
