/**
 * Plans which board computes which neurons: as fast as the boards allow, with as few signals as
 * possible from board to board, within every board's memory. Needs no board.
 *
 * The neurons are cut as a hypergraph (hypergraph.ts): a signal costs once for each board beyond its
 * own that needs it, on its way forward and for its backward sum, however many links it has there.
 * Boards get shares of the work to match their speed. The output neurons lie on one board, unless it
 * is faster, or the only way, to share them too.
 */
import { checkLinks, isSound } from "../../src/check"
import { Header, Part } from "../../src/layout"
import {
  drawLinks,
  elementsLearn,
  fanInOf,
  linkingOf,
  type Network,
  neuronsOf,
  signalsOf,
} from "../../src/network"
import { MOST_OPERATIONS } from "../../src/operations"
import { partAt } from "../../src/run"
import { buildShard, busesOf, isDense, type Slice } from "../../src/shard"
import type { BoardProfile } from "../boards"
import { MOST_BOARDS, type PlannedOn } from "./board-spec"
import {
  costOfShare,
  forwardLink,
  forwardNeuron,
  msPerImage,
  msPerLesson,
  type ShareCost,
} from "./cost"
import { firstNeuronOf, hypergraph, type Net, signalNets } from "./hypergraph"
import { cutHypergraph, USUAL_WORK } from "./multilevel"
import { addNeurons, addSlices } from "./partition"
import { bytesOf, heapFor, mostRoom, shardsFor, usualRoom } from "./room"

/** Work a board may have beyond its fair share, where that saves signals. */
const IMBALANCE = 1.05
/** When memory is short: shares of the work may be so much less fair. */
const RELAXATIONS = [1, 1.15, 1.5, 3, 100]
/** Times the estimate of memory is put right by what shards really take. */
const CORRECTIONS = 4
/** To so many parts of a mean neuron's work are neurons' works rounded. */
const GRAINS = 10
/** Times that differ by less are taken for equal. */
const SAME_SPEED = 1.02
/** While it is still open what fits, this fraction of the usual effort. */
const TRIES = 20
/** Outputs of less work than this, in fair shares of a board, are not worth sharing. */
const WORTH_SHARING = 0.25

/** What the program of one kind of boards must set aside for a plan; undefined: what it does anyway. */
export function setAsideFor(plan: Plan, profile: BoardProfile): number | undefined {
  const most = Math.max(...plan.boards.map(b => b.shardBytes))
  return most > usualRoom(profile) ? mostRoom(profile) : undefined
}

/** A board's part in a plan. */
export interface PlannedBoard {
  /** Its profile and its number among those: "pico-1". */
  id: string
  /** Id of its profile in boards/. */
  profile: string
  /** What it computes, layers ascending; the form a fleet takes. */
  slices: Slice[]
  /** Neurons it computes. */
  neurons: number
  /** Links that end in them. */
  links: number
  /** Memory to set aside for its share of the network and the reports it gathers, bytes. */
  shardBytes: number
  /** Heap the program and its share take, with messages that wait, bytes. */
  heapBytes: number
  /** That, of its whole heap. */
  heapPercent: number
  /** Time it needs for each image when many are under way. */
  msPerSample: number
  /** Signals it takes from other boards for each sample. */
  inSignals: number
  /** Different signals it gives to others for each sample. */
  outSignals: number
}

/** Which board computes which neurons, and what that costs. */
export interface Plan {
  /** In the order they were named. */
  boards: PlannedBoard[]
  /** Pairs of a signal and a board, other than its own, that needs it. */
  cutSignals: number
  /** Messages all boards send for each image. */
  messagesPerSample: number
  /** Images named a second, many under way at once. */
  predictedSamplesPerSecond: number
  /** The same of samples that are learnt, one after the other. */
  learning: {
    /** From a sample's start to its end. */
    msPerSample: number
    /** Messages all boards send for it. */
    messagesPerSample: number
    /** Samples learnt a second. */
    predictedSamplesPerSecond: number
  }
  /** Samples under way at once on each board. */
  slots: number
  /** Does every board have room and time for its share? */
  feasible: boolean
  /** Why it does not fit; null if it does. */
  reason: string | null
  /** Where it does not fit: what lies where, what nowhere, what would help. */
  shortfall?: Shortfall
}

