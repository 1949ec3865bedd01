/**
 * What a share of a network costs a board, in time: operations by src/core/operations.ts at the profile's
 * cycles, bytes at the link's rate, messages at the throttle.
 *
 * src/core/operations.ts counts the longest way through each loop of a learning step. What is done of it
 * on average is a share, measured with pico-16, pico-32, fleet-64 and model1 on counting virtual
 * machines; how near predictions come is tested there too.
 */
import { Header, Kernel, Part, PartFlag, Rule } from "../../src/core/layout"
import { isFull } from "../../src/core/links"
import {
  AT_ONCE_LINK_OPERATIONS,
  AT_ONCE_PIXEL_OPERATIONS,
  DENSE_SYNAPSE_OPERATIONS,
  denseLinkOperations,
  ENTRY_OPERATIONS,
  linkOperations,
  NOISE_OPERATIONS,
  neuronOperations,
  PICKED_LEARN_OPERATIONS,
  PICKED_LEARN_SYNAPSE_OPERATIONS,
  PICKED_LINK_OPERATIONS,
  PICKED_SYNAPSE_OPERATIONS,
  SHARED_LINK_OPERATIONS,
  SHARED_SOURCE_OPERATIONS,
  SHARED_WINDOW_OPERATIONS,
  SOURCE_OPERATIONS,
  sharedLinkOperations,
} from "../../src/core/operations"
import { pickBytes } from "../../src/core/picked"
import { BackField, ImageField, MAX_PAYLOAD, SignalsField } from "../../src/wire/protocol"
import type { BoardProfile } from "../hardware/board-profile"
import { inputBlankOf, inputSignalsOf, isDense, type Layer, type Network } from "../network/network"
import { partsOf } from "../network/shard-parts"

/** Pixels that are not zero: 19.1 % of those of MNIST's training images. Others cost nothing. */
export const INK = 0.191
/** Naming: operations of a link and of a neuron, as shares of the longest way of learning. */
const FORWARD_LINK = 0.35
const FORWARD_NEURON = 0.65
/** Naming: a link where every synapse reads every source. */
const DENSE_FORWARD = 12
/** Learning, after it: a neuron; a link where every synapse reads every source (58 operations). */
const BACKWARD_NEURON = 0.4
const DENSE_BACKWARD = 0.8
/** Shared kernels: what of the longest way is done, summing and learning; a signal of no value. */
const SHARED_FORWARD = 0.85
const SHARED_BACKWARD = 0.76
const SHARED_BLANK = 16
/**
 * Outputs that learn where the error is by margin: the label's and its best rival; others pass on.
 * Where boards share them, those on the board that has most to do: one, and its part of the rest.
 */
const MARGIN_OUTPUTS = 2.5
/** A step of a neuron whose inputs and outputs are neighbours (src/core/settle-two.ts). */
const TWO_FORWARD_STEP = 190
const TWO_BACKWARD_STEP = 230
/** Handling one message, sent or received: an estimate, of some forty calls. */
const MESSAGE_OPERATIONS = 600
const MOST_SIGNALS = (MAX_PAYLOAD - SignalsField.Length) >> 1
const MOST_SUMS = (MAX_PAYLOAD - BackField.Length) >> 2
/** Samples whose signals a board gathers into one message: images of two frames (host/fleet/relay.ts). */
const GROUP = 4

/** Operations, messages and bytes of one sample on one board; index: layer, 1 = first behind the input. */
export interface ShareCost {
  forward: number[]
  backward: number[]
  /** Messages the board sends, of an image only answered and of one learnt. */
  messages: number
  learnMessages: number
  /** Bytes over its link, both ways. */
  bytes: number
  learnBytes: number
}

