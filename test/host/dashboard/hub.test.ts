/** The hub between a fleet and pages, and several that look on as one; without boards or a browser. */
import { describe, expect, it, vi } from "vitest"
import { Hub, type HubOptions } from "../../../host/dashboard/hub"
import { encodeBytes, fromPage, type ToPage, toPage } from "../../../host/dashboard/messages"
import { pico16 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"
import { allOf, type FleetWatch, type Request } from "../../../host/session/watch"
import { evaluate } from "../../../host/training/confusion"
import { random15 } from "../../../src/base/random"

const network = pico16(1)
const classes = Array.from("0123456789")
const image = new Uint8Array(784).fill(200, 300, 340)

async function attached(paused = false, options: Partial<HubOptions> = {}) {
  const hub = new Hub({ network, classes, paused, ...options })
  const shares = splitEvenly(network, 2)
  await hub.attach({
    ...{ shares, recoveries: 0, partTimes: [], learnShifts: { links: 12 } },
    live: () =>
      shares.map((_, i) => ({
        ...{ title: `board ${i}`, share: 0.5, samples: 0, messages: 0, fromBoard: 0, toBoard: 0 },
        ...{ errors: 0, silentSeconds: 0 },
      })),
    boards: async () =>
      shares.map((_, i) => ({
        ...{ id: `${i}`, profile: "pico", neurons: 13, links: 9, heapBytes: 1 },
      })),
  })
  const heard: ToPage[] = []
  const page = hub.visit(message => heard.push(toPage.parse(JSON.parse(JSON.stringify(message)))))
  return { hub, heard, page }
}

describe("the hub", () => {
  it("holds a run, lets single samples through, and wakes it when there is something to do", async () => {
    const { hub, page } = await attached(true)
    expect(hub.allow(32)).toBe(0)
    let woken = false
    const changed = hub.changed().then(() => {
      woken = true
    })
    await Promise.resolve()
    expect(woken).toBe(false)
    page.ask({ type: "step" })
    await changed
    expect([hub.allow(32), hub.allow(32)]).toEqual([1, 0])
    page.ask({ type: "rate", bits: 2 })
    await hub.changed()
    expect(hub.request()).toEqual({ do: "slow", bits: 2 })
    page.ask({ type: "resume" })
    await hub.changed()
    expect(hub.allow(32)).toBe(32)
    await hub.close()
  })

  it("lets a run go on when it is stopped", async () => {
    const stop = new AbortController()
    const hub = new Hub({ network, classes, paused: true, signal: stop.signal })
    expect(hub.allow(5)).toBe(0)
    const changed = hub.changed()
    stop.abort()
    await changed
    expect(hub.allow(5)).toBe(5)
    await hub.close()
  })

  it("takes a lesson on with the question what came of it, and no more than boards can keep up with", async () => {
    const { hub, heard, page } = await attached()
    const bytes = encodeBytes(image)
    page.ask({ type: "teach", id: 1, image: bytes, label: 4 })
    page.ask({ type: "teach", id: 2, image: bytes, label: 5 })
    expect(heard.some(({ type }) => type === "refused")).toBe(false)
    page.ask({ type: "teach", id: 3, image: bytes, label: 6 })
    expect(heard[heard.length - 2]).toMatchObject({ type: "refused" })
    const requests: Request[] = []
    for (let request = hub.request(); request; request = hub.request()) {
      requests.push(request)
      // As those do who are asked; what it was before a lesson has to be known.
      if (request.do === "read")
        hub.saved({ samples: 0, coefficients: Buffer.alloc(2), elements: Buffer.alloc(0) })
    }
    expect(requests.map(request => request.do)).toEqual([
      "read",
      "teach",
      "classify",
      "read",
      "teach",
      "classify",
      "read",
    ])
    const [, , name] = requests
    if (name.do !== "classify") throw new Error("expected a question")
    name.answered(Int16Array.from([0, 0, 512, 0, 1024, 0, 0, 0, 0, -512]))
    expect(heard[heard.length - 1]).toMatchObject({
      ...{ type: "answer", id: 1, taught: 4, digit: 4 },
      outputs: [0, 0, 0.5, 0, 1, 0, 0, 0, 0, -0.5],
    })
    page.ask({ type: "name", id: 4, image: encodeBytes(new Uint8Array(3)) })
    expect(heard[heard.length - 2]).toMatchObject({ type: "refused" })
    await hub.close()
  })

  it("tells a sample's picture with what it was taken for, though a drawing comes between", async () => {
    const { hub, heard, page } = await attached()
    const pictures = [10, 20].map(value => new Uint8Array(784).fill(value))
    hub.learnt(pictures[0], 1, 2, true)
    hub.learnt(pictures[1], 3, 4, true)
    page.ask({ type: "name", id: 1, image: encodeBytes(image) })
    const request = hub.request()
    if (request?.do !== "classify") throw new Error("expected a question")
    request.answered(Int16Array.from({ length: 10 }, (_, i) => i))
    const [update, answer] = heard.slice(-2)
    expect(update).toMatchObject({
      ...{ type: "update", image: encodeBytes(pictures[1]) },
      samples: [
        { label: 2, named: 1 },
        { label: 4, named: 3 },
      ],
    })
    // After all that was learnt before it: a page knows from when it is.
    expect(answer).toMatchObject({ type: "answer", id: 1, digit: 9 })
    await hub.close()
  })

  it("does not call boards learning while the run is held", async () => {
    const { hub, heard, page } = await attached()
    const states = () => {
      const last = heard.findLast(message => message.type === "fleet")
      return last?.type === "fleet" ? last.boards.map(({ state }) => state) : undefined
    }
    hub.state(0, "learning")
    hub.state(1, "loading")
    page.ask({ type: "pause" })
    expect(states()).toEqual(["paused", "loading"])
    page.ask({ type: "step" })
    expect(states()).toEqual(["learning", "loading"])
    page.ask({ type: "resume" })
    expect(states()).toEqual(["learning", "loading"])
    await hub.close()
  })

  it("says whether the network's inputs are a picture, and of which sides", async () => {
    const seen = async (options: Partial<HubOptions>) => {
      const { hub, heard } = await attached(false, options)
      await hub.close()
      const [hello] = heard
      if (hello.type !== "hello") throw new Error("expected a welcome")
      const { columns, rows, picture } = hello.network
      return { columns, rows, picture }
    }
    expect(await seen({})).toEqual({ columns: 28, rows: 28, picture: true })
    expect(await seen({ frame: { width: 56, height: 14 }, picture: true })).toEqual({
      ...{ columns: 56, rows: 14, picture: true },
    })
    expect(await seen({ frame: { width: 784, height: 1 } })).toMatchObject({ picture: false })
    expect(await seen({ picture: false })).toMatchObject({ picture: false })
  })

  it("keeps the confusion that an evaluation would find, and tells it to a page that comes late", async () => {
    const { hub } = await attached()
    const draw = (i: number) => random15(7, i) % 10
    const labels = Array.from({ length: 500 }, (_, i) => draw(i))
    const named = labels.map((label, i) => (i % 3 === 0 ? draw(1000 + i) : label))
    for (const [i, label] of labels.entries())
      hub.learnt(image, named[i], label, named[i] !== label)
    const late: ToPage[] = []
    hub.visit(message => late.push(message))
    const [hello] = late
    if (hello.type !== "hello") throw new Error("expected a welcome")
    const { right, confusion } = evaluate(labels, named, classes)
    expect(hello.tallies.learning).toMatchObject({ samples: 500, right, confusion })
    expect(hello.tallies.naming.samples).toBe(0)
    const [samples, accuracy] = hello.tallies.learning.curve.at(-1)!
    expect(samples).toBe(500)
    const last = labels.slice(-200).filter((label, i) => label === named[300 + i]).length
    expect(accuracy).toBe(last / 200)
    await hub.close()
  })

  it("has the boards' own times as means of a hundred samples, anew after a restart, which it counts", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] })
    const { hub, heard } = await attached()
    try {
      /** Of a board that takes `ticks` of half a ms a sample, and tells so every two seconds. */
      const tell = (samples: number, ticks: number, boot = 1) => {
        vi.advanceTimersByTime(2_500)
        const request = hub.request()
        if (request?.do !== "report") throw new Error("expected to be asked")
        const layers = [{ forwardTicks: ticks, backwardTicks: 0, learnTicks: 0 }]
        const times = {
          ...{ tickMs: 0.5, samples, learnt: 0, imagesTicks: 0, reportsTicks: 0, layers },
        }
        const health = { heapBytes: 1, handled: 1, refused: 0, dropped: 0 }
        request.answered([{ ...health, boot, times }])
        vi.advanceTimersByTime(500)
        const fleet = heard.at(-2)
        if (fleet?.type !== "fleet") throw new Error("expected the boards' state")
        const [{ resets, times: told }] = fleet.boards
        return [resets, told?.parts.map(({ ms }) => ms)]
      }
      expect(tell(1_000, 40)).toEqual([0, undefined])
      expect(tell(1_050, 140)).toEqual([0, [1]])
      // The first fifty are still needed for a hundred.
      expect(tell(1_090, 380)).toEqual([0, [(340 / 90) * 0.5]])
      expect(tell(1_190, 580)).toEqual([0, [(200 / 100) * 0.5]])
      expect(tell(5, 10, 2)).toEqual([1, [1]])
      expect(tell(15, 40, 2)).toEqual([1, [1.5]])
    } finally {
      await hub.close()
      vi.useRealTimers()
    }
  })

  it("takes nothing from a page that is not a message of it", () => {
    for (const wrong of [
      ...[undefined, null, 1, "pause", {}, { type: "stop" }, { type: "rate", bits: 9 }],
      ...[
        { type: "rate", bits: 0.5 },
        { type: "look", layer: -1, neuron: 0 },
      ],
      ...[
        { type: "name", id: 0, image: "<b>" },
        { type: "name", id: 0, image: "A".repeat(90_000) },
      ],
    ])
      expect(fromPage.safeParse(wrong).success).toBe(false)
  })
})

