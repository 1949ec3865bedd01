/**
 * Model files: a network, its coefficients and how they were learnt, in one file.
 *
 *     offset  bytes  content (little-endian)
 *          0      8  89 57 58 4D 0D 0A 1A 0A: "WXM" framed as in PNG, so that a transfer which strips
 *                    the eighth bit or converts line ends is found out
 *          8      4  u32 version: 1; older ones are brought up to date as they are read
 *         12      4  u32 length of the header in bytes
 *         16         header: JSON in UTF-8, keys sorted, no spaces
 *                      network   what host/network/network.ts calls a Network
 *                      training  TrainingRecord, or null for coefficients as drawn
 *                      signal    how windows of a signal become the network's input
 *                                (host/signals/description.ts); missing where it reads pictures or tables
 *                      arrays    name and number of values of each array that follows
 *                    the arrays, int16 each; "coefficients" is the first: Q13, layer by layer,
 *                    synapse by synapse, sources ascending; of a layer of four bits two in a byte
 *                    (few-bits.ts)
 *                32  SHA-256 of all bytes before it
 *
 * Equal content gives equal bytes. A file is replaced as a whole or not at all.
 */
import { createHash } from "node:crypto"
import { z } from "zod"
import { messageOf, WuxingError } from "../base/errors"
import { readBytes } from "../base/input-file"
import { parseJson } from "../base/json-text"
import { replaceFile } from "../base/replace-file"
import { listOf } from "../base/schema"
import { MOST_CLASSES, MOST_NAME } from "../data/classes"
import type { Network } from "../network/network"
import { issuesOf, networkSchema, seedSchema, totalLinks } from "../network/network-schema"
import { type SignalDescription, signalSchema } from "../signals/description"
import { faultOfFeatures, widthOf } from "../signals/plan"
import { packed, packedBytes, unpacked } from "./few-bits"

/** Characters of a command or a path. */
const MOST_TEXT = 100_000
const share = z.number().min(0).max(1)
/** Whatever JSON has it: a schema would copy it all, value by value. */
const record = z.custom<Record<string, z.core.util.JSONType>>(
  value => typeof value === "object" && value !== null && !Array.isArray(value),
)

const trainingSchema = z.strictObject({
  /** The command that makes the same file again. */
  command: z.string().max(MOST_TEXT),
  /** Of the order of the images and of the rounding. */
  seed: seedSchema,
  /** Epochs learnt so far. */
  epochs: z.number().min(0),
  /** Samples learnt so far. */
  samples: z.int().min(0),
  /** What was learnt from, for example "mnist". */
  data: z.string().max(MOST_TEXT).optional(),
  /** Names of the outputs, where they are not the numbers from 0 on. */
  classes: listOf(z.string().max(MOST_NAME), 0, MOST_CLASSES).optional(),
  /** Shares of images classified correctly, 0…1. */
  accuracy: z.strictObject({
    /** Of the images it learnt from. */
    train: share.optional(),
    /** Of those kept apart from training to choose settings by. */
    validation: share.optional(),
    /** Of the test images. */
    test: share.optional(),
    /** Of samples drawn and kept apart from training, where the data has no test part. */
    heldOut: share.optional(),
  }),
  /** Rates and schedules; the trainer's own business. */
  settings: record.optional(),
  /** What going on needs besides the arrays; the trainer's own business. */
  state: record.optional(),
})

/** How a model was taught: by which command, from what, how far, how well. */
export type TrainingRecord = z.infer<typeof trainingSchema>

/** A network with what it has learnt. */
export interface Model {
  /** Layers, links, formats, seed. */
  network: Network
  /** In the network's own order, int16 little-endian, Q13. */
  coefficients: Buffer
  /** Nothing for coefficients as the seed draws them. */
  training: TrainingRecord | null
  /** Of a network that reads a signal: how its windows become the input. */
  signal?: SignalDescription
  /** Further int16 arrays, little-endian, by name. */
  arrays?: Record<string, Buffer>
}

/**
 * Name of the array that a training which is under way has, where coefficients are used in four bits: all of them
 * with the 16 bits that go on learning, in the network's own order. What has learnt to its end has none.
 */
export const KEPT_ARRAY = "kept"

const headerSchema = z.strictObject({
  network: networkSchema,
  training: trainingSchema.nullable(),
  signal: signalSchema.optional(),
  arrays: listOf(
    z.strictObject({
      name: z.string().regex(/^[a-z][a-zA-Z0-9]{0,99}$/),
      values: z
        .int()
        .min(0)
        .max(2 ** 26),
    }),
    1,
    100,
  ),
})

