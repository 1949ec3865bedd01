/**
 * `npm run footprint`: flash, RAM and cycles of the C library on the processors of people's boards. The
 * code is what a program links of it (-ffunction-sections, --gc-sections), with what it needs of libgcc.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import "../../../host/base/memory"
import { grouped } from "../../../host/base/numbers"
import { modelSource } from "../../../host/export/c/model-source"
import type { Model } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { HostNetwork } from "../../../host/network/host-network"
import { readTrainingData } from "../../../host/training/training-data"
import { uniform } from "../../src/core/helpers"
import {
  FREESTANDING,
  M0,
  M33,
  type Outcome,
  RV32,
  runOnM0,
  runOnM33,
  runOnRv32,
  type Sample,
  symbolsOf,
  writeBench,
} from "./machines/bench"
import { link, programOf, runUno } from "./machines/uno"

const NETWORKS = (process.env.FOOTPRINT ?? "64-8-4@16 64-16-10 pico-16").split(" ")
const SAMPLES = 10
const HERE = fileURLToPath(new URL("machines", import.meta.url))

interface Core {
  name: string
  prefix: string
  flags: string[]
  elf: string
  /** Cycles, or instructions, of each sample. */
  run?: (folder: string, flags: string[]) => Outcome
}

const CORES: Core[] = [
  { name: "Cortex-M0+", prefix: "arm-none-eabi-", flags: M0, elf: "m0.elf", run: runOnM0 },
  { name: "Cortex-M33", prefix: "arm-none-eabi-", flags: M33, elf: "m33.elf", run: runOnM33 },
  {
    name: "RV32IMC",
    prefix: "riscv64-unknown-elf-",
    flags: RV32,
    elf: "rv32.elf",
    run: countedOnRv32,
  },
  { name: "Xtensa LX106", prefix: "xtensa-lx106-elf-", flags: FREESTANDING, elf: "" },
]

/** Half are named, half are learnt: MNIST's test images, or inputs of which none is zero. */
async function samplesOf({ network }: Model): Promise<Sample[]> {
  const next = uniform(5)
  const { width } = network
  const mnist =
    width === 784 ? (await readTrainingData("mnist", network, undefined)).test : undefined
  return Array.from({ length: 2 * SAMPLES }, (_, i) => {
    const learns = i >= SAMPLES
    if (mnist)
      return {
        inputs: mnist.images.slice(i * width, (i + 1) * width),
        label: learns ? mnist.labels[i] : -1,
      }
    return {
      inputs: Uint8Array.from({ length: width }, () => 1 + Math.floor(next() * 255)),
      label: learns ? i % network.layers.at(-1)!.neurons : -1,
    }
  })
}

/** Which samples taught something: the others cost less. */
function taught(model: Model, samples: Sample[]): boolean[] {
  const host = new HostNetwork(model.network)
  return samples.map(({ inputs, label }) => {
    const before = host.coefficients()
    if (label >= 0) host.train(inputs, label)
    return !before.equals(host.coefficients())
  })
}

/** Bytes of the library's functions in a program, and of libgcc's. */
function codeBytes(elf: string, prefix: string, object: string): number {
  const own = execFileSync(`${prefix}nm`, [object], { encoding: "utf8" })
  const names = new Set([...own.matchAll(/ [tTrR] (\S+)$/gm)].map(([, name]) => name))
  const sizes = execFileSync(`${prefix}nm`, ["-S", elf], { encoding: "utf8" })
  let bytes = 0
  for (const [, size, name] of sizes.matchAll(/^\w+ (\w+) [tTrR] (\S+)$/gm))
    if (names.has(name) || /^__(u?div|aeabi|mul)/.test(name)) bytes += Number.parseInt(size, 16)
  return bytes
}

