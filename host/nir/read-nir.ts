/**
 * Reading NIR files (layout: write-nir.ts), whoever wrote them. What is read is what stands in the
 * file, or the file is refused.
 *
 * A small file can claim a lot: HDF5 stores no block that holds only a fill value. So the shapes of all
 * nodes and the edges are checked before any value is read, and everything has a bound: 1,000 nodes,
 * 10,000 edges, 2^20 values of a vector, 2^27 places in all matrices together, 2^22 of them not zero,
 * 16 MB of metadata.
 */
import type { Dataset, Group } from "h5wasm"
import { WuxingError } from "../base/errors"
import {
  edgeFaultOf,
  type Graph,
  graphFaultOf,
  isVectorType,
  type Metadata,
  type Node,
  type Sizes,
  VECTORS,
} from "./graph"
import {
  complaintOf,
  dataFaultOf,
  type Hdf5,
  isDataset,
  isGroup,
  loadHdf5,
  readNumbers,
  textOf,
  withinMemory,
} from "./hdf5"
import { readMatrix } from "./read-matrix"

const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
/** Types of nodes that are read. */
const TYPES = ["Input", "Output", "Linear", "Affine", "Flatten", ...Object.keys(VECTORS)]
/** What the reference implementation fills in where it is missing. */
const DEFAULTS: Record<string, number> = { v_reset: 0, w_in: 1 }
const MOST_NODES = 1000
const MOST_EDGES = 10_000
const MOST_DIMENSIONS = 8
const MOST_VECTOR = 2 ** 20
const MOST_PLACES = 2 ** 27
const MOST_WEIGHTS = 2 ** 22
const MOST_METADATA = 16 * 2 ** 20
const PATH = "/read.nir"

/**
 * @param name what to call the bytes in an error, for example the path
 * @throws WuxingError of kind "data": "nir-foreign", "nir-damaged", "nir-invalid", "nir-too-large" or,
 * where a node is of a type this tool has no use for, "nir-unsupported"
 */
export async function decodeNir(bytes: Buffer, name: string): Promise<Graph> {
  if (!hasSignature(bytes)) throw foreign(name, bytes)
  const hdf5 = await loadHdf5()
  const { complaints, module } = hdf5
  complaints.length = 0
  module.FS.writeFile(PATH, bytes)
  let graph: Graph
  try {
    graph = withinMemory(() => readGraph(hdf5, name))
  } catch (error) {
    // What a broken file lacks may look like what it never had.
    const complaint = complaintOf(complaints)
    if (error instanceof WuxingError && complaint === undefined) throw error
    throw damaged(name, complaint ?? messageOf(error), error)
  } finally {
    module.FS.unlink(PATH)
  }
  const complaint = complaintOf(complaints)
  if (complaint !== undefined) throw damaged(name, complaint)
  const fault = graphFaultOf(graph)
  if (fault) throw invalidNir(name, fault)
  return graph
}

/** HDF5 files begin with their signature, or have it at 512, 1,024, 2,048 … behind a block of the user's. */
function hasSignature(bytes: Buffer): boolean {
  for (let at = 0; at + SIGNATURE.length <= bytes.length; at = at === 0 ? 512 : 2 * at)
    if (bytes.subarray(at, at + SIGNATURE.length).equals(SIGNATURE)) return true
  return false
}

interface Reading {
  hdf5: Hdf5
  name: string
  /** Places of all matrices, and their values that are not zero, so far. */
  places: number
  weights: number
}

/** A node of which only the shapes are known. A size of 0 is to be found from its neighbours. */
interface Outline extends Sizes {
  type: string
  group: Group
  shape: number[]
}

function readGraph(hdf5: Hdf5, name: string): Graph {
  const file = new hdf5.h5.File(PATH, "r")
  try {
    const top = file.get("node")
    if (!isGroup(hdf5, top))
      throw invalidNir(name, 'it has no group "node", as every NIR file does')
    const type = textOf(hdf5, top.get("type"))
    if (type !== "NIRGraph")
      throw unsupported(name, `its top node is of type ${type ?? "unknown"}, expected NIRGraph`)
    const nodes = top.get("nodes")
    if (!isGroup(hdf5, nodes)) throw invalidNir(name, 'its graph has no group "nodes"')
    const reading: Reading = { hdf5, name, places: 0, weights: 0 }
    const outlines = outlinesOf(nodes, reading)
    const edges = readEdges(top, reading)
    const fault = edgeFaultOf(outlines, edges)
    if (fault) throw invalidNir(name, fault)
    findSizes(outlines, edges)
    const metadata = readMetadata(top, reading)
    return {
      nodes: new Map([...outlines].map(([key, outline]) => [key, readNode(outline, key, reading)])),
      ...{ edges, metadata },
    }
  } finally {
    file.close()
  }
}

