/** Numbers as tables have them. */

/** What stands for a value that was not measured. */
const MISSING = new Set(["", "nan", "na", "n/a", "n.a.", "null", "none", "nil", "?", "-", "–", "inf", "-inf", "+inf", "infinity", "-infinity"]) // biome-ignore format: a list
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const COMMA = /^[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?$/i

export function isMissing(cell: string): boolean {
  return MISSING.has(cell.toLowerCase())
}

/**
 * NaN for what is no number. `Number` alone would take "" for 0 and "0x10" for 16.
 *
 * @param comma where commas part no columns, they may be decimal ones
 */
export function numberOf(cell: string, comma = false): number {
  if (NUMBER.test(cell)) return Number(cell)
  return comma && COMMA.test(cell) ? Number(cell.replace(",", ".")) : Number.NaN
}

/** As the number is written, where a spreadsheet has made 3 into 3.0; all else as it stands, in NFC. */
export function classNameOf(cell: string): string {
  return /^\d+\.0+$/.test(cell) ? String(Number(cell)) : cell.normalize("NFC")
}
