/** Asks what the boards of a room's agents are; their programs stay as they are. */
import { type Identity, identify } from "../identify"
import type { BrokerAddress } from "./broker-address"
import { MqttBoards, nameOf } from "./mqtt-boards"

export interface AskedAgent {
  agent: string
  description: string
  /** Its boards run the native program. */
  native: boolean
  boards: {
    /** Its number among the agent's. */
    board: number
    /** As announced; "unknown" where the agent has not asked it. */
    profile: string
    identity: Identity
  }[]
}

/**
 * Opens every board of every agent in a room, asks it, and closes it again: one that somebody uses is
 * told as it is.
 *
 * @returns agents in the order of their names
 * @throws WuxingError as `MqttBoards.start`; "interrupted"
 */
export async function askBehindAgents(
  address: BrokerAddress,
  signal?: AbortSignal,
): Promise<AskedAgent[]> {
  const all = await MqttBoards.start(address, { signal })
  try {
    const asked = await Promise.all(
      all.boards.map(async (board, i) => ({
        ...board,
        identity: known(
          await identify(nameOf(board), signal, () => all.openPort(i, false)),
          board.profile,
        ),
      })),
    )
    return [...all.agents].sort(byName).map(([agent, { description, native }]) => ({
      ...{ agent, description, native },
      boards: asked
        .filter(board => board.agent === agent)
        .map(({ index, profile, identity }) => ({ board: index, profile, identity })),
    }))
  } finally {
    await all.stop()
  }
}

/** A board that does not tell what it is, is what its agent has announced. */
function known(identity: Identity, announced: string): Identity {
  const unknown = identity.kind === "devicescript" && identity.profile === "unknown"
  return unknown ? { ...identity, profile: announced } : identity
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
