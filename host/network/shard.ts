/**
 * Builds the memory of a shard (src/core/layout.ts) from a network and the slices of its layers that the
 * shard is to compute.
 */
import { SOURCE_SALT } from "../../src/base/random"
import { FIXED_POINT, Kernel, LAYOUT_VERSION, MAGIC, PartFlag, Rule } from "../../src/core/layout"
import { INHIBITION } from "../../src/core/neuron"
import {
  atOnceOperations,
  DENSE_SYNAPSE_OPERATIONS,
  ENTRY_OPERATIONS,
  MOST_OPERATIONS,
  mostDenseLinkOperations,
  mostLinkOperations,
  neuronOperations,
  PICKED_LEARN_OPERATIONS,
  PICKED_LEARN_SYNAPSE_OPERATIONS,
  SOURCE_OPERATIONS,
  sharedLinkOperations,
  sharedSourceOperations,
} from "../../src/core/operations"
import { busesFor, placeOf, placesOf, sourcesOfSlices } from "./buses"
import { elementsLearn, finerOf, inputSignalsOf, type Network, signalsOf } from "./description"
import { fanInOf, isDense, kernelsOf } from "./linking"
import { coefficientMaxOf, feedbackCoefficient, firstCoefficient } from "./network"
import { layoutHash, writeInputTable, writeNumberFormats, writeRule } from "./shard-header"
import { type PartPlaces, placesFor, type ShardPlaces } from "./shard-places"
import { type PartView, ShardView } from "./shard-view"
import { neuronOf, neuronsHere, ownSignals, type Slice } from "./slices"
import type { Sources } from "./wiring"

/** Operations a board may spend on one chunk; less than it could, as a yield costs little. */
const CHUNK_OPERATIONS = 80000

/**
 * @param slices ascending by layer, each of at most MAX_SYNAPSES synapses (slices.ts)
 * @param slots samples that can be in progress at once
 * @returns the whole memory; what a board loads is its first `Header.Image` bytes
 */
export function buildShard(net: Network, slices: Slice[], slots: number): Buffer {
  const drawn = sourcesOfSlices(net, slices)
  const onBus = busesFor(net, slices, drawn)
  const places = placesFor(net, slices, slots, drawn, onBus)
  const shard = new ShardView(Buffer.alloc(places.size))
  shard.magic = MAGIC
  shard.version = LAYOUT_VERSION
  shard.image = places.image
  shard.size = places.size
  shard.partCount = slices.length
  shard.slots = slots
  shard.width = onBus[0].length / inputSignalsOf(net)
  shard.inputSignals = inputSignalsOf(net)
  shard.inputTable = places.inputTable
  shard.seed = net.seed | 0
  shard.scratch = places.scratch
  writeNumberFormats(shard, net)
  writeRule(shard, net)
  for (const [i, slice] of slices.entries()) {
    const part = shard.part(i)
    writeDescriptor(part, net, slices, slice, onBus)
    writeAddresses(part, slice, places, places.parts[i])
    if (elementsLearn(net)) writeElements(part, net, places.parts[i])
    writeIds(part, slice, onBus[slice.layer - 1])
    if (part.has(PartFlag.Shared)) writeKernels(part, net, slice.layer)
    else if (slice.picked) writePickedLinks(part, net, slice, drawn[i])
    else writeLinks(part, net, slice, drawn[i], onBus[slice.layer - 1])
    if (slice.layer === 1 && sumsAtOnce(shard, part, slices)) part.flags |= PartFlag.AtOnce
    writeChunks(shard, part)
  }
  writeInputTable(shard, net)
  shard.layoutHash = layoutHash(shard)
  return shard.memory
}

/** Of a shard that need not be built for it: the bytes of its memory, by its slots. */
export function sizeOfShard(net: Network, slices: Slice[]): (slots: number) => number {
  const drawn = sourcesOfSlices(net, slices)
  const onBus = busesFor(net, slices, drawn)
  return slots => placesFor(net, slices, slots, drawn, onBus).size
}

