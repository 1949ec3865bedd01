/** The README's commands, run as they stand there; those for real boards as far as they go without. */
import { expect, test } from "vitest"
import { wuxing } from "../host/cli/run-cli"
import { pages, shellLines, words } from "./pages"
import { NOT_ALONE } from "./where-run"

test("every command of the README is run here, or in a test that is named", async () => {
  const [readme] = pages
  const lines = shellLines(readme)
  expect(lines.length).toBeGreaterThan(5)
  for (const line of NOT_ALONE) expect(lines).toContain(line)
  for (const line of lines.filter(each => !NOT_ALONE.includes(each))) {
    const [, args] = /^npm run -s wuxing -- (.*)$/.exec(line) ?? []
    expect(args, line).toBeDefined()
    const { status, stdout, stderr } = await wuxing(words(args!))
    expect(status, `${line}\n${stderr}`).toBe(0)
    expect(stdout.trim(), line).not.toBe("")
  }
}, 120_000)
