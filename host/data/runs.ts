/** Images as the boards take them: runs of non-zero pixels (see src/core/image.ts). */

/** A part of an image that fits one message. */
export interface RunSlice {
  /** Pixel the slice's first skip counts from. */
  pixel: number
  runs: Buffer
}

/**
 * Encodes an image as (skip, count, count pixels)* and cuts it between runs into slices of at most
 * `most` bytes. An empty image is one empty slice.
 */
export function encodeSlices(image: Uint8Array, most: number): RunSlice[] {
  const slices: RunSlice[] = []
  let bytes: number[] = []
  let start = 0
  let position = 0
  let at = 0
  while (at < image.length) {
    if (image[at] === 0) {
      at++
      continue
    }
    while (at - position > 255) {
      // A skip is one byte: an empty run carries the rest.
      if (bytes.length + 2 > most) cut()
      bytes.push(255, 0)
      position += 255
    }
    if (bytes.length + 3 > most) cut()
    const room = Math.min(255, most - bytes.length - 2)
    let end = at
    while (end < image.length && image[end] !== 0 && end - at < room) end++
    bytes.push(at - position, end - at, ...image.subarray(at, end))
    at = end
    position = end
  }
  cut()
  return slices

  function cut() {
    slices.push({ pixel: start, runs: Buffer.from(bytes) })
    bytes = []
    start = position
  }
}

/** Encodes an image as one slice. */
export function encodeRuns(image: Uint8Array): Buffer {
  return encodeSlices(image, Number.POSITIVE_INFINITY)[0].runs
}
