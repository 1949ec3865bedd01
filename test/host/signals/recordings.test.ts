import { join } from "node:path"
import { describe, expect, it } from "vitest"
import wavefile from "wavefile"
import { chooseFeatures } from "../../../host/signals/choose"
import { faultOfRecording, resampleTo, toSamples, unitFor } from "../../../host/signals/recording"
import { readRecordings } from "../../../host/signals/recording-files"
import { cutWindows, isRecordings, readRecordingSet } from "../../../host/signals/recording-set"
import { errorOf, file, folder, rows } from "./recording-helpers"

describe("WAV", () => {
  for (const [depth, channels, rate] of [
    ["8", 1, 11_025],
    ["16", 1, 8000],
    ["16", 2, 44_100],
    ["24", 1, 16_000],
    ["32f", 2, 48_000],
  ] as const)
    it(`${depth} bit, ${channels} channels, ${rate} Hz`, async () => {
      const wav = new wavefile.WaveFile()
      const sound = Array.from({ length: channels }, (_, c) =>
        Array.from({ length: 500 }, (_, i) => Math.sin(i / (5 + 3 * c))),
      )
      const scaled = sound.map(one =>
        one.map(v =>
          depth === "32f"
            ? v
            : depth === "8"
              ? Math.round(127.5 + 127 * v)
              : v * 2 ** (Number(depth) - 1.1),
        ),
      )
      wav.fromScratch(channels, rate, depth, channels === 1 ? scaled[0] : scaled)
      const [r] = await readRecordings(file("a.wav", wav.toBuffer()))
      expect(r.rate).toBe(rate)
      expect(r.values.length).toBe(channels)
      for (const [c, values] of r.values.entries()) {
        const most = Math.max(...values)
        expect(most).toBeGreaterThan(25_000)
        for (const [i, value] of values.entries())
          expect(Math.abs(value / most - sound[c][i])).toBeLessThan(0.02)
      }
    })

  it("another format of that name is called by its own, with how to convert it; an empty file empty", async () => {
    // The first bytes of files that ffmpeg 7 and lame write.
    for (const [begins, format] of [
      ["49443304000000000022", "MP3"],
      ["fffb90c4000000000000", "MP3"],
      ["fff15080041ffc", "AAC"],
      ["0000001c667479704d344120", "m4a"],
      ["4f67675300020000", "Ogg"],
      ["664c614300000022", "FLAC"],
      ["464f524d0000079241494646", "AIFF"],
      ["1a45dfa39f428681", "WebM"],
    ]) {
      const error = await errorOf(() =>
        readRecordings(file("song.wav", Buffer.from(begins + "00".repeat(64), "hex"))),
      )
      expect(error.message, begins).toContain(format)
      expect(error.message).toContain("not WAV")
      expect(error.help).toContain("ffmpeg -i x.wav -ar 8000 -ac 1 y.wav")
    }
    const empty = await errorOf(() => readRecordings(file("empty.wav", "")))
    expect(empty.message).toContain("it is empty")
    const page = await errorOf(() => readRecordings(file("page.wav", "<html></html>")))
    expect(page.message).toContain("does not begin as a WAV file")
  })

  it("what is no WAV is refused by name", async () => {
    expect((await errorOf(() => readRecordings(file("no.wav", "RIFFnothing")))).code).toBe(
      "recording-damaged",
    )
  })
})

