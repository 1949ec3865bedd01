/** `wuxing watch`: names what a sensor says, live, or what recordings hold. */
import type { Command } from "commander"
import { realClock, type Timer, takeTurns } from "../base/clock"
import { WuxingError } from "../base/errors"
import { percent } from "../base/numbers"
import type { Model } from "../models/model-file"
import { timingOf } from "../sensing/timing"
import type { Detection, Watcher } from "../sensing/watcher"
import type { Context, Outcome, Run } from "./command"
import {
  addDashboardOptions,
  checkDashboardOptions,
  type DashboardOptions,
} from "./options/dashboard-option"
import { addSourceOptions, openSource, type SourceOptions } from "./options/source-options"
import { integerOption, numberOption, pathOption, usageError } from "./options/usage"
import type { WatchPage } from "./watch-page"

/** Samples after which their rate is looked at, and how far off it may be. */
const RATE_SAMPLES = 200
const OTHER_RATE = 0.15

interface WatchOptions extends SourceOptions, DashboardOptions {
  out: string
  model?: string
  recordings?: string
  hold?: number
  unknown?: number
  seconds?: number
}

export function addWatch(program: Command, run: Run): void {
  const command = program
    .command("watch")
    .description("classify what a sensor says, live")
    .option("--model <file>", "model file that was trained on recordings", pathOption("--model"))
  addSourceOptions(command)
    .option(
      "--recordings <path>",
      "a file or folder of recordings, one after another, in place of a sensor",
      pathOption("--recordings"),
    )
    .option(
      "--hold <n>",
      "windows in a row that must be of a class before it is said (default: 2)",
      integerOption("--hold", 1, 100),
    )
    .option(
      "--unknown <share>",
      "lead of the best output below which nothing is said (default: as calibrated in training)",
      numberOption("--unknown", 0, 8),
    )
    .option("--seconds <n>", "ends after so long", numberOption("--seconds", 0.1, 1e6))
    .option(
      "--out <dir>",
      "folder of the classes' folders that movements taught on the page are kept in",
      pathOption("--out"),
      "recordings",
    )
  addDashboardOptions(command).action(run(watch))
}

