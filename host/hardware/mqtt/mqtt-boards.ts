/** Boards of other machines, offered by agents through a broker (messages.ts), used like any others. */
import { randomBytes } from "node:crypto"
import type { MqttClient } from "mqtt"
import type { Clock } from "../../base/clock"
import { WuxingError } from "../../base/errors"
import { BoardLink, type BoardLinkOptions } from "../../link/board-link"
import type { Port } from "../../link/port"
import { seconds, wait } from "../../link/wait"
import type { OpenableBoards, WrapPort } from "../board-set"
import { type BrokerAddress, describeBroker, NAME } from "./broker-address"
import {
  backAtBroker,
  connectToBroker,
  endConnection,
  MOST_PAYLOAD_BYTES,
  subscribeToRetained,
} from "./connection"
import {
  type Announcement,
  announcementSchema,
  decodeMessage,
  MessageKind,
  MOST_ANNOUNCEMENT_BYTES,
  partsOfTopic,
  refusalSchema,
  topics,
} from "./messages"
import { Session } from "./session"

/** Of a room; more are not listened to. */
const MOST_AGENTS = 256
/** An agent has this long to open a port beyond what it says its boards need, ms. */
const OPEN_DEADLINE_MS = 20_000
/** A broker, an agent or a board that went away has this long to come back, ms. */
const RECONNECT_MS = 60_000

export interface MqttBoardsOptions {
  signal?: AbortSignal
  wrap?: WrapPort
  /** Log text of the boards, a line at a time. */
  onLog?: (board: number, line: string) => void
  reconnectMs?: number
}

/** As messages, plans and tables name it. */
export function nameOf({ agent, index }: RemoteBoard): string {
  return `${agent}-${index}`
}

/** A board as its room knows it. */
export interface RemoteBoard {
  agent: string
  /** Among its agent's. */
  index: number
  profile: string
}

export interface FoundRoom {
  boards: RemoteBoard[]
  agents: Map<string, Announcement>
}

/**
 * What the agents in a room offer, in the order of their names.
 *
 * @throws WuxingError as `connectToBroker`; "no-boards" (kind board)
 */
export async function findRoom(address: BrokerAddress, signal?: AbortSignal): Promise<FoundRoom> {
  const line = await Line.connect(address, signal)
  try {
    const boards = boardsOf(line.agents)
    if (boards.length === 0) throw noBoards(address)
    return { boards, agents: new Map(line.agents) }
  } finally {
    await line.end()
  }
}

function boardsOf(agents: Map<string, Announcement>): RemoteBoard[] {
  return [...agents.keys()]
    .sort()
    .flatMap(agent =>
      (agents.get(agent)?.boards ?? []).map((profile, index) => ({ agent, index, profile })),
    )
}

export class MqttBoards implements OpenableBoards {
  readonly reconnectMs: number
  private readonly profiles: string[]

  private constructor(
    private readonly line: Line,
    readonly boards: readonly RemoteBoard[],
    private readonly options: MqttBoardsOptions,
  ) {
    this.reconnectMs = options.reconnectMs ?? RECONNECT_MS
    this.profiles = boards.map(({ profile }) => profile)
  }

  /** @throws WuxingError as `findRoom` */
  static async start(address: BrokerAddress, options: MqttBoardsOptions = {}): Promise<MqttBoards> {
    const line = await Line.connect(address, options.signal)
    const boards = boardsOf(line.agents)
    if (boards.length > 0) return new MqttBoards(line, boards, options)
    await line.end()
    throw noBoards(address)
  }

  get clock(): Clock | undefined {
    return this.line.address.way?.clock
  }

  get count(): number {
    return this.boards.length
  }

  /** What each agent has announced, by its name. */
  get agents(): ReadonlyMap<string, Announcement> {
    return this.line.agents
  }

  group(i: number): string {
    return this.boards[i].agent
  }

  profile(i: number): string {
    return this.profiles[i]
  }

