/**
 * What pages ask a run for, in order, and what it was before each lesson, so that the last one can be
 * taken back: with it what was learnt after it.
 */
import type { Learnt, Request } from "../session/watch"

/** Requests that may wait for the boards: more would come as a surprise later. */
const MOST_WAITING = 8
/** States to go back to, bytes in all; the last one is always kept. */
const MOST_KEPT_BYTES = 32 * 2 ** 20

/** A request, or one whose state is known only when its turn comes. */
export type Asked = Request | { do: "undo"; done(): void } | { do: "restart"; done(): void }

function changes(asked: Asked): boolean {
  return asked.do === "teach" || asked.do === "load"
}

export class Requests {
  private readonly waiting: Asked[] = []
  /** What the boards hold, where nothing was learnt since it was read. */
  private known?: Learnt
  /** What they began with. */
  private start?: Learnt
  private readonly before: Learnt[] = []
  private reading = false

  /** Lessons that can be taken back. */
  get undoable(): number {
    return this.before.length
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0
  }

  /** @returns whether all of them were taken on */
  add(...asked: Asked[]): boolean {
    if (this.waiting.length + asked.length > MOST_WAITING) return false
    this.waiting.push(...asked)
    return true
  }

  /** What has to be known before somebody else's lesson, so that it can be taken back. */
  readFirst(request: Request): Request | undefined {
    return changes(request) && !this.known ? { do: "read" } : undefined
  }

  /** Somebody else's request is done next. @returns whether it is a lesson */
  requested(request: Request): boolean {
    if (!changes(request)) return false
    this.outdate()
    return request.do === "teach"
  }

  /** The boards' state changes: what is known of it is one to come back to. */
  private outdate(): void {
    if (this.known) this.keep(this.known)
    this.known = undefined
  }

  /** To be answered before those that wait for their turn: it changes nothing. */
  addReport(request: Extract<Request, { do: "report" }>): void {
    this.waiting.push(request)
  }

  /** All that was learnt, as it was just read. */
  saved({ coefficients, elements }: Learnt): void {
    this.known = { coefficients, elements }
    this.start ??= this.known
  }

  /** Something was learnt. */
  learnt(): void {
    this.known = undefined
  }

  /** The network is another one: its states are what `of` makes of them. */
  map(of: (state: Learnt) => Learnt): void {
    this.known &&= of(this.known)
    this.start &&= of(this.start)
    this.before.splice(0, this.before.length, ...this.before.map(of))
    for (const request of this.waiting) if (request.do === "load") request.state = of(request.state)
  }

  /** To be done before all that waits. */
  addFirst(request: Request): void {
    this.waiting.unshift(request)
  }

  next(): Request | undefined {
    for (;;) {
      const [next] = this.waiting
      if (next && changes(next) && !this.known && !this.reading) {
        // What it is before has to be known to come back to it; asked for once.
        this.reading = true
        return { do: "read" }
      }
      this.waiting.shift()
      this.reading = false
      if (next?.do === "undo" || next?.do === "restart") {
        const state = next.do === "undo" ? this.before.pop() : this.start
        if (next.do === "restart") this.before.length = 0
        if (!state) continue
        this.known = undefined
        return { do: "load", state, answered: () => next.done() }
      }
      if (next && changes(next)) this.outdate()
      return next
    }
  }

  private keep(state: Learnt): void {
    this.before.push(state)
    const bytes = () =>
      this.before.reduce((sum, s) => sum + s.coefficients.length + s.elements.length, 0)
    while (this.before.length > 1 && bytes() > MOST_KEPT_BYTES) this.before.shift()
  }
}
