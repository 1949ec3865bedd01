/** From a table's numbers to a network's input, 0 to 255: decided once, for every part of the data. */
import { WuxingError } from "../base/errors"
import type { Table } from "./table"

/** `from` becomes 0 and `to` 255, what lies beyond is clamped; for all values or for each column. */
export type ValueRange =
  | { by: "whole"; from: number; to: number }
  | { by: "column"; from: number[]; to: number[] }

/** As a user asks for it; "auto" decides between the two others. */
export type RangeChoice = "auto" | "whole" | "columns" | { from: number; to: number }

/** Share of the values that may lie beyond a range that suits the others; one or two of a small table. */
const STRAYS = 1e-3
const FEW = 2
/** Rows from which the lengths of columns say something. */
const SOME_ROWS = 16
/** Values from which two are few. */
const SOME = 100
/** How far they may lie beyond it, of its length, without a word. */
const NEAR = 0.1
/** Columns are scaled for themselves where the longest is so many times as long as most. */
const UNLIKE = 4
/** Values by which strays are looked for. */
const LOOKED_AT = 200_000

/** @throws WuxingError "usage" (kind usage) for what is no range */
export function parseRange(text: string): RangeChoice {
  if (text === "auto" || text === "whole" || text === "columns") return text
  const number = String.raw`([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)`
  const match = new RegExp(`^${number}\\.\\.${number}$`, "i").exec(text)
  const [from, to] = [Number(match?.[1]), Number(match?.[2])]
  if (match && from < to && Number.isFinite(to - from)) return { from, to }
  throw new WuxingError({
    code: "usage",
    kind: "usage",
    message: `--range is "${text.slice(0, 60)}", expected two numbers as 0..1, or auto, whole or columns`,
    cause: "the first number must be less than the second",
    help: "for example --range 0..1, or --range -2..2",
  })
}

/** @returns the range, and what it is in words: "0 to 16" */
export function chooseRange(
  choice: RangeChoice,
  parts: Table[],
): { range: ValueRange; says: string } {
  const width = parts[0].width
  const of = (column: number) => {
    const figures = parts.map(part => part.columns[column])
    return {
      least: Math.min(...figures.map(f => f.least)),
      most: Math.max(...figures.map(f => f.most)),
      whole: figures.every(f => f.whole),
    }
  }
  const columns = Array.from({ length: width }, (_, i) => of(i))
  const by = (from: number, to: number, note = "") => ({
    range: { by: "whole", from, to } as const,
    says: `values from ${shown(from)} to ${shown(to)} become 0 to 255${note}`,
  })
  if (typeof choice === "object") return by(choice.from, choice.to)
  const perColumn = () => ({
    range: {
      by: "column",
      from: columns.map(c => c.least),
      to: columns.map(c => c.most),
    } as const,
    says: "each column by itself, its least value becomes 0 and its largest 255",
  })
  if (choice === "columns") return perColumn()
  const lengths = columns.map(c => c.most - c.least).filter(length => length > 0)
  const middle = lengths.sort((a, b) => a - b)[lengths.length >> 1] ?? 0
  const least = columns.reduce((min, c) => Math.min(min, c.least), Number.POSITIVE_INFINITY)
  const most = columns.reduce((max, c) => Math.max(max, c.most), Number.NEGATIVE_INFINITY)
  // An age and a share in one range leave the share dark; of a picture's pixels most reach far.
  const unlike = middle > 0 && most - least > UNLIKE * middle
  const rows = parts.reduce((sum, { count }) => sum + count, 0)
  const asBytes = choice === "whole" || !unlike || rows < SOME_ROWS
  if (asBytes && columns.every(c => c.whole) && least >= 0 && most > 127 && most <= 255)
    return { range: { by: "whole", from: 0, to: 255 }, says: "values from 0 to 255 as they are" }
  for (const [from, to] of [
    [0, 1],
    [-1, 1],
    [0, 255],
  ]) {
    // Where most of the range is not used, it says nothing.
    const used = most > from + (to - from) / 2 && (from === 0 || least < from / 4)
    const beyond = Math.max(from - least, most - to)
    if (to === 255 && !asBytes) continue
    if (used && beyond <= NEAR * (to - from) && (beyond <= 0 || strayIn(parts, from, to)))
      return by(from, to, beyond > 0 ? ", the few beyond are clamped" : "")
  }
  if (choice === "auto" && unlike) {
    // One value far off, not a column: the range is that of all others.
    const [from, to] = usualOf(parts, least, most)
    if (most - least > UNLIKE * (to - from) && strayIn(parts, from, to))
      return by(from, to, ", the few beyond are clamped")
    return perColumn()
  }
  return by(least, most > least ? most : least + 1)
}

/** Do so few values lie beyond that they are strays? */
function strayIn(parts: Table[], from: number, to: number): boolean {
  let [beyond, all] = [0, 0]
  eachOf(parts, value => {
    all++
    if (value < from || value > to) beyond++
  })
  return beyond > 0 && beyond <= fewOf(all)
}

function fewOf(values: number): number {
  return values < SOME ? 0 : Math.max(FEW, Math.floor(values * STRAYS))
}

/** What all values but a few lie between. */
function usualOf(parts: Table[], least: number, most: number): [number, number] {
  const values: number[] = []
  eachOf(parts, value => values.push(value))
  values.sort((a, b) => a - b)
  const few = fewOf(values.length) >> 1
  const from = values[few]
  const to = values[values.length - 1 - few]
  return from < to ? [from, to] : [least, most]
}

/** Values of rows that are spread over the parts evenly; all of them where there are not too many. */
function eachOf(parts: Table[], see: (value: number) => void): void {
  const rows = parts.reduce((sum, { count }) => sum + count, 0)
  const step = Math.max(1, Math.ceil((rows * parts[0].width) / LOOKED_AT))
  for (const part of parts)
    for (let i = 0; i < part.count; i += step)
      for (let c = 0; c < part.width; c++) see(part.at(i, c))
}

/**
 * A sample as the network takes it.
 *
 * @param into a byte a column
 * @returns how many values lay beyond the range
 */
export function scaleRow(
  table: Table,
  sample: number,
  range: ValueRange,
  into: Uint8Array,
): number {
  let beyond = 0
  for (let c = 0; c < table.width; c++) {
    const from = range.by === "whole" ? range.from : range.from[c]
    const to = range.by === "whole" ? range.to : range.to[c]
    const value = table.at(sample, c)
    if (value < from || value > to) beyond++
    into[c] =
      from < to ? Math.round((255 * (Math.min(to, Math.max(from, value)) - from)) / (to - from)) : 0
  }
  return beyond
}

function shown(value: number): string {
  return String(Number(value.toPrecision(10))).replace("-", "−")
}
