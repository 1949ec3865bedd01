/** What `profile` predicts of a sample is what one takes on a Pico in its own time, messages included. */
import { describe, expect, test } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { Fleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import { untrained } from "../../../host/models/model-source"
import type { Network } from "../../../host/network/network"
import { pico16, picoFast } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"
import { cyclesOf } from "../../../host/profile/cycles"
import { milliseconds, profileModel } from "../../../host/profile/profile"
import { recipeOf } from "../../../host/training/recipes"
import { firmware } from "../../firmware/compiled"

const SAMPLES = 20
const PICO = readBoardProfile("pico")
const { test: mnist } = readMnist()
/** As profileModel draws them: the first half is named, the other learnt. */
const stride = Math.floor(mnist.labels.length / (2 * SAMPLES))

/** ms a sample on a Pico in its own time: named and learnt, from the first message to the last answer. */
async function onBoard(network: Network): Promise<{ named: number; learnt: number }> {
  const clock = new VirtualClock()
  const boards = new TimedBoards(1, { clock, profile: PICO })
  const options = { network, boards: 1, bytecode: await firmware(), verify: false }
  const fleet = new Fleet(options, boards, splitEvenly(network, 1))
  return await clock.run(async () => {
    await fleet.begin()
    let start = clock.now()
    await fleet.classify(i => imageAt(mnist, i * stride), SAMPLES)
    const named = clock.now() - start
    start = clock.now()
    let learnt = 0
    const lesson = (i: number) => {
      const at = (SAMPLES + i) * stride
      return { image: imageAt(mnist, at), label: mnist.labels[at] }
    }
    await fleet.learn(lesson, SAMPLES, { onSample: () => (learnt = clock.now() - start) })
    await fleet.close()
    return { named: named / SAMPLES, learnt: learnt / SAMPLES }
  })
}

function expectNear(found: number, predicted: number, what: string): void {
  expect(found / predicted, `${what}: ${found} ms, predicted ${predicted} ms`).toBeGreaterThan(0.9)
  expect(found / predicted, `${what}: ${found} ms, predicted ${predicted} ms`).toBeLessThan(1.1)
}

describe("a sample takes a Pico what is predicted, within 10 %", () => {
  test.each([picoFast(1), pico16(1)])("$name", async network => {
    const images = { ...mnist, width: 28, height: 28 }
    const { softmaxGain } = recipeOf(network)
    const bytecode = await firmware()
    const cycles = cyclesOf(PICO)
    const model = untrained(network)
    const own = await profileModel(model, bytecode, images, SAMPLES)
    const trained = await profileModel(model, bytecode, images, SAMPLES, { softmaxGain })
    const { named, learnt } = await onBoard(network)
    expectNear(named, milliseconds(own, cycles, "inference"), "named")
    // From fresh coefficients none is passed over.
    expect(own.passed).toBe(0)
    expectNear(learnt, milliseconds(own, cycles, "learn"), "learnt as by demo")
    const byTrain = await onBoard({ ...network, softmaxGain })
    expectNear(byTrain.learnt, milliseconds(trained, cycles, "learn"), "learnt as by train")
  })
})
