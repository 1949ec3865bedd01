/**
 * Is this memory a sound shard? Run by a board before it trusts bytes that came over a wire.
 *
 * A sound shard cannot make a board leave its memory, run without end or run too long without a
 * yield, whatever samples it gets. What its numbers mean is not judged: a wrong coefficient gives a
 * wrong answer, never a fault.
 */
import { kernelsAgree, kernelsEnd, kernelsInTime } from "./check-kernels"
import { soundPicks } from "./check-picked"
import {
  Header,
  LAYOUT_VERSION,
  LEAST_ELEMENT_SHIFT,
  LEAST_LEARN_SHIFT,
  LEAST_PID_SHIFT,
  MAGIC,
  MOST_ELEMENT_SHIFT,
  MOST_FINER,
  MOST_LEARN_SHIFT,
  NOISE_BITS,
  Part,
  PartFlag,
  Rule,
} from "./layout"
import { isFull } from "./links"
import { Neuron } from "./neuron"
import {
  AT_ONCE_LINK_OPERATIONS,
  AT_ONCE_PIXEL_OPERATIONS,
  DENSE_SYNAPSE_OPERATIONS,
  ENTRY_OPERATIONS,
  MESSAGE_PIXELS,
  MOST_OPERATIONS,
  mostDenseLinkOperations,
  mostLinkOperations,
  NOISE_OPERATIONS,
  neuronOperations,
  SOURCE_OPERATIONS,
} from "./operations"
import { pickListBytes } from "./picked"
import { aside, inside } from "./ranges"
import { MOST_GENERATION, MOST_RING_INHIBITION } from "./ring-neuron"

/** Limits of a board: it sets memory aside for so many. */
export const MOST_PARTS = 64
export const MOST_LAYERS = 16
export const MOST_SLOTS = 16
/** Classes; 255 means none where a class is reported. Readout and error of so many fit one run. */
export const MOST_OUTPUTS = 255

/** Synapses of outputs whose sums several boards add up: so many fit one message. */
export const MOST_SUMMED = 57

/**
 * Links checked between two yields, where a source counts as SOURCE_LINKS of them: some 2,200
 * operations, 7 ms of a Pico. Where a board has something else to do too, two of these come in a row.
 */
const CHECK_STRIDE = 120
const SOURCE_LINKS = 3

/**
 * Checks the header and every descriptor.
 *
 * Every number in a shard may be any number. Those that are added up here are bounded first, and ends
 * are compared by differences, so that no sum leaves 32 bits: where the core is machine code it would
 * wrap, and what lies outside would seem to lie inside.
 *
 * @param size bytes of memory available, at most 2^28
 * @returns true if the shard can be run, given that its links are sound too ({@link checkLinks})
 */
