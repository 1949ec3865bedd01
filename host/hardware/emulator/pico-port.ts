/** An emulated Pico's USB serial port, as a `Port`, run in this process. */
import { type Clock, realClock, type Timer } from "../../base/clock"
import type { Port } from "../../link/port"
import type { EmulatedPico } from "./pico"

/** Emulated time of one turn: long against what looking up costs, short against what hosts wait for. */
const TURN_NANOS = 2_000_000
/** How often a board that sleeps is looked after, ms. */
const IDLE_MS = 5
/** A board that could not be looked after for longer than this, ms, has slept no longer. */
const MOST_IDLE_MS = 1_000

/**
 * Runs the board as long as the port is open: as fast as the machine can while it has something to do,
 * with the wall clock while it sleeps. With another clock than the wall's, always at that clock's pace:
 * a second of the board is one of whoever waits for it, however busy the machine is.
 */
export class PicoPort implements Port {
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  private closed = false
  private turning = false
  private timer?: Timer
  private lookedAt: number
  /** Runs as fast as the machine can while the board is awake, or at the clock's pace always? */
  private readonly fast: boolean

  constructor(
    readonly name: string,
    private readonly pico: EmulatedPico,
    private readonly clock: Clock = realClock,
  ) {
    this.fast = clock === realClock
    this.lookedAt = clock.now()
    pico.onData = bytes => this.onData?.(bytes.slice())
    // Its USB device goes away and comes back: what was open is not.
    pico.onReset = () => this.lose(new Error("the board reset itself"))
    this.turn()
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.closed) throw new Error(`${this.name} is closed`)
    this.pico.usb.write(bytes.slice())
    this.wake()
  }

  async close(): Promise<void> {
    this.closed = true
    this.timer?.stop()
    this.pico.onData = undefined
    this.pico.onReset = undefined
  }

  /** As if the cable was pulled. */
  lose(reason: Error): void {
    if (this.closed) return
    void this.close()
    this.onClose?.(reason)
  }

  private wake(): void {
    if (this.turning) return
    this.timer?.stop()
    this.turning = true
    this.turnSoon()
  }

  private turnSoon(): void {
    if (this.fast) setImmediate(() => this.turn())
    else this.timer = this.clock.after(TURN_NANOS / 1e6, () => this.turn())
  }

  private turn(): void {
    if (this.closed) return
    const { pico } = this
    if (pico.dead) {
      this.lose(new Error("its power failed"))
      return
    }
    const now = this.clock.now()
    const passed = Math.min(MOST_IDLE_MS, now - this.lookedAt) * 1e6
    const nanos = this.fast && !pico.idle ? TURN_NANOS : passed
    this.lookedAt = now
    pico.run(Math.max(nanos, 1000))
    this.turning = !pico.idle
    if (this.turning) this.turnSoon()
    else this.timer = this.clock.after(IDLE_MS, () => this.turn())
  }
}
