/** What a model says of its signal, for the C library: plan of its features and cut of the stream as constants. */
import { streamSamples } from "../../../src/signals/segment"
import type { SignalDescription } from "../../signals/description"
import { buildPlan, leastOf, workBytes } from "../../signals/plan"
import { streamState } from "../../signals/stream"
import { wrapped } from "./text"

export interface CSignal {
  /** Of model.h and model.c. */
  header: string
  code: string
  /** Bytes of constants, and of RAM: working memory and what a stream is kept in. */
  flashBytes: number
  ramBytes: number
  /** As WUXING_FEATURES (template/wuxing_features.h). */
  kinds: number
  channels: number
  /** Samples a second. */
  rate: number
}

/** As WUXING_FEATURES (template/wuxing_features.h): a reservoir may read a trace. */
const KINDS = { trace: 1, bands: 2, reservoir: 4 }

/** @param name a C identifier in lower case */
export function signalSource(signal: SignalDescription, name: string): CSignal {
  const { features, unknown = 0, hold = 1 } = signal
  const upper = name.toUpperCase()
  const plan = buildPlan(features)
  const work = Math.ceil(workBytes(features) / 4)
  const { channels, cut, rate, unit } = features
  const state = cut ? streamState(features) : undefined
  const samples = state ? streamSamples(state) : 0
  const stream = state
    ? `/* How its stream is cut: ${cut?.by === "window" ? "windows, one every so many samples" : "stretches that move"}. */
#define ${upper}_STREAM_SAMPLES ${samples}
extern const int32_t ${name}_stream[WUXING_STREAM_WORDS];
`
    : ""
  const header = `
/* Its signal: channels ${channels.map(channel => channel.replace(/[^\w .-]/g, "?")).join(", ")}, ${rate} samples a second. */
#define ${upper}_CHANNELS ${channels.length}
#define ${upper}_INTERVAL_US ${Math.round(1e6 / rate)}
#define ${upper}_UNIT ${unit}
#define ${upper}_LEAST ${leastOf(features)}
#define ${upper}_WORK_WORDS ${work}
/* Of no known class below this lead (wuxing_lead), or before so many windows in a row are of one. */
#define ${upper}_UNKNOWN ${unknown}
#define ${upper}_HOLD ${hold}
${stream}extern const uint8_t ${name}_plan[${plan.length}];
`
  const code = [
    `const uint8_t ${name}_plan[${plan.length}] WUXING_ALIGNED WUXING_FLASH = {`,
    `${wrapped([...plan])}\n};\n`,
    ...(state
      ? [
          `const int32_t ${name}_stream[WUXING_STREAM_WORDS] WUXING_FLASH = {`,
          `${wrapped(Array.from({ length: state.length / 4 }, (_, i) => state.readInt32LE(4 * i)))}\n};\n`,
        ]
      : []),
  ].join("\n")
  return {
    ...{ channels: channels.length, rate },
    ...{ header, code, kinds: KINDS[features.kind] },
    flashBytes: plan.length + (state?.length ?? 0),
    ramBytes: 4 * work + 2 * channels.length * samples,
  }
}
