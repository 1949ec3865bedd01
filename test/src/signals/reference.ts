/** Features in float64, straight from their definitions: what the core's whole numbers are held against. */
import "../../../host/base/memory"
import type {
  BandsDescription,
  Features,
  ReservoirDescription,
  TraceDescription,
} from "../../../host/signals/description"
import { buildPlan, widthOf, workBytes } from "../../../host/signals/plan"
import { features } from "../../../src/signals/features"

export const TRACE: TraceDescription = {
  kind: "trace",
  points: 16,
  take: ["values"],
  scale: "shape",
  floor: 0,
  channels: ["x", "y"],
  rate: 25,
  unit: 4096,
}

export const BANDS: BandsDescription = {
  kind: "bands",
  frames: 10,
  average: 2,
  frame: 256,
  bands: 16,
  from: 80,
  to: 4000,
  spacing: "mel",
  scale: "peak",
  octaves: 6,
  channels: ["audio"],
  rate: 8000,
  unit: 1,
}

/** Each sample a moment. */
export const RESERVOIR: ReservoirDescription = {
  ...{ kind: "reservoir", rings: 10, points: 0, take: ["values"], scale: "shape", floor: 0 },
  ...{ parts: 1, steps: 1, recurrent: 8, k2: 0.25, input: 1, feedback: 0.1, seed: 3 },
  ...{ channels: ["x", "y"], rate: 25, unit: 16_384 },
}

/** Samples by channel, as the core takes them. */
export function interleaved(channels: number[][]): Buffer {
  const bytes = Buffer.alloc(2 * channels.length * channels[0].length)
  for (const [c, values] of channels.entries())
    for (const [i, value] of values.entries())
      bytes.writeInt16LE(value, 2 * (i * channels.length + c))
  return bytes
}

/** What the core makes of a whole recording. */
export function coreFeatures(description: Features, signal: Buffer): number[] {
  const out = Buffer.alloc(widthOf(description))
  const count = signal.length / 2 / description.channels.length
  const plan = buildPlan(description)
  const made = features(plan, Buffer.alloc(workBytes(description)), signal, 0, count, out, 0)
  if (made === 0) return []
  return [...out]
}

/** A channel at evenly spaced points, by straight lines. */
export function resampled(values: number[], points: number): number[] {
  return Array.from({ length: points }, (_, k) => {
    const at = (k * (values.length - 1)) / (points - 1)
    const whole = Math.min(Math.floor(at), values.length - 2)
    return values[whole] + (values[whole + 1] - values[whole]) * (at - whole)
  })
}

export interface Column {
  kind: "values" | "differences" | "magnitude"
  values: number[]
}

/** The columns of a trace before they become bytes. */
export function columnsOf(channels: number[][], { points, take }: TraceDescription): Column[] {
  const at = channels.map(values => resampled(values, points))
  const columns: Column[] = []
  if (take.includes("values")) for (const values of at) columns.push({ kind: "values", values })
  if (take.includes("differences"))
    for (const values of at)
      columns.push({
        kind: "differences",
        values: values.map((value, k) => (k === 0 ? 0 : value - values[k - 1])),
      })
  if (take.includes("magnitude"))
    columns.push({
      kind: "magnitude",
      values: at[0].map((_, k) => Math.hypot(...at.map(values => values[k]))),
    })
  return columns
}

/** Where each column's bytes begin and how far they reach: [low, high]. */
export function rangesOf(columns: Column[], description: TraceDescription): [number, number][] {
  const { scale, floor, low = 0, high = 0 } = description
  const own = columns.map(({ values }) => [Math.min(...values), Math.max(...values)])
  return columns.map(({ kind }, i) => {
    if (scale === "range") {
      const most = Math.max(high, -low)
      return kind === "values" ? [low, high] : kind === "differences" ? [-most, most] : [0, most]
    }
    const [from, to] = own[i]
    const alike = own.filter((_, j) => columns[j].kind === kind).map(([a, b]) => b - a)
    const range = Math.max(to - from, floor, scale === "shape" ? Math.max(...alike) : 0)
    const middle = (from + to) / 2
    return [middle - range / 2, middle + range / 2]
  })
}

