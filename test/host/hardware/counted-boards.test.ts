/** Fleets of boards in this process, whose clocks go by the operations their machines carry out. */
import { afterEach, describe, expect, it } from "vitest"
import { benchFleets } from "../../../host/bench/fleet-bench"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { Fleet } from "../../../host/fleet/fleet"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { CountedBoards } from "../../../host/hardware/counted-boards"
import { HostNetwork } from "../../../host/network/host-network"
import type { Network } from "../../../host/network/network"
import { model1, pico16, preset } from "../../../host/network/presets"
import { parseBoards } from "../../../host/partition/board-spec"
import { planNetwork } from "../../../host/partition/plan"
import { planFor } from "../../../host/partition/shares"
import { tableOn } from "../../docs/pages"
import { firmware } from "../../firmware/compiled"

const mnist = readMnist(process.env.WUXING_MNIST)
const pico = readBoardProfile("pico")

let fleet: Fleet | undefined
let boards: CountedBoards

async function start(network: Network, count: number, profile = pico): Promise<Fleet> {
  const bytecode = await firmware()
  boards = await CountedBoards.start(count, bytecode, profile)
  const options = { network, boards: count, bytecode, sampleDeadlineMs: 60_000 }
  fleet = new Fleet(options, boards, planFor(network, count))
  await fleet.begin()
  return fleet
}

afterEach(() => fleet?.close())

/** Samples a second, as the page has them counted and predicted. */
function statedRates(network: string, boards: number) {
  const rows = tableOn("docs/several-boards.md", "network", "boards", "naming", "learning")
  const at = rows.findIndex(([name]) => name === `\`${network}\``)
  const below = rows[at + 1]
  expect(below[0]).toBe("the same, predicted")
  const of = (cell: string) => cell.split(" / ")[rows[at][1].split(" / ").indexOf(`${boards}`)]
  return {
    naming: { counted: Number(of(rows[at][2])), predicted: of(below[2]) },
    learning: { counted: Number(of(rows[at][3])), predicted: of(below[3]) },
  }
}

const indices = (n: number) => Array.from({ length: n }, (_, i) => i)

describe("a fleet of counted boards", () => {
  it("of eight, each with a heap of 64 KiB, names 40 images and learns 10 by MODEL1 as the host does", async () => {
    const network = model1(1)
    const fleet = await start(network, 8)
    const host = new HostNetwork(network)
    const named = await fleet.classify(i => imageAt(mnist.test, i), 40)
    expect([...named]).toEqual(indices(40).map(i => host.predict(imageAt(mnist.test, i))))
    const drawn = host.coefficients()
    await fleet.train(mnist.train, indices(10))
    for (const i of indices(10)) host.train(imageAt(mnist.train, i), mnist.train.labels[i])
    expect(host.coefficients().equals(drawn)).toBe(false)
    expect(Buffer.from(await fleet.coefficients()).equals(host.coefficients())).toBe(true)
    expect(fleet.recoveries).toBe(0)
  }, 400_000)

  it("takes as long as its operations, and the throttle where those take next to no time", async () => {
    const images = 24
    const rates = async (clockHz: number) => {
      await start(pico16(1), 2, { ...pico, clockHz })
      const at = boards.seconds
      const before = boards.counts()
      const { sent } = fleet!
      await fleet!.classify(i => imageAt(mnist.test, i), images)
      const busy = boards.counts().map((c, i) => c.busySeconds - before[i].busySeconds)
      const messages = fleet!.sent.map((n, i) => n - sent[i])
      const seconds = boards.seconds - at
      await fleet!.close()
      return { seconds, busy: Math.max(...busy), messages: Math.max(...messages) }
    }
    const slow = await rates(pico.clockHz)
    expect(slow.seconds).toBeGreaterThan(slow.busy)
    expect(slow.seconds).toBeLessThan(1.4 * slow.busy)
    const fast = await rates(pico.clockHz * 100)
    // Several samples a message; a burst may be free, the others are 20 ms apart.
    expect(fast.messages).toBeLessThan(images / 2)
    const throttled = ((fast.messages - 5) * 20) / 1000
    expect(fast.seconds).toBeGreaterThan(throttled * 0.9)
    expect(fast.seconds).toBeLessThan(fast.messages * 0.02 + 0.03)
  })

  it("learns and names more samples a second the more boards there are", async () => {
    const points = await benchFleets(
      mnist.train,
      { program: firmware, profile: "pico", named: 16, learnt: 6, seed: 1 },
      [
        ["pico-32", [1, 2, 4]],
        ["fleet-64", [2]],
      ],
    )
    const rates = points.map(p => [p.naming!.samplesPerSecond, p.learning!.samplesPerSecond])
    for (const i of [1, 2])
      for (const kind of [0, 1]) expect(rates[i][kind]).toBeGreaterThan(rates[i - 1][kind])
    for (const { naming, learning } of points) {
      for (const rate of [naming!, learning!]) {
        expect(rate.predicted / rate.samplesPerSecond).toBeGreaterThan(0.75)
        expect(rate.predicted / rate.samplesPerSecond).toBeLessThan(1.25)
      }
      expect(naming!.samplesPerSecond).toBeLessThan(naming!.withoutWaiting * 1.001)
      expect(naming!.operations).toBeGreaterThan(50_000)
    }
    // What is stated was counted over more images: the first messages are not held back.
    const stated = points.map(({ network, boards }) => statedRates(network, boards))
    for (const [i, { naming, learning }] of points.entries())
      for (const [rate, { counted, predicted }] of [
        [naming!, stated[i].naming],
        [learning!, stated[i].learning],
      ] as const) {
        expect(rate.predicted.toFixed(1)).toBe(predicted)
        expect(rate.samplesPerSecond / counted).toBeGreaterThan(0.8)
        expect(rate.samplesPerSecond / counted).toBeLessThan(1.25)
      }
  }, 240_000)

  it("of more of them, the page states a rate within a quarter of what the plan says", () => {
    for (const boards of [4, 8]) {
      const { naming, learning } = statedRates("fleet-64", boards)
      const on = parseBoards(`pico:${boards}`)
      const network = preset("fleet-64", 1)!
      const rates = [
        [naming, planNetwork(network, on).predictedSamplesPerSecond],
        [learning, planNetwork(network, on, "learning").learning.predictedSamplesPerSecond],
      ] as const
      for (const [{ counted, predicted }, rate] of rates) {
        expect(rate.toFixed(1)).toBe(predicted)
        expect(rate / counted).toBeGreaterThan(0.75)
        expect(rate / counted).toBeLessThan(1.25)
      }
    }
  })

  it("says of a fleet that is too small that the network does not fit", async () => {
    const [point] = await benchFleets(
      mnist.train,
      { program: firmware, profile: "pico", named: 1, learnt: 1, seed: 1 },
      [["fleet-64", [1]]],
    )
    // 784-64-10 with fan-in 128: 24,576 links of pixels, 3 B each, and 5,120 of all signals, 2 B each.
    expect(point.unfit).toMatch(
      /heap is too small.* links alone take 83968 B, .* set aside 52036 B/,
    )
    expect(point.naming).toBeUndefined()
  })
})
