/**
 * NIR graphs in HDF5, laid out as the reference implementation writes and reads them (github.com/
 * neuromorphs/NIR, nir/serialization.py of version 1.0.7):
 *
 *     /version                  text: version of the reference implementation
 *     /node/type                text: "NIRGraph"
 *     /node/edges               text [edges, 2]
 *     /node/metadata/…          anything; left out where there is none
 *     /node/nodes/NAME/type     text: "Input", "Output", "Linear", "Affine", "LI"
 *                     /shape    int64 (Input, Output)
 *                     /weight   [values given, values taken] (Linear, Affine)
 *                     /bias     (Affine)
 *                     /tau /r /v_leak   (LI)
 *
 * Texts are of variable length, UTF-8. Arrays are compressed by gzip. A matrix is stored in tiles, and
 * tiles of zeros are not stored at all: rings couple no element to more than two others.
 */
import h5wasm, { type Dataset, type Entity, type Group } from "h5wasm"
import { WuxingError } from "../base/errors"
import { replaceFile } from "../base/replace-file"
import { type Graph, graphFaultOf, type Matrix, type Metadata, type Node } from "./graph"

/** The version whose layout this is, and which files name. */
const NIR_VERSION = "1.0.7"
const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
/** Types of nodes that are read. */
const TYPES = ["Input", "Output", "Linear", "Affine", "LI"]
const TILE = 128
const GZIP = 4
/** Far above any network the core can run; bounds what a wrong file can make us allocate. */
const MOST_VALUES = 2 ** 28
const MOST_NODES = 1000
const SLAB_VALUES = 2 ** 21
const PATH = "/graph.nir"

/** The bytes of a graph's file. Values are float32 where that loses nothing in the whole graph. */
export async function encodeNir(graph: Graph): Promise<Buffer> {
  const { FS } = await library()
  const Values = fitsFloat32(graph) ? Float32Array : Float64Array
  const file = new h5wasm.File(PATH, "w")
  try {
    file.create_dataset({ name: "version", data: NIR_VERSION })
    const top = file.create_group("node")
    top.create_dataset({ name: "type", data: "NIRGraph" })
    const names = graph.edges.flat()
    top.create_dataset({ name: "edges", data: names, shape: [graph.edges.length, 2] })
    writeMetadata(top, graph.metadata)
    const nodes = top.create_group("nodes")
    for (const [name, node] of graph.nodes) {
      const group = nodes.create_group(name)
      group.create_dataset({ name: "type", data: node.type })
      const array = (what: string, values: Float64Array) =>
        writeArray(group, what, Values.from(values))
      if (node.type === "Input" || node.type === "Output")
        writeArray(group, "shape", BigInt64Array.from(node.shape, BigInt))
      else if (node.type === "LI") {
        array("tau", node.tau)
        array("r", node.r)
        array("v_leak", node.vLeak)
      } else {
        writeMatrix(group, "weight", node.weight, Values)
        if (node.type === "Affine") array("bias", node.bias)
      }
    }
    file.flush()
  } finally {
    file.close()
  }
  const bytes = Buffer.from(FS.readFile(PATH))
  FS.unlink(PATH)
  return bytes
}

/** @throws WuxingError "nir-unwritable" (kind "data"); then `path` is what it was */
export function saveNir(path: string, bytes: Buffer): void {
  replaceFile(path, bytes, { code: "nir-unwritable", what: "NIR file" })
}

/**
 * @param name what to call the bytes in an error, for example the path
 * @throws WuxingError of kind "data": "nir-foreign", "nir-damaged", "nir-invalid" or, where a node is
 * of a type this tool has no use for, "nir-unsupported"
 */
