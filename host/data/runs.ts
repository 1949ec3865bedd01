/** Images as the boards take them: runs of non-zero pixels (see src/core/image.ts). */

/** A part of an image that fits one message. */
export interface RunSlice {
  /** Pixel the slice's first skip counts from; of picked links the bytes before it. */
  pixel: number
  runs: Buffer
}

/** Most bytes the runs of so many pixels take: each may be a run, and every 255 zeros are one. */
export function mostRunBytes(pixels: number): number {
  return 3 * pixels
}

/**
 * Writes (skip, count, count pixels)*, from a pixel on, until the image ends or `out` has no room.
 *
 * @returns bytes written, and the pixel from which to go on: the image's end if none is left
 */
export function writeRuns(
  image: Uint8Array,
  from: number,
  out: Uint8Array,
): { used: number; pixel: number } {
  const { length } = image
  const most = out.length
  let used = 0
  let pixel = from
  let at = from
  for (;;) {
    while (at < length && image[at] === 0) at++
    if (at === length) return { used, pixel: length }
    while (at - pixel > 255) {
      // A skip is one byte: an empty run carries the rest.
      if (used + 2 > most) return { used, pixel }
      out[used++] = 255
      out[used++] = 0
      pixel += 255
    }
    if (used + 3 > most) return { used, pixel }
    const room = Math.min(255, most - used - 2)
    let end = at
    while (end < length && image[end] !== 0 && end - at < room) end++
    out[used++] = at - pixel
    out[used++] = end - at
    while (at < end) out[used++] = image[at++]
    pixel = end
  }
}

/**
 * Encodes an image and cuts it between runs into slices of at most `most` bytes, at least 3. An empty
 * image is one empty slice.
 */
export function encodeSlices(image: Uint8Array, most: number): RunSlice[] {
  const slices: RunSlice[] = []
  const out = Buffer.allocUnsafe(Math.min(most, mostRunBytes(image.length)))
  let at = 0
  do {
    const { used, pixel } = writeRuns(image, at, out)
    slices.push({ pixel: at, runs: Buffer.from(out.subarray(0, used)) })
    at = pixel
  } while (at < image.length)
  return slices
}

/**
 * An image as the links of its lit pixels (src/core/picked.ts), cut into slices of at most `most` bytes.
 *
 * @param sources the pixels that each synapse reads, at most 255
 */
export function pickSlices(
  image: Uint8Array,
  sources: readonly (readonly number[])[],
  most: number,
): RunSlice[] {
  const bytes: number[] = []
  for (const pixels of sources) {
    let before = 0
    for (const [link, pixel] of pixels.entries()) {
      if (image[pixel] === 0) continue
      bytes.push(link - before, image[pixel])
      before = link
    }
    bytes.push(pixels.length - before)
  }
  const slices: RunSlice[] = []
  for (let at = 0; at < bytes.length; at += most)
    slices.push({ pixel: at, runs: Buffer.from(bytes.slice(at, at + most)) })
  return slices
}

/** Encodes an image as one slice. */
export function encodeRuns(image: Uint8Array): Buffer {
  return encodeSlices(image, Number.POSITIVE_INFINITY)[0].runs
}
