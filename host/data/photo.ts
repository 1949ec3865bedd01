/** Photographs of something drawn: paper is grey, lit from one side, and has grain. */
import type { Grey } from "./grey"

/** The rim of a clean drawing differs by less, of 255: else there is light to be evened out. */
const FLAT = 12
/** Part of the shorter side over which light is taken as even. */
const WINDOW = 0.4
/** What is so much darker than its surroundings counts as drawn, not as paper, of 1. */
const INK = 0.85
/** Of the contrast of what is drawn: less is grain. */
const GRAIN = 0.35
/** So many of the drawn pixels may be brighter than full. */
const FULL = 0.9

/** @param image background dark, as readPicture gives it */
export function isPhoto({ width, height, pixels }: Grey): boolean {
  const rim: number[] = []
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) rim.push(pixels[y * width + x])
  rim.sort((a, b) => a - b)
  // A line that leaves the picture crosses a small part of the rim.
  return rim[Math.floor(rim.length * 0.75)] > FLAT
}

/**
 * What is drawn, its background 0 and its strongest 255: each pixel against the light around it, which
 * is the mean of what is not drawn there.
 */
export function evenedOut({ width, height, pixels }: Grey): Grey {
  const light = pixels.map(pixel => 255 - pixel)
  const radius = Math.max(2, Math.round((Math.min(width, height) * WINDOW) / 2))
  const around = meanAround(light, width, height, radius, () => true)
  const paper = meanAround(light, width, height, radius, i => light[i] > INK * around[i])
  const drawn = new Float64Array(pixels.length)
  for (let i = 0; i < drawn.length; i++)
    drawn[i] = paper[i] > 0 ? Math.max(0, 1 - light[i] / paper[i]) : 0
  // Ink is what stands out; half of it is taken for the middle of a line.
  const strong = drawn.filter(value => value > 1 - INK).sort()
  if (strong.length === 0) return { width, height, pixels: new Uint8Array(pixels.length) }
  const full = strong[Math.floor(strong.length * FULL)]
  return {
    ...{ width, height },
    pixels: Uint8Array.from(drawn, value =>
      value < GRAIN * full ? 0 : Math.min(255, Math.round((255 * value) / full)),
    ),
  }
}

/** Mean of the pixels that count within a square around each; of all of them where none counts. */
function meanAround(
  values: Uint8Array,
  width: number,
  height: number,
  radius: number,
  counts: (i: number) => boolean,
): Float64Array {
  // Sums of all above and to the left: any rectangle is four of them.
  const stride = width + 1
  const sums = new Float64Array(stride * (height + 1))
  const numbers = new Float64Array(stride * (height + 1))
  for (let y = 0; y < height; y++) {
    let [sum, number] = [0, 0]
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      if (counts(i)) {
        sum += values[i]
        number++
      }
      const at = (y + 1) * stride + x + 1
      sums[at] = sums[at - stride] + sum
      numbers[at] = numbers[at - stride] + number
    }
  }
  const result = new Float64Array(values.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [left, right] = [Math.max(0, x - radius), Math.min(width, x + radius + 1)]
      const [top, bottom] = [Math.max(0, y - radius), Math.min(height, y + radius + 1)]
      const of = (table: Float64Array) =>
        table[bottom * stride + right] -
        table[top * stride + right] -
        table[bottom * stride + left] +
        table[top * stride + left]
      const number = of(numbers)
      const i = y * width + x
      result[i] = number > 0 ? of(sums) / number : values[i]
    }
  return result
}
