/** The core as WebAssembly: compiled from src/ through AssemblyScript. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { builtOnce } from "../base/built-once"
import { WuxingError } from "../base/errors"
import { coreName, prebuilt } from "../base/prebuilt"
import { needWebAssembly } from "../base/webassembly"
import { toAssemblyScript } from "./assembly-source"
import { corePath } from "./core-files"
import { keptCore } from "./kept-core"

const SOURCES = [
  ...[
    "layout",
    "random",
    "noise",
    "settle",
    "settle-fine",
    "settle-two",
    "batched",
    "links",
    "image",
    "run",
    "whole",
  ],
  ...["atan", "pid", "neuron", "ring-neuron", "elements", "link-rules"],
  ...["plan", "whole-math", "trim", "trace", "fourier", "spread", "bands", "reservoir", "features"],
]
/** Those whose loops have a form of their own on the host (assembly/), which falls back on them. */
const VECTORS = ["settle", "settle-fine", "settle-two", "links"]
/** What the host alone has: 16 samples side by side. */
const LANES = ["lane-layout", "lanes", "lanes-settle"]
const EXPORTED = {
  whole: "learnWhole, predictWhole",
  links: "applyDeltas, clearDeltas, mergeDeltas",
  elements: "mergeInhibition",
  features: "features",
}
const LANES_EXPORTED = "laneBackward, laneClear, laneError, laneForward, laneImage, laneLearn"
/** 2 GiB of 64 KiB pages, as the engine: addresses stay positive. */
const MOST_PAGES = 32768

/**
 * Shipped or kept, else compiled.
 *
 * @param batched the variant that gathers a batch's changes (src/core/batched.ts)
 * @param vectors the loops over neurons and links in their 128-bit form; the same bits
 * @param onCompile called where it must be compiled first, which takes up to a minute
 * @throws WuxingError "core-compile" (kind internal) with the compiler's own lines
 */
export async function coreBinary(
  batched: boolean,
  vectors = true,
  onCompile?: () => void,
): Promise<Uint8Array> {
  const shipped = vectors ? prebuilt(coreName(batched)) : undefined
  if (shipped) return shipped.bytes
  const files = coreSources(batched, vectors)
  const kept = vectors ? keptCore(batched, files) : undefined
  if (kept) return kept
  const build = () => {
    onCompile?.()
    return compileCore(files)
  }
  return (await builtOnce("core.wasm", [...files], build)).bytes
}

const modules = new Map<boolean, WebAssembly.Module>()

/**
 * The same, ready to be run. Kept for the process: to make the sources' name costs more than to start
 * an engine.
 *
 * @throws WuxingError as coreBinary; "webassembly-missing" (kind usage)
 */
export async function coreModule(
  batched: boolean,
  onCompile?: () => void,
): Promise<WebAssembly.Module> {
  let module = modules.get(batched)
  if (!module) {
    needWebAssembly("the core")
    module = new WebAssembly.Module(await coreBinary(batched, true, onCompile))
    modules.set(batched, module)
  }
  return module
}

/** The core's sources as AssemblyScript, by file name. */
export function coreSources(batched: boolean, vectors: boolean): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of SOURCES) {
    const path = corePath(name)
    files.set(`${name}.ts`, toAssemblyScript(readFileSync(path, "utf8"), name))
  }
  const exported = Object.entries(EXPORTED)
  if (vectors) {
    for (const name of VECTORS) files.set(`${name}-scalar.ts`, files.get(`${name}.ts`) ?? "")
    for (const name of [...VECTORS, ...LANES]) {
      const path = fileURLToPath(new URL(`./assembly/${name}.ts`, import.meta.url))
      files.set(`${name}.ts`, readFileSync(path, "utf8"))
    }
    exported.push(["lanes", LANES_EXPORTED])
  }
  files.set("batched.ts", `export const BATCHED = ${batched}\n`)
  files.set(
    "index.ts",
    exported.map(([file, names]) => `export { ${names} } from "./${file}"`).join("\n"),
  )
  return files
}

/**
 * The part of the AssemblyScript compiler used here. Its own types are kept out of the program:
 * they declare a global `console` of their own, in conflict with Node's.
 */
interface AssemblyScript {
  main(
    args: string[],
    files: {
      readFile(name: string): string | null
      writeFile(name: string, contents: string | Uint8Array): void
      listFiles(): string[]
      stderr: { write(text: string | Uint8Array): void }
    },
  ): Promise<{ error: Error | null }>
}

/** A string to the type checker, so that it does not look the module's types up. */
const ASSEMBLYSCRIPT: string = "assemblyscript/asc"

/** @throws WuxingError "core-compile" */
export async function compileCore(files: ReadonlyMap<string, string>): Promise<Uint8Array> {
  const asc = (await import(ASSEMBLYSCRIPT)).default as AssemblyScript
  let binary: Uint8Array | undefined
  let messages = ""
  const { error } = await asc.main(
    [
      ...["index.ts", "-O3", "--noAssert", "--runtime", "stub", "--use", "abort="],
      ...["--importMemory", "--sharedMemory", "--maximumMemory", `${MOST_PAGES}`],
      ...["--enable", "threads", "--enable", "simd", "--outFile", "core.wasm"],
    ],
    {
      readFile: name => files.get(name.replace(/^.*\//, "")) ?? null,
      writeFile: (_, contents) => {
        if (typeof contents !== "string") binary = contents
      },
      listFiles: () => [],
      stderr: {
        write(text: string | Uint8Array) {
          messages += text
        },
      },
    },
  )
  if (binary && !error) return binary
  throw new WuxingError({
    code: "core-compile",
    kind: "internal",
    message: `the core does not compile to WebAssembly:\n${messages || error}`,
    cause: "a change in src/ uses a construct that has no AssemblyScript form",
    help: "see host/codegen/assembly-source.ts for the forms it knows",
  })
}
