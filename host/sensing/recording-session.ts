/** Recordings of one sensor, one after another: which class each is of, what is kept and what is not. */
import type { Recorded, Recorder, Row } from "./recorder"
import type { Kept, RecordingStore } from "./recording-store"

/** What came of a recording. */
export interface Recording {
  label: string
  /** Absent where it is not kept: `notes` say why. */
  kept?: Kept
  notes: string[]
  samples: number
  /** Samples a second. */
  rate: number
}

export class RecordingSession {
  /** What is being recorded; undefined: nothing. */
  label?: string

  constructor(
    private readonly store: RecordingStore,
    private readonly recorder: Recorder,
  ) {}

  /**
   * A sample has come.
   *
   * @param at milliseconds, of any clock that goes on
   * @returns a recording that is complete with it
   * @throws as RecordingStore.keep
   */
  push(values: number[], at: number, names?: string[]): Recording | undefined {
    if (this.label === undefined) return undefined
    const recorded = this.recorder.push(values, at, names)
    return recorded && this.kept(this.label, recorded)
  }

  /** What there is of a recording that is cut short; undefined if there is nothing. @throws as push */
  cut(): Recording | undefined {
    const { label } = this
    this.label = undefined
    const recorded = this.recorder.end()
    return recorded && label !== undefined ? this.kept(label, recorded) : undefined
  }

  /** Keeps samples that came before as one recording. @param rows at least two @throws as push */
  keep(label: string, rows: Row[], names?: string[]): Recording | undefined {
    const recorded = this.recorder.of(rows, names)
    return recorded && this.kept(label, recorded)
  }

  private kept(label: string, { csv, notes, samples, rate }: Recorded): Recording {
    const kept = csv === undefined ? undefined : this.store.keep(label, { csv, samples })
    return { label, kept, notes, samples, rate }
  }
}
