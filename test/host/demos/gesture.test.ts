/** `wuxing demo gesture` as a user runs it, and the program's room for a model. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import type { WuxingError } from "../../../host/base/errors"
import { GESTURE_FEATURES } from "../../../host/demos/gesture"
import { GESTURES, performed, personOf } from "../../../host/demos/gestures"
import { readModel } from "../../../host/models/model-source"
import { sensorImage, withImage } from "../../../host/models/sensor-image"
import { sensorNamed } from "../../../host/signals/sensors"
import { SignalStream } from "../../../host/signals/stream"
import { SENSOR_IMAGE_BYTES, SENSOR_MARK } from "../../../src/wire/sensor-protocol"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "../cli/run-cli"

const folder = temporaryFolder("gesture")

test("a board is taught gestures and classifies them live, with the host's bits", async () => {
  const svg = join(folder, "gesture.svg")
  const args = ["--examples", "2", "--tries", "1", "--svg", svg, "--json"]
  const { status, stdout, stderr } = await wuxing(["demo", "gesture", ...args])
  expect([status, stderr]).toEqual([0, expect.stringContaining("example 2 of 2")])
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({ hostMatches: true, taught: 10, powerCut: "power cut" })
  // Every lesson goes through all examples so far, three times: 3 · (1 + 2 + … + 10).
  expect(result.steps).toBe(165)
  expect(result.generation).toBe(10)
  expect(result.made.length).toBe(10)
  expect(result.accuracy.teacher).toBeGreaterThanOrEqual(0.8)
  expect(result.before).toBeLessThan(0.7)
  expect(readFileSync(svg, "utf8")).toContain("twist")
})

test("each gesture is one segment, stillness none, whoever makes it", () => {
  for (const person of [1, 2, 3, 4, 5, 6]) {
    const stream = new SignalStream(GESTURE_FEATURES)
    for (const gesture of [...GESTURES, undefined])
      for (let i = 0; i < 3; i++) {
        const found = performed(gesture, personOf(person), 100 * person + i).filter(reading =>
          stream.push(reading.map(value => Math.floor(4096 * value))),
        )
        expect([gesture, found.length]).toEqual([gesture, gesture ? 1 : 0])
      }
  }
})

test("at rest the module feels gravity, and a repetition is never quite another", () => {
  const still = performed(undefined, { ...personOf(1), roll: 0, pitch: 0, tremor: 0 }, 5)
  for (const [x, y, z] of still) {
    expect(Math.hypot(x, y, z)).toBeCloseTo(1, 1)
    expect(z).toBeLessThan(-0.95)
  }
  expect(performed("wave", personOf(1), 1)).not.toEqual(performed("wave", personOf(1), 2))
  expect(performed("wave", personOf(1), 1)).toEqual(performed("wave", personOf(1), 1))
})

test("a model goes into the program's room, and what does not fit is refused by name", () => {
  const accelerometer = sensorNamed("accelerometer")
  const model = (size: string, features = GESTURE_FEATURES) => ({
    ...readModel(size, 1),
    signal: { features },
  })
  const image = sensorImage(model("60-12-5"), accelerometer)
  const program = Buffer.concat([
    ...[Buffer.from("before"), Buffer.from(SENSOR_MARK, "hex")],
    ...[Buffer.alloc(SENSOR_IMAGE_BYTES - 8), Buffer.from("after")],
  ])
  const filled = Buffer.from(withImage(program, image))
  expect(filled.length).toBe(program.length)
  expect(filled.subarray(6, 6 + image.length)).toEqual(image)
  expect(filled.subarray(-5).toString()).toBe("after")
  const codeOf = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return (error as WuxingError).code
    }
    return "none"
  }
  expect(codeOf(() => sensorImage(model("60-60-5"), accelerometer))).toBe("sensor-too-large")
  expect(codeOf(() => sensorImage(model("60-12-5"), sensorNamed("light-level")))).toBe(
    "sensor-model",
  )
  expect(codeOf(() => sensorImage(readModel("60-12-5", 1), accelerometer))).toBe("sensor-model")
  expect(codeOf(() => withImage(Buffer.from("another program"), image))).toBe("firmware-foreign")
})
