/** Which ports a user means: by path, by USB serial number, by pattern. */
import { readdirSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { WuxingError } from "../base/errors"
import type { PortInfo } from "./port-list"

/** Environment variable with the ports to use where none are named, separated by commas. */
export const PORTS_VARIABLE = "WUXING_PORTS"

/** The ports of the environment variable; none when it is not set or empty. */
export function portsOfEnvironment(text = process.env[PORTS_VARIABLE]): string[] {
  return splitPorts(text ?? "")
}

/** "a, b" as ["a", "b"]. */
export function splitPorts(text: string): string[] {
  return text
    .split(",")
    .map(part => part.trim())
    .filter(part => part !== "")
}

/**
 * Paths for names, in the order of the names; a pattern gives all it matches, by name.
 *
 * A name is a path ("/dev/ttyACM0", "COM3"), the USB serial number of a port ("JD0123456789abcdef"),
 * or a pattern with `*` or `?` for paths or serial numbers. A path need not be in the listing: it may
 * be a pseudo-terminal, or a link that udev rules make.
 *
 * @throws WuxingError "port-missing" (kind board) when a pattern or serial number matches nothing,
 *   "port-twice" (kind usage) when two names mean the same path
 */
export function resolvePorts(names: readonly string[], ports: readonly PortInfo[]): string[] {
  const paths: string[] = []
  for (const name of names) {
    for (const path of matchesOf(name, ports)) {
      // A pattern may well take in what was named before it; a plain name said twice is a slip.
      if (!paths.includes(path)) paths.push(path)
      else if (!isPattern(name)) throw twice(name, path)
    }
  }
  return paths
}

function matchesOf(name: string, ports: readonly PortInfo[]): string[] {
  if (isPattern(name)) {
    const pattern = patternOf(name)
    const found = new Set(
      ports
        .filter(port => pattern.test(port.path) || pattern.test(port.serialNumber ?? ""))
        .map(port => port.path),
    )
    for (const path of filesLike(name)) found.add(path)
    if (found.size === 0) throw missing(name, "matches no port", ports)
    return [...found].sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
  }
  const bySerial = ports.filter(
    port => port.serialNumber?.toLowerCase() === name.toLowerCase() && name !== "",
  )
  if (bySerial.length > 0) return bySerial.map(port => port.path)
  if (isPath(name)) return [name]
  throw missing(name, "is neither a path nor the serial number of a port", ports)
}

function isPath(name: string): boolean {
  return /[\\/]/.test(name) || /^COM\d+$/i.test(name)
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name)
}

function patternOf(name: string): RegExp {
  const body = name
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".")
  return new RegExp(`^${body}$`, "i")
}

/** Files that a path's pattern means; only its last part may hold wildcards. */
function filesLike(name: string): string[] {
  const folder = dirname(name)
  if (!isPath(name) || isPattern(folder)) return []
  const pattern = patternOf(basename(name))
  try {
    return readdirSync(folder)
      .filter(file => pattern.test(file))
      .map(file => join(folder, file))
  } catch {
    return []
  }
}

function missing(name: string, what: string, ports: readonly PortInfo[]): WuxingError {
  const known = ports.map(({ path, serialNumber }) =>
    serialNumber ? `${path} (${serialNumber})` : path,
  )
  return new WuxingError({
    code: "port-missing",
    kind: "board",
    message: `"${name}" ${what}${known.length > 0 ? `; there are ${known.join(", ")}` : "; no ports were found"}`,
    cause: "the board is not plugged in, or has another name",
    help: "see `wuxing boards` for what there is, or name a port by its path",
  })
}

function twice(name: string, path: string): WuxingError {
  return new WuxingError({
    code: "port-twice",
    kind: "usage",
    message: `port "${name}" is named twice (${path})`,
    cause: "a path and a serial number may mean the same board",
    help: "name each board once",
  })
}
