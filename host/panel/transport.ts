/** A serial port as firmata-io wants it: so it needs no serialport package of its own. */
import { EventEmitter } from "node:events"
import { setTimeout as pause } from "node:timers/promises"
import type { Port } from "../link/port"

/** What is still to be written when the port is closed gets this long, ms: some 2,500 bytes. */
const FLUSH_MS = 500

export class PortTransport extends EventEmitter {
  private readonly writing = new Set<Promise<void>>()

  constructor(private readonly port: Port) {
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
    await Promise.race([Promise.all(this.writing), pause(FLUSH_MS, undefined, { ref: false })])
    await this.port.close()
  }
}
