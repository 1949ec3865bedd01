/**
 * A user's own data as a table: one CSV file, or a folder of one for each part (train, validation,
 * test). Its values are brought to the network's input by one range for all parts, which the model
 * keeps for what comes later.
 */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { MOST_CLASSES, namesOfClasses, wrongClasses } from "./classes"
import { badCsv } from "./csv-rows"
import { frameOf } from "./folder"
import { type Split, splitOf } from "./idx"
import { chooseRange, scaleRow, type ValueRange } from "./range"
import type { Part, Source, SourceOptions } from "./source"
import { readTable, type Table, type TableOptions } from "./table"

const CSV_NAME = /\.(csv|tsv)(\.gz)?$/i
/** Rows by which a column is judged to give the class away. */
const LOOKED_AT = 10_000

/** Is it called as a CSV file is? */
export function isTableFile(path: string): boolean {
  return CSV_NAME.test(path)
}

/** Is it a table: a CSV file, or a folder that holds such files and no folders? */
export function isTable(path: string): boolean {
  if (CSV_NAME.test(path))
    return !(statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)
  return filesIn(path) !== undefined
}

/** The CSV files of a folder by part; undefined where it is no folder of tables. */
function filesIn(dir: string): { [S in Split]?: string } | undefined {
  let names: string[]
  try {
    names = readdirSync(dir).filter(name => CSV_NAME.test(name))
  } catch {
    return undefined
  }
  if (names.length === 0) return undefined
  const parts: { [S in Split]?: string } = {}
  for (const split of ["train", "validation", "test"] as const) {
    const of = names.filter(name => splitOf(name.replace(CSV_NAME, "")) === split)
    if (of.length > 1)
      throw badCsv(
        dir,
        `${of.join(" and ")} could both be its ${split} part`,
        "several sets lie there",
      )
    if (of.length === 1) parts[split] = join(dir, of[0])
  }
  if (parts.train) return parts
  return names.length === 1 ? { train: join(dir, names[0]) } : undefined
}

/** @throws as readTable; WuxingError "data-classes" */
export async function openTable(path: string, options: SourceOptions): Promise<Source> {
  const files = CSV_NAME.test(path) ? { train: path } : filesIn(path)
  if (!files?.train) throw badCsv(path, "it has no training part", "its files have other names")
  const { pixels: width, outputs, classes: known, signal } = options
  const shape = { width, outputs, classes: known, signal }
  const train = await readTable(files.train, { ...shape, label: options.label })
  if (train.unlabelled)
    throw badCsv(
      files.train,
      `it has ${width} columns, expected ${width + 1}: a class and ${width} values`,
      "its class is missing, or the network was made for one value less",
    )
  const notes: string[] = []
  const parts: { [S in Split]?: Table } = { train }
  for (const split of ["validation", "test"] as const) {
    const file = files[split]
    if (file === undefined) continue
    const table = await readTable(file, { ...shape, label: train.label, mayLackClass: true })
    if (table.unlabelled) notes.push(`${file} has no column for the class and is left out`)
    else parts[split] = table
  }
  const tables = Object.values(parts)
  const names = tables.flatMap(table => table.names)
  const classes = known ?? namesOfClasses(names, outputs, path)
  const chosen =
    options.rangeChoice === undefined && options.range
      ? { range: options.range, says: "the range the network has learnt" }
      : chooseRange(options.rangeChoice ?? "auto", tables)
  const { range } = chosen
  if (range.by === "column" && range.from.length !== width)
    throw badCsv(
      path,
      `it has ${width} columns, the network has learnt ${range.from.length}`,
      "it is other data",
    )
  notes.push(...notesOn(tables, classes))
  let beyond = 0
  let sampled = 0
  const scratch = new Uint8Array(width)
  for (const table of tables)
    for (let i = 0; i < table.count; i += Math.max(1, Math.floor(table.count / 500))) {
      beyond += scaleRow(table, i, range, scratch)
      sampled += width
    }
  if (beyond > sampled / 100)
    notes.push(
      `${Math.round((100 * beyond) / sampled)} % of the values lie beyond the range and are clamped: see --range`,
    )
  const partOf = (table: Table): Part => ({
    path: table.path,
    labels: labelsOf(table, classes),
    fill: (sample, into) => {
      scaleRow(table, sample, range, into)
    },
  })
  return {
    kind: "table",
    classes,
    ...frameOf(width),
    ...{ range, label: train.label },
    train: partOf(train),
    ...(parts.validation && { validation: partOf(parts.validation) }),
    ...(parts.test && { test: partOf(parts.test) }),
    says: `${train.says}; ${chosen.says}`,
    notes,
  }
}

