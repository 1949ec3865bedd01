/**
 * Builds the memory of a shard (see layout.ts) from a network and the slices of its layers that the
 * shard is to compute.
 */
import {
  COEFFICIENT_BITS,
  FIXED_POINT,
  Header,
  LAYOUT_VERSION,
  MAGIC,
  Part,
  PartFlag,
  Rule,
  STATE_BITS,
} from "../../src/core/layout"
import { INHIBITION, Neuron } from "../../src/core/neuron"
import {
  atOnceOperations,
  DENSE_SYNAPSE_OPERATIONS,
  ENTRY_OPERATIONS,
  MOST_OPERATIONS,
  mostDenseLinkOperations,
  mostLinkOperations,
  neuronOperations,
  SOURCE_OPERATIONS,
} from "../../src/core/operations"
import { settleForward } from "../../src/core/settle"
import { settleForwardFine } from "../../src/core/settle-fine"
import {
  coefficientMax,
  drawLinks,
  drawSlice,
  elementsLearn,
  fanInOf,
  initialCoefficient,
  inputSignalsOf,
  isFine,
  linkingOf,
  linksBefore,
  linksOf,
  type Network,
  reciprocalOf,
  signalsOf,
} from "./network"

/**
 * Neurons of a layer (1 = the first behind the input): first … first+count−1, or, where `neurons`
 * is given, those, in that order; count is then their number, and first means nothing.
 */
export interface Slice {
  /** From 1 on: the first behind the input. */
  layer: number
  /** The first of its neurons, where they follow one another. */
  first: number
  /** How many neurons. */
  count: number
  /** Which neurons, ascending, where they do not follow one another. */
  neurons?: number[]
}

/** Index in its layer of the i-th neuron of a slice. */
export function neuronOf(slice: Slice, i: number): number {
  return slice.neurons ? slice.neurons[i] : slice.first + i
}

/** A part's synapse number is one byte. */
export const MAX_SYNAPSES = 256

/** Where a source's links start is 16 bits. */
const MAX_SPARSE_LINKS = 65535

/** Operations a board may spend on one chunk; less than it could, as a yield costs little. */
const CHUNK_OPERATIONS = 80000

