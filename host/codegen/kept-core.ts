/**
 * The core as WebAssembly, kept in the repository so that a checkout need not compile it, which takes up to
 * a minute. It is used only while it is of the sources as they are; else they are compiled.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { coreName } from "../base/prebuilt"
import { sha256 } from "../base/sha256"

const FOLDER = fileURLToPath(new URL("./built/", import.meta.url))
const SOURCES = `${FOLDER}core-sources.json`

/** SHA-256 of the sources' code by file; comments and empty lines change no program. */
function codeHash(files: ReadonlyMap<string, string>): string {
  const code = [...files].map(([name, text]) => [
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
 * @param files the sources as they are now, by name
 * @returns nothing where what is kept is of other sources
 */
export function keptCore(
  batched: boolean,
  files: ReadonlyMap<string, string>,
): Uint8Array | undefined {
  const name = coreName(batched)
  try {
    const hashes = JSON.parse(readFileSync(SOURCES, "utf8")) as Record<string, string>
    return hashes[name] === codeHash(files) ? readFileSync(FOLDER + name) : undefined
  } catch {
    // A file that is missing or damaged: compiled, as if there were none.
    return undefined
  }
}

/** @param cores each variant's sources and what was compiled of them */
export function keepCores(
  cores: readonly { batched: boolean; files: ReadonlyMap<string, string>; bytes: Uint8Array }[],
): void {
  mkdirSync(FOLDER, { recursive: true })
  const hashes: Record<string, string> = {}
  for (const { batched, files, bytes } of cores) {
    const name = coreName(batched)
    writeFileSync(FOLDER + name, bytes)
    hashes[name] = codeHash(files)
  }
  writeFileSync(SOURCES, `${JSON.stringify(hashes, null, 2)}\n`)
}