function outlinesOf(nodes: Group, reading: Reading): Map<string, Outline> {
  const { hdf5, name } = reading
  const names = nodes.keys()
  if (names.length > MOST_NODES) throw tooLarge(name, `it has ${names.length} nodes`, MOST_NODES)
  const groups = names.map(key => {
    const group = nodes.get(key)
    if (!isGroup(hdf5, group)) throw invalidNir(name, `node "${key}" is not a group`)
    return [key, group, textOf(hdf5, group.get("type"))] as const
  })
  const parted = groups.find(
    ([, group, type]) => type === undefined && isGroup(hdf5, group.get(group.keys()[0] ?? "/")),
  )
  if (parted)
    throw unsupported(
      name,
      `node "${parted[0]}" is of type unknown: it holds the nodes "${parted[0]}/${parted[1].keys()[0]}" and so on`,
      "a name with a slash becomes groups within groups in HDF5, where NIR's reference implementation does not find the nodes either",
      "give the nodes names without slashes, or let NIR write the file again",
    )
  const strange = groups.filter(([, , type]) => !TYPES.includes(type ?? ""))
  if (strange.length > 0)
    throw unsupported(
      name,
      strange.map(([key, , type]) => `node "${key}" is of type ${type ?? "unknown"}`).join(", "),
    )
  return new Map(
    groups.map(([key, group, type]) => [key, outlineOf(group, type as string, key, reading)]),
  )
}

/** Shapes alone; nothing of a size that the file claims is allocated. */
function outlineOf(group: Group, type: string, key: string, reading: Reading): Outline {
  const { name } = reading
  const of = (takes: number, gives: number, shape: number[] = []) => ({
    ...{ type, group, takes, gives, shape },
  })
  if (type === "Input" || type === "Output" || type === "Flatten") {
    const what = type === "Flatten" ? "input_type" : "shape"
    if (type === "Flatten" && !isDataset(reading.hdf5, group.get(what))) return of(0, 0)
    const data = numbersIn(group, type, key, what, MOST_DIMENSIONS, reading)
    const shape = [...readNumbers(reading.hdf5, data)]
    const size = shape.reduce((product, side) => product * side, 1)
    if (!shape.every(side => Number.isSafeInteger(side) && side >= 1) || size > MOST_VECTOR)
      throw invalidNir(name, `node "${key}" (${type}) has the shape [${shape.join(", ")}]`)
    return of(size, size, shape)
  }
  if (type === "Linear" || type === "Affine") {
    const data = numbersIn(group, type, key, "weight", MOST_PLACES, reading)
    const shape = data.shape as number[]
    if (shape.length !== 2)
      throw invalidNir(
        name,
        `node "${key}" (${type}) has a "weight" of ${shape.length} dimensions [${shape.join(", ")}], expected 2`,
      )
    reading.places += shape[0] * shape[1]
    if (reading.places > MOST_PLACES)
      throw tooLarge(name, `its matrices have ${reading.places} places or more`, MOST_PLACES)
    return of(shape[1], shape[0])
  }
  // All arrays of a neuron have one size; those without dimensions hold one value for all.
  let size = 0
  for (const [what, optional] of vectorNames(type)) {
    if (optional && !isDataset(reading.hdf5, group.get(what))) continue
    const data = numbersIn(group, type, key, what, MOST_VECTOR, reading)
    const { shape, total_size: count } = data.metadata
    if (!shape?.length) continue
    if (size > 0 && count !== size)
      throw invalidNir(
        name,
        `node "${key}" (${type}) has ${count} of ${what}, but ${size} of another array`,
      )
    size = count
  }
  return of(size, size)
}

function vectorNames(type: string): [name: string, optional: boolean][] {
  if (!isVectorType(type)) return []
  return Object.values(VECTORS[type]).map(name => [name, Object.hasOwn(DEFAULTS, name)])
}

/** Neurons whose arrays are all single values are as many as the node before gives. */
function findSizes(outlines: Map<string, Outline>, edges: [string, string][]): void {
  for (let round = 0; round < outlines.size; round++) {
    let found = false
    for (const [from, to] of edges) {
      const [before, after] = [outlines.get(from), outlines.get(to)]
      if (!before || !after || before.gives === 0 || after.takes > 0) continue
      after.takes = before.gives
      after.gives = before.gives
      found = true
    }
    if (!found) return
  }
}

function numbersIn(
  group: Group,
  type: string,
  key: string,
  what: string,
  most: number,
  { hdf5, name }: Reading,
): Dataset {
  const data = group.get(what)
  if (!isDataset(hdf5, data)) throw invalidNir(name, `node "${key}" (${type}) has no "${what}"`)
  const fault = dataFaultOf(data, "numbers", most)
  if (fault) {
    const said = `node "${key}" (${type}) has a "${what}" that ${fault}`
    if (data.metadata.total_size > most) throw tooLarge(name, said)
    if (/compressed|stored|floats/.test(fault)) throw undecodable(name, said)
    throw invalidNir(name, said)
  }
  if (data.metadata.total_size < 1)
    throw invalidNir(name, `node "${key}" (${type}) has no value of "${what}"`)
  return data
}

