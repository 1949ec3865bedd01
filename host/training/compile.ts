/** Compiles the core to WebAssembly: src/ through AssemblyScript, in memory. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { toAssemblyScript } from "./assembly-source"

const SOURCES = ["layout", "random", "settle", "links", "image", "run", "whole"]
/** 4 GiB of 64 KiB pages: what 32-bit addresses reach. */
const MOST_PAGES = 65536

/** @throws Error with the compiler's own lines if the core does not compile */
export async function compileCore(): Promise<Uint8Array> {
  const asc = (await import("assemblyscript/asc")).default
  const files = new Map<string, string>()
  for (const name of SOURCES) {
    const path = fileURLToPath(new URL(`../../src/${name}.ts`, import.meta.url))
    files.set(`${name}.ts`, toAssemblyScript(readFileSync(path, "utf8"), name))
  }
  files.set("index.ts", 'export { learnWhole, predictWhole } from "./whole"\n')
  let binary: Uint8Array | undefined
  let messages = ""
  const { error } = await asc.main(
    [
      "index.ts",
      "-O3",
      "--noAssert",
      ...[
        "--runtime",
        "stub",
        "--importMemory",
        "--sharedMemory",
        "--maximumMemory",
        `${MOST_PAGES}`,
      ],
      ...["--enable", "threads", "--use", "abort=", "--outFile", "core.wasm"],
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
  if (error || !binary)
    throw new Error(`the core does not compile to WebAssembly:\n${messages || error}`)
  return binary
}
