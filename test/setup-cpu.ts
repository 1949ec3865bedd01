/**
 * What each test file takes of the processor, where `WUXING_TEST_CPU` names a file: a line for each with the
 * seconds of a core that its process took since the file before, those of children that have ended, and the
 * test file. Linux alone.
 */
import { appendFileSync, readFileSync } from "node:fs"
import { relative } from "node:path"
import { afterAll, expect } from "vitest"
import { ROOT } from "./root"

/** Ticks of a second (USER_HZ, the same on all of Linux's machines). */
const TICKS = 100

/** Of this process and of its children, s (man 5 proc: after the name, which may hold spaces). */
function taken(): [number, number] {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
  const [user, system, childrensUser, childrensSystem] = fields.slice(11, 15).map(Number)
  return [(user + system) / TICKS, (childrensUser + childrensSystem) / TICKS]
}

// Files run in the same process one after the other; this module is loaded anew for each.
const kept = globalThis as { wuxingTestCpu?: [number, number] }
const into = process.env.WUXING_TEST_CPU
if (into)
  afterAll(() => {
    const before = kept.wuxingTestCpu ?? [0, 0]
    const now = taken()
    kept.wuxingTestCpu = now
    const [own, childrens] = now.map((s, i) => (s - before[i]).toFixed(2))
    appendFileSync(
      into,
      `${own} ${childrens} ${relative(ROOT, expect.getState().testPath ?? "")}\n`,
    )
  })
