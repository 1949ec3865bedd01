/** Everything of a layout on one connection: what is shown is written, what is touched is heard. */
import five from "johnny-five"
import type { BoardState } from "../session/watch"
import { type ConfidenceDisplay, confidenceDisplay } from "./confidence"
import type { Connection } from "./connection"
import { type DigitDisplay, digitDisplay, type Shown } from "./digit-display"
import { Debouncer, labelAt } from "./inputs"
import type { Layout, PinName } from "./layout"
import { ResetLine } from "./reset-line"
import { StatusLed } from "./status-leds"

const SENSOR_MS = 50
const NEVER_MS = 2 ** 31 - 1

export interface FaceState extends Shown {
  /** By board; undefined: nothing is known of it. */
  boards: (BoardState | undefined)[]
}

export interface Touch {
  onTeach(): void
  onRight(): void
  onLabel(label: number): void
}

export class Face {
  private readonly digit?: DigitDisplay
  private readonly confidence?: ConfidenceDisplay
  private readonly leds: (StatusLed | undefined)[]
  private readonly lines: (ResetLine | undefined)[]
  private readonly sensor?
  private label?: number

  constructor(
    private readonly connection: Connection,
    private readonly layout: Layout,
    private readonly classes: number,
    touch: Touch,
  ) {
    this.lines = layout.boards.map(({ reset }) =>
      reset === undefined ? undefined : new ResetLine(connection, reset),
    )
    this.leds = layout.boards.map(({ status }) =>
      status === undefined ? undefined : new StatusLed(connection, status),
    )
    if (layout.digit) this.digit = digitDisplay(connection, layout.digit)
    if (layout.confidence) this.confidence = confidenceDisplay(connection, layout.confidence)
    if (layout.teach) this.button(layout.teach.pin, touch.onTeach)
    if (layout.right) this.button(layout.right.pin, touch.onRight)
    if (layout.label) this.sensor = this.potentiometer(layout.label.pin, touch.onLabel)
  }

  show(state: FaceState): void {
    this.digit?.show(state)
    this.confidence?.show(state.confidence ?? 0)
    this.leds.forEach((led, board) => {
      led?.show(state.boards[board])
    })
  }

  /** @returns whether the board has a reset line; resolves when it is let go of */
  async reset(board: number): Promise<boolean> {
    const line = this.lines[board]
    await line?.pull(this.layout.resetMs)
    return line !== undefined
  }

  /** Dark, and every board let go of. */
  clear(): void {
    this.show({ choosing: false, boards: [] })
    for (const line of this.lines) line?.release()
  }

  /** Ends what runs on timers; the pins stay as they are. */
  stop(): void {
    this.confidence?.stop()
    this.sensor?.disable()
    for (const led of this.leds) led?.stop()
  }

  private button(pin: PinName, onPress: () => void): void {
    const number = this.connection.pin(pin)
    const button = new five.Button({
      board: this.connection.board,
      pin: number,
      pullup: true,
      // Held buttons mean nothing here, and what watches for them would outlive an unplugged board.
      holdtime: NEVER_MS,
    })
    this.connection.keep(number, 1)
    const debouncer = new Debouncer(onPress, this.connection.clock.now)
    button.on("press", () => debouncer.edge(true))
    button.on("release", () => debouncer.edge(false))
  }

  private potentiometer(pin: PinName, onLabel: (label: number) => void) {
    const { board } = this.connection
    const sensor = new five.Sensor({ board, pin, freq: SENSOR_MS, threshold: 1 })
    sensor.on("change", (reading: number) => {
      const label = labelAt(reading, this.classes, this.label)
      if (label === this.label) return
      this.label = label
      onLabel(label)
    })
    return sensor
  }
}
