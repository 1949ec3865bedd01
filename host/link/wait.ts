/** The one way to wait in the link layer: always with a deadline, always to be aborted. */
import { WuxingError } from "../base/errors"

export interface WaitOptions<T> {
  deadlineMs: number
  signal?: AbortSignal
  /** What is being waited for, for the message of an abort: "board 0 to announce". */
  what: string
  /** Made when the deadline has passed. */
  late: () => Error
  /** Starts listening; returns how to stop. Both callbacks are harmless once settled. */
  start: (resolve: (value: T) => void, reject: (reason: Error) => void) => () => void
}

export function interrupted(what: string, cause?: unknown): WuxingError {
  return new WuxingError(
    { code: "interrupted", kind: "interrupted", message: `interrupted while waiting for ${what}` },
    { cause },
  )
}

export function wait<T>({ deadlineMs, signal, what, late, start }: WaitOptions<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted) {
      reject(interrupted(what, signal.reason))
      return
    }
    let settled = false
    let stop: (() => void) | undefined
    const settle = (end: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener("abort", abort)
      stop?.()
      end()
    }
    const abort = () => settle(() => reject(interrupted(what, signal?.reason)))
    const timer = setTimeout(() => settle(() => reject(late())), deadlineMs)
    signal?.addEventListener("abort", abort)
    stop = start(
      value => settle(() => resolve(value)),
      reason => settle(() => reject(reason)),
    )
    // `start` may have settled at once, before there was anything to stop.
    if (settled) stop()
  })
}

/** "2.0 s", as messages name spans of time. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
