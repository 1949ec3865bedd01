/** What `wuxing profile` says of a native board. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { CycleCounter } from "../../../host/hardware/emulator/cycle-counter"
import { LISTING_PATH } from "../../../host/hardware/emulator/firmware-file"
import { Stream } from "../../../host/hardware/emulator/stream"
import { fromUf2 } from "../../../host/hardware/emulator/uf2"
import { saveModel } from "../../../host/models/model-file"
import { readModel, untrained } from "../../../host/models/model-source"
import { preset } from "../../../host/network/presets"
import { type Listing, shardOf } from "../../../host/profile/native"
import type { Features } from "../../../host/signals/description"
import { uf2 } from "../../firmware/native/benches"
import { BANDS, TRACE } from "../../src/signals/reference"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"

const listing: Listing = JSON.parse(readFileSync(LISTING_PATH, "utf8"))

it("counts as many cycles as the emulator's clock says the board was awake", async () => {
  const stream = new Stream(uf2, shardOf(untrained(preset("pico-fast", 1)!)))
  const counter = new CycleCounter(stream.pico, listing.functions)
  const before = stream.pico.busyNanos
  await stream.infer([imageAt(readMnist().train, 0)])
  const cycles = [...counter.take().values()].reduce((sum, n) => sum + n, 0)
  expect(cycles).toBeGreaterThan(10_000)
  expect(cycles * 8).toBeCloseTo(stream.pico.busyNanos - before, 0)
})

it("tells cycles by part, images a second, flash and RAM", async () => {
  const line = "profile --board pico-native --model pico-fast --fresh --images 3 --json --quiet"
  const { status, stdout } = await wuxing(line.split(" "))
  expect(status).toBe(0)
  const document = JSON.parse(stdout)
  expect(document).toMatchObject({ board: "pico-native", images: 3, learned: 3 })
  for (const cost of [document.inference, document.learn]) {
    const parts = Object.values(cost.parts as Record<string, number>)
    expect(parts).toHaveLength(6)
    expect(Math.abs(parts.reduce((sum, n) => sum + n, 0) - cost.cycles)).toBeLessThan(4)
    expect(cost.computedPerSecond).toBeCloseTo(125e6 / cost.computeCycles, 0)
    expect(cost.streamedPerSecond).toBeLessThan(125e6 / cost.cycles)
  }
  expect(document.inference.parts).toMatchObject({ backward: 0, update: 0 })
  expect(document.learn.cycles).toBeGreaterThan(document.inference.cycles)
  // Rounded up to blocks in the file.
  const { image } = fromUf2(uf2, "it")
  expect(Math.ceil(document.flashBytes / 256) * 256).toBe(image.length)
  const { programBytes, arenaBytes, stackBytes, shardBytes } = document
  expect(programBytes + arenaBytes + stackBytes).toBeLessThanOrEqual(264 * 1024)
  expect(shardBytes).toBeLessThan(arenaBytes)
})

const folder = temporaryFolder("profile-native")

// The bars of docs/signals.md: 1.5 ms from the end of a stroke, 25 ms of a second of sound.
const signals: [string, string, Features, number, number][] = [
  [
    ...(["a stroke", "64-16-10"] as const),
    {
      ...{ ...TRACE, points: 32, channels: ["x", "y"] },
      cut: { by: "segment", threshold: 540, quiet: 8, shortest: 12, longest: 160 },
    },
    ...([71, 1.5] as const),
  ],
  [
    ...(["a second of sound", "160-27-10"] as const),
    { ...BANDS, ...{ frames: 10, average: 4, octaves: 6, trim: { bits: 3, block: 128 } } },
    ...([8000, 25] as const),
  ],
]
for (const [what, size, features, samples, most] of signals)
  it(`of a model that reads a signal the features too: ${what} within ${most} ms`, async () => {
    const path = join(folder, `${size}.wuxing`)
    saveModel(path, { ...readModel(size, 1), signal: { features } })
    const line = `profile --board pico-native --model ${path} --images 3`
    const { status, stdout } = await wuxing([...line.split(" "), "--json", "--quiet"])
    expect(status).toBe(0)
    const document = JSON.parse(stdout)
    const { features: cost, inference, msToClass } = document
    expect(cost.samples).toBe(samples)
    expect(cost.ms).toBeCloseTo(cost.cycles / 125_000, 6)
    expect(msToClass).toBeCloseTo(cost.ms + inference.computeCycles / 125_000, 3)
    expect(msToClass).toBeLessThan(most)
    expect(document.learned).toBe(3)
    const said = (await wuxing([...line.split(" "), "--quiet"])).stdout
    expect(said).toMatch(/from the last sample to the class +\d/)
  })
