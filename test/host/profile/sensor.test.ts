/** What a board with a sensor takes from the end of a stroke to its class, on the machine itself. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { LISTING_PATH, UF2_PATH } from "../../../host/hardware/emulator/firmware-file"
import { buildFirmware } from "../../../host/hardware/firmware"
import { totalOf } from "../../../host/hardware/program-functions"
import { packetsOf } from "../../../host/link/jacdac"
import { type Model, saveModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { sensorImage, withImage } from "../../../host/models/sensor-image"
import { costOf, cyclesOf } from "../../../host/profile/cycles"
import { profileNative } from "../../../host/profile/native"
import { checkTurns, profileSensor } from "../../../host/profile/sensor"
import type { Features } from "../../../host/signals/description"
import { hostFeatures } from "../../../host/signals/host-features"
import { sensorNamed } from "../../../host/signals/sensors"
import { SignalStream } from "../../../host/signals/stream"
import { readSignalData } from "../../../host/training/signal-data"
import { hashOf, paddedWidth } from "../../../src/signals/runs"
import { FoundField, SensorCommand } from "../../../src/wire/sensor-protocol"
import { BANDS, TRACE } from "../../src/signals/reference"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"
import { fixed, runWithSensors } from "../export/machines/jacdac-servers"
import { describeWith, SPOKEN, WAND } from "../signals/own-data"

const folder = temporaryFolder("profile-sensor")

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

it("64-16-10 is there within 200 ms on a stock Pico, as docs/signals.md says, most of it links", async () => {
  const { samples, parts, ms, all } = await cost("64-16-10", stroke(["x", "y"], 32))
  expect(samples).toBeGreaterThan(60)
  const [features, network] = ms
  expect(features).toBeGreaterThan(20)
  expect(features).toBeLessThan(35)
  // A read, a product and a sum, 12 operations a link, and the neurons.
  expect(totalOf(parts.network) / 2688).toBeGreaterThan(14)
  expect(totalOf(parts.network) / 2688).toBeLessThan(20)
  expect(network).toBeGreaterThan(features)
  expect(all).toBeLessThan(185)
})

const sequence = (rings: number, points: number): Features => ({
  ...{ kind: "reservoir", rings, points, take: ["values"], scale: "shape", floor: 0, parts: 1 },
  ...{ steps: 1, recurrent: 4, k2: 0.25, input: 1, feedback: 0.1, seed: 1 },
  ...{ channels: ["x", "y"], rate: 50, unit: 4096 },
  cut: { by: "segment", threshold: 540, quiet: 8, shortest: 12, longest: 160 },
})

it.each([
  [10, 0],
  [6, 12],
])(
  "%i rings of a sequence, %i points: the board has the bytes of the host",
  async (rings, points) => {
    const features = sequence(rings, points)
    const { hash, samples, sent, sample } = await cost(`${2 * rings}-10`, features)
    const stream = new SignalStream(features)
    const found = Array.from({ length: sent.length / 4 }, (_, i) =>
      stream.push([sent.readInt16LE(4 * i), sent.readInt16LE(4 * i + 2)]),
    ).find(window => window !== undefined)
    expect(found).toHaveLength(4 * samples)
    const bytes = Buffer.alloc(paddedWidth(2 * rings))
    bytes.set(hostFeatures(features, found!)!)
    expect(hash).toBe(hashOf(bytes, 2 * rings))
    // Samples of which each is a moment are taken as they come: 1,150 operations a ring, and a reading's own.
    expect(sample.mean).toBeLessThan(points === 0 ? 12_600 : 600)
    expect(sample.mean).toBeGreaterThan(points === 0 ? 11_000 : 300)
  },
)

it("with a fan-in below the inputs a link takes more: 48 of 64 no less time than all", async () => {
  const some = await cost("64-16-10@48", stroke(["x", "y"], 32))
  const every = await cost("64-16-10", stroke(["x", "y"], 32))
  expect(some.all).toBeGreaterThan(every.all)
})

it("of three channels, as `train` sizes a network by itself: the runtime does not end it", async () => {
  const { all } = await cost("96-16-5", stroke(["x", "y", "z"], 32))
  expect(all).toBeGreaterThan(200)
})

it("`wuxing profile` prints it, and refuses what it cannot say", async () => {
  const path = join(folder, "stroke.wuxing")
  saveModel(path, { ...readModel("32-8-10", 1), signal: { features: stroke(["x", "y"], 16) } })
  const args = ["profile", "--model", path, "--board", "pico"]
  const { status, stdout } = await wuxing([...args, "--json"])
  expect(status).toBe(0)
  const { msToClass, operations } = JSON.parse(stdout)
  const { all, parts } = await cost("32-8-10", stroke(["x", "y"], 16))
  expect(msToClass).toEqual({ pico: Math.round(10 * all) / 10 })
  expect(operations.features).toBe(totalOf(parts.features))
  expect((await wuxing(args)).stdout).toContain("to the class")
  expect((await wuxing([...args, "--memory"])).status).toBe(2)
})

/** Vibration of an accelerometer's first channel at 50 Hz, windows of two seconds. */
const vibration = (frames: number, frame: 32 | 64): Features => ({
  ...{ ...BANDS, frames, average: 2, frame, bands: 8, rate: 50, from: 1, to: 25 },
  ...{ channels: ["x"], cut: { by: "window", length: 100, hop: 50 } },
})

