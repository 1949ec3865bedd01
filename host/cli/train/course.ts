/** A training under way: its progress, what boards and files keep of it, and its end before the last sample. */
import { existsSync } from "node:fs"
import { join, parse } from "node:path"
import { WuxingError } from "../../base/errors"
import { counted, grouped, percent } from "../../base/numbers"
import type { Fleet } from "../../fleet/fleet"
import { locationText } from "../../hardware/location"
import type { AveragedEngine } from "../../training/averaged-engine"
import type { BoardLearner } from "../../training/board-learners"
import type { FleetEngine } from "../../training/fleet-engine"
import type { OwnFigure } from "../../training/own-figures"
import type { Training } from "../../training/training"
import type { WatchedEngine } from "../../training/watched-engine"
import type { Context } from "../command"
import { startFleetProgress } from "../fleet-run"
import { quoted } from "../options/usage"
import type { Output } from "../terminal/output"
import { startProgress } from "../terminal/progress"
import { startShareProgress } from "../terminal/share-progress"
import { isSame } from "./resume"
import type { TrainOptions } from "./train-options"

/** The boards a training learns on, if it does. */
export function fleetOf({ engine }: Training): Fleet | undefined {
  return "fleet" in engine ? (engine as FleetEngine).fleet : undefined
}

/** The boards of a training in which each holds the whole network. */
export function fleetsBeside({ engine }: Training): Fleet[] {
  if (!("learners" in engine)) return []
  return (engine as AveragedEngine).learners.flatMap(learner =>
    "fleet" in learner ? [(learner as BoardLearner).fleet] : [],
  )
}

export function recoveriesOf(fleets: Fleet[]): number {
  return fleets.reduce((sum, { recoveries }) => sum + recoveries, 0)
}

/** Where people may have a word in a training. */
export function watchedOf(training: Training): Pick<Fleet, "interventions" | "heldMs"> | undefined {
  const { engine } = training
  return "interventions" in engine ? (engine as WatchedEngine) : fleetOf(training)
}

/**
 * Has boards keep what they learn, and goes on from what they have kept where that is newer than the
 * file: a host that died may have been further than its last file.
 */
export async function keepOnBoards(
  training: Training,
  fleet: Fleet,
  { resume, anew }: TrainOptions,
  command: string,
  output: Output,
): Promise<{ kept: boolean; why?: string; from?: number }> {
  const why = fleet.keepOnBoards(training.run(command))
  if (why !== undefined) {
    output.status(`checkpoints on the host alone: ${why}`)
    return { kept: false, why }
  }
  const total = training.plan.epochs * training.plan.images
  const found =
    resume === undefined && anew
      ? undefined
      : await fleet.goOnFromBoards(training.samples, resume === undefined ? total - 1 : total)
  if (!found) {
    if (resume === undefined) await fleet.markStart()
    return { kept: true }
  }
  training.goOnAt(found.samples, found.right)
  output.status(
    `the boards hold this training up to sample ${grouped(found.samples)}${resume === undefined ? "" : `, newer than ${resume}`}: going on from there`,
  )
  return { kept: true, from: found.samples }
}

/** What the command alone does not make again. */
export function lessonsIn(training: Training): string {
  const interventions = watchedOf(training)?.interventions ?? []
  const lessons = interventions.filter(each => "lesson" in each).length
  const rates = interventions.filter(each => "bits" in each).length
  const loads = interventions.length - lessons - rates
  const words = [
    ...(lessons > 0 ? [`${lessons} lessons by hand`] : []),
    ...(rates > 0 ? [`${rates} changes of the rate by hand`] : []),
    ...(loads > 0 ? [`${loads} states loaded by hand`] : []),
  ]
  return words.length > 0 ? ` # and ${words.join(", ")}` : ""
}

/** Learns to the end; true if it was stopped before. */
export async function learn(
  training: Training,
  keeper: Keeper,
  { output, signal }: Context,
): Promise<boolean> {
  const { plan } = training
  if (training.finished) {
    const more = plan.smooth ? "begin anew from it with --model FILE" : "--epochs with more goes on"
    output.status(
      `nothing is left to learn: it has learnt ${counted(plan.epochs, "epoch")} (${more}); measured again`,
    )
    return false
  }
  const before = training.samples
  const { right: rightBefore } = training.position
  let right = 0
  const total = plan.epochs * plan.images - before
  const fleet = fleetOf(training)
  const progress = fleet
    ? startFleetProgress(output, "training", total, fleet)
    : startProgress(output, "training", total)
  try {
    while (!training.finished) {
      const start = training.position.epoch * plan.images - before
      const figures = await training.epoch({
        signal,
        onProgress: (done, correct) => progress.sample(start + done, right + correct - rightBefore),
        onCheckpoint: () => keeper.keep(),
      })
      if (!figures) return true
      right += Math.round(figures.accuracy * plan.images)
      if (figures.epoch === 1 && figures.accuracy === 1)
        output.status(
          "note: every answer of the first epoch was correct: one of the inputs may hold the class",
        )
      output.log(
        `epoch ${figures.epoch}: ${percent(figures.accuracy)} classified correctly while learning, learning shift ${figures.learnShift}`,
      )
      keeper.keep()
    }
    return false
  } finally {
    progress.stop()
  }
}

