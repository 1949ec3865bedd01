/** Where samples come from: a board's Jacdac sensor, or a serial port that prints lines of numbers. */
import { MOST_SIXTEENTHS, SensorKind, SIXTEENTHS_SHIFT } from "../../src/wire/sensor-protocol"
import { type Clock, realClock, type Timer } from "../base/clock"
import { WuxingError } from "../base/errors"
import type { BoardSet } from "../hardware/board-set"
import { findBoards, type Location } from "../hardware/location"
import type { BoardLink } from "../link/board-link"
import {
  buildPacket,
  type DeviceId,
  frameDevice,
  frameIsFor,
  JD_CONTROL_CMD_SERVICES,
  JD_FRAME_FLAG_COMMAND,
  JD_SERVICE_INDEX_CONTROL,
  packetsOf,
  parseAnnounce,
} from "../link/jacdac"
import type { Port } from "../link/port"
import { decodeReading, type SensorService } from "../signals/sensors"
import { LineReader } from "./lines"

export interface SignalSource {
  /** "accelerometer of board 1a2b…", "/dev/ttyUSB0". */
  readonly name: string
  onSample?: (values: number[], names?: string[]) => void
  /** What is doubtful of what it says. */
  onNote?: (note: string) => void
  /** The sensor or its board went away. */
  onEnd?: (reason: WuxingError) => void
  close(): Promise<void>
}

/** A board that is reset by the opening of its port starts in two or three seconds. */
const LINES_SILENT_MS = 10_000

/** A port on which a program prints lines of numbers. */
export class LineSource implements SignalSource {
  readonly name: string
  onSample?: (values: number[], names?: string[]) => void
  onEnd?: (reason: WuxingError) => void
  readonly reader = new LineReader(({ values, names }) => {
    this.lastHeard = this.clock.now()
    this.samples++
    this.onSample?.(values, names)
  })
  private samples = 0
  private lastHeard: number
  private readonly heart: Timer

  /** @param silentMs after which a port that says no numbers is given up */
  constructor(
    private readonly port: Port,
    private readonly clock: Clock = realClock,
    private readonly silentMs = LINES_SILENT_MS,
  ) {
    this.name = port.name
    this.lastHeard = clock.now()
    port.onData = bytes => this.reader.push(bytes)
    port.onClose = reason => this.end(gone(port.name, reason))
    this.heart = clock.every(ASK_MS, () => {
      if (clock.now() - this.lastHeard <= this.silentMs) return
      this.end(this.samples > 0 ? gone(this.name) : noNumbers(this.name, this.reader))
    })
  }

  private end(reason: WuxingError): void {
    this.heart.stop()
    this.onEnd?.(reason)
  }

  async close(): Promise<void> {
    this.heart.stop()
    this.port.onData = undefined
    this.port.onClose = undefined
    await this.port.close()
  }
}

const READING = 0x101
const STREAMING_SAMPLES = 0x3
const STREAMING_INTERVAL = 0x4
const GET_REPORT = 0x1000
const SET = 0x2000
const STREAMED = 255
const ASK_MS = 500

type Bus = Pick<BoardLink, "boardId" | "sendFrame" | "listen" | "clock">

/** A Jacdac sensor on a board's bus, or on the board's own port. */
export class JacdacSource implements SignalSource {
  readonly name: string
  onSample?: (values: number[], names?: string[]) => void
  onEnd?: (reason: WuxingError) => void
  onNote?: (note: string) => void
  private device?: DeviceId
  private index = 0
  /** What readings are multiplied by; undefined before an accelerometer's first that is not all 0. */
  private scale: number | undefined
  private lastHeard: number
  private readonly heart: { stop(): void }
  private readonly deafen: () => void

  /**
   * @param intervalMs between two readings
   * @param silentMs after which a sensor that was there is gone, or one that never came is missing
   */
  constructor(
    private readonly bus: Bus,
    private readonly sensor: SensorService,
    private readonly intervalMs: number,
    private readonly silentMs = 4_000,
    private readonly onClosed: () => Promise<void> = async () => {},
  ) {
    this.name = `${sensor.name} of board ${bus.boardId}`
    this.scale = sensor.kind === SensorKind.Accelerometer ? undefined : 1
    this.lastHeard = bus.clock.now()
    this.deafen = bus.listen({
      onOther: frame => this.hear(frame),
      onClose: reason => this.onEnd?.(gone(this.name, reason)),
    })
    this.heart = bus.clock.every(ASK_MS, () => this.beat())
  }

