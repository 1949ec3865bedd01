/** Tables: what is taken for names, for the class and for values, and how values become inputs. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import { readCsvRows } from "../../../host/data/csv-rows"
import { parseRange } from "../../../host/data/range"
import { isTable } from "../../../host/data/table-source"
import { random15 } from "../../../src/base/random"
import { temporaryFolder } from "../../temporary"
import { readTableSet } from "./read-set"

const folder = temporaryFolder("csv")

let made = 0
function file(content: string | Uint8Array, name = `${made++}.csv`): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Samples of four classes whose values give the class, 0 to 255; the class is `labels[i]`. */
const ROWS = Array.from({ length: 40 }, (_, i) => {
  const label = i % 4
  return { label, values: [label * 60 + (i % 3), 255 - label * 50, (i * 37) % 256] }
})
const expected = ROWS.flatMap(({ values }) => values)
const labels = ROWS.map(({ label }) => label)

describe("a file is read the same", () => {
  const lines = (parted = ",", last = false, text = (v: number) => String(v)) =>
    ROWS.map(({ label, values }) =>
      (last ? [...values.map(text), label] : [label, ...values.map(text)]).join(parted),
    )
  const plain = `${lines().join("\n")}\n`
  const utf16 = Buffer.from(`\ufeff${plain}`, "utf16le")
  const cases: [string, string | Uint8Array][] = [
    ["plain", plain],
    ["with the class last", lines(",", true).join("\n")],
    ["parted by semicolons", lines(";").join("\n")],
    ["parted by tabs, lines as Windows has them", lines("\t").join("\r\n")],
    ["parted by bars, with empty lines between", lines("|").join("\n\n")],
    ["all quoted", lines('","').map(line => `"${line}"`).join("\n")],
    ["with space around its values", lines(" , ").join("\n")],
    ["with a separator at each line's end", lines().map(line => `${line},`).join("\n")],
    ["as Excel says its separator", `sep=;\n${lines(";").join("\n")}`],
    ["with numbers as 3.0 and 1e1", lines(",", false, v => (v === 10 ? "1e1" : v.toFixed(1))).join("\n")],
    ["under names", `label,a,b,c\n${plain}`],
    ["under names in quotes and capitals", `"Label","a","b","c"\n${plain}`],
    ["under names that are numbers, as pandas has them", `0,1,2,target\n${lines(",", true).join("\n")}`],
    ["under names that are years", `2019,2020,2021,class\n${lines(",", true).join("\n")}`],
    ["behind a column that counts", `,a,b,c,class\n${lines(",", true).map((l, i) => `${i},${l}`).join("\n")}`],
    ["under names that say y", `a,b,c,y\n${lines(",", true).join("\n")}`],
    ["with labels as 3.0", lines().map(line => line.replace(/^\d/, "$&.0")).join("\n")],
    ["with a mark of UTF-8", `\ufeff${plain}`],
    ["in UTF-16", utf16],
    ["in UTF-16, the other way round", Buffer.from(utf16).swap16()],
    ["in UTF-16 without a mark", utf16.subarray(2)],
    ["packed", gzipSync(plain)],
  ] // biome-ignore format: a line a case
  test.each(cases)("%s", async (_, content) => {
    const set = await readTableSet(file(content))
    expect([...set.labels]).toEqual(labels)
    expect([...set.images]).toEqual(expected)
  })

  test("sorted by class, of more lines than are looked at first", async () => {
    const sorted = Array.from({ length: 4_000 }, (_, i) => Math.floor(i / 1_000))
    const text = sorted.map((label, i) => `0,${label * 50},${i % 256},${label}`).join("\n")
    const set = await readTableSet(file(text))
    expect([...set.labels]).toEqual(sorted)
    expect(set.source.says).toMatch(/class in column 4/)
  })

  test("with decimal commas", async () => {
    const text = ROWS.map(({ label, values }) =>
      [label, ...values.map(v => (v / 255).toFixed(4).replace(".", ","))].join(";"),
    ).join("\n")
    expect([...(await readTableSet(file(text))).images]).toEqual(expected)
  })

  test("in Windows-1252, of names with accents, and in UTF-8", async () => {
    const text = "weiß,1,2,200\ngrün,3,4,5\nweiß,6,7,8\n"
    for (const content of [Buffer.from(text, "latin1"), Buffer.from(text, "utf8")]) {
      const { classes, labels: of } = await readTableSet(file(content))
      expect(classes).toEqual(["grün", "weiß"])
      expect([...of]).toEqual([1, 0, 1])
    }
  })
})

