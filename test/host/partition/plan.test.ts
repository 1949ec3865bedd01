import fc from "fast-check"
import { afterAll, describe, expect, test, vi } from "vitest"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { drawLinks, type Network } from "../../../host/network/network"
import {
  fleet64,
  fleet300,
  model1,
  model2,
  pico16,
  pico32,
  picoFast,
} from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { parseBoards } from "../../../host/partition/board-spec"
import { type Plan, planNetwork } from "../../../host/partition/plan"
import { Refinement } from "../../../host/partition/refine"
import { bytesFor, bytesOf, mostRoom, SLOTS, usualRoom } from "../../../host/partition/room"
import { PROGRAM_BYTES, shardBytesOf } from "../../../src/base/heap"
import { network } from "../../src/core/helpers"

/** The board of each neuron of each layer (1 = the first behind the input), from the slices. */
function ownersOf(net: Network, plan: Plan): number[][] {
  const owners = net.layers.map(l => new Array<number>(l.neurons).fill(-1))
  plan.boards.forEach(({ slices }, b) => {
    for (const { layer, first, count, neurons } of slices)
      for (let i = 0; i < count; i++) {
        const neuron = neurons ? neurons[i] : first + i
        expect(owners[layer - 1][neuron], `neuron ${neuron} of layer ${layer}`).toBe(-1)
        owners[layer - 1][neuron] = b
      }
  })
  return [[], ...owners]
}

/** Pairs of a signal and a board other than its own that needs it, counted link by link. */
function pairsOf(net: Network, owners: number[][]): number {
  const pairs = new Set<string>()
  for (let layer = 2; layer <= net.layers.length; layer++) {
    const { outputs } = net.layers[layer - 2]
    const { inputs } = net.layers[layer - 1]
    drawLinks(net, layer).forEach((sources, synapse) => {
      const reader = owners[layer][Math.floor(synapse / inputs)]
      for (const s of sources)
        if (owners[layer - 1][Math.floor(s / outputs)] !== reader)
          pairs.add(`${layer} ${s} ${reader}`)
    })
  }
  return pairs.size
}

/** Vertices of nets the search has looked at: 20 million take an idle core a second. */
let looked = 0
const { refine } = Refinement.prototype
vi.spyOn(Refinement.prototype, "refine").mockImplementation(function (this: Refinement, ...limits) {
  const before = this.work
  refine.apply(this, limits)
  looked += this.work - before
})
afterAll(() => void vi.restoreAllMocks())

/** Plans of presets, each made once: MODEL1's take seconds. */
const made = new Map<string, { plan: Plan; work: number }>()
function makeOf(net: Network, spec: string, goal: "naming" | "learning" = "naming") {
  const key = `${net.name} ${spec} ${goal}`
  let found = made.get(key)
  if (!found) {
    looked = 0
    found = { plan: planNetwork(net, parseBoards(spec), goal), work: looked }
    made.set(key, found)
  }
  return found
}
const planOf = (...of: Parameters<typeof makeOf>) => makeOf(...of).plan

const layers = fc.array(
  fc.record({
    neurons: fc.integer({ min: 4, max: 40 }),
    inputs: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 2 }),
    fanIn: fc.oneof(fc.integer({ min: 2, max: 9 }), fc.constant(80)),
  }),
  { minLength: 2, maxLength: 4 },
)

