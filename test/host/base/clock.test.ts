import { describe, expect, it } from "vitest"
import { QUIET, realClock, takeTurns, VirtualClock } from "../../../host/base/clock"
import { WuxingError } from "../../../host/base/errors"
import { retryUntil, wait } from "../../../host/link/wait"

describe("the virtual clock", () => {
  it("fires timers in the order of their times, equal ones as they were set", async () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    const note = (name: string) => () => fired.push(`${name} ${clock.now()}`)
    clock.after(30, note("c"))
    clock.after(10, note("a"))
    clock.after(30, note("d"))
    clock.after(20, note("b"))
    clock.after(20, note("never")).stop()
    await clock.run(clock.sleep(30))
    expect(fired).toEqual(["a 10", "b 20", "c 30", "d 30"])
  })

  it("orders a thousand timers as sorting does", async () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    const times = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1009)
    for (const at of times) clock.after(at, () => fired.push(at))
    await clock.run(clock.sleep(2000))
    expect(fired).toEqual(times.toSorted((a, b) => a - b))
  })

  it("repeats until it is stopped, from within too", async () => {
    const clock = new VirtualClock()
    const times: number[] = []
    const timer = clock.every(100, () => {
      times.push(clock.now())
      if (times.length === 3) timer.stop()
    })
    await clock.run(clock.sleep(1000))
    expect(times).toEqual([100, 200, 300])
  })

  it("stands still outside of run, and while the real world works", async () => {
    const clock = new VirtualClock()
    clock.after(1, () => {})
    await realClock.sleep(5)
    expect(clock.now()).toBe(0)
    let workedAt = -1
    await clock.run(async () => {
      await clock.sleep(7)
      const beat = clock.every(1, () => {})
      await clock.hold(realClock.sleep(5))
      workedAt = clock.now()
      beat.stop()
    })
    expect(workedAt).toBe(7)
  })

  it("says so when nothing is left that could happen", async () => {
    const clock = new VirtualClock()
    await expect(clock.run(new Promise(() => {}))).rejects.toThrow("nothing is left to happen")
  })

  it("passes on what a timer throws", async () => {
    const clock = new VirtualClock()
    clock.after(5, () => {
      throw new RangeError("from a timer")
    })
    await expect(clock.run(clock.sleep(10))).rejects.toThrow(RangeError)
  })

  it("goes on at once after what says that it was quiet, but lets others have their turn too", async () => {
    /** Timers that fire, one a millisecond, while somebody takes twenty turns. */
    const firedIn = async (said: unknown) => {
      const clock = new VirtualClock()
      let fired = 0
      const again = (): unknown => {
        fired++
        clock.after(1, again)
        return said
      }
      clock.after(1, again)
      await clock.run(async () => {
        for (let i = 0; i < 20; i++) await takeTurns()
      })
      expect(clock.now()).toBe(fired)
      return fired
    }
    const loud = await firedIn(undefined)
    expect(loud).toBeGreaterThan(5)
    expect(loud).toBeLessThan(20)
    expect(await firedIn(QUIET)).toBe(16 * loud)
  })

  it("among promises alone waits for all of them, for turns taken and for what is held", async () => {
    const clock = new VirtualClock({ promisesAlone: true })
    const done: string[] = []
    const work = async (name: string) => {
      const began = clock.now()
      // Chains of promises as long as no real one, turns among them, and the real world.
      for (let i = 0; i < 1000; i++) await undefined
      await takeTurns()
      for (let i = 0; i < 1000; i++) await undefined
      await Promise.all([takeTurns(), takeTurns()])
      await clock.hold(realClock.sleep(1))
      for (let i = 0; i < 1000; i++) await undefined
      done.push(`${name} ${clock.now() - began}`)
    }
    const beat = clock.every(1, () => {})
    await clock.run(async () => {
      for (const name of ["a", "b"]) {
        await clock.sleep(3)
        await Promise.all([work(name), work(`${name}, too`)])
      }
    })
    beat.stop()
    expect(done).toEqual(["a 0", "a, too 0", "b 0", "b, too 0"])
    expect(clock.now()).toBe(6)
  })

  it("among promises alone lets the rest of the process have its turn all the same", async () => {
    const clock = new VirtualClock({ promisesAlone: true })
    let beats = 0
    const beat = clock.every(1, () => {
      beats++
    })
    await clock.run(new Promise<void>(resolve => setImmediate(resolve)))
    beat.stop()
    expect(beats).toBeLessThan(20)
  })

  it("moves once for several that wait", async () => {
    const clock = new VirtualClock()
    const [a, b] = await Promise.all([
      clock.run(clock.sleep(10).then(() => clock.now())),
      clock.run(clock.sleep(20).then(() => clock.now())),
    ])
    expect([a, b]).toEqual([10, 20])
  })
})

describe("both clocks", () => {
  it.each([["real", realClock] as const, ["virtual", new VirtualClock()] as const])(
    "%s: an aborted sleep ends with the reason, and leaves no timer",
    async (_, clock) => {
      const abort = new AbortController()
      const sleeping = clock.sleep(60_000, abort.signal)
      abort.abort(new Error("enough"))
      await expect(sleeping).rejects.toThrow("enough")
      await expect(clock.sleep(1, abort.signal)).rejects.toThrow("enough")
    },
  )
})

describe("waiting on a clock", () => {
  it("is late at the deadline, not before", async () => {
    const clock = new VirtualClock()
    const start = () => () => {}
    const late = () => new Error(`late at ${clock.now()}`)
    await expect(
      clock.run(wait({ clock, deadlineMs: 250, what: "x", late, start })),
    ).rejects.toThrow("late at 250")
  })

  const options = (clock: VirtualClock, signal?: AbortSignal) => ({
    clock,
    signal,
    deadlineMs: 1_000,
    pauseMs: 300,
    what: "a thing",
    late: () => new Error("too late"),
  })

  it("tries again until there is something", async () => {
    const clock = new VirtualClock()
    const tried: number[] = []
    const found = await clock.run(
      retryUntil(options(clock), async () => {
        tried.push(clock.now())
        return tried.length === 3 ? "found" : undefined
      }),
    )
    expect(found).toBe("found")
    expect(tried).toEqual([0, 300, 600])
  })

  it("tries a last time after the deadline, then is late", async () => {
    const clock = new VirtualClock()
    const tried: number[] = []
    const work = retryUntil(options(clock), async () => {
      tried.push(clock.now())
      return undefined
    })
    await expect(clock.run(work)).rejects.toThrow("too late")
    expect(tried).toEqual([0, 300, 600, 900, 1200])
  })

  it("ends when it is interrupted", async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    clock.after(450, () => abort.abort("ctrl-c"))
    const work = retryUntil(options(clock, abort.signal), async () => undefined)
    const error = await clock.run(work.catch((e: unknown) => e))
    expect(error).toBeInstanceOf(WuxingError)
    expect(error).toMatchObject({ kind: "interrupted", cause: "ctrl-c" })
    expect(clock.now()).toBe(450)
  })
})
