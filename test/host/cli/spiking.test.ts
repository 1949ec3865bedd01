import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { decodeNir } from "../../../host/nir/read-nir"
import { temporaryFolder } from "../../temporary"
import { byEquations } from "../nir/equations"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("spiking")
const file = (name: string) => join(folder, name)
const PICO = ["--model", "pico-16", "--trained", "--json", "--quiet"]

describe("a network as integrate-and-fire neurons", () => {
  test("is exported, run from its file, and traced spike by spike", async () => {
    const path = file("pico.nir")
    const args = ["export", "--spiking", "--weight-bits", "8", path, ...PICO]
    const exported = JSON.parse((await wuxing(args)).stdout)
    expect(exported).toMatchObject({ spiking: true, steps: 128, weightBits: 8, neurons: 178 })
    expect(exported.measured.images).toBe(1000)
    expect(exported.measured.accuracy).toBeGreaterThan(0.94)

    const trace = file("spikes.csv")
    const evaluated = JSON.parse(
      (await wuxing(["eval", "--nir", path, "--limit", "20", "--trace", trace, "--json"])).stdout,
    )
    const run = byEquations(await decodeNir(readFileSync(path), path))
    const { images, labels } = readMnist().test
    let [right, spikes] = [0, 0]
    for (let i = 0; i < 20; i++) {
      const pixels = Float64Array.from(images.subarray(784 * i, 784 * (i + 1)), p => p / 255)
      const counted = run(pixels, 128)
      if (counted.sums.indexOf(Math.max(...counted.sums)) === labels[i]) right++
      spikes += counted.spikes
    }
    expect(evaluated).toMatchObject({ tested: 20, right, spikesPerImage: spikes / 20, steps: 128 })
    const lines = readFileSync(trace, "utf8").trimEnd().split("\n")
    expect(lines[0]).toBe("image,node,neuron,step")
    expect(lines.length - 1).toBe(spikes)
    for (const line of lines.slice(1)) expect(line).toMatch(/^1?\d,(?:pieces[12]|classes),\d+,\d+$/)
  })

  test("what a chip cannot hold is refused with what would fit, and nothing is written", async () => {
    const ended = await wuxing(["export", "--spiking", "--chip", "xylo", file("no.nir"), ...PICO])
    expect(ended.status).toBe(6)
    expect(ended.stderr).toMatch(/784 values, the chip takes 16.*10 values, the chip gives 8/)
    expect(existsSync(file("no.nir"))).toBe(false)
  })

  test("options that belong together are asked for together", async () => {
    for (const args of [
      ["export", "--chip", "xylo", file("no.nir"), ...PICO],
      ["export", "--spiking", "--operating-point", "1", file("no.nir"), ...PICO],
      ["eval", "--trace", file("t.csv"), ...PICO],
      ["eval", "--nir", file("pico.nir"), ...PICO],
    ])
      expect([args, (await wuxing(args)).status]).toEqual([args, 2])
  })
})
