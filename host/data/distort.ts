/**
 * Training pictures turned, scaled and moved, and pulled about like rubber: each a little, at random, in
 * whole numbers. A picture is a function of the seed, the epoch and the image alone.
 *
 * The elastic part is that of Simard, Steinkraus and Platt (ICDAR 2003), smoothed by a cubic B-spline over
 * a grid of 7 × 7 instead of a Gaussian over every pixel.
 */
import { hash32 } from "../../src/base/random"
import { WuxingError } from "../base/errors"

/** The most of each; a picture gets anything up to it, evenly. */
export type Distortion = {
  /** Turned by so many thousandths of a radian, at most 800. */
  rotate: number
  /** Wider or narrower, and higher or lower, by so many thousandths, at most 500. */
  scale: number
  /** Moved by so many hundredths of a pixel in both directions, at most 1,600. */
  shift: number
  /** Corners of the elastic grid moved by so many hundredths of a pixel, at most 1,600. */
  elastic: number
  /** Half of them mirrored, left for right. */
  flip: boolean
}

/** By name: how many of its units are 1, and the most it may be in them. */
const AMOUNTS = {
  rotate: [1000, 800],
  scale: [1000, 500],
  shift: [100, 1600],
  elastic: [100, 1600],
} as const

/** The spelling of the command line. @throws WuxingError "usage" */
export function parseDistortion(text: string): Distortion | "none" {
  if (text === "none") return text
  const distortion: Distortion = { rotate: 0, scale: 0, shift: 0, elastic: 0, flip: false }
  for (const word of text.split(",")) {
    const [name, amount = ""] = word.split("=")
    if (word === "flip") {
      distortion.flip = true
      continue
    }
    const found = Object.entries(AMOUNTS).find(([known]) => known === name)
    if (!found) throw unknown(text, `"${word}" is none of ${Object.keys(AMOUNTS).join(", ")}, flip`)
    const [units, most] = found[1]
    const value = Math.round(Number(amount) * units)
    if (!/^\d*\.?\d+$/.test(amount) || value > most)
      throw unknown(text, `${name} is ${amount || "missing"}, expected 0 to ${most / units}`)
    distortion[found[0] as keyof typeof AMOUNTS] = value
  }
  return distortion
}

/** As {@link parseDistortion} reads it. */
export function distortionText(distortion: Distortion): string {
  const words = Object.entries(AMOUNTS).map(
    ([name, [units]]) => `${name}=${distortion[name as keyof typeof AMOUNTS] / units}`,
  )
  return [...words, ...(distortion.flip ? ["flip"] : [])].join(",")
}

function unknown(text: string, what: string): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message: `--distort ${text}: ${what}`,
    cause: "it is none, or amounts with commas between them",
    help: "for example --distort rotate=0.2,scale=0.12,shift=1.5,elastic=2",
  })
}

/** Corners of the grid in a row: those of four spans and the three that a cubic needs beyond. */
const GRID = 7
const SPANS = 4
const SALT = 0x64697374

/** Makes pictures of one size. */
export class Distorter {
  /** The image with a border of zeros. */
  private readonly padded: Uint8Array
  private readonly columns: BSpline
  private readonly rows: BSpline
  /** Q8: displacements of the corners, the ones across first. */
  private readonly corners = new Int32Array(2 * GRID * GRID)
  /** Q12: of one row of pixels, at the grid's columns. */
  private readonly across = new Int32Array(2 * GRID)

  /** @param width at most 256, as the height */
  constructor(
    private readonly width: number,
    private readonly height: number,
    private readonly most: Distortion,
    private readonly seed: number,
  ) {
    this.padded = new Uint8Array((width + 2) * (height + 2))
    this.columns = new BSpline(width)
    this.rows = new BSpline(height)
  }

