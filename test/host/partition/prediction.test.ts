/** Predicted times against virtual machines that count what they do, at a Pico's speed. */
import { afterEach, expect, test } from "vitest"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { Fleet } from "../../../host/fleet/fleet"
import { CountedBoards } from "../../../host/hardware/counted-boards"
import type { Network } from "../../../host/network/network"
import { model1, pico32 } from "../../../host/network/presets"
import { parseBoards } from "../../../host/partition/board-spec"
import { planNetwork } from "../../../host/partition/plan"
import { firmware } from "../../firmware/compiled"

const data = readMnist(process.env.WUXING_MNIST).train
const NAMED = 16
const LEARNT = 4

let fleet: Fleet | undefined
afterEach(() => fleet?.close())

test.each<[string, Network, number]>([
  ["pico-32", pico32(1), 4],
  ["model1", model1(1), 8],
])(
  "%s: images and lessons a second within a quarter of the counted ones",
  async (_, network, count) => {
    const on = parseBoards(`pico:${count}`)
    const plan = planNetwork(network, on)
    const bytecode = await firmware()
    const boards = await CountedBoards.start(count, bytecode, on[0].profile)
    const shares = plan.boards.map(b => b.slices)
    fleet = new Fleet(
      { network, boards: count, bytecode, sampleDeadlineMs: 60_000 },
      boards,
      shares,
    )
    await fleet.begin()
    const sent = () => fleet!.sent.reduce((sum, n) => sum + n, 0)

    let start = boards.seconds
    let end = start
    await fleet.classify(
      i => imageAt(data, i),
      NAMED,
      () => {
        end = boards.seconds
      },
    )
    const rate = NAMED / (end - start)
    expect(plan.predictedSamplesPerSecond / rate).toBeGreaterThan(0.75)
    expect(plan.predictedSamplesPerSecond / rate).toBeLessThan(1.25)

    start = boards.seconds
    const before = sent()
    let messages = 0
    await fleet.learn(i => ({ image: imageAt(data, i), label: data.labels[i] }), LEARNT, {
      onSample: () => {
        end = boards.seconds
        messages = sent() - before
      },
    })
    const lessons = LEARNT / (end - start)
    expect(plan.learning.predictedSamplesPerSecond / lessons).toBeGreaterThan(0.75)
    expect(plan.learning.predictedSamplesPerSecond / lessons).toBeLessThan(1.25)
    expect(messages / LEARNT).toBeCloseTo(plan.learning.messagesPerSample, 0)
  },
)
