/**
 * The search for a plan: cuts the neurons, packs them into the boards' memory, and counts what each way
 * to do it costs.
 */
import { checkLinks, isSound, MOST_SUMMED } from "../../src/core/check"
import { Header } from "../../src/core/layout"
import {
  elementsLearn,
  fanInOf,
  isDense,
  linkingOf,
  type Network,
  neuronsOf,
} from "../network/network"
import { buildShard } from "../network/shard"
import { partsOf } from "../network/shard-parts"
import { pickedShare } from "../network/shard-places"
import { addNeurons, addSlices, type Slice } from "../network/slices"
import { wiringOf } from "../network/wiring"
import type { PlannedOn } from "./board-spec"
import { costOfShare, forwardLink, forwardNeuron, type ShareCost } from "./cost"
import { firstNeuronOf, hypergraph, type Net, signalNets } from "./hypergraph"
import { cutHypergraph, USUAL_WORK } from "./multilevel"
import { bytesFor, bytesOf, shardsFor } from "./room"

/** Work a board may have beyond its fair share, where that saves signals. */
const IMBALANCE = 1.05
/** When memory is short: shares of the work may be so much less fair. */
const RELAXATIONS = [1, 1.15, 1.5, 3, 100]
/** Times the estimate of memory is put right by what shards really take. */
const CORRECTIONS = 4
/** To so many parts of a mean neuron's work are neurons' works rounded. */
const GRAINS = 10
/** While it is still open what fits, this fraction of the usual effort. */
const TRIES = 20
/** Times that differ by less are taken for equal. */
export const SAME_SPEED = 1.02
/** Outputs of less work than this, in fair shares of a board, are not worth sharing. */
const WORTH_SHARING = 0.25

/** A way to lay a network out that is still to be judged. */
export interface Layout {
  shares: Slice[][]
  shards: Buffer[]
  slots: number
  costs: ShareCost[]
  fits: boolean
}

interface Neuron {
  layer: number
  index: number
}

/**
 * How boards share the outputs: all on one board; by neurons; or by links, where every board has those
 * from its own signals to all outputs, and the sums of all are added up ("partial" slices).
 */
export type Outputs = "together" | "apart" | "summed"

/** Can boards share the outputs by links? */
export function outputsCanBeSummed(network: Network): boolean {
  const last = network.layers.length
  const { neurons, inputs } = network.layers[last - 1]
  if (last < 2 || linkingOf(network) !== "adder" || !isDense(network, last)) return false
  return !network.pid && !elementsLearn(network) && neurons * inputs <= MOST_SUMMED
}

export interface Placed {
  shares: Slice[][]
  rest: Neuron[]
}

/** Outputs first: without them there is no answer. */
function byLayer(a: Neuron, b: Neuron): number {
  return b.layer - a.layer || a.index - b.index
}

export function neuronsIn(slices: Slice[]): Neuron[] {
  return slices
    .flatMap(({ layer, first, count, neurons }) =>
      Array.from({ length: count }, (_, i) => ({ layer, index: neurons?.[i] ?? first + i })),
    )
    .sort(byLayer)
}

/** Links that end on each neuron of a layer. */
export function linksOfNeurons(network: Network, layer: number): number[] {
  const { neurons, inputs } = network.layers[layer - 1]
  if (linkingOf(network) === "adder")
    return new Array(neurons).fill(inputs * fanInOf(network, layer))
  const links: number[] = new Array(neurons).fill(0)
  wiringOf(network)
    .sources(layer)
    .forEach((sources, synapse) => {
      links[Math.floor(synapse / inputs)] += sources.length
    })
  return links
}

/** Would a board take this shard, whose chunks must end before the machine ends them? */
function isRunnable(shard: Buffer): boolean {
  const parts = partsOf(shard)
  if (parts.length === 0) return true
  return (
    isSound(shard, shard.length) &&
    parts.every(part => {
      let at = 0
      while (at >= 0) at = checkLinks(shard, part, at)
      return at !== -2
    })
  )
}

export function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}

export class Planner {
  /** Operations each board does in a millisecond. */
  private readonly speed: number[]
  /** Vertex of each neuron; outputs that are to stay together share the last one. */
  private readonly vertexOf: Int32Array
  private readonly vertices: number
  /** Layer of each vertex. */
  private readonly layerOf: number[] = []
  /** Room for what is estimated, `bytes`: without what shards were found to take beyond that. */
  private readonly free: number[]
  private readonly operations: Float64Array
  private readonly bytes: Float64Array
  private readonly nets: Net[]

