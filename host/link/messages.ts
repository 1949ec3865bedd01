/**
 * Messages to a board's service, for all that speak to one: fleets over a link, and boards that are
 * counted or emulated in this process (layouts: src/wire/protocol.ts).
 */
import "../base/memory"
import { Header } from "../../src/core/layout"
import {
  checksum,
  ImageField,
  ImageFlag,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
} from "../../src/wire/protocol"
import type { RunSlice } from "../data/runs"

/** Bytes of a shard in a message: even in number, with room for their offset. */
const SLICE_BYTES = 224
/** Bytes of an image's runs that fit a message. */
export const IMAGE_BYTES = MAX_PAYLOAD - ImageField.Length

/**
 * What loads a shard.
 *
 * @returns `begin`, without the number of the request that goes before it, and all slices in order
 */
export function loadMessages(shard: Buffer): { begin: Buffer; slices: Buffer[] } {
  const image = shard.subarray(0, shard.getAt(Header.Image, "i32"))
  const begin = Buffer.alloc(14)
  begin.setAt(0, "u16", PROTOCOL_VERSION)
  begin.setAt(2, "i32", image.length)
  begin.setAt(6, "i32", checksum(image, 0, image.length, 0))
  begin.setAt(10, "i32", shard.getAt(Header.LayoutHash, "i32"))
  const slices: Buffer[] = []
  for (let at = 0; at < image.length; at += SLICE_BYTES) {
    const bytes = image.subarray(at, at + SLICE_BYTES)
    const slice = Buffer.alloc(4 + bytes.length)
    slice.setAt(0, "i32", at)
    bytes.copy(slice, 4)
    slices.push(slice)
  }
  return { begin, slices }
}

export interface ImageOrder {
  sample: number
  /** Learning steps the board has applied so far. */
  updates: number
  /** ImageFlag, but for First and Last. */
  flags: number
  label: number
}

/** An image: a message for each of its slices, of which the first and the last say so. */
export function imageMessages(
  slices: RunSlice[],
  { sample, updates, flags, label }: ImageOrder,
): Buffer[] {
  return slices.map(({ pixel, runs }, i) => {
    const payload = Buffer.alloc(ImageField.Length + runs.length)
    payload.setAt(ImageField.Sample, "i32", sample)
    payload.setAt(ImageField.Updates, "i32", updates)
    let own = flags
    if (i === 0) own |= ImageFlag.First
    if (i === slices.length - 1) own |= ImageFlag.Last
    payload.setAt(ImageField.Flags, "u8", own)
    payload.setAt(ImageField.Label, "u8", label)
    payload.setAt(ImageField.Pixel, "u16", pixel)
    runs.copy(payload, ImageField.Length)
    return payload
  })
}