describe("the class", () => {
  const two = (text: string, label?: string) => readTableSet(file(text), { label })

  test("may be any column by --label: its name, its number, first or last", async () => {
    const text = "a,kind,b,other\n1,0,200,3\n2,1,100,2\n"
    for (const [label, of] of [
      ["kind", [0, 1]],
      ["KIND", [0, 1]],
      ["2", [0, 1]],
      ["last", [3, 2]],
      ["first", [1, 2]],
    ] as const)
      expect([...(await two(text, label)).labels], label).toEqual(of)
    await expect(two(text, "none")).rejects.toThrow(/no column "none".*a, kind, b, other/)
  })

  test("is asked for where it could be either", async () => {
    await expect(two("0,5,200,1\n1,6,7,0\n2,1,1,2\n")).rejects.toThrow(/first or its last column/)
    await expect(two("label,class,a,b\n0,1,2,3\n")).rejects.toThrow(/"label" and "class"/)
    await expect(two("x,1,2,b\ny,3,4,c\n")).rejects.toThrow(/columns 1 and 4 are text/)
    const words = `${"a,".repeat(5000)}b\n`
    await expect(two(words + words)).rejects.toThrow(
      /columns 1 and 2 and .* and 4993 more are text/,
    )
  })

  test("is text of a few columns, and numbers have a bound", async () => {
    await expect(two("x,1,2\ny,1e308,4\n")).rejects.toThrow(/"1e308" .*expected a number within/)
  })

  test.each(["2026-11-30 10:53:20", "30.11.2026", "12:00:07"])("is no date: %s", async date => {
    await expect(two(`at,a,label\n${date},1,x\n${date},2,y\n`)).rejects.toMatchObject({
      likely: expect.stringMatching(/date or a time.*leave that column out/),
    })
  })

  test("is not y where a clearer name is there", async () => {
    const { labels: of, images } = await two("x,y,z,label\n1,2,200,3\n4,5,6,1\n")
    expect([...of]).toEqual([3, 1])
    expect([...images]).toEqual([1, 2, 200, 4, 5, 6])
  })

  test("is never a value that is the same throughout", async () => {
    const text = ROWS.map(({ label, values }) => [0, ...values.slice(1), label].join(",")).join(
      "\n",
    )
    expect([...(await two(text)).labels]).toEqual(labels)
  })
})

describe("what is refused, by line and cause", () => {
  const rest = "1,2,3,200\n2,3,4,5\n3,1,1,1\n"
  test.each([
    ["a missing value in line 1", `0,5,,7\n${rest}`, "data-csv", /line 1 has "" in column 3/],
    ["no number in line 1", `0,NaN,6,7\n${rest}`, "data-csv", /line 1 has "NaN" in column 2/],
    ["a bad value in line 1", `0,5,6x,7\n${rest}`, "data-csv", /line 1 has "6x" in column 3/],
    ["all values bad in line 1", `on,a,b\non,1,2\noff,3,4\n`, "data-csv", /line 1/],
    ["a missing value later", `${rest}0,5,6,\n`, "data-csv", /line 4 has "" in column 4/],
    [
      "a named one",
      `label,a,b,c\n${rest}0,5,?,7\n`,
      "data-csv",
      /line 5 has "\?" in column 3, "b"/,
    ],
    ["hexadecimal", `${rest}0,5,0x10,7\n`, "data-csv", /line 4 has "0x10"/],
    ["another number of columns", "on,1,2\n", "data-csv", /line 1 has 3 columns/],
    ["a short line", `${rest}1,2\n`, "data-csv", /line 4 has 2 columns, expected 4/],
    ["a long line", `${rest}1,2,3,4,5\n`, "data-csv", /line 4 has 5 columns, expected 4/],
    ["no class", `a,1,2,3\n,4,5,6\n`, "data-csv", /line 2 has no class/],
    ["no sample", "label,a,b,c\n", "data-csv", /no samples/],
    ["nothing", "", "data-csv", /no samples/],
    [
      "a lost quotation mark",
      `${rest}"1,2,3,4\n5,6,7,8\n`,
      "data-csv",
      /line \d+ cannot be parsed/,
    ],
    ["zero bytes", Buffer.concat([Buffer.from(rest), Buffer.alloc(9)]), "data-csv", /zero bytes/],
    ["cut gzip", gzipSync(rest.repeat(99)).subarray(0, -12), "data-csv", /gzip/],
    ["two kinds of decimals", "0;1,5;2;3\n1;1.5;2;3\n", "data-csv", /comma.*point/],
    [
      "too many classes",
      "a,1,2,3\nb,1,2,3\nc,1,2,3\nd,1,2,3\ne,1,2,3",
      "data-classes",
      /5 classes/,
    ],
    ["a long name", `${"x".repeat(300)},1,2,3\n`, "data-csv", /class of 300 characters/],
    ["an endless line", "x".repeat(5 * 2 ** 20), "data-csv", /line/],
  ])("%s", async (_, content, code, message) => {
    const error = await readTableSet(file(content)).catch(e => e)
    expect(error).toBeInstanceOf(WuxingError)
    expect(error).toMatchObject({ code, kind: "data" })
    expect(error.message).toMatch(message)
    expect(error.message.length).toBeLessThan(500)
  })

  test("a class the network does not know, and what is no file", async () => {
    const classes = ["off", "on"]
    await expect(readTableSet(file("up,1,2,3"), { classes })).rejects.toThrow(/"up".*off, on/)
    for (const path of [join(folder, "none.csv"), folder, "/dev/zero"])
      await expect(readCsvRows(path).next()).rejects.toMatchObject({ code: "data-missing" })
  })
})

