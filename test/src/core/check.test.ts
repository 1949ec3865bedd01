import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { NumberFormat } from "../../../host/base/memory"
import { encodeRuns } from "../../../host/data/runs"
import type { Network } from "../../../host/network/network"
import { pico16 } from "../../../host/network/presets"
import { buildShard } from "../../../host/network/shard"
import type { Slice } from "../../../host/network/slices"
import { checkLinks, isSound } from "../../../src/core/check"
import { activateRuns, clearImage } from "../../../src/core/image"
import { Header, Part } from "../../../src/core/layout"
import { beginLearning, outputError, partAt } from "../../../src/core/run"
import { inMemory, namedShards, soundShards } from "../../firmware/hostile"
import {
  address,
  network,
  partsOf,
  randomImage,
  uniform,
  wholeBackward,
  wholeForward,
} from "./helpers"

/** Both checks, as a board runs them. */
function trusted(m: Buffer): boolean {
  if (!isSound(m, m.length)) return false
  for (const part of partsOf(m)) {
    let at = 0
    while (at >= 0) at = checkLinks(m, part, at)
    if (at !== -1) return false
  }
  return true
}

const net = network([
  { neurons: 5, fanIn: 7 },
  { neurons: 4, fanIn: 6 },
  { neurons: 3, outputs: 1 },
])
const slices: Slice[] = [
  { layer: 1, first: 1, count: 3 },
  { layer: 2, first: 0, count: 4 },
  { layer: 3, first: 0, count: 3 },
]
const build = (n: Network = net) => buildShard(n, slices, 2)

describe("a shard that was built", () => {
  test("is sound, whatever its parts", () => {
    expect(trusted(build())).toBe(true)
    for (const slice of slices) expect(trusted(buildShard(net, [slice], 3))).toBe(true)
    const whole = pico16(1).layers.map((l, k) => ({ layer: k + 1, first: 0, count: l.neurons }))
    expect(trusted(buildShard(pico16(1), whole, 4))).toBe(true)
  })

  test("is not sound in less memory than it says it uses", () => {
    const m = build()
    expect(isSound(m, m.length)).toBe(true)
    expect(isSound(m, m.length - 1)).toBe(false)
  })
})

test("only finer elements take rates below 2^-16, down to 2^-20", () => {
  const finer: Network = { ...net, elementBits: 16, elementMax: 11776 }
  const shifted = (n: Network, shift: number) => {
    const m = build(n)
    m.setAt(Header.LearnShift, "u16", shift)
    return trusted(m)
  }
  expect([16, 17].map(shift => shifted(net, shift))).toEqual([true, false])
  expect([17, 20, 21].map(shift => shifted(finer, shift))).toEqual([true, true, false])
})

test("where every source reaches every synapse, their order is checked, as nobody looks it up", () => {
  const full = () => {
    const n = network([{ neurons: 3, fanIn: 9 }], { width: 9 })
    return buildShard(n, [{ layer: 1, first: 0, count: 3 }], 1)
  }
  expect(trusted(full())).toBe(true)
  const target = address(full(), partAt(0), Part.Target)
  const swapped = full()
  for (const [i, synapse] of [1, 0].entries()) swapped.writeUInt8(synapse, target + 13 + i)
  expect(trusted(swapped)).toBe(false)
  const twice = full()
  twice.writeUInt8(4, target + 14)
  expect(trusted(twice)).toBe(false)
  // As many links, but one source has two more and the next two fewer.
  const moved = full()
  const start = address(moved, partAt(0), Part.Start)
  moved.writeUInt16LE(moved.readUInt16LE(start + 2) + 2, start + 2)
  expect(trusted(moved)).toBe(false)
})

