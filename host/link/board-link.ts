/**
 * One DeviceScript board on one port: finds it, has its manager deploy its program (manager.ts), talks
 * to the service the program serves, and notices panics, restarts and lost frames.
 *
 * A board is two Jacdac devices on the same port: its own (control and DeviceScript manager
 * service) and the one under which its program announces what it serves. The second id follows
 * from the first (`servedDeviceId`), which is how the two are tied.
 */
import { NATIVE_CLASS } from "../../src/wire/protocol"
import { type Clock, realClock, type Timer } from "../base/clock"
import { WuxingError } from "../base/errors"
import {
  buildBridgeCommand,
  buildPacket,
  CMD_GET_REG,
  type DeviceId,
  frameCrc,
  frameDevice,
  frameFlags,
  frameIsBridge,
  frameIsFor,
  JD_CONTROL_CMD_NOOP,
  JD_CONTROL_CMD_RESET,
  JD_CONTROL_CMD_SERVICES,
  JD_CONTROL_REG_DEVICE_DESCRIPTION,
  JD_CONTROL_REG_FIRMWARE_VERSION,
  JD_CONTROL_REG_PRODUCT_IDENTIFIER,
  JD_DEVICE_SCRIPT_MANAGER_EV_PROGRAM_PANIC,
  JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_NAME,
  JD_DEVICE_SCRIPT_MANAGER_REG_RUNTIME_VERSION,
  JD_EV_STATUS_CODE_CHANGED,
  JD_FRAME_FLAG_ACK_REQUESTED,
  JD_FRAME_FLAG_COMMAND,
  JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER,
  JD_SERVICE_INDEX_CONTROL,
  JD_SERVICE_INDEX_CRC_ACK,
  JD_SERVICE_INDEX_MAX_NORMAL,
  JD_STATUS_CODES_READY,
  JD_USB_BRIDGE_CMD_ENABLE_LOG,
  JD_USB_BRIDGE_CMD_ENABLE_PACKETS,
  NO_PAYLOAD,
  type Packet,
  packetsOf,
  parseAnnounce,
  parseEvent,
  read16,
  read32,
  servedDeviceId,
} from "./jacdac"
import { encodeFrame, JdUsbDecoder } from "./jdusb"
import { imageOf, Manager } from "./manager"
import type { Port } from "./port"
import { seconds, wait } from "./wait"

/** How long to wait for an ACK before sending the same frame again, and how often. */
const ACK_RESEND_MS = 150
const ACK_TRIES = 10
/** Answers to a register read come in under a millisecond; a lost one is asked for again. */
const READ_RESEND_MS = 200
/** The bridge of a real board sends nothing until it is asked to. */
const BRIDGE_RESEND_MS = 250
/** A program that has just started announces itself within 500 ms; asked, it does so at once. */
const ANNOUNCE_ASK_MS = 250

/** What a board need not know is not waited for longer than this. */
const OPTIONAL_READ_DEADLINE_MS = 400
/**
 * A board announces itself every 500 ms, so a few beats without a word say that it is gone: the
 * system need not notice an unplugged port. Beats are counted rather than time measured, because a
 * host that computes for seconds hears nothing meanwhile, and that is not the board's fault.
 */
const BEAT_MS = 500
/** Beats of silence after which the board is asked for a sign of life. */
const ASK_BEATS = 3
/** Beats of silence after which it is given up: 4 s. */
const GONE_BEATS = 8
/** Beats a port may refuse bytes. A board that erases its flash may do so for seconds. */
const STUCK_BEATS = 16
/** Log lines kept for messages. */
const LOG_LINES = 40

