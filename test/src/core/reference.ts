/**
 * The model in float64, written from its equations with plain arrays: what the fixed-point core is
 * compared with. It shares no code with the core; a network's description, its sources and its
 * coefficients come in as data.
 */
import type { Network } from "../../../host/network/network"

/** Elements of a ring {J, S, M, H, T}, and the uniform default parameters (paper 001, 3.). */
const RING = 5
const K1 = 1
const K2 = 0.5
const K3 = 0.5
const B = (K1 - K2) / K3
const DT = 0.75

const at = (ring: number[], i: number) => ring[(i + 2 * RING) % RING]
const clamp = (x: number, min: number, max: number) => Math.min(max, Math.max(min, x))

/** dE[i]/dt = K1·E[i−1] − K2·E[i] − K3·E[i]·E[i−2] + u[i] (paper 001 eq. 2.3). */
export function forwardRate(e: number[], u: number[]): number[] {
  return e.map((x, i) => K1 * at(e, i - 1) - K2 * x - K3 * x * at(e, i - 2) + u[i])
}

/** ∂(dE[i]/dt)/∂E[j] at E, row i. */
export function jacobian(e: number[]): number[][] {
  return e.map((x, i) => {
    const row = new Array<number>(RING).fill(0)
    row[(i + 4) % RING] += K1
    row[i] += -K2 - K3 * at(e, i - 2)
    row[(i + 3) % RING] += -K3 * x
    return row
  })
}

export interface Settled {
  /** The elements after the last step. */
  end: number[]
  /** Time-mean of D = E − B: the sum of D after each of the steps, divided by their number. */
  mean: number[]
}

/** Forward settle of one neuron under the constant net inputs u (five, already clamped). */
export function settle(u: number[], steps: number, min: number, max: number): Settled {
  let e = new Array<number>(RING).fill(B)
  const mean = new Array<number>(RING).fill(0)
  for (let step = 0; step < steps; step++) {
    const f = forwardRate(e, u)
    const g = forwardRate(
      e.map((x, i) => x + DT * f[i]),
      u,
    )
    e = e.map((x, i) => clamp(x + (DT / 2) * (f[i] + g[i]), min, max))
    e.forEach((x, i) => {
      mean[i] += (x - B) / steps
    })
  }
  return { end: e, mean }
}

/**
 * Operating-point backward signal of one neuron:
 *
 *     dλ[i]/dt = K1·λ[i+1] − K2·λ[i] − K3·X[i−2]·λ[i] − K3·X[i+2]·λ[i+2] + in[i]
 *
 * @param x end state of the forward settle
 * @param held elements that ended on a clamp: λ stays 0 there
 * @returns time-mean of λ
 */
export function settleBack(
  x: number[],
  held: boolean[],
  input: number[],
  steps: number,
  limit: number,
): number[] {
  const rate = (l: number[]) =>
    l.map((v, i) =>
      held[i]
        ? 0
        : K1 * at(l, i + 1) -
          K2 * v -
          K3 * at(x, i - 2) * v -
          K3 * at(x, i + 2) * at(l, i + 2) +
          input[i],
    )
  let l = new Array<number>(RING).fill(0)
  const mean = new Array<number>(RING).fill(0)
  for (let step = 0; step < steps; step++) {
    const f = rate(l)
    const g = rate(l.map((v, i) => v + DT * f[i]))
    l = l.map((v, i) => clamp(v + (DT / 2) * (f[i] + g[i]), -limit, limit))
    l.forEach((v, i) => {
      mean[i] += v / steps
    })
  }
  return mean
}

/**
 * Error by margin (papers 5.2, 5.3): +1 on the label and −1 on the best other unless the label leads
 * it by the margin. With margin ∞: the gradient of O[label] − O[best other].
 */
export function marginError(outputs: number[], label: number, margin: number): number[] {
  const error = outputs.map(() => 0)
  const other = bestOther(outputs, label)
  if (other < 0 || outputs[label] - outputs[other] >= margin) return error
  error[label] = 1
  error[other] = -1
  return error
}

/** Softmax error: target − p with p = e^(gain·O) / Σ e^(gain·O). */
export function softmaxError(outputs: number[], label: number, gain: number): number[] {
  const best = Math.max(...outputs)
  const weights = outputs.map(o => Math.exp(gain * (o - best)))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((w, i) => (i === label ? 1 : 0) - w / sum)
}

export function bestOther(outputs: number[], label: number): number {
  let best = -1
  for (const [i, o] of outputs.entries())
    if (i !== label && (best < 0 || o > outputs[best])) best = i
  return best
}

/** What one forward pass leaves, all real numbers; index 0 of `signals` is the input layer. */
export interface Pass {
  signals: number[][]
  /** Net inputs of each layer behind the input, before the clamp. */
  nets: number[][]
  /** End states, five elements a neuron. */
  states: number[][]
}

