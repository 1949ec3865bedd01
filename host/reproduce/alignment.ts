/** Row 8: how far backward signals point the way of the true gradient. */

import { hash32 } from "../../src/base/random"
import { Part } from "../../src/core/layout"
import { counted, rounded } from "../base/numbers"
import { exchangeCoefficients } from "../network/exchange"
import { HostNetwork } from "../network/host-network"
import type { Network } from "../network/network"
import { q12 } from "../network/network"
import { fleet64, model1 } from "../network/presets"
import { partsOf } from "../network/shard-parts"
import { type Backward, SettledNetwork } from "../ring/settled-network"
import { coarse } from "../training/rule"
import { imageOf, type Lessons, lessons } from "./learning-curve"
import { shapeOf } from "./networks"
import { type Finding, pick, type Row, type Task } from "./row"

/** Bits the error of the core's BSP is shifted right where errors are small: ±1/16. */
const SMALL_ERROR_SHIFT = 4
/** Of the central differences. */
const DIFFERENCE = 1e-5

export const alignmentRow: Row = {
  name: "alignment",
  title: "Alignment of the backward signals with the true gradient",
  source: "paper 001 §3 and paper 003 claim that the signals replace the derivative",
  run,
}

interface Case {
  name: string
  network: Network
  /** Size of the error at the outputs, +1 and −1 times this. */
  error: number
}

/** Cosine with the gradient, layer by layer. */
interface Aligned {
  name: string
  how: string
  cosines: number[]
}

const SIGNALS: Backward[] = ["bsp", "operating-point", "exact"]
const NAMES: Record<Backward, string> = {
  bsp: "BSP",
  "operating-point": "operating point",
  exact: "exact adjoint",
}

async function* run(task: Task): AsyncGenerator<Finding, void, void> {
  const links = pick(task, { tiny: 8, quick: 60, full: 300 })
  const count = pick(task, { tiny: 2, quick: 3, full: 10 })
  const images = lessons(task, count, 1)
  const cases = casesOf(task)
  const found: Aligned[] = []
  for (const [i, one] of cases.entries()) {
    found.push(
      ...(await align(task, one, images, links, share =>
        task.progress((i + share) / cases.length),
      )),
    )
    yield finding(cases, found, links, images)
  }
}

function casesOf(task: Task): Case[] {
  const scaled = (network: Network, scale: number) => ({ ...network, inputScale: q12(scale) })
  const one = model1(task.seed)
  const adders = fleet64(task.seed)
  const all: Case[] = [
    { name: "MODEL1, small signals and error", network: scaled(one, 0.3), error: 0.05 },
    { name: "MODEL1, large signals and error", network: scaled(one, 1), error: 1 },
    { name: "adders, small signals and error", network: scaled(adders, 0.1), error: 0.05 },
    { name: "adders, large signals, small error", network: scaled(adders, 2), error: 0.05 },
    { name: "adders, large signals and error", network: scaled(adders, 2), error: 1 },
  ]
  return task.scale === "tiny" ? all.slice(2) : all
}

/** Which links of a layer are looked at: drawn among those that some image sends a signal through. */
function drawnLinks(net: SettledNetwork, images: Lessons, links: number, seed: number): number[][] {
  const live = net.layers.map(layer => new Uint8Array(layer.source.length))
  for (let i = 0; i < images.train.count; i++) {
    net.predict(imageOf(images.train, i))
    for (const [k, layer] of net.layers.entries())
      for (const [l, source] of layer.source.entries())
        if (net.signals[k][source] !== 0) live[k][l] = 1
  }
  return live.map((alive, k) => {
    const all = [...alive.keys()].filter(l => alive[l] === 1)
    return all
      .sort((a, b) => hash32(seed + k, a) - hash32(seed + k, b))
      .slice(0, links)
      .sort((a, b) => a - b)
  })
}

