/** What a network is: its layers, its number formats and clamps, and what learns in it. */
import {
  COEFFICIENT_BITS,
  FIXED_POINT,
  LEAST_LEARN_SHIFT,
  LEAST_PID_SHIFT,
  MOST_LEARN_SHIFT,
  NOISE_BITS,
} from "../../src/core/layout"

/**
 * How a network's links come about:
 *
 * - adder: each synapse sums `fanIn` different signals drawn by the seed (paper 001, section 3);
 * - strict: one-to-one, drawn by the seed (strict.ts);
 * - explicit: given one by one.
 */
export type Linking = "adder" | "strict" | "explicit"

/** One layer of neurons behind the input. */
export interface Layer {
  /** How many neurons, 1…65,535. */
  neurons: number
  /** Synapses of a neuron: they sit on the elements 0 … inputs−1, or at steps of two. */
  inputs: number
  /** 1 (absent) or 2: synapses sit on the elements 0, inputStep, 2·inputStep … */
  inputStep?: number
  /** The elements outputFirst … outputFirst+outputs−1 give its signals, or at steps of two. */
  outputFirst: number
  /** Signals a neuron gives. */
  outputs: number
  /** 1 (absent) or 2: of the elements outputFirst, outputFirst + outputStep … */
  outputStep?: number
  /**
   * Bits by which its backward signals are finer than Q12, 0 (absent) … 8: λ that are small in a lower layer then
   * lose less by rounding, and saturate at lambdaMax · 2^−finer. Its rate is as before.
   */
  finer?: number
  /** Its coefficients are used in four bits; absent: in 16. */
  quantised?: Quantised
  /**
   * Adder networks: links per synapse (paper 001, section 3), at most the signals of the layer
   * before. Others do not read it. With a window the signals in it.
   */
  fanIn: number
  /** Adder networks: a neuron's synapses read what is in a window of its own; absent: signals drawn by the seed. */
  window?: Window
}

/**
 * Coefficients in few bits: each that is used is a whole number −7…7 times 2^−exponent. While they learn, which only
 * the host does, 16 bits of each are kept beside (src/core/once.ts).
 */
export interface Quantised {
  /** 4. */
  bits: 4
  /** 1…12. */
  exponent: number
}

/**
 * A window on the layer before, whose signals are laid out as a picture: `down` rows of `across` places, each
 * with the same number of signals, one behind the other.
 */
export interface Window {
  /** Places of a row of the layer before. */
  across: number
  /** Its rows. */
  down: number
  /** Places of a row of the window that are read. */
  width: number
  /** Its rows. */
  height: number
  /** Of a row only every so many is read; absent: each. */
  pitch?: number
  /**
   * Present: windows lie so many places apart in both directions, from the first place on, and each is
   * shared by the same number of neurons, one behind the other. Absent: each neuron's lies where the seed
   * has put it.
   */
  stride?: number
  /**
   * Neurons at different windows share coefficients: the c-th at each window has those of the c-th at every
   * other. Needs a stride; neurons / windows is then the number of channels.
   */
  shared?: boolean
}

