/** A preset's name means its trained network in every command that uses one. */
import { join } from "node:path"
import { expect, test } from "vitest"
import { sha256 } from "../../../../host/base/sha256"
import { saveModel } from "../../../../host/models/model-file"
import { untrained } from "../../../../host/models/model-source"
import { trainedModel } from "../../../../host/models/trained"
import { preset } from "../../../../host/network/presets"
import { temporaryFolder } from "../../../temporary"
import { wuxing } from "../run-cli"

const folder = temporaryFolder("networks")

async function json(...args: string[]) {
  const { status, stdout } = await wuxing([...args, "--json", "--quiet"])
  return { status, ...JSON.parse(stdout) }
}

const trained = sha256(trainedModel("pico-fast").coefficients)
const drawn = (seed: number) => sha256(untrained(preset("pico-fast", seed)!).coefficients)

test.each([
  [[], trained],
  [["--trained"], trained],
  [["--fresh"], drawn(1)],
  [["--fresh", "--seed", "9"], drawn(9)],
])("eval and inspect %j", async (flags, hash) => {
  const inspected = await json("inspect", "pico-fast", ...flags)
  expect(inspected.coefficientsHash).toBe(hash)
  const args = ["--model", "pico-fast", "--limit", "50", ...flags]
  const { coefficientsHash, trained: isTrained } = await json("eval", ...args)
  expect(coefficientsHash).toBe(hash)
  expect(isTrained).toBe(hash === trained)
})

test("the network that is kept as trained only has a name like the others", async () => {
  expect((await json("inspect", "model1-method-1")).network.name).toBe("model1")
  expect((await json("inspect", "model1-method-1", "--fresh")).error.code).toBe(
    "model-only-trained",
  )
})

test("a size is drawn by its seed; a file is what it is", async () => {
  const path = join(folder, "a.wuxing")
  saveModel(path, untrained(preset("pico-fast", 5)!))
  expect((await json("inspect", path)).coefficientsHash).toBe(drawn(5))
  const [one, two] = [
    await json("inspect", "64-8-3"),
    await json("inspect", "64-8-3", "--seed", "2"),
  ]
  expect(one.coefficientsHash).not.toBe(two.coefficientsHash)
  for (const args of [
    ["pico-fast", "--seed", "9"],
    ["pico-fast", "--fresh", "--trained"],
    [path, "--fresh"],
  ])
    expect((await json("inspect", ...args)).error, args.join(" ")).toMatchObject({ code: "usage" })
})

test("partition, export, profile and predict take the same options", async () => {
  for (const command of ["partition", "export", "profile", "predict", "eval", "inspect"]) {
    const { stdout } = await wuxing(["help", command])
    expect(stdout, command).toMatch(/--fresh .*a preset as drawn by its seed/)
    expect(stdout, command).toMatch(/--seed <n>/)
    expect(stdout, command).not.toMatch(/--trained/)
  }
})
