/**
 * What the core's inner loops cost a board, in operations of its virtual machine, counted in the
 * compiler's disassembly (`devs disasm`) along the longest way through each loop. The machine kills
 * a run of 131,072 operations, so they decide how much is done between two yields.
 */
import { Kernel, Part, Rule } from "./layout"

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

/** Links that are picked (picked.ts): a link and a synapse, summing, and the same learning. */
export const PICKED_LINK_OPERATIONS = 39
export const PICKED_SYNAPSE_OPERATIONS = 62
export const PICKED_LEARN_OPERATIONS = 68
export const PICKED_LEARN_SYNAPSE_OPERATIONS = 52
/** Sums of picked links stay below this: nothing else is done in the same run. */
export const MOST_PICKED_OPERATIONS = 126000

/**
 * Shared kernels: a link of one window (forward), a window that a source is in, and a source; learning,
 * a place of a coefficient, and the coefficient.
 */
export const SHARED_LINK_OPERATIONS = 30
export const SHARED_WINDOW_OPERATIONS = 90
export const SHARED_SOURCE_OPERATIONS = 150
const SHARED_PLACE_OPERATIONS = 62
const SHARED_COEFFICIENT_OPERATIONS = 420

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

/** Operations of summing an image of as many picks as come: two bytes each, whatever they are. */
export function pickedOperations(links: number, synapses: number): number {
  return (
    links * PICKED_LINK_OPERATIONS + synapses * (PICKED_SYNAPSE_OPERATIONS + PICKED_LINK_OPERATIONS)
  )
}

/** Operations of summing one source of a part with shared kernels, in all windows that it can be in. */
export function sharedSourceOperations(m: Buffer, part: number): number {
  const kernel = m.getAt(part + Part.Start, "i32")
  const stride = m.getAt(kernel + Kernel.Stride, "u16")
  const columns = m.getAt(kernel + Kernel.Columns, "u16")
  const rows = m.getAt(kernel + Kernel.Rows, "u16")
  const right = Math.idiv(m.getAt(kernel + Kernel.Width, "u16") - 1, stride) + 1
  const down = Math.idiv(m.getAt(kernel + Kernel.Height, "u16") - 1, stride) + 1
  const windows = Math.min(columns, right) * Math.min(rows, down)
  const synapses = m.getAt(kernel + Kernel.Synapses, "u16")
  // No more than the part's neurons times inputs: below 2^19 · 31 and 2^16 · 90.
  const each = SHARED_WINDOW_OPERATIONS + synapses * SHARED_LINK_OPERATIONS
  return SHARED_SOURCE_OPERATIONS + windows * each
}

/** Operations of learning one coefficient of a part with shared kernels. */
export function sharedLinkOperations(m: Buffer, part: number): number {
  const kernel = m.getAt(part + Part.Start, "i32")
  const places = m.getAt(kernel + Kernel.Columns, "u16") * m.getAt(kernel + Kernel.Rows, "u16")
  return SHARED_COEFFICIENT_OPERATIONS + places * SHARED_PLACE_OPERATIONS
}
