/** The two files of a model for the C library: a network and its coefficients as constants. */
import { Header, Kernel, Part, PartFlag, Rule } from "../../../src/core/layout"
import { partAt } from "../../../src/core/run"
import { hasTwo } from "../../../src/core/settle-two"
import { twoInAByte } from "../../models/few-bits"
import type { Model } from "../../models/model-file"
import { isQuantised, quantisedShift } from "../../network/description"
import { exchangeCoefficients } from "../../network/exchange"
import { wholeNetwork } from "../../network/host-network"
import { buildShard } from "../../network/shard"
import { type CSignal, signalSource } from "./signal-source"
import { quoted, wrapped } from "./text"

/** What a part of the model takes of the caller's memory, and what it is made of. */
export interface CModel {
  /** Names begin with this: `gesture_model`, `GESTURE_LEARN_BYTES`. */
  name: string
  inputs: number
  classes: string[]
  /** Bytes of RAM to predict, and to learn too; 0: it cannot. */
  predictBytes: number
  learnBytes: number
  /** Bytes of constants. */
  flashBytes: number
  /** Kinds of neurons and of layers, as WUXING_RINGS (template/wuxing.h). */
  rings: number
  signalBits: number
  /** Where it reads a signal. */
  signal?: CSignal
  header: string
  code: string
  /** As the library keeps them: part by part, Q13, little-endian. @internal */
  coefficients: Buffer
}

const WORK = ["sum", "state", "lambda", "bus_in", "bus_out", "back_in", "back_out"] as const
type Work = Record<(typeof WORK)[number], number>
/** Of WUXING_RINGS (template/wuxing.h): layers with shared kernels, and with coefficients of four bits. */
export const WITH_KERNELS = 8
const WITH_FEW_BITS = 16
/** sizeof (wuxing_part), (wuxing_model) on a 32-bit machine. */
const PART_BYTES = 72
const MODEL_BYTES = 80

/**
 * @param model one that learns links by the plain product (checked by the caller, see fits.ts)
 * @param name a C identifier in lower case
 * @param classes names of the outputs
 */