/** Does a shard of these slices tell other boards what this layer of it gives? */
export function reports(net: Network, slices: Slice[], layer: number): boolean {
  return layer < net.layers.length && neuronsHere(slices, layer + 1) < net.layers[layer].neurons
}

/** Of shares that all make all outputs: is it the one that says what came of a sample? */
function tellsOutcome(slices: Slice[], layer: number): boolean {
  return slices.some(s => s.layer === layer - 1 && neuronOf(s, 0) === 0)
}

/** What the part is: its neurons, its place on the buses, its flags. */
function writeDescriptor(
  part: PartView,
  net: Network,
  slices: Slice[],
  slice: Slice,
  onBus: number[][],
): void {
  const { layer } = slice
  const l = net.layers[layer - 1]
  const sources = onBus[layer - 1].length
  part.layer = layer
  part.neurons = slice.count
  part.first = slice.first
  part.inputs = l.inputs
  part.inputStep = l.inputStep ?? 1
  part.outputFirst = l.outputFirst
  part.outputs = l.outputs
  part.outputStep = l.outputStep ?? 1
  part.finer = finerOf(net, layer)
  part.backShift = 13 + finerOf(net, layer + 1) - finerOf(net, layer)
  part.sources = sources
  let flags = 0
  if (layer === 1) flags |= PartFlag.Input
  if (layer === net.layers.length) flags |= PartFlag.Output
  if (isDense(net, layer)) flags |= PartFlag.Dense
  if (kernelsOf(net, layer)) flags |= PartFlag.Shared
  if (reports(net, slices, layer)) flags |= PartFlag.Report
  if (layer > 1 && ownSignals(net, slices, layer - 1) < sources) flags |= PartFlag.Await
  if (slice.partial) flags |= PartFlag.Partial
  if (slice.partial && tellsOutcome(slices, layer)) flags |= PartFlag.Tells
  part.flags = flags
  part.busInWidth = layer > 1 ? sources : 0
  part.busOutWidth = onBus[layer].length
  part.busOutFirst = placeOf(net, slice, onBus[layer])
  // Network-wide indices; with a table of neurons those of the layer's first.
  const firstNeuron = slice.neurons ? 0 : slice.first
  let synapse = firstNeuron * l.inputs
  let element = firstNeuron * 5
  for (const below of net.layers.slice(0, layer - 1)) {
    synapse += below.neurons * below.inputs
    element += below.neurons * 5
  }
  part.firstSynapse = synapse & 0xffff
  part.firstElement = element & 0xffff
}

function writeAddresses(
  part: PartView,
  { layer }: Slice,
  shard: ShardPlaces,
  own: PartPlaces,
): void {
  const { synapses } = part
  part.links = own.links
  part.start = own.start
  part.target = own.target
  part.coefficient = own.coefficient
  part.sum = own.work
  const shared = part.has(PartFlag.Shared)
  part.lambda = own.work + synapses * 4
  part.noise = shared ? 0 : own.work + synapses * 6
  part.state = own.work + synapses * (shared ? 6 : 8)
  part.busIn = shared && layer === 1 ? own.pixels : shard.buses[layer - 1]
  part.busOut = shard.buses[layer]
  part.backOut = shard.backs[layer - 1]
  part.backIn = shard.backs[layer]
  part.displacement = own.displacement
  part.linkPid = own.linkPid
  part.elementPid = own.elementPid
  part.list = layer === 1 ? shard.imageList : part.isDense || shared ? 0 : shard.signalList
  part.neuronIds = own.neuronIds
  part.sourceIds = shard.sourceIds[layer - 1]
}

