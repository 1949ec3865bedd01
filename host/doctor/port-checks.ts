/** Serial ports: found, allowed, and what is behind them. */
import { accessSync, constants, readFileSync, statSync } from "node:fs"
import { WuxingError } from "../base/errors"
import type { Identity } from "../hardware/identify"
import type { PortInfo, PortListing } from "../link/port-list"
import { PORTS_VARIABLE, resolvePorts } from "../link/port-names"
import { type Finding, good, note, problem } from "./finding"

export function checkListing({ ports, poor }: PortListing): Finding {
  const check = "serial ports"
  if (poor)
    return note(
      check,
      `${ports.length} found; ${poor}`,
      "install udev (Debian: apt install udev), or name ports by their path",
    )
  return good(check, `${ports.length} found`)
}

/**
 * The ports to look at: those that the environment variable names, where it is set, or all.
 *
 * @param names what the variable names
 */
export function portsToCheck(
  names: readonly string[],
  ports: readonly PortInfo[],
): { ports: PortInfo[]; finding?: Finding } {
  if (names.length === 0) return { ports: [...ports] }
  try {
    const paths = resolvePorts(names, ports)
    return {
      ports: paths.map(path => ports.find(port => port.path === path) ?? { path }),
      finding: good(PORTS_VARIABLE, `only ${paths.join(", ")}`),
    }
  } catch (error) {
    if (!(error instanceof WuxingError)) throw error
    return {
      ports: [...ports],
      finding: problem(PORTS_VARIABLE, error.message, error.help ?? `unset ${PORTS_VARIABLE}`),
    }
  }
}

/** What decides who may open a port; replaced in tests. */
export interface PortAccess {
  mayOpen(path: string): boolean
  /** Name of the group the port belongs to. */
  groupOf(path: string): string | undefined
}

export function checkPermission(path: string, access: PortAccess): Finding {
  const check = `permission for ${path}`
  if (access.mayOpen(path)) return good(check, "may be read and written")
  const group = access.groupOf(path)
  return problem(
    check,
    `you may not open it${group ? `, members of the group ${group} may` : ""}`,
    group
      ? `sudo usermod -aG ${group} "$USER", then log in again`
      : `sudo chmod a+rw ${path}, until it is plugged in again`,
  )
}

export function systemAccess(): PortAccess {
  return {
    mayOpen(path) {
      try {
        accessSync(path, constants.R_OK | constants.W_OK)
        return true
      } catch {
        return false
      }
    },
    groupOf(path) {
      try {
        const { gid } = statSync(path)
        const groups = readFileSync("/etc/group", "utf8").split("\n")
        return groups.find(line => line.split(":")[2] === String(gid))?.split(":")[0]
      } catch {
        return undefined
      }
    },
  }
}

/** @param identity nothing: it was not asked, for it has no board's USB ids */
export function checkBoard({ path }: PortInfo, identity: Identity | undefined): Finding {
  const check = `board on ${path}`
  if (identity === undefined)
    return good(check, "not asked: its USB ids are no board's; `wuxing boards --port` asks it")
  switch (identity.kind) {
    case "devicescript": {
      const { profile, board } = identity
      const about = `${profile}, ${board.id}, runtime ${board.runtimeVersion ?? "unknown"}`
      if (board.programHash || profile === "pico-native") return good(check, about)
      return note(check, `${about}, without a program`, `wuxing deploy --port ${path}`)
    }
    case "firmata":
      return good(check, `${identity.name} (Firmata ${identity.version}): a front panel`)
    case "other":
      return note(
        check,
        "nothing that wuxing knows answered",
        "flash it (`wuxing flash --board pico --dry-run` has the steps), or press its reset button",
      )
    case "closed":
      return problem(
        check,
        identity.why,
        identity.code === "port-in-use"
          ? "end the program that has it open"
          : "see the permission above; else plug it in again",
      )
  }
}

export function checkFound(boards: number): Finding {
  if (boards > 0) return good("boards", `${boards} that can be used`)
  return note(
    "boards",
    "none on a serial port; virtual boards need none",
    "plug one in with a cable that carries data, then `wuxing flash --board pico --dry-run`",
  )
}