export function isSound(m: Buffer, size: number): boolean {
  if (m.getAt(Header.Magic, "u16") !== MAGIC || m.getAt(Header.Version, "u16") !== LAYOUT_VERSION)
    return false
  const used = m.getAt(Header.Size, "i32")
  const image = m.getAt(Header.Image, "i32")
  const parts = m.getAt(Header.Parts, "u16")
  const slots = m.getAt(Header.Slots, "u16")
  const steps = m.getAt(Header.Steps, "u16")
  const end = Header.Length + parts * Part.Length
  if (parts < 1 || parts > MOST_PARTS || slots < 1 || slots > MOST_SLOTS) return false
  if (used > size || image > used || end > image) return false
  if (steps < 2 || steps > 16) return false
  if (!hasSoundFormats(m)) return false
  const inputSignals = m.getAt(Header.InputSignals, "u16")
  if (inputSignals < 1 || inputSignals > 4) return false
  if (!inside(m.getAt(Header.InputTable, "i32"), 512 * inputSignals, end, image)) return false

  const rule = m.getAt(Header.Rule, "u16")
  if (!isSoundRule(m, rule)) return false
  const scratch = m.getAt(Header.Scratch, "i32")
  if ((rule & Rule.OfNeurons) !== 0 && !inside(scratch, Neuron.Length, image, used)) return false

  // The lists hold indices that are trusted, so nothing else may write where they are.
  let imageList = 0
  let signalList = 0
  let signalEntries = 0
  for (let part: number = Header.Length; part < end; part += Part.Length) {
    const flags = m.getAt(part + Part.Flags, "u16")
    const list = m.getAt(part + Part.List, "i32")
    const sources = m.getAt(part + Part.Sources, "u16")
    // Shared kernels list pixels alone.
    const lists =
      (flags & PartFlag.Dense) === 0 &&
      (flags & (PartFlag.Shared | PartFlag.Input)) !== PartFlag.Shared
    // Also 0, which would be taken for no list at all.
    if (lists && list < image) return false
    if ((flags & PartFlag.Input) !== 0) {
      if (imageList !== 0 && list !== imageList) return false
      imageList = list
    } else if (lists) {
      if (signalList !== 0 && list !== signalList) return false
      signalList = list
      signalEntries = Math.max(signalEntries, sources)
    }
  }
  let listFrom = used
  let listEnd = used
  if (imageList !== 0) {
    const bytes = imageListBytes(m, inputSignals)
    if (!inside(imageList, bytes, image, used)) return false
    listFrom = imageList
    listEnd = imageList + bytes
  }
  if (signalList !== 0) {
    if (!inside(signalList, 4 + signalEntries * 4, image, used)) return false
    const signalListEnd = signalList + 4 + signalEntries * 4
    if (imageList === 0) {
      listFrom = signalList
      listEnd = signalListEnd
    } else if (!aside(signalList, signalListEnd, listFrom, listEnd)) return false
    else {
      listFrom = Math.min(listFrom, signalList)
      listEnd = Math.max(listEnd, signalListEnd)
    }
  }

  if ((rule & Rule.OfNeurons) !== 0 && !aside(scratch, scratch + Neuron.Length, listFrom, listEnd))
    return false

  // Start tables and targets are trusted too: each part's links lie behind those of the part before.
  let links = end
  let before = 0
  for (let part: number = Header.Length; part < end; part += Part.Length) {
    links = linksEnd(m, part, links, image)
    if (links < 0) return false
    if (!worksInside(m, part, image, used, listFrom, listEnd)) return false
    if (!ownInside(m, part, rule, image, used, listFrom, listEnd)) return false
    if (!idsInside(m, part, end, image)) return false
    if (!yieldsInTime(m, part, steps)) return false
    if (!agrees(m, part, before)) return false
    before = part
  }
  // What elements have of their own is written while learning, so it may not be among the links.
  if ((rule & Rule.Elements) !== 0)
    for (let part: number = Header.Length; part < end; part += Part.Length)
      if (!elementsInside(m, part, rule, links, image)) return false
  // The signals of the last layer must go somewhere.
  return (m.getAt(before + Part.Flags, "u16") & (PartFlag.Output | PartFlag.Report)) !== 0
}

/** Bytes of the list of the part that reads pixels. */
function imageListBytes(m: Buffer, inputSignals: number): number {
  const part: number = Header.Length
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Picked) === 0)
    return 4 + m.getAt(Header.Width, "u16") * inputSignals * 4
  // Counts may be any here. What is beyond these is refused later, and so is a part whose list is shorter.
  const links = Math.min(MOST_OPERATIONS, Math.max(0, m.getAt(part + Part.Links, "i32")))
  const neurons = Math.min(256, m.getAt(part + Part.Neurons, "u16"))
  return pickListBytes(links, neurons * Math.min(5, m.getAt(part + Part.Inputs, "u16")))
}

/**
 * Are the number formats such that every shift is by 0…31 bits, and is no maximum below its minimum?
 *
 * A signal has 1…25 fraction bits: it is shifted left into Q25 and right by one bit less than it has.
 */
