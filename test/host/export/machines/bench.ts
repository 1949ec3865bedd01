/** Builds a bench of the exported C library for a machine and runs it there. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { RP2040 } from "rp2040js"
import { builtLibrary, template } from "../../../../host/export/c/built"
import { modelSource } from "../../../../host/export/c/model-source"
import type { Model } from "../../../../host/models/model-file"
import { compiledC } from "../../../compiled-c"

export interface Sample {
  inputs: Uint8Array
  /** −1: named only. */
  label: number
}

export interface Outcome {
  /** Class named of each sample. */
  named: number[]
  /** Hash of what it learnt, FNV-1a. */
  hash: number
  /** Cycles of each sample, where the machine counts them. */
  cycles?: number[]
}

const HERE = fileURLToPath(new URL(".", import.meta.url))

/** Writes library, model and samples into a folder. */
export function writeBench(folder: string, model: Model, samples: Sample[]): void {
  mkdirSync(folder, { recursive: true })
  const classes = Array.from({ length: model.network.layers.at(-1)!.neurons }, (_, i) => `${i}`)
  const { header, code } = modelSource(model, "model", classes)
  writeFileSync(join(folder, "wuxing.h"), template("wuxing.h"))
  writeFileSync(join(folder, "wuxing.c"), builtLibrary())
  writeFileSync(join(folder, "model.h"), header)
  writeFileSync(join(folder, "model.c"), code)
  const rows = samples.map(({ inputs, label }) => `  {${label}, {${[...inputs].join(",")}}},`)
  writeFileSync(
    join(folder, "samples.h"),
    `#define SAMPLES ${samples.length}\nstatic const struct { int16_t label; uint8_t inputs[MODEL_INPUTS]; } samples[SAMPLES] = {\n${rows.join("\n")}\n};\n`,
  )
}

export const FREESTANDING = "-std=c99 -ffreestanding -ffunction-sections -fdata-sections".split(" ")
export const M0 = [..."-mcpu=cortex-m0plus -mthumb".split(" "), ...FREESTANDING]

/** Ten times what the longest bench takes: none ends by itself where a loop does not. */
const MOST_CYCLES = 2e9

/** Runs in an RP2040's core, cycle by cycle. */
export function runOnM0(folder: string, flags: string[] = ["-O2"]): Outcome {
  const elf = join(folder, "m0.elf")
  const library = libraryObject(folder, "arm-none-eabi-gcc", [...M0, ...flags])
  execFileSync("arm-none-eabi-gcc", [
    ...[
      ...M0,
      "-O2",
      ...definesOf(flags),
      "-nostdlib",
      "-Wl,--gc-sections",
      `-Wl,-T,${join(HERE, "m0.ld")}`,
    ],
    ...["-I", folder, ...sourcesIn(folder, "start-m0.c"), library, "-lgcc", "-o", elf],
  ])
  execFileSync("arm-none-eabi-objcopy", ["-O", "binary", elf, join(folder, "m0.bin")])
  const symbols = symbolsOf(elf)
  const mcu = new RP2040()
  mcu.sram.set(readFileSync(join(folder, "m0.bin")))
  const { core } = mcu
  core.SP = 0x20042000
  core.PC = symbols.get("start")! & ~1
  const [begin, end, finish] = ["begin_sample", "end_sample", "finish"].map(
    name => symbols.get(name)! & ~1,
  )
  const cycles: number[] = []
  let since = 0
  let count = 0
  for (;;) {
    const at = core.PC
    if (at === begin) since = count
    else if (at === end) cycles.push(count - since)
    else if (at === finish) break
    count += core.executeInstruction()
    if (count > MOST_CYCLES) throw new Error(`it had not ended after ${count} cycles`)
  }
  const words = (name: string, n: number) =>
    Array.from({ length: n }, (_, i) => mcu.readUint32(symbols.get(name)! + 4 * i))
  return {
    named: words("named", cycles.length).map(word => word | 0),
    hash: words("learnt_hash", 1)[0] >>> 0,
    cycles,
  }
}

export const M33 = [..."-mcpu=cortex-m33 -mthumb -mfloat-abi=soft".split(" "), ...FREESTANDING]
export const M4 = [..."-mcpu=cortex-m4 -mthumb -mfloat-abi=soft".split(" "), ...FREESTANDING]
export const RV32 = [..."-march=rv32imc -mabi=ilp32".split(" "), ...FREESTANDING]
export const WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split(" ")

