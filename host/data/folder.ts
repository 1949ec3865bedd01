/**
 * A user's own data: a folder of IDX files, or of one folder of pictures per class.
 *
 *     digits/                         digits/                           digits/
 *       train-images-idx3-ubyte         zero/  1.png  2.pgm  …            train/  zero/ … one/ …
 *       train-labels-idx1-ubyte         one/   …                          test/   zero/ … one/ …
 *       t10k-images-idx3-ubyte
 *       t10k-labels-idx1-ubyte
 *
 * A folder with nothing but `train` and `test`, or with IDX files of both names (`t10k` or `test`),
 * has two splits; any other is one set that serves as either. Names that begin with a dot are passed
 * over, and so are files beside the class folders.
 *
 * Classes: folder names in order of their characters; the label is the place in that order. If all
 * are whole numbers below the number of the network's outputs, the label is the number, so that
 * digits keep their meaning even if some are missing. IDX labels are numbers anyway.
 *
 * Pixels: background is 0. Pictures on light paper (the rim brighter than the middle of the range)
 * are inverted; IDX images never. Then all are scaled to the network's input (scale.ts).
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { extname, join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { MOST_CLASSES, namesOfClasses, wrongClasses } from "./classes"
import type { Grey } from "./grey"
import { decodeImage, IMAGE_ENDINGS } from "./image-file"
import { invert, isOnPaper, type Scaling, scaleTo } from "./scale"

export interface ImageSet {
  /** `count` images one after another, each width · height bytes row by row, 0 = background. */
  images: Uint8Array
  /** `count` indices into `classes`. */
  labels: Uint8Array
  count: number
  width: number
  height: number
  classes: string[]
}

export interface FolderOptions {
  /** Size every image is scaled to. */
  width: number
  height: number
  split: "train" | "test"
  /** Default: box. */
  scaling?: Scaling
  /** Outputs of the network: labels must lie below. Default: no limit but 255. */
  outputs?: number
  /** Names of the classes a network has learnt: labels are places in this list. */
  classes?: string[]
}

