/** Pictures as bytes: PNG and PGM, encoded here. */
import { deflateSync } from "node:zlib"
import type { Grey } from "../../../host/data/grey"

// ISO 15948, annex D: made here, apart from the library that reads.
function crc(bytes: Buffer): number {
  let c = 0xffffffff
  for (const byte of bytes) {
    c ^= byte
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  }
  return (c ^ 0xffffffff) >>> 0
}

export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(data.length, 0)
  ends.writeUInt32BE(crc(body), 4)
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
}

export function png(
  width: number,
  height: number,
  depth: number,
  colour: number,
  rows: Buffer,
  extra: Buffer[] = [],
): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = depth
  head[9] = colour
  const stride = rows.length / height
  const filtered = Buffer.concat(
    Array.from({ length: height }, (_, y) =>
      Buffer.concat([Buffer.of(0), rows.subarray(y * stride, (y + 1) * stride)]),
    ),
  )
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", head),
    ...extra,
    chunk("IDAT", deflateSync(filtered)),
    chunk("IEND", Buffer.alloc(0)),
  ])
}

export const greyPng = (width: number, height: number, pixels: number[]) =>
  png(width, height, 8, 0, Buffer.from(pixels))
export const pgm = (width: number, height: number, pixels: number[]) =>
  Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), Buffer.from(pixels)])
export const grey = (width: number, pixels: number[]): Grey => ({
  width,
  height: pixels.length / width,
  pixels: Uint8Array.from(pixels),
})
