/** Which row of a table names its columns, and which column has the class: decided by what all rows say. */
import { classNameOf, isMissing, numberOf } from "./numbers"

/** Names that say that a column has the class, the ones that say it most clearly first. */
const LABEL_NAMES = ["label", "labels", "class", "classes", "target", "y"]
/** Names of columns that count rows; spreadsheets and pandas write them. */
const INDEX_NAMES = ["", "unnamed: 0", "index", "id", "row", "rowid", "nr", "no", "#"]
/** Of columns that an error names. */
const MOST_LISTED = 8

export interface Columns {
  /** Names, if the first row has any. */
  header?: string[]
  /** Column of the class, where the names, the text or the user says it; else the numbers must. */
  label?: number
  /** Why it is that column. */
  why?: string
  /** Columns that are neither class nor value. */
  skipped: number[]
}

/**
 * @param rows the first of the table, each as long as the first
 * @param width values of a sample
 * @param wanted the user's own word: a column's name, its number from 1, "first" or "last"
 * @throws Error that says what is wrong, with a cause in brackets where there is one
 */
export function columnsOf(
  rows: string[][],
  { width, comma, wanted }: { width: number; comma: boolean; wanted?: string },
): Columns {
  const header = headerOf(rows, comma, width)
  const data = header ? rows.slice(1) : rows
  const count = rows[0].length
  const skipped: number[] = []
  if (count > width + 1 && rows.every(row => row[count - 1] === "")) skipped.push(count - 1)
  if (count - skipped.length === width + 2 && isIndex(header, data)) skipped.push(0)
  const columns = { header, skipped }
  const used = Array.from({ length: count }, (_, i) => i).filter(i => !skipped.includes(i))
  if (wanted !== undefined)
    return {
      ...columns,
      label: wantedOf(wanted, header, used),
      why: "as --label or the model says",
    }
  if (header) {
    const names = header.map(name => name.toLowerCase())
    const found = LABEL_NAMES.flatMap(name => used.filter(i => names[i] === name))
    // "y" may be a coordinate where another name says it more clearly.
    const clear = found.filter(i => names[i] !== "y")
    const [first, ...others] = clear.length > 0 ? clear : found
    if (others.length > 0)
      throw new Error(
        `columns ${[first, ...others].map(i => `"${header[i]}"`).join(" and ")} could both be the class: say which with --label`,
      )
    if (first !== undefined) return { ...columns, label: first, why: `named "${header[first]}"` }
  }
  const text = used.filter(i => {
    const there = data.filter(row => !isMissing(row[i]))
    const words = there.filter(row => Number.isNaN(numberOf(row[i], comma)))
    return words.length * 2 > there.length
  })
  if (text.length > 1)
    throw new Error(
      `columns ${numbersOf(text)} are text, and only one can be the class: say which with --label, and remove the others`,
    )
  if (text.length === 1) return { ...columns, label: text[0], why: "the only one of text" }
  return columns
}

/** Their numbers, the first few of many: a row can have thousands. */
function numbersOf(indices: number[]): string {
  const listed = indices.slice(0, MOST_LISTED).map(i => String(i + 1))
  const more = indices.length - listed.length
  return [...listed, ...(more > 0 ? [`${more} more`] : [])].join(" and ")
}

/**
 * The first row, if all of it is names. A row in which only some cells are no numbers is a sample with
 * a bad value: taking it for names would lose it without a word.
 */
