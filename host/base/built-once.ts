/**
 * What a checkout compiles, kept on disk under a name that follows from its sources: compiled once,
 * and never out of date.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { realClock } from "./clock"
import { lockFile } from "./folder-lock"

const CACHE = fileURLToPath(new URL("../../node_modules/.cache/wuxing/", import.meta.url))

/** How often to look whether another process is done. */
const LOOK_MS = 100
/** A process that was stopped in the middle of a build does not hold up others for ever. */
const LONGEST_WAIT_MS = 300_000

/** Builds of this process under way, by path. */
const underWay = new Map<string, Promise<unknown>>()

/**
 * Of several processes, or callers, that want the same at once, one compiles and the others wait for it.
 *
 * @param name `<name>.<extension>` of the file, in which a hash of the sources comes between
 * @param sources all that the result depends on, the compiler's version too; of plain JSON
 * @param build compiles, where nothing was kept of these sources
 * @param signal ends the waiting for others
 * @throws what `build` throws; the signal's reason when it is aborted
 */
export async function builtOnce(
  name: string,
  sources: unknown,
  build: () => Promise<Uint8Array>,
  signal?: AbortSignal,
): Promise<{ path: string; bytes: Uint8Array }> {
  const hash = createHash("sha256").update(JSON.stringify(sources)).digest("hex").slice(0, 24)
  const path = CACHE + name.replace(/(?=\.[^.]+$)/, `-${hash}`)
  for (;;) {
    const bytes = kept(path)
    if (bytes) return { path, bytes }
    const other = underWay.get(path)
    if (!other) break
    // Where it failed, or was told to stop, this caller tries by itself.
    await other.catch(() => {})
    signal?.throwIfAborted()
  }
  const made = buildAlone(path, build, signal)
  underWay.set(path, made)
  try {
    return { path, bytes: await made }
  } finally {
    underWay.delete(path)
  }
}

async function buildAlone(
  path: string,
  build: () => Promise<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const release = await lock(path, signal)
  try {
    // Another process may have kept it meanwhile.
    const ready = kept(path)
    if (ready) return ready
    const bytes = await build()
    // Kept only to save time: a folder that cannot be written costs it again the next time.
    try {
      const fresh = `${path}.${process.pid}`
      writeFileSync(fresh, bytes)
      renameSync(fresh, path)
    } catch {}
    return bytes
  } finally {
    release()
  }
}

/** Waits until no other process builds the same. */
async function lock(path: string, signal: AbortSignal | undefined): Promise<() => void> {
  const until = realClock.now() + LONGEST_WAIT_MS
  try {
    mkdirSync(CACHE, { recursive: true })
    while (realClock.now() < until) {
      const taken = lockFile(`${path}.lock`)
      if ("release" in taken) return taken.release
      await realClock.sleep(LOOK_MS, signal)
    }
  } catch (error) {
    if (signal?.aborted) throw error
    // A folder that cannot be written to: each builds for itself.
  }
  return () => {}
}

function kept(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