export class Reference {
  private readonly steps: number
  private readonly netMin: number
  private readonly netMax: number
  private readonly min: number
  private readonly max: number
  private readonly limit: number
  /** Input neurons answer to the pixel alone. */
  private readonly responses = new Map<number, number>()
  /** Of each image what its neurons settled to last: under the same inputs they do so again. */
  private readonly settled = new WeakMap<Uint8Array, Map<string, Settled & { u: number[] }>>()

  /**
   * @param sources for each layer and synapse the signals it reads
   * @param coefficients for each layer and synapse one real number a source
   */
  constructor(
    private readonly net: Network,
    readonly sources: number[][][],
    readonly coefficients: number[][][],
  ) {
    this.steps = net.steps
    this.netMin = net.netMin / 4096
    this.netMax = net.netMax / 4096
    this.min = net.elementMin / 4096
    this.max = net.elementMax / 4096
    this.limit = net.lambdaMax / 4096
  }

  /** An input neuron has its pixel on element 0, unclamped, and gives element 1. */
  forward(image: Uint8Array): Pass {
    const pass: Pass = { signals: [], nets: [], states: [] }
    pass.signals.push([...image].map(pixel => this.response(pixel)))
    for (const [k, layer] of this.net.layers.entries()) {
      const nets = this.coefficients[k].map((c, t) =>
        c.reduce((sum, v, rank) => sum + v * pass.signals[k][this.sources[k][t][rank]], 0),
      )
      const signals: number[] = []
      const states: number[] = []
      for (let n = 0; n < layer.neurons; n++) {
        const u = [0, 0, 0, 0, 0]
        for (let i = 0; i < layer.inputs; i++)
          u[i] = clamp(nets[n * layer.inputs + i], this.netMin, this.netMax)
        const { end, mean } = this.settleAgain(image, `${k} ${n}`, u)
        states.push(...end)
        signals.push(...mean.slice(layer.outputFirst, layer.outputFirst + layer.outputs))
      }
      pass.nets.push(nets)
      pass.signals.push(signals)
      pass.states.push(states)
    }
    return pass
  }

  /** A gradient by differences changes one neuron's inputs at a time, and those behind it. */
  private settleAgain(image: Uint8Array, neuron: string, u: number[]): Settled {
    let known = this.settled.get(image)
    if (!known) {
      known = new Map()
      this.settled.set(image, known)
    }
    const last = known.get(neuron)
    if (last?.u.every((x, i) => x === u[i])) return last
    const found = { u, ...settle(u, this.steps, this.min, this.max) }
    known.set(neuron, found)
    return found
  }

  private response(pixel: number): number {
    let known = this.responses.get(pixel)
    if (known === undefined) {
      const u = [(pixel / 255) * (this.net.inputScale / 4096), 0, 0, 0, 0]
      known = settle(u, this.steps, this.min, this.max).mean[1]
      this.responses.set(pixel, known)
    }
    return known
  }

  /** λ of every synapse of each layer, from the error at the outputs. */
  backward(pass: Pass, error: number[]): number[][] {
    const lambdas: number[][] = []
    let back = error
    for (let k = this.net.layers.length - 1; k >= 0; k--) {
      const layer = this.net.layers[k]
      const lambda: number[] = []
      for (let n = 0; n < layer.neurons; n++) {
        const input = [0, 0, 0, 0, 0]
        for (let o = 0; o < layer.outputs; o++)
          input[layer.outputFirst + o] = clamp(back[n * layer.outputs + o], -this.limit, this.limit)
        const x = pass.states[k].slice(n * RING, (n + 1) * RING)
        const held = x.map(v => v <= this.min || v >= this.max)
        const mean = settleBack(x, held, input, this.steps, this.limit)
        for (let i = 0; i < layer.inputs; i++) {
          const net = pass.nets[k][n * layer.inputs + i]
          lambda.push(net <= this.netMin || net >= this.netMax ? 0 : mean[i])
        }
      }
      lambdas.unshift(lambda)
      const below = pass.signals[k].map(() => 0)
      this.coefficients[k].forEach((c, t) => {
        c.forEach((v, rank) => {
          below[this.sources[k][t][rank]] += v * lambda[t]
        })
      })
      back = below
    }
    return lambdas
  }

  /**
   * Method 2 (paper 001 eq. 3.3–3.5) before it is rounded: ΔC = rate · S · λ for every link. The
   * core's product of Q(signalBits) and Q12, shifted right by learnShift, counts in units of 2^−13.
   */
  update(pass: Pass, lambdas: number[][]): number[][][] {
    const rate = 2 ** (this.net.signalBits + 12 - this.net.learnShift - 13)
    return this.coefficients.map((layer, k) =>
      layer.map((c, t) =>
        c.map((_, rank) => rate * pass.signals[k][this.sources[k][t][rank]] * lambdas[k][t]),
      ),
    )
  }
}
