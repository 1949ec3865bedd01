/**
 * A settled network in float64 with three backward signals: what the integer core is compared with,
 * and the means to train the same network by backpropagation.
 *
 * Same links, coefficients, clamps and steps as the core, no rounding. Uniform default parameters
 * K1 = 1, K2 = K3 = ½ or as the network gives them, fixed point 1, improved Euler with dt = ¾.
 */
import { inputDrive, inputSignalsOf, type Network, signalsOf } from "../network/network"
import { wiringOf } from "../network/wiring"

/**
 * How the error comes back through a neuron:
 *
 * - exact: the adjoint of the Heun steps themselves, that is, backpropagation through time;
 * - operating-point: a linear ring at the neuron's end state (the core's own);
 * - bsp: the papers' backward equation from its fixed point (paper 001 eq. 2.5, 2.6).
 */
export type Backward = "exact" | "operating-point" | "bsp"

const DT = 0.75
const Q12 = 4096
const Q13 = 8192

interface Layer {
  neurons: number
  inputs: number
  outputFirst: number
  inputStep: number
  outputStep: number
  outputs: number
  /** Where each synapse's links begin; one more for the end. Order as in the core's coefficients. */
  start: Int32Array
  source: Int32Array
  coefficient: Float64Array
  /** Net inputs before the clamp, λ of each synapse. */
  net: Float64Array
  lambda: Float64Array
  /** The elements before the first step and after each, five a neuron and step. */
  path: Float64Array
}

export class SettledNetwork {
  readonly layers: Layer[]
  /** Signals of each layer, the input first, and the errors that came back to them. */
  readonly signals: Float64Array[]
  readonly errors: Float64Array[]
  private readonly netMin: number
  private readonly netMax: number
  private readonly min: number
  private readonly max: number
  private readonly lambdaMax: number
  private readonly k1: number
  private readonly k2: number
  private readonly k3: number
  /** Signals of an input neuron for each pixel value. */
  private readonly table: Float64Array
  /** Rates and predictor of the step in hand. */
  private readonly f = new Float64Array(5)
  private readonly p = new Float64Array(5)
  /** Net inputs of the neuron in hand. */
  private readonly u = new Float64Array(5)

  /** @param coefficients int16, Q13, in the network's order (as `HostNetwork.coefficients`) */
  constructor(
    readonly network: Network,
    coefficients: Buffer,
  ) {
    this.netMin = network.netMin / Q12
    this.netMax = network.netMax / Q12
    this.min = network.elementMin / Q12
    this.max = network.elementMax / Q12
    this.lambdaMax = network.lambdaMax / Q12
    const { k1, k2, k3 } = network.ring ?? { k1: Q12, k2: Q12 / 2, k3: Q12 / 2 }
    ;[this.k1, this.k2, this.k3] = [k1 / Q12, k2 / Q12, k3 / Q12]
    let at = 0
    this.layers = network.layers.map((l, i) => {
      const sources = wiringOf(network).sources(i + 1)
      const start = Int32Array.from([0, ...sources.map(s => s.length)])
      for (let t = 0; t < sources.length; t++) start[t + 1] += start[t]
      const source = Int32Array.from(sources.flat())
      const coefficient = Float64Array.from(source, () => {
        const c = coefficients.readInt16LE(at) / Q13
        at += 2
        return c
      })
      return {
        ...{ neurons: l.neurons, inputs: l.inputs, outputFirst: l.outputFirst },
        ...{ outputs: l.outputs, inputStep: l.inputStep ?? 1, outputStep: l.outputStep ?? 1 },
        ...{ start, source, coefficient },
        net: new Float64Array(sources.length),
        lambda: new Float64Array(sources.length),
        path: new Float64Array(l.neurons * (network.steps + 1) * 5),
      }
    })
    const widths = [0, ...network.layers.map((_, i) => i + 1)].map(i => signalsOf(network, i))
    this.signals = widths.map(width => new Float64Array(width))
    this.errors = widths.map(width => new Float64Array(width))
    this.table = this.inputTable()
  }

  get outputs(): Float64Array {
    return this.signals[this.signals.length - 1]
  }

  get links(): number {
    return this.layers.reduce((sum, layer) => sum + layer.source.length, 0)
  }

  /** Runs the network on an image (a byte a pixel); the class of the largest output. */
  predict(image: Uint8Array): number {
    const each = inputSignalsOf(this.network)
    const input = this.signals[0]
    for (let p = 0; p < image.length; p++)
      for (let k = 0; k < each; k++) input[p * each + k] = this.table[image[p] * each + k]
    for (let i = 0; i < this.layers.length; i++) this.runLayer(i)
    let best = 0
    for (let o = 1; o < this.outputs.length; o++) if (this.outputs[o] > this.outputs[best]) best = o
    return best
  }

  /**
   * After a change of the links of one neuron: runs it and the layers behind it again.
   *
   * @param i layer, 0 = the first behind the input
   */
  rerun(i: number, neuron: number): void {
    this.runNeuron(i, neuron)
    for (let k = i + 1; k < this.layers.length; k++) this.runLayer(k)
  }

