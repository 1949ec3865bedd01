/**
 * Rows of a CSV file as they come, whatever wrote it: columns parted by commas, semicolons, tabs or
 * bars, cells quoted or not, in UTF-8, UTF-16 or Windows-1252, packed by gzip or not. What parses is
 * csv-parse; here is what it must be told, and memory that does not depend on the file's length.
 */
import { Transform } from "node:stream"
import { CsvError, type InfoRecord, type Options, type Parser, parse } from "csv-parse"
import { parse as parseNow } from "csv-parse/sync"
import { messageOf, WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { streamFile } from "../base/input-file"
import { pipeOrDevice } from "./pipe"

/** Files are streamed: this bounds time, not memory. */
const MOST_BYTES = 2 ** 32
/** Characters of a row: 65,535 values of 60 each. */
const MOST_ROW = 4 * 2 ** 20
/** What separator and encoding are judged by. */
const HEAD_BYTES = 256 * 1024
const HEAD_LINES = 20
/** In this order where several would do: a comma may be a decimal one. */
const SEPARATORS = [";", "\t", "|", ","]
const BATCH = 512

export interface CsvRow {
  /** Line of the file on which the row ends; the first is 1. */
  line: number
  /** As they stand in the file, without quotes and without space around them. */
  cells: string[]
}

export interface CsvRows {
  /** "," ";" "\t" or "|". */
  separator: string
  rows: CsvRow[]
}

/**
 * The first rows of a file, read as `readCsvRows` reads them; none where it is no text. What cannot be
 * parsed is left out.
 *
 * @param head the file's first bytes
 * @param whole are these all its bytes? Else its last line is cut.
 */
export function firstCsvRows(head: Buffer, whole: boolean, count: number): CsvRows {
  const text = textOf(head)
  const lines = whole ? text : text.slice(0, Math.max(text.lastIndexOf("\n"), 0))
  const { separator, options } = formatOf(lines)
  const rows = parseNow(lines, {
    ...options,
    ...{ info: true, to: count, skip_records_with_error: true },
  }) as unknown as { record: string[]; info: InfoRecord }[]
  return { separator, rows: rows.map(({ record, info }) => ({ line: info.lines, cells: record })) }
}

function textOf(head: Buffer): string {
  const encoding = encodingOf(head)
  try {
    const text = new TextDecoder(encoding, { fatal: encoding === "utf-8" })
    return text.decode(head, { stream: true })
  } catch {
    return new TextDecoder("windows-1252").decode(head)
  }
}

/**
 * The rows of a file in batches, so that a run answers signals between them. Empty lines are no rows.
 *
 * @param path of a regular file, packed by gzip or not
 * @throws WuxingError (kind "data") "data-missing" if it cannot be read, "data-csv" if it is no CSV;
 *   what `signal` gives as its reason
 */
export async function* readCsvRows(path: string, signal?: AbortSignal): AsyncGenerator<CsvRows> {
  const { parser, separator } = await open(path)
  try {
    let rows: CsvRow[] = []
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[]
      info: InfoRecord
    }>) {
      rows.push({ line: info.lines, cells: record })
      if (rows.length < BATCH) continue
      signal?.throwIfAborted()
      yield { separator, rows }
      rows = []
    }
    if (rows.length > 0) yield { separator, rows }
  } catch (error) {
    throw csvError(path, error)
  } finally {
    parser.destroy()
  }
}

async function open(path: string) {
  let source: ReturnType<typeof streamFile>
  try {
    source = streamFile(path, MOST_BYTES)
  } catch (error) {
    throw pipeOrDevice(path, error) ?? unreadable(path, error)
  }
  const text = heard(new Decoder())
  source.on("error", error => text.destroy(error))
  text.on("close", () => source.destroy())
  source.pipe(text)
  const head = await text.head.catch(error => {
    throw csvError(path, error)
  })
  const { separator, options } = formatOf(head)
  const parser: Parser = heard(parse({ ...options, info: true }))
  text.on("error", error => parser.destroy(error))
  if (text.errored) parser.destroy(text.errored)
  parser.on("close", () => text.destroy())
  text.pipe(parser)
  return { parser, separator }
}

function formatOf(head: string): { separator: string; options: Options } {
  // Excel's own way to say it, in a line before all others.
  const said = /^sep=(.)\r?\n/i.exec(head)
  const separator = said?.[1] ?? separatorOf(head)
  const options = {
    delimiter: separator,
    from_line: said ? 2 : 1,
    trim: true,
    skip_empty_lines: true,
    // Rows are counted by who knows how many columns there must be.
    relax_column_count: true,
    max_record_size: MOST_ROW,
  }
  return { separator, options }
}

/** Bytes to UTF-8 text, whatever encoding they are in; `head` is the beginning of it. */
class Decoder extends Transform {
  readonly head: Promise<string>
  private decoder?: InstanceType<typeof TextDecoder>
  private waiting: Buffer[] = []
  private gathered = 0
  private ascii = true
  private tell!: (head: string) => void
  private fail!: (error: Error) => void

