/** Boards wherever they are: what a fleet needs of virtual boards and of boards on serial ports. */
import type { Clock } from "../base/clock"
import type { BoardLink, BoardLinkOptions } from "../link/board-link"
import type { Port } from "../link/port"

/** What only those who have a board in hand can do to it. */
export interface Hands {
  /** Its port goes away by itself; the board runs on. */
  unplug(): void
  /** It loses its power; absent where that is beyond us. */
  kill?(): void
}

/** Of a board that was started here. */
export function handsOf(board: { unplug(): void; end(signal: "SIGKILL"): Promise<void> }): Hands {
  return {
    unplug: () => board.unplug(),
    kill: () => {
      // Whoever waits for the board hears of it by its port.
      void board.end("SIGKILL")
    },
  }
}

/** Puts something between a board and its link (for tests of what goes wrong there). */
export type WrapPort = (board: number, port: Port, hands: Hands) => Port

/** What whoever opens boards may ask for. */
export interface OpenOptions {
  signal?: AbortSignal
  /** Log text of the boards, a line at a time. */
  onLog?: (board: number, line: string) => void
  wrap?: WrapPort
}

/** Nanoseconds that an emulated board has had power, since it was first started. */
export interface EmulatedTime {
  nanos: number
  /** Of them not asleep. */
  busyNanos: number
}

export interface BoardSet {
  /** The time the boards live in; absent: the real one. */
  readonly clock?: Clock
  readonly count: number
  /**
   * How long `reconnect` is worth waiting for, ms: a process starts again by itself, a cable waits
   * for somebody to plug it in.
   */
  readonly reconnectMs: number
  /** How many times as long as boards of their profile these take at most, by the clock; absent: no longer. */
  readonly slower?: number
  /** Whose boards these are, where they are several people's or machines': an agent's name. */
  group?(i: number): string | undefined
  /** Id of the board's profile: "virtual", "pico"; "unknown" until it has been linked to. */
  profile(i: number): string
  /**
   * Opens the port of board `i` and waits until the board has announced itself.
   * @throws WuxingError as `BoardLink.connect`
   */
  connect(i: number, options: BoardLinkOptions): Promise<BoardLink>
  /**
   * The same board again after it fell silent or its port went away, by whatever means there are:
   * a virtual board is started anew, another is looked for by its id on every port it may be on.
   * `link` is closed first.
   */
  reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink>
  /** Of boards that live in a time of their own: how much of it each has spent, and spent awake. */
  emulatedTimes?(): Promise<EmulatedTime[]>
  /** Lets go of all ports; ends what was started for them. */
  stop(): Promise<void>
}

/** Boards that can be passed on to others, by an agent. */
export interface OpenableBoards extends BoardSet {
  /**
   * Opens board `i`'s bare port, for one that passes its bytes on.
   * @param restart starts the board anew before, where that is within reach
   * @throws WuxingError as `connect`
   */
  openPort(i: number, restart: boolean): Promise<Port>
}
