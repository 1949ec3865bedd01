/** Folders for the flash of boards that are processes. */
import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { lockFolder } from "../base/folder-lock"
import { makeFolder } from "../base/write-folder"

/**
 * Takes the user's folder for this process: two that write one flash would lose it.
 *
 * @returns what gives it back
 * @throws WuxingError "board-folder" (kind data), "board-folder-in-use" (kind board)
 */
export async function holdFolder(folder: string | undefined): Promise<() => void> {
  if (folder === undefined) return () => {}
  try {
    makeFolder(folder)
    const lock = lockFolder(folder)
    if ("release" in lock) return lock.release
    const { pid, host } = lock.holder
    throw new WuxingError({
      code: "board-folder-in-use",
      kind: "board",
      message: `the boards of ${folder} belong to another run (process ${pid} on ${host})`,
      cause: "a run, an agent or a bridge with the same folder has not ended",
      help: "end that one, or name another folder",
    })
  } catch (error) {
    throw error instanceof WuxingError ? error : unusable("boards", folder, error)
  }
}

/**
 * The folder of board `i` in `folder`; without one, a new one that begins with `scratch`.
 *
 * @throws WuxingError "board-folder" (kind data)
 */
export async function boardFolder(scratch: string, i: number, folder?: string): Promise<string> {
  const path = folder === undefined ? `${scratch}XXXXXX` : join(folder, `board-${i}`)
  try {
    if (folder === undefined) return await mkdtemp(scratch)
    makeFolder(path)
    return path
  } catch (error) {
    throw unusable(`board ${i}`, path, error)
  }
}

function unusable(who: string, path: string, error: unknown): WuxingError {
  return new WuxingError(
    {
      code: "board-folder",
      kind: "data",
      message: `${who} cannot keep flash in ${path}: ${messageOf(error)}`,
      cause: "something else has that name, the disk is full, or you may not write there",
      help: "name another folder",
    },
    { cause: error },
  )
}

/** Removes what `boardFolder` made in no folder of the user's. */
export async function removeBoardFolders(boards: { directory: string }[]): Promise<void> {
  await Promise.all(
    boards.map(({ directory }) => rm(directory, { recursive: true, force: true, maxRetries: 3 })),
  )
}
