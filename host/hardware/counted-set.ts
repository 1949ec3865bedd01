/**
 * Boards in this process, each with a clock of its own that goes by what it computes. Always the board
 * that has something to do first takes its turn, so no message can come too late; the host's clock is
 * that of the message in hand, and the host itself costs no time.
 */
import { takeTurns, VirtualClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { BoardLink, type BoardLinkOptions } from "../link/board-link"
import type { Port } from "../link/port"
import type { BoardProfile } from "./board-profile"
import type { BoardSet } from "./board-set"

/** Turns without a message after which other code of this process gets its turn. */
const TURNS = 64

export interface BoardCount {
  /** Of the virtual machine; of a native board, cycles it was awake. */
  operations: number
  /** Of them, s. */
  busySeconds: number
}

/** What a DeviceScript board of the profile has computed. */
export function countOf(operations: number, profile: BoardProfile): BoardCount {
  const { cyclesPerOperation, clockHz } = profile
  return { operations, busySeconds: (operations * cyclesPerOperation) / clockHz }
}

/** What a board sends, and when it is at the host, ms. */
export interface Sent {
  bytes: Uint8Array
  at: number
}

export interface CountedPort extends Port {
  /** When it next has something to do, ms. */
  readonly wakes: number
  /** Time of the host, ms. */
  clock: () => number
  turn(): Sent[]
}

/** Steps of the clock once a machine has failed, ms. */
const AFTER_MS = 100

export abstract class CountedSet<Board extends CountedPort> implements BoardSet {
  readonly reconnectMs = 1
  readonly clock = new VirtualClock()
  private running = true
  private loop?: Promise<void>
  private failure?: Error
  /** Bytes on their way to the host, the first first. */
  private readonly underWay: (Sent & { to: Board })[] = []

  protected constructor(protected readonly boards: Board[]) {}

  abstract profile(): string
  abstract counts(): BoardCount[]

  get count(): number {
    return this.boards.length
  }

  /** Seconds of the boards' own time. */
  get seconds(): number {
    return this.clock.now() / 1000
  }

  async connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    // Time stands once a machine has failed: a board asked then would be waited for without end.
    if (this.failure) throw this.failure
    const board = this.boards[i]
    board.clock = this.clock.now
    this.loop ??= this.run()
    return await BoardLink.connect(board, { ...options, clock: this.clock })
  }

  async reconnect(): Promise<BoardLink> {
    throw this.failure ?? boardLost()
  }

  async stop(): Promise<void> {
    this.running = false
    await this.loop
  }

  private async run(): Promise<void> {
    try {
      for (let turns = 0; this.running; turns++) {
        const first = this.boards.reduce((a, b) => (b.wakes < a.wakes ? b : a))
        const next = this.underWay[0]
        if (next && next.at <= first.wakes) {
          this.underWay.shift()
          this.clock.advanceTo(next.at)
          next.to.onData?.(next.bytes)
          // What the host answers goes out at this time.
          await takeTurns()
        } else if (first.wakes > this.clock.now()) this.clock.advanceTo(first.wakes)
        else for (const sent of first.turn()) this.send({ ...sent, to: first })
        if (turns % TURNS === 0) await takeTurns()
      }
    } catch (error) {
      this.failure = error as Error
      for (const board of this.boards) board.onClose?.(this.failure)
      // Who waits for a board that will not answer waits by this clock.
      for (; this.running; await takeTurns()) this.clock.advanceTo(this.clock.now() + AFTER_MS)
    }
  }

  private send(sent: Sent & { to: Board }): void {
    const { underWay } = this
    let place = underWay.length
    while (place > 0 && underWay[place - 1].at > sent.at) place--
    underWay.splice(place, 0, sent)
  }
}

function boardLost(): WuxingError {
  return new WuxingError({
    code: "board-lost",
    kind: "board",
    message: "a counted board does not come back: its count would not be that of one run",
    cause: "it did not answer in its own time, so it was taken for lost",
    help: "report it",
  })
}
