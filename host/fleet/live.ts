/** What is reported of boards at work. */
import { linksIn } from "../network/shard-parts"
import type { Slice } from "../network/slices"
import type { BoardHealth, BoardReport, LiveBoard, Messages } from "../session/reports"
import type { Crew } from "./crew"
import type { LoadedNetwork } from "./loaded-network"

/** What each board got of the network. */
export async function reportBoards({ members }: Crew, shards: Buffer[]): Promise<BoardReport[]> {
  return await Promise.all(
    members.map(async ({ board, slices }, index) => {
      const { heapBytes } = await board.status()
      return {
        id: board.link.boardId,
        profile: board.profile,
        neurons: neuronsIn(slices),
        links: linksIn(shards[index]),
        heapBytes,
      }
    }),
  )
}

export async function healthOf({ members }: Crew): Promise<BoardHealth[]> {
  return await Promise.all(
    members.map(async ({ board }) => {
      const { heapBytes, handled, refused, dropped, boot, times } = await board.status()
      return { heapBytes, handled, refused, dropped, boot, times }
    }),
  )
}

/** Messages of the service so far, in all. */
export function messagesOf({ members }: Crew): Messages {
  const boards = members.map(({ board }) => board)
  return {
    fromBoards: boards.reduce((sum, b) => sum + b.reports, 0),
    toBoards: boards.reduce((sum, b) => sum + b.link.counters.framesOut, 0),
    busiestBoard: Math.max(...boards.map(b => b.reports)),
  }
}

/** What can be said of the boards at any time, without asking them. */
export function liveBoards({ members, clock, boardSet }: Crew, loaded: LoadedNetwork): LiveBoard[] {
  const all = members.reduce((sum, { slices }) => sum + neuronsIn(slices), 0)
  const now = clock.now()
  return members.map(({ board, slices }, i) => {
    const { framesIn, framesOut, crcErrors, gaps } = board.link.counters
    return {
      title: board.title,
      group: boardSet.group?.(i),
      share: neuronsIn(slices) / all,
      samples: loaded.heardOf(i),
      messages: framesIn + framesOut,
      fromBoard: board.reports,
      toBoard: framesOut,
      errors: crcErrors + gaps,
      silentSeconds: Math.max(0, now - board.link.lastHeardProgram) / 1000,
    }
  })
}

function neuronsIn(slices: Slice[]): number {
  return slices.reduce((sum, s) => sum + s.count, 0)
}
