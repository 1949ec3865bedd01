/** One board that runs a demo's own program (firmware/demos/), asked and answered message by message. */
import { setTimeout as sleep } from "node:timers/promises"
import { WuxingError } from "../errors"
import { buildFirmware } from "../firmware"
import { findBoards, type Place } from "../fleet/place"
import type { BoardLink } from "../link/board-link"
import type { BoardSet } from "../link/board-set"
import { seconds, wait } from "../link/wait"

/** A program announces itself within half a second of its start, and starts 5 s after a fault. */
const SERVICE_DEADLINE_MS = 8_000
/** Somebody has to get up and pull a cable. */
const PULL_DEADLINE_MS = 120_000
/** A real board that was told to reset is gone within this, ms. */
const RESET_MS = 500

export interface DemoBoardOptions {
  place: Place
  /** Folder of its program in firmware/demos. */
  program: string
  serviceClass: number
  /** Is there somebody at the terminal who could pull a cable? */
  attended: boolean
  /** The compiler's own lines are not shown. */
  quiet?: boolean
  signal?: AbortSignal
  status?: (text: string) => void
  log?: (line: string) => void
}

/** How a board lost its power. */
export type PowerCut = "process killed" | "cable pulled" | "reset"

export class DemoBoard {
  private constructor(
    private readonly options: DemoBoardOptions,
    private readonly boards: BoardSet,
    private link: BoardLink,
  ) {}

  /**
   * Compiles the program, opens the board and puts the program on it.
   *
   * @throws WuxingError "usage" for a place that is not one DeviceScript board; as findBoards,
   *   buildFirmware and BoardLink do
   */
  static async open(options: DemoBoardOptions): Promise<DemoBoard> {
    const { place, program, quiet, signal, status, log } = options
    // Ports that are not there are said before the time is spent on compiling.
    const found = await findBoards(place)
    if (found.native || found.count !== 1) throw notOne(place.kind, found.count)
    status?.("compiling the demo's program")
    const { bytecode } = await buildFirmware({ demo: program, quiet, signal })
    status?.(`${place.kind === "serial" ? "opening" : "starting"} ${found.description}`)
    const boards = await found.open({ signal, onLog: (_, line) => log?.(line) })
    try {
      const link = await boards.connect(0, { name: "the board", signal })
      status?.("deploying the program")
      await link.deploy(bytecode)
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

  /** Sends a command that has no answer. */
  async send(command: number, payload: Uint8Array): Promise<void> {
    await this.link.send(command, payload)
  }

  /**
   * Sends a command and waits for the report of the same number, which is its answer.
   *
   * @param onReport hears of the other reports that come meanwhile
   * @throws WuxingError "board-no-answer", "board-gone", "board-stopped"
   */
  async ask(
    command: number,
    payload: Uint8Array,
    deadlineMs: number,
    onReport?: (command: number, payload: Buffer) => void,
  ): Promise<Buffer> {
    const { link } = this
    return await wait<Buffer>({
      deadlineMs,
      signal: this.options.signal,
      what: "the board to answer",
      late: () =>
        new WuxingError({
          code: "board-no-answer",
          kind: "board",
          message: `the board (${this.id}) did not answer command 0x${command.toString(16)} within ${seconds(deadlineMs)}`,
          cause: "it was reset, hangs, or lost its connection",
          help: "check its cable and supply, then run the command again",
        }),
      start: (resolve, reject) => {
        link.onReport = (from, bytes) => {
          if (from === command) resolve(Buffer.from(bytes))
          else onReport?.(from, Buffer.from(bytes))
        }
        link.onClose = reject
        const stopped = (what: string) => reject(stopError(this.id, what))
        link.onPanic = code => stopped(`its program stopped with panic ${code}`)
        link.onRestart = what => stopped(`the ${what} restarted`)
        link.send(command, payload).catch(reject)
        return () => {
          link.onReport = undefined
          link.onClose = undefined
          link.onPanic = undefined
          link.onRestart = undefined
        }
      },
    })
  }

  /**
   * Takes the board's power away and gives it back: the process of a virtual board is killed and
   * started anew with the flash it had; a real one's cable is pulled where somebody is there to do it,
   * else it is told to reset. Resolves when its program, started from flash, serves again.
   */
  async powerCycle(): Promise<PowerCut> {
    const { place, serviceClass, status } = this.options
    let how: PowerCut = "process killed"
    if (place.kind === "serial") {
      how = this.options.attended ? "cable pulled" : "reset"
      if (how === "reset") {
        await this.link.reset()
        await sleep(RESET_MS)
      } else {
        status?.("now pull the board's cable, wait a second, and plug it in again")
        await this.pulled()
      }
    }
    const name = { name: "the board", signal: this.options.signal }
    this.link = await this.boards.reconnect(0, this.link, name)
    await this.link.waitForService(serviceClass, SERVICE_DEADLINE_MS)
    return how
  }

  /** Resolves when the port has gone away. */
  private pulled(): Promise<void> {
    const { link } = this
    return wait<void>({
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
        link.onClose = () => resolve()
        return () => {
          link.onClose = undefined
        }
      },
    })
  }

  async close(): Promise<void> {
    await this.link.close().catch(() => {})
    await this.boards.stop()
  }
}

function notOne(kind: Place["kind"], count: number): WuxingError {
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
