/** The boards against Node: what the virtual machine computes must be the same, bit for bit. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Board } from "../../host/fleet/board"
import { type Member, Relay, SLOTS } from "../../host/fleet/relay"
import { readBoardProfile } from "../../host/hardware/board-profile"
import { exchangeCoefficients } from "../../host/network/exchange"
import { HostNetwork } from "../../host/network/host-network"
import type { Network } from "../../host/network/network"
import { hasKernels, signalsOf } from "../../host/network/network"
import { buildShard } from "../../host/network/shard"
import { addSlices, type Slice } from "../../host/network/slices"
import { cutsByLayer } from "../../host/partition/by-layers"
import type { BoardTimes } from "../../host/session/board-times"
import { Header, Part, PartFlag } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { network, randomImage, uniform } from "../src/core/helpers"
import { kernelNetwork } from "../src/core/kernel-networks"
import { type Benches, native, startBenches } from "./bench"

const SAMPLES = 8
const BOARDS = 3

interface Case {
  name: string
  net: (seed: number) => Network
  seeds: number[]
  boards: number[]
  /** Share of pixels that are not zero. */
  ink?: number
}

const cases: Case[] = [
  {
    name: "two layers, fan-in below the pixels",
    net: seed =>
      network(
        [
          { neurons: 6, fanIn: 9 },
          { neurons: 4, inputs: 4, outputs: 1, fanIn: 99 },
        ],
        { seed, margin: 4096 },
      ),
    seeds: [1, 2, 3],
    boards: [1, 2, 3],
  },
  {
    name: "three layers: sparse, sparse, dense",
    net: seed =>
      network(
        [
          { neurons: 9, fanIn: 12 },
          { neurons: 7, inputs: 2, fanIn: 5 },
          { neurons: 5, inputs: 4, outputFirst: 4, outputs: 1, fanIn: 14 },
        ],
        { seed, width: 60, margin: 4096 },
      ),
    seeds: [4, 5],
    boards: [1, 2, 3],
  },
  {
    name: "one neuron in the hidden layer",
    net: seed =>
      network(
        [
          { neurons: 1, outputs: 1, fanIn: 3 },
          { neurons: 2, inputs: 1, outputs: 1, fanIn: 1 },
        ],
        {
          seed,
          width: 5,
          margin: 4096,
        },
      ),
    seeds: [6],
    boards: [1],
  },
  {
    name: "five inputs and all five elements as outputs, two steps",
    net: seed =>
      network(
        [
          { neurons: 3, inputs: 5, outputFirst: 0, outputs: 5, fanIn: 4 },
          { neurons: 3, inputs: 5, outputFirst: 0, outputs: 1, fanIn: 15 },
        ],
        { seed, steps: 2, margin: 4096 },
      ),
    seeds: [7],
    boards: [1, 2, 3],
  },
  {
    name: "layers wider than one message, sixteen steps",
    net: seed =>
      network(
        [
          { neurons: 130, inputs: 1, outputFirst: 3, outputs: 1, fanIn: 2 },
          { neurons: 2, inputs: 2, outputs: 1, fanIn: 130 },
        ],
        { seed, steps: 16, width: 30, margin: 4096 },
      ),
    seeds: [8],
    boards: [1, 2],
  },
  {
    name: "a layer of more synapses than one part holds",
    net: seed =>
      network(
        [
          { neurons: 70, inputs: 5, outputFirst: 2, outputs: 1, fanIn: 3 },
          { neurons: 3, inputs: 3, outputs: 1, fanIn: 20 },
        ],
        { seed, width: 40, margin: 4096 },
      ),
    seeds: [9],
    boards: [1, 2],
  },
  {
    // As much as a board can be asked to do between two yields.
    name: "the largest part, every pixel lit",
    net: seed =>
      network(
        [
          { neurons: 51, inputs: 5, outputFirst: 4, outputs: 1, fanIn: 28 },
          { neurons: 10, inputs: 5, outputs: 1, fanIn: 51 },
        ],
        { seed, width: 784, steps: 16, margin: 4096 },
      ),
    seeds: [11],
    boards: [1],
    ink: 1,
  },
  {
    name: "shared kernels of pixels and of signals",
    net: seed =>
      kernelNetwork(
        9,
        [
          {
            ...{ channels: 3, width: 3, height: 2, stride: 2, inputs: 2, outputFirst: 1 },
            ...{ outputs: 2, inputStep: 2, outputStep: 2, finer: 4 },
          },
          { channels: 5, width: 2, height: 3, stride: 1, inputs: 3, outputFirst: 2, outputs: 1 },
        ],
        4,
        { seed, margin: 4096 },
      ),
    seeds: [12, 13],
    boards: [1, 2, 3],
  },
  {
    name: "the softmax error",
    net: seed =>
      network(
        [
          { neurons: 6, fanIn: 9 },
          { neurons: 5, inputs: 4, outputs: 1, fanIn: 12 },
        ],
        {
          seed,
          softmaxGain: 231,
        },
      ),
    seeds: [10],
    boards: [2],
  },
]

