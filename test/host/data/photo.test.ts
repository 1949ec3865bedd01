/** Pictures as cameras and damaged files give them. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { deflateSync } from "node:zlib"
import { PNG } from "pngjs"
import { describe, expect, test } from "vitest"
import { decodeImage, sizeOfImage } from "../../../host/data/image-file"
import { likenessOf, MNIST_LIKENESS, unlikeIn } from "../../../host/data/likeness"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { picturePixels } from "../../../host/data/picture"
import { runnerOf } from "../../../host/models/run-model"
import { trainedModel } from "../../../host/models/trained"
import { random15 } from "../../../src/base/random"
import { temporaryFolder } from "../../temporary"
import { chunk } from "./pictures"

const folder = temporaryFolder("photo")
const mnist = readMnist(process.env.WUXING_MNIST)
const SIDE = 140

/** A photograph of the digit drawn in grey on paper: lit from one corner, with grain. */
function photograph(image: Uint8Array, seed: number, paper: number, fall: number): string {
  const pixels = Buffer.alloc(SIDE * SIDE)
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const ink = image[Math.floor(y / 5) * 28 + Math.floor(x / 5)] / 255
      const light = 1 - (fall * (x + y)) / (2 * SIDE)
      const grain = (random15(seed, y * SIDE + x) / 32767 - 0.5) * 12
      pixels[y * SIDE + x] = Math.max(0, Math.min(255, paper * light * (1 - 0.65 * ink) + grain))
    }
  const path = join(folder, `${seed}.pgm`)
  writeFileSync(path, Buffer.concat([Buffer.from(`P5\n${SIDE} ${SIDE}\n255\n`), pixels]))
  return path
}

describe("a photograph of a digit on paper", () => {
  test.each([
    ["evenly lit", 200, 0],
    ["lit from one side", 215, 0.45],
    ["grey", 150, 0.2],
  ])("%s is named as the digit itself", (_, paper, fall) => {
    const named = runnerOf(trainedModel("pico-16"))
    const of = (image: Uint8Array) => {
      const outputs = named(image)
      return outputs.indexOf(Math.max(...outputs))
    }
    let right = 0
    let unlike = 0
    for (let i = 0; i < 60; i++) {
      const image = imageAt(mnist.test, i)
      const pixels = picturePixels(photograph(image, i, paper, fall), 784, "mass")
      if (of(pixels) === of(image)) right++
      if (unlikeIn(pixels, 28, MNIST_LIKENESS) !== undefined) unlike++
    }
    expect(right).toBeGreaterThanOrEqual(54)
    expect(unlike).toBeLessThan(6)
  })
})

describe("what is unlike the pictures learnt", () => {
  test("is told from MNIST's own test images", () => {
    const count = 2_000
    const off = Array.from({ length: count }, (_, i) =>
      unlikeIn(imageAt(mnist.test, i), 28, MNIST_LIKENESS),
    )
    expect(off.filter(how => how !== undefined).length).toBeLessThan(0.015 * count)
  })

  test.each<[string, (x: number, y: number) => number, RegExp]>([
    ["nothing", () => 0, /darker/],
    ["full light", () => 255, /brighter, drawn in more pixels/],
    ["an even grey", () => 90, /more pixels/],
    ["a slope", (x, y) => 4 * (x + y), /brighter/],
    ["noise", (x, y) => random15(x, y) & 255, /brighter/],
    ["a faint digit", (x, y) => imageAt(mnist.test, 0)[y * 28 + x] >> 2, /paler/],
    ["a dot", (x, y) => (x === 14 && y === 14 ? 255 : 0), /fewer pixels/],
  ])("%s", (_, at, how) => {
    const image = Uint8Array.from({ length: 784 }, (_, i) => at(i % 28, Math.floor(i / 28)))
    expect(unlikeIn(image, 28, MNIST_LIKENESS)).toMatch(how)
  })

  test("by figures that are those of MNIST's training images", () => {
    expect(likenessOf(mnist.train.images, 784, 28)).toEqual(MNIST_LIKENESS)
  })
})

