import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import type { WuxingError } from "../../../host/base/errors"
import { addersOf } from "../../../host/nir/adders"
import { decodeNir } from "../../../host/nir/read-nir"
import { temporaryFolder } from "../../temporary"
import { hasH5py, writeVariants } from "./h5py"
import { dense, nodeOf } from "./helpers"

const folder = temporaryFolder("nir")
const read = (name: string) => decodeNir(readFileSync(join(folder, `${name}.nir`)), `${name}.nir`)
const refusal = async (name: string): Promise<WuxingError> => {
  try {
    await read(name)
  } catch (error) {
    return error as WuxingError
  }
  throw new Error(`${name} was read`)
}

/** As numpy makes it in writeVariants. */
const weights = Array.from({ length: 3 }, (_, row) =>
  Array.from({ length: 144 }, (_, column) => (((144 * row + column) % 11) - 5) / 64),
)

describe.skipIf(!hasH5py)("files written by h5py (Debian's python3-h5py)", () => {
  beforeAll(() =>
    writeVariants(
      folder,
      `
good("plain")
good("half", weight=weight.astype("float16"))
good("big-endian", weight=weight.astype(">f8"))
good("fletcher", fletcher32=True, chunks=(3, 48))
good("shuffled", compression="gzip", shuffle=True)
good("userblock", file={"userblock_size": 1024})
good("no-version", lambda f: f.__delitem__("version"))
good("lzf", weight=0 * weight + 1, compression="lzf")
for name, value in [("nan", np.nan), ("infinite", -np.inf)]:
    odd = weight.copy()
    odd[1, 7] = value
    good(name, weight=odd)
good("half-nan", weight=np.full((3, 144), np.nan, "float16"))
good("extended", weight=weight.astype("longdouble"))
good("complex", weight=weight.astype("complex64"))
good("tiny", weight=weight * 1e-7)

def scalars(f):
    for what in ["tau", "r", "v_leak"]:
        replace(f, "node/nodes/li/" + what, data=np.float32(what != "v_leak"))
good("scalars", scalars)

def edges(f, names):
    replace(f, "node/edges", data=np.array(names, dtype=object), dtype=text)
def flatten(f):
    replace(f, "node/nodes/input/shape", data=[1, 12, 12])
    node(f, "flat", "Flatten", input_type=[1, 12, 12], start_dim=0, end_dim=-1)
    edges(f, [("input", "flat"), ("flat", "w"), ("w", "li"), ("li", "output")])
good("flatten", flatten)
def slashes(f):
    f.move("node/nodes/w", "node/nodes/layers/0")
    edges(f, [("input", "layers/0"), ("layers/0", "li"), ("li", "output")])
good("slashes", slashes)
good("same-edge", lambda f: edges(f, [("input", "w")] * 2))

def claim(path, **keys):
    return lambda f: replace(f, path, compression="gzip", **keys)
good("edges-claimed", claim("node/edges", shape=(10**8, 2), dtype=text, chunks=(10000, 2)))
good("weights-claimed", claim("node/nodes/w/weight", shape=(3, 10**9), dtype="f8", fillvalue=1, chunks=(1, 10**6)))
good("tau-claimed", claim("node/nodes/li/tau", shape=(10**9,), dtype="f8", fillvalue=1, chunks=(10**6,)))
good("block-claimed", claim("node/nodes/w/weight", shape=(3, 144), maxshape=(None, None), dtype="f8", chunks=(2**13, 2**13)))
good("metadata-claimed", lambda f: f.create_dataset("node/metadata/x", shape=(10**9,), dtype="f8", fillvalue=1, chunks=(10**6,)))
good("shape-claimed", lambda f: replace(f, "node/nodes/input/shape", data=[2**20, 2**20]))
def dense(f):
    # Sizes that fit one another, all weights 1 by the fill value: nothing of it is stored.
    replace(f, "node/nodes/input/shape", data=[8192])
    replace(f, "node/nodes/w/weight", shape=(8192, 8192), dtype="f8", fillvalue=1, chunks=(64, 64), compression="gzip")
    for path in ["w/bias", "li/tau", "li/r", "li/v_leak"]:
        replace(f, "node/nodes/" + path, data=np.ones(8192))
    replace(f, "node/nodes/output/shape", data=[8192])
good("dense", dense)
def inflated(f):
    # A block of 3·144 values whose stored bytes inflate to 1 GB: a MB of zeros, written 1024 times over.
    import zlib
    deflate = zlib.compressobj(9, wbits=-15)
    piece = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    # Adler's sum of so many zeros: 1, and their number.
    end = deflate.flush() + ((2**30 % 65521) << 16 | 1).to_bytes(4, "big")
    bomb = bytes([0x78, 0xda]) + 1024 * piece + end
    assert zlib.decompressobj().decompress(bomb, 2**21) == bytes(2**21)
    data = replace(f, "node/nodes/w/weight", shape=(3, 144), dtype="f4", chunks=(3, 144), compression="gzip")
    data.id.write_direct_chunk((0, 0), bomb)
good("inflated", inflated)
`,
    ),
  )

  test.each([
    "plain",
    "half",
    "big-endian",
    "fletcher",
    "shuffled",
    "userblock",
    "no-version",
    "scalars",
    "flatten",
  ])("%s: read as it stands", async name => {
    const graph = await read(name)
    expect(dense(nodeOf(graph, "w", "Affine").weight)).toEqual(weights)
    expect(nodeOf(graph, "li", "LI")).toEqual({
      ...{ type: "LI", tau: Float64Array.of(1, 1, 1), r: Float64Array.of(1, 1, 1) },
      vLeak: Float64Array.of(0, 0, 0),
    })
    const { model, vanished } = addersOf(graph, name)
    expect(model.network).toMatchObject({ width: 144, layers: [{ neurons: 3 }] })
    expect(vanished).toBe(0)
  })

  test.each([
    ["lzf", "nir-unsupported", /"w" \(Affine\).*"weight".*lzf \(32000\)/],
    ["nan", "nir-invalid", /"w" \(Affine\).*"weight"/],
    ["infinite", "nir-invalid", /"w" \(Affine\).*"weight"/],
    ["half-nan", "nir-invalid", /"w" \(Affine\).*"weight"/],
    ["extended", "nir-unsupported", /"weight".*128-bit/],
    ["complex", "nir-invalid", /"weight".*not of numbers/],
    ["slashes", "nir-unsupported", /"layers\/0"/],
    ["same-edge", "nir-invalid", /twice/],
    ["inflated", "nir-damaged", /cannot be read/],
    ["edges-claimed", "nir-too-large", /100000000 edges/],
    ["weights-claimed", "nir-too-large", /"w" \(Affine\).*3000000000/],
    ["tau-claimed", "nir-too-large", /"li" \(LI\).*"tau".*1000000000/],
    ["block-claimed", "nir-unsupported", /blocks of 536870912/],
    ["metadata-claimed", "nir-too-large", /metadata/],
    ["shape-claimed", "nir-invalid", /"input" \(Input\) has the shape/],
    ["dense", "nir-too-large", /"w" \(Affine\).*4194304/],
  ])("%s: refused as %s, in bounded memory", async (name, code, message) => {
    const before = process.resourceUsage().maxRSS
    expect(await refusal(name)).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(400_000)
  })

  test("a checksum that fails: refused", async () => {
    const bytes = readFileSync(join(folder, "fletcher.nir"))
    // The first stored values of row 1: −5/64 and so on as float32.
    const stored = Buffer.from(new Uint8Array(Float32Array.of(...weights[1].slice(0, 4)).buffer))
    const at = bytes.indexOf(stored)
    expect(at).toBeGreaterThan(0)
    bytes[at] ^= 1
    writeFileSync(join(folder, "flipped.nir"), bytes)
    expect(await refusal("flipped")).toMatchObject({ code: "nir-damaged", kind: "data" })
  })

  test("after a refusal the next file is read", async () => {
    await refusal("inflated")
    expect((await read("plain")).nodes.size).toBe(4)
  })

  test("weights too small for coefficients are counted", async () => {
    const { weights, vanished } = addersOf(await read("tiny"), "tiny")
    expect(weights).toBeGreaterThan(380)
    expect(vanished).toBe(weights)
  })
})
