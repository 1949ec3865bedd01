/**
 * A NIR graph of integrate-and-fire neurons in whole numbers, as the core runs it (src/spiking): each
 * neuron's weights, bias, threshold and reset times a factor of its own.
 *
 * Where the graph's own weights are whole already and its neurons are IF, nothing is lost: spikes are
 * those of the graph's equations. Elsewhere weights are rounded to so many bits.
 */
import "../../base/memory"
import { Branch, NO_STAGE, SpikePlan, Stage, StageFlag } from "../../../src/spiking/spike-plan"
import { WuxingError } from "../../base/errors"
import {
  cyclesOf,
  type Graph,
  isSpiking,
  type Matrix,
  matrixOf,
  type Spiking,
  scaledColumns,
  scaledRows,
  sizesOf,
} from "../graph"

export interface SpikePlanOptions {
  /** Steps of a sample, 1…1024. */
  steps: number
  /** Bits of a weight with its sign, 2…16. */
  weightBits: number
  /** Length of a step, in the unit of the graph's time constants. */
  dt?: number
  seed?: number
}

/** Pixels are 255ths. */
const UNIT = 255
/** Thresholds and what is added at a step stay within ± this, so that sums do within 2^31. */
const MOST = 2 ** 24
/** A class is to lead by so many spikes. */
const MARGIN = 8
/** The right shift of changes for 128 steps, at which a sample moves its own spikes by a tenth or so. */
const LEARN_SHIFT = 10

interface Leading {
  /** Name of the node it leads from: the Input's, or that of neurons. */
  source: string
  weight: Matrix
}

interface Scaled {
  source: string
  scale?: Float64Array
}

interface StageOf {
  name: string
  node: Spiking
  branches: Leading[]
  bias: Float64Array
}

/**
 * @returns the plan, and how many of its weights that are not 0 were rounded to 0
 * @throws WuxingError "nir-unsupported" (kind "data") by the node's name for any other graph;
 *   "nir-too-large" (kind "capacity") where a plan has no room for it
 */