/** Bytes of a trace, not rounded. */
export function traceReference(channels: number[][], description: TraceDescription): number[] {
  const columns = columnsOf(channels, description)
  const ranges = rangesOf(columns, description)
  return Array.from({ length: description.points }, (_, k) =>
    columns.map(({ values }, c) => {
      const [low, high] = ranges[c]
      return high > low ? clamp((255 * (values[k] - low)) / (high - low)) : 0
    }),
  ).flat()
}

/** Amplitudes of bins 0…N/2 by the sum that defines them. */
export function spectrum(samples: number[]): number[] {
  const size = samples.length
  return Array.from({ length: size / 2 + 1 }, (_, k) => {
    let re = 0
    let im = 0
    for (const [i, value] of samples.entries()) {
      re += value * Math.cos((2 * Math.PI * k * i) / size)
      im -= value * Math.sin((2 * Math.PI * k * i) / size)
    }
    return Math.hypot(re, im)
  })
}

/** A frame as it is transformed: each sample less 31/32 of the one before it, under a Hann window. */
export function windowed(samples: number[], start: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => {
    const before = samples[Math.max(0, start + i - 1)]
    return (
      (samples[start + i] - (31 / 32) * before) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size))
    )
  })
}

/** Mean log2 amplitude of each frame and band. */
export function logBands(samples: number[], description: BandsDescription): number[][] {
  const { frames, average, frame, bands, rate, from, to, spacing } = description
  const forth = (hz: number) => (spacing === "mel" ? 1127 * Math.log(1 + hz / 700) : hz)
  const places = Array.from(
    { length: bands + 2 },
    (_, i) => forth(from) + ((forth(to) - forth(from)) * i) / (bands + 1),
  ).map(x => (spacing === "mel" ? 700 * (Math.exp(x / 1127) - 1) : x))
  const all = frames * average
  const logs = Array.from({ length: all }, (_, f) => {
    const start = Math.floor((f * (samples.length - frame)) / (all - 1))
    const bins = spectrum(windowed(samples, start, frame))
    return Array.from({ length: bands }, (_, b) => {
      const [low, middle, high] = places.slice(b, b + 3)
      let sum = 0
      for (const [k, value] of bins.entries()) {
        const hz = (k * rate) / frame
        const rise = hz <= middle ? (hz - low) / (middle - low) : (high - hz) / (high - middle)
        sum += 128 * value * Math.max(0, rise)
      }
      return Math.max(0, Math.log2(sum))
    })
  })
  return Array.from({ length: frames }, (_, f) =>
    Array.from({ length: bands }, (_, b) => {
      const some = logs.slice(f * average, (f + 1) * average).map(row => row[b])
      return some.reduce((a, c) => a + c, 0) / average
    }),
  )
}

/** Bytes of bands scaled by spread, not rounded: mean 128, deviation 40, what is far below the loudest raised. */
export function spreadReference(samples: number[], description: BandsDescription): number[] {
  const { octaves, level = 0 } = description
  const rows = logBands(samples, description)
  const least = Math.max(...rows.flat()) - octaves
  const raised = rows.map(row => row.map(log => Math.max(log, least) - least))
  const own = raised[0].map((_, b) => mean(raised.map(row => row[b])))
  const values = raised.flatMap(row => row.map((value, b) => value - level * own[b]))
  const middle = mean(values)
  const deviation = Math.sqrt(mean(values.map(value => (value - middle) ** 2)))
  return values.map(value => clamp(128 + (40 * (value - middle)) / deviation))
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function clamp(byte: number): number {
  return Math.min(255, Math.max(0, byte))
}

/** Seeded uniform numbers 0…1. */
export function uniform(seed: number): () => number {
  let x = seed >>> 0
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 2 ** 32
  }
}