function hasSoundFormats(m: Buffer): boolean {
  const shift = m.getAt(Header.SignalShift, "u16")
  const fine = (m.getAt(Header.Rule, "u16") & Rule.Fine) !== 0
  const mean = fine ? 30 : 28
  if (shift < mean - 25 || shift > mean - 1 || m.getAt(Header.NetShift, "u16") > 31) return false
  if (m.getAt(Header.NetMin, "i16") > m.getAt(Header.NetMax, "i16")) return false
  // Between the clamps of an element there is room for one that is on neither (settle-two.ts).
  if (m.getAt(Header.ElementMin, "i16") > m.getAt(Header.ElementMax, "i16") - 2) return false
  if (m.getAt(Header.InhibitionMin, "i16") > m.getAt(Header.InhibitionMax, "i16")) return false
  return m.getAt(Header.LambdaMax, "i16") >= 0 && m.getAt(Header.CoefficientMax, "i16") >= 0
}

/**
 * End of the part's links, which must lie in order between `from` and `to`; −1 if they or its counts
 * do not fit.
 */
function linksEnd(m: Buffer, part: number, from: number, to: number): number {
  const flags = m.getAt(part + Part.Flags, "u16")
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const inputs = m.getAt(part + Part.Inputs, "u16")
  const outputs = m.getAt(part + Part.Outputs, "u16")
  if (m.getAt(part + Part.BackShift, "u16") > 31) return -1
  const sources = m.getAt(part + Part.Sources, "u16")
  const links = m.getAt(part + Part.Links, "i32")
  const coefficient = m.getAt(part + Part.Coefficient, "i32")
  const shared = (flags & PartFlag.Shared) !== 0
  if (inputs < 1 || inputs > 5 || neurons < 1 || sources < 1) return -1
  // At most 2^16 · 5.
  const synapses = neurons * inputs
  if (synapses > 256 && !shared) return -1
  const inputStep = m.getAt(part + Part.InputStep, "u8")
  const outputStep = m.getAt(part + Part.OutputStep, "u8")
  if (inputStep < 1 || inputStep > 2 || (inputs - 1) * inputStep > 4) return -1
  if (outputs < 1 || outputs > 5 || outputStep < 1 || outputStep > 2) return -1
  if (m.getAt(part + Part.OutputFirst, "u16") + (outputs - 1) * outputStep > 4) return -1
  // Two bytes a coefficient.
  if (links < 0 || links > (to - from) >> 1) return -1
  if ((flags & PartFlag.Dense) !== 0) {
    if ((flags & PartFlag.Input) !== 0 || links !== synapses * sources) return -1
    if (!inside(coefficient, links * 2, from, to)) return -1
    return coefficient + links * 2
  }
  if (shared) return kernelsEnd(m, part, links, synapses, from, to)
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const picked = (flags & PartFlag.Picked) !== 0
  const startBytes = ((picked ? synapses : sources) + 1) * 2
  const targetBytes = picked ? links * 2 : links
  if (!inside(start, startBytes, from, to)) return -1
  if (!inside(coefficient, links * 2, start + startBytes, to)) return -1
  if (!inside(target, targetBytes, coefficient + links * 2, to)) return -1
  return target + targetBytes
}

