/** Which networks can be run. */
import {
  FIXED_POINT,
  LEAST_ELEMENT_SHIFT,
  LEAST_LEARN_SHIFT,
  LEAST_PID_SHIFT,
  MOST_ELEMENT_SHIFT,
  MOST_FINER,
} from "../../src/core/layout"
import { MOST_GENERATION, MOST_RING_INHIBITION } from "../../src/core/ring-neuron"
import { heunLimit, oscillationThreshold } from "../../src/ring/stability"
import {
  elementsLearn,
  inputBlankOf,
  inputCentreOf,
  inputElement,
  inputFloorOf,
  inputSignalsOf,
  isFine,
  largestSignal,
  linkingOf,
  mostLearnShift,
  type Network,
  outputElement,
  settlesOneByOne,
  signalsOf,
  synapsesOf,
} from "./description"
import { givenOf, kernelsOf, linksOf, windowGrid, windowSpan } from "./linking"
import { strictFaultOf } from "./strict"

/** Coefficients of a layer that a cursor of the core can count (src/core/run.ts). */
const MOST_SHARED_LINKS = 65535
/** So that four samples' changes of a shared coefficient, each of all places, fit 32 bits. */
const MOST_SHARED_SUM = 2 ** 29

/** One more, and a coefficient of 16 bits could not be halfway between two of four. */
const MOST_EXPONENT = 12

/** Why a network cannot be run, or "" if it can. */
export function faultOf(net: Network): string {
  if (net.layers.length < 1) return "it has no layer"
  if (net.width < 1 || net.width > 65535) return "width must be 1…65535 pixels"
  if (net.steps < 2 || net.steps > 16) return "steps must be 2…16"
  if (net.elementBits !== undefined && net.elementBits !== 12 && net.elementBits !== 16)
    return "elementBits must be 12 or 16"
  if (net.signalBits < 6 || net.signalBits > (isFine(net) ? 14 : 12))
    return "signalBits must be 6…12, or 6…14 with elementBits 16"
  if (net.elementMin < 1 || net.elementMin >= FIXED_POINT) return "elementMin must lie in 0…1"
  if (net.elementMax <= FIXED_POINT || net.elementMax > 3 * FIXED_POINT)
    return "elementMax must lie in 1…3"
  if (net.netMin < -4 * FIXED_POINT || net.netMin > 0) return "netMin must lie in −4…0"
  if (net.netMax > 4 * FIXED_POINT || net.netMax < 0) return "netMax must lie in 0…4"
  if (net.inputScale < 0 || net.inputScale > 4 * FIXED_POINT) return "inputScale must lie in 0…4"
  if (inputFloorOf(net) < 0 || inputFloorOf(net) > 255) return "inputFloor must be 0…255"
  if (inputCentreOf(net) < 0 || inputCentreOf(net) > 255) return "inputCentre must be 0…255"
  if (inputBlankOf(net) < 0 || inputBlankOf(net) > 255) return "inputBlank must be 0…255"
  if (inputBlankOf(net) > 0 && !net.layers[0].window?.shared)
    return "inputBlank needs shared kernels in the first layer"
  if (net.lambdaMax < 1 || net.lambdaMax > 2 * FIXED_POINT) return "lambdaMax must lie in 0…2"
  if (net.learnShift < LEAST_LEARN_SHIFT || net.learnShift > mostLearnShift(net))
    return "learnShift must be 1…16, or 1…20 with elementBits 16, less what backward signals are finer"
  const ring = ringFaultOf(net)
  if (ring !== "") return ring
  const inputSignals = inputSignalsOf(net)
  if (inputSignals < 1 || inputSignals > 4) return "inputSignals must be 1…4"
  if (net.width * inputSignals > 65535) return "the input gives more than 65,535 signals"
  for (const l of net.layers) {
    if (l.neurons < 1) return "a layer needs a neuron"
    if (l.inputs < 1 || l.inputs > 5) return "inputs must be 1…5"
    const { inputStep = 1, outputStep = 1, finer = 0 } = l
    if (inputStep !== 1 && inputStep !== 2) return "inputStep must be 1 or 2"
    if (outputStep !== 1 && outputStep !== 2) return "outputStep must be 1 or 2"
    if (inputElement(l, l.inputs - 1) > 4) return "input elements must lie in 0…4"
    if (l.outputs < 1 || l.outputFirst < 0 || outputElement(l, l.outputs - 1) > 4)
      return "output elements must lie in 0…4"
    const { exponent } = l.quantised ?? { exponent: 1 }
    if (exponent < 1 || exponent > MOST_EXPONENT) return "quantised: the exponent must be 1…12"
    if (finer < 0 || finer > MOST_FINER) return "finer must be 0…8"
    const plain = linkingOf(net) === "adder" && !isFine(net)
    if ((inputStep === 2 || outputStep === 2) && !plain)
      return "elements at steps of two need a network of adders in Q12"
    const learnsPlainly = !settlesOneByOne(net) && net.linkBound === undefined && !net.pid
    if (finer > 0 && !(plain && learnsPlainly))
      return "finer backward signals need adders in Q12 that learn links by the plain product, and rings without K1 to K3 of their own"
    if (finer > 0 && net.targets?.always)
      return "finer backward signals are for errors by margin or softmax"
    if (l.fanIn < 1) return "fanIn must be at least 1"
    if (l.neurons * l.outputs > 65535) return "a layer gives more than 65,535 signals"
  }
  for (let layer = 1; layer <= net.layers.length; layer++) {
    const fault = windowFaultOf(net, layer)
    if (fault !== "") return fault
  }
  const fault = learningFaultOf(net)
  if (fault !== "") return fault
  if (isFine(net)) {
    const fine = fineFaultOf(net)
    if (fine !== "") return fine
  }
  if (linkingOf(net) === "strict") return strictFaultOf(net)
  if (linkingOf(net) === "explicit") return givenFaultOf(net)
  return ""
}

