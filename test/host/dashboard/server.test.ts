/** The dashboard's server against clients that break every rule: none of them may cost the run. */
import net from "node:net"
import type { networkInterfaces } from "node:os"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { namesOf } from "../../../host/dashboard/access"
import { Hub } from "../../../host/dashboard/hub"
import type { ToPage } from "../../../host/dashboard/messages"
import { MOST_QUEUED_BYTES, Outgoing } from "../../../host/dashboard/outgoing"
import { Rate } from "../../../host/dashboard/rate"
import { DashboardServer } from "../../../host/dashboard/server"
import { pico16 } from "../../../host/network/presets"
import { splitEvenly } from "../../../host/partition/partition"

const network = pico16(1)
const classes = Array.from("0123456789")
const token = "a-token-of-the-tests"
const image = Buffer.alloc(784, 9).toString("base64")

let hub: Hub
let server: DashboardServer

beforeEach(async () => {
  hub = new Hub({ network, classes })
  const shares = splitEvenly(network, 1)
  await hub.attach({
    ...{ shares, recoveries: 0, partTimes: [], learnShifts: { links: 12 } },
    live: () => [
      {
        ...{ title: "board 0", share: 1, samples: 0, messages: 0, fromBoard: 0, toBoard: 0 },
        ...{ errors: 0, silentSeconds: 0 },
      },
    ],
    boards: async () => [{ id: "0", profile: "pico", neurons: 26, links: 9, heapBytes: 1 }],
  })
  server = await DashboardServer.start({ hub, host: "127.0.0.1", port: 0, token })
})

afterEach(async () => {
  await hub.close()
  await server.close()
})

/** A page as Node's own WebSocket client, with all it is told. */
async function page(): Promise<{ ws: WebSocket; heard: ToPage[] }> {
  const origin = `http://127.0.0.1:${server.port}`
  const ws = new WebSocket(`ws://127.0.0.1:${server.port}/socket`, ["wuxing", `token.${token}`], {
    origin,
  })
  const heard: ToPage[] = []
  ws.on("error", () => {})
  ws.on("message", data => heard.push(JSON.parse(data.toString())))
  await new Promise(resolve => ws.once("open", resolve))
  return { ws, heard }
}

const served = async () => (await fetch(`http://127.0.0.1:${server.port}/`)).status

describe("connections without a token", () => {
  it("may reset at any moment, before, in and after a refused upgrade", async () => {
    const requests = [
      "GET /socket HTTP/1.1\r\nHost: evil.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      `GET /socket HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      "GET / HTTP/1.1\r\nHost: evil.com\r\n\r\n",
      "GET /page.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: ",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "",
    ]
    for (let i = 0; i < 420; i++)
      await new Promise<void>(resolve => {
        const socket = net.connect(server.port, "127.0.0.1")
        socket.on("error", () => {})
        socket.on("close", () => resolve())
        socket.on("connect", () => {
          socket.write(requests[i % requests.length])
          socket.resetAndDestroy()
        })
      })
    expect(await served()).toBe(200)
  })

  it("by another name are told why, and what to do", async () => {
    const answer = await new Promise<string>(resolve => {
      const socket = net.connect(server.port, "127.0.0.1")
      let text = ""
      socket.on("data", data => {
        text += data
      })
      socket.on("close", () => resolve(text))
      socket.write("GET / HTTP/1.1\r\nHost: pi.local:8000<script>\r\nConnection: close\r\n\r\n")
    })
    const [head, body] = answer.split("\r\n\r\n")
    expect(head).toMatch(/^HTTP\/1\.1 403 /)
    // A browser must not take the name for a page.
    expect(head).toMatch(/^content-type: text\/plain/im)
    expect(head).toMatch(/^x-content-type-options: nosniff/im)
    expect(body).toContain('asked for as "pi.local:8000<script>"')
    expect(body).toContain(`open http://127.0.0.1:${server.port}/ `)
    expect(body).toContain("--host ADDRESS")
    expect(body).not.toContain(token)
  })

  it("do not stay open when they are refused", async () => {
    const socket = net.connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true })
    const answer = new Promise<string>(resolve => {
      let text = ""
      socket.on("data", data => {
        text += data
      })
      socket.on("end", () => resolve(text))
    })
    socket.write(
      "GET /socket HTTP/1.1\r\nHost: evil.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    )
    expect(await answer).toMatch(/^HTTP\/1\.1 403 /)
    // The server's side is gone though this one never ended its own.
    const { http } = server as unknown as { http: net.Server }
    await expect
      .poll(() => new Promise(resolve => http.getConnections((_, open) => resolve(open))))
      .toBe(0)
    socket.destroy()
  })
})

