/**
 * Gives Node's Buffer and Math the methods of DeviceScript's that the core uses, so that one source runs on
 * both. Import this before anything from `src/`.
 *
 * As on the board, an access outside the buffer is an exception, and a value outside the format is
 * a defect of the caller: Node refuses it, DeviceScript would wrap it.
 */
export type NumberFormat = "u8" | "u16" | "i16" | "i32"

declare global {
  interface Math {
    /** Integer division, towards zero. */
    idiv(a: number, b: number): number
  }
  interface Buffer {
    getAt(offset: number, format: NumberFormat): number
    setAt(offset: number, format: NumberFormat, value: number): void
    /** Sets `length` bytes from `offset` to `value`. */
    fillAt(offset: number, length: number, value: number): void
    /** Copies `length` bytes of `source` from `sourceOffset` on to `offset`. */
    blitAt(offset: number, source: Buffer, sourceOffset: number, length: number): void
  }
}

Math.idiv = (a, b) => Math.trunc(a / b)

// Whatever is not an ordinary access is left to Node, which says what is wrong with it. With Node's functions
// for all of them seven test files of core and planner took 77 s of processor time, with these 62 (2026-11-30).
Buffer.prototype.getAt = function (this: Buffer, offset: number, format: NumberFormat): number {
  const low = this[offset]
  if (format === "i16") {
    const high = this[offset + 1]
    if (low === undefined || high === undefined) return this.readInt16LE(offset)
    return ((low | (high << 8)) << 16) >> 16
  }
  if (format === "i32") {
    const top = this[offset + 3]
    if (low === undefined || top === undefined) return this.readInt32LE(offset)
    return low | (this[offset + 1] << 8) | (this[offset + 2] << 16) | (top << 24)
  }
  if (format === "u16") {
    const high = this[offset + 1]
    if (low === undefined || high === undefined) return this.readUInt16LE(offset)
    return low | (high << 8)
  }
  return low === undefined ? this.readUInt8(offset) : low
}

Buffer.prototype.setAt = function (
  this: Buffer,
  offset: number,
  format: NumberFormat,
  value: number,
): void {
  const there = this[offset] !== undefined
  if (format === "i16") {
    if (!there || this[offset + 1] === undefined || value !== (value << 16) >> 16)
      this.writeInt16LE(value, offset)
    else {
      this[offset] = value
      this[offset + 1] = value >> 8
    }
  } else if (format === "i32") {
    if (!there || this[offset + 3] === undefined || value !== (value | 0))
      this.writeInt32LE(value, offset)
    else {
      this[offset] = value
      this[offset + 1] = value >> 8
      this[offset + 2] = value >> 16
      this[offset + 3] = value >> 24
    }
  } else if (format === "u16") {
    if (!there || this[offset + 1] === undefined || value !== (value & 0xffff))
      this.writeUInt16LE(value, offset)
    else {
      this[offset] = value
      this[offset + 1] = value >> 8
    }
  } else if (!there || value !== (value & 0xff)) this.writeUInt8(value, offset)
  else this[offset] = value
}

Buffer.prototype.fillAt = function (
  this: Buffer,
  offset: number,
  length: number,
  value: number,
): void {
  if (offset < 0 || offset + length > this.length) throw new RangeError("fillAt outside the buffer")
  this.fill(value, offset, offset + length)
}

Buffer.prototype.blitAt = function (
  this: Buffer,
  offset: number,
  source: Buffer,
  sourceOffset: number,
  length: number,
): void {
  if (offset < 0 || offset + length > this.length || sourceOffset + length > source.length)
    throw new RangeError("blitAt outside the buffer")
  source.copy(this, offset, sourceOffset, sourceOffset + length)
}