/** qemu-user counts nothing by itself: its log of every instruction is counted instead. */
function countedOnRv32(folder: string, flags: string[]): Outcome {
  const outcome = runOnRv32(folder, flags)
  const elf = join(folder, "rv32.elf")
  const log = join(folder, "rv32.log")
  execFileSync("qemu-riscv32", ["-singlestep", "-d", "nochain,exec", "-D", log, elf])
  const symbols = symbolsOf(elf, "riscv64-unknown-elf-")
  const [begin, end] = ["begin_sample", "end_sample"].map(name => symbols.get(name))
  const cycles: number[] = []
  let count = 0
  for (const [, at] of readFileSync(log, "latin1").matchAll(/^Trace \d+: \S+ \[\w+\/(\w+)/gm)) {
    const address = Number.parseInt(at, 16)
    if (address === begin) count = 0
    else if (address === end) cycles.push(count)
    count++
  }
  rmSync(log)
  return { ...outcome, cycles }
}

const folder = mkdtempSync(join(tmpdir(), "wuxing-footprint-"))
const rows: string[][] = []
try {
  for (const what of NETWORKS) {
    const model = readModel(what, 1)
    const { network } = model
    const outputs = Array.from({ length: network.layers.at(-1)!.neurons }, (_, i) => `${i}`)
    const made = modelSource(model, "model", outputs)
    const samples = await samplesOf(model)
    const learnt = taught(model, samples)
    const mean = (cycles: number[] | undefined, of: (i: number) => boolean) => {
      const some = (cycles ?? []).filter((_, i) => of(i))
      return some.length > 0 ? Math.round(some.reduce((a, b) => a + b, 0) / some.length) : undefined
    }
    const row = (core: string, code: (number | undefined)[], cycles: (number | undefined)[]) =>
      rows.push(
        [what, core].concat(
          [...code, made.flashBytes, made.predictBytes, made.learnBytes, ...cycles].map(n =>
            n === undefined ? "–" : grouped(n),
          ),
        ),
      )
    for (const core of CORES) {
      const at = join(folder, `${what}-${core.name}`.replace(/\W/g, "-"))
      writeBench(at, model, samples)
      const flags = ["-O2", `-DWUXING_RINGS=${made.rings}`]
      const object = join(at, "wuxing.o")
      execFileSync(`${core.prefix}gcc`, [
        ...[...core.flags, ...flags, "-I", at, "-c", join(at, "wuxing.c"), "-o", object],
      ])
      if (!core.run) {
        const text = execFileSync(`${core.prefix}size`, [object], { encoding: "utf8" })
        row(core.name, [Number(/\n\s*(\d+)/.exec(text)?.[1]), undefined], [undefined, undefined])
        continue
      }
      const { cycles } = core.run(at, flags)
      const all = codeBytes(join(at, core.elf), core.prefix, object)
      core.run(at, [...flags, "-DPREDICT_ONLY"])
      const predicts = codeBytes(join(at, core.elf), core.prefix, object)
      row(
        core.name,
        [all, predicts],
        [mean(cycles, i => i < SAMPLES), mean(cycles, i => learnt[i])],
      )
    }
    if (made.flashBytes < 14_000) row("AVR (Uno)", ...onUno(model, made, samples, learnt, mean))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function onUno(
  model: Model,
  made: { learnBytes: number; predictBytes: number; rings: number },
  samples: Sample[],
  learnt: boolean[],
  mean: (cycles: number[] | undefined, of: (i: number) => boolean) => number | undefined,
): [(number | undefined)[], (number | undefined)[]] {
  const at = join(folder, `${model.network.name}-avr`)
  writeBench(at, model, samples)
  const few = samples.filter((_, i) => i < 2 || (i >= SAMPLES && i < SAMPLES + 4))
  const fewLearnt = learnt.filter((_, i) => i < 2 || (i >= SAMPLES && i < SAMPLES + 4))
  const lines = few.map(({ inputs, label }) => `{${label}, {${[...inputs].join(",")}}},`)
  writeFileSync(
    join(at, "avr-samples.h"),
    `#define SAMPLES ${few.length}\nstatic const struct { int16_t label; uint8_t inputs[MODEL_INPUTS]; } samples[SAMPLES] PROGMEM = {${lines.join("\n")}};\n`,
  )
  const flags = [
    ..."-mmcu=atmega328p -std=gnu11 -Os -ffunction-sections -fdata-sections".split(" "),
    ...[`-DWUXING_RINGS=${made.rings}`, "-I", at],
  ]
  const built = (only: string[]) => {
    const objects = [join(at, "wuxing.c"), join(at, "model.c"), join(HERE, "bench-avr.c")].map(
      (source, i) => {
        const object = join(at, `avr-${i}.o`)
        execFileSync("avr-gcc", [...flags, ...only, "-c", source, "-o", object])
        return object
      },
    )
    const elf = join(at, "avr.elf")
    link(objects, elf)
    const { cycles } = runUno(programOf(elf), /\n/)
    return { bytes: codeBytes(elf, "avr-", objects[0]), cycles }
  }
  const predicts = model.network.width < 700 ? built(["-DPREDICT_ONLY"]) : undefined
  const learns = made.learnBytes < 1400 ? built([]) : undefined
  return [
    [learns?.bytes, predicts?.bytes],
    [
      mean(learns?.cycles.slice(0, 2) ?? predicts?.cycles, () => true),
      mean(learns?.cycles, i => fewLearnt[i]),
    ],
  ]
}

const head = [
  ...["network", "core", "code, learns (B)", "code, predicts (B)", "model (B of flash)"],
  ...["RAM, predicts (B)", "RAM, learns (B)", "cycles to name", "cycles to learn"],
]
console.log(`| ${head.join(" | ")} |\n|${head.map(() => " --- |").join("")}`)
for (const row of rows) console.log(`| ${row.join(" | ")} |`)
