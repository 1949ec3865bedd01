/** Training on samples a program holds in memory: the library's short form of `wuxing train`. */
import { WuxingError } from "../base/errors"
import { refuseUnknown } from "../base/options"
import type { Model } from "../models/model-file"
import { untrained } from "../models/model-source"
import { type Network, signalsOf } from "../network/network"
import { recipeOf } from "./recipes"
import { type EpochFigures, Training } from "./training"
import type { Images } from "./training-data"

/** Samples of one's own. */
export interface Samples {
  /** A byte an input, as many as the network has, for each sample. */
  inputs: readonly Uint8Array[]
  /** Class of each sample, from 0. */
  labels: readonly number[]
}

/** Options of {@link train}. */
export interface TrainSamplesOptions {
  /** Times all samples are learnt; default: as the network's recipe has it. */
  epochs?: number
  /** Of the samples' order and of the rounding; default: the network's. */
  seed?: number
  /** Names of the classes, kept in the model. */
  classes?: readonly string[]
  /** What `training.accuracy.test` of the model is measured on; absent: nothing is. */
  test?: Samples
  /** After every epoch; `accuracy` is the share that was classified correctly before it was learnt. */
  onEpoch?: (figures: EpochFigures) => void
  /** Stops between samples: what was learnt until then is returned. */
  signal?: AbortSignal
}

const NO_IMAGES = { images: new Uint8Array(), labels: new Uint8Array(), count: 0 }
const OPTIONS = ["epochs", "seed", "classes", "test", "onEpoch", "signal"]

/**
 * Trains a network, or goes on teaching a model, with samples of one's own, one after the other as a board
 * learns them: ΔC = S·λ with stochastic rounding (paper 001 eq. 3.3 to 3.5 without the bound), with the
 * bits boards end with.
 *
 * @param what a network as drawn by its seed, or a model that has learnt something
 * @returns the model, which `saveModel` keeps; what was given is left as it was
 * @throws WuxingError "data-mismatch" (kind "data") if inputs or labels do not fit the network, "option-unknown"
 */
export async function train(
  what: Network | Model,
  samples: Samples,
  options: TrainSamplesOptions = {},
): Promise<Model> {
  refuseUnknown("train", options, OPTIONS)
  const model = "network" in what ? what : untrained(what)
  const { network } = model
  const recipe = { ...recipeOf(network), shiftImages: false }
  const { epochs = recipe.epochs, seed = network.seed, test } = options
  const outputs = signalsOf(network, network.layers.length)
  const classes = options.classes ?? Array.from({ length: outputs }, (_, i) => `${i}`)
  const learnt = imagesOf(network, samples)
  const data = {
    ...{ name: "samples of a program", classes: [...classes], train: learnt },
    test: test ? imagesOf(network, test) : { ...learnt, ...NO_IMAGES },
  }
  const plan = { ...recipe, epochs, seed, batch: 1, images: learnt.count, validation: 0 }
  const training = await Training.start(model, plan, data)
  try {
    while (!training.finished) {
      const figures = await training.epoch({ signal: options.signal })
      if (!figures) break
      options.onEpoch?.(figures)
    }
    if (test) await training.measure("test")
    return training.model("train() of the library")
  } finally {
    await training.close()
  }
}

/** @throws WuxingError "data-mismatch" where a sample has no label, or another number of inputs */
function imagesOf(network: Network, { inputs, labels }: Samples): Images {
  const { width } = network
  const odd = inputs.findIndex(input => input.length !== width)
  const fault =
    inputs.length === 0
      ? "there is no sample"
      : inputs.length !== labels.length
        ? `there are ${inputs.length} inputs and ${labels.length} labels`
        : odd >= 0
          ? `sample ${odd} has ${inputs[odd].length} inputs, but the network has ${width}`
          : labels.find(label => !Number.isInteger(label) || label < 0 || label > 255) !== undefined
            ? "labels are not all whole numbers from 0"
            : undefined
  if (fault !== undefined)
    throw new WuxingError({
      code: "data-mismatch",
      kind: "data",
      message: fault,
      cause: "the samples were made for another network",
      help: "give a Uint8Array of the network's inputs, and a class from 0, for each sample",
    })
  const images = new Uint8Array(width * inputs.length)
  for (const [i, input] of inputs.entries()) images.set(input, i * width)
  return { images, labels: Uint8Array.from(labels), count: inputs.length, width, height: 1 }
}
