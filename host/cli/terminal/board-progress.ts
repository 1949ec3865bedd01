/** Progress of several boards at once on stderr: a bar each on a terminal, else a line each. */
import { MultiBar, type SingleBar } from "cli-progress"
import { barLine } from "./fit"
import type { Output } from "./output"

export interface BoardProgress {
  /** @param share of the board's work that is done, 0…1 */
  update(board: string, share: number): void
  /** Leaves the terminal as it was; to be called in a `finally`. */
  stop(): void
}

export function startBoardProgress(output: Output, boards: readonly string[]): BoardProgress {
  if (output.quiet) return { update: () => {}, stop: () => {} }
  if (!output.stderr.isTTY) {
    const begun = new Set<string>()
    return {
      update(board, share) {
        // A board that holds the program already begins with its end.
        if (share < 1 && !begun.has(board)) output.status(`${board}: sending the program`)
        if (share >= 1 && begun.has(board)) output.status(`${board}: sent`)
        begun.add(board)
      },
      stop: () => {},
    }
  }
  const width = Math.max(...boards.map(board => board.length))
  const all = new MultiBar({
    stream: output.stderr as NodeJS.WriteStream,
    format: (_, { progress }, { board }) =>
      barLine(output.columns, board, progress, [`${Math.floor(progress * 100)} %`]),
    hideCursor: true,
    fps: 10,
    // Signals are the tool's: this would add handlers of its own and end the process.
    gracefulExit: false,
  })
  const bars = new Map<string, SingleBar>()
  for (const board of boards) bars.set(board, all.create(100, 0, { board: board.padEnd(width) }))
  return {
    update: (board, share) => bars.get(board)?.update(Math.floor(share * 100)),
    stop: () => all.stop(),
  }
}
