/** `wuxing dashboard` and `--dashboard`: a page's requests are part of the run. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { encodeBytes, type FromPage, type ToPage } from "../../../host/dashboard/messages"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { loadModel } from "../../../host/models/model-file"
import { onUrl, visit as visitWith } from "./page-visitor"
import { wuxing } from "./run-cli"

const token = "a-token-of-the-tests"
const BUSY_MS = 150_000
const mnist = readMnist(process.env.WUXING_MNIST)
const digits = Array.from({ length: 10 }, (_, i) => String(i))
const image = encodeBytes(imageAt(mnist.test, 0))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wuxing-dashboard-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const visit = (url: string, answer: (message: ToPage) => FromPage[]) =>
  visitWith(url, token, answer)

it(
  "holds a demo, teaches it and slows it down; its host does the same, to the bit",
  async () => {
    const heard = new Set<string>()
    let learnt = 0
    const onStderr = onUrl(url =>
      visit(url, message => {
        heard.add(message.type)
        if (message.type === "hello")
          return [{ type: "pause" }, { type: "teach", id: 1, image, label: 3 }]
        if (message.type === "answer") {
          expect(message.taught).toBe(3)
          return [{ type: "resume" }]
        }
        if (message.type !== "update" || message.kind !== "learning") return []
        learnt += message.samples.length
        return learnt === message.samples.length ? [{ type: "rate", bits: 3 }] : []
      }),
    )
    const { status, stdout } = await wuxing(
      [
        ...["demo", "--boards", "1", "--train", "24", "--test", "6", "--json"],
        ...["--dashboard", "0", "--token", token],
      ],
      { onStderr },
    )
    expect(JSON.parse(stdout)).toMatchObject({ hostMatches: true, taught: 1 })
    expect(status).toBe(0)
    expect(learnt).toBe(24)
    for (const type of ["hello", "control", "fleet", "update", "answer", "log"])
      expect(heard).toContain(type)
  },
  BUSY_MS,
)

it(
  "ends a dashboard by Ctrl-C, and keeps what it was taught",
  async () => {
    const out = join(folder, "taught.wuxing")
    const { status, stdout } = await wuxing(
      ["dashboard", "--on", "sim:1", "--port", "0", "--token", token, "--out", out, "--json"],
      {
        onStdout: onUrl((url, child) =>
          visit(url, message => {
            if (message.type === "hello") return [{ type: "teach", id: 1, image, label: 3 }]
            if (message.type === "answer") child.kill("SIGINT")
            return []
          }),
        ),
      },
    )
    const [ready, end] = stdout
      .trim()
      .split("\n")
      .map(line => JSON.parse(line))
    expect(ready).toMatchObject({ event: "ready" })
    expect(end).toMatchObject({ event: "end", learnt: 0, taught: 1, out })
    expect(status).toBe(0)
    expect(loadModel(out).network.name).toBe("pico-16")
  },
  BUSY_MS,
)

it(
  "has no class added that the board's memory has no room for, says so, and goes on as before",
  async () => {
    const said: string[] = []
    let hellos = 0
    const { status, stdout, stderr } = await wuxing(
      [
        // As much as a board's program has room for: with 11 outputs it is too much.
        ...["dashboard", "--on", "sim:1", "--model", "784-39-10@128"],
        ...["--port", "0", "--token", token, "--json"],
      ],
      {
        onStdout: onUrl((url, child) =>
          visit(url, message => {
            if (message.type === "hello") {
              expect(message.classes.length).toBe(10)
              hellos++
              return hellos === 1
                ? [{ type: "teach", id: 1, image, label: 3 }]
                : [{ type: "teach", id: 2, image, label: 4 }]
            }
            if (message.type === "refused") said.push(message.what)
            if (message.type !== "answer") return []
            if (message.id === 2) child.kill("SIGINT")
            return message.id === 1 ? [{ type: "add-class", name: "heart" }] : []
          }),
        ),
      },
    )
    expect(stderr).not.toContain("heart is a class now")
    expect(said).toEqual([expect.stringMatching(/^There is no class heart: .*TooLarge/)])
    expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toMatchObject({
      ...{ event: "end", taught: 2, network: "784-39-10@128", classes: digits },
    })
    expect(status).toBe(0)
  },
  BUSY_MS,
)

it(
  "shows a training on the host, which it holds and teaches; there is no fleet to see",
  async () => {
    const out = join(folder, "watched.wuxing")
    let learnt = 0
    const onStderr = onUrl(url =>
      visit(url, message => {
        if (message.type === "hello") {
          expect(message.boards).toEqual([])
          // The training does not wait for a page: what it learnt before is in the tallies.
          learnt = message.tallies.learning.samples
          return [{ type: "pause" }, { type: "teach", id: 1, image, label: 3 }]
        }
        if (message.type === "update") learnt += message.samples.length
        if (message.type !== "answer") return []
        expect(message.taught).toBe(3)
        return [{ type: "resume" }]
      }),
    )
    const { status, stdout } = await wuxing(
      [
        ...["train", "--model", "pico-16", "--limit", "1000", "--epochs", "1", "--out", out],
        ...["--dashboard", "0", "--token", token, "--json"],
      ],
      { onStderr },
    )
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ engine: "host", samples: 1000, taught: 1 })
    expect(learnt).toBe(1000)
    expect(loadModel(out).training?.command).toContain("# and 1 lessons by hand")
  },
  BUSY_MS,
)

it(
  "says what does not go together",
  async () => {
    const said = await Promise.all(
      [
        ["dashboard", "--host", "0.0.0.0"],
        ["dashboard", "--token", "short"],
        ["demo", "--token", token],
        ["train", "--model", "pico-16", "--dashboard", "--batch", "16"],
      ].map(args => wuxing(args)),
    )
    expect(said.map(({ status }) => status)).toEqual([2, 2, 2, 2])
    const [host, short, none, batch] = said.map(({ stderr }) => stderr)
    expect(host).toContain("lets other machines in, and there is no --token")
    expect(short).toContain("--token has 5 characters")
    expect(none).toContain("the dashboard's, and there is none")
    expect(batch).toContain("--batch is 16, but --dashboard shows one sample at a time")
  },
  BUSY_MS,
)
