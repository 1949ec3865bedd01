/** Variants of recordings, against what each kind of them must leave as it is. */
import { describe, expect, test } from "vitest"
import type { Recording } from "../../../host/signals/recording"
import { parseVariation, type Variation, variationText, varied } from "../../../host/signals/vary"
import { signalDataOf } from "../../../host/training/signal-data"

const NONE: Variation = parseVariation("copies=1,speed=0.5")
const only = (more: Partial<Variation>) => ({ ...NONE, speed: 0, ...more })

/** Two turns of a spiral about a point, in three channels. */
function spiral(count: number, label = "a"): Recording {
  const at = (of: (t: number) => number) =>
    Float64Array.from({ length: count }, (_, i) => of(i / (count - 1)))
  const values = [
    at(t => 3 + (1 + t) * Math.cos(12.6 * t)),
    at(t => (1 + t) * Math.sin(12.6 * t)),
    at(t => 5 * t),
  ]
  return { name: "spiral", label, channels: ["x", "y", "z"], rate: 50, values }
}

const spanOf = (values: Float64Array) => Math.max(...values) - Math.min(...values)
const copies = Array.from({ length: 40 }, (_, copy) => copy)

describe("variants", () => {
  test("are a function of the recording's place and their own number", () => {
    const all = { ...NONE, warp: 0.1, size: 0.1, stretch: 0.1, turn: 0.2, noise: 0.1, tilt: 0.2 }
    const one = varied(spiral(60), all, 3, 1)
    expect(varied(spiral(60), all, 3, 1)).toEqual(one)
    expect(varied(spiral(60), all, 3, 2).values).not.toEqual(one.values)
    expect(varied(spiral(60), all, 4, 1).values).not.toEqual(one.values)
    expect(one).toMatchObject({ label: "a", rate: 50, channels: ["x", "y", "z"] })
  })

  test("that are slower or faster pass the same points", () => {
    const lengths = copies.map(copy => {
      // A straight line tells by its values where a sample lies.
      const line: Recording = {
        ...spiral(2),
        values: [Float64Array.from({ length: 101 }, (_, i) => i)],
      }
      const [values] = varied(line, only({ speed: 0.5 }), 0, copy).values
      const step = values[1]
      expect(step).toBeGreaterThanOrEqual(1 / 1.5)
      expect(step).toBeLessThanOrEqual(1.5)
      for (const [i, v] of values.entries()) expect(v).toBeCloseTo(i * step, 9)
      expect(100 - values.at(-1)!).toBeLessThan(step)
      return values.length
    })
    expect(Math.min(...lengths)).toBeLessThan(80)
    expect(Math.max(...lengths)).toBeGreaterThan(125)
  })

  test("that are bent in time go on forwards, at four speeds", () => {
    const line: Recording = {
      ...spiral(2),
      values: [Float64Array.from({ length: 401 }, (_, i) => i)],
    }
    for (const copy of copies) {
      const [values] = varied(line, only({ warp: 0.3 }), 0, copy).values
      const steps = new Set(
        Array.from({ length: values.length - 1 }, (_, i) => (values[i + 1] - values[i]).toFixed(6)),
      )
      expect(steps.size).toBe(4)
      for (const step of steps) {
        expect(Number(step)).toBeGreaterThanOrEqual(1 / 1.3 - 1e-6)
        expect(Number(step)).toBeLessThanOrEqual(1.3 + 1e-6)
      }
    }
  })

  test("that are larger or smaller are so in all channels alike, stretched ones in each by itself", () => {
    const from = spiral(80)
    const ratios = (more: Partial<Variation>, copy: number) =>
      varied(from, only(more), 1, copy).values.map((v, c) => spanOf(v) / spanOf(from.values[c]))
    for (const copy of copies) {
      const [x, y, z] = ratios({ size: 0.5 }, copy)
      expect(y).toBeCloseTo(x, 9)
      expect(z).toBeCloseTo(x, 9)
      for (const ratio of ratios({ stretch: 0.5 }, copy)) {
        expect(ratio).toBeGreaterThanOrEqual(1 / 1.5 - 1e-9)
        expect(ratio).toBeLessThanOrEqual(1.5 + 1e-9)
      }
    }
    expect(new Set(ratios({ stretch: 0.5 }, 0)).size).toBe(3)
  })

  test("that are turned keep each sample's length, and turn by no more than was said", () => {
    const flat: Recording = { ...spiral(80), values: spiral(80).values.slice(0, 2) }
    const angles = copies.map(copy => {
      const [x, y] = varied(flat, only({ turn: 0.3 }), 2, copy).values
      const turns = Array.from(x, (_, i) => {
        const [a, b] = [flat.values[0][i], flat.values[1][i]]
        expect(x[i] ** 2 + y[i] ** 2).toBeCloseTo(a ** 2 + b ** 2, 9)
        return Math.atan2(a * y[i] - b * x[i], a * x[i] + b * y[i])
      })
      for (const turn of turns) expect(turn).toBeCloseTo(turns[0], 9)
      return turns[0]
    })
    expect(Math.max(...angles)).toBeLessThanOrEqual(0.3)
    expect(Math.max(...angles)).toBeGreaterThan(0.2)
    expect(Math.min(...angles)).toBeLessThan(-0.2)
    const solid = spiral(80)
    const [x, y, z] = varied(solid, only({ turn: 0.3 }), 2, 0).values
    for (const [i, v] of x.entries())
      expect(v ** 2 + y[i] ** 2 + z[i] ** 2).toBeCloseTo(
        solid.values.reduce((sum, channel) => sum + channel[i] ** 2, 0),
        9,
      )
  })

  test("with noise stay within it; tilted ones are the signal and a part of the sample before", () => {
    const from = spiral(200)
    for (const copy of copies) {
      for (const [c, v] of varied(from, only({ noise: 0.2 }), 0, copy).values.entries()) {
        const own = from.values[c]
        const mean = own.reduce((sum, x) => sum + x, 0) / own.length
        const deviation = Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / own.length)
        const most = Math.max(...Array.from(v, (x, i) => Math.abs(x - own[i])))
        expect(most).toBeGreaterThan(0)
        expect(most).toBeLessThanOrEqual(0.2 * deviation)
      }
      const [x] = from.values
      const [y] = varied(from, only({ tilt: 0.5 }), 0, copy).values
      // y[i] = (x[i] + a x[i−1]) / (1 + |a|): a from two of them.
      const a = (y[2] * x[1] - y[1] * x[2]) / (y[1] * x[1] - y[2] * x[0])
      expect(Math.abs(a)).toBeLessThanOrEqual(0.5)
      for (let i = 1; i < y.length; i++)
        expect(y[i]).toBeCloseTo((x[i] + a * x[i - 1]) / (1 + Math.abs(a)), 9)
      expect(Math.max(...y.map(Math.abs))).toBeLessThanOrEqual(Math.max(...x.map(Math.abs)))
    }
  })
})

