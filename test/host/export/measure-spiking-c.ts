/**
 * `npm run footprint:spiking`: flash, RAM and cycles of a spiking graph as C on several processors: pico-16 in
 * 8 bits, 128 steps, the first test images. Learnt samples that teach nothing count too.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import "../../../host/base/memory"
import { grouped } from "../../../host/base/numbers"
import { readMnist } from "../../../host/data/mnist"
import { spikingModelSource } from "../../../host/export/c/export-spiking-c"
import { loadModel } from "../../../host/models/model-file"
import { trainedPath } from "../../../host/models/trained"
import { spikingGraph } from "../../../host/nir/spiking/compile"
import { spikePlanOf } from "../../../host/nir/spiking/plan"
import { quantise } from "../../../host/nir/spiking/quantise"
import { M0, M4, M33, type Outcome, runOnM0, runOnM4, runOnM33 } from "./machines/bench"
import { codeBytes, mean } from "./machines/footprint"
import { writeSpikingBench } from "./machines/spiking-bench"

const STEPS = 128
const IMAGES = 10

const folder = mkdtempSync(join(tmpdir(), "wuxing-footprint-"))
const model = loadModel(trainedPath("pico-16"))
const { graph } = quantise(spikingGraph(model, { steps: STEPS, neuron: "if" }), 8)
const { plan } = spikePlanOf(graph, "pico-16", { steps: STEPS, weightBits: 8 })
const classes = Array.from("0123456789")
const made = spikingModelSource(plan, "model", classes)
const { images, labels } = readMnist().test
const samples = Array.from({ length: 2 * IMAGES }, (_, i) => ({
  inputs: images.slice(784 * (i % IMAGES), 784 * ((i % IMAGES) + 1)),
  label: i < IMAGES ? -1 : labels[i - IMAGES],
}))
const cores: [string, string[], string, (at: string) => Outcome][] = [
  ["Cortex-M0+", M0, "m0.elf", at => runOnM0(at)],
  ["Cortex-M4 (instructions)", M4, "m4.elf", at => runOnM4(at)],
  ["Cortex-M33 (instructions)", M33, "m33.elf", at => runOnM33(at)],
]
console.log(
  "| core | code (B) | model (B of flash) | RAM, classifies (B) | RAM, learns (B) | cycles an image | cycles a learnt image |",
)
console.log("| --- | --- | --- | --- | --- | --- | --- |")
try {
  for (const [name, flags, elf, run] of cores) {
    const at = join(folder, elf)
    writeSpikingBench(at, plan, samples)
    const { cycles } = run(at)
    const object = join(at, "wuxing.o")
    execFileSync("arm-none-eabi-gcc", [
      ...[...flags, "-O2", "-I", at, "-c", join(at, "wuxing.c"), "-o", object],
    ])
    const figures = [
      ...[codeBytes(join(at, elf), "arm-none-eabi-", object), made.flashBytes],
      ...[made.predictBytes, made.learnBytes],
      ...[mean(cycles, i => i < IMAGES) ?? 0, mean(cycles, i => i >= IMAGES) ?? 0],
    ]
    console.log(`| ${name} | ${figures.map(grouped).join(" | ")} |`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
