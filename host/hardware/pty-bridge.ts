/**
 * A virtual board as a serial port: a pseudo-terminal, made by `socat`, whose bytes go to and from a
 * `Port`. What opens it (the real serialport binding, a terminal program) cannot tell it from a board.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process"
import { lstatSync, rmSync } from "node:fs"
import type { Readable, Writable } from "node:stream"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import type { Port } from "../link/port"
import { wait } from "../link/wait"

const START_DEADLINE_MS = 5_000
const LOOK_MS = 10

export interface PtyBridge {
  /** The name to open. */
  readonly path: string
  /** Called once, if the pseudo-terminal goes away by itself: its program was killed, or the board is gone. */
  onGone: (error: WuxingError) => void
  /** Takes the port away, as pulling the cable would; the board behind it runs on. */
  stop(): Promise<void>
}

/**
 * @param path the name it gets, a link that goes away with the bridge
 * @throws WuxingError "socat-missing" (kind usage), "bridge-failed" (kind board)
 */
export async function startPtyBridge(
  path: string,
  port: Port,
  signal?: AbortSignal,
): Promise<PtyBridge> {
  // Left by one that was killed outright; anything else of this name is not ours to remove.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(path)
  const child = heard(
    spawn("socat", ["STDIO", `PTY,raw,echo=0,link=${path}`], {
      stdio: ["pipe", "pipe", "ignore"],
    }),
  )
  let wanted = false
  const bridge: PtyBridge = { path, onGone: () => {}, stop: () => stop(true) }
  const exited = new Promise<void>(resolve => child.once("close", () => resolve()))
  const stop = async (asked: boolean) => {
    wanted ||= asked
    child.kill()
    await exited
  }
  connect(child, port, () => stop(false))
  await wait<void>({
    deadlineMs: START_DEADLINE_MS,
    signal,
    what: `${path} to appear`,
    late: () => failed(path, "it did not appear"),
    start: (resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ENOENT" ? noSocat(error) : failed(path, error.message)),
      )
      child.once("exit", status => reject(failed(path, `socat ended with status ${status}`)))
      const timer = realClock.every(LOOK_MS, () => {
        if (lstatSync(path, { throwIfNoEntry: false })) resolve()
      })
      return () => timer.stop()
    },
  }).catch(error => {
    child.kill()
    throw error
  })
  const gone = () => {
    if (!wanted) bridge.onGone(lost(path))
  }
  if (child.exitCode !== null || child.signalCode !== null) setImmediate(gone)
  else child.once("exit", gone)
  return bridge
}

function connect(
  { stdin, stdout }: ChildProcessByStdio<Writable, Readable, null>,
  port: Port,
  stop: () => Promise<void>,
): void {
  port.onData = bytes => {
    if (stdin.writable) stdin.write(bytes)
  }
  port.onClose = () => void stop()
  stdout.on("data", (bytes: Uint8Array) => {
    // The far end may be busy; then the pseudo-terminal fills up and its writer has to wait.
    stdout.pause()
    port.write(bytes).then(
      () => stdout.resume(),
      () => void stop(),
    )
  })
}

function noSocat(cause: Error): WuxingError {
  return new WuxingError(
    {
      code: "socat-missing",
      kind: "usage",
      message: "the program socat, which makes pseudo-terminals, is not installed",
      cause: "it is not part of every system",
      help: "install it (on Debian: sudo apt install socat)",
    },
    { cause },
  )
}

function lost(path: string): WuxingError {
  return new WuxingError({
    code: "bridge-lost",
    kind: "board",
    message: `the pseudo-terminal ${path} is gone`,
    cause: "its socat was killed, or the board stopped",
    help: "start the bridge again",
  })
}

function failed(path: string, why: string): WuxingError {
  return new WuxingError({
    code: "bridge-failed",
    kind: "board",
    message: `no pseudo-terminal could be made at ${path}: ${why}`,
    cause:
      "the folder does not exist or may not be written to, or a file of that name is in the way",
    help: "name another folder",
  })
}