export function modelSource(model: Model, name: string, classes: string[]): CModel {
  const { network } = model
  const m = buildShard(network, wholeNetwork(network), 1)
  exchangeCoefficients(m, network, Buffer.from(model.coefficients), true)
  const parts = Array.from({ length: m.getAt(Header.Parts, "u16") }, (_, i) => partAt(i))
  const u16 = (part: number, field: number) => m.getAt(part + field, "u16")
  const layerOf = (part: number) => u16(part, Part.Layer)

  let at = 0
  const take = (bytes: number) => {
    const from = at
    at = (at + bytes + 3) & ~3
    return from
  }
  const work: Work[] = parts.map(() => ({
    ...{ sum: 0, state: 0, lambda: 0, bus_in: 0, bus_out: 0, back_in: 0, back_out: 0 },
  }))
  /** For each layer one bus: of its parts, and of those that read it. */
  const perLayer = (of: "bus" | "back", bytes: number) => {
    for (let layer = 1; layer <= network.layers.length; layer++) {
      const owner = parts.find(part => layerOf(part) === layer)!
      const place = take(u16(owner, Part.BusOutWidth) * bytes)
      for (const [i, part] of parts.entries()) {
        if (layerOf(part) === layer) work[i][of === "bus" ? "bus_out" : "back_in"] = place
        if (layerOf(part) === layer + 1) work[i][of === "bus" ? "bus_in" : "back_out"] = place
      }
    }
  }
  const isShared = (part: number) => (u16(part, Part.Flags) & PartFlag.Shared) !== 0
  const synapsesOf = (part: number) => u16(part, Part.Neurons) * u16(part, Part.Inputs)
  for (const [i, part] of parts.entries()) {
    work[i].sum = take(synapsesOf(part) * 4)
    work[i].state = take(u16(part, Part.Neurons) * 10)
  }
  perLayer("bus", 2)
  // Shared kernels read laid out what others take from the inputs as they come.
  for (const [i, part] of parts.entries())
    if (isShared(part) && layerOf(part) === 1) work[i].bus_in = take(u16(part, Part.Sources) * 2)
  const predictBytes = at
  for (const [i, part] of parts.entries()) work[i].lambda = take(synapsesOf(part) * 2)
  perLayer("back", 4)
  const stateAt = take(4)
  const linksOf = (part: number) => m.getAt(part + Part.Links, "i32")
  const learnt = parts.map(part => {
    const from = at
    at += linksOf(part) * 2
    return from
  })
  const stateBytes = at - stateAt
  const fewBits = isQuantised(network)
  const learnBytes = fewBits ? 0 : (at + 3) & ~3

  const kinds = parts.map(part => {
    if ((m.getAt(Header.Rule, "u16") & Rule.Fine) !== 0) return 4
    return hasTwo(m, part) ? 1 : 2
  })
  const upper = name.toUpperCase()
  const tables: string[] = []
  let flashBytes = MODEL_BYTES + parts.length * PART_BYTES
  const table = (type: string, called: string, values: number[], bytes: number) => {
    flashBytes += values.length * bytes
    tables.push(
      `static const ${type} ${called}[${values.length}] WUXING_ALIGNED WUXING_FLASH = {\n${wrapped(values)}\n};\n`,
    )
    return called
  }
  const numbers = (from: number, count: number, format: "u8" | "u16" | "i16") =>
    Array.from({ length: count }, (_, i) => m.getAt(from + i * (format === "u8" ? 1 : 2), format))

  const inputTable = table(
    ...(["int16_t", "input_table"] as const),
    numbers(m.getAt(Header.InputTable, "i32"), 256 * m.getAt(Header.InputSignals, "u16"), "i16"),
    2,
  )
  const entries = parts.map((part, i) => {
    const dense = (u16(part, Part.Flags) & PartFlag.Dense) !== 0
    const sources = u16(part, Part.Sources)
    const links = linksOf(part)
    const address = (field: number) => m.getAt(part + field, "i32")
    const shared = isShared(part)
    const starts = shared ? Kernel.Length / 2 : sources + 1
    const start = dense
      ? "NULL"
      : table("uint16_t", `start_${i}`, numbers(address(Part.Start), starts, "u16"), 2)
    const target =
      dense || shared
        ? "NULL"
        : table("uint8_t", `target_${i}`, numbers(address(Part.Target), links, "u8"), 1)
    const values = numbers(address(Part.Coefficient), links, "i16")
    const quantised = quantisedShift(network, layerOf(part))
    const coefficients =
      quantised > 0
        ? table("uint8_t", `coefficients_${i}`, [...twoInAByte(values.map(v => v >> quantised))], 1)
        : table("int16_t", `coefficients_${i}`, values, 2)
    const fields = {
      ...{ start, target, coefficients, links, learnt: learnt[i], ...work[i] },
      neurons: u16(part, Part.Neurons),
      sources,
      bus_out_width: u16(part, Part.BusOutWidth),
      bus_out_first: u16(part, Part.BusOutFirst),
      first_synapse: u16(part, Part.FirstSynapse),
      inputs: u16(part, Part.Inputs),
      input_step: m.getAt(part + Part.InputStep, "u8"),
      output_first: u16(part, Part.OutputFirst),
      outputs: u16(part, Part.Outputs),
      output_step: m.getAt(part + Part.OutputStep, "u8"),
      finer: u16(part, Part.Finer),
      back_shift: u16(part, Part.BackShift),
      quantised,
      flags:
        u16(part, Part.Flags) &
        (PartFlag.Input | PartFlag.Output | PartFlag.Dense | PartFlag.Shared),
      kind: kinds[i],
    }
    return `  {${fieldsOf(fields)}},`
  })
  const h = (field: number) => m.getAt(field, "u16")
  const i = (field: number) => m.getAt(field, "i16")
  const fields = {
    ...{ format: "WUXING_FORMAT", parts: parts.length, width: network.width },
    ...{ classes: classes.length, part: "parts", input_table: inputTable },
    ...{ seed: `${m.getAt(Header.Seed, "i32") >>> 0}u`, predict_bytes: predictBytes },
    ...{ learn_bytes: learnBytes, state_at: stateAt, state_bytes: stateBytes },
    ...{ reciprocal: h(Header.Reciprocal), softmax_gain: h(Header.SoftmaxGain) },
    ...{ rule: h(Header.Rule), net_min: i(Header.NetMin), net_max: i(Header.NetMax) },
    ...{ element_min: i(Header.ElementMin), element_max: i(Header.ElementMax) },
    ...{ lambda_max: i(Header.LambdaMax), coefficient_max: i(Header.CoefficientMax) },
    ...{ margin: i(Header.Margin), target_high: i(Header.TargetHigh) },
    ...{ target_low: i(Header.TargetLow), steps: h(Header.Steps) },
    ...{ input_signals: h(Header.InputSignals), signal_bits: network.signalBits },
    ...{ signal_shift: h(Header.SignalShift), net_shift: h(Header.NetShift) },
    ...{ learn_shift: h(Header.LearnShift), error_shift: h(Header.ErrorShift) },
  }
  const signal = model.signal && signalSource(model.signal, name)
  if (signal) flashBytes += signal.flashBytes
  const { header, about } = headerOf(model, {
    ...{ name, upper, classes, predictBytes, learnBytes, signal },
  })
  const code = [
    `/* ${about} Generated by \`wuxing export\`. */`,
    `#include "${name}.h"\n`,
    ...tables,
    `static const wuxing_part parts[${parts.length}] WUXING_FLASH = {`,
    ...entries,
    "};\n",
    `const wuxing_model ${name}_model WUXING_FLASH = {${fieldsOf(fields)}};\n`,
    `const char *const ${name}_labels[${upper}_CLASSES] = {`,
    ...classes.map(label => `  ${quoted(label)},`),
    "};\n",
    ...(signal ? [signal.code] : []),
  ].join("\n")
  return {
    ...{ name, inputs: network.width, classes, predictBytes, learnBytes, flashBytes },
    rings: kinds.reduce(
      (all, kind) => all | kind,
      (parts.some(isShared) ? WITH_KERNELS : 0) + (fewBits ? WITH_FEW_BITS : 0),
    ),
    ...{ header, code },
    ...{ signalBits: network.signalBits, signal },
    coefficients: Buffer.concat(
      parts.map(part => {
        const from = m.getAt(part + Part.Coefficient, "i32")
        return m.subarray(from, from + linksOf(part) * 2)
      }),
    ),
  }
}

