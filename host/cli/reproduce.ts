/** `wuxing reproduce`: measures anew what the papers claim, and writes a report. */

import type { Command } from "commander"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import type { Row, RowRecord } from "../reproduce/row"
import type { Context, Outcome, Run } from "./command"
import { folderOption, seedOption } from "./options/usage"
import { type ShareProgress, startShareProgress } from "./terminal/share-progress"

const FOLDER = "reproduction"

interface ReproduceOptions {
  quick?: boolean
  out: string
  seed: number
}

export function addReproduce(program: Command, run: Run): void {
  program
    .command("reproduce")
    .description("measure anew what the papers claim; write a table and figures")
    .argument("[rows...]", "what to measure (default: all); a wrong name lists them")
    .option("--quick", "small samples and few epochs: minutes instead of hours")
    .option("--out <folder>", "where to write: a folder of its own", folderOption("--out"), FOLDER)
    .option("--seed <n>", "seed of the networks, the images' order and the noise", seedOption, 1)
    .action((names: string[], options: ReproduceOptions) =>
      run((given: ReproduceOptions, context) => reproduceRows(names, given, context))(options),
    )
}

async function reproduceRows(
  names: string[],
  options: ReproduceOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  const { reproduce, rowsOf } = await import("../reproduce/reproduce")
  const { Report } = await import("../reproduce/report")
  const { rows } = await import("../reproduce/rows")
  const chosen = rowsOf(names)
  const report = new Report(
    options.out,
    rows.map(row => row.name),
  )
  report.make()
  const started = realClock.now()
  let under: { row: Row; progress: ShareProgress } | undefined
  const end = () => {
    under?.progress.stop()
    under = undefined
  }
  const scale = options.quick ? "quick" : "full"
  let records: RowRecord[] = []
  try {
    records = await reproduce(chosen, report, {
      ...{ scale, seed: options.seed, signal },
      onProgress: (row, share) => {
        if (under?.row !== row) {
          end()
          const title = `${row.name} (${chosen.indexOf(row) + 1} of ${chosen.length})`
          under = { row, progress: startShareProgress(output, title) }
        }
        under.progress.update(share)
      },
      onEnd: record => {
        end()
        output.status(`${record.name}: ${record.status}, ${record.seconds.toFixed(1)} s`)
      },
    })
  } finally {
    end()
  }
  if (records.length > 0) output.table(["row", "what", "paper", "ours"], records.flatMap(linesOf))
  output.field("report", report.files.markdown)
  const document = {
    out: options.out,
    ...report.files,
    ...{ scale, seed: options.seed, seconds: (realClock.now() - started) / 1000 },
    rows: records,
  }
  return { document, error: signal.aborted ? interruption(signal, records, chosen) : undefined }
}

/** The lines of a row in the table. */
function linesOf(record: RowRecord): string[][] {
  const name = record.status === "done" ? record.name : `${record.name}\n(${record.status})`
  if (record.comparisons.length === 0) return [[name, "", "", folded(record.reason ?? "", 34)]]
  return record.comparisons.map(({ what, paper, ours }, i) => [
    i === 0 ? name : "",
    folded(what, 20),
    folded(paper, 24),
    folded(ours, 34),
  ])
}

/** Broken at spaces so that a table fits a terminal. */
function folded(text: string, width: number): string {
  let line = ""
  const lines: string[] = []
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].join("\n")
}

function interruption(signal: AbortSignal, records: RowRecord[], chosen: Row[]): WuxingError {
  const reason = signal.reason instanceof Error ? signal.reason.message : "stopped"
  const done = records.filter(record => record.status === "done").map(record => record.name)
  const rest = chosen.map(row => row.name).filter(name => !done.includes(name))
  return new WuxingError({
    code: "interrupted",
    kind: "interrupted",
    message: `${reason} after ${done.length} of ${chosen.length} rows; they are kept, the one under way as partial`,
    cause: "Ctrl-C, or another process asked for it",
    help: `measure the rest with: wuxing reproduce ${rest.join(" ")}`,
  })
}
