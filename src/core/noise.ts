/** The random numbers by which the changes of links are rounded. */
import { Header, Part } from "./layout"

/**
 * Random state of each synapse of the part for the sample in hand: a function of the seed, the
 * sample (`Header.SampleRandom`) and the network-wide index of the synapse.
 */
export function drawNoise(m: Buffer, part: number): void {
  draw(m, part, false)
}

/**
 * The same, for {@link learnRuns}: λ and its noise together in the place of the synapse's sum (i32:
 * λ · 2^16 + noise), which the sample in hand needs no more. Zero where λ is.
 */
export function packNoise(m: Buffer, part: number): void {
  draw(m, part, true)
}

function draw(m: Buffer, part: number, packs: boolean): void {
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const random = m.getAt(Header.SampleRandom, "u16")
  const first = m.getAt(part + Part.FirstSynapse, "u16")
  const ids = m.getAt(part + Part.NeuronIds, "i32")
  let lambda = m.getAt(part + Part.Lambda, "i32")
  let noise = m.getAt(part + Part.Noise, "i32")
  let sum = m.getAt(part + Part.Sum, "i32")
  for (let neuron = 0; neuron < neurons; neuron++) {
    let synapse = neuron
    if (ids !== 0) synapse = m.getAt(ids + neuron + neuron, "u16")
    synapse = first + synapse * inputs
    const end = lambda + inputs + inputs
    while (lambda < end) {
      const l = m.getAt(lambda, "i16")
      let y = 0
      if (l !== 0) {
        // mix16 (random.ts) in place: a call costs a board more than all of this.
        // Two numbers below 2^16 and a product below 2^31 (65535 · 32749); synapse < 2^19.
        y = random ^ (((synapse & 0xffff) * 32749) & 0xffff)
        y = (y * 27655 + 13849) & 0xffff
        y = y ^ (y >> 7)
        y = (y * 31821 + 12345) & 0xffff
        y = y ^ (y >> 9)
        if (!packs) m.setAt(noise, "u16", y)
      }
      if (packs) m.setAt(sum, "i32", (l << 16) | y)
      synapse = synapse + 1
      lambda = lambda + 2
      noise = noise + 2
      sum = sum + 4
    }
  }
}
