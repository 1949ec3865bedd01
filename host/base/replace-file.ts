/** The one writer of files that users ask for: nobody ever finds half of one, or one lost to another. */
import { randomBytes } from "node:crypto"
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { messageOf, WuxingError } from "./errors"

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40

/** How errors call the file. */
export interface FileKind {
  /** Of the error where it cannot be written. */
  code: string
  what: string
}

/**
 * Whether a file could be written, before the work that makes it. Nothing is left of the attempt.
 *
 * @param force also over a file that is there
 * @throws WuxingError "usage" if there is one; `code` (kind "data") if its folder cannot be written to, or
 *   what is there is no file: a folder, a device, a pipe
 */
export function checkReplaceable(path: string, kind: FileKind, force: boolean): void {
  const target = targetOf(path)
  const there = statOf(path, target, kind)
  if (there && !there.isFile()) throw noFile(path, kind, there)
  if (there && !force) throw existsAlready(path)
  try {
    const temporary = temporaryName(target)
    closeSync(openSync(temporary, "wx"))
    rmSync(temporary)
  } catch (error) {
    throw unwritable(path, kind, error)
  }
}

/**
 * Writes under another name in the same folder, onto the disk, then renames. Whatever happens, the file is
 * the old one or the new one, whole; a link stays, and what it leads to is replaced. What earlier writers
 * of this file left when they were killed is removed.
 *
 * @param force also over a file that is there
 * @throws WuxingError as checkReplaceable
 */
export function replaceFile(path: string, bytes: Uint8Array, kind: FileKind, force = true): void {
  const target = targetOf(path)
  const there = statOf(path, target, kind)
  if (there && !there.isFile()) throw noFile(path, kind, there)
  try {
    removeLeftovers(target)
    replace(target, bytes, force)
  } catch (error) {
    if (!force && (error as NodeJS.ErrnoException).code === "EEXIST") throw existsAlready(path)
    throw unwritable(path, kind, error)
  }
}

function replace(target: string, bytes: Uint8Array, force: boolean): void {
  const temporary = temporaryName(target)
  try {
    const file = openSync(temporary, "wx")
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (force) renameSync(temporary, target)
    else renameFresh(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(dirname(target))
}

/** As a rename that fails with EEXIST where the name is taken: of two writers one succeeds. */
function renameFresh(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" || existsSync(to))
      throw Object.assign(new Error(`${to} exists`), { code: "EEXIST" })
    // A file system without links: then a look must do.
    renameSync(from, to)
    return
  }
  unlinkSync(from)
}

function temporaryName(target: string): string {
  const own = `${process.pid}-${randomBytes(6).toString("hex")}`
  return join(dirname(target), `.${basename(target)}.${own}.tmp`)
}

/** Temporary files of this file whose process has ended. */
function removeLeftovers(target: string): void {
  const prefix = `.${basename(target)}.`
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(prefix)) continue
    const [, pid] = /^(\d+)-[0-9a-f]{12}\.tmp$/.exec(name.slice(prefix.length)) ?? []
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(dirname(target), name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Where links lead, also to what is not there yet. */
function targetOf(path: string): string {
  let target = resolve(path)
  for (let i = 0; i < MOST_LINKS; i++) {
    let link: string
    try {
      if (!lstatSync(target).isSymbolicLink()) return target
      link = readlinkSync(target)
    } catch {
      return target
    }
    target = resolve(dirname(target), link)
  }
  return target
}

function statOf(path: string, target: string, kind: FileKind): Stats | undefined {
  try {
    return statSync(target, { throwIfNoEntry: false })
  } catch (error) {
    // A file in the place of a folder, a name that is too long.
    throw unwritable(path, kind, error)
  }
}

function noFile(path: string, { code, what }: FileKind, there: Stats): WuxingError {
  const isA = there.isDirectory()
    ? "folder"
    : there.isFIFO()
      ? "pipe"
      : there.isSocket()
        ? "socket"
        : "device"
  return new WuxingError({
    ...{ code, kind: "data", message: `${what} ${path} cannot be written: it is a ${isA}` },
    cause: "a file is written under another name first, and would take the place of what is there",
    help: "name a file",
  })
}

function existsAlready(path: string): WuxingError {
  return new WuxingError({
    ...{ code: "usage", kind: "usage", message: `${path} exists already` },
    cause: "an earlier run wrote it",
    help: "name another file, or write over it with --force",
  })
}

function unwritable(path: string, { code, what }: FileKind, error: unknown): WuxingError {
  return new WuxingError(
    {
      ...{ code, kind: "data", message: `${what} ${path} cannot be written: ${whyOf(error)}` },
      cause: "the folder does not exist, may not be written to, or the disk is full",
      help: "check the folder, or name another file",
    },
    { cause: error },
  )
}

const REASONS: Record<string, string> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of its path is a file, not a folder",
  EACCES: "its folder may not be written to",
  EPERM: "the system does not allow it",
  EROFS: "its file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk's share of this user is used up",
  ENAMETOOLONG: "its name is too long",
}

/** Why something could not be written, without the temporary name it was tried under. */
export function whyOf(error: unknown): string {
  if (error instanceof WuxingError && error.cause !== undefined) return whyOf(error.cause)
  const { code = "" } = error as NodeJS.ErrnoException
  return REASONS[code] ?? messageOf(error)
}

/** The rename itself is on the disk once its folder is; not every system lets a folder be opened. */
function syncFolder(folder: string): void {
  try {
    const file = openSync(folder, "r")
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch {}
}
