/** Any network, cut in any way over running boards: the host's bits, one by one and several at once. */
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Board } from "../../../host/fleet/board"
import { type Member, Relay } from "../../../host/fleet/relay"
import { readBoardProfile } from "../../../host/hardware/board-profile"
import { CountedBoards } from "../../../host/hardware/counted-boards"
import { exchangeCoefficients } from "../../../host/network/exchange"
import { HostNetwork } from "../../../host/network/host-network"
import { isDense, type Network } from "../../../host/network/network"
import { model1 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import { pickedShare } from "../../../host/network/shard-places"
import type { Slice } from "../../../host/network/slices"
import { faultOf } from "../../../host/network/validate"
import { outputsCanBeSummed } from "../../../host/partition/planner"
import { SERVICE_CLASS } from "../../../src/wire/protocol"
import { firmware } from "../../firmware/compiled"
import { network, randomImage, uniform } from "../../src/core/helpers"

const BOARDS = 4
const SAMPLES = 10
const LESSONS = 5
const MOST_BYTES = 16_000

const shapes = fc.record({
  strict: fc.boolean(),
  softmax: fc.boolean(),
  width: fc.oneof(fc.integer({ min: 20, max: 150 }), fc.integer({ min: 256, max: 300 })),
  hidden: fc.array(
    fc.record({
      neurons: fc.integer({ min: 2, max: 40 }),
      fanIn: fc.constantFrom(3, 9, 60, 400),
      outputs: fc.integer({ min: 1, max: 2 }),
    }),
    { minLength: 1, maxLength: 3, size: "max" },
  ),
  classes: fc.integer({ min: 2, max: 10 }),
  slots: fc.constantFrom(1, 4, 16),
  boards: fc.integer({ min: 1, max: BOARDS }),
  summed: fc.boolean(),
  /** Links of pixels picked where they can be: of 256 pixels and more. */
  picked: fc.boolean(),
  seed: fc.nat(2 ** 30),
})
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never

/** Cases in which several boards have outputs, whatever is drawn. */
const SHARED = [false, true].map((strict): [Shape] => [
  {
    ...{ strict, softmax: !strict, boards: 4, width: 100, classes: 10, slots: 4, seed: 2 },
    ...{ hidden: [12, 16].map(neurons => ({ neurons, fanIn: 400, outputs: 2 })), summed: false },
    picked: false,
  },
])
/** Cases in which boards add up the outputs' sums: all of them, by margin and by softmax. */
const SUMMED = [false, true].map((softmax): [Shape] => [
  {
    ...{ strict: false, softmax, boards: 4, width: 100, classes: 10, slots: 4, seed: 3 },
    ...{ hidden: [12, 16].map(neurons => ({ neurons, fanIn: 60, outputs: 2 })), summed: true },
    picked: false,
  },
])

/** Cases in which the links of pixels are picked, outputs summed and not. */
const PICKED = [false, true].map((summed): [Shape] => [
  {
    ...{ strict: false, softmax: false, boards: 4, width: 280, classes: 10, slots: 4, seed: 4 },
    ...{ hidden: [{ neurons: 12, fanIn: 60, outputs: 2 }], summed },
    picked: true,
  },
])

function networkOf({ strict, softmax, width, hidden, classes, seed }: Shape): Network {
  const softmaxGain = softmax ? 160 : 0
  if (!strict)
    return network(
      [
        ...hidden.map(l => ({ ...l, outputFirst: 3 })),
        { neurons: classes, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 60 },
      ],
      { width, seed, margin: 4096, softmaxGain },
    )
  // A layer of single links can read only as much as the one before gives.
  const layers = hidden.map(l => ({ ...l, inputs: 4, outputFirst: 3, outputs: 2, fanIn: 1 }))
  layers.push({ neurons: classes, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 1 })
  return { ...model1(seed), name: "strict", width, layers, margin: 4096, softmaxGain }
}

/** Neurons dealt at random, or in ranges: the outputs, often all to one board, and what is read densely. */
function deal(net: Network, boards: number, next: () => number, summed: boolean): Slice[][] {
  const plan: Slice[][] = Array.from({ length: boards }, () => [])
  const any = () => Math.floor(next() * boards)
  for (const [k, { neurons, inputs }] of net.layers.entries()) {
    const layer = k + 1
    const most = Math.floor(256 / inputs)
    const outputs = layer === net.layers.length
    if (outputs && summed && outputsCanBeSummed(net)) {
      for (const slices of plan)
        if (slices.some(s => s.layer === layer - 1))
          slices.push({ layer, first: 0, count: neurons, partial: true })
      continue
    }
    if (outputs && next() < 0.3) {
      plan[any()].push({ layer, first: 0, count: neurons })
      continue
    }
    const ranges = outputs || isDense(net, layer + 1) || next() < 0.3
    const dealt: number[][] = Array.from({ length: boards }, () => [])
    const cuts = Array.from({ length: boards - 1 }, () => Math.floor(next() * (neurons + 1)))
    for (let n = 0; n < neurons; n++)
      dealt[ranges ? cuts.filter(cut => cut <= n).length : any()].push(n)
    for (const [board, mine] of dealt.entries())
      for (let at = 0; at < mine.length; at += most) {
        const some = mine.slice(at, at + most)
        const slice = { layer, first: some[0], count: some.length }
        plan[board].push(ranges ? slice : { ...slice, neurons: some })
      }
  }
  return plan.filter(slices => slices.length > 0)
}

describe("boards", () => {
  // The real virtual machine, in this process: its throttle goes by its own clock, not by ours.
  let all: CountedBoards
  let boards: Board[]
  beforeAll(async () => {
    const bytecode = await firmware()
    all = await CountedBoards.start(BOARDS, bytecode, readBoardProfile("pico"))
    boards = await Promise.all(
      Array.from({ length: BOARDS }, async (_, i) => {
        const link = await all.connect(i, { name: `board ${i}` })
        await link.deploy(bytecode)
        await link.waitForService(SERVICE_CLASS, 30_000)
        return new Board(link, all.profile())
      }),
    )
  })
  afterAll(() => all?.stop())

  /** Boards name and learn by these shares as the host does. @returns learning steps */
  async function runAsHost(
    net: Network,
    plan: Slice[][],
    shards: Buffer[],
    { slots, classes, next }: { slots: number; classes: number; next: () => number },
  ): Promise<number> {
    const members: Member[] = plan.map((slices, i) => ({ board: boards[i], slices }))
    await Promise.all(members.map(({ board }, i) => board.load(shards[i])))
    const relay = new Relay(net, members, { slots: slots, deadlineMs: 60_000 })
    const host = new HostNetwork(net)
    const images = Array.from({ length: SAMPLES }, () => randomImage(net.width, next, 0.4))

    const named: number[] = []
    await relay.infer(i => images[i], SAMPLES, {
      first: 0x40000000,
      onOutput: (_, outputs) => named.push(outputs.indexOf(Math.max(...outputs))),
    })
    expect(named).toEqual(images.map(image => host.predict(image)))

    let updates = 0
    for (let sample = 0; sample < LESSONS; sample++) {
      const label = sample % classes
      const step = await relay.learn(images[sample], label, sample, updates)
      expect(step.predicted).toBe(host.train(images[sample], label))
      if (step.learned) updates++
    }
    const states = await Promise.all(members.map(({ board }) => board.status()))
    expect(states.map(s => [s.updates, s.dropped])).toEqual(members.map(() => [updates, 0]))
    const coefficients = Buffer.alloc(host.coefficients().length)
    for (const [i, { board }] of members.entries()) {
      const memory = Buffer.from(await board.read(0, shards[i].length))
      exchangeCoefficients(memory, net, coefficients, false)
    }
    expect(coefficients.equals(host.coefficients())).toBe(true)
    relay.detach()
    return updates
  }

  it("name and learn what the host does, however a network is cut", async () => {
    let crossed = 0
    let sharedOutputs = 0
    let learned = 0
    let summed = 0
    let picked = 0
    await fc.assert(
      fc.asyncProperty(shapes, async shape => {
        const net = networkOf(shape)
        fc.pre(faultOf(net) === "")
        const next = uniform(shape.seed)
        const plan = deal(net, shape.boards, next, shape.summed).map(
          slices => (shape.picked && pickedShare(net, slices)) || slices,
        )
        picked += plan.filter(slices => slices.some(s => s.picked)).length
        if (plan.length > 1) crossed++
        if (plan.filter(slices => slices.some(s => s.partial)).length > 1) summed++
        const hasOutputs = (slices: Slice[]) => slices.some(s => s.layer === net.layers.length)
        if (plan.filter(hasOutputs).length > 1) sharedOutputs++
        const shards = plan.map(slices => buildShard(net, slices, shape.slots))
        // Reading it back takes long, and more than a board holds is refused.
        fc.pre(Math.max(...shards.map(shard => shard.length)) < MOST_BYTES)
        learned += await runAsHost(net, plan, shards, { ...shape, next })
      }),
      { numRuns: 18, endOnFailure: true, examples: [...SHARED, ...SUMMED, ...PICKED] },
    )
    expect(crossed).toBeGreaterThan(3)
    expect(sharedOutputs).toBeGreaterThanOrEqual(SHARED.length)
    expect(summed).toBeGreaterThanOrEqual(SUMMED.length)
    expect(picked).toBeGreaterThanOrEqual(PICKED.length)
    expect(learned).toBeGreaterThan(20)
    expect(all.logs.flat().filter(line => /panic|exception/i.test(line))).toEqual([])
  }, 240_000)

  it("learn where more goes back to one of them than it keeps waiting", async () => {
    // 800 sums, 55 in a message: 15 messages, of which 14 may be under way.
    const net = network(
      [
        { neurons: 200, inputs: 1, outputFirst: 1, outputs: 4, fanIn: 2 },
        { neurons: 2, inputs: 1, outputFirst: 1, outputs: 1, fanIn: 65535 },
      ],
      { width: 100, margin: 32_767 },
    )
    const first = { layer: 1, first: 0, count: 200 }
    const plan: Slice[][] = [[first], [{ layer: 2, first: 0, count: 2 }]]
    const shards = plan.map(slices => buildShard(net, slices, 1))
    expect(await runAsHost(net, plan, shards, { slots: 1, classes: 2, next: uniform(5) })).toBe(
      LESSONS,
    )
  }, 240_000)
})
