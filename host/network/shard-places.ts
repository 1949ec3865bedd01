/** Where everything lies in a shard's memory (layout.ts), before there is any. */
import { Header, Kernel, Part } from "../../src/core/layout"
import { Neuron } from "../../src/core/neuron"
import { MOST_PICKED_OPERATIONS, pickedOperations } from "../../src/core/operations"
import { MOST_PICKED, pickListBytes } from "../../src/core/picked"
import { isWhole, sourcesOfSlices } from "./buses"
import { elementsLearn, inputSignalsOf, isFine, type Network, settlesOneByOne } from "./description"
import { isDense, kernelsOf, linksOf } from "./linking"
import { MAX_SPARSE_LINKS, MAX_SYNAPSES, neuronsHere, type Slice } from "./slices"
import type { Sources } from "./wiring"

/** Addresses of a part, bytes from the start of the memory; 0: it has no such thing. */
export interface PartPlaces {
  /** How many links it holds. */
  links: number
  start: number
  coefficient: number
  target: number
  neuronIds: number
  /** K3, then B, then B̂ where the papers' backward equation runs. */
  inhibition: number
  /** Sums, λ, noise (none where links are shared) and states, one after the other. */
  work: number
  /** Shared links of pixels: these, laid out. */
  pixels: number
  displacement: number
  /** Or, in what is loaded, what backward signals return by (Part.LinkPid). */
  linkPid: number
  elementPid: number
}

export interface ShardPlaces {
  inputTable: number
  /** Where what is loaded ends, and where all ends. */
  image: number
  size: number
  imageList: number
  signalList: number
  scratch: number
  /** Per layer, 0 being the input: the table of its signals' indices, its bus, its backward sums. */
  sourceIds: number[]
  buses: number[]
  backs: number[]
  /** In the order of the slices. */
  parts: PartPlaces[]
}

/**
 * @param drawn the sources of each slice's synapses (buses.ts, `sourcesOfSlices`)
 * @param onBus the signals on each layer's bus (`busesFor`)
 * @throws RangeError if a slice has more synapses or links than a part holds
 */
export function placesFor(
  net: Network,
  slices: Slice[],
  slots: number,
  drawn: Sources[],
  onBus: number[][],
): ShardPlaces {
  const layers = net.layers.length
  let at: number = Header.Length + slices.length * Part.Length
  const inputTable = at
  at += 512 * inputSignalsOf(net)

  // Loaded: links.
  const parts: PartPlaces[] = []
  const sourceIds: number[] = new Array(layers + 1).fill(0)
  for (const [i, slice] of slices.entries()) {
    const below = slice.layer - 1
    const sources = onBus[below].length
    const links = linksIn(net, slice, drawn[i], sources)
    const part = noPlaces(links)
    parts.push(part)
    const shared = kernelsOf(net, slice.layer) !== undefined
    const sparse = !shared && !isDense(net, slice.layer)
    if (shared) {
      part.start = at
      at += Kernel.Length
    } else if (sparse) {
      part.start = at
      at += ((slice.picked ? drawn[i].length : sources) + 1) * 2
    }
    part.coefficient = at
    at += links * 2
    if (sparse) {
      part.target = at
      at += slice.picked ? links * 2 : links
    }
    at = align4(at)
    if (net.feedback && below > 0) {
      part.linkPid = at
      at = align4(at + links * 2)
    }
    if (slice.neurons) {
      part.neuronIds = at
      at = align4(at + slice.count * 2)
    }
    // Picked links have the salt of their sources each.
    if (slice.picked) continue
    if (sourceIds[below] === 0 && (slice.partial || !isWhole(onBus[below]))) {
      sourceIds[below] = at
      at = align4(at + sources * 2)
    }
  }
  // Loaded too: K3, B and, where the papers' backward equation runs, B̂ of each element.
  const own = elementsLearn(net)
  const bsp = net.backward === "bsp"
  if (own)
    for (const [i, { count }] of slices.entries()) {
      parts[i].inhibition = at
      at = align4(at + count * (bsp ? 30 : 20))
    }
  const image = at

  // Working memory: a bus per layer in use, lists, sums and states of each part.
  const buses: number[] = [0]
  const backs: number[] = [0]
  for (let layer = 1; layer <= layers; layer++) {
    const used = slices.some(slice => slice.layer === layer || slice.layer === layer + 1)
    buses.push(used ? at : 0)
    if (used) at = align4(at + slots * onBus[layer].length * 2)
    backs.push(used ? at : 0)
    if (used) at += onBus[layer].length * 4
  }
  const imageList = slices.some(({ layer }) => layer === 1) ? at : 0
  if (imageList !== 0)
    at += slices[0].picked
      ? align4(pickListBytes(parts[0].links, drawn[0].length))
      : 4 + onBus[0].length * 4
  let listed = 0
  for (const { layer } of slices)
    if (layer > 1 && !isDense(net, layer) && !kernelsOf(net, layer))
      listed = Math.max(listed, onBus[layer - 1].length)
  const signalList = listed !== 0 ? at : 0
  if (listed !== 0) at += 4 + listed * 4
  for (const [i, { layer, count }] of slices.entries()) {
    const shared = kernelsOf(net, layer) !== undefined
    parts[i].work = at
    at = align4(at + count * net.layers[layer - 1].inputs * (shared ? 6 : 8) + count * 10)
    if (shared && layer === 1) {
      parts[i].pixels = at
      at = align4(at + onBus[0].length * 2)
    }
  }
  // Working memory of other rules than the plain product of the links.
  const scratch = settlesOneByOne(net) ? at : 0
  if (scratch !== 0) at += Neuron.Length
  for (const [i, { count }] of slices.entries()) {
    const part = parts[i]
    if (scratch !== 0) {
      part.displacement = at
      at = align4(at + count * 10)
    }
    if (net.pid && net.rule !== "elements") {
      part.linkPid = at
      at += part.links * 8
    }
    if (net.pid && own) {
      part.elementPid = at
      at += count * 40
    }
  }
  return {
    inputTable,
    image,
    size: at,
    imageList,
    signalList,
    scratch,
    sourceIds,
    buses,
    backs,
    parts,
  }
}

