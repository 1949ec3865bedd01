/** A user's own signals, all the way: recordings, training, measuring, answers, boards. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { readModel } from "../../../host/models/model-source"
import { uniform } from "../../src/signals/reference"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("signals")
const recordings = join(folder, "gestures")

async function json(...args: string[]) {
  const { status, stdout, stderr } = await wuxing([...args, "--json"])
  expect(status, stderr).toBe(0)
  return { ...JSON.parse(stdout), stderr }
}

const GESTURES = {
  circle: (t: number) => [Math.cos(6.3 * t), Math.sin(6.3 * t)],
  lift: (t: number) => [0.1 * t, t ** 2],
  shake: (t: number) => [Math.sin(25 * t), 0.2 * Math.cos(25 * t)],
}

/** No two of the same length, size, turn or noise. */
function recorded(gesture: keyof typeof GESTURES, i: number): string {
  const next = uniform(100 * i + gesture.length)
  const [count, size, turn] = [40 + Math.floor(30 * next()), 1 + 2 * next(), 0.4 * next() - 0.2]
  const rows = Array.from({ length: count }, (_, k) => {
    const [x, y] = GESTURES[gesture](k / (count - 1)).map(v => size * v)
    const noise = () => 0.05 * (next() - 0.5)
    return [
      k * 20,
      x * Math.cos(turn) - y * Math.sin(turn) + noise(),
      x * Math.sin(turn) + y + noise(),
    ]
  })
  return `time (ms),x,y\n${rows.map(row => row.join(",")).join("\n")}\n`
}

beforeAll(() => {
  for (const gesture of Object.keys(GESTURES) as (keyof typeof GESTURES)[]) {
    mkdirSync(join(recordings, gesture), { recursive: true })
    for (let i = 0; i < 20; i++)
      writeFileSync(join(recordings, gesture, `${i}.csv`), recorded(gesture, i))
  }
})

test("recordings are found out, learnt, measured and classified by name, on a board too", async () => {
  const model = join(folder, "gestures.wuxing")
  const trained = await json("train", "--data", recordings, "--out", model)
  expect(trained.stderr).toContain(
    "60 recordings of 3 classes (circle, lift, shake): x, y at 50 Hz",
  )
  expect(trained.network).toBe("64-16-3")
  expect(trained.testAccuracy).toBeGreaterThan(0.9)
  expect(readModel(model, 1).signal?.features).toMatchObject({ kind: "trace", rate: 50 })
  // The command in its record makes the same file again.
  expect(trained.command).toContain("64-16-3")

  const measured = await json("eval", "--model", model, "--data", recordings)
  expect(measured.testAccuracy).toBe(trained.testAccuracy)
  expect(measured.tested).toBe(12)
  expect(measured.classes).toEqual(["circle", "lift", "shake"])

  const files = Object.keys(GESTURES).map(gesture => join(recordings, gesture, "0.csv"))
  const host = await json("predict", "--model", model, ...files)
  expect(host.images.map((image: { class: string }) => image.class)).toEqual(Object.keys(GESTURES))
  const board = await json("predict", "--model", model, "--on", "sim:1", ...files)
  expect(board.images).toEqual(host.images)
}, 240_000)

test("the command in a model's record makes its bits again", async () => {
  const out = join(folder, "window.wuxing")
  const args = [
    "--window",
    "0.5",
    "--features",
    "trace,points=10,scale=own",
    "--epochs",
    "3",
  ].concat(["--vary", "copies=2,speed=0.1,turn=0.1,noise=0.05", "--validation", "10"])
  const first = await json(
    "train",
    "--data",
    recordings,
    ...args,
    "--test-every",
    "3",
    "--out",
    out,
  )
  const again: string[] = (first.command as string)
    .match(/'[^']*'|\S+/g)!
    .slice(1)
    .map(word => word.replace(/^'(.*)'$/, "$1"))
  const second = await json(...again, "--out", join(folder, "again.wuxing"))
  expect(second.coefficientsHash).toBe(first.coefficientsHash)
  expect(second.testAccuracy).toBe(first.testAccuracy)
}, 240_000)

test("what cannot be is refused by name, and writes nothing", async () => {
  for (const [args, code, status] of [
    [["train", "--data", join(folder, "none")], "data-missing", 3],
    [["train", "--model", "8-4-3", "--data", recordings], "data-mismatch", 3],
    [["train", "--data", recordings, "--features", "waves"], "usage", 2],
    [["train", "--data", recordings, "--window", "100"], "recording-short", 3],
    [["train", "--data", recordings, "--test-names", "("], "usage", 2],
    [["train", "--model", "pico-16", "--window", "1"], "usage", 2],
    [["train", "--model", "pico-16", "--vary", "turn=0.1"], "usage", 2],
    [["train", "--data", recordings, "--vary", "turn=0.1", "--limit", "9"], "usage", 2],
    [["train", "--data-each", recordings, "--vary", "turn=0.1"], "usage", 2],
    [["train"], "usage", 2],
  ] as const) {
    const ended = await wuxing([...args, "--json"])
    expect([args.join(" "), JSON.parse(ended.stdout).error.code, ended.status]).toEqual([
      ...[args.join(" "), code, status],
    ])
  }
}, 240_000)

test("recordings whose times have another name: what is said to be wrong is all that is", async () => {
  const german = join(folder, "german")
  const write = (times: string, end: string) => {
    for (const [gesture, at] of Object.entries({ Kreis: "circle", Schütteln: "shake" }))
      for (let i = 0; i < 3; i++) {
        mkdirSync(join(german, gesture), { recursive: true })
        const [, ...rows] = recorded(at as keyof typeof GESTURES, i)
          .trim()
          .split("\n")
        const lines = rows.map(row => row.replaceAll(",", ";").replaceAll(".", ",") + end)
        const text = [`${times};Beschl. X (g);Beschl. Y (g)${end}`, ...lines].join("\r\n")
        writeFileSync(join(german, gesture, `${i}.csv`), `\ufeff${text}\r\n`)
      }
  }
  const train = ["train", "--data", german, "--epochs", "1", "--json", "--quiet"]
  write("Uhr [ms]", "x;")
  const refused = await wuxing(train)
  expect(refused.status).toBe(2)
  const { message, help } = JSON.parse(refused.stdout).error
  expect(message).toMatch(
    /Kreis.0\.csv has neither a column of times nor numbers alone below its names \(it begins with "Uhr \[ms\];Beschl/,
  )
  expect(help).toMatch(/call its times time \(ms\) .* nothing but numbers below the names/)
  write("Uhr [ms]", ";")
  const unrated = JSON.parse((await wuxing(train)).stdout).error
  expect(unrated.message).toMatch(/does not say how many samples a second/)
  expect(unrated.cause).toMatch(/its columns are Uhr \[ms\], Beschl. X/)
  write("time (ms)", ";")
  expect((await wuxing(train)).status).toBe(0)
})
