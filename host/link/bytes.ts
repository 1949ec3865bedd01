/**
 * Memory for frames, cut from larger pieces: an array of its own costs a frame of 200 bytes more than
 * its checksum does. A piece is never used twice, so what is cut from it is the receiver's to keep.
 */
const PIECE = 65_536

let piece = new Uint8Array(PIECE)
let used = 0

/** `size` bytes, zero. */
export function allocate(size: number): Uint8Array {
  if (used + size > PIECE) {
    if (size > PIECE) return new Uint8Array(size)
    piece = new Uint8Array(PIECE)
    used = 0
  }
  used += size
  return piece.subarray(used - size, used)
}

/** A copy of `bytes[start…end−1]`. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = allocate(end - start)
  copy.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  return copy
}
