/**
 * Board profiles: what a board has and costs, one JSON file each in `boards/`, checked before use.
 * Boards run DeviceScript; chips (kind "neuromorphic") run networks as NIR graphs, and can be planned
 * for only.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { z } from "zod"
import { messageOf, WuxingError } from "../base/errors"
import { readBytes } from "../base/input-file"
import { parseJson as parseBounded } from "../base/json-text"

const FOLDER = fileURLToPath(new URL("../../boards", import.meta.url))
/** Far above any profile: bounds of the file and of what it says. */
const MOST_BYTES = 64 * 1024
const JSON_BOUNDS = { values: 4096, depth: 8 }

const positive = z.int().positive()

const OPERATION_KINDS = [
  ...["constant", "literal", "localRead", "localWrite", "add", "compare", "shift", "multiply"],
  ...["jump", "branch", "arrayRead", "arrayWrite", "bufferRead", "bufferWrite"],
  ...["mathField", "namedField"],
] as const

const figures = {
  /** Bytes of the VM's garbage-collected heap, before any program. */
  heapBytes: positive,
  /** Bytes of the settings store in flash that a program may fill. */
  flashStoreBytes: positive,
  /** The largest value of one setting in it, bytes. */
  flashValueBytes: positive,
  /** Cycles a second. */
  clockHz: positive,
  /** Cycles of one bytecode operation in mixed code. */
  cyclesPerOperation: z.number().positive(),
  /** Cycles of one operation of each kind whose cost was looked at by itself; null: no machine. */
  operationCycles: z
    .strictObject(
      Object.fromEntries(OPERATION_KINDS.map(kind => [kind, positive])) as Record<
        (typeof OPERATION_KINDS)[number],
        typeof positive
      >,
    )
    .nullable(),
  /** Bytes a second from the host to the program. */
  linkBytesPerSecond: positive,
  /** Packets a program sends: this many at once, then one every so many milliseconds. */
  messageThrottle: z.strictObject({ burst: positive, intervalMs: positive }),
  /** What its flash takes: a sector to be erased, a page to be programmed; ms, 0 where nobody waits. */
  flash: z.strictObject({
    sectorBytes: positive,
    eraseMs: z.number().nonnegative(),
    pageBytes: positive,
    programMs: z.number().nonnegative(),
    /** Whether its firmware gathers what goes to one page, and programs that once. */
    keepsPage: z.boolean(),
  }),
}

const source = z.string().min(1)
// Every figure must say where it comes from: a profile is only as good as its measurements.
const sources = Object.fromEntries(Object.keys(figures).map(name => [name, source])) as {
  [Figure in keyof typeof figures]: typeof source
}

const profileSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z][a-z0-9-]*$/, "lower-case letters, digits and hyphens"),
    name: z.string().min(1),
    /** The board's id in DeviceScript's list; null for a board that exists only as a process. */
    deviceScriptBoard: z.string().min(1).nullable(),
    ...figures,
    /** Cycles of one operation of this project's own program; absent: as of mixed code. */
    programCyclesPerOperation: z.number().positive().optional(),
    /** What the board draws while it computes: supply voltage, V, and current, mA; absent: not known. */
    supply: z
      .strictObject({ volts: z.number().positive(), milliamps: z.number().positive() })
      .optional(),
    sources: z.strictObject({
      ...sources,
      programCyclesPerOperation: source.optional(),
      supply: source.optional(),
    }),
  })
  .refine(({ supply, sources }) => !supply === !sources.supply, {
    message: "supply and its source belong together",
    path: ["supply"],
  })
  .refine(p => !p.programCyclesPerOperation === !p.sources.programCyclesPerOperation, {
    message: "programCyclesPerOperation and its source belong together",
    path: ["programCyclesPerOperation"],
  })

export type BoardProfile = z.infer<typeof profileSchema>

