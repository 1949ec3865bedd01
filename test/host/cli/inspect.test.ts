import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { saveModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { coefficientFigures, histogram } from "../../../host/network/coefficient-figures"
import { network } from "../../src/core/helpers"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("inspect")

function coefficientsOf(values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [i, value] of values.entries()) bytes.writeInt16LE(value, 2 * i)
  return bytes
}

describe("the figures of coefficients", () => {
  const net = network([
    { neurons: 1, inputs: 2, fanIn: 2 },
    { neurons: 1, inputs: 1, fanIn: 2 },
  ])

  test("are those of each pair of layers and of all, 1 being 8192", () => {
    const { clamp, pairs, all } = coefficientFigures(
      net,
      coefficientsOf([8192, -8192, 0, 16384, 4096, -4096]),
    )
    expect(clamp).toBe(32767 / 8192)
    expect(pairs.map(({ count }) => count)).toEqual([4, 2])
    expect(pairs[0]).toMatchObject({ least: -1, most: 2, mean: 0.5, zeros: 1, clamped: 0 })
    // (0.5² + 1.5² + 0.5² + 1.5²) / 4 = 1.25
    expect(pairs[0].deviation).toBeCloseTo(Math.sqrt(1.25), 12)
    expect(pairs[1]).toMatchObject({ least: -0.5, most: 0.5, mean: 0, deviation: 0.5 })
    expect(all).toMatchObject({ count: 6, least: -1, most: 2, zeros: 1 })
    expect(
      coefficientFigures(net, coefficientsOf([32767, -32767, 32766, 0, 0, 0])).all.clamped,
    ).toBe(2)
  })

  test("as a histogram hold every coefficient in the bin it belongs to", () => {
    for (const values of [
      [0],
      [32767, -32768, 0, 1, -1],
      Array.from({ length: 999 }, (_, i) => i * 37 - 20000),
    ]) {
      const bins = histogram(coefficientsOf(values))
      expect(bins.length).toBe(16)
      for (const [i, { from, to, count }] of bins.entries()) {
        if (i > 0) expect(from).toBe(bins[i - 1].to)
        expect(count).toBe(values.filter(v => v / 8192 >= from && v / 8192 < to).length)
      }
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length)
    }
    expect(histogram(Buffer.alloc(0)).every(({ count }) => count === 0)).toBe(true)
  })
})

describe("wuxing inspect", () => {
  test("describes a preset: links and link ratio of MODEL1, formats, statistics", async () => {
    const { status, stdout } = await wuxing(["inspect", "model1", "--fresh", "--json"])
    expect(status).toBe(0)
    const document = JSON.parse(stdout)
    expect(document.links).toBe(4711)
    expect(document.linkRatio).toBeCloseTo(0.00509, 5)
    expect(document.pairs.map((pair: { links: number }) => pair.links)).toEqual([
      3136, 1055, 360, 120, 40,
    ])
    expect(document.training).toBeNull()
    expect(document.formats).toMatchObject({ states: "Q16", signals: "Q14", coefficients: "Q13" })
    // Drawn as N(0, 1/fan-in) with one link a synapse: 4,711 of them.
    expect(document.coefficients.all.count).toBe(4711)
    expect(Math.abs(document.coefficients.all.deviation - 1)).toBeLessThan(0.05)
    const { coefficients } = readModel("model1", 1)
    expect(document.coefficientsHash).toBe(createHash("sha256").update(coefficients).digest("hex"))
  })

  test("describes a model file and how it was learnt", async () => {
    const path = join(folder, "m.wxm")
    const model = readModel("pico-fast", 6)
    saveModel(path, {
      ...model,
      training: {
        command: "wuxing train --model pico-fast --seed 6",
        seed: 6,
        epochs: 3,
        samples: 180_000,
        accuracy: { test: 0.925 },
      },
    })
    const { status, stdout } = await wuxing(["inspect", path])
    expect(status).toBe(0)
    expect(stdout).toMatch(/layers +784-12-10/)
    expect(stdout).toMatch(/links +1,776/)
    expect(stdout).toMatch(/trained by +wuxing train --model pico-fast --seed 6/)
    expect(stdout).toMatch(/samples learnt +180,000/)
    expect(stdout).toMatch(/test accuracy +92\.5 %/)
    const json = JSON.parse((await wuxing(["inspect", path, "--json"])).stdout)
    expect(json.network.seed).toBe(6)
    expect(json.training.epochs).toBe(3)
  })

  test("refuses a damaged file with status 3 and an unknown name with status 2", async () => {
    const path = join(folder, "damaged.wxm")
    saveModel(path, readModel("pico-16", 1))
    const bytes = readFileSync(path)
    bytes[bytes.length - 100] ^= 1
    writeFileSync(path, bytes)
    const damaged = await wuxing(["inspect", path, "--json"])
    expect(damaged.status).toBe(3)
    expect(JSON.parse(damaged.stdout).error.code).toBe("model-damaged")
    const unknown = await wuxing(["inspect", "pico17"])
    expect(unknown.status).toBe(2)
    expect(unknown.stderr).toContain("pico-16")
    expect((await wuxing(["inspect"])).status).toBe(2)
  })
})

test("coefficients of four bits, feedback and shared kernels are shown as what they are", async () => {
  const tiny = await wuxing(["inspect", "mnist-tiny"])
  // 7 · 2⁻⁴, 7 · 2⁻⁵.
  expect(tiny.stdout).toContain("in ±0.438, ±0.219, ±0.219 by layer")
  expect(tiny.stdout).toContain("23,680 coefficients")
  expect(tiny.stdout).not.toContain("feedback")
  const own = await wuxing(["inspect", "pico-16"])
  expect(own.stdout).toMatch(/in ±1\.333\n/)
  const path = join(folder, "feedback.wuxing")
  const options = ["--model", "pico-16", "--limit", "20", "--epochs", "1", "--out", path]
  await wuxing(["train", "--rule", "feedback", ...options])
  const feedback = await wuxing(["inspect", path])
  expect(feedback.stdout).toMatch(/feedback +backward signals return by fixed coefficients/)
})
