/** Pictures as grey values: PNG of any kind, PGM (netpbm) as text or binary. */
import { inflateSync } from "node:zlib"
import { PNG } from "pngjs"
import type { Grey } from "./grey"

/** File name endings of pictures that are read. */
export const IMAGE_ENDINGS = [".png", ".pgm"]

/** A picture for a small network need not be large; bounds what a wrong file can make us allocate. */
const MOST_PIXELS = 16 * 2 ** 20
/** Unpacked bytes of a PNG: what 16 M pixels of 4 bytes have, with a filter byte a row. */
const MOST_UNPACKED = 66 * 2 ** 20
/** Bits of a pixel are the depth times this, by colour type (ISO 15948, table 11.1). */
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** First column and row, and steps, of the seven passes of an interlaced PNG (Adam7). */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/**
 * Colour becomes its luma (ITU-R BT.601); what is transparent shows white paper, unless all that can
 * be seen is as light as that: then it was drawn to be seen on something dark.
 *
 * @throws Error that says what is wrong
 */
export function decodeImage(bytes: Buffer): Grey {
  return isPng(bytes) ? decodePng(bytes) : decodePgm(bytes)
}

/** Width and height, by the header alone. @throws Error that says what is wrong */
export function sizeOfImage(bytes: Buffer): { width: number; height: number } {
  if (!isPng(bytes)) return pgmHeader(bytes)
  return pngHeader(bytes)
}

function isPng(bytes: Buffer): boolean {
  if (bytes.length === 0) throw new Error("it is empty")
  if (bytes.toString("latin1", 0, 4) === "\x89PNG") return true
  if (/^P[25]\s/.test(bytes.toString("latin1", 0, 3))) return false
  throw new Error(
    `it begins with ${bytes.toString("hex", 0, 4)}, which is neither PNG (89504e47) nor PGM (5032 or 5035)`,
  )
}

function pngHeader(bytes: Buffer): { width: number; height: number } {
  // Signature 8, length 4, "IHDR" 4, then width and height.
  if (bytes.length < 29) throw new Error("it ends within its header")
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
  checkSize(width, height)
  return { width, height }
}

function decodePng(bytes: Buffer): Grey {
  checkPixels(bytes)
  const { width, height, data } = readPng(bytes)
  if (data.length !== width * height * 4) throw new Error("it was cut short")
  const pixels = new Uint8Array(width * height)
  const paper = paperOf(data)
  for (let i = 0; i < pixels.length; i++) {
    const alpha = data[4 * i + 3]
    pixels[i] = Math.round((lumaAt(data, i) * alpha + paper * (255 - alpha)) / 255)
  }
  return { width, height, pixels }
}

function readPng(bytes: Buffer): PNG {
  try {
    return PNG.sync.read(bytes)
  } catch (error) {
    // Of reading past the end of a chunk.
    if (error instanceof RangeError) throw new Error("a part of it is too short for its kind")
    throw error
  }
}

function lumaAt(data: Buffer, i: number): number {
  return Math.floor(
    (299 * data[4 * i] + 587 * data[4 * i + 1] + 114 * data[4 * i + 2] + 500) / 1000,
  )
}

/** What a transparent picture lies on: black for what is drawn in white, else white. */
function paperOf(data: Buffer): number {
  let [clear, seen, light] = [0, 0, 0]
  for (let i = 0; i < data.length / 4; i++) {
    const alpha = data[4 * i + 3]
    clear += 255 - alpha
    seen += alpha
    light += alpha * lumaAt(data, i)
  }
  return clear > 0 && light > 200 * seen ? 0 : 255
}

/**
 * Refuses a PNG whose data is less, or unpacks to more, than its header says: pngjs would take missing
 * rows for black, and unpack whatever there is of an interlaced one.
 *
 * @throws Error that says what is wrong
 */
