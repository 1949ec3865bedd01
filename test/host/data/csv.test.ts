import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { isCsv, readCsv } from "../../../host/data/csv"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("csv")

function file(text: string, name = "some.csv"): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const OPTIONS = { width: 3, outputs: 4, split: "train" } as const

describe("CSV", () => {
  test("rows become samples, whatever parts the columns", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            name: fc.constantFrom("idle", "run", "walk"),
            values: fc.array(fc.integer({ min: 2, max: 255 }), { minLength: 3, maxLength: 3 }),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        fc.constantFrom(",", ";", "\t"),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        (rows, separator, end, head) => {
          const lines = rows.map(({ name, values }) => [name, ...values].join(separator))
          if (head) lines.unshift(["class", "a", "b", "c"].join(separator))
          const set = readCsv(file(lines.join(end)), OPTIONS)
          expect(set.count).toBe(rows.length)
          expect([...set.images]).toEqual(rows.flatMap(({ values }) => values))
          const names = [...set.labels].map(label => set.classes[label])
          expect(names).toEqual(rows.map(({ name }) => name))
          expect(set.classes).toEqual([...set.classes].sort())
        },
      ),
    )
  })

  test("numbers are labels as they are; values up to 1 are shares of 255; a label may stand last", () => {
    const set = readCsv(file('a,b,c,"label"\n0,0.5,1,3\n1,0.2,0,0\n'), OPTIONS)
    expect([...set.images]).toEqual([0, 128, 255, 255, 51, 0])
    expect([...set.labels]).toEqual([3, 0])
    expect(set.classes).toEqual(["0", "1", "2", "3"])
  })

  test("a folder has two splits, and the test's classes are the training's", () => {
    const both = join(folder, "both")
    mkdirSync(both)
    writeFileSync(join(both, "train.csv"), "on,1,2,3\noff,4,5,6\n")
    writeFileSync(join(both, "test.csv"), "on,7,8,9\n")
    expect(isCsv(both)).toBe(true)
    expect(isCsv(folder)).toBe(false)
    const { classes } = readCsv(both, OPTIONS)
    const tested = readCsv(both, { ...OPTIONS, split: "test", classes })
    expect(tested).toMatchObject({ count: 1, classes: ["off", "on"] })
    expect(tested.labels[0]).toBe(1)
  })

  test.each([
    ["another number of columns", "on,1,2\n", "data-csv", /line 1 has 3 columns, expected 4/],
    ["a value too large", "h,a,b,c\non,1,2,256\n", "data-csv", /line 2 has "256" for value 3/],
    ["an empty value", "on,1,2,3\non,1,,3\n", "data-csv", /line 2 has "" for value 2/],
    ["no sample", "label,a,b,c\n", "data-csv", /no samples/],
    [
      "too many classes",
      "a,1,2,3\nb,1,2,3\nc,1,2,3\nd,1,2,3\ne,1,2,3",
      "data-classes",
      /5 classes/,
    ],
  ])("%s is refused by line and cause", (_, text, code, message) => {
    try {
      readCsv(file(text), OPTIONS)
    } catch (error) {
      if (!(error instanceof WuxingError)) throw error
      expect(error).toMatchObject({ code, kind: "data" })
      expect(error.message).toMatch(message)
      return
    }
    throw new Error("nothing was thrown")
  })

  test("a class the network does not know, and no file at all", () => {
    const classes = ["off", "on"]
    const read = (path: string) => () => readCsv(path, { ...OPTIONS, classes })
    expect(read(file("up,1,2,3"))).toThrow(/"up", which is none of: off, on/)
    expect(read(join(folder, "none.csv"))).toThrow(/none\.csv cannot be read/)
  })
})
