/**
 * The HDF5 library with limits: what a data set claims is compared with a bound before anything is
 * allocated, and what the library cannot decode is an error, never zeros.
 *
 * h5wasm passes over the status of a read, and writes the library's complaints to its own stderr. So
 * numbers are read here by the library's own call, whose status counts, and the complaints become the
 * reason in an error.
 */
import type { Dataset, Entity, Group } from "h5wasm"
import { needWebAssembly } from "../base/webassembly"

type H5 = typeof import("h5wasm")["default"]

/** Most memory the library may take: what a compressed block claims is only known once it is read. */
const MOST_MEMORY = 256 * 2 ** 20
/** Largest block that is decompressed at once, in bytes, and most blocks of one data set. */
const MOST_CHUNK = 16 * 2 ** 20
const MOST_CHUNKS = 2 ** 20
/** Longest type, version or name, in characters. */
const MOST_TEXT = 1000
/** Filters the library can undo: deflate, shuffle, Fletcher-32, n-bit, scale-offset. */
const FILTERS = [1, 2, 3, 5, 6]
/** Classes of data: whole numbers, floating point, texts. */
const WHOLE = 0
const FLOATING = 1
const TEXT = 3

export interface Hdf5 {
  h5: H5
  module: Awaited<H5["ready"]>
  /** What the library wrote to its stderr, a byte an entry. */
  complaints: number[]
}

let loaded: Promise<Hdf5> | undefined

export function loadHdf5(): Promise<Hdf5> {
  loaded ??= load()
  return loaded
}

async function load(): Promise<Hdf5> {
  needWebAssembly("reading and writing NIR files")
  const complaints: number[] = []
  const note = (text: string) => {
    if (complaints.length < 65536) complaints.push(...Buffer.from(text.slice(0, 1000)))
  }
  // The library binds console.error as it is loaded, for what goes wrong in its memory.
  const printError = console.error
  console.error = (...args: unknown[]) =>
    complaining ? note(`in memory(): ${args.join(" ")}\n`) : printError(...args)
  const { default: h5 } = await import("h5wasm").finally(() => {
    console.error = printError
  })
  const module = await h5.ready
  // Emscripten's, which its types leave out: open files by number, 2 is stderr.
  const { streams } = module.FS as unknown as { streams: { tty: { ops: object } }[] }
  const { tty } = streams[2]
  tty.ops = {
    ...tty.ops,
    put_char: (_: unknown, character: number) => {
      if (complaints.length < 65536) complaints.push(character)
    },
    fsync: () => {},
  }
  return { h5, module, complaints }
}

let complaining = false

/** Calls the library with a bound on its memory. */
export function withinMemory<T>(work: () => T): T {
  const { prototype } = WebAssembly.Memory
  const grow = prototype.grow
  prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    if (this.buffer.byteLength + pages * 65536 > MOST_MEMORY)
      throw new RangeError(`more than ${MOST_MEMORY >> 20} MB`)
    return grow.call(this, pages)
  }
  complaining = true
  try {
    return work()
  } finally {
    complaining = false
    prototype.grow = grow
  }
}

/** The innermost reason of the first complaint: the last line that says "in FUNCTION(): reason". */
export function complaintOf(complaints: number[]): string | undefined {
  if (complaints.length === 0) return undefined
  const text = Buffer.from(complaints).toString("utf8")
  const reasons = (text.split("HDF5-DIAG")[1] ?? text).match(/in \w+\(\): [^\n]*/g)
  return reasons?.at(-1)?.replace(/^in \w+\(\): /, "") ?? "the HDF5 library gave no reason"
}

export function isGroup({ h5 }: Hdf5, entity: Entity | null): entity is Group {
  return entity instanceof h5.Group
}

export function isDataset({ h5 }: Hdf5, entity: Entity | null): entity is Dataset {
  return entity instanceof h5.Dataset
}

