/**
 * Progress of training or testing on stderr: a bar on a terminal, else a line now and then.
 */

import { SingleBar } from "cli-progress"
import { realClock } from "../../base/clock"
import { percent } from "../../base/numbers"
import { barLine } from "./fit"
import type { Output } from "./output"

/** Running accuracy is that of the last so many samples or a few more: what was right long ago says little. */
const WINDOW = 200
const LINE_MS = 5_000
const LINE_SHARE = 0.1

export interface Progress {
  /**
   * Need not be called for every sample.
   *
   * @param done samples finished
   * @param correct how many of them were right, in all
   */
  sample(done: number, correct: number): void
  /** Leaves the terminal as it was; to be called in a `finally`. */
  stop(): void
}

/** @param now milliseconds of any steady clock, replaced in tests */
export function startProgress(
  output: Output,
  title: string,
  total: number,
  now: () => number = realClock.now,
): Progress {
  if (output.quiet) return { sample: () => {}, stop: () => {} }
  const measure = measureFrom(now(), total)
  return output.stderr.isTTY
    ? bar(output, title, total, measure, now)
    : lines(output, title, total, measure, now)
}

interface Figures {
  rate: string
  left: string
  accuracy: string
  /** Samples the accuracy is of. */
  last: number
}

type Measure = (done: number, correct: number, now: number) => Figures

function measureFrom(start: number, total: number): Measure {
  /** What was heard, oldest first; the first is the last that is at least WINDOW samples back. */
  const heard: { done: number; correct: number }[] = [{ done: 0, correct: 0 }]
  return (done, correct, now) => {
    heard.push({ done, correct })
    while (heard.length > 1 && heard[1].done <= done - WINDOW) heard.shift()
    const last = done - heard[0].done
    const right = correct - heard[0].correct
    const seconds = (now - start) / 1000
    const rate = seconds > 0 ? done / seconds : 0
    return {
      rate: rate.toFixed(rate < 10 ? 1 : 0),
      left: rate > 0 ? duration((total - done) / rate) : "?",
      accuracy: last > 0 ? percent(right / last) : "-",
      last: Math.max(last, WINDOW),
    }
  }
}

function bar(
  output: Output,
  title: string,
  total: number,
  measure: Measure,
  now: () => number,
): Progress {
  const single = new SingleBar({
    stream: output.stderr as NodeJS.WriteStream,
    format: (_, { progress, value }, { rate, left, accuracy, last }) =>
      barLine(output.columns, title, progress, [
        ...[`${value}/${total}`, `${left} left`, `${rate}/s`],
        `${accuracy} correct of the last ${last}`,
      ]),
    hideCursor: true,
    fps: 10,
    // Signals are the tool's: this would add handlers of its own and end the process.
    gracefulExit: false,
  })
  single.start(total, 0, { rate: "-", left: "?", accuracy: "-", last: WINDOW })
  return {
    sample: (done, correct) => single.update(done, measure(done, correct, now())),
    stop: () => single.stop(),
  }
}

function lines(
  output: Output,
  title: string,
  total: number,
  measure: Measure,
  now: () => number,
): Progress {
  let lastAt = now()
  let lastDone = 0
  return {
    sample(done, correct) {
      const at = now()
      const { rate, left, accuracy, last } = measure(done, correct, at)
      // Several threads may each report the end.
      if (done === lastDone) return
      const step = done - lastDone >= total * LINE_SHARE
      if (!step && at - lastAt < LINE_MS && done < total) return
      lastAt = at
      lastDone = done
      output.status(
        `${title} ${done}/${total}  ${rate}/s  ${left} left  ${accuracy} correct of the last ${last}`,
      )
    },
    stop: () => {},
  }
}

/** 75 as "1:15". */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`
}