/** Every hidden layer cut in ranges, each over another number of boards than the next; the last layer whole. */
function cut(net: Network, boards: number): Slice[][] {
  if (hasKernels(net)) return cutsByLayer(net, boards)[0]
  const shares: Slice[][] = Array.from({ length: boards }, () => [])
  net.layers.forEach((l, k) => {
    const last = k === net.layers.length - 1
    for (let b = 0; b < boards; b++) {
      const first = Math.floor((b * l.neurons) / boards)
      const end = Math.floor(((b + 1) * l.neurons) / boards)
      if (last) {
        if (b === boards - 1) addSlices(net, shares[b], k + 1, 0, l.neurons)
      } else if (end > first) addSlices(net, shares[b], k + 1, first, end - first)
    }
  })
  return shares
}

/** The areas of a shard that hold results: where, and how they map to the whole network's memory. */
function areas(m: Buffer, part: number) {
  const neurons = m.readUInt16LE(part + Part.Neurons)
  const synapses = neurons * m.readUInt16LE(part + Part.Inputs)
  const outputs = m.readUInt16LE(part + Part.Outputs)
  const first = m.readUInt16LE(part + Part.First)
  const inputs = m.readUInt16LE(part + Part.Inputs)
  return {
    layer: m.readUInt16LE(part + Part.Layer),
    state: { at: m.readInt32LE(part + Part.State), bytes: neurons * 10, place: first * 10 },
    sums: { at: m.readInt32LE(part + Part.Sum), bytes: synapses * 4, place: first * inputs * 4 },
    lambda: {
      at: m.readInt32LE(part + Part.Lambda),
      bytes: synapses * 2,
      place: first * inputs * 2,
    },
    signals: {
      at: m.readInt32LE(part + Part.BusOut) + 2 * m.readUInt16LE(part + Part.BusOutFirst),
      bytes: neurons * outputs * 2,
      place: first * outputs * 2,
      perSlot: m.readUInt16LE(part + Part.BusOutWidth) * 2,
    },
  }
}

async function timesOf(board: Board): Promise<BoardTimes> {
  const { times } = await board.status()
  if (!times) throw new Error("a loaded board tells its times")
  return times
}

/** All it has computed and waited for, ms. */
function spent({ tickMs, imagesTicks, reportsTicks, layers }: BoardTimes): number {
  const of = layers.map(l => l.forwardTicks + l.backwardTicks + l.learnTicks)
  return tickMs * of.reduce((sum, ticks) => sum + ticks, imagesTicks + reportsTicks)
}

type Kind = "state" | "sums" | "lambda" | "signals"
const KINDS: Kind[] = ["state", "sums", "lambda", "signals"]

/** All of one kind, layer by layer, gathered from the parts of one or more shards. */
function gather(net: Network, memories: Buffer[], kind: Kind, slotOf: (shard: Buffer) => number) {
  const layers = net.layers.map((l, k) =>
    Buffer.alloc(
      {
        state: l.neurons * 10,
        sums: l.neurons * l.inputs * 4,
        lambda: l.neurons * l.inputs * 2,
        signals: signalsOf(net, k + 1) * 2,
      }[kind],
    ),
  )
  for (const m of memories)
    for (let i = 0; i < m.readUInt16LE(Header.Parts); i++) {
      const found = areas(m, partAt(i))
      const { at, bytes, place } = found[kind]
      const from = kind === "signals" ? at + slotOf(m) * found.signals.perSlot : at
      m.copy(layers[found.layer - 1], place, from, from + bytes)
    }
  return layers.map(layer => layer.toString("hex"))
}

