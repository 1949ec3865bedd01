/**
 * A board without a board: a process of its own running the real DeviceScript VM (`devs vm --tcp`),
 * offered as a `Port` that speaks JD-USB as a real board's serial port does, so that everything above
 * the port is the same code for both.
 *
 * The VM dials a TCP port on loopback (vm-guard.cjs has it dial ours) and exchanges length-prefixed
 * Jacdac frames.
 */

import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { rmSync } from "node:fs"
import { createRequire } from "node:module"
import type { Socket } from "node:net"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { deviceIdFromHex, servedDeviceId } from "../link/jacdac"
import { encodeLengthPrefixed } from "../link/length-prefix"
import { interrupted, seconds, wait } from "../link/wait"
import { BoardUsb } from "./board-usb"

/** A VM that does not end on SIGTERM is killed after this, ms. */
const GRACE_MS = 1_000
export interface VirtualBoardOptions {
  /** Collect garbage at every allocation: slow, finds programs that lose objects. */
  gcStress?: boolean
  /** Where boards keep their flash, each in a folder of its own; absent: nowhere, after they end. */
  folder?: string
  /** Everything the VM processes print, by board, as lines. */
  onLog?: (board: number, line: string) => void
  signal?: AbortSignal
  /** How long a VM may take to connect and announce itself, ms (default 30 s). */
  deadlineMs?: number
  /** The DeviceScript command's script, if not the installed one (for tests of failures). */
  cli?: string
}

export class VirtualBoard {
  readonly name: string
  readonly deviceId = randomBytes(8).toString("hex")
  readonly directory: string
  readonly usb: BoardUsb
  private readonly index: number
  private readonly options: VirtualBoardOptions
  private process?: ChildProcess
  private exited: Promise<void> = Promise.resolve()
  private ending = false
  private socket?: Socket
  private onAttached?: () => void
  private onDied?: (error: WuxingError) => void
  constructor(
    index: number,
    directory: string,
    private readonly tcpPort: number,
    options: VirtualBoardOptions,
  ) {
    this.index = index
    this.name = `virtual-${index}`
    this.directory = directory
    this.options = options
    this.usb = new BoardUsb(
      this.name,
      frame => this.socket?.write(encodeLengthPrefixed(frame)),
      () => this.drained(),
    )
  }

  get pid(): number | undefined {
    return this.process?.pid
  }

  isCalled(id: string): boolean {
    return id === this.deviceId || id === servedDeviceId(deviceIdFromHex(this.deviceId)).hex
  }

  unplug(): void {
    this.usb.unplug()
  }

  async start(clearFlash: boolean): Promise<void> {
    const { gcStress, signal, deadlineMs = 30_000 } = this.options
    if (signal?.aborted) throw interrupted(`${this.name} to start`, signal.reason)
    this.usb.powerOn()
    this.ending = false
    await wait<void>({
      deadlineMs,
      signal,
      what: `${this.name} to start`,
      late: () =>
        new WuxingError({
          code: "board-silent",
          kind: "board",
          message: `${this.name} (process ${this.pid}) did not announce itself within ${seconds(deadlineMs)}${this.usb.quoteTail()}`,
          cause: "the machine is very busy, or the DeviceScript command hangs",
          help: "start fewer boards, or try again",
        }),
      start: (resolve, reject) => {
        this.onAttached = resolve
        this.onDied = reject
        this.launch(gcStress ?? false, clearFlash)
        return () => {
          this.onAttached = undefined
          this.onDied = undefined
        }
      },
    }).catch(async error => {
      await this.end("SIGKILL")
      throw error
    })
  }