function headerOf(rows: string[][], comma: boolean, width: number): string[] | undefined {
  const [first, ...data] = rows
  const isName = (cell: string) => !isMissing(cell) && Number.isNaN(numberOf(cell, comma))
  const labelled = first.findIndex(cell => LABEL_NAMES.includes(cell.toLowerCase()))
  if (data.length === 0)
    return labelled >= 0 && first.filter(isName).length > first.length / 2 ? first : undefined
  // Columns whose values are numbers say most: a name cannot be one of them.
  const numeric = first
    .map((_, i) => i)
    .filter(i => data.filter(row => isName(row[i] ?? "")).length * 2 <= data.length)
  const names = numeric.filter(i => isName(first[i]))
  const numbers = numeric.filter(i => !Number.isNaN(numberOf(first[i], comma)))
  const missing = numeric.length - names.length - numbers.length
  const counted = (cells: string[]) =>
    cells.length >= 3 &&
    cells.every((cell, i) => Number(cell) === Number(cells[0]) + i) &&
    ["0", "1"].includes(cells[0])
  if (numbers.length > 0) {
    const others = numbers.map(i => first[i])
    // pandas names columns by number: "0,1,…,63,target"; others by years. A value cannot be called
    // "target", nor can a class whose name never comes again; a class "y" can.
    if (labelled >= 0 && names.every(i => i === labelled)) {
      const recurs = data.some(row => row[labelled] === first[labelled])
      const differ = new Set(others).size === others.length && others.every(isWholeNumber)
      const named = counted(others) || (differ && first[labelled].toLowerCase() !== "y")
      if (names.length === 1 || (named && !recurs)) return first
    }
    if (names.length === 0 && others.length === first.length && first.length > width)
      return others.length >= 8 && counted(others) ? first : undefined
    return undefined
  }
  if (names.length === 0 || missing >= names.length) return undefined
  if (labelled >= 0) return first
  // "on,l2" above "on,3": a mistyped sample, as its class comes again.
  const classes = first.map((_, i) => i).filter(i => !numeric.includes(i))
  return classes.some(i => data.some(row => row[i] === first[i])) ? undefined : first
}

function isWholeNumber(cell: string): boolean {
  return /^\d+$/.test(cell)
}

function isIndex(header: string[] | undefined, data: string[][]): boolean {
  const counts = data.every((row, i) => Number(row[0]) === Number(data[0][0]) + i)
  return header ? INDEX_NAMES.includes(header[0].toLowerCase()) : counts && data.length > 2
}

function wantedOf(wanted: string, header: string[] | undefined, used: number[]): number {
  const last = used[used.length - 1]
  if (wanted === "first") return used[0]
  if (wanted === "last") return last
  const named = header?.indexOf(wanted) ?? -1
  if (named >= 0) return named
  const loosely = header?.findIndex(name => name.toLowerCase() === wanted.toLowerCase()) ?? -1
  if (loosely >= 0) return loosely
  const number = /^\d{1,6}$/.test(wanted) ? Number(wanted) - 1 : -1
  if (used.includes(number)) return number
  const few = header?.filter((_, i) => used.includes(i)).slice(0, 12)
  throw new Error(
    `it has no column "${wanted}" for --label: ` +
      (few
        ? `its columns are ${few.join(", ")}${used.length > 12 ? ", …" : ""}`
        : "it has no names") +
      `, and their numbers 1 to ${last + 1}`,
  )
}

/** What is known of a column of numbers once all rows are read. */
export interface ColumnFigures {
  least: number
  most: number
  whole: boolean
  /** Different values, as far as they are counted: one more than there can be classes at most. */
  values: Set<number>
}

/**
 * Which of the first and the last column of a table of numbers has the class.
 *
 * @param outputs of the network
 * @param classes known already
 * @returns index, and why; undefined where both could, or neither
 */
export function labelByNumbers(
  columns: ColumnFigures[],
  outputs: number,
  classes?: string[],
): { label: number; why: string } | undefined {
  const last = columns.length - 1
  const ends = [0, last]
  const fits = ends.filter(i => {
    const { whole, least, most, values } = columns[i]
    if (!whole || least < 0) return false
    if (classes) return [...values].every(value => classes.includes(classNameOf(String(value))))
    return most < outputs || (least >= 1 && most <= outputs)
  })
  const telling = fits.filter(i => columns[i].values.size > 1)
  if (telling.length === 1)
    return { label: telling[0], why: "the only one whose numbers can be classes" }
  if (telling.length === 2) {
    const all = telling.filter(i => columns[i].values.size === outputs)
    return all.length === 1
      ? { label: all[0], why: `the only one that holds all ${outputs} classes` }
      : undefined
  }
  // Of one class only: 0 throughout is more likely a value that is never there.
  const single = fits.filter(i => columns[i].most > 0)
  if (single.length > 0) return { label: single[0], why: "of one class only" }
  if (fits.length > 0) return { label: fits[0], why: "of one class only" }
  const whole = ends.filter(i => columns[i].whole && columns[i].values.size > 1)
  return whole.length === 1 ? { label: whole[0], why: "the only one of whole numbers" } : undefined
}
