/** A panel that sends garbage: whatever it does, the run goes on, and the panel is used again once it behaves. */
import { afterEach, describe, expect, it, vi } from "vitest"
import type { Port } from "../../../host/link/port"
import { parseLayout, readLayout } from "../../../host/panel/layout"
import { Panel } from "../../../host/panel/panel"
import { random15 } from "../../../src/base/random"

const LAYOUT = readLayout("leds")
const [START, END] = [0xf0, 0xf7]
/** Firmata protocol: modes of a pin of an Uno, as pairs of mode and resolution. */
const MODES = [0, 1, 1, 1, 3, 8, 4, 14, 11, 1]
const ANALOG = [0, 1, 1, 1, 2, 10, 6, 1, 11, 1]

/** The far end of a port, answering as StandardFirmata on an Uno does. */
class Firmata implements Port {
  readonly name = "fake"
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  writes = 0
  closed = false
  private rest: number[] = []

  say(...bytes: number[]): void {
    this.onData?.(Uint8Array.from(bytes))
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.writes++
    this.rest.push(...bytes)
    // Answers come later, as from a wire.
    setImmediate(() => this.answer())
  }

  async close(): Promise<void> {
    this.closed = true
  }

  private answer(): void {
    const asked = this.rest.splice(0)
    const says = (...bytes: number[]) =>
      asked.some((_, i) => bytes.every((byte, at) => asked[i + at] === byte))
    if (says(0xf9)) this.say(0xf9, 2, 5)
    if (says(START, 0x79, END)) this.say(START, 0x79, 2, 5, 0x46, 0, END)
    if (says(START, 0x6b, END)) {
      const pins = Array.from({ length: 20 }, (_, i) => [...(i < 14 ? MODES : ANALOG), 0x7f])
      this.say(START, 0x6c, 0x7f, 0x7f, ...pins.slice(2).flat(), END)
    }
    if (says(START, 0x69, END))
      this.say(START, 0x6a, ...Array.from({ length: 20 }, (_, i) => (i < 14 ? 127 : i - 14)), END)
  }
}

describe("a panel that sends garbage", () => {
  let panel: Panel | undefined
  let ports: Firmata[] = []
  const said: string[] = []

  afterEach(async () => {
    await panel?.close()
    ports = []
    said.length = 0
  })

  async function start(layout = LAYOUT): Promise<Firmata> {
    panel = await Panel.open({
      ...{ port: "/dev/fake", layout, classes: 10 },
      status: text => said.push(text),
      open: async () => {
        const port = new Firmata()
        ports.push(port)
        return port
      },
    })
    return ports[0]
  }

  const analogMappingOf = (pins: number) => [START, 0x6a, ...Array(pins).fill(0), END]
  it.each<[string, number[][]]>([
    ["a description that is too short", [[START, 0x79, END]]],
    ["the state of a pin it lacks", [[START, 0x6e, 100, 1, 1, END]]],
    ["more analog pins than it has", [analogMappingOf(100)]],
    ["a message without an end", [[START, ...Array(5000).fill(1)]]],
    [
      "more than a serial line carries",
      Array.from({ length: 60 }, () => Array.from({ length: 2048 }, (_, i) => i & 0xff)),
    ],
  ])("%s: costs the connection, and it is opened again", async (_, messages) => {
    const first = await start()
    // On its way through the parser of firmata-io: as exceptions they would end the process here.
    for (const message of messages) first.say(...message)
    await vi.waitFor(() => expect(panel?.connected).toBe(true), 120_000)
    await vi.waitFor(() => expect(ports).toHaveLength(2), 120_000)
    expect(first.closed).toBe(true)
    expect(said[0]).toMatch(/the run goes on without it/)
    await vi.waitFor(() => expect(said[1]).toBe("the panel on /dev/fake is back"), 120_000)
    // It shows what came meanwhile.
    const before = ports[1].writes
    panel?.show(3, 0.5)
    await vi.waitFor(() => expect(ports[1].writes).toBeGreaterThan(before), 120_000)
  })

  it("random bytes, whole messages cut, doubled and altered: nothing is thrown, labels stay in range", async () => {
    await start()
    let label: number | undefined
    for (let round = 0; round < 3_000; round++) {
      const port = ports.at(-1)!
      const kind = random15(11, round) % 4
      const random = (i: number) => random15(12 + round, i) & 0xff
      const body = Array.from({ length: random(0) % 24 }, (_, i) => random(i + 1))
      const low = body.map(byte => byte & 0x7f)
      if (kind === 0) port.say(...body)
      else if (kind === 1) port.say(START, random(99), ...low, END)
      else if (kind === 2) port.say(0xe0 | (random(98) & 15), low[0] ?? 0, low[1] ?? 0)
      else port.say(0x90 | (random(97) & 15), low[0] ?? 0, low[1] ?? 0)
      panel?.show(round % 10, 0.1)
      panel?.showBoard(0, "learning")
      label = panel?.label
      if (label !== undefined) expect(label >= 0 && label < 10).toBe(true)
      if (round % 50 === 0) await new Promise(resolve => setTimeout(resolve, 2))
    }
    expect(ports.length).toBeGreaterThan(0)
    expect(await panel?.reset(0)).toBeTypeOf("boolean")
  })

  it("noise before it describes itself is no reason to give up", async () => {
    const layout = parseLayout({ digit: { kind: "leds", pins: [2, 3] } }, "two")
    const opening = start(layout)
    await vi.waitFor(() => expect(ports).toHaveLength(1), 120_000)
    ports[0].say(0xf9, 2, 5, START, 0x79, END, 0xff, 0xf0, 0x6e, 100, 1, 1, END)
    await opening
    expect(panel?.connected).toBe(true)
  })
})
