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
  STATE_BITS,
} from "./layout"
import {
  coefficientMax,
  fanInOf,
  initialCoefficient,
  linksOf,
  type Network,
  signalsOf,
  sourcesOf,
} from "./network"
import {
  DENSE_LINK_OPERATIONS,
  DENSE_SYNAPSE_OPERATIONS,
  ENTRY_OPERATIONS,
  LINK_OPERATIONS,
  MOST_OPERATIONS,
  NEURON_OPERATIONS,
  SOURCE_OPERATIONS,
  STEP_OPERATIONS,
} from "./operations"
import { settleForward } from "./settle"

/** Neurons first … first+count−1 of a layer (1 = the first behind the input). */
export interface Slice {
  layer: number
  first: number
  count: number
}

/** A part's synapse number is one byte. */
export const MAX_SYNAPSES = 256

/** Operations a board may spend on one chunk; less than it could, as a yield costs little. */
const CHUNK_OPERATIONS = 80000

/** Parts computed at most per shard, and signals per slot; u16 fields hold both. */
export function buildShard(net: Network, slices: Slice[], slots: number): Buffer {
  const layers = net.layers.length
  let at: number = Header.Length + slices.length * Part.Length
  const inputTable = at
  at += 512

  // Loaded: links. The addresses are kept per slice until the buffer exists.
  const starts: number[] = []
  const targets: number[] = []
  const coefficients: number[] = []
  for (const slice of slices) {
    const l = net.layers[slice.layer - 1]
    const sources = signalsOf(net, slice.layer - 1)
    const synapses = slice.count * l.inputs
    if (synapses > MAX_SYNAPSES)
      throw new RangeError(`a part holds at most ${MAX_SYNAPSES} synapses, not ${synapses}`)
    const links = synapses * fanInOf(net, slice.layer)
    const dense = isDense(net, slice.layer)
    starts.push(dense ? 0 : at)
    if (!dense) at += (sources + 1) * 2
    coefficients.push(at)
    at += links * 2
    targets.push(dense ? 0 : at)
    if (!dense) at += links
    at = align4(at)
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
    if (used) at = align4(at + slots * signalsOf(net, layer) * 2)
    backs.push(used ? at : 0)
    if (used) at += signalsOf(net, layer) * 4
  }
  for (const slice of slices) {
    if (slice.layer === 1 && imageList === 0) {
      imageList = at
      at += 4 + net.width * 4
    }
    if (slice.layer > 1 && !isDense(net, slice.layer)) {
      if (signalList === 0) signalList = at
      at = Math.max(at, signalList + 4 + signalsOf(net, slice.layer - 1) * 4)
    }
  }
  const works: number[] = []
  for (const slice of slices) {
    const synapses = slice.count * net.layers[slice.layer - 1].inputs
    works.push(at)
    at = align4(at + synapses * 8 + slice.count * 10)
  }

  const m = Buffer.alloc(at)
  m.setAt(Header.Magic, "u16", MAGIC)
  m.setAt(Header.Version, "u16", LAYOUT_VERSION)
  m.setAt(Header.Image, "i32", image)
  m.setAt(Header.Size, "i32", at)
  m.setAt(Header.Parts, "u16", slices.length)
  m.setAt(Header.Slots, "u16", slots)
  m.setAt(Header.Width, "u16", net.width)
  m.setAt(Header.InputTable, "i32", inputTable)
  writeNumberFormats(m, net)
  m.setAt(Header.Seed, "i32", net.seed | 0)

  let firstSynapse = 0
  const firstSynapses: number[] = [0]
  for (let layer = 1; layer <= layers; layer++) {
    firstSynapses.push(firstSynapse)
    firstSynapse += net.layers[layer - 1].neurons * net.layers[layer - 1].inputs
  }

  for (let i = 0; i < slices.length; i++) {
    const slice = slices[i]
    const l = net.layers[slice.layer - 1]
    const sources = signalsOf(net, slice.layer - 1)
    const synapses = slice.count * l.inputs
    const links = synapses * fanInOf(net, slice.layer)
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
    if (
      slice.layer > 1 &&
      neuronsHere(slices, slice.layer - 1) < net.layers[slice.layer - 2].neurons
    )
      flags |= PartFlag.Await
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
    m.setAt(part + Part.BusOutWidth, "u16", signalsOf(net, slice.layer))
    m.setAt(part + Part.BusOutFirst, "u16", slice.first * l.outputs)
    m.setAt(part + Part.BackOut, "i32", backs[slice.layer - 1])
    m.setAt(part + Part.BackIn, "i32", backs[slice.layer])
    m.setAt(
      part + Part.FirstSynapse,
      "u16",
      (firstSynapses[slice.layer] + slice.first * l.inputs) & 0xffff,
    )
    m.setAt(part + Part.List, "i32", slice.layer === 1 ? imageList : dense ? 0 : signalList)
    writeLinks(m, net, slice, part)
    writeChunks(m, net, part)
  }
  writeInputTable(m, net)
  m.setAt(Header.LayoutHash, "i32", layoutHash(m))
  return m
}

