/**
 * What a DeviceScript program file says of itself: which function each address belongs to. With the
 * counts of the machine this gives the operations by function and by kind.
 */

/** A function of a program: the addresses from…to−1, counted from the file's start. */
export interface ProgramFunction {
  name: string
  from: number
  to: number
}

const FUNCTIONS = 32
const ASCII_STRINGS = 64
const STRING_DATA = 88
const FUNCTION_BYTES = 16
/** A string's number: its kind in two bits, its place among those of its kind in the rest. */
const KIND_SHIFT = 14
const KIND_ASCII = 2

export function functionsOf(bytecode: Uint8Array): ProgramFunction[] {
  const view = new DataView(bytecode.buffer, bytecode.byteOffset, bytecode.length)
  const u16 = (at: number) => view.getUint16(at, true)
  const u32 = (at: number) => view.getUint32(at, true)
  const nameOf = (string: number): string => {
    if (string >> KIND_SHIFT !== KIND_ASCII) return ""
    const place = u32(ASCII_STRINGS) + (string & ((1 << KIND_SHIFT) - 1)) * 2
    const from = u32(STRING_DATA) + u16(place)
    return Buffer.from(bytecode.subarray(from, bytecode.indexOf(0, from))).toString("latin1")
  }
  const first = u32(FUNCTIONS)
  const count = u32(FUNCTIONS + 4) / FUNCTION_BYTES
  return Array.from({ length: count }, (_, i) => {
    const at = first + i * FUNCTION_BYTES
    return { name: nameOf(u16(at + 12)), from: u32(at), to: u32(at) + u32(at + 4) }
  })
}

/** Kinds of operations whose costs differ, as they were measured on a board. */
export const OPERATION_KINDS = [
  "constant",
  "literal",
  "localRead",
  "localWrite",
  "add",
  "compare",
  "logic",
  "shift",
  "multiply",
  "jump",
  "branch",
  "bufferRead",
  "bufferWrite",
  "arrayRead",
  "arrayWrite",
  "builtin",
  "field",
  "call",
  "allocate",
  "other",
] as const
export type OperationKind = (typeof OPERATION_KINDS)[number]
export type KindCounts = Record<OperationKind, number>

/** Codes from here on are small constants, −16…111. */
const FIRST_CONSTANT = 0x80

const KINDS: [OperationKind, number[]][] = [
  ["literal", [40, 41]],
  ["localRead", [21, 22, 44]],
  ["localWrite", [17, 18, 93]],
  ["add", [52, 55, 58, 59]],
  ["compare", [56, 68, 69, 70, 71]],
  ["logic", [53, 62, 63, 64]],
  ["shift", [65, 66, 67]],
  ["multiply", [60, 61]],
  ["jump", [13]],
  ["branch", [14, 78]],
  ["bufferRead", [43]],
  ["bufferWrite", [19]],
  ["arrayRead", [24]],
  ["arrayWrite", [25]],
  ["builtin", [16, 29, 30]],
  ["field", [26, 27, 28, 15, 34]],
  ["call", [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 79, 88]],
  ["allocate", [31, 32, 33, 75]],
]
const KIND_OF: OperationKind[] = Array.from({ length: 256 }, (_, code) => {
  if (code >= FIRST_CONSTANT) return "constant"
  return KINDS.find(([, codes]) => codes.includes(code))?.[0] ?? "other"
})

export function noCounts(): KindCounts {
  return Object.fromEntries(OPERATION_KINDS.map(kind => [kind, 0])) as KindCounts
}

/** Operations carried out in each function, by kind; functions of one name together. */
export function countsByFunction(
  bytecode: Uint8Array,
  counts: Uint32Array | Float64Array,
): Map<string, KindCounts> {
  const byName = new Map<string, KindCounts>()
  for (const { name, from, to } of functionsOf(bytecode)) {
    let kinds = byName.get(name)
    if (!kinds) {
      kinds = noCounts()
      byName.set(name, kinds)
    }
    for (let at = from; at < to; at++) kinds[KIND_OF[bytecode[at]]] += counts[at]
  }
  return byName
}

export function totalOf(counts: KindCounts): number {
  return OPERATION_KINDS.reduce((sum, kind) => sum + counts[kind], 0)
}
