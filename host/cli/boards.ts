/** `wuxing boards`: which boards are plugged in, and what each of them is and runs. */

import { existsSync } from "node:fs"
import type { Command } from "commander"
import { realClock } from "../base/clock"
import type { Identity } from "../hardware/identify"
import type { BrokerAddress } from "../hardware/mqtt/broker-address"
import type { PortInfo } from "../link/port-list"
import type { Context, Outcome, Run } from "./command"
import { AGENTS, type AgentsLocation, agentsOption, checkPlaces, usageError } from "./options/usage"
import type { Output } from "./terminal/output"

const WATCH_MS = 1_000

interface BoardsOptions {
  port?: string[]
  on?: AgentsLocation
  watch?: boolean
}

/** A port and what is behind it; no identity: it was not asked, for it has no board's USB ids. */
interface Row extends PortInfo {
  identity?: Identity
}

export function addBoards(program: Command, run: Run): void {
  program
    .command("boards")
    .description("list the boards on serial ports or behind agents: what they are, what they run")
    .option(
      "--port <names...>",
      "ports to ask, by path, serial number or pattern (default: $WUXING_PORTS, else every board's)",
    )
    .option("--on <where>", AGENTS, agentsOption)
    .option("--watch", "go on until Ctrl-C and say what comes and goes; with --json, a line each")
    .action(run(boards))
}

async function boards(options: BoardsOptions, context: Context): Promise<Outcome> {
  const { port, on } = options
  checkPlaces(port, on)
  if (on && options.watch)
    throw usageError(
      "--watch looks at the ports of this machine, and --on names a broker",
      "leave out one of the two",
    )
  if (on) return await boardsBehindAgents(on.address, context)
  if (options.watch) return await watch(options, context)
  const { output, signal } = context
  const { ports, poor } = await portsToShow(options)
  output.status(`asking ${ports.filter(port => port.ask).length} port(s)`)
  const rows = await Promise.all(ports.map(port => ask(port, signal)))
  print(output, rows)
  if (poor) output.status(`note: ${poor}`)
  return { document: { ports: rows.map(documentOf), ...(poor ? { poor } : {}) } }
}

async function boardsBehindAgents(
  address: BrokerAddress,
  { output, signal }: Context,
): Promise<Outcome> {
  const { askBehindAgents } = await import("../hardware/mqtt/ask")
  output.status("asking the boards of all agents")
  const agents = await askBehindAgents(address, signal)
  output.table(
    ["agent", "board", "id", "profile", "runtime", "program", "state"],
    agents.flatMap(({ agent, boards }) =>
      boards.map(({ board, profile, identity }) => {
        const cells = identityCells(identity)
        return [agent, board, cells[0], cells[1] || profile, ...cells.slice(2)]
      }),
    ),
    // Whose it is and how it is before what it is.
    [0, 1, 6, 3, 5],
  )
  for (const { agent, description } of agents) output.status(`${agent}: ${description}`)
  for (const { agent, boards } of agents)
    for (const { board, identity } of boards)
      if (identity.kind === "other" || identity.kind === "closed")
        output.status(`${agent}, board ${board}: ${identity.why}`)
  return {
    document: {
      agents: agents.map(({ boards, ...agent }) => ({
        ...agent,
        boards: boards.map(({ board, profile, identity }) => ({
          ...{ board, announced: profile },
          ...identityDocument(identity),
        })),
      })),
    },
  }
}

interface Candidate extends PortInfo {
  ask: boolean
}

async function portsToShow({
  port,
}: BoardsOptions): Promise<{ ports: Candidate[]; poor?: string }> {
  const { listPorts } = await import("../link/port-list")
  const { portsOfEnvironment, resolvePorts } = await import("../link/port-names")
  const { mayBeDeviceScript, mayBeFirmata } = await import("../hardware/identify")
  const { ports, poor } = await listPorts()
  const names = port ?? portsOfEnvironment()
  if (names.length > 0) {
    const known = (path: string) => ports.find(other => other.path === path) ?? { path }
    return { ports: resolvePorts(names, ports).map(path => ({ ...known(path), ask: true })), poor }
  }
  return {
    ports: ports.map(port => ({ ...port, ask: mayBeDeviceScript(port) || mayBeFirmata(port) })),
    poor,
  }
}

