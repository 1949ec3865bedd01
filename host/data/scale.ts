/** Brings an image to the size of a network's input. */
import type { Grey } from "./grey"

/**
 * - box: the whole image, its sides in proportion, as large as the frame holds and in its middle;
 *   an image of the frame's size is left as it is.
 * - mass: as MNIST was made: what is drawn (a quarter of the brightest pixel or more) is cut out,
 *   scaled to fit 20/28 of the frame, and placed with its centre of mass in the frame's middle
 *   pixel (of an even number the one behind the middle, as MNIST's own images lie).
 */
export type Scaling = "box" | "mass"

/** What counts as drawn, of the brightest pixel. */
const INK = 4

/** 0 = background, here and in the result; what the image does not cover is background. */
export function scaleTo(image: Grey, width: number, height: number, scaling: Scaling): Grey {
  if (scaling === "mass") return centreMass(image, width, height)
  if (image.width === width && image.height === height) return image
  const fitted = fitInto(image, width, height)
  return place(
    fitted,
    Math.floor((width - fitted.width) / 2),
    Math.floor((height - fitted.height) / 2),
    width,
    height,
  )
}

/** Light paper: is the rim of the image brighter than the middle of the range? */
export function isOnPaper({ width, height, pixels }: Grey): boolean {
  let sum = 0
  let count = 0
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) {
        sum += pixels[y * width + x]
        count++
      }
  return sum > 127 * count
}

export function invert({ width, height, pixels }: Grey): Grey {
  return { width, height, pixels: pixels.map(pixel => 255 - pixel) }
}

function centreMass(image: Grey, width: number, height: number): Grey {
  const ink = cutOut(image)
  if (ink === undefined) return { width, height, pixels: new Uint8Array(width * height) }
  const most = (side: number) => Math.max(1, Math.round((side * 20) / 28))
  const fitted = fitInto(ink, most(width), most(height))
  let mass = 0
  let atX = 0
  let atY = 0
  for (let y = 0; y < fitted.height; y++)
    for (let x = 0; x < fitted.width; x++) {
      const m = fitted.pixels[y * fitted.width + x]
      mass += m
      atX += m * (x + 0.5)
      atY += m * (y + 0.5)
    }
  // A few faint pixels can round to nothing when scaled down.
  const middle = (moment: number, side: number) => (mass > 0 ? moment / mass : side / 2)
  const left = Math.round(Math.floor(width / 2) + 0.5 - middle(atX, fitted.width))
  const top = Math.round(Math.floor(height / 2) + 0.5 - middle(atY, fitted.height))
  const within = (at: number, side: number, frame: number) =>
    Math.min(frame - side, Math.max(0, at))
  return place(
    fitted,
    within(left, fitted.width, width),
    within(top, fitted.height, height),
    width,
    height,
  )
}

/** The smallest part with all that is drawn; nothing if the image is empty. */
function cutOut({ width, height, pixels }: Grey): Grey | undefined {
  const brightest = pixels.reduce((most, pixel) => Math.max(most, pixel), 0)
  if (brightest === 0) return undefined
  let left = width
  let right = -1
  let top = height
  let bottom = -1
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (pixels[y * width + x] * INK >= brightest) {
        left = Math.min(left, x)
        right = Math.max(right, x)
        top = Math.min(top, y)
        bottom = Math.max(bottom, y)
      }
  const cut = new Uint8Array((right - left + 1) * (bottom - top + 1))
  for (let y = top; y <= bottom; y++)
    cut.set(
      pixels.subarray(y * width + left, y * width + right + 1),
      (y - top) * (right - left + 1),
    )
  return { width: right - left + 1, height: bottom - top + 1, pixels: cut }
}

/** The image as large as width × height holds, its sides in proportion. */
function fitInto(image: Grey, width: number, height: number): Grey {
  const scale = Math.min(width / image.width, height / image.height)
  return box(
    image,
    Math.min(width, Math.max(1, Math.round(image.width * scale))),
    Math.min(height, Math.max(1, Math.round(image.height * scale))),
  )
}

/** Each pixel the mean of what it covers, parts of pixels by their part; first across, then down. */
function box(image: Grey, width: number, height: number): Grey {
  const across = new Float64Array(width * image.height)
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < width; x++)
      across[y * width + x] = mean(
        (i: number) => image.pixels[y * image.width + i],
        (x * image.width) / width,
        ((x + 1) * image.width) / width,
      )
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      pixels[y * width + x] = Math.round(
        mean(
          (i: number) => across[i * width + x],
          (y * image.height) / height,
          ((y + 1) * image.height) / height,
        ),
      )
  return { width, height, pixels }
}

/** Mean of a step function over from…to. */
function mean(at: (i: number) => number, from: number, to: number): number {
  let sum = 0
  for (let i = Math.floor(from); i < to; i++)
    sum += at(i) * (Math.min(i + 1, to) - Math.max(i, from))
  return sum / (to - from)
}

function place(image: Grey, left: number, top: number, width: number, height: number): Grey {
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < image.height; y++)
    pixels.set(
      image.pixels.subarray(y * image.width, (y + 1) * image.width),
      (y + top) * width + left,
    )
  return { width, height, pixels }
}

/**
 * A picture of at most so many pixels: each of its is the mean of two by two, as often as is needed.
 * Of an odd width or height the last column or row is left out, unless it is the only one.
 */
export function halvedBelow(most: number, grey: Grey): Grey {
  let { width, height, pixels } = grey
  while (width * height > most) {
    const [dx, dy] = [width > 1 ? 2 : 1, height > 1 ? 2 : 1]
    const [columns, rows] = [Math.floor(width / dx), Math.floor(height / dy)]
    const half = new Uint8Array(columns * rows)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const at = y * dy * width + x * dx
        const [right, below] = [dx - 1, (dy - 1) * width]
        const sum =
          pixels[at] + pixels[at + right] + pixels[at + below] + pixels[at + below + right]
        half[y * columns + x] = (sum + 2) >> 2
      }
    ;[width, height, pixels] = [columns, rows, half]
  }
  return { width, height, pixels }
}
