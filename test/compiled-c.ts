/** C that tests compile, kept on disk under a name that follows from all that it is made of. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs"
import { dirname, join } from "node:path"
import { sha256 } from "../host/base/sha256"
import { forgetOld } from "./forget-old"
import { ROOT } from "./root"

const KEPT = join(ROOT, "node_modules/.cache/wuxing/compiled")
const versions = new Map<string, string>()

/**
 * Compiled once for each compiler and its flags, whichever file of tests, and whichever run, asks first; kept a day.
 *
 * @param flags with "-c" for an object; without, the sources are linked
 * @param include folders of headers
 * @returns the path of the object or program; nobody writes there
 */
export function compiledC(
  compiler: string,
  flags: string[],
  sources: string[],
  include: string[],
): string {
  const version =
    versions.get(compiler) ?? execFileSync(compiler, ["--version"], { encoding: "utf8" })
  versions.set(compiler, version)
  const texts = new Map<string, string>()
  for (const source of sources) read(source, include, texts)
  const parts = JSON.stringify([compiler, version, flags, sources.length, [...texts.values()]])
  const kept = join(KEPT, `${sha256(Buffer.from(parts))}.o`)
  if (existsSync(kept)) return kept
  mkdirSync(KEPT, { recursive: true })
  forgetOld(KEPT)
  const fresh = `${kept}.${process.pid}`
  const folders = include.flatMap(folder => ["-I", folder])
  execFileSync(compiler, [...flags, ...folders, ...sources, "-o", fresh])
  renameSync(fresh, kept)
  return kept
}

/** A file and what it includes by name, but the compiler's own headers, into `texts`. */
function read(path: string, include: string[], texts: Map<string, string>): void {
  if (texts.has(path)) return
  const text = readFileSync(path, "utf8")
  texts.set(path, text)
  for (const [, name] of text.matchAll(/^\s*#\s*include\s*"(.+)"/gm)) {
    const found = [dirname(path), ...include].find(folder => existsSync(join(folder, name)))
    if (found) read(join(found, name), include, texts)
  }
}
