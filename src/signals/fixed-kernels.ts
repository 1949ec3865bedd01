/**
 * What fixed kernels find in a picture of bands: frames down, bands across. Each kernel is laid on every
 * place of the picture; what it finds there above a threshold is averaged over some overlapping parts of
 * the picture, and what comes out is by how much one kernel found more in a part than all of them did on
 * average. Nothing in it learns; the host draws the kernels by a seed (host/signals/fixed-kernels.ts).
 */
import { FixedKernels, Plan } from "./plan"

/** The byte of nothing, in the picture and in kernels, and of what all found on average. */
const KERNEL_MIDDLE = 128
/** Bytes for what a kernel finds, Q8: a deviation of the picture times the kernel's norm comes to 130. */
const KERNEL_GAIN = 13

/**
 * @param picture where in working memory the bytes of the bands are
 * @param room where in working memory an i32 is free for each place of a kernel, then one for each output
 * @param out gets a byte 1…255 a part and kernel, part by part, from `outAt` on
 */
export function kernelFeatures(
  plan: Buffer,
  work: Buffer,
  picture: number,
  room: number,
  out: Buffer,
  outAt: number,
): void {
  const record = plan.getAt(Plan.Kernels, "u16")
  const count = plan.getAt(record + FixedKernels.Count, "u16")
  const down = plan.getAt(record + FixedKernels.Down, "u16")
  const across = plan.getAt(record + FixedKernels.Across, "u16")
  const size = plan.getAt(record + FixedKernels.Size, "u16")
  // Half of a kernel may lie over an edge, so that one of an even size has one place more.
  const rows = plan.getAt(Plan.Points, "u16") + 1 - (size & 1)
  const columns = plan.getAt(Plan.Bands, "u16") + 1 - (size & 1)
  const means = room + ((rows * columns) << 2)
  let kernel = record + FixedKernels.Length
  for (let k = 0; k < count; k++) {
    layKernel(plan, work, picture, kernel, room)
    kernel = kernel + size * size
    let to = means + (k << 2)
    for (let i = 0; i < down; i++)
      for (let j = 0; j < across; j++) {
        const first =
          room + ((firstPlace(rows, down, i) * columns + firstPlace(columns, across, j)) << 2)
        const high = lastPlace(rows, down, i) - firstPlace(rows, down, i)
        const wide = lastPlace(columns, across, j) - firstPlace(columns, across, j)
        work.setAt(to, "i32", meanFound(work, first, columns, high, wide))
        to = to + (count << 2)
      }
  }
  let at = means
  let to = outAt
  for (let p = 0; p < down * across; p++) {
    let sum = 0
    // At most 2^10 of at most 2^16.
    for (let k = 0; k < count; k++) sum = sum + work.getAt(at + (k << 2), "i32")
    const mean = Math.idiv(sum + (count >> 1), count)
    for (let k = 0; k < count; k++) {
      // 2^16 · 2^4.
      const more = ((work.getAt(at, "i32") - mean) * KERNEL_GAIN + 128) >> 8
      out.setAt(to, "u8", Math.min(255, Math.max(1, KERNEL_MIDDLE + more)))
      at = at + 4
      to = to + 1
    }
  }
}

/** What a kernel finds at each of its places above the threshold, row by row; what lies over an edge is nothing. */
function layKernel(plan: Buffer, work: Buffer, picture: number, kernel: number, to: number): void {
  const record = plan.getAt(Plan.Kernels, "u16")
  const above = plan.getAt(record + FixedKernels.Above, "u16")
  const size = plan.getAt(record + FixedKernels.Size, "u16")
  const frames = plan.getAt(Plan.Points, "u16")
  const bands = plan.getAt(Plan.Bands, "u16")
  const half = size >> 1
  let at = to
  for (let row = -half; row <= frames - size + half; row++) {
    const top = Math.max(0, -row)
    const bottom = Math.min(size, frames - row)
    for (let column = -half; column <= bands - size + half; column++) {
      const left = Math.max(0, -column)
      const right = Math.min(size, bands - column)
      let sum = 0
      for (let y = top; y < bottom; y++) {
        const weight = kernel + y * size
        const value = picture + (row + y) * bands + column
        // 2^7 · 2^7 each, of a kernel whose norm is 64 and which has up to 2^6 values: at most 2^16.
        for (let x = left; x < right; x++)
          sum =
            sum +
            (work.getAt(value + x, "u8") - KERNEL_MIDDLE) *
              (plan.getAt(weight + x, "u8") - KERNEL_MIDDLE)
      }
      work.setAt(at, "i32", Math.max(0, sum - above))
      at = at + 4
    }
  }
}

/** First of the places that part i of `parts` has: a quarter of a part is the one before's too. */
function firstPlace(places: number, parts: number, i: number): number {
  return i > 0 ? Math.idiv((4 * i - 1) * places, 4 * parts) : 0
}

/** The place after its last one. */
function lastPlace(places: number, parts: number, i: number): number {
  return Math.min(places, Math.idiv((4 * i + 5) * places + 4 * parts - 1, 4 * parts))
}

/** Mean of what was found at some rows of places; at most 2^14 of less than 2^17. */
function meanFound(
  work: Buffer,
  first: number,
  columns: number,
  high: number,
  wide: number,
): number {
  let sum = 0
  for (let y = 0; y < high; y++) {
    const from = first + ((y * columns) << 2)
    for (let at = from; at < from + (wide << 2); at += 4) sum = sum + work.getAt(at, "i32")
  }
  const area = high * wide
  return Math.idiv(sum + (area >> 1), area)
}
