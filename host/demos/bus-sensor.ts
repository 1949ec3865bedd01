/**
 * A Jacdac sensor on a board's bus, played by the host: what the board's program sees is a module that
 * announces itself and streams readings.
 */
import { randomBytes } from "node:crypto"
import { realClock, type Timer } from "../base/clock"
import {
  buildPacket,
  deviceIdFromHex,
  JD_CONTROL_CMD_SERVICES,
  JD_SERVICE_INDEX_CONTROL,
  write16,
  write32,
} from "../link/jacdac"
import { encodeReading, type SensorService } from "../signals/sensors"

/** Report of the register `reading`. */
const READING = 0x1101
const ANNOUNCE_MS = 500
const FLAGS = 0x100
const STEADY = 15

export class BusSensor {
  private readonly id = deviceIdFromHex(randomBytes(8).toString("hex"))
  private readonly heart: Timer
  private restarts = 1

  /** @param send puts a frame on the board's bus */
  constructor(
    private readonly service: SensorService,
    private readonly send: (frame: Uint8Array) => Promise<void>,
  ) {
    this.announce()
    this.heart = realClock.every(ANNOUNCE_MS, () => this.announce(), { background: true })
  }

  /** Values in the sensor's unit, a channel each. */
  async say(values: number[]): Promise<void> {
    await this.send(buildPacket(this.id, 0, 1, READING, encodeReading(this.service, values)))
  }

  close(): void {
    this.heart.stop()
  }

  private announce(): void {
    const payload = new Uint8Array(8)
    write16(payload, 0, this.restarts | FLAGS)
    write32(payload, 4, this.service.serviceClass)
    if (this.restarts < STEADY) this.restarts++
    const frame = buildPacket(
      ...([this.id, 0, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_SERVICES, payload] as const),
    )
    this.send(frame).catch(() => {})
  }
}
