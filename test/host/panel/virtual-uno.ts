/**
 * An emulated Arduino Uno in this process and in the time of a virtual clock: a second of the panel is a
 * second of the chip, however busy the machine is. What johnny-five and firmata-io set on Node's own timers
 * happens in that time too, between `begin` and `close`.
 */
import { vi } from "vitest"
import { type Timer, VirtualClock } from "../../../host/base/clock"
import type { Port } from "../../../host/link/port"
import { STANDARD_FIRMATA } from "./uno"
import { CYCLES_PER_MS, UnoChip } from "./uno-chip.mjs"

/** The host hears what the chip has sent this often, ms, as through a USB adapter. */
const TICK_MS = 1
/** How long something is waited for, and how often it is looked at, ms. */
const [MOST_MS, LOOK_MS] = [10_000, 20]

export class VirtualUno extends UnoChip {
  readonly path = "/dev/emulated-uno"
  private port?: Port
  private plugged = true
  private sent: number[] = []
  private readonly ticking: Timer

  private constructor(
    readonly clock: VirtualClock,
    program: string,
    /** Of the clock's time; less for a program that nobody hears, so that it takes less of a core. */
    rate: number,
  ) {
    super(program)
    this.onByte = byte => this.sent.push(byte)
    this.ticking = clock.every(TICK_MS, () => this.tick(rate))
  }

  /** One at a time: Node's timers are its own until it is closed. */
  static begin(program = STANDARD_FIRMATA, rate = 1): VirtualUno {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
    })
    return new VirtualUno(new VirtualClock(), program, rate)
  }

  /** For `Panel.open`: an Uno restarts when its port is opened. */
  readonly open = async (path: string): Promise<Port> => {
    if (!this.plugged) throw new Error(`there is no ${path}`)
    this.incoming.length = 0
    this.powerUp()
    const port: Port = {
      name: path,
      write: async bytes => {
        if (this.port === port) this.incoming.push(...bytes)
      },
      close: async () => {
        if (this.port === port) this.port = undefined
      },
    }
    this.port = port
    return port
  }

  unplug(): void {
    this.plugged = false
    const { port } = this
    this.port = undefined
    port?.onClose?.()
  }

  plug(): void {
    this.plugged = true
  }

  /** A pressed button joins its pin to ground, for so many ms. */
  press(pin: number, ms = 80): void {
    this.button(pin, [
      [0, true],
      [ms, false],
    ])
  }

  /** Waits, within `clock.run`, until a check throws no more. */
  async eventually(check: () => void): Promise<void> {
    for (let waited = 0; waited < MOST_MS; waited += LOOK_MS)
      try {
        check()
        return
      } catch {
        await this.clock.sleep(LOOK_MS)
      }
    check()
  }

  close(): void {
    this.ticking.stop()
    vi.useRealTimers()
  }

  private tick(rate: number): void {
    vi.advanceTimersByTime(TICK_MS)
    this.run(this.now() * CYCLES_PER_MS + TICK_MS * rate * CYCLES_PER_MS)
    const bytes = Uint8Array.from(this.sent)
    this.sent = []
    if (bytes.length > 0) this.port?.onData?.(bytes)
  }
}
