/**
 * The network of the preset pico-16 written in two other ways, as programs for DeviceScript's machine:
 * the obvious one (settled, floats, arrays, an object a neuron, every link in turn), and the papers'
 * (all neurons evolve together over 40 steps of 0.5, the signals delayed by a step, floats).
 *
 * So that they fit a board's heap, sources and coefficients are formulas of the synapse and the rank.
 */
export const WIDTH = 784
export const HIDDEN = 16
export const OUTPUTS = 10
export const FAN_IN = 96
export const STEPS = 2
export const TRAJECTORY_STEPS = 40

export function sourceOf(synapse: number, rank: number): number {
  return (synapse * 97 + rank * 41) % WIDTH
}

/** −0.1 … 0.1 */
export function coefficientOf(layer: number, synapse: number, rank: number): number {
  return (((synapse * 31 + rank * 17 + layer * 7) % 21) - 10) / 100
}

const NEURON = `
class Neuron {
  e: number[]
  sums: number[]
  inputs: number[][]
  constructor(inputs: number[][]) {
    this.e = [1, 1, 1, 1, 1]
    this.sums = [0, 0, 0, 0, 0]
    this.inputs = inputs
  }
}
function rate(e: number[], u: number[], i: number): number {
  const before = e[(i + 4) % 5]
  const inhibitor = e[(i + 3) % 5]
  return before - 0.5 * e[i] - 0.5 * e[i] * inhibitor + u[i]
}
function step(n: Neuron, u: number[], dt: number) {
  const f: number[] = []
  const p: number[] = []
  for (let i = 0; i < 5; i++) {
    f.push(rate(n.e, u, i))
    p.push(n.e[i] + dt * f[i])
  }
  for (let i = 0; i < 5; i++) {
    const g = rate(p, u, i)
    n.e[i] = Math.min(3, Math.max(0.3, n.e[i] + (dt / 2) * (f[i] + g)))
    n.sums[i] = n.sums[i] + n.e[i] - 1
  }
}
function clamp(x: number): number {
  return Math.min(1, Math.max(-0.2, x))
}
function sumOf(coefficients: number[], first: number, signals: number[], all: boolean): number {
  let sum = 0
  for (let r = 0; r < coefficients.length; r++) {
    let s = r
    if (!all) s = (first * 97 + r * 41) % 784
    sum = sum + coefficients[r] * signals[s]
  }
  return sum
}
function makeLayer(layer: number, neurons: number, fanIn: number): Neuron[] {
  const made: Neuron[] = []
  for (let n = 0; n < neurons; n++) {
    const inputs: number[][] = []
    for (let k = 0; k < 2; k++) {
      const c: number[] = []
      for (let r = 0; r < fanIn; r++) c.push((((n * 2 + k) * 31 + r * 17 + layer * 7) % 21 - 10) / 100)
      inputs.push(c)
    }
    made.push(new Neuron(inputs))
  }
  return made
}
`

/** @param pixels signals of the pixels in thousandths */
export function program(way: "settled" | "trajectory", pixels: number[]): string {
  const bytes = Buffer.alloc(2 * WIDTH)
  for (const [i, p] of pixels.entries()) bytes.writeInt16LE(p, 2 * i)
  const settled = `
for (let n = 0; n < 16; n++) {
  const neuron = hidden[n]
  const u = [clamp(sumOf(neuron.inputs[0], n * 2, image, false)), clamp(sumOf(neuron.inputs[1], n * 2 + 1, image, false)), 0, 0, 0]
  for (let t = 0; t < 2; t++) step(neuron, u, 0.75)
  signals.push(neuron.sums[1] / 2)
  signals.push(neuron.sums[2] / 2)
  await ds.sleep(0)
}
for (let n = 0; n < 10; n++) {
  const neuron = outputs[n]
  const u = [clamp(sumOf(neuron.inputs[0], 0, signals, true)), clamp(sumOf(neuron.inputs[1], 0, signals, true)), 0, 0, 0]
  for (let t = 0; t < 2; t++) step(neuron, u, 0.75)
  result.push(neuron.sums[1] / 2)
  await ds.sleep(0)
}
`
  const trajectory = `
for (let n = 0; n < 32; n++) signals.push(0)
for (let t = 0; t < 40; t++) {
  for (let n = 0; n < 10; n++) {
    const neuron = outputs[n]
    const u = [clamp(sumOf(neuron.inputs[0], 0, signals, true)), clamp(sumOf(neuron.inputs[1], 0, signals, true)), 0, 0, 0]
    step(neuron, u, 0.5)
  }
  await ds.sleep(0)
  for (let n = 0; n < 16; n++) {
    const neuron = hidden[n]
    const u = [clamp(sumOf(neuron.inputs[0], n * 2, image, false)), clamp(sumOf(neuron.inputs[1], n * 2 + 1, image, false)), 0, 0, 0]
    step(neuron, u, 0.5)
    signals[n * 2] = neuron.e[1] - 1
    signals[n * 2 + 1] = neuron.e[2] - 1
    await ds.sleep(0)
  }
}
for (let n = 0; n < 10; n++) result.push(outputs[n].sums[1] / 40)
`
  return `import * as ds from "@devicescript/core"
const pixels = hex\`${bytes.toString("hex")}\`
${NEURON}
const image: number[] = []
for (let i = 0; i < 784; i++) image.push(pixels.getAt(i * 2, "i16") / 1000)
await ds.sleep(0)
const hidden = makeLayer(1, 16, 96)
await ds.sleep(0)
const outputs = makeLayer(2, 10, 32)
const signals: number[] = []
const result: number[] = []
await ds.sleep(0)
console.log("from")
${way === "settled" ? settled : trajectory}
console.log("to")
for (let i = 0; i < 10; i++) console.log("output " + Math.round(result[i] * 1000000))
console.log("end")
`
}
