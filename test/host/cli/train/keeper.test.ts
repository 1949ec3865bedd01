/** What is learnt is kept, whatever takes the run away. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { loadModel } from "../../../../host/models/model-file"
import { temporaryFolder } from "../../../temporary"
import { type Hand, wuxing } from "../run-cli"

const folder = temporaryFolder("keeper")
const at = (name: string) => join(folder, name)
const long = ["train", "--model", "pico-16", "--epochs", "40", "--limit", "2000"]

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`write ${code}`), { code })
}

describe("a training goes on from where it was stopped by", () => {
  test.each<[string, string, number, string, (hand: Hand) => void]>([
    ["a closed terminal", "hup", 130, "interrupted", hand => hand.kill("SIGHUP")],
    [
      "stderr that nobody reads",
      "pipe",
      130,
      "output-closed",
      hand => hand.stderr.emit("error", failure("EPIPE")),
    ],
    [
      "a terminal that is gone",
      "eio",
      130,
      "output-closed",
      hand => hand.stderr.emit("error", failure("EIO")),
    ],
    [
      "stdout on a full disk",
      "full",
      3,
      "output-unwritable",
      hand => hand.stdout.emit("error", failure("ENOSPC")),
    ],
    [
      "an error nobody caught",
      "stray",
      1,
      "internal",
      hand => hand.emit("uncaughtException", new Error("out of the blue")),
    ],
    [
      "a promise nobody waited for",
      "rejected",
      1,
      "internal",
      hand => hand.emit("unhandledRejection", new TypeError("no such thing")),
    ],
  ])("%s", async (_, name, status, code, happen) => {
    const out = at(`${name}.wuxing`)
    let happened = false
    const ended = await wuxing([...long, "--out", out, "--json"], {
      onStderr: (text, hand) => {
        if (happened || !/training \d/.test(text)) return
        happened = true
        happen(hand)
      },
    })
    expect(happened).toBe(true)
    expect(ended.status).toBe(status)
    const { error, samples } = JSON.parse(ended.stdout)
    expect(error).toMatchObject({ code, exitStatus: status })
    expect(error.message).toContain(`kept in ${out}`)
    expect(samples).toBeGreaterThan(0)
    expect(samples).toBeLessThan(80_000)
    expect(loadModel(out).training?.samples).toBe(samples)
    expect(ended.stderr).not.toMatch(/\n\s+at /)
  })
})

test("what another run has written since the start stays, and so does what this one learnt", async () => {
  const out = at("both.wuxing")
  let written = false
  const short = ["train", "--model", "pico-16", "--epochs", "2", "--limit", "300"]
  const ended = await wuxing([...short, "--out", out, "--json"], {
    onStderr: text => {
      if (written || !text.includes("images of mnist")) return
      written = true
      writeFileSync(out, "the other's")
    },
  })
  expect(ended.status).toBe(0)
  expect(readFileSync(out, "utf8")).toBe("the other's")
  expect(JSON.parse(ended.stdout).out).toBe(at("both-2.wuxing"))
  expect(ended.stderr).toContain(`kept in ${at("both-2.wuxing")}`)
  expect(loadModel(at("both-2.wuxing")).training?.samples).toBe(600)
  expect(existsSync(at("both-3.wuxing"))).toBe(false)
})

test.each([
  ["sim:3", "--checkpoint", "40"],
  ["serial:/dev/ttyACM0,/dev/tty ACM1"],
  ["emu:2@some where"],
  ["mqtts://broker.example:8883/lab?ca=%2Fetc%2Fca.pem"],
])("the command to go on names the boards as they were named: %s", async (place, ...more) => {
  const { interruption } = await import("../../../../host/cli/train/course")
  const { parseLocation: parsePlace } = await import("../../../../host/hardware/location")
  const training = { plan: { images: 10, epochs: 2 }, samples: 7 } as never
  const on = parsePlace(place, 8)
  const options = { engine: "host", on, checkpoint: more.length > 0 ? 40 : undefined }
  const { help } = interruption(AbortSignal.abort(), training, "a b.wuxing", options)
  const [, args] = /^go on with: wuxing (.*)$/.exec(help!)!
  const words = [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, a, b]) => a ?? b)
  expect(words).toEqual(["train", "--resume", "a b.wuxing", "--on", place, ...more])
})
