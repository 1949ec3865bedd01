/**
 * What the core's inner loops cost a board, in operations of its virtual machine, counted in the
 * compiler's disassembly (`devs disasm`) along the longest way through each loop. The machine kills
 * a run of 131,072 operations, so they decide how much is done between two yields.
 */

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
/** One synapse's rounding noise. */
export const NOISE_OPERATIONS = 76
/** One entry of the list of signals. */
export const ENTRY_OPERATIONS = 32
