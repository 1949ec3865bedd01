/** How the world changes between a network's training and its use. */
import type { Dataset } from "../data/mnist"
import { IMAGE_BYTES, imageAt } from "../data/mnist"

export type World = "turned" | "inverted"

const SIDE = 28
const MIDDLE = (SIDE - 1) / 2

/** A 28×28 image turned clockwise about its middle; between pixels in proportion. */
export function turn(image: Uint8Array, degrees: number): Uint8Array {
  const angle = (degrees * Math.PI) / 180
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const pixel = (x: number, y: number) =>
    x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : image[y * SIDE + x]
  return Uint8Array.from({ length: IMAGE_BYTES }, (_, i) => {
    const dx = (i % SIDE) - MIDDLE
    const dy = Math.floor(i / SIDE) - MIDDLE
    const x = c * dx + s * dy + MIDDLE
    const y = c * dy - s * dx + MIDDLE
    const [left, top] = [Math.floor(x), Math.floor(y)]
    const [right, below] = [x - left, y - top]
    const upper = (1 - right) * pixel(left, top) + right * pixel(left + 1, top)
    const lower = (1 - right) * pixel(left, top + 1) + right * pixel(left + 1, top + 1)
    return Math.round((1 - below) * upper + below * lower)
  })
}

/** Ink becomes paper. */
export function invert(image: Uint8Array): Uint8Array {
  return image.map(value => 255 - value)
}

/** The images of these numbers as they look in a world; undefined: as they are. */
export function inWorld(
  data: Dataset,
  indices: readonly number[],
  world: World | undefined,
  degrees: number,
): Dataset {
  const images = new Uint8Array(indices.length * IMAGE_BYTES)
  const labels = new Uint8Array(indices.length)
  for (const [k, i] of indices.entries()) {
    const image = imageAt(data, i)
    const seen =
      world === "turned" ? turn(image, degrees) : world === "inverted" ? invert(image) : image
    images.set(seen, k * IMAGE_BYTES)
    labels[k] = data.labels[i]
  }
  return { images, labels, count: indices.length, width: SIDE, height: SIDE }
}
