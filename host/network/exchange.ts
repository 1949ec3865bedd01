/** Between a shard's order of what was learnt and the network's own. */
import { Kernel, PartFlag } from "../../src/core/layout"
import { placesOf } from "./buses"
import { linkingOf, type Network, signalsOf } from "./description"
import { linksBefore, linksOf } from "./linking"
import { type PartView, ShardView } from "./shard-view"
import { wiringOf } from "./wiring"

/**
 * Copies coefficients between a shard and the network's own order (layer by layer, synapse by
 * synapse, sources ascending; int16 little-endian).
 *
 * @param toShard true: from `all` into the shard; false: from the shard into `all`
 */
export function exchangeCoefficients(m: Buffer, net: Network, all: Buffer, toShard: boolean): void {
  const { parts } = new ShardView(m)
  let base = 0
  for (let layer = 1; layer <= net.layers.length; layer++) {
    for (const part of parts) if (part.layer === layer) exchangeLinks(part, net, base, all, toShard)
    base += linksOf(net, layer)
  }
}

/** @param base place in `all` of the first link of the part's layer */
function exchangeLinks(
  part: PartView,
  net: Network,
  base: number,
  all: Buffer,
  toShard: boolean,
): void {
  if (part.has(PartFlag.Shared)) {
    exchangeKernels(part, base, all, toShard)
    return
  }
  const m = part.memory
  const { layer, inputs, sources, neurons, coefficient, target } = part
  // The place of each synapse's next link. Sources ascending, the n-th link seen of a synapse is
  // that of its n-th source.
  const adder = linkingOf(net) === "adder"
  const before: number[] = [0]
  if (!adder)
    for (const of of wiringOf(net).sources(layer))
      before.push(before[before.length - 1] + of.length)
  const places: number[] = []
  for (let n = 0; n < neurons; n++)
    for (let k = 0; k < inputs; k++) {
      const synapse = part.neuronAt(n) * inputs + k
      places.push(base + (adder ? linksBefore(net, layer, synapse) : before[synapse]))
    }
  const exchange = (place: number, link: number): void => {
    if (toShard) m.setAt(coefficient + link * 2, "i16", all.getAt(place * 2, "i16"))
    else all.setAt(place * 2, "i16", m.getAt(coefficient + link * 2, "i16"))
  }
  if (target === 0) {
    for (let t = 0; t < places.length; t++)
      for (let s = 0; s < sources; s++) exchange(places[t] + part.sourceAt(s), t * sources + s)
    return
  }
  if (part.has(PartFlag.Picked)) {
    for (const [t, place] of places.entries()) {
      const { first, end } = part.linksOf(t)
      for (let link = first; link < end; link++) exchange(place + link - first, link)
    }
    return
  }
  const bus: number[] = []
  for (let s = 0; s < sources; s++) bus.push(part.sourceAt(s))
  for (const s of placesOf(bus, signalsOf(net, layer - 1))) {
    if (s < 0) continue
    const { first, end } = part.linksOf(s)
    for (let link = first; link < end; link++)
      exchange(places[m.getAt(target + link, "u8")]++, link)
  }
}

/** Of shared kernels: synapse by synapse of a place, the sources of its window ascending. */
function exchangeKernels(part: PartView, base: number, all: Buffer, toShard: boolean): void {
  const m = part.memory
  const synapses = m.getAt(part.start + Kernel.Synapses, "u16")
  const fanIn = part.links / synapses
  for (let synapse = 0; synapse < synapses; synapse++)
    for (let rank = 0; rank < fanIn; rank++) {
      const here = part.coefficient + (rank * synapses + synapse) * 2
      const there = (base + synapse * fanIn + rank) * 2
      if (toShard) m.setAt(here, "i16", all.getAt(there, "i16"))
      else all.setAt(there, "i16", m.getAt(here, "i16"))
    }
}

/** Values exchangeElements counts for each neuron behind the input. */
export const ELEMENT_VALUES = 15

/**
 * Copies what elements have of their own between a shard and the network's own order: layer by
 * layer, neuron by neuron K3 (Q14), B and B̂ (Q12) of the five elements, int16 little-endian. B̂ that a
 * shard does not hold stays as it is in `all`. Nothing is copied where elements do not learn.
 *
 * @param toShard true: from `all` into the shard; false: from the shard into `all`
 */
export function exchangeElements(m: Buffer, net: Network, all: Buffer, toShard: boolean): void {
  for (const part of new ShardView(m).parts) {
    let before = 0
    for (const { neurons } of net.layers.slice(0, part.layer - 1)) before += neurons
    const sets = [part.inhibition, part.rest, part.restBack]
    for (const [set, at] of sets.entries()) {
      if (at === 0) continue
      for (let n = 0; n < part.neurons; n++)
        for (let e = 0; e < 5; e++) {
          const here = at + (n * 5 + e) * 2
          const there = ((before + part.neuronAt(n)) * ELEMENT_VALUES + set * 5 + e) * 2
          if (toShard) m.setAt(here, "i16", all.getAt(there, "i16"))
          else all.setAt(there, "i16", m.getAt(here, "i16"))
        }
    }
  }
}
