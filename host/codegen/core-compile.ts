/**
 * Compiles the core to WebAssembly: src/ through AssemblyScript. Both compilers this loads are large, and are
 * not there where the published package is installed: core-module.ts does so only where nothing is kept.
 */
import { WuxingError } from "../base/errors"
import { toAssemblyScript } from "./assembly-source"
import { coreFiles } from "./core-files"

const EXPORTED = {
  whole: "learnWhole, predictWhole",
  links: "applyDeltas, clearDeltas, mergeDeltas",
  elements: "mergeInhibition",
  features: "features",
}
/** Of the 128-bit forms alone. */
const LANES_EXPORTED = "laneBackward, laneClear, laneError, laneForward, laneImage, laneLearn"
/** 2 GiB of 64 KiB pages, as the engine: addresses stay positive. */
const MOST_PAGES = 32768

/** Sources and what they became: both variants are of the same ones, and to translate them takes a second. */
const translated = new Map<string, string>()

/**
 * The core's sources as AssemblyScript, by file name.
 *
 * @param batched the variant that gathers a batch's changes (src/core/batched.ts)
 * @param vectors the loops over neurons and links in their 128-bit form; the same bits
 * @throws WuxingError "core-compile" where a source has a construct that AssemblyScript lacks
 */
export function coreSources(batched: boolean, vectors: boolean): Map<string, string> {
  const files = new Map<string, string>()
  const { sources, forms } = coreFiles()
  for (const [name, source] of sources) {
    try {
      const text = translated.get(source) ?? toAssemblyScript(source, name)
      translated.set(source, text)
      files.set(`${name}.ts`, text)
    } catch (error) {
      throw failure(`src/: ${error instanceof Error ? error.message : error}`)
    }
  }
  const exported = Object.entries(EXPORTED)
  if (vectors) {
    for (const [name, form] of forms) {
      const scalar = files.get(`${name}.ts`)
      if (scalar !== undefined) files.set(`${name}-scalar.ts`, scalar)
      files.set(`${name}.ts`, form)
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
  // The compiler looks for a file that is not there until it has no memory left.
  for (const [name, text] of files)
    for (const [, module] of text.matchAll(/ from "[./\w-]*?([\w-]+)"/g))
      if (!files.has(`${module}.ts`))
        throw failure(`${name} imports ${module}, which host/codegen/core-files.ts does not list`)
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
  throw failure(`the core does not compile to WebAssembly:\n${messages || error}`)
}

function failure(message: string): WuxingError {
  return new WuxingError({
    code: "core-compile",
    kind: "internal",
    message,
    cause: "a change in src/ uses a construct that has no AssemblyScript form",
    help: "see host/codegen/syntax.ts for the forms it knows",
  })
}
