/**
 * The map of a settled ring by rectified pieces.
 *
 * A ring that settles on a constant net input u is a static map from its synapses to its signals,
 * smooth inside the clamps and constant beyond them. It is fitted by
 *
 *     d(u) ≈ offset + direct·u + Σ out[j] · max(0, take[j]·u + bias[j])
 *
 * since a rectified piece is what the rate of an integrate-and-fire neuron can be. `direct` is 0 where
 * net inputs reach the ring as constant currents only (the first layer): then all must go through
 * pieces. The first pieces start at the clamps of the net inputs, one pair for each synapse; all are
 * moved by gradient descent (Adam; Kingma and Ba, ICLR 2015) on drawn net inputs, then the
 * linear part is solved for by least squares.
 */
import { hash32, random15 } from "../../../src/base/random"
import { inputElement, type Layer, type Network, outputElement } from "../../network/network"
import { solve } from "../dense"
import { ELEMENTS, K3, meanState } from "../ring"

/** What a settled ring's map depends on. */
export interface RingShape {
  inputs: number
  outputFirst: number
  outputs: number
  /** As a layer's; absent: 1. */
  inputStep?: number
  outputStep?: number
  steps: number
  /** Clamps, as numbers. */
  netMin: number
  netMax: number
  elementMin: number
  elementMax: number
}

export interface RingFit {
  /** Pieces by synapses. */
  take: number[][]
  bias: number[]
  /** Signals by pieces. */
  out: number[][]
  /** Signals by synapses; zeros where there is no direct part. */
  direct: number[][]
  offset: number[]
  /** Root of the mean squared and the largest error, of each signal, over {@link checkPoints}. */
  rms: number[]
  worst: number[]
}

export function shapeOf(network: Network, layer: Layer): RingShape {
  const { inputs, outputFirst, outputs, inputStep, outputStep } = layer
  return {
    ...{ inputs, outputFirst, outputs, inputStep, outputStep, steps: network.steps },
    netMin: network.netMin / 4096,
    netMax: network.netMax / 4096,
    elementMin: network.elementMin / 4096,
    elementMax: network.elementMax / 4096,
  }
}

/** The signals of a settled ring for the net inputs u, from the equations in float64. */
export function settledMap(shape: RingShape, u: ArrayLike<number>): number[] {
  const rest = new Array<number>(ELEMENTS).fill(1)
  const net = rest.map(() => 0)
  for (let k = 0; k < shape.inputs; k++)
    net[inputElement(shape, k)] = Math.min(shape.netMax, Math.max(shape.netMin, u[k]))
  const clamps = { least: shape.elementMin, most: shape.elementMax }
  const k3 = rest.map(() => K3)
  const means = meanState(k3, rest, net, shape.steps, clamps)
  return Array.from({ length: shape.outputs }, (_, k) => means[outputElement(shape, k)] - 1)
}

/** The fit at u. */
export function fittedMap(fit: RingFit, u: ArrayLike<number>): number[] {
  const dot = (row: number[]) => row.reduce((sum, value, i) => sum + value * u[i], 0)
  const pieces = fit.take.map((row, j) => Math.max(0, dot(row) + fit.bias[j]))
  return fit.offset.map(
    (offset, o) =>
      offset +
      dot(fit.direct[o]) +
      fit.out[o].reduce((sum, value, j) => sum + value * pieces[j], 0),
  )
}

/** Net inputs as trained networks have them: about −0.2, most within ±1.5, drawn by number. */
export function drawnInputs(seed: number, count: number, inputs: number): Float64Array {
  const values = new Float64Array(count * inputs)
  const base = hash32(seed, inputs)
  for (let n = 0; n < count; n++) {
    const spread = [0.4, 0.8, 1.28][random15(base, n) % 3]
    for (let i = 0; i < inputs; i++) {
      // The sum of twelve uniform numbers is all but normal.
      const own = hash32(base, n * inputs + i + 1)
      let sum = -6
      for (let k = 0; k < 12; k++) sum += random15(own, k) / 32768
      values[n * inputs + i] = sum * spread - 0.2
    }
  }
  return values
}

const CHECK_SEED = 77
const CHECKED = 4000

/** The net inputs on which a fit's errors are stated. */
export function checkPoints(shape: RingShape): Float64Array {
  return drawnInputs(CHECK_SEED, CHECKED, shape.inputs)
}

