/** What passes between an agent's ports and those of a user: through two real brokers. */
import { randomBytes } from "node:crypto"
import mqtt from "mqtt"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { OpenableBoards } from "../../../../host/hardware/board-set"
import { Agent, type AgentEvent } from "../../../../host/hardware/mqtt/agent"
import type { BrokerAddress } from "../../../../host/hardware/mqtt/broker-address"
import { encodeMessage, MessageKind, topics } from "../../../../host/hardware/mqtt/messages"
import { findRoom, MqttBoards } from "../../../../host/hardware/mqtt/mqtt-boards"
import type { Port } from "../../../../host/link/port"
import { aedes, hasMosquitto, mosquitto, type TestBroker } from "./brokers"

/** Ports that hand back each byte they are given, plus 1. */
class EchoBoards implements OpenableBoards {
  readonly reconnectMs = 1_000
  readonly opened: { board: number; restart: boolean }[] = []
  readonly ports: (Port | undefined)[] = []
  constructor(readonly count: number) {}
  profile = () => "virtual"
  connect = () => Promise.reject(new Error("not linked to in these tests"))
  reconnect = () => Promise.reject(new Error("not linked to in these tests"))
  stop = () => Promise.resolve()
  async openPort(board: number, restart: boolean): Promise<Port> {
    this.opened.push({ board, restart })
    const port: Port = {
      name: `echo-${board}`,
      write: async bytes => port.onData?.(bytes.map(byte => (byte + 1) & 255)),
      close: async () => {
        this.ports[board] = undefined
      },
    }
    this.ports[board] = port
    return port
  }
}

const kinds: [string, () => Promise<TestBroker>, boolean][] = [
  ["aedes", aedes, true],
  ["mosquitto", mosquitto, hasMosquitto],
]

