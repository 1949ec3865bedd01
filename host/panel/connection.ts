/** One connection to a Firmata board: from opening its port until it is unplugged or restarts. */

import bind, { type Firmata } from "firmata-io"
import five, { type Board } from "johnny-five"
import { type Clock, realClock } from "../base/clock"
import { messageOf, WuxingError } from "../base/errors"
import { FIRMATA_BAUD_RATE } from "../hardware/firmata"
import type { Port } from "../link/port"
import { openSerialPort } from "../link/serial-port"
import { seconds, wait } from "../link/wait"
import { type Layout, type PinName, pinsOf, type UsedPin } from "./layout"
import { PortTransport } from "./transport"

/**
 * With the opening of the port. An Uno restarts when its port is opened and is in its bootloader for
 * a second or two; describing its pins takes a tenth of one.
 */
const READY_DEADLINE_MS = 9_500
/** What is asked while the bootloader runs is lost, so it is asked again. */
const ASK_MS = 1_000
/** Firmata protocol: sysex report firmware, capability query, analog mapping query; version. */
const REPORT_FIRMWARE = [0xf0, 0x79, 0xf7]
const CAPABILITY_QUERY = [0xf0, 0x6b, 0xf7]
const ANALOG_MAPPING_QUERY = [0xf0, 0x69, 0xf7]
const REPORT_VERSION = 0xf9
/** Readings of analog pins, ms: a hand on a potentiometer is no faster. */
const SAMPLING_MS = 40
/** A Mega describes its pins in 1.1 kB; firmata-io would gather a message without an end for ever. */
const MOST_MESSAGE_BYTES = 4096

export interface ConnectOptions {
  clock?: Clock
  signal?: AbortSignal
  deadlineMs?: number
  /** Opens the port, if not as a serial port. */
  open?: (path: string) => Promise<Port>
}

export class Connection {
  /** Called once when the board is unplugged, has restarted or sent garbage, never for our own `close`. */
  onGone?: (why: string) => void
  private gone = false
  /** Input pins by number, and what is to be written to them whatever they read. */
  private readonly kept = new Map<number, 0 | 1>()

  private constructor(
    readonly io: Firmata,
    readonly board: Board,
    private readonly transport: PortTransport,
    readonly clock: Clock,
  ) {
    transport.on("close", () => this.lost("was unplugged"))
    // What firmata-io knows of the board may be half of a message: a new connection asks again.
    transport.on("fault", (why: string) => this.lost(why))
    // It reports its version unasked only as it starts; all its pins are then as at the start.
    io.on("reportversion", () => this.lost("restarted"))
    io.on("digital-read", ({ pin }: { pin: number }) => this.restore(pin))
    io.on("error", () => {})
    board.on("error", () => {})
  }

  /**
   * @param path of the serial port
   * @throws WuxingError "panel-silent", "panel-pins" and those of openSerialPort (kind board),
   *   "interrupted"
   */
  static async open(path: string, layout: Layout, options: ConnectOptions = {}) {
    const { signal, deadlineMs = READY_DEADLINE_MS, clock = realClock } = options
    const open = options.open ?? (p => openSerialPort(p, { baudRate: FIRMATA_BAUD_RATE }))
    const start = clock.now()
    const transport = new PortTransport(await open(path), clock)
    try {
      const left = deadlineMs - (clock.now() - start)
      const io = await handshake(path, transport, left, clock, signal)
      checkPins(path, io, layout)
      const board = new five.Board({ io, repl: false, debug: false, sigint: false })
      await new Promise<void>((resolve, reject) => {
        board.once("ready", resolve)
        transport.once("close", () => reject(unplugged(path)))
      })
      return new Connection(io, board, transport, clock)
    } catch (error) {
      await transport.close()
      throw error
    }
  }

  /** Firmata's number of a pin. */
  pin(name: PinName): number {
    return pinNumber(this.io, name)
  }

  /**
   * Keeps an input's pull-up on (1) or off (0).
   *
   * StandardFirmata takes outputs eight pins at a time, and what is written to an input among them
   * switches its pull-up. firmata-io would write what the input last read: a pressed button would
   * lose its pull-up with the next LED switched, a reset line would be pulled up to 5 V.
   */
  keep(pin: number, level: 0 | 1): void {
    this.kept.set(pin, level)
    this.restore(pin)
  }

