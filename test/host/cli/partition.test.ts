import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("plan")

const document = ({ stdout }: { stdout: string }) => JSON.parse(stdout)
const plan = (...args: string[]) => wuxing(["partition", ...args, "--json"])

test("a plan as one document and as a picture", async () => {
  const svg = join(folder, "plan.svg")
  const ended = await plan("--model", "pico-32", "--boards", "pico:2,esp32c3", "--svg", svg)
  expect(ended.status).toBe(0)
  const { boards, ...rest } = document(ended)
  expect(boards.map((b: { id: string }) => b.id)).toEqual(["pico-1", "pico-2", "esp32-c3-1"])
  for (const board of boards)
    expect(Object.keys(board).sort()).toEqual(
      [
        ...["id", "profile", "neurons", "links", "shardBytes", "heapBytes", "heapPercent"],
        ...["msPerSample", "inSignals", "outSignals"],
      ].sort(),
    )
  expect(rest).toMatchObject({ network: "pico-32", feasible: true, reason: null })
  expect(boards.reduce((sum: number, b: { neurons: number }) => sum + b.neurons, 0)).toBe(42)
  const out = boards.reduce((sum: number, b: { inSignals: number }) => sum + b.inSignals, 0)
  expect(rest.cutSignals).toBe(out)
  expect(rest.predictedSamplesPerSecond).toBeGreaterThan(1)
  expect(rest.messagesPerSample).toBeGreaterThan(0)
  // Of a plan made for learning, which this one for naming is not.
  const { network, samples, faster, average } = rest.sharing
  expect(network).toBeGreaterThan(rest.learning.predictedSamplesPerSecond)
  expect([average, faster]).toEqual([50, samples > 1.05 * network ? "samples" : "network"])
  const picture = readFileSync(svg, "utf8")
  expect(picture).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
  for (const { id, neurons } of boards) {
    expect(picture).toContain(`>${id}</text>`)
    expect(neurons).toBeGreaterThan(0)
  }
})

test("a network that does not fit: status 6, the report and the error in one document", async () => {
  const ended = await plan("--model", "fleet-64", "--boards", "pico")
  expect(ended.status).toBe(6)
  const { error, shortfall, feasible, reason } = document(ended)
  expect(error).toMatchObject({ code: "plan-too-large", kind: "capacity", exitStatus: 6 })
  expect(feasible).toBe(false)
  expect(reason).toMatch(/heap/)
  expect(shortfall.unplaced[0].bytes).toBeGreaterThan(1000)
  expect(error.help).toContain(shortfall.remedies[0])
})

test.each([
  [["--boards", "pico"], "usage", /--model is missing/],
  [["--model", "pico-16"], "usage", /--boards is missing/],
  [["--model", "pico-16", "--boards", "pico:none"], "boards-spec", /"pico:none"/],
  [["--model", "pico-16", "--boards", "pico,loihi"], "board-unknown", /loihi is a neuromorphic/],
])("%j is refused", async (args, code, message) => {
  const ended = await plan(...args)
  expect(ended.status).toBe(2)
  expect(document(ended).error).toMatchObject({ code, message: expect.stringMatching(message) })
})

test("a picture that cannot be written, or is there already, is refused before the plan", async () => {
  const args = ["--model", "pico-16", "--boards", "pico", "--svg"]
  const nowhere = await plan(...args, "/nowhere/x")
  expect(nowhere.status).toBe(3)
  expect(document(nowhere).error).toMatchObject({ code: "picture-unwritable" })
  const there = await plan(...args, "README.md")
  expect(there.status).toBe(2)
  expect(document(there).error.help).toMatch(/--force/)
})
