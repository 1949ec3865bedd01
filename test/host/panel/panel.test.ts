/** The panel on an emulated Uno with the real StandardFirmata, both in virtual time. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { type Layout, parseLayout, readLayout } from "../../../host/panel/layout"
import { Panel } from "../../../host/panel/panel"
import { displayText, i2cNibbles, parallelNibbles } from "./hd44780"
import { BLINK } from "./uno"
import type { Edge } from "./uno-chip.mjs"
import { VirtualUno } from "./virtual-uno"

const LEDS = readLayout("leds")
const DIGITS = [2, 4, 5, 6, 7, 8, 10, 11, 12, 13]
const [PWM, TEACH] = [3, 9]
const [RESET_0, RESET_1, RIGHT, STATUS_0, STATUS_1] = [15, 16, 17, 18, 19]

let uno: VirtualUno
let panel: Panel
const said: string[] = []

const start = (layout: string) => () => {
  said.length = 0
  uno = VirtualUno.begin()
  return uno.clock.run(async () => {
    panel = await Panel.open({
      ...{ port: uno.path, open: uno.open, clock: uno.clock },
      layout: readLayout(layout),
      classes: 10,
      status: text => said.push(text),
    })
  })
}

async function stop(): Promise<void> {
  await uno.clock.run(panel.close())
  uno.close()
}

/** A test in the time of its Uno. */
const it = (name: string, check: () => Promise<void>) => test(name, () => uno.clock.run(check))
const pause = (ms: number) => uno.clock.sleep(ms)

/** The changes of a pin within the next `ms` of the emulated clock. */
async function watch(pin: number, ms: number): Promise<{ edges: Edge[]; from: number }> {
  const from = uno.now()
  await pause(ms)
  return { edges: uno.edges(pin).filter(([at]) => at >= from), from }
}

/** Lengths of the pulses at a level, ms, whole ones only. */
function pulses(edges: Edge[], level: string): number[] {
  return edges.slice(0, -1).flatMap(([at, l], i) => (l === level ? [edges[i + 1][0] - at] : []))
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]
const lit = () => {
  const levels = uno.levels()
  return DIGITS.flatMap((pin, digit) => (levels[pin] === "high" ? [digit] : []))
}

const eventually = (check: () => void) => uno.eventually(check)

