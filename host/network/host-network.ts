/** The whole network in one shard on the host: the core of the boards, run by Node. */
import "../base/memory"
import { Header } from "../../src/core/layout"
import { learnWhole, predictWhole } from "../../src/core/whole"
import { encodeRuns } from "../data/runs"
import { ELEMENT_VALUES, exchangeCoefficients, exchangeElements } from "./exchange"
import { elementsLearn, inputImage, linksOf, type Network } from "./network"
import { refuseQuantised } from "./refuse-quantised"
import { buildShard } from "./shard"
import { addSlices, type Slice } from "./slices"

/**
 * A network on the host that answers and learns as boards do, one image at a time, with the same
 * bits: settled propagation, the linear backward signal at the operating point, ΔC = S·λ with
 * stochastic rounding (paper 001 eq. 3.3 to 3.5 without the bound).
 */
export class HostNetwork {
  /** The shard: coefficients, states and all. @internal */
  readonly memory: Buffer
  /** Samples learned so far; the next one's number in the stochastic rounding. */
  samples = 0

  constructor(
    /** What it was made of. */
    readonly network: Network,
  ) {
    this.memory = buildShard(network, wholeNetwork(network), 1)
  }

  /** Runs the network on an image (one byte a pixel); returns the class of the largest output. */
  predict(image: Uint8Array): number {
    const runs = encodeRuns(inputImage(this.network, image))
    return predictWhole(this.memory, runs, 0, runs.length, 0)
  }

  /**
   * One learning step; returns what the network said before it.
   *
   * @param sample its number, if it is not the next one of the run
   * @throws WuxingError "quantised-learning"
   */
  train(image: Uint8Array, label: number, sample?: number): number {
    refuseQuantised(this.network)
    const runs = encodeRuns(inputImage(this.network, image))
    return learnWhole(this.memory, runs, 0, runs.length, 0, label, sample ?? this.samples++)
  }

  /** Takes over what was learnt elsewhere; both as below. */
  load(coefficients: Buffer, elements: Buffer): void {
    exchangeCoefficients(this.memory, this.network, coefficients, true)
    exchangeElements(this.memory, this.network, elements, true)
  }

  /** Bits by which a link's change is shifted: the rate. */
  set learnShift(bits: number) {
    this.memory.setAt(Header.LearnShift, "u16", bits)
  }

  /** Coefficients in the network's own order, int16 little-endian, Q13. */
  coefficients(): Buffer {
    return coefficientsOf(this.network, [this.memory])
  }

  /** K3, B and B̂ of every element (exchangeElements, exchange.ts); empty if elements do not learn. */
  elements(): Buffer {
    return elementsOf(this.network, [this.memory])
  }
}

/** Gathers the coefficients that several shards hold together. */
export function coefficientsOf(network: Network, shards: Buffer[]): Buffer {
  let links = 0
  for (let layer = 1; layer <= network.layers.length; layer++) links += linksOf(network, layer)
  const all = Buffer.alloc(links * 2)
  for (const shard of shards) exchangeCoefficients(shard, network, all, false)
  return all
}

/** Gathers what several shards' elements have of their own; empty if elements do not learn. */
export function elementsOf(network: Network, shards: Buffer[]): Buffer {
  if (!elementsLearn(network)) return Buffer.alloc(0)
  let neurons = 0
  for (const layer of network.layers) neurons += layer.neurons
  const all = Buffer.alloc(neurons * ELEMENT_VALUES * 2)
  for (const shard of shards) exchangeElements(shard, network, all, false)
  return all
}

/** Every layer cut into parts that respect the core's limits of synapses and links a part. */
export function wholeNetwork(network: Network): Slice[] {
  const slices: Slice[] = []
  network.layers.forEach((l, i) => {
    addSlices(network, slices, i + 1, 0, l.neurons)
  })
  return slices
}
