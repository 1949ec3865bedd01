/** A fixed third of the sweep, as tests of two files, so that two workers share it. */
import { expect, it } from "vitest"
import { FAULT_KINDS } from "../../../host/faults/spec"
import { firmware } from "../../firmware/compiled"
import { FEW_SAMPLES, hashOnHost, Rig } from "./rig"
import { type Case, mixed, recorded, sweep, together } from "./sweep"

/** Nothing of it goes by this machine's clock; one with much else to do may take many times as long. */
const PATIENCE_MS = 1_800_000
/** Has no factor in common with the number of kinds: every kind comes. */
const EVERY = 3

/**
 * Of every third case, in an order of which any part is an even choice, one part of several. Where a fault
 * meets deploying (two thirds of the cases), the run learns fewer samples than it does in `npm run faults`.
 */
export function sweepTest(part: number, parts: number): void {
  it(
    `of every third run with a fault at a frame, part ${part + 1} of ${parts}: each ends with the host's hash or a named error`,
    async () => {
      const bytecode = await firmware()
      const running = { rig: Rig.start(1, bytecode), hash: hashOnHost() }
      const deploying = {
        rig: Rig.start(1, bytecode, FEW_SAMPLES),
        hash: hashOnHost(FEW_SAMPLES),
      }
      const casesOf = async ({ rig, hash }: typeof running, ofDeploys: boolean) =>
        (await recorded(rig, hash)).filter(({ deploys }) => deploys === ofDeploys)
      try {
        const all = [...(await casesOf(deploying, true)), ...(await casesOf(running, false))]
        const third = mixed(all.filter((_, i) => i % EVERY === 0))
        // Every phase of a run comes, at its least frequent frames too.
        expect(streamsOf(third)).toEqual(streamsOf(all))
        // Not each second one: of an even number, those would be half of the kinds.
        const from = (of: number) => Math.floor((of * third.length) / parts)
        const cases = third.slice(from(part), from(part + 1))
        expect(cases.length).toBeGreaterThan(1_000)
        const kinds = new Set(cases.flatMap(({ rules }) => rules.map(({ kind }) => kind)))
        expect([...kinds].sort()).toEqual(Object.keys(FAULT_KINDS).sort())
        const swept = ({ rig, hash }: typeof running, ofDeploys: boolean) =>
          sweep(
            rig,
            cases.filter(({ deploys }) => deploys === ofDeploys),
            hash,
          )
        const figures = together(await swept(deploying, true), await swept(running, false))
        expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
        expect(figures.lost).toBe(0)
        expect(figures.runs + figures.unreached).toBe(cases.length)
        expect(figures.survived).toBeGreaterThan(0.9 * cases.length)
      } finally {
        await Promise.all([running.rig.stop(), deploying.rig.stop()])
      }
    },
    PATIENCE_MS,
  )
}

/** Names of the streams that faults are put into: "0.in.ack". */
function streamsOf(cases: Case[]): string[] {
  return [...new Set(cases.flatMap(({ rules }) => rules.map(({ stream }) => stream!)))].sort()
}
