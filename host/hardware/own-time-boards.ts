/**
 * Boards in this process that an agent can pass on: each is the real virtual machine, with an account
 * of what it computes. While it computes, its clock goes by its operations, at the speed of a board
 * profile; while it waits for its host, by ours. So however many of them share two cores, and however
 * long messages take through a broker, what they computed is told as boards of that profile would have
 * taken it.
 */
import { realClock, type Timer, takeTurns } from "../base/clock"
import { BoardLink, type BoardLinkOptions } from "../link/board-link"
import type { Port } from "../link/port"
import type { BoardProfile } from "./board-profile"
import type { OpenableBoards } from "./board-set"
import { BoardUsb, stoppedError } from "./board-usb"
import { type BoardCount, countOf } from "./counted-set"
import { OperationCount } from "./machine"
import { machineModule } from "./machine-binary"
import { type MachineCore, MachineEnded, startMachine } from "./machine-core.mjs"

/** The least a turn of a machine's loop takes, ms. */
const TURN_MS = 0.02
/** Of our time: a machine does not know of all it may have to do. */
const MOST_IDLE_MS = 20
/** Frames that wait for a machine before its port takes no more. */
const MOST_WAITING = 32
/** A board is back at once. */
const RECONNECT_MS = 6_500

export class OwnTimeBoards implements OpenableBoards {
  readonly reconnectMs = RECONNECT_MS
  private readonly boards: OwnTimeBoard[]
  private running = true
  private readonly loop: Promise<void>
  private wake = () => {}

  /** @param first number of the first board, which is part of its id: no two boards have the same */
  constructor(
    count: number,
    private readonly of: BoardProfile,
    first = 0,
  ) {
    this.boards = Array.from(
      { length: count },
      (_, i) => new OwnTimeBoard(first + i, of, () => this.wake()),
    )
    this.loop = this.run()
  }

  get count(): number {
    return this.boards.length
  }

  profile(): string {
    return this.of.id
  }

  /** What each board has computed since it was made. */
  counts(): BoardCount[] {
    return this.boards.map(({ operations }) => countOf(operations, this.of))
  }

  async openPort(i: number, restart: boolean): Promise<Port> {
    if (!this.running) throw stoppedError(this.boards[i].name)
    if (restart) this.boards[i].restart()
    else this.boards[i].usb.openPort()
    this.wake()
    return this.boards[i].usb.port
  }

  async connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    return await BoardLink.connect(await this.openPort(i, false), options)
  }

  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await link.close()
    return await BoardLink.connect(await this.openPort(i, true), options)
  }

  async stop(): Promise<void> {
    this.running = false
    this.wake()
    await this.loop
    for (const board of this.boards) board.usb.port.lose(stoppedError(board.name))
  }

  private async run(): Promise<void> {
    while (this.running) {
      for (const board of this.boards) {
        if (board.wakes > realClock.now()) continue
        board.turn()
        // What it sent leaves, and what comes for others is heard, before the next computes.
        await takeTurns()
      }
      const now = realClock.now()
      const wakes = Math.min(...this.boards.map(board => board.wakes))
      if (wakes > now && this.running) await this.pause(wakes - now)
      else await takeTurns()
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      let timer: Timer
      const end = () => {
        timer.stop()
        this.wake = () => {}
        resolve()
      }
      timer = realClock.after(ms, end)
      this.wake = end
    })
  }
}

class OwnTimeBoard {
  readonly name: string
  readonly usb: BoardUsb
  /** When it next has something to do, ms of our clock. */
  wakes = 0
  private readonly id: string
  private readonly msPerOperation: number
  private core!: MachineCore
  private count!: OperationCount
  private countedBefore = 0
  private flash?: Uint8Array
  /** Its own time, ms, and ours when it last stood still. */
  private now = 1
  private idleSince?: number
  private inbox: Uint8Array[] = []
  private roomFor: (() => void)[] = []

  constructor(
    number: number,
    profile: BoardProfile,
    private readonly hasWork: () => void,
  ) {
    this.name = `${profile.id}-${number}`
    this.id = `c1a5${number.toString(16).padStart(12, "0")}`
    this.msPerOperation = (1000 * profile.cyclesPerOperation) / profile.clockHz
    this.usb = new BoardUsb(
      this.name,
      frame => {
        this.inbox.push(frame)
        this.wakes = 0
        this.hasWork()
      },
      async () => {
        while (this.inbox.length > MOST_WAITING)
          await new Promise<void>(resolve => this.roomFor.push(resolve))
      },
    )
    this.start()
  }

  get operations(): number {
    return this.countedBefore + this.count.operations
  }

  /** It loses its power and gets it back, with the flash it had. */
  restart(): void {
    this.usb.port.lose(new Error(`${this.name} lost its power`))
    this.usb.powerOn()
    this.countedBefore = this.operations
    this.start()
  }

  turn(): void {
    if (this.idleSince !== undefined) this.now += realClock.now() - this.idleSince
    this.idleSince = undefined
    const before = this.count.operations
    let idleMs: number
    try {
      // One at a time: a machine that gets more than it has room for drops the rest, a port waits.
      if (this.inbox.length > 0 && this.core.receive(this.inbox[0]) === 0) {
        this.inbox.shift()
        for (const go of this.roomFor.splice(0)) go()
      }
      idleMs = this.core.process() / 1000
    } catch (error) {
      if (!(error instanceof MachineEnded)) throw error
      // It was told to reset, or its program ended it: it starts anew with the flash it has.
      this.countedBefore = this.operations
      this.start()
      return
    }
    const operations = this.count.operations - before
    this.now += TURN_MS + operations * this.msPerOperation
    if (operations > 0 || this.inbox.length > 0) return
    this.idleSince = realClock.now()
    this.wakes = this.idleSince + Math.min(MOST_IDLE_MS, Math.max(1, idleMs))
  }

  private start(): void {
    const { module, counters } = machineModule("counted")
    this.inbox = []
    this.wakes = 0
    this.idleSince = undefined
    for (const go of this.roomFor.splice(0)) go()
    this.core = startMachine(module, this.id, {
      now: () => this.now,
      flash: () => this.flash,
      onSync: kept => {
        this.flash = kept()
      },
      onFrame: frame => this.usb.fromBoard(frame),
      onLog: line => this.usb.printed(line),
    })
    this.count = new OperationCount(this.core, counters)
  }
}
