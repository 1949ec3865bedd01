/** Runs rows one after another and keeps each as soon as it is done. */

import { availableParallelism } from "node:os"
import { realClock, takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { readMnist } from "../data/mnist"
import { describeRow, emptyFinding, type Report } from "./report"
import type { Data, Finding, Row, RowRecord, Scale, Task } from "./row"
import { rows } from "./rows"

/** Long computations let others have their turn this often, ms. */
const BREATH_MS = 50

export interface ReproduceOptions {
  scale: Scale
  seed: number
  signal: AbortSignal
  /** Told of each row's beginning, its share done, and its end. */
  onProgress?: (row: Row, share: number) => void
  onEnd?: (record: RowRecord) => void
  data?: Data
}

/**
 * Rows by name, in the order of the report; all if none is named.
 *
 * @throws WuxingError "row-unknown" (kind "usage")
 */
export function rowsOf(names: string[]): Row[] {
  for (const name of names)
    if (!rows.some(row => row.name === name))
      throw new WuxingError({
        code: "row-unknown",
        kind: "usage",
        message: `there is no row "${name}"`,
        cause: "the name is misspelt",
        help: `use some of: ${rows.map(row => row.name).join(", ")}; none for all`,
      })
  return names.length === 0 ? rows : rows.filter(row => names.includes(row.name))
}

/** The command that measures a row again. */
export function commandOf(row: Row, scale: Scale, seed: number): string {
  return `wuxing reproduce ${row.name}${scale === "full" ? "" : ` --${scale}`} --seed ${seed}`
}

/**
 * Runs rows and keeps them in the report. Aborted, it keeps what the row under way has found, marked
 * as partial, and runs no more.
 *
 * @returns the rows kept, in the order they were run
 * @throws whatever a row throws other than for the abort; the rows before it are kept
 */
export async function reproduce(
  chosen: Row[],
  report: Report,
  options: ReproduceOptions,
): Promise<RowRecord[]> {
  const { scale, seed, signal } = options
  const records: RowRecord[] = []
  let data = options.data
  for (const row of chosen) {
    if (signal.aborted) break
    const start = realClock.now()
    const finish = (status: RowRecord["status"], reason: string | undefined, found?: Finding) => {
      const { comparisons, how, tables, notes } = found ?? emptyFinding()
      const record = report.keep(
        {
          ...describeRow(row),
          ...{ status, reason, command: commandOf(row, scale, seed), seed },
          seconds: (realClock.now() - start) / 1000,
          machine: `Node ${process.version}, ${availableParallelism()} cores`,
          ...{ comparisons, how, tables, notes: notes ?? [] },
        },
        found,
      )
      records.push(record)
      options.onEnd?.(record)
    }
    if (row.notYet !== undefined) {
      finish("not yet", row.notYet)
      continue
    }
    let breath = start
    const task: Task = {
      ...{ scale, seed, signal },
      get data() {
        data ??= readMnist()
        return data
      },
      progress: share => options.onProgress?.(row, share),
      breathe: async () => {
        if (realClock.now() - breath < BREATH_MS) return
        await takeTurns()
        breath = realClock.now()
        signal.throwIfAborted()
      },
    }
    let found: Finding | undefined
    try {
      task.progress(0)
      for await (const finding of row.run(task)) {
        found = finding
        signal.throwIfAborted()
      }
    } catch (error) {
      // What was under way fails in its own words when the user stops it.
      if (!signal.aborted) throw error
      const why = signal.reason instanceof Error ? signal.reason.message : "stopped"
      finish("partial", why, found)
      break
    }
    task.progress(1)
    finish("done", undefined, found)
  }
  return records
}
