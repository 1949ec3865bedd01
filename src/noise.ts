/** The random numbers by which the changes of links are rounded. */
import { Header, Part } from "./layout"
import { mix16 } from "./random"

/**
 * Random state of each synapse of the part for the sample in hand: a function of the seed, the
 * sample (`Header.SampleRandom`) and the network-wide index of the synapse.
 */
export function drawNoise(m: Buffer, part: number): void {
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const random = m.getAt(Header.SampleRandom, "u16")
  const first = m.getAt(part + Part.FirstSynapse, "u16")
  const lambda = m.getAt(part + Part.Lambda, "i32")
  const noise = m.getAt(part + Part.Noise, "i32")
  for (let i = 0; i < synapses; i++) {
    if (m.getAt(lambda + i + i, "i16") !== 0) {
      // Two numbers below 2^16 and a product below 2^31 (65535 · 32749).
      m.setAt(noise + i + i, "u16", mix16(random ^ (((first + i) * 32749) & 0xffff)))
    }
  }
}
