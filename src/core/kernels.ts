/**
 * Shared kernels: a layer whose neurons read windows on a grid of the layer before, and in which the
 * same channel has the same coefficients at every place. A coefficient learns from all places at once:
 * the exact sum of its S·λ over them is rounded once (once.ts: over a batch too).
 *
 * The network's construction bounds the sums (network.ts): those of C·S and of C·λ as links.ts, and of
 * a coefficient
 *
 *     |Σ S·λ| ≤ places · largest signal · LambdaMax < 2^29
 */
import { mix16, SOURCE_SALT } from "../base/random"
import { Header, Kernel, NOISE_BITS, Part, PartFlag } from "./layout"

/** Where the signals lie that the part reads: pixels have one slot, whatever the sample's. */
export function signalsAt(m: Buffer, part: number, slot: number): number {
  const bus = m.getAt(part + Part.BusIn, "i32")
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Input) !== 0) return bus
  return bus + ((slot * m.getAt(part + Part.BusInWidth, "u16")) << 1)
}

/** Clears the sums, and lays out the listed pixels. */
export function beginShared(m: Buffer, part: number): void {
  // At most 2^16 · 5.
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  m.fillAt(m.getAt(part + Part.Sum, "i32"), synapses << 2, 0)
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Input) === 0) return
  const bus = m.getAt(part + Part.BusIn, "i32")
  m.fillAt(bus, m.getAt(part + Part.Sources, "u16") << 1, 0)
  const list = m.getAt(part + Part.List, "i32")
  const end = list + 4 + (m.getAt(list, "i32") << 2)
  for (let entry = list + 4; entry < end; entry += 4) {
    const source = m.getAt(entry, "u16")
    m.setAt(bus + source + source, "i16", m.getAt(entry + 2, "i16"))
  }
}

/**
 * Adds C·S of the sources from…to−1 to the sums of the synapses of every window they are in (paper 001
 * eq. 3.1). The sums must have been cleared.
 */
export function sumShared(m: Buffer, part: number, slot: number, from: number, to: number): void {
  const kernel = m.getAt(part + Part.Start, "i32")
  const across = m.getAt(kernel + Kernel.Across, "u16")
  const width = m.getAt(kernel + Kernel.Width, "u16")
  const height = m.getAt(kernel + Kernel.Height, "u16")
  const stride = m.getAt(kernel + Kernel.Stride, "u16")
  const columns = m.getAt(kernel + Kernel.Columns, "u16")
  const rows = m.getAt(kernel + Kernel.Rows, "u16")
  const signals = m.getAt(kernel + Kernel.Signals, "u16")
  const synapses = m.getAt(kernel + Kernel.Synapses, "u16")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const sums = m.getAt(part + Part.Sum, "i32")
  const bus = signalsAt(m, part, slot)
  for (let source = from; source < to; source++) {
    const signal = m.getAt(bus + source + source, "i16")
    if (signal !== 0) {
      const place = Math.idiv(source, signals)
      const own = source - place * signals
      const y = Math.idiv(place, across)
      const x = place - y * across
      // The windows from the first that still reaches the place to the last that begins before it.
      const left = Math.idiv(Math.max(0, x - width + stride), stride)
      const right = Math.min(columns - 1, Math.idiv(x, stride))
      const bottom = Math.min(rows - 1, Math.idiv(y, stride))
      let row = Math.idiv(Math.max(0, y - height + stride), stride)
      while (row <= bottom) {
        for (let column = left; column <= right; column++) {
          // Of a window's sources the how-manieth: below 2^16, as links are.
          const rank = ((y - row * stride) * width + x - column * stride) * signals + own
          let c = coefficient + ((rank * synapses) << 1)
          let sum = sums + (((row * columns + column) * synapses) << 2)
          const end = sum + (synapses << 2)
          while (sum < end) {
            m.setAt(sum, "i32", m.getAt(sum, "i32") + signal * m.getAt(c, "i16"))
            sum = sum + 4
            c = c + 2
          }
        }
        row = row + 1
      }
    }
  }
}

