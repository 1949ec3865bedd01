/** Timed boards that several runs use one after the other: a program stays on them, as on real ones. */
import type { BoardSet } from "../../../host/hardware/board-set"
import type { TimedBoards } from "../../../host/hardware/timed-boards"

/** The boards, as a fleet gets them: it may close its links, but not take their power. */
export function forOneRun(boards: TimedBoards): BoardSet {
  let over = false
  return {
    clock: boards.clock,
    count: boards.count,
    reconnectMs: boards.reconnectMs,
    profile: () => boards.profile(),
    connect: (i, options) => {
      boards.open(i)
      return boards.connect(i, options)
    },
    reconnect: (i, link, options) =>
      over ? Promise.reject(new Error("the run is over")) : boards.reconnect(i, link, options),
    stop: async () => {
      over = true
    },
  }
}
