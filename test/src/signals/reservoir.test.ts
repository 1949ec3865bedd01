import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ReservoirDescription } from "../../../host/signals/description"
import { buildPlan, faultOfFeatures, widthOf, workBytes } from "../../../host/signals/plan"
import { Header } from "../../../src/core/layout"
import { Plan, Reservoir } from "../../../src/signals/plan"
import { beginSequence, endSequence, stepRings, takeMoment } from "../../../src/signals/reservoir"
import { clamp, coreFeatures, interleaved, RESERVOIR, TRACE, uniform } from "./reference"

/** Links as numbers: of each synapse, from each value and from each of the rings' signals. */
function linksOf(description: ReservoirDescription) {
  const { rings, recurrent } = description
  const plan = buildPlan(description)
  const work = Buffer.alloc(workBytes(description))
  const channels = description.channels.length
  beginSequence(plan, work, Buffer.alloc(2 * channels * 2), 0, 2)
  const columns = plan.readUInt16LE(Reservoir.Columns)
  let at = plan.readInt32LE(Reservoir.Links)
  return Array.from({ length: 2 * rings }, () => {
    const first = (work.readInt16LE(at) - plan.readInt32LE(Reservoir.Signals)) / 2
    const q12 = (i: number) => work.readInt16LE(at + 2 + 2 * i) / 4096
    const values = Array.from({ length: columns }, (_, c) => q12(c))
    const back = new Array<number>(2 * rings).fill(0)
    for (let j = 0; j < recurrent; j++) back[(first + j) % (2 * rings)] += q12(columns + j)
    at += 2 * (1 + columns + recurrent)
    return { values, back }
  })
}

/** Mean elements of each part in float64, from the equations: Heun's method with steps of 3/4. */
function reference(description: ReservoirDescription, moments: number[][]): number[] {
  const { rings, steps, parts, k2 } = description
  const k3 = 1 - k2
  const links = linksOf(description)
  const elements = Array.from({ length: rings }, () => [1, 1, 1, 1, 1])
  const sums = new Array<number>(2 * rings * parts).fill(0)
  const counts = new Array<number>(parts).fill(0)
  let signals = new Array<number>(2 * rings).fill(0)
  for (const [t, values] of moments.entries()) {
    const part = Math.floor((t * parts) / moments.length)
    counts[part]++
    const nets = links.map(link => {
      const sum = (w: number[], x: number[]) => w.reduce((all, one, i) => all + one * x[i], 0)
      return Math.min(1, Math.max(-0.2, sum(link.values, values) + sum(link.back, signals)))
    })
    for (const [r, e] of elements.entries()) {
      const u = [nets[2 * r], 0, nets[2 * r + 1], 0, 0]
      const rate = (x: number[], i: number) =>
        x[(i + 4) % 5] - k2 * x[i] - k3 * x[i] * x[(i + 3) % 5] + u[i]
      for (let k = 0; k < steps; k++) {
        const f = e.map((_, i) => rate(e, i))
        const p = e.map((x, i) => x + 0.75 * f[i])
        const next = e.map((x, i) => x + 0.375 * (f[i] + rate(p, i)))
        for (const [i, x] of next.entries()) e[i] = Math.min(3, Math.max(0.3, x))
      }
    }
    signals = elements.flatMap(e => [e[1] - 1, e[3] - 1])
    for (const [i, d] of signals.entries()) sums[part * 2 * rings + i] += d + 1
  }
  return sums.map((sum, i) => sum / counts[Math.floor(i / (2 * rings))])
}

const byteOf = (element: number) => Math.max(1, clamp(128 + 256 * (element - 4712 / 4096)))

/** A path that wanders: as large as what a recording's unit makes of a signal. */
function path(seed: number, channels: number, count: number): number[][] {
  const next = uniform(seed)
  return Array.from({ length: channels }, () => {
    const [a, b, c] = [next(), next(), next()]
    return Array.from({ length: count }, (_, t) =>
      Math.round(14_000 * Math.sin(a * 9 + (t / 20) * (0.5 + b)) * (0.4 + 0.6 * c)),
    )
  })
}

/** What a moment holds where it is a sample. */
function samples(channels: number[][], { take }: ReservoirDescription): number[][] {
  return channels[0].map((_, t) => [
    ...(take.includes("values") ? channels.map(v => v[t] / 32_768) : []),
    ...(take.includes("differences")
      ? channels.map(v => Math.min(1, Math.max(-1, t > 0 ? (v[t] - v[t - 1]) / 4096 : 0)))
      : []),
  ])
}

/**
 * Farther from the equations than this no byte is, with feedback up to 0.1: rounding of Q12 adds up in rings
 * that remember, and more feedback makes it grow.
 */
const BOUND = 8

const anyReservoir = fc.record({
  rings: fc.integer({ min: 8, max: 24 }),
  recurrent: fc.constantFrom(0, 2, 8, 16),
  steps: fc.integer({ min: 1, max: 3 }),
  k2: fc.constantFrom(0.25, 0.35, 0.5),
  input: fc.constantFrom(0.5, 1, 2),
  feedback: fc.constantFrom(0, 0.05, 0.1),
  seed: fc.integer(),
  take: fc.constantFrom<ReservoirDescription["take"]>(
    ["values"],
    ["values", "differences"],
    ["differences"],
  ),
  count: fc.integer({ min: 20, max: 150 }),
  wander: fc.integer({ min: 0, max: 1e6 }),
})

