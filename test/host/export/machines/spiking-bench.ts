/** The bench of bench.ts with a spiking graph: its names begin with `wuxing`, as the bench has them. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { builtSpiking, template } from "../../../../host/export/c/built"
import { spikingModelSource } from "../../../../host/export/c/export-spiking-c"
import { SpikePlan } from "../../../../src/spiking/spike-plan"
import type { Sample } from "./bench"

const asWuxing = (text: string) =>
  text.replaceAll("spiking", "wuxing").replaceAll("SPIKING", "WUXING")

/** Writes library, graph and samples into a folder. */
export function writeSpikingBench(at: string, plan: Buffer, samples: Sample[]): void {
  mkdirSync(at, { recursive: true })
  const classes = Array.from({ length: plan.getAt(SpikePlan.Classes, "u16") }, (_, i) => `${i}`)
  const { header, code } = spikingModelSource(plan, "model", classes)
  const rows = samples.map(({ inputs, label }) => `  {${label}, {${[...inputs].join(",")}}},`)
  for (const [name, text] of [
    ["wuxing.h", template("spiking.h")],
    ["wuxing.c", builtSpiking()],
    ["model.h", header],
    ["model.c", code],
    [
      "samples.h",
      `#define SAMPLES ${samples.length}\nstatic const struct { int16_t label; uint8_t inputs[MODEL_INPUTS]; } samples[SAMPLES] = {\n${rows.join("\n")}\n};\n`,
    ],
  ])
    writeFileSync(join(at, name), asWuxing(text))
}