/** Parts computed at most per shard, and signals per slot; u16 fields hold both. */
export function buildShard(net: Network, slices: Slice[], slots: number): Buffer {
  const layers = net.layers.length
  let at: number = Header.Length + slices.length * Part.Length
  const inputTable = at
  at += 512 * inputSignalsOf(net)
  const drawn: number[][][] = []
  for (const slice of slices) drawn.push(isDense(net, slice.layer) ? [] : drawSources(net, slice))
  const onBus = busesFor(net, slices, drawn)

  // Loaded: links. The addresses are kept per slice until the buffer exists.
  const linkCounts: number[] = []
  const starts: number[] = []
  const targets: number[] = []
  const coefficients: number[] = []
  const neuronIds: number[] = []
  const sourceIds: number[] = []
  for (let layer = 0; layer <= layers; layer++) sourceIds.push(0)
  for (const slice of slices) {
    const l = net.layers[slice.layer - 1]
    const sources = onBus[slice.layer - 1].length
    const synapses = slice.count * l.inputs
    if (synapses > MAX_SYNAPSES)
      throw new RangeError(`a part holds at most ${MAX_SYNAPSES} synapses, not ${synapses}`)
    const dense = isDense(net, slice.layer)
    let links = dense ? synapses * sources : 0
    for (const of of drawn[linkCounts.length]) links += of.length
    if (!dense && links > MAX_SPARSE_LINKS)
      throw new RangeError(`a part holds at most ${MAX_SPARSE_LINKS} sparse links, not ${links}`)
    linkCounts.push(links)
    starts.push(dense ? 0 : at)
    if (!dense) at += (sources + 1) * 2
    coefficients.push(at)
    at += links * 2
    targets.push(dense ? 0 : at)
    if (!dense) at += links
    at = align4(at)
    neuronIds.push(slice.neurons ? at : 0)
    if (slice.neurons) at = align4(at + slice.count * 2)
    const below = slice.layer - 1
    if (sourceIds[below] === 0 && !isWhole(onBus[below])) {
      sourceIds[below] = at
      at = align4(at + sources * 2)
    }
  }
  // Loaded too: K3, B and, where the papers' backward equation runs, B̂ of each element.
  const own = elementsLearn(net)
  const bsp = net.backward === "bsp"
  const inhibitions: number[] = []
  for (const slice of slices) {
    inhibitions.push(own ? at : 0)
    if (own) at = align4(at + slice.count * (bsp ? 30 : 20))
  }
  const image = at

  // Working memory: lists, a bus per layer in use (0 = none), sums and states of each part.
  let imageList = 0
  let signalList = 0
  const buses: number[] = [0]
  const backs: number[] = [0]
  for (let layer = 1; layer <= layers; layer++) {
    let used = false
    for (const slice of slices) if (slice.layer === layer || slice.layer === layer + 1) used = true
    buses.push(used ? at : 0)
    if (used) at = align4(at + slots * onBus[layer].length * 2)
    backs.push(used ? at : 0)
    if (used) at += onBus[layer].length * 4
  }
  let listed = 0
  for (const slice of slices) {
    if (slice.layer === 1) imageList = at
    else if (!isDense(net, slice.layer)) listed = Math.max(listed, onBus[slice.layer - 1].length)
  }
  if (imageList !== 0) at += 4 + onBus[0].length * 4
  if (listed !== 0) {
    signalList = at
    at += 4 + listed * 4
  }
  const works: number[] = []
  for (const slice of slices) {
    const synapses = slice.count * net.layers[slice.layer - 1].inputs
    works.push(at)
    at = align4(at + synapses * 8 + slice.count * 10)
  }
  // Working memory of other rules than the plain product of the links.
  const scratch = own || bsp ? at : 0
  if (scratch !== 0) at += Neuron.Length
  const displacements: number[] = []
  const linkPids: number[] = []
  const elementPids: number[] = []
  for (let i = 0; i < slices.length; i++) {
    displacements.push(scratch === 0 ? 0 : at)
    if (scratch !== 0) at = align4(at + slices[i].count * 10)
    const pid = net.pid !== undefined
    linkPids.push(pid && net.rule !== "elements" ? at : 0)
    if (pid && net.rule !== "elements") at += linkCounts[i] * 8
    elementPids.push(pid && own ? at : 0)
    if (pid && own) at += slices[i].count * 40
  }

  const m = Buffer.alloc(at)
  m.setAt(Header.Magic, "u16", MAGIC)
  m.setAt(Header.Version, "u16", LAYOUT_VERSION)
  m.setAt(Header.Image, "i32", image)
  m.setAt(Header.Size, "i32", at)
  m.setAt(Header.Parts, "u16", slices.length)
  m.setAt(Header.Slots, "u16", slots)
  m.setAt(Header.Width, "u16", onBus[0].length / inputSignalsOf(net))
  m.setAt(Header.InputSignals, "u16", inputSignalsOf(net))
  m.setAt(Header.InputTable, "i32", inputTable)
  writeNumberFormats(m, net)
  m.setAt(Header.Seed, "i32", net.seed | 0)
  writeRule(m, net)
  m.setAt(Header.Scratch, "i32", scratch)

  let firstSynapse = 0
  const firstSynapses: number[] = [0]
  let firstElement = 0
  const firstElements: number[] = [0]
  for (let layer = 1; layer <= layers; layer++) {
    firstSynapses.push(firstSynapse)
    firstSynapse += net.layers[layer - 1].neurons * net.layers[layer - 1].inputs
    firstElements.push(firstElement)
    firstElement += net.layers[layer - 1].neurons * 5
  }

  for (let i = 0; i < slices.length; i++) {
    const slice = slices[i]
    const l = net.layers[slice.layer - 1]
    const below = slice.layer - 1
    const sources = onBus[below].length
    const synapses = slice.count * l.inputs
    const links = linkCounts[i]
    const dense = isDense(net, slice.layer)
    const part = Header.Length + i * Part.Length
    m.setAt(part + Part.Layer, "u16", slice.layer)
    m.setAt(part + Part.Neurons, "u16", slice.count)
    m.setAt(part + Part.First, "u16", slice.first)
    m.setAt(part + Part.Inputs, "u16", l.inputs)
    m.setAt(part + Part.OutputFirst, "u16", l.outputFirst)
    m.setAt(part + Part.Outputs, "u16", l.outputs)
    m.setAt(part + Part.Sources, "u16", sources)
    m.setAt(part + Part.Links, "i32", links)
    let flags = 0
    if (slice.layer === 1) flags |= PartFlag.Input
    if (slice.layer === layers) flags |= PartFlag.Output
    if (dense) flags |= PartFlag.Dense
    if (
      slice.layer < layers &&
      neuronsHere(slices, slice.layer + 1) < net.layers[slice.layer].neurons
    )
      flags |= PartFlag.Report
    if (below > 0 && ownSignals(net, slices, below) < sources) flags |= PartFlag.Await
    m.setAt(part + Part.Flags, "u16", flags)
    m.setAt(part + Part.Start, "i32", starts[i])
    m.setAt(part + Part.Target, "i32", targets[i])
    m.setAt(part + Part.Coefficient, "i32", coefficients[i])
    m.setAt(part + Part.Sum, "i32", works[i])
    m.setAt(part + Part.State, "i32", works[i] + synapses * 8)
    m.setAt(part + Part.Lambda, "i32", works[i] + synapses * 4)
    m.setAt(part + Part.Noise, "i32", works[i] + synapses * 6)
    m.setAt(part + Part.BusIn, "i32", buses[slice.layer - 1])
    m.setAt(part + Part.BusOut, "i32", buses[slice.layer])
    m.setAt(part + Part.BusInWidth, "u16", slice.layer > 1 ? sources : 0)
    m.setAt(part + Part.BusOutWidth, "u16", onBus[slice.layer].length)
    m.setAt(part + Part.BusOutFirst, "u16", placeOf(net, slice, onBus[slice.layer]))
    m.setAt(part + Part.BackOut, "i32", backs[slice.layer - 1])
    m.setAt(part + Part.BackIn, "i32", backs[slice.layer])
    const firstNeuron = slice.neurons ? 0 : slice.first
    m.setAt(
      part + Part.FirstSynapse,
      "u16",
      (firstSynapses[slice.layer] + firstNeuron * l.inputs) & 0xffff,
    )
    const firstOwn = firstElements[slice.layer] + firstNeuron * 5
    m.setAt(part + Part.FirstElement, "u16", firstOwn & 0xffff)
    m.setAt(part + Part.Displacement, "i32", displacements[i])
    m.setAt(part + Part.LinkPid, "i32", linkPids[i])
    m.setAt(part + Part.ElementPid, "i32", elementPids[i])
    if (own) {
      m.setAt(part + Part.Inhibition, "i32", inhibitions[i])
      m.setAt(part + Part.Rest, "i32", inhibitions[i] + slice.count * 10)
      m.setAt(part + Part.RestBack, "i32", bsp ? inhibitions[i] + slice.count * 20 : 0)
      for (let e = 0; e < slice.count * 10; e += 2) {
        m.setAt(inhibitions[i] + e, "i16", INHIBITION)
        m.setAt(inhibitions[i] + slice.count * 10 + e, "i16", FIXED_POINT)
        if (bsp) m.setAt(inhibitions[i] + slice.count * 20 + e, "i16", FIXED_POINT)
      }
    }
    m.setAt(part + Part.List, "i32", slice.layer === 1 ? imageList : dense ? 0 : signalList)
    m.setAt(part + Part.NeuronIds, "i32", neuronIds[i])
    if (slice.neurons)
      for (let n = 0; n < slice.count; n++) m.setAt(neuronIds[i] + n * 2, "u16", slice.neurons[n])
    m.setAt(part + Part.SourceIds, "i32", sourceIds[below])
    if (sourceIds[below] !== 0)
      for (let s = 0; s < sources; s++) m.setAt(sourceIds[below] + s * 2, "u16", onBus[below][s])
    writeLinks(m, net, slice, part, drawn[i], onBus[below])
    // Several parts share one list of pixels, which they sum one after the other.
    const alone = slices.length === 1 || slices[1].layer > 1
    const plain = (m.getAt(Header.Rule, "u16") & Rule.Listed) === 0 && sourceIds[below] === 0
    if (slice.layer === 1 && alone && plain && inputSignalsOf(net) === 1 && fitsAtOnce(m, part))
      m.setAt(part + Part.Flags, "u16", flags | PartFlag.AtOnce)
    writeChunks(m, net, part)
  }
  writeInputTable(m, net)
  m.setAt(Header.LayoutHash, "i32", layoutHash(m))
  return m
}

