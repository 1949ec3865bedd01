/**
 * What goes wrong between a fleet and boards behind an agent, in the middle of learning: as a pulled
 * cable, it ends with the host's bits or with an error by name.
 */
import { afterEach, describe, expect, it } from "vitest"
import { WuxingError } from "../../../../host/base/errors"
import { sha256 } from "../../../../host/base/sha256"
import { Fleet } from "../../../../host/fleet/fleet"
import { MachineBoards } from "../../../../host/hardware/machine-boards"
import { Agent } from "../../../../host/hardware/mqtt/agent"
import { MqttBoards } from "../../../../host/hardware/mqtt/mqtt-boards"
import { splitEvenly } from "../../../../host/partition/partition"
import { firmware } from "../../../firmware/compiled"
import { clientOf, killAgent } from "../../faults/broker-rig"
import { hashOnHost, lesson, net, SAMPLES } from "../../faults/rig"
import { aedes, hasMosquitto, mosquitto, type TestBroker } from "./brokers"

const kinds: [string, () => Promise<TestBroker>, boolean][] = [
  ["aedes", aedes, true],
  ["mosquitto", mosquitto, hasMosquitto],
]

for (const [kind, start, there] of kinds)
  describe.skipIf(!there)(`a fleet behind an agent, through ${kind}`, () => {
    const ends: (() => Promise<unknown>)[] = []
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end()
    })

    /** Learns with a fault in the middle; at the end what boards hold, or the error. */
    async function learn(
      harm: (of: {
        broker: TestBroker
        agent: Agent
        boards: MqttBoards
        again(): Promise<void>
      }) => void,
      reconnectMs = 60_000,
    ) {
      const broker = await start()
      ends.push(() => broker.stop())
      const address = { tls: false, host: "127.0.0.1", port: broker.port, room: "faults" }
      const machines = await MachineBoards.start(2)
      ends.push(() => machines.stop())
      const offer = async () => {
        const options = { address, name: "lab", description: "two", native: false }
        const agent = await Agent.start(machines, options)
        ends.push(() => agent.stop())
        return agent
      }
      const agent = await offer()
      const boards = await MqttBoards.start(address, { reconnectMs })
      const options = { network: net, boards: 2, bytecode: await firmware(), checkpointSamples: 4 }
      const fleet = new Fleet(options, boards, splitEvenly(net, 2))
      ends.push(() => fleet.close())
      let harmed = false
      try {
        await fleet.begin()
        await fleet.learn(lesson, SAMPLES, {
          onSample: done => {
            // Between two checkpoints, so that something is lost.
            if (harmed || done !== 6) return
            harmed = true
            harm({ broker, agent, boards, again: async () => void (await offer()) })
          },
        })
        const hash = sha256(await fleet.coefficients())
        return { hash, recoveries: fleet.recoveries, harmed }
      } catch (error) {
        return { error, harmed }
      }
    }

    const same = { harmed: true, hash: hashOnHost() }

    it("the broker is restarted: the same bits", async () => {
      const ended = await learn(({ broker }) => void broker.restart())
      expect(ended).toMatchObject(same)
      expect(ended.recoveries).toBeGreaterThan(0)
    })

    it("the run's connection is lost: the same bits", async () => {
      const ended = await learn(({ boards }) => void clientOf(boards).stream.destroy())
      expect(ended).toMatchObject(same)
      expect(ended.recoveries).toBeGreaterThan(0)
    })

    it("the agent's connection is lost: the same bits", async () => {
      const ended = await learn(({ agent }) => void clientOf(agent).stream.destroy())
      expect(ended).toMatchObject(same)
      expect(ended.recoveries).toBeGreaterThan(0)
    })

    it("the agent is killed, and started again under its name: the same bits", async () => {
      const ended = await learn(({ agent, again }) => {
        killAgent(agent)
        // Its last will has to be heard first: until then its name is taken.
        const retry = () => again().catch(() => setTimeout(retry, 100))
        void retry()
      })
      expect(ended).toMatchObject(same)
      expect(ended.recoveries).toBeGreaterThan(0)
    })

    it("the agent is killed and does not come back: an error by name, which names it", async () => {
      const { error, harmed } = await learn(({ agent }) => killAgent(agent), 1_500)
      expect(harmed).toBe(true)
      expect(error).toBeInstanceOf(WuxingError)
      expect(error).toMatchObject({ kind: "board" })
      expect(["agent-gone", "board-lost"]).toContain((error as WuxingError).code)
      expect((error as WuxingError).message).toContain("agent lab")
    })
  })
