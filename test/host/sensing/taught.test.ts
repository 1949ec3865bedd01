/** Movements that are taught while they are made, and recordings that are kept, listed and deleted. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { VirtualClock } from "../../../host/base/clock"
import { GESTURE_FEATURES } from "../../../host/demos/gesture"
import { GESTURE_HZ, performed, personOf } from "../../../host/demos/gestures"
import { addOutput } from "../../../host/models/add-output"
import type { Model } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { hostOf } from "../../../host/models/run-model"
import { HostNetwork } from "../../../host/network/host-network"
import { Learner } from "../../../host/sensing/learner"
import { Recorder } from "../../../host/sensing/recorder"
import { RecordingSession } from "../../../host/sensing/recording-session"
import { faultOfLabel, RecordingStore } from "../../../host/sensing/recording-store"
import { type Lesson, Teaching } from "../../../host/sensing/teaching"
import { type FoundWindow, Watcher } from "../../../host/sensing/watcher"
import { readRecordings } from "../../../host/signals/recording-files"
import { temporaryFolder } from "../../temporary"
import { pixels } from "./pixels"

const folder = temporaryFolder("taught")
const model: Model = { ...readModel("60-12-5", 7), signal: { features: GESTURE_FEATURES } }

describe("a network that is taught windows", () => {
  it("learns as a board does: three passes through the last forty examples; each lesson can be taken back", () => {
    const { network } = model
    const learner = new Learner(hostOf(model))
    const examples = Array.from({ length: 43 }, (_, i) => ({ bytes: pixels(60, i), label: i % 5 }))
    const before: Buffer[] = []
    for (const { bytes, label } of examples) {
      before.push(learner.host.coefficients())
      learner.teach(bytes, label)
    }
    // Written apart: what is said in docs/signals.md.
    const apart = new HostNetwork(network)
    let step = 0
    for (let n = 1; n <= examples.length; n++)
      for (let pass = 0; pass < 3; pass++)
        for (const { bytes, label } of examples.slice(Math.max(0, n - 40), n))
          apart.train(bytes, label, step++)
    expect(learner.host.coefficients().equals(apart.coefficients())).toBe(true)
    expect(learner.steps).toBe(step)
    for (let n = examples.length - 1; n >= 0; n--) {
      expect(learner.undo()).toBe(true)
      expect(learner.taught).toBe(n)
      expect(learner.host.coefficients().equals(before[n])).toBe(true)
    }
    expect(learner.undo()).toBe(false)
    expect(learner.host.coefficients().equals(model.coefficients)).toBe(true)
  })

  it("comes to the same bits when a lesson that was taken back is taught again", () => {
    const [once, again] = [new Learner(hostOf(model)), new Learner(hostOf(model))]
    for (const learner of [once, again]) learner.teach(pixels(60, 1), 1)
    again.teach(pixels(60, 2), 4)
    again.undo()
    for (const learner of [once, again]) learner.teach(pixels(60, 3), 2)
    expect(once.host.coefficients().equals(again.host.coefficients())).toBe(true)
  })
})

describe("a movement is learnt as what was pressed", () => {
  const setup = () => {
    const clock = new VirtualClock()
    const host = hostOf(model)
    const watcher = new Watcher(model, { hold: 1, unknown: 0 }, host)
    const teaching = new Teaching(GESTURE_FEATURES, watcher, new Learner(host), clock)
    const windows: FoundWindow[] = []
    const lessons: Lesson[] = []
    const nothing: number[] = []
    teaching.onWindow = found => windows.push(found)
    teaching.onLesson = lesson => lessons.push(lesson)
    teaching.onNothing = label => nothing.push(label)
    let at = 0
    const play = async (readings: number[][], act: (i: number) => void = () => {}) => {
      for (const [i, reading] of readings.entries()) {
        act(i)
        teaching.push(reading, at)
        at += 1000 / GESTURE_HZ
        await clock.run(clock.sleep(1000 / GESTURE_HZ))
      }
    }
    return { clock, host, watcher, teaching, windows, lessons, nothing, play }
  }
  const wave = performed("wave", personOf(1), 1)
  const still = performed(undefined, personOf(1), 2, 3)
  const middle = wave.length >> 1

  for (const [when, act] of [
    ["before it is made", 0],
    ["in the middle of it", middle],
  ] as const)
    it(when, async () => {
      const { teaching, windows, lessons, play, host } = setup()
      await play(wave, i => i === act && teaching.name(3))
      expect(windows.length).toBe(1)
      expect(lessons.map(({ label }) => label)).toEqual([3])
      expect(teaching.armed).toBeUndefined()
      const apart = hostOf(model)
      for (let step = 0; step < 3; step++) apart.train(windows[0].bytes, 3, step)
      expect(host.coefficients().equals(apart.coefficients())).toBe(true)
      // The samples of the movement, with a quarter of a second before it and what came until now.
      const { from, to } = windows[0]
      const margin = Math.ceil(0.25 * GESTURE_HZ)
      expect(lessons[0].rows.map(({ values }) => values)).toEqual(
        wave.slice(Math.max(0, from - margin), to + margin),
      )
    })

  it("just after it; but not what is longer ago, nor twice", async () => {
    const { teaching, lessons, nothing, play } = setup()
    await play(wave)
    teaching.name(2)
    expect(lessons.map(({ label }) => label)).toEqual([2])
    teaching.name(1)
    expect([lessons.length, teaching.armed]).toEqual([1, 1])
    await play([...still, ...still, ...still].slice(0, 11 * GESTURE_HZ))
    expect([nothing, teaching.armed]).toEqual([[1], undefined])
    await play(wave)
    await play(still.slice(0, 3 * GESTURE_HZ))
    teaching.name(0)
    expect([lessons.length, teaching.armed]).toEqual([1, 0])
    await play(wave)
    expect(lessons.map(({ label }) => label)).toEqual([2, 0])
  })

  it("of a class that was added since", async () => {
    const { watcher, teaching, lessons, play, host } = setup()
    const { learner } = teaching as unknown as { learner: Learner }
    const grown = addOutput(model.network, learner.learnt)
    const more = new HostNetwork(grown.network)
    more.load(grown.learnt.coefficients, grown.learnt.elements)
    learner.goOnWith(more)
    watcher.host = more
    const before = host.coefficients()
    for (let i = 0; i < 4; i++) await play(wave, at => at === middle && teaching.name(5))
    expect(lessons.map(({ label }) => label)).toEqual([5, 5, 5, 5])
    // The old network is left alone, and what is found is named by the new one.
    expect(host.coefficients().equals(before)).toBe(true)
    await play(wave, at => at === middle && teaching.name(5))
    expect(lessons.at(-1)?.found.detection.class).toBe(5)
    for (let i = 0; i < 5; i++) expect(learner.undo()).toBe(true)
    expect(more.coefficients().equals(grown.learnt.coefficients)).toBe(true)
  })

  it("in memory that does not grow with the time that nothing moves", async () => {
    const { teaching, lessons, play } = setup()
    for (let i = 0; i < 8_000; i++) teaching.push(still[i % 200], i * 20)
    const { rows } = teaching as unknown as { rows: unknown[] }
    expect(rows.length).toBeLessThan(1_000)
    await play(wave, i => i === middle && teaching.name(1))
    expect(lessons.length).toBe(1)
    const values = lessons[0].rows.map(row => row.values)
    expect(wave.filter(reading => values.includes(reading)).length).toBeGreaterThan(50)
  })
})

describe("a folder of recordings", () => {
  const csv = "time (ms),x\n0,1\n20,2\n40,1\n"

  it("keeps under the next free number, and lists what was there", async () => {
    const out = join(folder, "kept")
    mkdirSync(join(out, "wave"), { recursive: true })
    writeFileSync(join(out, "wave", "3.csv"), csv)
    writeFileSync(join(out, "wave", "note.txt"), "mine")
    const store = new RecordingStore(out)
    const kept = store.keep("wave", { csv, samples: 3 })
    const other = store.keep("a circle", { csv, samples: 3 })
    expect([kept, other].map(({ path }) => path)).toEqual([
      join(out, "wave", "4.csv"),
      join(out, "a circle", "1.csv"),
    ])
    expect(store.list().map(({ label, own }) => [label, own])).toEqual([
      ["wave", false],
      ["wave", true],
      ["a circle", true],
    ])
    expect((await store.read(kept.id)).values).toEqual([Float64Array.of(1, 2, 1)])
    store.delete(kept.id)
    expect(readdirSync(join(out, "wave")).sort()).toEqual(["3.csv", "note.txt"])
    await expect(store.read(kept.id)).rejects.toMatchObject({ code: "recording-missing" })
  })

  it("deletes nothing that was not recorded here, or is no longer that", () => {
    const out = join(folder, "foreign")
    mkdirSync(join(out, "wave"), { recursive: true })
    writeFileSync(join(out, "wave", "1.csv"), csv)
    const store = new RecordingStore(out)
    const there = store.list()[0]
    expect(() => store.delete(there.id)).toThrow("it was there before")
    const changed = store.keep("wave", { csv, samples: 3 })
    writeFileSync(changed.path, `${csv}60,9\n`)
    expect(() => store.delete(changed.id)).toThrow("no longer what was recorded")
    expect(readFileSync(changed.path, "utf8")).toContain("60,9")
    // A folder of its name, and a link to what is not ours.
    const replaced = store.keep("wave", { csv, samples: 3 })
    const { path } = store.delete(replaced.id)
    expect(existsSync(path)).toBe(false)
    const linked = store.keep("wave", { csv, samples: 3 })
    writeFileSync(join(folder, "else"), "other")
    store.delete(linked.id)
    symlinkSync(join(folder, "else"), linked.path)
    expect(() => store.delete(linked.id)).toThrow("there is no recording")
    expect(readFileSync(join(folder, "else"), "utf8")).toBe("other")
  })

  it("says which names can be no class's", () => {
    for (const label of ["wave", "a circle", "7", "ß", "-x", "a.b"])
      expect(faultOfLabel(label), label).toBeUndefined()
    for (const label of [
      ...["", " ", ".", "..", ".hidden", "../a", "a/b", "a\\b", "/a", "a\0b", "a\nb", " a", "a "],
      ...["test", "Training", "x".repeat(201), "ß".repeat(101)],
    ])
      expect(faultOfLabel(label), label).toBeDefined()
    const store = new RecordingStore(join(folder, "none"))
    expect(() => store.keep("../a", { csv, samples: 3 })).toThrow("folder's name")
    expect(existsSync(join(folder, "none"))).toBe(false)
  })

  // Node's mkdir with all folders above never returned there.
  it.runIf(existsSync("/proc/self"))("refuses a folder that cannot be made", () => {
    const store = new RecordingStore("/proc/wuxing/deep")
    expect(() => store.keep("wave", { csv, samples: 3 })).toThrow("cannot be made")
  })

  it("refuses a recording of which much is missing, and keeps one that is cut short", () => {
    const store = new RecordingStore(join(folder, "session"))
    const session = new RecordingSession(store, new Recorder(1))
    session.label = "wave"
    let found: ReturnType<typeof session.push>
    // Every 20 ms, but for half a second.
    for (let at = 0; at <= 1_000; at += 20)
      if (at < 300 || at >= 800) found = session.push([at], at)
    expect(found).toMatchObject({ label: "wave", kept: undefined })
    expect(found?.notes[0]).toContain("is missing")
    for (const at of [1_030, 1_050, 1_070]) session.push([at], at)
    const cut = session.cut()
    expect(cut).toMatchObject({ label: "wave", samples: 3, kept: { label: "wave" } })
    expect(session.push([1], 2_000)).toBeUndefined()
    expect(session.cut()).toBeUndefined()
  })
})

it("a taught movement's file is read as `train` reads it", async () => {
  const store = new RecordingStore(join(folder, "file"))
  const session = new RecordingSession(store, new Recorder(Number.POSITIVE_INFINITY))
  const rows = performed("lift", personOf(2), 4).map((values, i) => ({
    values,
    at: 1_000 + 20 * i,
  }))
  const { kept } = session.keep("lift", rows, ["x", "y", "z"])!
  const [read] = await readRecordings(kept!.path)
  expect(read).toMatchObject({ channels: ["x", "y", "z"], rate: 50 })
  for (const [c, channel] of read.values.entries())
    for (const [i, value] of channel.entries()) expect(value).toBeCloseTo(rows[i].values[c], 9)
})