/**
 * Links a pixel up to which going through lit pixels costs a board more (70 operations each forward, 60
 * back) than what links that are picked cost more each (7 and 8) and take further messages.
 */
const PICKED_LINKS_A_PIXEL = 4
/** Pixels below which images have so few lit ones that it does not matter. */
const LEAST_PICKED_PIXELS = 256

/**
 * A share with its pixels' links synapse by synapse, so that each image is picked out for the board
 * (src/core/picked.ts); undefined where it cannot be or does not pay: it does where a share of a layer
 * has few links a pixel. All of them have to be summed in one run. A link takes 6 B so, and 3 B else. A
 * whole layer takes images as they are.
 */
export function pickedShare(net: Network, slices: Slice[]): Slice[] | undefined {
  if (slices.filter(({ layer }) => layer === 1).length !== 1) return undefined
  if (neuronsHere(slices, 1) === net.layers[0].neurons) return undefined
  // Those loops know the plain product alone.
  const plain = net.rule !== "elements" && net.linkBound === undefined && !net.pid && !isFine(net)
  if (!plain || net.feedback || inputSignalsOf(net) !== 1) return undefined
  const [drawn] = sourcesOfSlices(net, slices)
  if (drawn.length === 0) return undefined
  let links = 0
  for (const of of drawn) {
    // A move is one byte.
    if (of.length > MOST_PICKED) return undefined
    links += of.length
  }
  const fits = pickedOperations(links, drawn.length) <= MOST_PICKED_OPERATIONS
  if (!fits || net.width < LEAST_PICKED_PIXELS || links > PICKED_LINKS_A_PIXEL * net.width)
    return undefined
  return slices.map(slice => (slice.layer === 1 ? { ...slice, picked: true } : slice))
}

/**
 * The pixels that each synapse of a share reads, in the order in which its links are picked; undefined
 * where the share takes images as they are.
 */
export function pickedSources(net: Network, slices: Slice[]): Sources | undefined {
  return slices.some(s => s.picked) ? sourcesOfSlices(net, slices)[0] : undefined
}

function noPlaces(links: number): PartPlaces {
  return {
    links,
    start: 0,
    coefficient: 0,
    target: 0,
    neuronIds: 0,
    inhibition: 0,
    work: 0,
    pixels: 0,
    displacement: 0,
    linkPid: 0,
    elementPid: 0,
  }
}

/** Links of a slice, checked against what a part can hold. */
function linksIn(net: Network, slice: Slice, drawn: Sources, sources: number): number {
  if (kernelsOf(net, slice.layer)) {
    if (slice.count !== net.layers[slice.layer - 1].neurons)
      throw new RangeError(`shared kernels are a whole layer, not ${slice.count} neurons of one`)
    return linksOf(net, slice.layer)
  }
  const synapses = slice.count * net.layers[slice.layer - 1].inputs
  if (synapses > MAX_SYNAPSES)
    throw new RangeError(`a part holds at most ${MAX_SYNAPSES} synapses, not ${synapses}`)
  if (isDense(net, slice.layer)) return synapses * sources
  let links = 0
  for (const of of drawn) links += of.length
  if (links > MAX_SPARSE_LINKS)
    throw new RangeError(`a part holds at most ${MAX_SPARSE_LINKS} sparse links, not ${links}`)
  return links
}

export function align4(at: number): number {
  return (at + 3) & ~3
}