/** Is the part's working memory inside, and clear of the lists? */
function worksInside(
  m: Buffer,
  part: number,
  from: number,
  to: number,
  listFrom: number,
  listEnd: number,
): boolean {
  const flags = m.getAt(part + Part.Flags, "u16")
  const input = (flags & PartFlag.Input) !== 0
  const shared = (flags & PartFlag.Shared) !== 0
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const synapses = neurons * m.getAt(part + Part.Inputs, "u16")
  const slots = m.getAt(Header.Slots, "u16")
  const busIn = m.getAt(part + Part.BusInWidth, "u16")
  const busOut = m.getAt(part + Part.BusOutWidth, "u16")
  const signals = neurons * m.getAt(part + Part.Outputs, "u16")
  if (m.getAt(part + Part.BusOutFirst, "u16") + signals > busOut) return false
  for (let i = 0; i < 8; i++) {
    let field: number = Part.Sum
    let bytes = synapses * 4
    if (i === 1) {
      field = Part.State
      bytes = neurons * 10
    } else if (i === 2) {
      field = Part.Lambda
      bytes = synapses * 2
    } else if (i === 3) {
      field = Part.Noise
      bytes = synapses * 2
    } else if (i === 4) {
      field = Part.BusOut
      bytes = slots * busOut * 2
    } else if (i === 5) {
      field = Part.BackIn
      bytes = busOut * 4
    } else if (i === 6) {
      field = Part.BusIn
      // Pixels are laid out for one sample.
      bytes = input ? m.getAt(part + Part.Sources, "u16") * 2 : slots * busIn * 2
    } else if (i === 7) {
      field = Part.BackOut
      bytes = busIn * 4
    }
    const at = m.getAt(part + field, "i32")
    // Shared kernels draw their noise coefficient by coefficient, and have pixels laid out.
    const used = shared ? i !== 3 && (i !== 7 || !input) : i < 6 || !input
    if (used) {
      if (!inside(at, bytes, from, to) || !aside(at, at + bytes, listFrom, listEnd)) return false
    }
  }
  if (input)
    return (
      m.getAt(part + Part.BackOut, "i32") === 0 &&
      m.getAt(part + Part.Sources, "u16") ===
        m.getAt(Header.Width, "u16") * m.getAt(Header.InputSignals, "u16")
    )
  return m.getAt(part + Part.Sources, "u16") === busIn
}

/** Are the tables of indices, if there are any, inside? Whatever they hold does no harm. */
function idsInside(m: Buffer, part: number, from: number, to: number): boolean {
  const sources = m.getAt(part + Part.SourceIds, "i32")
  const neurons = m.getAt(part + Part.NeuronIds, "i32")
  if (sources !== 0 && !inside(sources, m.getAt(part + Part.Sources, "u16") * 2, from, to))
    return false
  return neurons === 0 || inside(neurons, m.getAt(part + Part.Neurons, "u16") * 2, from, to)
}

/** Can links learn at this rate under the shard's rule? What a setting may change must stay sound. */
export function isSoundLearnShift(m: Buffer, shift: number): boolean {
  const rule = m.getAt(Header.Rule, "u16")
  const end = Header.Length + m.getAt(Header.Parts, "u16") * Part.Length
  let finer = 0
  for (let part: number = Header.Length; part < end; part += Part.Length)
    finer = Math.max(finer, m.getAt(part + Part.Finer, "u16"))
  // No product under another rule than the plain one is known to stay within 32 bits then, and finer elements
  // have a λ of their own.
  if (finer > MOST_FINER || (finer !== 0 && rule !== 0)) return false
  if (shift < ((rule & Rule.Pid) !== 0 ? LEAST_PID_SHIFT : LEAST_LEARN_SHIFT)) return false
  // A difference: a message may ask for any number of 32 bits.
  return shift <= ((rule & Rule.Fine) !== 0 ? MOST_LEARN_SHIFT : NOISE_BITS) - finer
}

/** Can elements learn at this rate? */
export function isSoundElementShift(shift: number): boolean {
  return shift >= LEAST_ELEMENT_SHIFT && shift <= MOST_ELEMENT_SHIFT
}

