/**
 * A user's own data: a folder of IDX files, or of one folder of pictures per class.
 *
 *     digits/                         digits/                           digits/
 *       train-images-idx3-ubyte         zero/  1.png  2.pgm  …            train/  zero/ … one/ …
 *       train-labels-idx1-ubyte         one/   …                          val/    zero/ … one/ …
 *       t10k-images-idx3-ubyte                                            test/   zero/ … one/ …
 *       t10k-labels-idx1-ubyte
 *
 * Parts are known by their names: train or training; val, valid or validation; test, testing or t10k,
 * in any capitals. Names that begin with a dot, and folders that systems and archives leave behind,
 * are passed over, and so are files beside the class folders.
 *
 * Classes: folder names in order of their characters; the label is the place in that order. If all
 * are whole numbers below the number of the network's outputs, the label is the number, so that
 * digits keep their meaning even if some are missing. IDX labels are numbers anyway. Names are
 * compared in Unicode's composed form (NFC), as not every system keeps them in one.
 *
 * Pixels: background is 0. Pictures on light paper (the rim brighter than the middle of the range)
 * are inverted; IDX images never. Then all are scaled to the network's input (scale.ts).
 */
import { readdirSync, statSync } from "node:fs"
import { extname, join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { readWholeFile } from "../base/input-file"
import { counted } from "../base/numbers"
import { MOST_CLASSES, namesOfClasses, wrongClasses } from "./classes"
import type { Grey } from "./grey"
import { findIdx, type IdxFile, IdxProblem, readIdx, type Split, splitOf } from "./idx"
import { decodeImage, IMAGE_ENDINGS, sizeOfImage } from "./image-file"
import { pipeOrDevice } from "./pipe"
import { halvedBelow, invert, isOnPaper, type Scaling, scaleTo } from "./scale"
import type { Part, Source, SourceOptions } from "./source"

const MOST_FILE_BYTES = 2 ** 30
const MOST_PICTURE_BYTES = 8 * 2 ** 20
/** Pixels of a picture that are kept for evening out light and scaling: no network has so many inputs. */
const MOST_KEPT = 2 ** 20
/** Pictures that people will have, and that are not read. */
const OTHER_PICTURES = [".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".svg"]
/** What systems and archives leave in folders. */
const SYSTEM = [
  ...["__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"],
  ...["__pycache__", "thumbs.db", "desktop.ini"],
]
const SPLIT_FOLDER = /^(train(ing)?|val(id|idation)?|test(ing)?)$/i
/** Pictures whose size is looked at to know their shape. */
const LOOKED_AT = 50
/** How far a shape may differ from another, as a ratio. */
const ALIKE = 1.1

/** Width and height of a network's input: square if its pixels allow it, else one row. */
export function frameOf(pixels: number): { width: number; height: number } {
  const side = Math.round(Math.sqrt(pixels))
  return side * side === pixels ? { width: side, height: side } : { width: pixels, height: 1 }
}

interface FolderOptions extends SourceOptions {
  scaling?: Scaling
}

/**
 * @throws WuxingError of kind "data": "data-missing", "data-empty", "data-unreadable", "data-idx",
 * "data-size" or "data-classes"; filling a sample also "data-picture"
 */
export function openFolder(dir: string, options: FolderOptions): Source {
  const notes: string[] = []
  const parts = splitsIn(dir, notes)
  if (!parts) return openSet(dir, options)
  const train = openSet(parts.train, options)
  // The same classes and the same shape for all, also where a class has no images in a part.
  const same = {
    ...{ ...options, classes: train.classes },
    frame: { width: train.width, height: train.height },
  }
  const partIn = (folder: string | undefined) => folder && openSet(folder, same).train
  return {
    ...train,
    ...{ validation: partIn(parts.validation) || undefined, test: partIn(parts.test) || undefined },
    notes: [...notes, ...train.notes],
  }
}

/** The folders of the parts, if the data is cut into such. */
function splitsIn(
  dir: string,
  notes: string[],
): { train: string; validation?: string; test?: string } | undefined {
  const folders = list(dir).filter(entry => entry.folder)
  const named = folders.filter(({ name }) => isSplitName(name))
  const parts: { [S in Split]?: string } = {}
  for (const { name, path } of named) {
    const split = splitOf(name)!
    if (parts[split] !== undefined)
      throw empty(
        dir,
        `two folders are its ${split} part`,
        "it holds several data sets",
        "keep one",
      )
    parts[split] = path
  }
  const { train, ...others } = parts
  // "train" may be a class: of vehicles, for one.
  if (train === undefined || (Object.keys(others).length === 0 && folders.length > 1))
    return undefined
  if (folders.length === 1 && picturesIn(train).length > 0) return undefined
  const rest = folders.filter(entry => !named.includes(entry)).map(({ name }) => name)
  if (rest.length > 0) notes.push(`passed over in ${dir}: ${rest.join(", ")}`)
  return { train, ...others }
}

/** Is a folder of this name a part of the data: train, val, test? */
export function isSplitName(name: string): boolean {
  return SPLIT_FOLDER.test(name)
}

/**
 * Folders in a folder, in the order of their names' characters; what systems leave behind is passed over.
 *
 * @throws WuxingError of kind "data": "data-missing", "data-unreadable"
 */
export function foldersIn(dir: string): { name: string; path: string }[] {
  return list(dir).filter(({ folder }) => folder)
}

/** A folder of one set, whatever its parts are called. */
function openSet(dir: string, options: FolderOptions): Source {
  const idxFiles = findIdx(dir)
  if (idxFiles.length > 0) return openIdx(dir, idxFiles, options)
  const entries = list(dir)
  const folders = entries.filter(entry => entry.folder)
  // Archives often hold a folder around everything.
  if (folders.length === 1 && picturesIn(folders[0].path).length === 0) {
    const inside = list(folders[0].path)
    if (inside.some(entry => entry.folder)) return openFolder(folders[0].path, options)
  }
  if (folders.length > 0) return openPictures(dir, folders, options)
  throw empty(
    dir,
    "holds neither IDX files nor class folders nor a table",
    entries.length > 0
      ? "its files have other names, or the pictures do not lie in one folder per class"
      : "it is the wrong folder",
    "put the pictures into one folder per class, or IDX files named like train-images-idx3-ubyte",
  )
}

function empty(dir: string, what: string, cause: string, help: string): WuxingError {
  return new WuxingError({
    ...{ code: "data-empty", kind: "data" },
    ...{ message: `${dir} ${what}`, cause, help },
  })
}

interface Entry {
  /** In NFC; `path` as the system has it. */
  name: string
  path: string
  folder: boolean
}

/** What is in a folder, in order of the characters; hidden names and systems' own left out. */
function list(dir: string): Entry[] {
  try {
    return readdirSync(dir)
      .filter(name => !name.startsWith(".") && !SYSTEM.includes(name.toLowerCase()))
      .map(name => ({
        name: name.normalize("NFC"),
        path: join(dir, name),
        folder: statSync(join(dir, name)).isDirectory(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const path = (error as NodeJS.ErrnoException).path ?? dir
    if (code === "ENOENT" || code === "ENOTDIR")
      throw (
        pipeOrDevice(path, error) ??
        new WuxingError(
          {
            code: "data-missing",
            kind: "data",
            message: `${path} is no folder`,
            cause: "the name is misspelt, or a link leads nowhere",
            help: "name a CSV file, a folder of IDX files, or one of one folder of pictures per class",
          },
          { cause: error },
        )
      )
    throw unreadable(dir, error)
  }
}

function picturesIn(dir: string): Entry[] {
  return list(dir).filter(
    ({ name, folder }) => !folder && IMAGE_ENDINGS.includes(extname(name).toLowerCase()),
  )
}

function openPictures(dir: string, folders: Entry[], options: FolderOptions): Source {
  const { classes, labels: labelOf } = classesOf(dir, folders, options)
  const paths: string[] = []
  const labels: number[] = []
  for (const { name, path } of folders) {
    const other = list(path).find(
      entry => !entry.folder && OTHER_PICTURES.includes(extname(entry.name).toLowerCase()),
    )
    if (other)
      throw picture(other.path, `${extname(other.name)} is not read`, "it is no PNG or PGM")
    const pictures = picturesIn(path)
    if (pictures.length === 0)
      throw empty(
        `class folder ${path}`,
        "holds no pictures",
        "they have other endings than .png and .pgm, or lie one folder deeper",
        "fill the folder or remove it",
      )
    for (const entry of pictures) {
      paths.push(entry.path)
      labels.push(labelOf.get(name)!)
    }
  }
  const step = Math.max(1, Math.floor(paths.length / LOOKED_AT))
  const sizes = paths.filter((_, i) => i % step === 0).map(sizeAt)
  const frame = options.frame ?? frameFor(dir, sizes, options.pixels)
  const { scaling = "box" } = options
  return {
    ...{ kind: "pictures", classes, ...frame, notes: oneClass(labels, classes) },
    says: `${paths.length} pictures of ${counted(folders.length, "class")}, scaled to ${frame.width}x${frame.height}`,
    train: {
      path: dir,
      labels: Uint8Array.from(labels),
      fill: (i, into) =>
        into.set(scaleTo(readPicture(paths[i]), frame.width, frame.height, scaling).pixels),
    },
  }
}

function oneClass(labels: ArrayLike<number>, classes: string[]): string[] {
  for (let i = 1; i < labels.length; i++) if (labels[i] !== labels[0]) return []
  return [`all samples are of one class, "${classes[labels[0]]}": nothing can be told apart`]
}

/**
 * The network's input as a picture of the data's own shape: its size where that fits to the pixel, a
 * square where there is one, else the rectangle most like it.
 */
function frameFor(
  dir: string,
  sizes: { width: number; height: number }[],
  pixels: number,
): { width: number; height: number } {
  const [first] = sizes
  const same = sizes.every(({ width, height }) => width === first.width && height === first.height)
  if (same && first.width * first.height === pixels) return first
  const square = frameOf(pixels)
  if (square.width === square.height) return square
  const shapes = sizes.map(({ width, height }) => width / height).sort((a, b) => a - b)
  const shape = shapes[shapes.length >> 1]
  const unlike = (width: number) => Math.abs(Math.log(width / (pixels / width) / shape))
  let best = pixels
  for (let width = 1; width <= pixels; width++)
    if (pixels % width === 0 && unlike(width) < unlike(best)) best = width
  if (unlike(best) <= Math.log(ALIKE)) return { width: best, height: pixels / best }
  throw new WuxingError({
    code: "data-size",
    kind: "data",
    message: `the pictures of ${dir} are ${first.width}x${first.height}, and no ${pixels} inputs can be of that shape`,
    cause: "the network's inputs are no square, and no rectangle like the pictures",
    help: `name a network of that many inputs as the pictures have pixels when scaled, for example --model ${suggested(shape)}-16-…`,
  })
}

function suggested(shape: number): number {
  const height = Math.max(1, Math.round(Math.sqrt(400 / shape)))
  return height * Math.max(1, Math.round(height * shape))
}

function sizeAt(path: string): { width: number; height: number } {
  return attempt(path, () => sizeOfImage(readPictureFile(path)))
}

/**
 * One picture, background 0: on light paper it is inverted.
 *
 * @throws WuxingError of kind "data": "data-unreadable", "data-picture"
 */
export function readPicture(path: string): Grey {
  const grey = attempt(path, () => halvedBelow(MOST_KEPT, decodeImage(readPictureFile(path))))
  return isOnPaper(grey) ? invert(grey) : grey
}

function readPictureFile(path: string): Buffer {
  try {
    return readWholeFile(path, MOST_PICTURE_BYTES)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function attempt<Result>(path: string, decode: () => Result): Result {
  try {
    return decode()
  } catch (error) {
    if (error instanceof WuxingError) throw error
    throw picture(
      path,
      messageOf(error),
      "it is damaged, or its ending does not say what it is",
      error,
    )
  }
}

function classesOf(
  dir: string,
  folders: Entry[],
  { outputs, classes }: FolderOptions,
): { classes: string[]; labels: Map<string, number> } {
  const names = folders.map(({ name }) => name)
  const known = classes ?? namesOfClasses(names, outputs, dir)
  const labels = new Map(known.map((name, i) => [name.normalize("NFC"), i]))
  const unknown = names.find(name => !labels.has(name))
  if (unknown !== undefined)
    throw wrongClasses(
      `class folder ${join(dir, unknown)} is none of the network's classes: ${known.join(", ")}`,
      "the network was trained on other data, or the folder is misspelt",
    )
  return { classes: known, labels }
}

function openIdx(dir: string, files: IdxFile[], options: FolderOptions): Source {
  const prefixes = [...new Set(files.map(({ prefix }) => prefix))]
  const bySplit: { [S in Split]?: string } = {}
  for (const prefix of prefixes) {
    const split = splitOf(prefix)
    if (split === undefined) continue
    if (bySplit[split] !== undefined)
      throw severalSets(dir, prefixes, `two for its ${split} part: ${bySplit[split]} and ${prefix}`)
    bySplit[split] = prefix
  }
  const trainPrefix = bySplit.train ?? (prefixes.length === 1 ? prefixes[0] : undefined)
  if (trainPrefix === undefined) throw severalSets(dir, prefixes, "but none for training")
  const train = idxPart(dir, files, trainPrefix, options)
  const other = (prefix: string | undefined) =>
    prefix === undefined || prefix === trainPrefix
      ? undefined
      : idxPart(dir, files, prefix, { ...options, ...train, frame: train })
  const { width, height, classes, labels } = train
  return {
    ...{ kind: "idx", classes, width, height, notes: oneClass(labels, classes) },
    says: `${labels.length} images of ${train.size}, scaled to ${width}x${height}`,
    ...{ train, validation: other(bySplit.validation), test: other(bySplit.test) },
  }
}

function severalSets(dir: string, prefixes: string[], what: string): WuxingError {
  return new WuxingError({
    code: "data-missing",
    kind: "data",
    message: `${dir} holds several sets (${prefixes.join(", ")}), ${what}`,
    cause: "their names do not say which is for training and which for testing",
    help: "begin their names with train and test, or keep one set in the folder",
  })
}

function idxPart(dir: string, files: IdxFile[], prefix: string, options: FolderOptions) {
  const fileOf = (kind: IdxFile["kind"]): string => {
    const file = files.find(f => f.prefix === prefix && f.kind === kind)
    if (file) return file.path
    throw new WuxingError({
      code: "data-missing",
      kind: "data",
      message: `${dir} holds no ${kind} that belong to its ${kind === "images" ? "labels" : "images"}`,
      cause: "one of the two IDX files is missing or misnamed",
      help: "name them alike, for example train-images-idx3-ubyte and train-labels-idx1-ubyte",
    })
  }
  const images = readIdxFile(fileOf("images"), "images")
  const labels = readIdxFile(fileOf("labels"), "labels")
  const [count, height, width] = images.sizes
  if (labels.sizes[0] !== count)
    throw idx(
      fileOf("labels"),
      `it holds ${labels.sizes[0]} labels, expected ${count}, as many as there are images`,
      "the two files come from different parts or sets",
    )
  const limit = Math.min(options.outputs, options.classes?.length ?? MOST_CLASSES, MOST_CLASSES)
  const wrong = labels.data.findIndex(label => label >= limit)
  if (wrong >= 0)
    throw wrongClasses(
      `label ${wrong} of ${fileOf("labels")} is ${labels.data[wrong]}, expected 0 to ${limit - 1}`,
      `the network has ${options.outputs} outputs`,
    )
  const classes = options.classes ?? Array.from({ length: options.outputs }, (_, i) => String(i))
  const frame = options.frame ?? frameFor(dir, [{ width, height }], options.pixels)
  const pixels = width * height
  const { scaling = "box" } = options
  return {
    ...{ path: fileOf("images"), labels: labels.data as Uint8Array, classes },
    ...{ width: frame.width, height: frame.height, size: `${width}x${height}` },
    scaledUp: pixels < frame.width * frame.height,
    fill: (i: number, into: Uint8Array) => {
      const view = images.data.subarray(i * pixels, (i + 1) * pixels)
      const image = { width, height, pixels: view }
      into.set(scaleTo(image, frame.width, frame.height, scaling).pixels)
    },
  } satisfies Part & object
}

function readIdxFile(path: string, kind: IdxFile["kind"]) {
  try {
    return readIdx(path, kind, MOST_FILE_BYTES)
  } catch (error) {
    if (error instanceof IdxProblem) throw idx(path, error.message, error.likely)
    throw unreadable(path, error)
  }
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

function idx(path: string, what: string, cause: string): WuxingError {
  return new WuxingError({
    code: "data-idx",
    kind: "data",
    message: `IDX file ${path} is damaged: ${what}`,
    cause,
    help: "make or fetch it again",
  })
}
