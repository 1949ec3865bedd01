/** Which features a set of recordings gets, unless the user says. */
import { WuxingError } from "../base/errors"
import { type Features, featuresSchema } from "./description"
import { faultOfFeatures } from "./plan"
import { unitFor } from "./recording"
import type { RecordingSet } from "./recording-set"

/** From so many samples a second a signal is sound or vibration. */
const SOUND_RATE = 1000
const POINTS = 32
/** Slow rings (K1 − K2)/K1 = ¾, which remember longer than those of networks. */
const RESERVOIR = {
  ...{ kind: "reservoir", rings: 20, points: 24, take: ["values"], scale: "shape", parts: 1 },
  ...{ steps: 1, recurrent: 8, k2: 0.25, input: 1, feedback: 0.1, seed: 1 },
}
const BAND_RATE = 8000
/** Fixed kernels on bands, where any is asked for. */
const KERNELS = { count: 100, size: 6, above: 0.6, parts: [5, 4], seed: 1 }
/** What their settings are called, beside those of the bands. */
const KERNEL_SETTINGS: Record<string, keyof typeof KERNELS> = {
  ...{ kernels: "count", size: "size", above: "above", parts: "parts", seed: "seed" },
}
/** Of which quiet ends are told, where a signal is no sound. */
const BLOCKS_A_SECOND = 10

/**
 * @param given as `--features`: "trace", "bands" or "reservoir", then settings, for example
 *   "trace,points=32,scale=own,take=values+differences", "bands,frames=20,bands=16" or
 *   "reservoir,rings=10,points=0"
 * @throws WuxingError "usage" (kind usage) if it is none
 */
export function chooseFeatures(
  { channels, rate, train }: Pick<RecordingSet, "channels" | "rate" | "train">,
  given = "",
): Features {
  const [kind = "", ...settings] = given.split(",").map(part => part.trim())
  const wav = channels[0].startsWith("audio")
  const unit = wav ? 1 : unitFor(train)
  const sound = kind === "bands" || (kind === "" && rate >= SOUND_RATE && channels.length <= 2)
  const base = { channels, rate, unit }
  const made: Record<string, unknown> = sound
    ? {
        ...{ kind: "bands", frames: 20, average: 2, frame: frameFor(rate), bands: 16 },
        ...{ from: Math.min(80, rate / 100), to: Math.min(rate / 2, BAND_RATE / 2) },
        ...{ spacing: "mel", scale: "peak", octaves: 5, ...base },
        trim: 3,
      }
    : {
        ...(kind === "reservoir"
          ? RESERVOIR
          : { kind: kind || "trace", points: POINTS, take: ["values"], scale: "shape" }),
        ...{ floor: 0, trim: 0, ...base },
      }
  let kernels: Record<string, unknown> | undefined
  for (const setting of settings) {
    const [key, value = ""] = setting.split("=")
    if (sound && key in KERNEL_SETTINGS) {
      kernels = { ...(kernels ?? KERNELS), [KERNEL_SETTINGS[key]]: kernelSettingOf(key, value) }
      continue
    }
    if (!(key in made) && !["low", "high", "level"].includes(key))
      throw unknownFeatures(given, `"${key}" is no setting of it`)
    made[key] = settingOf(key, value, unit)
  }
  if (kernels) made.kernels = kernels
  const block = sound ? frameFor(rate) / 2 : Math.max(2, Math.round(rate / BLOCKS_A_SECOND))
  made.trim = made.trim === 0 ? undefined : { bits: made.trim, block }
  const parsed = featuresSchema.safeParse(made)
  if (!parsed.success)
    throw unknownFeatures(
      given,
      parsed.error.issues.map(i => `${i.path.join(".")}: ${i.message}`).join("; "),
    )
  const fault = faultOfFeatures(parsed.data)
  if (fault) throw unknownFeatures(given, fault)
  return parsed.data
}

/** A frame of about 1/32 s. */
function frameFor(rate: number): number {
  return Math.min(1024, Math.max(32, 2 ** Math.round(Math.log2(rate / 32))))
}

/** Parts of frames and of bands are "5x4". */
function kernelSettingOf(key: string, value: string): unknown {
  if (key === "parts") return value.split("x").map(Number)
  return settingOf(key, value, 1)
}

function settingOf(key: string, value: string, unit: number): unknown {
  if (key === "take") return value.split("+")
  const number = Number(value)
  if (value === "" || Number.isNaN(number)) return value
  // In the sensor's units for people, in the core's for the description.
  return ["floor", "low", "high"].includes(key) ? Math.round(number * unit) : number
}

function unknownFeatures(given: string, what: string): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message: `--features "${given}" cannot be used: ${what}`,
    cause: "a setting is misspelt or out of range",
    help: 'for example "trace,points=32,take=values+differences,scale=own", "bands,frames=20,bands=16" or "reservoir,rings=20"',
  })
}
