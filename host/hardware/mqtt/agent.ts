/** Offers the boards of one machine to others, through a broker (messages.ts). */
import { randomBytes } from "node:crypto"
import type { MqttClient } from "mqtt"
import { messageOf, WuxingError } from "../../base/errors"
import type { Port } from "../../link/port"
import type { OpenableBoards } from "../board-set"
import { type BrokerAddress, describeBroker } from "./broker-address"
import {
  connectToBroker,
  endConnection,
  MOST_PAYLOAD_BYTES,
  subscribeToRetained,
} from "./connection"
import {
  type Announcement,
  type BoardMessage,
  decodeMessage,
  MessageKind,
  MOST_AGENT_BOARDS,
  partsOfTopic,
  topics,
} from "./messages"
import { Session } from "./session"

export interface AgentOptions {
  address: BrokerAddress
  /** Of the agent, in its room. */
  name: string
  description: string
  native: boolean
  signal?: AbortSignal
  onEvent?: (event: AgentEvent) => void
}

export type AgentEvent =
  | { event: "opened" | "closed"; board: number; user: string; reason?: string }
  | { event: "refused"; board: number; user: string; reason: string }
  | { event: "broker-lost" }
  | { event: "broker-back" }

interface Opened {
  user: string
  session: Session
  /** Undefined while it is being opened. */
  port?: Port
  /** Writes to the port, one after the other. */
  writing: Promise<void>
  /** Bytes of them. */
  waiting: number
}

/** What may wait for a board's port: a user of ours sends no more than its window before it hears of it. */
const MOST_WAITING_BYTES = 2 ** 20
/** Requests to open a board that wait for the one before. */
const MOST_OPENINGS = 16

export class Agent {
  /** Messages from outside that were none of ours, or of no open session. */
  dropped = 0
  private readonly opened: (Opened | undefined)[]
  /** Whether a board's last session ended by the way to it, so that the board itself is as it was. */
  private readonly intact: boolean[]
  /** What is done to a board, one thing after the other. */
  private readonly busy: Promise<void>[]
  /** Requests to open that wait, of each board. */
  private readonly openings: number[]
  private stopped = false

  private constructor(
    private readonly client: MqttClient,
    private readonly boards: OpenableBoards,
    private readonly options: AgentOptions,
  ) {
    this.opened = Array.from({ length: boards.count }, () => undefined)
    this.openings = this.opened.map(() => 0)
    this.intact = this.opened.map(() => true)
    this.busy = this.opened.map(() => Promise.resolve())
  }

  /**
   * @throws WuxingError as `connectToBroker`; "agent-name-taken" (kind usage), "too-many-boards"
   */
  static async start(boards: OpenableBoards, options: AgentOptions): Promise<Agent> {
    const { address, name, signal } = options
    if (boards.count > MOST_AGENT_BOARDS)
      throw new WuxingError({
        code: "too-many-boards",
        kind: "usage",
        message: `an agent offers at most ${MOST_AGENT_BOARDS} boards, not ${boards.count}`,
        help: "start several agents, each with a part of the boards",
      })
    const topic = topics.agent(address.room, name)
    const client = await connectToBroker(address, {
      clientId: `wuxing-agent-${randomBytes(6).toString("hex")}`,
      will: { topic, payload: "", retain: true },
      signal,
    })
    const agent = new Agent(client, boards, options)
    try {
      await agent.claimName()
      client.on("message", (topic, payload) => agent.receive(topic, payload))
      await client.subscribeAsync(topics.toAgent(address.room, name), { qos: 1 })
      await client.subscribeAsync(topics.users(address.room), { qos: 1 })
      await agent.announce()
    } catch (error) {
      // With a word of goodbye: its last will would clear what an agent of the same name announces.
      await endConnection(client)
      throw error
    }
    client.on("close", () => {
      if (agent.stopped) return
      options.onEvent?.({ event: "broker-lost" })
      for (const i of agent.opened.keys()) agent.end(i, "the agent lost its broker", true)
    })
    client.on("connect", () => {
      options.onEvent?.({ event: "broker-back" })
      agent.announce().catch(() => {})
    })
    return agent
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    for (const i of this.opened.keys()) this.end(i, "the agent was stopped", false)
    await Promise.all(this.busy)
    if (this.client.connected) {
      const topic = topics.agent(this.options.address.room, this.options.name)
      this.client.publish(topic, "", { qos: 1, retain: true }, () => {})
    }
    await endConnection(this.client)
  }

  /** A name is taken while its announcement is retained: brokers clear it when an agent vanishes. */
  private async claimName(): Promise<void> {
    const { address, name, signal } = this.options
    const topic = topics.agent(address.room, name)
    const last = topics.last(address.room, randomBytes(8).toString("hex"))
    let taken = false
    const listen = (heard: string, payload: Buffer) => {
      if (heard === topic && payload.length > 0) taken = true
    }
    this.client.on("message", listen)
    try {
      await subscribeToRetained(
        this.client,
        [topic, last],
        last,
        () =>
          new WuxingError({
            code: "agent-no-answer",
            kind: "board",
            message: `the broker ${describeBroker(address)} does not say which agents there are`,
            cause: "it does not pass our topics on",
            help: "check that its access list allows wuxing/ROOM/#",
          }),
        { signal, clock: address.way?.clock },
      )
    } finally {
      this.client.off("message", listen)
    }
    await this.client.unsubscribeAsync([topic, last])
    if (!taken) return
    throw new WuxingError({
      code: "agent-name-taken",
      kind: "usage",
      message: `there is an agent "${name}" at ${describeBroker(address)} already`,
      cause: "two agents were given the same name, or the broker lost track of one that is gone",
      help: "give this one another name (--name)",
    })
  }

