/** The recognised digit on ten LEDs, a seven-segment display or a character display. */
import five from "johnny-five"
import type { Connection } from "./connection"
import type { DigitLayout } from "./layout"
import { SEGMENTS, segmentsOf } from "./seven-segment"

const COLUMNS = 16

export interface Shown {
  digit?: number
  /** 0…1 */
  confidence?: number
  /** What the potentiometer chooses. */
  label?: number
  /** The label is being chosen: it takes the digit's place where there is room for one only. */
  choosing: boolean
}

export interface DigitDisplay {
  show(shown: Shown): void
}

export function digitDisplay(connection: Connection, layout: DigitLayout): DigitDisplay {
  if (layout.kind === "leds") return new Leds(connection, layout.pins)
  if (layout.kind === "seven-segment") return new SevenSegment(connection, layout)
  return new Lcd(connection, layout)
}

/** Plain outputs, each written only when it changes: the wire carries 5,760 bytes a second. */
class Outputs {
  private readonly pins
  private readonly states: (boolean | undefined)[]

  constructor(connection: Connection, pins: (number | string)[]) {
    const { board } = connection
    this.pins = pins.map(pin => new five.Pin({ board, pin: connection.pin(pin) }))
    this.states = this.pins.map(() => undefined)
  }

  set(levels: boolean[]): void {
    for (const [i, high] of levels.entries()) {
      if (this.states[i] === high) continue
      this.states[i] = high
      if (high) this.pins[i].high()
      else this.pins[i].low()
    }
  }
}

class Leds implements DigitDisplay {
  private readonly outputs: Outputs

  constructor(
    connection: Connection,
    private readonly pins: (number | string)[],
  ) {
    this.outputs = new Outputs(connection, pins)
  }

  show({ digit, label, choosing }: Shown): void {
    const lit = choosing ? label : digit
    this.outputs.set(this.pins.map((_, i) => i === lit))
  }
}

class SevenSegment implements DigitDisplay {
  private readonly outputs: Outputs
  private readonly inverted: boolean

  constructor(connection: Connection, { pins, common }: DigitLayout & { kind: "seven-segment" }) {
    this.outputs = new Outputs(
      connection,
      SEGMENTS.map(segment => pins[segment]),
    )
    this.inverted = common === "anode"
  }

  show({ digit, label, choosing }: Shown): void {
    this.outputs.set(segmentsOf(choosing ? label : digit).map(lit => lit !== this.inverted))
  }
}

/** Two lines: "digit 7    92 %" and "teach as 3". */
class Lcd implements DigitDisplay {
  private readonly lcd
  private readonly lines = ["", ""]

  constructor(connection: Connection, layout: DigitLayout & { kind: "lcd" | "i2c-lcd" }) {
    const { board } = connection
    this.lcd = new five.LCD({
      board,
      rows: 2,
      cols: COLUMNS,
      ...(layout.kind === "lcd"
        ? { pins: LCD_PINS.map(name => connection.pin(layout.pins[name])) }
        : { controller: "PCF8574" as const, address: layout.address }),
    })
  }

  show({ digit, confidence, label }: Shown): void {
    const left = `digit ${digit ?? "-"}`
    const right = confidence === undefined ? "" : `${Math.round(confidence * 100)} %`
    this.line(0, left + right.padStart(COLUMNS - left.length))
    this.line(1, label === undefined ? "" : `teach as ${label}`)
  }

  private line(row: number, text: string): void {
    const padded = text.padEnd(COLUMNS)
    if (this.lines[row] === padded) return
    this.lines[row] = padded
    this.lcd.cursor(row, 0)
    this.lcd.print(padded)
  }
}

/** The order in which johnny-five takes them. */
const LCD_PINS = ["rs", "en", "d4", "d5", "d6", "d7"] as const
