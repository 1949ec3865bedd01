/**
 * A Jacdac button on a board's bus, played by the host: what the board's program sees is a module that
 * announces itself and says when it is pressed (Jacdac's service "button").
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

const BUTTON_CLASS = 0x1473a263
const DOWN = 1
const UP = 2
const EVENT = 0x8000
const COUNTER_SHIFT = 8
const COUNTERS = 128
const ANNOUNCE_MS = 500
/** Of the announcement: supports acknowledgements, which costs nothing to say. */
const FLAGS = 0x100
const STEADY = 15
/** An event is said three times, the second and third these ms after the first. */
const AGAIN_MS = [20, 100]
const PRESSED_MS = 40

export class BusButton {
  private readonly id = deviceIdFromHex(randomBytes(8).toString("hex"))
  private readonly heart: Timer
  private restarts = 1
  private counter = 0

  /** @param send puts a frame on the board's bus */
  constructor(private readonly send: (frame: Uint8Array) => Promise<void>) {
    this.announce()
    this.heart = realClock.every(ANNOUNCE_MS, () => this.announce(), { background: true })
  }

  /** Presses and lets go, so many times. */
  async press(times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.event(DOWN)
      await realClock.sleep(PRESSED_MS)
      this.event(UP)
      await realClock.sleep(PRESSED_MS)
    }
  }

  close(): void {
    this.heart.stop()
  }

  private announce(): void {
    const payload = new Uint8Array(8)
    write16(payload, 0, this.restarts | FLAGS)
    write32(payload, 4, BUTTON_CLASS)
    if (this.restarts < STEADY) this.restarts++
    this.put(buildPacket(this.id, 0, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_SERVICES, payload))
  }

  private event(code: number): void {
    const command = EVENT | (this.counter << COUNTER_SHIFT) | code
    this.counter = (this.counter + 1) % COUNTERS
    const frame = buildPacket(this.id, 0, 1, command)
    this.put(frame)
    for (const ms of AGAIN_MS) realClock.after(ms, () => this.put(frame), { background: true })
  }

  /** A board that is away hears nothing of it. */
  private put(frame: Uint8Array): void {
    this.send(frame).catch(() => {})
  }
}
