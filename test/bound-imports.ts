/**
 * Vitest looks every imported name up at each use, through a getter (`__vite_ssr_import_0__.name`), which makes
 * hot loops two to three times as slow as where Node loads the modules by itself. So here each module binds
 * what it imports to constants of its own, once: no modules import each other in a circle
 * (`test/imports.test.ts`), so all that is imported has its value by then. Variables that their module sets
 * again (`export let`) are left as they are.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Plugin } from "vitest/config"

const ROOT = new URL("..", import.meta.url).pathname

/** Names of variables that some module exports and may set again; no import of such a name is bound. */
function exportedVariables(): Set<string> {
  const files = ["src", "host", "test"].flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter(name => name.endsWith(".ts") && !name.includes("node_modules"))
      .map(name => join(ROOT, folder, name)),
  )
  return new Set(
    files.flatMap(file =>
      Array.from(readFileSync(file, "utf8").matchAll(/^export let (\w+)/gm), ([, name]) => name),
    ),
  )
}

interface Specifier {
  type: "ImportSpecifier" | "ImportDefaultSpecifier" | "ImportNamespaceSpecifier"
  imported?: { name?: string; value?: string }
  local: { name: string }
}

/** What a specifier imports; nothing where it has to be looked up at each use. */
function importedName({ type, imported }: Specifier): string | undefined {
  if (type === "ImportNamespaceSpecifier") return undefined
  return type === "ImportDefaultSpecifier" ? "default" : imported?.name
}

/** Its name has the variables that it was made for: what is kept of a run before is of the same ones. */
export function boundImports(): Plugin {
  const variables = exportedVariables()
  return {
    name: `bound-imports ${[...variables].join()}`,
    enforce: "post",
    transform(code, id) {
      if (!id.endsWith(".ts") || id.includes("/node_modules/")) return null
      let bound = ""
      let at = 0
      for (const node of this.parse(code).body) {
        if (node.type !== "ImportDeclaration") continue
        const specifiers = node.specifiers as unknown as Specifier[]
        const names = specifiers.map(each => [importedName(each), each.local.name])
        if (names.length === 0 || names.some(([of]) => !of || variables.has(of))) continue
        // All on the line that was the import's: lines keep their numbers.
        const imports = names.map(([of, name]) => `${of} as __bound_${name}`)
        const constants = names.map(([, name]) => `${name} = __bound_${name}`)
        bound += `${code.slice(at, node.start)}import { ${imports} } from ${node.source.raw};const ${constants};`
        at = node.end
      }
      return at > 0 ? { code: bound + code.slice(at), map: null } : null
    },
  }
}
