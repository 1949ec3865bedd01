/** A character display (HD44780) as its data sheet has it, fed with what was seen on its wires. */
import type { Edge } from "./uno-chip.mjs"

export interface Nibble {
  ms: number
  /** Register select: data, not a command. */
  data: boolean
  value: number
}

/** Nibbles at the falling edges of the enable wire; wires: RS, EN, D4…D7. */
export function parallelNibbles(wires: Edge[][]): Nibble[] {
  const [rs, en, ...data] = wires
  const at = (edges: Edge[], ms: number) =>
    edges.findLast(([when]) => when <= ms)?.[1] === "high" ? 1 : 0
  return en.flatMap(([ms, level], i) =>
    level === "low" && en[i - 1]?.[1] === "high"
      ? [
          {
            ms,
            data: at(rs, ms) === 1,
            value: data.reduce((v, d, bit) => v | (at(d, ms) << bit), 0),
          },
        ]
      : [],
  )
}

/** The same behind a PCF8574: bit 0 RS, bit 2 enable, bits 4…7 data. */
export function i2cNibbles(bytes: [ms: number, address: number, byte: number][]): Nibble[] {
  return bytes.flatMap(([ms, , byte], i) => {
    const before = bytes[i - 1]?.[2] ?? 0
    return before & 4 && !(byte & 4) ? [{ ms, data: (before & 1) === 1, value: before >> 4 }] : []
  })
}

/** Busy after each instruction, ms (data sheet, table 6): clear and home take longer than the rest. */
const BUSY_MS = { clear: 1.52, other: 0.037 }

/**
 * What both lines show. The display starts in 8-bit mode, where each nibble is an instruction with
 * its low half zero, until function set chooses 4-bit mode.
 *
 * @throws if an instruction comes while the one before it still runs
 */
export function displayText(nibbles: Nibble[]): string[] {
  const memory = Array.from({ length: 128 }, () => " ")
  let address = 0
  let wide = true
  let on = false
  let half: Nibble | undefined
  let busyUntil = 0
  for (const nibble of nibbles) {
    if (nibble.ms < busyUntil)
      throw new Error(`instruction at ${nibble.ms} ms, busy until ${busyUntil}`)
    if (!wide && !half) {
      half = nibble
      continue
    }
    const value: number = wide ? nibble.value << 4 : (half!.value << 4) | nibble.value
    const data = wide ? nibble.data : half!.data
    half = undefined
    busyUntil = nibble.ms + (!data && value > 0 && value < 4 ? BUSY_MS.clear : BUSY_MS.other)
    if (data) memory[address++ & 127] = String.fromCharCode(value)
    else if (value & 0x80) address = value & 0x7f
    else if (value & 0x20) wide = (value & 0x10) !== 0
    else if (value & 0x10) throw new Error("no shifts are used")
    else if (value & 0x08) on = (value & 4) !== 0
    else if (value & 0x04) continue
    else if (value & 0x02) address = 0
    else if (value & 0x01) {
      memory.fill(" ")
      address = 0
    }
  }
  if (!on) return ["(off)"]
  return [0, 0x40].map(from => memory.slice(from, from + 16).join(""))
}
