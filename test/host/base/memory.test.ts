/** DeviceScript's methods on Node's Buffer, against DataView. */
import { describe, expect, it } from "vitest"
import "../../../host/base/memory"
import type { NumberFormat } from "../../../host/base/memory"
import { hash32 } from "../../../src/base/random"

const FORMATS: [NumberFormat, number, number, number][] = [
  ["u8", 1, 0, 255],
  ["u16", 2, 0, 65_535],
  ["i16", 2, -32_768, 32_767],
  ["i32", 4, -(2 ** 31), 2 ** 31 - 1],
]
const read = (view: DataView, at: number, format: NumberFormat) =>
  format === "u8"
    ? view.getUint8(at)
    : format === "u16"
      ? view.getUint16(at, true)
      : format === "i16"
        ? view.getInt16(at, true)
        : view.getInt32(at, true)

describe.each(FORMATS)("%s", (format, bytes, least, most) => {
  it("is written and read as a little-endian number, and nothing beside it", () => {
    // Of a larger one: what lies beside it is not the buffer's.
    const whole = Buffer.alloc(64, 0xa5)
    const buffer = whole.subarray(16, 48)
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    for (let i = 0; i < 2000; i++) {
      const at = (hash32(1, i) >>> 0) % (buffer.length - bytes + 1)
      const drawn = least + ((hash32(2, i) >>> 0) % (most - least + 1))
      const value = [drawn, least, most, 0][Math.min(3, i % 9)]
      const before = Buffer.from(whole)
      buffer.setAt(at, format, value)
      expect(read(view, at, format)).toBe(value)
      expect(buffer.getAt(at, format)).toBe(value)
      expect(whole.subarray(0, 16 + at)).toEqual(before.subarray(0, 16 + at))
      expect(whole.subarray(16 + at + bytes)).toEqual(before.subarray(16 + at + bytes))
    }
  })

  it("is refused outside the buffer, between bytes, and beyond its range", () => {
    const buffer = Buffer.alloc(64).subarray(16, 48)
    for (const at of [-1, 33 - bytes, 32, 1.5, Number.NaN]) {
      expect(() => buffer.getAt(at, format)).toThrow(RangeError)
      expect(() => buffer.setAt(at, format, 1)).toThrow(RangeError)
    }
    for (const value of [least - 1, most + 1, Number.POSITIVE_INFINITY])
      expect(() => buffer.setAt(0, format, value)).toThrow(RangeError)
    expect(buffer).toEqual(Buffer.alloc(32))
  })
})