describe("JSON", () => {
  const payload = (values: unknown[], more = {}) =>
    JSON.stringify({
      ...{ protected: { ver: "v1", alg: "none" }, signature: "0" },
      payload: {
        ...{ device_type: "PICO", interval_ms: 10 },
        sensors: [
          { name: "accX", units: "m/s2" },
          { name: "accY", units: "m/s2" },
        ],
        ...{ values, ...more },
      },
    })

  it("as Edge Impulse's data acquisition format has it", async () => {
    const path = file(
      "wave.1.json",
      payload([
        [1, 2],
        [3, 4],
        [5, 6.5],
      ]),
    )
    const [r] = await readRecordings(path)
    expect(r).toMatchObject({ rate: 100, channels: ["accX", "accY"] })
    expect([...r.values[1]]).toEqual([2, 4, 6.5])
  })

  it("samples of unequal length, and other JSON, are refused", async () => {
    expect(
      (await errorOf(() => readRecordings(file("x.json", payload([[1, 2], [3]]))))).message,
    ).toContain("sample 2 has 1 values, expected 2")
    expect((await errorOf(() => readRecordings(file("y.json", '{"a":1}')))).code).toBe(
      "recording-damaged",
    )
    expect((await errorOf(() => readRecordings(file("z.json", "{")))).code).toBe(
      "recording-damaged",
    )
  })

  it("a list of labelled recordings", async () => {
    const list = [
      {
        label: "a",
        points: [
          [0, 1],
          [2, 3],
        ],
      },
      { label: 7, values: [1, 2, 3], interval_ms: 4 },
    ]
    const found = await readRecordings(file("list.json", JSON.stringify(list)), 25)
    expect(found.map(r => [r.label, r.rate, r.channels.length])).toEqual([
      ["a", 25, 2],
      ["7", 250, 1],
    ])
  })
})

describe("a claim is checked before memory is taken for it:", () => {
  const ei = (payload: object) =>
    JSON.stringify({ payload: { interval_ms: 10, sensors: [{ name: "x" }], ...payload } })
  /** The header of a WAV file in front of some bytes. */
  const wav = (channels: number, rate: number, bits: number, bytes: number, claim = bytes) => {
    const head = Buffer.alloc(44)
    head.write("RIFF", 0)
    head.writeUInt32LE(36 + bytes, 4)
    head.write("WAVEfmt ", 8)
    head.writeUInt32LE(16, 16)
    head.writeUInt16LE(1, 20)
    head.writeUInt16LE(channels, 22)
    head.writeUInt32LE(rate, 24)
    head.writeUInt16LE(bits, 34)
    head.write("data", 36)
    head.writeUInt32LE(claim, 40)
    return Buffer.concat([head, Buffer.alloc(bytes, 1)])
  }
  const cases: [string, string, string | Uint8Array][] = [
    ["a time far away", "t.csv", `time (s),x\n${rows(60, i => [i, 1])}\n1e12,1\n`],
    ["a million columns", "t.csv", `time${",c".repeat(1_000_000)}\n0${",1".repeat(1_000_000)}\n`],
    ["a label a sample", "t.csv", `x,label\n${rows(30_000, i => [1, i])}`],
    ["a long label", "t.csv", `x,label\n1,${"a".repeat(1000)}\n2,${"a".repeat(1000)}\n`],
    ["infinite values", "t.csv", "x\n1e999\n1\n"],
    ["no rate", "t.wav", wav(1, 0, 16, 100)],
    ["a rate of gigahertz", "t.wav", wav(1, 2 ** 32 - 1, 16, 100)],
    ["many channels", "t.wav", wav(65_535, 8000, 16, 200_000)],
    ["no channel", "t.wav", wav(0, 8000, 16, 100)],
    ["no bits", "t.wav", wav(1, 8000, 0, 100)],
    ["many bits", "t.wav", wav(1, 8000, 65_535, 100)],
    ["an interval of nothing", "t.json", ei({ values: [1, 2, 3], interval_ms: 1e-300 })],
    ["infinite numbers", "t.json", ei({ values: [1, 2] }).replace("[1,2]", "[1,1e999]")],
    ["text for numbers", "t.json", ei({ values: ["1", "2"] })],
    ["many sensors", "t.json", ei({ sensors: Array(1000).fill({ name: "x" }), values: [1, 2] })],
    ["a list of nothing", "t.json", `[${"{},".repeat(100_000)}{}]`],
    ["brackets without end", "t.json", "[".repeat(1_000_000)],
    [
      "more values than are read",
      "t.json",
      ei({ values: [] }).replace("[]", `[${"1,".repeat(9_000_000)}1]`),
    ],
  ]
  for (const [what, name, content] of cases)
    it(what, async () => {
      const error = await errorOf(() => readRecordings(file(`claims/${name}`, content)))
      expect(error).toMatchObject({ kind: "data" })
      expect(error.code).toMatch(/^recording-(damaged|rate)$/)
      expect(error.message.length).toBeLessThan(400)
    })

  it("a WAV's data is what is there, whatever its header says", async () => {
    const [{ values }] = await readRecordings(file("claim.wav", wav(1, 8000, 16, 100, 2 ** 32 - 1)))
    expect(values[0].length).toBe(50)
  })

  it("a rate to bring it to", () => {
    const slow = { name: "r", channels: ["x"], rate: 0.01, values: [new Float64Array(1000)] }
    expect(() => resampleTo(slow, 96_000)).toThrow(/more than 16777216 values/)
  })
})

