/** What needs no board: layouts, the drawing of their wiring, and what is made of raw inputs. */
import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { confidenceOf } from "../../../host/network/confidence"
import { pico16 } from "../../../host/network/presets"
import { Debouncer, labelAt, QUIET_MS } from "../../../host/panel/inputs"
import { layoutNames, parseLayout, pinsOf, readLayout } from "../../../host/panel/layout"
import { drawLayout } from "../../../host/panel/wiring"
import { wuxing } from "../cli/run-cli"

/** The Uno's pins by what they can do (its data sheet, and StandardFirmata's capability report). */
const UNO = {
  output: [...range(2, 13), ...analog(0, 5)],
  input: [...range(2, 13), ...analog(0, 5)],
  pwm: [3, 5, 6, 9, 10, 11],
  servo: range(2, 13),
  analog: analog(0, 5),
  i2c: analog(4, 5),
}

function range(from: number, to: number): (number | string)[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
function analog(from: number, to: number) {
  return range(from, to).map(n => `A${n}`)
}

describe("a layout", () => {
  for (const name of layoutNames())
    it(`"${name}" fits an Uno`, () => {
      const used = pinsOf(readLayout(name))
      for (const { pin, needs } of used) expect(UNO[needs]).toContain(pin)
      expect(new Set(used.map(({ pin }) => pin)).size).toBe(used.length)
    })

  const wrong: [string, unknown, RegExp][] = [
    ["a pin twice", { label: { pin: "A0" }, right: { pin: "A0" } }, /A0 is already taken by label/],
    ["the serial port's pins", { right: { pin: 1 } }, /serial port/],
    [
      "a reset line on a pin that is low at the start",
      { boards: [{ reset: 7 }] },
      /hold the board in reset/,
    ],
    ["a potentiometer on a digital pin", { label: { pin: 4 } }, /reads no voltage/],
    ["teaching without a label", { teach: { pin: 4 } }, /potentiometer/],
    [
      "the I2C pins beside an I2C display",
      { digit: { kind: "i2c-lcd", address: 39 }, right: { pin: "A4" } },
      /A4 is already taken by LCD SDA/,
    ],
    ["a name it does not know", { digits: [] }, /digits/],
    ["a time too short to be seen", { resetMs: 1 }, /resetMs/],
  ]
  for (const [what, layout, names] of wrong)
    it(`with ${what} is refused`, () => {
      expect(() => parseLayout(layout, "own.json")).toThrow(
        expect.objectContaining({ code: "layout", message: expect.stringMatching(names) }),
      )
    })

  it("that is nowhere, or no JSON, is said so", () => {
    expect(() => readLayout("lede")).toThrow(expect.objectContaining({ code: "layout-missing" }))
    expect(() => readLayout("README.md")).toThrow(expect.objectContaining({ code: "layout" }))
  })

  it("is drawn with every pin it uses, once", () => {
    for (const name of layoutNames()) {
      const layout = readLayout(name)
      const svg = drawLayout(layout, name)
      const drawn = [...svg.matchAll(/data-pin="(\w+)"/g)].map(([, pin]) => pin)
      expect(drawn.sort()).toEqual(
        pinsOf(layout)
          .map(({ pin }) => String(pin))
          .sort(),
      )
      for (const { name } of pinsOf(layout)) expect(svg).toContain(`>${name}<`)
      // Every element is closed: "<a" as often as "</a" or "/>".
      expect(svg.match(/<\w/g)?.length).toBe(svg.match(/<\/|\/>/g)?.length)
    }
  })

  it("is drawn in its page as the tool draws it", () => {
    expect(readFileSync("docs/panel-wiring.svg", "utf8")).toBe(
      drawLayout(readLayout("leds"), "leds"),
    )
    expect(readFileSync("docs/front-panel.md", "utf8")).toContain("(panel-wiring.svg)")
  })
})

describe("the potentiometer", () => {
  it("chooses every label, evenly", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), classes => {
        const shares = new Array(classes).fill(0)
        for (let r = 0; r < 1024; r++) shares[labelAt(r, classes, undefined)]++
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it("never flickers: noise of 7 readings either way keeps a label that was chosen", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1023 }),
        fc.integer({ min: 2, max: 16 }),
        fc.array(fc.integer({ min: -7, max: 7 }), { maxLength: 20 }),
        (reading, classes, noise) => {
          const label = labelAt(reading, classes, undefined)
          let now: number = label
          for (const n of noise)
            now = labelAt(Math.min(1023, Math.max(0, reading + n)), classes, now)
          expect(now).toBe(label)
        },
      ),
    )
  })
})

describe("a button", () => {
  it("is heard once for each press that follows a quiet, and never for a release", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 40 }), gaps => {
        let now = 0
        let heard = 0
        let expected = 0
        const button = new Debouncer(
          () => heard++,
          () => now,
        )
        for (const [i, gap] of gaps.entries()) {
          now += gap
          const pressed = i % 2 === 0
          if (pressed && (i === 0 || gap >= QUIET_MS)) expected++
          button.edge(pressed)
        }
        expect(heard).toBe(expected)
      }),
    )
  })
})

describe("confidence", () => {
  it("is the softmax of the outputs, at the gain the network was taught with", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -8000, max: 8000 }), { minLength: 2, maxLength: 16 }),
        fc.constantFrom(undefined, 10, 20, 100),
        (outputs, gain) => {
          const network = pico16(1)
          if (gain) network.softmaxGain = Math.round(gain * 16 * Math.LOG2E)
          const values = outputs.map(o => ((gain ?? 10) * o) / 2 ** network.signalBits)
          const most = Math.max(...values)
          const expected = 1 / values.reduce((sum, v) => sum + Math.exp(v - most), 0)
          // The gain is rounded to a sixteenth.
          expect(confidenceOf(outputs, network)).toBeCloseTo(expected, 2)
        },
      ),
    )
  })
})

describe("the command", () => {
  it("asks for a port, refuses a panel without boards, and draws", async () => {
    const [none, hostOnly, drawing, layout] = await Promise.all([
      wuxing(["panel", "--json"]),
      wuxing(["eval", "--model", "pico-16", "--panel", "/dev/none", "--json"]),
      wuxing(["panel", "--wiring", "--layout", "lcd", "--json"]),
      wuxing(["panel", "--wiring", "--layout", "no-such.json", "--json"]),
    ])
    expect(JSON.parse(none.stdout).error).toMatchObject({
      code: "usage",
      help: expect.stringContaining("--wiring"),
    })
    expect(JSON.parse(hostOnly.stdout).error).toMatchObject({
      code: "usage",
      help: expect.stringContaining("--on sim:2"),
    })
    expect(JSON.parse(drawing.stdout)).toEqual({
      schema: "wuxing:panel:1",
      layout: "lcd",
      svg: drawLayout(readLayout("lcd"), "lcd"),
    })
    expect(layout.status).toBe(3)
    expect(JSON.parse(layout.stdout).error.code).toBe("layout-missing")
  })
})
