/** A fixed third of the sweep, as tests of two files, so that two workers share it. */
import { expect, it } from "vitest"
import { FAULT_KINDS } from "../../../host/faults/spec"
import { firmware } from "../../firmware/compiled"
import { hashOnHost, Rig } from "./rig"
import { mixed, recorded, sweep } from "./sweep"

/** Nothing of it goes by this machine's clock; one with much else to do may take many times as long. */
const PATIENCE_MS = 1_800_000
/** Has no factor in common with the number of kinds: every kind comes. */
const EVERY = 3

/** Of every third case, in an order of which any part is an even choice, one part of several. */
export function sweepTest(part: number, parts: number): void {
  it(
    `of every third run with a fault at a frame, part ${part + 1} of ${parts}: each ends with the host's hash or a named error`,
    async () => {
      const hash = hashOnHost()
      const rig = Rig.start(1, await firmware())
      try {
        const all = await recorded(rig, hash)
        const third = mixed(all.filter((_, i) => i % EVERY === 0))
        // Not each second one: of an even number, those would be half of the kinds.
        const from = (of: number) => Math.floor((of * third.length) / parts)
        const cases = third.slice(from(part), from(part + 1))
        expect(cases.length).toBeGreaterThan(1_000)
        const kinds = new Set(cases.flatMap(({ rules }) => rules.map(({ kind }) => kind)))
        expect([...kinds].sort()).toEqual(Object.keys(FAULT_KINDS).sort())
        const figures = await sweep(rig, cases, hash)
        expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
        expect(figures.lost).toBe(0)
        expect(figures.runs + figures.unreached).toBe(cases.length)
        expect(figures.survived).toBeGreaterThan(0.9 * cases.length)
      } finally {
        await rig.stop()
      }
    },
    PATIENCE_MS,
  )
}
