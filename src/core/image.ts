/**
 * Images as runs of non-zero pixels: (skip, count, count pixel bytes)*, where skip counts the zero
 * pixels before the run. A zero pixel is exactly zero signal, so it is neither sent nor computed.
 */
import { Header, Part, PartFlag } from "./layout"

/** Forgets the image in hand. */
export function clearImage(m: Buffer, part: number): void {
  m.setAt(m.getAt(part + Part.List, "i32"), "i32", 0)
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.AtOnce) !== 0)
    m.fillAt(
      m.getAt(part + Part.Sum, "i32"),
      (m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")) << 2,
      0,
    )
}

/**
 * Takes the runs in `runs` (bytes from…to) into the list of the part that reads pixels: u16
 * signal number, i16 signal (the input neuron's responses, from its table), one entry for each signal
 * of the pixel. As the pixel only moves forward, the list never holds more entries than there are
 * input signals.
 *
 * Where the part sums its links at once, C·S of each pixel is added to the sums of its synapses
 * (paper 001 eq. 3.1) instead, and in place of the list the runs are kept, if something may be learnt
 * from them: u16 pixel, u8 count, the pixels; the list's length is then in bytes.
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
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.AtOnce) === 0)
    return listRuns(m, part, runs, from, to, pixel)
  return sumRuns(m, part, runs, from, to, pixel)
}

function sumRuns(
  m: Buffer,
  part: number,
  runs: Buffer,
  from: number,
  to: number,
  pixel: number,
): number {
  const table = m.getAt(Header.InputTable, "i32")
  const width = m.getAt(Header.Width, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const sum = m.getAt(part + Part.Sum, "i32")
  const keeps = m.getAt(Header.Brief, "u16") === 0
  const list = m.getAt(part + Part.List, "i32")
  // A kept run takes no more than four bytes a pixel; more of them means that the pixel went back.
  let kept = m.getAt(list, "i32")
  if (kept > pixel << 2) return -1
  let at = from
  while (at < to) {
    if (at + 2 > to) return -1
    const count = runs.getAt(at + 1, "u8")
    pixel = pixel + runs.getAt(at, "u8")
    at = at + 2
    const last = at + count
    if (last > to || pixel < 0 || pixel + count > width) return -1
    if (keeps && count > 0) {
      // In bytes, as it lies at any address: not every machine reads larger numbers there.
      m.setAt(list + kept + 4, "u8", pixel & 255)
      m.setAt(list + kept + 5, "u8", pixel >> 8)
      m.setAt(list + kept + 6, "u8", count)
      m.blitAt(list + kept + 7, runs, at, count)
      kept = kept + 3 + count
    }
    // The links of neighbours follow one another, so a run's are one stretch.
    let next = start + (pixel << 1)
    const link = m.getAt(next, "u16")
    let t = target + link
    let c = coefficient + link + link
    pixel = pixel + count
    while (at < last) {
      const signal = m.getAt(table + (runs.getAt(at, "u8") << 1), "i16")
      at = at + 1
      next = next + 2
      const end = target + m.getAt(next, "u16")
      const before = end - 1
      // Two links a turn: half the cost of the loop itself.
      while (t < before) {
        const a = sum + (m.getAt(t, "u8") << 2)
        m.setAt(a, "i32", m.getAt(a, "i32") + signal * m.getAt(c, "i16"))
        const b = sum + (m.getAt(t + 1, "u8") << 2)
        m.setAt(b, "i32", m.getAt(b, "i32") + signal * m.getAt(c + 2, "i16"))
        t = t + 2
        c = c + 4
      }
      if (t === before) {
        const a = sum + (m.getAt(t, "u8") << 2)
        m.setAt(a, "i32", m.getAt(a, "i32") + signal * m.getAt(c, "i16"))
        t = end
        c = c + 2
      }
    }
  }
  m.setAt(list, "i32", kept)
  return pixel
}

function listRuns(
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
