/** The tool killed while boards learn: what it had kept goes on to the same bits. */
import { spawn } from "node:child_process"
import { copyFileSync, existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { loadModel } from "../../../host/models/model-file"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { tool } from "../cli/tool"

const main = await tool()
const folder = temporaryFolder("killed")

/** In this process; the document. */
async function trained(...args: string[]) {
  const { status, stdout, stderr } = await wuxing(["train", "--json", ...args])
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout)
}

const run = (...args: string[]) => {
  const child = spawn(process.execPath, [main, "train", "--json", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  let text = ""
  let said = ""
  child.stderr.on("data", chunk => {
    said += chunk
  })
  child.stdout.on("data", chunk => {
    text += chunk
  })
  const ended = new Promise<string>(resolve => child.once("close", () => resolve(text)))
  return { child, ended, said: () => said }
}

it("keeps a checkpoint of what boards learn, whole, even when it is killed outright", async () => {
  const plan = ["--model", "pico-fast", "--seed", "3", "--limit", "120", "--epochs", "1"]
  const kept = join(folder, "kept.wuxing")
  const { child, ended } = run(...plan, "--on", "sim:2", "--checkpoint", "40", "--out", kept)
  while (!existsSync(kept) && child.exitCode === null) await sleep(20)
  child.kill("SIGKILL")
  await ended
  const samples = loadModel(kept).training?.samples
  expect(samples).toBe(40)
  const resumed = await trained("--resume", kept, "--force")
  const whole = await trained(...plan)
  expect(resumed.coefficientsHash).toBe(whole.coefficientsHash)
  expect(resumed.history).toEqual(whole.history)
}, 240_000)

it("goes on from what boards keep where that is newer than the file", async () => {
  const plan = ["--model", "pico-fast", "--seed", "4", "--limit", "120", "--epochs", "1"]
  const on = ["--on", `sim:2@${join(folder, "boards")}`, "--checkpoint", "40"]
  const file = join(folder, "newest.wuxing")
  const old = join(folder, "old.wuxing")
  const { child, ended, said } = run(...plan, ...on, "--out", file)
  const until = async (seen: () => boolean) => {
    while (!seen() && child.exitCode === null) await sleep(10)
  }
  await until(() => existsSync(file))
  copyFileSync(file, old)
  await until(() => /training (8[4-9]|9\d|10\d)\/120/.test(said()))
  child.kill("SIGKILL")
  await ended
  expect(loadModel(old).training?.samples).toBe(40)
  const resumed = await trained("--resume", old, "--out", join(folder, "whole.wuxing"), ...on)
  const whole = await trained(...plan)
  expect(resumed.checkpoints).toEqual({ kept: true, from: 80 })
  expect(resumed.coefficientsHash).toBe(whole.coefficientsHash)
  expect(resumed.history).toEqual(whole.history)
}, 240_000)
