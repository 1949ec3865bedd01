/**
 * DeviceScript's own virtual machine, as it lies in the npm package, run inside this process: no
 * port, no second process, a clock of its own. One instruction is added to its loop, which counts
 * for every address of the program how often the operation there was carried out.
 *
 * Counts are exact and the same at every run: what a program costs a board is read off them.
 */

import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { deviceIdFromHex } from "../link/jacdac"

const PAGE_BYTES = 65536
/** One u32 for each address a program can have: its program counter has 16 bits. */
const COUNTER_PAGES = 4
const LONGEST_LINE = 1024

export class Machine {
  /** Lines the program and the machine log. */
  readonly log: string[] = []
  /** A frame the machine sends, without what a line would add. */
  onFrame?: (frame: Uint8Array) => void
  onLog?: (line: string) => void
  /** Milliseconds since the machine was started, as its program sees them. */
  private now = 1
  private memory!: { buffer: ArrayBuffer }
  private exports!: Record<string, (...values: number[]) => number>
  private counters = 0
  /** Operations before the turn under way. */
  private carriedOut = 0
  private failure: string | undefined

  private constructor(private readonly msPerOperation: number) {}

  /**
   * A machine that begins with `bytecode`.
   *
   * @param id of the device, 16 hexadecimal digits
   * @param msPerOperation by how much its clock goes on while it works; 0: it stands, and others wind it
   * @throws WuxingError "machine-unknown" (kind "internal") where the package has another machine
   */
  static async start(
    bytecode: Uint8Array,
    id = "0123456789abcdef",
    msPerOperation = 0,
  ): Promise<Machine> {
    const machine = new Machine(msPerOperation)
    const { binary, counters } = counting(machineBinary())
    machine.counters = counters
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), machine.imports())
    machine.exports = exports as typeof machine.exports
    machine.memory = exports.memory as typeof machine.memory
    machine.exports.__wasm_call_ctors()
    machine.exports.jd_em_init()
    const { low, high } = deviceIdFromHex(id)
    machine.exports.jd_em_set_device_id_2x_i32(high | 0, low | 0)
    machine.exports.jd_em_init()
    machine.withBytes(bytecode, at => {
      const status = machine.exports.jd_em_devs_deploy(at, bytecode.length)
      if (status !== 0) throw unknownMachine(`it refuses the program (${status})`)
    })
    return machine
  }

  /** How often the operation at each address of the program was carried out so far. */
  counts(): Uint32Array {
    return new Uint32Array(this.memory.buffer, this.counters, PAGE_BYTES).slice()
  }

  /** Operations so far. */
  get operations(): number {
    const counts = new Uint32Array(this.memory.buffer, this.counters, PAGE_BYTES)
    let sum = 0
    for (let i = 0; i < counts.length; i++) sum += counts[i]
    return sum
  }

  /**
   * Lets the machine run until `done`, at most `milliseconds` of its own time.
   *
   * @returns whether it came to be done
   * @throws WuxingError "machine-stopped" (kind "internal") if the program failed
   */
  async run(done: () => boolean, milliseconds: number): Promise<boolean> {
    const end = this.now + milliseconds
    for (let turn = 0; !done(); turn++) {
      if (this.now > end) return false
      const wait = this.exports.jd_em_process()
      if (this.failure) throw this.stopped(this.failure)
      this.now = this.clock()
      this.carriedOut = this.msPerOperation > 0 ? this.operations : 0
      this.now += Math.min(5, Math.max(0.05, wait / 1000))
      // What it sent may be waited for by other code of this process.
      if (turn % 16 === 0) await takeTurns()
    }
    return true
  }

  /**
   * One turn of the machine's loop at a time of the caller's choosing, which never goes back.
   *
   * @param now milliseconds since the machine was started
   * @returns operations the turn took, and milliseconds until the machine has something to do by itself
   * @throws WuxingError "machine-stopped" as `run`
   */
  turn(now: number): { operations: number; idleMs: number } {
    this.now = Math.max(this.now, now)
    const before = this.operations
    const wait = this.exports.jd_em_process()
    if (this.failure) throw this.stopped(this.failure)
    return { operations: this.operations - before, idleMs: wait / 1000 }
  }

  private clock(): number {
    if (this.msPerOperation === 0) return this.now
    return this.now + (this.operations - this.carriedOut) * this.msPerOperation
  }

  private stopped(failure: string): WuxingError {
    return new WuxingError({
      code: "machine-stopped",
      kind: "internal",
      message: `the program stopped: ${failure}`,
      cause: "it failed; its log says where",
      help: `the log ends:\n  ${this.log.slice(-12).join("\n  ")}`,
    })
  }

  /** Hands the machine a frame. */
  send(frame: Uint8Array): void {
    this.withBytes(frame, at => this.exports.jd_em_frame_received(at))
  }

  private withBytes(bytes: Uint8Array, use: (at: number) => void): void {
    const at = this.exports.malloc(bytes.length)
    new Uint8Array(this.memory.buffer).set(bytes, at)
    use(at)
    this.exports.free(at)
  }

  private read(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length).slice()
  }

  private print(at: number): void {
    const bytes = this.read(at, LONGEST_LINE)
    const end = bytes.indexOf(0)
    const line = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8")
    this.log.push(line)
    this.onLog?.(line)
  }

  private imports(): Record<string, Record<string, (...values: number[]) => number | undefined>> {
    const nothing = () => 0
    const env: Record<string, (...values: number[]) => number | undefined> = {
      // No flash: what was kept of an earlier run would change what is counted.
      em_flash_size: () => 128 * 1024,
      em_flash_save: nothing,
      em_flash_load: nothing,
      em_send_frame: at => {
        this.onFrame?.(this.read(at, 12 + new Uint8Array(this.memory.buffer)[at + 2]))
        return undefined
      },
      em_send_large_frame: (at, length) => {
        this.onFrame?.(this.read(at, length))
        return undefined
      },
      _devs_panic_handler: code => {
        if (code !== 0) this.failure ??= `panic ${code}`
        return undefined
      },
      em_deploy_handler: nothing,
      em_jd_crypto_get_random: (at, length) => {
        new Uint8Array(this.memory.buffer).set(randomBytes(length), at)
        return undefined
      },
      em_time_now: () => this.clock(),
      em_print_dmesg: at => {
        this.print(at)
        return undefined
      },
      emscripten_memcpy_big: (to, from, length) => {
        new Uint8Array(this.memory.buffer).copyWithin(to, from, from + length)
        return to
      },
      emscripten_resize_heap: nothing,
      abort: () => {
        throw new Error("the machine gave up")
      },
      exit: code => {
        throw new Error(`the machine ended (${code})`)
      },
    }
    for (const name of ["new", "write", "close", "is_available"])
      env[`_jd_tcpsock_${name}`] = () => -1
    return {
      env,
      wasi_snapshot_preview1: { fd_close: nothing, fd_write: nothing, fd_seek: nothing },
    }
  }
}

