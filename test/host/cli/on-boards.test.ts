/** `wuxing train` and `wuxing eval` with --on: the files and figures of the host, made on boards. */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { expect, test } from "vitest"
import { loadModel } from "../../../host/models/model-file"
import { ROOT } from "../../root"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"
import { tool } from "./tool"

/** A board's line of the live table: number, share, samples, messages a second, errors, silence. */
const LINE = /board (\d) \(virtual, \w+\) +(\d+) % +(\d+) +([\d-]+) +(\d+) +([\d.]+) s/g

const main = await tool()
const folder = temporaryFolder("on-boards")

const plan = ["--limit", "60", "--epochs", "2", "--epochs-per-bit", "1"]
/** Boards learn 50 samples a second at most, as their machine holds messages back. */
const SAMPLES = 120

interface OnTerminal {
  status: number | null
  /** All that a person saw, escape sequences included. */
  screen: string
}

/** Runs the tool on a terminal (util-linux's `script`), with stdout in a file; types what `look` returns. */
function onTerminal(args: string[], stdout: string, look: (screen: string) => string | undefined) {
  const quoted = args.map(arg => `'${arg}'`).join(" ")
  const command = `exec ${process.execPath} ${main} ${quoted} > '${stdout}'`
  return new Promise<OnTerminal>((resolve, reject) => {
    const child = spawn("script", ["-qefc", command, "/dev/null"], {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "inherit"],
    })
    let screen = ""
    child.stdout.on("data", chunk => {
      screen += chunk
      const typed = look(screen)
      if (typed !== undefined) child.stdin.write(typed)
    })
    child.on("error", reject)
    child.on("close", status => resolve({ status, screen }))
  })
}

test("a network is taught on boards, stopped by Ctrl-C, goes on there, and is kept as the host would keep it", async () => {
  const path = (name: string) => join(folder, name)
  const boards = path("boards.wuxing")
  const on = ["--on", "sim:2", "--out", boards, "--json"]
  let pressed = false
  const stopped = await onTerminal(
    ["train", "--model", "pico-16", ...plan, ...on],
    path("stopped.json"),
    screen => {
      // Once a board's line says that it has learnt some.
      if (pressed || !/board 1 \(virtual, \w+\) +\d+ % +(\d\d+|[3-9])\b/.test(screen))
        return undefined
      pressed = true
      return "\x03"
    },
  )
  expect(stopped.status, stopped.screen).toBe(130)
  const { error } = JSON.parse(readFileSync(path("stopped.json"), "utf8"))
  expect(error).toMatchObject({
    kind: "interrupted",
    help: `go on with: wuxing train --resume ${boards} --on sim:2`,
  })
  const done = loadModel(boards).training!.samples
  expect(done).toBeGreaterThan(2)
  expect(done).toBeLessThan(SAMPLES)

  // The live table: share, samples, messages a second, errors, silence.
  const seen = stripVTControlCharacters(stopped.screen)
  expect(seen).toMatch(/board +share +samples +msg\/s +errors +silent/)
  const lines = [...seen.matchAll(LINE)].map(([, ...cells]) => cells)
  for (const board of ["0", "1"]) {
    const mine = lines.filter(([number]) => number === board)
    const samples = mine.map(([, , count]) => Number(count))
    expect([...samples].sort((a, b) => a - b)).toEqual(samples)
    expect(samples.at(-1)).toBeGreaterThan(2)
    expect(mine.some(([, , , rate]) => Number(rate) > 1)).toBe(true)
    expect(mine.at(-1)![4]).toBe("0")
    for (const [, , , , , silent] of mine) expect(Number(silent)).toBeLessThan(30)
  }
  const shares = ["0", "1"].map(board => Number(lines.findLast(([b]) => b === board)![1]))
  expect(shares[0] + shares[1]).toBeGreaterThanOrEqual(99)
  expect(shares[0] + shares[1]).toBeLessThanOrEqual(101)

  const resumed = await wuxing(["train", "--resume", boards, "--force", "--quiet", ...on])
  expect(resumed.status, resumed.stderr).toBe(0)
  const document = JSON.parse(resumed.stdout)
  expect(document).toMatchObject({ engine: "boards", recoveries: 0 })
  expect(document.boards).toHaveLength(2)
  const host = await wuxing([
    ...["train", "--model", "pico-16", ...plan, "--quiet", "--json"],
    ...["--out", path("host.wuxing")],
  ])
  expect(host.status, host.stderr).toBe(0)
  expect(JSON.parse(host.stdout).coefficientsHash).toBe(document.coefficientsHash)
  expect(readFileSync(boards).equals(readFileSync(path("host.wuxing")))).toBe(true)

  const named = await wuxing([
    "eval",
    "--model",
    boards,
    "--on",
    "sim:2",
    "--limit",
    "40",
    "--json",
    "--quiet",
  ])
  expect(named.status, named.stderr).toBe(0)
  const byHost = await wuxing(["eval", "--model", boards, "--limit", "40", "--json", "--quiet"])
  const [found, expected] = [named, byHost].map(run => JSON.parse(run.stdout))
  expect(found.confusion).toEqual(expected.confusion)
  expect(found).toMatchObject({ engine: "boards", tested: 40, recoveries: 0 })
  // Several results in one message.
  expect(found.messagesPerSample.busiestBoard).toBeLessThan(1)
}, 300_000)

test("what boards cannot do is refused before any is started", async () => {
  for (const options of [
    ["train", "--model", "pico-16", "--on", "sim:2", "--batch", "4"],
    ["train", "--model", "pico-16", "--on", "sim:2", "--workers", "2"],
    ["eval", "--model", "pico-16", "--on", "sim:2", "--workers", "2"],
    ["eval", "--model", "pico-16", "--on", "sim:9"],
  ]) {
    const { status, stdout } = await wuxing([...options, "--json", "--quiet"])
    expect(status).toBe(2)
    expect(JSON.parse(stdout).error.kind).toBe("usage")
  }
})
