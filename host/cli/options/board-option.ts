/** `--board esp32-s2`: a program whose memory suits that board's heap. */
import { shardBytesOf } from "../../../src/base/heap"
import { readBoardProfile } from "../../hardware/board-profile"
import { usageError } from "./usage"

export interface BoardOption {
  board?: string
}

/**
 * What the program is to set aside, bytes; undefined: as it does for 64 KiB.
 *
 * @throws WuxingError as readBoardProfile; "usage" for what is no board of DeviceScript's
 */
export function shardBytesFor({ board }: BoardOption): number | undefined {
  if (board === undefined) return undefined
  const { deviceScriptBoard, heapBytes } = readBoardProfile(board)
  if (deviceScriptBoard === null && board !== "virtual")
    throw usageError(`--board ${board} runs no DeviceScript`, "name a board that does, or virtual")
  return shardBytesOf(heapBytes)
}
