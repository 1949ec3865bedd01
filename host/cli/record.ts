/** `wuxing record`: labelled recordings of a sensor, a file each. */
import { join } from "node:path"
import type { Command } from "commander"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import type { Recording } from "../sensing/recording-session"
import type { Context, Outcome, Run } from "./command"
import {
  addDashboardOptions,
  checkDashboardOptions,
  type DashboardOptions,
} from "./options/dashboard-option"
import type { SignalDashboard } from "./options/signal-dashboard"
import { addSourceOptions, openSource, type SourceOptions } from "./options/source-options"
import { integerOption, numberOption, pathOption, usageError } from "./options/usage"

interface RecordOptions extends SourceOptions, DashboardOptions {
  label?: string
  out: string
  seconds: number
  count?: number
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
    .option(
      "--label <class>",
      "what it is a recording of: the folder it goes to (default: what the --dashboard says)",
    )
  addSourceOptions(command)
    .option("--out <dir>", "folder of the classes' folders", pathOption("--out"), "recordings")
    .option("--seconds <n>", "length of a recording", numberOption("--seconds", 0.05, 3600), 2)
    .option(
      "--count <n>",
      "recordings, one after another (default: 1; from a page without --label any number)",
      integerOption("--count", 1, 10_000),
    )
    .option(
      "--rate <hz>",
      "samples a second asked of a Jacdac sensor",
      numberOption("--rate", 0.1, 1000),
      50,
    )
  addDashboardOptions(command).action(run(record))
}

async function record(options: RecordOptions, { output, signal }: Context): Promise<Outcome> {
  const { label, out, seconds, dashboard, rate } = options
  checkDashboardOptions(options)
  // Without a label the page says what is recorded, and when.
  if (label === undefined && dashboard === undefined)
    throw usageError(
      "--label is missing",
      "for example --label wave, or --dashboard to say it there",
    )
  const { RecordingStore, faultOfLabel } = await import("../sensing/recording-store")
  const fault = label === undefined ? undefined : faultOfLabel(label)
  if (fault) throw usageError(`--label "${label}" ${fault}`, "for example --label wave")
  const count = options.count ?? (label === undefined ? Number.POSITIVE_INFINITY : 1)
  const { Recorder } = await import("../sensing/recorder")
  const { readingOf } = await import("../sensing/reading")
  const { RecordingSession } = await import("../sensing/recording-session")
  const { sparkline } = await import("./terminal/sparkline")
  const { openSignalDashboard } = await import("./options/signal-dashboard")
  const source = await openSource(options, rate, signal)
  const store = new RecordingStore(out)
  const session = new RecordingSession(store, new Recorder(seconds))
  session.label = label
  const files: string[] = []
  const notes: string[] = []
  const latest: number[] = []
  let refused = 0
  let refusedInRow = 0
  let began = realClock.now()
  let begun = false
  let page: SignalDashboard | undefined
  const say = (note: string) => {
    notes.push(note)
    output.status(`note: ${note}`)
  }
  source.onNote = say
  const hear = ({ kept, notes: about, samples, rate: had }: Recording, cut = false) => {
    began = realClock.now()
    const said = about.map(note => `${kept?.path ?? "a recording is not kept"}: ${note}`)
    if (kept && cut) said.push(`${kept.path} was cut short`)
    refusedInRow = kept ? 0 : refusedInRow + 1
    let what: string[] = []
    if (kept) {
      files.push(kept.path)
      what = [`kept ${kept.path}: ${samples} samples, ${had.toFixed(1)} a second`]
      output.status(what[0])
    } else refused++
    for (const note of said) say(note)
    page?.desk.changed([...what, ...said].join("; "))
  }
  const cutShort = () => {
    const rest = session.cut()
    if (rest) hear(rest, true)
  }
  const ask = (asked: string) => {
    const fault = faultOfLabel(asked)
    if (fault) throw usageError(`"${asked}" ${fault}`, "for example wave")
    if (session.label !== undefined)
      throw usageError(`${session.label} is being recorded`, "wait for its end")
    session.label = asked
    began = realClock.now()
  }
  const state = () => ({
    recording: session.label === undefined ? undefined : { label: session.label, seconds: left() },
    ...{ taught: 0, undoable: 0 },
  })
  const left = () => Math.max(0, seconds - (realClock.now() - began) / 1000)
  const { ended, end, fail } = readingOf(source, signal)
  const take = (values: number[], names?: string[]) => {
    latest.push(values[0])
    if (latest.length > PICTURE) latest.shift()
    page?.desk.sample(values, names)
    try {
      // A folder that cannot be made is told with the first sample.
      if (!begun) store.prepare(label)
      begun = true
      const whole = session.push(values, realClock.now(), names)
      if (!whole) return
      if (label === undefined) session.label = undefined
      hear(whole)
      if (files.length >= count) end()
      else if (refusedInRow >= MOST_REFUSED) end(unsteady(source.name, notes))
    } catch (error) {
      fail(error)
    }
  }
  const picture = realClock.every(PICTURE_MS * (output.stderr.isTTY ? 1 : 50), () => {
    if (latest.length > 0) output.status(sparkline(latest))
  })
  let error: WuxingError | undefined
  try {
    page = await openSignalDashboard(
      options,
      {
        ...{ source: source.name, store, seconds, signal, state },
        rate: options.on === undefined ? undefined : rate,
        records: label === undefined ? "asked" : "command",
        acts: label === undefined ? { record: ask, cut: cutShort } : {},
      },
      { output },
    )
    output.status(
      label === undefined
        ? `${source.name}: the page says what is recorded, ${seconds} s each; Ctrl-C ends it`
        : `recording ${label} from ${source.name}: ${count} of ${seconds} s; Ctrl-C ends it`,
    )
    source.onSample = take
    error = await ended
    // What was recorded of one that was cut short is kept too.
    if (error || signal.aborted) cutShort()
    if (error) page?.desk.lost(error)
  } finally {
    picture.stop()
    await source.close()
    await page?.close()
  }
  const folder = label === undefined ? out : join(out, label)
  const of = label === undefined ? "" : ` of ${label}`
  output.field("recorded", `${files.length}${of}, in ${folder}`)
  return { document: { label, folder, files, refused, notes }, error }
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
