/** A serial port as firmata-io wants it: so it needs no serialport package of its own. */
import { EventEmitter } from "node:events"
import type { Port } from "../link/port"

export class PortTransport extends EventEmitter {
  constructor(private readonly port: Port) {
    super()
    port.onData = bytes => this.emit("data", bytes)
    port.onClose = reason => this.emit("close", reason)
  }

  /** A port that has gone takes nothing; its "close" says so, and says it once. */
  write(bytes: Uint8Array, taken: () => void): void {
    this.port.write(bytes).then(taken, taken)
  }

  /** Lets go of the port; "close" is not emitted for that. */
  async close(): Promise<void> {
    this.port.onData = undefined
    this.port.onClose = undefined
    await this.port.close()
  }
}
