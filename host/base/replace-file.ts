/** Writing a file so that nobody ever finds half of it. */
import { randomBytes } from "node:crypto"
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { messageOf, WuxingError } from "./errors"

/**
 * Writes under another name in the same folder, onto the disk, then renames. Whatever happens, `path`
 * is the old file or the new one, whole.
 *
 * @param what to call it in an error, whose code is `code`
 * @throws WuxingError `code` (kind "data")
 */
export function replaceFile(
  path: string,
  bytes: Uint8Array,
  { code, what }: { code: string; what: string },
): void {
  try {
    replace(path, bytes)
  } catch (error) {
    throw new WuxingError(
      {
        ...{
          code,
          kind: "data",
          message: `${what} ${path} cannot be written: ${messageOf(error)}`,
        },
        cause: "the folder does not exist, may not be written to, or the disk is full",
        help: "check the folder, or name another file",
      },
      { cause: error },
    )
  }
}

function replace(path: string, bytes: Uint8Array): void {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`)
  try {
    const file = openSync(temporary, "wx")
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(folder)
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