export async function decodeNir(bytes: Buffer, name: string): Promise<Graph> {
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw foreign(name, bytes)
  const { FS, complaints } = await library()
  complaints.length = 0
  FS.writeFile(PATH, bytes)
  let graph: Graph
  try {
    graph = readGraph(name)
  } catch (error) {
    // What a broken file lacks may look like what it never had.
    const complaint = complaintOf(complaints)
    if (error instanceof WuxingError && complaint === undefined) throw error
    throw damaged(name, complaint ?? messageOf(error), error)
  } finally {
    FS.unlink(PATH)
  }
  const fault = graphFaultOf(graph)
  if (fault) throw invalidNir(name, fault)
  return graph
}

/**
 * The HDF5 library writes what goes wrong in it to its own stderr. Here that becomes the reason in an
 * error instead, as stderr belongs to the command.
 */
let loaded: Promise<{ FS: Awaited<typeof h5wasm.ready>["FS"]; complaints: number[] }> | undefined

function library() {
  loaded ??= h5wasm.ready.then(({ FS }) => {
    const complaints: number[] = []
    // Emscripten's, which its types leave out: open files by number, 2 is stderr.
    const { streams } = FS as unknown as { streams: { tty: { ops: object } }[] }
    const { tty } = streams[2]
    tty.ops = {
      ...tty.ops,
      put_char: (_: unknown, character: number) => {
        if (complaints.length < 65536) complaints.push(character)
      },
      fsync: () => {},
    }
    return { FS, complaints }
  })
  return loaded
}

/** The innermost reason of the first complaint: the last line that says "in FUNCTION(): reason". */
function complaintOf(complaints: number[]): string | undefined {
  const [, first] = Buffer.from(complaints).toString("utf8").split("HDF5-DIAG")
  return first
    ?.match(/in \w+\(\): [^\n]*/g)
    ?.at(-1)
    ?.replace(/^in \w+\(\): /, "")
}

type Floats = Float32ArrayConstructor | Float64ArrayConstructor
type Values = Uint8Array | Int16Array | Float32Array | Float64Array | BigInt64Array

function writeArray(group: Group, name: string, data: Values): void {
  group.create_dataset({
    name,
    data,
    shape: [data.length],
    chunks: [data.length],
    compression: GZIP,
  })
}

function writeMatrix(group: Group, name: string, matrix: Matrix, Values: Floats): void {
  const { rows, columns } = matrix
  const shape = [rows, columns]
  const tile = [Math.min(rows, TILE), Math.min(columns, TILE)]
  // A data set is made with its values; one that may grow, with a single one.
  const data = group.create_dataset({
    ...{ name, data: new Values(1), shape: [1, 1], maxshape: shape },
    ...{ chunks: tile, compression: GZIP },
  })
  data.resize(shape)
  for (let top = 0; top < rows; top += tile[0]) {
    const bottom = Math.min(rows, top + tile[0])
    const tiles = new Map<number, InstanceType<Floats>>()
    const widthAt = (left: number) => Math.min(columns, left + tile[1]) - left
    for (let row = top; row < bottom; row++)
      for (let at = matrix.start[row]; at < matrix.start[row + 1]; at++) {
        const column = matrix.column[at]
        const left = column - (column % tile[1])
        const values = tiles.get(left) ?? new Values((bottom - top) * widthAt(left))
        values[(row - top) * widthAt(left) + column - left] = matrix.value[at]
        tiles.set(left, values)
      }
    for (const [left, values] of tiles)
      data.write_slice(
        [
          [top, bottom],
          [left, left + widthAt(left)],
        ],
        values,
      )
  }
}

function writeMetadata(top: Group, metadata: Metadata): void {
  const entries = Object.entries(metadata)
  if (entries.length === 0) return
  const group = top.create_group("metadata")
  for (const [name, value] of entries)
    if (typeof value === "string") group.create_dataset({ name, data: value })
    else if (typeof value !== "number") writeArray(group, name, value)
    else if (Number.isSafeInteger(value))
      group.create_dataset({ name, data: BigInt64Array.of(BigInt(value)), shape: [] })
    else group.create_dataset({ name, data: Float64Array.of(value), shape: [] })
}