  private runLayer(i: number): void {
    for (let n = 0; n < this.layers[i].neurons; n++) this.runNeuron(i, n)
  }

  private runNeuron(i: number, n: number): void {
    const layer = this.layers[i]
    const { steps } = this.network
    const from = this.signals[i]
    const u = this.u.fill(0)
    for (let k = 0; k < layer.inputs; k++) {
      const t = n * layer.inputs + k
      let sum = 0
      for (let l = layer.start[t]; l < layer.start[t + 1]; l++)
        sum += layer.coefficient[l] * from[layer.source[l]]
      layer.net[t] = sum
      u[k * layer.inputStep] = clamp(sum, this.netMin, this.netMax)
    }
    const at = n * (steps + 1) * 5
    layer.path.fill(1, at, at + 5)
    for (let s = 0; s < steps; s++) this.step(layer.path, at + s * 5, u)
    for (let o = 0; o < layer.outputs; o++) {
      let sum = 0
      for (let s = 1; s <= steps; s++)
        sum += layer.path[at + s * 5 + layer.outputFirst + o * layer.outputStep] - 1
      this.signals[i + 1][n * layer.outputs + o] = sum / steps
    }
  }

  /** dE/dt without input: of the element that generates it, its own, of the one that inhibits it. */
  private rate(generating: number, own: number, inhibiting: number): number {
    return this.k1 * generating - this.k2 * own - this.k3 * own * inhibiting
  }

  /** Row j of the transposed Jacobian at the five elements at `at`, times a vector. */
  private transposed(e: Float64Array, at: number, v: Float64Array, j: number): number {
    const { k1, k2, k3 } = this
    return (
      k1 * v[RIGHT[j]] - (k2 + k3 * e[at + LEFT2[j]]) * v[j] - k3 * e[at + RIGHT2[j]] * v[RIGHT2[j]]
    )
  }

  /** One Heun step from the five elements at `at` to the five behind. */
  private step(path: Float64Array, at: number, u: Float64Array): void {
    const { f, p } = this
    for (let i = 0; i < 5; i++) {
      const e = path[at + i]
      f[i] = this.rate(path[at + LEFT[i]], e, path[at + LEFT2[i]]) + u[i]
      p[i] = e + DT * f[i]
    }
    for (let i = 0; i < 5; i++) {
      const g = this.rate(p[LEFT[i]], p[i], p[LEFT2[i]]) + u[i]
      path[at + 5 + i] = clamp(path[at + i] + (DT / 2) * (f[i] + g), this.min, this.max)
    }
  }

