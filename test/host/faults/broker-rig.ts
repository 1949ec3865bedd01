/**
 * Two boards in their own time behind an agent and a broker, all in this process and on one virtual clock:
 * MQTT.js and aedes as they are, over streams in memory.
 */
import { type Duplex, duplexPair } from "node:stream"
import { Aedes } from "aedes"
import mqtt, { type IClientOptions } from "mqtt"
import { VirtualClock } from "../../../host/base/clock"
import { faultyPorts } from "../../../host/faults/faulty-port"
import { FaultInjector } from "../../../host/faults/injector"
import type { BrokerKind, FaultRule } from "../../../host/faults/spec"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import type { OpenableBoards } from "../../../host/hardware/board-set"
import { Agent } from "../../../host/hardware/mqtt/agent"
import type { BrokerWay } from "../../../host/hardware/mqtt/broker-address"
import { MqttBoards } from "../../../host/hardware/mqtt/mqtt-boards"
import { TimedBoards } from "../../../host/hardware/timed-boards"
import { type Ended, runOf } from "./rig"

/** MQTT.js would connect again by the machine's clock; it is told to by ours. */
const NEVER_MS = 2 ** 30
const AGAIN_MS = 500
/** A broker that was restarted is back after this. */
const DOWN_MS = 300
/** A broker, an agent or a board has this long to come back. */
const RECONNECT_MS = 6_500

/** A broker that may be restarted, and the way to it. */
class Broker implements BrokerWay {
  private aedes?: Aedes
  private readonly lines = new Set<Duplex>()

  constructor(readonly clock: VirtualClock) {}

  async up(): Promise<void> {
    this.aedes = await this.clock.hold(Aedes.createBroker())
    this.aedes.on("clientError", () => {})
    this.aedes.on("connectionError", () => {})
  }

  async down(): Promise<void> {
    const { aedes } = this
    this.aedes = undefined
    for (const line of this.lines) line.destroy()
    await new Promise<void>(resolve => (aedes ? aedes.close(() => resolve()) : resolve()))
  }

  async restart(): Promise<void> {
    await this.down()
    await this.clock.sleep(DOWN_MS)
    await this.up()
  }

  connect(options: IClientOptions) {
    const client = new mqtt.MqttClient(() => this.line(), {
      ...{ ...options, keepalive: 0, reconnectPeriod: NEVER_MS },
    })
    client.on("error", () => {})
    client.on("close", () => {
      this.clock.after(AGAIN_MS, () => {
        if (client.disconnecting || client.connected || !client.options.reconnectPeriod) return
        client.reconnect()
      })
    })
    return client
  }

  private line(): Duplex {
    const [here, there] = duplexPair()
    for (const [one, other] of [
      [here, there],
      [there, here],
    ]) {
      one.on("error", () => {})
      one.on("close", () => other.destroy())
    }
    if (!this.aedes) {
      here.destroy(new Error("ECONNRESET: no broker"))
      return here
    }
    this.lines.add(there)
    there.on("close", () => this.lines.delete(there))
    this.aedes.handle(there)
    return here
  }
}

/** The boards as an agent passes them on. */
class Offered implements OpenableBoards {
  readonly reconnectMs = RECONNECT_MS
  readonly clock: VirtualClock

  constructor(private readonly boards: TimedBoards) {
    this.clock = boards.clock as VirtualClock
  }

  get count(): number {
    return this.boards.count
  }

  profile(): string {
    return this.boards.profile()
  }

  async openPort(i: number, restart: boolean) {
    return restart ? this.boards.restart(i) : this.boards.open(i)
  }

  connect(...given: Parameters<TimedBoards["connect"]>) {
    return this.boards.connect(...given)
  }

  reconnect(...given: Parameters<TimedBoards["reconnect"]>) {
    return this.boards.reconnect(...given)
  }

  async stop(): Promise<void> {}
}

export class BrokerRig {
  readonly pairs = 1
  private readonly clock = new VirtualClock()
  private readonly boards: TimedBoards

  constructor(private readonly bytecode: Uint8Array) {
    const profile = readBoardProfile("pico")
    this.boards = new TimedBoards(2, { clock: this.clock, profile, seed: 1 })
  }

  /** Load, learn, read back, with the broker and the agent new; the program is deployed where it is missing. */
  async run(_: number, rules: FaultRule[]): Promise<Ended> {
    const { clock } = this
    return await clock.run(() => this.once(rules))
  }

  private async once(rules: FaultRule[]): Promise<Ended> {
    const { clock, bytecode } = this
    const injector = new FaultInjector(rules, 1)
    const broker = new Broker(clock)
    await broker.up()
    const address = { tls: false, host: "127.0.0.1", port: 1883, room: "faults", way: broker }
    const agents: Agent[] = []
    let over = false
    const offer = async () => {
      const options = { address, name: "lab", description: "two", native: false }
      const agent = await Agent.start(new Offered(this.boards), options)
      agents.push(agent)
      if (over) await agent.stop()
    }
    const again = async (): Promise<void> => {
      while (!over) {
        await clock.sleep(100)
        // Its last will has to be heard first: until then its name is taken.
        if (await offer().then(...([() => true, () => false] as const))) return
      }
    }
    const between = (kind: BrokerKind) => {
      const agent = agents.at(-1)!
      if (kind === "broker") void broker.restart()
      else if (kind === "line") clientOf(boards).stream.destroy()
      else if (kind === "agentline") clientOf(agent).stream.destroy()
      else {
        killAgent(agent)
        if (kind === "agentkill") void again()
      }
    }
    await offer()
    const boards: MqttBoards = await MqttBoards.start(address, {
      ...{ reconnectMs: RECONNECT_MS, wrap: faultyPorts(injector, clock, between) },
    })
    return await runOf(boards, bytecode, { clock, injector }, async fleet => {
      over = true
      // Without a goodbye, for which MQTT.js waits by the machine's clock.
      for (const holder of [boards, ...agents]) clientOf(holder).end(true)
      await clock.hold(fleet.close())
      await clock.hold(Promise.all(agents.map(agent => agent.stop())))
      await clock.hold(broker.down())
    })
  }

  async renew(): Promise<void> {
    for (const i of [0, 1]) this.boards.restart(i)
  }

  async stop(): Promise<void> {
    await this.boards.stop()
  }
}

/** The connection behind an agent or a user, for what only a network can do to it. */
export function clientOf(holder: Agent | MqttBoards): mqtt.MqttClient {
  const held = holder as unknown as { client?: mqtt.MqttClient; line?: { client: mqtt.MqttClient } }
  return (held.client ?? held.line?.client)!
}

/** As when its process is killed: no goodbye, and it does not come back by itself. */
export function killAgent(agent: Agent): void {
  const client = clientOf(agent)
  Object.assign(agent, { stopped: true })
  client.options.reconnectPeriod = 0
  client.stream.destroy()
}
