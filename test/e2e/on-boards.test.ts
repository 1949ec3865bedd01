/** `wuxing train` and `wuxing eval` with --on: the files and figures of the host, made on boards. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { wuxing } from "../cli/run-cli"

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wuxing-on-boards-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const plan = ["--limit", "12", "--epochs", "2", "--epochs-per-bit", "1", "--quiet", "--json"]

test("a network is taught on boards, kept as the host would keep it, and goes on from there", async () => {
  const path = (name: string) => join(folder, name)
  const boards = path("boards.wuxing")
  const first = await wuxing([
    "train",
    "--model",
    "pico-16",
    "--on",
    "sim:2",
    ...plan,
    "--out",
    boards,
  ])
  expect(first.status, first.stderr).toBe(0)
  const document = JSON.parse(first.stdout)
  expect(document).toMatchObject({ engine: "boards", samples: 24, recoveries: 0 })
  expect(document.boards).toHaveLength(2)
  const host = await wuxing(["train", "--model", "pico-16", ...plan, "--out", path("host.wuxing")])
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
}, 60_000)