/** Is the rule known, and can its shifts be carried out? */
function isSoundRule(m: Buffer, rule: number): boolean {
  if ((rule | Rule.OnBoards) !== Rule.OnBoards || m.getAt(Header.LinkBound, "u16") > 12)
    return false
  if (!isSoundLearnShift(m, m.getAt(Header.LearnShift, "u16"))) return false
  if ((rule & Rule.Pid) !== 0 && m.getAt(Header.Memory, "u16") > 31) return false
  if (m.getAt(Header.ElementBound, "u16") > 12) return false
  if ((rule & Rule.Elements) !== 0 && !isSoundElementShift(m.getAt(Header.ElementShift, "u16")))
    return false
  if ((rule & Rule.Ring) !== 0) {
    // Elements that learn have K3 of their own, finer ones other kernels.
    if ((rule & (Rule.Elements | Rule.Fine)) !== 0) return false
    const k1 = m.getAt(Header.Generation, "u16")
    const k2 = m.getAt(Header.Decay, "u16")
    if (k2 < 1 || k2 >= k1 || k1 > MOST_GENERATION || k1 - k2 > MOST_RING_INHIBITION) return false
  }
  return m.getAt(Header.ErrorShift, "u16") <= 31
}

/** Is the working memory of the part's rule inside, and clear of the lists? */
function ownInside(
  m: Buffer,
  part: number,
  rule: number,
  from: number,
  to: number,
  listFrom: number,
  listEnd: number,
): boolean {
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const elements = (rule & Rule.Elements) !== 0
  for (let i = 0; i < 3; i++) {
    let field: number = Part.Displacement
    let bytes = neurons * 10
    let used = (rule & Rule.OfNeurons) !== 0
    if (i === 1) {
      field = Part.LinkPid
      bytes = m.getAt(part + Part.Links, "i32") * 8
      used = (rule & Rule.Pid) !== 0 && (rule & Rule.FixedLinks) === 0
    } else if (i === 2) {
      field = Part.ElementPid
      bytes = neurons * 40
      used = (rule & Rule.Pid) !== 0 && elements
    }
    const at = m.getAt(part + field, "i32")
    if (used && (!inside(at, bytes, from, to) || !aside(at, at + bytes, listFrom, listEnd)))
      return false
  }
  // Without elements that learn, addresses of theirs would be read all the same.
  return (
    elements ||
    (m.getAt(part + Part.Inhibition, "i32") === 0 &&
      m.getAt(part + Part.Rest, "i32") === 0 &&
      m.getAt(part + Part.RestBack, "i32") === 0)
  )
}

/** Are K3 and fixed points of the part behind all links and inside the image? */
function elementsInside(m: Buffer, part: number, rule: number, from: number, to: number): boolean {
  const bytes = m.getAt(part + Part.Neurons, "u16") * 10
  if (!inside(m.getAt(part + Part.Inhibition, "i32"), bytes, from, to)) return false
  if (!inside(m.getAt(part + Part.Rest, "i32"), bytes, from, to)) return false
  const back = m.getAt(part + Part.RestBack, "i32")
  if ((rule & Rule.Bsp) === 0) return back === 0
  return inside(back, bytes, from, to)
}

/** Does every chunk of the part end before the machine would end it? Sparse links: see checkLinks. */
function yieldsInTime(m: Buffer, part: number, steps: number): boolean {
  const neurons = m.getAt(part + Part.Neurons, "u16")
  const synapses = neurons * m.getAt(part + Part.Inputs, "u16")
  const sources = m.getAt(part + Part.Sources, "u16")
  const chunkSynapses = m.getAt(part + Part.ChunkSynapses, "u16")
  const chunkNeurons = m.getAt(part + Part.ChunkNeurons, "u16")
  if (m.getAt(part + Part.ChunkSources, "u16") < 1 || chunkSynapses < 1 || chunkNeurons < 1)
    return false
  const rule = m.getAt(Header.Rule, "u16")
  // The factors are below 2^16 · 22,400 here, and the counts below 2^16.
  const settle = Math.min(neurons, chunkNeurons) * neuronOperations(rule, steps)
  const flags = m.getAt(part + Part.Flags, "u16")
  if ((flags & PartFlag.Shared) !== 0) return settle <= MOST_OPERATIONS && kernelsInTime(m, part)
  if (settle + synapses * NOISE_OPERATIONS + listOperations(m, part) > MOST_OPERATIONS) return false
  if ((flags & PartFlag.Dense) === 0) return true
  // At most 2^16 · 593 for a synapse; as a quotient, since so many of them might not fit 32 bits.
  const synapse = DENSE_SYNAPSE_OPERATIONS + sources * mostDenseLinkOperations(rule)
  return synapse <= Math.idiv(MOST_OPERATIONS, Math.min(synapses, chunkSynapses))
}

