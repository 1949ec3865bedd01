/** `--dashboard`, `--host` and `--token`: a page that shows a run and has a word in it. */
import type { Command } from "commander"
import type { Seen } from "../../dashboard/describe"
import type { Hub } from "../../dashboard/hub"
import type { DashboardServer, ServerOptions } from "../../dashboard/server"
import type { TrainingRecord } from "../../models/model-file"
import { type Network, signalsOf } from "../../network/network"
import type { FleetWatch } from "../../session/watch"
import type { DataRecord } from "../../training/data-record"
import type { Context } from "../command"
import { integerOption, usageError } from "./usage"

const LOOPBACK = "127.0.0.1"
/** Any that is free is taken where nobody named one and this one is in use. */
const PORT = 7357
const LEAST_TOKEN = 16

export interface DashboardOptions {
  /** Port; true: any. */
  dashboard?: number | true
  host?: string
  token?: string
}

/** What a command has to say to it. */
export interface ViewOptions extends DashboardOptions {
  /** Names of the classes; absent: their numbers. */
  classes?: string[]
  /** What is known of the data the network learns or has learnt. */
  record?: DataRecord
  /** How the network was taught before, for model files that the page saves. */
  training?: TrainingRecord | null
  /** Holds the run before its first sample. */
  paused?: boolean
  /** As of the hub. */
  fixed?: string
  /** As of the hub. */
  addsClasses?: boolean
  /** Aborted: nobody holds the run any more. */
  until?: AbortSignal
  /** Told the page's addresses; more than one where other machines have their own. */
  announce?: (urls: string[]) => void
}

export function addDashboardOptions(command: Command): Command {
  const port = integerOption("--dashboard", 0, 65_535)
  return addServerOptions(
    command.option(
      "--dashboard [port]",
      `show the run on a page (port ${PORT} unless given)`,
      port,
    ),
  )
}

export function addServerOptions(command: Command): Command {
  return command
    .option(
      "--host <address>",
      `where the dashboard listens (default: ${LOOPBACK}); others than this machine need --token`,
    )
    .option(
      "--token <text>",
      "what a page must know to be let in (default: drawn anew)",
      tokenOption,
    )
}

function tokenOption(text: string): string {
  if (/^[\w-]+$/.test(text) && text.length >= LEAST_TOKEN) return text
  throw usageError(
    `--token has ${text.length} characters or some that do not belong there`,
    `give at least ${LEAST_TOKEN} letters, digits, "-" or "_", for example from: openssl rand -hex 16`,
  )
}

/** @throws WuxingError "usage" for options of a dashboard that there is not */
export function checkDashboardOptions({ dashboard, host, token }: DashboardOptions): void {
  if (dashboard === undefined && (host ?? token) !== undefined)
    throw usageError("--host and --token are the dashboard's, and there is none", "add --dashboard")
}

/** @throws WuxingError "usage" where others could look in without a token of the user's own */
async function checkHost({ host = LOOPBACK, token }: DashboardOptions): Promise<void> {
  const { isLoopback } = await import("../../dashboard/access")
  if (!isLoopback(host) && token === undefined)
    throw usageError(
      `--host ${host} lets other machines in, and there is no --token`,
      `choose one and give it to those who may look: --token $(openssl rand -hex 16)`,
    )
}

export type Dashboard = FleetWatch & {
  hub: Hub
  attach(fleet: Seen): Promise<void>
  close(): Promise<void>
}

/**
 * The dashboard, if there is to be one: its page can be opened at once, boards follow.
 *
 * @throws WuxingError "usage", "dashboard-port"
 */
export async function openDashboard(
  options: ViewOptions,
  network: Network,
  { output, signal }: Context,
): Promise<Dashboard | undefined> {
  const { dashboard, classes, paused, fixed, addsClasses, until, record } = options
  if (dashboard === undefined) return undefined
  await checkHost(options)
  const { Hub } = await import("../../dashboard/hub")
  const { untaught } = await import("../../dashboard/state-file")
  const { allOf } = await import("../../session/watch")
  const outputs = signalsOf(network, network.layers.length)
  const hub = new Hub({
    ...{ network, paused, fixed, addsClasses, signal: until ?? signal, frame: record?.frame },
    training: options.training ?? untaught(network, record && { data: record }),
    picture: record === undefined ? undefined : record.kind !== "table",
    status: text => output.status(text),
    classes: Array.from({ length: outputs }, (_, i) => classes?.[i] ?? String(i)),
  })
  try {
    const server = await serve(hub, options, output)
    return {
      ...allOf([hub, { close: () => server.close() }]),
      hub,
      attach: fleet => hub.attach(fleet),
      close: async () => {
        await Promise.all([hub.close(), server.close()])
      },
    }
  } catch (error) {
    await hub.close()
    throw error
  }
}

/**
 * Serves the page of what `hub` shows, and says where it is.
 *
 * @throws WuxingError "usage", "dashboard-port"
 */
export async function serve(
  hub: ServerOptions["hub"],
  options: DashboardOptions & Pick<ViewOptions, "announce">,
  output: Context["output"],
): Promise<DashboardServer> {
  const { dashboard = true, host = LOOPBACK, token, announce } = options
  await checkHost(options)
  const { drawToken } = await import("../../dashboard/access")
  const { DashboardServer } = await import("../../dashboard/server")
  const start = (port: number) =>
    DashboardServer.start({ hub, host, port, token: token ?? drawToken() })
  const server = await (dashboard === true ? start(PORT).catch(() => start(0)) : start(dashboard))
  const { urls } = server
  if (announce) announce(urls)
  else for (const url of urls) output.status(`dashboard: ${url}`)
  return server
}
