/** Cuts samples, as they come, into recordings of a length, each as the text of a CSV file. */
import { faultOfRecording } from "../signals/recording"
import { type Timing, timingOf } from "./timing"

export interface Recorded {
  /** Absent where it is refused. */
  csv?: string
  /** What is to be said of it, or why it is refused. */
  notes: string[]
  samples: number
  /** Samples a second. */
  rate: number
}

const LEAST = 2
/** Share of a recording of which no samples came, from which it is refused. */
export const MOST_MISSING = 0.25
/** Change of the rate within a recording, or from the first one on, that is said, and that is refused. */
const SAID_DRIFT = 0.15
export const MOST_DRIFT = 0.3

/** A sample, and when it came: milliseconds, of any clock that goes on. */
export interface Row {
  at: number
  values: number[]
}

export class Recorder {
  private rows: Row[] = []
  private names?: string[]
  /** Of the first recording that was kept. */
  private rate?: number

  constructor(private readonly seconds: number) {}

  /**
   * @param at milliseconds, of any clock that goes on
   * @returns a recording that is complete with this sample
   */
  push(values: number[], at: number, names?: string[]): Recorded | undefined {
    this.names ??= names ?? values.map((_, c) => `ch${c + 1}`)
    this.rows.push({ at, values })
    if (at - this.rows[0].at < this.seconds * 1000) return undefined
    return this.taken(false)
  }

  /** What there is of a recording that is cut short, whatever it is like; undefined if nothing. */
  end(): Recorded | undefined {
    return this.taken(true)
  }

  /** A recording of samples that came before. @param rows at least two, in their order */
  of(rows: Row[], names?: string[]): Recorded | undefined {
    this.names ??= names
    this.rows = rows
    return this.taken(false)
  }

  private taken(cut: boolean): Recorded | undefined {
    const { rows } = this
    this.rows = []
    if (rows.length < LEAST) return undefined
    const timing = timingOf(rows.map(({ at }) => at))
    const rate = 1000 / timing.interval
    const refused = this.refusal(timing)
    if (refused && !cut) return { notes: [refused], samples: rows.length, rate }
    if (timing.rated && !refused) this.rate ??= rate
    const lines = rows.map(({ values }, i) => [timing.times[i].toFixed(3), ...values].join(","))
    const csv = `${["time (ms)", ...(this.names ?? [])].join(",")}\n${lines.join("\n")}\n`
    return { csv, notes: this.notesOf(timing, rows), samples: rows.length, rate }
  }

  /** How far the rate is from that of the first recording, as a share of it. */
  private driftFromFirst({ interval, rated }: Timing): number {
    return this.rate === undefined || !rated ? 0 : Math.abs(1000 / interval / this.rate - 1)
  }

  private refusal(timing: Timing): string | undefined {
    if (timing.missing > MOST_MISSING)
      return `${percent(timing.missing)} of it is missing: no samples came for that long`
    if (Math.max(timing.drift, this.driftFromFirst(timing)) > MOST_DRIFT)
      return this.drifted(timing)
    return undefined
  }

  private drifted(timing: Timing): string {
    const { interval, drift } = timing
    return drift >= this.driftFromFirst(timing)
      ? `its rate changed by ${percent(drift)} from its first half to its second`
      : `it has ${(1000 / interval).toFixed(1)} samples a second, the first one had ${this.rate!.toFixed(1)}`
  }

  private notesOf(timing: Timing, rows: Row[]): string[] {
    const notes: string[] = []
    const { missing, longest } = timing
    if (missing > 0)
      notes.push(
        `no sample came for ${Math.round(longest)} ms: ${percent(missing)} of it is missing`,
      )
    if (Math.max(timing.drift, this.driftFromFirst(timing)) > SAID_DRIFT)
      notes.push(this.drifted(timing))
    const values = rows[0].values.map((_, c) => Float64Array.from(rows, row => row.values[c]))
    const fault = faultOfRecording({ name: "", channels: this.names ?? [], values })
    if (fault === "empty") notes.push("nothing moves in it: training leaves it out")
    if (fault === "clipped") notes.push("it stays at the sensor's limit again and again")
    return notes
  }
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
