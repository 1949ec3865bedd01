import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type Graph, type Metadata, matrixOf, type Node } from "../../../host/nir/graph"
import { linearise } from "../../../host/nir/linearise"
import { decodeNir } from "../../../host/nir/read-nir"
import { encodeNir } from "../../../host/nir/write-nir"
import { network } from "../../src/core/helpers"
import { temporaryFolder } from "../../temporary"
import { hasH5py, readByH5py, type Seen, writeByH5py } from "./h5py"
import { dense, modelOf, nodeOf, spread } from "./helpers"

const folder = temporaryFolder("nir")
const file = (name: string) => join(folder, name)

const net = network([
  { neurons: 4 },
  { neurons: 3, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 5 },
])

/** What the reference implementation's classes take: nir/ir/graph.py, linear.py, neuron.py. */
const PARAMETERS: Record<string, string[]> = {
  Input: ["shape"],
  Output: ["shape"],
  Affine: ["weight", "bias"],
  LI: ["r", "tau", "v_leak"],
}

async function write(name: string, graph: Graph): Promise<string> {
  writeFileSync(file(name), await encodeNir(graph))
  return file(name)
}

/** A dataset that must be there. */
function dataset(seen: Seen, path: string) {
  const found = seen[path]
  if (!found) throw new Error(`there is no dataset ${path}`)
  return found
}

const edgesIn = (seen: Seen) => dataset(seen, "node/edges").value as [string, string][]
const typeIn = (seen: Seen, name: string) =>
  dataset(seen, `node/nodes/${name}/type`).value as string

const text = { shape: [], dtype: "utf-8 of variable length", compression: null }

