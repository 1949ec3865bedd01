/** How somebody would have drawn a digit: its lines, one pixel thin, walked with the pen down. */

type Point = [x: number, y: number]

const SIDE = 28
const INK = 110

/**
 * @param image 28×28
 * @returns strokes in pixels of the image
 */
export function strokesOf(image: Uint8Array): Point[][] {
  const thin = thinned(Uint8Array.from(image, pixel => (pixel >= INK ? 1 : 0)))
  const strokes: Point[][] = []
  const seen = new Set<number>()
  for (let i = 0; i < thin.length; i++) {
    if (thin[i] === 0 || seen.has(i)) continue
    const stroke: Point[] = []
    let drawn = 0
    // Every branch is walked, and back again: a pen that goes over its own line changes nothing.
    const walk = (at: number) => {
      seen.add(at)
      const here: Point = [(at % SIDE) + 0.5, Math.floor(at / SIDE) + 0.5]
      drawn = stroke.push(here)
      for (const next of neighbours(at))
        if (thin[next] === 1 && !seen.has(next)) {
          walk(next)
          stroke.push(here)
        }
    }
    walk(i)
    // The way back from the last branch draws nothing.
    strokes.push(stroke.slice(0, drawn))
  }
  return strokes
}

/** Round it, from the pixel above on. */
function neighbours(at: number): number[] {
  const step = [-SIDE, -SIDE + 1, 1, SIDE + 1, SIDE, SIDE - 1, -1, -SIDE - 1]
  return step.map(s => at + s)
}

/** Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", CACM 27 (1984). */
function thinned(image: Uint8Array): Uint8Array {
  for (let changed = true; changed; ) {
    changed = false
    for (const pass of [0, 1]) {
      const gone: number[] = []
      for (let at = SIDE + 1; at < image.length - SIDE - 1; at++) {
        if (image[at] === 0) continue
        const p = neighbours(at).map(n => image[n])
        const count = p.reduce((sum, v) => sum + v, 0)
        const turns = p.filter((v, i) => v === 0 && p[(i + 1) % 8] === 1).length
        const [n, , e, , s, , w] = p
        const open =
          pass === 0 ? n * e * s === 0 && e * s * w === 0 : n * e * w === 0 && n * s * w === 0
        if (count >= 2 && count <= 6 && turns === 1 && open) gone.push(at)
      }
      for (const at of gone) image[at] = 0
      changed ||= gone.length > 0
    }
  }
  return image
}
