/** A NIR graph on images: each pixel a constant input from 0 to 1, the class by the largest sum. */
import type { Network } from "../network/network"
import { pico16 } from "../network/presets"
import type { Simulation } from "./simulate"

/** Stands for a graph where data asks a network what it is to be scaled to: its inputs and outputs. */
export function networkOfSize(name: string, inputs: number, outputs: number): Network {
  const base = pico16(1)
  const layers = [{ ...base.layers[1], neurons: outputs, fanIn: 1 }]
  return { ...base, name, width: inputs, layers }
}

export interface NamedImages {
  named: Int32Array
  /** Spikes an image, on average. */
  spikes: number
}

export interface Watching {
  /** Its reason is thrown when it is aborted. */
  signal?: AbortSignal
  onImage?: (done: number, right: number) => void
  onSpike?: (image: number, node: number, neuron: number, step: number) => void
}

/**
 * @param images a byte a pixel, one after the other, as many pixels each as the graph has inputs
 * @param labels one an image
 */
export async function runImages(
  simulation: Simulation,
  images: Uint8Array,
  labels: Uint8Array,
  steps: number,
  { signal, onImage, onSpike }: Watching = {},
): Promise<NamedImages> {
  const { inputs } = simulation
  const named = new Int32Array(labels.length)
  const input = new Float64Array(inputs)
  let right = 0
  let spikes = 0
  for (const [i, label] of labels.entries()) {
    for (let p = 0; p < inputs; p++) input[p] = images[i * inputs + p] / 255
    const run = simulation.run(
      input,
      steps,
      onSpike && ((node, neuron, step) => onSpike(i, node, neuron, step)),
    )
    let best = 0
    for (let o = 1; o < run.sums.length; o++) if (run.sums[o] > run.sums[best]) best = o
    named[i] = best
    spikes += run.spikes
    if (best === label) right++
    onImage?.(i + 1, right)
    // Lets the signal be seen.
    if (i % 20 === 0) await new Promise(resolve => setImmediate(resolve))
    signal?.throwIfAborted()
  }
  return { named, spikes: spikes / labels.length }
}
