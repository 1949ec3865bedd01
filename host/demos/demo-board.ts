/** One board that runs a demo's own program (firmware/demos/), asked and answered message by message. */
import { DemoStatus } from "../../src/wire/demo-protocol"
import { WuxingError } from "../base/errors"
import { profileOrPico } from "../hardware/board-profile"
import type { BoardSet } from "../hardware/board-set"
import { buildFirmware } from "../hardware/firmware"
import { findBoards, isOpened, type Location } from "../hardware/location"
import type { BoardLink } from "../link/board-link"
import { JD_CONTROL_CMD_SET_STATUS_LIGHT, JD_SERVICE_INDEX_CONTROL } from "../link/jacdac"
import { seconds, wait } from "../link/wait"

/** A program announces itself within half a second of its start, and starts 5 s after a fault. */
const SERVICE_DEADLINE_MS = 8_000
/** Somebody has to get up and pull a cable. */
const PULL_DEADLINE_MS = 120_000
/** A real board that was told to reset is gone within this, ms. */
const RESET_MS = 500

export interface DemoBoardOptions {
  location: Location
  /** Folder of its program in firmware/demos. */
  program: string
  serviceClass: number
  /** What is put into the program before it is deployed. */
  prepare?: (bytecode: Uint8Array) => Uint8Array
  /** Is there somebody at the terminal who could pull a cable? */
  attended: boolean
  /** The compiler's own lines are not shown. */
  quiet?: boolean
  signal?: AbortSignal
  status?: (text: string) => void
  /** How much of the demo is done once its program runs, 0…1, never less than before. */
  onShare?: (share: number) => void
  log?: (line: string) => void
}

/** How a board lost its power. */
export type PowerCut = "power cut" | "cable pulled" | "reset"

export class DemoBoard {
  /** Reports that are no answers. */
  onReport?: (command: number, payload: Buffer) => void
  /** The program lights the board's LED: red, green, blue, 0…255 each. */
  onLed?: (red: number, green: number, blue: number) => void
  private readonly answers = new Map<number, (payload: Buffer) => void>()
  private readonly listeners = new Set<() => void>()
  private readonly mourners = new Set<(reason: Error) => void>()

  private constructor(
    private readonly options: DemoBoardOptions,
    private readonly boards: BoardSet,
    private link: BoardLink,
  ) {
    this.listen()
  }

  /**
   * Compiles the program, opens the board and puts the program on it.
   *
   * @throws WuxingError "usage" for a location that is not one DeviceScript board; as findBoards,
   *   buildFirmware and BoardLink do
   */
  static async open(options: DemoBoardOptions): Promise<DemoBoard> {
    const { location, program, quiet, signal, status, log } = options
    // Ports that are not there are said before the time is spent on compiling.
    const found = await findBoards(location)
    if (found.native || found.count !== 1) throw notOne(location.kind, found.count)
    status?.("compiling the demo's program")
    const { bytecode } = await buildFirmware({ demo: program, quiet, signal })
    status?.(`${isOpened(location) ? "opening" : "starting"} ${found.description}`)
    const boards = await found.open({ signal, onLog: (_, line) => log?.(line) })
    try {
      const link = await boards.connect(0, { name: "the board", signal })
      status?.("deploying the program")
      link.flash = profileOrPico(boards.profile(0)).flash
      await link.deploy(options.prepare?.(bytecode) ?? bytecode)
      await link.waitForService(options.serviceClass, SERVICE_DEADLINE_MS)
      return new DemoBoard(options, boards, link)
    } catch (error) {
      await boards.stop()
      throw error
    }
  }

  get id(): string {
    return this.link.boardId
  }

  get profile(): string {
    return this.boards.profile(0)
  }

  /**
   * Sends a command and waits for the report of the same number, which is its answer. One at a time.
   *
   * @throws WuxingError "board-no-answer", "board-gone", "board-stopped"
   */
  async ask(command: number, payload: Uint8Array, deadlineMs: number): Promise<Buffer> {
    return await this.wait<Buffer>(
      `command 0x${command.toString(16)}`,
      deadlineMs,
      (resolve, reject) => {
        this.answers.set(command, resolve)
        this.link.send(command, payload).catch(reject)
        return () => this.answers.delete(command)
      },
    )
  }

  /**
   * @param asked what was asked of the board
   * @param status what it answered (DemoStatus)
   * @throws WuxingError "flash-full" or "board-refused" if it refused
   */
  expectOk(asked: string, status: number): void {
    if (status === DemoStatus.Ok) return
    throw new WuxingError({
      code: status === DemoStatus.NotKept ? "flash-full" : "board-refused",
      kind: "board",
      message: `the board (${this.id}) refused "${asked}": ${DemoStatus[status] ?? `status ${status}`}`,
      cause:
        status === DemoStatus.NotKept
          ? "its settings store took nothing more"
          : "its program is older or newer than this tool",
      help: "run it again; if it repeats, flash the board anew and report it",
    })
  }

