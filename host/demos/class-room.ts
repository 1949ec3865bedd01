/**
 * A class in this process: a broker, and agents with boards that compute by their own time
 * (own-time-boards.ts), each agent in a process of its own, so that all cores compute.
 */

import { type ChildProcess, fork } from "node:child_process"
import { randomBytes } from "node:crypto"
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { heard } from "../base/heard"
import { ownProgram } from "../base/own-program"
import type { BoardCount } from "../hardware/counted-set"
import type { Location } from "../hardware/location"
import { startBroker } from "../hardware/mqtt/broker"
import type { BrokerAddress } from "../hardware/mqtt/broker-address"
import { seconds, wait } from "../link/wait"

/** What an agent's process is started with. */
export interface AgentGiven {
  address: BrokerAddress
  name: string
  boards: number
  /** Number of its first board in the class. */
  first: number
  profile: string
}

/** What each board of an agent has computed, and the memory of the agent's process. */
interface Told {
  counts: BoardCount[]
  memoryBytes: number
}

export type AgentSaid =
  | { ready: true }
  | Told
  | { failed: { code?: string; message: string; cause?: string; help?: string } }

export interface ClassRoom {
  location: Location
  /** Names of the agents, and how many boards each has; boards are numbered in this order. */
  agents: { name: string; boards: number }[]
  /** What each board has computed so far. @throws WuxingError "agent-no-answer" (kind board) */
  counts(): Promise<BoardCount[]>
  /** Of all agents' processes. @throws as counts */
  memoryBytes(): Promise<number>
  stop(): Promise<void>
}

/** What an agent may take to end in order, ms. */
const GRACE_MS = 5_000
/** It answers between two turns of its boards; machines are busy. */
const TELL_DEADLINE_MS = 60_000
/** Characters kept of what it prints, for an error. */
const MOST_TAIL = 500

/**
 * @param agents at most as many as boards
 * @param status told of an agent that ends by itself
 * @throws WuxingError "agent-stopped" (kind board) where an agent does not start, or as startBroker
 */
export async function openClassRoom(
  boards: number,
  agents: number,
  profile: string,
  status: (text: string) => void = () => {},
): Promise<ClassRoom> {
  // The port is on loopback, but others may use this machine.
  const [username, password] = ["class", randomBytes(16).toString("hex")]
  const broker = await startBroker({ host: "127.0.0.1", port: 0, username, password })
  const address: BrokerAddress = {
    ...{ tls: false, host: "127.0.0.1", port: broker.port, room: "class" },
    ...{ username, password },
  }
  const started: AgentProcess[] = []
  const stop = async () => {
    await Promise.all(started.map(agent => agent.stop()))
    await broker.stop()
  }
  try {
    let first = 0
    for (let i = 0; i < agents; i++) {
      const count = Math.floor(boards / agents) + (i < boards % agents ? 1 : 0)
      // Two digits: agents come in the order of their names.
      const name = `table-${String(i + 1).padStart(2, "0")}`
      started.push(new AgentProcess({ address, name, boards: count, first, profile }, status))
      first += count
    }
    await Promise.all(started.map(agent => agent.ready))
  } catch (error) {
    await stop()
    throw error
  }
  const told = () => Promise.all(started.map(agent => agent.told()))
  return {
    location: { kind: "mqtt", address },
    agents: started.map(({ given }) => ({ name: given.name, boards: given.boards })),
    counts: async () => (await told()).flatMap(({ counts }) => counts),
    memoryBytes: async () => (await told()).reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    stop,
  }
}

class AgentProcess {
  readonly ready: Promise<void>
  private readonly child: ChildProcess
  private readonly ended: Promise<void>
  private readonly waiting: ((told: Told) => void)[] = []
  private last: Told
  private isOver = false
  private isReady = false
  private isLeaving = false

  constructor(
    readonly given: AgentGiven,
    status: (text: string) => void,
  ) {
    const none = { operations: 0, busySeconds: 0 }
    this.last = { counts: Array.from({ length: given.boards }, () => none), memoryBytes: 0 }
    const { path, execArgv } = ownProgram(import.meta.url, "class-agent")
    this.child = heard(
      fork(path, {
        execArgv,
        serialization: "advanced",
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        // Ctrl-C is for the host, which then ends its agents in order.
        detached: process.platform !== "win32",
        env: { ...process.env, NODE_OPTIONS: "" },
      }),
    )
    let tail = ""
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-MOST_TAIL)
    })
    this.ended = new Promise(resolve => {
      this.child.once("exit", () => resolve())
      this.child.once("error", () => resolve())
    })
    void this.ended.then(() => {
      this.isOver = true
      const { exitCode, signalCode } = this.child
      if (this.isReady && !this.isLeaving)
        status(
          `agent ${given.name} ended (${signalCode ?? exitCode}): ${tail || "it said nothing"}`,
        )
      for (const answer of this.waiting.splice(0)) answer(this.last)
    })
    this.ready = new Promise((resolve, reject) => {
      this.child.on("message", (said: AgentSaid) => {
        if ("ready" in said) {
          this.isReady = true
          resolve()
        } else if ("counts" in said) {
          this.last = said
          this.waiting.shift()?.(said)
        } else reject(stopped(given.name, said.failed.message, said.failed))
      })
      void this.ended.then(() => reject(stopped(given.name, tail || "it ended")))
    })
    // Told to whoever waits for all agents; the first that fails ends the others.
    this.ready.catch(() => {})
    this.child.send(given, () => {})
  }

  /** The last known, where it has vanished. */
  told(): Promise<Told> {
    if (this.isOver) return Promise.resolve(this.last)
    return wait<Told>({
      deadlineMs: TELL_DEADLINE_MS,
      what: `agent ${this.given.name}`,
      late: () => hangs(this.given.name),
      start: resolve => {
        this.waiting.push(resolve)
        this.child.send("count", () => {})
        return () => {}
      },
    })
  }

  async stop(): Promise<void> {
    if (this.isOver) return
    this.isLeaving = true
    if (this.child.connected) this.child.disconnect()
    const hard = realClock.after(GRACE_MS, () => this.child.kill("SIGKILL"))
    await this.ended
    hard.stop()
  }
}

function hangs(name: string): WuxingError {
  return new WuxingError({
    code: "agent-no-answer",
    kind: "board",
    message: `agent ${name} of the class did not answer within ${seconds(TELL_DEADLINE_MS)}`,
    cause: "it hangs, or this machine is very busy",
    help: "start fewer boards (--boards), or try again",
  })
}

function stopped(
  name: string,
  why: string,
  known: { code?: string; cause?: string; help?: string } = {},
): WuxingError {
  return new WuxingError({
    code: known.code ?? "agent-stopped",
    kind: "board",
    message: `agent ${name} of the class did not start: ${why}`,
    cause: known.cause ?? "this machine has too little memory, or is very busy",
    help: known.help ?? "start fewer boards (--boards), or try again",
  })
}