  private hear(frame: Uint8Array): void {
    if (this.device && !frameIsFor(frame, this.device)) return
    for (const packet of packetsOf(frame)) {
      if (
        packet.serviceIndex === JD_SERVICE_INDEX_CONTROL &&
        packet.command === JD_CONTROL_CMD_SERVICES
      ) {
        const classes = parseAnnounce(packet.payload)?.serviceClasses ?? []
        // Place 0 is the control service's, which is not listed.
        const place = classes.indexOf(this.sensor.serviceClass)
        if (place < 0 || this.device) continue
        this.device = frameDevice(frame)
        this.index = place
        this.beat()
      } else if (
        this.device &&
        packet.serviceIndex === this.index &&
        packet.command === (GET_REPORT | READING)
      ) {
        const values = decodeReading(this.sensor, packet.payload)
        if (!values) continue
        this.lastHeard = this.bus.clock.now()
        const scale = this.scale ?? this.scaleOf(values)
        this.onSample?.(
          values.map(value => value * scale),
          this.sensor.channels,
        )
      }
    }
  }

  /** By which an accelerometer's values come to g: its first reading that is not all 0 tells it for all. */
  private scaleOf(values: number[]): number {
    const most = Math.max(...values.map(Math.abs)) * 2 ** this.sensor.fraction
    if (most === 0) return 1
    this.scale = most <= MOST_SIXTEENTHS ? 2 ** SIXTEENTHS_SHIFT : 1
    if (this.scale > 1)
      this.onNote?.(
        `${this.name} sends sixteenths of a g, as DeviceScript's own drivers do: finer movements are lost`,
      )
    return this.scale
  }

  /** Asks for more readings; tells of a sensor that says none. */
  private beat(): void {
    if (this.bus.clock.now() - this.lastHeard > this.silentMs) {
      this.heart.stop()
      this.onEnd?.(this.device ? gone(this.name) : missing(this.sensor, this.bus.boardId))
      return
    }
    if (!this.device) return
    const interval = Buffer.alloc(4)
    interval.writeUInt32LE(this.intervalMs)
    for (const [register, payload] of [
      [STREAMING_INTERVAL, interval],
      [STREAMING_SAMPLES, Buffer.from([STREAMED])],
    ] as const) {
      const frame = buildPacket(
        ...([this.device, JD_FRAME_FLAG_COMMAND, this.index, SET | register, payload] as const),
      )
      this.bus.sendFrame(frame).catch(() => {})
    }
  }

  async close(): Promise<void> {
    this.heart.stop()
    this.deafen()
    await this.onClosed()
  }
}

/**
 * The sensor of the one board at a location.
 *
 * @throws WuxingError "usage" if there is not one board; as findBoards and BoardLink do
 */
export async function openJacdacSource(
  location: Location,
  sensor: SensorService,
  intervalMs: number,
  signal?: AbortSignal,
): Promise<JacdacSource> {
  const found = await findBoards(location)
  if (found.count !== 1)
    throw new WuxingError({
      code: "usage",
      kind: "usage",
      message: `a sensor is on one board, and --on names ${found.count}`,
      help: "for example --on serial:/dev/ttyACM0",
    })
  const boards: BoardSet = await found.open({ signal })
  try {
    const link = await boards.connect(0, { name: "the board", signal })
    return new JacdacSource(link, sensor, intervalMs, undefined, async () => {
      await link.close().catch(() => {})
      await boards.stop()
    })
  } catch (error) {
    await boards.stop()
    throw error
  }
}

function gone(name: string, reason?: Error): WuxingError {
  return new WuxingError(
    {
      code: "sensor-gone",
      kind: "board",
      message: `${name} stopped sending samples${reason ? `: ${reason.message}` : ""}`,
      cause: "its cable was pulled, or the board was reset",
      help: "plug it in again; what was recorded before is kept",
    },
    { cause: reason },
  )
}

function noNumbers(name: string, { skipped, lastSkipped }: LineReader): WuxingError {
  const heard = skipped === 0 ? "no lines came" : `${skipped} lines came, such as "${lastSkipped}"`
  return new WuxingError({
    code: "sensor-missing",
    kind: "board",
    message: `${name} prints no numbers: ${heard}`,
    cause: "the rate is another than the program's, or the program prints something else",
    help: "give the rate of its Serial.begin as --lines; lines as `1.5,-2,9.8` or `x:1.5 y:-2` are read",
  })
}

function missing(sensor: SensorService, board: string): WuxingError {
  return new WuxingError({
    code: "sensor-missing",
    kind: "board",
    message: `board ${board} has no ${sensor.name}: none announced itself`,
    cause: "the module is not plugged in, or the board does not serve it",
    help: "check the module's cable, or name another --sensor",
  })
}
