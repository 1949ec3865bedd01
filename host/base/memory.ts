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

Buffer.prototype.getAt = function (this: Buffer, offset: number, format: NumberFormat): number {
  if (format === "i16") return this.readInt16LE(offset)
  if (format === "i32") return this.readInt32LE(offset)
  if (format === "u16") return this.readUInt16LE(offset)
  return this.readUInt8(offset)
}

Buffer.prototype.setAt = function (
  this: Buffer,
  offset: number,
  format: NumberFormat,
  value: number,
): void {
  if (format === "i16") this.writeInt16LE(value, offset)
  else if (format === "i32") this.writeInt32LE(value, offset)
  else if (format === "u16") this.writeUInt16LE(value, offset)
  else this.writeUInt8(value, offset)
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