function unknownMachine(what: string): WuxingError {
  return new WuxingError({
    code: "machine-unknown",
    kind: "internal",
    message: `DeviceScript's machine cannot be counted: ${what}`,
    cause: "the package @devicescript/cli is of another version than this program was written for",
    help: "install the version package.json names (npm ci)",
  })
}

let known: Uint8Array | undefined

/** The machine as WebAssembly: the package carries it as text inside its one script. */
function machineBinary(): Uint8Array {
  if (known) return known
  const cli = dirname(createRequire(import.meta.url).resolve("@devicescript/cli/package.json"))
  const script = readFileSync(join(cli, "built/devicescript-cli.cjs"), "latin1")
  const mark = 'wasmBinaryFile = "data:application/octet-stream;base64,'
  const at = script.indexOf(mark)
  if (at < 0) throw unknownMachine("it is not where it is looked for")
  const from = at + mark.length
  known = Buffer.from(script.slice(from, script.indexOf('"', from)), "base64")
  return known
}

const SECTION_MEMORY = 5
const SECTION_CODE = 10
/**
 * The head of the machine's loop: `loop`, the function under way (local 2), one step less of the
 * 131,072 (local 3 to 4), out of the loop at zero. What follows carries out one operation.
 */
const LOOP = Buffer.from("41808008210302400340200221022003417f6a2204450d01", "hex")
/** Where in its record a function under way keeps its program counter (u16). */
const PC_OFFSET = 4

/**
 * The machine with a counter for each address of the program, and the address of the counters:
 * behind its own memory, which is made larger by them.
 */
function counting(binary: Uint8Array): { binary: Uint8Array; counters: number } {
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
  const pages = least.value
  const counters = pages * PAGE_BYTES
  const larger = encodeLeb(pages + COUNTER_PAGES)
  const memoryBody = Uint8Array.from([1, 1, ...larger, ...larger])

  const base = encodeLeb(counters)
  // local.get 2, i32.load16_u offset=4, i32.const 2, i32.shl: the counter's place.
  const address = [0x20, 2, 0x2f, 1, PC_OFFSET, 0x41, 2, 0x74]
  // place, place, i32.load offset=counters, i32.const 1, i32.add, i32.store offset=counters
  const count = [...address, ...address, 0x28, 2, ...base, 0x41, 1, 0x6a, 0x36, 2, ...base]

  const out: Uint8Array[] = [binary.subarray(0, 8)]
  for (const section of sections) {
    let body = section.body
    if (section === memory) body = memoryBody
    if (section === code) body = insertInto(section.body, place + LOOP.length, count)
    out.push(Uint8Array.from([section.id, ...encodeLeb(body.length)]), body)
  }
  return { binary: Buffer.concat(out), counters }
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

function sectionsOf(binary: Uint8Array): { id: number; body: Uint8Array }[] {
  const sections: { id: number; body: Uint8Array }[] = []
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
