/**
 * Images as runs of non-zero pixels: (skip, count, count pixel bytes)*, where skip counts the zero
 * pixels before the run. A zero pixel is exactly zero signal, so it is neither sent nor computed.
 */
import { Header, Part } from "./layout"

/** Forgets the image in hand. */
export function clearImage(m: Buffer, part: number): void {
  m.setAt(m.getAt(part + Part.List, "i32"), "i32", 0)
}

/**
 * Appends the runs in `runs` (bytes from…to) to the list of the part that reads pixels: u16
 * signal number, i16 signal (the input neuron's responses, from its table), one entry for each signal
 * of the pixel. As the pixel only moves forward, the list never holds more entries than there are
 * input signals.
 *
 * @param pixel index of the pixel the first run's skip counts from; another start shifts the image
 * @returns the index of the pixel after the last run, or −1 if the runs are malformed or leave the
 *   image; the list is then unchanged in length
 */
export function activateRuns(
  m: Buffer,
  part: number,
  runs: Buffer,
  from: number,
  to: number,
  pixel: number,
): number {
  const table = m.getAt(Header.InputTable, "i32")
  const width = m.getAt(Header.Width, "u16")
  const signals = m.getAt(Header.InputSignals, "u16")
  const list = m.getAt(part + Part.List, "i32")
  // Entries name different pixels below this one; more of them means that the pixel went back.
  const listed = m.getAt(list, "i32")
  if (listed > 0 && listed > pixel * signals) return -1
  let entry = list + 4 + (listed << 2)
  let at = from
  while (at < to) {
    if (at + 2 > to) return -1
    const count = runs.getAt(at + 1, "u8")
    pixel = pixel + runs.getAt(at, "u8")
    at = at + 2
    const end = at + count
    if (end > to || pixel < 0 || pixel + count > width) return -1
    if (signals === 1) {
      // The usual case by itself: a loop round one signal would double a board's time.
      while (at < end) {
        m.setAt(entry, "u16", pixel)
        m.setAt(entry + 2, "i16", m.getAt(table + (runs.getAt(at, "u8") << 1), "i16"))
        entry = entry + 4
        pixel = pixel + 1
        at = at + 1
      }
    }
    while (at < end) {
      // pixel < 65535 / signals.
      const source = pixel * signals
      const response = table + ((runs.getAt(at, "u8") * signals) << 1)
      for (let k = 0; k < signals; k++) {
        m.setAt(entry, "u16", source + k)
        m.setAt(entry + 2, "i16", m.getAt(response + k + k, "i16"))
        entry = entry + 4
      }
      pixel = pixel + 1
      at = at + 1
    }
  }
  m.setAt(list, "i32", (entry - list - 4) >> 2)
  return pixel
}
