/** What a shard has on its buses: the signals it computes and those it reads. */
import { inputSignalsOf, type Network, signalsOf } from "./description"
import { isDense, kernelsOf } from "./linking"
import { neuronOf, neuronsHere, type Slice } from "./slices"
import { type Sources, wiringOf } from "./wiring"

/**
 * What a shard of these slices has on its buses: for each layer (0 = the pixels' signals) the indices
 * in that layer of its signals, in the bus's order.
 *
 * Only what the shard computes or reads is there, ascending; its own signals come first where they
 * are not one range. Where links are dense or shared all signals are there, since no index is stored, and all
 * outputs are; so are the pixels if most are read, since a table of them costs memory too.
 */
export function busesOf(net: Network, slices: Slice[]): number[][] {
  return busesFor(net, slices, sourcesOfSlices(net, slices))
}

/** For each slice the sources of its synapses; none where links are dense or shared. */
export function sourcesOfSlices(net: Network, slices: Slice[]): Sources[] {
  return slices.map(slice => (readsAll(net, slice.layer) ? [] : wiringOf(net).sourcesOf(slice)))
}

/** Does a layer read by place on the bus, which so holds all signals of the layer before? */
function readsAll(net: Network, layer: number): boolean {
  return isDense(net, layer) || kernelsOf(net, layer) !== undefined
}

/** As {@link busesOf}, of the sources that are known already. */
export function busesFor(net: Network, slices: Slice[], drawn: Sources[]): number[][] {
  const buses: number[][] = []
  for (let layer = 0; layer <= net.layers.length; layer++) {
    const width = signalsOf(net, layer)
    const own: number[] = []
    const present: boolean[] = []
    for (let s = 0; s < width; s++) present.push(false)
    let reads = false
    let partial = false
    for (let i = 0; i < slices.length; i++) {
      const slice = slices[i]
      if (slice.layer === layer) {
        const outputs = net.layers[layer - 1].outputs
        for (let n = 0; n < slice.count; n++)
          for (let k = 0; k < outputs; k++) own.push(neuronOf(slice, n) * outputs + k)
      }
      if (slice.layer === layer + 1) {
        reads = true
        if (slice.partial) partial = true
        for (const of of drawn[i]) for (const s of of) present[s] = true
      }
    }
    if (reads && layer === 0) {
      buses.push(pixelsOf(net, present, neuronsHere(slices, 1) === net.layers[0].neurons))
      continue
    }
    let range = true
    for (let i = 1; i < own.length; i++) if (own[i] !== own[i - 1] + 1) range = false
    const all =
      layer === net.layers.length ? own.length > 0 : reads && !partial && readsAll(net, layer + 1)
    const ownFirst = !range && !all
    for (const s of own) present[s] = !ownFirst
    const bus: number[] = []
    if (ownFirst) for (const s of own) bus.push(s)
    for (let s = 0; s < width; s++) if (all || present[s]) bus.push(s)
    // A part without any link reads a signal all the same: one with nothing to read is not sound.
    if (reads && bus.length === 0) bus.push(0)
    buses.push(bus)
  }
  return buses
}

/**
 * The signals of the pixels of which one is needed; of all pixels if those are most, or if the shard
 * computes the whole layer, so that a whole network takes images as they are.
 */
function pixelsOf(net: Network, needed: boolean[], whole: boolean): number[] {
  const each = inputSignalsOf(net)
  const some: number[] = []
  const all: number[] = []
  for (let pixel = 0; pixel < net.width; pixel++) {
    let used = false
    for (let k = 0; k < each; k++) {
      all.push(pixel * each + k)
      if (needed[pixel * each + k]) used = true
    }
    if (used) for (let k = 0; k < each; k++) some.push(pixel * each + k)
  }
  if (some.length === 0) for (let k = 0; k < each; k++) some.push(k)
  return whole || some.length * 4 > all.length * 3 ? all : some
}

/** Is the bus the first signals of its layer in order, so that no table of indices is needed? */
export function isWhole(bus: number[]): boolean {
  for (let i = 0; i < bus.length; i++) if (bus[i] !== i) return false
  return true
}

/** Where on a bus each of `width` signals is; −1: nowhere. */
export function placesOf(bus: number[], width: number): number[] {
  const places: number[] = []
  for (let s = 0; s < width; s++) places.push(-1)
  for (let i = 0; i < bus.length; i++) places[bus[i]] = i
  return places
}

/**
 * Place on its layer's bus of a slice's first signal; the others follow it.
 *
 * @throws RangeError if they do not: all signals are there in order, and the slice's neurons are not
 */
export function placeOf(net: Network, slice: Slice, bus: number[]): number {
  const { outputs } = net.layers[slice.layer - 1]
  const places = placesOf(bus, signalsOf(net, slice.layer))
  const first = places[neuronOf(slice, 0) * outputs]
  for (let n = 1; n < slice.count; n++)
    if (places[neuronOf(slice, n) * outputs] !== first + n * outputs)
      throw new RangeError(`neurons of a slice of layer ${slice.layer} must be a range`)
  return first
}