  constructor(
    readonly network: Network,
    readonly boards: PlannedOn[],
    /** Of each board for its share, bytes. */
    readonly room: number[],
    private readonly outputs: Outputs = "apart",
    /** Bytes a shard takes beyond the estimates at least, where that is known. */
    overhead = 0,
  ) {
    this.free = room.map(bytes => bytes - overhead)
    this.speed = boards.map(b => b.profile.clockHz / b.profile.cyclesPerOperation / 1000)
    const last = network.layers.length
    const firstOutput = firstNeuronOf(network, last)
    const neurons = firstOutput + neuronsOf(network, last)
    if (outputs === "summed") this.vertices = firstOutput
    else this.vertices = outputs === "together" ? firstOutput + 1 : neurons
    this.vertexOf = Int32Array.from({ length: neurons }, (_, i) => Math.min(i, this.vertices - 1))
    this.operations = new Float64Array(this.vertices)
    this.bytes = new Float64Array(this.vertices)
    this.weigh()
    // Neurons that cost about the same are to be exchanged freely.
    const grain = sum(this.operations) / this.vertices / GRAINS
    this.operations.forEach((x, v) => {
      this.operations[v] = Math.max(1, Math.round(x / grain)) * grain
    })
    // Where every board makes all outputs, no signal crosses for them.
    const cut = outputs === "summed" ? (p: number) => p < firstOutput : () => true
    this.nets = signalNets(network).map(({ pins, cost }) => ({
      pins: pins.filter(cut).map(p => this.vertexOf[p]),
      cost,
    }))
  }

  /** Estimates what each neuron costs for each image, and the bytes it takes. */
  private weigh(): void {
    const { network } = this
    const rule = buildShard(network, [], 1).getAt(Header.Rule, "u16")
    const adder = linkingOf(network) === "adder"
    const last = network.layers.length
    for (let layer = 1; layer <= last; layer++) {
      if (layer === last && this.outputs === "summed") break
      const l = network.layers[layer - 1]
      const dense = isDense(network, layer)
      const first = firstNeuronOf(network, layer)
      const above =
        layer === last - 1 && this.outputs === "summed" ? network.layers[layer] : undefined
      const links = linksOfNeurons(network, layer)
      const perLink = forwardLink(network, layer, rule)
      const perNeuron = forwardNeuron(l, rule, network.steps, layer === 1)
      // Sources of single links are each one's own: their places in tables, lists and buses count.
      const own = adder ? 0 : layer === 1 ? 8 : 14
      for (let n = 0; n < l.neurons; n++) {
        const v = this.vertexOf[first + n]
        this.layerOf[v] = layer
        this.operations[v] += links[n] * perLink + perNeuron
        this.bytes[v] += links[n] * ((dense ? 2 : 3) + own) + l.inputs * 8 + 12 + l.outputs * 6
        if (above) this.bytes[v] += l.outputs * above.neurons * above.inputs * 2
        if (elementsLearn(network)) this.bytes[v] += 40
        if (network.pid) this.bytes[v] += links[n] * 8 + 40
      }
    }
  }

  /** Is the work of the outputs such that a board with all of them may keep the others waiting? */
  outputsWeigh(): boolean {
    const outputs = this.operations[this.vertices - 1]
    return outputs * this.boards.length > WORTH_SHARING * sum(this.operations)
  }

  /** The layout with the least time; of those that do not fit the one that comes nearest. */
  best(time: (layout: Layout) => number): Layout {
    if (this.boards.length === 1) return this.judge(new Int32Array(this.vertices))
    const total = [this.operations]
    const byLayer = Array.from({ length: this.network.layers.length }, (_, i) =>
      this.operations.map((x, v) => (this.layerOf[v] === i + 1 ? x : 0)),
    )
    // As few signals as possible with the work shared; or with each layer's work shared by itself,
    // which is better where boards wait for each other's layers.
    const layouts = [this.search(total, USUAL_WORK)]
    if (byLayer.length > 1) layouts.push(this.search(byLayer, USUAL_WORK / 8))
    const fit = layouts.filter(l => l.fits)
    // Room as it was before the search found what its own cuts take beyond the estimates.
    if (fit.length === 0 && this.outputs === "summed") return layouts[0]
    if (fit.length === 0)
      return new Planner(this.network, this.boards, this.room).packedTight() ?? layouts[0]
    // The first has the fewest signals to carry: another must be faster, not just as fast.
    return fit.reduce((a, b) => (time(b) * SAME_SPEED < time(a) ? b : a))
  }

