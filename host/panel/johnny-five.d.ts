/** What the panel uses of johnny-five and firmata-io, which bring no types. */

declare module "firmata-io" {
  import type { EventEmitter } from "node:events"

  export interface Transport extends EventEmitter {
    write(bytes: Uint8Array, taken: () => void): void
  }

  export class Firmata extends EventEmitter {
    constructor(
      transport: Transport,
      options?: { reportVersionTimeout?: number; samplingInterval?: number },
    )
    readonly isReady: boolean
    readonly versionReceived: boolean
    readonly reportVersionTimeoutId: NodeJS.Timeout
    readonly firmware: { name?: string; version?: { major: number; minor: number } }
    readonly pins: { supportedModes: number[] }[]
    /** Numbers of the analog pins, from A0. */
    readonly analogPins: number[]
    /** Bytes of the message that is arriving. */
    readonly buffer: number[]
    /** What was last written to each port of eight pins. */
    readonly ports: number[]
    readonly MODES: {
      INPUT: number
      OUTPUT: number
      ANALOG: number
      PWM: number
      SERVO: number
      I2C: number
    }
    pinMode(pin: number, mode: number): void
    digitalWrite(pin: number, value: 0 | 1): void
  }

  const bind: { Firmata: typeof Firmata }
  export default bind
}

declare module "johnny-five" {
  import type { EventEmitter } from "node:events"
  import type { Firmata } from "firmata-io"

  interface On {
    board: Board
    pin: number | string
  }

  class Board extends EventEmitter {
    constructor(options: {
      io: Firmata
      repl: false
      debug: false
      sigint: false
      timeout?: number
    })
  }
  class Pin {
    constructor(options: On)
    high(): void
    low(): void
  }
  class Led {
    constructor(options: On)
    /** @param value 0…255 */
    brightness(value: number): this
    stop(): this
  }
  class Servo {
    constructor(options: On & { pwmRange?: [number, number]; startAt?: number })
    to(degrees: number): this
    stop(): this
  }
  class Button extends EventEmitter {
    constructor(options: On & { pullup: true; holdtime: number })
  }
  class Sensor extends EventEmitter {
    constructor(options: On & { freq: number; threshold: number })
    disable(): this
  }
  class LCD {
    constructor(
      options: { board: Board; rows: 2; cols: 16 } & (
        | { pins: number[] }
        | { controller: "PCF8574"; address: number }
      ),
    )
    cursor(row: number, column: number): this
    print(text: string): this
  }

  const five: {
    Board: typeof Board
    Pin: typeof Pin
    Led: typeof Led
    Servo: typeof Servo
    Button: typeof Button
    Sensor: typeof Sensor
    LCD: typeof LCD
  }

  export type { Board, Button, LCD, Led, Pin, Sensor, Servo }
  export default five
}
