/**
 * Boards in this process whose time is a virtual clock's: the real DeviceScript machine, whose
 * operations, flash and messages take as long as a board profile says. What real boards do to a host
 * by being slow is here, and the same at every run: a board hears nothing on USB while a turn of its
 * machine lasts or its flash is erased, and loses frames it sends in one turn beyond its queue.
 *
 * What is modelled of USB and flash follows the sources of DeviceScript's firmware for the Pico
 * (src/usb.c, src/flash.c, jacdac-c's jd_usb.c): USB is served between two turns, and a flash page is
 * programmed when the next one is begun or the store is done; on an ESP32 at once (main/flash.c).
 */
import { type Action, type Clock, QUIET, realClock, type Timer } from "../base/clock"
import { WuxingError } from "../base/errors"
import { BoardLink, type BoardLinkOptions } from "../link/board-link"
import type { Port } from "../link/port"
import type { BoardProfile } from "./board-profile"
import { type BoardSet, handsOf, type WrapPort } from "./board-set"
import { BoardUsb, stoppedError } from "./board-usb"
import { OperationCount } from "./machine"
import { machineModule } from "./machine-binary"
import { type MachineCore, MachineEnded, startMachine } from "./machine-core.mjs"
import { Flash, type FlashChange, PowerCut } from "./timed-flash"

export type { FlashChange } from "./timed-flash"

/** The least a turn of a machine's loop takes, ms. */
const TURN_MS = 0.02
/** A machine counts whole milliseconds; and it does not know of all it may have to do. */
const LEAST_IDLE_MS = 1
const MOST_IDLE_MS = 5
/** Bytes of frames a board keeps for USB (JD_USB_QUEUE_SIZE), each rounded up to 4. */
const USB_QUEUE_BYTES = 2_048
/** From reset or power until the runtime begins, ms. */
const BOOT_MS = 100
const RECONNECT_MS = 6_500

/** A turn of a board's machine: until then it hears nothing. */
export interface Turn {
  board: number
  /** When it began, ms of the clock. */
  at: number
  operations: number
  /** Spent on operations, ms. */
  busyMs: number
  /** Spent on flash, ms. */
  flashMs: number
  /** The longest part of `busyMs` at a stretch, without a look at USB, ms. */
  deafMs: number
}

export interface TimedBoardsOptions {
  clock?: Clock
  profile: BoardProfile
  onLog?: (board: number, line: string) => void
  wrap?: WrapPort
  /**
   * Called before each change of flash; a number says that power fails within it, when this share of
   * it, 0…1, has happened.
   */
  onFlash?: (change: FlashChange) => number | undefined
  /** Collects garbage at every allocation. */
  gcStress?: boolean
  /** Called after each turn. */
  onTurn?: (turn: Turn) => void
  /**
   * The share of its pauses, 0…1, from which a board does not wake by itself, but with the next bytes
   * from its host: its runtime may set the alarm it sleeps by at a time that is over already.
   */
  lostAlarms?: number
  /** What random numbers and device ids come from; equal ones make equal runs. */
  seed?: number
}

export class TimedBoards implements BoardSet {
  readonly reconnectMs = RECONNECT_MS
  readonly clock: Clock
  private readonly boards: TimedBoard[]
  private stopped = false

  constructor(
    count: number,
    private readonly options: TimedBoardsOptions,
  ) {
    this.clock = options.clock ?? realClock
    this.boards = Array.from({ length: count }, (_, i) => new TimedBoard(i, this.clock, options))
    for (const board of this.boards) board.powerOn()
  }

  get count(): number {
    return this.boards.length
  }

  profile(): string {
    return this.options.profile.id
  }

  get ports(): Port[] {
    return this.boards.map(({ usb }) => usb.port)
  }

  /** Operations each board has carried out since it got its power. */
  get operations(): number[] {
    return this.boards.map(board => board.operations)
  }

  /** What each board's flash holds. */
  get flashes(): Uint8Array[] {
    return this.boards.map(({ flash }) => flash.bytes)
  }

  connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    const board = this.at(i)
    const { port } = board.usb
    const wrapped = this.options.wrap?.(i, port, handsOf(board)) ?? port
    return BoardLink.connect(wrapped, { ...options, clock: this.clock })
  }

  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await link.close()
    if (this.stopped) throw stoppedError(this.at(i).name)
    if (this.at(i).usb.isUnplugged) this.open(i)
    else this.restart(i)
    return await this.connect(i, options)
  }

  /** A new port to a running board, as if it was unplugged and plugged in: the old one closes. */
  open(i: number): Port {
    return this.at(i).usb.openPort()
  }

  /** Takes a board's power away and gives it back, with the flash it had; a new port. */
  restart(i: number): Port {
    const board = this.at(i)
    board.powerOff("it lost its power")
    board.powerOn()
    return board.usb.port
  }

  /** Takes a board's power away. */
  kill(i: number): void {
    this.at(i).powerOff("it lost its power")
  }

  /** Has a board do nothing any more until it is restarted. */
  hang(i: number): void {
    this.at(i).hang()
  }

  async stop(): Promise<void> {
    this.stopped = true
    for (const board of this.boards) board.powerOff("it was stopped")
  }

  private at(i: number): TimedBoard {
    const board = this.boards[i]
    if (!board) throw new RangeError(`there is no board ${i} (there are ${this.count})`)
    return board
  }
}

class TimedBoard {
  readonly name: string
  readonly usb: BoardUsb
  readonly flash: Flash
  private readonly id: string
  private readonly msPerOperation: number
  private readonly random: () => number
  private core?: MachineCore
  private count?: OperationCount
  private operationsBefore = 0
  /** When the turn under way began, or the last one ended, ms of the clock. */
  private turnAt = 0
  private flashMs = 0
  /** Operations when USB was last looked at, and most of them between two such looks in this turn. */
  private operationsHeard = 0
  private mostUnheard = 0
  /** Times the machine looked for a frame in its turn. */
  private rounds = 0
  private turning = false
  /** Until then a turn lasts at the end of which nothing is to be done, ms of the clock. */
  private stillUntil = 0
  /** It waits for its host, as its alarm was lost. */
  private asleep = false
  private timer?: Timer
  /** Frames of the turn under way that USB has not been given yet. */
  private sent: Uint8Array[] = []
  /** Frames USB has taken from the host, which the machine has not. */
  private inbox: Uint8Array[] = []
  private onTheWay = 0
  private roomFor: (() => void)[] = []
  private inFree = 0
  private outFree = 0
  /** Bytes that wait for USB, and when those leave that it was given. */
  private queued = 0
  private leaving: { at: number; bytes: number }[] = []
  /** As the firmware has it: 0 none, 1 to be said, 2 said, while nothing fits. */
  private gap = 0
  /** Counts up with every loss of power: what was meant for the time before is not for now. */
  private life = 0

  constructor(
    private readonly index: number,
    private readonly clock: Clock,
    private readonly options: TimedBoardsOptions,
  ) {
    const { profile, seed = 1 } = options
    this.name = `${profile.id}-${index}`
    this.random = randomFrom(seed * 1000 + index + 1)
    this.id = Array.from({ length: 8 }, () => this.random().toString(16).padStart(2, "0")).join("")
    const cycles = profile.programCyclesPerOperation ?? profile.cyclesPerOperation
    this.msPerOperation = (1000 * cycles) / profile.clockHz
    this.usb = new BoardUsb(
      this.name,
      frame => this.fromHost(frame),
      () => {
        if (this.asleep) this.turn()
        return this.hasRoom()
      },
    )
    this.flash = new Flash(
      profile.flash,
      change => options.onFlash?.({ board: index, ...change }),
      ms => {
        this.flashMs += ms
      },
    )
  }

  get operations(): number {
    return this.count?.operations ?? 0
  }

  unplug(): void {
    this.usb.unplug()
  }

  /** For hands: nothing is waited for. */
  async end(): Promise<void> {
    this.powerOff("it lost its power")
  }

  powerOn(): void {
    this.usb.powerOn()
    this.boot()
  }

  private boot(): void {
    this.turning = true
    this.wakeAfter(BOOT_MS, () => this.begin())
  }

