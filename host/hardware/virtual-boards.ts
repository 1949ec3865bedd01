/**
 * Boards without boards (virtual-board.ts), several at once. They dial one TCP port of this run on
 * loopback; which connection is whose is told by the device id in the first frame.
 */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { realClock } from "../base/clock"
import { heard } from "../base/heard"
import { BoardLink, type BoardLinkOptions } from "../link/board-link"
import { frameDevice, frameIsSound } from "../link/jacdac"
import { LengthPrefixedDecoder } from "../link/length-prefix"
import type { Port } from "../link/port"
import { boardFolder, holdFolder, removeBoardFolders } from "./board-folder"
import { handsOf, type OpenableBoards, type WrapPort } from "./board-set"
import { stoppedError } from "./board-usb"
import { VirtualBoard, type VirtualBoardOptions } from "./virtual-board"

const HOST = "127.0.0.1"
/**
 * A process is back within about 2 s. With the time a fleet takes to notice, and a ping, a run whose
 * board stays silent ends within 10 s.
 */
const RECONNECT_MS = 6_500
const SCRATCH_PREFIX = join(tmpdir(), "wuxing-board-")

export interface VirtualBoardsOptions extends VirtualBoardOptions {
  /** Start with empty flash. A new board's flash is empty anyway; for `restart`. */
  clearFlash?: boolean
  wrap?: WrapPort
}

export interface VirtualBoardInfo {
  /** 16 hex digits. */
  deviceId: string
  /** Process id of the VM; undefined while none runs. */
  pid?: number
  /** Its working directory, which holds its flash. */
  directory: string
}

export class VirtualBoards implements OpenableBoards {
  readonly reconnectMs = RECONNECT_MS
  private readonly boards: VirtualBoard[] = []
  private readonly options: VirtualBoardsOptions
  private readonly server: Server
  private readonly strangers = new Set<Socket>()
  private stopped?: Promise<void>
  private releaseFolder = () => {}
  /** Ctrl-C handlers and crashes that reach `process.exit` end here: only synchronous work. */
  private readonly atExit = () => {
    for (const board of this.boards) board.killNow()
  }

  private constructor(options: VirtualBoardsOptions) {
    this.options = options
    this.server = heard(createServer(socket => this.greet(socket)))
    process.on("exit", this.atExit)
  }

  /**
   * Starts `count` boards and resolves when all have announced themselves.
   * @throws WuxingError "board-silent", "board-died" (kind board), "interrupted";
   *   nothing is left running then
   */
  static async start(count: number, options: VirtualBoardsOptions = {}): Promise<VirtualBoards> {
    const all = new VirtualBoards(options)
    try {
      all.releaseFolder = await holdFolder(options.folder)
      await all.listen()
      // Starting is all compute, a second or two each, so many at once would only be late together.
      const wave = Math.max(2, availableParallelism())
      for (let first = 0; first < count; first += wave) {
        const fresh: VirtualBoard[] = []
        for (let i = first; i < Math.min(count, first + wave); i++) {
          const board = new VirtualBoard(
            i,
            await boardFolder(SCRATCH_PREFIX, i, options.folder),
            all.tcpPort,
            options,
          )
          all.boards.push(board)
          fresh.push(board)
        }
        await Promise.all(fresh.map(board => board.start(options.clearFlash ?? false)))
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

  /** The boards' ports, in order. A restarted board has a new one. */
  get ports(): Port[] {
    return this.boards.map(board => board.usb.port)
  }

  get info(): VirtualBoardInfo[] {
    return this.boards.map(({ deviceId, pid, directory }) => ({ deviceId, pid, directory }))
  }

  profile(): string {
    return "virtual"
  }

  connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    const board = this.at(i)
    const port = this.options.wrap?.(i, board.usb.port, handsOf(board)) ?? board.usb.port
    return BoardLink.connect(port, options)
  }

  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await link.close()
    const board = this.at(i)
    if (board.usb.isUnplugged) this.open(i)
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
   * Ends the board's process, if it still runs, and starts it anew with the flash it had.
   * @returns its new port; the old one has closed
   * @throws as `start`
   */
  async restart(i: number, { clearFlash = false } = {}): Promise<Port> {
    const board = this.at(i)
    if (this.stopped) throw stoppedError(board.name)
    await board.end("SIGKILL")
    // Asked again: `stop` may have come while the process was ending.
    if (this.stopped) throw stoppedError(board.name)
    await board.start(clearFlash)
    return board.usb.port
  }

  /** Ends one board's process at once, as pulling its plug would. Its flash stays for `restart`. */
  async kill(i: number): Promise<void> {
    await this.at(i).end("SIGKILL")
  }

  /** Ends every process, closes the listener and removes the boards' directories. */
  stop(): Promise<void> {
    this.stopped ??= this.shutDown()
    return this.stopped
  }

  private async shutDown(): Promise<void> {
    await Promise.all(this.boards.map(board => board.end("SIGTERM")))
    for (const socket of this.strangers) socket.destroy()
    if (this.server.listening) await new Promise(resolve => this.server.close(resolve))
    if (this.options.folder === undefined) await removeBoardFolders(this.boards)
    this.releaseFolder()
    process.off("exit", this.atExit)
  }

  private at(i: number): VirtualBoard {
    const board = this.boards[i]
    if (!board) throw new RangeError(`there is no virtual board ${i} (there are ${this.count})`)
    return board
  }

  private listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject)
      this.server.listen(0, HOST, resolve)
    })
  }

  /** The port that boards dial, once it listens. */
  get tcpPort(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** A connection is nobody's until its first frame names a device. */
  private greet(socket: Socket): void {
    this.strangers.add(socket)
    socket.setNoDelay()
    socket.on("error", () => socket.destroy())
    socket.on("close", () => this.strangers.delete(socket))
    const giveUp = realClock.after(this.options.deadlineMs ?? 30_000, () => socket.destroy(), {
      background: true,
    })
    let owner: VirtualBoard | undefined
    const decoder = new LengthPrefixedDecoder(frame => {
      if (!owner) {
        const id = frameIsSound(frame) ? frameDevice(frame).hex : ""
        owner = this.boards.find(board => board.isCalled(id))
        if (!owner) {
          // No board of ours: the port is this run's own, but open to every process of this machine.
          socket.destroy()
          return
        }
        giveUp.stop()
        this.strangers.delete(socket)
        owner.attach(socket)
      }
      owner.usb.fromBoard(frame)
    })
    socket.on("data", chunk => decoder.push(chunk))
  }
}
