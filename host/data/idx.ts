/**
 * IDX files, as MNIST has them (yann.lecun.com/exdb/mnist): a big-endian header of a magic number and
 * one 32-bit size for each dimension, then the bytes. Magic 0x00000803 is unsigned bytes in three
 * dimensions (images), 0x00000801 unsigned bytes in one (labels). Packed by gzip or not.
 */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { readWholeFile } from "../base/input-file"

const IMAGES_MAGIC = 0x00000803
const LABELS_MAGIC = 0x00000801
const IDX_NAME = /^(?:(.+?)[-._])?(images|labels)[-._]idx[13][-._]ubyte(\.gz)?$/i
/** Folders below the one named in which IDX files may lie: torchvision's, and a file unpacked into one of its own name. */
const INSIDE = [["raw"], ["MNIST", "raw"]]

export type Split = "train" | "validation" | "test"

export interface IdxFile {
  path: string
  kind: "images" | "labels"
  /** What stands before "images" or "labels": "train", "t10k", "emnist-letters-test". */
  prefix: string
}

/** The content cannot be used; a sentence, and its likely cause. */
export class IdxProblem extends Error {
  constructor(
    message: string,
    readonly likely: string,
  ) {
    super(message)
  }
}

/** Which split a file's or a folder's name says it is. */
export function splitOf(name: string): Split | undefined {
  const words = name.toLowerCase().split(/[-._\s]+/)
  if (words.some(word => ["train", "training"].includes(word))) return "train"
  if (words.some(word => ["val", "valid", "validation", "dev"].includes(word))) return "validation"
  return words.some(word => ["test", "testing", "t10k"].includes(word)) ? "test" : undefined
}

/** The IDX files in a folder, or below it where torchvision puts them; none is no error. */
export function findIdx(dir: string): IdxFile[] {
  for (const inside of [[], ...INSIDE]) {
    const found = idxIn(join(dir, ...inside))
    if (found.length > 0) return found
  }
  return []
}

function idxIn(dir: string): IdxFile[] {
  let names: string[]
  try {
    names = readdirSync(dir).sort()
  } catch {
    return []
  }
  const files = names.flatMap((name): IdxFile[] => {
    const match = IDX_NAME.exec(name)
    if (!match) return []
    const path = join(dir, name)
    // Some archives unpack each file into a folder of its name.
    const own = existsSync(join(path, name))
    const file = own ? join(path, name) : path
    const kind = match[2].toLowerCase() as IdxFile["kind"]
    return [{ path: file, kind, prefix: match[1] ?? "" }]
  })
  // Unpacked or not, it is the same; the first in order is the unpacked one.
  const seen = new Set<string>()
  return files.filter(({ kind, prefix }) => {
    const key = `${prefix} ${kind}`.toLowerCase()
    return !seen.has(key) && seen.add(key)
  })
}

/**
 * @param most bytes of the file, packed and unpacked
 * @returns its sizes, and all its bytes: an image after the other, or the labels
 * @throws IdxProblem for what is wrong with its content; Error for what cannot be read
 */
export function readIdx(
  path: string,
  kind: IdxFile["kind"],
  most: number,
): { sizes: number[]; data: Buffer } {
  const bytes = readWholeFile(path, most)
  const [magic, other, dimensions] =
    kind === "images" ? [IMAGES_MAGIC, LABELS_MAGIC, 3] : [LABELS_MAGIC, IMAGES_MAGIC, 1]
  const header = 4 + 4 * dimensions
  const found = bytes.length >= 4 ? bytes.readUInt32BE(0) : undefined
  if (found === other)
    throw new IdxProblem(
      `it begins with ${hex(found)}, expected ${hex(magic)}`,
      "the image file and the label file have changed places",
    )
  if (bytes.length < header)
    throw new IdxProblem(
      `it is ${bytes.length} bytes long, expected at least the ${header} of its header`,
      bytes.length === 0 ? "it is empty" : "it was cut short",
    )
  if (found !== magic)
    throw new IdxProblem(
      `it begins with ${hex(found ?? 0)}, expected ${hex(magic)}`,
      "it is not an IDX file of unsigned bytes",
    )
  const sizes = Array.from({ length: dimensions }, (_, i) => bytes.readUInt32BE(4 + 4 * i))
  if (sizes[0] === 0) throw new IdxProblem(`it holds 0 ${kind}, expected at least 1`, "it is empty")
  if (sizes.includes(0))
    throw new IdxProblem(`its sizes are ${sizes.join("x")}, expected at least 1`, "it is damaged")
  // Three sizes below 2^32 can pass 2^53, but then they are not the file's length either.
  const expected = header + sizes.reduce((product, size) => product * size, 1)
  if (bytes.length !== expected)
    throw new IdxProblem(
      `it is ${bytes.length} bytes long, expected ${expected} for its ${sizes[0]} ${kind}`,
      bytes.length < expected ? "it was cut short" : "something was appended to it",
    )
  return { sizes, data: bytes.subarray(header) }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`
}
