/** wuxing_features.c: the features of src/signals as C, for models that read a signal. */
import { readFileSync } from "node:fs"
import { corePath } from "../../codegen/core-files"
import { template } from "./built"
import { translate } from "./translate"

const MODULES = [
  ...["layout", "neuron", "ring-neuron", "random", "plan", "whole-math", "trim", "trace"],
  ...["fourier", "spread", "fixed-kernels", "bands", "reservoir", "features", "segment"],
]
const ROOTS = ["features", "clearStream", "followStream", "nextStream"]

/** Modules of one kind of features, as WUXING_FEATURES (template/wuxing_features.h). */
const KINDS: Record<string, number> = {
  ...{ trace: 5, fourier: 2, spread: 2, "fixed-kernels": 2, bands: 2, "whole-math": 7 },
  ...{ reservoir: 4, "ring-neuron": 4, random: 4 },
}
/** Of whole-math, where one kind alone needs it. */
const NEEDED: Record<string, number> = { logOf: 2 }

/** The kernel of rings finds all it needs in working memory here, not in a shard's structures. */
function sourceOf(name: string): string {
  const text = readFileSync(corePath(name), "utf8")
  return name === "ring-neuron" ? text.replace(/\bm(?=: Buffer|\.[gs]etAt)/g, "work") : text
}

export function featuresSource(): string {
  const sources = new Map(MODULES.map(name => [name, sourceOf(name)]))
  const { functions, constants } = translate(sources, ROOTS)
  const kindOf = new Map(
    [...sources].flatMap(([module, text]) =>
      [...text.matchAll(/^(?:export )?function (\w+)/gm)].map(([, name]) => [
        name,
        NEEDED[name] ?? KINDS[module],
      ]),
    ),
  )
  const guarded = (name: string, text: string) => {
    const kinds = kindOf.get(name)
    return kinds ? `#if WUXING_FEATURES & ${kinds}\n${text}\n#endif` : text
  }
  return [
    template("features-head.c").replace("@memory@", () => template("memory.c")),
    ...[...constants].map(([name, value]) => `#define ${name} INT32_C(${value})`),
    "",
    ...functions.map(({ name, prototype }) => guarded(name, prototype)),
    ...functions.map(({ name, text }) => `\n${guarded(name, text)}`),
    "",
    template("features-tail.c"),
  ].join("\n")
}