/** Are all values of the graph whole in float32? */
export function fitsFloat32({ nodes }: Graph): boolean {
  const fits = (values: Float64Array) => values.every(value => Math.fround(value) === value)
  return [...nodes.values()].every(node => {
    if (node.type === "LI") return fits(node.tau) && fits(node.r) && fits(node.vLeak)
    if (node.type === "Linear") return fits(node.weight.value)
    return node.type !== "Affine" || (fits(node.weight.value) && fits(node.bias))
  })
}

function readGraph(name: string): Graph {
  const file = new h5wasm.File(PATH, "r")
  try {
    const top = file.get("node")
    const version = textOf(file.get("version"))
    if (!isGroup(top) || version === undefined)
      throw invalidNir(name, 'it has no group "node" or no text "version", as every NIR file does')
    const type = textOf(top.get("type"))
    if (type !== "NIRGraph")
      throw unsupported(name, `its top node is of type ${type ?? "unknown"}, expected NIRGraph`)
    const nodes = top.get("nodes")
    if (!isGroup(nodes)) throw invalidNir(name, 'its graph has no group "nodes"')
    const names = nodes.keys()
    if (names.length > MOST_NODES)
      throw unsupported(name, `it has ${names.length} nodes, more than ${MOST_NODES}`)
    // All types before any matrix: a graph that is refused is refused at once.
    const types = names.map(key => [key, textOf(nodeOf(nodes, key, name).get("type"))] as const)
    const strange = types.filter(([, each]) => !TYPES.includes(each ?? ""))
    if (strange.length > 0)
      throw unsupported(
        name,
        strange.map(([key, each]) => `node "${key}" is of type ${each ?? "unknown"}`).join(", "),
      )
    return {
      nodes: new Map(
        types.map(([key, each]) => [key, readNode(nodeOf(nodes, key, name), each, key, name)]),
      ),
      edges: readEdges(top.get("edges"), name),
      metadata: readMetadata(top.get("metadata")),
    }
  } finally {
    file.close()
  }
}

function nodeOf(nodes: Group, key: string, name: string): Group {
  const node = nodes.get(key)
  if (!isGroup(node)) throw invalidNir(name, `node "${key}" is not a group`)
  return node
}

function readNode(group: Group, type: string | undefined, key: string, name: string): Node {
  const wrong = (what: string) => invalidNir(name, `node "${key}" (${type}) ${what}`)
  const numbers = (what: string, dimensions: number): Dataset => {
    const data = group.get(what)
    if (!isDataset(data)) throw wrong(`has no "${what}"`)
    const { shape, metadata } = data
    // 0: whole numbers, 1: floating point.
    if (!shape || metadata.type > 1) throw wrong(`has a "${what}" that is not of numbers`)
    if (shape.length !== dimensions)
      throw wrong(
        `has a "${what}" of ${shape.length} dimensions [${shape.join(", ")}], expected ${dimensions}`,
      )
    const count = shape.reduce((product, side) => product * side, 1)
    if (count < 1 || count > MOST_VALUES)
      throw wrong(`has ${count} values of "${what}", expected 1 to ${MOST_VALUES}`)
    return data
  }
  const finite = (what: string, values: Float64Array) => {
    if (!values.every(Number.isFinite)) throw wrong(`has a value of "${what}" that is no number`)
    return values
  }
  const array = (what: string) => finite(what, floatsOf(numbers(what, 1).value))
  if (type === "Input" || type === "Output") {
    const shape = [...floatsOf(numbers("shape", 1).value)]
    if (!shape.every(side => Number.isSafeInteger(side) && side >= 1))
      throw wrong(`has the shape [${shape.join(", ")}]`)
    return { type, shape }
  }
  if (type === "LI") return { type, tau: array("tau"), r: array("r"), vLeak: array("v_leak") }
  const weight = readMatrix(numbers("weight", 2))
  finite("weight", weight.value)
  if (type === "Affine") return { type, weight, bias: array("bias") }
  return { type: "Linear", weight }
}

