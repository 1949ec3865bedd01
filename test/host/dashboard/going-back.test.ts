/** What was learnt, taken back, saved and loaded: a training on the host, and clients that break rules. */
import { request as ask } from "node:http"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { onHost } from "../../../host/dashboard/describe"
import { Hub } from "../../../host/dashboard/hub"
import { encodeBytes, type FromPage, type ToPage } from "../../../host/dashboard/messages"
import { DashboardServer } from "../../../host/dashboard/server"
import { checkpointOf } from "../../../host/fleet/checkpoint-of"
import { verifyOnHost } from "../../../host/library/verify-on-host"
import { decodeModel, encodeModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import { coefficientMax } from "../../../host/network/network"
import { WatchedEngine } from "../../../host/training/watched-engine"
import { pixels } from "../sensing/pixels"

const model = readModel("64-12-4", 3)
const { network } = model
const COUNT = 40
const token = "a-token-of-the-tests"
const images = Buffer.concat(Array.from({ length: COUNT }, (_, i) => pixels(64, i)))
const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 4)
const drawing = (seed: number) => encodeBytes(pixels(64, 1_000 + seed))

let hub: Hub
let engine: WatchedEngine
let server: DashboardServer
let heard: ToPage[]
let page: ReturnType<Hub["visit"]>
let run: Promise<{ done: number }>
let stop: AbortController

beforeEach(async () => {
  stop = new AbortController()
  hub = new Hub({ network, classes: [..."abcd"], paused: true, signal: stop.signal })
  engine = await WatchedEngine.start(network, checkpointOf(model), hub, 1)
  await hub.attach(onHost(network, engine))
  heard = []
  page = hub.visit(message => heard.push(message))
  const store = engine.store(images, labels)
  run = engine.train(
    store,
    Int32Array.from({ length: COUNT }, (_, i) => i),
    { signal: stop.signal },
  )
  server = await DashboardServer.start({ hub, host: "127.0.0.1", port: 0, token })
})

afterEach(async () => {
  stop.abort()
  await run
  await server.close()
  await engine.close()
})

/** Asks, and waits until as many messages of a kind have come. */
async function until<T extends ToPage["type"]>(
  message: FromPage,
  type: T,
  is: (message: Extract<ToPage, { type: T }>) => boolean = () => true,
) {
  const from = heard.length
  page.ask(message)
  await expect
    .poll(
      () => heard.slice(from).some(m => m.type === type && is(m as Extract<ToPage, { type: T }>)),
      { interval: 5 },
    )
    .toBe(true)
}
const teach = (seed: number, label: number) =>
  until({ type: "teach", id: seed, image: drawing(seed), label }, "answer", ({ id }) => id === seed)
const step = () => until({ type: "step" }, "update")
const control = () => heard.findLast(m => m.type === "control")
const learnt = async () => decodeModel(await hub.file(), "saved").coefficients.toString("hex")

/** The same run by the host's core, one image at a time. */
async function verified() {
  stop.abort()
  const { done } = await run
  const { hostMatches } = await verifyOnHost(engine.coefficients, {
    network,
    lessons: i => ({ image: pixels(64, i), label: labels[i] }),
    count: done,
    interventions: engine.interventions,
  })
  return { done, hostMatches }
}