describe("a plan", () => {
  test("gives every neuron to one board, counts the signals that cross, and holds all links", () => {
    fc.assert(
      fc.property(layers, fc.integer({ min: 2, max: 5 }), fc.nat(1000), (shape, count, seed) => {
        const net = network(
          shape.map(l => ({ ...l, outputFirst: 3 })),
          { width: 30, seed },
        )
        const plan = planNetwork(net, parseBoards(`pico:${count}`))
        expect(plan).toMatchObject({ feasible: true, reason: null })
        const owners = ownersOf(net, plan)
        for (const of of owners) expect(of).not.toContain(-1)
        // Every board's outputs are a range of them.
        const outputs = owners[net.layers.length]
        expect(outputs.filter((b, i) => b !== outputs[i - 1])).toHaveLength(new Set(outputs).size)
        const dense = net.layers.some((_, i) => i > 0 && net.layers[i].fanIn >= 80)
        if (!dense) expect(plan.cutSignals).toBe(pairsOf(net, owners))
        else expect(plan.cutSignals).toBeGreaterThanOrEqual(pairsOf(net, owners))
        const whole = new HostNetwork(net).coefficients()
        const gathered = Buffer.alloc(whole.length)
        for (const { slices } of plan.boards)
          if (slices.length > 0)
            exchangeCoefficients(buildShard(net, slices, plan.slots), net, gathered, false)
        expect(gathered.equals(whole)).toBe(true)
        expect(plan.boards.reduce((sum, b) => sum + b.links, 0)).toBe(whole.length / 2)
        // What a shard takes is known before it is built.
        for (const { slices } of plan.boards)
          for (const slots of SLOTS)
            expect(bytesFor(net, slices)(slots)).toBe(bytesOf(buildShard(net, slices, slots)))
      }),
      { numRuns: 12, seed: 3 },
    )
  })

  test("is the same every time", () => {
    const plan = () => planNetwork(pico32(2), parseBoards("pico:2,esp32-c3"))
    expect(plan()).toEqual(plan())
  })

  test("says of the heap what the shards take, on boards that have it", () => {
    for (const [net, spec] of [
      [pico32(1), "pico"],
      [fleet64(1), "pico:3"],
      [model2(1), "pico:7"],
    ] as const) {
      const plan = planNetwork(net, parseBoards(spec))
      expect(plan.feasible).toBe(true)
      for (const board of plan.boards) {
        const bytes = bytesOf(buildShard(net, board.slices, plan.slots))
        expect(board.shardBytes).toBe(bytes)
        expect(board.heapBytes - PROGRAM_BYTES - bytes).toBeGreaterThanOrEqual(0)
        expect(board.heapBytes - PROGRAM_BYTES - bytes).toBeLessThanOrEqual(4_700)
        expect(board.heapPercent).toBeCloseTo((100 * board.heapBytes) / 65536)
        expect(bytes).toBeLessThanOrEqual(shardBytesOf(65536))
      }
    }
  })

  test("gives boards shares of the work to match their speed", () => {
    const slow = { id: "slow", profile: readBoardProfile("pico") }
    const fast = { id: "fast", profile: { ...slow.profile, clockHz: 3 * slow.profile.clockHz } }
    // Larger heaps, so that memory does not decide.
    const roomy = [slow, fast].map(b => ({ ...b, profile: { ...b.profile, heapBytes: 10 ** 6 } }))
    const [a, b] = planNetwork(model1(1), roomy).boards
    expect(b.neurons / a.neurons).toBeGreaterThan(2.6)
    expect(b.neurons / a.neurons).toBeLessThan(4)
    // Within 5 %, and a little for what a plan does not weigh neuron by neuron.
    const fair = (a.msPerSample + 3 * b.msPerSample) / 4
    expect(Math.max(a.msPerSample, b.msPerSample)).toBeLessThan(1.1 * fair)
  })

  test("gives a board with less memory less", () => {
    const plan = planNetwork(fleet64(1), parseBoards("pico:2,esp32-s2:2"))
    expect(plan.feasible).toBe(true)
    const most = (profile: string) =>
      Math.max(...plan.boards.filter(b => b.profile === profile).map(b => b.shardBytes))
    expect(most("esp32-s2")).toBeLessThanOrEqual(shardBytesOf(40960))
    expect(most("pico")).toBeGreaterThan(shardBytesOf(40960))
  })

  test("takes more of the heap than usual only where a network does not fit otherwise", () => {
    const usual = usualRoom(readBoardProfile("pico"))
    const most = ({ boards }: Plan) => Math.max(...boards.map(b => b.shardBytes))
    const tight = planOf(fleet64(1), "pico:2")
    expect(tight.feasible).toBe(true)
    expect(most(tight)).toBeGreaterThan(usual)
    expect(most(tight)).toBeLessThanOrEqual(mostRoom(readBoardProfile("pico")))
    expect(most(planOf(fleet64(1), "pico:4"))).toBeLessThanOrEqual(usual)
    // What machine code sets aside cannot be changed by building a program.
    const native = readBoardProfile("pico-native")
    expect(mostRoom(native)).toBe(usualRoom(native))
  })

  test("predicts more images a second with more boards", () => {
    const rate = (net: Network, count: number) =>
      planOf(net, `pico:${count}`).predictedSamplesPerSecond
    expect(rate(pico32(1), 2)).toBeGreaterThan(1.5 * rate(pico32(1), 1))
    expect(rate(model1(1), 8)).toBeGreaterThan(1.1 * rate(model1(1), 7))
  })

  test("of MODEL1 for 8 boards crosses hardly more than equal parts without a board for all outputs", () => {
    const { plan, work } = makeOf(model1(1), "pico:8")
    expect(work).toBeGreaterThan(1e6)
    expect(work).toBeLessThan(20e6)
    expect(plan.feasible).toBe(true)
    // Equal parts with the outputs anywhere reach 201.
    expect(plan.cutSignals).toBeLessThan(225)
    const most = Math.max(...plan.boards.map(b => b.neurons))
    expect(most).toBeLessThanOrEqual((1.05 * 1260) / 8 + 1)
  })
})

