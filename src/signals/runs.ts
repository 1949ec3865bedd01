/** Features as the core takes an image: runs of bytes (src/core/image.ts). */

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

/**
 * The same of features that are seldom zero, as those of a trace: all of them, without a look at each.
 *
 * @returns how many bytes of runs there are
 */
export function writeAll(bytes: Buffer, width: number, runs: Buffer): number {
  let to = 0
  for (let at = 0; at < width; at += 255) {
    const count = Math.min(255, width - at)
    runs.setAt(to, "u8", 0)
    runs.setAt(to + 1, "u8", count)
    runs.blitAt(to + 2, bytes, at, count)
    to = to + 2 + count
  }
  return to
}

/** Bytes of a buffer for so many features that `hashOf` reads. */
export function paddedWidth(width: number): number {
  return (width + 3) & ~3
}

/**
 * @param bytes features, and zeros up to their padded width
 * @returns their hash: FNV-1a over words of four bytes
 */
export function hashOf(bytes: Buffer, width: number): number {
  let hash = -2128831035
  for (let at = 0; at < width; at += 4) hash = Math.imul(hash ^ bytes.getAt(at, "i32"), 16777619)
  return hash
}