  private launch(gcStress: boolean, clearFlash: boolean): void {
    const args = ["--require", GUARD, this.options.cli ?? findCli(), "vm", "--tcp"]
    args.push("--device-id", this.deviceId)
    if (gcStress) args.push("--gc-stress")
    if (clearFlash) args.push("--clear-flash")
    const child = heard(
      spawn(process.execPath, args, {
        cwd: this.directory,
        // The host holds the other end of stdin so that the VM notices its death: see the guard.
        stdio: ["pipe", "pipe", "pipe"],
        // A process group of its own: Ctrl-C and the like are for the host, which then ends its
        // boards in order. (On Windows this would open a window instead.)
        detached: process.platform !== "win32",
        windowsHide: true,
        env: {
          ...process.env,
          // What the host was started with (a TypeScript loader, an inspector) is not for the VM.
          NODE_OPTIONS: "",
          // Keeps the command's update notifier off the network.
          NO_UPDATE_NOTIFIER: "1",
          WUXING_VM_PORT: String(this.tcpPort),
          WUXING_VM_SCRATCH: this.options.folder === undefined ? this.directory : "",
        },
      }),
    )
    this.process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8")
      let rest = ""
      stream.on("data", (text: string) => {
        const lines = (rest + text).split("\n")
        rest = lines.pop() ?? ""
        for (const line of lines) this.printed(line)
      })
      stream.on("end", () => {
        if (rest) this.printed(rest)
      })
    }
    let failure: Error | undefined
    this.exited = new Promise(resolve => {
      child.once("error", error => {
        failure = error
        // A process that could not be started at all has no exit event.
        if (child.pid === undefined) {
          this.hasEnded(child, undefined, undefined, failure)
          resolve()
        }
      })
      // "close" comes after the last output, so that the error can quote it.
      child.once("close", (code, signal) => {
        this.hasEnded(child, code ?? undefined, signal ?? undefined, failure)
        resolve()
      })
    })
  }

  private hasEnded(child: ChildProcess, code?: number, signal?: string, failure?: Error): void {
    if (this.process !== child) return
    this.process = undefined
    this.socket?.destroy()
    this.socket = undefined
    const how = failure?.message ?? (signal ? `by ${signal}` : `with exit status ${code}`)
    const error = new WuxingError(
      {
        code: "board-died",
        kind: "board",
        message: this.ending
          ? `${this.name} was ended`
          : `the process of ${this.name} (${this.deviceId}) ended ${how}${this.usb.quoteTail()}`,
        cause: this.ending ? undefined : "the virtual machine crashed or was killed",
        help: this.ending ? undefined : "start it again; if it repeats, free some memory",
      },
      { cause: failure },
    )
    this.onDied?.(error)
    this.usb.port.lose(error)
  }

  /** Ends the process and waits for its end. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.process
    if (!child) return
    this.usb.isUnplugged = false
    this.ending = true
    child.kill(signal)
    const hard = realClock.after(GRACE_MS, () => child.kill("SIGKILL"))
    await this.exited
    hard.stop()
  }

  /** For the host's own exit: no waiting. */
  killNow(): void {
    this.process?.kill("SIGKILL")
    if (this.options.folder === undefined) rmSync(this.directory, { recursive: true, force: true })
  }

  // ---- between the VM and the port ---------------------------------------------------------------

  attach(socket: Socket): void {
    this.socket?.destroy()
    this.socket = socket
    this.onAttached?.()
  }

  /** A real board refuses bytes while it is busy; so does this one. */
  private async drained(): Promise<void> {
    const { socket } = this
    if (!socket?.writableNeedDrain) return
    await new Promise<void>(resolve => {
      const go = () => {
        socket.off("drain", go)
        socket.off("close", go)
        resolve()
      }
      socket.on("drain", go)
      socket.on("close", go)
    })
  }

  private printed(raw: string): void {
    const line = asBoardLog(raw)
    if (!line) return
    this.options.onLog?.(this.index, line)
    this.usb.printed(line)
  }
}

/** Colours by which the DeviceScript command replaces the first character of a board's log line. */
const MARKERS: Record<string, string> = { 91: "!", 95: ">", 34: "?", 92: "#", 33: "*" }

const VM_LOG_PREFIX = "WASM> "
const ESCAPE = "\u{1b}"

/** What the VM process prints, as the board's own log has it: "> text", "! error", "* note". */
function asBoardLog(raw: string): string {
  const text = stripVTControlCharacters(raw).trimEnd()
  if (!text.startsWith(VM_LOG_PREFIX)) return text
  const colour = raw.slice(raw.indexOf(ESCAPE)).match(/\d+/)?.[0] ?? ""
  return `${MARKERS[colour] ?? "*"} ${text.slice(VM_LOG_PREFIX.length)}`
}

const GUARD = fileURLToPath(new URL("./vm-guard.cjs", import.meta.url))

function findCli(): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve("@devicescript/cli/package.json")), "devicescript")
}
