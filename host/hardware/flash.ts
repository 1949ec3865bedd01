/**
 * Puts the DeviceScript runtime on a board, through the DeviceScript command (`devs flash`): what a
 * person has to do, which command is run, and what came of it.
 */

import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { realClock } from "../base/clock"
import { messageOf, WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { readHead } from "../base/input-file"
import { seconds } from "../link/wait"
import type { BoardFamily, DeviceScriptBoard } from "./devicescript-boards"

/** The command keeps what it downloads in the folder it runs in; this one is ignored by git. */
const FOLDER = fileURLToPath(new URL("../../firmware", import.meta.url))
/** The command itself waits for the board 2 minutes; then it downloads and writes. */
const DEADLINE_MS = 300_000
const MOST_LINES = 12

export interface FlashPlan {
  board: DeviceScriptBoard
  /** Of the ESP32 families the command writes to a port; of RP2040 to a drive. */
  port?: string
  /** Firmware on this machine; without it the command downloads it. */
  file?: string
  /** What a person does before, in order. */
  hands: string[]
  /** Arguments of the DeviceScript command. */
  args: string[]
  /** What is needed from elsewhere, for people: the network, esptool. */
  needs: string[]
}

/** How to bring a board of each family to where it takes firmware. */
const HANDS: Record<BoardFamily, string[]> = {
  rp2040: [
    "unplug the board, hold its BOOTSEL button, plug it in, let go: a drive RPI-RP2 appears",
    "where drives are not mounted by themselves, mount it under /media/$USER/RPI-RP2",
  ],
  esp32: [
    "nothing as a rule: its USB chip resets it; if that fails, hold BOOT (IO0) while flashing starts",
  ],
  esp32s2: [
    "hold BOOT (IO0), press and let go of RESET, let go of BOOT; the port may change its name",
  ],
  esp32s3: [
    "hold BOOT (IO0), press and let go of RESET, let go of BOOT; the port may change its name",
  ],
  esp32c3: [
    "nothing as a rule; if flashing does not start, hold BOOT (IO9), press and let go of RESET, let go of BOOT",
  ],
}

export function planFlash(board: DeviceScriptBoard, port?: string, file?: string): FlashPlan {
  const rp2040 = board.family === "rp2040"
  const args = ["flash", rp2040 ? "rp2040" : "esp32", "--board", board.id]
  if (file !== undefined) args.push("--file", file)
  // The command finds a Pico by its drive, not by a port.
  if (!rp2040 && port !== undefined) args.push("--port", port)
  const needs: string[] = []
  if (file === undefined) {
    const repository = rp2040 ? "devicescript-pico" : "devicescript-esp32"
    needs.push(
      `the network, for the firmware of github.com/microsoft/${repository} (kept for a day; --file does without)`,
    )
  }
  if (!rp2040) needs.push("esptool 4.5 or newer (pip install esptool)")
  if (!rp2040 && process.platform === "linux") needs.push("udevadm, by which ports are found")
  return { board, port: rp2040 ? undefined : port, file, hands: HANDS[board.family], args, needs }
}

/**
 * Refuses a file that is no firmware for the board before a person presses buttons.
 *
 * @throws WuxingError "firmware-file-missing", "firmware-file-wrong" (kind data)
 */
export function checkFirmwareFile(path: string, family: BoardFamily): void {
  let head: Buffer
  try {
    head = readHead(path, 4)
  } catch (error) {
    throw new WuxingError(
      {
        code: "firmware-file-missing",
        kind: "data",
        message: `firmware ${path} cannot be read: ${messageOf(error)}`,
        cause: "the name is misspelt, or the file may not be read",
        help: "name a file that is there (--file), or leave --file out to download it",
      },
      { cause: error },
    )
  }
  // "UF2\n" begins a UF2 file, 0xE9 the image of an ESP32 chip.
  const rp2040 = family === "rp2040"
  const right = rp2040 ? head.toString("latin1") === "UF2\n" : head[0] === 0xe9
  // The command takes the address to write to from the file's name.
  const named = rp2040 || /-0x[0-9a-f]+\.bin$/.test(path)
  if (right && named) return
  throw new WuxingError({
    code: "firmware-file-wrong",
    kind: "data",
    message: right
      ? `firmware ${path} does not say in its name where it belongs ("…-0x0.bin", "…-0x1000.bin")`
      : `${path} is no firmware for ${family} boards (it begins with ${head.toString("hex") || "nothing"})`,
    cause: "it is for boards of another family, was renamed, or is something else",
    help: rp2040 ? "name a .uf2 file" : "name a .bin file as DeviceScript's releases have them",
  })
}

export interface RunFlashOptions {
  signal?: AbortSignal
  /** What the command prints, a line at a time. */
  onLine?: (line: string) => void
  /** Fail at once where no board is ready, instead of waiting for one. */
  once?: boolean
  deadlineMs?: number
}

/** @throws WuxingError "flash-failed" (kind firmware) with the command's own last lines; the signal's reason */
export function runFlash(plan: FlashPlan, options: RunFlashOptions = {}): Promise<void> {
  const { signal, onLine, once, deadlineMs = DEADLINE_MS } = options
  signal?.throwIfAborted()
  const [command, family, ...rest] = plan.args
  // Options of `flash` itself stand before the family's name.
  const args = ["--no-colors", command, ...(once ? ["--once"] : []), family, ...rest]
  return new Promise((resolve, reject) => {
    const child = heard(
      spawn(process.execPath, [findCommand(), ...args], {
        cwd: FOLDER,
        env: { ...process.env, NODE_OPTIONS: "", NO_UPDATE_NOTIFIER: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    )
    const tail: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8")
      let part = ""
      const say = (line: string) => {
        const text = stripVTControlCharacters(line).trimEnd()
        if (text === "") return
        tail.push(text)
        if (tail.length > MOST_LINES) tail.shift()
        onLine?.(text)
      }
      stream.on("data", (text: string) => {
        const lines = (part + text).split(/[\r\n]+/)
        part = lines.pop() ?? ""
        for (const line of lines) say(line)
      })
      stream.on("end", () => say(part))
    }
    let ended: unknown
    const end = (reason: unknown) => {
      ended ??= reason
      child.kill()
    }
    const onAbort = () => end(signal?.reason)
    signal?.addEventListener("abort", onAbort, { once: true })
    const timer = realClock.after(deadlineMs, () =>
      end(flashFailed(plan, `it took longer than ${seconds(deadlineMs)}`, tail)),
    )
    const settle = (failure?: unknown) => {
      timer.stop()
      signal?.removeEventListener("abort", onAbort)
      if (failure === undefined) resolve()
      else reject(failure)
    }
    child.once("error", error => settle(ended ?? flashFailed(plan, error.message, tail)))
    child.once("close", status => {
      if (ended !== undefined) settle(ended)
      else if (status !== 0) settle(flashFailed(plan, `exit status ${status}`, tail))
      else settle()
    })
  })
}

function findCommand(): string {
  const manifest = createRequire(import.meta.url).resolve("@devicescript/cli/package.json")
  return join(dirname(manifest), "devicescript")
}

function flashFailed({ args, board, file }: FlashPlan, why: string, tail: string[]): WuxingError {
  const text = tail.length > 0 ? `:\n  ${tail.join("\n  ")}` : ""
  return new WuxingError({
    code: "flash-failed",
    kind: "firmware",
    message: `\`devs ${args.join(" ")}\` failed (${why})${text}`,
    cause:
      board.family === "rp2040"
        ? "no board in its boot loader was found, or its drive is not mounted"
        : "the board is not in its boot loader, esptool is missing, or another program has the port open",
    help: `see \`wuxing flash --board ${board.id} --dry-run\` for the steps${file === undefined ? "; without a network, give --file" : ""}`,
  })
}