/** Some rows at a time, as what is not zero may be a thousandth. */
function readMatrix(data: Dataset): Matrix {
  const [rows, columns] = data.shape as number[]
  const start = new Int32Array(rows + 1)
  const column: number[] = []
  const value: number[] = []
  const slab = Math.max(1, Math.floor(SLAB_VALUES / columns))
  for (let top = 0; top < rows; top += slab) {
    const bottom = Math.min(rows, top + slab)
    const values = data.slice([[top, bottom], []])
    if (!isNumbers(values)) throw new Error("its values cannot be read")
    for (let row = top; row < bottom; row++) {
      for (let i = 0; i < columns; i++) {
        const v = values[(row - top) * columns + i]
        // A 0 of whole numbers of 64 bits is 0n.
        if (v) {
          column.push(i)
          value.push(Number(v))
        }
      }
      start[row + 1] = column.length
    }
  }
  return {
    ...{ rows, columns, start },
    column: Int32Array.from(column),
    value: Float64Array.from(value),
  }
}

function readEdges(data: Entity | null, name: string): [string, string][] {
  const value = isDataset(data) ? data.value : null
  const shape = isDataset(data) ? data.shape : null
  if (!Array.isArray(value) || shape?.length !== 2 || shape[1] !== 2)
    throw invalidNir(name, 'its graph has no "edges", pairs of node names')
  const names = value.flat().map(String)
  return Array.from({ length: shape[0] }, (_, i) => [names[2 * i], names[2 * i + 1]])
}

/** What cannot be read is left out: nobody may depend on it being there. */
function readMetadata(group: Entity | null): Metadata {
  const metadata: Metadata = {}
  if (!isGroup(group)) return metadata
  for (const key of group.keys()) {
    const data = group.get(key)
    const value = isDataset(data) ? data.value : null
    if (typeof value === "string" || typeof value === "number") metadata[key] = value
    else if (typeof value === "bigint") metadata[key] = Number(value)
    else if (value instanceof Uint8Array || value instanceof Int16Array) metadata[key] = value
  }
  return metadata
}

function floatsOf(value: unknown): Float64Array {
  if (isNumbers(value)) return Float64Array.from(value, Number)
  throw new Error("its values cannot be read")
}

function isNumbers(value: unknown): value is ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

function textOf(data: Entity | null): string | undefined {
  const value = isDataset(data) ? data.value : undefined
  return typeof value === "string" ? value : undefined
}

function isGroup(entity: Entity | null): entity is Group {
  return entity instanceof h5wasm.Group
}

function isDataset(entity: Entity | null): entity is Dataset {
  return entity instanceof h5wasm.Dataset
}

function foreign(name: string, bytes: Buffer): WuxingError {
  return new WuxingError({
    code: "nir-foreign",
    kind: "data",
    message: `${name} is not a NIR file: it begins with ${bytes.toString("hex", 0, 8) || "nothing"}, expected ${SIGNATURE.toString("hex")}, as HDF5 files do`,
    cause: bytes.length === 0 ? "it is empty" : "it is another kind of file",
    help: "name a file that NIR's `write`, or `wuxing export`, wrote",
  })
}

function damaged(name: string, what: string, cause: unknown): WuxingError {
  return new WuxingError(
    {
      code: "nir-damaged",
      kind: "data",
      message: `NIR file ${name} cannot be read as HDF5: ${what}`,
      cause: "it was cut short or altered",
      help: "fetch it again, or export it again",
    },
    { cause },
  )
}

function unsupported(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "nir-unsupported",
    kind: "data",
    message: `NIR file ${name} cannot become a network of rings: ${what}`,
    cause: "rings have no spikes, convolutions, pooling, delays or graphs within graphs",
    help: "only Input, Linear or Affine, LI and Output are read",
  })
}

/** A file that is HDF5, but not the graph it should be. */
export function invalidNir(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "nir-invalid",
    kind: "data",
    message: `NIR file ${name} is not valid: ${what}`,
    cause:
      "another program wrote it otherwise than NIR's reference implementation, or it is damaged",
    help: "write it again, or export it again",
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0] : String(error)
}
