/** Folders for the flash of boards that are processes. */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"

/**
 * The folder of board `i` in `folder`; without one, a new one that begins with `scratch`.
 *
 * @throws WuxingError "board-folder" (kind data)
 */
export async function boardFolder(scratch: string, i: number, folder?: string): Promise<string> {
  const path = folder === undefined ? `${scratch}XXXXXX` : join(folder, `board-${i}`)
  try {
    if (folder === undefined) return await mkdtemp(scratch)
    await mkdir(path, { recursive: true })
    return path
  } catch (error) {
    throw new WuxingError(
      {
        code: "board-folder",
        kind: "data",
        message: `board ${i} cannot keep its flash in ${path}: ${messageOf(error)}`,
        cause: "something else has that name, the disk is full, or you may not write there",
        help: "name another folder",
      },
      { cause: error },
    )
  }
}

/** Removes what `boardFolder` made in no folder of the user's. */
export async function removeBoardFolders(boards: { directory: string }[]): Promise<void> {
  await Promise.all(
    boards.map(({ directory }) => rm(directory, { recursive: true, force: true, maxRetries: 3 })),
  )
}
