/** Cuts samples, as they come, into recordings of a length, each as the text of a CSV file. */

export interface Recorded {
  csv: string
  /** What is to be said of it. */
  note?: string
}

/** An interval that is longer than so many usual ones is a gap. */
const GAP = 3
const LEAST = 2

export class Recorder {
  private rows: { at: number; values: number[] }[] = []
  private names?: string[]

  constructor(private readonly seconds: number) {}

  /**
   * @param at milliseconds, of any clock that goes on
   * @returns a recording that is complete with this sample
   */
  push(values: number[], at: number, names?: string[]): Recorded | undefined {
    this.names ??= names ?? values.map((_, c) => `ch${c + 1}`)
    this.rows.push({ at, values })
    if (at - this.rows[0].at < this.seconds * 1000) return undefined
    return this.end()
  }

  /** What there is of a recording that is cut short; undefined if it is not worth a file. */
  end(): Recorded | undefined {
    const { rows } = this
    this.rows = []
    if (rows.length < LEAST) return undefined
    const first = rows[0].at
    const span = rows[rows.length - 1].at - first
    const interval = span / (rows.length - 1)
    const longest = rows.reduce(
      (most, { at }, i) => (i === 0 ? 0 : Math.max(most, at - rows[i - 1].at)),
      0,
    )
    // A host hears samples in bursts: they were taken evenly, and are written so.
    const lines = rows.map(({ values }, i) => [(i * interval).toFixed(3), ...values].join(","))
    const csv = `${["time (ms)", ...(this.names ?? [])].join(",")}\n${lines.join("\n")}\n`
    if (longest <= Math.max(GAP * interval, 250)) return { csv }
    return { csv, note: `no sample came for ${Math.round(longest)} ms: some may be missing` }
  }
}
