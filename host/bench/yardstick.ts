/**
 * The same network and the same steps in plain double precision, written as one would without
 * thinking of speed: what the engine is compared with, so that its speed can be told on any machine.
 * No rounding, no noise; nothing is learnt where the label already leads.
 */
import "../base/memory"
import { Header } from "../../src/core/layout"
import {
  coefficientMax,
  inputSignalsOf,
  lambdaBits,
  type Network,
  signalsOf,
} from "../network/network"
import { buildShard } from "../network/shard"
import { wiringOf } from "../network/wiring"

interface FloatLayer {
  neurons: number
  inputs: number
  outputFirst: number
  outputs: number
  /** Links of source s: start[s] … start[s+1]−1. */
  start: Int32Array
  target: Int32Array
  /** Place of each link's coefficient in the network's own order. */
  place: Int32Array
  coefficient: Float64Array
  sum: Float64Array
  lambda: Float64Array
  state: Float64Array
  signal: Float64Array
  back: Float64Array
}

const DT = 0.75

export class Yardstick {
  private readonly layers: FloatLayer[]
  private readonly table: Float64Array
  private readonly input: Float64Array
  private readonly most: number

  /** @param coefficients in the network's order, Q13 */
  constructor(
    readonly network: Network,
    coefficients: Buffer,
  ) {
    let place = 0
    this.most = coefficientMax(network) / 8192
    this.layers = network.layers.map((l, k) => {
      const sources = signalsOf(network, k)
      const drawn = wiringOf(network).sources(k + 1)
      const bySource: [number, number][][] = Array.from({ length: sources }, () => [])
      for (const [t, of] of drawn.entries()) for (const s of of) bySource[s].push([t, place++])
      const flat = bySource.flat()
      const start = new Int32Array(sources + 1)
      for (const [s, of] of bySource.entries()) start[s + 1] = start[s] + of.length
      const synapses = l.neurons * l.inputs
      return {
        ...{ neurons: l.neurons, inputs: l.inputs, outputFirst: l.outputFirst, outputs: l.outputs },
        start,
        target: Int32Array.from(flat, ([t]) => t),
        place: Int32Array.from(flat, ([, p]) => p),
        coefficient: new Float64Array(flat.length),
        sum: new Float64Array(synapses),
        lambda: new Float64Array(synapses),
        state: new Float64Array(l.neurons * 5),
        signal: new Float64Array(l.neurons * l.outputs),
        back: new Float64Array(l.neurons * l.outputs),
      }
    })
    this.reset(coefficients)
    // The input neurons' responses are a table in the core as well.
    const shard = buildShard(network, [{ layer: 1, first: 0, count: 1 }], 1)
    const at = shard.getAt(Header.InputTable, "i32")
    this.table = Float64Array.from(
      { length: 256 * inputSignalsOf(network) },
      (_, i) => shard.getAt(at + 2 * i, "i16") / 2 ** network.signalBits,
    )
    this.input = new Float64Array(signalsOf(network, 0))
  }

  /** Class of the largest output for an image, one byte a pixel. */
  predict(image: Uint8Array): number {
    const signals = inputSignalsOf(this.network)
    for (const [pixel, v] of image.entries())
      for (let k = 0; k < signals; k++)
        this.input[pixel * signals + k] = this.table[v * signals + k]
    let before = this.input
    for (const layer of this.layers) {
      sumLinks(layer, before)
      settle(this.network, layer)
      before = layer.signal
    }
    let best = 0
    for (const [i, v] of before.entries()) if (v > before[best]) best = i
    return best
  }

  /** One learning step; returns what was named before it. */
  train(image: Uint8Array, label: number): number {
    const named = this.predict(image)
    const { network, layers } = this
    if (!outputError(network, layers[layers.length - 1], label)) return named
    // S·λ as integers is in Q(signalBits + 12), the change in Q13.
    const rate = 2 ** (network.signalBits + lambdaBits(network) - 13 - network.learnShift)
    for (let k = layers.length - 1; k >= 0; k--) {
      settleBack(network, layers[k])
      const below = k > 0 ? layers[k - 1] : undefined
      learnLinks(layers[k], below?.signal ?? this.input, below?.back, rate, this.most)
    }
    return named
  }

  /** @param all in the network's order, Q13 */
  reset(all: Buffer): void {
    for (const { place, coefficient } of this.layers)
      for (const [i, p] of place.entries()) coefficient[i] = all.readInt16LE(2 * p) / 8192
  }

  /** In the network's order, real numbers. */
  get coefficients(): Float64Array {
    const links = this.layers.reduce((sum, layer) => sum + layer.place.length, 0)
    const all = new Float64Array(links)
    for (const { place, coefficient } of this.layers)
      for (const [i, p] of place.entries()) all[p] = coefficient[i]
    return all
  }
}

function sumLinks({ start, target, coefficient, sum }: FloatLayer, signal: Float64Array): void {
  sum.fill(0)
  for (let s = 0; s < signal.length; s++) {
    const value = signal[s]
    if (value === 0) continue
    for (let i = start[s]; i < start[s + 1]; i++) sum[target[i]] += value * coefficient[i]
  }
}