describe("values become inputs", () => {
  const unit = (scale: number, offset = 0, more: number[] = []) =>
    ROWS.map(({ label, values }, i) =>
      [label, ...values.map((v, at) => more[i * 3 + at] ?? (v / 255) * scale + offset)].join(","),
    ).join("\n")
  const near = (images: Uint8Array, by = 1) => {
    for (const [i, pixel] of images.entries())
      expect(Math.abs(pixel - expected[i])).toBeLessThanOrEqual(by)
  }

  test.each([
    ["0 to 1", 1, 0, /0 to 1 /],
    ["0 to 16", 16, 0, /0 to 16/],
    ["0 to 100", 100, 0, /to 100/],
    ["−1 to 1", 2, -1, /−1 to 1/],
    ["−2 to 2", 4, -2, /−2 to 2/],
    ["1,000,000 to 1,000,001", 1, 1e6, /1000000 to 1000001/],
  ])("%s", async (_, scale, offset, says) => {
    const set = await readTableSet(file(unit(scale, offset)))
    near(set.images)
    expect(set.source.says.replace(/1e\+6/, "1000000")).toMatch(says)
    expect(set.source.notes.join()).toMatch(offset < 0 ? /negative/ : /^(?!.*negative)/)
  })

  test("one value a little or far beyond all others darkens nothing", async () => {
    for (const stray of [1.000001, 1.02, 1000]) {
      const rows = Array.from({ length: 2_000 }, (_, i) => {
        const value = (at: number) => random15(at, i) / 32767
        return [i % 4, i === 7 ? stray : value(1), value(2), value(3)]
      })
      const set = await readTableSet(file(rows.map(row => row.join(",")).join("\n")))
      const off = rows.flatMap((row, i) =>
        i === 7 ? [] : row.slice(1).map((v, at) => Math.abs(set.images[3 * i + at] - v * 255)),
      )
      expect(Math.max(...off), `${stray}`).toBeLessThan(2)
      expect(set.images[21]).toBe(255)
    }
  })

  test("columns of their own units each fill the range, and one column alone is not dark", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => [i % 4, i * 1000, (i % 7) / 7, i % 11])
    const { images, source } = await readTableSet(file(rows.map(r => r.join(",")).join("\n")))
    expect(source.range).toMatchObject({ by: "column", from: [0, 0, 0], to: [49_000, 6 / 7, 10] })
    for (let column = 0; column < 3; column++)
      expect(Math.max(...images.filter((_, i) => i % 3 === column))).toBe(255)
  })

  test.each([
    [
      "a share beside ages, all within 0 to 255",
      (i: number) => [(i % 9) / 9, 40 + ((i * 7) % 120), i % 3],
    ],
    [
      "whole numbers: yes or no beside a weight",
      (i: number) => [i % 2, i % 4, 60 + ((i * 13) % 140)],
    ],
  ])("%s are not dark either", async (_, row) => {
    const text = Array.from({ length: 60 }, (_, i) => [i % 4, ...row(i)].join(",")).join("\n")
    const { images, source } = await readTableSet(file(text))
    expect(source.range?.by).toBe("column")
    for (let column = 0; column < 3; column++)
      expect(Math.max(...images.filter((_, i) => i % 3 === column))).toBe(255)
  })

  test("one wild value in a small table darkens nothing", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => [
      i % 4,
      (i % 8) / 8,
      (i % 5) / 5,
      (i % 7) / 7,
    ])
    const wild = rows.map(([label, ...values], i) => [
      label,
      ...(i === 9 ? [1e9] : [values[0]]),
      ...values.slice(1),
    ])
    const { images, source } = await readTableSet(file(wild.map(row => row.join(",")).join("\n")))
    expect(source.says).toMatch(/the few beyond are clamped/)
    expect(images[3 * 9]).toBe(255)
    expect(Math.max(...images.filter((_, i) => i % 3 === 0 && i !== 27))).toBeGreaterThan(240)
  })

  test("by the range that is asked for, and by the one that was learnt", async () => {
    const path = file("0,0,1,2\n1,3,4,9\n")
    const asked = await readTableSet(path, { rangeChoice: parseRange("0..4") })
    expect([...asked.images]).toEqual([0, 64, 128, 191, 255, 255])
    expect(asked.source.notes.join()).toMatch(/17 % of the values lie beyond/)
    const learnt = await readTableSet(path, { range: { by: "whole", from: 1, to: 9 } })
    expect([...learnt.images]).toEqual([0, 0, 32, 64, 96, 255])
    for (const wrong of ["1..0", "a", "0..", "1..1", "0..1e999"])
      expect(() => parseRange(wrong), wrong).toThrow(/--range/)
  })

  test("are decided for all parts together; a test part without a class is left out", async () => {
    const both = join(folder, "both")
    mkdirSync(both)
    expect(isTable(both)).toBe(false)
    writeFileSync(join(both, "mnist_Train.csv"), "on,0,0.1,0.2\noff,0.3,0.2,0.8\n")
    writeFileSync(join(both, "mnist_test.csv"), "on,2,1,0\n")
    expect(isTable(both)).toBe(true)
    const { images, test: tested, source } = await readTableSet(both)
    expect(source.range).toEqual({ by: "whole", from: 0, to: 2 })
    expect([...images]).toEqual([0, 13, 26, 38, 26, 102])
    expect([...tested!.images]).toEqual([255, 128, 0])
    expect([...tested!.labels]).toEqual([1])
    writeFileSync(join(both, "mnist_test.csv"), "2,1,0\n")
    const alone = await readTableSet(both)
    expect(alone.test).toBeUndefined()
    expect(alone.source.notes.join()).toMatch(/no column for the class/)
  })
})

