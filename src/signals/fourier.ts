/**
 * Amplitudes of the frequencies in a frame of a signal: a fast Fourier transform in whole numbers. The
 * numbers of a frame share an exponent (block floating point): before every stage they are halved as
 * often as they need to stay below 2^15, and no more, so that quiet frames keep their digits.
 */
import { Plan } from "./plan"

/**
 * Takes N samples of a signal, each less 31/32 of the one before it (high frequencies are raised), times
 * the plan's window, to the beginning of working memory: i32 each, which are read as N/2 complex numbers
 * re, im.
 *
 * @param from number of the first sample
 * @returns the exponent e: numbers in memory are 2^e times those of the signal; −1000: all are zero
 */
export function loadFrame(plan: Buffer, work: Buffer, signal: Buffer, from: number): number {
  const bits = plan.getAt(Plan.FrameBits, "u16")
  const size = 1 << bits
  const step = plan.getAt(Plan.Channels, "u16") << 1
  const window = plan.getAt(Plan.Window, "i32")
  // 32 times the emphasised signal: 63 · 2^15 < 2^21.
  let before = from > 0 ? signal.getAt((from - 1) * step, "i16") : signal.getAt(from * step, "i16")
  let seen = 0
  let at = from * step
  for (let i = 0; i < size; i++) {
    const value = signal.getAt(at, "i16")
    const rise = (value << 5) - (before << 5) + before
    work.setAt(i << 2, "i32", rise)
    seen = seen | (rise ^ (rise >> 31))
    before = value
    at = at + step
  }
  if (seen === 0) return -1000
  // The largest comes to 2^14…2^15.
  let up = 0
  while (seen < 16384) {
    seen = seen << 1
    up = up + 1
  }
  while (seen >= 32768) {
    seen = seen >> 1
    up = up - 1
  }
  const left = Math.max(up, 0)
  const right = left - up
  let weight = window
  for (let to = 0; to < size << 2; to += 4) {
    const scaled = (work.getAt(to, "i32") << left) >> right
    // 2^15 · 2^15.
    work.setAt(to, "i32", (scaled * plan.getAt(weight, "i16") + 16384) >> 15)
    weight = weight + 2
  }
  return up + 5
}

/** Puts each of 2^bits complex numbers in the place that has its own number's bits in reverse. */
function reverse(work: Buffer, bits: number): void {
  const size = 1 << bits
  let j = 0
  for (let i = 1; i < size; i++) {
    let bit = size >> 1
    while ((j & bit) !== 0) {
      j = j ^ bit
      bit = bit >> 1
    }
    j = j | bit
    if (i < j) {
      const a = i << 3
      const b = j << 3
      // One part after the other, here and below: a Cortex-M0+ has few registers.
      const re = work.getAt(a, "i32")
      work.setAt(a, "i32", work.getAt(b, "i32"))
      work.setAt(b, "i32", re)
      const im = work.getAt(a + 4, "i32")
      work.setAt(a + 4, "i32", work.getAt(b + 4, "i32"))
      work.setAt(b + 4, "i32", im)
    }
  }
}

/** By how many bits numbers below 2^17 are halved to be below 2^15. @param seen all of them, or-ed */
function excess(seen: number): number {
  let bits = 0
  while (seen >> bits >= 32768) bits = bits + 1
  return bits
}

/**
 * Transforms N/2 complex numbers in place (decimation in time, radix 2).
 *
 * @returns by how many bits they were halved; the numbers are below 2^15
 */
