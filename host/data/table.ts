/** A table of numbers with a class a row, read from CSV in memory that its values need. */
import { MOST_NAME, wrongClasses } from "./classes"
import { type ColumnFigures, type Columns, columnsOf, labelByNumbers } from "./columns"
import { badCsv, type CsvRow, readCsvRows } from "./csv-rows"
import { classNameOf, isMissing, numberOf } from "./numbers"

/** Rows by which columns are judged. */
const HEAD_ROWS = 512
/** Values in memory: at 4 bytes each 400 MB, at one byte, as pictures have them, 100 MB. */
const MOST_VALUES = 100_000_000
/** More different values than there can be classes. */
const MOST_DIFFERENT = 256
/** Sums and differences of such values are numbers still. */
const MOST_VALUE = 1e300

export interface TableOptions {
  /** Values of a sample. */
  width: number
  /** Outputs of the network. */
  outputs: number
  /** Names of the classes, where they are known. */
  classes?: string[]
  /** Column of the class: a name, a number from 1, "first" or "last". */
  label?: string
  /** A table without a class is no error: parts to be tested on are published like that. */
  mayLackClass?: boolean
  signal?: AbortSignal
}

export interface Table {
  path: string
  /** Samples. */
  count: number
  width: number
  /** The class of each sample, a place in `names`. */
  labels: Uint16Array
  names: string[]
  /** Least and most of each column of values. */
  columns: ColumnFigures[]
  /** Value of a sample. */
  at(sample: number, column: number): number
  /** How to name the class's column in another part of the same data. */
  label: string
  /** Without a class: a column too few. */
  unlabelled?: true
  /** What was decided, for people. */
  says: string
}

/**
 * @throws WuxingError "data-missing", "data-csv", "data-classes" (kind "data"); what `signal` gives
 */
export async function readTable(path: string, options: TableOptions): Promise<Table> {
  const builder = new Builder(path, options)
  for await (const { separator, rows } of readCsvRows(path, options.signal))
    for (const row of rows) builder.add(row, separator !== ",")
  return builder.table()
}

class Builder {
  private head: CsvRow[] = []
  private comma = false
  private begun = false
  private columns!: Columns
  /** Columns that are kept as numbers, in order: the class among them where it is not known yet. */
  private kept: number[] = []
  private figures: ColumnFigures[] = []
  private values = new Values()
  private samples = 0
  private readonly names = new Map<string, number>()
  private labels = new Uint16Array(1024)
  /** Lines where a number has a point or a comma: both in one file would be a guess. */
  private point = 0
  private decimal = 0
  private cells = 0

  constructor(
    private readonly path: string,
    private readonly options: TableOptions,
  ) {}

  add(row: CsvRow, comma: boolean): void {
    this.comma = comma
    if (this.begun) this.take(row)
    else {
      this.head.push(row)
      if (this.head.length >= HEAD_ROWS) this.begin()
    }
  }

  private begin(): void {
    this.begun = true
    const { path, head } = this
    const { width } = this.options
    if (head.length === 0) throw badCsv(path, "it holds no samples", "it is empty")
    this.cells = head[0].cells.length
    // A row of another length must not decide anything; it is refused where its turn comes.
    const whole = head.filter(({ cells }) => cells.length === this.cells)
    const lacking = this.options.mayLackClass === true && this.cells === width
    try {
      const wanted = lacking ? undefined : this.options.label
      this.columns = columnsOf(
        whole.map(({ cells }) => cells),
        { width, comma: this.comma, wanted },
      )
      if (lacking) this.columns = { header: this.columns.header, skipped: [] }
    } catch (error) {
      throw badCsv(path, (error as Error).message, "the table does not say which column is what")
    }
    const { skipped, label, header } = this.columns
    this.kept = head[0].cells.map((_, i) => i).filter(i => !skipped.includes(i) && i !== label)
    this.figures = this.kept.map(() => ({
      ...{ least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY },
      ...{ whole: true, values: new Set<number>() },
    }))
    const rows = header ? head.slice(1) : head
    this.head = []
    for (const row of rows) this.take(row)
  }

  private take({ line, cells }: CsvRow): void {
    const { path, kept, figures, columns } = this
    if (cells.length !== this.cells) {
      const { width } = this.options
      throw badCsv(
        path,
        `line ${line} has ${cells.length} columns, expected ${this.cells === width + 1 ? `${width + 1}: a class and ${width} values` : `${this.cells} as the first`}`,
        "the line is cut short, or a separator stands within a value",
      )
    }
    for (const i of columns.skipped)
      if (i > 0 && cells[i] !== "")
        throw badCsv(path, `line ${line} has more columns than the others`, "a line is damaged")
    for (let at = 0; at < kept.length; at++) {
      const cell = cells[kept[at]]
      const value = numberOf(cell, this.comma)
      if (!(Math.abs(value) < MOST_VALUE)) throw this.badValue(line, at, cell)
      if (this.comma) {
        if (cell.includes(",")) this.decimal = line
        else if (cell.includes(".")) this.point = line
      }
      const figure = figures[at]
      if (value < figure.least) figure.least = value
      if (value > figure.most) figure.most = value
      if (figure.whole && !Number.isInteger(value)) figure.whole = false
      if (figure.values.size < MOST_DIFFERENT + 1) figure.values.add(value)
      this.values.push(value)
    }
    if (this.decimal > 0 && this.point > 0)
      throw badCsv(
        path,
        `it has numbers with a decimal comma (line ${this.decimal}) and with a point (line ${this.point})`,
        "one of the two may part thousands, and then the values would be wrong",
      )
    if (columns.label !== undefined)
      this.putLabel(this.samples, this.nameOf(cells[columns.label], line))
    this.samples++
    if (this.samples * kept.length > MOST_VALUES)
      throw badCsv(
        path,
        `it holds more than ${MOST_VALUES} values`,
        "it is larger than this tool takes into memory; leave out rows",
      )
  }

