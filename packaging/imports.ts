/**
 * Imports as Node takes them. The sources leave a file's extension out, since DeviceScript's
 * compiler wants that; and what is vendored is no package any more.
 */
import { existsSync, statSync } from "node:fs"
import { dirname, join, relative } from "node:path"

/** `from "x"`, `import "x"`, `import("x")`, as the compiler writes them; no template's `${…}`. */
const SPECIFIER = /(\bfrom |\bimport |\bimport\()"([^"$]+)"/g

/**
 * @param code JavaScript or type declarations, compiled
 * @param path of that file
 * @param vendored paths of the files that stand for packages, by the packages' names
 * @throws Error if an import leads to no file: it would fail on a user's machine
 */
export function nodeImports(code: string, path: string, vendored: Record<string, string>): string {
  const folder = dirname(path)
  return code.replace(SPECIFIER, (all, before: string, specifier: string) => {
    if (specifier in vendored)
      return `${before}"${relative(folder, vendored[specifier]).replaceAll("\\", "/")}"`
    if (!/^\.{1,2}\//.test(specifier)) return all
    const plain = join(folder, specifier)
    if (isFile(plain)) return all
    if (isFile(`${plain}.js`) || isFile(`${plain}.d.ts`)) return `${before}"${specifier}.js"`
    throw new Error(`${path} imports "${specifier}", which is no file`)
  })
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}