export interface BoardLinkOptions {
  /** What to call the board in messages: "board 0". */
  name: string
  /** The time the board lives in; the real one unless given. */
  clock?: Clock
  /** How long the board may take to announce itself, ms. */
  deadlineMs?: number
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

/** What a board says of itself; undefined where it does not know. */
export interface BoardFacts {
  /** 16 hex digits. */
  id: string
  /** Name of the hardware: "Raspberry Pi Pico". */
  description?: string
  /** Number of the hardware in DeviceScript's list of boards. */
  productId?: number
  /** Version of the flashed firmware: "v1.2.3". */
  firmwareVersion?: string
  /** Version of the DeviceScript runtime: "2.16.4". */
  runtimeVersion?: string
  /** SHA-256, 64 hex digits; undefined when there is no program. */
  programHash?: string
  programName?: string
  running: boolean
  autostart: boolean
}

interface ServedProgram {
  restartCounter: number
  serviceClasses: number[]
}

export class BoardLink {
  /** What to call the board in messages. */
  name: string
  readonly port: Port
  readonly clock: Clock
  /** Reports of the awaited service: commands' answers, and register values (0x1000 | register). */
  onReport?: (command: number, payload: Uint8Array) => void
  /** A frame of another module on the board's bus; valid until the callback returns. */
  onOther?: (frame: Uint8Array) => void
  /** Commands the board's program gives to the board itself pass by: what its LED is to do, say. */
  onSelfCommand?: (packet: Packet) => void
  onLog?: (line: string) => void
  /**
   * The program stopped itself: code 0 is a wanted reboot, anything else a failure (60000 and up:
   * an unhandled exception, out of memory and the like). `pc` is a byte offset into the bytecode.
   * The program starts again about 5 s later, with nothing of its state.
   */
  onPanic?: (code: number, pc: number) => void
  /** The board or its program started anew: whatever it had been told is gone. */
  onRestart?: (what: "board" | "program") => void
  /** The board dropped frames on their way to us: an answer may be missing. */
  onGap?: () => void
  /** The port went away by itself. Not called after `close()`. */
  onClose?: (reason: Error) => void
  /** When a frame of the board or of its program last came, ms on `clock`. */
  lastHeard = 0
  /** The same for the program alone: a board announces itself even while its program is down. */
  lastHeardProgram = 0

  private readonly decoder: JdUsbDecoder
  private readonly signal?: AbortSignal
  private framesOut = 0
  private board?: DeviceId
  private served?: DeviceId
  private boardRestartCounter = 0
  private isNative = false
  private program?: ServedProgram
  /** The program was seen to stop, so its next announce is that of a new run. */
  private programStopped = false
  private deploying = false
  private awaitedClass?: number
  private awaitedIndex?: number
  private lastEventCounter?: number
  private gone?: Error
  private closed = false
  private bytesIn = 0
  /** Beats since a frame came, and since a port began to refuse bytes. */
  private silentBeats = 0
  private stuckBeats = 0
  private writing = 0
  private readonly heart: Timer
  private readonly manager: Manager
  private readonly logLines: string[] = []
  private readonly packetListeners = new Set<(packet: Packet, fromBoard: boolean) => void>()
  private readonly goneListeners = new Set<(reason: Error) => void>()

  private constructor(port: Port, options: BoardLinkOptions) {
    this.port = port
    this.name = options.name
    this.signal = options.signal
    this.clock = options.clock ?? realClock
    this.manager = new Manager({
      clock: this.clock,
      signal: options.signal,
      title: () => this.title,
      command: (service, command, payload, ack) =>
        this.commandFrame(this.board!, service, command, payload, ack),
      report: (service, command, size, what, deadlineMs, frame) =>
        this.report(service, command, size, what, deadlineMs, frame),
      send: frame => this.write(frame),
      sendAcked: frame => this.sendAcked(frame),
    })
    this.onLog = options.onLog
    this.decoder = new JdUsbDecoder({
      onFrame: frame => this.receive(frame),
      onLog: line => this.log(line),
      onGap: what => {
        if (what === "frames") this.onGap?.()
      },
    })
    port.onData = bytes => {
      this.bytesIn += bytes.length
      this.decoder.push(bytes)
    }
    port.onClose = reason => this.portGone(reason)
    // A link that nobody closed must not keep the process.
    this.heart = this.clock.every(BEAT_MS, () => this.beat(), { background: true })
  }