for (const [kind, start, there] of kinds)
  describe.skipIf(!there)(`through ${kind}`, () => {
    let broker: TestBroker
    let address: BrokerAddress
    const ends: (() => Promise<void>)[] = []

    beforeEach(async () => {
      broker = await start()
      address = { tls: false, host: "127.0.0.1", port: broker.port, room: "test" }
      ends.push(() => broker.stop())
    })
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end()
    })

    async function agentOf(
      boards: OpenableBoards,
      name = "lab-1",
      onEvent?: (e: AgentEvent) => void,
    ) {
      const agent = await Agent.start(boards, {
        address,
        name,
        description: "two",
        native: false,
        onEvent,
      })
      ends.push(() => agent.stop())
      return agent
    }

    async function user(reconnectMs?: number) {
      const boards = await MqttBoards.start(address, { reconnectMs })
      ends.push(() => boards.stop())
      return boards
    }

    it("bytes come back in order, none lost, none twice, from several boards at once", async () => {
      await agentOf(new EchoBoards(2), "b")
      await agentOf(new EchoBoards(1), "a")
      const boards = await user()
      expect(boards.count).toBe(3)
      const sent = await Promise.all(
        [0, 1, 2].map(async i => {
          const port = await boards.openPort(i, false)
          const bytes = randomBytes(60_000 + i)
          const got: Uint8Array[] = []
          let count = 0
          const all = new Promise<void>(resolve => {
            port.onData = chunk => {
              got.push(chunk)
              count += chunk.length
              if (count >= bytes.length) resolve()
            }
          })
          for (let at = 0; at < bytes.length; at += 250)
            await port.write(bytes.subarray(at, at + 250))
          await all
          return { bytes, got: Buffer.concat(got), name: port.name }
        }),
      )
      expect(sent.map(({ name }) => name)).toEqual(["a-0", "b-0", "b-1"])
      for (const { bytes, got } of sent)
        expect(got.equals(Buffer.from(bytes.map(byte => (byte + 1) & 255)))).toBe(true)
    })

    it("no agent: an error by name; a stopped one is known no more", async () => {
      await expect(findRoom(address)).rejects.toMatchObject({ code: "no-boards" })
      const agent = await agentOf(new EchoBoards(2))
      expect((await findRoom(address)).boards).toHaveLength(2)
      await agent.stop()
      await expect(findRoom(address)).rejects.toMatchObject({ code: "no-boards" })
    })

    it("a board is one user's at a time", async () => {
      await agentOf(new EchoBoards(1))
      const [first, second] = [await user(), await user()]
      const port = await first.openPort(0, false)
      await expect(second.openPort(0, false)).rejects.toMatchObject({ code: "board-in-use" })
      await port.close()
      await (await second.openPort(0, false)).close()
    })

    it("a name is one agent's at a time", async () => {
      await agentOf(new EchoBoards(1))
      await expect(agentOf(new EchoBoards(1))).rejects.toMatchObject({ code: "agent-name-taken" })
      // The first stays known.
      expect((await findRoom(address)).boards).toHaveLength(1)
    })

    it("all agents of a room are heard of, however many there are", async () => {
      const names = Array.from({ length: 12 }, (_, i) => `lab-${i + 10}`)
      for (const name of names) await agentOf(new EchoBoards(2), name)
      for (let again = 0; again < 4; again++)
        expect([...(await findRoom(address)).agents.keys()].sort()).toEqual(names)
    })

    it("a board that is gone closes its port at the user's side, and is started anew", async () => {
      const echo = new EchoBoards(1)
      await agentOf(echo)
      const boards = await user()
      const port = await boards.openPort(0, false)
      const closed = new Promise<Error | undefined>(resolve => {
        port.onClose = resolve
      })
      echo.ports[0]?.onClose?.(new Error("it burnt"))
      expect((await closed)?.message).toBe("it burnt")
      await expect(port.write(new Uint8Array(1))).rejects.toThrow("it burnt")
      await boards.openPort(0, true)
      expect(echo.opened).toEqual([
        { board: 0, restart: false },
        { board: 0, restart: true },
      ])
    })

    it("a broker that restarts is a pulled cable: the board itself is not started anew", async () => {
      const echo = new EchoBoards(1)
      await agentOf(echo)
      const boards = await user(20_000)
      const port = await boards.openPort(0, false)
      const closed = new Promise<void>(resolve => {
        port.onClose = () => resolve()
      })
      await broker.restart()
      await closed
      const again = await boards.openPort(0, true)
      expect(echo.opened).toEqual([
        { board: 0, restart: false },
        { board: 0, restart: false },
      ])
      const answer = new Promise<Uint8Array>(resolve => {
        again.onData = resolve
      })
      await again.write(new Uint8Array([4]))
      expect([...(await answer)]).toEqual([5])
    })

    it("what is not ours is counted and dropped, whatever it is", async () => {
      const echo = new EchoBoards(1)
      const agent = await agentOf(echo)
      const boards = await user()
      const port = await boards.openPort(0, false)
      const stranger = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`)
      ends.push(() => stranger.endAsync(true))
      const to = (board: number | string, who: string) => `wuxing/test/to/lab-1/${board}/${who}`
      const data = { kind: MessageKind.Data, session: 1, number: 0, content: new Uint8Array(3) }
      const strange: [string, Buffer][] = [
        [to(0, "me"), Buffer.alloc(0)],
        [to(0, "me"), Buffer.alloc(40_000, 1)],
        [to(0, "me"), randomBytes(20).fill(77, 0, 1)],
        [to(0, "me"), encodeMessage(data)],
        [to(7, "me"), encodeMessage({ ...data, kind: MessageKind.Open })],
        [to("x", "me"), encodeMessage({ ...data, kind: MessageKind.Open })],
        [to("-1", "me"), encodeMessage({ ...data, kind: MessageKind.Open })],
      ]
      for (const [topic, bytes] of strange) await stranger.publishAsync(topic, bytes, { qos: 1 })
      // An announcement that is none hides no agent but its own.
      await stranger.publishAsync(topics.agent("test", "evil"), '{"version":1,"boards":7}', {
        qos: 1,
        retain: true,
      })
      const answer = new Promise<Uint8Array>(resolve => {
        port.onData = resolve
      })
      await port.write(new Uint8Array([1, 2]))
      expect([...(await answer)]).toEqual([2, 3])
      expect(agent.dropped).toBe(strange.length)
      expect((await findRoom(address)).boards).toHaveLength(1)
    })

    it("a message larger than any of ours costs a connection, and no memory", async () => {
      const echo = new EchoBoards(1)
      let back: (() => void) | undefined
      const again = new Promise<void>(resolve => {
        back = resolve
      })
      await agentOf(echo, "lab-1", ({ event }) => event === "broker-back" && back?.())
      const stranger = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`)
      ends.push(() => stranger.endAsync(true))
      const ended = new Promise<void>(resolve => stranger.once("close", resolve))
      stranger.publish("wuxing/test/to/lab-1/0/me", Buffer.alloc(3_000_000, 1), { qos: 0 })
      // Ours does not take it on, and ends its sender; another passes it, and costs the agent its connection.
      await (kind === "aedes" ? ended : again)
      const port = await (await user()).openPort(0, false)
      const answer = new Promise<Uint8Array>(resolve => {
        port.onData = resolve
      })
      await port.write(new Uint8Array([1, 2]))
      expect([...(await answer)]).toEqual([2, 3])
    })

    it("a user that sends more than a board takes loses its session", async () => {
      const echo = new EchoBoards(1)
      const { openPort } = echo
      // A port that takes nothing.
      echo.openPort = async (board, restart) =>
        Object.assign(await openPort.call(echo, board, restart), {
          write: () => new Promise<void>(() => {}),
        })
      let why: ((reason?: string) => void) | undefined
      const ended = new Promise<string | undefined>(resolve => {
        why = resolve
      })
      let isOpen: (() => void) | undefined
      const opened = new Promise<void>(resolve => {
        isOpen = resolve
      })
      await agentOf(echo, "lab-1", e => {
        if (e.event === "opened") isOpen?.()
        if (e.event === "closed") why?.(e.reason)
      })
      const stranger = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`)
      ends.push(() => stranger.endAsync(true))
      const topic = topics.toBoard("test", "lab-1", 0, "u")
      const send = (kind: MessageKind, number: number, bytes: number) =>
        stranger.publishAsync(
          topic,
          encodeMessage({ kind, session: 9, number, content: new Uint8Array(bytes) }),
          { qos: 1 },
        )
      await send(MessageKind.Open, 0, 1)
      await opened
      for (let i = 1; i <= 80; i++) await send(MessageKind.Data, i, 16_000)
      expect(await ended).toContain("more was sent than the board takes")
    })

    it("a message lost on the way ends the session; one that comes twice does not", async () => {
      const echo = new EchoBoards(1)
      await agentOf(echo)
      const stranger = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`)
      ends.push(() => stranger.endAsync(true))
      const heard: number[] = []
      let told: (() => void) | undefined
      stranger.on("message", (_, payload) => {
        heard.push(payload[0])
        told?.()
      })
      await stranger.subscribeAsync(topics.fromBoards("test", "u"), { qos: 1 })
      const send = (kind: MessageKind, number: number) =>
        stranger.publishAsync(
          topics.toBoard("test", "lab-1", 0, "u"),
          encodeMessage({ kind, session: 9, number, content: new Uint8Array([0]) }),
          { qos: 1 },
        )
      const until = async (kind: MessageKind) => {
        while (!heard.includes(kind))
          await new Promise<void>(resolve => {
            told = resolve
          })
      }
      await send(MessageKind.Open, 0)
      await until(MessageKind.Opened)
      await send(MessageKind.Data, 1)
      await send(MessageKind.Data, 1)
      await until(MessageKind.Data)
      await send(MessageKind.Data, 3)
      await until(MessageKind.Closed)
      expect(heard).toEqual([MessageKind.Opened, MessageKind.Data, MessageKind.Closed])
    })
  })

describe("a broker that wants a name and a password", () => {
  it("lets nobody in without them, and says what to do; they are in no message", async () => {
    const broker = await aedes({ username: "lab", password: "sesame-77" })
    try {
      const address = { tls: false, host: "127.0.0.1", port: broker.port, room: "test" }
      const wrong = { ...address, username: "lab", password: "wrong-88" }
      for (const one of [address, wrong]) {
        const error = await findRoom(one).catch(error => error)
        expect(error).toMatchObject({ code: "broker-refused" })
        expect(JSON.stringify(error)).not.toMatch(/sesame|wrong-88/)
      }
      const right = { ...address, username: "lab", password: "sesame-77" }
      await expect(findRoom(right)).rejects.toMatchObject({ code: "no-boards" })
    } finally {
      await broker.stop()
    }
  })

  it("where there is none: an error by name", async () => {
    const broker = await aedes()
    await broker.stop()
    const address = { tls: false, host: "127.0.0.1", port: broker.port, room: "test" }
    await expect(findRoom(address)).rejects.toMatchObject({ code: "broker-unreachable" })
  })
})
