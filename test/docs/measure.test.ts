/** What `npm run figures` makes of the README. */
import { expect, test } from "vitest"
import { withFigures, withRun } from "./measure"
import { readme } from "./pages"

test("the run shown is replaced, with its date and machine, and nothing else", () => {
  const run = {
    stdout: "accuracy 1 %\n",
    seconds: 61.6,
    date: "2020-01-02",
    machine: "a $& machine",
  }
  const once = withRun(readme.text, run)
  expect(once).toContain(
    "## What it prints\n\n```\naccuracy 1 %\n```\n\nMeasured on 2020-01-02 by `npm run figures`: 62 s in all, on a $& machine.\n",
  )
  expect(withRun(once, { ...run, stdout: "accuracy 2 %\n" })).toBe(
    once.replace("accuracy 1 %", "accuracy 2 %"),
  )
  const [before, after] = readme.text.split(/## What it prints\n\n```\n[\s\S]*?```\n/)
  expect(once.startsWith(before)).toBe(true)
  expect(once.endsWith(after.replace(/^\nMeasured on [^\n]*\n/, ""))).toBe(true)
})

test("its table of figures is that of the pages", () => {
  expect(withFigures(readme.text)).toBe(readme.text)
  expect(readme.text).toMatch(/\| `pico-16` \| 3,712 \| 96\.\d\d % \| 7\.\d \/ 2\.\d \|/)
  expect(readme.text.split("\n").length).toBeLessThanOrEqual(200)
})
