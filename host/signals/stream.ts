/** A live signal on the host: samples come one by one, windows or segments go out. */
import "../base/memory"
import {
  clearStream,
  followStream,
  nextStream,
  Stream,
  streamSamples,
} from "../../src/signals/segment"
import type { Features } from "./description"

/** Samples of rest in which smoothed movement (src/signals/segment.ts) falls below any threshold. */
export const SETTLES = 64

/**
 * The state of a stream before its first sample, as boards and host begin.
 *
 * @throws RangeError if the description does not say how a stream is cut
 */
export function streamState({ channels, cut }: Features): Buffer {
  if (!cut) throw new RangeError("the features do not say how a stream is cut")
  const state = Buffer.alloc(Stream.Size)
  const set = (at: Stream, value: number) => state.writeInt32LE(value, at)
  set(Stream.Channels, channels.length)
  if (cut.by === "window") {
    set(Stream.Length, cut.length)
    set(Stream.Hop, cut.hop)
    return state
  }
  set(Stream.Threshold, cut.threshold)
  set(Stream.Quiet, cut.quiet)
  set(Stream.Shortest, cut.shortest)
  set(Stream.Longest, cut.longest)
  return state
}

export class SignalStream {
  /** Samples that came behind the window or segment that was found last: the rest that ended it. */
  behind = 0
  private readonly state: Buffer
  private readonly signal: Buffer
  private readonly step: number

  constructor(features: Features) {
    this.state = streamState(features)
    this.step = 2 * features.channels.length
    this.signal = Buffer.alloc(this.step * streamSamples(this.state))
  }

  /**
   * Takes the next sample, i16 a channel.
   *
   * @returns the samples of a window or segment that is complete now, interleaved; undefined: none is
   */
  push(sample: ArrayLike<number>): Buffer | undefined {
    const at = this.state.readInt32LE(Stream.Fill) * this.step
    for (let c = 0; c < sample.length; c++) this.signal.writeInt16LE(sample[c], at + 2 * c)
    const count = followStream(this.state, this.signal)
    if (count === 0) return undefined
    this.behind = this.state.readInt32LE(Stream.Fill) - count
    const found = Buffer.from(this.signal.subarray(0, count * this.step))
    nextStream(this.state, this.signal)
    return found
  }

  /** Is a segment under way? */
  get moving(): boolean {
    return this.state.readInt32LE(Stream.Moving) > 0
  }

  /** Forgets what came so far: the sensor was away. */
  clear(): void {
    clearStream(this.state)
  }
}
