/**
 * What the core's inner loops cost a board, in operations of its virtual machine, counted in the
 * compiler's disassembly (`devs disasm`) along the longest way through each loop. The machine kills
 * a run of 131,072 operations, so they decide how much is done between two yields.
 */
import { Rule } from "./layout"

/** A run stays below this; the rest is for calls and for what is done once. */
export const MOST_OPERATIONS = 120000

/** Sparse links: a link and a listed source, learning (a forward pass is cheaper). */
export const LINK_OPERATIONS = 84
export const SOURCE_OPERATIONS = 72
/** Dense links: a link and a synapse, learning. */
export const DENSE_LINK_OPERATIONS = 73
export const DENSE_SYNAPSE_OPERATIONS = 46
/** A neuron's backward settle, and each of its steps (forward is cheaper). */
export const NEURON_OPERATIONS = 1100
export const STEP_OPERATIONS = 375
/** The same of finer elements. */
export const FINE_NEURON_OPERATIONS = 1200
export const FINE_STEP_OPERATIONS = 480
/** One synapse's rounding noise. */
export const NOISE_OPERATIONS = 76
/** One entry of the list of signals. */
export const ENTRY_OPERATIONS = 32

/** Sums made as pixels come: a link and a pixel, and the most pixels one message holds. */
export const AT_ONCE_LINK_OPERATIONS = 34
export const AT_ONCE_PIXEL_OPERATIONS = 52
export const MESSAGE_PIXELS = 224

/** What other rules than the plain product add: each link, each neuron, each of its steps. */
const BOUND_OPERATIONS = 200
const PID_OPERATIONS = 200
const OWN_LINK_OPERATIONS = 120
const OWN_NEURON_OPERATIONS = 8000
const OWN_STEP_OPERATIONS = 900

/** Operations of a sparse link under a rule (layout.ts, `Rule`). */
export function linkOperations(rule: number): number {
  return LINK_OPERATIONS + extraOperations(rule)
}

/** Operations of a dense link under a rule. */
export function denseLinkOperations(rule: number): number {
  return DENSE_LINK_OPERATIONS + extraOperations(rule)
}

/**
 * The same, whatever the rate: a small one, which finer elements allow, takes the loops of the rules.
 * What a board does between two yields must suit both.
 */
export function mostLinkOperations(rule: number): number {
  return linkOperations(rule) + smallRateOperations(rule)
}

export function mostDenseLinkOperations(rule: number): number {
  return denseLinkOperations(rule) + smallRateOperations(rule)
}

function smallRateOperations(rule: number): number {
  return (rule & Rule.Fine) !== 0 && (rule & Rule.OfLinks) === 0 ? OWN_LINK_OPERATIONS : 0
}

function extraOperations(rule: number): number {
  if ((rule & Rule.OfLinks) === 0) return 0
  let extra = OWN_LINK_OPERATIONS
  if ((rule & Rule.LinkBound) !== 0) extra += BOUND_OPERATIONS
  if ((rule & Rule.Pid) !== 0) extra += PID_OPERATIONS
  return extra
}

/** Operations of a neuron's backward settle under a rule. */
export function neuronOperations(rule: number, steps: number): number {
  if ((rule & Rule.OfNeurons) !== 0) return OWN_NEURON_OPERATIONS + steps * OWN_STEP_OPERATIONS
  if ((rule & Rule.Fine) !== 0) return FINE_NEURON_OPERATIONS + steps * FINE_STEP_OPERATIONS
  return NEURON_OPERATIONS + steps * STEP_OPERATIONS
}

/**
 * Operations of summing the pixels of one message at once, and of listing them.
 *
 * @param most links of the pixel that has the most
 */
export function atOnceOperations(most: number): number {
  return MESSAGE_PIXELS * (AT_ONCE_PIXEL_OPERATIONS + most * AT_ONCE_LINK_OPERATIONS)
}
