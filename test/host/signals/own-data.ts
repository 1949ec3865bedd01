/** The recordings of ../shared/data (wand, spoken), where they are. */
import { existsSync } from "node:fs"
import { ROOT } from "../../root"

export const WAND = "../shared/data/wand"

export function hasData(path: string): boolean {
  return existsSync(`${ROOT}${path}`)
}