describe("a folder of recordings", () => {
  const csv = (count: number, k: number) => `time,x\n${rows(count, i => [i * 20, i * k])}`
  for (const label of ["wave", "idle"])
    for (let i = 1; i <= 11; i++)
      file(`set/${label}/${i}.csv`, csv(20 + i, label === "wave" ? 2 : 1))

  it("is a folder a class; one of so many of each is for test, in natural order", async () => {
    expect(isRecordings(join(folder, "set"))).toBe(true)
    const set = await readRecordingSet(join(folder, "set"))
    expect(set).toMatchObject({ classes: ["idle", "wave"], channels: ["x"], rate: 50 })
    expect(set.test.map(r => r.name.split("/").slice(-2).join("/"))).toEqual([
      "idle/1.csv",
      "idle/6.csv",
      "idle/11.csv",
      "wave/1.csv",
      "wave/6.csv",
      "wave/11.csv",
    ])
    expect(set.train.length).toBe(16)
    expect(set.notes.join()).toContain("one of 5")
  })

  it("by names, as they match", async () => {
    const path = join(folder, "set")
    const set = await readRecordingSet(path, { testNames: /^1[.]/, trainNames: /^[2-5][.]/ })
    expect([set.test.length, set.train.length]).toEqual([2, 8])
    expect((await errorOf(() => readRecordingSet(path, { testNames: /nothing/ }))).code).toBe(
      "recording-mixed",
    )
  })

  it("or training and testing folders of files that bear their class's name", async () => {
    file("ei/training/wave.a1.csv", csv(9, 1))
    file("ei/training/idle.b.csv", csv(9, 2))
    file("ei/testing/wave.a2.csv", csv(9, 1))
    const set = await readRecordingSet(join(folder, "ei"))
    expect(set.train.map(r => r.label)).toEqual(["idle", "wave"])
    expect(set.test.map(r => r.label)).toEqual(["wave"])
  })

  it("channels of another sensor and single recordings are refused; empty ones are left out and said", async () => {
    file("mixed/a/1.csv", csv(9, 1))
    file("mixed/a/2.csv", `time,x,y\n${rows(9, i => [i * 20, 1, i])}`)
    expect((await errorOf(() => readRecordingSet(join(folder, "mixed")))).code).toBe(
      "recording-mixed",
    )
    file("lone/a/1.csv", csv(9, 1))
    expect((await errorOf(() => readRecordingSet(join(folder, "lone")))).message).toContain(
      "one recording",
    )
    for (const i of [1, 2, 3]) file(`flat/a/${i}.csv`, csv(9, i === 2 ? 0 : i))
    const set = await readRecordingSet(join(folder, "flat"))
    expect(set.train.length + set.test.length).toBe(2)
    expect(set.notes.join()).toContain("1 recordings are empty")
  })

  it("files of classes without a column of times are recordings, of a rate that must be given", async () => {
    for (const label of ["a", "b"])
      for (const i of [1, 2, 3])
        file(`timeless/${label}/${i}.csv`, `x,y\n${rows(9, k => [k * i, k % 3])}`)
    const path = join(folder, "timeless")
    expect(isRecordings(path)).toBe(true)
    expect((await errorOf(() => readRecordingSet(path))).help).toContain("--rate")
    expect((await errorOf(() => readRecordingSet(path))).likely).toContain("its columns are x, y")
    const set = await readRecordingSet(path, { rate: 25 })
    expect(set).toMatchObject({ classes: ["a", "b"], channels: ["x", "y"], rate: 25 })
    expect(set.notes.join()).not.toContain("one class")
  })

  it("also with separators at the end, decimal commas, bars, quotes, and in UTF-16", async () => {
    const forms: [string, (rows: string[][]) => string | Buffer][] = [
      ["semicolons", rows => rows.map(row => `${row.join(";")};\r\n`).join("")],
      ["commas", rows => rows.map(row => `${row.join(";").replaceAll(".", ",")}\n`).join("")],
      ["excel", rows => `sep=;\n${rows.map(row => `${row.join(";")}\n`).join("")}`],
      ["bars", rows => rows.map(row => `${row.join("|")}\n`).join("")],
      ["quotes", rows => rows.map(row => `${row.map(v => `"${v}"`).join()}\n`).join("")],
      [
        "utf16",
        rows => Buffer.from(`\ufeff${rows.map(row => `${row.join("\t")}\n`).join("")}`, "utf16le"),
      ],
    ]
    for (const [form, written] of forms) {
      for (const i of [1, 2, 3]) {
        const values = Array.from({ length: 9 }, (_, k) => [`${k * i}.5`, `${k % 3}.25`])
        file(`${form}/a/${i}.csv`, written([["x", "y"], ...values]))
      }
      const path = join(folder, form)
      expect([form, isRecordings(path)]).toEqual([form, true])
      const { channels, train } = await readRecordingSet(path, { rate: 25 })
      expect(channels, form).toEqual(["x", "y"])
      expect([...train[0].values[0]].slice(0, 2), form).toEqual([0.5, 2.5])
    }
  })

  it("mono and stereo together are counted, and what to do is said", async () => {
    const sound = (channels: number) => {
      const wav = new wavefile.WaveFile()
      const wave = Array.from({ length: 50 }, (_, i) => 1000 * Math.round(9 * Math.sin(i)))
      wav.fromScratch(channels, 8000, "16", channels === 1 ? wave : [wave, wave])
      return wav.toBuffer()
    }
    for (const i of [1, 2, 3, 4]) file(`sound/a/${i}.wav`, sound(i === 3 ? 2 : 1))
    const { message, help } = await errorOf(() => readRecordingSet(join(folder, "sound")))
    expect(message).toMatch(
      /a.3\.wav has 2 channels \(stereo\), but \S+a.1\.wav and 2 others have one channel \(mono\)/,
    )
    expect(help).toContain("ffmpeg -i x.wav -ac 1 y.wav")
  })

  it("of one class only, that is said", async () => {
    for (const i of [1, 2]) file(`single/a/${i}.csv`, csv(9, i))
    expect((await readRecordingSet(join(folder, "single"))).notes.join()).toContain("one class")
  })

  it("tables of samples and pictures are none", () => {
    file("table/train.csv", "label,a,b\n1,2,3\n")
    file("table/test.csv", "label,a,b\n1,2,3\n")
    expect(isRecordings(join(folder, "table"))).toBe(false)
    file("pictures/a/1.png", "")
    file("pictures/a/list.csv", "file,label\n1.png,3\n")
    expect(isRecordings(join(folder, "pictures"))).toBe(false)
    expect(isRecordings(join(folder, "nowhere"))).toBe(false)
  })
})