  private async announce(): Promise<void> {
    const { boards, options } = this
    const announcement: Announcement = {
      version: 1,
      boards: Array.from({ length: boards.count }, (_, i) => boards.profile(i)),
      description: options.description.slice(0, 256),
      native: options.native,
      reconnectMs: boards.reconnectMs,
    }
    const topic = topics.agent(options.address.room, options.name)
    await this.client.publishAsync(topic, JSON.stringify(announcement), { qos: 1, retain: true })
  }

  private receive(topic: string, payload: Buffer): void {
    const { room } = this.options.address
    const { board, user } = partsOfTopic(topic)
    if (topic === topics.user(room, user)) {
      // The last will of a user: its sessions are over.
      for (const [i, opened] of this.opened.entries())
        if (opened?.user === user) this.end(i, "its user is gone", true)
      return
    }
    const message = payload.length > MOST_PAYLOAD_BYTES ? undefined : decodeMessage(payload)
    if (!message || !(board >= 0 && board < this.opened.length)) {
      this.dropped++
      return
    }
    if (message.kind === MessageKind.Open) {
      if (this.openings[board] >= MOST_OPENINGS) {
        this.dropped++
        return
      }
      this.openings[board]++
      this.busy[board] = this.busy[board]
        .then(() => this.open(board, user, message))
        .catch(() => {})
        .finally(() => this.openings[board]--)
      return
    }
    const opened = this.opened[board]
    if (opened?.user !== user || opened.session.id !== message.session) {
      this.dropped++
      return
    }
    this.take(board, opened, message)
  }

  private take(board: number, opened: Opened, message: BoardMessage): void {
    const order = opened.session.order(message)
    if (order === "before") return
    if (order === "missing") this.end(board, "a message to the board was lost", true)
    else if (message.kind === MessageKind.Closed) this.end(board, "closed by its user", true)
    else if (message.kind === MessageKind.Data) this.write(board, opened, message.content)
    else this.dropped++
  }

  private write(board: number, opened: Opened, bytes: Uint8Array): void {
    opened.waiting += bytes.length
    if (opened.waiting > MOST_WAITING_BYTES) {
      this.endOf(board, opened, "more was sent than the board takes", false)
      // What waits is let go.
      opened.port = undefined
      return
    }
    opened.writing = opened.writing
      .then(() => opened.port?.write(bytes))
      .then(() => {
        opened.waiting -= bytes.length
      })
      .catch(error => this.endOf(board, opened, messageOf(error), false))
  }

  private async open(board: number, user: string, message: BoardMessage): Promise<void> {
    const { room } = this.options.address
    const topic = topics.fromBoard(room, this.options.name, board, user)
    const session = new Session(this.client, topic, message.session)
    if (session.order(message) !== "next" || this.stopped) return
    const before = this.opened[board]
    if (before && before.user !== user) {
      const reason = "another user has it open"
      this.refuse(session, board, user, {
        code: "board-in-use",
        message: `board ${board} of agent ${this.options.name}: ${reason}`,
        cause: "another run uses this agent's boards",
        help: "wait until it has ended, or use another agent's boards",
      })
      return
    }
    if (before) {
      // Sent twice by the broker.
      if (before.session.id === session.id) return
      this.end(board, "opened again", true)
      await before.port?.close().catch(() => {})
    }
    const opened: Opened = { user, session, writing: Promise.resolve(), waiting: 0 }
    this.opened[board] = opened
    try {
      const restart = message.content[0] === 1 && !this.intact[board]
      const port = await this.boards.openPort(board, restart)
      if (this.opened[board] !== opened) return await port.close()
      opened.port = port
      this.intact[board] = false
      port.onData = bytes => {
        opened.session
          .sendData(Uint8Array.prototype.slice.call(bytes))
          .catch(error => this.endOf(board, opened, messageOf(error), true))
      }
      port.onClose = reason =>
        this.endOf(board, opened, messageOf(reason ?? "its port closed"), false)
      session.send(MessageKind.Opened)
      this.options.onEvent?.({ event: "opened", board, user })
    } catch (error) {
      this.opened[board] = undefined
      const known = error instanceof WuxingError ? error : undefined
      this.refuse(session, board, user, {
        code: known?.code ?? "port-failed",
        message: `agent ${this.options.name}: ${messageOf(error)}`,
        cause: known?.likely,
        help: known?.help,
      })
    }
  }

  private refuse(
    session: Session,
    board: number,
    user: string,
    refusal: { code: string; message: string; cause?: string; help?: string },
  ): void {
    session.send(MessageKind.Refused, Buffer.from(JSON.stringify(refusal)))
    this.options.onEvent?.({ event: "refused", board, user, reason: refusal.message })
  }

  private endOf(board: number, opened: Opened, reason: string, intact: boolean): void {
    if (this.opened[board] === opened) this.end(board, reason, intact)
  }

  /** @param intact the board is as it was: only the way to it was lost */
  private end(board: number, reason: string, intact: boolean): void {
    const opened = this.opened[board]
    if (!opened) return
    this.opened[board] = undefined
    this.intact[board] = intact
    opened.session.fail(new Error(reason))
    if (this.client.connected) opened.session.send(MessageKind.Closed, Buffer.from(reason))
    if (opened.port) {
      const { port } = opened
      port.onData = undefined
      port.onClose = undefined
      this.busy[board] = this.busy[board].then(() => port.close()).catch(() => {})
    }
    this.options.onEvent?.({ event: "closed", board, user: opened.user, reason })
  }
}
