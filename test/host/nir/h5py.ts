/** HDF5 by h5py, the library under NIR's reference implementation: another reader, another writer. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import type { Socket } from "node:net"
import { createInterface } from "node:readline"

const PYTHON = "/usr/bin/python3"

/** Debian's package python3-h5py. */
export const hasH5py = existsSync("/usr/lib/python3/dist-packages/h5py")

/** Everything in a file, as h5py sees it. */
export interface Seen {
  /** By path: groups are null. */
  [path: string]: null | {
    shape: number[]
    /** numpy's name; of texts "utf-8 of variable length" or what else they are. */
    dtype: string
    compression: string | null
    /** Of texts and of arrays of up to 10,000 values. */
    value?: unknown
  }
}

export async function readByH5py(path: string): Promise<Seen> {
  return JSON.parse(
    await python(
      `
import h5py, json, sys
seen = {}
def visit(name, item):
    if isinstance(item, h5py.Group):
        seen[name] = None
        return
    text = h5py.check_string_dtype(item.dtype)
    if text is None:
        kind = str(item.dtype)
    else:
        kind = text.encoding + (" of variable length" if text.length is None else " of fixed length")
    entry = {"shape": list(item.shape), "dtype": kind, "compression": item.compression}
    if item.size <= 10000:
        entry["value"] = item.asstr()[()] if text else item[()]
        if hasattr(entry["value"], "tolist"):
            entry["value"] = entry["value"].tolist()
    seen[name] = entry
h5py.File(sys.argv[1], "r").visititems(visit)
print(json.dumps(seen))
`,
      [path],
    ),
  )
}

/** A node's type and arrays. Numbers are written as float32, or as int64 where `shape` says so. */
export type PlainNode = { type: string } & Record<string, string | number[] | number[][]>

/** Writes a graph call by call as the reference implementation's `write` does (version 1.0.7). */
export function writeByH5py(
  path: string,
  nodes: Record<string, PlainNode>,
  edges: [string, string][],
): Promise<string> {
  return python(
    `
import h5py, json, sys, numpy as np
nodes, edges = json.loads(sys.argv[2])
def write_recursive(group, node):
    for k, v in node.items():
        if isinstance(v, str):
            group.create_dataset(k, data=v, dtype=h5py.string_dtype())
        elif isinstance(v, np.ndarray):
            group.create_dataset(k, data=v, dtype=v.dtype, compression="gzip", compression_opts=None)
        elif isinstance(v, dict):
            write_recursive(group.create_group(str(k)), v)
        else:
            group.create_dataset(k, data=v)
def arrays(node):
    return {k: v if isinstance(v, str) else np.array(v, dtype="int64" if k == "shape" else "float32")
            for k, v in node.items()}
with h5py.File(sys.argv[1], "w") as f:
    f.create_dataset("version", data="1.0.7", dtype=h5py.string_dtype())
    write_recursive(f.create_group("node"), {
        "nodes": {k: arrays(n) for k, n in nodes.items()},
        "edges": [(a, b) for a, b in edges],
        "type": "NIRGraph"})
`,
    [path, JSON.stringify([nodes, edges])],
  )
}

/** Opens a file for change and runs some lines on it, as `f`. */
export function changeByH5py(path: string, lines: string): Promise<string> {
  return python(
    `import h5py, sys\nwith h5py.File(sys.argv[1], "r+") as f:\n    ${lines.replaceAll("\n", "\n    ")}\n`,
    [path],
  )
}

/**
 * Runs lines with `good(path, change=None, **keys)`, which writes a small graph, 144 pixels to three
 * leaky integrators, as NIR's `write` does, then has `change(f)` alter the open file. `keys` go to the
 * data set of the weights.
 */
export function writeVariants(folder: string, lines: string): Promise<string> {
  return python(
    `
import h5py, sys, numpy as np
folder = sys.argv[1]
text = h5py.string_dtype()
weight = (np.arange(432).reshape(3, 144) % 11 - 5).astype("float32") / 64
def node(f, name, type, **arrays):
    g = f.create_group("node/nodes/" + name)
    g.create_dataset("type", data=type, dtype=text)
    for k, v in arrays.items():
        g.create_dataset(k, data=v)
    return g
def replace(f, path, **keys):
    del f[path]
    return f.create_dataset(path, **keys)
def good(name, change=None, weight=weight, file={}, **keys):
    with h5py.File(folder + "/" + name + ".nir", "w", **file) as f:
        f.create_dataset("version", data="1.0.7", dtype=text)
        f.create_dataset("node/type", data="NIRGraph", dtype=text)
        f.create_dataset("node/edges", data=[(b"input", b"w"), (b"w", b"li"), (b"li", b"output")], dtype=text)
        node(f, "input", "Input", shape=[144])
        node(f, "w", "Affine", bias=np.zeros(3, "float32")).create_dataset("weight", data=weight, **keys)
        ones = np.ones(3, "float32")
        node(f, "li", "LI", tau=ones, r=ones, v_leak=0 * ones)
        node(f, "output", "Output", shape=[3])
        if change:
            change(f)
${lines}
`,
    [folder],
  )
}

/** Runs scripts in turn, each by itself, and answers with what it printed or why it ended. */
const SERVER = `
import contextlib, io, json, sys, traceback
for line in sys.stdin:
    script, args = json.loads(line)
    sys.argv = ["", *args]
    said, failed = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(said):
            exec(script, {"__name__": "__main__"})
    except BaseException:
        failed = traceback.format_exc()
    print(json.dumps([said.getvalue(), failed]), flush=True)
`

/** One Python for all scripts of this process: to load h5py takes half a second of a core. It ends with it. */
let running: ReturnType<typeof start> | undefined

function start() {
  const child = spawn(PYTHON, ["-c", SERVER], { stdio: ["pipe", "pipe", "inherit"] })
  child.unref()
  for (const end of [child.stdin, child.stdout]) (end as Socket).unref()
  const lines = createInterface({ input: child.stdout })
  // What waits for an answer fails then.
  child.once("exit", () => lines.emit("error", new Error("python ended")))
  return { stdin: child.stdin, lines }
}

async function python(script: string, args: string[]): Promise<string> {
  running ??= start()
  const answer = once(running.lines, "line")
  running.stdin.write(`${JSON.stringify([script, args])}\n`)
  const [said, failed] = JSON.parse((await answer)[0])
  if (failed !== null) throw new Error(failed)
  return said
}