  /**
   * @param image its number in the data
   * @param from its pixels, row by row, 0 = background
   * @param into the picture
   */
  draw(epoch: number, image: number, from: Uint8Array, into: Uint8Array): void {
    const { width, height, most, padded, corners } = this
    const base = hash32(hash32(this.seed ^ SALT, epoch), image)
    const draw = (n: number, limit: number) => evenly(hash32(base, n), limit)
    const row = width + 2
    for (let y = 0; y < height; y++)
      padded.set(from.subarray(y * width, (y + 1) * width), (y + 1) * row + 1)
    // Q12, from the picture to the image. |angle| ≤ 0.8; by the series up to the fifth power.
    const angle = Math.trunc((draw(0, most.rotate) * 4096) / 1000)
    const square = (angle * angle) >> 12
    // a − a³/6 + a⁵/120 and 1 − a²/2 + a⁴/24.
    const sine =
      (angle * (4096 - Math.trunc((square * (4096 - Math.trunc(square / 20))) / (6 * 4096)))) >> 12
    const cosine = 4096 - (square >> 1) + Math.trunc((square * square) / (24 * 4096))
    const wide = 1000 + draw(1, most.scale)
    const high = 1000 + draw(2, most.scale)
    const mirror = most.flip && draw(3, 1 << 14) < 0 ? -1 : 1
    const xx = mirror * Math.trunc((cosine * wide) / 1000)
    const xy = -Math.trunc((sine * high) / 1000)
    const yx = mirror * Math.trunc((sine * wide) / 1000)
    const yy = Math.trunc((cosine * high) / 1000)
    // Q8, of the middle.
    const middleX = ((width - 1) << 7) + Math.trunc((draw(4, most.shift) * 256) / 100)
    const middleY = ((height - 1) << 7) + Math.trunc((draw(5, most.shift) * 256) / 100)
    const elastic = Math.trunc((most.elastic * 256) / 100)
    for (let i = 0; i < corners.length; i++) corners[i] = draw(6 + i, elastic)
    const { across, columns, rows } = this
    const rightmost = width << 8
    const lowest = height << 8
    let at = 0
    for (let y = 0; y < height; y++) {
      if (elastic !== 0) this.fillAcross(y, rows)
      // From the middle, in half pixels: products in Q13, below 2^13 · 2^9.
      const dy = 2 * y - height + 1
      let mx = xx * (1 - width) + xy * dy
      let my = yx * (1 - width) + yy * dy
      for (let x = 0; x < width; x++) {
        let sx = (mx >> 5) + middleX
        let sy = (my >> 5) + middleY
        mx += 2 * xx
        my += 2 * yx
        if (elastic !== 0) {
          // Q12 · Q12 to Q8; the weights are 1 in all, so below 2^13 · 2^12.
          const w = x << 2
          const c = columns.first[x]
          const { weights } = columns
          const [w0, w1, w2, w3] = [weights[w], weights[w + 1], weights[w + 2], weights[w + 3]]
          sx +=
            (w0 * across[c] + w1 * across[c + 1] + w2 * across[c + 2] + w3 * across[c + 3]) >> 16
          const d = c + GRID
          sy +=
            (w0 * across[d] + w1 * across[d + 1] + w2 * across[d + 2] + w3 * across[d + 3]) >> 16
        }
        let value = 0
        if (sx > -256 && sy > -256 && sx < rightmost && sy < lowest) {
          const p = ((sy >> 8) + 1) * row + (sx >> 8) + 1
          const fx = sx & 255
          const fy = sy & 255
          const above = padded[p] * (256 - fx) + padded[p + 1] * fx
          const below = padded[p + row] * (256 - fx) + padded[p + row + 1] * fx
          value = (above * (256 - fy) + below * fy + 32768) >> 16
        }
        into[at++] = value
      }
    }
  }

  /** The grid's displacements at a row of pixels. */
  private fillAcross(y: number, { first, weights }: BSpline): void {
    const { corners, across } = this
    const g = first[y] * GRID
    const w = y << 2
    for (let c = 0; c < GRID; c++)
      for (let direction = 0; direction < 2; direction++) {
        const k = direction * GRID * GRID + g + c
        // Q12 · Q8 to Q12.
        across[direction * GRID + c] =
          (weights[w] * corners[k] +
            weights[w + 1] * corners[k + GRID] +
            weights[w + 2] * corners[k + 2 * GRID] +
            weights[w + 3] * corners[k + 3 * GRID]) >>
          8
      }
  }
}

/** A uniform cubic B-spline over `SPANS` spans, by table: which corners a pixel reads, and how much of each. */
class BSpline {
  readonly first: Int32Array
  /** Q12, four a pixel, 4096 in all. */
  readonly weights: Int32Array

  constructor(pixels: number) {
    this.first = new Int32Array(pixels)
    this.weights = new Int32Array(4 * pixels)
    for (let x = 0; x < pixels; x++) {
      this.first[x] = Math.floor((SPANS * x) / pixels)
      const f = (SPANS * x) % pixels
      const unit = 6 * pixels ** 3
      // Below 4096 · 6 · 2^24, which doubles hold exactly.
      const q12 = (numerator: number) => Math.floor((4096 * numerator + unit / 2) / unit)
      const w = 4 * x
      this.weights[w] = q12((pixels - f) ** 3)
      this.weights[w + 2] = q12(
        pixels ** 3 + 3 * f * pixels ** 2 + 3 * f ** 2 * pixels - 3 * f ** 3,
      )
      this.weights[w + 3] = q12(f ** 3)
      this.weights[w + 1] = 4096 - this.weights[w] - this.weights[w + 2] - this.weights[w + 3]
    }
  }
}

/** −limit … limit, each as likely. @param limit below 2^15 */
function evenly(random: number, limit: number): number {
  return (((random >>> 16) * (2 * limit + 1)) >>> 16) - limit
}
