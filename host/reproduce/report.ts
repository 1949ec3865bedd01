/** The report in a folder: a table as Markdown and JSON, and the figures. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { z } from "zod"
import { renderChart } from "../base/chart"
import { WuxingError } from "../base/errors"
import { replaceFile, whyOf } from "../base/replace-file"
import { makeFolder } from "../base/write-folder"
import { papers } from "./papers"
import { type Finding, type Row, type RowRecord, recordSchema } from "./row"

const JSON_NAME = "reproduction.json"
const MARKDOWN_NAME = "reproduction.md"
const KIND = { code: "report-unwritable", what: "report" }

const reportSchema = z.strictObject({ version: z.literal(1), rows: z.array(recordSchema) })

export class Report {
  private records: RowRecord[]

  /**
   * A folder that is new, empty, or holds an earlier report, whose other rows are kept.
   *
   * @param order names of all rows, as they are to stand
   * @throws WuxingError "report-folder" (kind "usage"), "report-damaged" (kind "data")
   */
  constructor(
    readonly folder: string,
    private readonly order: string[],
  ) {
    if (!existsSync(folder)) {
      this.records = []
      return
    }
    if (!statSync(folder).isDirectory()) throw foreign(folder, "is a file")
    const path = join(folder, JSON_NAME)
    // Nothing of the user's may be written over, so only what is ours or empty is taken.
    if (!existsSync(path)) {
      if (readdirSync(folder).length > 0) throw foreign(folder, "holds other files")
      this.records = []
      return
    }
    this.records = readReport(path)
  }

  /** Puts a row in its place and writes everything. */
  keep(record: Omit<RowRecord, "figures">, finding: Finding | undefined): RowRecord {
    this.make()
    const charts = finding?.charts ?? []
    const figures = charts.map((_, i) => `${record.name}${i === 0 ? "" : `-${i + 1}`}.svg`)
    const whole = { ...record, figures }
    const before = this.records.find(r => r.name === record.name)
    for (const figure of before?.figures ?? [])
      if (!figures.includes(figure)) rmSync(join(this.folder, figure), { force: true })
    for (const [i, chart] of charts.entries())
      write(join(this.folder, figures[i]), renderChart(chart))
    const place = (name: string) => this.order.indexOf(name)
    this.records = [...this.records.filter(r => r.name !== record.name), whole].sort(
      (a, b) => place(a.name) - place(b.name),
    )
    write(join(this.folder, MARKDOWN_NAME), markdown(this.records))
    write(
      join(this.folder, JSON_NAME),
      `${JSON.stringify({ version: 1, rows: this.records }, null, 2)}\n`,
    )
    return whole
  }

  /**
   * The folder, where it is not there yet: also before the work whose results it is to hold.
   *
   * @throws WuxingError "report-unwritable" (kind "data")
   */
  make(): void {
    try {
      makeFolder(this.folder)
    } catch (error) {
      throw new WuxingError(
        {
          code: KIND.code,
          kind: "data",
          message: `folder ${this.folder} for the report cannot be made: ${whyOf(error)}`,
          cause: "a file is in the way, or you may not write there",
          help: "name another folder with --out",
        },
        { cause: error },
      )
    }
  }

  get files(): { markdown: string; json: string } {
    return { markdown: join(this.folder, MARKDOWN_NAME), json: join(this.folder, JSON_NAME) }
  }
}

/** As a whole or not at all: a stop in the middle leaves the file before. */
function write(path: string, text: string): void {
  replaceFile(path, Buffer.from(text), KIND)
}

function readReport(path: string): RowRecord[] {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(path, "utf8"))).rows
  } catch (error) {
    throw new WuxingError(
      {
        code: "report-damaged",
        kind: "data",
        message: `${path} is no report of this version`,
        cause: "it was edited, or another version of wuxing wrote it",
        help: "name another folder with --out, or delete this one",
      },
      { cause: error },
    )
  }
}

function foreign(folder: string, why: string): WuxingError {
  return new WuxingError({
    code: "report-folder",
    kind: "usage",
    message: `${folder} ${why}`,
    cause: "a report is written only to a folder of its own",
    help: "name a new or empty folder with --out",
  })
}

/** What a row that was not run has to say. */
export function emptyFinding(): Finding {
  return { comparisons: [], how: "", tables: [], charts: [] }
}

export function describeRow(row: Row): Pick<RowRecord, "name" | "title" | "source"> {
  return { name: row.name, title: row.title, source: row.source }
}

function markdown(records: RowRecord[]): string {
  const lines = [
    "# Reproduction",
    "",
    'What the papers say and what came out here. Every number under "ours" was measured by the command of its row; what stands under "paper" is quoted.',
    "",
    "| row | what | paper | ours | how it was run |",
    "| --- | --- | --- | --- | --- |",
  ]
  for (const record of records) {
    const link = `[${record.name}](#${record.name})${mark(record)}`
    if (record.comparisons.length === 0)
      lines.push(tableRow([link, record.title, "", record.reason ?? "", ""]))
    for (const [i, { what, paper, ours }] of record.comparisons.entries())
      lines.push(
        tableRow([i === 0 ? link : "", what, paper, ours, i === 0 ? `\`${record.command}\`` : ""]),
      )
  }
  for (const record of records) lines.push("", ...section(record))
  lines.push("", "## Papers", "")
  for (const [number, where] of Object.entries(papers)) lines.push(`- Paper ${number}: ${where}.`)
  return `${lines.join("\n")}\n`
}

function section(record: RowRecord): string[] {
  const lines = [`## ${record.name}`, "", `${record.title} (${record.source}).`, ""]
  if (record.status === "not yet") return [...lines, `Not yet: ${record.reason}.`]
  if (record.status === "partial")
    lines.push(`**Partial: ${record.reason}.** What follows was measured before that.`, "")
  lines.push(
    record.how,
    "",
    `\`${record.command}\`, ${record.seconds.toFixed(1)} s on ${record.machine}.`,
  )
  for (const figure of record.figures) lines.push("", `![${record.title}](${figure})`)
  for (const table of record.tables) {
    lines.push(
      "",
      `${table.title}:`,
      "",
      tableRow(table.head),
      tableRow(table.head.map(() => "---")),
    )
    for (const row of table.rows) lines.push(tableRow(row.map(String)))
  }
  if (record.notes.length > 0) lines.push("", ...record.notes.map(note => `- ${note}`))
  return lines
}

function mark({ status }: RowRecord): string {
  return status === "done" ? "" : ` (${status})`
}

function tableRow(cells: string[]): string {
  return `| ${cells.map(c => c.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`
}