/** Runs as an ESP32-C3's core does, under qemu-user. */
export function runOnRv32(folder: string, flags: string[] = ["-O2"]): Outcome {
  const elf = join(folder, "rv32.elf")
  const compiler = "riscv64-unknown-elf-gcc"
  const library = libraryObject(folder, compiler, [...RV32, ...flags])
  const linking = ["-O2", "-nostdlib", "-static", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"]
  execFileSync(compiler, [
    ...[
      ...RV32,
      ...definesOf(flags),
      ...linking,
      "-I",
      folder,
      ...sourcesIn(folder, "start-bare.c"),
    ],
    ...[library, "-lgcc", "-o", elf],
  ])
  return outcomeOf(execFileSync("qemu-riscv32", [elf], { encoding: "utf8" }))
}

interface QemuBoard {
  name: string
  cpu: string[]
  machine: string
  /** Instructions of a tick of its SysTick, where an instruction takes a nanosecond. */
  tick: number
}

/** Runs in a Cortex-M33 (a Pico 2's core), on a board that qemu has; ticks are of 50 instructions. */
export function runOnM33(folder: string, flags: string[] = ["-O2"]): Outcome {
  return runInQemu(folder, flags, { name: "m33", cpu: M33, machine: "mps2-an505", tick: 50 })
}

/** Runs in a Cortex-M4 (SpiNNaker2's cores), on a board that qemu has; ticks are of 40 instructions. */
export function runOnM4(folder: string, flags: string[] = ["-O2"]): Outcome {
  return runInQemu(folder, flags, { name: "m4", cpu: M4, machine: "mps2-an386", tick: 40 })
}

function runInQemu(
  folder: string,
  flags: string[],
  { name, cpu, machine, tick }: QemuBoard,
): Outcome {
  const elf = join(folder, `${name}.elf`)
  const library = libraryObject(folder, "arm-none-eabi-gcc", [...cpu, ...flags])
  execFileSync("arm-none-eabi-gcc", [
    ...[...cpu, "-O2", ...definesOf(flags), "-nostdlib", "-Wl,--gc-sections"],
    `-Wl,-T,${join(HERE, `${name}.ld`)}`,
    ...["-I", folder, ...sourcesIn(folder, "start-bare.c"), library, "-lgcc", "-o", elf],
  ])
  // Semihosting writes to stderr here. An instruction takes a nanosecond.
  const options = "-nographic -monitor none -serial none -icount shift=0".split(" ")
  const { stdout, stderr, status } = spawnSync(
    "qemu-system-arm",
    [
      ...["-M", machine, ...options, "-semihosting-config", "enable=on,target=native"],
      ...["-kernel", elf],
    ],
    { encoding: "utf8", timeout: 60_000 },
  )
  if (status !== 0) throw new Error(`qemu-system-arm ended with ${status}: ${stderr}`)
  return outcomeOf(stdout + stderr, tick)
}

/** Runs on this machine. */
export function runHere(folder: string, compiler: string, flags: string[]): Outcome {
  const binary = join(folder, `here-${compiler}`)
  const library = libraryObject(folder, compiler, ["-std=c99", ...flags])
  const sources = [...sourcesIn(folder, "start-posix.c"), library]
  const plain = withoutOptimising(flags)
  execFileSync(compiler, ["-std=c99", ...plain, "-I", folder, ...sources, "-o", binary])
  return outcomeOf(execFileSync(binary, { encoding: "utf8" }))
}

/** For what is around the library: mostly numbers, which a compiler takes long to optimise under sanitizers. */
export function withoutOptimising(flags: string[]): string[] {
  return flags.map(flag => (/^-O\d$/.test(flag) ? "-O0" : flag))
}

function sourcesIn(folder: string, start: string): string[] {
  return [join(HERE, start), join(HERE, "bench.c"), join(folder, "model.c")]
}

/** What the bench itself is to know of. */
function definesOf(flags: string[]): string[] {
  return flags.filter(flag => flag.startsWith("-D"))
}

/**
 * The library as an object.
 *
 * @param name of its source in the folder, which has its headers
 */
export function libraryObject(
  folder: string,
  compiler: string,
  flags: string[],
  name = "wuxing.c",
): string {
  return compiledC(compiler, [...flags, "-c"], [join(folder, name)], [folder])
}

function outcomeOf(text: string, tick = 1): Outcome {
  const numbers = text.trim().split(/\s+/).map(Number)
  const count = numbers.findIndex(n => n > 255)
  const [hash, ...ticks] = numbers.slice(count)
  return { named: numbers.slice(0, count), hash, cycles: ticks.map(t => t * tick) }
}

export function symbolsOf(elf: string, prefix = "arm-none-eabi-"): Map<string, number> {
  const text = execFileSync(`${prefix}nm`, [elf], { encoding: "utf8" })
  return new Map(
    [...text.matchAll(/^(\w+) \w (\S+)$/gm)].map(([, at, name]) => [name, Number.parseInt(at, 16)]),
  )
}
