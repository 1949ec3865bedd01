/** No command writes over a file unless it is told to. */
import { existsSync } from "node:fs"
import { usageError } from "./usage"

/**
 * @param force the user's --force
 * @throws WuxingError "usage" if the file is there
 */
export function refuseToOverwrite(path: string, force = false): void {
  if (force || !existsSync(path)) return
  throw usageError(
    `${path} exists already`,
    "name another file, or write over it with --force",
    "an earlier run wrote it",
  )
}
