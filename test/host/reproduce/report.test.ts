import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { papers } from "../../../host/reproduce/papers"
import { Report } from "../../../host/reproduce/report"
import { reproduce, rowsOf } from "../../../host/reproduce/reproduce"
import type { Finding, Row } from "../../../host/reproduce/row"
import { rows } from "../../../host/reproduce/rows"
import type { Images } from "../../../host/training/training-data"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reproduce-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const none: Images = {
  images: new Uint8Array(),
  labels: new Uint8Array(),
  count: 0,
  width: 28,
  height: 28,
}

const finding = (ours: string, charts = 1): Finding => ({
  comparisons: [{ what: "a | b", paper: "“quoted”", ours }],
  how: "by hand",
  tables: [{ title: "A table", head: ["x"], rows: [[1], ["two"]] }],
  charts: Array.from({ length: charts }, (_, i) => ({
    title: `Chart ${i}`,
    x: { label: "x" },
    y: { label: "y" },
    series: [{ name: "s", points: [[1, 1]] }],
  })),
})

function row(name: string, findings: Finding[], fields: Partial<Row> = {}): Row {
  return {
    name,
    title: `Title of ${name}`,
    source: "paper 000",
    async *run(task) {
      for (const one of findings) {
        yield one
        await task.breathe()
      }
    },
    ...fields,
  }
}

const options = (signal = new AbortController().signal) => ({
  scale: "tiny" as const,
  seed: 3,
  signal,
  data: { train: none, test: none },
})
const order = ["one", "two", "three"]
const read = (name: string) => readFileSync(join(folder, name), "utf8")

// Node's mkdir with all folders above never returned there.
test.runIf(existsSync("/proc/self"))("a folder that cannot be made is refused, by name", () => {
  for (const path of ["/proc/wuxing/deep", join(folder, "file/deep")]) {
    writeFileSync(join(folder, "file"), "")
    expect(() => new Report(path, order).make()).toThrow(
      expect.objectContaining({
        code: "report-unwritable",
        message: expect.stringContaining(path),
      }),
    )
  }
})

test("a report has the table as Markdown and JSON, and the figures", async () => {
  await reproduce(
    [row("one", [finding("early"), finding("71.4 %", 2)])],
    new Report(folder, order),
    options(),
  )
  expect(readdirSync(folder).sort()).toEqual([
    "one-2.svg",
    "one.svg",
    "reproduction.json",
    "reproduction.md",
  ])
  const [record] = JSON.parse(read("reproduction.json")).rows
  expect(record).toMatchObject({
    name: "one",
    status: "done",
    seed: 3,
    command: "wuxing reproduce one --tiny --seed 3",
    figures: ["one.svg", "one-2.svg"],
    comparisons: [{ ours: "71.4 %" }],
  })
  const markdown = read("reproduction.md")
  // A bar in a cell would end it.
  expect(markdown).toContain(
    "| [one](#one) | a \\| b | “quoted” | 71.4 % | `wuxing reproduce one --tiny --seed 3` |",
  )
  expect(markdown).toContain("![Title of one](one.svg)")
})

test("rows of an earlier report stay, in their order; one measured again is replaced, its figures too", async () => {
  await reproduce([row("two", [finding("old", 2)])], new Report(folder, order), options())
  await reproduce([row("one", [finding("first")])], new Report(folder, order), options())
  await reproduce([row("two", [finding("new", 1)])], new Report(folder, order), options())
  const records = JSON.parse(read("reproduction.json")).rows
  expect(records.map((r: { name: string }) => r.name)).toEqual(["one", "two"])
  expect(records[1].comparisons[0].ours).toBe("new")
  expect(existsSync(join(folder, "two-2.svg"))).toBe(false)
})

test("a row that cannot be run yet says why and has no numbers", async () => {
  const later = row("two", [], { notYet: "the rule is missing" })
  const [record] = await reproduce([later], new Report(folder, order), options())
  expect(record).toMatchObject({
    status: "not yet",
    reason: "the rule is missing",
    comparisons: [],
  })
  expect(read("reproduction.md")).toContain("Not yet: the rule is missing.")
})

test("stopped in a row, what it has found is kept as partial, and no row is run after it", async () => {
  const stop = new AbortController()
  const slow = row("two", [], {
    async *run() {
      yield finding("half")
      stop.abort(new Error("stopped by SIGINT"))
      yield finding("never written")
    },
  })
  const records = await reproduce(
    [row("one", [finding("whole")]), slow, row("three", [finding("no")])],
    new Report(folder, order),
    options(stop.signal),
  )
  expect(records.map(r => [r.name, r.status])).toEqual([
    ["one", "done"],
    ["two", "partial"],
  ])
  expect(read("reproduction.md")).toContain("Partial: stopped by SIGINT")
  expect(JSON.parse(read("reproduction.json")).rows.length).toBe(2)
})

test("a row that fails takes none of those before it along", async () => {
  const broken = row("two", [], {
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *run() {
      throw new Error("broken")
    },
  })
  await expect(
    reproduce([row("one", [finding("x")]), broken], new Report(folder, order), options()),
  ).rejects.toThrow("broken")
  expect(JSON.parse(read("reproduction.json")).rows.length).toBe(1)
})

describe("folders that are not for a report are refused", () => {
  test("one with other files, and a file", () => {
    writeFileSync(join(folder, "thesis.md"), "mine")
    expect(() => new Report(folder, order)).toThrow(/holds other files/)
    expect(() => new Report(join(folder, "thesis.md"), order)).toThrow(/is a file/)
    expect(read("thesis.md")).toBe("mine")
  })

  test("a damaged report", () => {
    for (const text of ["{", "{}", '{"version":1,"rows":[{"name":"one"}]}']) {
      writeFileSync(join(folder, "reproduction.json"), text)
      expect(() => new Report(folder, order)).toThrow(/no report of this version/)
    }
  })
})

test("rows by name, in the report's order; a wrong name lists them all", () => {
  expect(rowsOf([])).toEqual(rows)
  expect(rowsOf(["noise", "fixed-point"]).map(r => r.name)).toEqual(["fixed-point", "noise"])
  let help = ""
  try {
    rowsOf(["nosie"])
  } catch (error) {
    help = (error as { help: string }).help
  }
  for (const { name } of rows) expect(help).toContain(name)
})

test("every paper that a row names is one the report says where to find", () => {
  for (const { source } of rows)
    for (const [number] of source.matchAll(/\b00\d\b/g)) expect(papers).toHaveProperty(number)
})
