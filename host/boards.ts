/**
 * Board profiles: what a board has and costs, one JSON file each in `boards/`, checked before use.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { z } from "zod"
import { WuxingError } from "./errors"

const FOLDER = fileURLToPath(new URL("../boards", import.meta.url))

const positive = z.int().positive()

const figures = {
  /** Bytes of the VM's garbage-collected heap, before any program. */
  heapBytes: positive,
  /** Bytes of the settings store in flash that a program may fill. */
  flashStoreBytes: positive,
  /** Cycles a second. */
  clockHz: positive,
  /** Cycles of one bytecode operation in mixed code. */
  cyclesPerOperation: positive,
  /** Bytes a second from the host to the program. */
  linkBytesPerSecond: positive,
  /** Packets a program sends: this many at once, then one every so many milliseconds. */
  messageThrottle: z.strictObject({ burst: positive, intervalMs: positive }),
}

const source = z.string().min(1)
// Every figure must say where it comes from: a profile is only as good as its measurements.
const sources = Object.fromEntries(Object.keys(figures).map(name => [name, source])) as {
  [Figure in keyof typeof figures]: typeof source
}

const profileSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and hyphens"),
  name: z.string().min(1),
  /** The board's id in DeviceScript's list; null for a board that exists only as a process. */
  deviceScriptBoard: z.string().min(1).nullable(),
  ...figures,
  sources: z.strictObject(sources),
})

export type BoardProfile = z.infer<typeof profileSchema>

/**
 * The profile in `<folder>/<id>.json`.
 *
 * @throws WuxingError "board-unknown" (kind "usage"), "board-profile" (kind "data")
 */
export function readBoardProfile(id: string, folder = FOLDER): BoardProfile {
  const known = boardIds(folder)
  // Also keeps an id such as "../package" from naming a file elsewhere.
  if (!known.includes(id))
    throw new WuxingError({
      code: "board-unknown",
      kind: "usage",
      message: `there is no board profile "${id}" in ${folder}`,
      cause: "the name is misspelt, or the board has no profile yet",
      help: `use one of: ${known.join(", ")}`,
    })
  const path = join(folder, `${id}.json`)
  const parsed = profileSchema.safeParse(parseJson(path))
  if (!parsed.success) throw badProfile(path, z.prettifyError(parsed.error))
  if (parsed.data.id !== id) throw badProfile(path, `its id is "${parsed.data.id}", not "${id}"`)
  return parsed.data
}

/** The ids of all profiles, in alphabetical order. */
export function boardIds(folder = FOLDER): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith(".json"))
    .map(name => name.slice(0, -".json".length))
    .sort()
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw badProfile(path, error instanceof Error ? error.message : String(error))
  }
}

function badProfile(path: string, what: string): WuxingError {
  return new WuxingError({
    code: "board-profile",
    kind: "data",
    message: `board profile ${path} is not valid: ${what}`,
    cause: "a field is missing, misspelt or out of range, or a figure names no source",
    help: "compare it with boards/pico.json",
  })
}
