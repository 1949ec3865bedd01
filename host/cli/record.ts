/** `wuxing record`: labelled recordings of a sensor, a file each. */
import { existsSync, mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Command } from "commander"
import { realClock } from "../base/clock"
import type { WuxingError } from "../base/errors"
import type { Context, Outcome, Run } from "./command"
import { addSourceOptions, openSource, type SourceOptions } from "./options/source-options"
import { integerOption, numberOption, pathOption, usageError } from "./options/usage"

interface RecordOptions extends SourceOptions {
  label?: string
  out: string
  seconds: number
  count: number
  rate: number
}

/** Samples of the picture in the terminal, and how often it is drawn, ms. */
const PICTURE = 60
const PICTURE_MS = 100

export function addRecord(program: Command, run: Run): void {
  const command = program
    .command("record")
    .description("keep what a sensor says as labelled recordings")
    .option("--label <class>", "what it is a recording of: the folder it goes to")
  addSourceOptions(command)
    .option("--out <dir>", "folder of the classes' folders", pathOption("--out"), "recordings")
    .option("--seconds <n>", "length of a recording", numberOption("--seconds", 0.05, 3600), 2)
    .option("--count <n>", "recordings, one after another", integerOption("--count", 1, 10_000), 1)
    .option(
      "--rate <hz>",
      "samples a second asked of a Jacdac sensor",
      numberOption("--rate", 0.1, 1000),
      50,
    )
    .action(run(record))
}

async function record(options: RecordOptions, { output, signal }: Context): Promise<Outcome> {
  const { label, out, seconds, count, rate } = options
  if (label === undefined || !/^[^/\\.][^/\\]*$/.test(label))
    throw usageError(
      label === undefined ? "--label is missing" : `--label "${label}" cannot be a folder's name`,
      "for example --label wave",
    )
  const { Recorder } = await import("../sensing/recorder")
  const { sparkline } = await import("./terminal/sparkline")
  const { replaceFile } = await import("../base/replace-file")
  const source = await openSource(options, rate, signal)
  const folder = join(out, label)
  const files: string[] = []
  const notes: string[] = []
  const latest: number[] = []
  output.status(`recording ${label} from ${source.name}: ${count} of ${seconds} s; Ctrl-C ends it`)
  const picture = realClock.every(PICTURE_MS * (process.stderr.isTTY ? 1 : 50), () => {
    if (latest.length > 0) output.status(sparkline(latest))
  })
  const keep = (text: string) => {
    mkdirSync(folder, { recursive: true })
    const path = nextFile(folder)
    replaceFile(path, Buffer.from(text), { code: "recording-unwritable", what: "recording" })
    files.push(path)
    output.status(`kept ${path}`)
  }
  const recorder = new Recorder(seconds)
  const error = await new Promise<WuxingError | undefined>(resolve => {
    source.onSample = (values, names) => {
      latest.push(values[0])
      if (latest.length > PICTURE) latest.shift()
      const whole = recorder.push(values, realClock.now(), names)
      if (!whole) return
      if (whole.note) notes.push(whole.note)
      keep(whole.csv)
      if (files.length >= count) resolve(undefined)
    }
    source.onEnd = resolve
    signal.addEventListener("abort", () => resolve(undefined), { once: true })
  }).finally(async () => {
    picture.stop()
    await source.close()
  })
  // What was recorded of one that was cut short is kept too.
  const rest = error || signal.aborted ? recorder.end() : undefined
  if (rest) {
    keep(rest.csv)
    notes.push(`${files.at(-1)} was cut short`)
  }
  for (const note of notes) output.status(`note: ${note}`)
  output.field("recorded", `${files.length} of ${label}, in ${folder}`)
  return { document: { label, folder, files, notes }, error }
}

/** The next free number: nothing is ever written over. */
function nextFile(folder: string): string {
  const numbers = existsSync(folder)
    ? readdirSync(folder).map(name => Number(/^(\d+)\.csv$/.exec(name)?.[1] ?? 0))
    : []
  return join(folder, `${Math.max(0, ...numbers) + 1}.csv`)
}
