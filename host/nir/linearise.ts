/**
 * A network as a NIR graph: every element a leaky integrator, linearised about its fixed point or about
 * its mean state for a given image.
 *
 *     input → pixels → layer0 → links1 → layer1 → … → layerN → readout → output
 *                       ↑ ↓               ↑ ↓            ↑ ↓
 *                   layer0_ring       layer1_ring    layerN_ring
 *
 * `input` takes the pixels, 0…1. `layer0` holds the input neurons, `pixels` their input scale. A layer
 * of n neurons is 5·n leaky integrators, neuron by neuron, elements 0…4; what one gives is its
 * element's displacement D. `links` hold the coefficients, `readout` picks the output elements.
 *
 * Integrators have r = 1 and v_leak = 0, and all matrices are Affine: tools that know LI take these, and
 * some take nothing else. So each row of `pixels`, `links` and `ring` is multiplied by its integrator's
 * tau, and the constant that lets a layer rest in its state is the bias of `pixels` and `links`.
 *
 * Left out: the product D[i]·D[i−2] of the ring's equation, and all clamps.
 */
import "../base/memory"
import { WuxingError } from "../base/errors"
import { ELEMENTS_ARRAY, type Model } from "../models/model-file"
import { ELEMENT_VALUES } from "../network/exchange"
import {
  elementsLearn,
  inputElement,
  inputSignalsOf,
  type Layer,
  type Network,
  outputElement,
  signalsOf,
} from "../network/network"
import { refuseKernels } from "../network/refuse-kernels"
import { wiringOf } from "../network/wiring"
import { growthOf } from "./dense"
import { type Affine, type Graph, matrixOf, type Node } from "./graph"
import {
  before,
  couplingOf,
  ELEMENTS,
  fixedPointOf,
  jacobianOf,
  K3,
  meanState,
  tauOf,
} from "./ring"

/** The rings of a layer, one neuron behind the other, five values each. */
interface Rings {
  k3: number[][]
  /** Fixed points, and the states about which they are linearised. */
  rest: number[][]
  state: number[][]
  /** Net inputs at that state, before any clamp. */
  net: number[][]
}

/** One link: target element and source element as places among a layer's leaky integrators. */
export interface Link {
  target: number
  source: number
}

export interface Linearised {
  graph: Graph
  /** Rings, and those that do not come to rest in linear theory, where their Jacobian is unstable. */
  rings: number
  unstableRings: number
}

/**
 * @param image pixels (a byte each) whose mean state the graph is linearised about; about the fixed
 *   points if there is none. At this image the graph rests in that very state
 * @throws WuxingError "nir-no-fixed-point" (kind "data")
 */
export function linearise(model: Model, image?: Uint8Array): Linearised {
  const { network } = model
  refuseKernels(network, "be exported to NIR", "export one with windows of each neuron's own")
  if (network.inputCentre)
    throw new WuxingError({
      code: "nir-no-fit",
      kind: "data",
      message: `${network.name} cannot be exported: its inputs are about a middle (inputCentre)`,
      cause: "an input that is 0 is none in this network, and the least in a graph",
      help: "run it on boards or on the host",
    })
  if (network.ring)
    throw new WuxingError({
      code: "nir-no-fit",
      kind: "data",
      message: `${network.name} cannot be exported: its rings have other K1 to K3`,
      cause: "graphs are made of rings with K1 = 1, K2 = K3 = 1/2, or with K3 that was learnt",
      help: "run it on boards or on the host, or leave out the setting ring and train again",
    })
  const layers = ringsOf(model)
  const coefficients = Array.from(
    { length: model.coefficients.length >> 1 },
    (_, i) => model.coefficients.readInt16LE(2 * i) / 8192,
  )
  const nodes = new Map<string, Node>([["input", { type: "Input", shape: [network.width] }]])
  const edges: [string, string][] = []
  const scale = network.inputScale / 4096
  let source = "input"
  let at = 0
  let unstableRings = 0
  for (const [i, rings] of layers.entries()) {
    const size = rings.k3.length * ELEMENTS
    const name = `layer${i}`
    const entries: [number, number, number][] =
      i === 0
        ? Array.from({ length: network.width }, (_, p) => [p * ELEMENTS, p, scale])
        : linksTo(network, i).map(({ target, source }) => [target, source, coefficients[at++]])
    if (image) {
      const given =
        i === 0 ? Float64Array.from(image, pixel => pixel / 255) : displacement(layers[i - 1])
      settle(network, rings, i, given, entries)
    }
    const into = i === 0 ? "pixels" : `links${i}`
    const columns = i === 0 ? network.width : layers[i - 1].k3.length * ELEMENTS
    const tau = rings.k3.flatMap((k, n) => tauOf(k, rings.state[n]))
    const affine = (columns: number, entries: [number, number, number][]): Affine => ({
      type: "Affine",
      weight: matrixOf(
        size,
        columns,
        entries.map(([row, column, value]) => [row, column, value * tau[row]]),
      ),
      bias: new Float64Array(size),
    })
    nodes.set(into, { ...affine(columns, entries), bias: constantsOf(rings, tau) })
    nodes.set(name, {
      type: "LI",
      tau: Float64Array.from(tau),
      r: new Float64Array(size).fill(1),
      vLeak: new Float64Array(size),
    })
    nodes.set(`${name}_ring`, affine(size, couplings(rings)))
    edges.push([source, into], [into, name], [name, `${name}_ring`], [`${name}_ring`, name])
    unstableRings += countUnstable(rings)
    source = name
  }
  const last = layers.length - 1
  const read = signalPlaces(network, last)
  const size = layers[last].k3.length * ELEMENTS
  nodes.set("readout", {
    type: "Affine",
    weight: matrixOf(
      read.length,
      size,
      read.map((place, i) => [i, place, 1] as const),
    ),
    bias: new Float64Array(read.length),
  })
  nodes.set("output", { type: "Output", shape: [read.length] })
  edges.push([source, "readout"], ["readout", "output"])
  const rings = layers.reduce((sum, { k3 }) => sum + k3.length, 0)
  return { graph: { nodes, edges, metadata: {} }, rings, unstableRings }
}

