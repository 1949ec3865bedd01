/**
 * Samples from lines of numbers, as a board prints them for Arduino's Serial Plotter or for
 * edge-impulse-data-forwarder: numbers parted by commas, tabs, semicolons or spaces, each with a name and
 * a colon before it or without.
 */

/** Bytes of a line at most: what goes on longer is no line of numbers. */
const MOST_LINE = 1000
const MOST_CHANNELS = 8
const MOST_SHOWN = 40

export interface LineSample {
  names?: string[]
  values: number[]
}

/** @returns undefined for a line that is no sample */
export function parseLine(line: string): LineSample | undefined {
  const parts = line
    .replace(/:\s+/g, ":")
    .trim()
    .split(/[\s,;]+/)
    .filter(part => part !== "")
  if (parts.length === 0 || parts.length > MOST_CHANNELS) return undefined
  const values: number[] = []
  const names: string[] = []
  for (const part of parts) {
    const [, name, number] = /^(?:([^:]*):)?\s*(\S+)$/.exec(part) ?? []
    const value = number === undefined ? Number.NaN : Number(number)
    if (!Number.isFinite(value)) return undefined
    values.push(value)
    if (name !== undefined && name !== "") names.push(name.trim())
  }
  return names.length === values.length ? { names, values } : { values }
}

/** Takes bytes as they come and gives the samples of whole lines. */
export class LineReader {
  /** Lines that were none, and samples with another number of channels than the first. */
  skipped = 0
  /** The last of them, as much of it as can be shown. */
  lastSkipped = ""
  private rest = ""
  private started = false
  private channels?: number

  constructor(private readonly onSample: (sample: LineSample) => void) {}

  push(bytes: Uint8Array): void {
    this.rest += Buffer.from(bytes).toString("latin1")
    const lines = this.rest.split(/\r?\n/)
    this.rest = (lines.pop() ?? "").slice(-MOST_LINE)
    for (const line of lines) {
      // The first line may have begun before we listened.
      if (!this.started) {
        this.started = true
        continue
      }
      if (line.trim() === "") continue
      const sample = parseLine(line)
      this.channels ??= sample?.values.length
      if (sample && sample.values.length === this.channels) this.onSample(sample)
      else {
        this.skipped++
        this.lastSkipped = line.replace(/[^\x20-\x7e]/g, "?").slice(0, MOST_SHOWN)
      }
    }
  }
}
