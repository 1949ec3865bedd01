/** A board's port with an accelerometer module on the board's bus, as a USB bridge passes it on. */
import { realClock, type Timer } from "../../../host/base/clock"
import { BusSensor } from "../../../host/demos/bus-sensor"
import { packetsOf } from "../../../host/link/jacdac"
import { encodeFrame, JdUsbDecoder } from "../../../host/link/jdusb"
import type { Port } from "../../../host/link/port"
import { sensorNamed } from "../../../host/signals/sensors"

/** Set register streaming_samples. */
const STREAM = 0x2003

export class PortWithModule implements Port {
  readonly name: string
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  /** Readings said so far. */
  said = 0
  private readonly module: BusSensor
  private player?: Timer

  /** @param readings are said one after another, and again from the start, once the host asks for some */
  constructor(
    private readonly board: Port,
    private readonly readings: number[][],
    private readonly everyMs: number,
  ) {
    this.name = board.name
    board.onData = bytes => this.onData?.(bytes)
    board.onClose = reason => this.onClose?.(reason)
    this.module = new BusSensor(sensorNamed("accelerometer"), async frame => {
      this.onData?.(encodeFrame(frame))
      await this.board.write(encodeFrame(frame))
    })
  }

  private readonly fromHost = new JdUsbDecoder({
    onFrame: frame => {
      if (packetsOf(frame).some(({ command }) => command === STREAM)) this.play()
    },
  })

  private play(): void {
    this.player ??= realClock.every(this.everyMs, () => {
      this.module.say(this.readings[this.said++ % this.readings.length]).catch(() => {})
    })
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.fromHost.push(bytes)
    await this.board.write(bytes)
  }

  /** The module is pulled off the bus. */
  silence(): void {
    this.player?.stop()
    this.module.close()
  }

  async close(): Promise<void> {
    this.silence()
    await this.board.close()
  }
}
