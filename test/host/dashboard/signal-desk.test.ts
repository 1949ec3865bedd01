/** The desk between a sensor and pages: what is told, what may be asked, and how much of it at most. */
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { VirtualClock } from "../../../host/base/clock"
import { WuxingError } from "../../../host/base/errors"
import { type FromPage, fromPage, type ToPage, toPage } from "../../../host/dashboard/messages"
import { DashboardServer } from "../../../host/dashboard/server"
import { SignalDesk, type SignalDeskOptions } from "../../../host/dashboard/signal-desk"
import { RecordingStore } from "../../../host/sensing/recording-store"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("desk")
const csv = `time (ms),x,y\n${Array.from({ length: 5_000 }, (_, i) => `${20 * i},${i},${-i}`).join("\n")}\n`
let made = 0

function setup(options: Partial<SignalDeskOptions> = {}) {
  const clock = new VirtualClock()
  const store = new RecordingStore(join(folder, String(made++)))
  const asked: string[] = []
  const desk = new SignalDesk({
    ...{ source: "a sensor", store, seconds: 2, records: "asked", clock },
    acts: {
      record: label => asked.push(`record ${label}`),
      cut: () => asked.push("cut"),
      lesson: label => asked.push(`lesson ${label}`),
    },
    state: () => ({ taught: 0, undoable: 0 }),
    ...options,
  })
  const heard: ToPage[] = []
  const page = desk.visit(message => heard.push(toPage.parse(JSON.parse(JSON.stringify(message)))))
  const last = <T extends ToPage["type"]>(type: T) =>
    heard.findLast(message => message.type === type) as Extract<ToPage, { type: T }>
  return { clock, store, asked, desk, heard, page, last }
}