/** What does not fit, and what would help. */
export interface Shortfall {
  /** The resource that ran out. */
  resource: "heap" | "operations between yields"
  /** What found room. */
  placed: {
    /** Neurons with a board. */
    neurons: number
    /** Links that end in them. */
    links: number
  }
  /** What did not, by layer. */
  unplaced: {
    /** From 1 on: the first behind the input. */
    layer: number
    /** Neurons without a board. */
    neurons: number
    /** Links that end in them. */
    links: number
    /** Memory they would take. */
    bytes: number
  }[]
  /** Bytes each board has left for a share of a network. */
  left: {
    /** Of the board. */
    id: string
    /** Free. */
    bytes: number
  }[]
  /** Changes that make it fit, each tried, in words. */
  remedies: string[]
}

/** A way to lay a network out that is still to be judged. */
interface Layout {
  shares: Slice[][]
  shards: Buffer[]
  slots: number
  costs: ShareCost[]
  fits: boolean
}

/**
 * What is to be fast: naming images, of which many are under way at once, so that the board with most
 * to do decides; or learning, where layer waits for layer.
 */
export type Goal = "naming" | "learning"

/**
 * Plans a network for the boards given: with the memory their program sets aside; if it does not fit
 * so, with all it could (setAside).
 */
export function planNetwork(network: Network, boards: PlannedOn[], goal: Goal = "naming"): Plan {
  const usual = bestLayout(
    network,
    boards,
    goal,
    boards.map(b => usualRoom(b.profile)),
  )
  if (usual.layout.fits) return describe(network, boards, usual.layout)
  const most = boards.map(b => mostRoom(b.profile))
  const { planner, layout } = bestLayout(network, boards, goal, most)
  if (layout.fits) return describe(network, boards, layout)
  const partial = planner.placed(layout)
  return {
    ...describe(network, boards, planner.layoutOf(partial.shares)),
    ...explain(planner, layout, partial),
  }
}

function bestLayout(network: Network, boards: PlannedOn[], goal: Goal, room: number[]) {
  const profiles = boards.map(b => b.profile)
  const time = (layout: Layout) =>
    goal === "learning" ? msPerLesson(layout.costs, profiles) : namingMs(layout, profiles)
  const together = new Planner(network, boards, room, true)
  let planner = together
  let layout = planner.best(time)
  if (boards.length > 1 && (!layout.fits || together.outputsWeigh())) {
    const apart = new Planner(network, boards, room)
    const shared = apart.best(time)
    // Outputs in one place take fewer messages: to share them must be faster, not just as fast.
    if (!layout.fits || (shared.fits && time(shared) * SAME_SPEED < time(layout))) {
      planner = apart
      layout = shared
    }
  }
  return { planner, layout }
}