export function spikePlanOf(
  graph: Graph,
  name: string,
  { steps, weightBits, dt = 1, seed = 1 }: SpikePlanOptions,
): { plan: Buffer; vanished: number } {
  const { input, stages } = stagesOf(graph, name)
  const inputs = sizesOf(graph.nodes.get(input)!).gives
  const index = new Map(stages.map((stage, i) => [stage.name, i]))
  const largest = 2 ** (weightBits - 1) - 1
  const out = new Writer()
  const state = new Writer()
  const header = out.take(SpikePlan.Length)
  const stageAt = stages.map(() => out.take(Stage.Length))
  const branches = stages.flatMap(({ branches }) => branches)
  const firstBranch = out.take(branches.length * Branch.Length)
  let vanished = 0
  let nextBranch = 0
  const learning: { at: number; weights: number }[] = []
  for (const [s, stage] of stages.entries()) {
    const { node } = stage
    const count = node.r.length
    const moved = movementOf(node, dt)
    const readsInput = stage.branches.some(({ source }) => source === input)
    const unit = readsInput ? UNIT : 1
    const gains = moved.gain
    const factor = factorsOf(stage, gains, moved.whole, unit, largest)
    const whole = (value: number, n: number) =>
      Math.max(-MOST, Math.min(MOST, Math.round(value * factor[n] * unit)))
    const i32s = (value: (n: number) => number) =>
      out.numbers(
        Array.from({ length: count }, (_, n) => value(n)),
        "i32",
      )
    const at = stageAt[s]
    let flags = readsInput ? StageFlag.Inputs : 0
    if (moved.leak) flags |= StageFlag.Leaky
    if (moved.fade) flags |= StageFlag.Synaptic
    const { leak, fade } = moved
    out.set(at + Stage.Neurons, "u16", count)
    out.set(at + Stage.Flags, "u16", flags)
    out.set(at + Stage.FirstBranch, "u16", nextBranch)
    out.set(at + Stage.Branches, "u16", stage.branches.length)
    out.set(
      at + Stage.Threshold,
      "i32",
      i32s(n => whole(node.vThreshold[n], n)),
    )
    out.set(
      at + Stage.Reset,
      "i32",
      i32s(n => whole(node.vReset[n], n)),
    )
    // What leads v to v_leak goes to the input, but where that is a current of its own.
    const rest = (n: number) => moved.rest[n]
    out.set(
      at + Stage.Bias,
      "i32",
      i32s(n => whole(stage.bias[n] * gains[n] + (fade ? 0 : rest(n)), n)),
    )
    if (fade)
      out.set(
        at + Stage.Rest,
        "i32",
        i32s(n => whole(rest(n), n)),
      )
    if (leak) out.set(at + Stage.Leak, "i32", out.numbers([...leak], "u16"))
    if (fade) out.set(at + Stage.Fade, "i32", out.numbers([...fade], "u16"))
    for (const [field, bytes] of [
      [Stage.StateV, 4],
      [Stage.StateConstant, 4],
      [Stage.StateSum, 4],
      [Stage.StateCount, 2],
      [Stage.StateFired, 1],
      ...(fade ? ([[Stage.StateCurrent, 4]] as const) : []),
    ] as const)
      out.set(at + field, "i32", state.take(count * bytes))
    for (const { source, weight } of stage.branches) {
      const branch = firstBranch + nextBranch++ * Branch.Length
      const columns = columnsOf(weight, (w, n) => Math.round(w * gains[n] * factor[n]))
      vanished += weight.value.filter(w => w !== 0).length - columns.kept
      const dense = columns.values.length === weight.rows * weight.columns
      const from = index.get(source)
      out.set(branch + Branch.Source, "u16", from ?? NO_STAGE)
      out.set(branch + Branch.Dense, "u16", dense ? 1 : 0)
      if (!dense) {
        out.set(branch + Branch.Start, "i32", out.numbers(columns.start, "i32"))
        out.set(branch + Branch.Place, "i32", out.numbers(columns.rows, "u16"))
      }
      out.set(branch + Branch.Weight, "i32", out.numbers(columns.values, "i16"))
      if (s === stages.length - 1) learning.push({ at: branch, weights: columns.values.length })
    }
  }
  const fixed = state.take(0)
  const last = stages.at(-1)!
  // Pixels are no spikes that could be counted.
  const learns = last.branches.every(({ source }) => source !== input)
  if (learns) {
    out.set(header + SpikePlan.StateSamples, "i32", state.take(4))
    for (const { at, weights } of learning)
      out.set(at + Branch.StateWeight, "i32", state.take(weights * 2))
  }
  const stateBytes = state.take(0)
  const size = out.take(0)
  if (size > 2 ** 30) throw tooLarge(name, `it takes ${size} bytes`)
  const learnShift = Math.round(LEARN_SHIFT + 2 * Math.log2(steps / 128))
  for (const [field, format, value] of [
    [SpikePlan.Format, "u16", 1],
    [SpikePlan.Steps, "u16", steps],
    [SpikePlan.Inputs, "u16", inputs],
    [SpikePlan.Classes, "u16", last.node.r.length],
    [SpikePlan.Stages, "u16", stages.length],
    [SpikePlan.LearnShift, "u16", Math.max(0, Math.min(20, learnShift))],
    [SpikePlan.Margin, "u16", MARGIN],
    [SpikePlan.WeightMax, "u16", largest],
    [SpikePlan.Seed, "i32", seed | 0],
    [SpikePlan.Size, "i32", size],
    [SpikePlan.StateBytes, "i32", stateBytes],
    [SpikePlan.LearntBytes, "i32", stateBytes - fixed],
    [SpikePlan.Branches, "i32", firstBranch],
  ] as const)
    out.set(header + field, format, value)
  return { plan: out.bytes(), vanished }
}

/** How a neuron moves in a step: v −= leak·v/2^16; v += gain·x + rest, through a current that fades. */
interface Movement {
  gain: Float64Array
  rest: Float64Array
  leak?: Uint16Array
  fade?: Uint16Array
  /** Is nothing rounded where weights are whole? */
  whole: boolean
}

function movementOf(node: Spiking, dt: number): Movement {
  const lost = (tau: Float64Array) => tau.map(t => 1 - Math.exp(-dt / t))
  const share = (lost: Float64Array) =>
    Uint16Array.from(lost, l => Math.min(65535, Math.round(l * 65536)))
  if (node.type === "IF") {
    const gain = node.r.map(r => r * dt)
    return { gain, rest: gain.map(() => 0), whole: gain.every(g => g === 1) }
  }
  const lostOfV = lost(node.type === "LIF" ? node.tau : node.tauMem)
  const rest = node.vLeak.map((v, n) => v * lostOfV[n])
  const ofV = node.r.map((r, n) => r * lostOfV[n])
  if (node.type === "LIF") return { gain: ofV, rest, leak: share(lostOfV), whole: false }
  const lostOfCurrent = lost(node.tauSyn)
  const gain = node.wIn.map((w, n) => w * lostOfCurrent[n] * ofV[n])
  return { gain, rest, leak: share(lostOfV), fade: share(lostOfCurrent), whole: false }
}

