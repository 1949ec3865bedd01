/** What more boards bring by what they share, counted; and what the page says of it. */
import { describe, expect, test } from "vitest"
import { benchShares, type ShareBenchOptions, type ShareRow } from "../../../host/bench/share-bench"
import { readMnist } from "../../../host/data/mnist"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { preset } from "../../../host/network/presets"
import { planNetwork } from "../../../host/partition/plan"
import { recipeOf } from "../../../host/training/recipes"
import { tableOn } from "../../docs/pages"
import { firmware } from "../../firmware/compiled"

const { train } = readMnist(process.env.WUXING_MNIST)
const drawn = preset("pico-16", 1)!
/** As it is trained: every sample teaches. */
const network = { ...drawn, softmaxGain: recipeOf(drawn).softmaxGain }

const counted = (options: Partial<ShareBenchOptions>) =>
  benchShares(network, train, {
    ...{ share: "samples", boards: [1, 4], board: "pico", average: 50, rounds: 1 },
    ...{ named: 24, program: firmware },
    ...options,
  })

/** Samples a second and times one board's, as the page has them. */
function stated({ share, boards }: ShareRow): number[] {
  const rows = tableOn("docs/several-boards.md", "what `pico-16` boards share")
  const row = rows.find(([what]) => what.startsWith(`the ${share}`))!
  const at = row[1].split(" / ").indexOf(`${boards}`)
  return [row[2], row[3]].map(cell => Number(cell.split(" / ")[at]))
}

describe("copies that share the samples", () => {
  test("of four Picos learn 3.7 times as fast as one, as the page says", async () => {
    const [one, four] = await counted({})
    expect([one.learnSpeedup, one.inferSpeedup]).toEqual([1, 1])
    // One board alone is what a plan says it is, which knows nothing of this.
    const on = [{ id: "one", profile: readBoardProfile("pico") }]
    const { learning, predictedSamplesPerSecond } = planNetwork(network, on, "learning")
    expect(one.learnPerSecond! / learning.predictedSamplesPerSecond).toBeCloseTo(1, 0.8)
    expect(one.inferPerSecond! / predictedSamplesPerSecond).toBeCloseTo(1, 0.8)
    expect(four.learnSpeedup).toBeGreaterThan(3.7)
    // Loading, reading back and averaging take their time.
    expect(four.learnSpeedup).toBeLessThan(4)
    expect(four.inferSpeedup).toBeGreaterThan(3.7)
    for (const row of [one, four]) {
      const [learning, naming] = stated(row)
      expect(row.learnSpeedup! / learning).toBeCloseTo(1, 1)
      expect(row.inferSpeedup! / naming).toBeCloseTo(1, 1)
    }
  })

  test("gain less where they are averaged more often", async () => {
    const [often] = await counted({ boards: [2], average: 5 })
    const [seldom] = await counted({ boards: [2], average: 20 })
    expect(often.learnSpeedup).toBeLessThan(seldom.learnSpeedup! - 0.2)
  })

  test("of native boards too, where averages are further apart", async () => {
    const [two] = await counted({ boards: [2], board: "pico-native", average: 200 })
    // Emulated in one time: a native Pico learns some hundred times as fast as a DeviceScript one.
    expect(two.learnPerSecond).toBeGreaterThan(500)
    expect(two.learnSpeedup).toBeGreaterThan(1.7)
    expect(two.learnSpeedup).toBeLessThan(2)
  })
})

test("boards that share the network gain less, as the page says; too many have nothing to do", async () => {
  const [two, many] = await counted({ share: "network", boards: [2, 32], average: 24 })
  const [learning, naming] = stated(two)
  expect(two.learnSpeedup! / learning).toBeCloseTo(1, 1)
  expect(two.inferSpeedup! / naming).toBeCloseTo(1, 0.8)
  expect(many).toMatchObject({ boards: 32, unfit: "some of the boards would have nothing to do" })
  expect(many.learnPerSecond).toBeUndefined()
})

test("a network that does not fit one board has no copies there", async () => {
  const large = preset("fleet-64", 1)!
  const [row] = await benchShares(large, train, {
    ...{ share: "samples", boards: [2], board: "pico", average: 50, rounds: 1 },
    ...{ named: 1, program: firmware },
  })
  expect(row.unfit).toMatch(/heap is too small/)
})