describe("what was learnt", () => {
  it("is as before a lesson that is taken back, each of several, and with what was learnt after it", async () => {
    const states = [await learnt()]
    for (const [seed, label] of [
      [1, 0],
      [2, 3],
    ]) {
      await teach(seed, label)
      states.push(await learnt())
    }
    expect(new Set(states).size).toBe(3)
    expect(control()).toMatchObject({ taught: 2, undoable: 2 })
    for (let i = 0; i < 3; i++) await step()
    await until({ type: "undo" }, "control", ({ undoable }) => undoable === 1)
    expect(await learnt()).toBe(states[1])
    await until({ type: "undo" }, "control", ({ undoable }) => undoable === 0)
    expect(await learnt()).toBe(states[0])
    expect(control()).toMatchObject({ taught: 0 })
    await until({ type: "undo" }, "refused", ({ what }) => what.includes("no lesson"))
    // The run goes on, and its record makes the same bits again.
    await teach(3, 1)
    for (let i = 0; i < 3; i++) await step()
    expect(await verified()).toEqual({ done: 6, hostMatches: true })
  })

  it("is what it was at the start, with nothing counted, when it is begun again", async () => {
    const start = await learnt()
    await teach(1, 2)
    for (let i = 0; i < 5; i++) await step()
    expect(await learnt()).not.toBe(start)
    await until({ type: "restart" }, "hello")
    expect(await learnt()).toBe(start)
    const hello = heard.findLast(m => m.type === "hello")
    expect(hello?.tallies.learning).toMatchObject({ samples: 0, mistakes: [] })
    expect(control()).toMatchObject({ taught: 0, undoable: 0 })
    await step()
    expect((await verified()).hostMatches).toBe(true)
  })

  it("is saved and loaded as a model file, which can be taken back too", async () => {
    const start = await learnt()
    await teach(1, 2)
    const file = await hub.file()
    await until({ type: "undo" }, "control", ({ undoable }) => undoable === 0)
    await hub.load(file)
    expect(await learnt()).toBe(decodeModel(file, "it").coefficients.toString("hex"))
    await until({ type: "undo" }, "control", ({ undoable }) => undoable === 0)
    expect(await learnt()).toBe(start)
    expect((await verified()).hostMatches).toBe(true)
  })

  it("is not touched by what is no model file of the network", async () => {
    const start = await learnt()
    const good = encodeModel(model)
    const most = coefficientMax(network)
    const wild = Buffer.from(model.coefficients)
    wild.writeInt16LE(most < 32_767 ? most + 1 : most, 0)
    for (const [bytes, code] of [
      [Buffer.from("no model"), "model-foreign"],
      [good.subarray(0, good.length - 1), "model-damaged"],
      [encodeModel(readModel("64-12-4", 4)), "model-other"],
      [encodeModel(readModel("64-13-4", 3)), "model-other"],
      ...(most < 32_767
        ? ([[encodeModel({ ...model, coefficients: wild }), "model-invalid"]] as const)
        : []),
    ] as [Buffer, string][])
      await expect(hub.load(bytes), code).rejects.toMatchObject({ code })
    expect(await learnt()).toBe(start)
    // By another name it is the same network.
    await hub.load(encodeModel({ ...model, network: { ...network, name: "mine" } }))
    expect(await learnt()).toBe(start)
  })
})

describe("model files over the wire", () => {
  const send = (
    method: string,
    headers: Record<string, string> = {},
    body: Buffer = Buffer.alloc(0),
  ) =>
    new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const to = { host: "127.0.0.1", port: server.port, path: "/model", method, agent: false }
      const own = { Origin: `http://127.0.0.1:${server.port}`, Authorization: `Bearer ${token}` }
      const sent = ask({ ...to, headers: { ...own, ...headers } }, response => {
        const parts: Buffer[] = []
        response.on("data", part => parts.push(part))
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }),
        )
      })
      sent.on("error", reject)
      sent.end(body)
    })

  it("go out and in with the token, from this page", async () => {
    await teach(1, 2)
    const { status, body } = await send("GET")
    expect(status).toBe(200)
    expect(decodeModel(body, "it").coefficients.equals(engine.coefficients)).toBe(true)
    await until({ type: "undo" }, "control", ({ undoable }) => undoable === 0)
    expect(await send("POST", {}, body)).toMatchObject({ status: 200 })
    expect(engine.coefficients.equals(decodeModel(body, "it").coefficients)).toBe(true)
  })

  it("do not without it, from another page, by another name, or in another way", async () => {
    const file = encodeModel(model)
    const before = engine.coefficients
    for (const [method, headers, status] of [
      ["GET", { Authorization: "" }, 401],
      ["GET", { Authorization: `Bearer ${token}x` }, 401],
      ["POST", { Authorization: "" }, 401],
      ["POST", { Origin: "http://example.com" }, 403],
      ["POST", { Host: "evil.test" }, 403],
      ["GET", { Host: "evil.test" }, 403],
      ["PUT", {}, 405],
      ["DELETE", {}, 405],
    ] as const)
      expect(
        (await send(method, headers, file)).status,
        `${method} ${JSON.stringify(headers)}`,
      ).toBe(status)
    expect(engine.interventions).toEqual([])
    expect(engine.coefficients.equals(before)).toBe(true)
  })

  it("say what is wrong with them, and cost the run nothing", async () => {
    const { status, body } = await send("POST", {}, Buffer.from("no model"))
    expect([status, body.toString()]).toEqual([422, expect.stringContaining("not a wuxing model")])
    // More than is taken, as it claims, is not waited for.
    const long = await send("POST", { "Content-Length": String(2 ** 40) }).catch(error => error)
    expect(long.status ?? 422).toBe(422)
    expect((await send("GET")).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(200)
  })

  it("are none where there is no network", async () => {
    const bare = await DashboardServer.start({
      ...{ host: "127.0.0.1", port: 0, token },
      hub: { visit: () => ({ ask: () => {}, leave: () => {}, renew: () => {} }) },
    })
    try {
      const headers = { Authorization: `Bearer ${token}` }
      expect((await fetch(`http://127.0.0.1:${bare.port}/model`, { headers })).status).toBe(404)
    } finally {
      await bare.close()
    }
  })
})
