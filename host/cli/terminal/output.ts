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
    if (error) this.report(error)
    if (this.json)
      this.stdout.write(
        `${JSON.stringify({ ...document, ...(error ? { error } : {}) }, null, this.indent)}\n`,
      )
  }

  /** For people, on stderr. */
  report(error: WuxingError): void {
    const { bold, red } = this.errorColours
    const lines = [`${bold(red("error"))} ${error.message}`]
    if (error.likely) lines.push(`  likely cause: ${error.likely}`)
    if (error.help) lines.push(`  what to try:  ${error.help}`)
    lines.push(`  code: ${error.code}, exit status ${error.exitStatus}`)
    if (this.verbose && error.stack) lines.push(error.stack)
    this.stderr.write(`${lines.join("\n")}\n`)
  }
}

function coloured(stream: OutputStream, env: Streams["env"]): boolean {
  // NO_COLOR counts when it is set to anything but nothing (no-color.org).
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb"
}