/**
 * Every synapse of the layer reads every signal: then no index is stored. Pixels never are, so that
 * a zero pixel costs nothing; nor links that are not a matter of fan-in.
 */
export function isDense(net: Network, layer: number): boolean {
  return (
    layer > 1 && linkingOf(net) === "adder" && fanInOf(net, layer) === signalsOf(net, layer - 1)
  )
}

/** The sources of each synapse of a slice, ascending. */
function drawSources(net: Network, slice: Slice): number[][] {
  const inputs = net.layers[slice.layer - 1].inputs
  if (!slice.neurons) return drawSlice(net, slice.layer, slice.first * inputs, slice.count * inputs)
  // A strict layer's links are drawn all at once, an adder's one by one.
  const all = linkingOf(net) === "adder" ? [] : drawLinks(net, slice.layer)
  const drawn: number[][] = []
  for (const neuron of slice.neurons)
    for (let k = 0; k < inputs; k++) {
      const synapse = neuron * inputs + k
      drawn.push(all.length > 0 ? all[synapse] : drawSlice(net, slice.layer, synapse, 1)[0])
    }
  return drawn
}

/**
 * What a shard of these slices has on its buses: for each layer (0 = the pixels' signals) the indices
 * in that layer of its signals, in the bus's order.
 *
 * Only what the shard computes or reads is there, ascending; its own signals come first where they
 * are not one range. Where links are dense all signals are there, since no index is stored, and all
 * outputs are; so are the pixels if most are read, since a table of them costs memory too.
 */
