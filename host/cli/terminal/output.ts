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

export interface OutputOptions {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
}

export interface OutputStream {
  write(text: string): unknown
  isTTY?: boolean
}

type Colours = ReturnType<typeof createColors>

export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  private indent = 2
  private readonly colours: Colours
  private readonly errorColours: Colours

  constructor(
    options: OutputOptions,
    private readonly stdout: OutputStream = process.stdout,
    readonly stderr: OutputStream = process.stderr,
  ) {
    this.json = options.json ?? false
    this.quiet = options.quiet ?? false
    this.verbose = options.verbose ?? false
    this.colours = createColors(coloured(stdout))
    this.errorColours = createColors(coloured(stderr))
  }

  /** A line of the result; not with --json, whose document says it instead. */
  print(line: string): void {
    if (!this.json) this.stdout.write(`${line}\n`)
  }

  /** Rows under a head, on stdout; numbers are aligned right. */
  table(head: string[], rows: (string | number)[][]): void {
    const table = new Table({
      head: head.map(title => this.colours.bold(title)),
      // cli-table3 colours by itself, terminal or not, unless told not to.
      style: { head: [], border: [], compact: true },
      colAligns: head.map((_, column) =>
        rows.length > 0 && rows.every(row => typeof row[column] === "number") ? "right" : "left",
      ),
    })
    table.push(
      ...rows.map(row => row.map(cell => (typeof cell === "number" ? grouped(cell) : cell))),
    )
    this.print(table.toString())
  }

  /** A name and its value on stdout, the values under one another. */
  field(name: string, value: string): void {
    this.print(`${name.padEnd(20)} ${this.colours.bold(value)}`)
  }

  /** What is going on, for people: stderr, not with --quiet. */
  status(line: string): void {
    if (!this.quiet) this.stderr.write(`${this.errorColours.dim(line)}\n`)
  }

  /** Detail for hunting a fault: stderr, only with --verbose. */
  log(line: string): void {
    if (this.verbose) this.stderr.write(`${this.errorColours.dim(line)}\n`)
  }

  /** From now on each JSON document takes one line, for commands that print several. */
  asLines(): void {
    this.indent = 0
  }

  /** With --json a document of its own on one line, before the last one. */
  line(document: object): void {
    if (this.json) this.stdout.write(`${JSON.stringify(document)}\n`)
  }

  /** The document of --json; `document` is nothing where a command has no result. */
  finish(document: object | undefined, error: WuxingError | undefined): void {
    if (error) this.error(error)
    if (this.json)
      this.stdout.write(
        `${JSON.stringify({ ...document, ...(error ? { error } : {}) }, null, this.indent)}\n`,
      )
  }

  private error(error: WuxingError): void {
    const { bold, red } = this.errorColours
    const lines = [`${bold(red("error"))} ${error.message}`]
    if (error.likely) lines.push(`  likely cause: ${error.likely}`)
    if (error.help) lines.push(`  what to try:  ${error.help}`)
    lines.push(`  code: ${error.code}, exit status ${error.exitStatus}`)
    if (this.verbose && error.stack) lines.push(error.stack)
    this.stderr.write(`${lines.join("\n")}\n`)
  }
}

function coloured(stream: OutputStream): boolean {
  // NO_COLOR counts when it is set to anything but nothing (no-color.org).
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb"
}
