/**
 * Boards without boards, several at once: each is the real DeviceScript machine in a thread of its
 * own, in real time and as fast as this computer lets it be, with a flash that is kept and a port
 * that speaks JD-USB.
 */
import { randomBytes } from "node:crypto"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { BoardLink, type BoardLinkOptions } from "../link/board-link"
import type { Port } from "../link/port"
import { interrupted, seconds, wait } from "../link/wait"
import { boardFolder, holdFolder } from "./board-folder"
import { handsOf, type OpenableBoards, type WrapPort } from "./board-set"
import { BoardUsb, stoppedError } from "./board-usb"
import { machineModule } from "./machine-binary"

/** A thread is back at once; with the time a fleet takes to notice, and a ping, a silent board's run ends soon. */
const RECONNECT_MS = 6_500
/** It takes a tenth of a second; on a machine that is very busy, many times as long. */
const START_DEADLINE_MS = 30_000
/** Where in its folder a board keeps its flash: the same file as the DeviceScript command's. */
const FLASH_FILE = join(".devicescript", "flash", "sim.bin")
/** Frames on their way to a thread before its port refuses more. */
const MOST_ON_THE_WAY = 32
/** A thread's heap, MB: the machine has memory of its own, and everything else is small. */
const HEAP_MB = 16
/** Words shared with machine-worker.mjs. */
const WAKE = 0
const HUNG = 1
const TAKEN = 2

export interface MachineBoardsOptions {
  /** Collect garbage at every allocation: slow, finds programs that lose objects. */
  gcStress?: boolean
  /** Where boards keep their flash, each in a folder of its own; absent: nowhere, after they end. */
  folder?: string
  /** Start with empty flash. A new board's flash is empty anyway; for folders, and `restart`. */
  clearFlash?: boolean
  /** Everything the boards print, as lines. */
  onLog?: (board: number, line: string) => void
  signal?: AbortSignal
  /** How long a board may take to start, ms (default 30 s). */
  deadlineMs?: number
  wrap?: WrapPort
}

/** What a thread reports, in order. */
type News =
  | { frame: Uint8Array }
  | { line: string }
  | { flash: Uint8Array }
  | { taken: true }
  | { reset: true }

export class MachineBoards implements OpenableBoards {
  readonly reconnectMs = RECONNECT_MS
  private readonly boards: MachineBoard[] = []
  private stopped = false
  private releaseFolder = () => {}

  private constructor(private readonly options: MachineBoardsOptions) {}

  /**
   * Starts `count` boards and resolves when all run.
   *
   * @throws WuxingError "board-silent", "board-died" (kind board), "interrupted", or as holdFolder; nothing is left running then
   */
  static async start(count: number, options: MachineBoardsOptions = {}): Promise<MachineBoards> {
    const all = new MachineBoards(options)
    all.releaseFolder = await holdFolder(options.folder)
    try {
      for (let i = 0; i < count; i++) {
        const directory =
          options.folder === undefined ? undefined : await boardFolder("", i, options.folder)
        all.boards.push(new MachineBoard(i, directory, options))
      }
      await Promise.all(all.boards.map(board => board.start(options.clearFlash ?? false)))
      return all
    } catch (error) {
      await all.stop()
      throw error
    }
  }

  get count(): number {
    return this.boards.length
  }

  /** The boards' ports, in order. A restarted board has a new one. */
  get ports(): Port[] {
    return this.boards.map(board => board.usb.port)
  }

  /** 16 hex digits each. */
  get ids(): string[] {
    return this.boards.map(board => board.deviceId)
  }

  profile(): string {
    return "virtual"
  }

  connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    const board = this.at(i)
    const { port } = board.usb
    return BoardLink.connect(this.options.wrap?.(i, port, handsOf(board)) ?? port, options)
  }

  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await link.close()
    if (this.at(i).usb.isUnplugged) this.open(i)
    else await this.restart(i)
    return await this.connect(i, options)
  }

  async openPort(i: number, restart: boolean): Promise<Port> {
    return restart && !this.at(i).usb.isUnplugged ? await this.restart(i) : this.open(i)
  }

  /** A new port to a running board, as if it was unplugged and plugged in: the old one closes. */
  open(i: number): Port {
    return this.at(i).usb.openPort()
  }

  /**
   * Takes a board's power away and gives it back, with the flash it had.
   *
   * @returns its new port; the old one has closed
   * @throws as `start`
   */
  async restart(i: number, { clearFlash = false } = {}): Promise<Port> {
    const board = this.at(i)
    if (this.stopped) throw stoppedError(board.name)
    await board.end()
    // Asked again: `stop` may have come while the thread was ending.
    if (this.stopped) throw stoppedError(board.name)
    await board.start(clearFlash)
    return board.usb.port
  }

  /** Takes a board's power away at once, whatever it does. Its flash stays for `restart`. */
  async kill(i: number): Promise<void> {
    await this.at(i).end()
  }

  /** Has a board do nothing any more, until it is restarted: it neither answers nor goes away. */
  hang(i: number): void {
    this.at(i).hang()
  }

  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all(this.boards.map(board => board.end()))
    this.releaseFolder()
  }

  private at(i: number): MachineBoard {
    const board = this.boards[i]
    if (!board) throw new RangeError(`there is no virtual board ${i} (there are ${this.count})`)
    return board
  }
}