describe("a panel of ten LEDs", () => {
  beforeAll(start("leds"))
  afterAll(stop)

  it("lights one LED for each digit, and none for no digit", async () => {
    for (const digit of [3, 0, 1, 2, 4, 5, 6, 7, 8, 9]) {
      panel.show(digit)
      await eventually(() => expect(lit()).toEqual([digit]))
    }
    panel.show(undefined)
    await eventually(() => expect(lit()).toEqual([]))
  })

  it("shows confidence as the duty of a PWM pin", async () => {
    for (const confidence of [0.25, 0.5, 0.9]) {
      panel.show(1, confidence)
      await pause(150)
      const { edges } = await watch(PWM, 60)
      const high = median(pulses(edges, "high"))
      const low = median(pulses(edges, "low"))
      // Timer 2 counts to 255, so a step is 0.4 %.
      expect(high / (high + low)).toBeCloseTo(confidence, 2)
    }
    panel.show(1, 1)
    await eventually(() => expect(uno.levels()[PWM]).toBe("high"))
    panel.show(1, 0)
    await eventually(() => expect(uno.levels()[PWM]).toBe("low"))
  })

  it("tells the states of boards by how their LEDs blink", async () => {
    panel.showBoard(0, "fault")
    panel.showBoard(1, "learning")
    await pause(200)
    const { from } = await watch(STATUS_0, 800)
    const since = (pin: number) => uno.edges(pin).filter(([at]) => at > from)
    const fault = pulses(since(STATUS_0), "high")
    const learning = pulses(since(STATUS_1), "high")
    expect(median(fault)).toBeGreaterThan(35)
    expect(median(fault)).toBeLessThan(90)
    expect(median(learning)).toBeGreaterThan(140)
    expect(median(learning)).toBeLessThan(260)
    panel.showBoard(0, "running")
    panel.showBoard(1, undefined)
    await eventually(() => expect(uno.levels()[STATUS_1]).toBe("low"))
    await pause(150)
    expect((await watch(STATUS_0, 250)).edges).toEqual([])
    expect(uno.levels()[STATUS_0]).toBe("high")
  })

  it("reads the label off the potentiometer and shows it while it is turned", async () => {
    panel.show(8)
    for (let label = 9; label >= 0; label--) {
      uno.volts(0, ((label + 0.5) / 10) * 5)
      await eventually(() => expect(panel.label).toBe(label))
    }
    await eventually(() => expect(lit()).toEqual([0]))
    await eventually(() => expect(lit()).toEqual([8]))
    // On the boundary between 0 and 1, with noise of two steps of the converter.
    for (const noise of [0.002, -0.002, 0.006, -0.006]) {
      uno.volts(0, 0.5 + noise)
      await pause(120)
      expect(panel.label).toBe(0)
    }
  })

  it("hears a press once, however the contacts bounce", async () => {
    const heard: string[] = []
    panel.onTeach = () => heard.push("teach")
    panel.onRight = () => heard.push("right")
    // At the press within 1 ms and for 8 ms 16 ms later, at the release likewise.
    uno.button(TEACH, [
      [0, true],
      [0.3, false],
      [0.5, true],
      [16, false],
      [24, true],
      [150, false],
      [150.4, true],
      [151, false],
      [167, true],
      [175, false],
    ])
    await pause(450)
    expect(heard).toEqual(["teach"])
    uno.press(RIGHT)
    await pause(250)
    uno.press(TEACH)
    await pause(250)
    expect(heard).toEqual(["teach", "right", "teach"])
  })

  it("keeps a pressed button's pull-up when it switches LEDs beside it", async () => {
    let heard = 0
    panel.onTeach = () => heard++
    uno.press(TEACH, 400)
    await pause(150)
    // Pins 8 and 10 to 13, on the button's port.
    for (const digit of [5, 6, 7, 8, 9]) {
      panel.show(digit)
      await pause(80)
    }
    await pause(250)
    expect(uno.levels()[TEACH]).toBe("pullup")
    uno.press(TEACH)
    await eventually(() => expect(heard).toBe(2))
  })

  it("pulls a reset line low for the time stated, and never drives or pulls it high", async () => {
    // As boards do it; so the line reads high, on the port of the status LEDs and a button.
    uno.pullUp(RESET_0)
    uno.pullUp(RESET_1)
    uno.press(RIGHT)
    panel.showBoard(0, "learning")
    panel.showBoard(1, "fault")
    await pause(200)
    expect(await panel.reset(0)).toBe(true)
    await eventually(() => expect(uno.levels()[RESET_0]).toBe("input"))
    const edges = uno.edges(RESET_0).slice(-3)
    expect(edges.map(([, level]) => level)).toEqual(["input", "low", "input"])
    const low = edges[2][0] - edges[1][0]
    expect(low).toBeGreaterThan(LEDS.resetMs - 20)
    expect(low).toBeLessThan(LEDS.resetMs + 40)
    expect(uno.edges(RESET_1).map(([, level]) => level)).toEqual(["input"])
    expect(await panel.reset(7)).toBe(false)
  })

  it("may be unplugged and plugged in again, and then shows what it would have shown", async () => {
    panel.show(4)
    await eventually(() => expect(lit()).toEqual([4]))
    uno.unplug()
    await eventually(() => expect(panel.connected).toBe(false))
    expect(said.at(-1)).toMatch(/^the panel on .* was unplugged; the run goes on/)
    panel.show(6)
    panel.showBoard(1, "running")
    expect(await panel.reset(0)).toBe(false)
    await pause(200)
    uno.plug()
    await eventually(() => expect(panel.connected).toBe(true))
    expect(said.at(-1)).toMatch(/is back$/)
    await eventually(() => {
      expect(lit()).toEqual([6])
      expect(uno.levels()[STATUS_1]).toBe("high")
    })
    let heard = 0
    panel.onRight = () => heard++
    uno.press(RIGHT)
    await eventually(() => expect(heard).toBe(1))
  })

  it("is taken up again after its own reset button", async () => {
    uno.powerUp()
    await eventually(() => expect(said.at(-2)).toMatch(/restarted; the run goes on/))
    await eventually(() => expect(lit()).toEqual([6]))
  })

  it("lets go of a board it holds in reset, and goes dark, when it is closed", async () => {
    panel.show(3, 1)
    panel.showBoard(0, "running")
    const held = panel.reset(1)
    await eventually(() => expect(uno.levels()[RESET_1]).toBe("low"))
    await panel.close()
    await eventually(() => {
      const levels = uno.levels()
      expect(levels[RESET_1]).toBe("input")
      expect(levels).not.toContain("high")
    })
    await held
  })
})