const BATCH = 512
const RATE = 3e-3
const DRAWN = 16_384

/**
 * Fits the map. A function of its arguments alone.
 *
 * @param direct may signals be in proportion to the net inputs, beside the pieces?
 */
export function fitRing(
  shape: RingShape,
  pieces: number,
  direct: boolean,
  iterations = 3000,
): RingFit {
  const { inputs, outputs } = shape
  const drawn = drawnInputs(1, DRAWN, inputs)
  const targets = mapped(shape, drawn)
  const linear = direct ? inputs : 0
  // Parameters in one array: take, bias, then out, direct and offset of each signal.
  const width = pieces + linear + 1
  const outAt = pieces * (inputs + 1)
  const p = new Float64Array(outAt + outputs * width)
  start(p, shape, pieces, direct)
  solveLinear(p, shape, pieces, direct, drawn, targets)
  const gradient = new Float64Array(p.length)
  const first = new Float64Array(p.length)
  const second = new Float64Array(p.length)
  const basis = new Float64Array(width)
  const error = new Float64Array(outputs)
  for (let step = 1; step <= iterations; step++) {
    gradient.fill(0)
    for (let b = 0; b < BATCH; b++) {
      const n = random15(hash32(2, step), b) % DRAWN
      const u = drawn.subarray(n * inputs, (n + 1) * inputs)
      fillBasis(basis, p, u, pieces, direct)
      for (let o = 0; o < outputs; o++) {
        let sum = -targets[n * outputs + o]
        for (let k = 0; k < width; k++) sum += p[outAt + o * width + k] * basis[k]
        error[o] = sum / BATCH
        for (let k = 0; k < width; k++) gradient[outAt + o * width + k] += error[o] * basis[k]
      }
      for (let j = 0; j < pieces; j++) {
        if (basis[j] <= 0) continue
        let back = 0
        for (let o = 0; o < outputs; o++) back += error[o] * p[outAt + o * width + j]
        for (let i = 0; i < inputs; i++) gradient[j * (inputs + 1) + i] += back * u[i]
        gradient[j * (inputs + 1) + inputs] += back
      }
    }
    const rate = (RATE / 2) * (1 + Math.cos((Math.PI * step) / iterations))
    for (let k = 0; k < p.length; k++) {
      first[k] = 0.9 * first[k] + 0.1 * gradient[k]
      second[k] = 0.99 * second[k] + 0.01 * gradient[k] * gradient[k]
      const mean = first[k] / (1 - 0.9 ** step)
      p[k] -= (rate * mean) / (Math.sqrt(second[k] / (1 - 0.99 ** step)) + 1e-9)
    }
  }
  normalise(p, shape, pieces)
  solveLinear(p, shape, pieces, direct, drawn, targets)
  return fitFrom(p, shape, pieces, direct)
}

function mapped(shape: RingShape, u: Float64Array): Float64Array {
  const { inputs, outputs } = shape
  const values = new Float64Array((u.length / inputs) * outputs)
  for (let n = 0; n * inputs < u.length; n++)
    values.set(settledMap(shape, u.subarray(n * inputs, (n + 1) * inputs)), n * outputs)
  return values
}

/**
 * A pair of pieces at the clamps of each synapse, the rest across the plane. Beside a direct part the
 * pair is active beyond the clamps, so that it only takes back what the direct part has too much there.
 */
function start(p: Float64Array, shape: RingShape, pieces: number, direct: boolean): void {
  const { inputs, netMin, netMax } = shape
  for (let j = 0; j < pieces; j++) {
    const at = j * (inputs + 1)
    if (j < 2 * inputs) {
      const below = direct && j % 2 === 0
      p[at + (j >> 1)] = below ? -1 : 1
      p[at + inputs] = below ? netMin : j % 2 === 0 ? -netMin : -netMax
      continue
    }
    let norm = 0
    for (let i = 0; i < inputs; i++) {
      // Towards larger net inputs, where few rings are: a piece costs spikes where it is active.
      p[at + i] = random15(hash32(3, j), i) / 32768
      norm += p[at + i] ** 2
    }
    for (let i = 0; i < inputs; i++) p[at + i] /= Math.sqrt(norm)
    p[at + inputs] = -(netMin + ((netMax - netMin) * random15(hash32(4, j), 0)) / 32768)
  }
}

