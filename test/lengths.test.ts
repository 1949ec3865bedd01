/** Files are short enough to be read in one go. */
import { readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"
import { expect, test } from "vitest"
import { MOST_LINES } from "./floors"

const ROOT = new URL("..", import.meta.url).pathname
const FOLDERS = ["src", "host", "boards", "firmware", "test", "packaging"]
/** What programs write, and what is no text for people. */
const SKIPPED = new Set(["built", "node_modules", ".devicescript", "screenshots"])
const WRITTEN = new Set([".ts", ".tsx", ".mjs", ".js", ".c", ".h", ".s", ".ld", ".css", ".html"])

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`
    if (SKIPPED.has(entry.name)) return []
    if (entry.isDirectory()) return filesIn(path)
    return WRITTEN.has(extname(path)) || folder === "boards" ? [path] : []
  })
}

test(`no file that people write has more than ${MOST_LINES} lines`, () => {
  const lengths = FOLDERS.flatMap(filesIn).map(path => ({
    path,
    lines: readFileSync(join(ROOT, path), "utf8").split("\n").length - 1,
  }))
  // That it looks where the code is: in every folder, and at long ones too.
  for (const folder of FOLDERS)
    expect(lengths.filter(({ path }) => path.startsWith(`${folder}/`))).not.toEqual([])
  expect(lengths.filter(({ lines }) => lines > 400).length).toBeGreaterThan(10)
  expect(lengths.filter(({ lines }) => lines > MOST_LINES)).toEqual([])
})
