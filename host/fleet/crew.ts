/** The boards of a fleet: opening them, deploying the program, asking for signs of life, restarting. */
import { SERVICE_CLASS } from "../../src/wire/protocol"
import { type Clock, realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { profileOrPico } from "../hardware/board-profile"
import type { BoardSet } from "../hardware/board-set"
import type { BoardLink } from "../link/board-link"
import { seconds, wait } from "../link/wait"
import type { Slice } from "../network/slices"
import type { BoardState } from "../session/watch"
import { Board } from "./board"
import type { FleetOptions } from "./options"
import type { Member } from "./relay"
import type { BoardStatus } from "./reports"
import { isStartable, lost } from "./stops"

/** A program announces itself within half a second of its start. */
const SERVICE_DEADLINE_MS = 8_000
/** The answer, or the question, may be lost: after this share of the deadline it is asked again. */
const PING_AGAIN_SHARE = 0.3
/** Times a board is started or opened again before its program must run. */
const PREPARE_TRIES = 3
/** A wait for a board that is longer than this, ms, is reported to the user before it begins. */
const ANNOUNCED_WAIT_MS = 10_000

export class Crew {
  members: Member[] = []
  readonly clock: Clock
  /** Times boards had to be started or loaded again. */
  recoveries = 0
  /** How long a board that is alive may take to answer, ms: what it has under way comes first. */
  pingDeadlineMs = 500
  private closed = false

  constructor(
    readonly boardSet: BoardSet,
    readonly shares: Slice[][],
    private readonly options: Pick<FleetOptions, "bytecode" | "signal" | "status" | "watch">,
  ) {
    this.clock = boardSet.clock ?? realClock
  }

  /** Deploys the program to all boards at once. */
  async open(): Promise<void> {
    this.members = await Promise.all(
      this.shares.map(async (slices, index) => ({ board: await this.connect(index), slices })),
    )
  }

  show(state: BoardState): void {
    for (const index of this.shares.keys()) this.options.watch?.state?.(index, state)
  }

  private async connect(index: number): Promise<Board> {
    const link = await this.boardSet.connect(index, this.linkOptions(index))
    return await this.prepareOrReopen(link, index)
  }

  /** As `prepare`; a board that stops meanwhile is opened or started again. */
  private async prepareOrReopen(first: BoardLink, index: number): Promise<Board> {
    let link: BoardLink | undefined = first
    let last = first
    for (let tries = 1; ; tries++) {
      try {
        link ??= await this.boardSet.reconnect(index, last, this.linkOptions(index))
        return await this.prepare(link, index)
      } catch (error) {
        const again = error instanceof WuxingError && isStartable(error) && !this.closed
        if (!again || tries === PREPARE_TRIES) throw error
        this.recoveries++
        this.options.status?.(`${error.message}; it is tried again`)
        // It may also have stopped while it was being opened.
        last = link ?? last
        link = undefined
      }
    }
  }

  /** Deploys the program to a board and waits until it serves. */
  private async prepare(link: BoardLink, index: number): Promise<Board> {
    const { signal, bytecode } = this.options
    link.flash = profileOrPico(this.boardSet.profile(index)).flash
    await link.deploy(bytecode)
    await link.waitForService(SERVICE_CLASS, SERVICE_DEADLINE_MS)
    return new Board(link, this.boardSet.profile(index), signal)
  }

  private linkOptions(index: number) {
    return { name: `board ${index}`, signal: this.options.signal, clock: this.boardSet.clock }
  }

  /** @returns undefined where the board gives no sound answer */
  async ping(board: Board): Promise<BoardStatus | undefined> {
    try {
      const { pingDeadlineMs } = this
      return await board.status(pingDeadlineMs, PING_AGAIN_SHARE * pingDeadlineMs)
    } catch (error) {
      if (error instanceof WuxingError && error.kind === "interrupted") throw error
      return undefined
    }
  }

  /**
   * @param stop which board stopped, when, why
   * @throws WuxingError "board-lost", which ends the run
   */
  async restart(index: number, stop: string): Promise<void> {
    const member = this.members[index]
    const { title, link } = member.board
    const { reconnectMs } = this.boardSet
    if (reconnectMs >= ANNOUNCED_WAIT_MS)
      this.options.status?.(`${stop}; waiting ${seconds(reconnectMs)} for it: check its cable`)
    this.options.watch?.state?.(index, "fault")
    await this.options.watch?.hung?.(index)
    await wait<void>({
      clock: this.clock,
      deadlineMs: reconnectMs,
      signal: this.options.signal,
      what: `${title} to start again`,
      late: () => lost(stop, `it was silent for another ${seconds(reconnectMs)}`),
      start: (resolve, reject) => {
        const again = async () => {
          const fresh = await this.boardSet.reconnect(index, link, this.linkOptions(index))
          member.board = await this.prepareOrReopen(fresh, index)
        }
        again().then(resolve, error =>
          reject(
            error instanceof WuxingError && error.kind !== "interrupted"
              ? lost(stop, error.message, error)
              : error,
          ),
        )
        return () => {}
      },
    })
  }

  async close(): Promise<void> {
    this.closed = true
    await Promise.all(this.members.map(({ board }) => board.link.close().catch(() => {})))
    await this.boardSet.stop()
    await this.options.watch?.close?.()
  }
}
