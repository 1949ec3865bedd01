/** How the core's names, fields and parameters are called in C (translate.ts). */
import type ts from "typescript"

/** A number, or a pointer into flash, to coefficients (flash or RAM), to RAM; `zero` is known to be 0. */
export type Type = "number" | "bool" | "void" | "flash" | "coefficient" | "memory" | "zero"

export const C_TYPES: Record<Type, string> = {
  number: "int32_t ",
  bool: "bool ",
  void: "void ",
  flash: "const uint8_t *",
  coefficient: "const uint8_t *",
  memory: "uint8_t *",
  zero: "int32_t ",
}

/** Addresses in a part's descriptor; other fields are numbers. */
export const POINTERS: Record<string, Type> = {
  Start: "flash",
  Target: "flash",
  Coefficient: "coefficient",
  Sum: "memory",
  State: "memory",
  Lambda: "memory",
  BusIn: "memory",
  BusOut: "memory",
  BackIn: "memory",
  BackOut: "memory",
  // Of shards that hold some of a layer's neurons only.
  NeuronIds: "zero",
  SourceIds: "zero",
  // Its numbers are packed with λ (packNoise).
  Noise: "zero",
}
/** Fields of the header that change; others are the model's. */
export const MUTABLE: Record<string, string> = { Brief: "uint8_t", SampleRandom: "uint16_t" }

/** Parameters that are addresses. */
export const POINTER_PARAMETERS: Record<string, Record<string, Type>> = {
  learnLink: { c: "memory" },
  learnRow: { c: "memory", bus: "memory", last: "memory", back: "memory" },
  addLinks: { sum: "memory", t: "flash", c: "coefficient", end: "flash" },
  dot: { bus: "memory", last: "memory", c: "coefficient" },
  dotFours: { bus: "memory", last: "memory", c: "coefficient" },
  learnLinks: { packed: "memory", t: "flash", c: "memory", end: "flash" },
}
/** Functions that return one. */
export const POINTER_RESULTS: Record<string, Type> = {
  addLinks: "coefficient",
  learnLinks: "memory",
  signalsAt: "memory",
}
/** Functions that write coefficients, so that these are in RAM, besides those named learn…. */
export const LEARNING = ["changeShared", "productsOf"]

/** Functions of which the template has its own form. */
export const GIVEN = [
  "sumByHand",
  "learnByHand",
  "rowByHand",
  "isWord",
  "partAt",
  "nextInput",
  "signalsAt",
  "sumKernelsOf",
  "learnKernelsOf",
  "settleForwardOf",
  "settleBackwardOf",
]

/** `settleForward` as C has it: `settle_forward`. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter, at) => (at > 0 ? "_" : "") + letter.toLowerCase())
}

/** `Header.Steps`, `part + Part.Sum`: a field at an address of its own. */
export function fieldOf(at: ts.Expression): { of: "Header" | "Part"; name: string } | undefined {
  const found = /^(?:(Header)|part \+ (Part))\.(\w+)$/.exec(at.getText())
  return found ? { of: (found[1] ?? found[2]) as "Header" | "Part", name: found[3] } : undefined
}

export function constantName(name: string): string {
  return name.includes(".")
    ? snake(name.replace(".", "_")).replaceAll("__", "_").toUpperCase()
    : name
}

/** Without the parentheses round the whole of it. */
export function unwrapped(code: string): string {
  if (!code.startsWith("(")) return code
  let depth = 0
  for (let i = 0; i < code.length; i++) {
    if (code[i] === "(") depth++
    else if (code[i] === ")" && --depth === 0)
      return i === code.length - 1 && !/^\(\w+_t\)/.test(code) ? code.slice(1, -1) : code
  }
  return code
}