describe("a recording", () => {
  const recording = (values: number[], rate = 100) => ({
    ...{ name: "r", channels: ["x"], rate, values: [Float64Array.from(values)] },
  })

  it("is brought to another rate: a slow wave stays, one too fast for it goes", () => {
    const wave = (hz: number) =>
      recording(
        Array.from({ length: 1000 }, (_, i) => Math.sin((2 * Math.PI * hz * i) / 1000)),
        1000,
      )
    const slow = resampleTo(wave(5), 100)
    expect(slow.values[0].length).toBe(100)
    for (const [i, v] of slow.values[0].entries())
      if (i > 1 && i < 98) expect(v).toBeCloseTo(Math.sin((2 * Math.PI * 5 * i) / 100), 1)
    expect(Math.max(...resampleTo(wave(199), 100).values[0].slice(2, -2))).toBeLessThan(0.1)
    const faster = resampleTo(slow, 400).values[0]
    expect(faster[41]).toBeCloseTo(Math.sin((2 * Math.PI * 5 * 41) / 400), 1)
  })

  it("becomes 16 bits with room for twice its range, and is clipped beyond that", () => {
    const r = recording([-3, 1, 2.9])
    const unit = unitFor([r])
    expect(Math.log2(unit) % 1).toBe(0)
    expect(3 * unit).toBeGreaterThan(2 ** 13)
    expect(3 * unit).toBeLessThanOrEqual(2 ** 14)
    const bytes = toSamples(recording([1, -1, 100, -100]), unit)
    expect([0, 2, 4, 6].map(at => bytes.readInt16LE(at))).toEqual([unit, -unit, 32_767, -32_768])
  })

  it("that stays at its limit again and again is clipped, one that stands still is empty", () => {
    const wave = Array.from({ length: 200 }, (_, i) => 20 * Math.sin(i / 6))
    expect(faultOfRecording(recording(wave))).toBeUndefined()
    expect(faultOfRecording(recording(wave.map(v => Math.min(v, 12))))).toBe("clipped")
    expect(faultOfRecording(recording(wave.map(() => 5)))).toBe("empty")
    // A slow stroke rests once at its highest point.
    expect(faultOfRecording(recording([0, 1, 2, 3, 3, 3, 3, 2, 1, 0]))).toBeUndefined()
  })

  it("is cut into windows, the rest at its end left out", () => {
    const windows = cutWindows([recording(Array.from({ length: 25 }, (_, i) => i))], 10, 5)
    expect(windows.map(w => [w.values[0][0], w.values[0].length])).toEqual([
      [0, 10],
      [5, 10],
      [10, 10],
      [15, 10],
    ])
    expect(cutWindows([recording([1, 2, 3])], 10, 5)).toEqual([])
  })
})

