/** `wuxing flash`: the DeviceScript runtime on a new board, then our program; or the native program. */

import { resolve } from "node:path"
import type { Command } from "commander"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import type { Deployed } from "../hardware/deploy"
import { DEVICE_SCRIPT_BOARDS } from "../hardware/devicescript-boards"
import { UF2_PATH } from "../hardware/emulator/firmware-file"
import { buildFirmware } from "../hardware/firmware"
import type { FlashPlan } from "../hardware/flash"
import { retryUntil } from "../link/wait"
import type { Context, Outcome, Run } from "./command"
import { deployError, deployWithProgress, printDeployed } from "./deploy"
import { integerOption, pathOption, usageError } from "./options/usage"

const MOST_BOARDS = 32
/** A flashed board starts, and the system finds its port, within some seconds. */
const APPEAR_DEADLINE_MS = 20_000
const LOOK_MS = 500

interface FlashOptions {
  board?: string
  port?: string[]
  count?: number
  file?: string
  dryRun?: boolean
  once?: boolean
  native?: boolean
  deploy: boolean
}

export function addFlash(program: Command, run: Run): void {
  program
    .command("flash")
    .description("put the DeviceScript runtime on new boards, then our program")
    .option("--board <id>", "DeviceScript's name of the board: pico, esp32c3_bare, …")
    .option("--port <names...>", "serial ports of the boards, by path, serial number or pattern")
    .option(
      "--count <n>",
      "boards to flash, one after the other (default: as many as ports, else 1)",
      integerOption("--count", 1, MOST_BOARDS),
    )
    .option(
      "--file <file>",
      "firmware (.uf2, …-0x0.bin); without it, it is downloaded",
      pathOption("--file"),
    )
    .option(
      "--native",
      "our program as machine code (pico only), which needs no runtime and no deploy",
    )
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--once", "fail at once where no board is ready, instead of waiting 2 minutes for one")
    .option("--no-deploy", "leave our program out")
    .action(run(flash))
}

async function flash(options: FlashOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  const { checkFirmwareFile, runFlash } = await import("../hardware/flash")
  const board = boardOf(options.board)
  const file = fileOf(options)
  if (options.native) options.deploy = false
  if (file !== undefined) checkFirmwareFile(file, board.family)
  const plans = await plansOf(options, board, file)
  if (options.dryRun) {
    const steps = stepsOf(plans, options.deploy)
    for (const step of steps) output.print(step)
    return { document: { dryRun: true, board: board.id, family: board.family, plans, steps } }
  }

  // Compiled first: a mistake there should not cost a round of button pressing.
  const bytecode = options.deploy
    ? (await buildFirmware({ quiet: output.quiet, signal })).bytecode
    : undefined
  const deployed: Deployed[] = []
  for (const [i, plan] of plans.entries()) {
    const title = `board ${i + 1} of ${plans.length} (${board.id}${plan.port ? `, ${plan.port}` : ""})`
    for (const hand of plan.hands) output.status(`${title}: ${hand}`)
    const before = await boardPorts()
    await runFlash(plan, {
      signal,
      once: options.once,
      onLine: line => output.status(`${title}: ${line}`),
    })
    output.print(`${title}: flashed`)
    if (bytecode) {
      const port = await appeared(plan.port ?? options.port?.[i], before, title, signal)
      deployed.push(...(await deployWithProgress([port], bytecode, context, APPEAR_DEADLINE_MS)))
    }
  }
  if (bytecode) printDeployed(output, deployed)
  return {
    document: { board: board.id, family: board.family, flashed: plans.length, boards: deployed },
    error: deployError(deployed),
  }
}

function fileOf({ file, native, board }: FlashOptions): string | undefined {
  if (native && board !== "pico")
    throw usageError(
      `there is no native program for ${board}`,
      "give --board pico, or leave --native out",
    )
  if (native && file === undefined) return UF2_PATH
  return file === undefined ? undefined : resolve(file)
}

function boardOf(id: string | undefined) {
  const board = DEVICE_SCRIPT_BOARDS.find(one => one.id === id)
  if (board) return board
  throw usageError(
    id === undefined
      ? "--board is missing: which firmware?"
      : `--board is "${id}", which is no board of DeviceScript's`,
    `give one of: ${DEVICE_SCRIPT_BOARDS.map(one => one.id).join(", ")}`,
  )
}

async function plansOf(
  { port, count }: FlashOptions,
  board: ReturnType<typeof boardOf>,
  file: string | undefined,
): Promise<FlashPlan[]> {
  const { planFlash } = await import("../hardware/flash")
  const { findPorts } = await import("../hardware/location")
  const paths = port === undefined ? [] : await findPorts(port)
  if (count !== undefined && paths.length > 0 && count !== paths.length)
    throw usageError(
      `--count ${count} and ${paths.length} port(s) disagree about the number of boards`,
      "give one of the two",
    )
  const boards = count ?? Math.max(1, paths.length)
  return Array.from({ length: boards }, (_, i) => planFlash(board, paths[i], file))
}

/** The whole of it, numbered, for --dry-run. */
function stepsOf(plans: readonly FlashPlan[], deploy: boolean): string[] {
  const steps = plans[0].needs.map(need => `needed: ${need}`)
  let number = 0
  for (const [i, plan] of plans.entries()) {
    const title = `board ${i + 1} of ${plans.length}`
    const add = (text: string) => steps.push(`${++number}. ${title}: ${text}`)
    for (const hand of plan.hands) add(hand)
    add(`run: npx devs ${plan.args.join(" ")}`)
    if (deploy) add("wait for its serial port, put our program on it, switch autostart on")
  }
  return steps
}

async function boardPorts(): Promise<string[]> {
  const { listPorts } = await import("../link/port-list")
  const { mayBeDeviceScript } = await import("../hardware/identify")
  return (await listPorts()).ports.filter(mayBeDeviceScript).map(({ path }) => path)
}

/** The port named, else the one that was not there before. */
async function appeared(
  named: string | undefined,
  before: readonly string[],
  title: string,
  signal: AbortSignal,
): Promise<string> {
  if (named !== undefined) return named
  return await retryUntil(
    {
      clock: realClock,
      deadlineMs: APPEAR_DEADLINE_MS,
      pauseMs: LOOK_MS,
      signal,
      what: `the port of ${title}`,
      late: () =>
        new WuxingError({
          code: "board-not-back",
          kind: "board",
          message: `${title} is flashed, but no new serial port appeared within ${APPEAR_DEADLINE_MS / 1000} s`,
          cause: "it waits to be reset or plugged in again, or ports cannot be listed here",
          help: "reset it, then run `wuxing deploy --port <its port>`",
        }),
    },
    async () => (await boardPorts()).find(path => !before.includes(path)),
  )
}