  /** Cuts with these kinds of work shared fairly, memory permitting. */
  private search(work: Float64Array[], effort: number): Layout {
    const graph = hypergraph([...work, this.bytes], this.nets)
    const fair = work.map(w => this.fairCaps(w))
    let best: Layout | undefined
    for (const relaxed of RELAXATIONS) {
      for (let round = 0; round < CORRECTIONS; round++) {
        const caps = [...fair.map(f => f.map(x => x * relaxed)), Float64Array.from(this.free)]
        const cut = cutHypergraph(graph, caps, { work: effort / TRIES })
        const layout = this.judge(cut.parts)
        best ??= layout
        if (layout.fits) {
          if (cut.settled) return layout
          const better = this.judge(cutHypergraph(graph, caps, { work: effort }).parts)
          return better.fits ? better : layout
        }
        this.correct(layout, cut.parts)
        if (sum(this.free) < sum(this.bytes)) return best
        if (cut.overload > 0) break
      }
    }
    return best!
  }

  /** What shards take beyond the estimate is taken off the room there is for estimates. */
  private correct(layout: Layout, parts: Int32Array): void {
    layout.shards.forEach((shard, b) => {
      let estimate = 0
      for (let v = 0; v < this.vertices; v++) if (parts[v] === b) estimate += this.bytes[v]
      this.free[b] = Math.min(this.free[b], this.room[b] - (bytesOf(shard) - estimate))
    })
  }

  /**
   * Caps of one kind of work: fair shares and a little more; or, where a vertex is larger than a fair
   * share, what is reached by giving each vertex, largest first, to the board that is done first.
   */
  private fairCaps(work: Float64Array): Float64Array {
    const speeds = sum(this.speed)
    const ideal = (IMBALANCE * sum(work)) / speeds
    const order = [...work.keys()]
      .filter(v => work[v] > 0)
      .sort((a, b) => work[b] - work[a] || a - b)
    const loads = this.speed.map(() => 0)
    for (const v of order) {
      const done = loads.map((load, b) => (load + work[v]) / this.speed[b])
      loads[done.indexOf(Math.min(...done))] += work[v]
    }
    const reached = Math.max(...loads.map((load, b) => load / this.speed[b]))
    return Float64Array.from(this.speed, s => Math.max(ideal, reached * 1.001) * s)
  }

  /** The slices, shards and costs that parts of vertices stand for. */
  private judge(parts: Int32Array): Layout {
    return this.layoutOf(this.sharesOf(parts))
  }

  layoutOf(shares: Slice[][]): Layout {
    const { slots, shards } = shardsFor(this.network, shares, this.room)
    const fits = shards.every((shard, b) => bytesOf(shard) <= this.room[b] && isRunnable(shard))
    const costs = shards.map(shard => costOfShare(this.network, shard, slots))
    return { shares, shards, slots, costs, fits }
  }

  /** A layout that fits, with pixels' links picked where that pays and leaves as many slots. */
  picked(layout: Layout): Layout {
    let some = false
    const shares = layout.shares.map((slices, b) => {
      const picked = pickedShare(this.network, slices)
      if (!picked || bytesFor(this.network, picked)(layout.slots) > this.room[b]) return slices
      some = true
      return picked
    })
    return some ? this.layoutOf(shares) : layout
  }

