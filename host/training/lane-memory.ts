/**
 * A network as the lanes engine keeps it (host/codegen/assembly/lane-layout.ts): its layers' records, lists
 * of sources and coefficients, which all threads share, and blocks of working memory.
 */
import { MOST_SUM, quantised } from "../../src/core/once"
import { LANES, Lane } from "../codegen/assembly/lane-layout"
import {
  finerOf,
  isFine,
  linkingOf,
  quantisedShift,
  settlesOneByOne,
  signalsOf,
} from "../network/description"
import {
  coefficientMax,
  coefficientMaxOf,
  fanInOf,
  feedbackCoefficient,
  hasKernels,
  kernelsOf,
  largestSignal,
  type Network,
  synapsesOf,
} from "../network/network"
import { wiringOf } from "../network/wiring"

/** Bytes of a source's signals in a block, and of a row's sums. */
const SHORTS = 2 * LANES
const WORDS = 4 * LANES

/** Why a network cannot be taught in batches that are rounded once, or "" if it can. */
export function lanesFaultOf(network: Network, batch: number): string {
  if (linkingOf(network) !== "adder" || isFine(network)) return "only networks of adders in Q12 are"
  if (settlesOneByOne(network) || network.linkBound !== undefined || network.pid)
    return "only networks are that learn links by the plain product, in rings of K1 = 1 and K2 = ½"
  const most = Math.floor(MOST_SUM / (largestSignal(network) * network.lambdaMax))
  if (hasKernels(network) && batch > MOST_SHARED_BATCH)
    return `a batch of ${batch} is more than those of shared kernels can hold, ${MOST_SHARED_BATCH}`
  if (batch > most) return `a batch of ${batch} is more than its sums can hold, ${most}`
  return ""
}

/** So that the lower halves of a shared coefficient's sums, each of 2^20, fit 32 bits together. */
const MOST_SHARED_BATCH = 4096

/** A layer's place in memory, from the start of what is shared and of a block. */
interface LayerPlan {
  rows: number
  fanIn: number
  padded: number
  shared: boolean
  /** Places that share coefficients, 0: none do; rings that have their own. */
  places: number
  rings: number
  packed: number
  turned: number
  list: number
  lists: number
  coefficient: number
  /** The same where backward signals return by the coefficients themselves. */
  returns: number
  /** Bytes from there to what is kept to learn, 0: it is the same. */
  kept: number
  out: number
  back: number
  sum: number
  state: number
  lambda: number
  pairs: number
}

/** Bytes for the rings and samples that wait to be settled: three, and sixteen more. */
const PAIRS_BYTES = 19 * 4

export class LaneMemory {
  /** Of what all threads share, and of a block. */
  readonly sharedBytes: number
  readonly blockBytes: number
  private readonly plans: LayerPlan[] = []
  /** Bytes for the sums of the rows that are learnt at a time; each thread has so many of its own. */
  readonly scratchBytes: number

  constructor(readonly network: Network) {
    const { layers } = network
    let shared = layers.length * Lane.Length
    let block = 0
    const inBlock = (bytes: number) => {
      block = align(block) + bytes
      return block - bytes
    }
    // One source more than there are: what fills up a row reads zeros.
    inBlock((signalsOf(network, 0) + 1) * SHORTS)
    let widest = 0
    for (const [i, l] of layers.entries()) {
      const kernels = kernelsOf(network, i + 1)
      const fanIn = fanInOf(network, i + 1)
      const all = fanIn === signalsOf(network, i) && !kernels
      const together = all || l.window !== undefined
      const rows = together ? (l.inputs + 1) & ~1 : l.inputs
      const padded = (fanIn + 3) & ~3
      const places = kernels ? kernels.columns * kernels.rows : 0
      const rings = kernels?.channels ?? l.neurons
      const lists = places || (all ? 1 : together ? l.neurons : l.neurons * rows)
      const signals = signalsOf(network, i + 1) + 1
      widest = Math.max(widest, padded)
      const list = align(shared)
      const coefficient = align(list + lists * padded * 4)
      const bytes = rings * rows * padded * 2
      const returns = network.feedback && i > 0 ? align(coefficient + bytes) : coefficient
      const kept = l.quantised ? align(returns + bytes) - coefficient : 0
      shared = kept > 0 ? coefficient + kept + bytes : returns + bytes
      const paired = kernels ? Math.max(padded, rings * rows) : 0
      this.plans.push({
        ...{ rows, fanIn, padded, shared: together, places, rings, list, lists, coefficient },
        ...{ returns, kept },
        packed: inBlock(paired * SHORTS),
        turned: inBlock(kernels && i > 0 ? padded * rings * rows * 2 : 0),
        out: inBlock(signals * SHORTS),
        back: inBlock(signals * WORDS),
        sum: inBlock(l.neurons * rows * WORDS),
        state: inBlock(l.neurons * 5 * SHORTS),
        lambda: inBlock(l.neurons * rows * SHORTS),
        pairs: inBlock(PAIRS_BYTES),
      })
    }
    this.sharedBytes = align(shared)
    this.blockBytes = align(block)
    this.scratchBytes = align(8 * widest)
  }

  /** Rings of each layer that have coefficients of their own, which threads share among them. */
  get rings(): number[] {
    return this.plans.map(plan => plan.rings)
  }

