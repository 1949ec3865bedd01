/** `wuxing demo oscillator` as a user runs it, with a panel, against the theory on paper. */
import { readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { z } from "zod"
import { rates, uniformParameters } from "../../../host/ring/float-ring"
import { wuxing } from "../cli/run-cli"
import { noSocat, Uno } from "../panel/uno"

/** Pin of the first board's LED in the layout "leds": A4. */
const STATUS = 18
const SPEED = 8
const svg = join(tmpdir(), `wuxing-oscillator-${process.pid}.svg`)

const documentSchema = z.strictObject({
  schema: z.literal("wuxing:demo-oscillator:1"),
  demo: z.literal("oscillator"),
  board: z.string(),
  profile: z.literal("virtual"),
  unitMs: z.literal(12),
  threshold: z.number(),
  below: z.strictObject({ r: z.number(), blinks: z.number(), dark: z.boolean() }),
  past: z.strictObject({
    r: z.number(),
    theoryPeriod: z.number(),
    period: z.number(),
    theoryHertz: z.number(),
    ledHertz: z.number(),
    theoryGrowth: z.number(),
    growth: z.number(),
    cycles: z.number(),
  }),
  full: z.strictObject({ period: z.number(), ledHertz: z.number(), amplitude: z.number() }),
  quieted: z.strictObject({
    input: z.number(),
    dark: z.boolean(),
    blinks: z.number(),
    units: z.number(),
    from: z.number(),
    to: z.number(),
  }),
  again: z.strictObject({ blinks: z.number() }),
  cycles: z.array(z.strictObject({ at: z.number(), amplitude: z.number() })),
  led: z.array(z.strictObject({ at: z.number(), lit: z.boolean() })),
})

/** The pair of modes 1 and 4 of a uniform ring of five with K1 = 1: growth and angle a time unit. */
function modeOne(r: number) {
  const theta = (2 * Math.PI) / 5
  return {
    growth: Math.cos(theta) - 1 - r * Math.cos(2 * theta),
    angle: Math.abs(r * Math.sin(2 * theta) - Math.sin(theta)),
  }
}

/** Highest less lowest of J in float64, from time `from` to `to`, with an input on it. */
function swing(r: number, start: number[], onJ: number, from: number, to: number): number {
  const ring = uniformParameters(5, 1, 1 - r, r)
  const dt = 0.02
  let [high, low] = [-Infinity, Infinity]
  let e = start
  for (let t = 0; t < to; t += dt) {
    const f = rates(ring, e, [onJ, 0, 0, 0, 0])
    // The clamps of the elements on the board.
    e = e.map((x, i) => Math.min(3, Math.max(0.3, x + dt * f[i])))
    if (t < from) continue
    high = Math.max(high, e[0])
    low = Math.min(low, e[0])
  }
  return high - low
}

describe.skipIf(noSocat)("the oscillator (its panel needs the Debian package socat)", () => {
  let uno: Uno
  beforeAll(async () => {
    uno = new Uno()
    await uno.plug()
  })
  afterAll(async () => {
    await uno.close()
    rmSync(svg, { force: true })
  })

  test("a neuron past its threshold blinks as theory says, is quieted, and blinks again", async () => {
    const args = ["demo", "oscillator", "--speed", `${SPEED}`, "--panel", uno.path, "--svg", svg]
    const { status, stdout, stderr } = await wuxing([...args, "--json"])
    expect([status, stderr]).toEqual([0, expect.stringContaining("full swing")])
    const { threshold, below, past, full, quieted, again, cycles, led } = documentSchema.parse(
      JSON.parse(stdout),
    )

    // The threshold is where the growth of mode 1 is nothing.
    expect(Math.abs(modeOne(threshold).growth)).toBeLessThan(0.001)
    expect(modeOne(below.r).growth).toBeLessThan(-0.03)
    expect([below.blinks > 0, below.dark]).toEqual([true, true])

    const { growth, angle } = modeOne(past.r)
    expect(past.theoryPeriod).toBeCloseTo((2 * Math.PI) / angle, 2)
    expect(past.cycles).toBeGreaterThanOrEqual(5)
    expect(Math.abs(past.period / ((2 * Math.PI) / angle) - 1)).toBeLessThan(0.01)
    expect(Math.abs(past.growth - growth)).toBeLessThan(0.002)
    // By the clock: a busy machine can hold boards up, and make none faster.
    const hertz = angle / (2 * Math.PI) / 0.012
    expect(past.theoryHertz).toBeCloseTo(hertz, 2)
    expect(past.ledHertz).toBeGreaterThan(0)
    expect(past.ledHertz).toBeLessThan(1.1 * hertz)
    // Each cycle that was reported was to be seen.
    const lit = led.filter(change => change.lit && change.at < quieted.from)
    expect(Math.abs(lit.length - cycles.length)).toBeLessThanOrEqual(2)
    expect(led.every(({ lit }, i) => i === 0 || lit !== led[i - 1].lit)).toBe(true)

    // A full swing and a quieted one are what the equations give.
    const start = [1.5, 1, 1, 1, 1]
    expect(2 * full.amplitude).toBeCloseTo(swing(past.r, start, 0, 400, 500), 0)
    expect(full.period).toBeGreaterThan(1.15 * past.period)
    expect(swing(past.r, start, quieted.input, 150, 200)).toBeLessThan(0.01)
    expect([quieted.dark, quieted.units < 60]).toEqual([true, true])
    expect(
      led.filter(
        ({ at }) => at > quieted.from + 0.7 * (quieted.to - quieted.from) && at < quieted.to,
      ),
    ).toEqual([])
    expect(again.blinks).toBeGreaterThanOrEqual(3)

    // The panel's LED went along: brought up to date every 60 ms, it misses the shortest blinks.
    const risings = (await uno.edges(STATUS)).filter(([, level]) => level === "high").length
    const blinks = led.filter(change => change.lit).length + below.blinks
    expect(blinks).toBeGreaterThan(15)
    expect(risings).toBeGreaterThanOrEqual(3)
    expect(risings).toBeLessThanOrEqual(blinks + 1)
    expect((await uno.levels())[STATUS]).toBe("low")
    expect(readFileSync(svg, "utf8")).toContain("linear theory")
  })
})