describe("a panel with a seven-segment display and a needle", () => {
  beforeAll(start("seven-segment"))
  afterAll(stop)

  it("forms every digit", async () => {
    const pins = { a: 2, b: 4, c: 5, d: 6, e: 7, f: 8, g: 10 }
    for (let digit = 0; digit < 10; digit++) {
      panel.show(digit)
      await eventually(() => {
        const levels = uno.levels()
        const on = (segment: keyof typeof pins, mark: string) =>
          levels[pins[segment]] === "high" ? mark : " "
        const rows = [
          ` ${on("a", "_")} `,
          on("f", "|") + on("g", "_") + on("b", "|"),
          on("e", "|") + on("d", "_") + on("c", "|"),
        ]
        expect(rows.join("\n")).toBe(
          PICTURES.map(row => row.slice(digit * 4, digit * 4 + 3)).join("\n"),
        )
      })
    }
  })

  it("turns the needle by the width of its pulses, 50 a second", async () => {
    for (const [confidence, us] of [
      [0, 2400],
      [0.5, 1500],
      [1, 600],
    ]) {
      panel.show(1, confidence)
      await pause(150)
      const { edges } = await watch(9, 100)
      expect(median(pulses(edges, "high")) * 1000).toBeCloseTo(us, -1.7)
      const rising = edges.filter(([, level]) => level === "high").map(([at]) => at)
      expect(median(rising.slice(1).map((at, i) => at - rising[i]))).toBeCloseTo(20, 0)
    }
  })
})

/** Ten digits of three columns and three rows, drawn by hand. */
const PICTURES = [
  " _       _   _       _   _   _   _   _ ",
  "| |   |  _|  _| |_| |_  |_    | |_| |_|",
  "|_|   | |_   _|   |  _| |_|   | |_|  _|",
]

/** What a character display of two lines shows after an answer. */
const LINES = ["digit 7     92 %", "teach as 4      "]
function answer() {
  uno.volts(0, 2.25)
  panel.show(7, 0.92)
}

describe("a panel with a character display on eight wires", () => {
  beforeAll(start("lcd"))
  afterAll(stop)

  it("says digit, confidence and label", async () => {
    answer()
    await eventually(() => {
      const wires = [12, 11, 5, 4, 3, 2].map(pin => uno.edges(pin))
      expect(displayText(parallelNibbles(wires))).toEqual(LINES)
    })
  })
})

describe("a panel with a character display on I2C", () => {
  beforeAll(start("i2c-lcd"))
  afterAll(stop)

  it("says digit, confidence and label", async () => {
    answer()
    await eventually(() => {
      const bytes = uno.i2c()
      expect(bytes.every(([, address]) => address === 0x27)).toBe(true)
      expect(displayText(i2cNibbles(bytes))).toEqual(LINES)
    })
  })
})

describe("a panel that cannot be used", () => {
  const open = (layout: Layout) =>
    Panel.open({ port: uno.path, open: uno.open, clock: uno.clock, layout, classes: 10 })
  afterEach(() => uno.close())

  test("because its board does not answer is an error within 10 s that says what to try", async () => {
    // It talks to nobody however fast it goes.
    uno = VirtualUno.begin(BLINK, 0.05)
    const failure = await uno.clock.run(open(LEDS)).catch(error => error)
    expect(failure).toMatchObject({
      code: "panel-silent",
      kind: "board",
      message: expect.stringContaining(uno.path),
      help: expect.stringContaining("StandardFirmata"),
    })
    const said = Number(/within ([\d.]+) s of/.exec(failure.message)?.[1])
    expect(said).toBeLessThan(10)
    expect(uno.clock.now() / 1000).toBeCloseTo(said, 1)
  })

  test("because a pin cannot do what the layout wants of it names the pin", async () => {
    uno = VirtualUno.begin()
    const opened = (layout: unknown) => uno.clock.run(open(parseLayout(layout, "own")))
    await expect(opened({ confidence: { kind: "pwm", pin: 4 } })).rejects.toMatchObject({
      code: "panel-pins",
      message: expect.stringContaining("pin 4 (confidence) cannot do pwm"),
    })
    await expect(opened({ right: { pin: 17 }, teach: { pin: "A3" }, label: { pin: "A0" } }))
      .rejects // The same pin by two names.
      .toMatchObject({ code: "panel-pins", message: expect.stringContaining("the same as") })
  })

  test("because there is no such port is said at once", async () => {
    await expect(
      Panel.open({ port: "/dev/no-such-panel", layout: LEDS, classes: 10 }),
    ).rejects.toMatchObject({ code: "port-missing" })
  })
})
