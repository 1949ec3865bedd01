/**
 * A guard on what the presets cost a board, in operations: whoever makes them dearer by more than 2 %
 * notices, and whoever makes them cheaper writes the new figures here.
 */
import { describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { untrained } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { preset } from "../../../host/network/presets"
import { cyclesOf } from "../../../host/profile/cycles"
import { areasOf } from "../../../host/profile/memory"
import { milliseconds, profileModel } from "../../../host/profile/profile"
import { firmware } from "../../firmware/compiled"

/** Means over 20 images answered and 20 learnt from fresh coefficients; and what a Pico is to do. */
const RECORDED: Record<
  string,
  { opsPerInference: number; opsPerLearn: number; inferences: number; learned: number }
> = {
  "pico-fast": { opsPerInference: 29_532, opsPerLearn: 86_616, inferences: 10, learned: 4 },
  "pico-16": { opsPerInference: 43_655, opsPerLearn: 133_314, inferences: 6, learned: 2.5 },
  "pico-32": { opsPerInference: 87_190, opsPerLearn: 253_959, inferences: 3, learned: 1.2 },
}

describe("what a preset costs a board", () => {
  test.each(Object.entries(RECORDED))("%s", async (name, recorded) => {
    const bytecode = await firmware()
    const { test: tests } = readMnist()
    const model = untrained(preset(name, 1)!)
    const found = await profileModel(model, bytecode, { ...tests, width: 28, height: 28 }, 20)
    expect(found.parts.reduce((sum, p) => sum + p.opsPerInference, 0)).toBeCloseTo(
      found.opsPerInference,
    )
    expect(found.opsPerInference).toBeGreaterThan(0.98 * recorded.opsPerInference)
    expect(found.opsPerInference).toBeLessThan(1.02 * recorded.opsPerInference)
    expect(found.opsPerLearn).toBeGreaterThan(0.98 * recorded.opsPerLearn)
    expect(found.opsPerLearn).toBeLessThan(1.02 * recorded.opsPerLearn)
    const pico = cyclesOf(readBoardProfile("pico"))
    expect(1000 / milliseconds(found, pico, "inference")).toBeGreaterThan(recorded.inferences)
    expect(1000 / milliseconds(found, pico, "learn")).toBeGreaterThan(recorded.learned)
  })

  test("every byte of a shard has one owner", () => {
    for (const name of [...Object.keys(RECORDED), "mnist-tiny"]) {
      const { memory } = new HostNetwork(preset(name, 1)!)
      let end = 0
      for (const { owner, at, bytes } of areasOf(memory)) {
        expect(at, owner).toBe(end)
        if (owner === "alignment") expect(bytes).toBeLessThan(4)
        end = at + bytes
      }
      expect(end).toBe(memory.length)
    }
  })
})