/** Operations it takes to list the signals the part reads. */
function listOperations(m: Buffer, part: number): number {
  const unlisted = PartFlag.Dense | PartFlag.Input | PartFlag.Shared
  if ((m.getAt(part + Part.Flags, "u16") & unlisted) !== 0) return 0
  return m.getAt(part + Part.Sources, "u16") * ENTRY_OPERATIONS
}

/** Do the part's flags agree with its place and with the part before it (0: none)? */
function agrees(m: Buffer, part: number, before: number): boolean {
  const flags = m.getAt(part + Part.Flags, "u16")
  const layer = m.getAt(part + Part.Layer, "u16")
  const first = m.getAt(part + Part.BusOutFirst, "u16")
  const awaits = (flags & PartFlag.Await) !== 0
  const picked = (flags & PartFlag.Picked) !== 0
  const shared = (flags & PartFlag.Shared) !== 0
  if (layer < 1 || layer > MOST_LAYERS || flags > 1023) return false
  if (shared && !kernelsAgree(m, part)) return false
  if (picked && (flags & PartFlag.AtOnce) === 0) return false
  if (((flags & PartFlag.Input) !== 0) !== (layer === 1)) return false
  if (layer === 1 && awaits) return false
  // Only the one part that reads pixels can sum them as they come, one signal each, and learn so.
  if (
    (flags & PartFlag.AtOnce) !== 0 &&
    (layer !== 1 ||
      before !== 0 ||
      m.getAt(Header.InputSignals, "u16") !== 1 ||
      m.getAt(part + Part.SourceIds, "i32") !== 0 ||
      (m.getAt(Header.Rule, "u16") & Rule.Listed) !== 0)
  )
    return false
  const output = (flags & PartFlag.Output) !== 0
  const width = m.getAt(part + Part.BusOutWidth, "u16")
  const partial = (flags & PartFlag.Partial) !== 0
  if (output && ((flags & PartFlag.Report) !== 0 || width > MOST_OUTPUTS)) return false
  if (!partial && (flags & PartFlag.Tells) !== 0) return false
  let layerBefore = 0
  let endBefore = 0
  if (before !== 0) {
    layerBefore = m.getAt(before + Part.Layer, "u16")
    endBefore =
      m.getAt(before + Part.BusOutFirst, "u16") +
      m.getAt(before + Part.Neurons, "u16") * m.getAt(before + Part.Outputs, "u16")
  }
  if (layer < layerBefore) return false
  if (partial) {
    // All outputs in one part behind the layer it reads, and their sums in one message.
    const all = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Outputs, "u16")
    const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
    if (!output || (flags & PartFlag.Dense) === 0 || awaits) return false
    if (before === 0 || layer !== layerBefore + 1 || all !== width) return false
    if (synapses > MOST_SUMMED || m.getAt(part + Part.SourceIds, "i32") === 0) return false
  }
  if (layer === layerBefore) {
    // One layer's parts are one range of it on one bus.
    if (flags !== m.getAt(before + Part.Flags, "u16") || first !== endBefore) return false
    if (!same(m, part, before, Part.BusIn, Part.BusIn)) return false
    if (!same(m, part, before, Part.BusOut, Part.BusOut)) return false
    if (!same(m, part, before, Part.BackOut, Part.BackOut)) return false
    if (!same(m, part, before, Part.BackIn, Part.BackIn)) return false
    if (width !== m.getAt(before + Part.BusOutWidth, "u16")) return false
  } else {
    if (before !== 0) {
      const flagsBefore = m.getAt(before + Part.Flags, "u16")
      if ((flagsBefore & PartFlag.Output) !== 0) return false
      if (layer > layerBefore + 1 && (flagsBefore & PartFlag.Report) === 0) return false
    }
    if (layer === layerBefore + 1 && before !== 0) {
      if (!same(m, part, before, Part.BusIn, Part.BusOut)) return false
      if (!same(m, part, before, Part.BackOut, Part.BackIn)) return false
      if (m.getAt(part + Part.BusInWidth, "u16") !== m.getAt(before + Part.BusOutWidth, "u16"))
        return false
      if (awaits === isWholeLayer(m, before, endBefore)) return false
    } else if (layer > 1 && !awaits) return false
  }
  return true
}