/** K3, B and B̂ of each element, as they begin. */
function writeElements(part: PartView, net: Network, { inhibition }: PartPlaces): void {
  const m = part.memory
  const bytes = part.neurons * 10
  const bsp = net.backward === "bsp"
  part.inhibition = inhibition
  part.rest = inhibition + bytes
  part.restBack = bsp ? inhibition + bytes * 2 : 0
  for (let e = 0; e < bytes; e += 2) {
    m.setAt(inhibition + e, "i16", INHIBITION)
    m.setAt(part.rest + e, "i16", FIXED_POINT)
    if (bsp) m.setAt(part.restBack + e, "i16", FIXED_POINT)
  }
}

function writeIds(part: PartView, slice: Slice, bus: number[]): void {
  const m = part.memory
  for (const [n, neuron] of (slice.neurons ?? []).entries())
    m.setAt(part.neuronIds + n * 2, "u16", neuron)
  if (part.sourceIds !== 0)
    for (const [s, source] of bus.entries()) m.setAt(part.sourceIds + s * 2, "u16", source)
}

/** Several parts share one list of pixels, which they sum one after the other. */
function sumsAtOnce(shard: ShardView, part: PartView, slices: Slice[]): boolean {
  if (part.has(PartFlag.Picked)) return true
  const alone = slices.length === 1 || slices[1].layer > 1
  const plain =
    !shard.has(Rule.Listed) &&
    !part.has(PartFlag.Shared) &&
    part.sourceIds === 0 &&
    shard.inputSignals === 1
  // A board must be able to sum the links of any message's pixels in one run.
  return alone && plain && atOnceOperations(mostLinks(part)) <= MOST_OPERATIONS
}

/** Links of the source that has the most; 0 where links are dense. */
function mostLinks(part: PartView): number {
  return part.target === 0 || part.has(PartFlag.Picked) ? 0 : mostOf(part, part.sources)
}

/** Links of the source, or picked ones of the synapse, that has the most of so many. */
function mostOf(part: PartView, count: number): number {
  let most = 0
  for (let s = 0; s < count; s++) {
    const { first, end } = part.linksOf(s)
    most = Math.max(most, end - first)
  }
  return most
}

/** How much of each pass a board does between two yields, whatever the image. */
function writeChunks(shard: ShardView, part: PartView): void {
  const { sources } = part
  const { rule } = shard
  // The signals, or pixels of shared kernels, are listed in the same run as the first chunk.
  const listed = part.has(PartFlag.Input) === part.has(PartFlag.Shared)
  const room = listed ? MOST_OPERATIONS - sources * ENTRY_OPERATIONS : CHUNK_OPERATIONS
  const source = SOURCE_OPERATIONS + mostLinks(part) * mostLinkOperations(rule)
  const synapse = DENSE_SYNAPSE_OPERATIONS + sources * mostDenseLinkOperations(rule)
  const neuron = neuronOperations(rule, shard.steps)
  if (part.has(PartFlag.Shared)) {
    const { memory, at } = part
    part.chunkSources = chunk(Math.min(CHUNK_OPERATIONS, room), sharedSourceOperations(memory, at))
    part.chunkSynapses = chunk(CHUNK_OPERATIONS, sharedLinkOperations(memory, at))
    part.chunkNeurons = chunk(CHUNK_OPERATIONS >> 1, neuron)
    return
  }
  part.chunkSources = chunk(Math.min(CHUNK_OPERATIONS, room), source)
  part.chunkSynapses = chunk(CHUNK_OPERATIONS, synapse)
  if (part.has(PartFlag.Picked)) part.chunkSynapses = chunk(CHUNK_OPERATIONS, pickedSynapse(part))
  part.chunkNeurons = chunk(CHUNK_OPERATIONS >> 1, neuron)
}

/** Operations of learning the synapse of picked links that has the most. */
function pickedSynapse(part: PartView): number {
  return PICKED_LEARN_SYNAPSE_OPERATIONS + mostOf(part, part.synapses) * PICKED_LEARN_OPERATIONS
}

function chunk(operations: number, each: number): number {
  return Math.max(1, Math.floor(operations / each))
}

