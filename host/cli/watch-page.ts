/** The page of `wuxing watch --dashboard`: what is seen, named, taught and kept. */
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { sha256 } from "../base/sha256"
import type { Mark } from "../dashboard/signal-messages"
import { addOutput } from "../models/add-output"
import type { Model } from "../models/model-file"
import { HostNetwork } from "../network/host-network"
import { signalsOf } from "../network/network"
import type { Recording } from "../sensing/recording-session"
import type { SignalSource } from "../sensing/source"
import { type Detection, Watcher, type WatchSettings } from "../sensing/watcher"
import { resampleTo, type Recording as Signal } from "../signals/recording"
import type { Context } from "./command"
import type { DashboardOptions } from "./options/dashboard-option"
import { openSignalDashboard, type SignalDashboard } from "./options/signal-dashboard"
import { usageError } from "./options/usage"

/** Windows that are marked in a recording that is played. */
const MOST_MARKS = 500

export interface WatchPageOptions extends DashboardOptions {
  /** Folder that taught movements are kept in. */
  out: string
}

/** What is watched, and by what. */
interface Watched {
  source: SignalSource
  model: Model
  classes: string[]
  settings: WatchSettings
  watcher: Watcher
  /** Runs the watcher's network, and learns. */
  host: HostNetwork
}

/** A page that hears every sample; what is taught on it changes the watcher's network. */
export interface WatchPage {
  /** @returns what is to be said of the sample, as Watcher.push */
  push(values: number[], names?: string[]): Detection | undefined
  lost: (reason: Parameters<NonNullable<SignalSource["onEnd"]>>[0]) => void
  /** Lessons, and the files they are kept in. */
  readonly taught: number
  readonly files: string[]
  /** SHA-256 of the coefficients as they are now. */
  hash(): string
  close(): Promise<void>
}

/** @throws WuxingError "usage", "dashboard-port" */
export async function openWatchPage(
  options: WatchPageOptions,
  { source, model, classes, settings, watcher, host }: Watched,
  { output, signal }: Context,
): Promise<WatchPage | undefined> {
  if (options.dashboard === undefined) return undefined
  const { Learner } = await import("../sensing/learner")
  const { loadedModel, savedModel, untaught } = await import("../dashboard/state-file")
  const { Recorder } = await import("../sensing/recorder")
  const { RecordingSession } = await import("../sensing/recording-session")
  const { RecordingStore, faultOfLabel } = await import("../sensing/recording-store")
  const { Teaching } = await import("../sensing/teaching")
  const { features } = model.signal!
  const store = new RecordingStore(options.out)
  const session = new RecordingSession(store, new Recorder(Number.POSITIVE_INFINITY))
  const learner = new Learner(host)
  const teaching = new Teaching(features, watcher, learner, realClock)
  const files: string[] = []
  const nameOf = (label: number) => classes[label] ?? String(label)
  const known = (label: number) => (label < 0 ? undefined : nameOf(label))
  let channels: string[] | undefined
  /** What the page shows and saves: with the classes that were added. */
  let { network } = model
  let start = learner.learnt
  const addClass = (name: string) => {
    const fault = faultOfLabel(name)
    if (fault) throw usageError(`"${name}" ${fault}`, "for example wave")
    if (classes.includes(name)) throw usageError(`there is a class ${name}`, "press it")
    // A network may have more outputs than its data had classes.
    if (classes.length >= signalsOf(network, network.layers.length)) {
      const grown = addOutput(network, learner.learnt)
      start = addOutput(network, start).learnt
      network = grown.network
      const host = new HostNetwork(network)
      host.load(grown.learnt.coefficients, grown.learnt.elements)
      learner.goOnWith(host)
      watcher.host = host
    }
    classes.push(name)
    page?.desk.anew(`${name} is a class now: teach it`)
  }
  let page: SignalDashboard | undefined
  page = await openSignalDashboard(
    options,
    {
      ...{ source: source.name, store, signal, records: "lessons", classes },
      ...{ rate: features.rate, seconds: 0 },
      acts: {
        lesson: label => teaching.name(label),
        undo: () => {
          if (learner.undo()) page?.desk.changed("the last lesson is taken back; its file is kept")
        },
        addClass,
        restart: () => {
          learner.load(start)
          page?.desk.changed("as it was at the start; the files of lessons are kept")
        },
      },
      file: async () => {
        const { training, signal } = model
        return savedModel({
          ...{ network, classes, signal, learnt: learner.learnt },
          training: training ?? untaught(network),
        })
      },
      load: async bytes => {
        learner.load(loadedModel(bytes, network))
        page?.desk.changed("goes on from the file")
      },
      state: () => ({
        armed: teaching.armed === undefined ? undefined : nameOf(teaching.armed),
        ...{ taught: learner.taught, undoable: learner.undoable },
      }),
      marksOf: recording => marksOf(recording, model, settings, learner.host, known),
    },
    { output },
  )
  if (!page) return undefined
  const opened = page
  const { desk } = opened
  teaching.onWindow = found => desk.found(found, known(found.detection.class))
  teaching.onLesson = ({ label, rows }) => {
    const name = nameOf(label)
    const said = lessonKept(() => session.keep(name, rows, channels), name)
    if (said.file) files.push(said.file)
    for (const note of said.notes) output.status(note)
    desk.changed(said.notes.join("; "))
  }
  teaching.onNothing = label => desk.changed(`nothing moved to be learnt as ${nameOf(label)}`)
  return {
    push: (values, names) => {
      channels ??= names ?? features.channels
      desk.sample(values, names ?? features.channels)
      return teaching.push(values, realClock.now())
    },
    lost: reason => desk.lost(reason),
    get taught() {
      return learner.taught
    },
    files,
    hash: () => sha256(learner.host.coefficients()),
    close: () => opened.close(),
  }
}

