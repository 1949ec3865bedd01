/**
 * `wuxing demo class` as a user runs it, shortened. What a class ends with is made here once more, one
 * copy after the other.
 */
import { expect, test } from "vitest"
import { z } from "zod"
import { sha256 } from "../../../host/base/sha256"
import { imageAt, readMnist } from "../../../host/data/mnist"
import { drawSamples } from "../../../host/data/samples"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { averageOf } from "../../../host/network/average"
import { HostNetwork } from "../../../host/network/host-network"
import { pico16 } from "../../../host/network/presets"
import { wuxing, wuxingProcess } from "../cli/run-cli"
import { childrenOf, goneWithin } from "../hardware/processes"

const [BOARDS, AVERAGE, TRAIN, TEST, SEED] = [6, 4, 64, 18, 3]
const mnist = readMnist()
const training = drawSamples(mnist.train.count, TRAIN, SEED, 0x7472)

/** Each copy its share, one after the other, with two bits more of rate, as of four copies and more. */
function learntInTurn(): string {
  const network = pico16(SEED)
  let average = new HostNetwork(network).coefficients()
  for (let from = 0; from < TRAIN; from += BOARDS * AVERAGE) {
    const copies: Buffer[] = []
    for (let at = from; at < Math.min(TRAIN, from + BOARDS * AVERAGE); at += AVERAGE) {
      const copy = new HostNetwork(network)
      copy.load(average, Buffer.alloc(0))
      copy.samples = at
      copy.learnShift = network.learnShift - 2
      for (const i of training.slice(at, at + AVERAGE))
        copy.train(imageAt(mnist.train, i), mnist.train.labels[i])
      copies.push(copy.coefficients())
    }
    average = averageOf(copies, network.seed, from)
  }
  return sha256(average)
}

const computed = z.strictObject({
  operations: z.int().positive(),
  busySeconds: z.number().positive(),
})
const agent = z.strictObject({
  name: z.string(),
  boards: z.literal(2),
  learning: computed,
  naming: computed,
})

test("boards behind agents learn side by side and name, with the host's bits", async () => {
  const sizes = ["--boards", BOARDS, "--agents", 3, "--train", TRAIN, "--test", TEST]
  const { status, stdout, stderr } = await wuxing([
    ...["demo", "class", "--json", ...sizes, "--average", AVERAGE, "--seed", SEED].map(String),
  ])
  expect([status, stderr]).toEqual([0, expect.stringMatching(/learning .*64\/64/)])
  const result = JSON.parse(stdout)
  const { agents } = z.object({ agents: z.array(agent).length(3) }).parse(result)
  expect(result).toMatchObject({
    ...{ demo: "class", boards: BOARDS, trained: TRAIN, tested: TEST },
    ...{ hostMatches: true, namesMatch: true, recoveries: 0 },
    coefficientsHash: learntInTurn(),
  })
  expect(agents.map(({ name }) => name)).toEqual(["table-01", "table-02", "table-03"])
  // A sample of pico-16 takes a Pico some 120,000 operations, besides what it loads and sends.
  const operations = agents.reduce((sum, { learning }) => sum + learning.operations, 0)
  expect(operations / TRAIN).toBeGreaterThan(110_000)
  expect(operations / TRAIN).toBeLessThan(220_000)
  const { clockHz, cyclesPerOperation } = readBoardProfile("pico")
  for (const { learning } of agents)
    expect(learning.busySeconds).toBeCloseTo(
      (learning.operations * cyclesPerOperation) / clockHz,
      6,
    )
})

// Before boards have their program, and in the middle of learning.
test.each([/opening/, /learning [1-9]/])(
  "no agent outlives a host that is killed outright while it says %s",
  async word => {
    let agents: number[] = []
    const sizes = ["--boards", "4", "--agents", "2", "--train", "60000", "--test", "4"]
    const killed = wuxingProcess(["demo", "class", ...sizes], {
      onStderr: async (text, host) => {
        if (!word.test(text) || agents.length > 0) return
        await expect
          .poll(() => {
            agents = childrenOf(host.pid!, "class-agent")
            return agents.length
          })
          .toBe(2)
        host.kill("SIGKILL")
      },
    })
    expect((await killed).status).toBe(null)
    expect(agents).toHaveLength(2)
    expect(await goneWithin(120_000, agents)).toEqual([])
  },
)

test.each([
  [["--boards", "65"], /from 1 to 64/],
  [["--boards", "2", "--agents", "3"], /a board for each agent/],
  [["--train", "60000", "--faults", "drop@1%"], /--faults is no option/],
])("%j is refused", async (args, said) => {
  const { status, stderr } = await wuxing(["demo", "class", ...args])
  expect([status, stderr]).toEqual([2, expect.stringMatching(said)])
})

test("a demo of its own still takes eight boards at most", async () => {
  const { status, stderr } = await wuxing(["demo", "--boards", "9"])
  expect([status, stderr]).toEqual([2, expect.stringMatching(/from 1 to 8/)])
})
