import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  boardIds,
  type ChipProfile,
  chipIds,
  readBoardProfile,
  readChipProfile,
} from "../../../host/hardware/board-profile"
import type { Network } from "../../../host/network/network"
import { model1, pico16, picoFast } from "../../../host/network/presets"
import { entriesOf } from "../../../host/nir/graph"
import { linearise } from "../../../host/nir/linearise"
import { planCores } from "../../../host/partition/cores"
import { network } from "../../src/core/helpers"
import { modelOf, nodeOf } from "./helpers"

const net = network([
  { neurons: 9 },
  { neurons: 5, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 6 },
])

/** Synapses of each neuron, from the graph that an export holds: who it takes signals from. */
function synapsesIn(net: Network): Set<number>[] {
  // No coefficient is 0, so that every link is a weight.
  const { graph } = linearise(modelOf(net, () => 100))
  const all: Set<number>[] = []
  let before = -1
  for (let layer = 0; layer <= net.layers.length; layer++) {
    const first = all.length
    const size = nodeOf(graph, `layer${layer}`, "LI").tau.length
    for (let i = 0; i < size; i++) all.push(new Set())
    for (const [to, from] of entriesOf(nodeOf(graph, `layer${layer}_ring`, "Affine").weight))
      all[first + to].add(first + from)
    const into = nodeOf(graph, layer === 0 ? "pixels" : `links${layer}`, "Affine")
    for (const [to, from] of entriesOf(into.weight))
      all[first + to].add(layer === 0 ? -1 - from : before + from)
    before = first
  }
  return all
}

const chip = (fields: Partial<ChipProfile> = {}): ChipProfile => ({
  ...readChipProfile("loihi"),
  ...fields,
})

test("every profile of a chip is valid and named after its file, and is no board's", () => {
  expect(chipIds()).toEqual(expect.arrayContaining(["dynap-se2", "loihi"]))
  for (const id of chipIds()) {
    expect(readChipProfile(id).id).toBe(id)
    expect(boardIds()).not.toContain(id)
    expect(() => readBoardProfile(id)).toThrow(expect.objectContaining({ code: "board-unknown" }))
  }
  expect(() => readChipProfile("pico")).toThrow(expect.objectContaining({ code: "board-unknown" }))
})

test("chips have the totals their makers state", () => {
  const total = (id: string) => {
    const { cores, neuronsPerCore, synapsesPerCore } = readChipProfile(id)
    return [cores * neuronsPerCore, cores * synapsesPerCore]
  }
  expect(total("dynap-se2")).toEqual([1024, 65536])
  // 16 MiB of synaptic memory, a byte a weight.
  expect(total("loihi")).toEqual([131072, 2 ** 24])
})

test("a plan keeps every budget, counts what the exported graph has, and leaves nothing out", () => {
  const synapses = synapsesIn(net)
  const rings = synapses.length / 5
  fc.assert(
    fc.property(
      fc.record({
        cores: fc.integer({ min: 1, max: 12 }),
        neuronsPerCore: fc.integer({ min: 1, max: 200 }),
        synapsesPerCore: fc.integer({ min: 1, max: 400 }),
        fanIn: fc.integer({ min: 1, max: 12 }),
        sourcesPerCore: fc.option(fc.integer({ min: 1, max: 120 })),
      }),
      fc.integer({ min: 1, max: 3 }),
      (figures, chips) => {
        const profile = chip(figures)
        const plan = planCores(net, profile, chips)
        const placed = [...plan.places].flatMap((core, ring) => (core >= 0 ? [ring] : []))
        expect(plan.placed.rings).toBe(placed.length)
        expect(plan.unplaced.rings).toBe(rings - placed.length)
        expect(plan.feasible).toBe(placed.length === rings)
        expect(plan.reason === "").toBe(plan.feasible)
        let cut = 0
        for (const use of plan.cores) {
          const core = use.chip * profile.cores + use.core
          const here = placed.filter(ring => plan.places[ring] === core)
          const neurons = here.flatMap(ring => [0, 1, 2, 3, 4].map(e => synapses[5 * ring + e]))
          const sources = new Set(neurons.flatMap(from => [...from]))
          expect(use).toEqual({
            ...{ chip: Math.floor(core / profile.cores), core: core % profile.cores },
            ...{ rings: here.length, neurons: neurons.length, sources: sources.size },
            synapses: neurons.reduce((sum, from) => sum + from.size, 0),
            fanIn: Math.max(...neurons.map(from => from.size)),
          })
          expect(use.chip).toBeLessThan(chips)
          expect(use.neurons).toBeLessThanOrEqual(profile.neuronsPerCore)
          expect(use.synapses).toBeLessThanOrEqual(profile.synapsesPerCore)
          expect(use.fanIn).toBeLessThanOrEqual(profile.fanIn)
          expect(use.sources).toBeLessThanOrEqual(profile.sourcesPerCore ?? 1e9)
          for (const from of sources)
            if (from >= 0 && plan.places[Math.floor(from / 5)] !== core) cut++
        }
        expect(plan.cutSignals).toBe(cut)
      },
    ),
  )
})

describe("what does not fit is said", () => {
  test.each<[string, Partial<ChipProfile>, RegExp]>([
    ["fan-in", { fanIn: 8 }, /^fan-in: 9 rings .*more than 8 synapses \(up to 10.*at most 6/],
    ["neurons of a core", { neuronsPerCore: 4 }, /^a core: a ring with 5 neurons/],
    ["synapses of a core", { synapsesPerCore: 20 }, /^a core: .* 34 synapses/],
    ["sources of a core", { sourcesPerCore: 12 }, /^a core: .* sources/],
    ["cores", { cores: 1, neuronsPerCore: 50 }, /^cores: no room for 24 of 34 .*; 4 chips/],
  ])("%s", (_, figures, reason) => {
    const plan = planCores(net, chip(figures), 1)
    expect(plan.feasible).toBe(false)
    expect(plan.reason).toMatch(reason)
  })

  test("enough chips hold it", () => {
    const small = { cores: 1, neuronsPerCore: 50 }
    expect(planCores(net, chip(small), 4).feasible).toBe(true)
  })
})

test("presets on real chips: Loihi holds them, DYNAP-SE2 has too few synapses a neuron and neurons", () => {
  for (const preset of [pico16(1), picoFast(1), model1(1)]) {
    const plan = planCores(preset, chip(), 1)
    expect(plan).toMatchObject({ feasible: true, chips: 1 })
  }
  // 784 + 16 + 10 rings; 3,712 links, a pixel each for the input and ten couplings a ring.
  expect(planCores(pico16(1), chip(), 1).placed).toEqual({
    ...{ rings: 810, neurons: 4050, synapses: 3712 + 784 + 8100 },
  })
  const dynap = readChipProfile("dynap-se2")
  expect(planCores(pico16(1), dynap, 1).reason).toMatch(
    /^fan-in: 16 rings .*64 synapses \(up to 98/,
  )
  const narrow = planCores(model1(1), dynap, 1)
  expect(narrow.reason).toMatch(/^cores: no room/)
})