  private begin(): void {
    const { module, counters } = machineModule("timed")
    this.flash.forget()
    this.turnAt = this.clock.now()
    this.flashMs = 0
    this.rounds = 0
    this.count = undefined
    let core: MachineCore | undefined
    const alive = this.attempt(() => {
      core = startMachine(module, this.id, {
        now: () => this.now(),
        flash: () => this.flash.bytes,
        takesFrame: () => {
          this.serveUsb()
          return this.rounds++ === 0
        },
        onFlash: (at, what) => this.flash.hear(at, what),
        onSync: () => this.flash.sync(),
        onMemory: (memory, flashAt) => this.flash.place(memory, flashAt),
        onFrame: frame => this.toHost(frame),
        onLog: line => this.print(line),
        random: bytes => {
          for (let i = 0; i < bytes.length; i++) bytes[i] = this.random()
        },
      })
    })
    if (!alive || !core) return
    this.core = core
    if (this.options.gcStress) core.gcStress(true)
    this.count = new OperationCount(core, counters)
    this.operationsBefore = 0
    this.endTurn(0, 0)
  }

  /** As the machine sees it: time goes on with each operation, and with flash. */
  private now(): number {
    return 1_000 + this.realNow()
  }

  /** The clock's time of what the machine does now: the clock itself stands during a turn. */
  private realNow(): number {
    if (!this.turning) return this.clock.now()
    const operations = this.operations - this.operationsBefore
    return this.turnAt + operations * this.msPerOperation + this.flashMs
  }

  private turn(): unknown {
    const { core } = this
    if (!core || this.turning) return QUIET
    const still = this.stillUntil - this.clock.now()
    if (still > 0) {
      this.wakeAfter(still, () => this.turn())
      return QUIET
    }
    let quiet = true
    this.turning = true
    this.asleep = false
    this.turnAt = this.clock.now()
    this.operationsBefore = this.operations
    this.operationsHeard = this.operationsBefore
    this.mostUnheard = 0
    this.flashMs = 0
    this.rounds = 0
    // One at a time: between two, the machine deals with what it has.
    if (this.inbox.length > 0 && core.receive(this.inbox[0]) === 0) {
      this.inbox.shift()
      quiet = !this.hasTaken()
    }
    let idleMs = 0
    const alive = this.attempt(() => {
      idleMs = core.process() / 1000
    })
    if (!alive) return
    this.endTurn(this.operations - this.operationsBefore, idleMs)
    // Whoever is told of changes of flash may act on them.
    if (quiet && this.flashMs === 0) return QUIET
  }

