/** A user's own data, all the way: files, training, boards, answers. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PNG } from "pngjs"
import { expect, test } from "vitest"
import { readModel } from "../../../host/models/model-source"
import { temporaryFolder } from "../../temporary"
import { wuxing } from "./run-cli"

const folder = temporaryFolder("own-data")

async function json(...args: string[]) {
  const { status, stdout, stderr } = await wuxing([...args, "--json", "--quiet"])
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout)
}

const SHAPES = {
  bar: (x: number) => Math.abs(x) < 0.2,
  cross: (x: number, y: number) => Math.abs(Math.abs(x) - Math.abs(y)) < 0.2,
  ring: (x: number, y: number) => Math.abs(Math.hypot(x, y) - 0.7) < 0.17,
}
/** In the order in which a folder's classes are numbered. */
const NAMES = Object.keys(SHAPES) as (keyof typeof SHAPES)[]

/** A picture of a shape, dark on light, no two of the same size or place. */
function draw(path: string, shape: keyof typeof SHAPES, i: number): void {
  const side = 21 + ((i * 7) % 20)
  const png = new PNG({ width: side, height: side })
  const [dx, dy] = [((i * 5) % 7) / 20 - 0.15, ((i * 3) % 7) / 20 - 0.15]
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const inside = SHAPES[shape]((2 * x) / side - 1 + dx, (2 * y) / side - 1 + dy)
      const grey = inside ? 30 : 235
      png.data.set([grey, grey, grey, 255], 4 * (y * side + x))
    }
  writeFileSync(path, PNG.sync.write(png))
}

test("pictures of three shapes: taught on the host, named by a board with the host's outputs", async () => {
  const pictures = join(folder, "shapes")
  for (const split of ["train", "test"])
    for (const shape of NAMES) {
      mkdirSync(join(pictures, split, shape), { recursive: true })
      for (let i = 0; i < 30; i++) {
        const number = split === "train" ? 2 * i : 2 * i + 1
        draw(join(pictures, split, shape, `${i}.png`), shape, number)
      }
    }
  const model = join(folder, "shapes.wuxing")
  const trained = await json(
    ...["train", "--model", "144-12-3", "--data", pictures, "--out", model],
  )
  expect(trained.testAccuracy).toBeGreaterThan(0.9)
  const one = NAMES.map(shape => join(pictures, "test", shape, "1.png"))
  const host = await json("predict", "--model", model, ...one)
  expect(host.scaling).toBe("box")
  expect(host.images.map((image: { class: string }) => image.class)).toEqual(NAMES)
  const board = await json("predict", "--model", model, "--on", "sim:1", ...one)
  expect(board.engine).toBe("boards")
  expect(board.images).toEqual(host.images)
}, 150_000)

test("a table of values, five classes: taught, kept, read out", async () => {
  const path = join(folder, "values.csv")
  const rows = Array.from({ length: 200 }, (_, i) => {
    const kind = i % 5
    const values = Array.from(
      { length: 10 },
      (_, at) => (at >> 1 === kind ? 200 : 10) + ((i * at) % 40),
    )
    return [`kind ${kind}`, ...values].join(",")
  })
  writeFileSync(path, rows.join("\n"))
  const model = join(folder, "values.wuxing")
  const { heldOutAccuracy: first, command } = await json(
    ...["train", "--model", "10-8-5", "--data", path, "--out", model],
  )
  expect(first).toBeGreaterThan(0.95)
  expect(command).not.toContain("--limit")
  const trained = readModel(model, 0).training
  expect(trained?.accuracy).toEqual({ train: expect.any(Number), heldOut: expect.any(Number) })
  const { heldOutAccuracy, testAccuracy, tested, classes } = await json(
    ...["eval", "--model", model, "--data", path],
  )
  // The very samples that were held out, not those it learnt from.
  expect([heldOutAccuracy, tested, testAccuracy]).toEqual([
    trained?.accuracy.heldOut,
    40,
    undefined,
  ])
  expect(classes).toEqual([0, 1, 2, 3, 4].map(kind => `kind ${kind}`))
  expect(heldOutAccuracy).toBeGreaterThan(0.95)
  // Rows are named as a table is measured: with the class or without, several or one, on boards too.
  const few = join(folder, "few.csv")
  writeFileSync(few, rows.slice(10, 15).join("\n"))
  const bare = join(folder, "bare.csv")
  writeFileSync(bare, `${rows[12].replace(/^[^,]*,/, "")}\n`)
  const named = await json("predict", "--model", model, few, bare)
  const answers = named.images.map((each: { image: string; class: string }) => [
    each.image,
    each.class,
  ])
  expect(answers).toEqual([
    ...[0, 1, 2, 3, 4].map(i => [`${few}:${i + 1}`, `kind ${i}`]),
    [bare, "kind 2"],
  ])
  expect(named.images[5].classes).toEqual(named.images[2].classes)
  const onBoard = await json("predict", "--model", model, "--on", "sim:1", few, bare)
  expect(onBoard.images).toEqual(named.images)
  const text = await wuxing(["predict", "--model", model, few])
  expect(text.stdout).toMatch(/│ row +│ class/)
  const far = join(folder, "far.csv")
  writeFileSync(far, "900,900,900,900,900,900,900,900,900,900\n")
  const clamped = await wuxing(["predict", "--model", model, far])
  expect(clamped.stderr).toContain("lie beyond what the network has learnt")
  const picture = join(folder, "picture.png")
  draw(picture, "bar", 1)
  for (const args of [
    ["predict", "--model", "pico-16", bare],
    ["predict", "--model", model, bare, picture],
  ]) {
    const { status, stdout } = await wuxing([...args, "--json"])
    expect(status).toBe(3)
    expect(JSON.parse(stdout).error.code).toBe("predict-table")
  }
  const refused = await wuxing(["predict", "--model", model, picture, "--json"])
  expect(refused.status).toBe(3)
  expect(JSON.parse(refused.stdout).error).toMatchObject({ code: "picture-table" })
})

test("a size is a network of that size, and a wrong one is refused", async () => {
  const { network } = readModel("50-20-30-7", 5)
  expect(network).toMatchObject({ width: 50, seed: 5 })
  expect(network.layers.map(({ neurons }) => neurons)).toEqual([20, 30, 7])
  expect(() => readModel("784-65535-65535-10", 1)).toThrow(/there can be no network/)
  expect(() => readModel("0-16-3", 1)).toThrow(/neither a preset nor a size/)
})

test("where nobody gave --label, nothing says that it was given alone", async () => {
  const table = join(folder, "kinds.csv")
  const rows = Array.from({ length: 20 }, (_, i) => `${i % 2 ? "wet" : "dry"},${i},${200 - i}`)
  writeFileSync(table, `kind,a,b\n${rows.join("\n")}\n`)
  const model = join(folder, "kinds.wuxing")
  const args = ["--data", table, "--epochs", "1", "--out", model]
  const trained = await json("train", "--model", "2-4-2", ...args)
  expect(trained.notes.join("\n")).toMatch(/class in column 1 \(the only one of text\)/)
  const { notes } = await json("eval", "--model", model, "--data", table)
  expect(notes.join("\n")).toMatch(/class in column 1 \(as --label or the model says\)/)
})
