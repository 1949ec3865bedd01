/**
 * How a DeviceScript VM frames its TCP stream: one length byte, or 255 and a u16 (little-endian),
 * then that many bytes of one Jacdac frame.
 */
export function encodeLengthPrefixed(frame: Uint8Array): Uint8Array {
  const prefix = frame.length < 255 ? 1 : 3
  const out = new Uint8Array(prefix + frame.length)
  if (prefix === 1) {
    out[0] = frame.length
  } else {
    out[0] = 255
    out[1] = frame.length
    out[2] = frame.length >> 8
  }
  out.set(frame, prefix)
  return out
}

/** Fed with chunks of any size; hands on whole frames, which are the receiver's to keep. */
export class LengthPrefixedDecoder {
  private rest: Uint8Array = new Uint8Array(0)
  private readonly onFrame: (frame: Uint8Array) => void

  constructor(onFrame: (frame: Uint8Array) => void) {
    this.onFrame = onFrame
  }

  push(chunk: Uint8Array): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    while (at < bytes.length) {
      let start = at + 1
      let size = bytes[at]
      if (size === 255) {
        if (at + 3 > bytes.length) break
        size = bytes[at + 1] | (bytes[at + 2] << 8)
        start = at + 3
      }
      if (start + size > bytes.length) break
      at = start + size
      // A plain Uint8Array of its own: a Buffer's slice() would share memory with the chunk.
      this.onFrame(Uint8Array.prototype.slice.call(bytes, start, at))
    }
    this.rest = Uint8Array.prototype.slice.call(bytes, at)
  }
}