const chipFigures = {
  cores: positive,
  neuronsPerCore: positive,
  /** Weights of all neurons of a core together. */
  synapsesPerCore: positive,
  /** Synapses of a neuron. */
  fanIn: positive,
  /** Different neurons and inputs whose signals a core takes; null: no limit of its own. */
  sourcesPerCore: positive.nullable(),
  /** Values the chip takes and gives; absent: no limit of its own. */
  inputs: positive.optional(),
  outputs: positive.optional(),
  /** Neurons that one neuron may send to; absent: no limit of its own. */
  fanOut: positive.optional(),
  /** Bits of a weight with its sign; absent: not whole numbers. */
  weightBits: z.int().min(2).max(16).optional(),
}

const chipSchema = z.strictObject({
  id: profileSchema.shape.id,
  kind: z.literal("neuromorphic"),
  name: z.string().min(1),
  ...chipFigures,
  sources: z.strictObject({
    cores: source,
    neuronsPerCore: source,
    synapsesPerCore: source,
    fanIn: source,
    sourcesPerCore: source,
    inputs: source.optional(),
    outputs: source.optional(),
    fanOut: source.optional(),
    weightBits: source.optional(),
  }),
})

/** What a neuromorphic chip holds. A leaky integrator is one of its neurons. */
export type ChipProfile = z.infer<typeof chipSchema>

/**
 * The profile of a board in `<folder>/<id>.json`.
 *
 * @throws WuxingError "board-unknown" (kind "usage"), "board-profile" (kind "data")
 */
export function readBoardProfile(id: string, folder = FOLDER): BoardProfile {
  return once(`profile ${id}`, folder, () =>
    readProfile(id, boardIds(folder), profileSchema, folder),
  )
}

/** As {@link readBoardProfile}; a board there is no profile of counts as a Pico. */
export function profileOrPico(id: string | undefined): BoardProfile {
  return readBoardProfile(id !== undefined && boardIds().includes(id) ? id : "pico")
}

/** As {@link readBoardProfile}, of a neuromorphic chip. */
export function readChipProfile(id: string, folder = FOLDER): ChipProfile {
  return readProfile(id, chipIds(folder), chipSchema, folder)
}

function readProfile<Profile extends { id: string }>(
  id: string,
  known: string[],
  schema: z.ZodType<Profile>,
  folder: string,
): Profile {
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
  const parsed = schema.safeParse(parseJson(path))
  if (!parsed.success) throw badProfile(path, z.prettifyError(parsed.error))
  if (parsed.data.id !== id) throw badProfile(path, `its id is "${parsed.data.id}", not "${id}"`)
  return parsed.data
}

/** The ids of all boards' profiles, in alphabetical order. */
export function boardIds(folder = FOLDER): string[] {
  return once("ids", folder, () => profileIds(folder).filter(id => !isChip(id, folder))).slice()
}

const known = new Map<string, unknown>()

/** What the package's own files say is read once: a fleet asks for it at every start and recovery. */
function once<T>(key: string, folder: string, read: () => T): T {
  if (folder !== FOLDER) return read()
  if (!known.has(key)) known.set(key, read())
  return known.get(key) as T
}

/** The ids of all neuromorphic chips' profiles, in alphabetical order. */
export function chipIds(folder = FOLDER): string[] {
  return profileIds(folder).filter(id => isChip(id, folder))
}

function profileIds(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith(".json"))
    .map(name => name.slice(0, -".json".length))
    .sort()
}

/** A file that cannot be read is taken for a board's: it is refused when it is asked for. */
function isChip(id: string, folder: string): boolean {
  try {
    const profile = parseJson(join(folder, `${id}.json`))
    return z.object({ kind: z.literal("neuromorphic") }).safeParse(profile).success
  } catch {
    return false
  }
}

function parseJson(path: string): unknown {
  try {
    return parseBounded(readBytes(path, MOST_BYTES), JSON_BOUNDS)
  } catch (error) {
    throw badProfile(path, messageOf(error))
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
