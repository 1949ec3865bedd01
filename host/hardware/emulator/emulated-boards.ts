/**
 * Boards without boards, of the native kind: each an emulated Pico in a process of its own that runs
 * the very program a real one would be flashed with.
 */

import { type ChildProcess, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { realClock } from "../../base/clock"
import { WuxingError } from "../../base/errors"
import { heard } from "../../base/heard"
import { ownProgram } from "../../base/own-program"
import { BoardLink, type BoardLinkOptions } from "../../link/board-link"
import type { Port } from "../../link/port"
import { boardFolder, holdFolder, removeBoardFolders } from "../board-folder"
import { type EmulatedTime, handsOf, type OpenableBoards, type WrapPort } from "../board-set"

const SCRATCH_PREFIX = join(tmpdir(), "wuxing-pico-")
/** Node and its loader start within a second or two, the board within 50 ms of its own time. */
const CONNECT_DEADLINE_MS = 20_000
const RECONNECT_MS = 20_000
/** An idle core emulates 22 million of a Pico's 125 million cycles a second; others want it too. */
const SLOWER = 20
/** A process that does not end by itself is killed after this, ms. */
const GRACE_MS = 1_000

export interface EmulatedBoardsOptions {
  /** Where boards keep their flash, each in a folder of its own; absent: nowhere, after they end. */
  folder?: string
  wrap?: WrapPort
  signal?: AbortSignal
  /** What the processes print, by board, as lines. */
  onLog?: (board: number, line: string) => void
}

export class EmulatedBoards implements OpenableBoards {
  readonly reconnectMs = RECONNECT_MS
  readonly slower = SLOWER
  private readonly boards: EmulatedBoard[] = []
  private stopped?: Promise<void>
  private releaseFolder = () => {}
  private readonly atExit = () => {
    for (const board of this.boards) board.killNow()
  }

  private constructor(private readonly options: EmulatedBoardsOptions) {
    process.on("exit", this.atExit)
  }

  /** @throws WuxingError as holdFolder and boardFolder; nothing is left running then */
  static async start(count: number, options: EmulatedBoardsOptions = {}): Promise<EmulatedBoards> {
    const all = new EmulatedBoards(options)
    try {
      all.releaseFolder = await holdFolder(options.folder)
      for (let i = 0; i < count; i++) {
        const directory = await boardFolder(SCRATCH_PREFIX, i, options.folder)
        const board = new EmulatedBoard(i, directory, options)
        all.boards.push(board)
        board.start()
      }
      return all
    } catch (error) {
      await all.stop()
      throw error
    }
  }

  get count(): number {
    return this.boards.length
  }

  /** 16 hex digits each. */
  get ids(): string[] {
    return this.boards.map(board => board.id)
  }

  profile(): string {
    return "pico-native"
  }

  connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    const board = this.boards[i]
    const port = this.options.wrap?.(i, board.port, handsOf(board)) ?? board.port
    const waits = { deadlineMs: CONNECT_DEADLINE_MS, slower: SLOWER }
    return BoardLink.connect(port, { ...waits, ...options })
  }

  async openPort(i: number, restart: boolean): Promise<Port> {
    const board = this.boards[i]
    if (restart && !board.plugIn()) {
      await board.end()
      board.start()
    }
    return board.port
  }

  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await link.close()
    const board = this.boards[i]
    if (!board.plugIn()) {
      await board.end()
      board.start()
    }
    return await this.connect(i, options)
  }

  /** Ends one board's process at once, as pulling its plug would. */
  async kill(i: number): Promise<void> {
    await this.boards[i].end("SIGKILL")
  }

  async emulatedTimes(): Promise<EmulatedTime[]> {
    return await Promise.all(this.boards.map(board => board.time()))
  }

  stop(): Promise<void> {
    this.stopped ??= this.shutDown()
    return this.stopped
  }

  private async shutDown(): Promise<void> {
    await Promise.all(this.boards.map(board => board.end()))
    if (this.options.folder === undefined) await removeBoardFolders(this.boards)
    this.releaseFolder()
    process.off("exit", this.atExit)
  }
}

interface Message {
  bytes?: Uint8Array
  nanos: number
  busyNanos: number
}

