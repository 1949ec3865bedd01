/**
 * Strict (one-to-one) networks: an interface (element) carries one link at most and is an input or
 * an output, never both (paper 001, fig. 1).
 *
 * In the terms of a layer: the elements 0 … inputs−1 may be inputs, outputFirst …
 * outputFirst+outputs−1 may be outputs, and those that may be either are an input in some neurons
 * and an output in the others. A neuron's inputs are its first elements. Who takes one more is
 * drawn by the seed, as is which output goes to which input.
 *
 * Where inputs reach beyond the outputs, nothing is either: the outputs are outputs, and the elements
 * before and behind them are inputs. The synapses in between carry no link.
 */

import { hash32 } from "../../src/base/random"
import type { Layer, Network } from "./description"

const INPUTS_SALT = 0x2000
const SOURCES_SALT = 0x3000
const SYNAPSES_SALT = 0x4000

/** Are there inputs before and behind the outputs? */
function surrounds(l: Layer): boolean {
  return l.inputs > l.outputFirst + l.outputs
}

/** Elements of a neuron of this layer that may be an input. */
function mostInputs(l: Layer): number {
  return surrounds(l) ? l.inputs - l.outputs : l.inputs
}

/** Elements of a neuron of this layer that may be an input or an output. */
function eitherOf(l: Layer): number {
  return surrounds(l) ? 0 : Math.max(0, l.inputs - l.outputFirst)
}

/** Interfaces of a layer: each an input or an output. */
function interfacesOf(l: Layer): number {
  // At most 65,535 neurons of 5 elements.
  return l.neurons * (mostInputs(l) + l.outputs - eitherOf(l))
}

/**
 * Interfaces of layer `layer` (1 = the first behind the input) that are inputs. Decided from the
 * output back: a layer gives as many outputs as the next takes, and all other interfaces are inputs.
 */
export function strictInputs(net: Network, layer: number): number {
  let next = 0
  for (let k = net.layers.length; k >= layer; k--) {
    const l = net.layers[k - 1]
    const fewest = l.neurons * (mostInputs(l) - eitherOf(l))
    const most = l.neurons * mostInputs(l)
    const wanted = k === net.layers.length ? fewest : interfacesOf(l) - next
    next = Math.min(most, Math.max(fewest, wanted))
  }
  return next
}

/** Interfaces of layer `layer` that are outputs (0 = the input). */
export function strictOutputs(net: Network, layer: number): number {
  if (layer === 0) return net.width * (net.inputSignals ?? 1)
  return interfacesOf(net.layers[layer - 1]) - strictInputs(net, layer)
}

/** Inputs of each neuron of a layer: they differ by one at most. */
export function strictInputsOfNeurons(net: Network, layer: number): number[] {
  const neurons = net.layers[layer - 1].neurons
  const total = strictInputs(net, layer)
  const least = Math.floor(total / neurons)
  const inputs: number[] = []
  const order: number[] = []
  for (let i = 0; i < neurons; i++) {
    inputs.push(least)
    order.push(i)
  }
  shuffle(order, hash32(net.seed, INPUTS_SALT + layer))
  for (let i = 0; i < total - least * neurons; i++) inputs[order[i]]++
  return inputs
}

/** The sources of each synapse of a layer: none or one. */
export function strictLinks(net: Network, layer: number): number[][] {
  const sources: number[] = []
  if (layer === 1) for (let s = 0; s < strictOutputs(net, 0); s++) sources.push(s)
  else {
    const before = net.layers[layer - 2]
    const inputs = strictInputsOfNeurons(net, layer - 1)
    for (let i = 0; i < before.neurons; i++)
      for (let k = firstOutput(before, inputs[i]); k < before.outputs; k++)
        sources.push(i * before.outputs + k)
  }
  const l = net.layers[layer - 1]
  const inputs = strictInputsOfNeurons(net, layer)
  const synapses: number[] = []
  const links: number[][] = []
  for (let i = 0; i < l.neurons; i++) {
    for (let k = 0; k < l.inputs; k++) {
      links.push([])
      if (isInput(l, inputs[i], k)) synapses.push(i * l.inputs + k)
    }
  }
  shuffle(sources, hash32(net.seed, SOURCES_SALT + layer))
  shuffle(synapses, hash32(net.seed, SYNAPSES_SALT + layer))
  const count = Math.min(sources.length, synapses.length)
  for (let i = 0; i < count; i++) links[synapses[i]].push(sources[i])
  return links
}

/** Is element `k` an input in a neuron of `inputs` inputs? */
function isInput(l: Layer, inputs: number, k: number): boolean {
  return surrounds(l) ? k < l.outputFirst || k >= l.outputFirst + l.outputs : k < inputs
}

/** Outputs that are an input instead, in a neuron of `inputs` inputs: they come before the others. */
function firstOutput(l: Layer, inputs: number): number {
  return surrounds(l) ? 0 : Math.max(0, inputs - l.outputFirst)
}

/** Why a layer cannot be strict, or "". */
export function strictFaultOf(net: Network): string {
  for (let k = 0; k < net.layers.length; k++) {
    const l = net.layers[k]
    if (l.outputFirst < 1) return "in a strict network element 0 is an input"
    if (k === net.layers.length - 1 && eitherOf(l) > 0)
      return "in a strict network an output neuron's inputs and outputs are different elements"
  }
  return ""
}

/** Fisher-Yates, drawn by `seed`. */
function shuffle(items: number[], seed: number): void {
  for (let i = items.length - 1; i > 0; i--) {
    // 31 bits modulo at most 2^18 items.
    const j = (hash32(seed, i) >>> 1) % (i + 1)
    const item = items[i]
    items[i] = items[j]
    items[j] = item
  }
}