  /**
   * Resolves when the board's own device has announced itself.
   * @throws WuxingError "board-silent", "board-gone", "interrupted"; the port is then closed.
   */
  static async connect(port: Port, options: BoardLinkOptions): Promise<BoardLink> {
    const link = new BoardLink(port, options)
    const deadlineMs = options.deadlineMs ?? 10_000
    try {
      await link.waitFor<void>({
        deadlineMs,
        what: `${options.name} to announce itself`,
        late: () =>
          new WuxingError({
            code: "board-silent",
            kind: "board",
            message: `${options.name} (${port.name}) did not announce itself within ${seconds(deadlineMs)}${link.heardInstead()}`,
            cause: "what is behind the port is no DeviceScript board, or it hangs",
            help: "check the port, flash the DeviceScript firmware, or reset the board",
          }),
        start: (resolve, reject) => {
          const ask = () => {
            link.write(buildBridgeCommand(JD_USB_BRIDGE_CMD_ENABLE_PACKETS)).catch(reject)
            link.write(buildBridgeCommand(JD_USB_BRIDGE_CMD_ENABLE_LOG)).catch(reject)
          }
          const timer = link.clock.every(BRIDGE_RESEND_MS, ask)
          const listener = () => {
            if (link.board) resolve()
          }
          link.packetListeners.add(listener)
          ask()
          return () => {
            timer.stop()
            link.packetListeners.delete(listener)
          }
        },
      })
      return link
    } catch (error) {
      await link.close()
      throw error
    }
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
      framesOut: this.framesOut,
      crcErrors: this.decoder.crcErrors + this.decoder.broken,
      gaps: this.decoder.frameGaps,
    }
  }

  /** The last lines of the board's log, oldest first. */
  get recentLog(): readonly string[] {
    return this.logLines
  }

  /** Asks the board what it is and what it runs. @throws as `programHash` */
  async facts(): Promise<BoardFacts> {
    const text = (bytes?: Uint8Array) => bytes && (Buffer.from(bytes).toString("utf8") || undefined)
    const control = (register: number) => this.readOptional(JD_SERVICE_INDEX_CONTROL, register)
    const manager = async (register: number) =>
      this.isNative ? undefined : await this.readOptional(this.manager.index, register)
    const [hash, running, autostart, version, name, description, product, firmware] =
      await Promise.all([
        this.isNative ? "" : this.programHash(),
        this.isNative || this.manager.isRunning(),
        this.isNative || this.manager.isAutostarting(),
        manager(JD_DEVICE_SCRIPT_MANAGER_REG_RUNTIME_VERSION),
        manager(JD_DEVICE_SCRIPT_MANAGER_REG_PROGRAM_NAME),
        control(JD_CONTROL_REG_DEVICE_DESCRIPTION),
        control(JD_CONTROL_REG_PRODUCT_IDENTIFIER),
        control(JD_CONTROL_REG_FIRMWARE_VERSION),
      ])
    return {
      id: this.boardId,
      description: text(description),
      productId: product && product.length >= 4 ? read32(product, 0) : undefined,
      firmwareVersion: text(firmware),
      runtimeVersion:
        version && version.length >= 4
          ? `${version[3]}.${version[2]}.${read16(version, 0)}`
          : undefined,
      programHash: /^0*$/.test(hash) ? undefined : hash,
      programName: text(name),
      running,
      autostart,
    }
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
    this.deploying = true
    this.forgetProgram()
    try {
      await this.manager.write(image, onProgress)
      await this.manager.makeRun()
    } finally {
      this.deploying = false
    }
    return "deployed"
  }

  /**
   * Waits until the program announces a service of this class; `send` and `onReport` are then
   * about that service.
   * @throws WuxingError "service-missing" (kind firmware), "board-gone", "interrupted"
   */
  async waitForService(serviceClass: number, deadlineMs: number): Promise<void> {
    this.awaitedClass = serviceClass
    this.awaitedIndex = undefined
    this.findAwaited()
    if (this.awaitedIndex !== undefined) return
    const classText = `0x${serviceClass.toString(16)}`
    await this.waitFor<void>({
      deadlineMs,
      what: `service ${classText} of ${this.title}`,
      late: () =>
        new WuxingError({
          code: "service-missing",
          kind: "firmware",
          message: `${this.title} did not announce service ${classText} within ${seconds(deadlineMs)}${this.programSays()}`,
          cause: "its program is another one, or it stopped before it served anything",
          help: "deploy the firmware again and read the board's log",
        }),
      start: (resolve, reject) => {
        const ask = () => {
          const frame = this.commandFrame(
            this.served!,
            JD_SERVICE_INDEX_CONTROL,
            JD_CONTROL_CMD_SERVICES,
          )
          this.write(frame).catch(reject)
        }
        const listener = () => {
          if (this.awaitedIndex !== undefined) resolve()
        }
        const timer = this.clock.every(ANNOUNCE_ASK_MS, ask)
        this.packetListeners.add(listener)
        ask()
        return () => {
          timer.stop()
          this.packetListeners.delete(listener)
        }
      },
    })
  }

