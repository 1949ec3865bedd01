/** `wuxing record`: labelled recordings of a sensor, a file each. */
import { existsSync, mkdirSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Command } from "commander"
import { realClock } from "../base/clock"
import { messageOf, WuxingError } from "../base/errors"
import { replaceFile } from "../base/replace-file"
import type { Recorded } from "../sensing/recorder"
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
/** Recordings in a row that are refused before it ends. */
const MOST_REFUSED = 10

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
  const source = await openSource(options, rate, signal)
  const folder = join(out, label)
  const files: string[] = []
  const notes: string[] = []
  const latest: number[] = []
  output.status(`recording ${label} from ${source.name}: ${count} of ${seconds} s; Ctrl-C ends it`)
  const picture = realClock.every(PICTURE_MS * (output.stderr.isTTY ? 1 : 50), () => {
    if (latest.length > 0) output.status(sparkline(latest))
  })
  let refused = 0
  let refusedInRow = 0
  const say = (note: string) => {
    notes.push(note)
    output.status(`note: ${note}`)
  }
  const keep = ({ csv, notes: about, samples, rate: had }: Recorded) => {
    if (csv === undefined) {
      refused++
      refusedInRow++
      for (const why of about) say(`a recording is not kept: ${why}`)
      return
    }
    refusedInRow = 0
    const path = writeFresh(folder, csv)
    files.push(path)
    output.status(`kept ${path}: ${samples} samples, ${had.toFixed(1)} a second`)
    for (const note of about) say(`${path}: ${note}`)
  }
  const recorder = new Recorder(seconds)
  const error = await new Promise<WuxingError | undefined>((resolve, reject) => {
    source.onSample = (values, names) => {
      latest.push(values[0])
      if (latest.length > PICTURE) latest.shift()
      try {
        const whole = recorder.push(values, realClock.now(), names)
        if (!whole) return
        keep(whole)
        if (files.length >= count) resolve(undefined)
        else if (refusedInRow >= MOST_REFUSED) resolve(unsteady(source.name, notes))
      } catch (error) {
        reject(error)
      }
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
    keep(rest)
    say(`${files.at(-1)} was cut short`)
  }
  output.field("recorded", `${files.length} of ${label}, in ${folder}`)
  return { document: { label, folder, files, refused, notes }, error }
}

/** Under the next free number: nothing is ever written over. @returns its path */
function writeFresh(folder: string, csv: string): string {
  const kind = { code: "recording-unwritable", what: "recording" }
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new WuxingError(
      {
        ...{
          code: kind.code,
          kind: "data",
          message: `folder ${folder} cannot be made: ${messageOf(error)}`,
        },
        cause: "a file has its name, its place may not be written to, or the disk is full",
        help: "name another --out",
      },
      { cause: error },
    )
  }
  const numbers = readdirSync(folder).map(name => Number(/^(\d+)\.csv$/.exec(name)?.[1] ?? 0))
  for (let number = Math.max(0, ...numbers) + 1; ; number++) {
    const path = join(folder, `${number}.csv`)
    // Another run may record into the same folder.
    if (existsSync(path)) continue
    try {
      replaceFile(path, Buffer.from(csv), kind, false)
      return path
    } catch (error) {
      if (!existsSync(path)) throw error
    }
  }
}

function unsteady(source: string, notes: string[]): WuxingError {
  return new WuxingError({
    code: "sensor-unsteady",
    kind: "board",
    message: `${source}: ${MOST_REFUSED} recordings in a row cannot be used, as ${notes.at(-1)}`,
    cause: "its samples get lost on the way, or it does not take them at an even rate",
    help: "check the cable, close what else keeps this machine busy, or ask for a lower rate",
  })
}
