/**
 * A user's own data as text: one sample a row, its class in the first column or in one named "label"
 * or "class", a value for each pixel of the network's input in the others.
 *
 *     label,mean,peak,…        a row of names may come first
 *     idle,12,3,…
 *     running,180,255,…
 *
 * Values are 0…255, or all 0…1 and then multiplied by 255. A file is one set that serves as either
 * split; a folder with train.csv and test.csv has two. Columns are parted by commas, semicolons or
 * tabs.
 *
 * Classes: names in order of their characters, and the label is the place in that order. If all are
 * whole numbers below the number of the network's outputs, the label is the number.
 */
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { namesOfClasses, wrongClasses } from "./classes"
import type { ImageSet } from "./folder"

export interface CsvOptions {
  /** Values of a sample: the network's input. */
  width: number
  /** Outputs of the network: labels must lie below. */
  outputs: number
  split: "train" | "test"
  /** Names of the classes a network has learnt: labels are places in this list. */
  classes?: string[]
}

const MOST_BYTES = 2 ** 28
const LABEL_NAMES = ["label", "class"]

/** Is it a CSV file, or a folder of them? */
export function isCsv(path: string): boolean {
  return /\.csv$/i.test(path) || existsSync(join(path, "train.csv"))
}

/**
 * @param path of a file, or of a folder with train.csv and test.csv
 * @returns one row of `width` bytes a sample, 0 = nothing
 * @throws WuxingError of kind "data": "data-missing", "data-csv", "data-classes"
 */
export function readCsv(path: string, options: CsvOptions): ImageSet {
  const file = /\.csv$/i.test(path) ? path : join(path, `${options.split}.csv`)
  const { names, values } = parse(file, options.width)
  const classes = options.classes ?? namesOfClasses(names, options.outputs, file)
  const places = new Map(classes.map((name, place) => [name, place]))
  const labels = new Uint8Array(names.length)
  for (const [i, name] of names.entries()) {
    const place = places.get(name)
    if (place === undefined)
      throw wrongClasses(
        `sample ${i + 1} of ${file} is of class "${name}", which is none of: ${classes.join(", ")}`,
        "the network was trained on other data, or the class is misspelt",
      )
    labels[i] = place
  }
  const scale = values.every(value => value <= 1) ? 255 : 1
  return {
    images: Uint8Array.from(values, value => Math.round(value * scale)),
    labels,
    count: names.length,
    width: options.width,
    height: 1,
    classes,
  }
}

function parse(file: string, width: number): { names: string[]; values: Float64Array } {
  const lines = readText(file).split(/\r?\n/)
  while (lines.at(-1)?.trim() === "") lines.pop()
  const separator = [";", "\t"].find(mark => lines[0]?.includes(mark)) ?? ","
  const rows = lines.map(line => line.split(separator).map(unquoted))
  const head = rows[0] ?? []
  const named = head.slice(1).some(cell => Number.isNaN(numberOf(cell)))
  const column = Math.max(
    0,
    named ? head.findIndex(cell => LABEL_NAMES.includes(cell.toLowerCase())) : 0,
  )
  const samples = named ? rows.slice(1) : rows
  if (samples.length === 0) throw damaged(file, "it holds no samples", "it is empty")
  const values = new Float64Array(samples.length * width)
  for (const [i, row] of samples.entries()) {
    const where = `line ${i + 1 + (named ? 1 : 0)}`
    if (row.length !== width + 1)
      throw damaged(
        file,
        `${where} has ${row.length} columns, expected ${width + 1}: a class and ${width} values`,
        "the network was made for another number of values, or the line is cut short",
      )
    const cells = row.filter((_, at) => at !== column)
    for (const [at, cell] of cells.entries()) {
      const value = numberOf(cell)
      if (!(value >= 0 && value <= 255))
        throw damaged(
          file,
          `${where} has "${cell}" for value ${at + 1}, expected a number from 0 to 255`,
          "the values were not brought to that range, or the column is text",
        )
      values[i * width + at] = value
    }
  }
  return { names: samples.map(row => row[column]), values }
}

function unquoted(cell: string): string {
  return cell.trim().replace(/^"(.*)"$/, "$1")
}

/** NaN for what is no number; `Number` alone would take "" for 0. */
function numberOf(cell: string): number {
  return cell === "" ? Number.NaN : Number(cell)
}

function readText(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > MOST_BYTES) throw new Error(`${size} bytes, at most ${MOST_BYTES} are read`)
    return readFileSync(file, "utf8").replace(/^\ufeff/, "")
  } catch (error) {
    throw new WuxingError(
      {
        code: "data-missing",
        kind: "data",
        message: `${file} cannot be read: ${messageOf(error)}`,
        cause: "the name is misspelt, or you may not read it",
        help: "name a CSV file, or a folder with train.csv and test.csv",
      },
      { cause: error },
    )
  }
}

function damaged(file: string, what: string, cause: string): WuxingError {
  return new WuxingError({
    code: "data-csv",
    kind: "data",
    message: `CSV file ${file} cannot be used: ${what}`,
    cause,
    help: "a sample is a line: its class, then as many values of 0 to 255 as the network has inputs",
  })
}