/** What each neuron is multiplied by, so that its largest weight is the largest of so many bits. */
function factorsOf(
  { node, branches, bias }: StageOf,
  gains: Float64Array,
  asItIs: boolean,
  unit: number,
  largest: number,
): Float64Array {
  const most = new Float64Array(gains.length)
  let whole = asItIs
  for (const { weight } of branches)
    for (let row = 0; row < weight.rows; row++)
      for (let at = weight.start[row]; at < weight.start[row + 1]; at++) {
        most[row] = Math.max(most[row], Math.abs(weight.value[at] * gains[row]))
        whole &&= Number.isInteger(weight.value[at])
      }
  return most.map((value, n) => {
    const rests = Math.max(
      Math.abs(node.vThreshold[n]),
      Math.abs(node.vReset[n]),
      Math.abs(bias[n]),
    )
    const room = MOST / unit / (rests || 1)
    if (whole && value <= largest && 1 <= room) return 1
    // Without links its bias alone moves it, which is to be as fine as there is room.
    return Math.min(value > 0 ? largest / value : room, room)
  })
}

/** A matrix source by source, its weights as whole numbers; those that become 0 are left out if most do. */
function columnsOf(
  { rows, columns, start, column, value }: Matrix,
  round: (w: number, row: number) => number,
) {
  const each: [row: number, weight: number][][] = Array.from({ length: columns }, () => [])
  let kept = 0
  for (let row = 0; row < rows; row++)
    for (let at = start[row]; at < start[row + 1]; at++) {
      const weight = round(value[at], row)
      if (weight === 0) continue
      each[column[at]].push([row, weight])
      kept++
    }
  // A place takes as much as a weight.
  if (kept * 2 >= rows * columns) {
    const values = new Array<number>(rows * columns).fill(0)
    for (const [c, list] of each.entries())
      for (const [row, weight] of list) values[c * rows + row] = weight
    return { values, rows: [], start: [], kept }
  }
  const first = [0]
  for (const list of each) first.push(first.at(-1)! + list.length)
  return {
    values: each.flatMap(list => list.map(([, weight]) => weight)),
    rows: each.flatMap(list => list.map(([row]) => row)),
    start: first,
    kept,
  }
}

/** Room in a block of memory, each kind of number at a multiple of its size. */
class Writer {
  private length = 0
  private readonly writes: [at: number, format: "u16" | "i16" | "i32", value: number][] = []

  take(bytes: number): number {
    const at = (this.length + 3) & ~3
    this.length = at + bytes
    return at
  }

  set(at: number, format: "u16" | "i16" | "i32", value: number): void {
    this.writes.push([at, format, value])
  }

  numbers(values: number[], format: "u16" | "i16" | "i32"): number {
    const size = format === "i32" ? 4 : 2
    const at = this.take(values.length * size)
    for (const [i, value] of values.entries()) this.set(at + i * size, format, value)
    return at
  }

  bytes(): Buffer {
    const bytes = Buffer.alloc(this.take(0))
    for (const [at, format, value] of this.writes) bytes.setAt(at, format, value)
    return bytes
  }
}

