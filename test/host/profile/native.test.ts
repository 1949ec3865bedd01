/** What `wuxing profile` says of a native board. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { CycleCounter } from "../../../host/hardware/emulator/cycle-counter"
import { LISTING_PATH } from "../../../host/hardware/emulator/firmware-file"
import { Stream } from "../../../host/hardware/emulator/stream"
import { fromUf2 } from "../../../host/hardware/emulator/uf2"
import { untrained } from "../../../host/models/model-source"
import { preset } from "../../../host/network/presets"
import { type Listing, shardOf } from "../../../host/profile/native"
import { uf2 } from "../../firmware/native/benches"
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