async function align(
  task: Task,
  { name, network, error }: Case,
  images: Lessons,
  links: number,
  onShare: (share: number) => void,
): Promise<Aligned[]> {
  // An error of +1 and −1 whatever the lead, which is the gradient of O[label] − O[best other].
  const asked: Network = { ...network, softmaxGain: undefined, margin: q12(7.9) }
  const cores = [
    { how: "operating point, integer core", core: new HostNetwork(asked) },
    {
      how: "BSP, integer core",
      core: new HostNetwork({
        ...coarse(asked),
        backward: "bsp",
        errorShift: error < 1 ? SMALL_ERROR_SHIFT : 0,
      }),
    },
  ]
  const start = cores[0].core.coefficients()
  const net = new SettledNetwork(asked, start)
  const drawn = drawnLinks(net, images, links, task.seed)
  const zeros = () => drawn.map(ls => ls.map(() => 0))
  const gradient = zeros()
  const directions = SIGNALS.map(zeros)
  const coreDirections = cores.map(zeros)
  const total = images.train.count * drawn.length
  for (let i = 0; i < images.train.count; i++) {
    const image = imageOf(images.train, i)
    const label = images.train.labels[i]
    net.predict(image)
    const other = bestOther(net.outputs, label)
    const loss = () => net.outputs[label] - net.outputs[other]
    const errors = new Float64Array(net.outputs.length)
    errors[label] = error
    errors[other] = -error
    for (const [h, how] of SIGNALS.entries()) {
      net.backward(errors, how)
      add(
        directions[h],
        drawn,
        (k, l) =>
          net.signals[k][net.layers[k].source[l]] * net.layers[k].lambda[synapseOf(net, k, l)],
      )
    }
    for (const [k, ls] of drawn.entries()) {
      const { coefficient, inputs } = net.layers[k]
      for (const [j, l] of ls.entries()) {
        const neuron = Math.floor(synapseOf(net, k, l) / inputs)
        const c = coefficient[l]
        const at = (value: number) => {
          coefficient[l] = value
          net.rerun(k, neuron)
          return loss()
        }
        gradient[k][j] += (at(c + DIFFERENCE) - at(c - DIFFERENCE)) / (2 * DIFFERENCE)
        at(c)
        await task.breathe()
      }
      onShare((i * drawn.length + k + 1) / total)
    }
    for (const [c, { core }] of cores.entries()) {
      core.train(image, label)
      const { signals, lambdas } = passOf(core)
      add(
        coreDirections[c],
        drawn,
        (k, l) => signals[k][net.layers[k].source[l]] * lambdas[k][synapseOf(net, k, l)],
      )
      exchangeCoefficients(core.memory, asked, start, true)
    }
  }
  const cosines = (d: number[][]) => d.map((layer, k) => cosine(layer, gradient[k]))
  return [
    ...SIGNALS.map((how, h) => ({ name, how: NAMES[how], cosines: cosines(directions[h]) })),
    ...cores.map(({ how }, c) => ({ name, how, cosines: cosines(coreDirections[c]) })),
  ]
}

function add(sums: number[][], drawn: number[][], of: (layer: number, link: number) => number) {
  for (const [k, ls] of drawn.entries()) for (const [j, l] of ls.entries()) sums[k][j] += of(k, l)
}

/** The synapse that link `l` of layer `k` ends on. */
function synapseOf(net: SettledNetwork, k: number, l: number): number {
  const { start } = net.layers[k]
  let low = 0
  let high = start.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (start[middle] <= l) low = middle
    else high = middle
  }
  return low
}

