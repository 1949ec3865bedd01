import { describe, expect, it } from "vitest"
import { readRecordings } from "../../../host/signals/recording-files"
import { isRecordings } from "../../../host/signals/recording-set"
import { errorOf, file, rows } from "./recording-helpers"

describe("CSV", () => {
  it("has a header, a column of times and channels; quoted fields may hold commas", async () => {
    const [r] = await readRecordings(
      file("a.csv", `"time (s)","x, left",y\n${rows(5, i => [i * 0.04, `"${i}"`, -i])}\n`),
    )
    expect(r.channels).toEqual(["x, left", "y"])
    expect(r.rate).toBe(25)
    expect([...r.values[0]]).toEqual([0, 1, 2, 3, 4])
    expect([...r.values[1]]).toEqual([0, -1, -2, -3, -4])
  })

  it("times may be milliseconds, microseconds or seconds, and semicolons part columns too", async () => {
    for (const [head, step] of [
      ["timestamp", 20],
      ["time [us]", 20_000],
      ["ms", 20],
      ["t (s)", 0.02],
    ])
      expect(
        await readRecordings(
          file("b.csv", `${head};x\n${rows(40, i => [`${i * Number(step)};${i}`])}`),
        ),
      ).toMatchObject([{ rate: 50 }])
  })

  it("is as people's tools write it: a name of times in German, micros, dates; a separator at the end", async () => {
    const day = (i: number) => new Date(Date.UTC(2026, 9, 31, 23, 59, 59) + 20 * i).toISOString()
    const rated = async (text: string) => (await readRecordings(file("p.csv", text)))[0]
    for (const [head, time] of [
      ["Zeit [ms]", i => `${20 * i},0`],
      ["Zeit (s)", i => `${(0.02 * i).toFixed(2).replace(".", ",")}`],
      ["micros", i => 1e6 + 20_000 * i],
      ["milliseconds", i => 20 * i],
      ["timestamp", day],
      ["timestamp", i => day(i).replace("T", " ").replace(".", ",").slice(0, -1)],
    ] as [string, (i: number) => unknown][]) {
      const lines = rows(80, i => [`${time(i)};${i},5;`])
      const recording = await rated(`\ufeff${head};x (g);\r\n${lines.replaceAll("\n", "\r\n")}\r\n`)
      expect(recording, head).toMatchObject({ rate: 50, channels: ["x (g)"] })
      expect([...recording.values[0]].slice(0, 2), head).toEqual([0.5, 1.5])
    }
    const mixed = `time;x\n${day(0)};1\n20;2\n`
    const error = await errorOf(() => rated(mixed))
    expect(error.message).toContain('line 3 has "20" for time, expected a date')
    const text = await errorOf(() => rated("time;x\n2026-99-99T00:00:00Z;1\n20;2\n"))
    expect(text.code).toBe("recording-damaged")
  })

  it("a separator after values only, and after names only", async () => {
    for (const text of ["time;x\n0;1;\n20;2;\n40;3;\n", "time;x;\n0;1\n20;2\n40;3\n"]) {
      const [{ channels, values }] = await readRecordings(file("end.csv", text))
      expect([channels, [...values[0]]]).toEqual([["x"], [1, 2, 3]])
    }
    const two = await errorOf(() => readRecordings(file("end.csv", "time;x\n0;1;;\n")))
    expect(two.message).toContain("line 2 has 4 columns, expected 2")
  })

  it("dates: zones and microseconds count, a day ends, no computer's summer time makes a gap", async () => {
    const rated = (times: string[]) =>
      readRecordings(file("z.csv", `time,x\n${times.map((t, i) => `${t},${i}`).join("\n")}\n`))
    const zone = process.env.TZ
    process.env.TZ = "Europe/Berlin"
    try {
      for (const [rate, times] of [
        // The hour that this zone left out in 2026 begins at two.
        [1, ["2026-03-29 02:59:59", "2026-03-29 03:00:00", "2026-03-29 03:00:01"]],
        [1, ["2026-12-31T23:59:59+01:00", "2026-12-31T23:00:00Z", "2027-01-01T00:00:01+0100"]],
        [8000, ["11:59:59.999875", "12:00:00", "12:00:00,000125"].map(t => `2026-06-30T${t}Z`)],
      ] as [number, string[]][]) {
        const found = await rated(times.map(t => `"${t}"`))
        expect(found[0].rate).toBe(rate)
        expect([...found[0].values[0]].map(Math.round)).toEqual([0, 1, 2])
      }
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
    const coarse = await errorOf(() => rated(["2026-01-01 00:00:00", "2026-01-01 00:00:00"]))
    expect(coarse).toMatchObject({ code: "recording-rate" })
    expect(coarse.message).toContain("samples 1 and 2 have the same time")
    expect(coarse.help).toContain("--rate")
  })

  it("a column of labels parts it into recordings", async () => {
    const path = file(
      "c.csv",
      `time,x,label\n${rows(9, i => [i * 10, i, i < 4 ? "idle" : "wave"])}`,
    )
    const found = await readRecordings(path)
    expect(found.map(r => [r.label, r.values[0].length])).toEqual([
      ["idle", 4],
      ["wave", 5],
    ])
  })

  it("a few missing samples are filled along the line between their neighbours", async () => {
    const kept = Array.from({ length: 60 }, (_, i) => i).filter(i => i !== 20 && i !== 41)
    const path = file("d.csv", `time,x\n${kept.map(i => `${i * 10},${3 * i}`).join("\n")}`)
    const [r] = await readRecordings(path)
    expect(r.rate).toBe(100)
    expect(r.values[0].length).toBe(60)
    for (const [i, value] of r.values[0].entries()) expect(value).toBeCloseTo(3 * i, 6)
  })

  it("a rate that drifts, or many missing samples, are refused by name", async () => {
    const drifting = `time,x\n${rows(50, i => [i * 10 + (i > 25 ? (i - 25) * 12 : 0), i])}`
    expect(await errorOf(() => readRecordings(file("e.csv", drifting)))).toMatchObject({
      code: "recording-rate",
      kind: "data",
    })
    const lost = Array.from({ length: 100 }, (_, i) => i).filter(i => i % 9 !== 0)
    const text = `time,x\n${lost.map(i => `${i * 10},1`).join("\n")}`
    expect((await errorOf(() => readRecordings(file("f.csv", text)))).code).toBe("recording-rate")
    const back = `time,x\n0,1\n10,2\n5,3\n20,4`
    expect((await errorOf(() => readRecordings(file("g.csv", back)))).message).toContain("sample 3")
  })

  it("a table of samples with a column of that name: why it is taken for a recording, and what to do", async () => {
    const table = "time,x,label\n0,1,a\n1,2,b\n2,3,a\n"
    const { message, help } = await errorOf(() => readRecordings(file("t.csv", table)))
    expect(message).toContain('its column "time" makes it a recording')
    expect(help).toMatch(/remove the column "time".* read as a table/)
    // As that says.
    const named = file("t.csv", table.replace("time", "time of the sample"))
    expect(isRecordings(named)).toBe(false)
  })

  it("unequal channels, text and a missing header are refused, with the line", async () => {
    for (const [text, what] of [
      ["time,x,y\n0,1,2\n10,3\n", "line 3 has 2 columns"],
      ["time,x\n0,1\n10,n/a\n", 'line 3 has "n/a" for x'],
      ["0,1,2\n10,3,4\n", "first line"],
      ['time,x\n0,"1\n', "quote"],
      ["time,x\n0,1\n", "fewer than two samples"],
    ]) {
      const error = await errorOf(() => readRecordings(file("h.csv", text)))
      expect(error.code).toBe("recording-damaged")
      expect(error.message.toLowerCase()).toContain(what.toLowerCase())
    }
  })
})
