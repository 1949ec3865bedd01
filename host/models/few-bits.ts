/**
 * Coefficients as a model file keeps them: int16, but of a layer of four bits two in a byte, the earlier one in
 * the lower half; a last one alone has zeros above it.
 */
import { MOST_MULTIPLE } from "../../src/core/once"
import { isQuantised, type Network, quantisedShift } from "../network/description"
import { linksOf } from "../network/linking"

/** Bytes that the coefficients of all layers take. */
export function packedBytes(network: Network): number {
  return network.layers.reduce((sum, _, i) => sum + bytesOf(network, i + 1), 0)
}

function bytesOf(network: Network, layer: number): number {
  const links = linksOf(network, layer)
  return quantisedShift(network, layer) > 0 ? (links + 1) >> 1 : 2 * links
}

/**
 * @param all int16 Q13, in the network's own order
 * @throws RangeError if one of a layer of four bits is none of its multiples: a defect of the caller
 */
export function packed(network: Network, all: Buffer): Buffer {
  if (!isQuantised(network)) return all
  const bytes = Buffer.alloc(packedBytes(network))
  let from = 0
  let to = 0
  for (let layer = 1; layer <= network.layers.length; layer++) {
    const links = linksOf(network, layer)
    const shift = quantisedShift(network, layer)
    if (shift === 0) all.copy(bytes, to, from, from + 2 * links)
    else {
      const multiples = Array.from({ length: links }, (_, link) => {
        const c = all.readInt16LE(from + 2 * link)
        const multiple = c >> shift
        if (multiple << shift !== c || Math.abs(multiple) > MOST_MULTIPLE)
          throw new RangeError(`coefficient ${from / 2 + link} is ${c}: not one of four bits`)
        return multiple
      })
      twoInAByte(multiples).copy(bytes, to)
    }
    from += 2 * links
    to += bytesOf(network, layer)
  }
  return bytes
}

/** Whole numbers −8…7: the earlier of two in the lower half of a byte. */
export function twoInAByte(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc((numbers.length + 1) >> 1)
  for (const [i, number] of numbers.entries()) bytes[i >> 1] |= (number & 15) << (4 * (i & 1))
  return bytes
}

/**
 * @param bytes as many as {@link packedBytes}
 * @returns int16 Q13, in the network's own order; a sentence, if one is −8 or what is left of a byte is not 0
 */
export function unpacked(network: Network, bytes: Buffer): Buffer | string {
  if (!isQuantised(network)) return bytes
  const layers = network.layers.map((_, i) => linksOf(network, i + 1))
  const all = Buffer.alloc(2 * layers.reduce((sum, links) => sum + links, 0))
  let from = 0
  let to = 0
  for (const [i, links] of layers.entries()) {
    const shift = quantisedShift(network, i + 1)
    if (shift === 0) bytes.copy(all, to, from, from + 2 * links)
    else {
      for (let link = 0; link < links; link++) {
        const half = (bytes[from + (link >> 1)] >> (4 * (link & 1))) & 15
        if (half === 8) return `coefficient ${to / 2 + link} is −8, at least −${MOST_MULTIPLE}`
        all.writeInt16LE((half < 8 ? half : half - 16) << shift, to + 2 * link)
      }
      if ((links & 1) === 1 && bytes[from + (links >> 1)] >> 4 !== 0)
        return `half a byte is left over behind the coefficients of layer ${i + 1}, and is not 0`
    }
    from += bytesOf(network, i + 1)
    to += 2 * links
  }
  return all
}
