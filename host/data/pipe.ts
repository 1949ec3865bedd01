/** What is named as data but is no file: a pipe, a socket or a device. */
import { statSync } from "node:fs"
import { WuxingError } from "../base/errors"

/** The error for such a path; undefined for a file, a folder, and where nothing is. */
export function pipeOrDevice(path: string, cause?: unknown): WuxingError | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat || stat.isFile() || stat.isDirectory()) return undefined
  return new WuxingError(
    {
      code: "data-missing",
      kind: "data",
      message: `${path} is a ${stat.isFIFO() ? "pipe" : stat.isSocket() ? "socket" : "device"}, not a file or folder`,
      cause: "data is read several times, and a pipe or a device gives it once or without an end",
      help: "save what it gives as a file first, for example as data.csv, and name that file",
    },
    { cause },
  )
}
