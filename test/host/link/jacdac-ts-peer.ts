/**
 * jacdac-ts as an independent peer: its bus, its JD-USB encoder and decoder, over any byte pipe
 * that is dressed as a `serialport`.
 */
import { createNodeWebSerialTransport, FRAME_PROCESS, JDBus } from "jacdac-ts"

export interface Pipe {
  /** Bytes jacdac-ts wrote (in pieces of 64 with zeros after the last). */
  onWritten: (bytes: Uint8Array) => void
}

export class JacdacTsPeer {
  readonly bus: JDBus
  /** Frames its decoder handed to its bus. */
  readonly frames: Uint8Array[] = []
  /** Set once its transport has opened our port. */
  private toPeer?: (bytes: Uint8Array) => void

  constructor(pipe: Pipe) {
    const peer = this
    class FakeSerialPort {
      isOpen = true
      static async list() {
        return [{ path: "pipe", serialNumber: "JD0011", vendorId: "2e8a", productId: "420a" }]
      }
      constructor(_options: unknown, opened: (error: Error | null) => void) {
        queueMicrotask(() => opened(null))
      }
      on(event: string, handler: (bytes: Uint8Array) => void) {
        if (event === "data") peer.toPeer = handler
      }
      write(bytes: Uint8Array, _encoding: undefined, done: (error: Error | null) => void) {
        pipe.onWritten(new Uint8Array(bytes))
        done(null)
      }
      close(done: (error: Error | null) => void) {
        this.isOpen = false
        done(null)
      }
    }
    this.bus = new JDBus([createNodeWebSerialTransport(FakeSerialPort)], { client: true })
    this.bus.on(FRAME_PROCESS, (frame: Uint8Array & { _jacdac_sender?: string }) => {
      // Its own frames pass through the same event; those of the transport bear its name.
      if (frame._jacdac_sender === "serial") this.frames.push(new Uint8Array(frame))
    })
  }

  /** Bytes for its decoder. */
  push(bytes: Uint8Array): void {
    this.toPeer?.(bytes)
  }

  async connect(): Promise<void> {
    await this.bus.connect()
    if (!this.bus.connected) throw new Error("jacdac-ts did not connect")
  }

  async close(): Promise<void> {
    await this.bus.disconnect()
    await this.bus.dispose()
  }
}