/** Shared kernels and the coefficients they begin with. */
function writeKernels(part: PartView, net: Network, layer: number): void {
  const kernels = kernelsOf(net, layer)!
  const m = part.memory
  const { window, columns, rows, synapses } = kernels
  const max = coefficientMaxOf(net, layer)
  const record: Record<number, number> = {
    [Kernel.Across]: window.across,
    [Kernel.Down]: window.down,
    [Kernel.Width]: window.width,
    [Kernel.Height]: window.height,
    [Kernel.Stride]: window.stride,
    [Kernel.Columns]: columns,
    [Kernel.Rows]: rows,
    [Kernel.Signals]: signalsOf(net, layer - 1) / (window.across * window.down),
    [Kernel.Synapses]: synapses,
    [Kernel.CoefficientMax]: max,
  }
  for (const [field, value] of Object.entries(record))
    m.setAt(part.start + Number(field), "u16", value)
  const fanIn = fanInOf(net, layer)
  for (let rank = 0; rank < fanIn; rank++)
    for (let synapse = 0; synapse < synapses; synapse++) {
      const c = firstCoefficient(net, layer, synapse, rank, fanIn, max)
      m.setAt(part.coefficient + (rank * synapses + synapse) * 2, "i16", c)
    }
}

/** Links of pixels synapse by synapse, with what each adds to its noise. */
function writePickedLinks(part: PartView, net: Network, slice: Slice, drawn: Sources): void {
  const m = part.memory
  const { inputs, coefficient, start, target } = part
  const max = new ShardView(m).coefficientMax
  part.flags |= PartFlag.Picked
  let link = 0
  for (const [synapse, sources] of drawn.entries()) {
    const neuron = Math.floor(synapse / inputs)
    const of = neuronOf(slice, neuron) * inputs + synapse - neuron * inputs
    for (const [rank, s] of sources.entries()) {
      m.setAt(target + link * 2, "u16", (s * SOURCE_SALT) & 0xffff)
      const c = firstCoefficient(net, slice.layer, of, rank, sources.length, max)
      m.setAt(coefficient + link * 2, "i16", c)
      link++
    }
    m.setAt(start + (synapse + 1) * 2, "u16", link)
  }
}

/** Links and the coefficients they begin with. */
function writeLinks(
  part: PartView,
  net: Network,
  slice: Slice,
  drawn: Sources,
  bus: number[],
): void {
  const m = part.memory
  const { inputs, coefficient, linkPid, start, target } = part
  const max = new ShardView(m).coefficientMax
  const write = (link: number, synapse: number, rank: number, fanIn: number) => {
    const neuron = Math.floor(synapse / inputs)
    const of = neuronOf(slice, neuron) * inputs + synapse - neuron * inputs
    const put = (at: number, c: number) => m.setAt(at + link * 2, "i16", c)
    put(coefficient, firstCoefficient(net, slice.layer, of, rank, fanIn, max))
    if (net.feedback && linkPid !== 0) {
      const c = feedbackCoefficient(net, slice.layer, of, rank, fanIn)
      put(linkPid, Math.min(max, Math.max(-max, c)))
    }
  }
  if (part.isDense) {
    const fanIn = fanInOf(net, slice.layer)
    for (let t = 0; t < part.synapses; t++)
      for (const [s, rank] of bus.entries()) write(t * bus.length + s, t, rank, fanIn)
    return
  }
  const places = placesOf(bus, signalsOf(net, slice.layer - 1))
  // How many links each source has, then where the next of it goes.
  const next = new Int32Array(bus.length + 1)
  for (const sources of drawn) for (const s of sources) next[places[s] + 1]++
  for (let s = 0; s < bus.length; s++) next[s + 1] += next[s]
  for (let s = 0; s <= bus.length; s++) m.setAt(start + s * 2, "u16", next[s])
  for (const [synapse, sources] of drawn.entries())
    for (const [rank, s] of sources.entries()) {
      const link = next[places[s]]++
      m.setAt(target + link, "u8", synapse)
      write(link, synapse, rank, sources.length)
    }
}
