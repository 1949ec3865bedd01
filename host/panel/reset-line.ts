/**
 * A board's reset line, worked as an open drain: let go of (an input) or pulled low, never driven
 * high, since the panel's 5 V would harm a board of 3.3 V.
 */
import type { Connection } from "./connection"
import type { PinName } from "./layout"

export class ResetLine {
  private readonly pin: number
  private held = 0

  constructor(
    private readonly connection: Connection,
    pin: PinName,
  ) {
    this.pin = connection.pin(pin)
    connection.keep(this.pin, 0)
    this.release()
  }

  /** Pulls the line low for so long, ms; resolves when it is let go of. */
  async pull(ms: number): Promise<void> {
    const { io } = this.connection
    this.held++
    // Low first, while it is an input still: so the pin never drives the line high.
    io.digitalWrite(this.pin, 0)
    io.pinMode(this.pin, io.MODES.OUTPUT)
    io.digitalWrite(this.pin, 0)
    await this.connection.clock.sleep(ms)
    this.held--
    if (this.held === 0) this.release()
  }

  /** Lets go at once: a board must not be held for good by a panel nobody works any more. */
  release(): void {
    const { io } = this.connection
    io.pinMode(this.pin, io.MODES.INPUT)
    // No pull-up: that too would be towards 5 V.
    io.digitalWrite(this.pin, 0)
  }
}