  /**
   * Sends a command to the awaited service. Resolves when the port has taken the bytes, which says
   * nothing about the board: its answer comes as a report.
   * @param payload at most 236 bytes
   */
  send(command: number, payload: Uint8Array = NO_PAYLOAD): Promise<void> {
    if (this.awaitedIndex === undefined) {
      return Promise.reject(
        new WuxingError({
          code: "service-missing",
          kind: "firmware",
          message: `${this.title} serves nothing yet: a command 0x${command.toString(16)} has nowhere to go`,
          cause: "its program restarted, or the service was not waited for",
          help: "wait for the service before sending to it",
        }),
      )
    }
    return this.write(this.commandFrame(this.served!, this.awaitedIndex, command, payload))
  }

  /**
   * Sends bytes that the board only acknowledges, and waits until it has.
   * @param payload at most 236 bytes
   * @throws WuxingError "board-no-answer", "board-gone", "interrupted"
   */
  ping(payload: Uint8Array = NO_PAYLOAD): Promise<void> {
    return this.sendAcked(
      this.commandFrame(this.board!, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_NOOP, payload, true),
    )
  }

  /** Puts a frame of another device on the board's bus: that of a module that is not there. */
  sendFrame(frame: Uint8Array): Promise<void> {
    return this.write(frame)
  }

