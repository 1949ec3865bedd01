/** A process of `wuxing demo class`: an agent with boards of its own. Started by class-room.ts. */
import { realClock } from "../base/clock"
import { messageOf, WuxingError } from "../base/errors"
import { readBoardProfile } from "../hardware/board-profile"
import { Agent } from "../hardware/mqtt/agent"
import { OwnTimeBoards } from "../hardware/own-time-boards"
import type { AgentGiven, AgentSaid } from "./class-room"

/** For its goodbye to the broker, ms; less than whoever started it waits for it to end. */
const GOODBYE_MS = 3_000

const say = (said: AgentSaid) => process.send?.(said, undefined, undefined, () => {})

let agent: Agent | undefined

/**
 * Whoever started it has ended it, or is gone, however that came about: the system closes the channel
 * between them. The broker is gone with them then, and a goodbye to it may never end.
 */
function leave(): void {
  realClock.after(GOODBYE_MS, () => process.exit(1))
  void Promise.resolve(agent?.stop())
    .catch(() => {})
    .then(() => process.exit(0))
}

process.once("disconnect", leave)
// Gone while this program was being loaded: the event was before.
if (!process.connected) leave()

process.once("message", async (given: AgentGiven) => {
  const { address, name, boards: count, first, profile: id } = given
  try {
    const boards = new OwnTimeBoards(count, readBoardProfile(id), first)
    const description = `${count} counted boards (${id})`
    agent = await Agent.start(boards, { address, name, description, native: false })
    process.on("message", () =>
      say({ counts: boards.counts(), memoryBytes: process.memoryUsage.rss() }),
    )
    say({ ready: true })
  } catch (error) {
    const { code, likely, help } = error instanceof WuxingError ? error : {}
    say({ failed: { code, message: messageOf(error), cause: likely, help } })
  }
})
