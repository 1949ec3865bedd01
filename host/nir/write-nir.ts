/**
 * Writing NIR graphs in HDF5, laid out as the reference implementation writes and reads them
 * (github.com/neuromorphs/NIR, nir/serialization.py of version 1.0.7):
 *
 *     /version                  text: version of the reference implementation
 *     /node/type                text: "NIRGraph"
 *     /node/edges               text [edges, 2]
 *     /node/metadata/…          anything; left out where there is none
 *     /node/nodes/NAME/type     text: "Input", "Affine", "LIF", …
 *                     /shape    int64 (Input, Output)
 *                     /input_type /start_dim /end_dim   int64 (Flatten)
 *                     /weight   [values given, values taken] (Linear, Affine)
 *                     /bias     (Affine)
 *                     /tau /r /v_leak …   one value a neuron, as VECTORS in graph.ts
 *
 * Texts are of variable length, UTF-8. Arrays are compressed by gzip. A matrix is stored in tiles, and
 * tiles of zeros are not stored at all: rings couple no element to more than two others.
 */
import type { Group } from "h5wasm"
import { type Graph, type Matrix, type Metadata, vectorsOf } from "./graph"
import { loadHdf5 } from "./hdf5"

/** The version whose layout this is, and which files name. */
const NIR_VERSION = "1.0.7"
const TILE = 128
const GZIP = 4
const PATH = "/written.nir"

/** The bytes of a graph's file. Values are float32 where that loses nothing in the whole graph. */
export async function encodeNir(graph: Graph): Promise<Buffer> {
  const { h5, module } = await loadHdf5()
  const Values = fitsFloat32(graph) ? Float32Array : Float64Array
  const file = new h5.File(PATH, "w")
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
      if (node.type === "Input" || node.type === "Output") writeShape(group, "shape", node.shape)
      else if (node.type === "Flatten") {
        writeShape(group, "input_type", node.shape)
        for (const [what, value] of [
          ["start_dim", 0n],
          ["end_dim", -1n],
        ] as const)
          group.create_dataset({ name: what, data: BigInt64Array.of(value), shape: [] })
      } else if (node.type === "Linear" || node.type === "Affine") {
        writeMatrix(group, "weight", node.weight, Values)
        if (node.type === "Affine") writeArray(group, "bias", Values.from(node.bias))
      } else
        for (const [what, values] of vectorsOf(node)) writeArray(group, what, Values.from(values))
    }
    file.flush()
  } finally {
    file.close()
  }
  const bytes = Buffer.from(module.FS.readFile(PATH))
  module.FS.unlink(PATH)
  return bytes
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

function writeShape(group: Group, name: string, shape: number[]): void {
  writeArray(group, name, BigInt64Array.from(shape, BigInt))
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
    if (node.type === "Linear") return fits(node.weight.value)
    if (node.type === "Affine") return fits(node.weight.value) && fits(node.bias)
    return vectorsOf(node).every(([, values]) => fits(values))
  })
}