async function watch(options: WatchOptions, context: Context): Promise<Outcome> {
  const { output, signal } = context
  const { model: what, recordings, seconds: limit } = options
  if (what === undefined) throw usageError("--model is missing", "for example --model my.wuxing")
  checkDashboardOptions(options)
  if (recordings !== undefined && options.dashboard !== undefined)
    throw usageError(
      "--dashboard shows a sensor live, not --recordings",
      "leave out one of the two",
    )
  const { readModel } = await import("../models/model-source")
  const { classesOf } = await import("../training/training")
  const sensing = await import("../sensing/watcher")
  const model = readModel(what, 1)
  const { features } = readsSignal(model, what)
  const classes = classesOf(model) ?? []
  const unknown =
    options.unknown === undefined
      ? (model.signal?.unknown ?? 0)
      : Math.round(options.unknown * 2 ** model.network.signalBits)
  if (options.unknown === undefined && model.signal?.unknown === undefined)
    output.status("note: not calibrated, so everything is named; train with --validation")
  const { hostOf } = await import("../models/run-model")
  const settings = { hold: options.hold ?? model.signal?.hold ?? 2, unknown }
  const host = hostOf(model)
  const watcher = new sensing.Watcher(model, settings, host)
  const nameOf = (of: number) => (of < 0 ? "unknown" : (classes[of] ?? String(of)))
  const detections: (Detection & { name: string })[] = []
  const say = (found: Detection | undefined) => {
    if (!found) return
    const detection = { ...found, name: nameOf(found.class) }
    detections.push(detection)
    output.print(
      `${found.at.toFixed(2).padStart(8)} s  ${detection.name}  (lead ${found.lead.toFixed(2)}, ${found.seconds.toFixed(2)} s)`,
    )
  }
  let error: WuxingError | undefined
  let page: WatchPage | undefined
  if (recordings !== undefined) await playRecordings(recordings, model, { watcher, say }, signal)
  else {
    const source = await openSource(options, features.rate, signal)
    source.onNote = note => output.status(`note: ${note}`)
    output.status(`watching ${source.name}; Ctrl-C ends it`)
    let limiter: Timer | undefined
    const { readingOf } = await import("../sensing/reading")
    const { ended, end, fail } = readingOf(source, signal)
    try {
      const { openWatchPage } = await import("./watch-page")
      const watched = { source, model, classes, settings, watcher, host }
      page = await openWatchPage(options, watched, context)
      if (limit !== undefined) limiter = realClock.after(limit * 1000, () => end())
      const arrivals: number[] = []
      source.onSample = (values, names) => {
        arrivals.push(realClock.now())
        if (arrivals.length === RATE_SAMPLES) {
          const note = otherRate(arrivals, features.rate)
          if (note) output.status(`note: ${note}`)
        }
        if (values.length !== features.channels.length)
          end(otherChannels(source.name, values.length, features.channels))
        else
          try {
            say(page ? page.push(values, names) : watcher.push(values))
          } catch (error) {
            // A movement that was taught could not be kept.
            fail(error)
          }
      }
      error = await ended
      if (error) page?.lost(error)
    } finally {
      limiter?.stop()
      await source.close()
      await page?.close()
    }
    say(watcher.finish())
  }
  const seconds = watcher.samples / features.rate
  const named = detections.filter(found => found.class >= 0)
  const counts = Object.fromEntries(
    classes.map(name => [name, named.filter(found => found.name === name).length]),
  )
  output.field("watched", `${seconds.toFixed(1)} s, ${watcher.windows} windows`)
  output.field(
    "detections",
    `${named.length} (${sensing.perHour(named.length, seconds).toFixed(1)} an hour)`,
  )
  output.field(
    "unknown",
    `${watcher.windows === 0 ? percent(0) : percent((detections.length - named.length) / Math.max(1, detections.length))} of what was found`,
  )
  if (page) output.field("taught", `${page.taught}, kept in ${options.out}`)
  return {
    document: {
      ...(page && { taught: page.taught, files: page.files, coefficientsHash: page.hash() }),
      ...{ model: what, seconds, windows: watcher.windows, detections, counts },
      detectionsPerHour: sensing.perHour(named.length, seconds),
    },
    error,
  }
}

/** What is to be said of a sensor whose samples do not come as often as the network expects. */
export function otherRate(arrivals: number[], rate: number): string | undefined {
  const { rated, interval } = timingOf(arrivals)
  const had = 1000 / interval
  if (!rated || Math.abs(had / rate - 1) <= OTHER_RATE) return undefined
  return `${had.toFixed(1)} samples a second come, the network was taught with ${rate}: expect wrong answers`
}

function readsSignal(model: Model, what: string) {
  if (model.signal?.features.cut) return model.signal
  throw new WuxingError({
    code: "sensor-model",
    kind: "data",
    message: `${what} reads no signal that can be watched`,
    cause: "it was trained on pictures or tables of samples",
    help: "name a model that `wuxing train` made of recordings",
  })
}

function otherChannels(source: string, count: number, channels: string[]): WuxingError {
  return new WuxingError({
    code: "sensor-channels",
    kind: "data",
    message: `${source} has ${count} channels, but the network reads ${channels.length} (${channels.join(", ")})`,
    cause: "it is another sensor than the one the network was trained on",
    help: "name another sensor or model",
  })
}

async function playRecordings(
  path: string,
  model: Model,
  { watcher, say }: { watcher: Watcher; say: (found: Detection | undefined) => void },
  signal: AbortSignal,
): Promise<void> {
  const { recordingsAt } = await import("../signals/recording-set")
  const { resampleTo } = await import("../signals/recording")
  const { features } = model.signal!
  for (const recording of await recordingsAt(path, features.rate, signal)) {
    if (recording.channels.length !== features.channels.length)
      throw otherChannels(recording.name, recording.channels.length, features.channels)
    const { values } = resampleTo(recording, features.rate)
    for (let i = 0; i < values[0].length; i++) say(watcher.push(values.map(channel => channel[i])))
    say(watcher.finish())
    await takeTurns()
    signal.throwIfAborted()
  }
}