export interface Network {
  name: string
  /** Input neurons: pixel on element 0, signals from the elements 1 … inputSignals. */
  width: number
  /** 1…4; absent: 1. Signal number: pixel · inputSignals + element − 1. */
  inputSignals?: number
  layers: Layer[]
  /** Absent: adder. */
  linking?: Linking
  /** Explicit networks: for each layer behind the input, for each synapse its sources, ascending. */
  given?: number[][][]
  /** Decides links, initial coefficients and the rounding while learning. */
  seed: number
  /** Heun steps of 3/4 per settle, 2…16. */
  steps: number
  /** Fraction bits of a signal on a link; at most 12, or 14 where elements are finer than Q12. */
  signalBits: number
  /**
   * Fraction bits of an element while it settles: 12 (absent) or 16. Finer ones (settle-fine.ts) cost
   * a quarter more time and suit networks of single links, whose signals are small; there only links learn,
   * by the plain product S·λ, which has λ in Q14 and so two bits more.
   */
  elementBits?: number
  /** Net input of an input neuron at pixel 255, Q12, at most 4. */
  inputScale: number
  /** Pixels below it count as 0, 0…255; absent: 0. Faint pixels then cost nothing, as blank ones. */
  inputFloor?: number
  /**
   * The pixel value that drives an input neuron by nothing, 0…255; absent: 0. Lower ones drive it by less than
   * nothing, but for 0, a blank pixel, which gives no signal: it is neither sent nor computed.
   */
  inputCentre?: number
  /**
   * The pixel value that blank ones count as, 0…255; absent: 0. With another one they give a signal, cost as much as
   * any pixel, and are sent to boards with this value. For shared kernels, whose sums are otherwise about a middle
   * only where there is something to see.
   */
  inputBlank?: number
  /** K1, K2 and K3 of all elements; absent: 1, ½ and ½. */
  ring?: RingParameters
  /** Clamps of net inputs and elements, Q12. */
  netMin: number
  netMax: number
  elementMin: number
  elementMax: number
  /** Clamp of backward signals, Q12, at most 2. */
  lambdaMax: number
  /** The rate: a product S·λ is shifted right by this to become ΔC; at most {@link mostLearnShift}. */
  learnShift: number
  /** Least lead of the label's output over the best other, Q12. */
  margin: number
  /**
   * Gain of the softmax error, Q4, times log2 e (an error of gain 10 is 231); 0 or absent: error by
   * margin.
   */
  softmaxGain?: number
  /** The papers' two targets of the outputs (paper 000 eq. 5.2, 5.3), Q12; they come before the rest. */
  targets?: Targets
  /** Bits the error at the outputs is shifted right, 0…8; absent: 0. */
  errorShift?: number
  /** What learns: coefficients (method 2), K3 of each element (method 1), both. Absent: links. */
  rule?: "links" | "elements" | "mixed"
  /** Method 1; absent where it does not learn. */
  elements?: ElementLearning
  /**
   * Method 2: kt = 2^linkBound in ΔC = atan(kt·G)/kt (paper 001 eq. 3.4), 0…signalBits; absent: not
   * bounded.
   */
  linkBound?: number
  /** Distributed PID control of whatever learns; absent: none. */
  pid?: PidGains
  /** The linear backward signal at the operating point (absent), or the papers' backward equation. */
  backward?: "operating-point" | "bsp"
  /**
   * What backward signals return by, from layer to layer: the links' own coefficients (absent), ones that the
   * seed has drawn apart and that never change, or nothing, so that the last layer learns alone. On the host
   * alone.
   */
  feedback?: "fixed" | "none"
}

/** Parameters of a ring, Q12, K3 = K1 − K2: the fixed point is 1 (paper 000 eq. 3.4). */
export interface RingParameters {
  k1: number
  k2: number
  k3: number
}

/** The error is high − O on the label's output and low − O on the others. */
export interface Targets {
  high: number
  low: number
  /** Of every sample: the error by squares; absent: on failure only, as in the papers. */
  always?: true
}

/** Method 1 (paper 000 eq. 5.5–5.7): K3 of each element changes by −K3 · rate · atan(kt·G)/kt. */
export interface ElementLearning {
  /** The rate is 2^(18 − shift); shift 4…24. */
  shift: number
  /** kt = 2^bound, bound 2…12. */
  bound: number
  /** Clamp of K3, Q14 with 8192 the start: 4096 ≤ min ≤ 8192 ≤ max ≤ 13926. */
  min: number
  max: number
  /** G: the product mean D · mean D̂ of the paper, or the gradient, which it stands for. */
  signal: "product" | "gradient"
}

/** Gains of G, of its running mean and of its change since the last sample: Q4, 0…64. */
export interface PidGains {
  proportional: number
  integral: number
  differential: number
  /** The mean forgets by 2^−memory a sample; 0…15. */
  memory: number
}

/** Neurons of layer `layer` (0 = the input). */
export function neuronsOf(net: Network, layer: number): number {
  return layer === 0 ? net.width : net.layers[layer - 1].neurons
}

/** Synapses of layer `layer` (1 = the first behind the input), linked or not. */
export function synapsesOf(net: Network, layer: number): number {
  const l = net.layers[layer - 1]
  return l.neurons * l.inputs
}

/** Signals an input neuron gives, 1…4: those of the elements behind element 0. */
export function inputSignalsOf(net: Network): number {
  return net.inputSignals ?? 1
}

/** Element of a neuron's k-th synapse. */
export function inputElement(layer: Pick<Layer, "inputStep">, k: number): number {
  return k * (layer.inputStep ?? 1)
}

/** Element of a neuron that gives its k-th signal. */
export function outputElement(
  { outputFirst, outputStep }: Pick<Layer, "outputFirst" | "outputStep">,
  k: number,
): number {
  return outputFirst + k * (outputStep ?? 1)
}

/** Bits by which backward signals of layer `layer` are finer than Q12; 0 beyond the last. */
export function finerOf(net: Network, layer: number): number {
  return net.layers[layer - 1]?.finer ?? 0
}

/** Where a layer's coefficients are multiples of 2^shift in Q13, that shift; 0: they are not quantised. */
export function quantisedShift(net: Network, layer: number): number {
  const { quantised } = net.layers[layer - 1]
  return quantised ? COEFFICIENT_BITS - quantised.exponent : 0
}