  private restore(pin: number): void {
    const level = this.kept.get(pin)
    const bit = 1 << (pin & 7)
    if (level === 1) this.io.ports[pin >> 3] |= bit
    if (level === 0) this.io.ports[pin >> 3] &= ~bit
  }

  /** Does what needs the panel; an exception costs the connection, not the run. */
  attempt(work: () => void): void {
    if (this.gone) return
    try {
      work()
    } catch (error) {
      this.lost(`could not be used (${messageOf(error)})`)
    }
  }

  private lost(why: string): void {
    if (this.gone) return
    this.gone = true
    this.onGone?.(why)
  }

  async close(): Promise<void> {
    this.gone = true
    await this.transport.close()
  }
}

async function handshake(
  path: string,
  transport: PortTransport,
  deadlineMs: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Firmata> {
  const io = new bind.Firmata(transport, { samplingInterval: SAMPLING_MS })
  transport.on("data", () => {
    if (io.buffer.length > MOST_MESSAGE_BYTES) throw new Error("a message without an end")
  })
  let garbled = ""
  return await wait<Firmata>({
    clock,
    deadlineMs,
    signal,
    what: `the panel on ${path} to answer`,
    late: () => silent(path, io, deadlineMs, garbled),
    start: (resolve, reject) => {
      const ask = () => transport.write(questionFor(io), () => {})
      ask()
      const asking = clock.every(ASK_MS, ask)
      io.once("ready", () => resolve(io))
      transport.once("close", () => reject(unplugged(path)))
      // Lines are noisy while a board starts: it is asked again.
      transport.on("fault", (why: string) => {
        garbled = why
        io.buffer.length = 0
      })
      return () => {
        asking.stop()
        clearTimeout(io.reportVersionTimeoutId)
      }
    },
  })
}

/** What has not been answered yet: firmata-io asks each once, and a lost answer would be waited for. */
function questionFor(io: Firmata): Uint8Array {
  if (!io.versionReceived) return Uint8Array.of(REPORT_VERSION, ...REPORT_FIRMWARE)
  if (io.firmware.name === undefined) return Uint8Array.from(REPORT_FIRMWARE)
  return Uint8Array.from(io.pins.length === 0 ? CAPABILITY_QUERY : ANALOG_MAPPING_QUERY)
}

function checkPins(path: string, io: Firmata, layout: Layout): void {
  const { MODES } = io
  const modes = {
    output: MODES.OUTPUT,
    pwm: MODES.PWM,
    servo: MODES.SERVO,
    analog: MODES.ANALOG,
    input: MODES.INPUT,
    i2c: MODES.I2C,
  }
  const owner = new Map<number, UsedPin>()
  for (const used of pinsOf(layout)) {
    const number = pinNumber(io, used.pin)
    const other = owner.get(number)
    const why = !io.pins[number]?.supportedModes.includes(modes[used.needs])
      ? `pin ${used.pin} (${used.name}) cannot do ${used.needs} there`
      : other && `pin ${used.pin} (${used.name}) is the same as ${other.pin} (${other.name})`
    owner.set(number, used)
    if (why)
      throw new WuxingError({
        code: "panel-pins",
        kind: "board",
        message: `the panel on ${path} (${io.firmware.name ?? "Firmata"}) does not fit the layout: ${why}`,
        cause: "the layout was made for another kind of board",
        help: "choose other pins in a layout file of your own (--layout FILE)",
      })
  }
}

/** −1 for an analog pin the board does not have. */
function pinNumber(io: Firmata, name: PinName): number {
  return typeof name === "number" ? name : (io.analogPins[Number(name.slice(1))] ?? -1)
}

function silent(path: string, io: Firmata, deadlineMs: number, garbled: string): WuxingError {
  const said = io.versionReceived
    ? "gave its version but did not describe its pins"
    : `did not answer as Firmata${garbled && `, but ${garbled},`}`
  return new WuxingError({
    code: "panel-silent",
    kind: "board",
    message: `the panel on ${path} ${said} within ${seconds(deadlineMs)} of its port's opening`,
    cause: "it holds another program than StandardFirmata, or the port is another device's",
    help: "load StandardFirmata onto it (Arduino IDE: File, Examples, Firmata), check the port's name, or press its reset button and start again",
  })
}

function unplugged(path: string): WuxingError {
  return new WuxingError({
    code: "panel-gone",
    kind: "board",
    message: `the panel on ${path} was unplugged before it answered`,
    cause: "its cable came off, or it restarted",
    help: "check the cable, then start again",
  })
}