function transform(plan: Buffer, work: Buffer): number {
  const bits = plan.getAt(Plan.FrameBits, "u16") - 1
  const size = 8 << bits
  const twiddle = plan.getAt(Plan.Twiddle, "i32")
  reverse(work, bits)
  let halved = 0
  let down = 0
  // W of a stage is every so many bytes of the table.
  let stride = 4 << bits
  for (let half = 8; half < size; half = half << 1) {
    const round = down > 0 ? 1 << (down - 1) : 0
    let seen = 0
    let w = twiddle
    for (let j = 0; j < half; j += 8) {
      const cos = plan.getAt(w, "i16")
      const sin = plan.getAt(w + 2, "i16")
      for (let a = j; a < size; a += half + half) {
        const b = a + half
        const re = (work.getAt(b, "i32") + round) >> down
        const im = (work.getAt(b + 4, "i32") + round) >> down
        // √2 · 2^15 · 2^15 < 2^31.
        const turnedRe = (re * cos - im * sin + 16384) >> 15
        const turnedIm = (re * sin + im * cos + 16384) >> 15
        // (1 + √2) · 2^15 < 2^17.
        const stillRe = (work.getAt(a, "i32") + round) >> down
        const sumRe = stillRe + turnedRe
        const restRe = stillRe - turnedRe
        work.setAt(a, "i32", sumRe)
        work.setAt(b, "i32", restRe)
        seen = seen | (sumRe ^ (sumRe >> 31)) | (restRe ^ (restRe >> 31))
        const stillIm = (work.getAt(a + 4, "i32") + round) >> down
        const sumIm = stillIm + turnedIm
        const restIm = stillIm - turnedIm
        work.setAt(a + 4, "i32", sumIm)
        work.setAt(b + 4, "i32", restIm)
        seen = seen | (sumIm ^ (sumIm >> 31)) | (restIm ^ (restIm >> 31))
      }
      w = w + stride
    }
    stride = stride >> 1
    halved = halved + down
    down = excess(seen)
  }
  if (down > 0) {
    const round = 1 << (down - 1)
    for (let at = 0; at < size; at += 4)
      work.setAt(at, "i32", (work.getAt(at, "i32") + round) >> down)
  }
  return halved + down
}

/** |re + i·im| by 7/8 of the larger part and half of the smaller: off by less than 3.1 %, never by more. */
function amplitude(re: number, im: number): number {
  const a = re < 0 ? -re : re
  const b = im < 0 ? -im : im
  const more = Math.max(a, b)
  const less = Math.min(a, b)
  const mixed = more - (more >> 3) + (less >> 1)
  return Math.max(mixed, more)
}

/**
 * Amplitudes of bins 0…N/2 of the frame that `loadFrame` has taken, i32 each, from `to` on in working
 * memory, which is behind the N values of the frame. Each is below 2^17.
 *
 * @returns by how many bits they were halved
 */
export function amplitudes(plan: Buffer, work: Buffer, to: number): number {
  const halved = transform(plan, work)
  const size = 4 << plan.getAt(Plan.FrameBits, "u16")
  const twiddle = plan.getAt(Plan.Twiddle, "i32")
  // Bins 0 and N/2 are the sum and the difference of the even and the odd samples' sums.
  const evens = work.getAt(0, "i32")
  const odds = work.getAt(4, "i32")
  work.setAt(to, "i32", amplitude(evens + odds, 0))
  work.setAt(to + (size >> 1), "i32", amplitude(evens - odds, 0))
  for (let k = 8; k <= size >> 1; k += 8) {
    const there = size - k
    const re = work.getAt(k, "i32")
    const im = work.getAt(k + 4, "i32")
    const backRe = work.getAt(there, "i32")
    const backIm = work.getAt(there + 4, "i32")
    // Twice the transforms of the even and of the odd samples, halved: below 2^15.
    const evenRe = (re + backRe) >> 1
    const evenIm = (im - backIm) >> 1
    const oddRe = (im + backIm) >> 1
    const oddIm = (backRe - re) >> 1
    // k/8 · 4 bytes.
    const w = twiddle + (k >> 1)
    const cos = plan.getAt(w, "i16")
    const sin = plan.getAt(w + 2, "i16")
    const turnedRe = (oddRe * cos - oddIm * sin + 16384) >> 15
    const turnedIm = (oddRe * sin + oddIm * cos + 16384) >> 15
    const low = to + (k >> 1)
    const high = to + ((size - k) >> 1)
    work.setAt(low, "i32", amplitude(evenRe + turnedRe, evenIm + turnedIm))
    work.setAt(high, "i32", amplitude(evenRe - turnedRe, evenIm - turnedIm))
  }
  return halved
}