  constructor() {
    super({ decodeStrings: false, readableHighWaterMark: 512 * 1024 })
    this.head = new Promise((resolve, reject) => {
      this.tell = resolve
      this.fail = reject
    })
    this.head.catch(() => {})
    this.on("error", error => this.fail(error))
  }

  override _transform(chunk: Buffer, _: string, done: (error?: Error | null) => void): void {
    if (this.decoder) {
      this.give(chunk, done)
      return
    }
    this.waiting.push(chunk)
    this.gathered += chunk.length
    if (this.gathered >= HEAD_BYTES) this.begin(done)
    else done()
  }

  override _flush(done: (error?: Error | null) => void): void {
    const last = (error?: Error | null) => {
      if (error) {
        done(error)
        return
      }
      try {
        this.push(this.decoder?.decode() ?? "")
        done()
      } catch {
        done(new Error("its last character is cut short"))
      }
    }
    if (this.decoder) last()
    else this.begin(last)
  }

  private begin(done: (error?: Error | null) => void): void {
    const bytes = Buffer.concat(this.waiting)
    this.waiting = []
    const encoding = encodingOf(bytes)
    this.decoder = new TextDecoder(encoding, { fatal: encoding === "utf-8" })
    this.give(bytes, done, text => this.tell(text))
  }

  private give(
    bytes: Buffer,
    done: (error?: Error | null) => void,
    hear: (text: string) => void = () => {},
  ): void {
    let text: string
    try {
      text = this.decoder!.decode(bytes, { stream: true })
    } catch {
      if (!this.ascii) {
        done(new Error("it is neither UTF-8 nor UTF-16 text throughout"))
        return
      }
      // All before was the same in both. Old spreadsheets write this.
      this.decoder = new TextDecoder("windows-1252")
      text = this.decoder.decode(bytes, { stream: true })
    }
    if (text.includes("\0")) {
      done(new Error("it holds zero bytes, so it is no text"))
      return
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
    if (this.ascii && /[^\x00-\x7f]/.test(text)) this.ascii = false
    hear(text)
    if (text !== "") this.push(text)
    done()
  }
}

function encodingOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le"
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be"
  // Digits and separators of UTF-16 have a zero byte each, and no text has one otherwise.
  const most = Math.min(bytes.length, 1024)
  let [even, odd] = [0, 0]
  for (let i = 0; i < most; i++) if (bytes[i] === 0) i % 2 === 0 ? even++ : odd++
  if (odd > most / 4 && even === 0) return "utf-16le"
  if (even > most / 4 && odd === 0) return "utf-16be"
  return "utf-8"
}

/** What parts the columns: what every line has equally often, or else the first line most often. */
function separatorOf(head: string): string {
  const lines = head
    .split(/\r\n|\n|\r/, HEAD_LINES + 1)
    .slice(0, head.length < HEAD_BYTES / 4 ? undefined : HEAD_LINES)
    .map(line => line.replace(/"[^"]*"/g, ""))
    .filter(line => line.trim() !== "")
  const counts = (mark: string) => lines.map(line => line.split(mark).length - 1)
  const even = SEPARATORS.find(mark => {
    const [first = 0, ...others] = counts(mark)
    return first > 0 && others.every(count => count === first)
  })
  if (even !== undefined) return even
  const first = (mark: string) => counts(mark)[0] ?? 0
  return SEPARATORS.reduce((best, mark) => (first(mark) > first(best) ? mark : best), ",")
}

function csvError(path: string, error: unknown): unknown {
  if (error instanceof WuxingError) return error
  if (error instanceof CsvError) {
    const line = (error as unknown as { lines?: number }).lines
    const text = error.message.length > 200 ? `${error.message.slice(0, 200)}…` : error.message
    return badCsv(
      path,
      `line ${line ?? "?"} cannot be parsed (${text})`,
      error.code === "CSV_MAX_RECORD_SIZE"
        ? `a row may have ${MOST_ROW} characters; this is another kind of file`
        : "a quotation mark is missing or stands where none belongs",
      error,
    )
  }
  const { code } = error as NodeJS.ErrnoException
  if (code?.startsWith("Z_")) return badCsv(path, "it is damaged gzip", "it was cut short", error)
  if (code !== undefined) return unreadable(path, error)
  if (error instanceof Error && /^it |^its /.test(error.message))
    return badCsv(path, error.message, "it is another kind of file, or damaged", error)
  return error
}

function unreadable(path: string, error: unknown): WuxingError {
  return new WuxingError(
    {
      code: "data-missing",
      kind: "data",
      message: `${path} cannot be read: ${messageOf(error)}`,
      cause: "the name is misspelt, it is a folder, or you may not read it",
      help: "name a CSV file, or a folder with train.csv and test.csv",
    },
    { cause: error },
  )
}

/** An error of a CSV file's content. */
export function badCsv(path: string, what: string, cause: string, error?: unknown): WuxingError {
  return new WuxingError(
    {
      code: "data-csv",
      kind: "data",
      message: `CSV file ${path} cannot be used: ${what}`,
      cause,
      help: "a sample is a row: its class, and as many numbers as the network has inputs (docs/own-data.md)",
    },
    { cause: error },
  )
}
