/**
 * A multilayer perceptron with few links, trained by backpropagation in floating point: what the
 * papers compare their networks with (paper 001, fig. 3).
 *
 * Of each pair of layers a given share of all links exists, drawn by the seed. Softmax outputs,
 * cross-entropy, stochastic gradient descent of one image at a time. Links are stored by source, so
 * that a black pixel or a neuron that is off costs nothing.
 */
import { hash32 } from "../../src/base/random"

/** The papers name no activation; both of the usual ones are here. */
export type Activation = "relu" | "sigmoid"

export interface MlpOptions {
  /** Neurons of each layer, the input first. */
  layers: number[]
  /** Share of the possible links of each pair of layers, above 0, at most 1. */
  linkRatio: number
  activation: Activation
  seed: number
}

/** The links of one pair of layers and what passed through them last. */
export interface Pair {
  before: number
  after: number
  /** Where the links of each source begin; one more for the end. */
  start: Int32Array
  target: Int32Array
  weight: Float64Array
  bias: Float64Array
  /** Sums of the layer behind before its activation, and ∂loss/∂sum. */
  sum: Float64Array
  delta: Float64Array
}

export class Mlp {
  readonly pairs: Pair[]
  /** What each layer gave last, the input (0…1) first. */
  readonly signals: Float64Array[]
  private readonly activation: Activation

  /** @throws RangeError for a link ratio outside 0…1 or fewer than two layers */
  constructor({ layers, linkRatio, activation, seed }: MlpOptions) {
    if (!(linkRatio > 0 && linkRatio <= 1)) throw new RangeError(`link ratio ${linkRatio}`)
    if (layers.length < 2) throw new RangeError(`${layers.length} layers`)
    this.activation = activation
    this.signals = layers.map(neurons => new Float64Array(neurons))
    this.pairs = layers
      .slice(1)
      .map((after, i) => drawPair(layers[i], after, linkRatio, activation, hash32(seed, i)))
  }

  get links(): number {
    return this.pairs.reduce((sum, pair) => sum + pair.weight.length, 0)
  }

  /** Class of the largest output for an image (a byte a pixel). */
  predict(image: Uint8Array): number {
    this.forward(image)
    return largest(this.pairs[this.pairs.length - 1].sum)
  }

  /** Cross-entropy −ln p(label). */
  loss(image: Uint8Array, label: number): number {
    this.forward(image)
    return -Math.log(this.probabilities()[label])
  }

  /** ∂loss/∂weight of every link, and ∂loss/∂bias, pair by pair. */
  gradient(image: Uint8Array, label: number): { weight: Float64Array; bias: Float64Array }[] {
    this.forward(image)
    this.backward(label, 0)
    return this.pairs.map((pair, i) => {
      const weight = new Float64Array(pair.weight.length)
      for (let s = 0; s < pair.before; s++)
        for (let l = pair.start[s]; l < pair.start[s + 1]; l++)
          weight[l] = this.signals[i][s] * pair.delta[pair.target[l]]
      return { weight, bias: pair.delta.slice() }
    })
  }

  /** One step of gradient descent; true if the network named the label before it. */
  train(image: Uint8Array, label: number, rate: number): boolean {
    const right = this.predict(image) === label
    this.backward(label, rate)
    return right
  }

  private forward(image: Uint8Array): void {
    const input = this.signals[0]
    for (let i = 0; i < input.length; i++) input[i] = image[i] / 255
    for (let p = 0; p < this.pairs.length; p++) {
      const { start, target, weight, bias, sum, before, after } = this.pairs[p]
      const from = this.signals[p]
      sum.set(bias)
      for (let s = 0; s < before; s++) {
        const x = from[s]
        if (x !== 0) for (let l = start[s]; l < start[s + 1]; l++) sum[target[l]] += x * weight[l]
      }
      const to = this.signals[p + 1]
      if (this.activation === "relu") for (let t = 0; t < after; t++) to[t] = Math.max(0, sum[t])
      else for (let t = 0; t < after; t++) to[t] = 1 / (1 + Math.exp(-sum[t]))
    }
  }

  /** Softmax of the last sums. */
  private probabilities(): Float64Array {
    const { sum } = this.pairs[this.pairs.length - 1]
    const most = Math.max(...sum)
    const p = sum.map(v => Math.exp(v - most))
    const all = p.reduce((a, b) => a + b, 0)
    return p.map(v => v / all)
  }

  /** Backpropagation from the label; weights learn on the way with this rate. */
  private backward(label: number, rate: number): void {
    const last = this.pairs[this.pairs.length - 1]
    last.delta.set(this.probabilities())
    last.delta[label] -= 1
    for (let p = this.pairs.length - 1; p >= 0; p--) {
      const { start, target, weight, bias, delta, before, after } = this.pairs[p]
      const from = this.signals[p]
      const below = p > 0 ? this.pairs[p - 1].delta : undefined
      for (let s = 0; s < before; s++) {
        const x = from[s]
        // A pixel that is black, or a rectifier that is off, learns nothing and passes nothing on.
        if (x === 0) {
          if (below) below[s] = 0
          continue
        }
        const step = rate * x
        let back = 0
        for (let l = start[s]; l < start[s + 1]; l++) {
          const d = delta[target[l]]
          back += weight[l] * d
          weight[l] -= step * d
        }
        if (below) below[s] = this.activation === "relu" ? back : back * x * (1 - x)
      }
      for (let t = 0; t < after; t++) bias[t] -= rate * delta[t]
    }
  }
}

/** The share of links drawn one after another (selection sampling: exactly as many as asked for). */
function drawPair(
  before: number,
  after: number,
  ratio: number,
  activation: Activation,
  seed: number,
): Pair {
  const possible = before * after
  const links = Math.max(1, Math.round(ratio * possible))
  const start = new Int32Array(before + 1)
  const target = new Int32Array(links)
  const weight = new Float64Array(links)
  // He's scale for rectifiers; the same for sigmoids, whose slope is ¼, times 4 (Glorot).
  const fanIn = links / after
  const scale = activation === "relu" ? Math.sqrt(2 / fanIn) : 4 / Math.sqrt(fanIn)
  const random = uniformRandom(seed)
  let link = 0
  let seen = 0
  for (let s = 0; s < before; s++) {
    start[s] = link
    for (let t = 0; t < after; t++) {
      if (random() * (possible - seen++) >= links - link) continue
      target[link] = t
      weight[link++] =
        scale * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    }
  }
  start[before] = link
  return {
    ...{ before, after, start, target, weight },
    bias: new Float64Array(after),
    sum: new Float64Array(after),
    delta: new Float64Array(after),
  }
}

/** Numbers from 0 (with) to 1 (without), the same for a seed on every machine. */
function uniformRandom(seed: number): () => number {
  let count = 0
  return () => (hash32(seed, count++) >>> 0) / 2 ** 32
}

function largest(values: Float64Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i
  return best
}