  private sharesOf(parts: Int32Array): Slice[][] {
    const { network } = this
    const shares: Slice[][] = this.boards.map(() => [])
    const last = network.layers.length
    for (let layer = 1; layer <= last; layer++) {
      if (layer === last && this.outputs === "summed") {
        const { neurons } = network.layers[last - 1]
        for (const slices of shares)
          if (slices.some(s => s.layer === last - 1))
            slices.push({ layer, first: 0, count: neurons, partial: true })
        break
      }
      const first = firstNeuronOf(network, layer)
      const mine: number[][] = this.boards.map(() => [])
      for (let n = 0; n < neuronsOf(network, layer); n++)
        mine[parts[this.vertexOf[first + n]]]?.push(n)
      if (byPlace(network, layer)) {
        let next = 0
        for (const neurons of mine) for (let i = 0; i < neurons.length; i++) neurons[i] = next++
      }
      mine.forEach((neurons, b) => {
        addNeurons(network, shares[b], layer, neurons)
      })
    }
    return shares
  }

  /** A layout by memory alone, where there is one: what is tight fits sooner without a thought of speed. */
  packedTight(): Layout | undefined {
    for (let round = 0; round < CORRECTIONS; round++) {
      const parts = this.packed()
      if (!parts) return undefined
      const layout = this.judge(parts)
      if (layout.fits) return layout
      this.correct(layout, parts)
    }
    return undefined
  }

  private packed(): Int32Array | undefined {
    const left = [...this.free]
    const parts = new Int32Array(this.vertices)
    const order = [...this.bytes.keys()].sort((a, b) => this.bytes[b] - this.bytes[a] || a - b)
    for (const v of order) {
      const b = left.indexOf(Math.max(...left))
      if (left[b] < this.bytes[v]) return undefined
      left[b] -= this.bytes[v]
      parts[v] = b
    }
    return parts
  }

  /** As much of a layout as there is memory for. */
  placed(layout: Layout): Placed {
    const rest: Neuron[] = []
    const kept = layout.shares.map((slices, b) => {
      const all = neuronsIn(slices)
      const count = this.mostThatFit(b, [], all)
      rest.push(...all.slice(count))
      return all.slice(0, count)
    })
    // What did not fit where it was to be may fit elsewhere.
    rest.sort(byLayer)
    kept.forEach((mine, b) => {
      const count = this.mostThatFit(b, mine, rest)
      mine.push(...rest.splice(0, count))
    })
    this.renumber([...kept, rest])
    return { shares: kept.map(mine => this.slicesOf(mine)), rest }
  }

  /** Where neurons must lie in ranges and each is as good as another, every group gets its range. */
  private renumber(groups: Neuron[][]): void {
    for (let layer = 1; layer <= this.network.layers.length; layer++) {
      if (!byPlace(this.network, layer)) continue
      let next = 0
      for (const group of groups)
        for (const [i, neuron] of group.entries())
          if (neuron.layer === layer) group[i] = { layer, index: next++ }
    }
  }

  /** Bytes that all shards were found to take beyond the estimates. */
  get overhead(): number {
    return Math.max(0, Math.min(...this.room.map((bytes, b) => bytes - this.free[b])))
  }

  /** How many of `more`, beginning with the first, board b can hold beside `mine`. */
  private mostThatFit(b: number, mine: Neuron[], more: Neuron[]): number {
    let least = 0
    let most = more.length
    while (least < most) {
      const count = (least + most + 1) >> 1
      const slices = this.slicesOf([...mine, ...more.slice(0, count)])
      if (bytesFor(this.network, slices)(1) <= this.room[b]) least = count
      else most = count - 1
    }
    return least
  }

  private slicesOf(neurons: Neuron[]): Slice[] {
    const slices: Slice[] = []
    for (let layer = 1; layer <= this.network.layers.length; layer++) {
      const mine = neurons.filter(n => n.layer === layer).map(n => n.index)
      mine.sort((a, b) => a - b)
      const last = neuronsOf(this.network, layer) - mine.length
      if (mine.length === 0) continue
      if (byPlace(this.network, layer))
        addSlices(this.network, slices, layer, Math.min(mine[0], last), mine.length)
      else addNeurons(this.network, slices, layer, mine)
    }
    return slices
  }

  bytesOfNeuron({ layer, index }: Neuron): number {
    return this.bytes[this.vertexOf[firstNeuronOf(this.network, layer) + index]]
  }
}

/**
 * Do neurons of a layer lie on a board in a range? All of an output layer's signals, and those that
 * every neuron of the next layer reads, are found by their place. Then only how many a board has
 * counts, and no signal the more crosses.
 */
function byPlace(network: Network, layer: number): boolean {
  return layer === network.layers.length || isDense(network, layer + 1)
}
