import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { inTurn } from "../../../host/bench/engine-bench"
import { lineThrough } from "../../../host/bench/scaling"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"

const folder = temporaryFolder("bench")

describe("wuxing bench", () => {
  test("gives every figure for the three networks", async () => {
    const { status, stdout } = await wuxing(["bench", "--seconds", "0.01", "--json"])
    expect(status).toBe(0)
    const { networks, batch, kernels, peakMemoryBytes } = JSON.parse(stdout)
    expect(kernels.network).toBe("mnist-kernels")
    expect(kernels.train.samplesPerSecond).toBeGreaterThan(0)
    expect(kernels.ratio).toBeCloseTo(kernels.train.samplesPerCpuSecond / 16_000, 9)
    expect(networks.map((n: { network: string }) => n.network)).toEqual([
      "model1",
      "pico-16",
      "fleet-300",
    ])
    expect(batch).toBe(256)
    // Node alone takes some 40 MiB.
    expect(peakMemoryBytes).toBeGreaterThan(40 * 2 ** 20)
    expect(peakMemoryBytes).toBeLessThan(2 ** 31)
    for (const n of networks) {
      const { train, infer, yardstick } = n
      const rates = [...Object.values(train), ...Object.values(infer), ...Object.values(yardstick)]
      // One-to-one networks do not learn in lanes.
      expect(rates.length).toBe(n.network === "model1" ? 7 : 8)
      for (const { samplesPerSecond, samplesPerCpuSecond } of rates as Record<string, number>[]) {
        expect(samplesPerSecond).toBeGreaterThan(0)
        expect(samplesPerCpuSecond).toBeGreaterThan(0)
      }
      for (const ratio of Object.values(n.ratios)) expect(ratio).toBeGreaterThan(0)
    }
  })

  test("--scaling draws the growth of cost", async () => {
    const figure = join(folder, "scaling.svg")
    const args = ["bench", "--scaling", "--seconds", "0.01", "--figure", figure, "--json"]
    const { status, stdout } = await wuxing(args)
    expect(status).toBe(0)
    const { scaling } = JSON.parse(stdout)
    expect(scaling.map((s: { varied: string }) => s.varied)).toEqual([
      "neurons",
      "links",
      "samples",
    ])
    for (const { points } of scaling)
      expect(points.at(-1).size / points[0].size).toBeGreaterThan(70)
    const svg = readFileSync(figure, "utf8")
    expect(svg).toMatch(/^<svg[^>]*xmlns/)
    for (const name of ["neurons", "links", "samples"]) expect(svg).toContain(name)

    const again = await wuxing(args)
    expect(again.status).toBe(2)
    expect(JSON.parse(again.stdout).error.message).toMatch(/exists already/)
    writeFileSync(figure, "")
  })

  test.each([
    ["0", /"0"/],
    ["1e3", /"1e3"/],
    ["61", /"61".*0.01 to 60/],
  ])("--seconds %s is refused", async (seconds, message) => {
    const { status, stdout } = await wuxing(["bench", "--seconds", seconds, "--json"])
    expect(status).toBe(2)
    expect(JSON.parse(stdout).error.message).toMatch(message)
  })
})

test("a line through points finds what they were made of, and how far one lies off it", () => {
  const points = [1, 10, 100].map(size => ({ size, seconds: 3 + 2 * size }))
  const line = lineThrough("links", points)
  expect(line.fixed).toBeCloseTo(3, 9)
  expect(line.slope).toBeCloseTo(2, 9)
  expect(line.deviation).toBeCloseTo(0, 9)
  const bent = lineThrough("links", [...points, { size: 50, seconds: 206 }])
  expect(bent.deviation).toBeGreaterThan(0.3)
})

test("a rate is that of the work, what is done before left out", async () => {
  const clock = new VirtualClock()
  const measured = inTurn(
    0.05,
    undefined,
    [
      // 0.1 ms each.
      { work: n => clock.sleep(n / 10), before: () => clock.advanceTo(clock.now() + 20) },
      { work: n => clock.sleep(n / 40) },
    ],
    clock,
  )
  const [once, fourTimes] = await clock.run(measured)
  expect(once.rate.samplesPerSecond).toBeCloseTo(10_000, 3)
  expect(once.timesFirst).toBe(1)
  expect(fourTimes.rate.samplesPerSecond).toBeCloseTo(40_000, 3)
  expect(fourTimes.timesFirst).toBeCloseTo(4, 6)
})

test("of several runs the best one's rate counts, and the median of their ratios", async () => {
  const clock = new VirtualClock()
  // Other programs take the machine every third time.
  let runs = 0
  const disturbed = async (n: number) => {
    await clock.sleep(runs++ % 3 === 0 ? n : n / 10)
  }
  const works = [{ work: (n: number) => clock.sleep(n / 20) }, { work: disturbed }]
  const [, second] = await clock.run(inTurn(0.05, undefined, works, clock))
  expect(second.rate.samplesPerSecond).toBeCloseTo(10_000, 3)
  expect(second.timesFirst).toBeCloseTo(0.5, 6)
})

test("a measurement is stopped between two runs", async () => {
  const stopped = inTurn(1, AbortSignal.abort(new Error("stop")), [{ work: async () => {} }])
  await expect(stopped).rejects.toThrow("stop")
})