const MOST_SET_BYTES = 2 ** 30
const MOST_FILE_BYTES = 2 ** 30
const MOST_PICTURE_BYTES = 8 * 2 ** 20
/** Pictures that people will have, and that are not read. */
const OTHER_PICTURES = [".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".svg"]
const IDX_NAME = /^(?:(.+?)[-._])?(images|labels)[-._]idx[13][-._]ubyte(\.gz)?$/
const IMAGES_MAGIC = 0x00000803
const LABELS_MAGIC = 0x00000801

/** Width and height of a network's input: square if its pixels allow it, else one row. */
export function frameOf(pixels: number): { width: number; height: number } {
  const side = Math.round(Math.sqrt(pixels))
  return side * side === pixels ? { width: side, height: side } : { width: pixels, height: 1 }
}

/**
 * @throws WuxingError of kind "data": "data-missing", "data-empty", "data-unreadable", "data-idx",
 * "data-picture" or "data-classes"
 */
export function readFolder(dir: string, options: FolderOptions): ImageSet {
  const entries = list(dir)
  const folders = entries.filter(entry => entry.folder).map(entry => entry.name)
  if (folders.length === 2 && folders.includes("train") && folders.includes("test"))
    return readFolder(join(dir, options.split), options)
  const files = entries.filter(entry => !entry.folder).map(entry => entry.name)
  if (files.some(name => IDX_NAME.test(name))) return readIdxPair(dir, files, options)
  if (folders.length > 0) return readPictures(dir, folders, options)
  throw new WuxingError({
    code: "data-empty",
    kind: "data",
    message: `${dir} holds neither IDX files nor class folders nor train.csv`,
    cause:
      files.length > 0
        ? "its files have other names, or the pictures do not lie in one folder per class"
        : "it is the wrong folder",
    help: "put the pictures into one folder per class, or IDX files named like train-images-idx3-ubyte",
  })
}

interface Entry {
  name: string
  folder: boolean
}

/** What is in a folder, in order of the characters, hidden names left out. */
function list(dir: string): Entry[] {
  try {
    return readdirSync(dir)
      .filter(name => !name.startsWith("."))
      .sort((a, b) => (a < b ? -1 : 1))
      .map(name => ({ name, folder: statSync(join(dir, name)).isDirectory() }))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new WuxingError(
        {
          code: "data-missing",
          kind: "data",
          message: `${(error as NodeJS.ErrnoException).path ?? dir} is no folder`,
          cause: "the name is misspelt, or a link leads nowhere",
          help: "name a folder of IDX files, or of one folder of pictures per class",
        },
        { cause: error },
      )
    throw unreadable(dir, error)
  }
}

function read(path: string, most: number): Buffer {
  try {
    const stat = statSync(path)
    if (!stat.isFile()) throw new Error("not a regular file")
    if (stat.size > most) throw new Error(`${stat.size} bytes, at most ${most} are read`)
    return readFileSync(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function readPictures(dir: string, folders: string[], options: FolderOptions): ImageSet {
  const { classes, labels: labelOf } = classesOf(dir, folders, options)
  const paths: { path: string; label: number }[] = []
  for (const folder of folders) {
    const names = list(join(dir, folder))
      .filter(entry => !entry.folder)
      .map(entry => entry.name)
    const other = names.find(name => OTHER_PICTURES.includes(extname(name).toLowerCase()))
    if (other)
      throw picture(
        join(dir, folder, other),
        `${extname(other)} is not read`,
        "it is no PNG or PGM",
      )
    const pictures = names.filter(name => IMAGE_ENDINGS.includes(extname(name).toLowerCase()))
    if (pictures.length === 0)
      throw new WuxingError({
        code: "data-empty",
        kind: "data",
        message: `class folder ${join(dir, folder)} holds no pictures`,
        cause: "they have other endings than .png and .pgm, or lie one folder deeper",
        help: "fill the folder or remove it",
      })
    for (const name of pictures)
      paths.push({ path: join(dir, folder, name), label: labelOf.get(folder)! })
  }
  const set = emptySet(dir, paths.length, classes, options)
  for (const [i, { path, label }] of paths.entries()) {
    putImage(set, i, readPicture(path), options)
    set.labels[i] = label
  }
  return set
}

/**
 * One picture, background 0: on light paper it is inverted.
 *
 * @throws WuxingError of kind "data": "data-unreadable", "data-picture"
 */
export function readPicture(path: string): Grey {
  let grey: Grey
  try {
    grey = decodeImage(read(path, MOST_PICTURE_BYTES))
  } catch (error) {
    if (error instanceof WuxingError) throw error
    throw picture(
      path,
      messageOf(error),
      "it is damaged, or its ending does not say what it is",
      error,
    )
  }
  return isOnPaper(grey) ? invert(grey) : grey
}

function classesOf(
  dir: string,
  folders: string[],
  { outputs, classes }: FolderOptions,
): { classes: string[]; labels: Map<string, number> } {
  if (classes) {
    const unknown = folders.find(name => !classes.includes(name))
    if (unknown !== undefined)
      throw wrongClasses(
        `class folder ${join(dir, unknown)} is none of the network's classes: ${classes.join(", ")}`,
        "the network was trained on other data, or the folder is misspelt",
      )
    return { classes, labels: new Map(classes.map((name, i) => [name, i])) }
  }
  const known = namesOfClasses(folders, outputs, dir)
  return { classes: known, labels: new Map(known.map((name, i) => [name, i])) }
}

function readIdxPair(dir: string, files: string[], options: FolderOptions): ImageSet {
  const zipped = files.find(name => IDX_NAME.exec(name)?.[3])
  if (zipped)
    throw idx(join(dir, zipped), "it is still compressed", "unpack it with `gunzip` first")
  const prefixes = [
    ...new Set(files.map(name => IDX_NAME.exec(name)).flatMap(m => (m ? [m[1] ?? ""] : []))),
  ]
  const wanted = options.split === "train" ? ["train"] : ["test", "t10k"]
  const prefix = prefixes.length === 1 ? prefixes[0] : prefixes.find(p => wanted.includes(p))
  if (prefix === undefined)
    throw new WuxingError({
      code: "data-missing",
      kind: "data",
      message: `${dir} holds several sets (${prefixes.join(", ")}), but none for ${options.split === "train" ? "training" : "testing"}`,
      cause: `none of their names begins with ${wanted.join(" or ")}`,
      help: "rename the files, or keep one set in the folder",
    })
  const fileOf = (kind: string): string => {
    const name = files.find(n => {
      const match = IDX_NAME.exec(n)
      return match !== null && (match[1] ?? "") === prefix && match[2] === kind
    })
    if (name !== undefined) return join(dir, name)
    throw new WuxingError({
      code: "data-missing",
      kind: "data",
      message: `${dir} holds no ${kind} that belong to its ${kind === "images" ? "labels" : "images"}`,
      cause: "one of the two IDX files is missing or misnamed",
      help: "name them alike, for example train-images-idx3-ubyte and train-labels-idx1-ubyte",
    })
  }
  const images = readIdx(fileOf("images"), IMAGES_MAGIC, 3)
  const labels = readIdx(fileOf("labels"), LABELS_MAGIC, 1)
  const [count, height, width] = images.sizes
  if (labels.sizes[0] !== count)
    throw idx(
      fileOf("labels"),
      `it holds ${labels.sizes[0]} labels, expected ${count}, as many as there are images`,
    )
  const limit = Math.min(options.outputs ?? options.classes?.length ?? MOST_CLASSES, MOST_CLASSES)
  const wrong = labels.data.findIndex(label => label >= limit)
  if (wrong >= 0)
    throw wrongClasses(
      `label ${wrong} of ${fileOf("labels")} is ${labels.data[wrong]}, expected 0 to ${limit - 1}`,
      options.outputs === undefined
        ? "255 means no class"
        : `the network has ${options.outputs} outputs`,
    )
  const largest = labels.data.reduce((most, label) => Math.max(most, label), 0)
  const classes =
    options.classes ?? Array.from({ length: options.outputs ?? largest + 1 }, (_, i) => String(i))
  const set = emptySet(dir, count, classes, options)
  const pixels = width * height
  for (let i = 0; i < count; i++) {
    const view = images.data.subarray(i * pixels, (i + 1) * pixels)
    putImage(set, i, { width, height, pixels: view }, options)
  }
  set.labels.set(labels.data)
  return set
}

/** IDX (yann.lecun.com/exdb/mnist): magic, one big-endian size per dimension, the bytes. */
function readIdx(path: string, magic: number, dimensions: number) {
  const bytes = read(path, MOST_FILE_BYTES)
  const header = 4 + 4 * dimensions
  if (bytes.length < header)
    throw idx(path, `it is ${bytes.length} bytes long, expected at least ${header}`)
  const found = bytes.readUInt32BE(0)
  const hex = (value: number) => `0x${value.toString(16).padStart(8, "0")}`
  if (found !== magic)
    throw idx(path, `it begins with ${hex(found)}, expected ${hex(magic)} for unsigned bytes`)
  const sizes = Array.from({ length: dimensions }, (_, i) => bytes.readUInt32BE(4 + 4 * i))
  if (sizes.includes(0)) throw idx(path, `its sizes are ${sizes.join("x")}, expected at least 1`)
  // Three sizes below 2^32 can pass 2^53, but then they are not the file's length either.
  const expected = header + sizes.reduce((product, size) => product * size, 1)
  if (bytes.length !== expected)
    throw idx(
      path,
      `it is ${bytes.length} bytes long, expected ${expected} for ${sizes.join("x")}`,
      bytes.length < expected ? "it was cut short" : "something was appended to it",
    )
  return { sizes, data: bytes.subarray(header) }
}

function emptySet(dir: string, count: number, classes: string[], options: FolderOptions): ImageSet {
  const { width, height } = options
  const bytes = count * width * height
  if (bytes > MOST_SET_BYTES)
    throw unreadable(dir, new Error(`${count} images of ${width}x${height} pixels are too many`))
  return {
    images: new Uint8Array(bytes),
    labels: new Uint8Array(count),
    count,
    width,
    height,
    classes,
  }
}

function putImage(set: ImageSet, i: number, image: Grey, { scaling = "box" }: FolderOptions): void {
  const scaled = scaleTo(image, set.width, set.height, scaling)
  set.images.set(scaled.pixels, i * set.width * set.height)
}

function unreadable(path: string, error: unknown): WuxingError {
  return new WuxingError(
    {
      code: "data-unreadable",
      kind: "data",
      message: `${path} cannot be read: ${messageOf(error)}`,
      cause: "it is too large, not a plain file, or you may not read it",
      help: "check its size, type and permissions",
    },
    { cause: error },
  )
}

function picture(path: string, what: string, cause: string, error?: unknown): WuxingError {
  return new WuxingError(
    {
      code: "data-picture",
      kind: "data",
      message: `picture ${path} cannot be used: ${what}`,
      cause,
      help: "save it again as PNG or PGM, or remove it",
    },
    { cause: error },
  )
}

function idx(
  path: string,
  what: string,
  cause = "it is not an IDX file of unsigned bytes",
): WuxingError {
  return new WuxingError({
    code: "data-idx",
    kind: "data",
    message: `IDX file ${path} is damaged: ${what}`,
    cause,
    help: "make or fetch it again",
  })
}
