/** What is kept of the C library: the file made of src/core (build.ts), and the templates. */
import { readFileSync } from "node:fs"

/** A file, not the translation, since that needs the TypeScript compiler. */
export const BUILT = new URL("built/wuxing.c", import.meta.url)

export function builtLibrary(): string {
  return readFileSync(BUILT, "utf8")
}

export function template(name: string): string {
  return readFileSync(new URL(`template/${name}`, import.meta.url), "utf8")
}
