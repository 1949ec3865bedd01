import { describe, expect, test } from "vitest"
import {
  Distorter,
  type Distortion,
  distortionText,
  parseDistortion,
} from "../../../host/data/distort"
import { hash32 } from "../../../src/base/random"
import { uniform } from "../../src/core/helpers"

const none: Distortion = { rotate: 0, scale: 0, shift: 0, elastic: 0, flip: false }

/** Blobs: smooth, so that a coordinate that is a little off changes a grey value little. */
function blobs(width: number, height: number, seed: number): Uint8Array {
  const next = uniform(seed)
  const all = Array.from({ length: 4 }, () => [next() * width, next() * height])
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    const ink = all.map(([a, b]) => Math.exp(-((x - a) ** 2 + (y - b) ** 2) / 18))
    return Math.round(200 * Math.max(...ink))
  })
}

function drawn(width: number, height: number, most: Distortion, image: Uint8Array, number = 7) {
  const picture = new Uint8Array(width * height)
  new Distorter(width, height, most, 3).draw(2, number, image, picture)
  return picture
}

/** The same in float64, from the textbook: a rotation, a basis of B-splines by their recursion. */
function inFloat(
  width: number,
  height: number,
  most: Distortion,
  image: Uint8Array,
  number = 7,
): Float64Array {
  const base = hash32(hash32(3 ^ 0x64697374, 2), number)
  const draw = (n: number, limit: number) =>
    Math.floor(((hash32(base, n) >>> 16) / 65536) * (2 * limit + 1)) - limit
  const angle = draw(0, most.rotate) / 1000
  const [wide, high] = [1 + draw(1, most.scale) / 1000, 1 + draw(2, most.scale) / 1000]
  const mirror = most.flip && draw(3, 16384) < 0 ? -1 : 1
  const [right, down] = [draw(4, most.shift) / 100, draw(5, most.shift) / 100]
  const corner = (n: number) => draw(6 + n, Math.trunc((most.elastic * 256) / 100)) / 256
  // Cox and de Boor: degree 3 over whole knots from −3 on; corner i has its support at i−3 … i+1.
  const basis = (i: number, degree: number, t: number): number =>
    degree === 0
      ? Number(t >= i && t < i + 1)
      : ((t - i) / degree) * basis(i, degree - 1, t) +
        ((i + degree + 1 - t) / degree) * basis(i + 1, degree - 1, t)
  const ofRows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: 7 }, (_, r) => basis(r - 3, 3, (4 * y) / height)),
  )
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : image[y * width + x]
  return Float64Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    const dx = mirror * (x - (width - 1) / 2) * wide
    const dy = (y - (height - 1) / 2) * high
    let sx = Math.cos(angle) * dx - Math.sin(angle) * dy + (width - 1) / 2 + right
    let sy = Math.sin(angle) * dx + Math.cos(angle) * dy + (height - 1) / 2 + down
    const ofColumns = Array.from({ length: 7 }, (_, c) => basis(c - 3, 3, (4 * x) / width))
    for (let r = 0; r < 7; r++)
      for (let c = 0; c < 7; c++) {
        const much = ofColumns[c] * ofRows[y][r]
        sx += much * corner(7 * r + c)
        sy += much * corner(49 + 7 * r + c)
      }
    const [left, top] = [Math.floor(sx), Math.floor(sy)]
    const [u, v] = [sx - left, sy - top]
    return (
      (at(left, top) * (1 - u) + at(left + 1, top) * u) * (1 - v) +
      (at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u) * v
    )
  })
}

describe("distortion", () => {
  test.each<[string, Partial<Distortion>]>([
    ["turning", { rotate: 700 }],
    ["scaling", { scale: 400 }],
    ["moving", { shift: 550 }],
    ["bending", { elastic: 400 }],
    ["mirroring", { flip: true }],
    ["all", { rotate: 200, scale: 120, shift: 150, elastic: 300, flip: true }],
  ])("by %s is that of float64, to a few grey values", (_, some) => {
    const most = { ...none, ...some }
    let moved = 0
    for (const [width, height] of [
      [28, 28],
      [20, 33],
    ])
      for (let number = 0; number < 12; number++) {
        const image = blobs(width, height, number + 1)
        const exact = inFloat(width, height, most, image, number)
        const picture = drawn(width, height, most, image, number)
        // A grey value changes by 40 a pixel at most, a coordinate is good to some 1/64 of one.
        const off = [...picture].map((v, i) => Math.abs(v - exact[i]))
        expect(Math.max(...off)).toBeLessThan(2.5)
        moved += Number(picture.some((v, i) => Math.abs(v - image[i]) > 5))
      }
    expect(moved).toBeGreaterThan(6)
  })

  test("of nothing leaves a picture as it is", () => {
    const image = blobs(28, 28, 1)
    expect(drawn(28, 28, none, image)).toEqual(image)
  })

  test("is a function of seed, epoch and image, whatever was drawn before", () => {
    const most = { rotate: 200, scale: 100, shift: 200, elastic: 200, flip: true }
    const [a, b] = [blobs(28, 28, 1), blobs(28, 28, 2)]
    const of = (seed: number, ...jobs: [number, number, Uint8Array][]) => {
      const distorter = new Distorter(28, 28, most, seed)
      const into = new Uint8Array(784)
      for (const [epoch, image, from] of jobs) distorter.draw(epoch, image, from, into)
      return into
    }
    expect(of(1, [5, 9, b], [0, 3, b], [4, 8, a])).toEqual(of(1, [4, 8, a]))
    const others = [of(2, [4, 8, a]), of(1, [5, 8, a]), of(1, [4, 9, a])]
    for (const other of others) expect(other).not.toEqual(of(1, [4, 8, a]))
  })
})

describe("the spelling of a distortion", () => {
  test("is read and written", () => {
    const text = "rotate=0.2,scale=0.12,shift=1.5,elastic=2,flip"
    const distortion = { rotate: 200, scale: 120, shift: 150, elastic: 200, flip: true }
    expect(parseDistortion(text)).toEqual(distortion)
    expect(distortionText(distortion)).toBe(text)
    expect(parseDistortion("shift=.5")).toEqual({ ...none, shift: 50 })
    expect(parseDistortion("none")).toBe("none")
  })

  test.each(["", "turn=1", "rotate", "rotate=", "rotate=0.9", "shift=-1", "shift=1e1", "shift=17"])(
    'refuses "%s"',
    text => expect(() => parseDistortion(text)).toThrow(/--distort/),
  )
})
