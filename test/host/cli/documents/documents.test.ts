/** Every command has a schema of what it prints with --json, and the pages made from them are today's. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import { definitionsOf } from "../../../../host/cli/definitions"
import { DOCUMENTS } from "../../../../host/cli/documents/all"
import { PAGES } from "../../../../host/cli/documents/page"
import { wholeProgram } from "../../../../host/cli/program"
import { ROOT } from "../../../root"
import { wuxing } from "../run-cli"
import { checkDocument, checkDocuments } from "./check"

test("every command has documents, and every document a command", async () => {
  const commands = definitionsOf(await wholeProgram()).map(({ path }) => path.join(" "))
  const described = Object.keys(DOCUMENTS).filter(name => name !== "version")
  expect(described.sort()).toEqual(commands.filter(Boolean).sort())
})

describe("docs/", () => {
  test.each(Object.entries(PAGES))("%s is what `npm run json` writes", (name, make) => {
    expect(readFileSync(join(ROOT, "docs", name), "utf8")).toBe(make())
  })

  test("every member has a meaning, but those of a network, whose page is another", () => {
    const [page] = readFileSync(join(ROOT, "docs/json.md"), "utf8").split("### network")
    const rows = page.split("\n").filter(line => line.startsWith("| `"))
    expect(rows.length).toBeGreaterThan(500)
    expect(rows.filter(row => / \|\s+\|$/.test(row) && !/\]\(#\w+\) \|/.test(row))).toEqual([])
  })
})

test("the JSON Schema takes what the tool prints, and names what it does not take", async () => {
  const schemas = JSON.parse(readFileSync(join(ROOT, "docs/json-schema.json"), "utf8"))
  const { stdout } = await wuxing([
    "partition",
    "--model",
    "pico-16",
    "--boards",
    "pico:2",
    "--json",
  ])
  const document = JSON.parse(stdout)
  // Of the whole only what this document needs: the reader of JSON Schemas here knows no `$id`.
  const { $id, ...plan } = schemas.$defs[document.schema].oneOf[0]
  const relative = JSON.parse(JSON.stringify(plan).replaceAll("wuxing:json#", "#"))
  const schema = z.fromJSONSchema({ ...relative, $defs: { error: schemas.$defs.error } })
  expect($id ?? schemas.$defs[document.schema].$id).toBe("wuxing:partition:1")
  expect(schema.safeParse(document).success).toBe(true)
  // What is added later is no fault to a program that relies on the schema.
  expect(schema.safeParse({ ...document, later: 1 }).success).toBe(true)
  expect(schema.safeParse({ ...document, slots: "many" }).success).toBe(false)
})

describe("the check of documents", () => {
  const version = { schema: "wuxing:version:1", version: "0.1.0" }

  test.each<[string, object]>([
    ["a member that is not in the schema", { ...version, more: 1 }],
    ["one that is missing", { schema: version.schema }],
    ["a name that no schema has", { ...version, schema: "wuxing:version:2" }],
    ["no name", { version: "0.1.0" }],
  ])("refuses %s", (_, document) => {
    expect(() => checkDocument(version)).not.toThrow()
    expect(() => checkDocument(document)).toThrow(/schema/)
  })

  test("looks at every line", () => {
    const line = JSON.stringify(version)
    expect(() => checkDocuments(`${line}\n${line}\n`)).not.toThrow()
    expect(() => checkDocuments(`${line}\n{"schema":"wuxing:version:1"}\n`)).toThrow(/version/)
  })
})
