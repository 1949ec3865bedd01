/**
 * Which core of neuromorphic chips holds which neurons of a network, as its NIR graph has them: each
 * element is one neuron of the chip, and a ring's five stay together. Input neurons are counted, as
 * they are part of the graph.
 */

import type { ChipProfile } from "../hardware/board-profile"
import {
  inputSignalsOf,
  type Layer,
  type Network,
  outputElement,
  signalsOf,
} from "../network/network"
import { refuseKernels } from "../network/refuse-kernels"
import { wiringOf } from "../network/wiring"

const ELEMENTS = 5
/** Each element takes the signals of two others of its ring. */
const COUPLINGS = 2

export interface CoreUse {
  chip: number
  core: number
  rings: number
  neurons: number
  synapses: number
  /** Most synapses of any of its neurons. */
  fanIn: number
  /** Different neurons and pixels whose signals it takes, its own neurons' included. */
  sources: number
}

export interface CorePlan {
  profile: string
  chips: number
  feasible: boolean
  /** Which resource ran out, and what would help; "" where everything has its place. */
  reason: string
  /** Cores in use. */
  cores: CoreUse[]
  /** The core (counted over all chips) of each ring, input neurons first, then layer by layer; −1: none. */
  places: Int32Array
  /** Distinct pairs of a neuron's signal and another core that takes it. */
  cutSignals: number
  placed: { rings: number; neurons: number; synapses: number }
  unplaced: { rings: number; neurons: number; synapses: number }
}

interface Ring {
  synapses: number
  fanIn: number
  /** Neurons and, below 0, pixels whose signals it takes. */
  sources: number[]
}

/**
 * Each ring, from the input on, gets the first core with room. Neighbours in a layer so share cores,
 * and the result is the same each time. It may use more cores than the best plan would.
 *
 * @param chips how many of them there are
 */
export function planCores(network: Network, profile: ChipProfile, chips: number): CorePlan {
  refuseKernels(network, "be laid out on a chip's cores", "take windows of each neuron's own")
  const rings = ringsOf(network)
  const cores: (CoreUse & { taken: Set<number> })[] = []
  const places = new Int32Array(rings.length).fill(-1)
  const most = profile.cores * chips
  const sourcesPerCore = profile.sourcesPerCore ?? Number.POSITIVE_INFINITY
  /** Cores below this one have no room for five neurons more. */
  let open = 0
  for (const [r, ring] of rings.entries()) {
    if (ring.fanIn > profile.fanIn) continue
    for (let c = open; c < most && places[r] < 0; c++) {
      cores[c] ??= {
        ...{ chip: Math.floor(c / profile.cores), core: c % profile.cores },
        ...{ rings: 0, neurons: 0, synapses: 0, fanIn: 0, sources: 0, taken: new Set() },
      }
      const core = cores[c]
      if (core.neurons + ELEMENTS > profile.neuronsPerCore) {
        if (c === open) open++
        continue
      }
      if (core.synapses + ring.synapses > profile.synapsesPerCore) continue
      const fresh = ring.sources.filter(source => !core.taken.has(source))
      if (core.taken.size + fresh.length > sourcesPerCore) continue
      for (const source of fresh) core.taken.add(source)
      core.rings++
      core.neurons += ELEMENTS
      core.synapses += ring.synapses
      core.fanIn = Math.max(core.fanIn, ring.fanIn)
      core.sources = core.taken.size
      places[r] = c
    }
  }
  const sumOf = (which: (r: number) => boolean) => {
    const chosen = rings.filter((_, r) => which(r))
    return {
      rings: chosen.length,
      neurons: chosen.length * ELEMENTS,
      synapses: chosen.reduce((sum, { synapses }) => sum + synapses, 0),
    }
  }
  const unplaced = sumOf(r => places[r] < 0)
  return {
    ...{ profile: profile.id, chips, feasible: unplaced.rings === 0 },
    reason: unplaced.rings === 0 ? "" : reasonOf(rings, places, profile, chips),
    cores: cores.filter(core => core.rings > 0).map(({ taken: _, ...use }) => use),
    ...{ places, cutSignals: cutOf(cores, places) },
    ...{ placed: sumOf(r => places[r] >= 0), unplaced },
  }
}