/** What is to be said of a lesson's recording. */
function lessonKept(
  keep: () => Recording | undefined,
  name: string,
): { file?: string; notes: string[] } {
  let recording: Recording | undefined
  try {
    recording = keep()
  } catch (error) {
    // A full disk, or a class whose name is no folder's: it has been learnt all the same.
    if (!(error instanceof WuxingError)) throw error
    return { notes: [`learnt as ${name}, but not kept: ${error.message}`] }
  }
  if (!recording) return { notes: [`learnt as ${name}; too short to be kept`] }
  const { kept, notes, samples } = recording
  if (!kept) return { notes: notes.map(why => `learnt as ${name}, but not kept: ${why}`) }
  const about = notes.map(note => `${kept.path}: ${note}`)
  return {
    file: kept.path,
    notes: [`learnt as ${name}, kept ${kept.path}: ${samples} samples`, ...about],
  }
}

/** What the network finds in a recording, as it is now: by a watcher of its own. */
function marksOf(
  recording: Signal,
  model: Model,
  settings: WatchSettings,
  host: HostNetwork,
  known: (label: number) => string | undefined,
): Mark[] {
  const { features } = model.signal!
  if (recording.channels.length !== features.channels.length) return []
  const { values } = resampleTo(recording, features.rate)
  // Marks are in samples of the recording as it is.
  const step = (recording.rate ?? features.rate) / features.rate
  const marks: Mark[] = []
  const watcher = new Watcher(model, settings, host)
  watcher.onWindow = ({ from, to, detection }) =>
    marks.push({
      from: Math.max(0, Math.round(from * step)),
      to: Math.max(0, Math.round(to * step)),
      name: known(detection.class),
      lead: detection.lead,
    })
  for (let i = 0; i < values[0].length; i++) watcher.push(values.map(channel => channel[i]))
  watcher.finish()
  return marks.slice(0, MOST_MARKS)
}
