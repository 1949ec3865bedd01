/**
 * The neuron with parameters of its own in float64, from its equations, and networks of such neurons.
 * It shares no code with the core.
 */
import type { Network } from "../../../host/network/network"

const RING = 5
const K2 = 0.5
const DT = 0.75

const at = (ring: number[], i: number) => ring[(i + 2 * RING) % RING]
const clamp = (x: number, min: number, max: number) => Math.min(max, Math.max(min, x))

/** Any rate of five numbers, by improved Euler; `limit` is applied after each full step. */
function heun(
  start: number[],
  steps: number,
  rate: (x: number[]) => number[],
  limit: (x: number) => number,
  seen: (x: number[]) => void = () => {},
): number[] {
  let x = start
  for (let step = 0; step < steps; step++) {
    const f = rate(x)
    const g = rate(x.map((v, i) => v + DT * f[i]))
    x = x.map((v, i) => limit(v + (DT / 2) * (f[i] + g[i])))
    seen(x)
  }
  return x
}

/** dE[i]/dt = E[i−1] − ½·E[i] − K3[i]·E[i]·E[i−2] + u[i] (paper 001 eq. 2.3). */
const forwardRate = (k3: number[], u: number[]) => (e: number[]) =>
  e.map((x, i) => at(e, i - 1) - K2 * x - k3[i] * x * at(e, i - 2) + u[i])

/** dÊ[i]/dt = Ê[i+1] − ½·Ê[i] − K3[i+2]·Ê[i]·Ê[i+2] + û[i] (paper 001 eq. 2.5). */
const backwardRate = (k3: number[], u: number[]) => (e: number[]) =>
  e.map((x, i) => at(e, i + 1) - K2 * x - at(k3, i + 2) * x * at(e, i + 2) + u[i])

const ZERO = [0, 0, 0, 0, 0]
const same = (x: number) => x

/** Those found already: finite differences ask for the same ones again and again. */
const found = new Map<string, number[]>()

/** B of the forward, B̂ of the backward equation: where they rest without input. */
export function fixedPoint(k3: number[], backward = false): number[] {
  const key = `${k3.join()} ${backward}`
  const known = found.get(key)
  if (known) return [...known]
  const rate = backward ? backwardRate(k3, ZERO) : forwardRate(k3, ZERO)
  const rest = heun([1, 1, 1, 1, 1], 400, rate, same)
  found.set(key, rest)
  return [...rest]
}

export interface Settled {
  end: number[]
  /** Time-mean of the displacement from `rest`. */
  mean: number[]
}

export function settle(
  k3: number[],
  rest: number[],
  u: number[],
  steps: number,
  clamps: [number, number],
  backward = false,
): Settled {
  const mean = [0, 0, 0, 0, 0]
  const end = heun(
    rest,
    steps,
    backward ? backwardRate(k3, u) : forwardRate(k3, u),
    x => clamp(x, ...clamps),
    x =>
      x.forEach((v, i) => {
        mean[i] += (v - rest[i]) / steps
      }),
  )
  return { end, mean }
}

/** Time-mean of the linear backward signal at x: the transpose of the Jacobian there, from zero. */
export function adjoint(
  k3: number[],
  x: number[],
  input: number[],
  steps: number,
  limit: number,
  held: boolean[] = [],
): number[] {
  const mean = [0, 0, 0, 0, 0]
  heun(
    [0, 0, 0, 0, 0],
    steps,
    l =>
      l.map((v, i) =>
        held[i]
          ? 0
          : at(l, i + 1) -
            (K2 + k3[i] * at(x, i - 2)) * v -
            at(k3, i + 2) * at(x, i + 2) * at(l, i + 2) +
            input[i],
      ),
    v => clamp(v, -limit, limit),
    l =>
      l.forEach((v, i) => {
        mean[i] += v / steps
      }),
  )
  return mean
}

/** Outputs of a network whose neurons have the given K3 (layer, neuron, element); B is found anew. */
export function outputsOf(
  net: Network,
  sources: number[][][],
  coefficients: number[][][],
  k3: number[][][],
  image: Uint8Array,
): number[] {
  const clamps: [number, number] = [net.elementMin / 4096, net.elementMax / 4096]
  const default3 = [0.5, 0.5, 0.5, 0.5, 0.5]
  let signals = [...image].map(pixel => {
    const u = [(pixel / 255) * (net.inputScale / 4096), 0, 0, 0, 0]
    return settle(default3, [1, 1, 1, 1, 1], u, net.steps, clamps).mean[1]
  })
  for (const [k, layer] of net.layers.entries()) {
    const next: number[] = []
    for (let n = 0; n < layer.neurons; n++) {
      const u = [0, 0, 0, 0, 0]
      for (let i = 0; i < layer.inputs; i++) {
        const t = n * layer.inputs + i
        const sum = coefficients[k][t].reduce(
          (total, c, rank) => total + c * signals[sources[k][t][rank]],
          0,
        )
        u[i] = clamp(sum, net.netMin / 4096, net.netMax / 4096)
      }
      const own = k3[k][n]
      const { mean } = settle(own, fixedPoint(own), u, net.steps, clamps)
      next.push(...mean.slice(layer.outputFirst, layer.outputFirst + layer.outputs))
    }
    signals = next
  }
  return signals
}