/** The links that end in a layer (1 = the first behind the input), in the order of the coefficients. */
export function linksTo(network: Network, layer: number): Link[] {
  const { inputs, inputStep } = network.layers[layer - 1]
  const places = signalPlaces(network, layer - 1)
  return wiringOf(network)
    .sources(layer)
    .flatMap((sources, synapse) => {
      const target =
        Math.floor(synapse / inputs) * ELEMENTS + inputElement({ inputStep }, synapse % inputs)
      return sources.map(source => ({ target, source: places[source] }))
    })
}

/** Which leaky integrator of a layer (0 = the input) gives each of its signals. */
function signalPlaces(network: Network, layer: number): number[] {
  const gives: Pick<Layer, "outputFirst" | "outputs" | "outputStep"> =
    layer === 0 ? { outputFirst: 1, outputs: inputSignalsOf(network) } : network.layers[layer - 1]
  const { outputs } = gives
  return Array.from(
    { length: signalsOf(network, layer) },
    (_, s) => Math.floor(s / outputs) * ELEMENTS + outputElement(gives, s % outputs),
  )
}

/** All rings at their fixed points, without input. */
function ringsOf({ network, arrays }: Model): Rings[] {
  const own = elementsLearn(network) ? arrays?.[ELEMENTS_ARRAY] : undefined
  const uniform = (value: number) => new Array<number>(ELEMENTS).fill(value)
  const ringsWith = (count: number, k3: (n: number) => number[], b: (n: number) => number[]) => {
    const each = (value: (n: number) => number[]) =>
      Array.from({ length: count }, (_, n) => value(n))
    return { k3: each(k3), rest: each(b), state: each(b), net: each(() => uniform(0)) }
  }
  let first = 0
  return [
    ringsWith(
      network.width,
      () => uniform(K3),
      () => uniform(1),
    ),
    ...network.layers.map(({ neurons }, i) => {
      const from = first
      first += neurons
      if (!own)
        return ringsWith(
          neurons,
          () => uniform(K3),
          () => uniform(1),
        )
      const values = (n: number, set: number, one: number) =>
        uniform(0).map(
          (_, e) => own.readInt16LE(2 * ((from + n) * ELEMENT_VALUES + set * ELEMENTS + e)) / one,
        )
      const k3 = (n: number) => values(n, 0, 16384)
      const rest = Array.from({ length: neurons }, (_, n) => {
        const b = fixedPointOf(k3(n), values(n, 1, 4096))
        if (!b) throw noFixedPoint(network, i + 1, n)
        return b
      })
      return ringsWith(neurons, k3, n => rest[n])
    }),
  ]
}

function displacement({ state, rest }: Rings): Float64Array {
  return Float64Array.from(state.flatMap((x, n) => x.map((value, e) => value - rest[n][e])))
}

/** Brings the rings of a layer into their mean state for what they are given. */
function settle(
  network: Network,
  rings: Rings,
  layer: number,
  given: Float64Array,
  entries: [number, number, number][],
): void {
  for (const [target, source, weight] of entries)
    rings.net[Math.floor(target / ELEMENTS)][target % ELEMENTS] += weight * given[source]
  const clamps = { least: network.elementMin / 4096, most: network.elementMax / 4096 }
  // An input neuron's net input is not clamped.
  const held = (u: number) =>
    layer === 0 ? u : Math.min(network.netMax / 4096, Math.max(network.netMin / 4096, u))
  const { k3, rest, net } = rings
  rings.state = k3.map((k, n) => meanState(k, rest[n], net[n].map(held), network.steps, clamps))
}

/**
 * What lets a layer rest in its state: 0 at the fixed points; elsewhere what the linear graph lacks
 * there.
 */
function constantsOf({ k3, rest, state, net }: Rings, tau: number[]): Float64Array {
  return Float64Array.from(
    k3.flatMap((k, n) => {
      const v = state[n].map((x, i) => x - rest[n][i])
      return couplingOf(k, state[n]).map(([from1, from2], i) => {
        const current = from1 * v[before(i, 1)] + from2 * v[before(i, 2)] + net[n][i]
        return v[i] - tau[n * ELEMENTS + i] * current
      })
    }),
  )
}

function couplings({ k3, state }: Rings): [number, number, number][] {
  return k3.flatMap((k, n) =>
    couplingOf(k, state[n]).flatMap(([from1, from2], i): [number, number, number][] => {
      const place = (e: number) => n * ELEMENTS + e
      return [
        [place(i), place(before(i, 1)), from1],
        [place(i), place(before(i, 2)), from2],
      ]
    }),
  )
}

/** Rings of one state are one case: most input neurons see a pixel of 0. */
function countUnstable({ k3, state }: Rings): number {
  const known = new Map<string, boolean>()
  return k3.filter((k, n) => {
    const key = `${k} ${state[n]}`
    const unstable = known.get(key) ?? growthOf(jacobianOf(k, state[n])) >= 0
    known.set(key, unstable)
    return unstable
  }).length
}

function noFixedPoint(network: Network, layer: number, neuron: number): WuxingError {
  return new WuxingError({
    code: "nir-no-fixed-point",
    kind: "data",
    message: `neuron ${neuron} of layer ${layer} of ${network.name} has no fixed point to be linearised about`,
    cause: "K3 of its elements left the range in which the ring rests",
    help: "train it again with a narrower range of K3",
  })
}
