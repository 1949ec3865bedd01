/** A network from a NIR file, whoever wrote it. */
import { type Model, readModelBytes } from "../models/model-file"
import { type Adders, addersOf } from "./adders"
import { isExport, type ReadBack, readBack } from "./exported"
import { decodeNir } from "./read-nir"

export type Imported = { model: Model } & (
  | ({ from: "export" } & ReadBack)
  | ({ from: "graph" } & Adders)
)

/**
 * @param changed take also an export whose links have other weights by now
 * @throws WuxingError of kind "data", as readModelBytes, decodeNir, readBack and addersOf
 */
export async function importNir(path: string, changed = false): Promise<Imported> {
  const graph = await decodeNir(readModelBytes(path, "NIR file"), path)
  return isExport(graph)
    ? { from: "export", ...readBack(graph, path, changed) }
    : { from: "graph", ...addersOf(graph, path) }
}
