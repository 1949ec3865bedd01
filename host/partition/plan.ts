import { MOST_OPERATIONS } from "../../src/core/operations"
import { grouped } from "../base/numbers"
import type { BoardProfile } from "../hardware/board-profile"
import { busesOf } from "../network/buses"
import { fanInOf, hasKernels, linkingOf, type Network, signalsOf } from "../network/network"
import { refuseFeedback } from "../network/refuse-feedback"
import { linksIn } from "../network/shard-parts"
import type { Slice } from "../network/slices"
import { MOST_BOARDS, type PlannedOn } from "./board-spec"
import { cutsByLayer, fewerRings, type Layered, layersThatFit } from "./by-layers"
import { msPerImage, msPerLesson } from "./cost"
import {
  type Layout,
  linksOfNeurons,
  neuronsIn,
  outputsCanBeSummed,
  type Placed,
  Planner,
  SAME_SPEED,
  sum,
} from "./planner"
import { bytesOf, heapFor, mostRoom, usualRoom } from "./room"

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

/**
 * What is to be fast: naming images, of which many are under way at once, so that the board with most
 * to do decides; or learning, where layer waits for layer.
 */
export type Goal = "naming" | "learning"

/**
 * Plans a network for the boards given: with the memory their program sets aside; if it does not fit
 * so, with all it could (setAside).
 *
 * Layers with shared kernels are whole on a board, and so are all others of their network.
 *
 * @throws WuxingError "fixed-feedback" (kind "usage"); "too-many-boards" (kind "capacity") where they have more
 *   boards than layers
 */
export function planNetwork(network: Network, boards: PlannedOn[], goal: Goal = "naming"): Plan {
  refuseFeedback(network)
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
  if (hasKernels(network)) {
    const layered = layersThatFit(network, most)
    return {
      ...describe(network, boards, planner.layoutOf(layered.shares)),
      ...explainLayers(planner, layout, layered),
    }
  }
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
  if (hasKernels(network)) {
    const planner = new Planner(network, boards, room)
    const layouts = cutsByLayer(network, boards.length).map(shares => planner.layoutOf(shares))
    const fit = layouts.filter(layout => layout.fits)
    if (fit.length === 0) return { planner, layout: layouts[0] }
    return { planner, layout: fit.reduce((a, b) => (time(b) < time(a) ? b : a)) }
  }
  const together = new Planner(network, boards, room, "together")
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
  if (goal === "learning" && boards.length > 1 && outputsCanBeSummed(network)) {
    const byLinks = new Planner(network, boards, room, "summed")
    const summed = byLinks.best(time)
    if (summed.fits && (!layout.fits || time(summed) * SAME_SPEED < time(layout))) {
      planner = byLinks
      layout = summed
    }
  }
  const picked = layout.fits ? planner.picked(layout) : layout
  // What is picked takes further messages, which count for more on a board that computes fast.
  return { planner, layout: time(picked) < time(layout) ? picked : layout }
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

const TOO_LONG = `a part cannot be run within the ${MOST_OPERATIONS} operations that a board may do without a pause`

/** Why a network does not fit, and what would make it. */
function explain(planner: Planner, layout: Layout, { shares, rest }: Placed) {
  const { network, room } = planner
  const short = layout.shards.some((shard, b) => bytesOf(shard) > room[b])
  const resource = short ? ("heap" as const) : ("operations between yields" as const)
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
  let reason = TOO_LONG
  if (short)
    reason = `the boards' heap is too small: ${sum(unplaced.map(u => u.neurons))} neurons of ${bytes} B have no place`
  const remedies = remediesFor(planner, bytes, short)
  const { placed, left } = placedOf(planner, shares)
  const shortfall: Shortfall = { resource, placed, unplaced, left, remedies }
  return { feasible: false, reason, shortfall }
}

/** What shares that fit hold, and what they leave of each board's room. */
function placedOf(planner: Planner, shares: Slice[][]): Pick<Shortfall, "placed" | "left"> {
  const { shards } = planner.layoutOf(shares)
  return {
    placed: {
      neurons: sum(shares.flat().map(s => s.count)),
      links: sum(shards.map(linksIn)),
    },
    left: planner.boards.map(({ id }, b) => ({
      id,
      bytes: Math.max(0, planner.room[b] - (shares[b].length === 0 ? 0 : bytesOf(shards[b]))),
    })),
  }
}

/** What has room of a network of which each layer is whole on a board, and why not all. */
function explainLayers(planner: Planner, layout: Layout, { shares, rest }: Layered) {
  const { network, boards, room } = planner
  if (rest.length === 0) return { feasible: false, reason: TOO_LONG }
  const all = bytesOf(layout.shards[0])
  const bytes = sum(rest.map(({ bytes }) => bytes))
  const fits = (net: Network, rooms: number[]) => layersThatFit(net, rooms).rest.length === 0
  const remedies: string[] = []
  const roomiest = boards[room.indexOf(Math.max(...room))]
  for (let more = 1; boards.length + more <= network.layers.length; more++) {
    if (!fits(network, [...room, ...new Array<number>(more).fill(Math.max(...room))])) continue
    remedies.push(`${more} more board${more === 1 ? "" : "s"} of profile ${roomiest.profile.id}`)
    break
  }
  const fewer = fewerRings(network, net => fits(net, room))
  if (fewer !== undefined) remedies.push(fewer)
  const lacks =
    boards.length === 1
      ? `the network takes ${grouped(all)} B, and the board has ${grouped(room[0])} B for it`
      : `${rest.length} layers of ${grouped(bytes)} B have no place`
  const { placed, left } = placedOf(planner, shares)
  const shortfall: Shortfall = { resource: "heap", placed, unplaced: rest, left, remedies }
  return { feasible: false, reason: `the boards' heap is too small: ${lacks}`, shortfall }
}

/** Changes that make it fit, each found by trying. */
function remediesFor(planner: Planner, missing: number, short: boolean): string[] {
  const { network, boards, room } = planner
  const remedies: string[] = []
  const fits = (net: Network, on: PlannedOn[], overhead = 0) => {
    const all = on.map(b => mostRoom(b.profile))
    return new Planner(net, on, all, "apart", overhead).packedTight() !== undefined
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
