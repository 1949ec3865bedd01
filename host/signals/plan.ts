/** Builds the block of memory by which the core computes features (src/signals/plan.ts). */
import "../base/memory"
import { Header } from "../../src/core/layout"
import { Neuron } from "../../src/core/neuron"
import { Derive, FeatureKind, Plan, Reservoir, Scaling } from "../../src/signals/plan"
import type {
  BandsDescription,
  Features,
  KernelsDescription,
  ReservoirDescription,
  TraceDescription,
} from "./description"
import { kernelPlaces, kernelsRecord } from "./fixed-kernels"

const SCALINGS = {
  range: Scaling.Range,
  own: Scaling.Own,
  shape: Scaling.Shape,
  peak: Scaling.Peak,
  spread: Scaling.Spread,
}
const TAKEN = {
  values: Derive.Values,
  differences: Derive.Differences,
  magnitude: Derive.Magnitude,
}
/** Values whose deviation the core finds. */
const MOST_SPREAD = 2 ** 14
/** Sum of a band's weights, Q7: the core multiplies each with an amplitude below 2^17. */
const MOST_WEIGHT = 2 ** 14
/** Values of a moment. */
const MOST_COLUMNS = 16
const ONE_Q12 = 4096
const ONE_Q8 = 256
const ONE_Q7 = 128
const ONE_Q15 = 32767

/** Bytes of features that come out: the network's input. */
export function widthOf(features: Features): number {
  if (features.kind === "bands") {
    const { frames, bands, kernels } = features
    return kernels ? kernelPlaces(kernels, frames, bands).outputs : frames * bands
  }
  if (features.kind === "reservoir") return 2 * features.rings * features.parts
  return features.points * columnsOf(features)
}

function columnsOf({ take, channels }: Pick<TraceDescription, "take" | "channels">): number {
  const each = take.filter(what => what !== "magnitude").length
  return each * channels.length + (take.includes("magnitude") ? 1 : 0)
}

/** Samples that a window has at least. */
export function leastOf(features: Features): number {
  return features.kind === "bands" ? features.frame : 2
}

/** Bytes of working memory that the core needs. */
export function workBytes(features: Features): number {
  if (features.kind === "bands") {
    const { frame, frames, bands, kernels } = features
    const sums = frame * 6 + 4 + 4 * frames * bands
    if (!kernels) return sums
    const { places, outputs } = kernelPlaces(kernels, frames, bands)
    return sums + align4(frames * bands) + 4 * (places + outputs)
  }
  if (features.kind === "reservoir") {
    const { trace } = reservoirPlaces(features)
    return trace + align4(features.points * columnsOf(features))
  }
  return traceBytes(features)
}

type OfTrace = Pick<TraceDescription, "points" | "take" | "channels">

function traceBytes(features: OfTrace): number {
  const raw = features.take.includes("values") ? 0 : features.channels.length
  // Of each column its lowest and its highest value too.
  return (4 * features.points + 8) * (columnsOf(features) + raw)
}

/** Where everything is in a reservoir's working memory (src/signals/reservoir.ts). */
function reservoirPlaces(features: ReservoirDescription) {
  const { rings, recurrent, parts } = features
  const columns = columnsOf(features)
  const signals = Header.Length + rings * Neuron.Length
  const means = signals + align4(2 * (2 * rings + recurrent))
  const values = means + 4 * 2 * rings * parts
  const links = values + align4(2 * columns)
  const end = links + 2 * rings * 2 * (1 + columns + recurrent)
  // The trace is found first, in the same memory; its bytes lie behind.
  const trace = align4(Math.max(end, features.points > 0 ? traceBytes(features) : 0))
  return { signals, means, values, links, trace }
}

function align4(at: number): number {
  return (at + 3) & ~3
}

