/**
 * The USB side of a board that is not there: its port, which speaks JD-USB as a real board's serial
 * port does, so that everything above the port is the same code for both.
 */
import { WuxingError } from "../base/errors"
import {
  buildBridgeReport,
  frameIsBridge,
  JD_FRAME_FLAG_COMMAND,
  JD_USB_BRIDGE_CMD_DISABLE_PACKETS,
  JD_USB_BRIDGE_CMD_ENABLE_PACKETS,
  packetsOf,
} from "../link/jacdac"
import { encodeFrame, encodeGap, encodeLog, JdUsbDecoder } from "../link/jdusb"
import type { Port } from "../link/port"

/** How much of a board's output an error quotes, lines. */
const TAIL_LINES = 12
/** Log text a board keeps until someone connects, bytes; a Pico's log buffer is of this order. */
const LOG_BACKLOG_SIZE = 4_096

export class BoardUsb {
  port: UsbPort
  isUnplugged = false
  /** As on a real board: nothing is sent before the first bridge command, frames not before theirs. */
  private bridgeAwake = false
  private bridgeForwards = false
  private backlog = ""
  private backlogCut = false
  private tail: string[] = []
  private decoder: JdUsbDecoder

  /**
   * @param toBoard hands the board a frame
   * @param hasRoom resolves when the board takes more bytes
   */
  constructor(
    private readonly name: string,
    private readonly toBoard: (frame: Uint8Array) => void,
    private readonly hasRoom: () => Promise<void>,
  ) {
    this.port = new UsbPort(name, this)
    this.decoder = this.newDecoder()
  }

  /** Its port goes away as if its cable was pulled, while it has its power from elsewhere. */
  unplug(): void {
    this.isUnplugged = true
    this.port.lose(new Error("its cable was pulled"))
  }

  openPort(): UsbPort {
    this.isUnplugged = false
    this.port.lose(new Error("opened anew"))
    this.port = new UsbPort(this.name, this)
    this.decoder = this.newDecoder()
    return this.port
  }

  /** The board has its power anew, and nobody has asked it for anything. */
  powerOn(): void {
    this.openPort()
    this.tail = []
    this.bridgeAwake = false
    this.bridgeForwards = false
    this.backlog = ""
    this.backlogCut = false
  }

  /** A frame of the board. */
  fromBoard(frame: Uint8Array): void {
    if (this.bridgeForwards) this.port.deliver(encodeFrame(frame))
  }

  /** It dropped frames. */
  gap(): void {
    if (this.bridgeForwards) this.port.deliver(encodeGap("frames"))
  }

  /** A line of its log. */
  printed(line: string): void {
    this.tail.push(line)
    if (this.tail.length > TAIL_LINES) this.tail.shift()
    if (this.bridgeAwake) {
      this.port.deliver(encodeLog(`${line}\n`))
      return
    }
    this.backlog += `${line}\n`
    if (this.backlog.length > LOG_BACKLOG_SIZE) {
      this.backlog = this.backlog.slice(
        this.backlog.indexOf("\n", this.backlog.length - LOG_BACKLOG_SIZE) + 1,
      )
      this.backlogCut = true
    }
  }

  /** What it printed last, for errors. */
  quoteTail(): string {
    return this.tail.length > 0 ? `; it printed last:\n  ${this.tail.join("\n  ")}` : ""
  }

  async fromPort(bytes: Uint8Array): Promise<void> {
    this.decoder.push(bytes)
    await this.hasRoom()
  }

  private newDecoder(): JdUsbDecoder {
    return new JdUsbDecoder({
      onFrame: frame => {
        if (frameIsBridge(frame)) this.bridgeCommand(frame)
        else this.toBoard(frame)
      },
    })
  }

  private bridgeCommand(frame: Uint8Array): void {
    if ((frame[3] & JD_FRAME_FLAG_COMMAND) === 0) return
    for (const { command } of packetsOf(frame)) {
      if (!this.bridgeAwake) {
        this.bridgeAwake = true
        if (this.backlogCut) this.port.deliver(encodeGap("log"))
        if (this.backlog) this.port.deliver(encodeLog(this.backlog))
        this.backlog = ""
      }
      if (command === JD_USB_BRIDGE_CMD_ENABLE_PACKETS) this.bridgeForwards = true
      if (command === JD_USB_BRIDGE_CMD_DISABLE_PACKETS) this.bridgeForwards = false
      this.port.deliver(encodeFrame(buildBridgeReport(command)))
    }
  }
}

class UsbPort implements Port {
  readonly name: string
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  private board?: BoardUsb

  constructor(name: string, board: BoardUsb) {
    this.name = name
    this.board = board
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.board) throw stoppedError(this.name)
    await this.board.fromPort(bytes)
  }

  async close(): Promise<void> {
    this.board = undefined
  }

  deliver(bytes: Uint8Array): void {
    if (this.board) this.onData?.(bytes)
  }

  lose(reason: Error): void {
    if (!this.board) return
    this.board = undefined
    this.onClose?.(reason)
  }
}

export function stoppedError(name: string): WuxingError {
  return new WuxingError({
    code: "board-gone",
    kind: "board",
    message: `the port of ${name} is closed`,
    cause: "the board was stopped or started anew",
    help: "open its port again",
  })
}