describe("several that look on", () => {
  it("are all notified, must all allow, and request one after the other", async () => {
    const told: string[] = []
    const requests: (Request | undefined)[] = [{ do: "read" }, undefined, { do: "slow", bits: 1 }]
    const one: FleetWatch = { log: (_, line) => told.push(`one ${line}`), allow: () => 3 }
    let wake = () => {}
    const two: FleetWatch = {
      log: (_, line) => told.push(`two ${line}`),
      allow: most => Math.min(most, 1),
      request: () => requests.shift(),
      changed: () =>
        new Promise<void>(resolve => {
          wake = resolve
        }),
    }
    const all = allOf([one, two])
    all.log?.(0, "ready")
    expect(told).toEqual(["one ready", "two ready"])
    expect(all.allow?.(32)).toBe(1)
    expect([all.request?.(), all.request?.(), all.request?.()]).toEqual([
      ...[{ do: "read" }, undefined, { do: "slow", bits: 1 }],
    ])
    const changed = all.changed?.()
    wake()
    await changed
  })

  it("know of each other's lessons: one that a panel gave can be taken back on the page", async () => {
    const { hub, heard, page } = await attached()
    const lessons: Request[] = [{ do: "teach", lesson: { image, label: 2 } }]
    const all = allOf([{ request: () => lessons.shift() }, allOf([hub])])
    const control = () => heard.findLast(m => m.type === "control")
    const state = (value: number) => ({
      ...{ samples: 0, coefficients: Buffer.from([value, 0]), elements: Buffer.alloc(0) },
    })
    // What it was before has to be known.
    expect(all.request?.()).toEqual({ do: "read" })
    all.saved?.(state(7))
    expect(all.request?.()).toMatchObject({ do: "teach", lesson: { label: 2 } })
    expect(control()).toMatchObject({ taught: 1, undoable: 1 })
    all.saved?.(state(8))
    page.ask({ type: "undo" })
    const back = all.request?.()
    if (back?.do !== "load") throw new Error("expected the state before the lesson")
    expect(back.state.coefficients).toEqual(Buffer.from([7, 0]))
    back.answered?.()
    expect(control()).toMatchObject({ taught: 0, undoable: 0 })
    // The state it went back to is known.
    all.saved?.(state(7))
    lessons.push({ do: "teach", lesson: { image, label: 3 } })
    expect(all.request?.()).toMatchObject({ do: "teach", lesson: { label: 3 } })
    await hub.close()
  })
})
