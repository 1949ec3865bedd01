/**
 * Links of pixels that lie synapse by synapse (PartFlag.Picked). An image comes as the links of its
 * pixels that are not zero, which the host picks out for each board: for each synapse of the part, in
 * order, (move, pixel)* and a last move, a byte each. A move is to the next of those links, the first
 * from the synapse's first link, the others from the link before; the last one is to the synapse's end.
 *
 * A board that has few links then goes through these alone. Where links lie by pixels (image.ts) it goes
 * through every lit pixel, from which it may have no link, and looks up where the links of each end.
 */
import { Header, Part } from "./layout"

/** Links of a synapse at most: a move over all of them is one byte. */
export const MOST_PICKED = 255
/** Behind an image two such bytes end any synapse that has no end of its own. */
const ENDS = 255

/** Bytes of an image of which every link is picked. */
export function pickBytes(links: number, synapses: number): number {
  return links + links + synapses
}

/** Bytes of the list that holds it. */
export function pickListBytes(links: number, synapses: number): number {
  return pickBytes(links, synapses) + 6
}

/**
 * Takes in a slice of an image: bytes from…to of `picks`.
 *
 * @param had bytes of the image that came before
 * @returns how many have come with them; −1 if they are not those that follow, or more than all links
 */
export function keepPicks(
  m: Buffer,
  part: number,
  picks: Buffer,
  from: number,
  to: number,
  had: number,
): number {
  const list = m.getAt(part + Part.List, "i32")
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const end = had + to - from
  if (to < from || end > pickBytes(m.getAt(part + Part.Links, "i32"), synapses)) return -1
  if (m.getAt(list, "i32") !== had) return -1
  m.blitAt(list + 4 + had, picks, from, to - from)
  m.fillAt(list + 4 + end, 2, ENDS)
  m.setAt(list, "i32", end)
  return end
}

/**
 * The sums C·S of all synapses of the part (paper 001 eq. 3.1) over the image that has come.
 *
 * Moves need not be checked on the way: where the image ends, so does the synapse in hand.
 *
 * @returns false where the bytes are not those of an image: then nothing may be learnt from it
 */
export function sumPicked(m: Buffer, part: number): boolean {
  const table = m.getAt(Header.InputTable, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const list = m.getAt(part + Part.List, "i32")
  const last = list + 4 + m.getAt(list, "i32")
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  let sum = m.getAt(part + Part.Sum, "i32")
  const stop = sum + (synapses << 2)
  let start = m.getAt(part + Part.Start, "i32")
  let at = list + 4
  let c = coefficient
  while (sum < stop) {
    start = start + 2
    const end = coefficient + (m.getAt(start, "u16") << 1)
    // Two bytes a link, as coefficients have: more of them stand still, and learning would take too long.
    const most = at + end - c
    let total = 0
    c = c + (m.getAt(at, "u8") << 1)
    while (c < end) {
      total = total + m.getAt(table + (m.getAt(at + 1, "u8") << 1), "i16") * m.getAt(c, "i16")
      at = at + 2
      c = c + (m.getAt(at, "u8") << 1)
    }
    if (c > end || at > most || at >= last) return false
    at = at + 1
    m.setAt(sum, "i32", total)
    sum = sum + 4
  }
  return at === last
}

/**
 * Learns as `learnSparse` (links.ts), from the image that was summed. λ and noise must have been packed
 * (packNoise). Never gathers a batch.
 *
 * @param from 0 to begin, then what the call before returned
 * @returns where to go on after as many synapses as one run of the board may do; −1 when done
 */
export function learnPicked(m: Buffer, part: number, from: number): number {
  const table = m.getAt(Header.InputTable, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const salt = m.getAt(part + Part.Target, "i32") - coefficient
  const packed = m.getAt(part + Part.Sum, "i32")
  const start = m.getAt(part + Part.Start, "i32")
  const list = m.getAt(part + Part.List, "i32") + 4
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const shift = m.getAt(Header.LearnShift, "u16") + m.getAt(part + Part.Finer, "u16")
  const max = m.getAt(Header.CoefficientMax, "i16")
  const least = -max
  const mask = (1 << shift) - 1
  // sumPicked has found that every synapse ends where its links do. At most 256 synapses, and below 2^13
  // bytes of them.
  let synapse = from & 0xff
  const stop = Math.min(synapses, synapse + m.getAt(part + Part.ChunkSynapses, "u16"))
  let at = list + (from >> 8)
  let c = coefficient + (m.getAt(start + synapse + synapse, "u16") << 1)
  while (synapse < stop) {
    const w = m.getAt(packed + (synapse << 2), "i32")
    synapse = synapse + 1
    const end = coefficient + (m.getAt(start + synapse + synapse, "u16") << 1)
    const l = w >> 16
    c = c + (m.getAt(at, "u8") << 1)
    while (c < end) {
      // As in learnSparse: |S·λ| ≤ 2^28. Of the noise, two numbers of 16 bits, those under the mask count.
      const change =
        (m.getAt(table + (m.getAt(at + 1, "u8") << 1), "i16") * l +
          ((w + m.getAt(salt + c, "u16")) & mask)) >>
        shift
      if (change) {
        let v = m.getAt(c, "i16") + change
        if (v > max) v = max
        if (v < least) v = least
        m.setAt(c, "i16", v)
      }
      at = at + 2
      c = c + (m.getAt(at, "u8") << 1)
    }
    at = at + 1
  }
  return synapse < synapses ? ((at - list) << 8) + synapse : -1
}
