import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { imageAt, readMnist } from "../../../../host/data/mnist"
import { loadModel } from "../../../../host/models/model-file"
import { HostNetwork } from "../../../../host/network/host-network"
import { pico16 } from "../../../../host/network/presets"
import { faultOf } from "../../../../host/network/validate"
import { epochOrder } from "../../../../host/training/train-model"
import { Header } from "../../../../src/core/layout"
import { temporaryFolder } from "../../../temporary"
import { type Ended, wuxing } from "../run-cli"

const folder = temporaryFolder("train")

const at = (name: string) => join(folder, name)
const document = ({ stdout }: Ended) => JSON.parse(stdout)
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex")

describe("wuxing train", () => {
  const short = ["train", "--model", "pico-16", "--epochs", "2", "--seed", "4", "--limit", "300"]

  test("says what it did, and keeps it in a file that says how it is made again", async () => {
    const out = at("a.wuxing")
    const ended = await wuxing([...short, "--engine", "host", "--out", out, "--json"])
    expect(ended.status).toBe(0)
    const result = document(ended)
    expect(result).toMatchObject({
      ...{ model: "pico-16", network: "pico-16", engine: "host", data: "mnist", epochs: 2 },
      // Fan-in 96 on two synapses each of the 16, all 32 signals on two synapses each of the ten.
      ...{ samples: 600, links: 16 * 2 * 96 + 10 * 2 * 32, out },
    })
    expect(result.linkRatio).toBeCloseTo(3712 / (784 * 16 + 16 * 10), 12)
    expect(result.samplesPerSecond).toBeCloseTo(600 / result.seconds, 6)
    for (const accuracy of [result.testAccuracy, result.trainAccuracy]) {
      expect(accuracy).toBeGreaterThan(0.1)
      expect(accuracy).toBeLessThanOrEqual(1)
    }
    const kept = loadModel(out)
    expect(sha256(kept.coefficients)).toBe(result.coefficientsHash)
    expect(kept.training).toMatchObject({
      ...{ command: result.command, seed: 4, epochs: 2, samples: 600, data: "mnist" },
      accuracy: { test: result.testAccuracy, train: result.trainAccuracy },
    })
    // The command in the file, given to another folder's wuxing, makes the same file.
    const again = await wuxing([...result.command.split(" ").slice(1), "--out", at("b.wuxing")])
    expect(again.status).toBe(0)
    expect(readFileSync(at("b.wuxing"))).toEqual(readFileSync(out))
  })

  test("ends with the coefficients of the core on Node", async () => {
    const options = ["--learn-shift", "11", "--no-shift-images", "--softmax-gain", "0"]
    const result = document(await wuxing([...short, ...options, "--json"]))
    const one = new HostNetwork(pico16(4))
    one.memory.setAt(Header.LearnShift, "u16", 11)
    const { train } = readMnist()
    for (const epoch of [0, 1])
      for (const i of epochOrder(300, 4, epoch)) one.train(imageAt(train, i), train.labels[i])
    expect(result.coefficientsHash).toBe(sha256(one.coefficients()))
    expect(result.out).toBeUndefined()
  })

  test("by squares: every sample draws the outputs to two targets; the file makes itself again", async () => {
    const few = ["train", "--model", "64-10", "--limit", "400", "--range", "0..255", "--seed", "3"]
    const options = ["--epochs", "8", "--learn-shift", "13", "--error", "squares"]
    const digits = at("squares.csv")
    const { train } = readMnist()
    // Every third row and column of a picture's middle: 8 x 8.
    const rows = Array.from({ length: 500 }, (_, i) => {
      const image = imageAt(train, i)
      const pixels = Array.from(
        { length: 64 },
        (_, p) => image[(3 + 3 * Math.floor(p / 8)) * 28 + 3 + 3 * (p % 8)],
      )
      return [train.labels[i], ...pixels].join()
    })
    writeFileSync(digits, rows.join("\n"))
    const out = at("squares.wuxing")
    const learn = [...few, ...options, "--data", digits]
    const result = document(await wuxing([...learn, "--out", out, "--json"]))
    const { network } = loadModel(out)
    expect(network.targets).toEqual({ high: 1024, low: -114, always: true })
    expect(result.plan.softmaxGain).toBe(0)
    // Five times as many as by chance.
    expect(result.trainAccuracy).toBeGreaterThan(0.5)
    const again = await wuxing([...result.command.split(" ").slice(1), "--out", at("d.wuxing")])
    expect(again.status).toBe(0)
    expect(readFileSync(at("d.wuxing"))).toEqual(readFileSync(out))
    const both = await wuxing([...learn, "--softmax-gain", "231"])
    expect(both.stderr).toContain("is of another error than --error squares")
    expect(both.status).toBe(2)
  })

  test("teaches elements, or both, where the rule is asked for; the file makes itself again", async () => {
    const few = ["train", "--model", "pico-16", "--epochs", "1", "--limit", "60", "--rule"]
    const drawn = sha256(new HostNetwork(pico16(1)).coefficients())
    for (const [rule, shift] of [
      ["elements", 18],
      ["mixed", 20],
    ] as const) {
      const out = at(`${rule}.wuxing`)
      const result = document(await wuxing([...few, rule, "--out", out, "--json"]))
      const { network, arrays } = loadModel(out)
      expect(faultOf(network)).toBe("")
      expect(network).toMatchObject({ rule, elements: { shift } })
      expect(result.coefficientsHash === drawn).toBe(rule === "elements")
      const untaught = new HostNetwork(network).elements()
      expect(arrays?.elements).toHaveLength(untaught.length)
      expect(arrays?.elements.equals(untaught)).toBe(false)
      expect(result.command).toContain(`--rule ${rule} --element-shift ${shift}`)
      if (rule === "elements") continue
      const again = await wuxing([...result.command.split(" ").slice(1), "--out", at("again")])
      expect(again.status).toBe(0)
      expect(readFileSync(at("again"))).toEqual(readFileSync(out))
      // What elements learnt is there again: the same accuracy.
      const seen = document(await wuxing(["eval", "--model", out, "--json"]))
      expect(seen.testAccuracy).toBe(result.testAccuracy)
    }
    const forgets = await wuxing([
      ...["train", "--model", at("mixed.wuxing"), "--rule", "links", "--json"],
    ])
    expect(forgets.status).toBe(2)
    expect(document(forgets).error.message).toMatch(/would forget/)
    const idle = await wuxing(["train", "--model", "pico-16", "--element-shift", "12", "--json"])
    expect(idle.status).toBe(2)
    expect(document(idle).error.help).toMatch(/--rule/)
  })

  test("teaches by fixed feedback where it is asked for, on the host alone", async () => {
    const out = at("feedback.wuxing")
    const few = ["train", "--epochs", "1", "--limit", "60", "--json"]
    const net = ["--model", "pico-16", "--rule", "feedback"]
    const result = document(await wuxing([...few, ...net, "--out", out]))
    expect(loadModel(out).network.feedback).toBe("fixed")
    expect(result.command).toContain(" --rule feedback ")
    const again = await wuxing([...result.command.split(" ").slice(1), "--out", at("fed-again")])
    expect(again.status).toBe(0)
    expect(readFileSync(at("fed-again"))).toEqual(readFileSync(out))
    const refused = await wuxing([...few, ...net, "--on", "sim:2"])
    expect(refused.status).toBe(2)
    expect(document(refused).error.code).toBe("fixed-feedback")
    // By its own coefficients it goes on wherever they take it.
    const links = document(
      await wuxing([...few, "--model", out, "--rule", "links", "--out", at("l")]),
    )
    expect(links.samples).toBe(60)
    expect(loadModel(at("l")).network.feedback).toBeUndefined()
  })

  test("goes on teaching what is kept trained", async () => {
    const few = ["train", "--model", "pico-fast", "--trained", "--epochs", "1", "--limit", "20"]
    const result = document(await wuxing([...few, "--learn-shift", "16", "--json"]))
    expect(result.testAccuracy).toBeGreaterThan(0.9)
    expect(result.command).toMatch(/^wuxing train --model pico-fast --trained --seed 1 /)
  })

  test("does not depend on the number of threads", async () => {
    const results = await Promise.all(
      ["1", "3"].map(workers =>
        wuxing([...short, "--batch", "16", "--workers", workers, "--validation", "100", "--json"]),
      ),
    )
    const [one, three] = results.map(document)
    expect(three.coefficientsHash).toBe(one.coefficientsHash)
    expect(three.validationAccuracy).toBe(one.validationAccuracy)
    expect(one.validationAccuracy).toBeGreaterThan(0.1)
  })

  test("nor where batches are rounded once, and says so in the command", async () => {
    const results = await Promise.all(
      ["1", "2"].map(workers =>
        wuxing([...short, "--rounding", "once", "--workers", workers, "--json"]),
      ),
    )
    const [one, two] = results.map(document)
    expect(two.coefficientsHash).toBe(one.coefficientsHash)
    expect(one.plan).toMatchObject({ batch: 32, rounding: "once" })
    expect(one.command).toMatch(/ --batch 32 --rounding once/)
    const each = document(await wuxing([...short, "--batch", "32", "--json"]))
    expect(each.coefficientsHash).not.toBe(one.coefficientsHash)
    const onBoards = await wuxing([...short, "--rounding", "once", "--on", "sim:1", "--json"])
    expect(onBoards.status).toBe(2)
    expect(document(onBoards).error.message).toMatch(/with --on images are learnt one at a time/)
  })

  test("writes over no file but its own", async () => {
    writeFileSync(at("precious"), "years of work")
    const refused = await wuxing([...short, "--out", at("precious"), "--json"])
    expect(refused.status).toBe(2)
    expect(document(refused).error.message).toMatch(/precious exists already/)
    expect(document(refused).error.help).toMatch(/--force/)
    expect(readFileSync(at("precious"), "utf8")).toBe("years of work")
    const forced = await wuxing([...short, "--out", at("precious"), "--force"])
    expect(forced.status).toBe(0)
    expect(loadModel(at("precious")).training?.samples).toBe(600)
  })

  test("stopped by Ctrl-C keeps what it learnt, and goes on to the bits of a run never stopped", async () => {
    const size = ["--epochs", "3", "--limit", "6000", "--batch", "4"]
    const long = ["train", "--model", "pico-16", ...size, "--json"]
    const out = at("stopped.wuxing")
    let sent = false
    const stopped = await wuxing([...long, "--out", out], {
      onStderr: (text, child) => {
        if (sent || !/training \d/.test(text)) return
        sent = true
        child.kill("SIGINT")
      },
    })
    expect(stopped.status).toBe(130)
    const { error, samples } = document(stopped)
    expect(error).toMatchObject({ code: "interrupted", kind: "interrupted", exitStatus: 130 })
    const [, next] = /^go on with: wuxing (.*)$/.exec(error.help)!
    expect(samples).toBeGreaterThan(0)
    expect(samples).toBeLessThan(18_000)
    expect(samples % 4).toBe(0)
    const kept = loadModel(out)
    expect(kept.training?.samples).toBe(samples)

    const other = await wuxing(["train", "--resume", out, "--out", at("precious"), "--json"])
    expect(document(other).error.message).toMatch(/precious exists already/)
    const [resumed, whole] = await Promise.all([
      wuxing([...next.split(" "), "--json"]),
      wuxing([...long, "--out", at("whole.wuxing")]),
    ])
    expect(resumed.status).toBe(0)
    expect(document(resumed).coefficientsHash).toBe(document(whole).coefficientsHash)
    expect(document(resumed).testAccuracy).toBe(document(whole).testAccuracy)
    expect(readFileSync(out)).toEqual(readFileSync(at("whole.wuxing")))
  })

  test.each([
    ["no network", ["train"], /--model is missing/],
    ["another engine", ["train", "--engine", "moon"], /--engine is "moon".*host/],
    ["a seed beside --resume", ["train", "--resume", "x", "--seed", "1"], /--seed.*--resume/],
    ["no shifts beside --resume", ["train", "--resume", "x", "--no-shift-images"], /--resume/],
    ["no epochs", ["train", "--model", "pico-16", "--epochs", "0"], /--epochs is "0"/],
    [
      "a rate for finer elements",
      ["train", "--model", "pico-16", "--learn-shift", "17"],
      /most 16/,
    ],
    [
      "a warm-up of no smooth rate",
      ["train", "--model", "pico-16", "--warm-up", "1"],
      /--warm-up.*smoothly/,
    ],
    [
      "two ways to fall",
      ["train", "--model", "pico-16", "--cosine", "--epochs-per-bit", "2"],
      /two ways/,
    ],
    [
      "a smooth rate on boards",
      ["train", "--model", "pico-16", "--cosine", "--on", "sim:1"],
      /--cosine.*boards/,
    ],
    [
      "distortion by a word",
      ["train", "--model", "pico-16", "--distort", "a bit"],
      /--distort a bit/,
    ],
    [
      "no such network",
      ["train", "--model", "pico-17"],
      /"pico-17" is neither a preset nor a size/,
    ],
  ])("%s: status 2", async (_, args, message) => {
    const ended = await wuxing([...args, "--json"])
    expect(ended.status).toBe(2)
    expect(document(ended).error.message).toMatch(message)
  })

  test.each([
    ["more images than there are", ["--limit", "60001"], /60001/],
    ["no such data", ["--data", "/no/such/folder"], /no.such.folder/],
  ])("%s: status 3", async (_, args, message) => {
    const ended = await wuxing(["train", "--model", "pico-16", ...args, "--json"])
    expect(ended.status).toBe(3)
    expect(document(ended).error.message).toMatch(message)
  })

  test("a folder that cannot be written to: said before the first epoch, status 3", async () => {
    const ended = await wuxing([...short, "--out", at("no/such/a.wuxing"), "--json"])
    expect(ended.status).toBe(3)
    expect(document(ended).error.code).toBe("model-unwritable")
    expect(ended.stderr).not.toMatch(/training/)
    expect(existsSync(at("no"))).toBe(false)
  })
})

