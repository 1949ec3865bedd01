/**
 * A folder that one process uses at a time. The lock is a file in it that names the process; one of a
 * process that has ended, also by a power cut, is taken over.
 */
import { randomBytes } from "node:crypto"
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"

const NAME = ".wuxing-lock"
/** A lock that is removed as it is looked at is asked for again. */
const TRIES = 5

/** Who holds a lock. */
export interface Holder {
  pid: number
  host: string
}

/** Locks of this process, by their files. */
const own = new Map<string, number>()

/**
 * Locks a folder that exists. The same process may do so again.
 *
 * @returns what gives it back, or who holds it
 * @throws the system's own errors where the folder cannot be written to
 */
export function lockFolder(folder: string): { release: () => void } | { holder: Holder } {
  return lockFile(join(folder, NAME))
}

/** The same of whatever else one process does at a time, by a file that stands for it. */
export function lockFile(path: string): { release: () => void } | { holder: Holder } {
  const count = own.get(path) ?? 0
  if (count === 0) {
    const holder = take(path)
    if (holder) return { holder }
  }
  own.set(path, count + 1)
  let released = false
  const release = () => {
    if (released) return
    released = true
    const left = own.get(path)! - 1
    own.set(path, left)
    if (left === 0) rmSync(path, { force: true })
  }
  return { release }
}

function take(path: string): Holder | undefined {
  const mine = `${path}-${randomBytes(6).toString("hex")}`
  // Under another name first, so that nobody sees a lock that names no one.
  writeFileSync(mine, JSON.stringify({ pid: process.pid, host: hostname(), ...startOf("self") }), {
    flag: "wx",
  })
  try {
    let holder: Holder | undefined
    for (let i = 0; i < TRIES; i++) {
      try {
        linkSync(mine, path)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
      }
      const text = textOf(path)
      if (text === undefined) continue
      holder = livingHolder(text)
      if (holder) return holder
      removeStale(path, text)
    }
    return holder ?? { pid: 0, host: hostname() }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Only the lock that was found to be stale: another process may have taken it over meanwhile. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}-${randomBytes(6).toString("hex")}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  try {
    if (textOf(aside) !== stale) linkSync(aside, path)
  } catch {
    // A third one was quicker.
  }
  rmSync(aside, { force: true })
}

/** Nothing where the process has ended. */
function livingHolder(text: string): Holder | undefined {
  let lock: { pid: number; host: string; boot?: string; start?: string }
  try {
    lock = JSON.parse(text)
    if (!Number.isSafeInteger(lock.pid) || lock.pid < 1) return undefined
  } catch {
    // Power was cut as it was written.
    return undefined
  }
  const { pid, host } = lock
  // Processes of other machines cannot be looked at.
  if (host !== hostname()) return { pid, host }
  const now = startOf(pid)
  if (lock.boot !== now.boot || (now.boot !== undefined && lock.start !== now.start))
    return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined
  }
  return { pid, host }
}

/** When the machine and the process started, since numbers of processes come again; of Linux only. */
function startOf(pid: number | "self"): { boot?: string; start?: string } {
  const boot = textOf("/proc/sys/kernel/random/boot_id")?.trim()
  if (boot === undefined) return {}
  // After the name, which may hold spaces: the state, and as the 20th value the start (man 5 proc).
  const [state, ...rest] =
    textOf(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, "")
      .split(" ") ?? []
  // A zombie runs no more.
  return state === undefined || state === "Z" || state === "X"
    ? { boot }
    : { boot, start: rest[18] }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}
