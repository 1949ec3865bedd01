/** Networks people start from, by name. */
import type { Layer, Network } from "./network"
import { q12 } from "./network"

/** In the order they are listed to people: from the papers' networks to the smallest. */
export const presetNames: string[] = [
  "model1",
  "model2",
  "mnist-kernels",
  "mnist-tiny",
  "mnist-windows",
  "fashion-windows",
  "fashion-kernels",
  "fleet-deep",
  "fleet-300",
  "fleet-64",
  "pico-32",
  "pico-16",
  "pico-fast",
  "pico-alone",
]

/** Synapses on the elements 0 and 2, signals from 1 and 3. */
const APART = { inputs: 2, inputStep: 2, outputFirst: 1, outputs: 2, outputStep: 2 }

/** The preset of that name; undefined if there is none. */
export function preset(name: string, seed: number): Network | undefined {
  if (name === "model1") return model1(seed)
  if (name === "model2") return model2(seed)
  if (name === "mnist-kernels") return mnistKernels(seed)
  if (name === "mnist-tiny") return mnistTiny(seed)
  if (name === "mnist-windows") return mnistWindows(seed)
  if (name === "fashion-windows") return fashionWindows(seed)
  if (name === "fashion-kernels") return fashionKernels(seed)
  if (name === "fleet-deep") return fleetDeep(seed)
  if (name === "fleet-300") return fleet300(seed)
  if (name === "fleet-64") return fleet64(seed)
  if (name === "pico-32") return pico32(seed)
  if (name === "pico-16") return pico16(seed)
  if (name === "pico-fast") return picoFast(seed)
  if (name === "pico-alone") return picoAlone(seed)
  return undefined
}

/**
 * MODEL1 of paper 001: 784-839-283-96-32-10, one-to-one, 4,711 links. Every interface is used but
 * four inputs of the second layer: a hidden neuron has 3 inputs and 2 outputs or 4 and 1.
 */
export function model1(seed: number): Network {
  return strict("model1", seed, [
    strictLayer(839, 4, 2),
    strictLayer(283, 4, 2),
    strictLayer(96, 4, 2),
    strictLayer(32, 4, 2),
    outputs(1),
  ])
}

/**
 * MODEL2 of paper 001: 784-1048-353-119-40-10, one-to-one, 4,696 links. A hidden neuron has 3
 * inputs and 1 output; its fifth interface stays unused. Of the four ways to place them on a ring,
 * this one has the inputs from which the output hears most: one and two elements before it and one
 * behind (0.78, 0.25 and −0.21 of an input in eight steps; three before it would hear −0.11).
 */
export function model2(seed: number): Network {
  return {
    ...strict("model2", seed, [around(1048), around(353), around(119), around(40), outputs(1)]),
    netMin: q12(-0.3),
    netMax: q12(1),
    margin: q12(0.1),
  }
}

/**
 * 784-300-100-10 for the most of MNIST in a network of adders: each of the 300 reads a window of 14 × 14
 * pixels where the seed puts it. Synapses sit on the elements 0 and 2 and signals come from 1 and 3,
 * which do as well as three synapses with two thirds of the links; λ is finer below the output.
 */
export function mnistWindows(seed: number): Network {
  const window = { across: 28, down: 28, width: 14, height: 14 }
  return {
    ...adders("mnist-windows", seed, [
      { ...APART, neurons: 300, fanIn: 196, window, finer: 3 },
      { ...APART, neurons: 100, fanIn: 300, finer: 2 },
      outputs(200),
    ]),
    steps: 4,
    inputScale: q12(2),
  }
}

/**
 * 784-432-92-10 for Fashion-MNIST (`--data fashion-mnist`): three rings each at 12 × 12 places read 6 × 6 pixels, and
 * 92 rings all their signals. Pixels are dense there, so that the input is weaker than for digits.
 */
export function fashionWindows(seed: number): Network {
  const window = { across: 28, down: 28, width: 6, height: 6, stride: 2 }
  return {
    ...adders("fashion-windows", seed, [
      { ...APART, neurons: 432, fanIn: 36, window, finer: 3 },
      { ...APART, neurons: 92, fanIn: 864, finer: 2 },
      outputs(184),
    ]),
    steps: 4,
    inputScale: q12(0.7),
  }
}

/**
 * 784-20c6s2-30c5s2-10 for the most of MNIST: 20 rings at each of 12 × 12 windows of 6 × 6 pixels and 30 at
 * each of 4 × 4 windows of those, which share 99,840 coefficients. Elements and λ are clamped closer than elsewhere,
 * so that sums over 1,000 links, and over all places, leave coefficients their room.
 */
export function mnistKernels(seed: number): Network {
  const pixels = { across: 28, down: 28, width: 6, height: 6, stride: 2, shared: true }
  const rings = { across: 12, down: 12, width: 5, height: 5, stride: 2, shared: true }
  return {
    ...adders("mnist-kernels", seed, [
      { ...APART, neurons: 2880, fanIn: 36, window: pixels, finer: 4 },
      { ...APART, neurons: 480, fanIn: 1000, window: rings, finer: 3 },
      outputs(960),
    ]),
    steps: 4,
    inputScale: q12(2),
    netMin: q12(-0.12),
    elementMax: q12(2.25),
    lambdaMax: q12(0.5),
  }
}

/**
 * 784-10c6s2-14c5s2-10 for MNIST within 12 kB: half as many rings as mnist-kernels has at each window, and 23,680
 * coefficients of four bits, 11,840 B.
 */