function windowFaultOf(net: Network, layer: number): string {
  const { window, neurons, fanIn } = net.layers[layer - 1]
  if (!window) return ""
  const { across, down, width, height, stride } = window
  const which = `the windows of layer ${layer}`
  if (linkingOf(net) !== "adder") return `${which} need a network of adders`
  const signals = signalsOf(net, layer - 1)
  if (signals % (across * down) !== 0)
    return `${which} are on ${across}x${down} places, but the layer before gives ${signals} signals`
  if (windowSpan(window) > across || height > down)
    return `${which} are ${width}x${height} on ${across}x${down} places`
  const inWindow = (width * height * signals) / (across * down)
  if (fanIn !== inWindow) return `${which} hold ${inWindow} signals, but its fanIn is ${fanIn}`
  if (stride === undefined)
    return window.shared ? `${which} share coefficients, so they need a stride` : ""
  const { columns, rows } = windowGrid(window, stride)
  if (neurons % (columns * rows) !== 0)
    return `${which} lie at ${columns}x${rows} places, which do not share ${neurons} neurons evenly`
  return window.shared ? kernelFaultOf(net, layer) : ""
}

/** What the bounds of src/core/kernels.ts ask for, and what it knows. */
function kernelFaultOf(net: Network, layer: number): string {
  const which = `the shared kernels of layer ${layer}`
  const kernels = kernelsOf(net, layer)
  if (!kernels) return ""
  if (layer === net.layers.length) return `${which} are the last layer: outputs share nothing`
  if ((kernels.window.pitch ?? 1) !== 1) return `${which} read every place of a row: no pitch`
  if (net.feedback)
    return `${which} send backward signals on by their own coefficients: no feedback`
  const plainly = !settlesOneByOne(net) && net.linkBound === undefined && !net.pid
  if (isFine(net) || !plainly)
    return `${which} learn by the plain product alone, in rings of Q12 with K1 = 1 and K2 = ½`
  const links = linksOf(net, layer)
  if (links > MOST_SHARED_LINKS)
    return `${which} have ${links} coefficients, at most ${MOST_SHARED_LINKS} fit a layer`
  const places = kernels.columns * kernels.rows
  if (places * largestSignal(net) * net.lambdaMax >= MOST_SHARED_SUM)
    return `${which} lie at ${places} places, over which a change could leave 32 bits: a larger stride, or a smaller lambdaMax or elementMax`
  return ""
}

