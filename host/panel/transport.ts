/** A serial port as firmata-io wants it: so it needs no serialport package of its own. */

import { EventEmitter } from "node:events"
import type { Clock } from "../base/clock"
import { messageOf } from "../base/errors"
import type { Port } from "../link/port"

/** What is still to be written when the port is closed gets this long, ms: some 2,500 bytes. */
const FLUSH_MS = 500

/** More than this a second is no serial line of a panel (at 57,600 baud 5,760 bytes), bytes. */
const MOST_A_SECOND = 100_000

/**
 * Emits "data" and "close" as firmata-io expects, and "fault" with a reason when what arrives cannot
 * be taken: firmata-io throws on messages that are too short, or name pins that the board lacks.
 */
export class PortTransport extends EventEmitter {
  private readonly writing = new Set<Promise<void>>()
  private second = 0
  private taken = 0

  constructor(
    private readonly port: Port,
    private readonly clock: Clock,
  ) {
    super()
    port.onData = bytes => this.take(bytes)
    port.onClose = reason => this.emit("close", reason)
  }

  private take(bytes: Uint8Array): void {
    const now = this.clock.now()
    if (now - this.second >= 1000) {
      this.second = now
      this.taken = 0
    }
    this.taken += bytes.length
    if (this.taken > MOST_A_SECOND) {
      this.port.onData = undefined
      this.emit("fault", "sends more than a serial line carries")
      return
    }
    try {
      this.emit("data", bytes)
    } catch (error) {
      this.emit("fault", `sent what is not Firmata (${messageOf(error)})`)
    }
  }

  /** A port that has gone takes nothing; its "close" says so, and says it once. */
  write(bytes: Uint8Array, taken: () => void): void {
    const write = this.port.write(bytes).catch(() => {})
    this.writing.add(write)
    void write.then(() => {
      this.writing.delete(write)
      taken()
    })
  }

  /** Writes what is left and lets go of the port; "close" is not emitted for that. */
  async close(): Promise<void> {
    this.port.onData = undefined
    this.port.onClose = undefined
    await new Promise<void>(resolve => {
      const timer = this.clock.after(FLUSH_MS, resolve, { background: true })
      void Promise.all(this.writing).then(() => {
        timer.stop()
        resolve()
      })
    })
    await this.port.close().catch(() => {})
  }
}