/**
 * Why a data set cannot be read, or "": its type, its filters, or more than the bounds.
 *
 * @param most values it may hold
 */
export function dataFaultOf(data: Dataset, kind: "numbers" | "texts", most: number): string {
  const { shape, type, size, total_size: count, chunks, vlen, virtual_sources } = data.metadata
  const fits = kind === "texts" ? type === TEXT : type === WHOLE || type === FLOATING
  if (!shape || !fits) return `is not of ${kind}`
  if (type === FLOATING && ![2, 4, 8].includes(size)) return `is of ${8 * size}-bit floats`
  if (virtual_sources?.length) return "lies in other files"
  if (count > most) return `has ${count} values, at most ${most} are read`
  if (kind === "texts" && !vlen && count * size > MOST_TEXT * Math.max(count, 1))
    return `has texts of ${size} bytes, at most ${MOST_TEXT} are read`
  const unknown = data.filters.find(({ id }) => !FILTERS.includes(id))
  if (unknown)
    return `is compressed by a filter that is not known here: ${unknown.name || "unnamed"} (${unknown.id})`
  if (chunks) {
    const values = chunks.reduce((product, side) => product * side, 1)
    if (values * size > MOST_CHUNK) return `is stored in blocks of ${values * size} bytes`
    if (count / values > MOST_CHUNKS) return "is stored in too many blocks"
  }
  return ""
}

export type Ranges = [first: number, end: number][]

/**
 * Numbers of a data set that dataFaultOf finds nothing wrong with.
 *
 * @param ranges for each dimension; all of it where there are none
 * @throws Error where the library cannot decode them
 */
export function readNumbers({ module }: Hdf5, data: Dataset, ranges?: Ranges): Float64Array {
  const { type, size, signed, shape, total_size: total } = data.metadata
  const sides = ranges?.map(([first, end]) => end - first)
  const count = sides ? sides.reduce((product, side) => product * side, 1) : total
  if (count === 0 || !shape) return new Float64Array(0)
  const at = module._malloc(count * size)
  if (at === 0) throw new Error("there is not enough memory for its values")
  try {
    const status = module.get_dataset_data(
      data.file_id,
      data.path,
      sides?.map(BigInt) ?? null,
      ranges?.map(([first]) => BigInt(first)) ?? null,
      ranges?.map(() => 1n) ?? null,
      BigInt(at),
    )
    if (status < 0) throw new Error("its values cannot be decoded")
    const bytes = module.HEAPU8.slice(at, at + count * size)
    return floatsOf(bytes.buffer as ArrayBuffer, type, size, signed)
  } finally {
    module._free(at)
  }
}

function floatsOf(bytes: ArrayBuffer, type: number, size: number, signed: boolean): Float64Array {
  if (type === FLOATING) {
    if (size === 2) return Float64Array.from(new Uint16Array(bytes), halfOf)
    return size === 4 ? new Float64Array(new Float32Array(bytes)) : new Float64Array(bytes)
  }
  if (size === 8)
    return Float64Array.from(signed ? new BigInt64Array(bytes) : new BigUint64Array(bytes), Number)
  if (size === 4) return new Float64Array(signed ? new Int32Array(bytes) : new Uint32Array(bytes))
  if (size === 2) return new Float64Array(signed ? new Int16Array(bytes) : new Uint16Array(bytes))
  return new Float64Array(signed ? new Int8Array(bytes) : new Uint8Array(bytes))
}

/** IEEE 754 binary16: sign, five bits of exponent, ten of fraction. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** A single text, or undefined where there is none, or one too long to be a type or a name. */
export function textOf(hdf5: Hdf5, data: Entity | null): string | undefined {
  if (!isDataset(hdf5, data) || dataFaultOf(data, "texts", 1) !== "") return undefined
  const { value } = data
  const text = Array.isArray(value) ? value[0] : value
  return typeof text === "string" && text.length <= MOST_TEXT ? text : undefined
}
