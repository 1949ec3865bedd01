/**
 * The firmware's bytecode for tests: compiled once for as long as nothing it is made of changes, not
 * once a test file, which took seconds each time. That it compiles is tested in
 * test/cli/firmware.test.ts.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildFirmware } from "../../host/firmware"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const KEPT = join(ROOT, "node_modules/.cache/wuxing")

let bytecode: Promise<Uint8Array> | undefined

export function firmware(): Promise<Uint8Array> {
  bytecode ??= keptOrCompiled()
  return bytecode
}

async function keptOrCompiled(): Promise<Uint8Array> {
  const path = join(KEPT, `${hashOfSources()}.devs`)
  try {
    return new Uint8Array(readFileSync(path))
  } catch {
    const { bytecode } = await buildFirmware({ quiet: true })
    mkdirSync(KEPT, { recursive: true })
    // Another process may be about to write or read the same.
    const own = `${path}.${process.pid}`
    writeFileSync(own, bytecode)
    renameSync(own, path)
    return bytecode
  }
}

/** Of all that the compiler reads, and its version. */
function hashOfSources(): string {
  const hash = createHash("sha256")
  const manifest = createRequire(import.meta.url).resolve("@devicescript/cli/package.json")
  hash.update(JSON.parse(readFileSync(manifest, "utf8")).version)
  for (const path of [...filesOf("src"), ...filesOf("firmware")])
    hash.update(`${path}\n`).update(readFileSync(join(ROOT, path)))
  return hash.digest("hex")
}

/** Without what the compiler writes, and the native program, which is none of its business. */
function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !/^(node_modules|native|\..*)$/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry =>
      entry.isDirectory() ? filesOf(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
    )
}
