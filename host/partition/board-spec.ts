/** Boards by name and number, as a user writes them: "pico:4,esp32c3:2". */

import { WuxingError } from "../base/errors"
import { type BoardProfile, boardIds, chipIds, readBoardProfile } from "../hardware/board-profile"

export interface PlannedOn {
  /** Its profile's id and its number among those: "pico-1". */
  id: string
  profile: BoardProfile
}

/** Boards of one plan. */
export const MOST_BOARDS = 64

/**
 * @param spec profiles' ids, with or without their hyphens, each perhaps followed by ":" and how many
 * @throws WuxingError "boards-spec" or "board-unknown" (kind "usage")
 */
export function parseBoards(spec: string): PlannedOn[] {
  const counts = new Map<string, number>()
  for (const part of spec.split(",")) {
    const [, name, number] = /^\s*([A-Za-z][\w-]*)(?::([1-9]\d{0,3}))?\s*$/.exec(part) ?? []
    if (name === undefined) throw badSpec(spec, `"${part}" is not a board and perhaps how many`)
    const plain = (id: string) => id.toLowerCase().replace(/[-_]/g, "")
    const id = boardIds().find(known => plain(known) === plain(name)) ?? name
    if (!boardIds().includes(id)) throw unknown(spec, id)
    counts.set(id, (counts.get(id) ?? 0) + Number(number ?? 1))
  }
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
  if (total > MOST_BOARDS) throw badSpec(spec, `it names ${total} boards, at most ${MOST_BOARDS}`)
  return [...counts].flatMap(([id, count]) => boardsOf(id, count))
}

function boardsOf(id: string, count: number): PlannedOn[] {
  const profile = readBoardProfile(id)
  return Array.from({ length: count }, (_, i) => ({ id: `${id}-${i + 1}`, profile }))
}

function unknown(spec: string, id: string): WuxingError {
  const chip = chipIds().includes(id)
  return new WuxingError({
    code: "board-unknown",
    kind: "usage",
    message: chip
      ? `--boards is "${spec}": ${id} is a neuromorphic chip, which stands alone`
      : `--boards is "${spec}": there is no board profile "${id}"`,
    cause: chip ? undefined : "the name is misspelt, or the board has no profile yet",
    help: `use some of: ${boardIds().join(", ")}; or one of: ${chipIds().join(", ")}`,
  })
}

function badSpec(spec: string, what: string): WuxingError {
  return new WuxingError({
    code: "boards-spec",
    kind: "usage",
    message: `--boards is "${spec}": ${what}`,
    cause: "boards are given as profiles and numbers, joined by commas",
    help: "for example --boards pico:4,esp32-c3:2",
  })
}
