/**
 * A training from its beginning, or from where it was stopped, to its end: epochs, measurements, and
 * the model to keep.
 */

import { createHash } from "node:crypto"
import { z } from "zod"
import { MOST_LEARN_SHIFT } from "../../src/core/layout"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { MOST_CLASSES, MOST_NAME } from "../data/classes"
import { ELEMENTS_ARRAY, KEPT_ARRAY, type Model, sorted } from "../models/model-file"
import { isQuantised, type Network, signalsOf } from "../network/network"
import { refuseQuantised } from "../network/refuse-quantised"
import { variationSchema } from "../signals/vary"
import { leadToTrust } from "./calibrate"
import { type DataRecord, dataRecordSchema } from "./data-record"
import type { LabelledImages, LearningEngine } from "./learning-engine"
import { learnShiftAt } from "./schedule"
import { edgesOf, type Lesson, ownOrder, type Recipe, trainEpoch } from "./train-model"
import type { Images, RecordingChoice, Testing, TrainingData } from "./training-data"
import { TrainingEngine } from "./training-engine"

/** Everything that decides which bits a training ends with, besides network and data. */
export interface Plan extends Recipe {
  /** Of the order of the images and their shifts. */
  seed: number
  batch: number
  /** Training images used: the first so many. */
  images: number
  /** Last training images kept apart to measure on, among those not used to learn. */
  validation: number
  /** Copies that learn side by side; absent: one network learns one sample after the other. */
  share?: Sharing
}

/** How copies of a network share the samples (averaged-engine.ts). */
export type Sharing = {
  /** Shares of samples that are averaged. */
  replicas: number
  /** Samples of a share. */
  average: number
  /** Where each board learns its own data: samples of the board that has most. */
  own?: number
}

/** How far it has come. */
export interface Position {
  /** Epochs finished. */
  epoch: number
  /** Images of the epoch under way that were learnt, and how many were right before that. */
  done: number
  right: number
}

/** An epoch as it went. */
export interface EpochFigures {
  /** 1 = the first. */
  epoch: number
  /** Bits by which S·λ was shifted: the rate. */
  learnShift: number
  /** Share of the images the network had right before it learnt each. */
  accuracy: number
}

/** Starts an engine for the network as it is to learn. */
export type StartEngine = (network: Network) => Promise<LearningEngine>

/** What can be measured on; "test" are the data's test images, or those held out in their place. */
export type Split = "train" | "validation" | "test"
/** What a figure is of. */
export type Measured = Split | "heldOut"

const settingsSchema = z.strictObject({
  classes: z.array(z.string().max(MOST_NAME)).max(MOST_CLASSES),
  data: dataRecordSchema.optional(),
  epochs: z.int().min(1),
  learnShift: z.int().min(1).max(MOST_LEARN_SHIFT),
  epochsPerBit: z.int().min(1),
  smooth: z.strictObject({ eighths: z.int().min(8).max(15), warm: z.int().min(0) }).optional(),
  shiftImages: z.boolean(),
  distortion: z
    .strictObject({
      rotate: z.int().min(0).max(800),
      scale: z.int().min(0).max(500),
      shift: z.int().min(0).max(1600),
      elastic: z.int().min(0).max(1600),
      flip: z.boolean(),
    })
    .optional(),
  softmaxGain: z.int().min(0).max(65535),
  seed: z.int(),
  batch: z.int().min(1).max(65536),
  rounding: z.enum(["each", "once"]).optional(),
  images: z.int().min(1),
  validation: z.int().min(0),
  share: z
    .strictObject({
      replicas: z.int().min(1).max(64),
      average: z.int().min(1).max(100_000),
      own: z.int().min(1).optional(),
    })
    .optional(),
  recordings: z
    .strictObject({
      rate: z.number().optional(),
      testNames: z.string().optional(),
      testEvery: z.int().min(2).optional(),
      trainNames: z.string().optional(),
      vary: variationSchema.optional(),
    })
    .optional(),
})

/** What also a network has that was taught by hand alone, with no plan of a training. */
const taughtSchema = z.object(settingsSchema.pick({ classes: true, data: true }).shape)

const stateSchema = z.strictObject({
  epoch: z.int().min(0),
  done: z.int().min(0),
  right: z.int().min(0),
  dataHash: z.string(),
})

export class Training {
  position: Position
  /** Samples learnt and time spent by this process. */
  learnt = 0
  seconds = 0
  readonly history: EpochFigures[] = []
  readonly accuracy: Partial<Record<Measured, number>> = {}
  /** Of a signal, once it is measured: below which lead a window is of no known class. */
  calibrated: { unknown?: number } = {}

