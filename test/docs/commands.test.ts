/** The README's commands, run as they stand there; those for real boards as far as they go without. */
import { spawnSync } from "node:child_process"
import { afterAll, expect, test } from "vitest"
import { wuxing } from "../host/cli/run-cli"
import { temporaryFolder } from "../temporary"
import { pages, shellLines, words } from "./pages"
import { NOT_ALONE } from "./where-run"

const own = process.cwd()
afterAll(() => process.chdir(own))

const shell = (line: string) => spawnSync("sh", ["-c", line], { encoding: "utf8" })

test("every command of the README is run here, or in a test that is named", async () => {
  const [readme] = pages
  const lines = shellLines(readme)
  expect(lines.length).toBeGreaterThan(5)
  for (const line of NOT_ALONE) expect(lines).toContain(line)
  process.chdir(temporaryFolder("readme"))
  for (const line of lines.filter(each => !NOT_ALONE.includes(each))) {
    const [, args] = /^npx wuxing (.*)$/.exec(line) ?? []
    const { status, stdout, stderr } = args ? await wuxing(words(args)) : shell(line)
    expect(status, `${line}\n${stderr}`).toBe(0)
    expect(stdout.trim(), line).not.toBe("")
  }
})