  /**
   * Waits until something is so, looked at after every report and LED change and now.
   *
   * @param what "its LED to go dark"
   * @throws as `ask`
   */
  async until(what: string, deadlineMs: number, isSo: () => boolean): Promise<void> {
    await this.wait<void>(what, deadlineMs, resolve => {
      const look = () => {
        if (isSo()) resolve()
      }
      this.listeners.add(look)
      look()
      return () => this.listeners.delete(look)
    })
  }

  /** Puts a frame of another device on the board's bus. */
  async sendFrame(frame: Uint8Array): Promise<void> {
    await this.link.sendFrame(frame)
  }

  /** Lets time go by while the board does its work. @throws as `ask` */
  async pause(ms: number): Promise<void> {
    await this.wait<void>("to work", ms + 1_000, resolve => {
      const timer = this.link.clock.after(ms, resolve)
      return () => timer.stop()
    })
  }

  private async wait<T>(
    what: string,
    deadlineMs: number,
    start: (resolve: (value: T) => void, reject: (reason: Error) => void) => () => void,
  ): Promise<T> {
    return await wait<T>({
      clock: this.link.clock,
      deadlineMs,
      signal: this.options.signal,
      what: `the board: ${what}`,
      late: () =>
        new WuxingError({
          code: "board-no-answer",
          kind: "board",
          message: `the board (${this.id}) did not come as far as this within ${seconds(deadlineMs)}: ${what}`,
          cause: "it was reset, hangs, or lost its connection",
          help: "check its cable and supply, then run the command again",
        }),
      start: (resolve, reject) => {
        this.mourners.add(reject)
        const stop = start(resolve, reject)
        return () => {
          this.mourners.delete(reject)
          stop()
        }
      },
    })
  }

  /** Ends `listen`. */
  private deafen = () => {}

  private listen(): void {
    const { link } = this
    const changed = () => {
      for (const look of [...this.listeners]) look()
    }
    const fail = (reason: Error) => {
      for (const reject of [...this.mourners]) reject(reason)
    }
    this.deafen = link.listen({
      onReport: (command, bytes) => {
        const answer = this.answers.get(command)
        // Bytes of the port's own: the next ones may come into the same place.
        const payload = Buffer.from(bytes)
        if (answer) answer(payload)
        else this.onReport?.(command, payload)
        changed()
      },
      onSelfCommand: ({ serviceIndex, command, payload }) => {
        if (serviceIndex !== JD_SERVICE_INDEX_CONTROL) return
        if (command !== JD_CONTROL_CMD_SET_STATUS_LIGHT || payload.length < 3) return
        this.onLed?.(payload[0], payload[1], payload[2])
        changed()
      },
      onClose: fail,
      onPanic: code => fail(stopError(this.id, `its program stopped with panic ${code}`)),
      onRestart: what => fail(stopError(this.id, `the ${what} restarted`)),
    })
  }

  /**
   * Takes the board's power away and gives it back: a virtual board is ended and started
   * anew with the flash it had; a real one's cable is pulled where somebody is there to do it,
   * else it is told to reset. Resolves when its program, started from flash, serves again.
   */
  async powerCycle(): Promise<PowerCut> {
    const { location, serviceClass, status } = this.options
    this.deafen()
    let how: PowerCut = "power cut"
    if (location.kind === "serial") {
      how = this.options.attended ? "cable pulled" : "reset"
      if (how === "reset") {
        await this.link.reset()
        await this.link.clock.sleep(RESET_MS)
      } else {
        status?.("now pull the board's cable, wait a second, and plug it in again")
        await this.pulled()
      }
    }
    const name = { name: "the board", signal: this.options.signal }
    this.link = await this.boards.reconnect(0, this.link, name)
    await this.link.waitForService(serviceClass, SERVICE_DEADLINE_MS)
    this.listen()
    return how
  }

  /** Resolves when the port has gone away. */
  private pulled(): Promise<void> {
    const { link } = this
    return wait<void>({
      clock: link.clock,
      deadlineMs: PULL_DEADLINE_MS,
      signal: this.options.signal,
      what: "the board's cable to be pulled",
      late: () =>
        new WuxingError({
          code: "cable-not-pulled",
          kind: "board",
          message: `the board (${this.id}) still had its cable after ${seconds(PULL_DEADLINE_MS)}`,
          cause: "nobody pulled it, or another board's was pulled",
          help: "run it again, or without a terminal, where the board is reset instead",
        }),
      start: resolve => {
        return link.listen({ onClose: () => resolve() })
      },
    })
  }

  async close(): Promise<void> {
    await this.link.close().catch(() => {})
    await this.boards.stop()
  }
}

function notOne(kind: Location["kind"], count: number): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message:
      kind === "emu"
        ? "this demo is a DeviceScript program of its own, and emulated Picos run the native one"
        : `this demo runs on one board, and --on names ${count}`,
    help: "for example --on sim:1, or --on serial:/dev/ttyACM0",
  })
}

function stopError(id: string, what: string): WuxingError {
  return new WuxingError({
    code: "board-stopped",
    kind: "board",
    message: `the board (${id}) stopped: ${what}`,
    cause: "a reset, a fault of its supply, or a defect of its program",
    help: "check its supply and cable; run with --verbose to see its log",
  })
}