test("a plan for learning learns at least as fast as one for naming, which names as fast", () => {
  for (const [net, spec] of [
    [fleet64(1), "pico:4"],
    [model1(1), "pico:8"],
  ] as const) {
    const named = planOf(net, spec)
    const learnt = planOf(net, spec, "learning")
    expect(learnt.learning.msPerSample).toBeLessThanOrEqual(named.learning.msPerSample)
    expect(named.predictedSamplesPerSecond * 1.02).toBeGreaterThan(learnt.predictedSamplesPerSecond)
  }
})

describe("a network that does not fit", () => {
  const cases: [string, Network, string][] = [
    ["one board", fleet64(1), "pico"],
    ["boards in want of one more", model1(1), "pico:4"],
    ["boards of two kinds", fleet300(1), "pico:2,esp32s2"],
  ]
  test.each(cases)("on %s: the report adds up, and what it advises helps", (_, net, spec) => {
    const boards = parseBoards(spec)
    const plan = planNetwork(net, boards)
    expect(plan).toMatchObject({ feasible: false, reason: expect.stringMatching(/heap/) })
    const { resource, placed, unplaced, left, remedies } = plan.shortfall!
    expect(resource).toBe("heap")
    const owners = ownersOf(net, plan)
    net.layers.forEach((l, i) => {
      const missing = owners[i + 1].filter(b => b < 0).length
      expect(unplaced.find(u => u.layer === i + 1)?.neurons ?? 0).toBe(missing)
      expect(missing).toBeLessThanOrEqual(l.neurons)
    })
    const neurons = net.layers.reduce((sum, l) => sum + l.neurons, 0)
    expect(placed.neurons + unplaced.reduce((sum, u) => sum + u.neurons, 0)).toBe(neurons)
    const links = net.layers.reduce((sum, _, i) => sum + linksTo(net, i + 1), 0)
    expect(placed.links + unplaced.reduce((sum, u) => sum + u.links, 0)).toBe(links)
    plan.boards.forEach((board, b) => {
      const room = mostRoom(boards[b].profile)
      expect(left[b]).toEqual({ id: board.id, bytes: room - board.shardBytes })
      expect(left[b].bytes).toBeGreaterThanOrEqual(0)
    })
    // As full as it goes: a neuron more, and the table of another part, would not fit.
    const table = 2 * net.width * (net.inputSignals ?? 1)
    for (const u of unplaced)
      for (const { bytes } of left) expect(bytes).toBeLessThan((2 * u.bytes) / u.neurons + table)

    const more = /^(\d+) more boards? of profile (.+)$/.exec(remedies[0])!
    expect(planNetwork(net, parseBoards(`${spec},${more[2]}:${more[1]}`)).feasible).toBe(true)
    const narrow = remedies.map(r => /fan-in of at most (\d+)/.exec(r)).find(Boolean)
    if (!narrow) return
    const fanIn = Number(narrow[1])
    const narrowed = (most: number) =>
      planNetwork(
        { ...net, layers: net.layers.map(l => ({ ...l, fanIn: Math.min(l.fanIn, most) })) },
        boards,
      ).feasible
    expect(narrowed(fanIn)).toBe(true)
    expect(narrowed(Math.ceil(fanIn * 1.15) + 2)).toBe(false)
  })
})

