/**
 * DeviceScript's virtual machine as it lies in the npm package, as WebAssembly, and what is added to
 * it: counters of its operations, and a word before each operation of its flash.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { WuxingError } from "../base/errors"
import { needWebAssembly } from "../base/webassembly"

const PAGE_BYTES = 65536
/** Addresses a program can have: its program counter has 16 bits. */
export const PROGRAM_ADDRESSES = 65536
/** One u32 for each address of the program, then one of all operations. */
const COUNTER_PAGES = 5
/**
 * Of the 256 of its own memory, of which it uses some 400 KB: what lies unused is taken for garbage to come,
 * so each start of a machine had all of this process's memory searched for some.
 */
const PAGES = 32
/** Where among the counters the one of all operations is. */
export const TOTAL_COUNTER = 65536

export function unknownMachine(what: string): WuxingError {
  return new WuxingError({
    code: "machine-unknown",
    kind: "internal",
    message: `DeviceScript's machine cannot be counted: ${what}`,
    cause: "the package @devicescript/cli is of another version than this program was written for",
    help: "install the version package.json names (npm ci)",
  })
}

let known: Uint8Array | undefined

const MARK = 'wasmBinaryFile = "data:application/octet-stream;base64,'
/** Where the script of version 2.16.4 has that mark, and more than the text behind it: to read all 28 MB takes 0.2 s. */
const USUAL_PLACE = 12_817_817
const USUAL_ROOM = 400_000

/** The machine as WebAssembly: the package carries it as text inside its one script. */
function machineBinary(): Uint8Array {
  if (known) return known
  const cli = dirname(createRequire(import.meta.url).resolve("@devicescript/cli/package.json"))
  const path = join(cli, "built/devicescript-cli.cjs")
  // As bytes: 28 MB of text would stay with us for long.
  known = machineIn(part(path, USUAL_PLACE, USUAL_ROOM)) ?? machineIn(readFileSync(path))
  if (!known) throw unknownMachine("it is not where it is looked for")
  return known
}

function part(path: string, from: number, length: number): Buffer {
  const file = openSync(path, "r")
  try {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, readSync(file, bytes, 0, length, from))
  } finally {
    closeSync(file)
  }
}

function machineIn(script: Buffer): Buffer | undefined {
  const at = script.indexOf(MARK)
  const from = at + MARK.length
  const to = script.indexOf('"', from)
  if (at < 0 || to < 0) return undefined
  return Buffer.from(script.toString("latin1", from, to), "base64")
}

const SECTION_CUSTOM = 0
const SECTION_IMPORT = 2
const SECTION_MEMORY = 5
const SECTION_CODE = 10
const IMPORT_FUNCTION = 0
/**
 * The head of the machine's loop: `loop`, the function under way (local 2), one step less of the
 * 131,072 (local 3 to 4), out of the loop at zero. What follows carries out one operation.
 */
const LOOP = Buffer.from("41808008210302400340200221022003417f6a2204450d01", "hex")
/** Where in its record a function under way keeps its program counter (u16). */
const PC_OFFSET = 4

/** What `em_flash_save` is called with, in place of a size, before the flash is changed. */
export const FLASH_ERASE = -1
/**
 * With the address of what is about to be programmed; then comes a call with where, and the size with
 * its uppermost bit set.
 */
export const FLASH_SOURCE = -2

export interface MachineModule {
  module: WebAssembly.Module
  /** Where its counters begin: one of u32 for each address of the program, then TOTAL_COUNTER. */
  counters: number
}

const modules = new Map<string, MachineModule>()

/**
 * The machine, compiled once for this process.
 *
 * @param kind "bare": as it is; "timed": it counts its operations and says what it does to its flash;
 *   "counted": it also counts for every address of the program
 * @throws WuxingError "machine-unknown" (kind "internal") where the package has another machine,
 *   "webassembly-missing" (kind "usage")
 */
export function machineModule(kind: "bare" | "timed" | "counted"): MachineModule {
  const known = modules.get(kind)
  if (known) return known
  needWebAssembly("a virtual board")
  const { binary, counters } =
    kind === "bare"
      ? { binary: machineBinary(), counters: 0 }
      : counting(machineBinary(), kind === "counted")
  const made = { module: new WebAssembly.Module(binary), counters }
  modules.set(kind, made)
  return made
}

/**
 * The machine with its counters, and their address: behind its own memory, which is made larger by
 * them.
 */