  private badValue(line: number, at: number, cell: string) {
    const name = this.columns.header?.[this.kept[at]]
    const column = `column ${this.kept[at] + 1}`
    const what = name === undefined ? column : `${column}, "${short(name)}"`
    return badCsv(
      this.path,
      `line ${line} has "${short(cell)}" in ${what}, expected a number${Number.isNaN(numberOf(cell, this.comma)) ? "" : ` within ±${MOST_VALUE}`}`,
      isMissing(cell)
        ? "the value is missing: leave out the line, or give a value for it"
        : /\d[-/.:]\d+[-/.:]\d/.test(cell)
          ? "it is a date or a time, which no network reads: leave that column out of the file"
          : "the column is text, or the value is damaged",
    )
  }

  private nameOf(cell: string, line: number): string {
    if (cell === "" || /^(nan|null)$/i.test(cell))
      throw badCsv(this.path, `line ${line} has no class`, "its class is missing")
    if (cell.length > MOST_NAME)
      throw badCsv(
        this.path,
        `line ${line} has a class of ${cell.length} characters, expected at most ${MOST_NAME}`,
        "the column is another text than a class's name",
      )
    return classNameOf(cell)
  }

  private putLabel(sample: number, name: string): void {
    let place = this.names.get(name)
    if (place === undefined) {
      place = this.names.size
      if (place > 65_534)
        throw wrongClasses(
          `${this.path} holds more than ${place} classes, expected at most 255`,
          "the column is no class, but a value or a number of its own for every line",
        )
      this.names.set(name, place)
    }
    if (sample >= this.labels.length) {
      const more = new Uint16Array(this.labels.length * 2)
      more.set(this.labels)
      this.labels = more
    }
    this.labels[sample] = place
  }

  table(): Table {
    if (!this.begun) this.begin()
    const { path, columns, kept, samples, values } = this
    const { width, outputs, classes } = this.options
    if (samples === 0)
      throw badCsv(path, "it holds no samples", "it has a line of names and no other")
    const stride = kept.length
    let { label, why } = columns
    let used = kept.map((_, at) => at)
    const unlabelled = label === undefined && stride === width
    if (!unlabelled && stride !== (label === undefined ? width + 1 : width))
      throw badCsv(
        path,
        `line 1 has ${this.cells} columns, expected ${width + 1}: a class and ${width} values`,
        "the network was made for another number of values",
      )
    if (label === undefined && !unlabelled) {
      const found = labelByNumbers(this.figures, outputs, classes)
      if (!found)
        throw badCsv(
          path,
          `it does not say whether its first or its last column is the class`,
          "both hold numbers, and either could be: say which with --label first or --label last",
        )
      const at = found.label
      used = used.filter(i => i !== at)
      label = kept[at]
      why = found.why
      for (let i = 0; i < samples; i++) this.putLabel(i, String(values.at(i * stride + at)))
    }
    const named = label === undefined ? undefined : columns.header?.[label]
    const place =
      label === undefined
        ? ""
        : label === 0
          ? "first"
          : label === this.cells - 1
            ? "last"
            : String(label + 1)
    return {
      path,
      count: samples,
      width: used.length,
      labels: this.labels.slice(0, samples),
      names: [...this.names.keys()],
      columns: used.map(at => this.figures[at]),
      at: (sample, column) => values.at(sample * stride + used[column]),
      label: named ?? place,
      ...(unlabelled && { unlabelled }),
      says:
        `${samples} samples, ${columns.header ? "names in line 1" : "no line of names"}` +
        (columns.skipped.includes(0) ? ", column 1 counts lines and is left out" : "") +
        (label === undefined ? "" : `, class in column ${label + 1} (${why})`),
    }
  }
}

/** Numbers in as few bytes as they need, a chunk at a time. */
class Values {
  private readonly done: (Uint8Array | Float32Array | Float64Array)[] = []
  private chunk = new Float64Array(CHUNK)
  private filled = 0

  push(value: number): void {
    this.chunk[this.filled++] = value
    if (this.filled < CHUNK) return
    this.done.push(packed(this.chunk))
    this.filled = 0
  }

  at(i: number): number {
    const chunk = i >> CHUNK_BITS
    return (chunk < this.done.length ? this.done[chunk] : this.chunk)[i & (CHUNK - 1)]
  }
}

const CHUNK_BITS = 16
const CHUNK = 1 << CHUNK_BITS

function packed(values: Float64Array): Uint8Array | Float32Array | Float64Array {
  if (values.every(value => value >= 0 && value <= 255 && Number.isInteger(value)))
    return Uint8Array.from(values)
  // Of smaller values four bytes keep far more than the 8 bits that come of them.
  return values.every(value => Math.abs(value) <= 4096) ? Float32Array.from(values) : values.slice()
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
