/** The links implied by a network's seed, or given one by one. */
import { hash32, random15 } from "../../src/base/random"
import { linkingOf, type Network, signalsOf, synapsesOf, type Window } from "./description"
import { strictInputs, strictLinks, strictOutputs } from "./strict"

/** Links per synapse of layer `layer` (1 = the first behind the input); the most where they differ. */
export function fanInOf(net: Network, layer: number): number {
  const linking = linkingOf(net)
  if (linking === "adder") return Math.min(net.layers[layer - 1].fanIn, signalsOf(net, layer - 1))
  if (linking === "strict") return 1
  let most = 1
  for (const sources of givenOf(net, layer)) most = Math.max(most, sources.length)
  return most
}

/** The kernels of a layer whose neurons share coefficients (src/core/kernels.ts). */
export interface Kernels {
  window: Window & { stride: number }
  /** Windows beside each other, and below each other. */
  columns: number
  rows: number
  /** Neurons at each. */
  channels: number
  /** Synapses at each: so many have coefficients of their own. */
  synapses: number
}

/** A layer's kernels; undefined where each link has a coefficient of its own. */
export function kernelsOf(net: Network, layer: number): Kernels | undefined {
  const { window, neurons, inputs } = net.layers[layer - 1]
  if (!window?.shared || window.stride === undefined) return undefined
  const { stride } = window
  const { columns, rows } = windowGrid(window, stride)
  const channels = Math.floor(neurons / (columns * rows))
  return { window: { ...window, stride }, columns, rows, channels, synapses: channels * inputs }
}

/** Does any layer share coefficients over places? */
export function hasKernels(net: Network): boolean {
  return net.layers.some(({ window }) => window?.shared === true)
}

/** Links ending in layer `layer`; where they share coefficients, as many as there are different ones. */
export function linksOf(net: Network, layer: number): number {
  const kernels = kernelsOf(net, layer)
  if (kernels) return kernels.synapses * fanInOf(net, layer)
  if (linkingOf(net) === "strict")
    return Math.min(strictOutputs(net, layer - 1), strictInputs(net, layer))
  return linksBefore(net, layer, synapsesOf(net, layer))
}

/** Links ending in layer `layer` on synapses below `synapse`: where its own begin in that layer. */
export function linksBefore(net: Network, layer: number, synapse: number): number {
  if (linkingOf(net) === "adder") return synapse * fanInOf(net, layer)
  let links = 0
  for (const sources of drawSlice(net, layer, 0, synapse)) links += sources.length
  return links
}

/** The sources of each synapse of layer `layer`, ascending; a function of the network alone. */
export function drawLinks(net: Network, layer: number): number[][] {
  return drawSlice(net, layer, 0, synapsesOf(net, layer))
}

/** {@link drawLinks} of the synapses first … first+count−1. */
export function drawSlice(net: Network, layer: number, first: number, count: number): number[][] {
  const linking = linkingOf(net)
  if (linking === "strict") return strictLinks(net, layer).slice(first, first + count)
  if (linking === "explicit") return givenOf(net, layer).slice(first, first + count)
  const links: number[][] = []
  const { window, inputs } = net.layers[layer - 1]
  const perPlace = window ? signalsOf(net, layer - 1) / (window.across * window.down) : 0
  for (let t = first; t < first + count; t++)
    links.push(
      window
        ? windowSources(window, perPlace, windowPlace(net, layer, Math.floor(t / inputs)))
        : adderSources(net, layer, t),
    )
  return links
}

/** The sources of one synapse, ascending. */
export function sourcesOf(net: Network, layer: number, synapse: number): number[] {
  return drawSlice(net, layer, synapse, 1)[0]
}

/** What an explicit network gives for a layer. */
export function givenOf(net: Network, layer: number): number[][] {
  return net.given ? net.given[layer - 1] : []
}

/**
 * `fanIn` different signals of the layer before, drawn by (seed, layer, synapse) (selection
 * sampling, Knuth, TAOCP 2, 3.4.2, algorithm S).
 */
function adderSources(net: Network, layer: number, synapse: number): number[] {
  const total = signalsOf(net, layer - 1)
  let need = fanInOf(net, layer)
  const base = hash32(hash32(net.seed, layer), synapse)
  const sources: number[] = []
  for (let s = 0; s < total && need > 0; s++) {
    // 32767 · 2^15 < 2^31 for up to 65,535 signals.
    if ((random15(base, s) * (total - s)) >> 15 < need) {
      sources.push(s)
      need--
    }
  }
  return sources
}

/** How many windows lie beside each other, and below each other, where they lie at a stride. */
export function windowGrid(window: Window, stride: number) {
  const { across, down, height } = window
  return {
    columns: Math.floor((across - windowSpan(window)) / stride) + 1,
    rows: Math.floor((down - height) / stride) + 1,
  }
}

/** Places from a window's first column to its last, both counted. */
export function windowSpan({ width, pitch = 1 }: Pick<Window, "width" | "pitch">): number {
  return (width - 1) * pitch + 1
}

/** First place of a neuron's window: drawn by (seed, layer, neuron), or on the grid. */
export function windowPlace(net: Network, layer: number, neuron: number): number {
  const { window, neurons } = net.layers[layer - 1]
  if (!window) throw new RangeError(`layer ${layer} has no windows`)
  const { across, down, height, stride } = window
  if (stride !== undefined) {
    const { columns, rows } = windowGrid(window, stride)
    const at = Math.floor((neuron * columns * rows) / neurons)
    return Math.floor(at / columns) * stride * across + (at % columns) * stride
  }
  const base = hash32(hash32(net.seed, layer), neuron)
  // random15 < 2^15 and at most 2^16 places: < 2^31.
  const column = (random15(base, 0) * (across - windowSpan(window) + 1)) >> 15
  const row = (random15(base, 1) * (down - height + 1)) >> 15
  return row * across + column
}

/** The signals in a window, ascending. */
function windowSources(window: Window, perPlace: number, place: number) {
  const { across, width, height, pitch = 1 } = window
  const sources: number[] = []
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const first = (place + row * across + column * pitch) * perPlace
      for (let s = first; s < first + perPlace; s++) sources.push(s)
    }
  return sources
}

/**
 * Every synapse of the layer reads every signal: then no index is stored. Pixels never are, so that
 * a zero pixel costs nothing; nor links that are not a matter of fan-in.
 */
export function isDense(net: Network, layer: number): boolean {
  return (
    layer > 1 &&
    linkingOf(net) === "adder" &&
    fanInOf(net, layer) === signalsOf(net, layer - 1) &&
    !kernelsOf(net, layer)
  )
}
