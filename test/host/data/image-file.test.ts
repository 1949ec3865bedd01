import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decodeImage } from "../../../host/data/image-file"
import { chunk, grey, greyPng, pgm, png } from "./pictures"

describe("a picture", () => {
  test("is read from PNG of 8, 16 and 2 bits, palette, colour and transparency", () => {
    const wanted = [0, 85, 170, 255, 10, 20]
    expect([...decodeImage(greyPng(3, 2, wanted)).pixels]).toEqual(wanted)
    const wide = Buffer.from(wanted.flatMap(v => [v, v]))
    expect([...decodeImage(png(3, 2, 16, 0, wide)).pixels]).toEqual(wanted)
    expect([...decodeImage(png(4, 1, 2, 0, Buffer.of(0b00011011))).pixels]).toEqual([
      0, 85, 170, 255,
    ])
    const palette = chunk("PLTE", Buffer.from([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]))
    // BT.601: 0.299, 0.587, 0.114 of 255.
    expect([...decodeImage(png(4, 1, 8, 3, Buffer.of(0, 1, 2, 3), [palette])).pixels]).toEqual([
      0, 76, 150, 29,
    ])
    const rgba = Buffer.of(0, 0, 0, 255, 0, 0, 0, 0, 200, 200, 200, 128)
    const clear = [...decodeImage(png(3, 1, 8, 6, rgba)).pixels]
    expect(clear.slice(0, 2)).toEqual([0, 255])
    expect(Math.abs(clear[2] - 227)).toBeLessThanOrEqual(1)
  })

  test("is read from PGM, as text or binary, of any largest value, comments and all", () => {
    const text = "P2 # a comment\n3\n# another\n2 15\n0 5 10\n15 1\n2"
    expect(decodeImage(Buffer.from(text))).toEqual(grey(3, [0, 85, 170, 255, 17, 34]))
    expect(decodeImage(pgm(2, 2, [1, 2, 3, 4]))).toEqual(grey(2, [1, 2, 3, 4]))
    const wide = Buffer.concat([Buffer.from("P5 2 1 65535\n"), Buffer.of(255, 255, 128, 0)])
    expect([...decodeImage(wide).pixels]).toEqual([255, 128])
  })

  test("that is damaged is an error that says so", () => {
    const whole = greyPng(
      9,
      7,
      Array.from({ length: 63 }, (_, i) => i),
    )
    for (let length = 0; length < whole.length - 12; length += 3)
      expect(() => decodeImage(whole.subarray(0, length)), `${length} bytes`).toThrow(Error)
    const huge = Buffer.from(whole)
    huge.writeUInt32BE(1_000_000, 16)
    huge.writeUInt32BE(1_000_000, 20)
    expect(() => decodeImage(huge)).toThrow("1000000x1000000")
    for (const [bad, message] of [
      ["P5 2 2 255\nabc", "3 bytes of pixels, expected 4"],
      ["P2 2 1 9 3", "ends before its pixel 1"],
      ["P2 2 1 9 3 10", "more than its largest value"],
      ["P2 2 1 9 3 x", "pixel 1 is no number"],
      ["P5 0 2 255\n", "0x2"],
      ["P5 2 2 70000\n", "70000"],
      ["GIF89a", "neither PNG"],
      ["", "empty"],
    ])
      expect(() => decodeImage(Buffer.from(bad))).toThrow(message)
  })

  test("with any byte changed is read or refused, nothing else", () => {
    const whole = greyPng(
      5,
      5,
      Array.from({ length: 25 }, (_, i) => i * 10),
    )
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(whole)
        bytes[at] ^= change
        try {
          const { width, height, pixels } = decodeImage(bytes)
          expect(pixels.length).toBe(width * height)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 500 },
    )
  })
})