function counting(
  binary: Uint8Array,
  perAddress: boolean,
): { binary: Uint8Array; counters: number } {
  const sections = sectionsOf(binary)
  const memory = sections.find(({ id }) => id === SECTION_MEMORY)
  const code = sections.find(({ id }) => id === SECTION_CODE)
  if (!memory || !code) throw unknownMachine("it has no memory or no code")
  const place = Buffer.from(code.body).indexOf(LOOP)
  if (place < 0 || Buffer.from(code.body).indexOf(LOOP, place + 1) >= 0)
    throw unknownMachine("its loop is not where it is looked for")

  // Memory: one, with a least and a largest size in pages.
  const [limits, least] = [memory.body[1], leb(memory.body, 2)]
  if (memory.body[0] !== 1 || limits !== 1) throw unknownMachine("its memory is of another kind")
  if (least.value < PAGES) throw unknownMachine("its memory is smaller")
  const pages = PAGES
  const counters = pages * PAGE_BYTES
  const larger = encodeLeb(pages + COUNTER_PAGES)
  const memoryBody = Uint8Array.from([1, 1, ...larger, ...larger])

  const base = encodeLeb(counters)
  // local.get 2, i32.load16_u offset=4, i32.const 2, i32.shl: the counter's place.
  const address = [0x20, 2, 0x2f, 1, PC_OFFSET, 0x41, 2, 0x74]
  const total = encodeLeb(counters + 4 * TOTAL_COUNTER)
  // i32.const 0, twice; i32.load, i32.const 1, i32.add, i32.store, at the total
  const count = [0x41, 0, 0x41, 0, 0x28, 2, ...total, 0x41, 1, 0x6a, 0x36, 2, ...total]
  // place, place, i32.load offset=counters, i32.const 1, i32.add, i32.store offset=counters
  if (perAddress)
    count.push(...address, ...address, 0x28, 2, ...base, 0x41, 1, 0x6a, 0x36, 2, ...base)

  const names = functionNames(sections)
  const imports = importedFunctions(sections)
  const numberOf = (name: string): number => {
    const index = names.get(name)
    if (index === undefined) throw unknownMachine(`it has no ${name}`)
    return index
  }
  const start = (name: string) => startOf(code.body, numberOf(name) - imports)
  const size = numberOf("em_flash_size")
  const call = [0x10, ...encodeLeb(numberOf("em_flash_save"))]
  const insertions = [
    // If em_flash_size() is 0, there is no frame: so a board's turn ends before the next one.
    {
      place: start("jd_rx_get_frame"),
      bytes: [0x10, ...encodeLeb(size), 0x45, 0x04, 0x40, 0x41, 0, 0x0f, 0x0b],
    },
    { place: place + LOOP.length, bytes: count },
    // em_flash_save(page, FLASH_ERASE)
    { place: start("flash_erase"), bytes: [0x20, 0, 0x41, 0x7f, ...call] },
    {
      place: start("flash_program"),
      bytes: [
        // em_flash_save(from, FLASH_SOURCE), em_flash_save(to, size | 0x80000000)
        ...[0x20, 1, 0x41, 0x7e, ...call],
        ...[0x20, 0, 0x20, 2, 0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x72, ...call],
      ],
    },
  ]
  let codeBody = code.body
  // From the last on, so that the others stay where they are.
  for (const { place, bytes } of insertions.sort((a, b) => b.place - a.place))
    codeBody = insertInto(codeBody, place, bytes)

  const out: Uint8Array[] = [binary.subarray(0, 8)]
  for (const section of sections) {
    let body = section.body
    if (section === memory) body = memoryBody
    if (section === code) body = codeBody
    out.push(Uint8Array.from([section.id, ...encodeLeb(body.length)]), body)
  }
  return { binary: Buffer.concat(out), counters }
}

type Section = { id: number; body: Uint8Array }

/** Numbers of functions by their names, which the machine carries for debuggers. */
function functionNames(sections: Section[]): Map<string, number> {
  const FUNCTIONS = 1
  const names = new Map<string, number>()
  for (const { id, body } of sections) {
    if (id !== SECTION_CUSTOM) continue
    const title = text(body, 0)
    if (title.value !== "name") continue
    for (let at = title.end; at < body.length; ) {
      const size = leb(body, at + 1)
      if (body[at] === FUNCTIONS) {
        const count = leb(body, size.end)
        for (let i = 0, to = count.end; i < count.value; i++) {
          const index = leb(body, to)
          const name = text(body, index.end)
          names.set(name.value, index.value)
          to = name.end
        }
      }
      at = size.end + size.value
    }
  }
  return names
}

/** How many functions are imported: their numbers come first. */
function importedFunctions(sections: Section[]): number {
  const body = sections.find(({ id }) => id === SECTION_IMPORT)?.body
  if (!body) return 0
  const count = leb(body, 0)
  let functions = 0
  for (let i = 0, at = count.end; i < count.value; i++) {
    at = text(body, text(body, at).end).end
    if (body[at] !== IMPORT_FUNCTION) throw unknownMachine("it imports more than functions")
    functions++
    at = leb(body, at + 1).end
  }
  return functions
}

function text(body: Uint8Array, at: number): { value: string; end: number } {
  const size = leb(body, at)
  const end = size.end + size.value
  return { value: Buffer.from(body.subarray(size.end, end)).toString("utf8"), end }
}

/** Where the code of a function begins, behind its locals. */
function startOf(body: Uint8Array, index: number): number {
  let at = leb(body, 0).end
  for (let i = 0; i < index; i++) {
    const size = leb(body, at)
    at = size.end + size.value
  }
  const groups = leb(body, leb(body, at).end)
  let start = groups.end
  for (let i = 0; i < groups.value; i++) start = leb(body, start).end + 1
  return start
}

/** Puts `bytes` into the function of a code section that `place` lies in. */
function insertInto(body: Uint8Array, place: number, bytes: number[]): Uint8Array {
  const functions = leb(body, 0)
  let at = functions.end
  for (let i = 0; i < functions.value; i++) {
    const size = leb(body, at)
    const end = size.end + size.value
    if (place < end)
      return Buffer.concat([
        body.subarray(0, at),
        Uint8Array.from(encodeLeb(size.value + bytes.length)),
        body.subarray(size.end, place),
        Uint8Array.from(bytes),
        body.subarray(place),
      ])
    at = end
  }
  throw unknownMachine("its loop lies in no function")
}

function sectionsOf(binary: Uint8Array): Section[] {
  const sections: Section[] = []
  for (let at = 8; at < binary.length; ) {
    const size = leb(binary, at + 1)
    sections.push({ id: binary[at], body: binary.subarray(size.end, size.end + size.value) })
    at = size.end + size.value
  }
  return sections
}

/** An unsigned number in LEB128 and where it ends. */
function leb(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) return { value, end: at }
  }
}

function encodeLeb(value: number): number[] {
  const bytes: number[] = []
  for (;;) {
    const low = value % 128
    value = Math.floor(value / 128)
    if (value === 0) return [...bytes, low]
    bytes.push(low + 128)
  }
}
