/** A fixed third of the sweep, as tests of two files, so that two workers share it. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { FAULT_KINDS } from "../../../host/faults/spec"
import { bundled } from "../cli/tool"
import type { Share } from "./sweep-process"

/** Nothing of it goes by this machine's clock; one with much else to do may take many times as long. */
const PATIENCE_MS = 1_800_000

/** Of every third case, in an order of which any part is an even choice, one part of several. */
export function sweepTest(part: number, parts: number): void {
  it(
    `of every third run with a fault at a frame, part ${part + 1} of ${parts}: each ends with the host's hash or a named error`,
    async () => {
      const { all, kinds, figures } = await share(part, parts)
      const { cases } = figures
      expect(Math.abs(cases - all / 3 / parts)).toBeLessThan(1)
      expect(cases).toBeGreaterThan(1_000)
      expect(kinds.sort()).toEqual(Object.keys(FAULT_KINDS).sort())
      expect(figures.notes.filter(({ outcome }) => !outcome.startsWith("error"))).toEqual([])
      expect(figures.lost).toBe(0)
      expect(figures.runs + figures.unreached).toBe(cases)
      expect(figures.survived).toBeGreaterThan(0.9 * cases)
    },
    PATIENCE_MS,
  )
}

async function share(part: number, parts: number): Promise<Share> {
  const folder = await bundled("test/host/faults/sweep-process.ts")
  const args = [String(part), String(parts)]
  const child = fork(join(folder, "sweep-process.mjs"), args, { execArgv: [] })
  try {
    // A child that fails says why on stderr, and nothing here.
    const said = await Promise.race([once(child, "message"), once(child, "exit")])
    expect(said[0], "the program ended without a word").toBeTypeOf("object")
    return said[0]
  } finally {
    child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
