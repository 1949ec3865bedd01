/**
 * The fleet's front panel on a Firmata board. It must be there at the start; after that it may come
 * and go, and what it is to show is kept until it is back.
 */

import { type Clock, realClock, type Timer } from "../base/clock"
import { messageOf } from "../base/errors"
import type { BoardState } from "../session/watch"
import { Connection, type ConnectOptions } from "./connection"
import { Face, type FaceState } from "./face"
import type { Layout } from "./layout"

/** The display is brought up to date this often at most, ms: the wire is slow, the eye too. */
const REFRESH_MS = 60
const RETRY_MS = 1_000
/** While a label is being chosen it is shown in the digit's place; so long after the last turn, ms. */
const CHOOSING_MS = 1_500

export interface PanelOptions extends ConnectOptions {
  /** Path of the serial port. */
  port: string
  layout: Layout
  /** Labels to choose from. */
  classes: number
  /** What the user should know: unplugged, plugged in again. */
  status?: (text: string) => void
  log?: (line: string) => void
}

export class Panel {
  onTeach?: () => void
  onRight?: () => void

  private readonly state: FaceState = { choosing: false, boards: [] }
  private connection?: Connection
  private face?: Face
  private dirty = true
  private readonly clock: Clock
  private readonly refresh: Timer
  private readonly closing = new AbortController()
  private choosing?: Timer
  /** The first label is where the potentiometer stands, which nobody has just chosen. */
  private labelled = false

  private constructor(private readonly options: PanelOptions) {
    this.clock = options.clock ?? realClock
    // Nothing to show is worth keeping the process for.
    this.refresh = this.clock.every(REFRESH_MS, () => this.write(), { background: true })
  }

  /** @throws as Connection.open */
  static async open(options: PanelOptions): Promise<Panel> {
    const panel = new Panel(options)
    try {
      await panel.connect()
      return panel
    } catch (error) {
      await panel.close()
      throw error
    }
  }

  get connected(): boolean {
    return this.face !== undefined
  }

  /** What the potentiometer chooses; undefined before the first reading, or without one. */
  get label(): number | undefined {
    return this.state.label
  }

  /** @param confidence 0…1; unknown where only the digit is */
  show(digit: number | undefined, confidence?: number): void {
    this.state.digit = digit
    this.state.confidence = confidence
    this.dirty = true
  }

  showBoard(board: number, state: BoardState | undefined): void {
    this.state.boards[board] = state
    this.dirty = true
  }

  /**
   * Pulls a board's reset line low for the layout's `resetMs`; resolves when it is let go of.
   *
   * @returns false where the panel is away or the board has no reset line
   */
  async reset(board: number): Promise<boolean> {
    try {
      return (await this.face?.reset(board)) ?? false
    } catch (error) {
      this.options.log?.(`panel: ${messageOf(error)}`)
      return false
    }
  }

  /** Leaves the panel dark and lets go of its port. */
  async close(): Promise<void> {
    this.closing.abort()
    this.refresh.stop()
    this.choosing?.stop()
    this.stopFace(face => face.clear())
    await this.connection?.close()
  }

  private async connect(): Promise<void> {
    const { port, layout, classes, signal } = this.options
    const connection = await Connection.open(port, layout, {
      ...this.options,
      signal: signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal,
    })
    if (this.closing.signal.aborted) {
      await connection.close()
      return
    }
    this.connection = connection
    try {
      this.face = new Face(connection, layout, classes, {
        onTeach: () => this.onTeach?.(),
        onRight: () => this.onRight?.(),
        onLabel: label => this.choose(label),
      })
    } catch (error) {
      await connection.close()
      throw error
    }
    this.dirty = true
    connection.onGone = why => void this.reconnect(why)
  }

  private async reconnect(why: string): Promise<void> {
    const { port, status, log } = this.options
    this.stopFace()
    status?.(`the panel on ${port} ${why}; the run goes on without it`)
    await this.connection?.close()
    while (!this.closing.signal.aborted) {
      try {
        await this.connect()
        if (this.face) status?.(`the panel on ${port} is back`)
        return
      } catch (error) {
        log?.(`panel: ${messageOf(error)}`)
      }
      await this.clock.sleep(RETRY_MS, this.closing.signal).catch(() => {})
    }
  }

  /** Ends what the face runs on timers; a panel that cannot be written to is not written to. */
  private stopFace(last: (face: Face) => void = () => {}): void {
    const { face } = this
    this.face = undefined
    if (!face) return
    for (const work of [last, (f: Face) => f.stop()]) {
      try {
        work(face)
      } catch (error) {
        this.options.log?.(`panel: ${messageOf(error)}`)
      }
    }
  }

  private choose(label: number): void {
    this.state.label = label
    this.dirty = true
    if (this.labelled) {
      this.state.choosing = true
      this.choosing?.stop()
      const chosen = () => {
        this.state.choosing = false
        this.dirty = true
      }
      this.choosing = this.clock.after(CHOOSING_MS, chosen, { background: true })
    }
    this.labelled = true
  }

  private write(): void {
    const { face } = this
    if (!this.dirty || !face) return
    this.dirty = false
    this.connection?.attempt(() => face.show(this.state))
  }
}
