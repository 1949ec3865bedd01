/** What tests keep of what they built: an old version of it is of no use any more. */
import { readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { timeOfDay } from "../host/base/clock"

const DAY_MS = 86_400_000

/** Removes what lies in a folder for more than a day, of names that begin so. Another process may do the same. */
export function forgetOld(folder: string, begins = ""): void {
  for (const name of readdirSync(folder).filter(each => each.startsWith(begins))) {
    const path = join(folder, name)
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs
    if (since !== undefined && since < timeOfDay().getTime() - DAY_MS)
      rmSync(path, { recursive: true, force: true })
  }
}