  async connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    return await this.linkTo(i, false, options)
  }

  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await link.close()
    return await this.linkTo(i, true, options)
  }

  openPort(i: number, restart: boolean): Promise<Port> {
    return this.line.open(this.boards[i], restart, this.reconnectMs, this.options.signal)
  }

  stop(): Promise<void> {
    return this.line.end()
  }

  private async linkTo(i: number, restart: boolean, options: BoardLinkOptions): Promise<BoardLink> {
    const bare = (await this.openPort(i, restart)) as MqttPort
    const unplug = () => {
      bare.lose(new Error("its cable was pulled"))
    }
    const port = this.options.wrap?.(i, bare, { unplug }) ?? bare
    const link = await BoardLink.connect(port, {
      ...{ ...options, clock: this.clock ?? options.clock },
      onLog: line => {
        options.onLog?.(line)
        this.options.onLog?.(i, line)
      },
    })
    return link
  }
}

/** The connection of one user of boards: the agents it hears of and the ports it has open. */
class Line {
  readonly agents = new Map<string, Announcement>()
  private readonly ports = new Map<number, MqttPort>()
  private readonly agentListeners = new Set<() => void>()
  private ended = false

  private constructor(
    readonly client: MqttClient,
    readonly address: BrokerAddress,
    readonly user: string,
  ) {}

  static async connect(address: BrokerAddress, signal?: AbortSignal): Promise<Line> {
    const user = randomBytes(8).toString("hex")
    const client = await connectToBroker(address, {
      clientId: `wuxing-user-${user}`,
      will: { topic: topics.user(address.room, user), payload: "gone", retain: false },
      signal,
    })
    const line = new Line(client, address, user)
    client.on("message", (topic, payload) => line.receive(topic, payload))
    client.on("close", () => {
      // Retained announcements come again with the connection; until then nothing is known.
      line.agents.clear()
      for (const port of [...line.ports.values()])
        port.lose(new Error("the connection to the broker was lost"))
    })
    try {
      await line.hearAgents(signal)
      return line
    } catch (error) {
      await line.end()
      throw error
    }
  }

  async end(): Promise<void> {
    if (this.ended) return
    this.ended = true
    for (const port of [...this.ports.values()]) await port.close()
    await endConnection(this.client)
  }

  async open(
    { agent, index }: RemoteBoard,
    restart: boolean,
    reconnectMs: number,
    signal?: AbortSignal,
  ): Promise<MqttPort> {
    const { address, client } = this
    if (restart) {
      await backAtBroker(client, address, reconnectMs, signal)
      await this.agentBack(agent, reconnectMs, signal)
    }
    const offered = this.agents.get(agent)
    if (!offered) throw agentGone(address, agent)
    const deadlineMs = OPEN_DEADLINE_MS + offered.reconnectMs
    const name = `${agent}-${index}`
    const id = randomBytes(4).readUInt32LE()
    const topic = topics.toBoard(address.room, agent, index, this.user)
    const port = new MqttPort(name, new Session(client, topic, id), () => this.ports.delete(id))
    this.ports.set(id, port)
    try {
      await wait<void>({
        deadlineMs,
        ...{ signal, clock: address.way?.clock },
        what: `board ${name} to be opened`,
        late: () => noAnswer(address, name, deadlineMs),
        start: (resolve, reject) => {
          port.onOpened = resolve
          port.onClose = reason => reject(reason ?? agentGone(address, agent))
          port.session.send(MessageKind.Open, new Uint8Array([restart ? 1 : 0]))
          return () => {
            port.onOpened = undefined
            port.onClose = undefined
          }
        },
      })
      return port
    } catch (error) {
      await port.close()
      throw error
    }
  }

  private agentBack(agent: string, deadlineMs: number, signal?: AbortSignal): Promise<void> {
    if (this.agents.has(agent)) return Promise.resolve()
    return wait<void>({
      deadlineMs,
      ...{ signal, clock: this.address.way?.clock },
      what: `agent ${agent} to come back`,
      late: () => agentGone(this.address, agent),
      start: resolve => {
        const look = () => {
          if (this.agents.has(agent)) resolve()
        }
        this.agentListeners.add(look)
        return () => this.agentListeners.delete(look)
      },
    })
  }

  /** Subscribes, and resolves when what the room's agents have announced so far has arrived. */
  private async hearAgents(signal?: AbortSignal): Promise<void> {
    const { client, user } = this
    const { room } = this.address
    await subscribeToRetained(
      client,
      [topics.agents(room), topics.fromBoards(room, user)],
      topics.last(room, user),
      () => noAnswer(this.address, "the broker"),
      { signal, clock: this.address.way?.clock },
    )
  }

