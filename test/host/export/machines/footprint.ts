/** Flash and cycles of the C library on the processors of people's boards: for `npm run footprint`, and its test. */
import { execFileSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type CModel, modelSource } from "../../../../host/export/c/model-source"
import type { Model } from "../../../../host/models/model-file"
import { isQuantised } from "../../../../host/network/description"
import { HostNetwork } from "../../../../host/network/host-network"
import { hasKernels } from "../../../../host/network/linking"
import { readTrainingData } from "../../../../host/training/training-data"
import { uniform } from "../../../src/core/helpers"
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
} from "./bench"

/** Samples that are named, and as many that are learnt. */
export const SAMPLES = 40

export interface Core {
  name: string
  prefix: string
  flags: string[]
  elf: string
  /** Cycles, or instructions, of each sample. */
  run?: (folder: string, flags: string[]) => Outcome
}

export const CORES: Core[] = [
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

/** Of a network with shared kernels, each of which takes millions of cycles. */
const FEW_SAMPLES = 4

/**
 * MNIST's first test images, or inputs of which none is zero: all are named, then all are learnt if they can
 * be.
 */
export async function samplesOf({ network }: Model): Promise<Sample[]> {
  const next = uniform(5)
  const { width } = network
  const mnist =
    width === 784 ? (await readTrainingData("mnist", network, undefined)).test : undefined
  const outputs = network.layers.at(-1)!.neurons
  const count = hasKernels(network) ? FEW_SAMPLES : SAMPLES
  const samples = Array.from({ length: count }, (_, i) =>
    mnist
      ? { inputs: mnist.images.slice(i * width, (i + 1) * width), label: mnist.labels[i] }
      : {
          inputs: Uint8Array.from({ length: width }, () => 1 + Math.floor(next() * 255)),
          label: i % outputs,
        },
  )
  const named = samples.map(({ inputs }) => ({ inputs, label: -1 }))
  return isQuantised(network) ? named : [...named, ...samples]
}

/** Which samples taught something: the others cost less. */
export function taught(model: Model, samples: Sample[]): boolean[] {
  const host = new HostNetwork(model.network)
  return samples.map(({ inputs, label }) => {
    const before = host.coefficients()
    if (label >= 0) host.train(inputs, label)
    return !before.equals(host.coefficients())
  })
}

/** Bytes of the library's functions in a program, and of libgcc's. */
export function codeBytes(elf: string, prefix: string, object: string): number {
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

export interface Footprint {
  made: CModel
  samples: Sample[]
  /** Which of them taught something. */
  learnt: boolean[]
  /** Bytes of the library in a program that learns too, and in one that only names. */
  learnsBytes?: number
  predictsBytes?: number
  /** Mean over the samples named, and over those of the learnt ones that taught something. */
  predictCycles?: number
  learnCycles?: number
}

/** @param at folder for what is built */
export async function footprint(core: Core, model: Model, at: string): Promise<Footprint> {
  const outputs = Array.from({ length: model.network.layers.at(-1)!.neurons }, (_, i) => `${i}`)
  const made = modelSource(model, "model", outputs)
  const samples = await samplesOf(model)
  const learnt = taught(model, samples)
  writeBench(at, model, samples)
  const flags = ["-O2", `-DWUXING_RINGS=${made.rings}`]
  const object = join(at, "wuxing.o")
  execFileSync(`${core.prefix}gcc`, [
    ...[...core.flags, ...flags, "-I", at, "-c", join(at, "wuxing.c"), "-o", object],
  ])
  if (!core.run) {
    const text = execFileSync(`${core.prefix}size`, [object], { encoding: "utf8" })
    return { made, samples, learnt, learnsBytes: Number(/\n\s*(\d+)/.exec(text)?.[1]) }
  }
  const named = samples.filter(({ label }) => label < 0).length
  if (made.learnBytes === 0) {
    const { cycles } = core.run(at, [...flags, "-DPREDICT_ONLY"])
    const predictsBytes = codeBytes(join(at, core.elf), core.prefix, object)
    return { made, samples, learnt, predictsBytes, predictCycles: mean(cycles, i => i < named) }
  }
  const { cycles } = core.run(at, flags)
  const learnsBytes = codeBytes(join(at, core.elf), core.prefix, object)
  core.run(at, [...flags, "-DPREDICT_ONLY"])
  const predictsBytes = codeBytes(join(at, core.elf), core.prefix, object)
  return {
    ...{ made, samples, learnt, learnsBytes, predictsBytes },
    predictCycles: mean(cycles, i => i < named),
    learnCycles: mean(cycles, i => learnt[i]),
  }
}

export function mean(cycles: number[] | undefined, of: (i: number) => boolean): number | undefined {
  const some = (cycles ?? []).filter((_, i) => of(i))
  return some.length > 0 ? Math.round(some.reduce((a, b) => a + b, 0) / some.length) : undefined
}
