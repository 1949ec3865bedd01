/** The ways to wait in the link layer: always with a deadline, always to be aborted. */
import { type Clock, realClock } from "../base/clock"
import { WuxingError } from "../base/errors"

export interface WaitOptions<T> {
  /** The real one unless given. */
  clock?: Clock
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

export function wait<T>(options: WaitOptions<T>): Promise<T> {
  const { clock = realClock, deadlineMs, signal, what, late, start } = options
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
      timer.stop()
      signal?.removeEventListener("abort", abort)
      stop?.()
      end()
    }
    const abort = () => settle(() => reject(interrupted(what, signal?.reason)))
    const timer = clock.after(deadlineMs, () => settle(() => reject(late())))
    signal?.addEventListener("abort", abort)
    stop = start(
      value => settle(() => resolve(value)),
      reason => settle(() => reject(reason)),
    )
    // `start` may have settled at once, before there was anything to stop.
    if (settled) stop()
  })
}

export interface RetryOptions {
  clock: Clock
  /** No further attempt is begun after this. */
  deadlineMs: number
  /** Between the end of an attempt and the next. */
  pauseMs: number
  signal?: AbortSignal
  /** What is being waited for, for the message of an abort. */
  what: string
  /** Made when the deadline has passed. */
  late: () => Error
}

/**
 * Calls `attempt` until it gives something other than undefined.
 *
 * @throws what `attempt` throws, what `late` makes, WuxingError "interrupted"
 */
export async function retryUntil<T>(
  { clock, deadlineMs, pauseMs, signal, what, late }: RetryOptions,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const end = clock.now() + deadlineMs
  for (;;) {
    if (signal?.aborted) throw interrupted(what, signal.reason)
    const found = await attempt()
    if (found !== undefined) return found
    if (clock.now() > end) throw late()
    await clock.sleep(pauseMs, signal).catch(reason => {
      throw interrupted(what, reason)
    })
  }
}

/** "2.0 s", as messages name spans of time. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
