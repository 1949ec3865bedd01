/** Whether a graph of spiking neurons fits a neuromorphic chip, and what would. */
import { WuxingError } from "../../base/errors"
import type { ChipProfile } from "../../hardware/board-profile"
import { type Graph, sizesOf } from "../graph"

export interface ChipUse {
  inputs: number
  outputs: number
  neurons: number
  synapses: number
  /** Most synapses of a neuron, and most neurons one of them sends to. */
  fanIn: number
  fanOut: number
  /** Largest weight, where all are whole numbers. */
  largestWeight: number | undefined
}

export function chipUse(graph: Graph): ChipUse {
  const use: ChipUse = {
    ...{ inputs: 0, outputs: 0, neurons: 0, synapses: 0, fanIn: 0, fanOut: 0 },
    largestWeight: 0,
  }
  const takes = new Map<string, Float64Array>()
  const sends = new Map<string, Float64Array>()
  for (const [name, node] of graph.nodes) {
    const { gives } = sizesOf(node)
    if (node.type === "Input") use.inputs = gives
    else if (node.type === "Output") use.outputs = gives
    else if (node.type !== "Linear" && node.type !== "Affine") use.neurons += gives
    takes.set(name, new Float64Array(gives))
    sends.set(name, new Float64Array(gives))
  }
  for (const [name, node] of graph.nodes) {
    if (node.type !== "Linear" && node.type !== "Affine") continue
    const { start, column, value, rows } = node.weight
    for (const [, to] of graph.edges.filter(([from]) => from === name))
      for (let row = 0; row < rows; row++) takes.get(to)![row] += start[row + 1] - start[row]
    for (const [from] of graph.edges.filter(([, to]) => to === name))
      for (const c of column) sends.get(from)![c]++
    use.synapses += value.length
    for (const w of value)
      use.largestWeight =
        use.largestWeight === undefined || !Number.isInteger(w)
          ? undefined
          : Math.max(use.largestWeight, Math.abs(w))
  }
  for (const counts of takes.values()) for (const n of counts) use.fanIn = Math.max(use.fanIn, n)
  for (const [name, counts] of sends)
    if (graph.nodes.get(name)?.type !== "Input")
      for (const n of counts) use.fanOut = Math.max(use.fanOut, n)
  return use
}

/**
 * @throws WuxingError "nir-chip" (kind "capacity") with what does not fit and what would
 */
export function checkChip(graph: Graph, chip: ChipProfile): ChipUse {
  const use = chipUse(graph)
  const neurons = chip.cores * chip.neuronsPerCore + (chip.outputs ?? 0)
  const synapses = chip.cores * chip.synapsesPerCore
  const weight = chip.weightBits === undefined ? undefined : 2 ** (chip.weightBits - 1) - 1
  const faults: [wrong: boolean, what: string, help: string][] = [
    [
      use.inputs > (chip.inputs ?? use.inputs),
      `node "input" (Input) has ${use.inputs} values, the chip takes ${chip.inputs}`,
      `a network of at most ${chip.inputs} inputs`,
    ],
    [
      use.outputs > (chip.outputs ?? use.outputs),
      `node "output" (Output) has ${use.outputs} values, the chip gives ${chip.outputs}`,
      `a network of at most ${chip.outputs} classes`,
    ],
    [
      use.neurons > neurons,
      `its nodes have ${use.neurons} neurons, the chip ${neurons}`,
      `a network of about ${Math.max(1, Math.floor(neurons / 9))} rings or fewer`,
    ],
    [
      use.synapses > synapses,
      `its nodes have ${use.synapses} weights, the chip ${synapses}`,
      "a network of a smaller fan-in",
    ],
    [
      use.fanIn > chip.fanIn,
      `a neuron has ${use.fanIn} synapses, at most ${chip.fanIn} on the chip`,
      "a network of a smaller fan-in",
    ],
    [
      use.fanOut > (chip.fanOut ?? use.fanOut),
      `a neuron sends to ${use.fanOut} others, at most ${chip.fanOut} on the chip`,
      `a network whose outputs take fewer signals: at most ${chip.fanOut} of their neurons from one`,
    ],
    [
      weight !== undefined && !(use.largestWeight !== undefined && use.largestWeight <= weight),
      `its weights are not whole numbers of ${chip.weightBits} bits`,
      `--weight-bits ${chip.weightBits}`,
    ],
  ]
  const wrong = faults.filter(([fault]) => fault)
  if (wrong.length > 0)
    throw new WuxingError({
      code: "nir-chip",
      kind: "capacity",
      message: `the spiking graph does not fit ${chip.name}: ${wrong.map(([, what]) => what).join("; ")}`,
      cause: "the chip's figures are in boards/, each with its source",
      help: `what would fit: ${wrong.map(([, , help]) => help).join("; ")}`,
    })
  return use
}