it("the runtime ends features of too many frames: they are refused by name, others run", async () => {
  const of = (size: string, features: Features): Model => ({
    ...readModel(size, 1),
    signal: { features },
  })
  await checkTurns(of("80-8-4", vibration(10, 64)), await program())
  const large = of("160-8-4", vibration(20, 64))
  await expect(profileSensor(large, await program())).rejects.toThrow("panic 60001")
  await expect(checkTurns(large, await program())).rejects.toMatchObject({
    ...{ code: "sensor-too-slow", kind: "capacity" },
    help: expect.stringContaining("fewer frames"),
  })
  // It runs, but so near the end that another window might not.
  const near = of("128-8-4", vibration(16, 64))
  expect(totalOf((await profileSensor(near, await program())).parts.features)).toBeLessThan(131_072)
  await expect(checkTurns(near, await program())).rejects.toMatchObject({ code: "sensor-too-slow" })
})

it("`deploy` and `export` refuse it before anything is sent or written, and takes the longest segment for it", async () => {
  const path = join(folder, "long.wuxing")
  const longest = (samples: number): Features => ({
    ...{ ...stroke(["x", "y", "z"], 32), trim: { bits: 2, block: 5 } },
    cut: { by: "segment", threshold: 540, quiet: 8, shortest: 12, longest: samples },
  })
  const features = longest(1000)
  saveModel(path, { ...readModel("96-8-5", 1), signal: { features } })
  const args = ["deploy", "--model", path, "--sensor", "accelerometer", "--port", "/dev/null"]
  const { status, stdout } = await wuxing([...args, "--json"])
  expect(status).toBe(6)
  expect(JSON.parse(stdout).error.code).toBe("sensor-too-slow")
  const out = join(folder, "module")
  const exported = ["export", out, "--format", "devicescript", "--model", path, "--json"]
  expect(JSON.parse((await wuxing(exported)).stdout).error.code).toBe("sensor-too-slow")
  expect(existsSync(out)).toBe(false)
  await checkTurns(
    { ...readModel("96-8-5", 1), signal: { features: longest(160) } },
    await program(),
  )
})

/** Milliseconds of the network alone on an emulated Pico with the native program. */
async function nativeMs(data: string, size: string, options: object): Promise<number> {
  const { test } = await readSignalData(data, options)
  const listing = JSON.parse(readFileSync(LISTING_PATH, "utf8"))
  const uf2 = readFileSync(UF2_PATH)
  const { inference } = await profileNative(readModel(size, 1), uf2, listing, test, 5)
  return 1000 / inference.computedPerSecond
}

// Features: below 0.5 and 24 ms (test/firmware/native/signals.test.ts).
describeWith(WAND, "a native Pico, a stroke", () => {
  it("64-16-10 takes less than a millisecond: 1.5 with the features", async () => {
    expect(await nativeMs(WAND, "64-16-10", { rate: 25, testEvery: 4 })).toBeLessThan(1)
  })
})
describeWith(SPOKEN, "a native Pico, a second of sound", () => {
  it("160-27-10 takes less than a millisecond: 25 with the features", async () => {
    const options = { testNames: "_[0-4][.]wav$", features: "bands,frames=10,average=4,octaves=6" }
    expect(await nativeMs(SPOKEN, "160-27-10", options)).toBeLessThan(1)
  })
})

it("a board takes sixteenths of a g, as DeviceScript's own drivers serve them, for what they are", async () => {
  const features = stroke(["x", "y", "z"], 20)
  const accelerometer = sensorNamed("accelerometer")
  const model = { ...readModel("60-6-3", 1), signal: { features: { ...features, unit: 4096 } } }
  const bytecode = withImage(await program(), sensorImage(model, accelerometer))
  // Whole sixteenths, so that both forms can say them; at first nothing, as of a sensor that wakes up.
  const at = (ms: number) =>
    ms < 1_000
      ? [0, 0, 0]
      : [ms % 4_000 < 3_000 ? 0 : Math.round(16 * Math.sin(ms / 40)) / 16, 0, 1]
  const hashes = async (bits: number) => {
    const found: string[] = []
    const sensor = {
      serviceClass: accelerometer.serviceClass,
      reading: (ms: number) => fixed(bits, 4, ...at(ms)),
    }
    const hear = (frame: Uint8Array) => {
      for (const { command, payload } of packetsOf(frame))
        if ((command & 0xfff) === SensorCommand.Found && payload.length === FoundField.Length)
          found.push(Buffer.from(payload).toString("hex"))
    }
    await runWithSensors(bytecode, [sensor], () => found.length >= 3, 20_000, hear)
    return found
  }
  const sixteenths = await hashes(4)
  expect(sixteenths).toEqual(await hashes(20))
  expect(new Set(sixteenths).size).toBe(3)
})