describe("a shard is refused", () => {
  const u16 = (at: number, value: number) => (m: Buffer) => m.writeUInt16LE(value, at)
  const i32 = (at: number, value: number) => (m: Buffer) => m.writeInt32LE(value, at)
  const first = partAt(0)
  const second = partAt(1)
  const dense = partAt(2)
  const damage: [string, (m: Buffer) => void][] = [
    ["of another magic", u16(Header.Magic, 0x5856)],
    ["of another version", u16(Header.Version, 99)],
    ["that is larger than its memory", i32(Header.Size, 1 << 20)],
    ["of negative size", i32(Header.Size, -1)],
    ["without parts", u16(Header.Parts, 0)],
    ["of more parts than fit", u16(Header.Parts, 60000)],
    ["without slots", u16(Header.Slots, 0)],
    ["of more slots than its buses hold", u16(Header.Slots, 2000)],
    ["of one step", u16(Header.Steps, 1)],
    ["of 17 steps", u16(Header.Steps, 17)],
    ["of a learning shift past 16", u16(Header.LearnShift, 17)],
    ["of a signal shift past 31", u16(Header.SignalShift, 32)],
    ["of a net shift past 31", u16(Header.NetShift, 32)],
    ["of another width than its pixel links", u16(Header.Width, 21)],
    ["whose table is outside", i32(Header.InputTable, 1 << 20)],
    ["whose table lies in the header", i32(Header.InputTable, 8)],
    ["without neurons", u16(first + Part.Neurons, 0)],
    ["of too many neurons", u16(first + Part.Neurons, 100)],
    ["without synapses", u16(first + Part.Inputs, 0)],
    ["of a sixth synapse", u16(first + Part.Inputs, 6)],
    ["without outputs", u16(first + Part.Outputs, 0)],
    ["of a sixth element", u16(first + Part.OutputFirst, 4)],
    ["that writes behind its bus", u16(first + Part.BusOutFirst, 5)],
    ["of no sources", u16(second + Part.Sources, 0)],
    ["of other sources than its bus has", u16(second + Part.Sources, 11)],
    ["of negative links", i32(first + Part.Links, -1)],
    ["of more links than are stored", i32(first + Part.Links, 1 << 20)],
    ["of dense links that do not fill the layer", i32(dense + Part.Links, 10)],
    ["that reads pixels and sends back", i32(first + Part.BackOut, 2000)],
    ["of an endless chunk of sources", u16(first + Part.ChunkSources, 0)],
    ["of an endless chunk of synapses", u16(first + Part.ChunkSynapses, 0)],
    ["of an endless chunk of neurons", u16(first + Part.ChunkNeurons, 0)],
    ...// Bytes of each area of the second part: 4 neurons, 12 synapses, 72 links, 10 signals in, 8 out.
    (
      [
        [Part.Start, 22],
        [Part.Target, 72],
        [Part.Coefficient, 144],
        [Part.Sum, 48],
        [Part.State, 40],
        [Part.BusIn, 40],
        [Part.BusOut, 32],
        [Part.BackOut, 40],
        [Part.BackIn, 32],
        [Part.Lambda, 24],
        [Part.Noise, 24],
        [Part.List, 44],
      ] as const
    ).flatMap(([field, bytes]): [string, (m: Buffer) => void][] => [
      [`whose ${Part[field]} lies in the header`, i32(second + field, 4)],
      [`whose ${Part[field]} is negative`, i32(second + field, -8)],
      [
        `whose ${Part[field]} ends one byte outside`,
        m => m.writeInt32LE(m.length - bytes + 1, second + field),
      ],
    ]),
    ["whose first link is not the first", m => m.writeUInt16LE(1, address(m, first, Part.Start))],
    [
      "whose links go back",
      m => {
        const at = address(m, first, Part.Start) + 2 * 3
        m.writeUInt16LE(m.readUInt16LE(at + 2) + 1, at)
      },
    ],
    [
      "whose last link is not the last",
      m => {
        const at = address(m, first, Part.Start) + 2 * net.width
        m.writeUInt16LE(m.readUInt16LE(at) - 1, at)
      },
    ],
    [
      "of a link to a synapse it does not have",
      m => m.writeUInt8(9, address(m, first, Part.Target) + 5),
    ],
  ]
  for (const [what, apply] of damage)
    test(what, () => {
      const m = build()
      apply(m)
      expect(trusted(m)).toBe(false)
    })
})

test("shards that led machine code out of its memory are refused, those they were made of are not", () => {
  const size = 1 << 14
  const taken = namedShards.filter(([, shard]) => trusted(inMemory(shard, size)))
  expect(taken.map(([name]) => name)).toEqual([])
  const refused = soundShards.filter(([, shard]) => !trusted(inMemory(shard, size)))
  expect(refused.map(([name]) => name)).toEqual([])
})

/** Makes a buffer store numbers as a board does: cut to the format, not refused. */
function wrapping(m: Buffer): Buffer {
  m.setAt = function (this: Buffer, offset: number, format: NumberFormat, value: number) {
    if (format === "i16" || format === "u16") this.writeUInt16LE(value & 0xffff, offset)
    else if (format === "i32") this.writeInt32LE(value | 0, offset)
    else this.writeUInt8(value & 0xff, offset)
  }
  return m
}

describe("a shard that is trusted", () => {
  /** A sample and a learning step; an access outside the memory is an exception. */
  function run(m: Buffer): void {
    const part = partAt(0)
    const runs = encodeRuns(randomImage(net.width, uniform(1), 0.8))
    clearImage(m, part)
    activateRuns(m, part, runs, 0, runs.length, 0)
    for (const p of partsOf(m)) wholeForward(m, p)
    beginLearning(m, 1)
    outputError(m, partsOf(m).at(-1) as number, 0, 0)
    for (const p of partsOf(m).reverse()) wholeBackward(m, p)
  }

  test("runs within its memory even when its descriptors were damaged", () => {
    const whole = build()
    const end = partAt(slices.length)
    let damaged = 0
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: end / 2 - 1 }),
            value: fc.oneof(fc.nat(40), fc.nat(whole.length), fc.nat(65535)),
          }),
          { minLength: 1, maxLength: 2 },
        ),
        changes => {
          const m = wrapping(Buffer.from(whole))
          for (const { at, value } of changes) m.writeUInt16LE(value, 2 * at)
          if (!trusted(m)) return
          damaged++
          run(m)
        },
      ),
      { numRuns: 4000 },
    )
    expect(damaged).toBeGreaterThan(200)
  })
})