export function busesOf(net: Network, slices: Slice[]): number[][] {
  const drawn: number[][][] = []
  for (const slice of slices) drawn.push(isDense(net, slice.layer) ? [] : drawSources(net, slice))
  return busesFor(net, slices, drawn)
}

function busesFor(net: Network, slices: Slice[], drawn: number[][][]): number[][] {
  const buses: number[][] = []
  for (let layer = 0; layer <= net.layers.length; layer++) {
    const width = signalsOf(net, layer)
    const own: number[] = []
    const present: boolean[] = []
    for (let s = 0; s < width; s++) present.push(false)
    let reads = false
    for (let i = 0; i < slices.length; i++) {
      const slice = slices[i]
      if (slice.layer === layer) {
        const outputs = net.layers[layer - 1].outputs
        for (let n = 0; n < slice.count; n++)
          for (let k = 0; k < outputs; k++) own.push(neuronOf(slice, n) * outputs + k)
      }
      if (slice.layer === layer + 1) {
        reads = true
        for (const of of drawn[i]) for (const s of of) present[s] = true
      }
    }
    if (reads && layer === 0) {
      buses.push(pixelsOf(net, present, neuronsHere(slices, 1) === net.layers[0].neurons))
      continue
    }
    let range = true
    for (let i = 1; i < own.length; i++) if (own[i] !== own[i - 1] + 1) range = false
    const all = layer === net.layers.length ? own.length > 0 : reads && isDense(net, layer + 1)
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
function isWhole(bus: number[]): boolean {
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
function placeOf(net: Network, slice: Slice, bus: number[]): number {
  const { outputs } = net.layers[slice.layer - 1]
  const places = placesOf(bus, signalsOf(net, slice.layer))
  const first = places[neuronOf(slice, 0) * outputs]
  for (let n = 1; n < slice.count; n++)
    if (places[neuronOf(slice, n) * outputs] !== first + n * outputs)
      throw new RangeError(`neurons of a slice of layer ${slice.layer} must be a range`)
  return first
}

function ownSignals(net: Network, slices: Slice[], layer: number): number {
  return neuronsHere(slices, layer) * net.layers[layer - 1].outputs
}

/** Neurons of a layer that fit one part, whichever they are. */
export function mostNeurons(net: Network, layer: number): number {
  const inputs = net.layers[layer - 1].inputs
  const bySynapses = Math.floor(MAX_SYNAPSES / inputs)
  if (isDense(net, layer)) return bySynapses
  return Math.min(bySynapses, Math.floor(MAX_SPARSE_LINKS / (inputs * fanInOf(net, layer))))
}

function align4(at: number): number {
  return (at + 3) & ~3
}

/** Can a board sum the links of any message's pixels in one run? */
function fitsAtOnce(m: Buffer, part: number): boolean {
  return atOnceOperations(mostLinks(m, part)) <= MOST_OPERATIONS
}

/** Links of the source that has the most; 0 where links are dense. */
function mostLinks(m: Buffer, part: number): number {
  const sources = m.getAt(part + Part.Sources, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  let most = 0
  if (start !== 0)
    for (let at = start; at < start + sources * 2; at += 2)
      most = Math.max(most, m.getAt(at + 2, "u16") - m.getAt(at, "u16"))
  return most
}

/** How much of each pass a board does between two yields, whatever the image. */
function writeChunks(m: Buffer, net: Network, part: number): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  const most = mostLinks(m, part)
  // The signals are listed in the same run as the first chunk.
  const input = (m.getAt(part + Part.Flags, "u16") & PartFlag.Input) !== 0
  const room = input ? CHUNK_OPERATIONS : MOST_OPERATIONS - sources * ENTRY_OPERATIONS
  const rule = m.getAt(Header.Rule, "u16")
  const source = SOURCE_OPERATIONS + most * mostLinkOperations(rule)
  const synapse = DENSE_SYNAPSE_OPERATIONS + sources * mostDenseLinkOperations(rule)
  const neuron = neuronOperations(rule, net.steps)
  m.setAt(part + Part.ChunkSources, "u16", chunk(Math.min(CHUNK_OPERATIONS, room), source))
  m.setAt(part + Part.ChunkSynapses, "u16", chunk(CHUNK_OPERATIONS, synapse))
  m.setAt(part + Part.ChunkNeurons, "u16", chunk(CHUNK_OPERATIONS >> 1, neuron))
}

function chunk(operations: number, each: number): number {
  return Math.max(1, Math.floor(operations / each))
}

function neuronsHere(slices: Slice[], layer: number): number {
  let n = 0
  for (const slice of slices) if (slice.layer === layer) n += slice.count
  return n
}

function writeNumberFormats(m: Buffer, net: Network): void {
  m.setAt(Header.Steps, "u16", net.steps)
  m.setAt(Header.Reciprocal, "u16", reciprocalOf(net.steps))
  m.setAt(Header.NetMin, "i16", net.netMin)
  m.setAt(Header.NetMax, "i16", net.netMax)
  m.setAt(Header.ElementMin, "i16", net.elementMin)
  m.setAt(Header.ElementMax, "i16", net.elementMax)
  m.setAt(Header.LambdaMax, "i16", net.lambdaMax)
  m.setAt(Header.CoefficientMax, "i16", coefficientMax(net))
  // The settle's format, and that of the time-mean before it is shifted.
  const bits = isFine(net) ? 16 : STATE_BITS
  const meanBits = isFine(net) ? 14 : STATE_BITS
  m.setAt(Header.SignalShift, "u16", 16 + meanBits - net.signalBits)
  m.setAt(Header.NetShift, "u16", COEFFICIENT_BITS + net.signalBits - bits)
  m.setAt(Header.LearnShift, "u16", net.learnShift)
  m.setAt(Header.Margin, "i16", inSignalFormat(net, net.margin))
  m.setAt(Header.SoftmaxGain, "u16", net.softmaxGain ?? 0)
  // 2^(-1/32) · 2^16 = 64131.7; 32768 · 64132 < 2^31.
  let power = 32768
  for (let i = 0; i < 32; i++) {
    m.setAt(Header.PowerTable + i + i, "u16", power)
    power = (power * 64132 + 32768) >> 16
  }
}

/** From Q12; a signal may have two bits more, and what is at most 2 still fits 16 bits then. */
function inSignalFormat(net: Network, x: number): number {
  return net.signalBits > STATE_BITS
    ? Math.max(-32768, Math.min(32767, x << (net.signalBits - STATE_BITS)))
    : x >> (STATE_BITS - net.signalBits)
}

/** How the network learns where that is not by the plain product of the links. */
function writeRule(m: Buffer, net: Network): void {
  const own = elementsLearn(net)
  let rule = 0
  if (net.rule === "elements") rule |= Rule.FixedLinks
  if (net.linkBound !== undefined) rule |= Rule.LinkBound
  if (net.pid) rule |= Rule.Pid
  if (own) rule |= Rule.Elements
  if (net.elements && net.elements.signal === "gradient") rule |= Rule.Gradient
  if (net.backward === "bsp") rule |= Rule.Bsp
  if (isFine(net)) rule |= Rule.Fine
  m.setAt(Header.Rule, "u16", rule)
  if (net.linkBound !== undefined) m.setAt(Header.LinkBound, "u16", net.signalBits - net.linkBound)
  if (net.elements) {
    m.setAt(Header.ElementShift, "u16", net.elements.shift)
    m.setAt(Header.ElementBound, "u16", 12 - net.elements.bound)
    m.setAt(Header.InhibitionMin, "i16", net.elements.min)
    m.setAt(Header.InhibitionMax, "i16", net.elements.max)
  }
  if (net.pid) {
    m.setAt(Header.Proportional, "u16", net.pid.proportional)
    m.setAt(Header.Integral, "u16", net.pid.integral)
    m.setAt(Header.Differential, "u16", net.pid.differential)
    m.setAt(Header.Memory, "u16", net.pid.memory)
  }
  m.setAt(Header.ErrorShift, "u16", net.errorShift ?? 0)
  if (net.targets) {
    m.setAt(Header.TargetHigh, "i16", inSignalFormat(net, net.targets.high))
    m.setAt(Header.TargetLow, "i16", inSignalFormat(net, net.targets.low))
  }
}

function writeLinks(
  m: Buffer,
  net: Network,
  slice: Slice,
  part: number,
  drawn: number[][],
  onBus: number[],
): void {
  const l = net.layers[slice.layer - 1]
  const synapses = slice.count * l.inputs
  const synapseOf = (t: number): number => {
    const neuron = Math.floor(t / l.inputs)
    return neuronOf(slice, neuron) * l.inputs + t - neuron * l.inputs
  }
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  if (isDense(net, slice.layer)) {
    const fanIn = fanInOf(net, slice.layer)
    for (let t = 0; t < synapses; t++) {
      for (let rank = 0; rank < fanIn; rank++) {
        const c = initialCoefficient(net, slice.layer, synapseOf(t), rank, fanIn)
        writeCoefficient(m, coefficient + (t * fanIn + rank) * 2, c)
      }
    }
    return
  }
  const sources = m.getAt(part + Part.Sources, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const places = placesOf(onBus, signalsOf(net, slice.layer - 1))
  const bySource: { synapse: number; rank: number }[][] = []
  for (let s = 0; s < sources; s++) bySource.push([])
  for (let t = 0; t < synapses; t++) {
    let rank = 0
    for (const s of drawn[t]) bySource[places[s]].push({ synapse: t, rank: rank++ })
  }
  let link = 0
  for (let s = 0; s < sources; s++) {
    m.setAt(start + s * 2, "u16", link)
    for (const { synapse, rank } of bySource[s]) {
      const fanIn = drawn[synapse].length
      const c = initialCoefficient(net, slice.layer, synapseOf(synapse), rank, fanIn)
      m.setAt(target + link, "u8", synapse)
      writeCoefficient(m, coefficient + link * 2, c)
      link++
    }
  }
  m.setAt(start + sources * 2, "u16", link)
}

/** Also a rare large one of a normal distribution must keep to the clamp, which bounds the sums. */
function writeCoefficient(m: Buffer, at: number, c: number): void {
  const max = m.getAt(Header.CoefficientMax, "i16")
  m.setAt(at, "i16", Math.min(max, Math.max(-max, c)))
}

/**
 * Responses of an input neuron (pixel on element 0, net input not clamped, signals from the elements
 * 1 … InputSignals) to each pixel value, by the same settle as every neuron.
 */
function writeInputTable(m: Buffer, net: Network): void {
  const signals = inputSignalsOf(net)
  const part = Header.Length
  const sum = part + Part.Length
  const state = sum + 4
  const bus = state + 10
  const one = Buffer.alloc(bus + signals * 2)
  writeNumberFormats(one, net)
  one.setAt(Header.NetMin, "i16", -32768)
  one.setAt(Header.NetMax, "i16", 32767)
  one.setAt(part + Part.Inputs, "u16", 1)
  one.setAt(part + Part.OutputFirst, "u16", 1)
  one.setAt(part + Part.Outputs, "u16", signals)
  one.setAt(part + Part.Sum, "i32", sum)
  one.setAt(part + Part.State, "i32", state)
  one.setAt(part + Part.BusOut, "i32", bus)
  let entry = m.getAt(Header.InputTable, "i32")
  const netShift = one.getAt(Header.NetShift, "u16")
  for (let pixel = 0; pixel < 256; pixel++) {
    // pixel/255 as pixel·257/65536. 255 · 4·4096 · 257 < 2^31; u ≤ 4·4096 = 2^14, shifted by at
    // most 13 still fits; so does the finer u ≤ 2·65536 = 2^17, shifted by at most 11.
    const u = pixel * net.inputScale * 257
    one.setAt(sum, "i32", (isFine(net) ? u >> 12 : u >> 16) << netShift)
    if (isFine(net)) settleForwardFine(one, part, 0, 0, 1)
    else settleForward(one, part, 0, 0, 1)
    for (let k = 0; k < signals; k++) {
      m.setAt(entry, "i16", one.getAt(bus + k + k, "i16"))
      entry = entry + 2
    }
  }
}

/** FNV-1a over everything that says what the shard is: header, descriptors and link structure. */
function layoutHash(m: Buffer): number {
  let h = -2128831035
  const parts = m.getAt(Header.Parts, "u16")
  const end = Header.Length + parts * Part.Length
  for (let at = 0; at < end; at++) h = Math.imul(h ^ m.getAt(at, "u8"), 16777619)
  for (let i = 0; i < parts; i++) {
    const part = Header.Length + i * Part.Length
    const target = m.getAt(part + Part.Target, "i32")
    const links = m.getAt(part + Part.Links, "i32")
    if (target !== 0)
      for (let at = target; at < target + links; at++)
        h = Math.imul(h ^ m.getAt(at, "u8"), 16777619)
  }
  return h
}

/**
 * Copies coefficients between a shard and the network's own order (layer by layer, synapse by
 * synapse, sources ascending; int16 little-endian).
 *
 * @param toShard true: from `all` into the shard; false: from the shard into `all`
 */
export function exchangeCoefficients(m: Buffer, net: Network, all: Buffer, toShard: boolean): void {
  const parts = m.getAt(Header.Parts, "u16")
  let base = 0
  for (let layer = 1; layer <= net.layers.length; layer++) {
    for (let i = 0; i < parts; i++) {
      const part = Header.Length + i * Part.Length
      if (m.getAt(part + Part.Layer, "u16") === layer)
        exchangeLinks(m, net, part, base, all, toShard)
    }
    base += linksOf(net, layer)
  }
}

/** @param base place in `all` of the first link of the part's layer */
function exchangeLinks(
  m: Buffer,
  net: Network,
  part: number,
  base: number,
  all: Buffer,
  toShard: boolean,
): void {
  const layer = m.getAt(part + Part.Layer, "u16")
  const inputs = net.layers[layer - 1].inputs
  const sources = m.getAt(part + Part.Sources, "u16")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const start = m.getAt(part + Part.Start, "i32")
  // The place of each synapse's next link. Sources ascending, the n-th link seen of a synapse is
  // that of its n-th source.
  const adder = linkingOf(net) === "adder"
  const before: number[] = [0]
  if (!adder)
    for (const of of drawLinks(net, layer)) before.push(before[before.length - 1] + of.length)
  const places: number[] = []
  for (let n = 0; n < m.getAt(part + Part.Neurons, "u16"); n++)
    for (let k = 0; k < inputs; k++) {
      const synapse = neuronIn(m, part, n) * inputs + k
      places.push(base + (adder ? linksBefore(net, layer, synapse) : before[synapse]))
    }
  const exchange = (place: number, link: number): void => {
    if (toShard) m.setAt(coefficient + link * 2, "i16", all.getAt(place * 2, "i16"))
    else all.setAt(place * 2, "i16", m.getAt(coefficient + link * 2, "i16"))
  }
  if (target === 0) {
    for (let t = 0; t < places.length; t++)
      for (let s = 0; s < sources; s++) exchange(places[t] + s, t * sources + s)
    return
  }
  const ids = m.getAt(part + Part.SourceIds, "i32")
  const bus: number[] = []
  for (let s = 0; s < sources; s++) bus.push(ids === 0 ? s : m.getAt(ids + s * 2, "u16"))
  for (const s of placesOf(bus, signalsOf(net, layer - 1))) {
    if (s < 0) continue
    const end = m.getAt(start + s * 2 + 2, "u16")
    for (let link = m.getAt(start + s * 2, "u16"); link < end; link++)
      exchange(places[m.getAt(target + link, "u8")]++, link)
  }
}

/** Index in its layer of a part's n-th neuron. */
function neuronIn(m: Buffer, part: number, n: number): number {
  const ids = m.getAt(part + Part.NeuronIds, "i32")
  return ids === 0 ? m.getAt(part + Part.First, "u16") + n : m.getAt(ids + n * 2, "u16")
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
  const parts = m.getAt(Header.Parts, "u16")
  for (let i = 0; i < parts; i++) {
    const part = Header.Length + i * Part.Length
    const layer = m.getAt(part + Part.Layer, "u16")
    let place = 0
    for (let below = 1; below < layer; below++) place += net.layers[below - 1].neurons
    const neurons = m.getAt(part + Part.Neurons, "u16")
    for (let set = 0; set < 3; set++) {
      let field: number = Part.Inhibition
      if (set === 1) field = Part.Rest
      if (set === 2) field = Part.RestBack
      const at = m.getAt(part + field, "i32")
      for (let e = 0; at !== 0 && e < neurons * 5; e++) {
        const neuron = Math.floor(e / 5)
        const there =
          ((place + neuronIn(m, part, neuron)) * ELEMENT_VALUES + set * 5 + (e - neuron * 5)) * 2
        if (toShard) m.setAt(at + e * 2, "i16", all.getAt(there, "i16"))
        else all.setAt(there, "i16", m.getAt(at + e * 2, "i16"))
      }
    }
  }
}

/** A Q12 number for the constants of a network's description: q12(3) = 12288. */
export function q12(x: number): number {
  return Math.floor(x * FIXED_POINT + 0.5)
}