  /** @returns false if the machine did not come to the end of it */
  private attempt(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      if (error instanceof PowerCut) this.powerOff("its power failed")
      else if (error instanceof MachineEnded && error.status === 0) {
        // It was told to reset.
        this.forget()
        this.boot()
      } else this.powerOff(`its machine failed: ${(error as Error).message}`)
      return false
    }
  }

  /** What it did is done when its time is over. */
  private endTurn(operations: number, idleMs: number): void {
    const { flashMs, turnAt } = this
    if (operations === 0 && flashMs === 0 && this.wasStill()) {
      // Most turns are like this: there is nothing to be done at its end, so no timer for that.
      this.turning = false
      this.stillUntil = turnAt + TURN_MS
      this.wakeAfter(TURN_MS + idleOf(idleMs), () => this.turn())
      return
    }
    const busyMs = operations * this.msPerOperation
    this.wakeAfter(TURN_MS + busyMs + flashMs, () => {
      this.turning = false
      this.serveUsb()
      const deafMs = this.mostUnheard * this.msPerOperation
      this.options.onTurn?.({ board: this.index, at: turnAt, operations, busyMs, flashMs, deafMs })
      // Where it took a frame there may be more.
      const busy = operations > 0 || this.rounds > 1
      const idle = busy ? 0 : idleOf(idleMs)
      let said: unknown = QUIET
      if (this.inbox.length > 0) said = this.turn()
      else if (!busy && this.losesAlarm()) this.asleep = true
      else this.wakeAfter(idle, () => this.turn())
      if (!this.options.onTurn) return said
    })
  }

  /** Nothing came to the board or went from it in its turn, and nobody is to be told of it. */
  private wasStill(): boolean {
    const { onTurn, lostAlarms = 0 } = this.options
    const silent = this.sent.length === 0 && this.gap !== 1
    return silent && this.rounds === 1 && this.inbox.length === 0 && !onTurn && lostAlarms === 0
  }

  private losesAlarm(): boolean {
    const { lostAlarms = 0 } = this.options
    return lostAlarms > 0 && this.random() < 256 * lostAlarms
  }

  private wakeAfter(ms: number, action: Action): void {
    this.timer?.stop()
    this.timer = this.clock.after(ms, action, { background: true })
  }

  hang(): void {
    this.timer?.stop()
    this.turning = true
    this.core = undefined
  }

  powerOff(why: string): void {
    this.timer?.stop()
    this.forget()
    this.usb.isUnplugged = false
    this.usb.port.lose(
      new WuxingError({ code: "board-died", kind: "board", message: `${this.name}: ${why}` }),
    )
  }

  /** What was on its way is lost. */
  private forget(): void {
    this.core = undefined
    this.asleep = false
    this.life++
    this.inbox = []
    this.sent = []
    this.onTheWay = 0
    this.queued = 0
    this.leaving = []
    this.gap = 0
    this.hasTaken()
  }

  // ---- USB -------------------------------------------------------------------------------------

  private fromHost(frame: Uint8Array): void {
    this.inFree = Math.max(this.inFree, this.clock.now()) + this.wireMs(frame)
    this.onTheWay++
    this.later(this.inFree, () => {
      this.onTheWay--
      this.inbox.push(frame)
      return this.turn()
    })
  }

  /** A board that works takes no bytes; its host's writes wait. */
  private async hasRoom(): Promise<void> {
    while (this.core && this.onTheWay + this.inbox.length > 1)
      await new Promise<void>(resolve => this.roomFor.push(resolve))
  }

  /** @returns whether somebody waited for it */
  private hasTaken(): boolean {
    const waiting = this.roomFor.splice(0)
    for (const go of waiting) go()
    return waiting.length > 0
  }

  private toHost(frame: Uint8Array): void {
    const bytes = roundedUp(frame)
    const now = this.realNow()
    while (this.leaving.length > 0 && this.leaving[0].at <= now)
      this.queued -= this.leaving.shift()!.bytes
    if (this.queued + bytes > USB_QUEUE_BYTES) {
      if (this.gap === 0) this.gap = 1
      return
    }
    if (this.gap === 2) this.gap = 0
    this.queued += bytes
    this.sent.push(frame)
  }

  /** Between two rounds of the machine's loop: what is queued goes out from now on. */
  private serveUsb(): void {
    const { operations } = this
    this.mostUnheard = Math.max(this.mostUnheard, operations - this.operationsHeard)
    this.operationsHeard = operations
    const now = this.realNow()
    const gap = this.gap === 1
    if (gap) this.gap = 2
    if (!gap && this.sent.length === 0) return
    this.outFree = Math.max(this.outFree, now)
    if (gap) this.later(this.outFree, () => this.usb.gap())
    for (const frame of this.sent.splice(0)) {
      this.outFree += this.wireMs(frame)
      this.leaving.push({ at: this.outFree, bytes: roundedUp(frame) })
      this.later(this.outFree, () => this.usb.fromBoard(frame))
    }
  }

  private print(line: string): void {
    this.later(this.realNow(), () => {
      this.options.onLog?.(this.index, line)
      this.usb.printed(line)
    })
  }

  /** What happens at a time of the clock, if the board still has its power then. */
  private later(at: number, action: Action): void {
    const { life } = this
    const ifAlive = () => (life === this.life ? action() : QUIET)
    this.clock.after(at - this.clock.now(), ifAlive, { background: true })
  }

  private wireMs(frame: Uint8Array): number {
    return (1000 * frame.length) / this.options.profile.linkBytesPerSecond
  }
}

/** How long a board waits that its machine has nothing to do for so long, ms. */
function idleOf(idleMs: number): number {
  return Math.min(MOST_IDLE_MS, Math.max(LEAST_IDLE_MS, idleMs))
}

/** Bytes a frame takes in a queue. */
function roundedUp(frame: Uint8Array): number {
  return (frame.length + 3) & ~3
}

/** Bytes of a 32-bit xorshift. */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 0xff
  }
}
