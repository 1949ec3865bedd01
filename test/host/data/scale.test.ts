import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { invert, isOnPaper, scaleTo } from "../../../host/data/scale"
import { grey } from "./pictures"

describe("scaling by boxes", () => {
  test("leaves an image of the frame's size as it is, and averages a larger one", () => {
    const image = grey(2, [1, 2, 3, 4])
    expect(scaleTo(image, 2, 2, "box")).toEqual(image)
    expect(
      scaleTo(grey(4, [0, 4, 8, 8, 4, 8, 8, 8, 1, 1, 0, 0, 1, 1, 0, 200]), 2, 2, "box"),
    ).toEqual(grey(2, [4, 8, 1, 50]))
    // 3 to 2: each covers one pixel and a half.
    expect(scaleTo(grey(3, [30, 60, 90, 30, 60, 90, 30, 60, 90]), 2, 2, "box")).toEqual(
      grey(2, [40, 80, 40, 80]),
    )
  })

  test("keeps the sides in proportion, in the middle of an empty frame", () => {
    expect(scaleTo(grey(4, [8, 8, 8, 8, 8, 8, 8, 8]), 4, 4, "box")).toEqual(
      grey(4, [0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0]),
    )
    expect(scaleTo(grey(1, [7]), 3, 3, "box")).toEqual(grey(3, new Array(9).fill(7)))
  })

  test("keeps the mean and the range of whatever fills the frame", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        (from, to, values) => {
          const image = grey(from, [...values.take(from * from)])
          const { pixels } = scaleTo(image, to, to, "box")
          const mean = (p: Uint8Array) => p.reduce((a, b) => a + b, 0) / p.length
          expect(Math.abs(mean(pixels) - mean(image.pixels))).toBeLessThanOrEqual(0.5)
          expect(Math.max(...pixels)).toBeLessThanOrEqual(Math.max(...image.pixels))
          expect(Math.min(...pixels)).toBeGreaterThanOrEqual(Math.min(...image.pixels))
        },
      ),
    )
  })
})

describe("scaling by mass", () => {
  test("puts the centre of mass where MNIST's own images have it, within half a pixel", () => {
    const { test: mnist } = readMnist()
    const centre = (p: Uint8Array) => {
      const at = [0, 0]
      let mass = 0
      for (const [i, value] of p.entries()) {
        mass += value
        at[0] += value * (i % 28)
        at[1] += value * Math.floor(i / 28)
      }
      return at.map(moment => moment / mass)
    }
    for (let i = 0; i < 300; i++) {
      const pixels = mnist.images.subarray(i * 784, (i + 1) * 784)
      const scaled = scaleTo({ width: 28, height: 28, pixels }, 28, 28, "mass").pixels
      for (const image of [pixels, scaled])
        for (const at of centre(image)) expect(Math.abs(at - 14)).toBeLessThan(0.51)
    }
  })

  test("puts what is drawn, wherever and of whatever size, in the middle at 20/28 of the frame", () => {
    for (const [left, top, side] of [
      [0, 0, 10],
      [50, 20, 40],
      [3, 70, 25],
    ]) {
      const image = grey(100, new Array(10_000).fill(0))
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) image.pixels[(top + y) * 100 + left + x] = 200
      const { pixels } = scaleTo(image, 28, 28, "mass")
      const drawn = [...pixels].map((p, i) => (p > 0 ? i : -1)).filter(i => i >= 0)
      expect(drawn.length).toBe(400)
      expect([drawn[0], drawn[399]]).toEqual([5 * 28 + 5, 24 * 28 + 24])
    }
    expect(scaleTo(grey(5, new Array(25).fill(0)), 3, 3, "mass")).toEqual(
      grey(3, new Array(9).fill(0)),
    )
  })
})

test("light paper is told by its rim", () => {
  const dark = grey(3, [0, 0, 0, 0, 255, 0, 0, 0, 0])
  expect(isOnPaper(dark)).toBe(false)
  expect(isOnPaper(invert(dark))).toBe(true)
  expect(invert(invert(dark))).toEqual(dark)
})
