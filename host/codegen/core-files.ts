import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Rooms of src/ with modules that are translated; a module's name is unique among them. */
const ROOMS = ["core", "base", "wire", "signals", "spiking", "service"]

/** Modules of the core as WebAssembly. */
const SOURCES = [
  ..."layout random noise settle settle-fine settle-two batched links kernels image run whole".split(
    " ",
  ),
  ..."atan pid neuron ring-neuron elements link-rules picked".split(" "),
  ..."plan whole-math trim trace fourier spread fixed-kernels bands reservoir features".split(" "),
]
/** Those whose loops have a form of their own on the host (assembly/), which falls back on them. */
const VECTORS = ["settle", "settle-fine", "settle-two", "links"]
/** What the host alone has: 16 samples side by side. */
const LANES =
  "lane-layout lane-vectors lanes lanes-apart lanes-kernels lanes-learn lanes-settle".split(" ")

/**
 * The file of a module of the core, by its name without extension.
 *
 * @throws Error if there is none
 */
export function corePath(name: string): string {
  for (const room of ROOMS) {
    const path = fileURLToPath(new URL(`../../src/${room}/${name}.ts`, import.meta.url))
    if (existsSync(path)) return path
  }
  throw new Error(`src/ has no module ${name} in ${ROOMS.join(", ")}`)
}

export interface CoreFiles {
  /** TypeScript, of src/. */
  sources: Map<string, string>
  /** AssemblyScript of the host: the 128-bit forms of some of them, and what it alone has. */
  forms: Map<string, string>
}

/** All that the core as WebAssembly is made of, by the modules' names. */
export function coreFiles(): CoreFiles {
  const read = (name: string, path: string): [string, string] => [name, readFileSync(path, "utf8")]
  const form = (name: string) => fileURLToPath(new URL(`./assembly/${name}.ts`, import.meta.url))
  return {
    sources: new Map(SOURCES.map(name => read(name, corePath(name)))),
    forms: new Map([...VECTORS, ...LANES].map(name => read(name, form(name)))),
  }
}