/** The nodes with neurons, each behind those that lead to it, with what leads to them. */
function stagesOf(graph: Graph, name: string): { input: string; stages: StageOf[] } {
  const { nodes, edges } = graph
  const refuse = (key: string, what: string, help?: string) =>
    unsupported(name, `node "${key}" (${nodes.get(key)?.type}) ${what}`, help)
  const before = (key: string) => edges.filter(([, to]) => to === key).map(([from]) => from)
  const only = (type: "Input" | "Output") => {
    const found = [...nodes].filter(([, node]) => node.type === type).map(([key]) => key)
    if (found.length === 0) throw unsupported(name, `it has no node of type ${type}`)
    if (found.length > 1) throw refuse(found[1], "is a second one of its type")
    return found[0]
  }
  const input = only("Input")
  const output = only("Output")
  const cycle = cyclesOf(graph)
  if (cycle.length > 0)
    throw refuse(
      cycle.find(key => isSpiking(nodes.get(key)!)) ?? cycle[0],
      "is reached again from itself",
      "graphs without cycles are read",
    )
  const stages: StageOf[] = []
  const done = new Set<string>()
  /** What leads to a node: matrices from neurons or the Input, and a constant. */
  const leading = (key: string): { branches: Leading[]; bias: Float64Array } => {
    const size = sizesOf(nodes.get(key)!).takes
    const bias = new Float64Array(size)
    const branches: Leading[] = []
    for (const from of before(key)) {
      const node = nodes.get(from)!
      if (node.type === "Input" || isSpiking(node)) {
        if (node.type !== "Input") visit(from)
        const identity = Array.from({ length: size }, (_, i) => [i, i, 1] as const)
        branches.push({ source: from, weight: matrixOf(size, size, identity) })
      } else if (node.type === "Flatten" || node.type === "Scale") {
        const scale = node.type === "Scale" ? node.scale : undefined
        const inner = leading(from)
        for (const [i, b] of inner.bias.entries()) bias[i] += b * (scale?.[i] ?? 1)
        for (const { source, weight } of inner.branches)
          branches.push({ source, weight: scale ? scaledRows(weight, scale) : weight })
      } else if (node.type === "Affine" || node.type === "Linear") {
        if (node.type === "Affine") for (const [i, b] of node.bias.entries()) bias[i] += b
        for (const { source, scale } of behindMatrix(from)) {
          if (source !== input) visit(source)
          branches.push({ source, weight: scale ? scaledColumns(node.weight, scale) : node.weight })
        }
      } else throw refuse(from, "has no spikes", "graphs of IF, LIF and CubaLIF are read")
    }
    return { branches, bias }
  }
  /** Neurons and Inputs before a matrix, Flatten passed over, and what Scale multiplies them by. */
  const behindMatrix = (key: string, scale?: Float64Array): Scaled[] =>
    before(key).flatMap(from => {
      const node = nodes.get(from)!
      if (node.type === "Flatten") return behindMatrix(from, scale)
      if (node.type === "Scale")
        return behindMatrix(
          from,
          node.scale.map((value, i) => value * (scale?.[i] ?? 1)),
        )
      if (node.type === "Input" || isSpiking(node)) return [{ source: from, scale }]
      throw refuse(
        from,
        `leads to "${key}", where neurons are expected`,
        "multiply matrices that follow each other before the export",
      )
    })
  const visit = (key: string) => {
    if (done.has(key)) return
    const node = nodes.get(key) as Spiking
    const { branches, bias } = leading(key)
    if (branches.length === 0) throw refuse(key, "is reached from no other node")
    done.add(key)
    stages.push({ name: key, node, branches, bias })
  }
  const last = throughFlattenOf(output)
  visit(last)
  if (stages.at(-1)!.name !== last) throw refuse(last, "leads on as well as to the Output")
  if (stages.length > 200)
    throw tooLarge(name, `it has ${stages.length} layers of neurons, at most 200 can be held`)
  for (const { name: key, node } of stages)
    if (node.r.length > 16383)
      throw tooLarge(name, `node "${key}" has ${node.r.length} neurons, at most 16,383 can be held`)
  return { input, stages }

  function throughFlattenOf(key: string): string {
    const from = before(key)
    if (from.length !== 1) throw refuse(key, `is reached from ${from.length} nodes, expected one`)
    const node = nodes.get(from[0])!
    if (node.type === "Flatten") return throughFlattenOf(from[0])
    if (!isSpiking(node))
      throw refuse(
        from[0],
        "leads to the Output, where neurons that spike are expected",
        "classes are read by counts of spikes",
      )
    return from[0]
  }
}

function unsupported(name: string, what: string, help?: string): WuxingError {
  return new WuxingError({
    code: "nir-unsupported",
    kind: "data",
    message: `NIR graph ${name} cannot be C: ${what}`,
    cause:
      "whole numbers run Affine, Linear, Scale and Flatten between Input, IF, LIF, CubaLIF and Output",
    help: help ?? "wuxing export --spiking writes such graphs",
  })
}

function tooLarge(name: string, what: string): WuxingError {
  return new WuxingError({
    code: "nir-too-large",
    kind: "capacity",
    message: `NIR graph ${name} cannot be C: ${what}`,
    cause: "a board's memory is small",
    help: "export a smaller network",
  })
}
