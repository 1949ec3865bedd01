/** The program of a board: which services it announces, and that it stopped or started again. */
import {
  JD_CONTROL_CMD_SERVICES,
  JD_DEVICE_SCRIPT_MANAGER_EV_PROGRAM_PANIC,
  JD_EV_STATUS_CODE_CHANGED,
  JD_SERVICE_CLASS_DEVICE_SCRIPT_MANAGER,
  JD_SERVICE_INDEX_CONTROL,
  JD_SERVICE_INDEX_MAX_NORMAL,
  JD_STATUS_CODES_READY,
  type Packet,
  parseAnnounce,
  parseEvent,
  read32,
} from "./jacdac"
import type { Manager } from "./manager"

interface Announced {
  restartCounter: number
  serviceClasses: number[]
}

/** Who hears of a board's program. */
export interface ProgramListener {
  /** Of the awaited service: commands' answers, and register values (0x1000 | register). */
  onReport?(command: number, payload: Uint8Array): void
  /**
   * The program stopped itself: code 0 is a wanted reboot, anything else a failure (60000 and up:
   * an unhandled exception, out of memory and the like). `pc` is a byte offset into the bytecode.
   * The program starts again about 5 s later, with nothing of its state.
   */
  onPanic?(code: number, pc: number): void
  /** The board or its program started again: it has lost its state. */
  onRestart?(what: "board" | "program"): void
}

export class ServedProgram {
  /** A program is being written: that it stops is meant. */
  deploying = false
  private boardRestartCounter = 0
  private announced?: Announced
  /** It was seen to stop, so its next announce is that of a new run. */
  private stopped = false
  private awaitedClass?: number
  private index?: number
  private lastEventCounter?: number

  constructor(
    private readonly manager: Manager,
    private readonly listener: ProgramListener,
  ) {}

  /** Number of the awaited service among the program's; undefined: it has not announced it. */
  get serviceIndex(): number | undefined {
    return this.index
  }

  /** What the program serves, for a message. */
  describe(): string {
    if (!this.announced) return "; its program announced nothing"
    const classes = this.announced.serviceClasses.slice(1).map(c => `0x${c.toString(16)}`)
    return `; its program serves ${classes.join(", ") || "nothing"}`
  }

  /** From now on reports are those of this service. */
  await(serviceClass: number): void {
    this.awaitedClass = serviceClass
    this.index = undefined
    this.findAwaited()
  }

  /** What was announced is that of a run that has ended. */
  forget(): void {
    this.announced = undefined
    this.stopped = false
    this.index = undefined
  }

  /** A packet of the board's own device. */
  fromBoard(packet: Packet): void {
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
        this.forget()
        this.listener.onRestart?.("board")
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
      this.listener.onPanic?.(read32(packet.payload, 0), read32(packet.payload, 4))
    } else if (event.code === JD_EV_STATUS_CODE_CHANGED && packet.payload.length >= 4) {
      if (read32(packet.payload, 0) !== JD_STATUS_CODES_READY) this.noteStop()
    }
  }

  /** A packet of the device as which the program announces itself. */
  fromProgram(packet: Packet): void {
    if (packet.serviceIndex === JD_SERVICE_INDEX_CONTROL) {
      if (packet.command !== JD_CONTROL_CMD_SERVICES) return
      const announce = parseAnnounce(packet.payload)
      if (!announce) return
      const before = this.announced?.restartCounter
      const restarted = this.stopped || (before !== undefined && announce.restartCounter < before)
      this.stopped = false
      this.announced = announce
      this.findAwaited()
      if (restarted && !this.deploying) this.listener.onRestart?.("program")
      return
    }
    if (packet.serviceIndex === this.index && !parseEvent(packet.command)) {
      this.listener.onReport?.(packet.command, packet.payload)
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
    if (!this.announced) return
    this.forget()
    this.stopped = !this.deploying
  }

  private findAwaited(): void {
    if (this.awaitedClass === undefined || !this.announced) return
    const index = this.announced.serviceClasses.indexOf(this.awaitedClass)
    this.index = index > 0 ? index : undefined
  }
}
