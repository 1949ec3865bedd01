/** `wuxing train --share samples`: copies on boards or on the host, averaged to the same bits. */
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { picoFast } from "../../../../host/network/presets"
import { parseBoards } from "../../../../host/partition/board-spec"
import { weighSharing } from "../../../../host/partition/sharing"
import { recipeOf } from "../../../../host/training/recipes"
import { temporaryFolder } from "../../../temporary"
import { wuxing } from "../run-cli"

const folder = temporaryFolder("side-by-side")
const at = (name: string) => join(folder, name)
const TRAIN = "train --model pico-fast --epochs 1 --limit 44 --share samples --average 6".split(" ")

async function trained(...args: string[]) {
  const { status, stdout, stderr } = await wuxing([...args, "--json"])
  expect([status, stderr]).toEqual([0, expect.anything()])
  return JSON.parse(stdout)
}

describe("copies that share the samples", () => {
  test("end with the host's bits on virtual boards, and its command makes them again", async () => {
    const boards = await trained(...TRAIN, "--on", "sim:2")
    expect(boards).toMatchObject({ engine: "boards", samples: 44, recoveries: 0 })
    expect(boards.boards).toHaveLength(2)
    expect(boards.plan.share).toEqual({ replicas: 2, average: 6 })
    const host = await trained(...boards.command.split(" ").slice(1))
    expect(host.coefficientsHash).toBe(boards.coefficientsHash)
    const alone = await trained(..."train --model pico-fast --epochs 1 --limit 44".split(" "))
    expect(alone.coefficientsHash).not.toBe(boards.coefficientsHash)
  })

  test("go on from a file to the bits of a run never stopped", async () => {
    const whole = await trained(...TRAIN, "--epochs", "2")
    await trained(...TRAIN, "--out", at("half.wuxing"))
    const rest = await trained("train", "--resume", at("half.wuxing"), "--epochs", "2")
    expect(rest.plan.share).toEqual({ replicas: 4, average: 6 })
    expect(rest.coefficientsHash).toBe(whole.coefficientsHash)
  })

  test("auto takes what is predicted to be faster on the boards at hand", async () => {
    const auto = "train --model pico-fast --epochs 1 --limit 12 --average 6 --share auto --on sim:2"
    const { plan, boards } = await trained(...auto.split(" "))
    const network = picoFast(1)
    const { softmaxGain } = recipeOf(network)
    const { faster } = weighSharing({ ...network, softmaxGain }, parseBoards("virtual:2"), 6)
    expect(plan.share).toEqual(faster === "samples" ? { replicas: 2, average: 6 } : undefined)
    expect(boards).toHaveLength(2)
  })

  test.each([
    [["--average", "5"], /--average is about copies/],
    [["--replicas", "5"], /--replicas is about copies/],
    [["--share", "auto"], /--share auto is about boards/],
    [["--share", "samples", "--batch", "4"], /neither --batch/],
    [["--share", "samples", "--rule", "elements"], /cannot be learnt by shares/],
  ])("%j is refused", async (args, said) => {
    const { status, stderr } = await wuxing([
      "train",
      "--model",
      "pico-fast",
      "--limit",
      "9",
      ...args,
    ])
    expect([status, stderr]).toEqual([2, expect.stringMatching(said)])
  })
})
