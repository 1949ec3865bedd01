/** What the host passes on to boards: signals and backward sums, in as few messages as hold them. */
import "../base/memory"
import { BackField, BackFlag, MAX_PAYLOAD, SignalsField } from "../../src/wire/protocol"
import { encodeSlices, pickSlices } from "../data/runs"
import { IMAGE_BYTES } from "../link/messages"
import type { Network } from "../network/network"
import type { Slice } from "../network/slices"
import type { Sources } from "../network/wiring"
import type { Range } from "./routes"

const MOST_SIGNALS = (MAX_PAYLOAD - SignalsField.Length) >> 1
const MOST_SUMS = (MAX_PAYLOAD - BackField.Length) >> 2
/** A sum that comes with its place, bytes. */
const LISTED_BYTES = 6
const MOST_LISTED = Math.floor((MAX_PAYLOAD - BackField.Length) / LISTED_BYTES)
/** From so many neighbours on, sums go in a row without their places. */
const LEAST_RUN = 4
/** Samples whose results a board gathers before it is asked to report them. */
const GROUP = 8

/** An image as it goes to one board: slices of runs, each one message. */
export type Slices = ReturnType<typeof encodeSlices>

/** @param pixels the board takes, ascending; undefined: all */
export function slicesFor(image: Uint8Array, pixels: number[] | undefined): Slices {
  // A board without pixels only needs to know that the sample has begun.
  return encodeSlices(pixels ? Uint8Array.from(pixels, p => image[p]) : image, IMAGE_BYTES)
}

/** @param sources the pixels that each synapse of the board's share reads */
export function picksFor(image: Uint8Array, sources: Sources): Slices {
  return pickSlices(image, sources, IMAGE_BYTES)
}

/**
 * Samples of a group: two groups fit the boards' slots, and no board has a message nearly full and
 * then another for the rest.
 */
export function groupOf(network: Network, shares: Slice[][], slots: number): number {
  let group = Math.max(1, Math.min(GROUP, slots >> 1))
  for (const { layer, count } of shares.flat()) {
    const fit = Math.floor(MOST_SIGNALS / (count * network.layers[layer - 1].outputs))
    if (fit >= GROUP / 2) group = Math.min(group, fit)
  }
  return group
}

/** Signals of one sample for one board, in the order of their places on its bus. */
export interface SampleSignals {
  sample: number
  values: Int16Array
}

/**
 * Signals for a board: of as many consecutive samples in one message as fit. For each sample, the
 * messages are in the order of the places, as the board takes no other.
 *
 * @param ranges of places on the board's bus, one after the other in `values`
 * @returns payloads, and the last sample in each
 */
export function signalsMessages(
  ranges: readonly Range[],
  layer: number,
  samples: SampleSignals[],
): { payload: Buffer; sample: number }[] {
  const messages: { payload: Buffer; sample: number }[] = []
  let skipped = 0
  for (const { first, end } of ranges) {
    for (let from = first; from < end; from += MOST_SIGNALS) {
      const count = Math.min(MOST_SIGNALS, end - from)
      const most = Math.floor(MOST_SIGNALS / count)
      for (let i = 0; i < samples.length; ) {
        let n = 1
        while (n < most && samples[i + n]?.sample === samples[i].sample + n) n++
        const payload = Buffer.alloc(SignalsField.Length + n * count * 2)
        payload.setAt(SignalsField.Sample, "i32", samples[i].sample)
        payload.setAt(SignalsField.Layer, "u8", layer)
        payload.setAt(SignalsField.Count, "u8", count)
        payload.setAt(SignalsField.First, "u16", from)
        let at: number = SignalsField.Length
        for (const { values } of samples.slice(i, i + n))
          for (let s = 0; s < count; s++) {
            payload.setAt(at, "i16", values[skipped + from - first + s])
            at += 2
          }
        messages.push({ payload, sample: samples[i + n - 1].sample })
        i += n
      }
    }
    skipped += end - first
  }
  return messages
}

/** A backward sum on its way to the owner of its signal: the place on the owner's bus. */
export interface Sum {
  place: number
  value: number
}

/**
 * Backward sums for the owner of their signals: sums of neighbouring signals go in a row, others each
 * with its place.
 *
 * @param range of the owner's signals
 */
export function backMessages(sample: number, layer: number, range: Range, sums: Sum[]): Buffer[] {
  const messages: Buffer[] = []
  const message = (flags: number, first: number, bytes: number) => {
    const payload = Buffer.alloc(BackField.Length + bytes)
    payload.setAt(BackField.Sample, "i32", sample)
    payload.setAt(BackField.Layer, "u8", layer)
    payload.setAt(BackField.Flags, "u8", flags)
    payload.setAt(BackField.First, "u16", first)
    payload.setAt(BackField.Number, "u8", messages.length & 0xff)
    messages.push(payload)
    return payload
  }
  const single: Sum[] = []
  for (let i = 0; i < sums.length; ) {
    let n = 1
    while (n < MOST_SUMS && sums[i + n]?.place === sums[i].place + n) n++
    const run = sums.slice(i, i + n)
    i += n
    if (n < LEAST_RUN) {
      single.push(...run)
      continue
    }
    const payload = message(0, run[0].place, n << 2)
    for (const [k, { value }] of run.entries())
      payload.setAt(BackField.Length + (k << 2), "i32", value)
  }
  for (let i = 0; i < single.length; i += MOST_LISTED) {
    const some = single.slice(i, i + MOST_LISTED)
    const payload = message(BackFlag.Listed, 0, some.length * LISTED_BYTES)
    for (const [k, { place, value }] of some.entries()) {
      payload.setAt(BackField.Length + k * LISTED_BYTES, "u16", place)
      payload.setAt(BackField.Length + k * LISTED_BYTES + 2, "i32", value)
    }
  }
  if (messages.length === 0) message(0, range.first, 0)
  const last = messages[messages.length - 1]
  last.setAt(BackField.Flags, "u8", last.getAt(BackField.Flags, "u8") | BackFlag.Last)
  return messages
}
