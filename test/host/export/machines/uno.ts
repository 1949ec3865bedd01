/** An Arduino Uno: programs built with Debian's arduino-core-avr as the IDE builds them, run by avr8js. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { AVRTimer, AVRUSART, avrInstruction, CPU, timer0Config, usart0Config } from "avr8js"
import { builtOnce } from "../../../../host/base/built-once"

const ARDUINO = "/usr/share/arduino/hardware/arduino/avr"
const CORE = join(ARDUINO, "cores/arduino")
const CLOCK_HZ = 16_000_000
const RAM_FROM = 0x100
const RAM_END = 0x900

export const noArduino = !existsSync(CORE)
/** The board's flags, as boards.txt and platform.txt of the core have them. */
const BOARD = [
  ..."-mmcu=atmega328p -DF_CPU=16000000L -DARDUINO=10819 -DARDUINO_AVR_UNO".split(" "),
  ..."-DARDUINO_ARCH_AVR -Os -g -ffunction-sections -fdata-sections".split(" "),
  ...["-I", CORE, "-I", join(ARDUINO, "variants/standard")],
]
const C = ["-std=gnu11", "-w"]
// Debian's compiler is older than the core, and knows this name in C alone.
const CPP =
  "-DDECIMAL_DIG=17 -std=gnu++11 -fno-exceptions -fpermissive -fno-threadsafe-statics -w".split(" ")

/** What sketches that print need of the core. */
const NEEDED =
  /^((wiring|wiring_digital|hooks)\.c|(main|HardwareSerial0?|Print|WString|abi|new)\.cpp)$/

/** The core, compiled once for all tests; programs link what they need of it. */
export async function arduinoCore(): Promise<string> {
  const sources = readdirSync(CORE).map(name => [name, readFileSync(join(CORE, name), "utf8")])
  const version = execFileSync("avr-gcc", ["--version"], { encoding: "utf8" })
  const { path } = await builtOnce("arduino-core.a", [version, BOARD, C, CPP, sources], async () =>
    buildCore(),
  )
  return path
}

function buildCore(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "wuxing-arduino-core-"))
  try {
    const objects = readdirSync(CORE)
      .filter(name => NEEDED.test(name))
      .map(name => {
        const object = join(folder, `${name}.o`)
        const [compiler, ...flags] = name.endsWith(".cpp") ? ["avr-g++", ...CPP] : ["avr-gcc", ...C]
        execFileSync(compiler, [...flags, ...BOARD, "-c", join(CORE, name), "-o", object])
        return object
      })
    const archive = join(folder, "core.a")
    execFileSync("avr-ar", ["rcs", archive, ...objects])
    return readFileSync(archive)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface UnoProgram {
  flash: Uint8Array
  /** Bytes of flash, and of RAM for variables. */
  flashBytes: number
  ramBytes: number
  symbols: Map<string, number>
}

/**
 * Builds a sketch of an exported library.
 *
 * @param library the folder with src/ and examples/
 */
export function buildSketch(library: string, example: string, core: string): UnoProgram {
  const folder = join(library, "examples", example)
  return buildProgram(join(library, "src"), join(folder, `${example}.ino`), core)
}

/**
 * Builds a program of an exported library.
 *
 * @param source the library's folder
 * @param main a sketch, which finds what lies beside it
 */
export function buildProgram(source: string, main: string, core: string): UnoProgram {
  const out = main.replace(/\.\w+$/, "")
  const objects = readdirSync(source)
    .filter(name => name.endsWith(".c"))
    .map(name => {
      const object = `${out}-${name}.o`
      // Without -w: the library is to be clean as the IDE compiles it.
      const flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", source]
      execFileSync("avr-gcc", [...flags, ...BOARD, "-c", join(source, name), "-o", object])
      return object
    })
  execFileSync("avr-g++", [
    ...CPP,
    ...BOARD,
    // As the IDE does: a sketch includes Arduino.h by itself.
    ...["-include", "Arduino.h", "-I", source, "-I", dirname(main)],
    ...["-x", "c++", "-c", main, "-o", `${out}.o`],
  ])
  link([`${out}.o`, ...objects, core, "-lm"], `${out}.elf`)
  return programOf(`${out}.elf`)
}

export function link(objects: string[], out: string): void {
  execFileSync("avr-gcc", ["-mmcu=atmega328p", "-Os", "-Wl,--gc-sections", ...objects, "-o", out])
}

export function programOf(elf: string): UnoProgram {
  const binary = elf.replace(/\.elf$/, ".bin")
  execFileSync("avr-objcopy", ["-O", "binary", "-R", ".eeprom", elf, binary])
  const sizes = execFileSync("avr-size", ["-A", elf], { encoding: "utf8" })
  const size = (section: string) =>
    Number(new RegExp(`^\\.${section}\\s+(\\d+)`, "m").exec(sizes)?.[1] ?? 0)
  const names = execFileSync("avr-nm", [elf], { encoding: "utf8" })
  return {
    flash: readFileSync(binary),
    flashBytes: size("text") + size("data"),
    ramBytes: size("data") + size("bss") + size("noinit"),
    symbols: new Map(
      [...names.matchAll(/^(\w+) \w (\S+)$/gm)].map(([, at, name]) => [
        name,
        Number.parseInt(at, 16),
      ]),
    ),
  }
}

export interface UnoRun {
  /** What came over the serial line. */
  text: string
  /** Bytes of RAM between the variables and the deepest the stack went. */
  freeBytes: number
  /** Cycles between calls of begin_sample and end_sample, where the program has them. */
  cycles: number[]
}

/**
 * Runs a program until `until` was printed.
 *
 * @throws Error if that takes more than so many seconds of the Uno's
 */
export function runUno(program: UnoProgram, until: RegExp, seconds = 60): UnoRun {
  const memory = new Uint16Array(0x4000)
  new Uint8Array(memory.buffer).set(program.flash)
  const cpu = new CPU(memory)
  new AVRTimer(cpu, timer0Config)
  const usart = new AVRUSART(cpu, usart0Config, CLOCK_HZ)
  let text = ""
  let last = false
  usart.onByteTransmit = byte => {
    text += String.fromCharCode(byte)
    if (byte === 10) last = until.test(text)
  }
  const wordOf = (name: string) => (program.symbols.get(name) ?? -2) >> 1
  const [begin, end] = [wordOf("begin_sample"), wordOf("end_sample")]
  const cycles: number[] = []
  let since = 0
  let deepest = RAM_END
  while (!last) {
    if (cpu.pc === begin) since = cpu.cycles
    else if (cpu.pc === end) cycles.push(cpu.cycles - since)
    avrInstruction(cpu)
    cpu.tick()
    if (cpu.SP < deepest && cpu.SP > RAM_FROM) deepest = cpu.SP
    if (cpu.cycles > seconds * CLOCK_HZ)
      throw new Error(`the Uno did not say ${until} within ${seconds} s: ${text.slice(-300)}`)
  }
  return { text, cycles, freeBytes: deepest - RAM_FROM - program.ramBytes }
}