/** What contradicts itself in a description whose fields are each in range, or "". */
export function faultOfFeatures(features: Features): string {
  const width = widthOf(features)
  if (width > 65_535) return `${width} features are more than 65,535`
  if (new Set(features.channels).size !== features.channels.length)
    return "two of its channels have one name"
  const { cut } = features
  if (cut?.by === "window" && cut.length < leastOf(features))
    return `a window of ${cut.length} samples is shorter than ${leastOf(features)}`
  if (cut?.by === "segment" && cut.shortest > cut.longest)
    return "its shortest segment is longer than its longest"
  if (features.kind === "reservoir") {
    const fault = faultOfReservoir(features)
    if (fault) return fault
  }
  if (features.kind !== "bands") {
    const { low, high, scale } = features
    if (scale === "range" && (low === undefined || high === undefined || low >= high))
      return "it is scaled by range and its range is empty"
    return ""
  }
  if (features.to > features.rate / 2 || features.from >= features.to)
    return `bands from ${features.from} to ${features.to} Hz are not within half of ${features.rate} Hz`
  const values = features.frames * features.bands
  if (features.scale === "spread" && values > MOST_SPREAD)
    return `${values} features are more than the ${MOST_SPREAD} that scale=spread takes`
  if (features.scale !== "spread" && features.level !== undefined)
    return "level is of scale=spread alone"
  if (features.kernels) {
    const fault = faultOfKernels(features, features.kernels)
    if (fault) return fault
  }
  const heavy = bandsOf(features).some(({ weights }) => sum(weights) >= MOST_WEIGHT)
  return heavy ? "a band is too wide: take more bands or shorter frames" : ""
}

function faultOfKernels(
  { scale, frames, bands }: BandsDescription,
  kernels: KernelsDescription,
): string {
  const { size, parts } = kernels
  if (scale !== "spread") return "kernels are of scale=spread alone"
  if (size > Math.min(frames, bands))
    return `kernels of ${size} x ${size} do not lie within ${frames} frames and ${bands} bands`
  if (parts[0] > frames || parts[1] > bands)
    return `${frames} frames and ${bands} bands have no ${parts.join(" x ")} parts`
  // What the core adds up over a part, each at most 2^16.
  if (kernelPlaces(kernels, frames, bands).places > MOST_SPREAD)
    return `kernels have more than ${MOST_SPREAD} places on ${frames} frames and ${bands} bands`
  return ""
}

function faultOfReservoir(features: ReservoirDescription): string {
  const { points, parts, take, rings, recurrent } = features
  if (columnsOf(features) > MOST_COLUMNS)
    return `${columnsOf(features)} values of a moment are more than ${MOST_COLUMNS}`
  if (recurrent > 2 * rings) return `${rings} rings give fewer than ${recurrent} signals`
  if (points > 0) return parts > points ? "it has more parts than points" : ""
  if (parts > 1) return "parts are of points alone: how long a sequence will be is not known before"
  return take.includes("magnitude") ? "magnitude is of points alone" : ""
}

/** @throws RangeError if the description contradicts itself */
export function buildPlan(features: Features): Buffer {
  const fault = faultOfFeatures(features)
  if (fault) throw new RangeError(`no features: ${fault}`)
  const head = Buffer.alloc(Plan.Length)
  const u16 = (at: Plan, value: number) => head.writeUInt16LE(value, at)
  u16(Plan.Channels, features.channels.length)
  u16(Plan.Width, widthOf(features))
  u16(Plan.Scaling, SCALINGS[features.scale])
  u16(Plan.Least, leastOf(features))
  u16(Plan.Trim, features.trim?.bits ?? 0)
  u16(Plan.Block, features.trim?.block ?? 0)
  if (features.kind !== "bands") {
    u16(Plan.Kind, features.kind === "trace" ? FeatureKind.Trace : FeatureKind.Reservoir)
    u16(Plan.Points, features.points)
    u16(Plan.Derive, sum([...new Set(features.take)].map(what => TAKEN[what])))
    head.writeInt32LE(features.low ?? 0, Plan.Low)
    head.writeInt32LE(features.high ?? 0, Plan.High)
    head.writeInt32LE(features.floor, Plan.Floor)
    return features.kind === "trace" ? head : Buffer.concat([head, reservoirOf(features)])
  }
  u16(Plan.Kind, FeatureKind.Bands)
  u16(Plan.Points, features.frames)
  u16(Plan.FrameBits, Math.log2(features.frame))
  u16(Plan.Bands, features.bands)
  u16(Plan.Average, features.average)
  if (features.scale === "spread") u16(Plan.Level, Math.round((features.level ?? 0) * ONE_Q8))
  head.writeInt32LE(Math.round(features.octaves * 256), Plan.Floor)
  const twiddle = Buffer.alloc(features.frame * 2)
  for (let k = 0; k < features.frame / 2; k++) {
    const angle = (2 * Math.PI * k) / features.frame
    twiddle.writeInt16LE(q15(Math.cos(angle)), 4 * k)
    twiddle.writeInt16LE(q15(-Math.sin(angle)), 4 * k + 2)
  }
  const window = Buffer.alloc(features.frame * 2)
  for (let i = 0; i < features.frame; i++)
    window.writeInt16LE(q15(0.5 - 0.5 * Math.cos((2 * Math.PI * i) / features.frame)), 2 * i)
  const mel = Buffer.concat(
    bandsOf(features).map(({ first, weights }) => {
      const bytes = Buffer.alloc(4 + weights.length + (weights.length & 1))
      bytes.writeUInt16LE(first, 0)
      bytes.writeUInt16LE(weights.length, 2)
      bytes.set(weights, 4)
      return bytes
    }),
  )
  head.writeInt32LE(Plan.Length, Plan.Twiddle)
  head.writeInt32LE(Plan.Length + twiddle.length, Plan.Window)
  head.writeInt32LE(Plan.Length + twiddle.length + window.length, Plan.Mel)
  const tables = Buffer.concat([head, twiddle, window, mel])
  if (!features.kernels) return tables
  // Of 1,024 samples and 64 bands at most some 6 kB.
  tables.writeUInt16LE(tables.length, Plan.Kernels)
  return Buffer.concat([tables, kernelsRecord(features.kernels)])
}

