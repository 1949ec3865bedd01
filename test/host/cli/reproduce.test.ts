import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { rows } from "../../../host/reproduce/rows"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("reproduce")

test("an unknown row is a usage error that lists the rows", async () => {
  const out = join(folder, "none")
  const { status, stderr } = await wuxing(["reproduce", "fixed-piont", "--out", out])
  expect(status).toBe(2)
  expect(stderr).toContain('there is no row "fixed-piont"')
  for (const { name } of rows) expect(stderr).toContain(name)
  expect(existsSync(out)).toBe(false)
})

test("a folder of other things, such as the repository's own, is refused", async () => {
  const { status, stderr } = await wuxing(["reproduce", "fixed-point", "--quick", "--out", "host"])
  expect(status).toBe(2)
  expect(stderr).toContain("host holds other files")
})

test("quick rows: a table on stdout, the report in the folder; with --json one document", async () => {
  const out = join(folder, "report")
  const text = await wuxing(["reproduce", "fixed-point", "--quick", "--out", out])
  expect(text.status).toBe(0)
  expect(text.stdout).toContain("fixed-point")
  expect(text.stdout).toContain(join(out, "reproduction.md"))

  const json = await wuxing([
    ...["reproduce", "storing", "--quick", "--out", out, "--seed", "7", "--json"],
  ])
  expect(json.status).toBe(0)
  const document = JSON.parse(json.stdout)
  expect(document).toMatchObject({ scale: "quick", seed: 7, out })
  expect(document.rows.map((r: { name: string }) => r.name)).toEqual(["storing"])
  expect(document.rows[0].command).toBe("wuxing reproduce storing --quick --seed 7")
  const kept = JSON.parse(readFileSync(document.json, "utf8")).rows
  expect(kept.map((r: { name: string }) => r.name)).toEqual(["fixed-point", "storing"])
  for (const { figures } of kept)
    for (const figure of figures)
      expect(readFileSync(join(out, figure), "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
})

test("Ctrl-C ends in order: status 130, what was measured is kept as partial", async () => {
  const out = join(folder, "stopped")
  let stopped = false
  const { status, stdout, stderr } = await wuxing(
    ["reproduce", "fixed-point", "link-ratio", "noise", "--out", out, "--json"],
    {
      onStderr: (text, child) => {
        // The full perceptron takes minutes: it is under way when the row before it is done.
        if (stopped || !text.includes("fixed-point: done")) return
        stopped = true
        setTimeout(() => child.kill("SIGINT"), 2000)
      },
    },
  )
  expect(status).toBe(130)
  expect(stderr).toContain("measure the rest with: wuxing reproduce link-ratio noise")
  const { rows: run, error } = JSON.parse(stdout)
  expect(error.code).toBe("interrupted")
  expect(run.map((r: { name: string; status: string }) => [r.name, r.status])).toEqual([
    ["fixed-point", "done"],
    ["link-ratio", "partial"],
  ])
  expect(readFileSync(join(out, "reproduction.md"), "utf8")).toContain("Partial: stopped by SIGINT")
})