describe("a network on the virtual machine", () => {
  let all: Benches
  beforeAll(async () => {
    // The largest parts of sixteen steps take a Pico longer than any deadline.
    all = await startBenches(BOARDS, { profile: readBoardProfile("virtual") })
  })
  afterAll(() => all?.stop())

  for (const { name, net: make, seeds, boards, ink = 0.4 } of cases)
    for (const count of boards)
      it(`${name}: ${count} board(s)`, async () => {
        for (const seed of seeds) {
          const net = make(seed)
          const next = uniform(seed)
          const shards = cut(net, count).map(slices => buildShard(net, slices, SLOTS))
          const members: Member[] = cut(net, count).map((slices, i) => ({
            board: all.benches[i].board,
            slices,
          }))
          await Promise.all(members.map(({ board }, i) => board.load(shards[i])))
          const start = members[0].board.link.clock.now()
          const times = await Promise.all(members.map(({ board }) => timesOf(board)))
          const relay = new Relay(net, members)
          const host = new HostNetwork(net)
          const images = Array.from({ length: SAMPLES }, () => randomImage(net.width, next, ink))
          const read = () =>
            Promise.all(members.map(({ board }, i) => board.read(0, shards[i].length)))

          // Forward, several samples at once: outputs and the last sample's signals.
          const outputs: string[] = []
          await relay.infer(i => images[i], SAMPLES, {
            first: 0x40000000,
            onOutput: (_, out) => outputs.push([...out].join()),
          })
          const last = host.network.layers.length
          for (const [i, image] of images.entries()) {
            host.predict(image)
            const m = host.memory
            const part = partAt(m.readUInt16LE(Header.Parts) - 1)
            const bus = m.readInt32LE(part + Part.BusOut)
            const expected = Array.from({ length: signalsOf(net, last) }, (_, o) =>
              m.readInt16LE(bus + 2 * o),
            )
            expect(outputs[i], `outputs of sample ${i}, seed ${seed}`).toBe(expected.join())
          }
          let memories = await read()
          for (const kind of ["state", "sums", "signals"] as const)
            expect(
              gather(net, memories, kind, () => (0x40000000 + SAMPLES - 1) % SLOTS),
              `${kind} after inference, seed ${seed}`,
            ).toEqual(gather(net, [host.memory], kind, () => 0))

          // Learning: at the end all of it, coefficients included.
          let updates = 0
          let changed = 0
          for (const [sample, image] of images.entries()) {
            const label = sample % signalsOf(net, last)
            const before = host.coefficients()
            const predicted = host.train(image, label)
            const step = await relay.learn(image, label, sample, updates)
            if (step.learned) updates++
            if (!before.equals(host.coefficients())) changed++
            expect(step.predicted, `seed ${seed}, sample ${sample}`).toBe(predicted)
            // Reading memories takes most of the time; a wrong bit stays wrong to the end.
            if (sample < SAMPLES - 1) continue
            // A board whose share is learnt last tells nobody: its status answers after it.
            const states = await Promise.all(members.map(({ board }) => board.status()))
            expect(states.map(s => s.updates)).toEqual(members.map(() => updates))
            const elapsed = members[0].board.link.clock.now() - start
            for (const [i, { times: now }] of states.entries()) {
              expect(now!.samples - times[i].samples).toBe(2 * SAMPLES)
              expect(now!.learnt - times[i].learnt).toBe(updates)
              // Emulated boards keep a time of their own.
              if (!native) expect(spent(now!) - spent(times[i])).toBeLessThan(elapsed + 1)
            }
            // Otherwise λ would be that of some sample before.
            expect(step.learned).toBe(true)
            memories = await read()
            // Sums have served then, and their place may be taken (PartFlag.AtOnce).
            for (const kind of KINDS.filter(kind => kind !== "sums")) {
              expect(
                gather(net, memories, kind, () => sample % SLOTS),
                `${kind} after sample ${sample}, seed ${seed}`,
              ).toEqual(gather(net, [host.memory], kind, () => 0))
            }
            const coefficients = Buffer.alloc(host.coefficients().length)
            for (const m of memories) exchangeCoefficients(m, net, coefficients, false)
            expect(coefficients.equals(host.coefficients()), `coefficients, seed ${seed}`).toBe(
              true,
            )
          }
          // Otherwise the comparison would be of two networks that stood still.
          expect(changed).toBeGreaterThan(SAMPLES / 2)
        }
        expect(all.benches.flatMap(b => b.failures)).toEqual([])
      })

  it("reads sparse, dense, shared and awaited parts among the cases", () => {
    const flags = cases.flatMap(({ net, boards }) =>
      cut(net(1), Math.max(...boards)).flatMap(slices => {
        const m = buildShard(net(1), slices, SLOTS)
        return Array.from({ length: m.readUInt16LE(Header.Parts) }, (_, i) =>
          m.readUInt16LE(partAt(i) + Part.Flags),
        )
      }),
    )
    for (const flag of [
      PartFlag.Input,
      PartFlag.Output,
      PartFlag.Dense,
      PartFlag.Report,
      PartFlag.Await,
      PartFlag.Shared,
    ])
      expect(flags.some(f => (f & flag) !== 0)).toBe(true)
    expect(flags.some(f => (f & (PartFlag.Await | PartFlag.Dense)) === PartFlag.Await)).toBe(true)
  })
})