/** Every synapse of the layer reads every signal: then no index is stored. Pixels never are. */
export function isDense(net: Network, layer: number): boolean {
  return layer > 1 && fanInOf(net, layer) === signalsOf(net, layer - 1)
}

function align4(at: number): number {
  return (at + 3) & ~3
}

/** How much of each pass a board does between two yields, whatever the image. */
function writeChunks(m: Buffer, net: Network, part: number): void {
  const sources = m.getAt(part + Part.Sources, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  let most = 0
  if (start !== 0)
    for (let at = start; at < start + sources * 2; at += 2)
      most = Math.max(most, m.getAt(at + 2, "u16") - m.getAt(at, "u16"))
  // The signals are listed in the same run as the first chunk.
  const input = (m.getAt(part + Part.Flags, "u16") & PartFlag.Input) !== 0
  const room = input ? CHUNK_OPERATIONS : MOST_OPERATIONS - sources * ENTRY_OPERATIONS
  const source = SOURCE_OPERATIONS + most * LINK_OPERATIONS
  const synapse = DENSE_SYNAPSE_OPERATIONS + sources * DENSE_LINK_OPERATIONS
  const neuron = NEURON_OPERATIONS + net.steps * STEP_OPERATIONS
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
  m.setAt(Header.Reciprocal, "u16", Math.floor((65536 + (net.steps >> 1)) / net.steps))
  m.setAt(Header.NetMin, "i16", net.netMin)
  m.setAt(Header.NetMax, "i16", net.netMax)
  m.setAt(Header.ElementMin, "i16", net.elementMin)
  m.setAt(Header.ElementMax, "i16", net.elementMax)
  m.setAt(Header.LambdaMax, "i16", net.lambdaMax)
  m.setAt(Header.CoefficientMax, "i16", coefficientMax(net))
  m.setAt(Header.SignalShift, "u16", 16 + STATE_BITS - net.signalBits)
  m.setAt(Header.NetShift, "u16", COEFFICIENT_BITS + net.signalBits - STATE_BITS)
  m.setAt(Header.LearnShift, "u16", net.learnShift)
  m.setAt(Header.Margin, "i16", net.margin >> (STATE_BITS - net.signalBits))
  m.setAt(Header.SoftmaxGain, "u16", net.softmaxGain ?? 0)
  // 2^(-1/32) · 2^16 = 64131.7; 32768 · 64132 < 2^31.
  let power = 32768
  for (let i = 0; i < 32; i++) {
    m.setAt(Header.PowerTable + i + i, "u16", power)
    power = (power * 64132 + 32768) >> 16
  }
}

function writeLinks(m: Buffer, net: Network, slice: Slice, part: number): void {
  const l = net.layers[slice.layer - 1]
  const synapses = slice.count * l.inputs
  const first = slice.first * l.inputs
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const fanIn = fanInOf(net, slice.layer)
  if (isDense(net, slice.layer)) {
    for (let t = 0; t < synapses; t++) {
      for (let rank = 0; rank < fanIn; rank++) {
        m.setAt(
          coefficient + (t * fanIn + rank) * 2,
          "i16",
          initialCoefficient(net, slice.layer, first + t, rank),
        )
      }
    }
    return
  }
  const sources = m.getAt(part + Part.Sources, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const bySource: { synapse: number; rank: number }[][] = []
  for (let s = 0; s < sources; s++) bySource.push([])
  for (let t = 0; t < synapses; t++) {
    let rank = 0
    for (const s of sourcesOf(net, slice.layer, first + t))
      bySource[s].push({ synapse: t, rank: rank++ })
  }
  let link = 0
  for (let s = 0; s < sources; s++) {
    m.setAt(start + s * 2, "u16", link)
    for (const { synapse, rank } of bySource[s]) {
      m.setAt(target + link, "u8", synapse)
      m.setAt(
        coefficient + link * 2,
        "i16",
        initialCoefficient(net, slice.layer, first + synapse, rank),
      )
      link++
    }
  }
  m.setAt(start + sources * 2, "u16", link)
}

/**
 * Response of an input neuron (pixel on element 0, net input not clamped, signal from element 1) to
 * each pixel value, by the same settle as every neuron.
 */
function writeInputTable(m: Buffer, net: Network): void {
  const part = Header.Length
  const sum = part + Part.Length
  const state = sum + 4
  const bus = state + 10
  const one = Buffer.alloc(bus + 2)
  writeNumberFormats(one, net)
  one.setAt(Header.NetMin, "i16", -32768)
  one.setAt(Header.NetMax, "i16", 32767)
  one.setAt(part + Part.Inputs, "u16", 1)
  one.setAt(part + Part.OutputFirst, "u16", 1)
  one.setAt(part + Part.Outputs, "u16", 1)
  one.setAt(part + Part.Sum, "i32", sum)
  one.setAt(part + Part.State, "i32", state)
  one.setAt(part + Part.BusOut, "i32", bus)
  const table = m.getAt(Header.InputTable, "i32")
  const netShift = one.getAt(Header.NetShift, "u16")
  for (let pixel = 0; pixel < 256; pixel++) {
    // pixel/255 as pixel·257/65536. 255 · 4·4096 · 257 < 2^31; u ≤ 4·4096 = 2^14, shifted by at
    // most 13 still fits.
    one.setAt(sum, "i32", ((pixel * net.inputScale * 257) >> 16) << netShift)
    settleForward(one, part, 0, 0, 1)
    m.setAt(table + pixel * 2, "i16", one.getAt(bus, "i16"))
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
  for (let i = 0; i < parts; i++) {
    const part = Header.Length + i * Part.Length
    const layer = m.getAt(part + Part.Layer, "u16")
    const l = net.layers[layer - 1]
    const fanIn = fanInOf(net, layer)
    let base = m.getAt(part + Part.First, "u16") * l.inputs * fanIn
    for (let below = 1; below < layer; below++) base += linksOf(net, below)
    const links = m.getAt(part + Part.Links, "i32")
    const coefficient = m.getAt(part + Part.Coefficient, "i32")
    const target = m.getAt(part + Part.Target, "i32")
    const rank: number[] = []
    for (let t = 0; t < m.getAt(part + Part.Neurons, "u16") * l.inputs; t++) rank.push(0)
    for (let link = 0; link < links; link++) {
      let place = base + link
      if (target !== 0) {
        // By source, ascending: the n-th link seen of a synapse is its n-th source.
        const t = m.getAt(target + link, "u8")
        place = base + t * fanIn + rank[t]++
      }
      if (toShard) m.setAt(coefficient + link * 2, "i16", all.getAt(place * 2, "i16"))
      else all.setAt(place * 2, "i16", m.getAt(coefficient + link * 2, "i16"))
    }
  }
}

/** A Q12 number for the constants of a network's description: q12(3) = 12288. */
export function q12(x: number): number {
  return Math.floor(x * FIXED_POINT + 0.5)
}