/** The rows of a table as a network takes them that has learnt from one. */
export interface TableRows {
  /** One byte a value. */
  rows: Uint8Array[]
  /** Share of the values beyond the range that the network has learnt, which are clamped. */
  beyond: number
}

/**
 * @param path CSV; its column of classes may be missing, and is passed over where it is not
 * @param range as the network has learnt it
 * @throws as readTable; WuxingError "data-csv" if there are more rows than `most`
 */
export async function rowsOf(
  path: string,
  options: Omit<TableOptions, "mayLackClass">,
  range: ValueRange,
  most: number,
): Promise<TableRows> {
  const table = await readTable(path, { ...options, mayLackClass: true })
  if (table.count > most)
    throw badCsv(
      path,
      `it has ${table.count} rows, at most ${most} are classified at once`,
      "it is data to be measured on, with `wuxing eval`",
    )
  let beyond = 0
  const rows = Array.from({ length: table.count }, (_, i) => {
    const row = new Uint8Array(options.width)
    beyond += scaleRow(table, i, range, row)
    return row
  })
  return { rows, beyond: beyond / Math.max(1, rows.length * options.width) }
}

function labelsOf(table: Table, classes: string[]): Uint8Array {
  const places = table.names.map(name => classes.indexOf(name))
  const labels = new Uint8Array(table.count)
  for (let i = 0; i < table.count; i++) {
    const place = places[table.labels[i]]
    if (place < 0 || place >= MOST_CLASSES)
      throw wrongClasses(
        `sample ${i + 1} of ${table.path} is of class "${table.names[table.labels[i]]}", which is none of: ${listed(classes)}`,
        "the network was trained on other data, or the class is misspelt",
      )
    labels[i] = place
  }
  return labels
}

/** Does the first column go up by 1 from line to line? */
function countsUp(table: Table): boolean {
  for (let i = 1; i < table.count; i++) if (table.at(i, 0) !== table.at(0, 0) + i) return false
  return true
}

/** What is no error and yet seldom meant. */
function notesOn(tables: Table[], classes: string[]): string[] {
  const notes: string[] = []
  const [train] = tables
  if (new Set(train.labels).size === 1)
    notes.push(`all samples are of one class, "${train.names[0]}": nothing can be told apart`)
  const columns = train.columns.map((_, i) => tables.map(table => table.columns[i]))
  const constant = columns.filter(
    of => Math.min(...of.map(f => f.least)) === Math.max(...of.map(f => f.most)),
  ).length
  if (constant > 0)
    notes.push(`${constant} of ${columns.length} columns have the same value throughout`)
  if (columns.some(of => of.some(f => f.least < 0)))
    notes.push("some values are negative: the least becomes 0, the input that says nothing")
  if (train.count > 2 && countsUp(train))
    notes.push(
      "value 1 counts the lines, which says nothing of a sample: leave it out, or name a network with one input less",
    )
  const giving = train.columns.findIndex(
    ({ values }, column) =>
      values.size === train.names.length &&
      values.size > 1 &&
      values.size <= classes.length &&
      givesAway(train, column),
  )
  if (giving >= 0)
    notes.push(`value ${giving + 1} has one value for each class: it may be the class again`)
  return notes
}

function givesAway(table: Table, column: number): boolean {
  const of = new Map<number, number>()
  const most = Math.min(table.count, LOOKED_AT)
  for (let i = 0; i < most; i++) {
    const value = table.at(i, column)
    const known = of.get(value)
    if (known === undefined) of.set(value, table.labels[i])
    else if (known !== table.labels[i]) return false
  }
  return most > of.size
}

function listed(classes: string[]): string {
  return classes.length > 12 ? `${classes.slice(0, 12).join(", ")}, …` : classes.join(", ")
}
