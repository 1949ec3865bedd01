/** The figures the pages state, measured again as they say: by counts, not by a clock. */
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import "../../host/base/memory"
import { readMnist } from "../../host/data/mnist"
import { readBoardProfile } from "../../host/hardware/board-profile"
import { LISTING_PATH, UF2_PATH } from "../../host/hardware/emulator/firmware-file"
import { untrained } from "../../host/models/model-source"
import { preset } from "../../host/network/presets"
import { cyclesOf } from "../../host/profile/cycles"
import { profileNative } from "../../host/profile/native"
import { milliseconds, profileModel } from "../../host/profile/profile"
import { recipeOf } from "../../host/training/recipes"
import { firmware } from "../firmware/compiled"
import { numberIn, quotedIn, tableOn } from "./pages"

const IMAGES = { ...readMnist().test, width: 28, height: 28 }
/** A small change of the program need not touch the pages; a larger one must. */
const MOST_OFF = 0.01

function expectStated(cells: string[], found: number[]): void {
  const off = cells.map((cell, i) => numberIn(cell) / found[i] - 1)
  // What stands there has two digits or more; half of its last one is rounding.
  const rounding = cells.map(cell => 0.5 / Number(cell.replace(/\D/g, "").replace(/0+$/, "")))
  for (const [i, share] of off.entries())
    expect(Math.abs(share), `${cells[i]}, found ${found[i]}`).toBeLessThan(MOST_OFF + rounding[i])
}

describe("one Pico with DeviceScript", () => {
  test.each(tableOn("docs/cost.md", "preset", "operations an inference"))(
    "%s",
    async (name, ...cells) => {
      const model = untrained(preset(quotedIn(name)[0], 1)!)
      const profile = await profileModel(model, await firmware(), IMAGES, 100)
      const { softmaxGain } = recipeOf(model.network)
      const byTrain = await profileModel(model, await firmware(), IMAGES, 100, { softmaxGain })
      const pico = cyclesOf(readBoardProfile("pico"))
      const [ms, learnMs] = (["inference", "learn"] as const).map(kind =>
        milliseconds(profile, pico, kind),
      )
      const trainMs = milliseconds(byTrain, pico, "learn")
      expectStated(cells, [
        ...[profile.opsPerInference, ms, 1000 / ms],
        ...[profile.opsPerLearn, learnMs, 1000 / learnMs],
        ...[byTrain.opsPerLearn, trainMs, 1000 / trainMs],
      ])
    },
  )
})

test("one Pico with the native program: pico-16 (test/firmware/native/speed.test.ts has model1)", async () => {
  const [alone, streamed] = tableOn("docs/native-boards.md", "on one RP2040 at 125 MHz")
  const model = untrained(preset("pico-16", 1)!)
  const listing = JSON.parse(readFileSync(LISTING_PATH, "utf8"))
  const { inference, learn } = await profileNative(
    model,
    readFileSync(UF2_PATH),
    listing,
    IMAGES,
    50,
  )
  expectStated(alone.slice(1), [inference.computedPerSecond, learn!.computedPerSecond])
  expectStated(streamed.slice(1), [inference.streamedPerSecond, learn!.streamedPerSecond])
})
