/**
 * Cuts a stream of samples as it comes: into windows, or into stretches that move. The stream's state is
 * in one block of memory, its latest samples in another, so that boards and host cut alike.
 */

/** Offsets into the state, i32 each. The host sets all but the last three (host/signals/stream.ts). */
export enum Stream {
  Channels = 0,
  /** Samples of a window, and from one to the next; 0: segments are cut. */
  Length = 4,
  Hop = 8,
  /** Movement of a sample (how far its channels are from those `LAG` before, summed, smoothed over 4) that begins a segment. */
  Threshold = 12,
  /** Samples below half of that which end it. */
  Quiet = 16,
  Shortest = 20,
  Longest = 24,
  /** Samples in memory. */
  Fill = 28,
  /** Smoothed movement times 16. */
  Level = 32,
  /** 0: nothing moves; else 1 + the number of quiet samples at the end of the segment. */
  Moving = 36,
  Size = 40,
}

/** Samples kept from before a segment's beginning was noticed. */
export const LEAD = 8
/** Slow movements are as large as fast ones over some samples, noise is not. */
const LAG = 4

/** Samples of memory that a stream needs. */
export function streamSamples(state: Buffer): number {
  const length = state.getAt(Stream.Length, "i32")
  return length > 0 ? length : state.getAt(Stream.Longest, "i32") + LEAD
}

/** Forgets all samples. */
export function clearStream(state: Buffer): void {
  state.setAt(Stream.Fill, "i32", 0)
  state.setAt(Stream.Level, "i32", 0)
  state.setAt(Stream.Moving, "i32", 0)
}

/**
 * Goes on after a sample was put at `Fill` in memory.
 *
 * @returns how many samples, from the first in memory on, are a window or a segment now; 0: none. What is
 *   there is to be used before the next sample comes, after `nextStream`
 */
export function followStream(state: Buffer, signal: Buffer): number {
  const fill = state.getAt(Stream.Fill, "i32") + 1
  state.setAt(Stream.Fill, "i32", fill)
  const length = state.getAt(Stream.Length, "i32")
  if (length > 0) return fill >= length ? length : 0
  const channels = state.getAt(Stream.Channels, "i32")
  const step = channels << 1
  let level = state.getAt(Stream.Level, "i32")
  if (fill > LAG) {
    let change = 0
    const end = fill * step
    for (let at = end - step; at < end; at += 2) {
      const d = signal.getAt(at, "i16") - signal.getAt(at - LAG * step, "i16")
      change = change + (d < 0 ? -d : d)
    }
    // Up to 8 channels, each step below 2^16: below 2^23 with the 16.
    level = level + (((change << 4) - level) >> 2)
    state.setAt(Stream.Level, "i32", level)
  }
  const threshold = state.getAt(Stream.Threshold, "i32") << 4
  const moving = state.getAt(Stream.Moving, "i32")
  if (moving === 0) {
    if (level >= threshold) {
      keepLast(state, signal, Math.min(fill, LEAD))
      state.setAt(Stream.Moving, "i32", 1)
    } else if (fill >= streamSamples(state)) keepLast(state, signal, LEAD)
    return 0
  }
  const quiet = level < threshold >> 1 ? moving : 0
  state.setAt(Stream.Moving, "i32", quiet + 1)
  const longest = state.getAt(Stream.Longest, "i32")
  if (quiet < state.getAt(Stream.Quiet, "i32") && fill < longest) return 0
  const found = fill - quiet
  if (found >= state.getAt(Stream.Shortest, "i32")) return found
  nextStream(state, signal)
  return 0
}

/** Samples, from the first in memory on, that the window or segment under way has for certain; 0: none is. */
export function streamReady(state: Buffer): number {
  const fill = state.getAt(Stream.Fill, "i32")
  if (state.getAt(Stream.Length, "i32") > 0) return fill
  // A rest may turn out to be its end.
  const moving = state.getAt(Stream.Moving, "i32")
  return moving > 0 ? fill - moving + 1 : 0
}

/** Makes room for what follows a window or segment that was used. */
export function nextStream(state: Buffer, signal: Buffer): void {
  const length = state.getAt(Stream.Length, "i32")
  if (length > 0) {
    keepLast(state, signal, length - Math.min(length, state.getAt(Stream.Hop, "i32")))
    return
  }
  state.setAt(Stream.Moving, "i32", 0)
  state.setAt(Stream.Level, "i32", 0)
  keepLast(state, signal, LEAD)
}

function keepLast(state: Buffer, signal: Buffer, count: number): void {
  const step = state.getAt(Stream.Channels, "i32") << 1
  const from = (state.getAt(Stream.Fill, "i32") - count) * step
  if (from > 0)
    for (let at = 0; at < count * step; at += 2)
      signal.setAt(at, "i16", signal.getAt(from + at, "i16"))
  state.setAt(Stream.Fill, "i32", count)
}