async function ask({ ask, ...port }: Candidate, signal: AbortSignal): Promise<Row> {
  if (!ask) return port
  const { identify } = await import("../hardware/identify")
  return { ...port, identity: await identify(port.path, signal) }
}

/** Until Ctrl-C, which is how it is meant to end: no error. */
async function watch(options: BoardsOptions, { output, signal }: Context): Promise<Outcome> {
  output.asLines()
  const rows = new Map<string, Row>()
  let said: string | undefined
  while (!signal.aborted) {
    // A pattern that matches nothing is no mistake here: its board may come yet.
    const { ports, poor } = await portsToShow(options).catch(() => ({ ports: [], poor: undefined }))
    if (poor && poor !== said) output.status(`note: ${poor}`)
    said = poor
    const there = ports.filter(({ path }) => isThere(path))
    for (const row of [...rows.values()]) {
      if (there.some(({ path }) => path === row.path)) continue
      rows.delete(row.path)
      say(output, "gone", row)
    }
    const fresh = there.filter(({ path }) => !rows.has(path))
    try {
      for (const row of await Promise.all(fresh.map(port => ask(port, signal)))) {
        rows.set(row.path, row)
        say(output, "found", row)
      }
      await realClock.sleep(WATCH_MS, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return { document: { event: "end", ports: [...rows.values()].map(documentOf) } }
}

/** Of a port that was named by its path nobody tells whether it is there; a Windows port is no file. */
function isThere(path: string): boolean {
  return process.platform === "win32" || existsSync(path)
}

function say(output: Output, event: "found" | "gone", row: Row): void {
  output.line({ event, ...documentOf(row) })
  output.print(`${event === "found" ? "+" : "-"} ${cellsOf(row).filter(Boolean).join("  ")}`)
}

const HEAD = ["port", "USB ids", "serial number", "board", "profile", "runtime", "program", "state"]
/** Columns, what a narrow terminal must show first: port, state, board, profile, program. */
const MATTERS = [0, 7, 3, 4, 6]

function print(output: Output, rows: readonly Row[]): void {
  if (rows.length === 0) output.print("no serial ports")
  else output.table(HEAD, rows.map(cellsOf), MATTERS)
  for (const { identity } of rows) {
    if (identity?.kind === "other" || identity?.kind === "closed") output.status(identity.why)
  }
}

function cellsOf({ path, vendorId, productId, serialNumber, identity }: Row): string[] {
  const usb = vendorId ? `${vendorId}:${productId}` : ""
  const cells = identity ? identityCells(identity) : ["", "", "", "", "not asked"]
  return [path, usb, serialNumber ?? "", ...cells]
}

/** Its id, profile, runtime, program and state. */
function identityCells(identity: Identity): string[] {
  switch (identity.kind) {
    case "devicescript": {
      const { id, runtimeVersion, programHash, running } = identity.board
      const program = programHash?.slice(0, 12) ?? "none"
      // Without a program a board may say "running": it would run one.
      const state = programHash && running ? "running" : "idle"
      return [id, identity.profile, runtimeVersion ?? "", program, state]
    }
    case "firmata":
      return ["", "firmata", identity.version, identity.name, ""]
    case "other":
      return ["", "", "", "", "no board answered"]
    case "closed":
      return ["", "", "", "", identity.code]
  }
}

/** What the system, USB and the board say of a port; `kind` is "unasked" where no board was looked for. */
function documentOf({ path, identity, ...usb }: Row): object {
  const about = { port: path, ...(usb.vendorId ? { usb } : {}) }
  if (identity === undefined) return { ...about, kind: "unasked" }
  return { ...about, ...identityDocument(identity) }
}

function identityDocument(identity: Identity): object {
  if (identity.kind !== "devicescript") return identity
  const { board, ...known } = identity
  return { ...known, ...board }
}
