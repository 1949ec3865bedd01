/** What `wuxing train` says of itself where it does other than one might think, and what it refuses, and when. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { beginTraining } from "../../../../host/cli/train/begin"
import { loadModel } from "../../../../host/models/model-file"
import { temporaryFolder } from "../../../temporary"
import { wuxing } from "../run-cli"

const folder = temporaryFolder("train-notes")
const at = (name: string) => join(folder, name)

describe("the rate's rise", () => {
  const begin = async (model: string, options: object) => {
    const said: string[] = []
    const output = { status: (text: string) => said.push(text), log: () => {} }
    const context = { output, signal: new AbortController().signal }
    const { training, command } = await beginTraining(
      { model, engine: "host", workers: 1, ...options },
      context as unknown as Parameters<typeof beginTraining>[1],
    )
    await training.close()
    return { warm: training.plan.smooth!.warm, command, said: said.join("\n") }
  }

  test("is the preset's with all images, and 5,120 samples where they are few", async () => {
    for (const options of [{}, { limit: 3414 }, { limit: 640, warmUp: 1.5 }]) {
      const { warm, said } = await begin("mnist-tiny", options)
      expect(warm).toBe(150)
      expect(said).not.toContain("rises")
    }
    expect((await begin("mnist-windows", {})).warm).toBe(100)
    const { warm, command, said } = await begin("mnist-tiny", { limit: 640 })
    expect(warm).toBe(800)
    expect(command).toContain(" --warm-up 8 ")
    expect(said).toMatch(/rises over the first 8 epochs, not 1\.5, as 640 samples/)
    // Half of the training at most.
    expect((await begin("mnist-tiny", { limit: 100 })).warm).toBe(1000)
    expect((await begin("mnist-tiny", { limit: 100, epochs: 1 })).warm).toBe(150)
  })

  test("lets mnist-tiny learn 640 images, of which it named a sixth", async () => {
    const { status, stdout } = await wuxing(
      "train --model mnist-tiny --limit 640 --epochs 16 --json".split(" "),
    )
    expect(status).toBe(0)
    expect(JSON.parse(stdout).trainAccuracy).toBeGreaterThan(0.9)
  })
})

const said = async (command: string) => {
  const { status, stderr } = await wuxing(["train", ...command.split(" ")])
  return { status, text: stderr.replace(/\s+/g, " ") }
}

test("what boards cannot teach is refused once, with all reasons, before a board is looked for", async () => {
  const { status, text } = await said("--model mnist-tiny --on serial:/dev/ttyNONE")
  expect(status).toBe(2)
  for (const reason of ["four bits", "--cosine", "boards-cannot-teach"])
    expect(text).toContain(reason)
  for (const share of ["", " --share samples", " --share auto"]) {
    const { text } = await said(`--model pico-16 --rule feedback --on serial:/dev/ttyNONE${share}`)
    expect(text).toContain("code: fixed-feedback")
  }
})

test("a rate that falls smoothly is refused on boards as the recipe's where nobody asked for it", async () => {
  for (const [options, whose] of [
    ["", "error the network's own recipe (--cosine) changes"],
    [" --cosine", "error --cosine changes"],
  ]) {
    const { status, text } = await said(
      `--model 784-4c6s4-10 --epochs 20${options} --on serial:/dev/ttyNONE`,
    )
    expect(status).toBe(2)
    expect(text).toContain(whose)
    expect(text).toContain("--no-cosine, and after how many epochs")
    expect(text).toContain("--epochs-per-bit 4,")
  }
})

test("--batch 1 says that the preset's rounding is left, unless it is given", async () => {
  const one = "--model mnist-windows --limit 8 --epochs 1 --batch 1"
  expect((await said(one)).text).toMatch(/--batch 1: each image is rounded by itself/)
  expect((await said(`${one} --rounding once`)).text).not.toContain("rounded by itself")
  expect((await said("--model pico-16 --limit 8 --epochs 1 --batch 1")).text).not.toContain(
    "rounded by itself",
  )
})

test("data of another size than a preset's pictures are told that it distorts, and which", async () => {
  const path = at("recordings")
  const rows = Array.from({ length: 40 }, (_, i) => `${10 * i},${(i * i) % 7}`)
  for (const name of ["a", "b"]) {
    mkdirSync(join(path, name), { recursive: true })
    for (const i of [1, 2, 3])
      writeFileSync(join(path, name, `${i}.csv`), ["t,x", ...rows].join("\n"))
  }
  const { status, text } = await said(`--model mnist-windows --data ${path}`)
  expect(status).toBe(2)
  expect(text).toMatch(
    /mnist-windows distorts pictures of 28x28 as it learns, and .* has 32x1 values/,
  )
  expect(text).toContain("--model 32-16-2")
  const asked = await said(`--model mnist-windows --data ${path} --distort shift=1`)
  expect(asked.text).toContain("--distort is for pictures")
})

test("a training that has ended says that nothing is left to learn", async () => {
  const out = at("ended.wuxing")
  await said(`--model pico-fast --limit 20 --epochs 1 --out ${out}`)
  const before = loadModel(out).coefficients
  const { status, text } = await said(`--resume ${out}`)
  expect(status).toBe(0)
  expect(text).toMatch(/nothing is left to learn: it has learnt 1 epoch /)
  expect(loadModel(out).coefficients).toEqual(before)
  const more = await said(`--resume ${out} --epochs 2`)
  expect(more.text).not.toContain("nothing is left")
})
