/** What is inside a network, computed on the host by the core from the coefficients read from boards. */
import "../base/memory"
import { Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { HostNetwork, wholeNetwork } from "../network/host-network"
import {
  inputElement,
  inputSignalsOf,
  kernelsOf,
  linksOf,
  type Network,
  neuronsOf,
  outputElement,
} from "../network/network"
import type { Slice } from "../network/slices"
import { type Sources, wiringOf } from "../network/wiring"
import type { Checkpoint } from "../session/reports"
import type { InsideView } from "./messages"
import { RingTracer } from "./ring-trace"

const BINS = 41
const COEFFICIENT = 2 ** 13

/** A signal's weight of each pixel. */
type Weights = Float32Array

export class Inside {
  /** Made when somebody first looks: nobody may. */
  private made?: { host: HostNetwork; tracer: RingTracer; slices: Slice[] }
  private read?: Checkpoint
  private loaded?: Checkpoint
  private readonly drawn: { sources: Sources; firsts: number[] }[] = []
  /** By layer: of each signal, once it is asked for. */
  private paths: Weights[][] = []

  constructor(private readonly network: Network) {}

  /** What the next look is to show. */
  load(checkpoint: Checkpoint): void {
    this.read = checkpoint
  }

  private get parts() {
    const { network, read } = this
    this.made ??= {
      host: new HostNetwork(network),
      tracer: new RingTracer(network),
      slices: wholeNetwork(network),
    }
    if (read && read !== this.loaded) {
      this.made.host.load(read.coefficients, read.elements)
      this.loaded = read
      this.paths = []
    }
    return this.made
  }

  private get coefficients(): Buffer {
    return this.loaded?.coefficients ?? this.parts.host.coefficients()
  }

  /**
   * @param layer 1 = the first behind the input
   * @param label what the image shows; −1: not known, and then nothing goes backward
   */
  view(
    layer: number,
    neuron: number,
    image: Uint8Array,
    label: number,
  ): Omit<InsideView, "type" | "image"> {
    const { network } = this
    const { host, tracer, slices } = this.parts
    const { memory } = host
    const index = slices.findIndex(
      s => s.layer === layer && neuron >= s.first && neuron < s.first + s.count,
    )
    const place = [partAt(index), neuron - slices[index].first] as const
    host.predict(image)
    tracer.take(memory, ...place)
    const activity = this.activity(layer)
    if (label >= 0) {
      // A learning step brings the backward sums; what it learnt is taken back.
      const before = Buffer.from(memory)
      host.train(image, label, 0)
      tracer.takeBack(memory, ...place)
      before.copy(memory)
    }
    const trace = tracer.trace()
    const own = network.layers[layer - 1]
    const { inputs } = own
    const weights = layer === 1 ? this.direct(neuron) : this.along(layer, neuron)
    return {
      ...{ layer, neuron, label, readAfter: this.loaded?.samples ?? 0, activity },
      ...trace,
      weights: Array.from(weights, v => Number(v.toPrecision(4))),
      direct: layer === 1,
      links: Array.from({ length: inputs }, (_, k) => ({
        element: inputElement(own, k),
        links: this.drawing(layer).sources[neuron * inputs + k].length,
      })).filter(({ links }) => links > 0),
      histogram: this.histogram(layer),
    }
  }

  /** Where each synapse's links come from, and the place of its first among all. */
  private drawing(layer: number) {
    if (!this.drawn[layer]) {
      const sources = wiringOf(this.network).sources(layer)
      let at = 0
      for (let l = 1; l < layer; l++) at += linksOf(this.network, l)
      const first = at
      const shared = kernelsOf(this.network, layer)?.synapses
      const firsts = sources.map((of, t) => {
        if (shared !== undefined) return first + (t % shared) * of.length
        at += of.length
        return at - of.length
      })
      this.drawn[layer] = { sources, firsts }
    }
    return this.drawn[layer]
  }

  /** Coefficients of a synapse, in units of 1, and where its links come from. */
  private *links(layer: number, synapse: number): Generator<[source: number, c: number]> {
    const { sources, firsts } = this.drawing(layer)
    for (const [rank, source] of sources[synapse].entries())
      yield [source, this.coefficients.getAt((firsts[synapse] + rank) * 2, "i16") / COEFFICIENT]
  }

  /** A first-layer neuron's coefficients by pixel, those of its synapses together. */
  private direct(neuron: number): Weights {
    const { network } = this
    const each = inputSignalsOf(network)
    const { inputs } = network.layers[0]
    const weights = new Float32Array(network.width)
    for (let i = 0; i < inputs; i++)
      for (const [source, c] of this.links(1, neuron * inputs + i))
        weights[Math.floor(source / each)] += c
    return weights
  }

  /** Along all paths from the pixels: coefficients, times the rings' response to small inputs. */
  private along(layer: number, neuron: number): Weights {
    const { outputs } = this.network.layers[layer - 1]
    const weights = new Float32Array(this.network.width)
    for (let o = 0; o < outputs; o++) {
      const of = this.signal(layer, neuron * outputs + o)
      for (let p = 0; p < weights.length; p++) weights[p] += of[p] / outputs
    }
    return weights
  }

  private signal(layer: number, signal: number): Weights {
    const { network } = this
    this.paths[layer] ??= []
    const known = this.paths[layer][signal]
    if (known) return known
    const weights = new Float32Array(network.width)
    const own = network.layers[layer - 1]
    const { inputs, outputs } = own
    const neuron = Math.floor(signal / outputs)
    const element = outputElement(own, signal % outputs)
    for (let i = 0; i < inputs; i++) {
      const response = this.response(inputElement(own, i))[element]
      for (const [source, c] of this.links(layer, neuron * inputs + i)) {
        if (layer === 1) weights[Math.floor(source / inputSignalsOf(network))] += c * response
        else {
          const below = this.signal(layer - 1, source)
          for (let p = 0; p < weights.length; p++) weights[p] += c * response * below[p]
        }
      }
    }
    this.paths[layer][signal] = weights
    return weights
  }

  private readonly responses: number[][] = []
  private response(element: number): number[] {
    this.responses[element] ??= this.parts.tracer.response(this.parts.host.memory, element)
    return this.responses[element]
  }

  private histogram(layer: number): InsideView["histogram"] {
    let first = 0
    for (let l = 1; l < layer; l++) first += linksOf(this.network, l)
    const count = linksOf(this.network, layer)
    let most = 1
    for (let i = first; i < first + count; i++)
      most = Math.max(most, Math.abs(this.coefficients.getAt(i * 2, "i16")))
    const bins: number[] = Array(BINS).fill(0)
    for (let i = first; i < first + count; i++) {
      const c = this.coefficients.getAt(i * 2, "i16")
      bins[Math.min(BINS - 1, Math.floor(((c + most) / (2 * most)) * BINS))]++
    }
    return { from: -most / COEFFICIENT, to: most / COEFFICIENT, bins }
  }

  /** Mean |signal| of each neuron of a layer. */
  private activity(layer: number): number[] {
    const { host, slices } = this.parts
    const { memory } = host
    const result: number[] = Array(neuronsOf(this.network, layer)).fill(0)
    const scale = 2 ** this.network.signalBits
    for (const [i, slice] of slices.entries()) {
      if (slice.layer !== layer) continue
      const part = partAt(i)
      const outputs = memory.getAt(part + Part.Outputs, "u16")
      const bus =
        memory.getAt(part + Part.BusOut, "i32") + memory.getAt(part + Part.BusOutFirst, "u16") * 2
      for (let n = 0; n < slice.count; n++) {
        let sum = 0
        for (let o = 0; o < outputs; o++)
          sum += Math.abs(memory.getAt(bus + (n * outputs + o) * 2, "i16"))
        result[slice.first + n] = Number((sum / outputs / scale).toFixed(3))
      }
    }
    return result
  }
}
