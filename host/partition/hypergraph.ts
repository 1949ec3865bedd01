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
  const size = weights[0].length
  // Most nets have two vertices, for which a number does as a key.
  const pairs = new Map<number, Net>()
  const wide = new Map<string, Net>()
  const all: Net[] = []
  const add = <Key>(known: Map<Key, Net>, key: Key, pins: number[], cost: number) => {
    const same = known.get(key)
    if (same) same.cost += cost
    else {
      const net = { pins, cost }
      known.set(key, net)
      all.push(net)
    }
  }
  for (const { pins, cost } of given) {
    const distinct = pins.length === 2 ? pins : [...new Set(pins)].sort((a, b) => a - b)
    const [a, b] = distinct
    if (distinct.length === 2 && a !== b)
      add(pairs, Math.min(a, b) * size + Math.max(a, b), distinct, cost)
    else if (distinct.length > 2) add(wide, distinct.join(), distinct, cost)
  }
  const start = new Int32Array(all.length + 1)
  const netStart = new Int32Array(size + 1)
  all.forEach(({ pins }, n) => {
    start[n + 1] = start[n] + pins.length
    for (const v of pins) netStart[v + 1]++
  })
  for (let v = 0; v < size; v++) netStart[v + 1] += netStart[v]
  const pins = new Int32Array(start[all.length])
  const nets = new Int32Array(pins.length)
  const next = netStart.slice()
  all.forEach((net, n) => {
    pins.set(net.pins, start[n])
    for (const v of net.pins) nets[next[v]++] = n
  })
  return { size, weights, pins, start, costs: Int32Array.from(all, n => n.cost), nets, netStart }
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
