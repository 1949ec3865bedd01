/**
 * A shard's memory with its numbers by name. Offsets and formats are layout.ts's, which boards read by
 * literals; here each format stands once, for all that reads or writes a shard on the host.
 */
import "../base/memory"
import { Header, Part, PartFlag } from "../../src/core/layout"

type Format = "u8" | "u16" | "i16" | "i32"

/** Fields of the header (layout.ts says what each is); tables stay bytes. */
export const HEADER_FIELDS = {
  magic: [Header.Magic, "u16"],
  version: [Header.Version, "u16"],
  image: [Header.Image, "i32"],
  size: [Header.Size, "i32"],
  partCount: [Header.Parts, "u16"],
  slots: [Header.Slots, "u16"],
  width: [Header.Width, "u16"],
  inputSignals: [Header.InputSignals, "u16"],
  inputTable: [Header.InputTable, "i32"],
  steps: [Header.Steps, "u16"],
  reciprocal: [Header.Reciprocal, "u16"],
  netMin: [Header.NetMin, "i16"],
  netMax: [Header.NetMax, "i16"],
  elementMin: [Header.ElementMin, "i16"],
  elementMax: [Header.ElementMax, "i16"],
  lambdaMax: [Header.LambdaMax, "i16"],
  coefficientMax: [Header.CoefficientMax, "i16"],
  signalShift: [Header.SignalShift, "u16"],
  netShift: [Header.NetShift, "u16"],
  learnShift: [Header.LearnShift, "u16"],
  margin: [Header.Margin, "i16"],
  softmaxGain: [Header.SoftmaxGain, "u16"],
  seed: [Header.Seed, "i32"],
  sampleRandom: [Header.SampleRandom, "u16"],
  layoutHash: [Header.LayoutHash, "i32"],
  rule: [Header.Rule, "u16"],
  linkBound: [Header.LinkBound, "u16"],
  elementShift: [Header.ElementShift, "u16"],
  elementBound: [Header.ElementBound, "u16"],
  generation: [Header.Generation, "u16"],
  decay: [Header.Decay, "u16"],
  inhibitionMin: [Header.InhibitionMin, "i16"],
  inhibitionMax: [Header.InhibitionMax, "i16"],
  proportional: [Header.Proportional, "u16"],
  integral: [Header.Integral, "u16"],
  differential: [Header.Differential, "u16"],
  pidMemory: [Header.Memory, "u16"],
  errorShift: [Header.ErrorShift, "u16"],
  targetHigh: [Header.TargetHigh, "i16"],
  targetLow: [Header.TargetLow, "i16"],
  brief: [Header.Brief, "u16"],
  scratch: [Header.Scratch, "i32"],
} as const satisfies Record<string, readonly [Header, Format]>

/** Fields of a part's descriptor. */
export const PART_FIELDS = {
  layer: [Part.Layer, "u16"],
  neurons: [Part.Neurons, "u16"],
  first: [Part.First, "u16"],
  inputs: [Part.Inputs, "u16"],
  outputFirst: [Part.OutputFirst, "u16"],
  outputs: [Part.Outputs, "u16"],
  sources: [Part.Sources, "u16"],
  inputStep: [Part.InputStep, "u8"],
  outputStep: [Part.OutputStep, "u8"],
  links: [Part.Links, "i32"],
  flags: [Part.Flags, "u16"],
  finer: [Part.Finer, "u16"],
  start: [Part.Start, "i32"],
  target: [Part.Target, "i32"],
  coefficient: [Part.Coefficient, "i32"],
  sum: [Part.Sum, "i32"],
  state: [Part.State, "i32"],
  busIn: [Part.BusIn, "i32"],
  busOut: [Part.BusOut, "i32"],
  busInWidth: [Part.BusInWidth, "u16"],
  busOutWidth: [Part.BusOutWidth, "u16"],
  busOutFirst: [Part.BusOutFirst, "u16"],
  backShift: [Part.BackShift, "u16"],
  backOut: [Part.BackOut, "i32"],
  backIn: [Part.BackIn, "i32"],
  lambda: [Part.Lambda, "i32"],
  noise: [Part.Noise, "i32"],
  firstSynapse: [Part.FirstSynapse, "u16"],
  list: [Part.List, "i32"],
  chunkSources: [Part.ChunkSources, "u16"],
  chunkSynapses: [Part.ChunkSynapses, "u16"],
  chunkNeurons: [Part.ChunkNeurons, "u16"],
  delta: [Part.Delta, "i32"],
  inhibition: [Part.Inhibition, "i32"],
  rest: [Part.Rest, "i32"],
  restBack: [Part.RestBack, "i32"],
  displacement: [Part.Displacement, "i32"],
  inhibitionDelta: [Part.InhibitionDelta, "i32"],
  linkPid: [Part.LinkPid, "i32"],
  elementPid: [Part.ElementPid, "i32"],
  firstElement: [Part.FirstElement, "u16"],
  sourceIds: [Part.SourceIds, "i32"],
  neuronIds: [Part.NeuronIds, "i32"],
} as const satisfies Record<string, readonly [Part, Format]>

type Fields<T> = { -readonly [K in keyof T]: number }

/** Gives a class a number, read from and written to `memory`, for each field. */
function define(prototype: object, fields: Record<string, readonly [number, Format]>): void {
  for (const [name, [offset, format]] of Object.entries(fields))
    Object.defineProperty(prototype, name, {
      get(this: { memory: Buffer; at: number }) {
        return this.memory.getAt(this.at + offset, format)
      },
      set(this: { memory: Buffer; at: number }, value: number) {
        this.memory.setAt(this.at + offset, format, value)
      },
    })
}

/** The descriptor of one part. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: define() gives it the fields, below.
export class PartView {
  constructor(
    readonly memory: Buffer,
    /** Where the descriptor lies: what the core calls `part`. */
    readonly at: number,
  ) {}

  has(flag: PartFlag): boolean {
    return (this.flags & flag) !== 0
  }

  get synapses(): number {
    return this.neurons * this.inputs
  }

  /** Signals it gives. */
  get signals(): number {
    return this.neurons * this.outputs
  }

  get isDense(): boolean {
    return this.has(PartFlag.Dense)
  }

  /** Index in its layer of the n-th neuron. */
  neuronAt(n: number): number {
    return this.neuronIds === 0 ? this.first + n : this.memory.getAt(this.neuronIds + n * 2, "u16")
  }

  /** Index in its layer of the s-th source. */
  sourceAt(s: number): number {
    return this.sourceIds === 0 ? s : this.memory.getAt(this.sourceIds + s * 2, "u16")
  }

  /** Links of the s-th source, where links are sparse, or synapse, where they are picked: first … end−1. */
  linksOf(s: number): { first: number; end: number } {
    const at = this.start + s * 2
    return { first: this.memory.getAt(at, "u16"), end: this.memory.getAt(at + 2, "u16") }
  }
}
export interface PartView extends Fields<typeof PART_FIELDS> {}
define(PartView.prototype, PART_FIELDS)

/** A whole shard. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: define() gives it the fields, below.
export class ShardView {
  /** Where the header lies. */
  readonly at = 0

  constructor(readonly memory: Buffer) {}

  get parts(): PartView[] {
    return Array.from({ length: this.partCount }, (_, i) => this.part(i))
  }

  part(index: number): PartView {
    return new PartView(this.memory, Header.Length + index * Part.Length)
  }

  has(rule: number): boolean {
    return (this.rule & rule) !== 0
  }
}
export interface ShardView extends Fields<typeof HEADER_FIELDS> {}
define(ShardView.prototype, HEADER_FIELDS)