export function mnistTiny(seed: number): Network {
  const large = mnistKernels(seed)
  const [first, second, last] = large.layers
  return {
    ...large,
    name: "mnist-tiny",
    layers: [
      { ...first, neurons: 1440, quantised: { bits: 4, exponent: 4 } },
      { ...second, neurons: 224, fanIn: 500, quantised: { bits: 4, exponent: 5 } },
      { ...last, inputs: 2, outputFirst: 2, fanIn: 448, quantised: { bits: 4, exponent: 5 } },
    ],
  }
}

/**
 * 784-16c6s2-24c5s2-36-10 for Fashion-MNIST: shared kernels as in mnist-kernels, fewer of them, and 36 rings that
 * read all their signals: 97,728 distinct coefficients. Inputs are about the middle of a mean picture, blank pixels
 * too, as a kernel's sums otherwise have a large part common to all places.
 */
export function fashionKernels(seed: number): Network {
  const large = mnistKernels(seed)
  const [first, second, last] = large.layers
  return {
    ...large,
    name: "fashion-kernels",
    layers: [
      { ...first, neurons: 2304 },
      { ...second, neurons: 384, fanIn: 800, finer: 4 },
      { ...APART, neurons: 36, fanIn: 768, finer: 2 },
      { ...last, fanIn: 72 },
    ],
    inputScale: q12(1),
    inputCentre: 73,
    inputBlank: 1,
    netMin: q12(-0.15),
    netMax: q12(0.6),
  }
}

/** 784-300-100-10 with fan-in 150: for a fleet. */
export function fleetDeep(seed: number): Network {
  return adders("fleet-deep", seed, [hidden(300, 150), hidden(100, 150), outputs(150)])
}

/** 784-300-10 with fan-in 196: for a fleet. */
export function fleet300(seed: number): Network {
  return adders("fleet-300", seed, [hidden(300, 196), outputs(196)])
}

/** 784-64-10 with fan-in 128: for a few boards. */
export function fleet64(seed: number): Network {
  return adders("fleet-64", seed, [hidden(64, 128), outputs(128)])
}

/** 784-32-10 with fan-in 80, for one Pico. */
export function pico32(seed: number): Network {
  return short("pico-32", seed, 3, [near(32, 80), classes(2)])
}

/** 784-16-10 with fan-in 96 and two steps: learns on two boards in minutes, fits on one Pico with room to spare. */
export function pico16(seed: number): Network {
  return short("pico-16", seed, 2, [near(16, 96), classes(2)])
}

/** For speed: 784-12-10 with fan-in 64, and one synapse per output neuron. */
export function picoFast(seed: number): Network {
  return short("pico-fast", seed, 2, [near(12, 64), classes(1)])
}

/**
 * For a Pico that keeps what it learns: 784-11-10 with fan-in 60, whose 3,080 B of coefficients the
 * 8,144 B of its settings store hold twice, beside eight black-and-white images.
 */
export function picoAlone(seed: number): Network {
  return short("pico-alone", seed, 2, [near(11, 60), classes(1)])
}

/**
 * Neurons in which all happens between neighbours on the ring, so that two or three steps settle
 * enough: two synapses, on the elements 0 and 1, and signals from 1 and 2 (settle-two.ts).
 */
function near(neurons: number, fanIn: number): Layer {
  return { neurons, inputs: 2, outputFirst: 1, outputs: 2, fanIn }
}

/** Ten classes, each neuron reading all signals; element 1 is read. */
function classes(inputs: number): Layer {
  return { neurons: 10, inputs, outputFirst: 1, outputs: 1, fanIn: 65535 }
}

function short(name: string, seed: number, steps: number, layers: Layer[]): Network {
  return { ...adders(name, seed, layers), steps }
}

/** Inputs on the elements 0–2, signals from 3 and 4. */
function hidden(neurons: number, fanIn: number): Layer {
  return { neurons, inputs: 3, outputFirst: 3, outputs: 2, fanIn }
}

/** Ten classes: inputs on the elements 0–3, element 4 read. */
function outputs(fanIn: number): Layer {
  return { neurons: 10, inputs: 4, outputFirst: 4, outputs: 1, fanIn }
}

/** Inputs from element 0 on, outputs from element 3 on; with 4 inputs element 3 is either. */
function strictLayer(neurons: number, inputs: number, outputs: number): Layer {
  return { neurons, inputs, outputFirst: 3, outputs, fanIn: 1 }
}

/** Inputs on the elements 0, 1 and 3, the output on 2. */
function around(neurons: number): Layer {
  return { neurons, inputs: 4, outputFirst: 2, outputs: 1, fanIn: 1 }
}

function adders(name: string, seed: number, layers: Layer[]): Network {
  return {
    name,
    width: 784,
    layers,
    seed,
    steps: 6,
    // More bits would leave coefficients of such fan-in too little room in the 32-bit sums.
    signalBits: 10,
    inputScale: q12(1),
    netMin: q12(-0.2),
    netMax: q12(1),
    elementMin: q12(0.3),
    elementMax: q12(3),
    lambdaMax: q12(1),
    learnShift: 12,
    margin: q12(0.1),
  }
}

/** Single links carry small signals through many layers, so these formats are as fine as there are. */
function strict(name: string, seed: number, layers: Layer[]): Network {
  return {
    name,
    width: 784,
    inputSignals: 4,
    layers,
    linking: "strict",
    seed,
    steps: 8,
    elementBits: 16,
    signalBits: 14,
    inputScale: q12(2),
    netMin: q12(-1),
    netMax: q12(2),
    elementMin: q12(0.3),
    elementMax: q12(2.8),
    lambdaMax: q12(1),
    learnShift: 14,
    margin: q12(0.05),
  }
}