/** What the bounds of ring-neuron.ts ask for, and that the ring rests at 1 under its steps of 3/4. */
function ringFaultOf(net: Network): string {
  if (!net.ring) return ""
  const { k1, k2, k3 } = net.ring
  if (k1 < 1 || k1 > MOST_GENERATION) return "ring: k1 must lie in 1…4096 (K1 at most 1)"
  if (k2 < 1 || k2 >= k1) return "ring: k2 must lie between 0 and k1, else there is no fixed point"
  if (k3 !== k1 - k2)
    return `ring: k3 must be k1 − k2 = ${k1 - k2}, so that elements rest at 1; another K3 is another unit of theirs: divide inputScale, margin, targets and all clamps but lambdaMax by (k1 − k2)/k3 instead`
  const ratio = FIXED_POINT - Math.floor((k2 * FIXED_POINT + (k1 >> 1)) / k1)
  if (k3 > MOST_RING_INHIBITION || ratio >= oscillationThreshold(5))
    return "ring: (k1 − k2)/k1 must be below 0.854, and k3 at most 3481: beyond, rings swing by themselves"
  if (heunLimit(5, k1, ratio) <= 3072)
    return "ring: steps of 3/4 are too long for these parameters, a ring would not come to rest"
  if (elementsLearn(net) || isFine(net))
    return "ring: K1 to K3 are given for rings of Q12 whose K3 does not learn"
  if (net.lambdaMax > FIXED_POINT + (FIXED_POINT >> 1))
    return "lambdaMax must be at most 1.5 where K1 to K3 are given"
  return ""
}

function learningFaultOf(net: Network): string {
  const { elements, linkBound, pid, targets } = net
  const errorShift = net.errorShift ?? 0
  if (errorShift < 0 || errorShift > 8) return "errorShift must be 0…8"
  if (targets && targets.high <= targets.low) return "the high target must be above the low one"
  if (targets && (targets.low < -2 * FIXED_POINT || targets.high > 2 * FIXED_POINT))
    return "targets must lie in −2…2"
  if (elementsLearn(net) !== (elements !== undefined))
    return "the rules elements and mixed, and only they, need settings for elements"
  if (elements) {
    if (elements.shift < LEAST_ELEMENT_SHIFT || elements.shift > MOST_ELEMENT_SHIFT)
      return "the elements' shift must be 4…24"
    if (elements.bound < 2 || elements.bound > 12) return "the elements' bound must be 2…12"
    if (elements.min < 4096 || elements.min > 8192) return "the least K3 must lie in 4096…8192"
    if (elements.max < 8192 || elements.max > 13926) return "the most K3 must lie in 8192…13926"
    if (elements.signal === "gradient" && net.backward === "bsp")
      return "the elements' gradient needs the backward signal at the operating point"
    if (net.lambdaMax > FIXED_POINT + (FIXED_POINT >> 1))
      return "lambdaMax must be at most 1.5 where elements learn"
  }
  if (net.feedback && (elementsLearn(net) || pid))
    return "feedback is for links that learn without PID control, and no elements beside them"
  if (linkBound !== undefined && (linkBound < 0 || linkBound > net.signalBits))
    return "linkBound must be 0…signalBits"
  if (pid) {
    for (const gain of [pid.proportional, pid.integral, pid.differential])
      if (gain < 0 || gain > 64) return "gains must be 0…64"
    if (pid.memory < 0 || pid.memory > 15) return "the memory of the integral must be 0…15"
    if (net.learnShift < LEAST_PID_SHIFT) return "learnShift must be at least 3 under PID control"
  }
  return ""
}

/** What the bounds of settle-fine.ts and of the products with finer signals ask for. */
function fineFaultOf(net: Network): string {
  if (net.elementMax > 11776) return "elementMax must be at most 2.875 with elementBits 16"
  if (net.netMin < -2 * FIXED_POINT || net.netMax > 2 * FIXED_POINT)
    return "netMin and netMax must lie in −2…2 with elementBits 16"
  if (net.inputScale > 2 * FIXED_POINT) return "inputScale must be at most 2 with elementBits 16"
  if (net.lambdaMax > FIXED_POINT + (FIXED_POINT >> 1))
    return "lambdaMax must be at most 1.5 with elementBits 16"
  if ((net.softmaxGain ?? 0) > 32767) return "softmaxGain must be at most 32767 with elementBits 16"
  if (elementsLearn(net) || net.backward === "bsp" || net.linkBound !== undefined || net.pid)
    return "only links learn with elementBits 16, by the plain product at the operating point"
  return ""
}

function givenFaultOf(net: Network): string {
  if (!net.given || net.given.length !== net.layers.length)
    return "links must be given for each layer behind the input"
  for (let layer = 1; layer <= net.layers.length; layer++) {
    const given = givenOf(net, layer)
    if (given.length !== synapsesOf(net, layer))
      return `layer ${layer} has ${synapsesOf(net, layer)} synapses, but the sources of ${given.length} are given`
    for (let t = 0; t < given.length; t++) {
      let before = -1
      for (const s of given[t]) {
        if (s <= before || s >= signalsOf(net, layer - 1))
          return `the sources of synapse ${t} of layer ${layer} must ascend and be below ${signalsOf(net, layer - 1)}`
        before = s
      }
    }
  }
  return ""
}
