import { execFileSync } from "node:child_process"
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { frameOf, openFolder } from "../../../host/data/folder"
import { temporaryFolder } from "../../temporary"
import { greyPng, pgm } from "./pictures"
import { type ReadOptions, readFolder } from "./read-set"

const root = temporaryFolder("folder")

let made = 0
/** A folder with these files; names with slashes make folders. */
function folderOf(files: Record<string, Buffer | string>): string {
  const dir = join(root, String(made++))
  mkdirSync(dir)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return dir
}

const options: ReadOptions = { width: 2, height: 2, split: "test" }

const codeOf = (dir: string, more: Partial<ReadOptions> = {}): string => {
  try {
    readFolder(dir, { ...options, ...more })
  } catch (error) {
    if (!(error instanceof WuxingError)) throw error
    expect(error.kind).toBe("data")
    expect(error.help).toBeTruthy()
    return `${error.code}: ${error.message}`
  }
  return "none"
}

describe("a folder of one folder per class", () => {
  const files = {
    "cat/b.png": greyPng(2, 2, [1, 2, 3, 4]),
    "cat/a.PGM": pgm(2, 2, [5, 6, 7, 8]),
    "ant/x.png": greyPng(4, 4, new Array(16).fill(100)),
    "ant/.hidden.png": "no picture",
    "README.md": "read by nobody",
    "ant/notes.txt": "nor this",
  }

  test("gives its pictures by class and name, scaled; classes in order", () => {
    const set = readFolder(folderOf(files), options)
    expect(set.classes).toEqual(["ant", "cat"])
    expect([...set.labels]).toEqual([0, 1, 1])
    expect([...set.images]).toEqual([100, 100, 100, 100, 5, 6, 7, 8, 1, 2, 3, 4])
    expect([set.count, set.width, set.height]).toEqual([3, 2, 2])
  })

  test("turns light paper dark, so that a drawing is the same on either", () => {
    const drawn = [10, 20, 30, 200, 40, 50, 60, 70, 80]
    const dir = folderOf({
      "a/dark.png": greyPng(3, 3, drawn),
      "a/light.png": greyPng(
        3,
        3,
        drawn.map(v => 255 - v),
      ),
    })
    const { images } = readFolder(dir, { ...options, width: 3, height: 3 })
    expect([...images.subarray(9)]).toEqual([...images.subarray(0, 9)])
  })

  test("named by numbers below the outputs has these as labels, else places", () => {
    const dir = folderOf({
      "7/x.pgm": pgm(2, 2, [1, 2, 3, 4]),
      "3/x.pgm": pgm(2, 2, [5, 6, 7, 8]),
    })
    const ten = readFolder(dir, { ...options, outputs: 10 })
    expect([...ten.labels]).toEqual([3, 7])
    expect(ten.classes.length).toBe(10)
    expect([...readFolder(dir, { ...options, outputs: 7 }).labels]).toEqual([0, 1])
    expect(codeOf(dir, { outputs: 1 })).toMatch(/^data-classes: .*2 classes, expected at most 1/)
  })

  test("takes the places of the classes a network has learnt", () => {
    const classes = ["bee", "cat", "ant"]
    const set = readFolder(folderOf(files), { ...options, classes })
    expect([...set.labels]).toEqual([2, 1, 1])
    expect(codeOf(folderOf(files), { classes: ["bee", "cat"] })).toMatch(/^data-classes: .*ant/)
  })

  test("split into train and test gives the split that is asked for", () => {
    const dir = folderOf({
      "train/a/1.pgm": pgm(2, 2, [1, 1, 1, 1]),
      "train/b/1.pgm": pgm(2, 2, [2, 2, 2, 2]),
      "test/a/1.pgm": pgm(2, 2, [3, 3, 3, 3]),
    })
    expect(readFolder(dir, { ...options, split: "train" }).count).toBe(2)
    expect([...readFolder(dir, options).images]).toEqual([3, 3, 3, 3])
  })

  test("is refused with the file and the reason", () => {
    const picture = pgm(2, 2, [1, 2, 3, 4])
    const cases: [Record<string, Buffer | string>, RegExp][] = [
      [{ "a/1.png": "no" }, /^data-picture: .*a\/1\.png.*neither PNG/],
      [{ "a/1.png": greyPng(2, 2, [1, 2, 3, 4]).subarray(0, 50) }, /^data-picture: .*a\/1\.png/],
      [{ "a/1.pgm": picture, "a/2.jpg": "x" }, /^data-picture: .*a\/2\.jpg.*\.jpg is not read/],
      [{ "a/1.pgm": picture, "b/notes.txt": "x" }, /^data-empty: .*b holds no pictures/],
      [{ "1.pgm": picture }, /^data-empty: .*neither/],
      [{}, /^data-empty/],
    ]
    for (const [content, expected] of cases) expect(codeOf(folderOf(content))).toMatch(expected)
    expect(codeOf(join(root, "nowhere"))).toMatch(/^data-missing: .*nowhere/)
    const dir = folderOf({ "a/1.pgm": picture })
    expect(codeOf(join(dir, "a", "1.pgm"))).toMatch(/^data-missing/)
    symlinkSync(join(root, "gone"), join(dir, "b"))
    expect(codeOf(dir)).toMatch(/^data-missing/)
  })

  test.skipIf(process.platform === "win32")("that is a pipe or a device says so", () => {
    const pipe = join(folderOf({}), "data")
    execFileSync("mkfifo", [pipe])
    expect(codeOf(pipe)).toBe(`data-missing: ${pipe} is a pipe, not a file or folder`)
    expect(codeOf("/dev/null")).toMatch(/^data-missing: \/dev\/null is a device/)
    expect(() => readFolder(pipe, options)).toThrow(
      expect.objectContaining({ help: expect.stringContaining("save what it gives as a file") }),
    )
  })

  test("of more classes than a label can name is refused", () => {
    const picture = pgm(1, 1, [9])
    const of = (count: number) =>
      folderOf(
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}/1.pgm`, picture])),
      )
    expect(readFolder(of(255), options).classes.length).toBe(255)
    expect(codeOf(of(256))).toMatch(/^data-classes/)
  })
})

describe("a folder of IDX files", () => {
  const idx = (magic: number, sizes: number[], data: number[]) => {
    const head = Buffer.alloc(4 + 4 * sizes.length)
    head.writeUInt32BE(magic, 0)
    sizes.forEach((size, i) => {
      head.writeUInt32BE(size, 4 + 4 * i)
    })
    return Buffer.concat([head, Buffer.from(data)])
  }
  const images = (count: number, height: number, width: number, value = 9) =>
    idx(0x803, [count, height, width], new Array(count * height * width).fill(value))
  const labels = (values: number[]) => idx(0x801, [values.length], values)
  const pair = (prefix: string, values: number[], value = 9) => ({
    [`${prefix}images-idx3-ubyte`]: images(values.length, 3, 5, value),
    [`${prefix}labels-idx1-ubyte`]: labels(values),
  })

  test("of any size and classes is read and scaled, and never inverted", () => {
    const dir = folderOf(pair("", [0, 12, 3], 255))
    const set = readFolder(dir, { ...options, width: 5, height: 3 })
    expect(set.classes.length).toBe(255)
    expect([...set.labels]).toEqual([0, 12, 3])
    expect(set.images.every(pixel => pixel === 255)).toBe(true)
    expect(readFolder(dir, options).images.length).toBe(3 * 4)
    expect(codeOf(dir, { outputs: 12 })).toMatch(
      /^data-classes: label 1 .* is 12, expected 0 to 11/,
    )
  })

  test("gives the split that is asked for, or the only one", () => {
    const both = folderOf({ ...pair("train-", [1, 2], 1), ...pair("t10k-", [3], 2) })
    expect([...readFolder(both, { ...options, split: "train" }).labels]).toEqual([1, 2])
    expect([...readFolder(both, options).labels]).toEqual([3])
    const one = folderOf(pair("own-", [4]))
    expect([...readFolder(one, { ...options, split: "train" }).labels]).toEqual([4])
    expect(codeOf(folderOf({ ...pair("a-", [1]), ...pair("b-", [1]) }))).toMatch(
      /^data-missing: .*a, b.*training/,
    )
  })

  test("is refused if damaged, in the words of what is wrong", () => {
    const good = pair("", [1, 2])
    const cases: [Record<string, Buffer | string>, RegExp][] = [
      [{ ...good, "labels-idx1-ubyte": labels([1]) }, /^data-idx: .*1 labels, expected 2/],
      [
        { ...good, "labels-idx1-ubyte": images(1, 1, 1) },
        /^data-idx: .*0x00000803, expected 0x00000801/,
      ],
      [
        { ...good, "images-idx3-ubyte": good["images-idx3-ubyte"].subarray(0, 30) },
        /^data-idx: .*30 bytes long, expected 46/,
      ],
      [{ ...good, "images-idx3-ubyte": "short" }, /^data-idx: .*5 bytes/],
      [{ ...good, "images-idx3-ubyte": idx(0x803, [2, 0, 5], []) }, /^data-idx: .*2x0x5/],
      [
        { ...good, "images-idx3-ubyte": idx(0x803, [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], []) },
        /^data-idx/,
      ],
      [{ "images-idx3-ubyte": good["images-idx3-ubyte"] }, /^data-missing: .*no labels/],
      [{ "x-images-idx3-ubyte.gz": "z" }, /^data-idx: .*1 bytes/],
    ]
    for (const [content, expected] of cases) expect(codeOf(folderOf(content))).toMatch(expected)
  })

  test("is the same packed, spelt with a dot, or where torchvision and archives put it", () => {
    const files = pair("train-", [1, 2], 7)
    const renamed = (to: (name: string) => string, bytes = (b: Buffer) => b) =>
      Object.fromEntries(Object.entries(files).map(([name, b]) => [to(name), bytes(b)]))
    const packed = renamed(name => `${name}.gz`, gzipSync)
    const plain = readFolder(folderOf(files), { ...options, split: "train" })
    for (const content of [
      packed,
      { ...packed, ...files },
      renamed(name => name.replace("-idx", ".idx")),
      renamed(name => `MNIST/raw/${name}`),
      renamed(name => `raw/${name}`),
      renamed(name => `${name}/${name}`),
    ]) {
      const set = readFolder(folderOf(content), { ...options, split: "train" })
      expect([...set.images]).toEqual([...plain.images])
      expect([...set.labels]).toEqual([1, 2])
    }
  })

  test("that unpacks to more than its packed size can mean costs no memory", () => {
    const bomb = gzipSync(Buffer.alloc(70 * 2 ** 20))
    expect(bomb.length).toBeLessThan(100_000)
    const files = pair("", [1])
    expect(codeOf(folderOf({ ...files, "images-idx3-ubyte": bomb }))).toMatch(
      /^data-unreadable: .*73400320 bytes, at most 67108864/,
    )
    const cut = gzipSync(files["images-idx3-ubyte"]).subarray(0, 20)
    expect(codeOf(folderOf({ ...files, "images-idx3-ubyte": cut }))).toMatch(/^data-unreadable/)
  })

  test("of millions of tiny images gives any of them without all others", () => {
    const count = 4_000_000
    const dir = folderOf({
      "images-idx3-ubyte": idx(0x803, [count, 1, 1], []),
      "labels-idx1-ubyte": idx(0x801, [count], []),
    })
    appendFileSync(join(dir, "images-idx3-ubyte"), new Uint8Array(count).fill(9))
    appendFileSync(join(dir, "labels-idx1-ubyte"), new Uint8Array(count).fill(1))
    const source = openFolder(dir, { pixels: 4, outputs: 2 })
    const into = new Uint8Array(4)
    source.train.fill(count - 1, into)
    expect([...into]).toEqual([9, 9, 9, 9])
    expect(source.notes).toEqual([expect.stringMatching(/one class, "1"/)])
  })
})

describe("the parts of a folder", () => {
  const picture = (value: number) => pgm(2, 2, [value, value, value, value])
  const read = (content: Record<string, Buffer | string>) => {
    const source = openFolder(folderOf(content), { pixels: 4, outputs: 9 })
    const counts = [source.train, source.validation, source.test].map(p => p?.labels.length)
    return { counts, ...source }
  }

  test("are known by their names, in any capitals", () => {
    for (const [train, validation, test] of [
      ["train", "val", "test"],
      ["Training", "VALIDATION", "Testing"],
      ["TRAIN", "valid", "TEST"],
    ]) {
      const { counts, notes } = read({
        [`${train}/a/1.pgm`]: picture(1),
        [`${train}/b/1.pgm`]: picture(2),
        [`${validation}/a/1.pgm`]: picture(3),
        [`${test}/b/1.pgm`]: picture(4),
        [`${test}/b/2.pgm`]: picture(5),
        "__MACOSX/train/._x": "left by an archive",
        "@eaDir/x": "left by a system",
        ".DS_Store": "",
        "docs/read.txt": "passed over, and said",
      })
      expect(counts).toEqual([2, 1, 2])
      expect(notes).toEqual([expect.stringMatching(/passed over in .*: docs$/)])
    }
  })

  test("may lie in a folder of their own, and one may be missing", () => {
    const { counts } = read({
      "shapes/train/a/1.pgm": picture(1),
      "shapes/test/a/1.pgm": picture(1),
    })
    expect(counts).toEqual([1, undefined, 1])
    expect(read({ "train/a/1.pgm": picture(1) }).counts).toEqual([1, undefined, undefined])
  })

  test("are not made of classes that happen to have their names", () => {
    const { classes, counts } = read({ "train/1.pgm": picture(1), "bus/1.pgm": picture(2) })
    expect(classes).toEqual(["bus", "train"])
    expect(counts).toEqual([2, undefined, undefined])
  })

  test("have the same classes where systems write their names in other forms of Unicode", () => {
    const { counts, classes } = read({
      "train/weiß/1.pgm": picture(1),
      [`train/${"grün".normalize("NFD")}/1.pgm`]: picture(1),
      [`test/${"grün".normalize("NFC")}/1.pgm`]: picture(1),
    })
    expect(classes).toEqual(["grün".normalize("NFC"), "weiß"])
    expect(counts).toEqual([2, undefined, 1])
  })
})

describe("pictures that are no square", () => {
  const shape = (pixels: number) => {
    const wide = pgm(
      8,
      4,
      Array.from({ length: 32 }, (_, i) => i),
    )
    const { width, height } = openFolder(folderOf({ "a/1.pgm": wide }), { pixels, outputs: 3 })
    return [width, height]
  }

  test("fill an input of their own size or shape, else lie within a square", () => {
    expect(shape(32)).toEqual([8, 4])
    expect(shape(128)).toEqual([16, 8])
    expect(shape(64)).toEqual([8, 8])
  })

  test("are refused where no rectangle of the inputs is like them, with a size that is", () => {
    expect(() => shape(31)).toThrow(/8x4, and no 31 inputs can be of that shape/)
    expect(() => shape(30)).toThrow(WuxingError)
  })
})

test("the input of a network is square if it can be, else one row", () => {
  expect(frameOf(784)).toEqual({ width: 28, height: 28 })
  expect(frameOf(1)).toEqual({ width: 1, height: 1 })
  expect(frameOf(20)).toEqual({ width: 20, height: 1 })
})