function checkPixels(bytes: Buffer): void {
  const { width, height } = pngHeader(bytes)
  const bits = bytes[24] * (CHANNELS[bytes[25]] ?? 0)
  if (bits < 1 || bits > 64 || bytes[28] > 1)
    throw new Error(`its header is damaged (depth ${bytes[24]}, colour type ${bytes[25]})`)
  const passes = bytes[28] === 0 ? [[0, 0, 1, 1]] : PASSES
  let expected = 0
  for (const [x, y, dx, dy] of passes) {
    const columns = Math.ceil((width - x) / dx)
    const rows = Math.ceil((height - y) / dy)
    if (columns > 0 && rows > 0) expected += rows * (1 + Math.ceil((columns * bits) / 8))
  }
  if (expected > MOST_UNPACKED)
    throw new Error(`it is ${width}x${height} pixels of ${bits} bits, which is too large`)
  const packed = dataOf(bytes)
  if (packed.length === 0) throw new Error("it holds no pixels")
  let found: number
  try {
    found = inflateSync(packed, { maxOutputLength: expected, chunkSize: expected + 64 }).length
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(
      code === "ERR_BUFFER_TOO_LARGE"
        ? `its data unpacks to more than the ${expected} bytes of ${width}x${height} pixels`
        : code === "Z_BUF_ERROR"
          ? "it was cut short"
          : `its data is damaged (${message})`,
    )
  }
  if (found < expected)
    throw new Error(
      `it was cut short: ${found} of the ${expected} bytes of its ${width}x${height} pixels`,
    )
}

/** The bytes of its IDAT chunks together. */
function dataOf(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let ended = false
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") {
      if (at + 12 + length > bytes.length) throw new Error("it was cut short")
      parts.push(bytes.subarray(at + 8, at + 8 + length))
    }
    ended ||= bytes.toString("latin1", at + 4, at + 8) === "IEND"
    at += 12 + length
  }
  if (parts.length > 0 && !ended) throw new Error("it was cut short: its last part is missing")
  return Buffer.concat(parts)
}

/** netpbm.sourceforge.net/doc/pgm.html; a file's first picture. */
function decodePgm(bytes: Buffer): Grey {
  const { width, height, most, at, number } = pgmHeader(bytes)
  const text = bytes[1] === 0x32
  const pixels = new Uint8Array(width * height)
  const put = (i: number, value: number) => {
    if (value > most) throw new Error(`pixel ${i} is ${value}, more than its largest value ${most}`)
    pixels[i] = Math.round((value * 255) / most)
  }
  if (text) {
    for (let i = 0; i < pixels.length; i++) put(i, number(`pixel ${i}`))
    return { width, height, pixels }
  }
  if (!isSpace(bytes[at])) throw new Error("no space follows its largest value")
  const from = at + 1
  const each = most > 255 ? 2 : 1
  if (bytes.length - from < pixels.length * each)
    throw new Error(
      `it has ${bytes.length - from} bytes of pixels, expected ${pixels.length * each} for ${width}x${height}`,
    )
  for (let i = 0; i < pixels.length; i++)
    put(i, each === 2 ? bytes.readUInt16BE(from + 2 * i) : bytes[from + i])
  return { width, height, pixels }
}

/** Its sizes and largest value, where they end, and how to read on from there. */
function pgmHeader(bytes: Buffer) {
  let at = 2
  const number = (what: string): number => {
    for (;;) {
      if (isSpace(bytes[at])) at++
      else if (bytes[at] === 0x23) while (at < bytes.length && bytes[at] !== 0x0a) at++
      else break
    }
    const from = at
    while (bytes[at] >= 0x30 && bytes[at] <= 0x39) at++
    if (at === from || at - from > 9)
      throw new Error(
        at >= bytes.length ? `it ends before its ${what}` : `its ${what} is no number`,
      )
    return Number(bytes.toString("latin1", from, at))
  }
  const width = number("width")
  const height = number("height")
  const most = number("largest value")
  checkSize(width, height)
  if (most < 1 || most > 65535) throw new Error(`its largest value is ${most}, expected 1 to 65535`)
  return { width, height, most, at, number }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d)
}

function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1 || width * height > MOST_PIXELS)
    throw new Error(`it is ${width}x${height} pixels, expected 1 to ${MOST_PIXELS} of them`)
}
