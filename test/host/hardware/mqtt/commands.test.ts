/** Commands on the boards of agents, through real brokers: two virtual boards each, in this process. */
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { encodeBytes } from "../../../../host/dashboard/messages"
import { imageAt, readMnist } from "../../../../host/data/mnist"
import { findBoards } from "../../../../host/hardware/location"
import { Agent } from "../../../../host/hardware/mqtt/agent"
import { MqttBoards } from "../../../../host/hardware/mqtt/mqtt-boards"
import { slowClock } from "../../../slow-clock"
import { onUrl, visit } from "../../cli/page-visitor"
import { wuxing } from "../../cli/run-cli"
import { aedes, hasMosquitto, mosquitto, type TestBroker } from "./brokers"

const mnist = readMnist(process.env.WUXING_MNIST)

// Brokers and boards run beside this thread, and a board has 3 s to answer what it holds (host/link/manager.ts).
slowClock(10)

const kinds: [string, () => Promise<TestBroker>, boolean][] = [
  ["aedes", aedes, true],
  ["mosquitto", mosquitto, hasMosquitto],
]

for (const [kind, start, there] of kinds)
  describe.skipIf(!there)(`boards behind agents, through ${kind}`, () => {
    let on: string
    let address: { tls: false; host: string; port: number; room: string }
    const ends: (() => Promise<void>)[] = []

    beforeEach(async () => {
      const broker = await start()
      ends.push(() => broker.stop())
      address = { tls: false, host: "127.0.0.1", port: broker.port, room: "class" }
      on = `mqtt://127.0.0.1:${broker.port}/class`
      for (const name of ["b", "a"]) {
        const found = await findBoards({ kind: "sim", boards: 2 })
        const boards = await found.open({})
        ends.push(() => boards.stop())
        const { description } = found
        const agent = await Agent.start(boards, { address, name, description, native: false })
        ends.push(() => agent.stop())
      }
    })
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end()
    })

    async function documentOf(...args: string[]) {
      const { status, stdout, stderr } = await wuxing([...args, "--json"])
      expect(stderr).not.toContain("error")
      expect(status).toBe(0)
      return JSON.parse(stdout)
    }

    it("`boards` lists agents and what their boards are; `deploy` puts the program on all", async () => {
      const before = await documentOf("boards", "--on", on)
      expect(before.agents.map(({ agent }: { agent: string }) => agent)).toEqual(["a", "b"])
      const ids = new Set<string>()
      for (const { description, native, boards } of before.agents) {
        expect({ description, native }).toEqual({ description: "2 virtual boards", native: false })
        expect(boards).toMatchObject([
          { board: 0, announced: "virtual", kind: "devicescript", profile: "virtual" },
          { board: 1, announced: "virtual", kind: "devicescript", profile: "virtual" },
        ])
        for (const { id, programHash } of boards) {
          expect(programHash).toBeUndefined()
          ids.add(id)
        }
      }
      expect(ids.size).toBe(4)

      const deployed = await documentOf("deploy", "--on", on)
      expect(deployed.boards).toMatchObject(
        ["a-0", "a-1", "b-0", "b-1"].map(port => ({ port, result: "deployed" })),
      )
      const again = await documentOf("deploy", "--on", on)
      expect(again.boards.map(({ result }: { result: string }) => result)).toEqual(
        Array(4).fill("same"),
      )
      expect(new Set(again.boards.map(({ id }: { id: string }) => id))).toEqual(ids)
      const after = await documentOf("boards", "--on", on)
      for (const { boards } of after.agents)
        for (const { programHash, running } of boards) {
          expect(programHash).toBe(deployed.sha256)
          expect(running).toBe(true)
        }
    })

    it("a board in use is told as it is, and the others all the same", async () => {
      const user = await MqttBoards.start(address)
      ends.push(() => user.stop())
      await user.openPort(2, false)
      const { agents } = await documentOf("boards", "--on", on)
      const kinds = agents.flatMap(({ boards }: { boards: { kind: string }[] }) =>
        boards.map(({ kind }) => kind),
      )
      expect(kinds).toEqual(["devicescript", "devicescript", "closed", "devicescript"])
      expect(agents[1].boards[0]).toMatchObject({ code: "board-in-use" })
      const { status, stdout } = await wuxing(["boards", "--on", on])
      expect(status).toBe(0)
      expect(stdout).toMatch(/b .*0 .*board-in-use/)
    })

    it("`partition` plans for the boards they announce, as for the same by name", async () => {
      const plan = await documentOf("partition", "--model", "pico-16", "--boards", on)
      const named = await documentOf("partition", "--model", "pico-16", "--boards", "virtual:4")
      const idsOf = ({ boards }: { boards: { id: string }[] }) => boards.map(({ id }) => id)
      expect(idsOf(plan)).toEqual(["a-0", "a-1", "b-0", "b-1"])
      const others = idsOf(named)
      const renamed = JSON.stringify(plan).replace(/"([ab])-([01])"/g, (_, agent, i) =>
        JSON.stringify(others[2 * (agent === "b" ? 1 : 0) + Number(i)]),
      )
      expect(JSON.parse(renamed)).toEqual(named)
    })

    it("`demo` ends with the host's bits on the boards of both", async () => {
      const { boards, ...result } = await documentOf(
        ...["demo", "--on", on, "--train", "12", "--test", "4"],
      )
      expect(result).toMatchObject({ hostMatches: true, trained: 12, recoveries: 0 })
      expect(boards).toHaveLength(4)
    })

    it("`dashboard` shows them by agent, and what all four compute", async () => {
      const token = "a-token-of-the-tests"
      const shown: (string | undefined)[] = []
      const titles: string[] = []
      const profiles = new Set<string>()
      let links = 0
      let messages = 0
      let named: number | undefined
      const { status, stdout } = await wuxing(
        ["dashboard", "--on", on, "--port", "0", "--token", token, "--json"],
        {
          onStdout: onUrl((url, hand) =>
            visit(url, token, message => {
              if (message.type === "hello") {
                links = message.network.links
                for (const { group, title, profile, links: own } of message.boards) {
                  shown.push(group)
                  titles.push(title)
                  profiles.add(profile)
                  links -= own
                }
                return [{ type: "name", id: 1, image: encodeBytes(imageAt(mnist.test, 0)) }]
              }
              if (message.type === "fleet")
                messages = Math.min(...message.boards.map(b => Math.min(b.fromBoard, b.toBoard)))
              if (message.type === "answer") {
                named = message.digit
                hand.kill("SIGINT")
              }
              return []
            }),
          ),
        },
      )
      expect(status).toBe(0)
      expect(stdout).toContain('"event":"end"')
      expect(shown).toEqual(["a", "a", "b", "b"])
      expect(new Set(titles).size).toBe(4)
      expect([...profiles]).toEqual(["virtual"])
      // Each link of the network is on one of them.
      expect(links).toBe(0)
      expect(messages).toBeGreaterThan(0)
      // A trained network names the first test image, a seven.
      expect(named).toBe(mnist.test.labels[0])
    }, 150_000)
  })

describe("`--on` of commands that take ports", () => {
  it("takes nothing but the address of a broker, and not beside --port", async () => {
    for (const command of ["boards", "deploy"]) {
      const sim = await wuxing([command, "--on", "sim:2"])
      expect(sim).toMatchObject({ status: 2 })
      expect(sim.stderr).toContain("expected mqtt://HOST")
      const both = await wuxing([command, "--on", "mqtt://localhost", "--port", "/dev/null"])
      expect(both).toMatchObject({ status: 2 })
      expect(both.stderr).toContain("give one of the two")
    }
    const watch = await wuxing(["boards", "--on", "mqtt://localhost", "--watch"])
    expect(watch).toMatchObject({ status: 2 })
  })
})
