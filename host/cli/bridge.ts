/** `wuxing bridge`: virtual boards as serial ports, for trying out what opens serial ports. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Command } from "commander"
import { messageOf, WuxingError } from "../base/errors"
import { makeFolder } from "../base/write-folder"
import { MOST_BOARDS } from "../hardware/location"
import type { PtyBridge } from "../hardware/pty-bridge"
import type { Context, Outcome, Run } from "./command"
import { folderOption, integerOption } from "./options/usage"

interface BridgeOptions {
  boards: number
  folder?: string
}

export function addBridge(program: Command, run: Run): void {
  program
    .command("bridge")
    .description("offer virtual boards as serial ports (pseudo-terminals, by socat) until Ctrl-C")
    .option("--boards <n>", "number of boards", integerOption("--boards", 1, MOST_BOARDS), 2)
    .option(
      "--folder <dir>",
      "folder for the ports board-0, board-1, … (default: a new one)",
      folderOption("--folder"),
    )
    .action(run(bridge))
}

async function bridge({ boards, folder }: BridgeOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  const { MachineBoards } = await import("../hardware/machine-boards")
  const { startPtyBridge } = await import("../hardware/pty-bridge")
  output.asLines()
  const at = folder ?? mkdtempSync(join(tmpdir(), "wuxing-ports-"))
  folderAt(at)
  output.status(`starting ${boards} virtual board(s)`)
  const virtual = await MachineBoards.start(boards, {
    signal,
    onLog: (board, line) => output.log(`board-${board}: ${line}`),
  })
  const bridges: PtyBridge[] = []
  try {
    for (const [i, port] of virtual.ports.entries()) {
      bridges.push(await startPtyBridge(join(at, `board-${i}`), port, signal))
    }
    const ports = bridges.map(({ path }) => path)
    output.line({ event: "ready", ports })
    for (const path of ports) output.print(path)
    output.status("Ctrl-C ends them")
    // A pending promise alone does not keep the process, but the boards' threads do.
    const error = await new Promise<WuxingError | undefined>(resolve => {
      if (signal.aborted) resolve(undefined)
      signal.addEventListener("abort", () => resolve(undefined), { once: true })
      for (const one of bridges) one.onGone = resolve
    })
    return { document: { event: "end", ports }, error }
  } finally {
    await Promise.all(bridges.map(one => one.stop()))
    await virtual.stop()
    if (folder === undefined) rmSync(at, { recursive: true, force: true })
  }
}

function folderAt(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    throw new WuxingError(
      {
        code: "folder-unwritable",
        kind: "data",
        message: `folder ${path} cannot be made: ${messageOf(error)}`,
        cause: "a file of that name is in the way, or the folder may not be written to",
        help: "name another folder (--folder)",
      },
      { cause: error },
    )
  }
}