/** The fields of a reservoir. */
function reservoirOf(features: ReservoirDescription): Buffer {
  const fields = Buffer.alloc(Reservoir.Length - Plan.Length)
  const places = reservoirPlaces(features)
  for (const [at, value] of [
    [Reservoir.Rings, features.rings],
    [Reservoir.Columns, columnsOf(features)],
    [Reservoir.Recurrent, features.recurrent],
    [Reservoir.Steps, features.steps],
    [Reservoir.Parts, features.parts],
    [Reservoir.Decay, Math.round(features.k2 * ONE_Q12)],
    [Reservoir.InputBound, Math.round(features.input * ONE_Q12)],
    [Reservoir.RecurrentBound, Math.round(features.feedback * ONE_Q12)],
  ])
    fields.writeUInt16LE(value, at - Plan.Length)
  for (const [at, value] of [
    [Reservoir.Seed, features.seed],
    [Reservoir.Signals, places.signals],
    [Reservoir.Means, places.means],
    [Reservoir.Values, places.values],
    [Reservoir.Links, places.links],
    [Reservoir.Trace, places.trace],
  ])
    fields.writeInt32LE(value, at - Plan.Length)
  return fields
}

interface Band {
  /** Its first bin with any weight, and the weights from there on, Q7. */
  first: number
  weights: number[]
}

/** Triangles over the bins, each from the middle of the band before to that of the band after it. */
export function bandsOf({ rate, frame, bands, from, to, spacing }: BandsDescription): Band[] {
  const forth = (hz: number) => (spacing === "mel" ? 2595 * Math.log10(1 + hz / 700) : hz)
  const back = (x: number) => (spacing === "mel" ? 700 * (10 ** (x / 2595) - 1) : x)
  const edge = (i: number) => back(forth(from) + ((forth(to) - forth(from)) * i) / (bands + 1))
  return Array.from({ length: bands }, (_, b) => {
    const [low, middle, high] = [edge(b), edge(b + 1), edge(b + 2)]
    const all = Array.from({ length: frame / 2 + 1 }, (_, k) => {
      const hz = (k * rate) / frame
      const part = hz <= middle ? (hz - low) / (middle - low) : (high - hz) / (high - middle)
      return Math.round(ONE_Q7 * Math.max(0, part))
    })
    const first = all.findIndex(weight => weight > 0)
    // Narrower than a bin: it hears the nearest one.
    if (first < 0) return { first: Math.round((middle * frame) / rate), weights: [ONE_Q7] }
    const last = all.findLastIndex(weight => weight > 0)
    return { first, weights: all.slice(first, last + 1) }
  })
}

function q15(value: number): number {
  return Math.round(value * ONE_Q15)
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
