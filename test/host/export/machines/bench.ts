/** Builds a bench of the exported C library for a machine and runs it there. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { RP2040 } from "rp2040js"
import { builtLibrary, template } from "../../../../host/export/c/built"
import { modelSource } from "../../../../host/export/c/model-source"
import type { Model } from "../../../../host/models/model-file"

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

const FREESTANDING = "-std=c99 -ffreestanding -ffunction-sections -fdata-sections".split(" ")
export const M0 = [..."-mcpu=cortex-m0plus -mthumb".split(" "), ...FREESTANDING]

/** Runs in an RP2040's core, cycle by cycle. */
export function runOnM0(folder: string, flags: string[] = ["-O2"]): Outcome {
  const elf = join(folder, "m0.elf")
  execFileSync("arm-none-eabi-gcc", [
    ...M0,
    ...flags,
    ...["-I", folder, "-nostdlib", "-Wl,--gc-sections", `-Wl,-T,${join(HERE, "m0.ld")}`],
    ...[join(HERE, "start-m0.c"), join(HERE, "bench.c")],
    ...[join(folder, "wuxing.c"), join(folder, "model.c"), "-lgcc", "-o", elf],
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
  }
  const words = (name: string, n: number) =>
    Array.from({ length: n }, (_, i) => mcu.readUint32(symbols.get(name)! + 4 * i))
  return {
    named: words("named", cycles.length).map(word => word | 0),
    hash: words("learnt_hash", 1)[0] >>> 0,
    cycles,
  }
}

export function symbolsOf(elf: string, prefix = "arm-none-eabi-"): Map<string, number> {
  const text = execFileSync(`${prefix}nm`, [elf], { encoding: "utf8" })
  return new Map(
    [...text.matchAll(/^(\w+) \w (\S+)$/gm)].map(([, at, name]) => [name, Number.parseInt(at, 16)]),
  )
}
