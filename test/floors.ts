/**
 * The floors of the house: which rooms (folders) of host/ stand above which. What is on a floor imports
 * from floors below it, and from src/; rooms of one floor do not import one another.
 */

/** From the ground up. */
export const HOST_FLOORS: readonly (readonly string[])[] = [
  ["base"],
  ["data"],
  ["network", "link", "signals"],
  ["hardware", "models", "ring", "session"],
  ["partition", "faults", "doctor", "codegen", "panel", "sensing"],
  ["fleet"],
  ["library", "dashboard", "training"],
  ["demos", "profile", "bench", "reproduce", "nir", "export"],
  ["cli", "index.ts"],
]

/** Of src/, which everything may import and which imports nothing else. */
export const SOURCE_FLOORS: readonly (readonly string[])[] = [
  ["base"],
  ["core", "ring", "wire", "spiking"],
  ["signals"],
  ["service"],
]

/** Programs that reach what src/ has for boards; the last one runs what no firmware needs yet on a board. */
export const BOARD_PROGRAMS: readonly string[] = [
  "firmware/main.ts",
  "firmware/demos/alone/main.ts",
  "firmware/demos/memory/main.ts",
  "firmware/demos/oscillator/main.ts",
  "firmware/demos/sensor/main.ts",
  "test/src/ring/board-program.ts",
]

/** Modules of src/ that native code of its own is made from, beside the native firmware's. */
export const NATIVE_MODULES: readonly string[] = ["direct", "features", "spikes"]

/** Lines that a file has at most, generated ones apart. */
export const MOST_LINES = 550
