/** The header of a shard: number formats, rule, the responses to pixel values, and its hash. */
import { settleForwardOwn } from "../../src/core/elements"
import {
  COEFFICIENT_BITS,
  Header,
  Kernel,
  Part,
  PartFlag,
  Rule,
  STATE_BITS,
} from "../../src/core/layout"
import { Neuron } from "../../src/core/neuron"
import { settleForward } from "../../src/core/settle"
import { settleForwardFine } from "../../src/core/settle-fine"
import {
  elementsLearn,
  inputDrive,
  inputSignalsOf,
  isFine,
  type Network,
  reciprocalOf,
} from "./description"
import { coefficientMax } from "./network"
import { align4 } from "./shard-places"
import { ShardView } from "./shard-view"

/** Formats, clamps and rates. */
export function writeNumberFormats(shard: ShardView, net: Network): void {
  shard.steps = net.steps
  shard.reciprocal = reciprocalOf(net.steps)
  shard.netMin = net.netMin
  shard.netMax = net.netMax
  shard.elementMin = net.elementMin
  shard.elementMax = net.elementMax
  shard.lambdaMax = net.lambdaMax
  shard.coefficientMax = coefficientMax(net)
  // The settle's format, and that of the time-mean before it is shifted.
  const bits = isFine(net) ? 16 : STATE_BITS
  const meanBits = isFine(net) ? 14 : STATE_BITS
  shard.signalShift = 16 + meanBits - net.signalBits
  shard.netShift = COEFFICIENT_BITS + net.signalBits - bits
  shard.learnShift = net.learnShift
  shard.margin = inSignalFormat(net, net.margin)
  shard.softmaxGain = net.softmaxGain ?? 0
  // 2^(-1/32) · 2^16 = 64131.7; 32768 · 64132 < 2^31.
  let power = 32768
  for (let i = 0; i < 32; i++) {
    shard.memory.setAt(Header.PowerTable + i + i, "u16", power)
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
export function writeRule(shard: ShardView, net: Network): void {
  const own = elementsLearn(net)
  let rule = 0
  if (net.rule === "elements") rule |= Rule.FixedLinks
  if (net.linkBound !== undefined) rule |= Rule.LinkBound
  if (net.pid) rule |= Rule.Pid
  if (own) rule |= Rule.Elements
  if (net.elements && net.elements.signal === "gradient") rule |= Rule.Gradient
  if (net.backward === "bsp") rule |= Rule.Bsp
  if (isFine(net)) rule |= Rule.Fine
  if (net.ring) rule |= Rule.Ring
  if (net.feedback) rule |= Rule.Feedback
  if (net.targets?.always) rule |= Rule.Squares
  shard.rule = rule
  writeRing(shard, net)
  if (net.linkBound !== undefined) shard.linkBound = net.signalBits - net.linkBound
  if (net.elements) {
    shard.elementShift = net.elements.shift
    shard.elementBound = 12 - net.elements.bound
    shard.inhibitionMin = net.elements.min
    shard.inhibitionMax = net.elements.max
  }
  if (net.pid) {
    shard.proportional = net.pid.proportional
    shard.integral = net.pid.integral
    shard.differential = net.pid.differential
    shard.pidMemory = net.pid.memory
  }
  shard.errorShift = net.errorShift ?? 0
  if (net.targets) {
    shard.targetHigh = inSignalFormat(net, net.targets.high)
    shard.targetLow = inSignalFormat(net, net.targets.low)
  }
}

function writeRing(shard: ShardView, { ring }: Network): void {
  if (!ring) return
  shard.generation = ring.k1
  shard.decay = ring.k2
}

/**
 * Responses of an input neuron (pixel on element 0, net input not clamped, signals from the elements
 * 1 … InputSignals) to each pixel value, by the same settle as every neuron.
 */
export function writeInputTable(shard: ShardView, net: Network): void {
  const signals = inputSignalsOf(net)
  const sum = Header.Length + Part.Length
  const state = sum + 4
  const bus = state + 10
  const scratch = align4(bus + signals * 2)
  const displacement = scratch + Neuron.Length
  const one = new ShardView(Buffer.alloc(displacement + 10))
  writeNumberFormats(one, net)
  if (net.ring) one.rule = Rule.Ring
  writeRing(one, net)
  one.scratch = scratch
  one.netMin = -32768
  one.netMax = 32767
  const part = one.part(0)
  part.inputs = 1
  part.inputStep = 1
  part.outputFirst = 1
  part.outputStep = 1
  part.outputs = signals
  part.sum = sum
  part.state = state
  part.busOut = bus
  part.displacement = displacement
  const m = one.memory
  let entry = shard.inputTable
  for (let pixel = 0; pixel < 256; pixel++) {
    // pixel/255 as pixel·257/65536. 255 · 4·4096 · 257 < 2^31; |u| ≤ 4·4096 = 2^14, shifted by at
    // most 13 still fits; so does the finer |u| ≤ 2·65536 = 2^17, shifted by at most 11.
    const u = inputDrive(net, pixel) * net.inputScale * 257
    m.setAt(sum, "i32", (isFine(net) ? u >> 12 : u >> 16) << one.netShift)
    if (net.ring) settleForwardOwn(m, part.at, 0, 0, 1)
    else if (isFine(net)) settleForwardFine(m, part.at, 0, 0, 1)
    else settleForward(m, part.at, 0, 0, 1)
    for (let k = 0; k < signals; k++) {
      shard.memory.setAt(entry, "i16", m.getAt(bus + k + k, "i16"))
      entry = entry + 2
    }
  }
}

/** FNV-1a over everything that says what the shard is: header, descriptors and link structure. */
export function layoutHash(shard: ShardView): number {
  let h = -2128831035
  const add = (from: number, to: number) => {
    for (let at = from; at < to; at++) h = Math.imul(h ^ shard.memory.getAt(at, "u8"), 16777619)
  }
  add(0, Header.Length + shard.partCount * Part.Length)
  for (const part of shard.parts) {
    const { start, target, links } = part
    if (target !== 0) add(target, target + (part.has(PartFlag.Picked) ? links * 2 : links))
    if (part.has(PartFlag.Shared)) add(start, start + Kernel.Length)
  }
  return h
}