/** The core's own signals into each layer and λ of its synapses, out of its memory after a sample. */
function passOf({ memory: m, network }: HostNetwork): { signals: number[][]; lambdas: number[][] } {
  const signals: number[][] = network.layers.map(() => [])
  const lambdas: number[][] = network.layers.map(() => [])
  for (const part of partsOf(m)) {
    const k = m.getAt(part + Part.Layer, "u16") - 1
    const synapses = m.getAt(part + Part.Neurons, "u16") * m.getAt(part + Part.Inputs, "u16")
    const lambda = m.getAt(part + Part.Lambda, "i32")
    for (let t = 0; t < synapses; t++) lambdas[k].push(m.getAt(lambda + 2 * t, "i16"))
    const sources = m.getAt(part + Part.Sources, "u16")
    signals[k] = new Array<number>(sources).fill(0)
    if (k === 0) {
      const list = m.getAt(part + Part.List, "i32")
      for (let e = list + 4; e < list + 4 + 4 * m.getAt(list, "i32"); e += 4)
        signals[0][m.getAt(e, "u16")] = m.getAt(e + 2, "i16")
    } else {
      const bus = m.getAt(part + Part.BusIn, "i32")
      for (let s = 0; s < sources; s++) signals[k][s] = m.getAt(bus + 2 * s, "i16")
    }
  }
  return { signals, lambdas }
}

function bestOther(outputs: Float64Array, label: number): number {
  let best = label === 0 ? 1 : 0
  for (let o = 0; o < outputs.length; o++) if (o !== label && outputs[o] > outputs[best]) best = o
  return best
}

/** 0 where either is nothing. */
export function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * y[i], 0)
  const size = Math.sqrt(dot(a, a) * dot(b, b))
  return size === 0 ? 0 : dot(a, b) / size
}

function finding(cases: Case[], found: Aligned[], links: number, images: Lessons): Finding {
  const named = (name: string) => found.filter(a => a.name === name)
  const shown = cases.filter(c => named(c.name).length > 0)
  const range = ({ cosines }: Aligned) =>
    `${Math.min(...cosines).toFixed(3)}…${Math.max(...cosines).toFixed(3)}`
  const layers = Math.max(...shown.map(c => c.network.layers.length))
  return {
    comparisons: shown.map(({ name }) => ({
      what: `cosine with the gradient, least and largest of the layers: ${name}`,
      paper:
        "“the BSP method can effectively replace the traditional back-propagation algorithm” (paper 001; no figures)",
      ours: named(name)
        .map(a => `${a.how} ${range(a)}`)
        .join("; "),
    })),
    how: `Central differences of O[label] − O[best other] in float64 over ${counted(links, "link")} a layer (those that carry a signal), summed over ${counted(images.train.count, "training image")}, coefficients as drawn; against signal times backward signal. ${shown.map(c => `${c.name}: ${shapeOf(c.network)}, input scale ${c.network.inputScale / 4096}, error ±${c.error}`).join(". ")}. The integer core's error is ±1, of its BSP ±1/16 where the other is small; its BSP runs in Q12.`,
    tables: [
      {
        title: "Cosine by layer (1 = the first behind the input)",
        head: ["case", "signal", ...Array.from({ length: layers }, (_, k) => `layer ${k + 1}`)],
        rows: found.map(a => [
          a.name,
          a.how,
          ...Array.from({ length: layers }, (_, k) =>
            k < a.cosines.length ? rounded(a.cosines[k], 4) : "",
          ),
        ]),
      },
    ],
    charts: shown.map(({ name }) => ({
      title: `Cosine with the true gradient: ${name}`,
      x: { label: "layer (1 = the first behind the input)", whole: true },
      y: { label: "cosine", max: 1, min: Math.min(0, ...named(name).flatMap(a => a.cosines)) },
      series: named(name).map(a => ({
        name: a.how,
        points: a.cosines.map((c, k) => [k + 1, c] as [number, number]),
      })),
    })),
    notes: [
      "The exact adjoint is the transposed Heun steps of the settled network; that its cosine is 1 checks the measurement.",
      "The papers' net inputs and elements are clamped in the backward system as in the forward one, so a large negative error is cut off.",
      "Where a net input is clamped the core passes nothing on to the link, whatever the signal; BSP in float64 knows nothing of the clamp, as in the papers.",
    ],
  }
}