export function costOfShare(network: Network, shard: Buffer, slots: number): ShareCost {
  const layers = network.layers.length + 1
  const cost: ShareCost = {
    ...{ forward: new Array(layers).fill(0), backward: new Array(layers).fill(0) },
    ...{ messages: 0, learnMessages: 0, bytes: 0, learnBytes: 0 },
  }
  const rule = shard.getAt(Header.Rule, "u16")
  const byMargin = (network.softmaxGain ?? 0) === 0 && network.targets === undefined
  const group = Math.min(GROUP, slots)
  let handled = 0
  let before = 0
  for (const part of partsOf(shard)) {
    const flags = shard.getAt(part + Part.Flags, "u16")
    const layer = shard.getAt(part + Part.Layer, "u16")
    const neurons = shard.getAt(part + Part.Neurons, "u16")
    const synapses = neurons * shard.getAt(part + Part.Inputs, "u16")
    const sources = shard.getAt(part + Part.Sources, "u16")
    const links = shard.getAt(part + Part.Links, "i32")
    const input = (flags & PartFlag.Input) !== 0
    const dense = (flags & PartFlag.Dense) !== 0
    const picked = (flags & PartFlag.Picked) !== 0
    const shared = (flags & PartFlag.Shared) !== 0
    const lit = input && inputBlankOf(network) === 0 ? INK : 1
    const listed = input || dense || shared ? 0 : sources * ENTRY_OPERATIONS
    let passing = lit * (links * linkOperations(rule) + sources * SOURCE_OPERATIONS)
    if (dense) passing = links * denseLinkOperations(rule) + synapses * DENSE_SYNAPSE_OPERATIONS
    else if (picked)
      passing = lit * links * PICKED_LEARN_OPERATIONS + synapses * PICKED_LEARN_SYNAPSE_OPERATIONS
    else if (shared) passing = SHARED_BACKWARD * links * sharedLinkOperations(shard, part)
    const { steps } = network
    const l = network.layers[layer - 1]
    let summing = FORWARD_LINK * passing
    if (dense) summing = links * DENSE_FORWARD + synapses * DENSE_SYNAPSE_OPERATIONS
    else if (picked)
      summing = lit * links * PICKED_LINK_OPERATIONS + synapses * PICKED_SYNAPSE_OPERATIONS
    else if (shared) summing = sharedSums(shard, part, lit)
    else if ((flags & PartFlag.AtOnce) !== 0) summing = lit * links * AT_ONCE_LINK_OPERATIONS
    else if (isFull(shard, part))
      summing = lit * (links * DENSE_FORWARD + sources * SOURCE_OPERATIONS)
    cost.forward[layer] += summing + listed + neurons * forwardNeuron(l, rule, steps, input)
    let learning = 1
    if (byMargin && (flags & PartFlag.Output) !== 0) {
      const others = network.layers[layer - 1].neurons - 1
      const busy = 1 + ((MARGIN_OUTPUTS - 1) * (neurons - 1)) / Math.max(1, others)
      learning = Math.min(1, busy / neurons)
    }
    cost.backward[layer] +=
      learning *
        ((dense ? DENSE_BACKWARD : 1) * passing + (shared ? 0 : synapses * NOISE_OPERATIONS)) +
      listed +
      // An output without an error does not settle backward.
      learning * neurons * backwardNeuron(l, rule, steps)
    if (picked) {
      const picks = pickBytes(lit * links, synapses)
      const messages = Math.ceil(picks / (MAX_PAYLOAD - ImageField.Length))
      cost.bytes += picks + messages * ImageField.Length
      cost.learnBytes += picks + messages * ImageField.Length
      // Every image takes one.
      handled += messages - 1
    } else if (input && layer !== before) {
      const pixels = INK * shard.getAt(Header.Width, "u16")
      cost.forward[layer] += pixels * AT_ONCE_PIXEL_OPERATIONS
      // A byte a pixel, and two for each run of about eight.
      cost.bytes += pixels * 1.25 + ImageField.Length
      cost.learnBytes += pixels * 1.25 + ImageField.Length
    }
    const signals = neurons * shard.getAt(part + Part.Outputs, "u16")
    if ((flags & PartFlag.Partial) !== 0) {
      cost.messages++
      cost.learnMessages++
      cost.bytes += synapses * 8
      cost.learnBytes += synapses * 8
      handled++
    }
    if ((flags & (PartFlag.Report | PartFlag.Output)) !== 0) {
      const together = Math.min(group, Math.max(1, Math.floor(MOST_SIGNALS / signals)))
      const messages = Math.ceil(signals / MOST_SIGNALS) / together
      cost.messages += messages
      cost.bytes += signals * 2 + messages * SignalsField.Length
    }
    if ((flags & PartFlag.Report) !== 0) {
      cost.learnMessages += Math.ceil(signals / MOST_SIGNALS)
      cost.learnBytes += signals * 6
      handled++
    }
    // Boards that share the outputs tell each other theirs, where a sample is learnt.
    const classes = shard.getAt(part + Part.BusOutWidth, "u16")
    if ((flags & PartFlag.Output) !== 0 && ownSignals(shard, layer) < classes) {
      cost.learnMessages += Math.ceil(signals / MOST_SIGNALS)
      cost.learnBytes += classes * 2
      if (layer !== before) handled++
    }
    if ((flags & PartFlag.Await) !== 0 && layer !== before) {
      const own = ownSignals(shard, layer - 1)
      const foreign = shard.getAt(part + Part.BusInWidth, "u16") - own
      cost.learnMessages += Math.max(1, Math.ceil(foreign / MOST_SUMS))
      cost.bytes += foreign * 2
      cost.learnBytes += foreign * 6
      handled++
    } else if ((flags & PartFlag.Output) !== 0 && layer !== before) cost.learnMessages++
    before = layer
  }
  const last = shard.getAt(Header.Parts, "u16") > 0 ? before : 0
  cost.forward[last] += (cost.messages + handled) * MESSAGE_OPERATIONS
  cost.backward[last] += (cost.learnMessages + handled) * MESSAGE_OPERATIONS
  return cost
}