describe("features that are chosen", () => {
  const set = (channels: string[], rate: number) => ({
    ...{ channels, rate },
    train: [{ name: "r", channels, rate, values: channels.map(() => Float64Array.from([0, 2])) }],
  })

  it("a trace for slow signals, bands for sound", () => {
    expect(chooseFeatures(set(["x", "y"], 25))).toMatchObject({
      kind: "trace",
      points: 32,
      unit: 8192,
    })
    expect(chooseFeatures(set(["audio"], 8000))).toMatchObject({
      kind: "bands",
      frame: 256,
      to: 4000,
      unit: 1,
    })
  })

  it("as asked for, in the sensor's units", async () => {
    const asked = "trace,points=20,take=values+magnitude,scale=range,low=-2,high=2,floor=0.1"
    expect(chooseFeatures(set(["x", "y"], 25), asked)).toMatchObject({
      ...{ points: 20, take: ["values", "magnitude"], low: -16_384, high: 16_384, floor: 819 },
    })
    const kernels = "bands,scale=spread,kernels=40,parts=3x2,above=0.4,size=5,seed=9"
    expect(chooseFeatures(set(["audio"], 8000), kernels)).toMatchObject({
      kernels: { count: 40, size: 5, above: 0.4, parts: [3, 2], seed: 9 },
    })
    for (const wrong of [
      "waves",
      "bands,kernels=40",
      "bands,scale=spread,kernels=0",
      "bands,scale=spread,kernels=9,parts=3",
      "trace,kernels=9",
      "trace,points=1",
      "trace,colour=red",
      "bands,to=90",
      "trace,scale=range",
    ])
      expect(await errorOf(async () => chooseFeatures(set(["x"], 25), wrong))).toMatchObject({
        ...{ code: "usage", kind: "usage" },
      })
  })
})
