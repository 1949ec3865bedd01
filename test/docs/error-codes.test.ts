/** docs/faults.md has a row for every error code of the source, with its exit statuses, and no other. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { EXIT_STATUS } from "../../host/base/errors"
import { ROOT } from "../root"
import { pages, quotedIn, tablesOf } from "./pages"

const sources = readdirSync(join(ROOT, "host"), { recursive: true, encoding: "utf8" })
  .filter(path => path.endsWith(".ts") && !/\.d\.ts$|dashboard\/page\//.test(path))
  .map(path => readFileSync(join(ROOT, "host", path), "utf8"))

/** What stands between the bracket at `from` and its other half. */
function argumentsAt(text: string, from: number): string {
  let depth = 1
  let at = from
  for (; depth > 0; at++) depth += "([{".includes(text[at]) ? 1 : ")]}".includes(text[at]) ? -1 : 0
  return text.slice(from, at)
}

/** Exit statuses of each code, as errors are made; codes that are passed on by a name have none here. */
function statusesInSource(): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>()
  const add = (code: string) => found.get(code) ?? found.set(code, new Set()).get(code)!
  for (const text of sources) {
    for (const match of text.matchAll(/new WuxingError\(/g)) {
      const made = argumentsAt(text, match.index + match[0].length)
      const kind = /\bkind: "(\w+)"/.exec(made)?.[1] as keyof typeof EXIT_STATUS | undefined
      const [, codes = ""] = /\bcode: ([^\n]*?)[,}\n]/.exec(made) ?? []
      for (const [, code] of codes.matchAll(/"([a-z0-9-]+)"/g))
        if (kind) add(code).add(EXIT_STATUS[kind])
        else add(code)
    }
    // Handed to what makes the error.
    for (const [, code] of text.matchAll(/\bcode: "([a-z]+(?:-[a-z0-9]+)+)"/g)) add(code)
  }
  return found
}

const page = pages.find(({ path }) => path === "docs/faults.md")!
const table = tablesOf(page).find(({ head }) => head.startsWith("| code |"))!

test("every error code has a row, in order, and every row an error", () => {
  const stated = table.rows.map(([code]) => quotedIn(code)[0])
  expect(stated).toEqual([...statusesInSource().keys()].sort())
  expect(stated.length).toBeGreaterThan(140)
})

test("the rows state the exit statuses", () => {
  const source = statusesInSource()
  let compared = 0
  for (const [code, statuses] of table.rows) {
    const inSource = [...source.get(quotedIn(code)[0])!].sort((a, b) => a - b)
    const stated = statuses.split(", ").map(Number)
    expect(stated.length, code).toBeGreaterThan(0)
    if (inSource.length === 0) continue
    expect(stated, code).toEqual(inSource)
    compared++
  }
  expect(compared).toBeGreaterThan(130)
})