class MachineBoard {
  readonly name: string
  readonly deviceId = randomBytes(8).toString("hex")
  readonly usb: BoardUsb
  private readonly file?: string
  private flash?: Uint8Array
  private thread?: Worker
  private inbox?: MessagePort
  private control = new Int32Array(new SharedArrayBuffer(12))
  private sent = 0
  private roomFor: (() => void)[] = []
  private onRunning?: () => void
  private onDied?: (error: WuxingError) => void

  constructor(
    private readonly index: number,
    directory: string | undefined,
    private readonly options: MachineBoardsOptions,
  ) {
    this.name = `virtual-${index}`
    this.file = directory && join(directory, FLASH_FILE)
    this.usb = new BoardUsb(
      this.name,
      frame => this.toThread(frame),
      () => this.hasRoom(),
    )
  }

  unplug(): void {
    this.usb.unplug()
  }

  async start(clearFlash: boolean): Promise<void> {
    const { signal, deadlineMs = START_DEADLINE_MS } = this.options
    const what = `${this.name} to start`
    if (signal?.aborted) throw interrupted(what, signal.reason)
    this.usb.powerOn()
    if (clearFlash) this.clear()
    else this.flash ??= this.keptFlash()
    await wait<void>({
      deadlineMs,
      signal,
      what,
      late: () =>
        new WuxingError({
          code: "board-silent",
          kind: "board",
          message: `${this.name} did not start within ${seconds(deadlineMs)}${this.usb.quoteTail()}`,
          cause: "the machine is very busy",
          help: "start fewer boards, or try again",
        }),
      start: (resolve, reject) => {
        this.onRunning = resolve
        this.onDied = reject
        this.launch()
        return () => {
          this.onRunning = undefined
          this.onDied = undefined
        }
      },
    }).catch(async error => {
      await this.end()
      throw error
    })
  }

  private clear(): void {
    this.flash = undefined
    if (this.file) rmSync(this.file, { force: true })
  }

  private keptFlash(): Uint8Array | undefined {
    try {
      return this.file === undefined ? undefined : new Uint8Array(readFileSync(this.file))
    } catch {
      return undefined
    }
  }

  private launch(): void {
    const { port1, port2 } = new MessageChannel()
    this.control = new Int32Array(new SharedArrayBuffer(12))
    this.sent = 0
    this.inbox = port1
    const thread = heard(
      new Worker(new URL("./machine-worker.mjs", import.meta.url), {
        workerData: {
          ...{ module: machineModule("bare").module, id: this.deviceId },
          ...{ control: this.control, inbox: port2, flash: this.flash, file: this.file },
          gcStress: this.options.gcStress ?? false,
        },
        transferList: [port2],
        // What the host was started with (a TypeScript loader, an inspector) is not for the board.
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 2 },
      }),
    )
    this.thread = thread
    port1.unref()
    thread.on("message", (news: News[]) => {
      if (this.thread !== thread) return
      this.onRunning?.()
      for (const each of news) this.heard(each)
    })
    let failure: Error | undefined
    thread.on("error", error => {
      failure = error
    })
    thread.on("exit", () => this.hasEnded(thread, failure))
  }

  private heard(news: News): void {
    if ("frame" in news) this.usb.fromBoard(news.frame)
    else if ("line" in news) {
      this.options.onLog?.(this.index, news.line)
      this.usb.printed(news.line)
    } else if ("flash" in news) this.flash = news.flash
    else for (const go of this.roomFor.splice(0)) go()
  }

  private hasEnded(thread: Worker, failure?: Error): void {
    if (this.thread !== thread) return
    this.letGo()
    const error = new WuxingError(
      {
        code: "board-died",
        kind: "board",
        message: `the machine of ${this.name} (${this.deviceId}) ended${failure ? `: ${failure.message}` : ""}${this.usb.quoteTail()}`,
        cause: "the virtual machine crashed",
        help: "start it again; if it repeats, report it",
      },
      { cause: failure },
    )
    this.onDied?.(error)
    this.usb.port.lose(error)
  }

  private letGo(): Worker | undefined {
    const { thread } = this
    this.thread = undefined
    this.inbox?.close()
    this.inbox = undefined
    for (const go of this.roomFor.splice(0)) go()
    return thread
  }

  hang(): void {
    Atomics.store(this.control, HUNG, 1)
  }

  /** Ends the thread, wherever it is, and waits for its end. */
  async end(): Promise<void> {
    const thread = this.letGo()
    if (!thread) return
    this.usb.isUnplugged = false
    await thread.terminate()
    this.usb.port.lose(
      new WuxingError({
        code: "board-died",
        kind: "board",
        message: `${this.name} lost its power`,
      }),
    )
  }

  private toThread(frame: Uint8Array): void {
    this.sent++
    this.inbox?.postMessage(frame)
    Atomics.store(this.control, WAKE, 1)
    Atomics.notify(this.control, WAKE)
  }

  private async hasRoom(): Promise<void> {
    while (this.thread && this.sent - Atomics.load(this.control, TAKEN) > MOST_ON_THE_WAY)
      await new Promise<void>(resolve => this.roomFor.push(resolve))
  }
}