class Planner {
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
    /** Are all outputs to lie on one board? */
    together = false,
    /** Bytes a shard takes beyond the estimates at least, where that is known. */
    overhead = 0,
  ) {
    this.free = room.map(bytes => bytes - overhead)
    this.speed = boards.map(b => b.profile.clockHz / b.profile.cyclesPerOperation / 1000)
    const last = network.layers.length
    const firstOutput = firstNeuronOf(network, last)
    const neurons = firstOutput + neuronsOf(network, last)
    this.vertices = together ? firstOutput + 1 : neurons
    this.vertexOf = Int32Array.from({ length: neurons }, (_, i) => Math.min(i, this.vertices - 1))
    this.operations = new Float64Array(this.vertices)
    this.bytes = new Float64Array(this.vertices)
    this.weigh()
    // Neurons that cost about the same are to be exchanged freely.
    const grain = sum(this.operations) / this.vertices / GRAINS
    this.operations.forEach((x, v) => {
      this.operations[v] = Math.max(1, Math.round(x / grain)) * grain
    })
    this.nets = signalNets(network).map(({ pins, cost }) => ({
      pins: pins.map(p => this.vertexOf[p]),
      cost,
    }))
  }

  /** Estimates what each neuron costs for each image, and the bytes it takes. */
  private weigh(): void {
    const { network } = this
    const rule = buildShard(network, [], 1).getAt(Header.Rule, "u16")
    const adder = linkingOf(network) === "adder"
    for (let layer = 1; layer <= network.layers.length; layer++) {
      const l = network.layers[layer - 1]
      const dense = isDense(network, layer)
      const first = firstNeuronOf(network, layer)
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

  private sharesOf(parts: Int32Array): Slice[][] {
    const { network } = this
    const shares: Slice[][] = this.boards.map(() => [])
    for (let layer = 1; layer <= network.layers.length; layer++) {
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
      const shard = buildShard(this.network, this.slicesOf([...mine, ...more.slice(0, count)]), 1)
      if (bytesOf(shard) <= this.room[b]) least = count
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

/** Of boards that each work on another image the slowest decides; with one slot layer waits for layer. */
function namingMs({ costs, slots }: Layout, profiles: BoardProfile[]): number {
  const slowest = Math.max(...costs.map((c, b) => msPerImage(c, profiles[b])))
  if (slots > 1) return slowest
  const alone = costs.map(c => ({
    ...c,
    backward: c.backward.map(() => 0),
    learnMessages: c.messages,
  }))
  return Math.max(slowest, msPerLesson(alone, profiles))
}

interface Neuron {
  layer: number
  index: number
}

interface Placed {
  shares: Slice[][]
  rest: Neuron[]
}

/** Outputs first: without them there is no answer. */
function byLayer(a: Neuron, b: Neuron): number {
  return b.layer - a.layer || a.index - b.index
}

function neuronsIn(slices: Slice[]): Neuron[] {
  return slices
    .flatMap(({ layer, first, count, neurons }) =>
      Array.from({ length: count }, (_, i) => ({ layer, index: neurons?.[i] ?? first + i })),
    )
    .sort(byLayer)
}

/** Links that end on each neuron of a layer. */
function linksOfNeurons(network: Network, layer: number): number[] {
  const { neurons, inputs } = network.layers[layer - 1]
  if (linkingOf(network) === "adder")
    return new Array(neurons).fill(inputs * fanInOf(network, layer))
  const links: number[] = new Array(neurons).fill(0)
  drawLinks(network, layer).forEach((sources, synapse) => {
    links[Math.floor(synapse / inputs)] += sources.length
  })
  return links
}

/** Would a board take this shard, whose chunks must end before the machine ends them? */
function isRunnable(shard: Buffer): boolean {
  const parts = shard.getAt(Header.Parts, "u16")
  if (parts === 0) return true
  if (!isSound(shard, shard.length)) return false
  for (let i = 0; i < parts; i++) {
    let at = 0
    while (at >= 0) at = checkLinks(shard, partAt(i), at)
    if (at === -2) return false
  }
  return true
}

function sum(values: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]
  return total
}

function describe(network: Network, boards: PlannedOn[], layout: Layout): Plan {
  const { shares, shards, costs } = layout
  const profiles = boards.map(b => b.profile)
  const traffic = trafficOf(network, shares)
  const msPerSample = namingMs(layout, profiles)
  const lesson = msPerLesson(costs, profiles)
  return {
    boards: boards.map(({ id, profile }, b) => {
      const heapBytes = heapFor(shards[b])
      return {
        id,
        profile: profile.id,
        slices: shares[b],
        neurons: shares[b].reduce((n, s) => n + s.count, 0),
        links: linksIn(shards[b]),
        shardBytes: shares[b].length === 0 ? 0 : bytesOf(shards[b]),
        heapBytes,
        heapPercent: (100 * heapBytes) / profile.heapBytes,
        msPerSample: msPerImage(costs[b], profile),
        ...traffic[b],
      }
    }),
    cutSignals: traffic.reduce((n, t) => n + t.inSignals, 0),
    messagesPerSample: sum(costs.map(c => c.messages)),
    predictedSamplesPerSecond: 1000 / msPerSample,
    learning: {
      msPerSample: lesson,
      messagesPerSample: sum(costs.map(c => c.learnMessages)),
      predictedSamplesPerSecond: 1000 / lesson,
    },
    slots: layout.slots,
    feasible: true,
    reason: null,
  }
}

function linksIn(shard: Buffer): number {
  let links = 0
  for (let i = 0; i < shard.getAt(Header.Parts, "u16"); i++)
    links += shard.getAt(partAt(i) + Part.Links, "i32")
  return links
}

/** Signals each board takes from others and gives to others. */
function trafficOf(network: Network, shares: Slice[][]) {
  const buses = shares.map(slices => busesOf(network, slices))
  const traffic = shares.map(() => ({ inSignals: 0, outSignals: 0 }))
  for (let layer = 1; layer < network.layers.length; layer++) {
    const outputs = network.layers[layer - 1].outputs
    const owner = new Int32Array(signalsOf(network, layer)).fill(-1)
    shares.forEach((slices, b) => {
      for (const n of neuronsIn(slices))
        if (n.layer === layer) owner.fill(b, n.index * outputs, (n.index + 1) * outputs)
    })
    const given = new Set<number>()
    shares.forEach((slices, b) => {
      if (!slices.some(s => s.layer === layer + 1)) return
      for (const signal of buses[b][layer]) {
        if (owner[signal] === b) continue
        traffic[b].inSignals++
        if (owner[signal] >= 0) given.add(signal)
      }
    })
    for (const signal of given) traffic[owner[signal]].outSignals++
  }
  return traffic
}

/** Why a network does not fit, and what would make it. */
function explain(planner: Planner, layout: Layout, { shares, rest }: Placed) {
  const { network, boards, room } = planner
  const short = layout.shards.some((shard, b) => bytesOf(shard) > room[b])
  const resource = short ? ("heap" as const) : ("operations between yields" as const)
  const partial = planner.layoutOf(shares)
  const unplaced = network.layers.flatMap((_, i) => {
    const mine = rest.filter(n => n.layer === i + 1)
    const links = linksOfNeurons(network, i + 1)
    if (mine.length === 0) return []
    return {
      layer: i + 1,
      neurons: mine.length,
      links: sum(mine.map(n => links[n.index])),
      bytes: Math.round(sum(mine.map(n => planner.bytesOfNeuron(n)))),
    }
  })
  const bytes = sum(unplaced.map(u => u.bytes))
  let reason = `a part cannot be run within the ${MOST_OPERATIONS} operations that a board may do without a pause`
  if (short)
    reason = `the boards' heap is too small: ${sum(unplaced.map(u => u.neurons))} neurons of ${bytes} B have no place`
  const shortfall: Shortfall = {
    resource,
    placed: {
      neurons: sum(partial.shares.flat().map(s => s.count)),
      links: sum(partial.shards.map(linksIn)),
    },
    unplaced,
    left: boards.map(({ id }, b) => ({
      id,
      bytes: Math.max(0, room[b] - (shares[b].length === 0 ? 0 : bytesOf(partial.shards[b]))),
    })),
    remedies: remediesFor(planner, bytes, short),
  }
  return { feasible: false, reason, shortfall }
}

/** Changes that make it fit, each found by trying. */
function remediesFor(planner: Planner, missing: number, short: boolean): string[] {
  const { network, boards, room } = planner
  const remedies: string[] = []
  const fits = (net: Network, on: PlannedOn[], overhead = 0) => {
    const all = on.map(b => mostRoom(b.profile))
    return new Planner(net, on, all, false, overhead).packedTight() !== undefined
  }
  const most = Math.max(...room)
  const roomiest = boards[room.indexOf(most)]
  const least = short ? Math.max(1, Math.floor(missing / most)) : 1
  for (let more = least; boards.length + more <= MOST_BOARDS && more <= 2 * least + 4; more++) {
    const all = [...boards, ...new Array<PlannedOn>(more).fill(roomiest)]
    if (!fits(network, all, planner.overhead)) continue
    remedies.push(`${more} more board${more === 1 ? "" : "s"} of profile ${roomiest.profile.id}`)
    break
  }
  if (linkingOf(network) === "adder") {
    const widest = Math.max(...network.layers.map((_, i) => fanInOf(network, i + 1)))
    const narrowed = (to: number) => ({
      ...network,
      layers: network.layers.map(l => ({ ...l, fanIn: Math.min(l.fanIn, to) })),
    })
    const fanIn = largest(1, widest - 1, to => fits(narrowed(to), boards))
    if (fanIn > 0) remedies.push(`a fan-in of at most ${fanIn} instead of ${widest}`)
  }
  if (!short) {
    const steps = largest(2, network.steps - 1, n => fits({ ...network, steps: n }, boards))
    if (steps > 0) remedies.push(`${steps} steps instead of ${network.steps}`)
  }
  return remedies
}

/** The largest number from least to most that will do, if all below it do too; 0: none. */
function largest(least: number, most: number, will: (n: number) => boolean): number {
  let found = 0
  let from = least
  let to = most
  while (from <= to) {
    const middle = (from + to) >> 1
    if (will(middle)) {
      found = middle
      from = middle + 1
    } else to = middle - 1
  }
  return found
}