describe("wuxing eval", () => {
  test("counts what a network classifies correctly, class by class", async () => {
    const result = document(
      await wuxing(["eval", "--model", "pico-16", "--fresh", "--seed", "9", "--json"]),
    )
    const one = new HostNetwork(pico16(9))
    const unseen = readMnist().test
    const confusion = Array.from({ length: 10 }, () => Array.from({ length: 10 }, () => 0))
    for (let i = 0; i < unseen.count; i++)
      confusion[unseen.labels[i]][one.predict(imageAt(unseen, i))]++
    expect(result.confusion).toEqual(confusion)
    const right = confusion.reduce((sum, row, i) => sum + row[i], 0)
    expect(result.testAccuracy).toBe(right / 10_000)
    expect(result.perClass.map((f: { count: number }) => f.count)).toEqual(
      confusion.map(row => row.reduce((a, b) => a + b)),
    )
    expect(result.coefficientsHash).toBe(sha256(one.coefficients()))
    expect(result.training).toBeNull()
  })

  test("prints the matrix for people", async () => {
    const { status, stdout } = await wuxing(["eval", "--model", "pico-fast"])
    expect(status).toBe(0)
    expect(stdout).toMatch(/test accuracy {2,}9\d\.\d % \(9,\d{3} of 10,000\)/)
    expect(stdout).toMatch(/class.*images.*precision.*recall.*F1/)
    expect(stdout).toMatch(/named as \(columns\) what is \(rows\)/)
  })

  test.each([
    ["no network", ["eval"], 2, /--model is missing/],
    ["no data", ["train", "--data", "nowhere-at-all"], 3, /nowhere-at-all does not exist/],
    [
      "no size for what holds no recordings",
      ["train", "--data", process.execPath],
      2,
      /--model is missing, and .*node/,
    ],
    ["a file as trained preset", ["eval", "--model", "x", "--trained"], 2, /kept trained as "x"/],
    [
      "no such file",
      ["eval", "--model", "x.wuxing"],
      2,
      /neither a preset nor a size, and no file/,
    ],
    ["no such data", ["eval", "--model", "pico-16", "--data", "/no"], 3, /\/no/],
  ])("%s", async (_, args, status, message) => {
    const ended = await wuxing([...args, "--json"])
    expect(ended.status).toBe(status)
    expect(document(ended).error.message).toMatch(message)
  })
})
