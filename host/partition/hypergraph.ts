/** A network as a hypergraph: its neurons, and for each signal who must have it. */
import { type Network, neuronsOf } from "../network/network"
import { wiringOf } from "../network/wiring"

export interface Hypergraph {
  /** Number of vertices. */
  size: number
  /** What a vertex needs of each resource: `weights[resource][vertex]`. */
  weights: Float64Array[]
  /** The vertices of each net, each once: those of net n are pins[start[n]] … pins[start[n+1] − 1]. */
  pins: Int32Array
  start: Int32Array
  /** What a net costs for each part beyond the first that it touches. */
  costs: Int32Array
  /** The nets of each vertex, as `pins` and `start`. */
  nets: Int32Array
  netStart: Int32Array
}

export interface Net {
  /** The vertices it joins. */
  pins: number[]
  cost: number
}

/** Nets of fewer than two vertices are left out; nets of the same vertices become one. */
export function hypergraph(weights: Float64Array[], given: Net[]): Hypergraph {
  const start = new Int32Array(given.length + 1)
  given.forEach(({ pins }, n) => {
    start[n + 1] = start[n] + pins.length
  })
  const pins = new Int32Array(start[given.length])
  given.forEach((net, n) => void pins.set(net.pins, start[n]))
  return mergeNets(
    weights,
    pins,
    start,
    Int32Array.from(given, n => n.cost),
  )
}

/**
 * As hypergraph, of nets in the form of {@link Hypergraph}, which may have a vertex more than once.
 * The arrays of the nets are written over.
 */
export function mergeNets(
  weights: Float64Array[],
  pins: Int32Array,
  start: Int32Array,
  costs: Int32Array,
): Hypergraph {
  // Of the nets so far, number and 1 by their hash, in the next place that is free.
  const mask = 2 ** Math.ceil(Math.log2(2 * costs.length + 2)) - 1
  const table = new Int32Array(mask + 1)
  let count = 0
  let filled = 0
  let from = 0
  for (let n = 0; n < costs.length; n++) {
    const to = start[n + 1]
    const width = distinct(pins, from, to, filled)
    from = to
    if (width < 2) continue
    let place = hashOf(pins, filled, width) & mask
    while (table[place] !== 0 && !isNet(pins, start, table[place] - 1, filled, width))
      place = (place + 1) & mask
    if (table[place] !== 0) costs[table[place] - 1] += costs[n]
    else {
      costs[count] = costs[n]
      filled += width
      start[++count] = filled
      table[place] = count
    }
  }
  return withNets(weights, pins.slice(0, filled), start.slice(0, count + 1), costs.slice(0, count))
}

/**
 * Writes pins from…to−1, each once and in order, to `at` ≤ from; two stay as they come, as of most nets.
 *
 * @returns how many
 */
function distinct(pins: Int32Array, from: number, to: number, at: number): number {
  const given = to - from
  if (given === 2) {
    pins[at] = pins[from]
    pins[at + 1] = pins[from + 1]
    return pins[at] === pins[at + 1] ? 1 : 2
  }
  pins.copyWithin(at, from, to)
  pins.subarray(at, at + given).sort()
  let width = 0
  for (let i = at; i < at + given; i++)
    if (width === 0 || pins[i] !== pins[at + width - 1]) pins[at + width++] = pins[i]
  return width
}

/** The same for two in either order. */
function hashOf(pins: Int32Array, at: number, width: number): number {
  let hash = 0
  if (width === 2) hash = Math.min(pins[at], pins[at + 1])
  else for (let i = at; i < at + width - 1; i++) hash = Math.imul(hash ^ pins[i], 0x01000193)
  const last = width === 2 ? Math.max(pins[at], pins[at + 1]) : pins[at + width - 1]
  hash = Math.imul(Math.imul(hash, 0x9e3779b1) ^ last, 0x85ebca6b)
  return hash ^ (hash >>> 15)
}

/** Has net m the vertices that are at `at`? */
function isNet(pins: Int32Array, start: Int32Array, m: number, at: number, width: number): boolean {
  const first = start[m]
  if (start[m + 1] - first !== width) return false
  if (width === 2 && pins[first] === pins[at + 1] && pins[first + 1] === pins[at]) return true
  for (let i = 0; i < width; i++) if (pins[first + i] !== pins[at + i]) return false
  return true
}

/** The graph of nets of distinct vertices. */
function withNets(
  weights: Float64Array[],
  pins: Int32Array,
  start: Int32Array,
  costs: Int32Array,
): Hypergraph {
  const size = weights[0].length
  const netStart = new Int32Array(size + 1)
  for (const v of pins) netStart[v + 1]++
  for (let v = 0; v < size; v++) netStart[v + 1] += netStart[v]
  const nets = new Int32Array(pins.length)
  const next = netStart.slice()
  for (let n = 0; n < costs.length; n++)
    for (let i = start[n]; i < start[n + 1]; i++) nets[next[pins[i]]++] = n
  return { size, weights, pins, start, costs, nets, netStart }
}

/** Number of a layer's first neuron among all neurons behind the input. */
export function firstNeuronOf(network: Network, layer: number): number {
  let first = 0
  for (let below = 1; below < layer; below++) first += neuronsOf(network, below)
  return first
}

/** Each hidden signal with the neuron that gives it and those that read it, numbered as above. */
export function signalNets(network: Network): Net[] {
  const nets: Net[] = []
  for (let layer = 2; layer <= network.layers.length; layer++) {
    const { outputs } = network.layers[layer - 2]
    const { inputs } = network.layers[layer - 1]
    const before = firstNeuronOf(network, layer - 1)
    const first = firstNeuronOf(network, layer)
    const readers = new Map<number, number[]>()
    wiringOf(network)
      .sources(layer)
      .forEach((sources, synapse) => {
        for (const source of sources) {
          const neurons = readers.get(source) ?? []
          neurons.push(first + Math.floor(synapse / inputs))
          readers.set(source, neurons)
        }
      })
    for (const [source, neurons] of readers)
      nets.push({ pins: [before + Math.floor(source / outputs), ...neurons], cost: 1 })
  }
  return nets
}

/** Pairs of a net and a part beyond its first: Σ cost · (parts the net touches − 1). */
export function cutOf(graph: Hypergraph, parts: Int32Array): number {
  let cut = 0
  const { costs, pins, start } = graph
  for (let n = 0; n < costs.length; n++) {
    const first = start[n]
    if (start[n + 1] - first === 2) {
      if (parts[pins[first]] !== parts[pins[first + 1]]) cut += costs[n]
      continue
    }
    const touched = new Set<number>()
    for (let i = first; i < start[n + 1]; i++) touched.add(parts[pins[i]])
    cut += costs[n] * (touched.size - 1)
  }
  return cut
}
