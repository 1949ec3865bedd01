/** spiking.c: the integrate-and-fire neurons of src/spiking as C. */
import { readFileSync } from "node:fs"
import { corePath } from "../../codegen/core-files"
import { template } from "./built"
import { translate } from "./translate"

const MODULES = ["random", "spike-plan", "spikes"]
const ROOTS = ["classifySpikes", "learnSpikes", "beginSpikeLearning", "spikesOf"]

export function spikingSource(): string {
  const sources = new Map(MODULES.map(name => [name, readFileSync(corePath(name), "utf8")]))
  const { functions, constants } = translate(sources, ROOTS)
  return [
    template("spiking-head.c").replace("@memory@", () => template("memory.c")),
    ...[...constants].map(([name, value]) => `#define ${name} INT32_C(${value})`),
    "",
    ...functions.map(({ prototype }) => prototype),
    ...functions.map(({ text }) => `\n${text}`),
    "",
    template("spiking-tail.c"),
  ].join("\n")
}