/** Are any layer's coefficients used in four bits? */
export function isQuantised(net: Network): boolean {
  return net.layers.some(({ quantised }) => quantised !== undefined)
}

/** Pixels below it are as good as blank: they give no signal. */
export function inputFloorOf(net: Network): number {
  return net.inputFloor ?? 0
}

/** The pixel value that drives an input neuron by nothing. */
export function inputCentreOf(net: Network): number {
  return net.inputCentre ?? 0
}

/** The pixel value that blank ones count as; 0: they give no signal. */
export function inputBlankOf(net: Network): number {
  return net.inputBlank ?? 0
}

/** The value a pixel counts as; 0: it gives no signal. */
function seenAs(net: Network, pixel: number): number {
  return pixel === 0 || pixel < inputFloorOf(net) ? inputBlankOf(net) : pixel
}

/** By how much a pixel drives its input neuron, −255…255 pixel values. */
export function inputDrive(net: Network, pixel: number): number {
  const seen = seenAs(net, pixel)
  return seen === 0 ? 0 : seen - inputCentreOf(net)
}

/** An image as the network's input neurons take it: every pixel that is not 0 then gives a signal. */
export function inputImage(net: Network, image: Uint8Array): Uint8Array {
  if (inputFloorOf(net) <= 1 && inputBlankOf(net) === 0) return image
  return image.map(pixel => seenAs(net, pixel))
}

/** Signals layer `layer` gives (0 = the input), read by somebody or not. */
export function signalsOf(net: Network, layer: number): number {
  if (layer === 0) return net.width * inputSignalsOf(net)
  const l = net.layers[layer - 1]
  return l.neurons * l.outputs
}

export function linkingOf(net: Network): Linking {
  return net.linking ?? "adder"
}

/** Does K3 learn, so that neurons have parameters and fixed points of their own? */
export function elementsLearn(net: Network): boolean {
  return net.rule === "elements" || net.rule === "mixed"
}

/** Are neurons settled in a scratch record, one by one (src/core/elements.ts)? */
export function settlesOneByOne(net: Network): boolean {
  return elementsLearn(net) || net.backward === "bsp" || net.ring !== undefined
}

/** Are elements finer than Q12? */
export function isFine(net: Network): boolean {
  return net.elementBits === 16
}

/** The largest rate, as a shift. */
export function leastLearnShift(net: Network): number {
  return net.pid ? LEAST_PID_SHIFT : LEAST_LEARN_SHIFT
}

/** The smallest rate, as a shift: more bits than round a change need products as large as finer ones. */
export function mostLearnShift(net: Network): number {
  return (isFine(net) ? MOST_LEARN_SHIFT : NOISE_BITS) - mostFiner(net)
}

/** Bits by which the backward signals of any layer are finer than Q12: its rate needs so many more. */
export function mostFiner(net: Network): number {
  // Asked before the number of layers is known to be sound: no spread.
  return net.layers.reduce((most, { finer = 0 }) => Math.max(most, finer), 0)
}

/** Fraction bits of the backward signals λ that links learn from. */
export function lambdaBits(net: Network): number {
  return isFine(net) ? 14 : 12
}

/**
 * Largest absolute signal on a link: an element lies in elementMin…elementMax, and B is 1 or, where
 * fixed points move, also somewhere there.
 */
export function largestSignal(net: Network): number {
  // As settleForward rounds: the reciprocal to the nearest, the mean towards −∞. An element's
  // displacement is below 3·2^12, steps times the reciprocal at most 2^16 + 8.
  const ones = net.steps * reciprocalOf(net.steps)
  if (isFine(net)) {
    // As settleForwardFine: displacements in Q14, at most 1.875, and rounded to the nearest.
    const most = Math.max(net.elementMax - FIXED_POINT, FIXED_POINT - net.elementMin)
    return (((most << 2) * ones) >> (30 - net.signalBits)) + 1
  }
  const own = elementsLearn(net)
  const up = net.elementMax - (own ? net.elementMin : FIXED_POINT)
  const down = net.elementMin - (own ? net.elementMax : FIXED_POINT)
  return Math.max((up * ones) >> (28 - net.signalBits), -((down * ones) >> (28 - net.signalBits)))
}

/** round(65536 / steps): turns the sum over the steps into the time-mean. */
export function reciprocalOf(steps: number): number {
  return Math.floor((65536 + (steps >> 1)) / steps)
}

/** A Q12 number for the constants of a network's description: q12(3) = 12288. */
export function q12(x: number): number {
  return Math.floor(x * FIXED_POINT + 0.5)
}
