/** The random numbers by which the changes of links are rounded. */
import { Header, Part } from "./layout"
import { mix16 } from "./random"

/**
 * Random state of each synapse of the part for the sample in hand: a function of the seed, the
 * sample (`Header.SampleRandom`) and the network-wide index of the synapse.
 */
export function drawNoise(m: Buffer, part: number): void {
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const random = m.getAt(Header.SampleRandom, "u16")
  const first = m.getAt(part + Part.FirstSynapse, "u16")
  const ids = m.getAt(part + Part.NeuronIds, "i32")
  let lambda = m.getAt(part + Part.Lambda, "i32")
  let noise = m.getAt(part + Part.Noise, "i32")
  for (let neuron = 0; neuron < neurons; neuron++) {
    let synapse = neuron
    if (ids !== 0) synapse = m.getAt(ids + neuron + neuron, "u16")
    synapse = first + synapse * inputs
    const end = lambda + inputs + inputs
    while (lambda < end) {
      if (m.getAt(lambda, "i16") !== 0) {
        // Two numbers below 2^16 and a product below 2^31 (65535 · 32749); synapse < 2^19.
        m.setAt(noise, "u16", mix16(random ^ (((synapse & 0xffff) * 32749) & 0xffff)))
      }
      synapse = synapse + 1
      lambda = lambda + 2
      noise = noise + 2
    }
  }
}
