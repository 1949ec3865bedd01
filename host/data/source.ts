/** A user's data before any of it is taken: labels of all samples, and each sample when it is asked for. */
import type { RangeChoice, ValueRange } from "./range"

/** A part of the data: all of it, or what its files call training, validation or test. */
export interface Part {
  /** Where it lies, for messages. */
  path: string
  /** Its samples are smaller than the network's input. */
  scaledUp?: boolean
  /** A class of each sample, a place in the source's `classes`. */
  labels: Uint8Array
  /** Writes a sample, one byte an input, row by row, background 0. */
  fill(sample: number, into: Uint8Array): void
}

export interface Source {
  kind: "pictures" | "idx" | "table"
  classes: string[]
  /** The network's input as a picture; a table is one row, unless its inputs are a square. */
  width: number
  height: number
  /** Of a table. */
  range?: ValueRange
  label?: string
  train: Part
  validation?: Part
  test?: Part
  /** What was decided, in a line, and what should be known beside. */
  says: string
  notes: string[]
}

export interface SourceOptions {
  /** Inputs and outputs of the network. */
  pixels: number
  outputs: number
  /** What the network has learnt: names of its classes, its input as a picture, a table's range and class. */
  classes?: string[]
  frame?: { width: number; height: number }
  range?: ValueRange
  label?: string
  /** A table's range as the user asks for it; it goes before what the network has learnt. */
  rangeChoice?: RangeChoice
  signal?: AbortSignal
}