/** Measures what was learnt; true if it was stopped before. */
export async function measure(training: Training, { output, signal }: Context): Promise<boolean> {
  output.status(fleetOf(training) ? "measuring on the host" : "measuring")
  try {
    await training.measure("train", signal)
    if (training.plan.validation > 0) await training.measure("validation", signal)
    training.calibrate()
    // Where nothing could be held out there is nothing but the training images.
    if (training.testedOn !== "train") await training.measure("test", signal)
    const { notes } = training.data
    const { test, heldOut } = training.accuracy
    // Of mnist there are no notes, and nothing would be new.
    if (notes && (test ?? heldOut) === 1 && training.data.classes.length > 1) {
      notes.push(ALL_RIGHT)
      output.status(ALL_RIGHT)
    }
    return false
  } catch (error) {
    if (signal.aborted) return true
    throw error
  }
}

/** Of boards that each have their own data: what it would have taught alone; undefined if stopped before. */
export async function measureOwn(
  training: Training,
  { output, signal }: Context,
): Promise<OwnFigure[] | undefined> {
  if (!training.data.own) return undefined
  const { ownFigures } = await import("../../training/own-figures")
  const progress = startShareProgress(output, "each board's data alone")
  try {
    return await ownFigures(training, { signal, onProgress: progress.update })
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  } finally {
    progress.stop()
  }
}

const ALL_RIGHT =
  "note: not one mistake: the classes lie far apart, or a value gives them away (a number of the sample, the class in other words)"

/** Writes the model; over its own files, never over others. */
export class Keeper {
  /** Where it was written last. */
  path?: string
  private readonly wanted?: string
  /** What is there may be written over. */
  private own: boolean

  /** @param save throws WuxingError "usage" where a file is there and it may not write over it */
  constructor(
    { out, resume, force }: TrainOptions,
    private readonly name: string,
    private readonly save: (path: string, force: boolean) => void,
    private readonly note: (text: string) => void,
  ) {
    this.wanted = out ?? resume
    this.own = (force ?? false) || (resume !== undefined && isSame(out ?? resume, resume))
  }

  /** To where the user said, if anywhere. */
  keep(): void {
    if (this.wanted !== undefined) this.write(this.path ?? this.wanted)
  }

  /** What was learnt is kept where it is stopped, even if nobody said where. */
  keepAnyway(): string {
    return this.write(this.path ?? this.wanted ?? `${this.name}.wuxing`)
  }

  private write(path: string): string {
    this.path = this.own ? path : this.writeFresh(path)
    if (this.own) this.save(path, true)
    this.own = true
    return this.path
  }

  /** What another run has written since the start stays, and so does what this one learnt. */
  private writeFresh(path: string): string {
    const { dir, name, ext } = parse(path)
    for (let i = 1; ; i++) {
      const free = i === 1 ? path : join(dir, `${name}-${i}${ext}`)
      try {
        this.save(free, false)
        if (i > 1 && this.wanted !== undefined)
          this.note(`${path} was written by another run since the start: kept in ${free}`)
        return free
      } catch (error) {
        if (!(error instanceof WuxingError && error.kind === "usage" && existsSync(free)))
          throw error
      }
    }
  }
}

/** What stopped it, and the command that goes on. */
export function interruption(
  signal: AbortSignal,
  training: Training,
  path: string,
  options: TrainOptions,
): WuxingError {
  const reason: unknown = signal.reason
  const { plan, samples } = training
  const known = reason instanceof WuxingError ? reason : undefined
  const stopped = new WuxingError(
    {
      code: known?.code ?? "interrupted",
      kind: known?.kind ?? "interrupted",
      message: `${known?.message ?? "stopped"} after ${grouped(samples)} of ${grouped(plan.images * plan.epochs)} samples, kept in ${path}`,
      cause: known?.likely ?? "Ctrl-C, or another process asked for it",
      help: `go on with: ${resumeCommand(path, options)}`,
    },
    { cause: reason },
  )
  if (known?.kind === "internal") stopped.stack = known.stack
  return stopped
}

/** Goes on as it was begun: on the same boards, in the same file. */
function resumeCommand(path: string, options: TrainOptions): string {
  const { on, checkpoint, workers, panel, layout } = options
  const words = ["wuxing", "train", "--resume", quoted(path)]
  if (options.resume !== undefined && options.data !== undefined)
    words.push("--data", quoted(options.data))
  if (options.resume !== undefined && options.dataEach !== undefined)
    words.push("--data-each", quoted(options.dataEach))
  if (options.resume !== undefined && options.epochs !== undefined)
    words.push("--epochs", `${options.epochs}`)
  if (on !== undefined) words.push("--on", quoted(locationText(on)))
  if (checkpoint !== undefined) words.push("--checkpoint", `${checkpoint}`)
  if (workers !== undefined) words.push("--workers", `${workers}`)
  if (panel !== undefined) words.push("--panel", quoted(panel))
  if (layout !== undefined) words.push("--layout", quoted(layout))
  return words.join(" ")
}
