/**
 * The core as WebAssembly, kept in the repository so that a checkout need not compile it, which takes up to
 * a minute. It is used only while it is of the sources as they are; else they are compiled. That it is what
 * the compilers of today make of them is for a test to say.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { coreName } from "../base/prebuilt"
import { sha256 } from "../base/sha256"
import { type CoreFiles, coreFiles } from "./core-files"

const FOLDER = fileURLToPath(new URL("./built/", import.meta.url))
const SOURCES = `${FOLDER}core-sources.json`

/** SHA-256 of the sources' code by file; comments and empty lines change no program. */
function codeHash({ sources, forms }: CoreFiles): string {
  const code = [...sources, ...forms].map(([name, text]) => [
    name,
    text
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "")
      .split("\n")
      .map(line => line.trim())
      .filter(line => line !== ""),
  ])
  return sha256(Buffer.from(JSON.stringify(code)))
}

/**
 * @param files the sources as they are now
 * @returns nothing where what is kept is of other sources
 */
export function keptCore(batched: boolean, files = coreFiles()): Uint8Array | undefined {
  try {
    const { sha256: kept } = JSON.parse(readFileSync(SOURCES, "utf8")) as { sha256: string }
    return kept === codeHash(files) ? readFileSync(FOLDER + coreName(batched)) : undefined
  } catch {
    // A file that is missing or damaged: compiled, as if there were none.
    return undefined
  }
}

/** @param cores each variant, compiled of the sources as they are now */
export function keepCores(cores: readonly { batched: boolean; bytes: Uint8Array }[]): void {
  mkdirSync(FOLDER, { recursive: true })
  for (const { batched, bytes } of cores) writeFileSync(FOLDER + coreName(batched), bytes)
  writeFileSync(SOURCES, `${JSON.stringify({ sha256: codeHash(coreFiles()) }, null, 2)}\n`)
}
