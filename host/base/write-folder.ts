/** Folders of files that users ask for: a new one appears whole, or not at all. */
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { WuxingError } from "./errors"
import { replaceFile, whyOf } from "./replace-file"

const KIND = { code: "folder-unwritable", what: "file" }

/**
 * @param files by their paths within the folder
 * @param force also over files that are there
 * @throws WuxingError "folder-unwritable" (kind "data"), "usage" for a file that is there without `force`
 */
export function writeFolder(
  folder: string,
  files: Map<string, string | Uint8Array>,
  force: boolean,
): void {
  const target = resolve(folder)
  // Into one that is there, file by file: somebody may stand in it.
  const fresh = !existsSync(target)
  const own = `${process.pid}-${randomBytes(6).toString("hex")}`
  const at = fresh ? join(dirname(target), `.${basename(target)}.${own}.tmp`) : target
  try {
    for (const [path, content] of files) {
      makeFolder(dirname(join(at, path)))
      replaceFile(
        join(at, path),
        typeof content === "string" ? Buffer.from(content) : content,
        ...([KIND, force] as const),
      )
    }
    if (fresh) renameSync(at, target)
  } catch (error) {
    if (fresh) clear(at)
    if (error instanceof WuxingError && error.kind === "usage") throw error
    throw new WuxingError(
      {
        code: "folder-unwritable",
        kind: "data",
        message: `${folder} cannot be written: ${whyOf(error)}`,
        cause: "the disk is full, the folder belongs to somebody else, or a file is in the way",
        help: "name a folder of your own",
      },
      { cause: error },
    )
  }
}

/**
 * A folder, and those above it that are not there. Step by step: Node's own way never ends where a folder
 * is there that takes none, as /proc.
 *
 * @throws the system's error
 */
export function makeFolder(folder: string): void {
  const isThere = () => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (isThere()) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another run may just have made it.
    if (!isThere()) throw error
  }
}

/** What the failure left. Where it never came to be, below a file say, removing it fails too. */
function clear(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // The failure itself is what is said.
  }
}
