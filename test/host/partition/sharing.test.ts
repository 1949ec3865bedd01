/** What boards learn faster by sharing: as counted (docs/several-boards.md), and where there is no choice. */
import { describe, expect, test } from "vitest"
import { preset } from "../../../host/network/presets"
import { parseBoards } from "../../../host/partition/board-spec"
import { weighSharing } from "../../../host/partition/sharing"
import { recipeOf } from "../../../host/training/recipes"
import { tableOn } from "../../docs/pages"

const drawn = preset("pico-16", 1)!
const network = { ...drawn, softmaxGain: recipeOf(drawn).softmaxGain }

describe("of pico-16 on Picos", () => {
  const rows = tableOn("docs/several-boards.md", "what `pico-16` boards share")
  const counted = (what: string, boards: number) => {
    const [, sizes, speedups] = rows.find(([first]) => first === `the ${what}`)!
    return Number(speedups.split(" / ")[sizes.split(" / ").indexOf(`${boards}`)])
  }

  // Two learn as fast either way, as counted too.
  test.each([
    [2, "network"],
    [4, "samples"],
    [8, "samples"],
  ] as const)("%i learn as fast as counted, faster by sharing the %s", (boards, which) => {
    const {
      samples,
      network: together,
      faster,
    } = weighSharing(network, parseBoards(`pico:${boards}`))
    const one = weighSharing(network, parseBoards("pico")).network!
    expect(samples! / one / counted("samples", boards)).toBeCloseTo(1, 1)
    // Waits for messages, which are more where boards have little to do, are not predicted.
    const split = together! / one / counted("network", boards)
    expect(split).toBeGreaterThan(0.9)
    expect(split).toBeLessThan(1.35)
    expect(faster).toBe(which)
  })

  test("averages every 2 samples cost more than they bring", () => {
    const { samples, network: together, faster } = weighSharing(network, parseBoards("pico:2"), 2)
    expect(samples).toBeLessThan(together!)
    expect(faster).toBe("network")
  })
})

test("one board has nothing to share", () => {
  expect(weighSharing(network, parseBoards("pico"))).toMatchObject({
    ...{ samples: null, faster: "network" },
  })
})

test("a network too large for each board, or whose elements learn, is shared itself", () => {
  const large = preset("fleet-64", 1)!
  expect(weighSharing(large, parseBoards("pico:4"))).toMatchObject({
    ...{ samples: null, faster: "network" },
  })
  const elements = { shift: 10, bound: 6, min: 4096, max: 12000, signal: "product" as const }
  expect(weighSharing({ ...network, elements }, parseBoards("pico:2")).samples).toBeNull()
})

test("the slowest board decides how fast a round of averages is", () => {
  const mixed = weighSharing(network, parseBoards("pico:1,esp32:1")).samples!
  const slow = weighSharing(network, parseBoards("pico:2")).samples!
  const fast = weighSharing(network, parseBoards("esp32:2")).samples!
  expect(mixed).toBeCloseTo(Math.min(slow, fast), 6)
  expect(Math.max(slow, fast)).toBeGreaterThan(mixed)
})
