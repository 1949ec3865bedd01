/** The fixed kernels that a description draws, as the core reads them (src/signals/fixed-kernels.ts). */
import { random15 } from "../../src/base/random"
import { FixedKernels } from "../../src/signals/plan"
import type { KernelsDescription } from "./description"

/** Norm of a kernel. */
const NORM = 64
/** What the core makes of a deviation of the bands, in bytes. */
const DEVIATION = 40
/** Random values are smoothed by this in both directions. */
const SMOOTH = [1, 4, 6, 4, 1]
/** Random numbers of a kernel lie apart. */
const STRIDE = 256

/**
 * Kernel number `index`, row by row: random values, smoothed over five of them in both directions, less
 * their mean, brought to the norm and rounded. In whole numbers up to the norm, and then in one root and one
 * quotient, so that every machine draws the same.
 */
export function kernelOf({ size, seed }: KernelsDescription, index: number): number[] {
  const wide = size + SMOOTH.length - 1
  const drawn = Array.from(
    { length: wide * wide },
    (_, i) => random15(seed, index * STRIDE + i) - 16384,
  )
  const smooth = Array.from({ length: size * size }, (_, i) => {
    const [y, x] = [Math.floor(i / size), i % size]
    let total = 0
    for (const [v, down] of SMOOTH.entries())
      for (const [u, across] of SMOOTH.entries())
        total += down * across * drawn[(y + v) * wide + x + u]
    return total
  })
  const total = smooth.reduce((all, value) => all + value, 0)
  // Times the number of values, so that the mean is whole: below 2^22 · 2^7, whose squares' sum is rounded alike everywhere.
  const even = smooth.map(value => value * smooth.length - total)
  const norm = Math.sqrt(even.reduce((all, value) => all + value * value, 0))
  return even.map(value => (norm > 0 ? Math.round((NORM * value) / norm) : 0))
}

/** Where a kernel may lie, and an output a part and kernel. */
export function kernelPlaces(
  { size, count, parts: [down, across] }: KernelsDescription,
  frames: number,
  bands: number,
): { places: number; outputs: number } {
  const more = size % 2 === 0 ? 1 : 0
  return { places: (frames + more) * (bands + more), outputs: count * down * across }
}

/** The record of all kernels. */
export function kernelsRecord(kernels: KernelsDescription): Buffer {
  const { count, size, parts, above } = kernels
  const head = Buffer.alloc(FixedKernels.Length)
  head.writeUInt16LE(count, FixedKernels.Count)
  head.writeUInt16LE(size, FixedKernels.Size)
  head.writeUInt16LE(parts[0], FixedKernels.Down)
  head.writeUInt16LE(parts[1], FixedKernels.Across)
  head.writeUInt16LE(Math.round(above * DEVIATION * NORM), FixedKernels.Above)
  const drawn = Array.from({ length: count }, (_, k) => kernelOf(kernels, k)).flat()
  return Buffer.concat([head, Buffer.from(drawn.map(value => value + 128))])
}
