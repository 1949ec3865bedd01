/** `wuxing bench --link`: the way to a board, beside a pseudo-terminal with nothing behind it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WuxingError } from "../base/errors"
import { grouped } from "../base/numbers"
import type { Exchange, FramingFigures, LinkFigures } from "../bench/link-bench"
import type { Location } from "../hardware/location"
import type { Port } from "../link/port"
import type { Context } from "./command"
import type { Output } from "./terminal/output"

/** A way and what was measured on it. */
interface Way extends LinkFigures {
  way: string
}

/** A way that is open; what was opened for it is closed by the last of `closing` first. */
interface Open {
  way: string
  exchange: Exchange
}
type Closing = (() => Promise<void>)[]

export async function benchLinks(on: Location | undefined, seconds: number, context: Context) {
  const { output } = context
  const { benchFraming, benchWays, FRAME_SIZE } = await import("../bench/link-bench")
  output.status("framing")
  const framing = benchFraming()
  const folder = mkdtempSync(join(tmpdir(), "wuxing-ports-"))
  const closing: Closing = []
  try {
    const open: Open[] = []
    const terminals = await openTerminal(folder, open, closing, context)
    if (on && on.kind !== "sim") await openBoards(on, open, closing, context)
    else await openVirtual(terminals ? folder : undefined, open, closing, context)
    output.status(`${open.length} ways in turns`)
    const figures = await benchWays(
      open.map(({ exchange }) => exchange),
      seconds,
    )
    const ways = figures.map((figure, i) => ({ way: open[i].way, ...figure }))
    print(output, framing, ways)
    return { frameBytes: FRAME_SIZE, framing, ways, seconds }
  } finally {
    for (const close of closing.reverse()) await close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Bytes sent back at once by the far end of a pseudo-terminal.
 * @returns false where there is no socat to make one
 */
async function openTerminal(
  folder: string,
  open: Open[],
  closing: Closing,
  { output, signal }: Context,
): Promise<boolean> {
  const { startPtyBridge } = await import("../hardware/pty-bridge")
  const { openSerialPort } = await import("../link/serial-port")
  const { echoExchange } = await import("../bench/link-bench")
  const echo: Port = {
    name: "echo",
    write: async bytes => echo.onData?.(bytes),
    close: async () => {},
  }
  try {
    const bridge = await startPtyBridge(join(folder, "raw"), echo, signal)
    closing.push(() => bridge.stop())
    const port = await openSerialPort(bridge.path)
    closing.push(() => port.close())
    open.push({ way: "raw pseudo-terminal", exchange: echoExchange(port) })
    return true
  } catch (error) {
    if (!(error instanceof WuxingError) || error.code !== "socat-missing") throw error
    output.status(`pseudo-terminals are left out: ${error.message}; ${error.help}`)
    return false
  }
}

/** @param folder for a pseudo-terminal in front of a second board; without one that is left out */
async function openVirtual(
  folder: string | undefined,
  open: Open[],
  closing: Closing,
  { output, signal }: Context,
): Promise<void> {
  const { MachineBoards } = await import("../hardware/machine-boards")
  const { BoardLink } = await import("../link/board-link")
  const { startPtyBridge } = await import("../hardware/pty-bridge")
  const { openSerialPort } = await import("../link/serial-port")
  const { boardExchange } = await import("../bench/link-bench")
  const count = folder === undefined ? 1 : 2
  output.status(`starting ${count} virtual board(s)`)
  const boards = await MachineBoards.start(count, { signal })
  closing.push(() => boards.stop())
  const add = async (way: string, port: Port) => {
    const link = await BoardLink.connect(port, { name: way, signal })
    closing.push(() => link.close())
    open.push({ way, exchange: boardExchange(link) })
  }
  await add("virtual board", boards.ports[0])
  if (folder === undefined) return
  const bridge = await startPtyBridge(join(folder, "board"), boards.ports[1], signal)
  closing.push(() => bridge.stop())
  await add("virtual board behind a pseudo-terminal", await openSerialPort(bridge.path))
}

async function openBoards(
  location: Location,
  open: Open[],
  closing: Closing,
  { output, signal }: Context,
): Promise<void> {
  const { findBoards } = await import("../hardware/location")
  const { boardExchange } = await import("../bench/link-bench")
  const found = await findBoards(location)
  output.status(`opening ${found.description}`)
  const boards = await found.open({ signal })
  closing.push(() => boards.stop())
  for (let i = 0; i < boards.count; i++) {
    const link = await boards.connect(i, { name: `board ${i}`, signal })
    open.push({ way: `${boards.profile(i)} ${link.boardId}`, exchange: boardExchange(link) })
  }
}

function print(output: Output, framing: FramingFigures, ways: readonly Way[]): void {
  output.table(
    ["way", "round trip, median (µs)", "99 % within (µs)", "throughput (kB/s)"],
    ways.map(({ way, roundTrip, bytesPerSecond }) => [
      way,
      Math.round(roundTrip.median),
      Math.round(roundTrip.p99),
      Math.round(bytesPerSecond / 1000),
    ]),
  )
  const { encode, crc, decode, total } = framing
  const ns = (value: number) => grouped(Number(value.toFixed(1)))
  output.field(
    "framing (ns a byte)",
    `encode ${ns(encode)}, CRC ${ns(crc)}, decode ${ns(decode)}, both ends ${ns(total)}`,
  )
}