describe("features of a reservoir", () => {
  it("each sample a moment: as the equations in float64, within 8 of 255", () => {
    fc.assert(
      fc.property(anyReservoir, ({ count, wander, ...rest }) => {
        const description: ReservoirDescription = { ...RESERVOIR, ...rest }
        const channels = path(wander, 2, count)
        const exact = reference(description, samples(channels, description)).map(byteOf)
        const made = coreFeatures(description, interleaved(channels))
        for (const [i, byte] of made.entries())
          expect(Math.abs(byte - exact[i])).toBeLessThanOrEqual(BOUND)
      }),
    )
  })

  it("points of a trace, in parts: the same", () => {
    fc.assert(
      fc.property(
        anyReservoir,
        fc.integer({ min: 8, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        ({ count, wander, ...rest }, points, parts) => {
          const description: ReservoirDescription = { ...RESERVOIR, ...rest, points, parts }
          const channels = path(wander, 2, count)
          const trace = { ...TRACE, points, take: description.take }
          // Held against its own definition in trace.test.ts.
          const bytes = coreFeatures(trace, interleaved(channels))
          const columns = bytes.length / points
          const moments = Array.from({ length: points }, (_, t) =>
            bytes.slice(t * columns, (t + 1) * columns).map(byte => (2 * byte - 255) / 256),
          )
          const exact = reference(description, moments).map(byteOf)
          const made = coreFeatures(description, interleaved(channels))
          expect(made).toHaveLength(2 * description.rings * parts)
          for (const [i, byte] of made.entries())
            expect(Math.abs(byte - exact[i])).toBeLessThanOrEqual(BOUND)
        },
      ),
    )
  })

  it("moment by moment, as boards take them, gives the bytes of the whole", () => {
    const signal = interleaved(path(5, 2, 80))
    const plan = buildPlan(RESERVOIR)
    const work = Buffer.alloc(workBytes(RESERVOIR), 0xa5)
    beginSequence(plan, work, signal, 0, 80)
    for (let t = 0; t < 80; t++) {
      takeMoment(plan, work, signal, t)
      stepRings(plan, work)
    }
    const out = Buffer.alloc(widthOf(RESERVOIR))
    endSequence(plan, work, out, 0)
    expect([...out]).toEqual(coreFeatures(RESERVOIR, signal))
  })

  it("remembers: what comes first shows in what comes last", () => {
    const end = (first: number) => {
      const xs = Array.from({ length: 60 }, (_, t) => (t < 10 ? first : 0))
      return coreFeatures(RESERVOIR, interleaved([xs, xs]))
    }
    expect(end(12_000)).not.toEqual(end(-12_000))
    // Reversed in time it is another sequence.
    const [x, y] = path(8, 2, 60)
    const back = interleaved([[...x].reverse(), [...y].reverse()])
    expect(coreFeatures(RESERVOIR, back)).not.toEqual(coreFeatures(RESERVOIR, interleaved([x, y])))
  })

  it("links: evenly within their bounds, others by another seed", () => {
    const description: ReservoirDescription = { ...RESERVOIR, rings: 64, recurrent: 16 }
    const values = linksOf(description).flatMap(link => link.values)
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1)
    const square = values.reduce((sum, c) => sum + c * c, 0) / values.length
    // A third; of 256 links within four standard deviations.
    expect(Math.abs(square - 1 / 3)).toBeLessThan(0.08)
    const back = linksOf(description).flatMap(link => link.back)
    expect(back.filter(c => c !== 0).length).toBeGreaterThan(0.9 * 128 * 16)
    expect(Math.max(...back.map(Math.abs))).toBeLessThanOrEqual(410 / 4096)
    expect(linksOf({ ...description, seed: 4 })).not.toEqual(linksOf(description))
  })

  it("sums stay within 32 bits at every bound there is", () => {
    const channels = ["a", "b", "c", "d", "e", "f", "g", "h"]
    const description: ReservoirDescription = {
      ...RESERVOIR,
      ...{ channels, take: ["values", "differences"], rings: 8, recurrent: 16 },
      ...{ input: 3.99, feedback: 1.99, k2: 0.15, steps: 8 },
    }
    const square = channels.map((_, c) =>
      Array.from({ length: 200 }, (_, t) => (Math.floor(t / (3 + c)) % 2 === 0 ? 32_767 : -32_768)),
    )
    const exact = Math.max(
      ...linksOf(description).map(({ values, back }) =>
        [...values, ...back.map(c => 2 * c)].reduce((sum, c) => sum + Math.abs(c), 0),
      ),
    )
    expect(exact * 2 ** 24).toBeLessThan(2 ** 31)
    expect(coreFeatures(description, interleaved(square))).toHaveLength(16)
  })

  it("refuses what contradicts itself", () => {
    const fault = (change: Partial<ReservoirDescription>) =>
      faultOfFeatures({ ...RESERVOIR, ...change })
    expect(fault({})).toBe("")
    expect(fault({ parts: 2 })).toContain("parts are of points")
    expect(fault({ take: ["magnitude"] })).toContain("magnitude is of points")
    expect(fault({ rings: 2, recurrent: 6 })).toContain("fewer than 6 signals")
    expect(fault({ points: 4, parts: 5 })).toContain("more parts than points")
    expect(fault({ points: 8, scale: "range" })).toContain("range is empty")
    const channels = "abcdefgh".split("")
    expect(fault({ points: 8, channels, take: ["values", "differences", "magnitude"] })).toContain(
      "17 values",
    )
  })

  it("begins as a shard does, so that the kernel finds its clamps", () => {
    expect(buildPlan(RESERVOIR).readInt32LE(Reservoir.Signals)).toBe(Header.Length + 10 * 124)
    expect(buildPlan(RESERVOIR)).toHaveLength(Reservoir.Length)
    expect(Plan.Length).toBe(Reservoir.Rings)
  })
})