describe("a PNG", () => {
  /** With the header it says, and the data of another. */
  function png(width: number, height: number, interlace: 0 | 1, data: Buffer): Buffer {
    const whole = PNG.sync.write(new PNG({ width: 1, height: 1 }), { colorType: 0 })
    const chunks: Buffer[] = [whole.subarray(0, 8)]
    const put = (type: string, body: Buffer) => chunks.push(chunk(type, body))
    const head = Buffer.alloc(13)
    head.writeUInt32BE(width, 0)
    head.writeUInt32BE(height, 4)
    head.set([8, 0, 0, 0, interlace], 8)
    put("IHDR", head)
    if (data.length > 0) put("IDAT", data)
    put("IEND", Buffer.alloc(0))
    return Buffer.concat(chunks)
  }

  test("with fewer rows than its header says, or none, is cut short", () => {
    const rows = (count: number) => deflateSync(Buffer.alloc(count * 29, 0))
    expect(decodeImage(png(28, 28, 0, rows(28))).pixels.length).toBe(784)
    for (const count of [0, 3, 27])
      expect(() => decodeImage(png(28, 28, 0, rows(count)))).toThrow(/cut short/)
    expect(() => decodeImage(png(28, 28, 0, Buffer.alloc(0)))).toThrow(/no pixels/)
    expect(() => decodeImage(png(28, 28, 0, rows(28).subarray(0, 12)))).toThrow(/cut short/)
    const whole = png(28, 28, 0, rows(28))
    expect(() => decodeImage(whole.subarray(0, -12))).toThrow(/cut short: its last part/)
  })

  test("that unpacks to more than its header says is refused before it is unpacked", () => {
    const before = process.memoryUsage().arrayBuffers
    for (const interlace of [0, 1] as const) {
      const bomb = png(1, 1, interlace, deflateSync(Buffer.alloc(64 * 2 ** 20)))
      expect(() => decodeImage(bomb)).toThrow(/unpacks to more than the 2 bytes/)
    }
    expect(() => decodeImage(png(2 ** 16, 2 ** 16, 0, deflateSync(Buffer.alloc(9))))).toThrow(
      /65536x65536/,
    )
    // The two this test made itself, and some more.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(160 * 2 ** 20)
  })

  test("that is interlaced has as many bytes as its seven passes", () => {
    // 3x2: passes 1 (1x1), 4 (1x1), 6 (1x1), 7 (3x1): rows with a filter byte each.
    const data = Buffer.from([0, 10, 0, 30, 0, 20, 0, 40, 50, 60])
    const { width, height, pixels } = decodeImage(png(3, 2, 1, deflateSync(data)))
    expect([width, height, ...pixels]).toEqual([3, 2, 10, 20, 30, 40, 50, 60])
    expect(() => decodeImage(png(3, 2, 1, deflateSync(data.subarray(0, 9))))).toThrow(/cut short/)
  })

  test("says its size without being decoded", () => {
    expect(sizeOfImage(png(30, 20, 0, Buffer.alloc(0)))).toEqual({ width: 30, height: 20 })
  })

  test("of white on nothing is as of black on white", () => {
    const drawn = (ink: number, paper: number, alpha: boolean) => {
      const image = new PNG({ width: 9, height: 9 })
      for (let i = 0; i < 81; i++) {
        const on = i % 9 === 4
        const grey = on ? ink : paper
        image.data.set([grey, grey, grey, alpha && !on ? 0 : 255], 4 * i)
      }
      const path = join(folder, `${ink}-${paper}-${alpha}.png`)
      writeFileSync(path, PNG.sync.write(image))
      return [...picturePixels(path, 81, "box")]
    }
    const expected = drawn(0, 255, false)
    expect(expected.filter(pixel => pixel === 255).length).toBe(9)
    expect(drawn(255, 255, true)).toEqual(expected)
    expect(drawn(255, 0, true)).toEqual(expected)
    expect(drawn(0, 0, true)).toEqual(expected)
  })
})