  /** Tells the board to start anew. Its program loses its state, but nothing that is in flash. */
  reset(): Promise<void> {
    return this.write(
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
    this.endWaits(this.goneError("its link was closed"))
    this.port.onData = undefined
    this.port.onClose = undefined
    await this.port.close()
  }

  // ---- receiving -------------------------------------------------------------------------------

  private receive(frame: Uint8Array): void {
    if (frameIsBridge(frame)) return
    if (frameFlags(frame) & JD_FRAME_FLAG_COMMAND) {
      if (this.board && this.onSelfCommand && frameIsFor(frame, this.board))
        for (const packet of packetsOf(frame)) this.onSelfCommand(packet)
      return
    }
    if (!this.board) this.tryAdopt(frame)
    const board = this.board
    if (!board) return
    const fromBoard = frameIsFor(frame, board)
    // A board may pass on what other modules on its Jacdac bus say.
    if (!fromBoard && !frameIsFor(frame, this.served!)) {
      this.onOther?.(frame)
      return
    }
    this.lastHeard = this.clock.now()
    this.silentBeats = 0
    if (!fromBoard) this.lastHeardProgram = this.lastHeard
    for (const packet of packetsOf(frame)) {
      if (fromBoard) this.fromBoard(packet)
      else this.fromProgram(packet)
      for (const listener of this.packetListeners) listener(packet, fromBoard)
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

  private fromBoard(packet: Packet): void {
    if (
      packet.serviceIndex === JD_SERVICE_INDEX_CONTROL &&
      packet.command === JD_CONTROL_CMD_SERVICES
    ) {
      const announce = parseAnnounce(packet.payload)
      if (!announce) return
      const before = this.boardRestartCounter
      this.boardRestartCounter = announce.restartCounter
      const index = announce.serviceClasses.indexOf(JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER)
      if (index >= 0) this.manager.index = index
      if (announce.restartCounter < before) {
        this.lastEventCounter = undefined
        this.forgetProgram()
        this.onRestart?.("board")
      }
      return
    }
    // An acknowledgement carries a CRC where others carry a command: it may look like an event.
    if (packet.serviceIndex > JD_SERVICE_INDEX_MAX_NORMAL) return
    const event = parseEvent(packet.command)
    if (!event || !this.isNewEvent(event.counter)) return
    if (packet.serviceIndex !== this.manager.index) return
    if (event.code === JD_DEVICE_SCRIPT_MANAGER_EV_PROGRAM_PANIC && packet.payload.length >= 8) {
      this.noteStop()
      this.onPanic?.(read32(packet.payload, 0), read32(packet.payload, 4))
    } else if (event.code === JD_EV_STATUS_CODE_CHANGED && packet.payload.length >= 4) {
      if (read32(packet.payload, 0) !== JD_STATUS_CODES_READY) this.noteStop()
    }
  }

  private fromProgram(packet: Packet): void {
    if (packet.serviceIndex === JD_SERVICE_INDEX_CONTROL) {
      if (packet.command !== JD_CONTROL_CMD_SERVICES) return
      const announce = parseAnnounce(packet.payload)
      if (!announce) return
      const before = this.program?.restartCounter
      const restarted =
        this.programStopped || (before !== undefined && announce.restartCounter < before)
      this.programStopped = false
      this.program = announce
      this.findAwaited()
      if (restarted && !this.deploying) this.onRestart?.("program")
      return
    }
    if (packet.serviceIndex === this.awaitedIndex && !parseEvent(packet.command)) {
      this.onReport?.(packet.command, packet.payload)
    }
  }

  /** Events come three times with one counter, and the repeats of two events may interleave. */
  private isNewEvent(counter: number): boolean {
    const last = this.lastEventCounter
    if (last !== undefined) {
      const ahead = (counter - last) & 0x7f
      if (ahead === 0 || ahead >= 64) return false
    }
    this.lastEventCounter = counter
    return true
  }

  private noteStop(): void {
    if (!this.program) return
    this.forgetProgram()
    this.programStopped = !this.deploying
  }

  private forgetProgram(): void {
    this.program = undefined
    this.programStopped = false
    this.awaitedIndex = undefined
  }

  private findAwaited(): void {
    if (this.awaitedClass === undefined || !this.program) return
    const index = this.program.serviceClasses.indexOf(this.awaitedClass)
    this.awaitedIndex = index > 0 ? index : undefined
  }

  private log(line: string): void {
    this.logLines.push(line)
    if (this.logLines.length > LOG_LINES) this.logLines.shift()
    this.onLog?.(line)
  }

  private beat(): void {
    if (this.gone || !this.board) return
    if (this.writing > 0 && ++this.stuckBeats >= STUCK_BEATS) {
      this.portGone(this.stuckError())
      return
    }
    // Erasing flash stops everything else on a board; what waits for the deploy has deadlines.
    if (this.deploying) this.silentBeats = 0
    else this.silentBeats++
    if (this.silentBeats >= GONE_BEATS) this.portGone(this.silentError())
    else if (this.silentBeats >= ASK_BEATS) {
      this.write(
        this.commandFrame(this.board, JD_SERVICE_INDEX_CONTROL, JD_CONTROL_CMD_SERVICES),
      ).catch(() => {})
    }
  }

  private portGone(reason?: Error): void {
    if (this.closed || this.gone) return
    this.heart.stop()
    this.decoder.flushLog()
    const error =
      reason instanceof WuxingError ? reason : this.goneError("its port went away", reason)
    this.endWaits(error)
    this.onClose?.(error)
  }

  private endWaits(reason: Error): void {
    this.gone ??= reason
    for (const listener of [...this.goneListeners]) listener(reason)
  }

  // ---- questions -------------------------------------------------------------------------------

  /** A register of the board's own device that it may lack: undefined then. */
  private async readOptional(service: number, register: number): Promise<Uint8Array | undefined> {
    const command = CMD_GET_REG | register
    const frame = this.commandFrame(this.board!, service, command)
    try {
      return await this.report(service, command, 0, "register", OPTIONAL_READ_DEADLINE_MS, frame)
    } catch (error) {
      if (error instanceof WuxingError && error.code === "board-no-answer") return undefined
      throw error
    }
  }

  /** Waits for a report of a service of the board; `frame` asks for it and is repeated. */
  private report(
    service: number,
    command: number,
    size: number,
    what: string,
    deadlineMs: number,
    frame?: Uint8Array,
  ): Promise<Uint8Array> {
    return this.waitFor<Uint8Array>({
      deadlineMs,
      what: `the ${what} of ${this.title}`,
      late: () => this.noAnswer(`\`${what}\``, deadlineMs),
      start: (resolve, reject) => {
        const listener = (packet: Packet, fromBoard: boolean) => {
          if (!fromBoard || packet.serviceIndex !== service) return
          if (packet.command === command && packet.payload.length >= size) {
            resolve(packet.payload.slice())
          }
        }
        this.packetListeners.add(listener)
        const ask = () => frame && this.write(frame).catch(reject)
        const timer = frame && this.clock.every(READ_RESEND_MS, ask)
        ask()
        return () => {
          timer?.stop()
          this.packetListeners.delete(listener)
        }
      },
    })
  }

  /** Sends a frame to the board until it acknowledges it. */
  private sendAcked(frame: Uint8Array): Promise<void> {
    const crc = frameCrc(frame)
    const deadlineMs = ACK_RESEND_MS * ACK_TRIES
    return this.waitFor<void>({
      deadlineMs,
      what: `an acknowledgement of ${this.title}`,
      late: () => this.noAnswer("a frame that asks for an acknowledgement", deadlineMs),
      start: (resolve, reject) => {
        const listener = (packet: Packet, fromBoard: boolean) => {
          if (!fromBoard || packet.serviceIndex !== JD_SERVICE_INDEX_CRC_ACK) return
          if (packet.command === crc) resolve()
        }
        this.packetListeners.add(listener)
        const send = () => this.write(frame).catch(reject)
        const timer = this.clock.every(ACK_RESEND_MS, send)
        send()
        return () => {
          timer.stop()
          this.packetListeners.delete(listener)
        }
      },
    })
  }

  // ---- common ----------------------------------------------------------------------------------

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

  private async write(frame: Uint8Array): Promise<void> {
    if (this.gone) throw this.gone
    this.framesOut++
    // A port that takes no bytes may never say so; `beat` watches, and ends this wait too.
    await new Promise<void>((resolve, reject) => {
      this.writing++
      this.goneListeners.add(reject)
      const settled = () => {
        this.writing--
        this.stuckBeats = 0
        this.goneListeners.delete(reject)
      }
      this.port.write(encodeFrame(frame)).then(
        () => {
          settled()
          resolve()
        },
        error => {
          settled()
          reject(error)
        },
      )
    })
  }

  private waitFor<T>(options: Parameters<typeof wait<T>>[0]): Promise<T> {
    return wait<T>({
      clock: this.clock,
      signal: this.signal,
      ...options,
      start: (resolve, reject) => {
        if (this.gone) {
          reject(this.gone)
          return () => {}
        }
        this.goneListeners.add(reject)
        const stop = options.start(resolve, reject)
        return () => {
          this.goneListeners.delete(reject)
          stop()
        }
      },
    })
  }

  private get title(): string {
    return `${this.name} (${this.port.name}${this.board ? `, ${this.board.hex}` : ""})`
  }

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

  private programSays(): string {
    if (!this.program) return "; its program announced nothing"
    const classes = this.program.serviceClasses.slice(1).map(c => `0x${c.toString(16)}`)
    return `; its program serves ${classes.join(", ") || "nothing"}`
  }

  private goneError(why: string, cause?: Error): WuxingError {
    return new WuxingError(
      {
        code: "board-gone",
        kind: "board",
        message: `${this.title} is gone: ${why}${cause ? ` (${cause.message})` : ""}`,
        cause: "the cable was pulled, the board lost power, or its process ended",
        help: "check the cable and supply, then start again",
      },
      { cause },
    )
  }

  private silentError(): WuxingError {
    return new WuxingError({
      code: "board-gone",
      kind: "board",
      message: `${this.title} is gone: not a word for ${seconds(GONE_BEATS * BEAT_MS)}, though it was asked`,
      cause: "the cable was pulled, the board lost power or hangs",
      help: "check the cable and supply, reset the board, then start again",
    })
  }

  private stuckError(): WuxingError {
    return new WuxingError({
      code: "board-gone",
      kind: "board",
      message: `${this.title} has taken no more bytes for ${seconds(STUCK_BEATS * BEAT_MS)}`,
      cause: "the board hangs, or the port leads nowhere",
      help: "reset the board or plug it in again, then start again",
    })
  }

  private noAnswer(what: string, deadlineMs: number): WuxingError {
    const ago = this.lastHeard
      ? `, last heard ${seconds(this.clock.now() - this.lastHeard)} ago`
      : ""
    return new WuxingError({
      code: "board-no-answer",
      kind: "board",
      message: `${this.title} did not answer ${what} within ${seconds(deadlineMs)}${ago}`,
      cause: "the board hangs or was reset",
      help: "reset the board, or start it again",
    })
  }
}