describe("the addresses of a server", () => {
  const one = (address: string, family: "IPv4" | "IPv6", internal = false) => ({
    ...{ address, family, internal, netmask: "", mac: "", cidr: null, scopeid: 0 },
  })
  const interfaces = {
    lo: [one("127.0.0.1", "IPv4", true), one("::1", "IPv6", true)],
    eth0: [one("fe80::1", "IPv6"), one("2001:db8::7", "IPv6"), one("192.168.1.7", "IPv4")],
    wlan0: [one("10.0.0.3", "IPv4")],
  } as ReturnType<typeof networkInterfaces>

  it("are those by which other machines reach it, where it listens for them", () => {
    expect(namesOf("127.0.0.1", interfaces)).toEqual(["127.0.0.1"])
    expect(namesOf("192.168.1.7", interfaces)).toEqual(["192.168.1.7"])
    expect(namesOf("0.0.0.0", interfaces)).toEqual(["192.168.1.7", "10.0.0.3"])
    expect(namesOf("::", interfaces)).toEqual(["192.168.1.7", "10.0.0.3", "2001:db8::7"])
    expect(namesOf("0.0.0.0", { lo: interfaces.lo })).toEqual(["127.0.0.1"])
  })

  it("lead to its page", async () => {
    const open = await DashboardServer.start({ hub, host: "0.0.0.0", port: 0, token })
    try {
      for (const url of open.urls) expect((await fetch(url)).status).toBe(200)
    } finally {
      await open.close()
    }
  })
})

describe("a page with the token", () => {
  it("is answered, or closed, whatever it says; the run and other pages go on", async () => {
    const other = await page()
    const odd: [message: unknown, answer: "closed" | RegExp][] = [
      [{ type: "name", id: 1, image: "A" }, "closed"],
      [{ type: "name", id: 1, image: "A===" }, "closed"],
      [{ type: "name", id: 1, image: "AAAA=" }, "closed"],
      [{ type: "name", id: 1, image: "AAAA" }, /784 pixels/],
      [{ type: "teach", id: 1, image, label: 10 }, /class/],
      [{ type: "teach", id: 1, image, label: 1e9 }, /class/],
      [{ type: "teach", id: 1, image, label: -1 }, "closed"],
      [{ type: "teach", id: 1, image, label: 0.5 }, "closed"],
      [{ type: "look", layer: 1, neuron: 0, label: 11, image }, /classes/],
      [{ type: "look", layer: 1, neuron: 0, label: 11 }, /classes/],
      [{ type: "look", layer: 0, neuron: 0 }, /no such neuron/],
      [{ type: "look", layer: 9, neuron: 0 }, /no such neuron/],
      [{ type: "look", layer: 1, neuron: 2 ** 40 }, /no such neuron/],
      [{ type: "look", layer: 1, neuron: 0, image: "AAAA" }, /784 pixels/],
      [{ type: "rate", bits: 1e300 }, "closed"],
      [{ type: "__proto__" }, "closed"],
      [["pause"], "closed"],
      ["\u0000", "closed"],
    ]
    let { ws, heard } = await page()
    for (const [message, answer] of odd) {
      heard.length = 0
      const closed = new Promise(resolve => ws.once("close", code => resolve(code)))
      ws.send(JSON.stringify(message))
      const what = JSON.stringify(message).slice(0, 80)
      if (answer === "closed") {
        expect(await closed, what).toBe(1008)
        const next = await page()
        ws = next.ws
        heard = next.heard
      } else
        await expect
          .poll(() => heard.flatMap(m => (m.type === "refused" ? [m.what] : [])), {
            message: what,
            interval: 5,
          })
          .toEqual([expect.stringMatching(answer)])
    }
    // What reaches a timer later is right as well: a look at a known class is shown.
    ws.send(JSON.stringify({ type: "look", layer: 1, neuron: 0, label: 9, image }))
    await expect.poll(() => heard.some(({ type }) => type === "inside")).toBe(true)
    hub.learnt(new Uint8Array(784), 3, 3, false)
    await expect.poll(() => other.heard.some(({ type }) => type === "update")).toBe(true)
    ws.terminate()
    other.ws.terminate()
  })

  it("that floods is closed", async () => {
    const { ws } = await page()
    const closed = new Promise(resolve => ws.once("close", code => resolve(code)))
    for (let i = 0; i < 2_000; i++) ws.send('{"type":"pause"}')
    expect(await closed).toBe(1008)
    expect(await served()).toBe(200)
  })

  it("is one of sixteen at most", async () => {
    const pages = await Promise.all(Array.from({ length: 16 }, page))
    const origin = `http://127.0.0.1:${server.port}`
    const more = new WebSocket(
      `ws://127.0.0.1:${server.port}/socket`,
      ["wuxing", `token.${token}`],
      {
        origin,
      },
    )
    expect(await new Promise(resolve => more.once("error", e => resolve(e.message)))).toMatch(/503/)
    for (const { ws } of pages) ws.terminate()
  })

  it("may be told classes that there are not, by boards that report them", async () => {
    const { ws, heard } = await page()
    for (const named of [200, -1, Number.NaN, 2 ** 31])
      hub.learnt(new Uint8Array(784), named, 3, true)
    hub.learnt(new Uint8Array(784), 3, 200, true)
    await expect
      .poll(() =>
        heard.flatMap(m => (m.type === "update" ? m.samples.map(({ named }) => named) : [])),
      )
      .toEqual([-1, -1, -1, -1, 3])
    ws.terminate()
  })
})

