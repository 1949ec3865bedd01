/** Features as the core takes an image: runs of bytes that are not zero (src/core/image.ts). */

/** Most bytes the runs of so many features take: each is a run, and every 255 zeros are one. */
export function mostRuns(width: number): number {
  return width * 2 + 8 + (width >> 6)
}

/**
 * @param bytes features, from byte 0 on
 * @param runs gets (skip, count, bytes)*, from byte 0 on
 * @returns how many bytes of runs there are
 */
export function writeRuns(bytes: Buffer, width: number, runs: Buffer): number {
  let to = 0
  let at = 0
  let done = 0
  while (at < width) {
    if (bytes.getAt(at, "u8") === 0) at = at + 1
    else {
      while (at - done > 255) {
        runs.setAt(to, "u8", 255)
        runs.setAt(to + 1, "u8", 0)
        to = to + 2
        done = done + 255
      }
      let end = at
      while (end < width && end - at < 255 && bytes.getAt(end, "u8") !== 0) end = end + 1
      runs.setAt(to, "u8", at - done)
      runs.setAt(to + 1, "u8", end - at)
      runs.blitAt(to + 2, bytes, at, end - at)
      to = to + 2 + end - at
      at = end
      done = end
    }
  }
  return to
}