/** Does this shard compute the whole layer of which `last` is the last part, ending at `end`? */
function isWholeLayer(m: Buffer, last: number, end: number): boolean {
  if (end !== m.getAt(last + Part.BusOutWidth, "u16")) return false
  const layer = m.getAt(last + Part.Layer, "u16")
  let part = last
  while (part > Header.Length && m.getAt(part - Part.Length + Part.Layer, "u16") === layer)
    part = part - Part.Length
  return m.getAt(part + Part.BusOutFirst, "u16") === 0
}

function same(m: Buffer, part: number, other: number, field: number, otherField: number): boolean {
  return m.getAt(part + field, "i32") === m.getAt(other + otherField, "i32")
}

/**
 * Checks some of the links of a sparse part (of others isSound has): that they are in order, end on synapses of the part (on all
 * of them, in their order, where every source reaches every synapse), and that no choice of sources makes
 * a chunk too long.
 *
 * @param from 0 to begin, then what the call before returned
 * @returns the next source to check; −1 when all are sound, −2 if one is not
 */
export function checkLinks(m: Buffer, part: number, from: number): number {
  if ((m.getAt(part + Part.Flags, "u16") & (PartFlag.Dense | PartFlag.Shared)) !== 0) return -1
  const sources = m.getAt(part + Part.Sources, "u16")
  const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
  const start = m.getAt(part + Part.Start, "i32")
  const target = m.getAt(part + Part.Target, "i32")
  const links = m.getAt(part + Part.Links, "i32")
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.Picked) !== 0)
    return soundPicks(m, part) ? -1 : -2
  if (m.getAt(start, "u16") !== 0 || m.getAt(start + sources * 2, "u16") !== links) return -2
  // Nobody looks up where these end.
  const full = isFull(m, part)
  const chunk = Math.min(sources, m.getAt(part + Part.ChunkSources, "u16"))
  // A chunk may hold any of the sources: each as many of the costliest as there are in a chunk.
  const room = Math.idiv(MOST_OPERATIONS - listOperations(m, part), chunk)
  const linkCost = mostLinkOperations(m.getAt(Header.Rule, "u16"))
  let most = room < SOURCE_OPERATIONS ? -1 : Math.idiv(room - SOURCE_OPERATIONS, linkCost)
  if ((m.getAt(part + Part.Flags, "u16") & PartFlag.AtOnce) !== 0) {
    const pixel = Math.idiv(MOST_OPERATIONS, MESSAGE_PIXELS) - AT_ONCE_PIXEL_OPERATIONS
    most = Math.min(most, Math.idiv(pixel, AT_ONCE_LINK_OPERATIONS))
  }
  let source = from
  let at = start + source + source
  let link = m.getAt(at, "u16")
  let left = CHECK_STRIDE
  while (source < sources && left > 0) {
    at = at + 2
    const end = m.getAt(at, "u16")
    if (link > end || end > links || end - link > most) return -2
    left = left - SOURCE_LINKS - (end - link)
    if (full) {
      if (end - link !== synapses) return -2
      for (let t = 0; t < synapses; t++) if (m.getAt(target + link + t, "u8") !== t) return -2
      link = end
    }
    while (link < end) {
      if (m.getAt(target + link, "u8") >= synapses) return -2
      link = link + 1
    }
    source = source + 1
  }
  return source < sources ? source : -1
}
