/** For how long boards compute each part of a sample, as they measure it themselves. */
import "../base/memory"
import { LayerTimes, StatusField, TimesField } from "../../src/wire/protocol"

/** Counted since the program started, modulo 2^32; `*Ticks` in ticks of the board's own clock. */
export interface BoardTimes {
  /** What its clock can tell apart: DeviceScript's machine counts whole milliseconds. */
  tickMs: number
  /** Samples whose image came in whole, and samples learnt. */
  samples: number
  learnt: number
  imagesTicks: number
  reportsTicks: number
  /** From layer 1 on; of a layer the board has no part of, zeros. */
  layers: { forwardTicks: number; backwardTicks: number; learnTicks: number }[]
}

/** A part of a sample and how long it took a board on average, by the board's clock. */
export interface BoardPart {
  kind: "images" | "forward" | "backward" | "learning" | "reports"
  /** 0: of no layer. */
  layer: number
  ms: number
}

/** What a reply to Status says of times; undefined: nothing, as of an older program, or without a shard. */
export function timesOf(reply: Buffer): BoardTimes | undefined {
  const from = StatusField.Length
  if (reply.length < from + TimesField.OfLayers) return undefined
  const field = (at: number) => reply.readUInt32LE(from + at)
  const room = Math.floor((reply.length - from - TimesField.OfLayers) / LayerTimes.Length)
  const layers = Math.min(room, reply.getAt(from + TimesField.Layers, "u8"))
  return {
    tickMs: reply.getAt(from + TimesField.Tick, "u16") / 1000,
    samples: field(TimesField.Samples),
    learnt: field(TimesField.Learnt),
    imagesTicks: field(TimesField.Images),
    reportsTicks: field(TimesField.Reports),
    layers: Array.from({ length: layers }, (_, i) => {
      const of = (part: LayerTimes) => field(TimesField.OfLayers + i * LayerTimes.Length + part)
      return {
        forwardTicks: of(LayerTimes.Forward),
        backwardTicks: of(LayerTimes.Backward),
        learnTicks: of(LayerTimes.Learn),
      }
    }),
  }
}

/**
 * Mean times of the samples between two answers of a board that was not restarted in between: backward
 * and learning for each sample learnt, all else for each sample. What took no time is left out.
 */
export function partsBetween(before: BoardTimes, after: BoardTimes): BoardPart[] {
  const since = (now: number, then = 0) => (now - then) >>> 0
  const samples = since(after.samples, before.samples)
  const learnt = since(after.learnt, before.learnt)
  const parts: BoardPart[] = []
  const mean = (kind: BoardPart["kind"], layer: number, ticks: number, count: number) => {
    if (ticks > 0 && count > 0) parts.push({ kind, layer, ms: (ticks * after.tickMs) / count })
  }
  mean("images", 0, since(after.imagesTicks, before.imagesTicks), samples)
  for (const [i, now] of after.layers.entries()) {
    const then = before.layers[i]
    mean("forward", i + 1, since(now.forwardTicks, then?.forwardTicks), samples)
    mean("backward", i + 1, since(now.backwardTicks, then?.backwardTicks), learnt)
    mean("learning", i + 1, since(now.learnTicks, then?.learnTicks), learnt)
  }
  mean("reports", 0, since(after.reportsTicks, before.reportsTicks), samples)
  return parts
}
