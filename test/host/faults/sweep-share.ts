/** A fixed part of the sweep, as a test. */
import { expect, it } from "vitest"
import { firmware } from "../../firmware/compiled"
import { hashOnHost, Rig } from "./rig"
import { mixed, recorded, sweep } from "./sweep"

/** Nothing of it goes by this machine's clock; one with much else to do may take many times as long. */
const PATIENCE_MS = 1_800_000

/** Every `every`th case of all, from the `from`th on. */
export function sweepTest(from: number, every: number): void {
  it(
    `of every ${every}th run with a fault at a frame, each ends with the host's hash or a named error`,
    async () => {
      const hash = hashOnHost()
      const rig = Rig.start(1, await firmware())
      try {
        const all = await recorded(rig, hash)
        const cases = mixed(all.filter((_, i) => i % every === from))
        const figures = await sweep(rig, cases, hash)
        expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
        expect(figures.lost).toBe(0)
        expect(figures.survived).toBeGreaterThan(0.9 * cases.length)
      } finally {
        await rig.stop()
      }
    },
    PATIENCE_MS,
  )
}
