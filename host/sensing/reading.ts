/** A sensor that is read until something ends it. */
import type { WuxingError } from "../base/errors"
import type { SignalSource } from "./source"

export interface Reading {
  /** The reason the sensor or `end` gave; undefined where it was ended as wished. Rejects by `fail`. */
  ended: Promise<WuxingError | undefined>
  end: (reason?: WuxingError) => void
  fail: (reason: unknown) => void
}

/** Begins before anything else is opened beside it, as the sensor may be gone by then. */
export function readingOf(source: SignalSource, signal: AbortSignal): Reading {
  let end: Reading["end"] = () => {}
  let fail: Reading["fail"] = () => {}
  const ended = new Promise<WuxingError | undefined>((resolve, reject) => {
    end = reason => {
      source.onSample = undefined
      resolve(reason)
    }
    fail = reject
  })
  source.onEnd = end
  signal.addEventListener("abort", () => end(), { once: true })
  return { ended, end, fail }
}
