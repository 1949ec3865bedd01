/** The two files of the C library: the core's functions and what stands round them (template/). */
import { readFileSync } from "node:fs"
import { Header } from "../../../src/core/layout"
import { corePath } from "../../codegen/core-files"
import { wholeNetwork } from "../../network/host-network"
import { preset } from "../../network/presets"
import { buildShard } from "../../network/shard"
import { template } from "./built"
import { WITH_KERNELS } from "./model-source"
import { translate } from "./translate"

const MODULES = [
  "random",
  "layout",
  "noise",
  "run",
  "settle",
  "settle-two",
  "settle-fine",
  "kernels",
  "direct",
]
const ROOTS = ["predictDirect", "learnDirect"]

/** What the template calls, by the kinds of neurons that need it (WUXING_RINGS). */
const KINDS: Record<string, number> = {
  settleForwardTwo: 1,
  settleBackwardTwo: 1,
  bitsWithin: 1,
  settleForward: 2,
  // Also where an element of the smallest neurons ends on a clamp.
  settleBackward: 3,
  settleForwardFine: 4,
  settleBackwardFine: 4,
  sumKernels: WITH_KERNELS,
  sumShared: WITH_KERNELS,
  learnShared: WITH_KERNELS,
  productsOf: WITH_KERNELS,
  sharedNoise: WITH_KERNELS,
  changeShared: WITH_KERNELS,
  mix16: WITH_KERNELS,
}
/** Of which the template has a form for the Cortex-M0 beside. */
const BY_HAND = ["dotFours"]
/** Kept apart, so that the compiler has registers for their loops. */
const APART = [
  "sumInputs",
  "sumSignals",
  "sumAll",
  "learnInputs",
  "learnSignals",
  "draw",
  "outputError",
]
/** Worth a copy in the loop that calls it. */
const INLINE = ["addLinks", "learnLinks", "learnLink", "spreadOf", "signalBits", "mix16"]

/** wuxing.c. */
export function librarySource(): string {
  const sources = new Map(MODULES.map(name => [name, readFileSync(corePath(name), "utf8")]))
  const roots = [...Object.keys(KINDS).filter(name => name !== "bitsWithin"), ...ROOTS]
  const { functions, constants } = translate(sources, roots)
  const guarded = (name: string, text: string) => {
    if (BY_HAND.includes(name)) return `#ifndef BY_HAND\n${text}\n#endif`
    const kinds = KINDS[name]
    return kinds ? `#if WUXING_RINGS & ${kinds}\n${text}\n#endif` : text
  }
  const inlined = (name: string, text: string) => {
    if (INLINE.includes(name)) return text.replace(/^static /m, "static inline ")
    return KINDS[name] || APART.includes(name)
      ? text.replace(/^static /m, "OUTLINED static ")
      : text
  }
  const defined = [...constants].map(([name, value]) => `#define ${name} INT32_C(${value})`)
  // The same in every shard.
  const network = preset("pico-fast", 1)!
  const shard = buildShard(network, wholeNetwork(network), 1)
  const powers = Array.from({ length: 32 }, (_, i) => shard.getAt(Header.PowerTable + 2 * i, "u16"))
  return [
    template("head.c").replace("@memory@", () => template("memory.c")),
    ...defined,
    "",
    template("m0.c"),
    "/* 2^15 · 2^(-i/32) */",
    `static const uint16_t powers[32] WUXING_FLASH = {${powers.join(", ")}};`,
    "",
    "static void settle_forward_of(wuxing *m, const wuxing_part *part);",
    "static void settle_backward_of(wuxing *m, const wuxing_part *part);",
    "static void sum_kernels_of(wuxing *m, const wuxing_part *part, const uint8_t *inputs);",
    "static void learn_kernels_of(wuxing *m, const wuxing_part *part);",
    ...functions.map(({ name, prototype }) => guarded(name, inlined(name, prototype))),
    ...functions.map(({ name, text }) => `\n${guarded(name, inlined(name, text))}`),
    "",
    template("tail.c"),
  ].join("\n")
}
