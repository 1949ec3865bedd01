/** A process of `wuxing demo class`: an agent with boards of its own. Started by class-room.ts. */
import { messageOf, WuxingError } from "../base/errors"
import { readBoardProfile } from "../hardware/board-profile"
import { Agent } from "../hardware/mqtt/agent"
import { OwnTimeBoards } from "../hardware/own-time-boards"
import type { AgentGiven, AgentSaid } from "./class-room"

const say = (said: AgentSaid) => process.send?.(said)

process.once("message", async (given: AgentGiven) => {
  const { address, name, boards: count, first, profile: id } = given
  const boards = new OwnTimeBoards(count, readBoardProfile(id), first)
  let agent: Agent | undefined
  // Whoever started it has ended it, or is gone.
  process.on("disconnect", async () => {
    await agent?.stop()
    await boards.stop()
    process.exit(0)
  })
  try {
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
