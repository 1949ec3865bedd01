/**
 * What a checkout compiles, kept on disk under a name that follows from its sources: compiled once,
 * and never out of date.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/wuxing/", import.meta.url))

/**
 * @param name `<name>.<extension>` of the file, in which a hash of the sources comes between
 * @param sources all that the result depends on, the compiler's version too; of plain JSON
 * @param build compiles, where nothing was kept of these sources
 * @throws what `build` throws
 */
export async function builtOnce(
  name: string,
  sources: unknown,
  build: () => Promise<Uint8Array>,
): Promise<{ path: string; bytes: Uint8Array }> {
  const hash = createHash("sha256").update(JSON.stringify(sources)).digest("hex").slice(0, 24)
  const path = CACHE + name.replace(/(?=\.[^.]+$)/, `-${hash}`)
  try {
    return { path, bytes: readFileSync(path) }
  } catch {
    const bytes = await build()
    // Kept only to save time: a folder that cannot be written costs it again the next time.
    try {
      mkdirSync(CACHE, { recursive: true })
      const fresh = `${path}.${process.pid}`
      writeFileSync(fresh, bytes)
      renameSync(fresh, path)
    } catch {}
    return { path, bytes }
  }
}