  /**
   * Sends an error at the outputs back: λ of every synapse, such that signal times λ is what the
   * error says about a link's coefficient.
   *
   * @param error one number an output; up is what the output should do
   */
  backward(error: Float64Array, how: Backward): void {
    this.errors[this.errors.length - 1].set(error)
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const layer = this.layers[i]
      const back = new Float64Array(5)
      const input = new Float64Array(5)
      for (let n = 0; n < layer.neurons; n++) {
        input.fill(0)
        let driven = false
        for (let o = 0; o < layer.outputs; o++) {
          const e = this.errors[i + 1][n * layer.outputs + o]
          input[layer.outputFirst + o * layer.outputStep] = e
          driven ||= e !== 0
        }
        if (!driven) back.fill(0)
        else if (how === "exact") this.exact(layer, n, input, back)
        else if (how === "operating-point") this.operatingPoint(layer, n, input, back)
        else this.bsp(input, back)
        for (let k = 0; k < layer.inputs; k++) {
          const t = n * layer.inputs + k
          const net = layer.net[t]
          // Behind a clamp the neuron does not feel the link. The papers' signal knows nothing of it.
          const held = how !== "bsp" && (net <= this.netMin || net >= this.netMax)
          layer.lambda[t] = held ? 0 : back[k * layer.inputStep]
        }
      }
      const below = this.errors[i]
      below.fill(0)
      // Pixels learn nothing.
      if (i === 0) continue
      for (let t = 0; t < layer.lambda.length; t++) {
        const lambda = layer.lambda[t]
        if (lambda === 0) continue
        for (let l = layer.start[t]; l < layer.start[t + 1]; l++)
          below[layer.source[l]] += layer.coefficient[l] * lambda
      }
    }
  }

  /** Adds rate · S · λ to every coefficient, clamped to ±max (paper 001 eq. 3.3, 3.5). */
  learn(rate: number, max: number): void {
    for (const [i, layer] of this.layers.entries())
      for (let t = 0; t < layer.lambda.length; t++) {
        const lambda = layer.lambda[t] * rate
        if (lambda === 0) continue
        for (let l = layer.start[t]; l < layer.start[t + 1]; l++) {
          const c = layer.coefficient[l] + lambda * this.signals[i][layer.source[l]]
          layer.coefficient[l] = clamp(c, -max, max)
        }
      }
  }

  /** The transposed steps, last first: what a constant net input did to the time-mean of D. */
  private exact(layer: Layer, n: number, input: Float64Array, back: Float64Array): void {
    const { steps } = this.network
    const at = n * (steps + 1) * 5
    const { path } = layer
    const { f, p } = this
    /** Adjoints of the state after the step, of the rates there and at the predictor. */
    let after = new Float64Array(5)
    const g1 = new Float64Array(5)
    const g2 = new Float64Array(5)
    back.fill(0)
    const u = new Float64Array(5)
    for (let k = 0; k < layer.inputs; k++)
      u[k * layer.inputStep] = clamp(layer.net[n * layer.inputs + k], this.netMin, this.netMax)
    for (let s = steps - 1; s >= 0; s--) {
      const x = at + s * 5
      for (let i = 0; i < 5; i++) {
        const e = path[x + i]
        f[i] = this.rate(path[x + LEFT[i]], e, path[x + LEFT2[i]]) + u[i]
        p[i] = e + DT * f[i]
      }
      for (let i = 0; i < 5; i++) {
        after[i] += input[i] / steps
        const e = path[x + 5 + i]
        if (e <= this.min || e >= this.max) after[i] = 0
        g1[i] = (DT / 2) * after[i]
        g2[i] = (DT / 2) * after[i]
      }
      const before = after.slice()
      for (let j = 0; j < 5; j++) {
        const q = this.transposed(p, 0, g2, j)
        before[j] += q
        g1[j] += DT * q
      }
      for (let j = 0; j < 5; j++) {
        before[j] += this.transposed(path, x, g1, j)
        back[j] += g1[j] + g2[j]
      }
      after = before
    }
  }

  /** dλ/dt = Jᵀ(X)·λ + in from zero, X the end state; the time-mean. */
  private operatingPoint(layer: Layer, n: number, input: Float64Array, back: Float64Array): void {
    const { steps } = this.network
    const x = (n * (steps + 1) + steps) * 5
    const { path } = layer
    const limit = this.lambdaMax
    const lambda = new Float64Array(5)
    const { f, p } = this
    const free = (i: number) => path[x + i] > this.min && path[x + i] < this.max
    back.fill(0)
    for (let s = 0; s < steps; s++) {
      for (let j = 0; j < 5; j++)
        f[j] = free(j) ? this.transposed(path, x, lambda, j) + clamp(input[j], -limit, limit) : 0
      for (let j = 0; j < 5; j++) p[j] = lambda[j] + DT * f[j]
      for (let j = 0; j < 5; j++) {
        if (!free(j)) continue
        const g = this.transposed(path, x, p, j) + clamp(input[j], -limit, limit)
        back[j] += clamp(lambda[j] + (DT / 2) * (f[j] + g), -limit, limit) / steps
        f[j] = clamp(lambda[j] + (DT / 2) * (f[j] + g), -limit, limit)
      }
      for (let j = 0; j < 5; j++) if (free(j)) lambda[j] = f[j]
    }
  }

  /** dÊ[i]/dt = K1·Ê[i+1] − K2·Ê[i] − K3·Ê[i]·Ê[i+2] + û[i] from the fixed point; mean of Ê − B̂. */
  private bsp(input: Float64Array, back: Float64Array): void {
    const { steps } = this.network
    const e = new Float64Array(5).fill(1)
    const { f, p } = this
    back.fill(0)
    const u = input.map(v => clamp(v, this.netMin, this.netMax))
    for (let s = 0; s < steps; s++) {
      for (let i = 0; i < 5; i++) {
        f[i] = this.rate(e[RIGHT[i]], e[i], e[RIGHT2[i]]) + u[i]
        p[i] = e[i] + DT * f[i]
      }
      for (let i = 0; i < 5; i++) {
        const g = this.rate(p[RIGHT[i]], p[i], p[RIGHT2[i]]) + u[i]
        f[i] = clamp(e[i] + (DT / 2) * (f[i] + g), this.min, this.max)
      }
      e.set(f)
      for (let i = 0; i < 5; i++) back[i] += (e[i] - 1) / steps
    }
  }

  /** A pixel sits on element 0, its net input unclamped; the elements from 1 on are the signals. */
  private inputTable(): Float64Array {
    const each = inputSignalsOf(this.network)
    const { steps, inputScale } = this.network
    const table = new Float64Array(256 * each)
    const path = new Float64Array((steps + 1) * 5)
    for (let pixel = 0; pixel < 256; pixel++) {
      const u = new Float64Array(5)
      u[0] = (inputDrive(this.network, pixel) / 255) * (inputScale / Q12)
      path.fill(1, 0, 5)
      for (let s = 0; s < steps; s++) this.step(path, s * 5, u)
      for (let k = 0; k < each; k++)
        for (let s = 1; s <= steps; s++)
          table[pixel * each + k] += (path[s * 5 + 1 + k] - 1) / steps
    }
    return table
  }
}

/** Element i−1, i−2, i+1, i+2 of five. */
const LEFT = [4, 0, 1, 2, 3]
const LEFT2 = [3, 4, 0, 1, 2]
const RIGHT = [1, 2, 3, 4, 0]
const RIGHT2 = [2, 3, 4, 0, 1]

function clamp(x: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, x))
}