describe("a page that never reads", () => {
  /** Takes nothing: all that is sent stays in the queue. */
  class Deaf {
    readonly OPEN = 1
    readyState: 0 | 1 | 2 | 3 = 1
    bufferedAmount = 0
    send(text: string) {
      this.bufferedAmount += text.length
    }
    terminate() {
      this.readyState = 3
    }
  }
  const samples: { [K in ToPage["type"]]?: object } = {
    update: { kind: "learning", samples: [], points: [], mistakes: [], image },
    inside: { weights: Array(784).fill(0.123456) },
    log: { lines: [{ board: 0, line: "x".repeat(500) }] },
    fleet: { boards: [], recoveries: 0, parts: [] },
    control: { paused: false },
    answer: { id: 1, outputs: Array(10).fill(0), digit: 1, confidence: 1 },
    refused: { what: "The boards are busy: try again in a moment." },
    hello: { classes, log: Array(200).fill({ board: 0, line: "x".repeat(500) }) },
    waiting: {},
    ended: {},
  }

  it.each(Object.keys(samples) as ToPage["type"][])("queues a bounded part of: %s", type => {
    const deaf = new Deaf()
    const outgoing = new Outgoing(deaf, () => {})
    const message = { type, ...samples[type] } as ToPage
    for (let i = 0; i < 200_000 && deaf.readyState === 1; i++) outgoing.send(message)
    expect(deaf.bufferedAmount).toBeLessThan(MOST_QUEUED_BYTES + 200_000)
  })

  it("gets everything again once it reads, as it has missed some", () => {
    const deaf = new Deaf()
    let renewed = 0
    const outgoing = new Outgoing(deaf, () => renewed++)
    const log = { type: "log", lines: [] } as ToPage
    deaf.bufferedAmount = 600_000
    outgoing.send(log)
    deaf.bufferedAmount = 100
    outgoing.send(log)
    expect([renewed, deaf.bufferedAmount]).toEqual([0, 100])
    deaf.bufferedAmount = 0
    outgoing.send(log)
    expect([renewed, deaf.bufferedAmount]).toEqual([1, 0])
    outgoing.send(log)
    expect(renewed).toBe(1)
    expect(deaf.bufferedAmount).toBeGreaterThan(0)
  })
})

describe("the rate", () => {
  it("is that of the last two seconds, in memory that does not grow with it", () => {
    const rate = new Rate()
    for (let ms = 0; ms < 10_000; ms += 0.1) rate.count(ms)
    expect(rate.perSecond(10_000)).toBeGreaterThan(9_700)
    expect(rate.perSecond(10_000)).toBeLessThan(10_300)
    expect((rate as unknown as { parts: unknown[] }).parts.length).toBeLessThanOrEqual(42)
    expect(rate.perSecond(12_100)).toBe(0)
  })
})
