/**
 * One DeviceScript board on one port: finds it, has its manager deploy its program (manager.ts), talks
 * to the service the program serves, and notices panics, restarts and lost frames.
 *
 * A board is two Jacdac devices on the same port: its own (control and DeviceScript manager
 * service) and the one under which its program announces what it serves. The second id follows
 * from the first (`servedDeviceId`), which is how the two are tied.
 */
import { NATIVE_CLASS } from "../../src/wire/protocol"
import { type Clock, realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { type BoardFacts, readFacts } from "./board-facts"
import { Heartbeat, type Watched } from "./heartbeat"
import {
  buildBridgeCommand,
  buildPacket,
  type DeviceId,
  frameDevice,
  frameFlags,
  frameIsBridge,
  frameIsFor,
  JD_CONTROL_CMD_NOOP,
  JD_CONTROL_CMD_RESET,
  JD_CONTROL_CMD_SERVICES,
  JD_FRAME_FLAG_ACK_REQUESTED,
  JD_FRAME_FLAG_COMMAND,
  JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER,
  JD_SERVICE_INDEX_CONTROL,
  JD_USB_BRIDGE_CMD_ENABLE_LOG,
  JD_USB_BRIDGE_CMD_ENABLE_PACKETS,
  NO_PAYLOAD,
  type Packet,
  packetsOf,
  parseAnnounce,
  servedDeviceId,
} from "./jacdac"
import { JdUsbDecoder } from "./jdusb"
import { goneError, noService, nothingServed, silentAtFirst } from "./link-errors"
import { type FlashTimes, imageOf, Manager } from "./manager"
import type { Port } from "./port"
import { Requests } from "./requests"
import { type ProgramListener, ServedProgram } from "./served-program"

export type { BoardFacts } from "./board-facts"

/** The bridge of a real board sends nothing until it is asked to. */
const BRIDGE_RESEND_MS = 250
/** A program that has just started announces itself within 500 ms; asked, it does so at once. */
const ANNOUNCE_ASK_MS = 250
/** Log lines kept for messages. */
const LOG_LINES = 40

export interface BoardLinkOptions {
  /** What to call the board in messages: "board 0". */
  name: string
  /** The time the board lives in; the real one unless given. */
  clock?: Clock
  /** How long the board may take to announce itself, ms. */
  deadlineMs?: number
  /** How many times as long as a board it may be silent (BoardSet). */
  slower?: number
  /** Ends every wait of this link with an error of kind "interrupted". */
  signal?: AbortSignal
  /** Log text of the board, a line at a time. */
  onLog?: (line: string) => void
}

export interface LinkCounters {
  /** Sound frames from the port. */
  framesIn: number
  framesOut: number
  /** Fragments from the port with a wrong CRC or length, or cut off. */
  crcErrors: number
  /** Times the board said that it had dropped frames. */
  gaps: number
}

/** Who hears of a board: any number of them, each by name of what it wants to hear. */
export interface LinkListener extends ProgramListener {
  /** A frame of another module on the board's bus; valid until the callback returns. */
  onOther?(frame: Uint8Array): void
  /** Commands the board's program gives to the board itself pass by: what its LED is to do, say. */
  onSelfCommand?(packet: Packet): void
  onLog?(line: string): void
  /** The board dropped frames on their way to us: an answer may be missing. */
  onGap?(): void
  /** The port went away by itself. Not called after `close()`. */
  onClose?(reason: Error): void
}

export class BoardLink {
  /** What to call the board in messages. */
  name: string
  readonly port: Port
  readonly clock: Clock
  /** When a frame of the board or of its program last came, ms on `clock`. */
  lastHeard = 0
  /** The same for the program alone: a board announces itself even while its program is down. */
  lastHeardProgram = 0

  private readonly decoder: JdUsbDecoder
  private board?: DeviceId
  private served?: DeviceId
  private isNative = false
  private closed = false
  private bytesIn = 0
  private readonly requests: Requests
  private readonly heart: Heartbeat
  private readonly manager: Manager
  private readonly program: ServedProgram
  private readonly logLines: string[] = []
  private readonly listeners = new Set<LinkListener>()

  private constructor(port: Port, options: BoardLinkOptions) {
    this.port = port
    this.name = options.name
    const clock = options.clock ?? realClock
    const { signal } = options
    this.clock = clock
    this.requests = new Requests({
      port,
      clock,
      signal,
      title: () => this.title,
      silentMs: () => (this.lastHeard ? clock.now() - this.lastHeard : undefined),
      onWritten: () => this.heart.written(),
    })
    this.manager = new Manager({
      clock,
      signal,
      requests: this.requests,
      title: () => this.title,
      command: (service, command, payload, ack) =>
        this.commandFrame(this.board!, service, command, payload, ack),
    })
    this.program = new ServedProgram(this.manager, {
      onReport: (command, payload) => this.tell(one => one.onReport?.(command, payload)),
      onPanic: (code, pc) => this.tell(one => one.onPanic?.(code, pc)),
      onRestart: what => this.tell(one => one.onRestart?.(what)),
    })
    if (options.onLog) this.listen({ onLog: options.onLog })
    this.decoder = new JdUsbDecoder({
      onFrame: frame => this.receive(frame),
      onLog: line => this.log(line),
      onGap: what => {
        if (what === "frames") this.tell(one => one.onGap?.())
      },
    })
    port.onData = bytes => {
      this.bytesIn += bytes.length
      this.decoder.push(bytes)
    }
    port.onClose = reason => this.portGone(reason)
    const watched: Watched = {
      title: () => this.title,
      isKnown: () => this.board !== undefined,
      isWriting: () => this.requests.isWriting,
      // What waits for a deploy has deadlines of its own.
      mayBeSilent: () => this.program.deploying,
      ask: () => this.requests.write(this.askForServices(this.board!)).catch(() => {}),
      giveUp: reason => this.portGone(reason),
    }
    this.heart = new Heartbeat(clock, watched, options.slower)
  }

  /**
   * Resolves when the board's own device has announced itself.
   * @throws WuxingError "board-silent", "board-gone", "interrupted"; the port is then closed.
   */
  static async connect(port: Port, options: BoardLinkOptions): Promise<BoardLink> {
    const link = new BoardLink(port, options)
    const deadlineMs = options.deadlineMs ?? 10_000
    try {
      await link.requests.ask<true>({
        deadlineMs,
        what: `${options.name} to announce itself`,
        late: () =>
          silentAtFirst(`${options.name} (${port.name})`, deadlineMs, link.heardInstead()),
        frames: [
          buildBridgeCommand(JD_USB_BRIDGE_CMD_ENABLE_PACKETS),
          buildBridgeCommand(JD_USB_BRIDGE_CMD_ENABLE_LOG),
        ],
        everyMs: BRIDGE_RESEND_MS,
        answer: () => link.board && true,
      })
      return link
    } catch (error) {
      await link.close()
      throw error
    }
  }

  /** @returns ends it */
  listen(listener: LinkListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private tell(what: (listener: LinkListener) => void): void {
    for (const listener of [...this.listeners]) what(listener)
  }

  /** Runs the core as machine code: there is no program to deploy. */
  get native(): boolean {
    return this.isNative
  }

  /** The board's own device id, 16 hex digits in wire order. */
  get boardId(): string {
    return this.board?.hex ?? ""
  }

  get counters(): LinkCounters {
    return {
      framesIn: this.decoder.frames,
      framesOut: this.requests.framesOut,
      crcErrors: this.decoder.crcErrors + this.decoder.broken,
      gaps: this.decoder.frameGaps,
    }
  }

  /** The last lines of the board's log, oldest first. */
  get recentLog(): readonly string[] {
    return this.logLines
  }

  /** Asks the board what it is and what it runs. @throws as `programHash` */
  facts(): Promise<BoardFacts> {
    return readFacts(this.boardId, this.isNative ? undefined : this.manager, (service, register) =>
      this.requests.readOptional(service, register, command =>
        this.commandFrame(this.board!, service, command),
      ),
    )
  }

  /**
   * Puts the bytecode on the board, unless it holds the same already, and waits until it runs.
   * Autostart is switched on in either case. A native board needs none.
   *
   * @param onProgress called with the share sent, 0…1
   * @returns "same" when nothing had to be written
   * @throws WuxingError "bytecode-damaged", "deploy-failed", "program-not-running" (kind
   *   firmware), "board-no-answer", "board-gone", "interrupted"
   */
  async deploy(
    bytecode: Uint8Array,
    onProgress?: (share: number) => void,
  ): Promise<"deployed" | "same"> {
    if (this.isNative) {
      onProgress?.(1)
      return "same"
    }
    const image = imageOf(bytecode, this.title)
    if (await this.manager.holds(image)) {
      await this.manager.makeRun()
      onProgress?.(1)
      return "same"
    }
    this.program.deploying = true
    this.program.forget()
    try {
      await this.manager.write(image, onProgress)
      await this.manager.makeRun()
    } finally {
      this.program.deploying = false
    }
    return "deployed"
  }

  /**
   * Waits until the program announces a service of this class; `send` and reports are then
   * about that service.
   * @throws WuxingError "service-missing" (kind firmware), "board-gone", "interrupted"
   */
  async waitForService(serviceClass: number, deadlineMs: number): Promise<void> {
    const { program } = this
    program.await(serviceClass)
    if (program.serviceIndex !== undefined) return
    await this.requests.ask<number>({
      deadlineMs,
      what: `service 0x${serviceClass.toString(16)} of ${this.title}`,
      late: () => noService(this.title, serviceClass, deadlineMs, program.describe()),
      frames: [this.askForServices(this.served!)],
      everyMs: ANNOUNCE_ASK_MS,
      answer: () => program.serviceIndex,
    })
  }

  /**
   * Sends a command to the awaited service. Resolves when the port has taken the bytes, which says
   * nothing about the board: its answer comes as a report.
   * @param payload at most 236 bytes
   */
  send(command: number, payload: Uint8Array = NO_PAYLOAD): Promise<void> {
    const { serviceIndex } = this.program
    if (serviceIndex === undefined) return Promise.reject(nothingServed(this.title, command))
    return this.requests.write(this.commandFrame(this.served!, serviceIndex, command, payload))
  }

  /**
   * Sends bytes that the board only acknowledges, and waits until it has.
   * @param payload at most 236 bytes
   * @throws WuxingError "board-no-answer", "board-gone", "interrupted"
   */
  ping(payload: Uint8Array = NO_PAYLOAD): Promise<void> {
    return this.requests.sendAcked(
      this.commandFrame(this.board!, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_NOOP, payload, true),
    )
  }

  /** Puts a frame of another device on the board's bus: that of a module that is not there. */
  sendFrame(frame: Uint8Array): Promise<void> {
    return this.requests.write(frame)
  }

  /** What the board's flash takes, as its profile says: deadlines of `deploy` go by it. */
  set flash(times: FlashTimes | undefined) {
    this.manager.flash = times
  }

  /**
   * Keeps a board awake that is waited for, until what it returns is called: with a frame for its USB
   * alone, which turns on the log that is on.
   */
  stir(): () => void {
    // A native board sleeps until it is interrupted, and misses nothing.
    if (this.isNative) return () => {}
    return this.requests.stir(buildBridgeCommand(JD_USB_BRIDGE_CMD_ENABLE_LOG))
  }

  /** Tells the board to start anew. Its program loses its state, but nothing that is in flash. */
  reset(): Promise<void> {
    return this.requests.write(
      this.commandFrame(this.board!, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_RESET),
    )
  }

  /** SHA-256 of the program on the board, 64 hex digits; all zero when it has none. */
  programHash(): Promise<string> {
    return this.manager.programHash()
  }

  /** Lets go of the port. Waits that are under way end with "board-gone". */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.heart.stop()
    this.decoder.flushLog()
    this.requests.end(goneError(this.title, "its link was closed"))
    this.port.onData = undefined
    this.port.onClose = undefined
    await this.port.close()
  }

  private receive(frame: Uint8Array): void {
    if (frameIsBridge(frame)) return
    if (frameFlags(frame) & JD_FRAME_FLAG_COMMAND) {
      if (this.board && frameIsFor(frame, this.board))
        for (const packet of packetsOf(frame)) this.tell(one => one.onSelfCommand?.(packet))
      return
    }
    if (!this.board) this.tryAdopt(frame)
    const board = this.board
    if (!board) return
    const fromBoard = frameIsFor(frame, board)
    // A board may pass on what other modules on its Jacdac bus say.
    if (!fromBoard && !frameIsFor(frame, this.served!)) {
      this.tell(one => one.onOther?.(frame))
      return
    }
    this.lastHeard = this.clock.now()
    this.heart.heard()
    if (!fromBoard) this.lastHeardProgram = this.lastHeard
    for (const packet of packetsOf(frame)) {
      if (fromBoard) this.program.fromBoard(packet)
      else this.program.fromProgram(packet)
      this.requests.hear(packet, fromBoard)
    }
  }

  /** The first device to announce a DeviceScript manager, or to be native, is the board. */
  private tryAdopt(frame: Uint8Array): void {
    for (const packet of packetsOf(frame)) {
      if (packet.serviceIndex !== JD_SERVICE_INDEX_CONTROL) continue
      if (packet.command !== JD_CONTROL_CMD_SERVICES) continue
      const classes = parseAnnounce(packet.payload)?.serviceClasses ?? []
      const index = classes.findIndex(
        c => c === JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER || c === NATIVE_CLASS,
      )
      if (index < 0) continue
      this.isNative = classes[index] === NATIVE_CLASS
      this.board = frameDevice(frame)
      this.served = servedDeviceId(this.board)
      this.manager.index = index
      return
    }
  }

  private log(line: string): void {
    this.logLines.push(line)
    if (this.logLines.length > LOG_LINES) this.logLines.shift()
    this.tell(one => one.onLog?.(line))
  }

  private portGone(reason?: Error): void {
    if (this.closed || this.requests.gone) return
    this.heart.stop()
    this.decoder.flushLog()
    const error =
      reason instanceof WuxingError ? reason : goneError(this.title, "its port went away", reason)
    this.requests.end(error)
    this.tell(one => one.onClose?.(error))
  }

  private askForServices(device: DeviceId): Uint8Array {
    return this.commandFrame(device, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_SERVICES)
  }

  private commandFrame(
    device: DeviceId,
    serviceIndex: number,
    command: number,
    payload: Uint8Array = NO_PAYLOAD,
    ack = false,
  ): Uint8Array {
    const flags = JD_FRAME_FLAG_COMMAND | (ack ? JD_FRAME_FLAG_ACK_REQUESTED : 0)
    return buildPacket(device, flags, serviceIndex, command, payload)
  }

  private get title(): string {
    return `${this.name} (${this.port.name}${this.board ? `, ${this.board.hex}` : ""})`
  }

  /** What came instead of a board's announce, for a message. */
  private heardInstead(): string {
    const { frames, crcErrors, broken } = this.decoder
    if (frames > 0) return `; ${frames} Jacdac frame(s) came, none of a DeviceScript manager`
    if (crcErrors + broken > 0) return `; ${crcErrors + broken} damaged frame(s) came`
    if (this.bytesIn > 0)
      return `; ${this.bytesIn} bytes came that are no Jacdac frames${this.quoteLog()}`
    return "; not a byte came"
  }

  private quoteLog(): string {
    const line = this.logLines
      .at(-1)
      ?.replace(/[^\x20-\x7e]/g, "·")
      .slice(0, 60)
    return line ? ` ("${line}")` : ""
  }
}