  /** Writes records and lists. @param at address of what is shared, in `memory` */
  write(memory: Buffer, at: number): void {
    const { network, plans } = this
    let synapse = 0
    for (const [i, plan] of plans.entries()) {
      const layer = i + 1
      const l = network.layers[i]
      const before = i === 0 ? { out: 0, back: 0 } : plans[i - 1]
      const record: Record<number, number> = {
        [Lane.Neurons]: l.neurons,
        [Lane.Inputs]: l.inputs,
        [Lane.InputStep]: l.inputStep ?? 1,
        [Lane.OutputFirst]: l.outputFirst,
        [Lane.Outputs]: l.outputs,
        [Lane.OutputStep]: l.outputStep ?? 1,
        [Lane.Finer]: finerOf(network, layer),
        [Lane.BackShift]: 13 + finerOf(network, layer + 1) - finerOf(network, layer),
        [Lane.FanIn]: plan.padded,
        [Lane.Shared]: plan.shared ? 1 : 0,
        [Lane.Rows]: plan.rows,
        [Lane.List]: at + plan.list,
        [Lane.ListStride]: plan.lists === 1 ? 0 : plan.padded * 4,
        [Lane.Coefficient]: at + plan.coefficient,
        [Lane.FirstSynapse]: synapse,
        [Lane.In]: before.out,
        [Lane.Out]: plan.out,
        [Lane.Sum]: plan.sum,
        [Lane.State]: plan.state,
        [Lane.Lambda]: plan.lambda,
        [Lane.BackIn]: plan.back,
        [Lane.BackOut]: before.back,
        [Lane.Sources]: signalsOf(network, i),
        [Lane.CoefficientMax]: coefficientMaxOf(network, layer),
        [Lane.Places]: plan.places,
        [Lane.Packed]: plan.packed,
        [Lane.Turned]: plan.turned,
        [Lane.Returns]: at + plan.returns,
        [Lane.Pairs]: plan.pairs,
        [Lane.Kept]: plan.kept,
        [Lane.Quantised]: quantisedShift(network, layer),
      }
      for (const [field, value] of Object.entries(record))
        memory.setAt(at + i * Lane.Length + Number(field), "i32", value)
      this.writeLists(memory, at + plan.list, layer, plan)
      if (plan.returns !== plan.coefficient) this.writeReturns(memory, at, layer, plan)
      synapse += synapsesOf(network, layer)
    }
  }

  private writeLists(memory: Buffer, at: number, layer: number, plan: LayerPlan): void {
    const { inputs } = this.network.layers[layer - 1]
    const none = signalsOf(this.network, layer - 1)
    const apart = plan.shared ? inputs * (plan.places ? plan.rings : 1) : 1
    for (let list = 0; list < plan.lists; list++) {
      const of = wiringOf(this.network).sources(layer)[list * apart]
      for (let k = 0; k < plan.padded; k++)
        memory.setAt(at + (list * plan.padded + k) * 4, "i32", (of[k] ?? none) * SHORTS)
    }
  }

  /** What backward signals return by, where that is not the coefficients. */
  private writeReturns(memory: Buffer, at: number, layer: number, plan: LayerPlan): void {
    const { inputs } = this.network.layers[layer - 1]
    const { rows, fanIn, padded, returns } = plan
    const max = coefficientMax(this.network)
    for (let synapse = 0; synapse < plan.rings * inputs; synapse++) {
      const neuron = Math.floor(synapse / inputs)
      const row = neuron * rows + synapse - neuron * inputs
      for (let rank = 0; rank < fanIn; rank++) {
        const c = feedbackCoefficient(this.network, layer, synapse, rank, fanIn)
        const place = at + returns + (row * padded + rank) * 2
        memory.setAt(place, "i16", Math.min(max, Math.max(-max, c)))
      }
    }
  }

  /** Takes coefficients in the network's own order: those to use and, where layers are quantised, to learn from. */
  load(memory: Buffer, at: number, all: Buffer): void {
    this.eachRow(at, (place, own, bytes, { kept }, shift) => {
      all.copy(memory, own + kept, place, place + bytes)
      if (shift > 0)
        for (let k = 0; k < bytes; k += 2)
          memory.setAt(own + k, "i16", quantised(all.getAt(place + k, "i16"), shift))
    })
  }

  /** Gives coefficients in the network's own order, as they are used, or as they are kept to learn. */
  read(memory: Buffer, at: number, all: Buffer, asKept: boolean): void {
    this.eachRow(at, (place, own, bytes, { kept }) => {
      const from = asKept ? own + kept : own
      memory.copy(all, place, from, from + bytes)
    })
  }

  /** Of each row its place in the network's own order and in the engine's memory, and its length, bytes. */
  private eachRow(
    at: number,
    take: (place: number, own: number, bytes: number, plan: LayerPlan, shift: number) => void,
  ): void {
    let place = 0
    for (const [i, plan] of this.plans.entries()) {
      const { rows, fanIn, padded, rings, coefficient } = plan
      const { inputs } = this.network.layers[i]
      const shift = quantisedShift(this.network, i + 1)
      for (let neuron = 0; neuron < rings; neuron++)
        for (let row = 0; row < inputs; row++) {
          const own = at + coefficient + (neuron * rows + row) * padded * 2
          take(place, own, fanIn * 2, plan, shift)
          place += fanIn * 2
        }
    }
  }
}

function align(at: number): number {
  return (at + 63) & ~63
}
