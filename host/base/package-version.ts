import { readFileSync } from "node:fs"

/** The version of this tool, from the nearest manifest: the repository's, or the one in dist/. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version
}
