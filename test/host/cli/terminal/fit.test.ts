import { stripVTControlCharacters } from "node:util"
import { expect, test } from "vitest"
import { lasting } from "../../../../host/cli/demo/options"
import { barLine, columnsThatFit, withoutControls } from "../../../../host/cli/terminal/fit"
import { Output } from "../../../../host/cli/terminal/output"
import { startProgress } from "../../../../host/cli/terminal/progress"
import { startShareProgress } from "../../../../host/cli/terminal/share-progress"
import { HeardStream } from "../run-cli"

test("a bar takes the room that is left, and figures give way to it, the last first", () => {
  const figures = ["1234/60000", "1:15 left", "812/s", "96.5 % correct of the last 200"]
  for (const columns of [30, 40, 60, 80, 100, 200]) {
    const line = barLine(columns, "training", 0.5, figures)
    expect(line.length, `${columns}`).toBeLessThan(columns)
    expect(line).toContain(figures[0])
    const [, bar] = /\[(=* *)\]/.exec(line)!
    expect(bar.length).toBeGreaterThanOrEqual(columns < 40 ? 5 : 10)
    // Half of it, to one character.
    expect(Math.abs(bar.lastIndexOf("=") + 1 - bar.length / 2)).toBeLessThan(1)
  }
  expect(barLine(200, "training", 0.5, figures)).toContain(figures.join("  "))
  expect(barLine(80, "training", 0.5, figures)).not.toContain(figures[3])
})

test("no column past the edge: the most important ones, in their order", () => {
  expect(columnsThatFit([10, 10, 10], 31)).toEqual([0, 1, 2])
  expect(columnsThatFit([10, 10, 10], 30)).toEqual([0, 1])
  expect(columnsThatFit([10, 10, 10], 30, [2, 0])).toEqual([0, 2])
  expect(columnsThatFit([100, 10], 30)).toEqual([0])
})

function shown(columns: number, isTTY: boolean, importance?: number[]): string {
  const stdout = new HeardStream(isTTY)
  stdout.columns = columns
  const env = { TERM: "dumb" }
  const output = new Output({}, { stdout, stderr: new HeardStream(), stdin: {}, env })
  const head = ["board", "profile", "neurons", "links", "heap used (B)"]
  const rows = [["ea4a2ef60a041ebf", "手書き数字", 13, 1856, 47960]]
  output.table(head, rows, importance)
  return stdout.text
}

test("a table is cut by importance on a terminal, and says so; elsewhere it is whole", () => {
  const whole = shown(40, false)
  expect(whole).toMatch(/47,960/)
  expect(shown(whole.indexOf("\n") + 1, true)).toBe(whole)
  const cut = shown(50, true, [0, 4])
  // East Asian characters take two places.
  for (const line of cut.split("\n").filter(each => /^[┌│├└]/.test(each)))
    expect(line.length + (line.match(/[぀-鿿]/g) ?? []).length).toBeLessThanOrEqual(50)
  expect(cut).toMatch(/ea4a2ef60a041ebf/)
  expect(cut).toMatch(/47,960/)
  expect(cut).toMatch(/no room for: (profile, )?(neurons, )?links/)
})

test("a matrix of ten classes fits 80 columns whole", () => {
  const stdout = new HeardStream(true)
  const output = new Output({}, { stdout, stderr: new HeardStream(), stdin: {}, env: {} })
  const classes = Array.from({ length: 10 }, (_, i) => String(i))
  output.table(
    ["", ...classes],
    classes.map(name => [name, ...Array(10).fill(1028)]),
  )
  expect(stdout.text).not.toMatch(/no room/)
  for (const line of stripVTControlCharacters(stdout.text).split("\n"))
    expect(line.length).toBeLessThanOrEqual(80)
})

test("progress on a terminal of 80 columns keeps to them", () => {
  const stderr = new HeardStream(true)
  const streams = { stdout: new HeardStream(), stderr, stdin: {}, env: {} }
  let now = 0
  const progress = startProgress(new Output({}, streams), "training", 60_000, () => now)
  for (let done = 0; done <= 60_000; done += 6000) {
    now += 5000
    progress.sample(done, done)
  }
  progress.stop()
  // Each drawing begins by moving the cursor.
  const lines = stderr.text.split("\u001b").map(part => stripVTControlCharacters(`\u001b${part}`))
  expect(lines.some(line => /^training \[=+ *\] \d+\/60000/.test(line))).toBe(true)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
})

test("control characters of names reach no terminal", () => {
  const evil = "a\u001b]0;title\u0007b\u001b[2Jc\rd\u009b31me\u202ef\n\tg"
  expect(withoutControls(evil)).toBe("a]0;titleb[2Jcd31mef\n\tg")
  const stdout = new HeardStream()
  const stderr = new HeardStream()
  const output = new Output({ verbose: true }, { stdout, stderr, stdin: {}, env: {} })
  output.print(evil)
  output.field(evil, evil)
  output.table([evil], [[evil]])
  output.status(evil)
  output.log(evil)
  output.line({ evil })
  for (const { text } of [stdout, stderr]) {
    expect(text).not.toBe("")
    for (const control of ["\u001b", "\u0007", "\r", "\u009b", "\u202e"])
      expect(text).not.toContain(control)
  }
})

test("lines are said above a bar, which is cleared before and drawn again after", () => {
  const stderr = new HeardStream(true)
  stderr.columns = 60
  const output = new Output({}, { stdout: new HeardStream(), stderr, stdin: {}, env: {} })
  let now = 0
  const bar = startShareProgress(output, "memory", () => now)
  bar.say("compiling")
  expect(stripVTControlCharacters(stderr.text)).toBe("compiling\n")
  now = 50_000
  bar.update(0)
  now = 60_000
  bar.update(0.25)
  stderr.text = ""
  bar.say("power off, power on")
  const [line, drawn] = stderr.text.split("\n")
  expect(line.startsWith("\r\u001b[2K")).toBe(true)
  expect(stripVTControlCharacters(line).trim()).toBe("power off, power on")
  // What went before the work is no part of the time.
  expect(stripVTControlCharacters(drawn)).toMatch(/memory \[=+ +\] 25 % {2}0:30 left/)
  stderr.text = ""
  bar.say("and on")
  expect(stderr.text.split("\n")[1]).toContain("25 %")
  bar.stop()
})

test("how long a demo takes is said no more precisely than it is known", () => {
  expect([2, 18, 44, 60, 99, 170].map(lasting).map(line => line.replace(/.*about /, ""))).toEqual([
    ...["5 s", "20 s", "45 s", "1 min", "1.5 min", "3 min"],
  ])
})
