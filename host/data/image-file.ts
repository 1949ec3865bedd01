/** Pictures as grey values: PNG of any kind, PGM (netpbm) as text or binary. */
import { PNG } from "pngjs"
import type { Grey } from "./grey"

/** File name endings of pictures that are read. */
export const IMAGE_ENDINGS = [".png", ".pgm"]

/** A picture for a small network need not be large; bounds what a wrong file can make us allocate. */
const MOST_PIXELS = 16 * 2 ** 20

/**
 * Colour becomes its luma (ITU-R BT.601); what is transparent shows white paper.
 *
 * @throws Error that says what is wrong
 */
export function decodeImage(bytes: Buffer): Grey {
  if (bytes.length === 0) throw new Error("it is empty")
  if (bytes.toString("latin1", 0, 4) === "\x89PNG") return decodePng(bytes)
  if (/^P[25]\s/.test(bytes.toString("latin1", 0, 3))) return decodePgm(bytes)
  throw new Error(
    `it begins with ${bytes.toString("hex", 0, 4)}, which is neither PNG (89504e47) nor PGM (5032 or 5035)`,
  )
}

function decodePng(bytes: Buffer): Grey {
  // Signature 8, length 4, "IHDR" 4, then width and height: looked at before pngjs allocates.
  if (bytes.length < 24) throw new Error("it ends within its header")
  checkSize(bytes.readUInt32BE(16), bytes.readUInt32BE(20))
  const { width, height, data } = PNG.sync.read(bytes)
  if (data.length !== width * height * 4) throw new Error("it was cut short")
  const pixels = new Uint8Array(width * height)
  for (let i = 0; i < pixels.length; i++) {
    const luma = (299 * data[4 * i] + 587 * data[4 * i + 1] + 114 * data[4 * i + 2] + 500) / 1000
    const alpha = data[4 * i + 3]
    pixels[i] = Math.round((Math.floor(luma) * alpha + 255 * (255 - alpha)) / 255)
  }
  return { width, height, pixels }
}

/** netpbm.sourceforge.net/doc/pgm.html; a file's first picture. */
function decodePgm(bytes: Buffer): Grey {
  const text = bytes[1] === 0x32
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
  at++
  const each = most > 255 ? 2 : 1
  if (bytes.length - at < pixels.length * each)
    throw new Error(
      `it has ${bytes.length - at} bytes of pixels, expected ${pixels.length * each} for ${width}x${height}`,
    )
  for (let i = 0; i < pixels.length; i++)
    put(i, each === 2 ? bytes.readUInt16BE(at + 2 * i) : bytes[at + i])
  return { width, height, pixels }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d)
}

function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1 || width * height > MOST_PIXELS)
    throw new Error(`it is ${width}x${height} pixels, expected 1 to ${MOST_PIXELS} of them`)
}