/**
 * Of one coefficient: sends the backward signals of all places on, BackOut[source] += C·λ.
 *
 * @returns Σ S·λ over the places, below 2^29
 */
export function productsOf(m: Buffer, part: number, slot: number, link: number): number {
  const kernel = m.getAt(part + Part.Start, "i32")
  const across = m.getAt(kernel + Kernel.Across, "u16")
  const stride = m.getAt(kernel + Kernel.Stride, "u16")
  const columns = m.getAt(kernel + Kernel.Columns, "u16")
  const rows = m.getAt(kernel + Kernel.Rows, "u16")
  const signals = m.getAt(kernel + Kernel.Signals, "u16")
  const synapses = m.getAt(kernel + Kernel.Synapses, "u16")
  // Pixels want no backward sum.
  const sends = (m.getAt(part + Part.Flags, "u16") & PartFlag.Input) === 0
  const backOut = m.getAt(part + Part.BackOut, "i32")
  const bus = signalsAt(m, part, slot)
  const c = m.getAt(m.getAt(part + Part.Coefficient, "i32") + link + link, "i16")
  const rank = Math.idiv(link, synapses)
  // A row of a window is one range of signals.
  const line = m.getAt(kernel + Kernel.Width, "u16") * signals
  const down = Math.idiv(rank, line)
  const first = down * across * signals + rank - down * line
  let lambda = m.getAt(part + Part.Lambda, "i32") + ((link - rank * synapses) << 1)
  let total = 0
  for (let row = 0; row < rows; row++) {
    let source = first + row * stride * across * signals
    for (let column = 0; column < columns; column++) {
      const l = m.getAt(lambda, "i16")
      lambda = lambda + synapses + synapses
      if (l !== 0) {
        total += m.getAt(bus + source + source, "i16") * l
        if (sends) {
          const b = backOut + (source << 2)
          m.setAt(b, "i32", m.getAt(b, "i32") + c * l)
        }
      }
      source = source + stride * signals
    }
  }
  return total
}

/** What rounds a change of coefficient `link`, 16 bits: a function of the seed, the sample (or batch) and the coefficient. */
export function sharedNoise(m: Buffer, part: number, random: number, link: number): number {
  const synapses = m.getAt(m.getAt(part + Part.Start, "i32") + Kernel.Synapses, "u16")
  const rank = Math.idiv(link, synapses)
  const synapse = m.getAt(part + Part.FirstSynapse, "u16") + link - rank * synapses
  // Two numbers below 2^16 and a product below 2^31; of rank · SOURCE_SALT the last 16 bits count.
  const own = mix16(random ^ (((synapse & 0xffff) * 32749) & 0xffff))
  return (own + (Math.imul(rank, SOURCE_SALT) & 0xffff)) & 0xffff
}

/** Puts a coefficient where a change takes it, within the kernels' clamp. */
export function changeShared(m: Buffer, part: number, link: number, change: number): void {
  const max = m.getAt(m.getAt(part + Part.Start, "i32") + Kernel.CoefficientMax, "u16")
  const at = m.getAt(part + Part.Coefficient, "i32") + link + link
  // A change is below 2^30, a coefficient below 2^15.
  m.setAt(at, "i16", Math.min(max, Math.max(-max, m.getAt(at, "i16") + change)))
}

/** The coefficients from…to−1: sends backward signals on and learns, as learnSparse (links.ts). */
export function learnShared(m: Buffer, part: number, slot: number, from: number, to: number): void {
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const random = m.getAt(Header.SampleRandom, "u16")
  for (let link = from; link < to; link++) {
    const total = productsOf(m, part, slot, link)
    if (total !== 0) {
      let noise = sharedNoise(m, part, random, link)
      // At most 2^16 · 2^4.
      if (shift > NOISE_BITS) noise = noise << (shift - NOISE_BITS)
      changeShared(m, part, link, (total + (noise & ((1 << shift) - 1))) >> shift)
    }
  }
}
