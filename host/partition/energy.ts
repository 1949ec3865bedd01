/**
 * Energy, estimated: what a board draws while it computes (its profile's supply, from a datasheet or
 * from others' measurements) times how long it takes. Nobody has measured it here.
 */
import type { BoardProfile } from "../hardware/board-profile"

/**
 * @param ms how long the board is on
 * @returns millijoules; undefined where the profile knows no supply
 */
export function energyMillijoules({ supply }: BoardProfile, ms: number): number | undefined {
  if (supply === undefined) return undefined
  // V · mA · ms = µJ
  return (supply.volts * supply.milliamps * ms) / 1000
}

/** Of several boards that are all on for `ms`; undefined where one of them is not known. */
export function energyTogether(boards: BoardProfile[], ms: number): number | undefined {
  let total = 0
  for (const board of boards) {
    const own = energyMillijoules(board, ms)
    if (own === undefined) return undefined
    total += own
  }
  return total
}