/** Operations of the sums of shared kernels, of whose signals a share is not zero. */
function sharedSums(shard: Buffer, part: number, lit: number): number {
  const kernel = shard.getAt(part + Part.Start, "i32")
  const synapses = shard.getAt(kernel + Kernel.Synapses, "u16")
  const places =
    shard.getAt(kernel + Kernel.Columns, "u16") * shard.getAt(kernel + Kernel.Rows, "u16")
  const sources = shard.getAt(part + Part.Sources, "u16")
  // So often a signal is in a window.
  const seen = (places * shard.getAt(part + Part.Links, "i32")) / synapses
  const each = SHARED_WINDOW_OPERATIONS + synapses * SHARED_LINK_OPERATIONS
  return (
    SHARED_FORWARD * lit * (seen * each + sources * SHARED_SOURCE_OPERATIONS) +
    sources * SHARED_BLANK
  )
}

/** Operations of a link for each image, on average over pixels that are lit or not. */
export function forwardLink(network: Network, layer: number, rule: number): number {
  if (isDense(network, layer)) return DENSE_FORWARD
  const atOnce = layer === 1 && inputSignalsOf(network) === 1
  const link = atOnce ? AT_ONCE_LINK_OPERATIONS : FORWARD_LINK * linkOperations(rule)
  return layer === 1 ? INK * link : link
}

/**
 * Operations of a neuron's settle for each image.
 *
 * @param ofPixels the layer reads the image
 */
export function forwardNeuron(
  layer: Layer,
  rule: number,
  steps: number,
  ofPixels: boolean,
): number {
  if (settlesShort(layer, rule)) return TWO_FORWARD_STEP * steps
  if ((rule & Rule.Fine) === 0 || !ofPixels) return FORWARD_NEURON * neuronOperations(rule, steps)
  // Where all pixels are blank that a neuron's few links come from, it takes no steps.
  const awake = 1 - (1 - INK) ** layer.inputs
  return FORWARD_NEURON * neuronOperations(rule, awake * steps)
}

function backwardNeuron(layer: Layer, rule: number, steps: number): number {
  if (settlesShort(layer, rule)) return TWO_BACKWARD_STEP * steps
  return BACKWARD_NEURON * neuronOperations(rule, steps)
}

/** As hasTwo (src/core/settle-two.ts), of a layer. */
function settlesShort(layer: Layer, rule: number): boolean {
  const { inputs, outputFirst, outputs, inputStep = 1, outputStep = 1 } = layer
  if (inputStep !== 1 || outputStep !== 1) return false
  return (
    inputs <= 2 && outputFirst === 1 && outputs <= 2 && (rule & (Rule.OfNeurons | Rule.Fine)) === 0
  )
}

/** Signals of a layer that a shard computes itself. */
export function ownSignals(shard: Buffer, layer: number): number {
  let own = 0
  for (const part of partsOf(shard)) {
    if (shard.getAt(part + Part.Layer, "u16") === layer)
      own += shard.getAt(part + Part.Neurons, "u16") * shard.getAt(part + Part.Outputs, "u16")
  }
  return own
}

/** Milliseconds so many operations take. */
function operationsMs(operations: number, profile: BoardProfile): number {
  return (operations * profile.cyclesPerOperation * 1000) / profile.clockHz
}

/**
 * Time a board needs for each image when many are under way: it computes and transfers, and may not
 * send faster than its throttle.
 */
export function msPerImage(cost: ShareCost, profile: BoardProfile): number {
  const operations = cost.forward.reduce((sum, x) => sum + x, 0)
  const transfer = (cost.bytes * 1000) / profile.linkBytesPerSecond
  return Math.max(
    operationsMs(operations, profile) + transfer,
    cost.messages * profile.messageThrottle.intervalMs,
  )
}

/**
 * Time of one learnt sample: one at a time, so that layer follows layer, forward and then backward,
 * each as slow as its slowest board; what crosses between layers goes over two links.
 */
export function msPerLesson(costs: ShareCost[], profiles: BoardProfile[]): number {
  let ms = 0
  for (let layer = 1; layer < costs[0].forward.length; layer++)
    for (const pass of ["forward", "backward"] as const)
      ms += Math.max(...costs.map((c, b) => operationsMs(c[pass][layer], profiles[b])))
  const transfer = costs.map((c, b) => (2 * c.learnBytes * 1000) / profiles[b].linkBytesPerSecond)
  const throttle = costs.map((c, b) => c.learnMessages * profiles[b].messageThrottle.intervalMs)
  return Math.max(ms + Math.max(...transfer), ...throttle)
}
