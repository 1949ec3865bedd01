/** Boards found on serial ports, as a plan takes them. */

import { WuxingError } from "../base/errors"
import { boardIds, readBoardProfile } from "../hardware/board-profile"
import { type Identity, identify } from "../hardware/identify"
import { findPorts } from "../hardware/location"
import { askBehindAgents } from "../hardware/mqtt/ask"
import type { BrokerAddress } from "../hardware/mqtt/broker-address"
import { findRoom, nameOf } from "../hardware/mqtt/mqtt-boards"
import type { PlannedOn } from "./board-spec"

/**
 * Asks what is behind each port named (absent: behind all that may have a board); its program stays
 * as it is.
 *
 * @returns a board each, its id that of the board itself
 * @throws WuxingError as findPorts; "not-a-board" (kind board) where none answers, "board-unknown"
 * where there is no profile of it
 */
export async function boardsOnPorts(
  names: readonly string[],
  signal?: AbortSignal,
): Promise<PlannedOn[]> {
  const paths = await findPorts(names)
  return await Promise.all(paths.map(path => boardOn(path, signal)))
}

/**
 * The boards that the agents of a room offer, by the profiles they announce; where an agent does not
 * know one, the board is asked.
 *
 * @returns a board each, its id its agent's name and its number there
 * @throws WuxingError as findRoom and boardsOnPorts
 */
export async function boardsBehindAgents(
  address: BrokerAddress,
  signal?: AbortSignal,
): Promise<PlannedOn[]> {
  const { boards } = await findRoom(address, signal)
  if (boards.every(({ profile }) => boardIds().includes(profile)))
    return boards.map(board => ({ id: nameOf(board), profile: readBoardProfile(board.profile) }))
  const agents = await askBehindAgents(address, signal)
  return agents.flatMap(({ agent, boards }) =>
    boards.map(({ board, identity }) => {
      const id = nameOf({ agent, index: board, profile: "" })
      return { id, profile: plannedOn(id, identity).profile }
    }),
  )
}

async function boardOn(path: string, signal?: AbortSignal): Promise<PlannedOn> {
  return plannedOn(path, await identify(path, signal))
}

/** @throws WuxingError as boardsOnPorts */
function plannedOn(path: string, found: Identity): PlannedOn {
  if (found.kind !== "devicescript")
    throw new WuxingError({
      code: "not-a-board",
      kind: "board",
      message: `${path}: ${found.kind === "firmata" ? `a Firmata board (${found.name})` : found.why}`,
      cause: "something else is plugged in there, or another program has the port",
      help: "name the boards' ports; `wuxing boards` lists what is behind each",
    })
  if (!boardIds().includes(found.profile))
    throw new WuxingError({
      code: "board-unknown",
      kind: "board",
      message: `${path}: there is no profile of this board (${found.profile})`,
      cause: "it runs DeviceScript, but how fast and how large it is was not measured",
      help: `plan for a board like it: ${boardIds().join(", ")}`,
    })
  return { id: found.board.id, profile: readBoardProfile(found.profile) }
}