function readNode(outline: Outline, key: string, reading: Reading): Node {
  const { group, type, shape, gives } = outline
  const { hdf5, name } = reading
  const finite = (what: string, values: Float64Array) => {
    if (!values.every(Number.isFinite))
      throw invalidNir(name, `node "${key}" (${type}) has a value of "${what}" that is no number`)
    return values
  }
  const vector = (what: string) => {
    const data = group.get(what)
    if (!isDataset(hdf5, data) && Object.hasOwn(DEFAULTS, what))
      return new Float64Array(gives).fill(DEFAULTS[what])
    const values = finite(
      what,
      readNumbers(hdf5, numbersIn(group, type, key, what, MOST_VECTOR, reading)),
    )
    return (data as Dataset).shape?.length ? values : new Float64Array(gives).fill(values[0])
  }
  if (type === "Input" || type === "Output") return { type, shape }
  if (type === "Flatten") return { type, shape: shape.length > 0 ? shape : [gives] }
  if (type === "Linear" || type === "Affine") {
    const data = numbersIn(group, type, key, "weight", MOST_PLACES, reading)
    const weight = readMatrix(hdf5, data, MOST_WEIGHTS - reading.weights)
    if (!weight)
      throw tooLarge(
        name,
        `node "${key}" (${type}) has more weights that are not 0 than are read`,
        MOST_WEIGHTS,
      )
    reading.weights += weight.value.length
    finite("weight", weight.value)
    return type === "Affine" ? { type, weight, bias: vector("bias") } : { type, weight }
  }
  if (gives === 0)
    throw invalidNir(name, `node "${key}" (${type}) does not say how many neurons it has`)
  if (!isVectorType(type)) throw new Error(`there is no node of type ${type}`)
  const arrays = Object.entries(VECTORS[type]).map(([ours, what]) => [ours, vector(what)])
  return { type, ...Object.fromEntries(arrays) } as Node
}

function readEdges(top: Group, { hdf5, name }: Reading): [string, string][] {
  const data = top.get("edges")
  const wrong = 'its graph has no "edges", pairs of node names'
  if (!isDataset(hdf5, data)) throw invalidNir(name, wrong)
  const { shape, total_size: count } = data.metadata
  if (count > 2 * MOST_EDGES) throw tooLarge(name, `it has ${count / 2} edges`, MOST_EDGES)
  const fault = dataFaultOf(data, "texts", 2 * MOST_EDGES)
  if (fault || shape?.length !== 2 || shape[1] !== 2) throw invalidNir(name, wrong)
  const { value } = data
  const names = Array.isArray(value) ? value.flat().map(String) : []
  if (names.length !== count) throw invalidNir(name, wrong)
  return Array.from({ length: shape[0] }, (_, i) => [names[2 * i], names[2 * i + 1]])
}

/** Entries of a kind that metadata has no use for are left out: running a graph needs none. */
function readMetadata(top: Group, { hdf5, name }: Reading): Metadata {
  const metadata: Metadata = {}
  const group = top.get("metadata")
  if (!isGroup(hdf5, group)) return metadata
  let room = MOST_METADATA
  for (const key of group.keys()) {
    const data = group.get(key)
    if (!isDataset(hdf5, data)) continue
    const { size, total_size: count, vlen, shape, type } = data.metadata
    if (!vlen) room -= size * count
    if (room < 0) throw tooLarge(name, `its metadata up to "${key}" take more bytes`, MOST_METADATA)
    if (dataFaultOf(data, "numbers", MOST_METADATA) === "") {
      const values = readNumbers(hdf5, data)
      // Small arrays of whole numbers, as they were written; single numbers of any kind.
      if (!shape?.length) metadata[key] = values[0]
      else if (type === 0 && size === 1) metadata[key] = Uint8Array.from(values)
      else if (type === 0 && size === 2) metadata[key] = Int16Array.from(values)
    } else if (!shape?.length && dataFaultOf(data, "texts", 1) === "") {
      const text = String(data.value)
      room -= text.length
      metadata[key] = text
    }
  }
  return metadata
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

function damaged(name: string, what: string, cause?: unknown): WuxingError {
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

function unsupported(
  name: string,
  what: string,
  cause = "convolutions, pooling, delays and graphs within graphs are not read",
  help = `nodes of these types are read: ${TYPES.join(", ")}`,
): WuxingError {
  return new WuxingError({
    code: "nir-unsupported",
    kind: "data",
    message: `NIR file ${name} cannot be read: ${what}`,
    ...{ cause, help },
  })
}

function undecodable(name: string, what: string): WuxingError {
  return unsupported(
    name,
    what,
    "it was written with settings that this tool's HDF5 library does not have",
    "write it again as NIR's `write` does by itself: compressed by gzip, float32 or float64",
  )
}

function tooLarge(name: string, what: string, most?: number): WuxingError {
  return new WuxingError({
    code: "nir-too-large",
    kind: "data",
    message: `NIR file ${name} is too large: ${what}${most === undefined ? "" : `, at most ${most}`}`,
    cause: "it is damaged, or made for a larger machine; a small file can claim any size",
    help: "use a smaller graph",
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
