/**
 * The one way to the terminal: results on stdout, all else on stderr.
 *
 * With --json stdout carries one JSON document and nothing else, so that it can be piped; with
 * --quiet stderr carries errors only.
 */
import Table from "cli-table3"
import { createColors } from "picocolors"
import type { WuxingError } from "../../base/errors"
import { grouped } from "../../base/numbers"
import { documentName } from "./document-name"
import { columnsThatFit, withoutControls } from "./fit"

/** Where a terminal does not say. */
const USUAL_COLUMNS = 80

export interface OutputOptions {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
}

/** A writable stream, as far as it is used. */
export interface OutputStream {
  /** @param done called when it has left, or failed to */
  write(text: string, done?: (error?: Error | null) => void): unknown
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown
  isTTY?: boolean
  columns?: number
}

/** Where output goes, and the environment that says how. */
export interface Streams {
  stdout: OutputStream
  stderr: OutputStream
  stdin: { isTTY?: boolean }
  env: Readonly<Record<string, string | undefined>>
}

type Colours = ReturnType<typeof createColors>

export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** Somebody sees what is asked on stderr, and can answer. */
  readonly attended: boolean
  /** What documents say they are (document-name.ts). */
  documentName = documentName(["error"])
  private indent = 2
  private readonly colours: Colours
  private readonly errorColours: Colours

  readonly stdout: OutputStream
  readonly stderr: OutputStream

  constructor(options: OutputOptions, { stdout, stderr, stdin, env }: Streams) {
    this.stdout = stdout
    this.stderr = stderr
    this.json = options.json ?? false
    this.quiet = options.quiet ?? false
    this.verbose = options.verbose ?? false
    this.attended = stdin.isTTY === true && stderr.isTTY === true && !this.quiet
    this.colours = createColors(coloured(stdout, env))
    this.errorColours = createColors(coloured(stderr, env))
  }

  /** Width of the terminal progress is shown on. */
  get columns(): number {
    // A terminal whose size nobody set says 0.
    return this.stderr.columns || USUAL_COLUMNS
  }

  /** A line of the result; not with --json, whose document says it instead. */
  print(line: string): void {
    this.printStyled(withoutControls(line))
  }

  private printStyled(line: string): void {
    if (!this.json) this.stdout.write(`${line}\n`)
  }

  /**
   * Rows under a head, on stdout; numbers are aligned right. Where a terminal has no room for all columns,
   * the least important ones are left out, and it says so.
   *
   * @param importance columns, the most important first; the others follow from left to right
   */
  table(heads: string[], rows: (string | number)[][], importance: number[] = []): void {
    const all = [...heads.keys()]
    const whole = this.drawTable(heads, rows, all)
    const columns = this.stdout.isTTY ? this.stdout.columns || USUAL_COLUMNS : undefined
    const fits = (drawn: string) =>
      columns === undefined
        ? all
        : columnsThatFit(columnWidths(drawn), ...([columns, importance] as const))
    let drawn = whole
    let kept = fits(whole)
    if (kept.length < all.length) {
      // Room is first made between the columns.
      kept = fits(this.drawTable(heads, rows, all, 0))
      drawn = this.drawTable(heads, rows, kept, 0)
    }
    this.printStyled(drawn)
    const cut = all.filter(i => !kept.includes(i)).map(i => heads[i])
    if (cut.length > 0)
      this.print(`no room for: ${cut.join(", ")}; a wider terminal has them, and --json`)
  }

  private drawTable(
    heads: string[],
    rows: (string | number)[][],
    kept: number[],
    padding = 1,
  ): string {
    const table = new Table({
      head: kept.map(i => this.colours.bold(withoutControls(heads[i]))),
      // cli-table3 colours by itself, terminal or not, unless told not to.
      style: {
        ...{ head: [], border: [], compact: true },
        ...{ "padding-left": padding, "padding-right": padding },
      },
      colAligns: kept.map(i =>
        rows.length > 0 && rows.every(row => typeof row[i] === "number") ? "right" : "left",
      ),
    })
    const text = (cell: string | number) =>
      typeof cell === "number" ? grouped(cell) : withoutControls(cell)
    table.push(...rows.map(row => kept.map(i => text(row[i]))))
    return table.toString()
  }

  /** A name and its value on stdout, the values under one another. */
  field(name: string, value: string): void {
    this.printStyled(
      `${withoutControls(name).padEnd(20)} ${this.colours.bold(withoutControls(value))}`,
    )
  }

  /** What is going on, for people: stderr, not with --quiet. */
  status(line: string): void {
    if (!this.quiet) this.stderr.write(`${this.errorColours.dim(withoutControls(line))}\n`)
  }

  /** Detail for hunting a fault: stderr, only with --verbose. */
  log(line: string): void {
    if (this.verbose) this.stderr.write(`${this.errorColours.dim(withoutControls(line))}\n`)
  }

  /** From now on each JSON document takes one line, for commands that print several. */
  asLines(): void {
    this.indent = 0
  }

  /** With --json a document of its own on one line, before the last one. */
  line(document: object): void {
    if (this.json)
      this.stdout.write(`${escaped(JSON.stringify({ schema: this.documentName, ...document }))}\n`)
  }

  /** The document of --json; `document` is nothing where a command has no result. */
  finish(document: object | undefined, error: WuxingError | undefined): void {
    if (error) this.report(error)
    if (!this.json) return
    const schema = document ? this.documentName : documentName(["error"])
    const whole = { schema, ...document, ...(error ? { error } : {}) }
    this.stdout.write(`${escaped(JSON.stringify(whole, null, this.indent))}\n`)
  }

  /** For people, on stderr. */
  report(error: WuxingError): void {
    const { bold, red } = this.errorColours
    const lines = [error.message]
    if (error.likely) lines.push(`  likely cause: ${error.likely}`)
    if (error.help) lines.push(`  what to try:  ${error.help}`)
    lines.push(`  code: ${error.code}, exit status ${error.exitStatus}`)
    if (this.verbose && error.stack) lines.push(error.stack)
    this.stderr.write(`${bold(red("error"))} ${withoutControls(lines.join("\n"))}\n`)
  }
}

/** Of each column of a drawn table, its frame to the left included: the first line is nothing but frame. */
function columnWidths(table: string): number[] {
  return table
    .split("\n")[0]
    .split("┬")
    .map(part => part.replace(/[┌┐]/g, "").length + 1)
}

/** JSON leaves the control characters from U+007F on as they are. */
function escaped(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    found => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
}

function coloured(stream: OutputStream, env: Streams["env"]): boolean {
  // NO_COLOR counts when it is set to anything but nothing (no-color.org).
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb"
}
