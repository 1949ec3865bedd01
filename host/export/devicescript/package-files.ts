/** The DeviceScript package as it is published: packages/devicescript-wuxing with the core of src/. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const ROOT = fileURLToPath(new URL("../../..", import.meta.url))
const OWN = join(ROOT, "packages/devicescript-wuxing")

const STORE = "src/value-store.ts"

/** Every file by its path in the package; what of src/ the package imports is copied as it is. */
export function packageFiles(): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of readdirSync(OWN, { recursive: true, encoding: "utf8" }))
    if (/\.\w+$|LICENSE$/.test(name) && !/node_modules|\.devicescript/.test(name))
      files.set(name.replaceAll("\\", "/"), readFileSync(join(OWN, name), "utf8"))
  // A published tool brings it whole (packaging/build.ts).
  if (files.has(STORE)) return files
  // The store of the boards' own program, which finds the core elsewhere.
  const shared = readFileSync(join(ROOT, "firmware/value-store.ts"), "utf8")
  files.set(STORE, shared.replaceAll('"../src/', '"./'))
  const visit = (path: string) => {
    for (const [, from] of files.get(path)!.matchAll(/from "(\.{1,2}\/[^"]+)"/g)) {
      const module = `${join(path, "..", from)}.ts`
      if (files.has(module)) continue
      files.set(module, readFileSync(join(ROOT, module), "utf8"))
      visit(module)
    }
  }
  for (const path of [...files.keys()]) if (path.endsWith(".ts")) visit(path)
  return files
}
