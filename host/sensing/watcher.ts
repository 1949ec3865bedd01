/** Classifies a live signal: windows or segments, a class only when it is sure and has held. */
import type { Model } from "../models/model-file"
import { hostOf, outputsOf } from "../models/run-model"
import type { HostNetwork } from "../network/host-network"
import { hostFeatures } from "../signals/host-features"
import { sampleOf } from "../signals/recording"
import { SETTLES, SignalStream } from "../signals/stream"

export interface Detection {
  /** Seconds of the signal until its end. */
  at: number
  /** Place of the class; −1: none the network knows. */
  class: number
  /** Lead of the best output over the next, as a share of 1. */
  lead: number
  /** Seconds of the window. */
  seconds: number
}

/** A window or segment, and what it was taken for. */
export interface FoundWindow {
  /** Its features: the network's input. */
  bytes: Uint8Array
  /** Samples of the signal before its first, and until its last one. */
  from: number
  to: number
  detection: Detection
}

export interface WatchSettings {
  /** Windows in a row that must be of a class before it is said. */
  hold: number
  /** Lead (Q signalBits) below which a window is of no known class. */
  unknown: number
}

export class Watcher {
  /** Windows found so far, samples taken. */
  windows = 0
  samples = 0
  /** Told of each window or segment, also where nothing is to be said of it. */
  onWindow?: (found: FoundWindow) => void
  private readonly stream: SignalStream
  private last = -1
  private held = 0
  private said = -1
  private latest?: number[]

  /**
   * @param host runs the network: one that learns meanwhile, or one of its own
   * @throws RangeError if the model reads no signal, or does not say how a stream is cut
   */
  constructor(
    private readonly model: Model,
    private readonly settings: WatchSettings,
    public host: HostNetwork = hostOf(model),
  ) {
    if (!model.signal) throw new RangeError("the model reads no signal")
    this.stream = new SignalStream(model.signal.features)
  }

  /** Is a segment under way? */
  get moving(): boolean {
    return this.stream.moving
  }

  /**
   * Takes the next sample, in the sensor's unit.
   *
   * @returns what is to be said now: each segment, and of windows a class that is new
   */
  push(values: number[]): Detection | undefined {
    this.samples++
    this.latest = values
    return this.take(values)
  }

  /**
   * The signal is over: a segment at its end is as if it came to rest. What comes next does not go on from
   * what was.
   */
  finish(): Detection | undefined {
    const { cut } = this.model.signal!.features
    let found: Detection | undefined
    if (cut?.by === "segment" && this.latest)
      for (let i = 1; i <= cut.quiet + SETTLES && !found; i++) found = this.take(this.latest, i)
    this.clear()
    return found
  }

  /** @param beyond samples since the last that came, of a signal that is over */
  private take(values: number[], beyond = 0): Detection | undefined {
    const { features } = this.model.signal!
    const window = this.stream.push(values.map(value => sampleOf(value, features.unit)))
    if (!window) return undefined
    const bytes = hostFeatures(features, window)
    if (!bytes) return undefined
    this.windows++
    const outputs = outputsOf(this.host, bytes)
    const best = outputs.indexOf(Math.max(...outputs))
    const others = Array.from(outputs).filter((_, o) => o !== best)
    const lead = outputs[best] - Math.max(...others)
    const named = lead >= this.settings.unknown ? best : -1
    const count = window.length / 2 / features.channels.length
    const detection = {
      at: this.samples / features.rate,
      class: named,
      lead: lead / 2 ** this.model.network.signalBits,
      seconds: count / features.rate,
    }
    const to = this.samples + beyond - this.stream.behind
    this.onWindow?.({ bytes, from: to - count, to, detection })
    if (features.cut?.by === "segment") return detection
    this.held = named === this.last ? this.held + 1 : 1
    this.last = named
    if (this.held < this.settings.hold || named === this.said) return undefined
    this.said = named
    return named < 0 ? undefined : detection
  }

  /** The sensor was away: what comes now does not go on from what was. */
  clear(): void {
    this.stream.clear()
    this.last = -1
    this.held = 0
    this.said = -1
    this.latest = undefined
  }
}

/** How often something was said though there was nothing, an hour. */
export function perHour(count: number, seconds: number): number {
  return seconds > 0 ? (3600 * count) / seconds : 0
}
