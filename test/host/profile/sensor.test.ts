/** What a board with a sensor takes from the end of a stroke to its class, on the machine itself. */
import { expect, it } from "vitest"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { buildFirmware } from "../../../host/hardware/firmware"
import { readModel } from "../../../host/models/model-source"
import { costOf, cyclesOf } from "../../../host/profile/cycles"
import { totalOf } from "../../../host/profile/program"
import { profileSensor } from "../../../host/profile/sensor"
import type { Features } from "../../../host/signals/description"
import { TRACE } from "../../src/signals/reference"

const stroke = (channels: string[], points: number): Features => ({
  ...{ ...TRACE, points, channels },
  cut: { by: "segment", threshold: 540, quiet: 8, shortest: 12, longest: 160 },
})
const program = async () => (await buildFirmware({ demo: "sensor", quiet: true })).bytecode

async function cost(size: string, features: Features) {
  const profile = await profileSensor(
    { ...readModel(size, 1), signal: { features } },
    await program(),
  )
  const { parts } = profile
  const pico = cyclesOf(readBoardProfile("pico"))
  const ms = (["features", "network", "rest"] as const).map(part => costOf(parts[part], pico))
  return { ...profile, ms, all: ms.reduce((sum, one) => sum + one) }
}

it("64-16-10 on a stock Pico: as docs/signals.md says, most of it links", async () => {
  const { samples, parts, ms, all } = await cost("64-16-10", stroke(["x", "y"], 32))
  expect(samples).toBeGreaterThan(60)
  const [features, network] = ms
  expect(features).toBeGreaterThan(40)
  expect(features).toBeLessThan(90)
  // Two reads, a product, a sum and the loop: some 30 operations a link.
  expect(totalOf(parts.network) / 2688).toBeGreaterThan(20)
  expect(totalOf(parts.network) / 2688).toBeLessThan(40)
  expect(network).toBeGreaterThan(features)
  expect(all).toBeLessThan(360)
})

it("32-8-10 is there within 200 ms", async () => {
  const { all } = await cost("32-8-10", stroke(["x", "y"], 16))
  expect(all).toBeLessThan(200)
})

it("of three channels, as `train` sizes a network by itself: the runtime does not end it", async () => {
  const { all } = await cost("96-16-5", stroke(["x", "y", "z"], 32))
  expect(all).toBeGreaterThan(200)
})