/** Name of the array that holds what elements have of their own (shard.ts, exchangeElements). */
export const ELEMENTS_ARRAY = "elements"

/**
 * What turns a header of version n into one of version n + 1, the first for n = 1: every version ever
 * published stays readable. A member that is new and may be missing needs no new version; one whose
 * meaning changes does, with a step here and a file of the old version among the tests' fixtures.
 */
const MIGRATIONS: readonly Migration[] = []
export type Migration = (header: unknown) => unknown

export const MODEL_VERSION = MIGRATIONS.length + 1
const MAGIC = Buffer.from([0x89, 0x57, 0x58, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a])
const PREFIX_BYTES = MAGIC.length + 8
const HASH_BYTES = 32
const COEFFICIENTS = "coefficients"
/** Far above any network the core can run; bounds what a wrong path can make us read. */
const MOST_BYTES = 256 * 2 ** 20

/** Of the header: four million links given one by one, as a NIR file may have, are the most it holds. */
const HEADER_BOUNDS = { values: 2 ** 23, keys: 2 ** 17, depth: 32 }

/**
 * @throws RangeError if the model contradicts itself: a defect of the caller
 */
export function encodeModel(model: Model): Buffer {
  const named: [string, Buffer][] = [
    [COEFFICIENTS, model.coefficients],
    ...Object.entries(model.arrays ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]
  const parsed = headerSchema.safeParse({
    network: model.network,
    training: model.training,
    signal: model.signal,
    arrays: named.map(([name, bytes]) => ({ name, values: bytes.length / 2 })),
  })
  if (!parsed.success) throw new RangeError(`the model is not valid: ${issuesOf(parsed.error)}`)
  const fault = faultOfHeader(parsed.data)
  if (fault) throw new RangeError(`the model is not valid: ${fault}`)
  const header = Buffer.from(JSON.stringify(sorted(parsed.data)), "utf8")
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32LE(MODEL_VERSION, 0)
  prefix.writeUInt32LE(header.length, 4)
  const [coefficients, ...rest] = named.map(([, bytes]) => bytes)
  const arrays = [packed(model.network, coefficients), ...rest]
  const content = Buffer.concat([MAGIC, prefix, header, ...arrays])
  return Buffer.concat([content, sha256(content)])
}

/**
 * @param name what to call the bytes in an error, for example the path
 * @param migrations from version 1 on, replaced in tests
 * @throws WuxingError of kind "data": "model-foreign", "model-version", "model-damaged" or
 * "model-invalid"
 */
export function decodeModel(
  bytes: Buffer,
  name: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Model {
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw foreign(name, bytes)
  if (bytes.length < PREFIX_BYTES + HASH_BYTES)
    throw damaged(
      name,
      `it is ${bytes.length} bytes long, expected at least ${PREFIX_BYTES + HASH_BYTES}`,
      "it was cut short",
    )
  const version = bytes.readUInt32LE(MAGIC.length)
  if (version < 1 || version > migrations.length + 1) throw otherVersion(name, version)
  const content = bytes.subarray(0, bytes.length - HASH_BYTES)
  if (!sha256(content).equals(bytes.subarray(content.length)))
    throw damaged(
      name,
      "its content does not have the checksum (SHA-256) at its end",
      "it was cut short, appended to or altered",
    )
  const headerEnd = PREFIX_BYTES + bytes.readUInt32LE(MAGIC.length + 4)
  if (headerEnd > content.length)
    throw invalid(
      name,
      `its header ends at byte ${headerEnd}, but its content at ${content.length}`,
    )
  const steps = migrations.slice(version - 1)
  const header = readHeader(content.subarray(PREFIX_BYTES, headerEnd), name, steps)
  let at = headerEnd + packedBytes(header.network)
  const first = content.subarray(headerEnd, at)
  const rest: Record<string, Buffer> = {}
  for (const { name: array, values } of header.arrays.slice(1)) {
    rest[array] = content.subarray(at, at + values * 2)
    at += values * 2
  }
  if (at !== content.length)
    throw invalid(name, `its arrays end at byte ${at}, but its content at ${content.length}`)
  const coefficients = unpacked(header.network, first)
  if (typeof coefficients === "string") throw invalid(name, coefficients)
  return {
    network: header.network,
    coefficients,
    training: header.training,
    ...(header.signal && { signal: header.signal }),
    ...(Object.keys(rest).length > 0 ? { arrays: rest } : {}),
  }
}

/**
 * Writes the file in one step: whatever happens, `path` is the old file or the new one, whole.
 *
 * @param force also over a file that is there
 * @throws WuxingError "model-unwritable" (kind "data"), "usage" for a file that is there without
 *   `force`; RangeError as encodeModel
 */
export function saveModel(path: string, model: Model, force = true): void {
  const bytes = encodeModel(model)
  replaceFile(path, bytes, { code: "model-unwritable", what: "model file" }, force)
}

/**
 * @throws WuxingError of kind "data": "model-missing" or "model-unreadable", or as
 * decodeModel
 */
export function loadModel(path: string): Model {
  return decodeModel(readModelBytes(path), path)
}

/** Does it begin as a model file does? */
export function looksLikeModel(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC)
}

/**
 * A whole file, whatever is in it.
 *
 * @param what to call it in an error
 * @throws WuxingError of kind "data": "model-missing" or "model-unreadable"
 */
export function readModelBytes(path: string, what = "model file"): Buffer {
  try {
    return readBytes(path, MOST_BYTES)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new WuxingError(
        {
          code: "model-missing",
          kind: "data",
          message: `${what} ${path} does not exist`,
          cause: "the name is misspelt, or the file lies in another folder",
          help: "check the path",
        },
        { cause: error },
      )
    throw new WuxingError(
      {
        code: "model-unreadable",
        kind: "data",
        message: `${what} ${path} cannot be read: ${messageOf(error)}`,
        cause: "it is not a plain file, is another kind of file, or you may not read it",
        help: "check its type and permissions",
      },
      { cause: error },
    )
  }
}

type Header = z.infer<typeof headerSchema>

function readHeader(bytes: Buffer, name: string, steps: readonly Migration[]): Header {
  let parsed: ReturnType<typeof headerSchema.safeParse>
  try {
    const json = parseJson(bytes, HEADER_BOUNDS)
    const header = steps.reduce<unknown>((older, step) => step(older), json)
    parsed = headerSchema.safeParse(header)
  } catch (error) {
    throw invalid(name, `its header cannot be read: ${messageOf(error)}`)
  }
  if (!parsed.success) throw invalid(name, `its header is not valid: ${issuesOf(parsed.error)}`)
  const fault = faultOfHeader(parsed.data)
  if (fault) throw invalid(name, fault)
  return parsed.data
}

/** What the header's parts say about each other, or "". */
function faultOfHeader({ network, arrays, signal }: Header): string {
  const names = new Set(arrays.map(({ name }) => name))
  if (names.size !== arrays.length) return "two of its arrays have one name"
  if (arrays[0].name !== COEFFICIENTS) return `its first array is not "${COEFFICIENTS}"`
  const links = totalLinks(network)
  if (arrays[0].values !== links)
    return `it has ${arrays[0].values} coefficients, but its network ${links} links`
  const kept = arrays.find(({ name }) => name === KEPT_ARRAY)
  if (kept && kept.values !== links)
    return `it keeps ${kept.values} coefficients of 16 bits, but its network has ${links} links`
  if (signal === undefined) return ""
  const fault = faultOfFeatures(signal.features)
  if (fault) return `of its features, ${fault}`
  const width = widthOf(signal.features)
  if (width !== network.width)
    return `it has ${width} features, but its network reads ${network.width}`
  return ""
}

/** The same value with the keys of every object in order. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest()
}

function foreign(name: string, bytes: Buffer): WuxingError {
  const begin = bytes.subarray(0, MAGIC.length).toString("hex")
  return new WuxingError({
    code: "model-foreign",
    kind: "data",
    message: `${name} is not a wuxing model file: it begins with ${begin || "nothing"}, expected ${MAGIC.toString("hex")}`,
    cause:
      bytes.length === 0
        ? "it is empty"
        : "it is another kind of file, or was transferred as text instead of binary",
    help: "name a file that `wuxing train` saved, or a preset",
  })
}

function otherVersion(name: string, version: number): WuxingError {
  return new WuxingError({
    code: "model-version",
    kind: "data",
    message: `model file ${name} has version ${version}, expected ${MODEL_VERSION}`,
    cause: version > MODEL_VERSION ? "a newer wuxing wrote it, or it is damaged" : "it is damaged",
    help: "use the wuxing that wrote it, or fetch the file again",
  })
}

function damaged(name: string, what: string, cause: string): WuxingError {
  return new WuxingError({
    code: "model-damaged",
    kind: "data",
    message: `model file ${name} is damaged: ${what}`,
    cause,
    help: "fetch it again, or train it again",
  })
}

function invalid(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "model-invalid",
    kind: "data",
    message: `model file ${name} is whole but cannot be used: ${what}`,
    cause: "another program, or a wuxing with a defect, wrote it",
    help: "train it again with this wuxing",
  })
}
