import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { wuxing } from "./run-cli"

test("doctor looks at the machine, lets boards learn, and writes a report once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"))
  try {
    const path = join(folder, "report.md")
    const args = ["doctor", "--json", "--quiet", "--on", "sim:1", "--report", path]
    const { status, stdout, stderr } = await wuxing(args)
    expect(status, stderr).toBe(0)
    const { findings, run, problems } = JSON.parse(stdout)
    expect(problems).toBe(0)
    for (const { verdict, fix } of findings) expect(fix === undefined).toBe(verdict === "good")
    expect(run).toMatchObject({ learnt: 100, named: 100, hostMatches: true })
    expect(run.learntPerSecond).toBeGreaterThan(0)
    expect(existsSync(path)).toBe(true)
    const written = readFileSync(path, "utf8")
    expect(written).toContain(run.coefficientsHash)

    const again = await wuxing(args)
    expect(again.status).toBe(2)
    expect(JSON.parse(again.stdout).error.message).toContain(path)
    expect(readFileSync(path, "utf8")).toBe(written)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 150_000)
