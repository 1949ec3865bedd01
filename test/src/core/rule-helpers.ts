/** Networks of every rule, and what their elements have of their own. */

import { ELEMENT_VALUES } from "../../../host/network/exchange"
import type { ElementLearning, Network } from "../../../host/network/network"
import { network } from "./helpers"

export const elements: ElementLearning = {
  shift: 13,
  bound: 2,
  min: 4823,
  max: 13926,
  signal: "gradient",
}
const product: ElementLearning = { ...elements, signal: "product" }
const pid = { proportional: 16, integral: 8, differential: 4, memory: 3 }

/** What a network needs to learn by each rule and option. */
export const rules: Record<string, Partial<Network>> = {
  "links, by the plain product": {},
  "links, bounded": { linkBound: 3 },
  "links, PID": { pid },
  "elements, by gradient": { rule: "elements", elements },
  "elements, by product": { rule: "elements", elements: product },
  "elements, PID": { rule: "elements", elements, pid },
  "elements, the papers' backward equation": {
    rule: "elements",
    elements: product,
    backward: "bsp",
    errorShift: 3,
  },
  mixed: { rule: "mixed", elements },
  "mixed, all at once": {
    rule: "mixed",
    elements: product,
    pid,
    linkBound: 4,
    backward: "bsp",
    errorShift: 2,
    targets: { high: 1000, low: -300 },
  },
  "links, the papers' backward equation": { backward: "bsp", errorShift: 3 },
  "links, finer elements": { elementBits: 16, elementMax: 11469, signalBits: 13 },
  "links, finer elements, a small rate": {
    ...{ elementBits: 16, elementMax: 11469, signalBits: 14 },
    learnShift: 18,
  },
  "links, other K1 to K3": { ring: { k1: 4096, k2: 1024, k3: 3072 } },
  "links, slower rings, the papers' backward equation": {
    ring: { k1: 3000, k2: 1400, k3: 1600 },
    backward: "bsp",
    errorShift: 3,
  },
  "links, two targets": { targets: { high: 1000, low: -300 } },
  "links, by squares": { targets: { high: 1000, low: -300, always: true } },
}

/** Three layers, sparse and dense, where every sample has an error to learn from. */
export function networkOf(fields: Partial<Network>, seed = 1): Network {
  return network(
    [
      { neurons: 6, fanIn: 9 },
      { neurons: 5, fanIn: 5 },
      { neurons: 4, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 60 },
    ],
    { width: 30, seed, learnShift: 10, margin: 4096, ...fields },
  )
}

export type Set = "K3" | "B" | "B̂"
const SETS: Set[] = ["K3", "B", "B̂"]

/** One set of five values a neuron, out of what exchangeElements copies; real numbers. */
export function valuesOf(net: Network, all: Buffer, set: Set): number[][][] {
  const scale = set === "K3" ? 2 ** 14 : 4096
  let neuron = 0
  return net.layers.map(layer =>
    Array.from({ length: layer.neurons }, () => {
      const at = (neuron++ * ELEMENT_VALUES + SETS.indexOf(set) * 5) * 2
      return Array.from({ length: 5 }, (_, i) => all.readInt16LE(at + 2 * i) / scale)
    }),
  )
}

export function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * y[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
