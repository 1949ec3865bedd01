/** What the coefficients of a network look like as a whole. */
import { quantised } from "../../src/core/once"
import { quantisedShift } from "./description"
import { coefficientRanges, type Network } from "./network"

/** In units of the coefficient: 1 is 8192 in Q13. */
export interface CoefficientFigures {
  count: number
  least: number
  most: number
  mean: number
  /** Standard deviation about the mean. */
  deviation: number
  zeros: number
  /** At their layer's clamp, or beyond. */
  clamped: number
}

export interface Bin {
  /** from ≤ coefficient < to. */
  from: number
  to: number
  count: number
}

const ONE = 8192

/**
 * Figures of each pair of layers, from the input on, and of all coefficients together; and how far from 0
 * they may be: in each pair, and at most.
 */
export function coefficientFigures(
  network: Network,
  coefficients: Buffer,
): { clamp: number; clamps: number[]; pairs: CoefficientFigures[]; all: CoefficientFigures } {
  const ranges = coefficientRanges(network).map((range, i) => {
    const shift = quantisedShift(network, i + 1)
    return { ...range, max: shift > 0 ? quantised(range.max, shift) : range.max }
  })
  const pairs = ranges.map(({ from, to, max }) =>
    figuresOf(valuesOf(coefficients.subarray(from, to)), max),
  )
  // Layers of shared kernels have clamps of their own.
  const max = Math.max(...ranges.map(range => range.max))
  const all = {
    ...figuresOf(valuesOf(coefficients), max),
    clamped: pairs.reduce((n, pair) => n + pair.clamped, 0),
  }
  return { clamp: max / ONE, clamps: ranges.map(range => range.max / ONE), pairs, all }
}

/**
 * Counts in `bins` equal bins. They lie symmetrically about 0 and reach the largest value; each is a
 * whole number of Q13 steps wide.
 */
export function histogram(coefficients: Buffer, bins = 16): Bin[] {
  const values = valuesOf(coefficients)
  const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const width = Math.floor((2 * reach) / bins) + 1
  const first = -(width * bins) / 2
  const counts = new Array<number>(bins).fill(0)
  for (const value of values) counts[Math.floor((value - first) / width)]++
  return counts.map((count, i) => ({
    from: (first + i * width) / ONE,
    to: (first + (i + 1) * width) / ONE,
    count,
  }))
}

function valuesOf(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(2 * i))
}

function figuresOf(values: number[], clamp: number): CoefficientFigures {
  const count = values.length
  const nothing = { count, least: 0, most: 0, mean: 0, deviation: 0, zeros: 0, clamped: 0 }
  if (count === 0) return nothing
  const sum = values.reduce((total, value) => total + value, 0)
  const squares = values.reduce((total, value) => total + (value - sum / count) ** 2, 0)
  return {
    count,
    least: values.reduce((least, value) => Math.min(least, value)) / ONE,
    most: values.reduce((most, value) => Math.max(most, value)) / ONE,
    mean: sum / count / ONE,
    deviation: Math.sqrt(squares / count) / ONE,
    zeros: values.filter(value => value === 0).length,
    clamped: values.filter(value => Math.abs(value) >= clamp).length,
  }
}