class EmulatedBoard {
  readonly id = randomBytes(8).toString("hex")
  port!: ProcessPort
  private process?: ChildProcess
  private exited: Promise<void> = Promise.resolve()
  private ending = false
  private unplugged = false
  /** Of the processes before: each one's clock begins at 0. */
  private before: EmulatedTime = { nanos: 0, busyNanos: 0 }
  private latest: EmulatedTime = { nanos: 0, busyNanos: 0 }
  private asked: (() => void)[] = []

  constructor(
    private readonly index: number,
    readonly directory: string,
    private readonly options: EmulatedBoardsOptions,
  ) {}

  start(): void {
    const { path, execArgv } = ownProgram(import.meta.url, "board-process")
    const child = heard(
      fork(path, [this.id, join(this.directory, "flash.bin")], {
        execArgv,
        serialization: "advanced",
        stdio: ["ignore", "pipe", "pipe", "ipc"],
        // Ctrl-C is for the host, which then ends its boards in order.
        detached: process.platform !== "win32",
        env: { ...process.env, NODE_OPTIONS: "" },
      }),
    )
    this.process = child
    this.before = this.latest
    this.ending = false
    this.unplugged = false
    this.port = new ProcessPort(`emulated-${this.index}`, child)
    const tail: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        for (const line of text.split("\n").filter(Boolean)) {
          tail.push(line)
          if (tail.length > 8) tail.shift()
          this.options.onLog?.(this.index, line)
        }
      })
    }
    child.on("message", (message: Message) => {
      const { nanos, busyNanos } = this.before
      this.latest = { nanos: nanos + message.nanos, busyNanos: busyNanos + message.busyNanos }
      if (message.bytes) this.port.deliver(message.bytes)
      else for (const resolve of this.asked.splice(0)) resolve()
    })
    this.exited = new Promise(resolve => {
      child.once("exit", (code, signal) => {
        if (this.process === child) this.process = undefined
        for (const ask of this.asked.splice(0)) ask()
        this.port.lose(this.died(signal ? `by ${signal}` : `with exit status ${code}`, tail))
        resolve()
      })
      child.once("error", () => resolve())
    })
  }

  /** Its port goes away as if its cable was pulled, while it has its power from elsewhere. */
  unplug(): void {
    this.unplugged = true
    this.port.lose(new Error("its cable was pulled"))
  }

  /** @returns whether that was all it needed */
  plugIn(): boolean {
    if (!this.unplugged || !this.process) return false
    this.unplugged = false
    this.port = new ProcessPort(`emulated-${this.index}`, this.process)
    return true
  }

  private died(how: string, tail: string[]): WuxingError {
    return new WuxingError({
      code: "board-died",
      kind: "board",
      message: this.ending
        ? `emulated Pico ${this.index} was ended`
        : `the process of emulated Pico ${this.index} (${this.id}) ended ${how}${tail.length > 0 ? `; it printed last:\n${tail.join("\n")}` : ""}`,
      cause: this.ending ? undefined : "it was killed, or the emulator met what it does not know",
      help: this.ending ? undefined : "start it again; if it repeats, report what it printed",
    })
  }

  /** Lets the process end in order (its flash is kept), or kills it. */
  async end(how?: "SIGKILL"): Promise<void> {
    const child = this.process
    if (!child) return
    this.ending = how === undefined
    if (how) child.kill(how)
    else child.disconnect()
    const hard = realClock.after(GRACE_MS, () => child.kill("SIGKILL"))
    await this.exited
    hard.stop()
  }

  async time(): Promise<EmulatedTime> {
    const child = this.process
    if (child?.connected)
      await new Promise<void>(resolve => {
        this.asked.push(resolve)
        child.send({})
      })
    return this.latest
  }

  killNow(): void {
    this.process?.kill("SIGKILL")
    if (this.options.folder === undefined) rmSync(this.directory, { recursive: true, force: true })
  }
}

class ProcessPort implements Port {
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  private lost = false

  constructor(
    readonly name: string,
    private readonly process: ChildProcess,
  ) {}

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.lost || !this.process.connected) {
        reject(new Error(`${this.name} is gone`))
        return
      }
      this.process.send({ bytes }, error => (error ? reject(error) : resolve()))
    })
  }

  async close(): Promise<void> {
    this.onData = undefined
    this.onClose = undefined
  }

  deliver(bytes: Uint8Array): void {
    if (!this.lost) this.onData?.(bytes)
  }

  lose(reason: Error): void {
    if (this.lost) return
    this.lost = true
    this.onClose?.(reason)
  }
}