describe("what is seldom meant gets a note", () => {
  const notes = async (text: string) => (await readTableSet(file(text))).source.notes.join("; ")

  test("one class, constant columns, a column that is the class again", async () => {
    expect(await notes("on,1,2,200\non,3,4,5\n")).toMatch(/one class, "on"/)
    expect(await notes("on,1,7,200\noff,3,7,5\n")).toMatch(/1 of 3 columns/)
    const twice = ROWS.map(({ label, values }) => [label, 9 * label, ...values.slice(1)].join(","))
    expect(await notes(twice.join("\n"))).toMatch(/value 1 has one value for each class/)
    const quiet = Array.from({ length: 40 }, (_, i) => [i % 4, i % 11, i % 7, 200 - (i % 9)])
    const counting = ROWS.map(({ label, values }, i) =>
      [i + 1, ...values.slice(1), label].join(","),
    )
    expect(await notes(`id,b,c,class\n${counting.join("\n")}`)).toMatch(/value 1 counts the lines/)
    expect(await notes(quiet.map(row => row.join(",")).join("\n"))).toBe("")
  })
})

test("any table of names or numbers, however it is written, gives its samples", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          name: fc.constantFrom("idle", "run", "walk"),
          values: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 3, maxLength: 3 }),
        }),
        { minLength: 2, maxLength: 20 },
      ),
      fc.constantFrom(",", ";", "\t", "|"),
      fc.constantFrom("\n", "\r\n"),
      fc.boolean(),
      fc.boolean(),
      async (rows, separator, end, head, last) => {
        // Else the range would be another one.
        const all = [{ name: "idle", values: [0, 128, 255] }, ...rows]
        const cells = (name: string, values: (number | string)[]) =>
          (last ? [...values, name] : [name, ...values]).join(separator)
        const lines = all.map(({ name, values }) => cells(name, values))
        if (head) lines.unshift(cells("class", ["a", "b", "c"]))
        const set = await readTableSet(file(lines.join(end), "any.csv"))
        expect([...set.images]).toEqual(all.flatMap(({ values }) => values))
        expect([...set.labels].map(l => set.classes[l])).toEqual(all.map(({ name }) => name))
        expect(set.classes).toEqual([...set.classes].sort())
      },
    ),
    { numRuns: 60 },
  )
})
