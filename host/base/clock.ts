/**
 * Time, as everything that waits gets it: the real one, or a virtual one in which a test's hours
 * take milliseconds and every run is the same. No other module of the host asks for the time or
 * sets a timer (biome.json holds that).
 */

/** Something that happens later, unless it is stopped before. */
export interface Timer {
  stop(): void
}

/**
 * What an action may return that did nothing but set timers: nobody waits for what it did, so a virtual
 * clock goes on without a look at the rest of the process, which costs it 10 µs.
 */
export const QUIET = Symbol("quiet")

/** What happens later. */
export type Action = () => unknown

export interface Clock {
  /** Milliseconds since some start; never goes back. */
  now(): number
  /** Calls `action` once, after `ms`. */
  after(ms: number, action: Action, options?: TimerOptions): Timer
  /** Calls `action` every `ms`, the first time after `ms`. */
  every(ms: number, action: () => void, options?: TimerOptions): Timer
  /** @throws the signal's reason when it is aborted meanwhile, if one is given */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface TimerOptions {
  /** The process may end although the timer still runs. */
  background?: boolean
}

class RealClock implements Clock {
  now = (): number => performance.now()

  after(ms: number, action: () => void, { background }: TimerOptions = {}): Timer {
    const timer = setTimeout(action, ms)
    if (background) timer.unref()
    return { stop: () => clearTimeout(timer) }
  }

  every(ms: number, action: () => void, { background }: TimerOptions = {}): Timer {
    const timer = setInterval(action, ms)
    if (background) timer.unref()
    return { stop: () => clearInterval(timer) }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }
}

/** The time of this machine, in milliseconds since the process began. */
export const realClock: Clock = new RealClock()

/** The time of day, for reports. */
export function timeOfDay(): Date {
  return new Date()
}

/** How many wait in `takeTurns`. */
let turnsWanted = 0

/** Lets the other code of this process have its turn: input, and what waits for it. */
export function takeTurns(): Promise<void> {
  turnsWanted++
  return new Promise(resolve =>
    setImmediate(() => {
      turnsWanted--
      resolve()
    }),
  )
}

interface Due {
  at: number
  /** Of two at the same time, the one set first goes first. */
  order: number
  action: Action
  stopped: boolean
}

/** Quiet actions in a row, after which the rest of the process has its turn all the same. */
const MOST_QUIET = 16
/** The same of moves that waited for promises alone. */
const MOST_AMONG_PROMISES = 16

export interface VirtualClockOptions {
  /**
   * Whatever happens in its time is done by promises, `takeTurns` and what is held: no streams, no threads.
   * Then time goes on as soon as no promise has anything to do, which costs a quarter of a look at the
   * rest of the process.
   */
  promisesAlone?: boolean
}

/**
 * Time as a value. It stands still but during `run`, which moves it from one timer to the next
 * whenever nothing else of the process has anything to do.
 */
export class VirtualClock implements Clock {
  /** A heap: the timer due first is at 0. */
  private readonly due: Due[] = []
  private order = 0
  private time = 0
  /** Work of the real world that time waits for. */
  private held = 0
  private released?: () => void
  /** What waits for work to end, each by how to tell it that time cannot go on. */
  private readonly waiting = new Set<(reason: unknown) => void>()
  /** Counts the times somebody begins to wait, with nobody waiting before. */
  private moves = 0
  /** Moves since the rest of the process had its turn. */
  private amongPromises = 0

  constructor(private readonly options: VirtualClockOptions = {}) {}

  now = (): number => this.time

  after(ms: number, action: Action): Timer {
    const at = this.time + Math.max(0, ms)
    const due: Due = { at, order: this.order++, action, stopped: false }
    this.add(due)
    return {
      stop: () => {
        due.stopped = true
      },
    }
  }

  every(ms: number, action: () => void): Timer {
    let stopped = false
    let timer: Timer
    const again = () => {
      timer = this.after(Math.max(1, ms), () => {
        again()
        if (!stopped) action()
      })
    }
    again()
    return {
      stop: () => {
        stopped = true
        timer.stop()
      },
    }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  /** Time stands still while the real world works: files, other processes, threads. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.held++
    try {
      return await work
    } finally {
      this.held--
      this.released?.()
    }
  }

  /**
   * Moves time on until `work` has ended.
   *
   * @throws what `work` throws; an Error if nothing is left to happen that could end it
   */
  async run<T>(work: Promise<T> | (() => Promise<T>)): Promise<T> {
    const promise = typeof work === "function" ? work() : work
    let fail: (reason: unknown) => void = () => {}
    const failed = new Promise<never>((_, reject) => {
      fail = reject
    })
    // Of several at once, one moves the time and the others wait with it.
    this.waiting.add(fail)
    if (this.waiting.size === 1) this.settle(++this.moves)
    try {
      return await Promise.race([promise, failed])
    } finally {
      this.waiting.delete(fail)
    }
  }

  /** For who moves time by himself: what falls due until then happens, in order. */
  advanceTo(ms: number): void {
    for (;;) {
      const first = this.take()
      if (first && first.at > ms) this.add(first)
      if (!first || first.at > ms) break
      if (first.stopped) continue
      this.time = Math.max(this.time, first.at)
      first.action()
    }
    this.time = Math.max(this.time, ms)
  }

  /** Goes on when the rest of the process has had its turn, or nothing of it but promises has anything to do. */
  private settle(move: number): void {
    if (this.options.promisesAlone && this.amongPromises++ < MOST_AMONG_PROMISES) {
      // A tick comes when no promise has anything left to do, and one that is set by a promise behind all
      // that were settled before.
      queueMicrotask(() =>
        process.nextTick(() => {
          if (turnsWanted > 0) this.settleBehindAll(move)
          else this.move(move)
        }),
      )
    } else this.settleBehindAll(move)
  }

  private settleBehindAll(move: number): void {
    this.amongPromises = 0
    // Twice: what waits for somebody's turn may in turn let others have theirs.
    setImmediate(() => setImmediate(() => this.move(move)))
  }

  private move(move: number): void {
    if (this.waiting.size === 0 || move !== this.moves) return
    if (this.held > 0) {
      this.released = () => {
        this.released = undefined
        this.settle(move)
      }
      return
    }
    try {
      for (let quiet = 0; quiet < MOST_QUIET; quiet++) {
        const due = this.next()
        if (!due) throw new Error("nothing is left to happen, and what is waited for has not")
        this.time = Math.max(this.time, due.at)
        if (due.action() !== QUIET) break
      }
      this.settle(move)
    } catch (reason) {
      for (const fail of this.waiting) fail(reason)
    }
  }

  private next(): Due | undefined {
    for (;;) {
      const first = this.take()
      if (!first?.stopped) return first
    }
  }

  private add(due: Due): void {
    const heap = this.due
    let at = heap.length
    heap.push(due)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!before(due, heap[above])) break
      heap[at] = heap[above]
      at = above
    }
    heap[at] = due
  }

  private take(): Due | undefined {
    const heap = this.due
    const first = heap[0]
    const last = heap.pop()
    if (!last || last === first) return first
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && before(heap[below + 1], heap[below])) below++
      if (before(last, heap[below])) break
      heap[at] = heap[below]
      at = below
    }
    heap[at] = last
    return first
  }
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = () => {
      timer.stop()
      reject(signal?.reason)
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", abort)
      resolve()
    })
    signal?.addEventListener("abort", abort, { once: true })
  })
}
