/** A part of `npm run faults`: whatever befalls a frame, the same hash or an error by name. */
import { describe, expect, it } from "vitest"
import { firmware } from "../firmware/compiled"
import { hashOnHost, Rig } from "./rig"
import { casesOf, sweep } from "./sweep"

/** Has no factor in common with the number of kinds: every kind comes. */
const EVERY = 401

describe("a run with a fault at a frame", () => {
  it("ends with the host's hash or with a named error", { timeout: 180_000 }, async () => {
    const bytecode = await firmware()
    const hash = hashOnHost()
    const rig = await Rig.start(3, bytecode)
    try {
      const deploying = await rig.run(0, [], true)
      const running = await rig.run(0, [], false)
      expect([deploying.hash, running.hash]).toEqual([hash, hash])
      const all = casesOf(deploying.injector.counts, running.injector.counts)
      const cases = all.filter((_, i) => i % EVERY === 100)
      const figures = await sweep(rig, cases, hash)
      expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
      expect(figures.lost).toBe(0)
      expect(figures.survived).toBeGreaterThan(0.8 * cases.length)
    } finally {
      await rig.stop()
    }
  })
})
