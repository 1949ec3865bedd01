/** A serial port as firmata-io wants it: so it needs no serialport package of its own. */

import { EventEmitter } from "node:events"
import type { Clock } from "../base/clock"
import type { Port } from "../link/port"

/** What is still to be written when the port is closed gets this long, ms: some 2,500 bytes. */
const FLUSH_MS = 500

export class PortTransport extends EventEmitter {
  private readonly writing = new Set<Promise<void>>()

  constructor(
    private readonly port: Port,
    private readonly clock: Clock,
  ) {
    super()
    port.onData = bytes => this.emit("data", bytes)
    port.onClose = reason => this.emit("close", reason)
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
    await this.port.close()
  }
}
