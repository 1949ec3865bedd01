/**
 * `npm run footprint`: flash, RAM and cycles of the C library on the processors of people's boards. The
 * code is what a program links of it (-ffunction-sections, --gc-sections), with what it needs of libgcc.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import "../../../host/base/memory"
import { grouped } from "../../../host/base/numbers"
import type { Model } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { hasKernels } from "../../../host/network/linking"
import { type Sample, writeBench } from "./machines/bench"
import { CORES, codeBytes, type Footprint, footprint, mean, SAMPLES } from "./machines/footprint"
import { link, programOf, runUno } from "./machines/uno"

const NETWORKS = (process.env.FOOTPRINT ?? "64-8-4@16 64-16-10 pico-16 mnist-tiny").split(" ")
const HERE = fileURLToPath(new URL("machines", import.meta.url))

const folder = mkdtempSync(join(tmpdir(), "wuxing-footprint-"))
const rows: string[][] = []
try {
  for (const what of NETWORKS) {
    const model = readModel(what, 1)
    const row = (core: string, f: Footprint) => {
      const { flashBytes, predictBytes, learnBytes } = f.made
      rows.push(
        [what, core].concat(
          [
            ...[f.learnsBytes, f.predictsBytes, flashBytes, predictBytes, learnBytes],
            ...[f.predictCycles, f.learnCycles],
          ].map(n => (n === undefined ? "–" : grouped(n))),
        ),
      )
    }
    let last: Footprint | undefined
    for (const core of CORES) {
      // What counts RISC-V's instructions writes a line for each.
      if (core.name === "RV32IMC" && hasKernels(model.network)) continue
      const at = join(folder, `${what}-${core.name}`.replace(/\W/g, "-"))
      last = await footprint(core, model, at)
      row(core.name, last)
    }
    if (last && last.made.flashBytes < 14_000 && model.network.width < 700)
      row("AVR (Uno)", onUno(model, last))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Of few of the samples, as it is slow. */
function onUno(model: Model, f: Footprint): Footprint {
  const { made, samples, learnt } = f
  const at = join(folder, `${model.network.name}-avr`)
  writeBench(at, model, samples)
  const isFew = (i: number) => i < 2 || (i >= SAMPLES && i < SAMPLES + 4)
  const few: Sample[] = samples.filter((_, i) => isFew(i))
  const fewLearnt = learnt.filter((_, i) => isFew(i))
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
  const predicts = built(["-DPREDICT_ONLY"])
  const learns = made.learnBytes < 1400 ? built([]) : undefined
  return {
    ...f,
    learnsBytes: learns?.bytes,
    predictsBytes: predicts.bytes,
    predictCycles: mean(learns?.cycles.slice(0, 2) ?? predicts.cycles, () => true),
    learnCycles: mean(learns?.cycles, i => fewLearnt[i]),
  }
}

const head = [
  ...["network", "core", "code, learns (B)", "code, predicts (B)", "model (B of flash)"],
  ...["RAM, predicts (B)", "RAM, learns (B)", "cycles to name", "cycles to learn"],
]
console.log(`| ${head.join(" | ")} |\n|${head.map(() => " --- |").join("")}`)
for (const row of rows) console.log(`| ${row.join(" | ")} |`)