/** All rings of a network, input neurons first; neuron e of ring r is 5·r + e. */
function ringsOf(network: Network): Ring[] {
  const own = (r: number) => [0, 1, 2, 3, 4].map(e => r * ELEMENTS + e)
  // An input neuron also takes its pixel.
  const rings: Ring[] = Array.from({ length: network.width }, (_, pixel) => ({
    synapses: ELEMENTS * COUPLINGS + 1,
    fanIn: COUPLINGS + 1,
    sources: [...own(pixel), -1 - pixel],
  }))
  let before: { first: number } & Pick<Layer, "outputFirst" | "outputs" | "outputStep"> = {
    ...{ first: 0, outputFirst: 1, outputs: inputSignalsOf(network) },
  }
  for (const [i, layer] of network.layers.entries()) {
    const gives = before
    const { first, outputs } = gives
    const signals = Array.from(
      { length: signalsOf(network, i) },
      (_, s) => (first + Math.floor(s / outputs)) * ELEMENTS + outputElement(gives, s % outputs),
    )
    before = { ...layer, first: rings.length }
    const links = wiringOf(network).sources(i + 1)
    for (let n = 0; n < layer.neurons; n++) {
      const into = links.slice(n * layer.inputs, (n + 1) * layer.inputs)
      rings.push({
        synapses: ELEMENTS * COUPLINGS + into.reduce((sum, sources) => sum + sources.length, 0),
        fanIn: COUPLINGS + Math.max(...into.map(sources => sources.length)),
        sources: [...new Set([...own(rings.length), ...into.flat().map(s => signals[s])])],
      })
    }
  }
  return rings
}

function cutOf(cores: { taken: Set<number> }[], places: Int32Array): number {
  let cut = 0
  for (const [c, { taken }] of cores.entries())
    for (const source of taken)
      if (source >= 0 && places[Math.floor(source / ELEMENTS)] !== c) cut++
  return cut
}

function reasonOf(rings: Ring[], places: Int32Array, profile: ChipProfile, chips: number): string {
  const left = rings.filter((_, r) => places[r] < 0)
  const count = (n: number) => n.toLocaleString("en-GB")
  const wide = left.filter(({ fanIn }) => fanIn > profile.fanIn)
  if (wide.length > 0) {
    const widest = Math.max(...wide.map(({ fanIn }) => fanIn))
    return `fan-in: ${count(wide.length)} rings have a neuron with more than ${count(profile.fanIn)} synapses (up to ${count(widest)}, of them ${COUPLINGS} of the ring itself); a fan-in of at most ${count(profile.fanIn - COUPLINGS)} would fit`
  }
  const alone = left.find(
    ({ synapses, sources }) =>
      ELEMENTS > profile.neuronsPerCore ||
      synapses > profile.synapsesPerCore ||
      sources.length > (profile.sourcesPerCore ?? Number.POSITIVE_INFINITY),
  )
  if (alone)
    return `a core: a ring with ${ELEMENTS} neurons, ${count(alone.synapses)} synapses and ${count(alone.sources.length)} sources does not fit an empty one; a smaller fan-in, or a chip with larger cores, would`
  const neurons = rings.length * ELEMENTS
  const synapses = rings.reduce((sum, ring) => sum + ring.synapses, 0)
  const perCore = Math.floor(profile.neuronsPerCore / ELEMENTS)
  const least = Math.max(
    Math.ceil(rings.length / (perCore * profile.cores)),
    Math.ceil(synapses / (profile.synapsesPerCore * profile.cores)),
    chips + 1,
  )
  return `cores: no room for ${count(left.length)} of ${count(rings.length)} rings (${count(neurons)} neurons and ${count(synapses)} synapses in all) on ${count(profile.cores * chips)}; ${count(least)} chips or more may hold them`
}