describe("a desk", () => {
  it("tells every sample once, in bounded pieces, and the last of them to a page that comes late", async () => {
    const { clock, desk, heard } = setup()
    // At 50 Hz, then faster than anything can be drawn.
    await clock.run(async () => {
      for (let i = 0; i < 100; i++) {
        desk.sample([i, -i], ["x", "y"])
        await clock.sleep(20)
      }
    })
    const traces = heard.flatMap(message => (message.type === "trace" ? [message] : []))
    expect(traces.every(({ stride }) => stride === 1)).toBe(true)
    const told = traces.flatMap(({ from, rows }) => rows.map((row, i) => [from + i, row[0]]))
    expect(told.slice(0, 99)).toEqual(Array.from({ length: 99 }, (_, i) => [i, i]))
    for (let i = 100; i < 10_000; i++) desk.sample([i, -i])
    await clock.run(clock.sleep(100))
    const many = heard.findLast(message => message.type === "trace")
    if (many?.type !== "trace") throw new Error("expected samples")
    expect(many.rows.length).toBeLessThanOrEqual(40)
    for (const [i, [value]] of many.rows.entries()) expect(value).toBe(many.from + i * many.stride)
    const late: ToPage[] = []
    desk.visit(message => late.push(message))
    const [view] = late
    if (view.type !== "signal") throw new Error("expected a welcome")
    expect(view.channels).toEqual(["x", "y"])
    expect(view.trace.rows.length).toBeLessThanOrEqual(2_000)
    expect(view.trace.rows.at(-1)).toEqual([9_999, -9_999])
    expect(view.trace.from + view.trace.rows.length).toBe(10_000)
    await desk.close()
  })

  it("tells of marks, how fast samples come and for how long none have", async () => {
    const { clock, desk, last } = setup()
    await clock.run(async () => {
      for (let i = 0; i < 200; i++) {
        desk.sample([i])
        await clock.sleep(20)
      }
    })
    expect(Math.abs(last("signal-state").rate - 50)).toBeLessThan(3)
    const detection = { at: 1, class: 0, lead: 0.25, seconds: 1 }
    desk.found({ bytes: new Uint8Array(), from: 20, to: 70, detection }, "wave")
    expect(last("mark")).toMatchObject({ from: 20, to: 70, name: "wave", lead: 0.25 })
    await clock.run(clock.sleep(3_000))
    expect(last("signal-state").silentSeconds).toBeGreaterThan(2.4)
    expect(last("signal-state").rate).toBe(0)
    await desk.close()
  })

  it("has done what a page asks, and nothing else", async () => {
    const { desk, page, asked, last } = setup({ classes: ["wave", "circle"] })
    page.ask({ type: "record", label: "wave" })
    page.ask({ type: "cut" })
    page.ask({ type: "lesson", label: 1 })
    expect(asked).toEqual(["record wave", "cut", "lesson 1"])
    for (const wrong of [
      { type: "lesson", label: 2 },
      { type: "pause" },
      { type: "teach", id: 1, image: "", label: 0 },
      { type: "read" },
    ] as FromPage[]) {
      page.ask(wrong)
      expect(last("refused").what).toContain("cannot be asked")
    }
    expect(asked.length).toBe(3)
    const bare = setup({ acts: {} })
    for (const message of [{ type: "record", label: "a" }, { type: "cut" }] as const) {
      bare.page.ask(message)
      expect(bare.last("refused").what).toContain("cannot be asked")
    }
    await desk.close()
  })

  it("plays a recording in as many points as can be seen, and deletes its own", async () => {
    const { desk, page, store, last, heard } = setup()
    const { id } = store.keep("wave", { csv, samples: 5_000 })
    page.ask({ type: "play", recording: id })
    // One at a time.
    page.ask({ type: "play", recording: id })
    expect(last("refused").what).toContain("try again")
    await expect.poll(() => last("played"), { interval: 5 }).toBeDefined()
    const { rows, stride, rate, channels } = last("played")
    expect({ rate, channels, stride }).toEqual({ rate: 50, channels: ["x", "y"], stride: 3 })
    expect(rows.map(([x]) => x)).toEqual(Array.from({ length: rows.length }, (_, i) => 3 * i))
    expect(rows.length).toBeLessThanOrEqual(2_000)
    page.ask({ type: "delete", recording: id })
    expect(last("recordings").recordings).toEqual([])
    heard.length = 0
    for (const type of ["play", "delete"] as const) page.ask({ type, recording: id })
    await expect
      .poll(() => heard.filter(message => message.type === "refused").length, { interval: 5 })
      .toBe(2)
    await desk.close()
  })

  it("says that the sensor is gone, and takes on nothing more of it", async () => {
    const { desk, page, asked, last } = setup()
    desk.lost(
      new WuxingError({
        code: "sensor-gone",
        kind: "board",
        message: "it stopped",
        help: "plug it",
      }),
    )
    expect(last("signal-state").gone).toBe("it stopped; plug it")
    page.ask({ type: "record", label: "wave" })
    expect(last("refused").what).toContain("gone")
    expect(asked).toEqual([])
    await desk.close()
    expect(last("ended")).toBeDefined()
  })

  it("takes no message that is none of it", () => {
    for (const wrong of [
      ...[{ type: "record" }, { type: "record", label: "" }, { type: "record", label: 1 }],
      ...[
        { type: "record", label: "x".repeat(201) },
        { type: "lesson", label: -1 },
      ],
      ...[
        { type: "play", recording: "../../etc/passwd" },
        { type: "delete", recording: 0.5 },
      ],
      ...[{ type: "play", recording: Number.NaN }, { type: "lesson" }],
    ])
      expect(fromPage.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })
})

describe("served", () => {
  const token = "a-token-of-the-tests"
  let server: DashboardServer
  let one: ReturnType<typeof setup>
  beforeEach(async () => {
    one = setup()
    server = await DashboardServer.start({ hub: one.desk, host: "127.0.0.1", port: 0, token })
  })
  afterEach(async () => {
    await one.desk.close()
    await server.close()
  })

  const knock = (protocols: string[], headers: Record<string, string> = {}) =>
    new Promise<{ ws: WebSocket; heard: ToPage[] } | number>(resolve => {
      const own = { Origin: `http://127.0.0.1:${server.port}` }
      const address = `ws://127.0.0.1:${server.port}/socket`
      const ws = new WebSocket(address, protocols, { headers: { ...own, ...headers } })
      const heard: ToPage[] = []
      ws.on("message", data => heard.push(toPage.parse(JSON.parse(data.toString()))))
      ws.on("open", () => resolve({ ws, heard }))
      ws.on("error", () => {})
      ws.on("unexpected-response", (_, { statusCode }) => resolve(statusCode ?? 0))
    })

  it("to nobody without the token, or from another site's page", async () => {
    expect(await knock(["wuxing"])).toBe(401)
    expect(await knock(["wuxing", `token.${token}`], { Origin: "http://example.com" })).toBe(403)
    expect(await knock(["wuxing", `token.${token}`], { Host: "evil.test" })).toBe(403)
  })

  it("to a page that says odd things: it is closed, or told, and nothing is recorded", async () => {
    for (const [message, answer] of [
      [{ type: "record", label: "x".repeat(300) }, "closed"],
      [{ type: "play", recording: "1" }, "closed"],
      [{ type: "play", recording: 2 ** 40 }, /no recording/],
      [{ type: "delete", recording: 7 }, /no recording/],
      [{ type: "lesson", label: 0 }, /cannot be asked/],
    ] as const) {
      const page = await knock(["wuxing", `token.${token}`])
      if (typeof page === "number") throw new Error("expected to be let in")
      const closed = new Promise(resolve => page.ws.once("close", resolve))
      page.ws.send(JSON.stringify(message))
      if (answer === "closed") expect(await closed).toBe(1008)
      else
        await expect
          .poll(() => page.heard.findLast(m => m.type === "refused"), { interval: 5 })
          .toMatchObject({ what: expect.stringMatching(answer) })
      page.ws.terminate()
    }
    expect(one.asked).toEqual([])
    expect(one.store.list()).toEqual([])
  })
})
