/** Puts the program on boards, each on its own port, all at once; one that fails stops no other. */
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { BoardLink } from "../link/board-link"
import type { Port } from "../link/port"
import { openSerialPort } from "../link/serial-port"
import { retryUntil } from "../link/wait"
import { profileOrPico } from "./board-profile"
import { profileOfProduct } from "./devicescript-boards"
import { DEVICE_SCRIPT_BAUD_RATE } from "./identify"

const LOOK_MS = 300

export interface DeployOptions {
  signal?: AbortSignal
  /** How long to wait for a port that is not there yet, ms: a board that was just flashed starts. */
  appearMs?: number
  /** @param share of the program that is sent, 0…1 */
  onProgress?: (site: string, share: number) => void
  /** Log text of a board, a line at a time. */
  onLog?: (site: string, line: string) => void
}

/** Where a board is to be reached. */
export interface Site {
  /** Path of its port, or what else it is called. */
  name: string
  /** Of the board, for where it does not tell. */
  profile?: string
  open(): Promise<Port>
}

export interface Deployed {
  /** Its site's name. */
  port: string
  /** 16 hex digits; undefined where the board did not get as far as to say it. */
  id?: string
  profile?: string
  /** "same": it held the program already, and nothing was written. */
  result: "deployed" | "same" | "failed"
  error?: WuxingError
}

/**
 * The program runs on every board that did not fail, and starts by itself from then on.
 *
 * @throws WuxingError only of kind "interrupted"
 */
export function deployToPorts(
  paths: readonly string[],
  bytecode: Uint8Array,
  options: DeployOptions = {},
): Promise<Deployed[]> {
  const { signal, appearMs = 0 } = options
  const sites = paths.map(path => ({
    name: path,
    open: () => openOnceThere(path, appearMs, signal),
  }))
  return deployTo(sites, bytecode, options)
}

/** As deployToPorts, to boards wherever they are. */
export function deployTo(
  sites: readonly Site[],
  bytecode: Uint8Array,
  options: Omit<DeployOptions, "appearMs"> = {},
): Promise<Deployed[]> {
  return Promise.all(sites.map(site => deployToSite(site, bytecode, options)))
}

async function openOnceThere(path: string, appearMs: number, signal?: AbortSignal): Promise<Port> {
  let missing: Error | undefined
  return await retryUntil(
    {
      clock: realClock,
      deadlineMs: appearMs,
      pauseMs: LOOK_MS,
      signal,
      what: `serial port ${path}`,
      late: () => missing!,
    },
    async () => {
      try {
        return await openSerialPort(path, { baudRate: DEVICE_SCRIPT_BAUD_RATE })
      } catch (error) {
        if (!(error instanceof WuxingError) || error.code !== "port-missing") throw error
        missing = error
        return undefined
      }
    },
  )
}

async function deployToSite(
  { name, profile, open }: Site,
  bytecode: Uint8Array,
  { signal, onProgress, onLog }: DeployOptions,
): Promise<Deployed> {
  const about: Deployed = { port: name, result: "failed" }
  try {
    const port = await open()
    const link = await BoardLink.connect(port, {
      ...{ name: "the board", signal },
      onLog: line => onLog?.(name, line),
    })
    try {
      about.id = link.boardId
      const told = profileOfProduct((await link.facts()).productId)
      about.profile = told === "unknown" ? (profile ?? told) : told
      link.flash = profileOrPico(about.profile).flash
      about.result = await link.deploy(bytecode, share => onProgress?.(name, share))
    } finally {
      await link.close()
    }
  } catch (error) {
    if (!(error instanceof WuxingError) || error.kind === "interrupted") throw error
    about.error = error
  }
  return about
}
