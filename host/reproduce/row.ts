/**
 * What a row of the reproduction is: one claim or figure of the papers, run anew and measured.
 *
 * Nothing here is written down beforehand but what the papers say; every number under "ours" comes
 * out of the run that wrote it.
 */
import { z } from "zod"
import type { Chart } from "../base/chart"
import type { Images } from "../training/training-data"

/** One thing compared: what the papers say of it, and what came out here. */
export interface Comparison {
  what: string
  /** Quoted, with its place; "-" where the papers give nothing. */
  paper: string
  ours: string
}

export interface Table {
  title: string
  head: string[]
  rows: (string | number)[][]
}

/** What a row has found so far. */
export interface Finding {
  comparisons: Comparison[]
  /** How it was run: networks, samples, epochs, rates. */
  how: string
  tables: Table[]
  charts: Chart[]
  /** What a reader should know to judge it. */
  notes?: string[]
}

export interface Data {
  train: Images
  test: Images
}

/** What a row is run with. */
export interface Task {
  /** How much is run: a glance for tests, minutes for all rows, or what the papers ran. */
  readonly scale: Scale
  readonly seed: number
  /** Aborted on Ctrl-C; its reason is the error to throw. */
  readonly signal: AbortSignal
  /** Read when first asked for. */
  readonly data: Data
  /** @param share of the row's work that is done, 0…1 */
  progress(share: number): void
  /** Lets signals and timers have their turn, in long computations; throws if aborted. */
  breathe(): Promise<void>
}

export type Scale = "tiny" | "quick" | "full"

/** The value for the task's scale. */
export function pick<T>(task: Task, values: Record<Scale, T>): T {
  return values[task.scale]
}

export interface Row {
  /** As the user calls it, and the name of its figure. */
  name: string
  title: string
  /** Where in the papers. */
  source: string
  /** Why it cannot be run yet; such a row has no numbers. */
  notYet?: string
  /**
   * Yields what it has found whenever there is something to show, each time as a whole; the last is
   * the result. Stopped in between, the one before is kept as partial.
   */
  run(task: Task): AsyncGenerator<Finding, void, void>
}

const cell = z.union([z.string(), z.number()])

/** A row as it is written down. */
export const recordSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  source: z.string(),
  /** partial: stopped before its end; not yet: cannot be run, see `reason`. */
  status: z.enum(["done", "partial", "not yet"]),
  reason: z.string().optional(),
  /** What makes the same numbers again. */
  command: z.string(),
  seed: z.number(),
  seconds: z.number(),
  machine: z.string(),
  comparisons: z.array(z.strictObject({ what: z.string(), paper: z.string(), ours: z.string() })),
  how: z.string(),
  tables: z.array(
    z.strictObject({ title: z.string(), head: z.array(z.string()), rows: z.array(z.array(cell)) }),
  ),
  /** Files beside the report. */
  figures: z.array(z.string().regex(/^[a-z0-9-]+\.svg$/)),
  notes: z.array(z.string()),
})

export type RowRecord = z.infer<typeof recordSchema>
