/** The images to train and test with, by what a user calls them. */

import { isCsv, readCsv } from "../data/csv"
import { frameOf, readFolder } from "../data/folder"
import { CLASSES, readMnist } from "../data/mnist"
import { type Network, signalsOf } from "../network/network"
import type { SignalDescription } from "../signals/description"

/** Images of one size, row by row, one byte a pixel, one image behind the other. */
export interface Images {
  images: Uint8Array
  labels: Uint8Array
  count: number
  /** Pixels of a row. */
  width: number
  height: number
}

export interface TrainingData {
  /** What the data is called in records: "mnist", or the path given. */
  name: string
  /** Names of the labels 0, 1, … */
  classes: string[]
  /** Read when first asked for. */
  readonly train: Images
  readonly test: Images
  /** Of recordings: how their windows became images. */
  signal?: SignalDescription
  /** Of recordings: how they were chosen, for a model's record. */
  recordings?: RecordingChoice
}

/** Which recordings are learnt and which are for test; regular expressions as texts. */
export type RecordingChoice = {
  rate?: number
  testNames?: string
  testEvery?: number
  trainNames?: string
}

/**
 * @param what "mnist" (the packaged files, or the folder in WUXING_MNIST), or a folder of IDX files or
 *   pictures, which are scaled to the network's input, or CSV, whose columns are taken as they are
 * @param classes names of the classes the network has learnt, if it has
 * @throws WuxingError of kind "data", as readMnist, readFolder and readCsv; for files at once
 */
export function readTrainingData(what: string, network: Network, classes?: string[]): TrainingData {
  if (what === "mnist") {
    const mnist = readMnist()
    return {
      name: what,
      classes: Array.from({ length: CLASSES }, (_, i) => String(i)),
      get train() {
        return mnist.train
      },
      get test() {
        return mnist.test
      },
    }
  }
  const outputs = signalsOf(network, network.layers.length)
  if (isCsv(what)) return readCsvData(what, network.width, outputs, classes)
  const frame = frameOf(network.width)
  const train = readFolder(what, { ...frame, split: "train", outputs, classes })
  // The same labels for both, also where a class has no test images.
  const test = readFolder(what, { ...frame, split: "test", outputs, classes: train.classes })
  return { name: what, classes: train.classes, train, test }
}

function readCsvData(
  what: string,
  width: number,
  outputs: number,
  classes: string[] | undefined,
): TrainingData {
  const train = readCsv(what, { width, outputs, classes, split: "train" })
  const test = readCsv(what, { width, outputs, classes: train.classes, split: "test" })
  return { name: what, classes: train.classes, train, test }
}