test("the command line's spelling is read as it is written, and what is none refused", () => {
  const variation = parseVariation("copies=3,turn=0.2,noise=.05")
  expect(variation).toMatchObject({ copies: 3, turn: 0.2, noise: 0.05, speed: 0 })
  expect(parseVariation(variationText(variation))).toEqual(variation)
  expect(parseVariation("warp=0.1").copies).toBe(4)
  for (const [text, message] of [
    ["loud=1", /"loud=1" is none of copies, speed/],
    ["turn=2", /turn is 2, expected 0 to 0.8/],
    ["turn", /turn is missing/],
    ["copies=0,turn=0.1", /copies is 0, expected a whole number, 1 to 50/],
    ["copies=2.5,turn=0.1", /copies is 2.5, expected a whole number, 1 to 50/],
    ["turn=0.1,turn=0.2", /turn is given twice/],
    ["copies=4", /nothing in it varies/],
    ["", /"" is none of/],
  ] as const)
    expect(() => parseVariation(text), text).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }),
    )
})

test("are learnt behind the recordings, and none of what is kept apart or for test", async () => {
  const recordings = Array.from({ length: 12 }, (_, i) => spiral(40 + 5 * i, i % 2 ? "a" : "b"))
  const set = {
    ...{ train: recordings.slice(0, 10), test: recordings.slice(10), classes: ["a", "b"] },
    ...{ channels: ["x", "y", "z"], rate: 50, notes: [] },
  }
  const vary = parseVariation("copies=3,speed=0.2,turn=0.3")
  const bare = await signalDataOf("spirals", set, {})
  const read = { signal: bare.signal }
  const made = await signalDataOf("spirals", set, { vary, validation: 2 }, read)
  const width = bare.train.images.length / bare.train.count
  const at = ({ images }: { images: Uint8Array }, from: number, to?: number) =>
    Buffer.from(images).subarray(from * width, to && to * width)
  expect(bare.train.count).toBe(10)
  expect(made.train.count).toBe(8 + 3 * 8 + 2)
  expect(at(made.train, 0, 8)).toEqual(at(bare.train, 0, 8))
  expect(at(made.train, 32)).toEqual(at(bare.train, 8))
  expect([...made.train.labels.subarray(8, 16)]).toEqual([...made.train.labels.subarray(0, 8)])
  expect(made.test.images).toEqual(bare.test.images)
  // Each variant is another, and no recording itself.
  const rows = Array.from({ length: made.train.count }, (_, i) =>
    at(made.train, i, i + 1).toString("hex"),
  )
  expect(new Set(rows).size).toBe(rows.length)
  expect(made.recordings).toEqual({ vary })
  expect(made.notes.join()).toContain("24 variants (copies=3,speed=0.2,turn=0.3)")
})

