/**
 * Which signals go from which board to which. Boards number signals by their place on their own
 * buses (host/network/shard.ts, busesOf); between two boards the index in the layer stands for both.
 */

import { busesOf, placesOf } from "../network/buses"
import { type Network, neuronsOf, signalsOf } from "../network/network"
import type { Slice } from "../network/slices"

/** A range of places on a bus. */
export interface Range {
  first: number
  end: number
}

/** One signal on its way: its place on its owner's bus, and where it goes. */
export interface Wire {
  from: number
  to: number
}

/** One board that reads signals of a layer which others compute. */
export interface Reader {
  member: number
  /** Places of the foreign signals on its bus, in at most two ranges. */
  ranges: Range[]
  /** Foreign signals in all. */
  count: number
  /** For each member the signals it owes this reader; `to` counts the reader's foreign signals. */
  wires: Wire[][]
  /** For each place on its bus its owner and the place on that one's bus. */
  origins: { owner: number; place: number }[]
}

/** One board that computes signals of a layer, and needs backward sums for them from elsewhere. */
export interface Owner {
  member: number
  range: Range
  /** Members that send it sums. */
  readers: number[]
}

export interface Layer {
  readers: Reader[]
  owners: Owner[]
  /** For each member the places of its own signals on its bus, and how wide that is. */
  own: Range[]
  widths: number[]
}

/**
 * For each layer (0 is empty) who reads and who owns. The outputs are read, where a sample is learnt,
 * by every board that has some: each makes the error of all of them, so no sums come back for them.
 */
export function routesOf(network: Network, shares: Slice[][]): Layer[] {
  const buses = shares.map(slices => busesOf(network, slices))
  return Array.from({ length: network.layers.length + 1 }, (_, layer) =>
    layer === 0 ? inputsOf(shares) : layerOf(network, shares, buses, layer),
  )
}

/** Pixels are no signals that boards report. */
function inputsOf(shares: Slice[][]): Layer {
  return {
    readers: [],
    owners: [],
    own: shares.map(() => ({ first: 0, end: 0 })),
    widths: shares.map(() => 0),
  }
}

function layerOf(network: Network, shares: Slice[][], buses: number[][][], layer: number): Layer {
  const per = network.layers[layer - 1].outputs
  const all = shares.map((_, member) => member)
  const places = buses.map(bus => placesOf(bus[layer], signalsOf(network, layer)))
  const neuronsAt = (member: number, at: number) =>
    shares[member].filter(s => s.layer === at).reduce((sum, s) => sum + s.count, 0)
  // A board's own signals are one range of its bus, its slices one behind the other.
  const own = all.map(member => {
    const slice = shares[member].find(s => s.layer === layer)
    if (!slice) return { first: 0, end: 0 }
    const first = places[member][(slice.neurons?.[0] ?? slice.first) * per]
    return { first, end: first + neuronsAt(member, layer) * per }
  })
  const home = new Map<number, { owner: number; place: number }>()
  for (const member of all)
    for (let place = own[member].first; place < own[member].end; place++)
      home.set(buses[member][layer][place], { owner: member, place })

  const outputs = layer === network.layers.length
  const readers: Reader[] = []
  for (const member of all) {
    const bus = buses[member][layer]
    const { first, end } = own[member]
    const reads = outputs ? end > first : neuronsAt(member, layer + 1) > 0
    if (!reads || bus.length === end - first) continue
    const ranges = [
      { first: 0, end: first },
      { first: end, end: bus.length },
    ].filter(r => r.end > r.first)
    const wires: Wire[][] = all.map(() => [])
    const origins = bus.map(signal => home.get(signal)!)
    let to = 0
    for (const range of ranges)
      for (let place = range.first; place < range.end; place++)
        wires[origins[place].owner].push({ from: origins[place].place, to: to++ })
    readers.push({ member, ranges, count: to, wires, origins })
  }
  const widths = buses.map(bus => bus[layer].length)
  if (outputs) return { readers, owners: [], own, widths }
  const owners = all
    .filter(m => neuronsAt(m, layer) > 0 && neuronsAt(m, layer + 1) < neuronsOf(network, layer + 1))
    .map(member => ({
      member,
      range: own[member],
      readers: readers.filter(r => r.wires[member].length > 0).map(r => r.member),
    }))
  return { readers, owners, own, widths }
}

/** The pixels a board takes, ascending; undefined: all. */
export function pixelsOf(network: Network, slices: Slice[]): number[] | undefined {
  if (!slices.some(s => s.layer === 1)) return []
  const bus = busesOf(network, slices)[0]
  const each = signalsOf(network, 0) / network.width
  if (bus.length === network.width * each) return undefined
  return Array.from({ length: bus.length / each }, (_, i) => bus[i * each] / each)
}