  /**
   * @param model where to begin; with `position`, where it was stopped
   * @param options.engine starts another engine than the host's, which is to begin from the model
   * @throws WuxingError "data-mismatch" if the images do not fit the network
   */
  static async start(
    model: Model,
    plan: Plan,
    data: TrainingData,
    options: { workers?: number; position?: Position; engine?: StartEngine } = {},
  ): Promise<Training> {
    checkData(model.network, plan, data)
    if (options.engine || plan.rounding !== "once") refuseQuantised(model.network)
    const error = plan.softmaxGain > 0 ? { softmaxGain: plan.softmaxGain } : {}
    const network = { ...model.network, ...error }
    const engine = options.engine
      ? await options.engine(network)
      : await TrainingEngine.start(network, {
          ...{ batch: plan.batch, rounding: plan.rounding, workers: options.workers },
        })
    try {
      if (engine instanceof TrainingEngine) loadModelInto(engine, model)
      return new Training(model, engine, plan, data, options.position)
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /**
   * Goes on with a training that was stopped.
   *
   * @param epochs in all; absent: as planned then
   * @throws WuxingError "resume-impossible" or "resume-data" (kind "data")
   */
  static async resume(
    path: string,
    model: Model,
    data: TrainingData,
    options: { workers?: number; epochs?: number; engine?: StartEngine } = {},
  ): Promise<Training> {
    const { plan, position, dataHash } = planOf(path, model)
    const { epochs = plan.epochs } = options
    if (plan.smooth && epochs !== plan.epochs)
      throw new WuxingError({
        code: "resume-impossible",
        kind: "data",
        message: `${path} was trained with a rate that falls over ${plan.epochs} epochs, not over ${epochs}`,
        cause: "its rate so far would have been another one",
        help: "leave out --epochs, or begin a training from this network (--model)",
      })
    if (isQuantised(model.network) && !model.arrays?.[KEPT_ARRAY] && epochs > position.epoch)
      throw new WuxingError({
        code: "resume-impossible",
        kind: "data",
        message: `${path} has coefficients of four bits alone`,
        cause: "it had learnt to its end, where the 16 bits that learn are left out",
        help: "begin a training from this network (--model)",
      })
    if (hashOf(data) !== dataHash)
      throw new WuxingError({
        code: "resume-data",
        kind: "data",
        message: `${path} was trained on other images than ${data.name}`,
        cause: `it was trained on ${model.training?.data ?? "data without a name"}`,
        help: "name the same data (--data), or begin anew from this network (--model)",
      })
    return await Training.start(model, { ...plan, epochs }, data, {
      ...{ workers: options.workers, engine: options.engine },
      position,
    })
  }

  readonly network: Network
  /** Where it began; undefined: it goes on with one that was stopped. */
  readonly begun?: Model
  private readonly training: LabelledImages
  /** Those kept apart to measure on. */
  private readonly apart: LabelledImages
  private readonly testing: LabelledImages
  private readonly dataHash: string
  private readonly edges?: Uint8Array

  private constructor(
    model: Model,
    readonly engine: LearningEngine,
    readonly plan: Plan,
    readonly data: TrainingData,
    position: Position | undefined,
  ) {
    this.network = model.network
    if (!position) this.begun = model
    this.position = position ?? { epoch: 0, done: 0, right: 0 }
    this.dataHash = hashOf(data)
    // 90 of MNIST's 60,000 have ink at a side, most of it faint: with them kept where they are, the
    // networks that are kept trained would no longer be made to the bit.
    if (plan.shiftImages && data.name !== "mnist") this.edges = edgesOf(data.train)
    const { train, test } = data
    const learnt = data.own ? train.count - plan.validation : plan.images
    this.training = engine.store(...part(train, 0, learnt))
    this.apart = engine.store(...part(train, train.count - plan.validation, train.count))
    this.testing = engine.store(test.images, test.labels)
  }

  /** Where each board learns its own data: the order of an epoch's images. */
  private get order(): Lesson["order"] {
    const { own } = this.data
    const { share, seed } = this.plan
    if (!own || share?.own === undefined) return undefined
    const ranges = own.map(({ train }) => train)
    const { average, own: most } = share
    return epoch => ownOrder(ranges, average, most, seed, epoch)
  }

  get finished(): boolean {
    return this.position.epoch >= this.plan.epochs
  }

  /**
   * A number that equal trainings have, however far each has come and wherever it learns, and others
   * hardly ever: where it and the samples learnt are equal, the bits are.
   *
   * @param command as `model` keeps it
   */
  run(command: string): number {
    const { epochs, ...plan } = this.plan
    const what = [command.replace(/ --epochs \d+/, ""), this.network, plan, this.dataHash]
    // A smooth rate falls with all of them.
    if (plan.smooth) what.push(`${epochs}`)
    return (
      createHash("sha256")
        .update(JSON.stringify(sorted(what)))
        .digest()
        .readUInt32LE(0) & 0x7fffffff
    )
  }

  /** Takes what its engine has learnt meanwhile for its own: samples in all, right ones of the epoch. */
  goOnAt(samples: number, right: number): void {
    const { images } = this.plan
    const done = samples % images
    this.position = { epoch: Math.floor(samples / images), done, right: done > 0 ? right : 0 }
  }

  /** Samples learnt since the beginning, by whichever process. */
  get samples(): number {
    return this.position.epoch * this.plan.images + this.position.done
  }

  /**
   * Learns the epoch under way to its end, or until aborted.
   *
   * @param onProgress images of the epoch learnt so far, and how many were right
   * @returns the epoch's figures; undefined if it was aborted
   */
  async epoch(
    options: {
      onProgress?: (done: number, right: number) => void
      /** Now and then, when `model` gives what has been learnt of the epoch so far. */
      onCheckpoint?: () => void
      signal?: AbortSignal
    } = {},
  ): Promise<EpochFigures | undefined> {
    const { engine, plan } = this
    const { epoch, done, right } = this.position
    const start = realClock.now()
    const lesson: Lesson = {
      store: this.training,
      count: plan.images,
      images: this.data.train,
      seed: plan.seed,
      edges: this.edges,
      order: this.order,
    }
    const now = await trainEpoch(engine, lesson, plan, epoch, done, {
      signal: options.signal,
      rightBefore: right,
      onProgress: (d, r) => options.onProgress?.(done + d, right + r),
      onCheckpoint: (d, r) => {
        this.position = { epoch, done: done + d, right: right + r }
        options.onCheckpoint?.()
      },
    })
    this.seconds += (realClock.now() - start) / 1000
    this.learnt += now.done
    this.position = { epoch, done: done + now.done, right: right + now.right }
    if (this.position.done < plan.images) return undefined
    const figures = {
      epoch: epoch + 1,
      learnShift: learnShiftAt(plan, epoch, this.network),
      accuracy: this.position.right / plan.images,
    }
    this.history.push(figures)
    this.position = { epoch: epoch + 1, done: 0, right: 0 }
    return figures
  }

  /** What its test images are. */
  get testedOn(): Testing {
    return this.data.testing ?? "test"
  }

  /**
   * Share of a split's images that the network classifies correctly now: the training images it learnt
   * from, those kept apart, or the test images.
   *
   * @throws WuxingError "interrupted"
   */
  async measure(split: Split, signal?: AbortSignal): Promise<number> {
    const store = { test: this.testing, train: this.training, validation: this.apart }[split]
    const indices = new Int32Array(store.labels.length).map((_, i) => i)
    const classes = await this.engine.predict(store, indices, { signal })
    const accuracy = classes.filter((c, i) => c === store.labels[i]).length / classes.length
    this.accuracy[split === "test" ? this.testedOn : split] = accuracy
    return accuracy
  }

  /** Of a signal, on images kept apart: from which lead on a class is to be said. */
  calibrate(): void {
    if (!this.data.signal || this.plan.validation === 0) return
    const { count } = this.data.train
    const unknown = leadToTrust(
      this.model(""),
      this.data.train,
      count - this.plan.validation,
      count,
    )
    this.calibrated = { unknown }
  }

  /** What to save, whether at the end or in between. @param command that makes the same again */
  model(command: string): Model {
    const { coefficients, elements, kept } = this.engine
    const arrays = {
      ...(elements.length > 0 && { [ELEMENTS_ARRAY]: elements }),
      ...(kept && isQuantised(this.network) && !this.finished && { [KEPT_ARRAY]: kept }),
    }
    const { signal, recordings } = this.data
    return {
      network: this.network,
      coefficients,
      ...(Object.keys(arrays).length > 0 && { arrays }),
      training: {
        command,
        seed: this.plan.seed,
        epochs: this.samples / this.plan.images,
        samples: this.samples,
        data: this.data.name,
        accuracy: this.accuracy,
        settings: {
          ...{ ...this.plan, classes: this.data.classes },
          ...(recordings && { recordings }),
          ...(this.data.record && { data: this.data.record }),
        },
        state: { ...this.position, dataHash: this.dataHash },
      },
      ...(signal && { signal: { ...signal, ...this.calibrated } }),
    }
  }

  async close(): Promise<void> {
    await this.engine.close()
  }
}

/** Images and labels from … to−1. */
function part({ images, labels, width, height }: Images, from: number, to: number) {
  const pixels = width * height
  return [images.subarray(from * pixels, to * pixels), labels.subarray(from, to)] as const
}

/** Gives an engine all that a model has learnt. */
export function loadModelInto(engine: TrainingEngine, model: Model): void {
  engine.coefficients = model.coefficients
  const { [ELEMENTS_ARRAY]: elements, [KEPT_ARRAY]: kept } = model.arrays ?? {}
  if (elements) engine.elements = elements
  if (kept) engine.kept = kept
}

/** The plan a model was trained by, and how far it came. */
export function planOf(
  path: string,
  model: Model,
): { plan: Plan; position: Position; dataHash: string } {
  const settings = settingsSchema.safeParse(model.training?.settings)
  const state = stateSchema.safeParse(model.training?.state)
  if (!settings.success || !state.success || state.data.done >= settings.data.images)
    throw new WuxingError({
      code: "resume-impossible",
      kind: "data",
      message: `${path} does not say where its training stopped`,
      cause: model.training
        ? "another program, or another version of wuxing, wrote it"
        : "the network was never trained",
      help: "begin a training from this network (--model)",
    })
  if (model.network.pid && !(state.data.epoch === 0 && state.data.done === 0))
    throw new WuxingError({
      code: "resume-impossible",
      kind: "data",
      message: `${path} was trained with PID control, whose running means are not kept`,
      cause: "it would not end with the bits of a training that was not stopped",
      help: "begin a training from this network (--model)",
    })
  const { dataHash, ...position } = state.data
  const { classes: _, recordings: __, data: ___, ...plan } = settings.data
  return { plan, position, dataHash }
}

function checkData(network: Network, plan: Plan, { name, train, test }: TrainingData): void {
  for (const images of [train, test]) checkImages(network, name, images)
  if (!plan.share?.own && plan.images + plan.validation > train.count)
    throw mismatch(
      `${plan.images} samples to learn and ${plan.validation} kept apart are more than the ${train.count} of ${name}`,
      "--limit or --validation is too large for this data",
    )
}

/**
 * @param name of the data
 * @throws WuxingError "data-mismatch" (kind "data") if the network cannot take the images
 */
export function checkImages(network: Network, name: string, images: Images): void {
  if (images.width * images.height !== network.width)
    throw images.height === 1
      ? mismatch(
          `the samples of ${name} have ${images.width} values, but the network has ${network.width} inputs`,
          "the network was made for other data",
        )
      : mismatch(
          `the images of ${name} are ${images.width}x${images.height} pixels, but the network has ${network.width}`,
          "the network was made for images of another size",
        )
  const classes = signalsOf(network, network.layers.length)
  const wrong = images.labels.findIndex(label => label >= classes)
  if (wrong >= 0)
    throw mismatch(
      `${name} has a sample of class ${images.labels[wrong]}, but the network tells only 0 to ${classes - 1} apart`,
      "the network was made for fewer classes",
    )
}

function mismatch(message: string, cause: string): WuxingError {
  return new WuxingError({
    code: "data-mismatch",
    kind: "data",
    message,
    cause,
    help: "name other data (--data) or another network (--model)",
  })
}

/** Hashes of data that is in use: those of MNIST's 47 MB take a quarter of a second. */
const hashes = new WeakMap<Images, string>()

/** SHA-256 of the training images and labels, and of whose each is. */
function hashOf({ train, own }: TrainingData): string {
  const known = own ? undefined : hashes.get(train)
  if (known) return known
  const hash = createHash("sha256").update(train.images).update(train.labels)
  if (own) return hash.update(JSON.stringify(own.map(part => part.train))).digest("hex")
  const found = hash.digest("hex")
  hashes.set(train, found)
  return found
}

/** Which recordings a model was taught and which were for test; undefined if it learnt from none. */
export function recordingsOf(model: Model): RecordingChoice | undefined {
  const settings = settingsSchema.safeParse(model.training?.settings)
  return settings.success ? settings.data.recordings : undefined
}

/** Names of the classes a model has learnt; undefined if it does not say. */
export function classesOf(model: Model): string[] | undefined {
  return dataOf(model).classes
}

/** Names of a model's classes: as it learnt them, else the numbers of its outputs. */
export function classNamesOf(model: Model): string[] {
  const outputs = model.network.layers.at(-1)!.neurons
  return classesOf(model) ?? Array.from({ length: outputs }, (_, i) => `${i}`)
}

/** How a model's data was taken, and its classes: for the next data, to be taken in the same way. */
export function dataOf(model: Model): { classes?: string[]; record?: DataRecord } {
  const settings = taughtSchema.safeParse(model.training?.settings)
  return settings.success ? { classes: settings.data.classes, record: settings.data.data } : {}
}
