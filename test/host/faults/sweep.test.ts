/** `npm run faults -- --quick`: whatever befalls a frame, the same hash or an error by name. */
import { expect, it } from "vitest"
import { firmware } from "../../firmware/compiled"
import { hashOnHost, Rig } from "./rig"
import { mixed, QUICK_EVERY, recorded, sweep } from "./sweep"

const PAIRS = 6

it("a run with a fault at a frame ends with the host's hash or with a named error", async () => {
  const hash = hashOnHost()
  const rig = await Rig.start(PAIRS, await firmware())
  try {
    const all = await recorded(rig, hash)
    const cases = mixed(all.filter((_, i) => i % QUICK_EVERY === 0))
    const figures = await sweep(rig, cases, hash)
    expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
    expect(figures.lost).toBe(0)
    expect(figures.survived).toBeGreaterThan(0.8 * cases.length)
  } finally {
    await rig.stop()
  }
}, 600_000)
