/** Networks with shared kernels on boards: whole on one, or whole layers on each of several. */
import { describe, expect, test } from "vitest"
import { linksOf, type Network } from "../../../host/network/network"
import { preset } from "../../../host/network/presets"
import { sizedNetwork } from "../../../host/network/sized-network"
import { parseBoards } from "../../../host/partition/board-spec"
import { cutsByLayer } from "../../../host/partition/by-layers"
import { splitEvenly } from "../../../host/partition/partition"
import { type Plan, planNetwork } from "../../../host/partition/plan"
import { weighSharing } from "../../../host/partition/sharing"

const tiny = preset("mnist-tiny", 1)!
const large = preset("mnist-kernels", 1)!
const small = sizedNetwork("64-4c3s2-10", 1)
const planOf = (net: Network, spec: string) => planNetwork(net, parseBoards(spec))
/** For each layer the boards that have neurons of it. */
const ownersOf = (net: Network, { boards }: Plan) =>
  net.layers.map((_, i) =>
    boards.flatMap(({ slices }, b) => (slices.some(s => s.layer === i + 1) ? [b] : [])),
  )

describe("a network with shared kernels", () => {
  test.each<[string, Network, string]>([
    ["mnist-tiny", tiny, "pico-native"],
    ["64-4c3s2-10", small, "pico-native"],
    ["64-4c3s2-10", small, "pico"],
    ["64-4c3s2-10", small, "esp32"],
  ])("%s fits one board of its kind", (_, net, spec) => {
    const plan = planOf(net, spec)
    expect(plan).toMatchObject({ feasible: true, messagesPerSample: expect.any(Number) })
    const [{ links, neurons }] = plan.boards
    expect(links).toBe(net.layers.reduce((sum, _, i) => sum + linksOf(net, i + 1), 0))
    expect(neurons).toBe(net.layers.reduce((sum, l) => sum + l.neurons, 0))
  })

  test.each<[string, Network, string]>([
    ["mnist-kernels", large, "pico-native"],
    ["mnist-tiny", tiny, "pico"],
  ])("%s does not fit: the report adds up, and what it advises helps", (_, net, spec) => {
    const plan = planOf(net, spec)
    expect(plan.feasible).toBe(false)
    expect(plan.reason).toMatch(/heap is too small: the network takes [\d,]+ B, and the board has/)
    const { placed, unplaced, left, remedies } = plan.shortfall!
    const links = net.layers.reduce((sum, _, i) => sum + linksOf(net, i + 1), 0)
    expect(placed.links + unplaced.reduce((sum, u) => sum + u.links, 0)).toBe(links)
    // The next layer does not fit beside those that have a place.
    expect(unplaced[0].bytes).toBeGreaterThan(left[0].bytes)
    const more = remedies.map(r => /^(\d+) more boards? of/.exec(r)?.[1]).find(Boolean)
    if (more !== undefined)
      expect(planOf(net, `${spec}:${1 + Number(more)}`)).toMatchObject({ feasible: true })
    else expect(planOf(net, `${spec}:${net.layers.length}`).feasible).toBe(false)
    const fewer = /^(\d+) and (\d+) rings at each window/.exec(remedies.at(-1)!)!
    const named = (a: number, b: number) => {
      const like = sizedNetwork(`784-${a}c6s2-${b}c5s2-10`, 1)
      const layers = like.layers.map((l, i) => ({ ...l, inputs: net.layers[i].inputs }))
      return planOf({ ...like, layers }, spec).feasible
    }
    expect(named(Number(fewer[1]), Number(fewer[2]))).toBe(true)
    expect(named(Number(fewer[1]) + 2, Number(fewer[2]) + 3)).toBe(false)
  })

  test("has whole layers on each of several boards, as even in memory as they can be", () => {
    const plan = planOf(large, "pico-native:2")
    expect(plan.feasible).toBe(true)
    expect(ownersOf(large, plan).map(boards => boards.length)).toEqual([1, 1, 1])
    expect(ownersOf(large, planOf(large, "pico-native:3"))).toEqual([[0], [1], [2]])
    // Where fewer signals cross.
    expect(plan.cutSignals).toBe(large.layers[1].neurons * 2)
    for (const boards of [1, 2, 3]) {
      expect(cutsByLayer(large, boards)).toHaveLength([1, 2, 1][boards - 1])
      expect(splitEvenly(large, boards)).toEqual(cutsByLayer(large, boards)[0])
    }
  })

  test("is refused on more boards than it has layers, which may share the samples", () => {
    expect(() => planOf(tiny, "pico-native:4")).toThrow(
      expect.objectContaining({ code: "too-many-boards", help: expect.stringMatching(/--share/) }),
    )
    const { network, samples, faster } = weighSharing(tiny, parseBoards("pico-native:4"))
    expect(network).toBeNull()
    expect(samples).toBeGreaterThan(weighSharing(tiny, parseBoards("pico-native:3")).network!)
    expect(faster).toBe("samples")
  })
})