function headerOf(
  { network }: Model,
  of: Pick<CModel, "name" | "classes" | "predictBytes" | "learnBytes" | "signal"> & {
    upper: string
  },
) {
  const { name, upper, classes, predictBytes, learnBytes, signal } = of
  const sizes = [network.width, ...network.layers.map(layer => layer.neurons)].join("-")
  const about = `A network ${sizes}, ${network.name}.`
  const header = `/* ${about} Generated by \`wuxing export\`. */
#ifndef WUXING_MODEL_${upper}_H
#define WUXING_MODEL_${upper}_H

#include "${signal ? "wuxing_features.h" : "wuxing.h"}"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of one sample's inputs; classes, whose names are in ${name}_labels. */
#define ${upper}_INPUTS ${network.width}
#define ${upper}_CLASSES ${classes.length}
/* Memory for wuxing_init, in words of four bytes: to predict; to predict and learn${learnBytes === 0 ? ", which it cannot" : ""}. */
#define ${upper}_PREDICT_WORDS ${predictBytes / 4}
#define ${upper}_LEARN_WORDS ${(learnBytes || predictBytes) / 4}
/* Bits after the point of an output. */
#define ${upper}_SIGNAL_BITS ${network.signalBits}

extern const wuxing_model ${name}_model;
/* Names of the classes, by number:
${classes.map((label, i) => ` *   ${i}  ${printable(label)}`).join("\n")}
 */
extern const char *const ${name}_labels[${upper}_CLASSES];
${signal?.header ?? ""}
#ifdef __cplusplus
}
#endif

#endif
`
  return { header, about }
}

/** Of a label what may stand in a comment. */
function printable(label: string): string {
  return label.replace(/[^\x20-\x7e]/g, "?").replaceAll("*/", "* /")
}

/** Designated, so that a reader and the compiler see what is what. */
function fieldsOf(fields: Record<string, number | string>): string {
  return wrapped(Object.entries(fields).map(([field, value]) => `.${field} = ${value}`)).replace(
    /^ */,
    "",
  )
}
