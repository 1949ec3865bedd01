/** What the page knows of a signal: the last samples, what they were taken for, recordings. */
import type { ToPage } from "../messages"
import type { Mark, Played, SignalState, SignalView } from "../signal-messages"

/** Seconds that are shown, and samples where nobody says how many these are. */
const SHOWN_S = 8
const SHOWN_SAMPLES = 400
const MOST_MARKS = 100

/** A sample with its number. */
export interface Sample {
  number: number
  values: number[]
}

interface Signals {
  view?: Omit<SignalView, "trace" | "marks" | "recordings">
  now?: SignalState
  samples: Sample[]
  marks: Mark[]
  recordings: SignalView["recordings"]
  played?: Played
}

export const signals: Signals = { samples: [], marks: [], recordings: [] }

export type SignalTopic = "signal" | "trace" | "recordings" | "played"

/** Samples a second: as asked for, else as they come; undefined: not known yet. */
export function rateNow(): number | undefined {
  const rate = signals.view?.rate ?? signals.now?.rate
  return rate !== undefined && rate > 0 ? rate : undefined
}

/** Samples that are shown. */
export function span(): number {
  const rate = signals.view?.rate
  return rate === undefined ? SHOWN_SAMPLES : Math.max(10, Math.round(SHOWN_S * rate))
}

/** @returns what has changed; undefined: it is no message of a signal */
export function applySignal(message: ToPage): SignalTopic[] | undefined {
  switch (message.type) {
    case "signal": {
      const { trace, marks, recordings, ...view } = message
      Object.assign(signals, { view, marks, recordings, samples: [] })
      take(trace)
      return ["signal", "trace", "recordings"]
    }
    case "signal-state":
      signals.now = message
      return ["signal"]
    case "trace":
      take(message)
      return ["trace"]
    case "mark":
      signals.marks = [...signals.marks, message].slice(-MOST_MARKS)
      return ["trace", "signal"]
    case "recordings":
      signals.recordings = message.recordings
      return ["recordings"]
    case "played":
      signals.played = message
      return ["played"]
    default:
      return undefined
  }
}

function take({ from, stride, rows }: SignalView["trace"]): void {
  signals.samples.push(...rows.map((values, i) => ({ number: from + i * stride, values })))
  const last = signals.samples.at(-1)?.number ?? 0
  const first = signals.samples.findIndex(({ number }) => number > last - span())
  if (first > 0) signals.samples.splice(0, first)
}
