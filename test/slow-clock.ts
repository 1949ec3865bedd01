import { afterAll, beforeAll } from "vitest"
import { realClock } from "../host/base/clock"

/**
 * For what waits for other programs and threads, which no virtual clock can hold: to all of this process time
 * passes so many times slower while the tests of the file, or of the `describe` around it, run. So no deadline
 * meant for boards ends a wait for a busy machine; pauses become as much longer.
 */
export function slowClock(times: number): void {
  const { now } = realClock
  const after = realClock.after.bind(realClock)
  const every = realClock.every.bind(realClock)
  beforeAll(() => {
    Object.assign(realClock, {
      now: () => now() / times,
      after: (ms: number, ...rest: [() => void]) => after(ms * times, ...rest),
      every: (ms: number, ...rest: [() => void]) => every(ms * times, ...rest),
    })
  })
  afterAll(() => {
    Object.assign(realClock, { now, after, every })
  })
}
