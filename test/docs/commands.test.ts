/** The README's commands, run as they stand there; those for real boards as far as they go without. */
import { expect, test } from "vitest"
import { wuxing } from "../host/cli/run-cli"
import { pages, shellLines, words } from "./pages"

/** Lines of the README, and where they are run if not here. */
const ELSEWHERE = [
  // test/host/cli/demo/demo.test.ts, and its printed figures in pages.test.ts.
  "npm ci && npm start",
  // By whoever reads this.
  "npm ci && npm test",
  "npm run test:system",
  // It runs until Ctrl-C: test/dashboard/.
  "npm run -s wuxing -- dashboard",
  // Without boards there is none to find: test/host/fleet/serial.test.ts runs the first two with virtual
  // boards behind serial ports, test/host/cli/own-data.test.ts the third on one without.
  "npm run -s wuxing -- deploy",
  "npm run -s wuxing -- demo --on serial --train 200 --test 100",
  "npm run -s wuxing -- predict --on serial digit.png",
]

test("every command of the README is run here, or in a test that is named", async () => {
  const [readme] = pages
  const lines = shellLines(readme)
  expect(lines.length).toBeGreaterThan(5)
  for (const line of ELSEWHERE) expect(lines).toContain(line)
  for (const line of lines.filter(each => !ELSEWHERE.includes(each))) {
    const [, args] = /^npm run -s wuxing -- (.*)$/.exec(line) ?? []
    expect(args, line).toBeDefined()
    const { status, stdout, stderr } = await wuxing(words(args!))
    expect(status, `${line}\n${stderr}`).toBe(0)
    expect(stdout.trim(), line).not.toBe("")
  }
}, 120_000)