describe("the outputs", () => {
  const boardsWithOutputs = (net: Network, plan: Plan) =>
    plan.boards.filter(b => b.slices.some(s => s.layer === net.layers.length)).length

  test("stay together where sharing them would bring nothing", () => {
    const net = model1(1)
    expect(boardsWithOutputs(net, planOf(net, "pico:8"))).toBe(1)
  })

  test("are shared where a board with all of them would keep the others waiting", () => {
    const net = fleet64(1)
    for (const goal of ["naming", "learning"] as const) {
      const plan = planOf(net, "pico:8", goal)
      expect(boardsWithOutputs(net, plan)).toBeGreaterThan(1)
      // All of them on one board take 85,000 operations for each image, a quarter of a second.
      if (goal === "naming") expect(plan.predictedSamplesPerSecond).toBeGreaterThan(4.5)
    }
  })

  test("are shared where no board has the heap for all", () => {
    const layers = [
      { neurons: 24, inputs: 2, outputFirst: 3, outputs: 2, fanIn: 20 },
      { neurons: 100, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 48 },
    ]
    const net = network(layers, { width: 100, seed: 1 })
    const boards = parseBoards("esp32-s2:4")
    const whole = buildShard(
      net,
      [0, 50].map(first => ({ layer: 2, first, count: 50 })),
      1,
    )
    expect(bytesOf(whole)).toBeGreaterThan(shardBytesOf(boards[0].profile.heapBytes))
    const plan = planNetwork(net, boards)
    expect(plan.feasible).toBe(true)
    expect(boardsWithOutputs(net, plan)).toBeGreaterThan(1)
  })
})

test("the presets for one board fit one Pico", () => {
  for (const net of [pico16(1), picoFast(1), pico32(1)])
    expect(planNetwork(net, parseBoards("pico")).feasible, net.name).toBe(true)
})

test("boards are named by profile, with or without hyphens, and counted up", () => {
  expect(parseBoards("pico:2, esp32c3,PICO_W").map(b => b.id)).toEqual([
    ...["pico-1", "pico-2", "esp32-c3-1", "pico-w-1"],
  ])
  expect(parseBoards("pico,pico").map(b => b.id)).toEqual(["pico-1", "pico-2"])
  for (const bad of ["", "pico:", "pico:0", "pico:1.5", ":2", "pico;2"])
    expect(() => parseBoards(bad), bad).toThrow(/--boards is/)
  expect(() => parseBoards("uno:2")).toThrow(/there is no board profile "uno"/)
  expect(() => parseBoards("pico:65")).toThrow(/at most 64/)
})

function linksTo(net: Network, layer: number): number {
  return drawLinks(net, layer).reduce((sum, sources) => sum + sources.length, 0)
}
