/** What docs/in-your-program.md says of the library's size and speed on a Cortex-M0+. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import "../../../host/base/memory"
import { grouped } from "../../../host/base/numbers"
import { readModel } from "../../../host/models/model-source"
import { ROOT } from "../../root"
import { temporaryFolder } from "../../temporary"
import { CORES, type Footprint, footprint } from "./machines/footprint"

const HZ = 125_000_000
const folder = temporaryFolder("footprint")
const has = (command: string) => spawnSync(command, ["--version"]).status === 0

describe.skipIf(!has("arm-none-eabi-gcc"))("pico-16 on a Cortex-M0+ (arm-none-eabi-gcc)", () => {
  let f: Footprint
  beforeAll(async () => {
    f = await footprint(CORES[0], readModel("pico-16", 1), folder)
  })

  it("takes at most 12 kB of code, and 5 kB where it only names", () => {
    expect(f.learnsBytes).toBeLessThanOrEqual(12_000)
    expect(f.predictsBytes).toBeLessThanOrEqual(5_000)
    // Both are there.
    expect(f.predictsBytes).toBeGreaterThan(1_500)
    expect(f.learnsBytes).toBeGreaterThan(f.predictsBytes! + 2_000)
  })

  it("names 4,000 images a second of its own clock, and learns 1,650", () => {
    expect(f.learnt.filter(Boolean).length).toBeGreaterThan(30)
    expect(HZ / f.predictCycles!).toBeGreaterThan(4_000)
    expect(HZ / f.learnCycles!).toBeGreaterThan(1_650)
  })

  it("as the page says, within 1 %", () => {
    const page = readFileSync(`${ROOT}docs/in-your-program.md`, "utf8")
    const row = /^\| pico-16 \| Cortex-M0\+ \|(.*)\|$/m.exec(page)![1]
    const stated = row.split("|").map(cell => Number(cell.replaceAll(",", "")))
    const { flashBytes, predictBytes, learnBytes } = f.made
    const found = [f.learnsBytes, f.predictsBytes, flashBytes, predictBytes, learnBytes]
    for (const [i, n] of [...found, f.predictCycles, f.learnCycles].entries())
      expect(Math.abs(stated[i] / n! - 1), `${grouped(n!)}, cell ${i}`).toBeLessThan(0.01)
  })
})