describe.skipIf(!hasH5py)("seen by h5py (Debian's python3-h5py)", () => {
  const graph = linearise(modelOf(net, spread(900))).graph
  graph.metadata = { note: "größe", count: 7, share: 0.25, bytes: Uint8Array.of(1, 255) }

  test("an export has the reference implementation's layout, names, types and shapes", async () => {
    const seen = await readByH5py(await write("layout.nir", graph))
    expect(
      Object.keys(seen)
        .filter(path => !path.includes("/"))
        .sort(),
    ).toEqual(["node", "version"])
    expect(seen.version).toEqual({ ...text, value: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
    expect(
      Object.keys(seen)
        .filter(path => /^node\/[^/]+$/.test(path))
        .sort(),
    ).toEqual(["edges", "metadata", "nodes", "type"].map(name => `node/${name}`))
    expect(seen["node/type"]).toEqual({ ...text, value: "NIRGraph" })
    expect(seen["node/edges"]).toMatchObject({ dtype: text.dtype, shape: [14, 2] })
    const names = new Set(
      Object.keys(seen).flatMap(path => path.match(/^node\/nodes\/([^/]+)$/)?.[1] ?? []),
    )
    expect(names.size).toBe(12)
    for (const name of edgesIn(seen).flat()) expect(names).toContain(name)
    for (const name of names) {
      const inside = Object.keys(seen)
        .filter(path => path.startsWith(`node/nodes/${name}/`))
        .map(path => path.split("/")[3])
      expect(seen[`node/nodes/${name}/type`]).toMatchObject(text)
      const parameters = PARAMETERS[typeIn(seen, name)]
      expect(inside.sort()).toEqual([...parameters, "type"].sort())
      for (const what of parameters)
        expect(seen[`node/nodes/${name}/${what}`]).toMatchObject({
          dtype: what === "shape" ? "int64" : "float32",
          compression: "gzip",
        })
    }
    expect(seen["node/metadata/note"]).toEqual({ ...text, value: "größe" })
    expect(seen["node/metadata/count"]).toMatchObject({ shape: [], dtype: "int64", value: 7 })
    expect(seen["node/metadata/share"]).toMatchObject({ shape: [], dtype: "float64", value: 0.25 })
    expect(seen["node/metadata/bytes"]).toMatchObject({ dtype: "uint8", value: [1, 255] })
  })

  test("what nodes join has the sizes the reference implementation checks", async () => {
    const seen = await readByH5py(await write("sizes.nir", graph))
    const sizes = (name: string): [takes: number, gives: number] => {
      const at = (what: string) => dataset(seen, `node/nodes/${name}/${what}`)
      const type = typeIn(seen, name)
      if (type === "Linear" || type === "Affine") {
        const [gives, takes] = at("weight").shape
        return [takes, gives]
      }
      const size = type === "LI" ? at("tau").shape : (at("shape").value as number[])
      expect(size.length).toBe(1)
      return [size[0], size[0]]
    }
    for (const [from, to] of edgesIn(seen))
      expect([from, to, sizes(from)[1]]).toEqual([from, to, sizes(to)[0]])
    expect(sizes("input")).toEqual([20, 20])
    expect(sizes("output")).toEqual([3, 3])
  })

  test("its values are the graph's, also where most of a matrix is not stored", async () => {
    const seen = await readByH5py(await write("values.nir", graph))
    for (const [name, node] of graph.nodes) {
      const value = (what: string) => seen[`node/nodes/${name}/${what}`]?.value
      if (node.type === "Affine") {
        expect(value("weight")).toEqual(dense(node.weight))
        expect(value("bias")).toEqual([...node.bias])
      }
      if (node.type === "LI") expect(value("tau")).toEqual([...node.tau])
    }
  })

  test("values that float32 cannot hold are written as float64", async () => {
    const odd = linearise(modelOf(net, spread(900)), new Uint8Array(20).fill(77)).graph
    const seen = await readByH5py(await write("odd.nir", odd))
    expect(seen["node/nodes/layer0/tau"]).toMatchObject({
      dtype: "float64",
      value: [...nodeOf(odd, "layer0", "LI").tau],
    })
  })

  test("a graph written call by call as the reference implementation does is read", async () => {
    const path = file("reference.nir")
    await writeByH5py(
      path,
      {
        input: { type: "Input", shape: [3] },
        affine: {
          type: "Affine",
          weight: [
            [1, 0, -2],
            [0, 0.5, 0],
          ],
          bias: [0, 0.25],
        },
        li: { type: "LI", tau: [1, 2], r: [1, 3], v_leak: [0, -1] },
        output: { type: "Output", shape: [2] },
      },
      [
        ["input", "affine"],
        ["affine", "li"],
        ["li", "output"],
      ],
    )
    const read = await decodeNir(readFileSync(path), path)
    expect(read.edges).toEqual([
      ["input", "affine"],
      ["affine", "li"],
      ["li", "output"],
    ])
    const affine = nodeOf(read, "affine", "Affine")
    expect(dense(affine.weight)).toEqual([
      [1, 0, -2],
      [0, 0.5, 0],
    ])
    expect([...affine.bias]).toEqual([0, 0.25])
    expect(nodeOf(read, "li", "LI")).toEqual({
      type: "LI",
      tau: Float64Array.of(1, 2),
      r: Float64Array.of(1, 3),
      vLeak: Float64Array.of(0, -1),
    })
    expect(nodeOf(read, "input", "Input").shape).toEqual([3])
    expect(read.metadata).toEqual({})
  })
})

const value = fc.double({ min: -4, max: 4, noNaN: true }).map(v => (v === 0 ? 0.5 : v))
const anyGraph = fc
  .record({
    rows: fc.integer({ min: 1, max: 300 }),
    columns: fc.integer({ min: 1, max: 300 }),
    entries: fc.array(fc.tuple(fc.nat(), fc.nat(), value), { maxLength: 200 }),
    single: fc.boolean(),
    metadata: fc.dictionary(
      fc.stringMatching(/^[a-zé][a-z_]{0,9}$/),
      fc.oneof(
        fc.string({ minLength: 1 }).filter(s => !s.includes("\0")),
        fc.integer(),
        fc.uint8Array({ minLength: 1 }),
        fc.int16Array({ minLength: 1 }),
      ),
    ),
  })
  .map(({ rows, columns, entries, single, metadata }): Graph => {
    const round = (v: number) => (single ? Math.fround(v) : v)
    const values = (n: number) => Float64Array.from({ length: n }, (_, i) => round(1 / (i + 1)))
    const nodes: [string, Node][] = [
      ["from", { type: "Input", shape: [columns] }],
      [
        "between",
        {
          type: "Affine",
          weight: matrixOf(
            rows,
            columns,
            entries.map(([r, c, v]) => [r % rows, c % columns, round(v)]),
          ),
          bias: values(rows),
        },
      ],
      ["LI of ü", { type: "LI", tau: values(rows), r: values(rows), vLeak: values(rows) }],
      ["if", { type: "IF", r: values(rows), vThreshold: values(rows), vReset: values(rows) }],
      [
        "lif",
        {
          ...{ type: "LIF", tau: values(rows), r: values(rows), vLeak: values(rows) },
          ...{ vThreshold: values(rows), vReset: values(rows) },
        },
      ],
      [
        "cuba",
        {
          ...{ type: "CubaLIF", tauSyn: values(rows), tauMem: values(rows), r: values(rows) },
          ...{ vLeak: values(rows), vThreshold: values(rows), vReset: values(rows) },
          wIn: values(rows),
        },
      ],
      ["flat", { type: "Flatten", shape: [rows, 1] }],
      ["scale", { type: "Scale", scale: values(rows) }],
      ["to", { type: "Output", shape: [rows] }],
    ]
    const names = nodes.map(([name]) => name)
    return {
      nodes: new Map(nodes),
      edges: nodes.slice(1).map((_, i) => [names[i], names[i + 1]]),
      metadata: metadata as Metadata,
    }
  })

test("any graph is read as it was written", async () => {
  await fc.assert(
    fc.asyncProperty(anyGraph, async graph => {
      const read = await decodeNir(await encodeNir(graph), "test")
      expect(new Map([...read.nodes].sort())).toEqual(new Map([...graph.nodes].sort()))
      expect(read.edges).toEqual(graph.edges)
      expect(read.metadata).toEqual(graph.metadata)
    }),
    { numRuns: 20 },
  )
})

describe("refused", () => {
  const graph = linearise(modelOf(net, spread(900))).graph
  const codeOf = async (bytes: Buffer) => {
    try {
      await decodeNir(bytes, "bad.nir")
      return "read"
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }

  test("what is not HDF5, and what is HDF5 but not NIR", async () => {
    expect(await codeOf(Buffer.alloc(0))).toBe("nir-foreign")
    expect(await codeOf(Buffer.from("%PDF-1.7 and so on"))).toBe("nir-foreign")
    expect(await codeOf(readFileSync("models/pico-16.wuxing"))).toBe("nir-foreign")
  })

  test("a file cut short anywhere", async () => {
    const bytes = await encodeNir(graph)
    for (let i = 0; i < 40; i++)
      expect(await codeOf(bytes.subarray(0, 8 + Math.floor((i * (bytes.length - 9)) / 40)))).toBe(
        "nir-damaged",
      )
  })

  test.each([
    ["an edge to nowhere", (g: Graph) => g.edges.push(["layer0", "layer9"]), /"layer9"/],
    ["an edge twice", (g: Graph) => g.edges.push(["input", "pixels"]), /twice/],
    ["sizes that differ", (g: Graph) => g.edges.push(["layer0", "layer1"]), /100 .* 20$/],
    [
      "a time constant of 0",
      (g: Graph) => nodeOf(g, "layer1", "LI").tau.fill(0, 3, 4),
      /"layer1" \(LI\).*tau/,
    ],
    [
      "a value that is no number",
      (g: Graph) => nodeOf(g, "layer1", "LI").r.fill(Number.NaN, 3, 4),
      /"layer1" \(LI\)/,
    ],
  ])("%s", async (_, spoil, what) => {
    const spoilt = linearise(modelOf(net, spread(900))).graph
    spoil(spoilt)
    await expect(decodeNir(await encodeNir(spoilt), "bad.nir")).rejects.toMatchObject({
      code: "nir-invalid",
      message: expect.stringMatching(what),
    })
  })

  test.skipIf(!hasH5py)("other types of nodes, by name and type (needs python3-h5py)", async () => {
    const path = file("spiking.nir")
    const late = { type: "Delay", delay: [1] }
    await writeByH5py(
      path,
      {
        input: { type: "Input", shape: [1] },
        spikes: late,
        pool: { type: "SumPool2d", kernel_size: [2] },
        output: { type: "Output", shape: [1] },
      },
      [["input", "spikes"]],
    )
    await expect(decodeNir(readFileSync(path), path)).rejects.toMatchObject({
      code: "nir-unsupported",
      message: expect.stringMatching(/"pool" is of type SumPool2d, node "spikes" is of type Delay/),
    })
  })
})
