/** Boards found on serial ports, as a plan takes them. */

import { WuxingError } from "../base/errors"
import { boardIds, readBoardProfile } from "../hardware/board-profile"
import { identify } from "../hardware/identify"
import { findPorts } from "../hardware/location"
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

async function boardOn(path: string, signal?: AbortSignal): Promise<PlannedOn> {
  const found = await identify(path, signal)
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