function learnLinks(
  { start, target, coefficient, lambda }: FloatLayer,
  signal: Float64Array,
  back: Float64Array | undefined,
  rate: number,
  most: number,
): void {
  for (let s = 0; s < signal.length; s++) {
    const value = signal[s]
    if (value === 0 && back === undefined) continue
    let sum = 0
    for (let i = start[s]; i < start[s + 1]; i++) {
      const l = lambda[target[i]]
      sum += coefficient[i] * l
      coefficient[i] = clamp(coefficient[i] + value * l * rate, -most, most)
    }
    if (back) back[s] = sum
  }
}

function clamp(v: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, v))
}

/** One neuron after the other, each element after the other, by improved Euler. */
function settle(net: Network, layer: FloatLayer): void {
  const { inputs, outputFirst, outputs, sum, state, signal } = layer
  const least = net.elementMin / 4096
  const most = net.elementMax / 4096
  const e = new Float64Array(5)
  const u = new Float64Array(5)
  const f = new Float64Array(5)
  const p = new Float64Array(5)
  const mean = new Float64Array(5)
  for (let n = 0; n < layer.neurons; n++) {
    e.fill(1)
    mean.fill(0)
    for (let i = 0; i < inputs; i++)
      u[i] = clamp(sum[n * inputs + i], net.netMin / 4096, net.netMax / 4096)
    for (let step = 0; step < net.steps; step++) {
      slopes(e, u, f)
      for (let i = 0; i < 5; i++) p[i] = e[i] + DT * f[i]
      for (let i = 0; i < 5; i++) e[i] += (DT / 2) * f[i]
      slopes(p, u, f)
      for (let i = 0; i < 5; i++) {
        e[i] = clamp(e[i] + (DT / 2) * f[i], least, most)
        mean[i] += e[i] - 1
      }
    }
    state.set(e, n * 5)
    for (let k = 0; k < outputs; k++) signal[n * outputs + k] = mean[outputFirst + k] / net.steps
  }
}

function slopes(e: Float64Array, u: Float64Array, f: Float64Array): void {
  for (let i = 0; i < 5; i++)
    f[i] = e[(i + 4) % 5] - 0.5 * e[i] - 0.5 * e[i] * e[(i + 3) % 5] + u[i]
}

function settleBack(net: Network, layer: FloatLayer): void {
  const { inputs, outputFirst, outputs, sum, state, lambda, back } = layer
  const least = net.elementMin / 4096
  const most = net.elementMax / 4096
  const limit = net.lambdaMax / 4096
  const l = new Float64Array(5)
  const drive = new Float64Array(5)
  const f = new Float64Array(5)
  const p = new Float64Array(5)
  const mean = new Float64Array(5)
  for (let n = 0; n < layer.neurons; n++) {
    const x = state.subarray(n * 5, n * 5 + 5)
    l.fill(0)
    mean.fill(0)
    for (let k = 0; k < outputs; k++)
      drive[outputFirst + k] = clamp(back[n * outputs + k], -limit, limit)
    for (let step = 0; step < net.steps; step++) {
      slopesBack(l, x, drive, f)
      for (let i = 0; i < 5; i++) p[i] = x[i] > least && x[i] < most ? l[i] + DT * f[i] : 0
      for (let i = 0; i < 5; i++) l[i] += (DT / 2) * f[i]
      slopesBack(p, x, drive, f)
      for (let i = 0; i < 5; i++) {
        l[i] = x[i] > least && x[i] < most ? clamp(l[i] + (DT / 2) * f[i], -limit, limit) : 0
        mean[i] += l[i]
      }
    }
    for (let i = 0; i < inputs; i++) {
      const u = sum[n * inputs + i]
      const open = u > net.netMin / 4096 && u < net.netMax / 4096
      lambda[n * inputs + i] = open ? mean[i] / net.steps : 0
    }
  }
}

function slopesBack(l: Float64Array, x: Float64Array, drive: Float64Array, f: Float64Array): void {
  for (let i = 0; i < 5; i++) {
    const two = (i + 2) % 5
    f[i] = l[(i + 1) % 5] - (0.5 + 0.5 * x[(i + 3) % 5]) * l[i] - 0.5 * x[two] * l[two] + drive[i]
  }
}

/** By softmax if the network has a gain for it, else by margin, as src/core/run.ts. */
function outputError(net: Network, { signal, back }: FloatLayer, label: number): boolean {
  if (net.softmaxGain) {
    const gain = net.softmaxGain / 16
    const most = signal.reduce((a, b) => Math.max(a, b))
    const weights = signal.map(o => 2 ** (gain * (o - most)))
    const sum = weights.reduce((a, b) => a + b)
    if (weights[label] >= sum * (1 - 1 / 64)) return false
    for (const [i, w] of weights.entries()) back[i] = (i === label ? 1 : 0) - w / sum
    return true
  }
  let other = label === 0 ? 1 : 0
  for (const [i, o] of signal.entries()) if (i !== label && o > signal[other]) other = i
  if (signal[label] - signal[other] >= net.margin / 4096) return false
  back.fill(0)
  back[label] = 1
  back[other] = -1
  return true
}