  private receive(topic: string, payload: Buffer): void {
    const name = topic.slice(topic.lastIndexOf("/") + 1)
    if (topic === topics.agent(this.address.room, name)) this.hearAgent(name, payload)
    else {
      const message = payload.length > MOST_PAYLOAD_BYTES ? undefined : decodeMessage(payload)
      const port = message && this.ports.get(message.session)
      const { agent, board } = partsOfTopic(topic)
      if (port && port.name === `${agent}-${board}`) port.take(message)
    }
  }

  private hearAgent(name: string, payload: Buffer): void {
    const announcement =
      payload.length > 0 && payload.length <= MOST_ANNOUNCEMENT_BYTES && NAME.test(name)
        ? announcementSchema.safeParse(parseJson(payload)).data
        : undefined
    if (announcement && (this.agents.has(name) || this.agents.size < MOST_AGENTS))
      this.agents.set(name, announcement)
    else {
      this.agents.delete(name)
      for (const port of [...this.ports.values()])
        if (port.name.startsWith(`${name}-`)) port.lose(agentGone(this.address, name))
    }
    for (const listener of this.agentListeners) listener()
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch {
    return undefined
  }
}

class MqttPort implements Port {
  onData?: (bytes: Uint8Array) => void
  onClose?: (reason?: Error) => void
  onOpened?: () => void
  private over?: Error

  constructor(
    readonly name: string,
    readonly session: Session,
    private readonly forget: () => void,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    if (this.over) throw this.over
    await this.session.sendData(bytes)
  }

  async close(): Promise<void> {
    if (this.over) return
    this.onData = undefined
    this.onClose = undefined
    this.session.send(MessageKind.Closed)
    this.end(new Error(`${this.name} was closed`))
  }

  /** The way to the board is gone, and its agent is told if it can be. */
  lose(reason: Error): void {
    if (this.over) return
    this.session.send(MessageKind.Closed)
    this.end(reason)
    this.onClose?.(reason)
  }

  take(message: NonNullable<ReturnType<typeof decodeMessage>>): void {
    const order = this.session.order(message)
    if (order === "before") return
    if (order === "missing") this.lose(new Error("a message of the board was lost on the way"))
    else if (message.kind === MessageKind.Opened) this.onOpened?.()
    else if (message.kind === MessageKind.Data) this.onData?.(message.content)
    else {
      const text = Buffer.from(message.content).toString("utf8").slice(0, 500)
      const reason =
        message.kind === MessageKind.Refused
          ? refusedBy(this.name, message.content)
          : new Error(text)
      this.end(reason)
      this.onClose?.(reason)
    }
  }

  private end(reason: Error): void {
    this.over = reason
    this.session.fail(reason)
    this.forget()
  }
}

function refusedBy(name: string, content: Uint8Array): WuxingError {
  const refusal = refusalSchema.safeParse(parseJson(Buffer.from(content))).data
  return new WuxingError({
    code: refusal?.code ?? "port-failed",
    kind: "board",
    message: refusal?.message ?? `${name} was not opened`,
    cause: refusal?.cause,
    help: refusal?.help,
  })
}

function agentGone(address: BrokerAddress, agent: string): WuxingError {
  return new WuxingError({
    code: "agent-gone",
    kind: "board",
    message: `agent ${agent} is not at ${describeBroker(address)} any more`,
    cause: "it was stopped, its machine is off, or it lost the broker",
    help: "start it again (wuxing agent), then run the command again",
  })
}

function noAnswer(address: BrokerAddress, name: string, deadlineMs?: number): WuxingError {
  return new WuxingError({
    code: "agent-no-answer",
    kind: "board",
    message: `${name} did not answer at ${describeBroker(address)}${deadlineMs === undefined ? "" : ` within ${seconds(deadlineMs)}`}`,
    cause: "its agent hangs, or the broker does not pass our topics on",
    help: "check that the broker's access list allows wuxing/ROOM/#, and start the agent again",
  })
}

function noBoards(address: BrokerAddress): WuxingError {
  return new WuxingError({
    code: "no-boards",
    kind: "board",
    message: `no agent offers boards at ${describeBroker(address)}`,
    cause: "no agent runs, or it offers its boards in another room",
    help: "start one: wuxing agent --broker … --name … --on serial",
  })
}
