/** Progress of work whose share done is known, on stderr: a bar on a terminal, else a line now and then. */

import { SingleBar } from "cli-progress"
import { realClock } from "../../base/clock"
import { barLine } from "./fit"
import type { Output } from "./output"
import { duration } from "./progress"

const LINE_MS = 5_000
const ERASE_LINE = "\r\u001b[2K"

export interface ShareProgress {
  /** A line above the bar. */
  say(line: string): void
  /** @param share of the work that is done, 0…1 */
  update(share: number): void
  /** Leaves the terminal as it was; to be called in a `finally`. */
  stop(): void
}

/** @param now milliseconds of any steady clock, replaced in tests */
export function startShareProgress(
  output: Output,
  title: string,
  now: () => number = realClock.now,
): ShareProgress {
  const say = (line: string) => output.status(line)
  if (output.quiet) return { say, update: () => {}, stop: () => {} }
  // What comes before the work is none of it.
  let start = now()
  const left = (share: number) =>
    share > 0 ? duration(((now() - start) / share - (now() - start)) / 1000) : "?"
  if (!output.stderr.isTTY) {
    let last = start
    return {
      say,
      update(share) {
        if (now() - last < LINE_MS || share >= 1) return
        last = now()
        output.status(`${title} ${Math.floor(share * 100)} %  ${left(share)} left`)
      },
      stop: () => {},
    }
  }
  const bar = new SingleBar({
    stream: output.stderr as NodeJS.WriteStream,
    format: (_, { progress }) =>
      barLine(output.columns, title, progress, [
        `${Math.floor(progress * 100)} %`,
        `${left(progress)} left`,
      ]),
    hideCursor: true,
    fps: 10,
    // Also where it is as it was: a line may have taken its place.
    forceRedraw: true,
    // Gone when its row is done: the row's own line stays.
    clearOnComplete: true,
    // Signals are the tool's: this would add handlers of its own and end the process.
    gracefulExit: false,
  })
  let started = false
  return {
    say(line) {
      // In place of the bar, which is drawn again below.
      if (started) output.stderr.write(ERASE_LINE)
      say(line)
      if (started) bar.render()
    },
    update(share) {
      if (!started) {
        start = now()
        bar.start(1000, 0)
      }
      started = true
      bar.update(Math.floor(share * 1000))
    },
    stop() {
      if (started) bar.stop()
      started = false
    },
  }
}
