/** Who has a serial port open, as far as the system says so: for "in use by …". */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs"
import { basename, join } from "node:path"

export interface PortOwner {
  pid: number
  /** Its command line, cut to a readable length. */
  command: string
}

const MOST_COMMAND_CHARACTERS = 60

/**
 * The process that holds the port's lock, as this tool, Node's serialport and others set it.
 * Undefined where nobody does or the system (anything but Linux) does not tell.
 */
export function lockOwner(path: string, proc = "/proc"): PortOwner | undefined {
  try {
    const { dev, ino } = statSync(realpathSync(path), { bigint: true })
    // As the kernel packs the two numbers of a device into one.
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
    const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn)
    const hex = (value: bigint) => value.toString(16).padStart(2, "0")
    const place = `${hex(major)}:${hex(minor)}:${ino}`
    for (const line of readFileSync(join(proc, "locks"), "utf8").split("\n")) {
      const [, kind, , , pid, where] = line.trim().split(/\s+/)
      if (kind === "FLOCK" && where === place && Number(pid) > 0) return owner(Number(pid), proc)
    }
  } catch {
    // No such file system, or not for our eyes: then it is not known.
  }
  return undefined
}

/**
 * Another process that has the port open without a lock, as terminal programs do: both would get
 * half of the bytes. Undefined where there is none, or it belongs to somebody else and may not be
 * seen. Not asked about pseudo-terminals: there the far end holds the near one open too.
 */
export function openOwner(path: string, proc = "/proc"): PortOwner | undefined {
  try {
    const device = realpathSync(path)
    if (!/^\/dev\/(tty|rfcomm)/.test(device)) return undefined
    for (const pid of readdirSync(proc)) {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
      if (hasOpen(join(proc, pid, "fd"), device)) return owner(Number(pid), proc)
    }
  } catch {
    // As above.
  }
  return undefined
}

/**
 * The process that a UUCP lock file names (minicom, cu and others leave one), while it lives.
 */
export function lockFileOwner(path: string, folder = "/var/lock", proc = "/proc") {
  try {
    const text = readFileSync(join(folder, `LCK..${basename(path)}`), "utf8")
    const pid = Number.parseInt(text.trim(), 10)
    if (!(pid > 0) || pid === process.pid) return undefined
    // A lock file outlives a program that crashed.
    statSync(join(proc, String(pid)))
    return owner(pid, proc)
  } catch {
    return undefined
  }
}

function hasOpen(folder: string, device: string): boolean {
  try {
    return readdirSync(folder).some(fd => {
      try {
        return readlinkSync(join(folder, fd)) === device
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

function owner(pid: number, proc: string): PortOwner {
  let command = "unknown"
  try {
    const line = readFileSync(join(proc, String(pid), "cmdline"), "utf8")
    command = line.split("\0").join(" ").trim().slice(0, MOST_COMMAND_CHARACTERS) || command
  } catch {
    // The number alone is of use too.
  }
  return { pid, command }
}
