/** A board's state on one LED, told apart by how it blinks. */

import five from "johnny-five"
import type { Timer } from "../base/clock"
import type { BoardState } from "../session/watch"
import type { Connection } from "./connection"
import type { PinName } from "./layout"

/** Half a period, ms; 0: steady light. Each differs from the next by a factor of three or more. */
const BLINK_MS: Record<BoardState, number> = {
  loading: 600,
  running: 0,
  learning: 180,
  fault: 50,
}

export class StatusLed {
  private readonly pin
  private blinking?: Timer
  private state?: BoardState
  private lit = false

  constructor(
    private readonly connection: Connection,
    pin: PinName,
  ) {
    this.pin = new five.Pin({ board: connection.board, pin: connection.pin(pin) })
  }

  /** No state: dark, nothing is known of such a board. */
  show(state: BoardState | undefined): void {
    if (state === this.state) return
    this.stop()
    this.state = state
    this.light(state !== undefined)
    if (state && BLINK_MS[state] > 0)
      this.blinking = this.connection.clock.every(BLINK_MS[state], () =>
        this.connection.attempt(() => this.light(!this.lit)),
      )
  }

  stop(): void {
    this.blinking?.stop()
  }

  private light(on: boolean): void {
    this.lit = on
    if (on) this.pin.high()
    else this.pin.low()
  }
}