function fillBasis(
  basis: Float64Array,
  p: Float64Array,
  u: Float64Array,
  pieces: number,
  direct: boolean,
): void {
  const inputs = u.length
  for (let j = 0; j < pieces; j++) {
    const at = j * (inputs + 1)
    let z = p[at + inputs]
    for (let i = 0; i < inputs; i++) z += p[at + i] * u[i]
    basis[j] = Math.max(0, z)
  }
  if (direct) basis.set(u, pieces)
  basis[basis.length - 1] = 1
}

/** Directions of length 1: a piece's value is a net input's distance from its edge. */
function normalise(p: Float64Array, { inputs, outputs }: RingShape, pieces: number): void {
  const width = (p.length - pieces * (inputs + 1)) / outputs
  for (let j = 0; j < pieces; j++) {
    const row = p.subarray(j * (inputs + 1), (j + 1) * (inputs + 1))
    const norm = Math.hypot(...row.subarray(0, inputs)) || 1
    for (let i = 0; i <= inputs; i++) row[i] /= norm
    for (let o = 0; o < outputs; o++) p[pieces * (inputs + 1) + o * width + j] *= norm
  }
}

function solveLinear(
  p: Float64Array,
  { inputs, outputs }: RingShape,
  pieces: number,
  direct: boolean,
  drawn: Float64Array,
  targets: Float64Array,
): void {
  const outAt = pieces * (inputs + 1)
  const width = (p.length - outAt) / outputs
  const basis = new Float64Array(width)
  const normal = Array.from({ length: width }, () => new Array<number>(width).fill(0))
  const right = Array.from({ length: outputs }, () => new Array<number>(width).fill(0))
  for (let n = 0; n * inputs < drawn.length; n++) {
    fillBasis(basis, p, drawn.subarray(n * inputs, (n + 1) * inputs), pieces, direct)
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) normal[a][b] += basis[a] * basis[b]
      for (let o = 0; o < outputs; o++) right[o][a] += basis[a] * targets[n * outputs + o]
    }
  }
  // A touch of ridge: pieces may lie on one another, and large weights of both would be noise.
  const count = drawn.length / inputs
  for (let a = 0; a < width; a++) normal[a][a] += (a < pieces ? 1e-5 : 1e-9) * count
  for (let o = 0; o < outputs; o++) {
    const solved = solve(normal, right[o])
    if (solved) p.set(solved, outAt + o * width)
  }
}

function fitFrom(p: Float64Array, shape: RingShape, pieces: number, direct: boolean): RingFit {
  const { inputs, outputs } = shape
  const outAt = pieces * (inputs + 1)
  const width = (p.length - outAt) / outputs
  // Six digits: far finer than the fit, and the file stays readable.
  const digits = (value: number) => Number(value.toPrecision(6))
  const row = (at: number, count: number) => [...p.subarray(at, at + count)].map(digits)
  const each = <T>(count: number, value: (i: number) => T) =>
    Array.from({ length: count }, (_, i) => value(i))
  const fit: RingFit = {
    take: each(pieces, j => row(j * (inputs + 1), inputs)),
    bias: each(pieces, j => digits(p[j * (inputs + 1) + inputs])),
    out: each(outputs, o => row(outAt + o * width, pieces)),
    direct: each(outputs, o =>
      direct ? row(outAt + o * width + pieces, inputs) : new Array<number>(inputs).fill(0),
    ),
    offset: each(outputs, o => digits(p[outAt + o * width + width - 1])),
    ...{ rms: [], worst: [] },
  }
  return { ...fit, ...errorsOf(fit, shape) }
}

/** Root of the mean squared and largest error of each signal. */
export function errorsOf(fit: RingFit, shape: RingShape): { rms: number[]; worst: number[] } {
  const points = checkPoints(shape)
  const squares = new Array<number>(shape.outputs).fill(0)
  const worst = new Array<number>(shape.outputs).fill(0)
  for (let n = 0; n < CHECKED; n++) {
    const u = points.subarray(n * shape.inputs, (n + 1) * shape.inputs)
    const right = settledMap(shape, u)
    for (const [o, value] of fittedMap(fit, u).entries()) {
      squares[o] += (value - right[o]) ** 2
      worst[o] = Math.max(worst[o], Math.abs(value - right[o]))
    }
  }
  const digits = (value: number) => Number(value.toPrecision(4))
  return { rms: squares.map(sum => digits(Math.sqrt(sum / CHECKED))), worst: worst.map(digits) }
}