describe("variants of recordings", () => {
  const vary = parseVariation("copies=10,speed=0.3")
  const setOf = (train: Recording[]) => ({
    ...{ train, test: [spiral(60)], classes: ["a", "b"], channels: train[0].channels, rate: 50 },
    notes: [],
  })
  const rows = ({ images, count }: { images: Uint8Array; count: number }) =>
    Array.from({ length: count }, (_, i) =>
      Buffer.from(images)
        .subarray((i * images.length) / count, ((i + 1) * images.length) / count)
        .toString("hex"),
    )

  test("too short to be read do not push variants among those kept apart", async () => {
    // Of all lengths from 1 to 40; some have no features.
    const train = Array.from({ length: 40 }, (_, i) => spiral(1 + i, i % 2 ? "a" : "b"))
    const { signal, train: bare } = await signalDataOf("spirals", setOf(train), {
      features: "reservoir,points=0",
    })
    const whole = rows(bare)
    expect(whole.length).toBeGreaterThan(20)
    expect(whole.length).toBeLessThan(40)
    const data = await signalDataOf("spirals", setOf(train), { vary, validation: 9 }, { signal })
    expect(rows(data.train).slice(-9)).toEqual(whole.slice(-9))
    const learnt = new Set(rows(data.train).slice(0, -9))
    for (const row of whole.slice(0, -9)) expect(learnt).toContain(row)
    expect(data.train.count).toBe(whole.length + 10 * (whole.length - 9))
  })

  test("that fill a window fill it when they are faster too", async () => {
    const train = Array.from({ length: 8 }, (_, i) => spiral(50, i % 2 ? "a" : "b"))
    const { signal } = await signalDataOf("spirals", setOf(train), { window: 1 })
    const data = await signalDataOf("spirals", setOf(train), { vary }, { signal })
    // A slower one may hold a second window.
    expect(data.train.count).toBeGreaterThanOrEqual(88)
    expect(data.notes.join()).toContain("80 variants")
    expect(data.notes.join()).not.toContain("shorter than")
  })

  test("cannot be turned where there is one channel, and say what is cut off", async () => {
    const flat = Array.from({ length: 8 }, (_, i) => ({
      ...spiral(60, i % 2 ? "a" : "b"),
      channels: ["x"],
      values: [spiral(60).values[0]],
    }))
    const set = { ...setOf(flat), test: flat.slice(0, 1) }
    await expect(
      signalDataOf("flat", set, { vary: parseVariation("turn=0.1") }),
    ).rejects.toMatchObject({ code: "usage", message: expect.stringContaining("have one") })
    const large = await signalDataOf("flat", set, {
      vary: parseVariation("copies=50,size=0.9,stretch=0.9"),
    })
    expect(large.notes.join()).toMatch(/\d+ of the variants go beyond what 16 bits hold/)
    const small = await signalDataOf("flat", set, { vary: parseVariation("size=0.1") })
    expect(small.notes.join()).not.toContain("16 bits")
  })
})
