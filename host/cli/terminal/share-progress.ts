/** Progress of work whose share done is known, on stderr: a bar on a terminal, else a line now and then. */
import { SingleBar } from "cli-progress"
import type { Output } from "./output"

const LINE_MS = 5_000

export interface ShareProgress {
  /** @param share of the work that is done, 0…1 */
  update(share: number): void
  /** Leaves the terminal as it was; to be called in a `finally`. */
  stop(): void
}

/** @param now milliseconds of any steady clock, replaced in tests */
export function startShareProgress(
  output: Output,
  title: string,
  now: () => number = () => performance.now(),
): ShareProgress {
  if (output.quiet) return { update: () => {}, stop: () => {} }
  const start = now()
  const left = (share: number) =>
    share > 0 ? duration(((now() - start) / share - (now() - start)) / 1000) : "?"
  if (!output.stderr.isTTY) {
    let last = start
    return {
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
    format: `${title} [{bar}] {percentage} %  {left} left`,
    barCompleteChar: "=",
    barIncompleteChar: " ",
    hideCursor: true,
    fps: 10,
    // Gone when its row is done: the row's own line stays.
    clearOnComplete: true,
    // Signals are main's: this would add handlers of its own and end the process.
    gracefulExit: false,
  })
  bar.start(100, 0, { left: "?" })
  return {
    update: share => bar.update(Math.floor(share * 100), { left: left(share) }),
    stop: () => bar.stop(),
  }
}

/** 75 as "1:15". */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`
}
