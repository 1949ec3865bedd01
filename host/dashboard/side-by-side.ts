/** Boards that each hold the whole network, as one fleet for who looks on. */
import type { Fleet } from "../fleet/fleet"
import { wholeNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import type { BoardHealth } from "../session/reports"
import type { FleetWatch, Request } from "../session/watch"
import type { Seen } from "./describe"

/** @param fleets of one board each */
export function sideBySide(network: Network, fleets: readonly Fleet[]): Seen {
  return {
    // Whoever computes a neuron, each computes all: nothing goes between boards.
    shares: [wholeNetwork(network)],
    live: () => fleets.flatMap(fleet => fleet.live()),
    boards: async () => (await Promise.all(fleets.map(fleet => fleet.boards()))).flat(),
    get learnShifts() {
      return fleets[0].learnShifts
    },
    get recoveries() {
      return fleets.reduce((sum, { recoveries }) => sum + recoveries, 0)
    },
    // Boards do their parts at the same time: a mean of them says nothing of the whole.
    partTimes: [],
  }
}

/**
 * Hands what each board's fleet says to one watcher, under the board's number in the class, and what
 * that one wants to whichever board is between two samples. What all are to be asked, all are asked.
 *
 * @param watcher asks for nothing that would change what one board has learnt
 */
export function watchersOf(watcher: FleetWatch, count: number): FleetWatch[] {
  let asked:
    | { waiting: Set<number>; health: BoardHealth[]; answered(all: BoardHealth[]): void }
    | undefined
  let changed: Promise<void> | undefined
  const ofReport = (board: number): Request | undefined => {
    const report = asked
    if (!report?.waiting.has(board)) return undefined
    report.waiting.delete(board)
    return {
      do: "report",
      answered: ([health]) => {
        report.health[board] = health
        if (report.health.filter(Boolean).length < count) return
        if (asked === report) asked = undefined
        report.answered(report.health)
      },
    }
  }
  return Array.from({ length: count }, (_, board) => ({
    state: (_: number, state) => watcher.state?.(board, state),
    classified: (image, outputs, label) => watcher.classified?.(image, outputs, label),
    learnt: (image, predicted, label, learned) =>
      watcher.learnt?.(image, predicted, label, learned),
    log: (_: number, line) => watcher.log?.(board, line),
    request: () => {
      const pending = ofReport(board)
      if (pending) return pending
      const request = watcher.request?.()
      if (request?.do !== "report") return request
      const all = Array.from({ length: count }, (_, i) => i)
      asked = { waiting: new Set(all), health: [], answered: request.answered }
      return ofReport(board)
    },
    allow: most => watcher.allow?.(most) ?? most,
    // All wait for the same: a watcher tells the last who asked.
    changed: () => {
      changed ??= (watcher.changed?.() ?? Promise.resolve()).finally(() => {
        changed = undefined
      })
      return changed
    },
  }))
}
