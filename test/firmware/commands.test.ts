/** Whatever is sent to the service: an answer as documented, and a board that runs on. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest"
import { ARENA_BYTES } from "../../firmware/arena"
import { buildShard } from "../../host/network/shard"
import { Header, LAYOUT_VERSION, Part, PartFlag } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import { Command, checksum, PROTOCOL_VERSION } from "../../src/wire/protocol"
import { network } from "../src/core/helpers"
import { bytes } from "./bench"

import {
  type Bad,
  back,
  begin,
  bench,
  boot,
  expectRefused,
  expectSaid,
  fixed,
  imageOf,
  imageSlice,
  load,
  none,
  outputShard,
  said,
  signals,
  useBoards,
} from "./service"

useBoards(1)

describe("without a shard", () => {
  beforeAll(async () => {
    await load(bench, outputShard)
    // A begin alone: the board forgets the shard it had.
    await expectSaid(Command.Begin, begin(outputShard), ["Begin Ok"])
    expect((await bench.fence()).state).toMatchObject({ state: 1, shardBytes: 0, layoutHash: 0 })
  })

  const cases: Bad[] = [
    {
      what: "an image",
      command: Command.Image,
      payload: imageSlice(),
      says: "Fault Image NoShard",
    },
    {
      what: "signals",
      command: Command.Signals,
      payload: signals(),
      says: "Fault Signals NoShard",
    },
    { what: "sums", command: Command.Back, payload: back(), says: "Fault Back NoShard" },
    { what: "an empty image", command: Command.Image, payload: none, says: "Fault Image NoShard" },
    { what: "a read", command: Command.Read, payload: fixed[3][1], says: "Read NoShard" },
    { what: "a setting", command: Command.Set, payload: fixed[4][1], says: "Set NoShard" },
  ]
  for (const bad of cases) it(`refuses ${bad.what}`, () => expectRefused(bad))
})

describe("loading", () => {
  const image = imageOf(outputShard)
  const rightSum = checksum(image, 0, image.length, 0)
  const hash = outputShard.readInt32LE(Header.LayoutHash)
  const slice = (at: number, length: number) =>
    bytes({ u32: at }, { raw: image.subarray(at, at + length) })

  beforeEach(async () => {
    await expectSaid(Command.Begin, begin(outputShard, { sum: rightSum, hash }), ["Begin Ok"])
  })

  const badBegins: [string, Buffer, string][] = [
    ["another protocol", begin(outputShard, { protocol: PROTOCOL_VERSION + 1 }), "BadVersion"],
    ["protocol 0", begin(outputShard, { protocol: 0 }), "BadVersion"],
    ["more than the memory", begin(outputShard, { size: ARENA_BYTES + 2 }), "TooLarge"],
    ["4 GiB", begin(outputShard, { size: 0xffffffff }), "TooLarge"],
    ["an odd size", begin(outputShard, { size: 1001 }), "BadValue"],
    ["less than a header", begin(outputShard, { size: Header.Length }), "BadValue"],
    ["nothing", begin(outputShard, { size: 0 }), "BadValue"],
  ]
  for (const [what, payload, status] of badBegins)
    it(`refuses to begin with ${what}, and the shard before stays`, async () => {
      await load(bench, outputShard)
      await expectRefused({ what, command: Command.Begin, payload, says: `Begin ${status}` })
      const { state } = await bench.fence()
      expect(state).toMatchObject({ state: 2, layoutHash: hash })
    })

  const badSlices: [string, Buffer, string][] = [
    ["empty", none, "BadLength"],
    ["without bytes", bytes({ u32: 0 }), "BadLength"],
    ["of one byte", bytes({ u32: 0 }, { u8: 1 }), "BadLength"],
    ["of odd length", slice(0, 101), "BadLength"],
    ["behind a gap", slice(2, 100), "OutOfRange"],
    ["past the end", bytes({ u32: image.length }, { u16: 0 }), "OutOfRange"],
    ["at the far end", bytes({ u32: 0xfffffffe }, { u16: 0 }), "OutOfRange"],
    ["at 2^31", bytes({ u32: 0x80000000 }, { u16: 0 }), "OutOfRange"],
  ]
  for (const [what, payload, status] of badSlices)
    it(`refuses a slice ${what}`, async () => {
      await expectRefused({ what, command: Command.Slice, payload, says: `Fault Slice ${status}` })
      // What is missing can still be sent.
      for (let at = 0; at < image.length; at += 200) {
        await bench.send(Command.Slice, slice(at, 200))
        await bench.fence()
      }
      await expectSaid(Command.Commit, bytes({ u16: 1 }), ["Commit Ok"])
    })

  it("refuses a slice that goes on past the size announced", async () => {
    await expectSaid(Command.Begin, begin(outputShard, { size: 400 }), ["Begin Ok"])
    await bench.exchange(Command.Slice, slice(0, 224))
    await expectRefused({
      what: "",
      command: Command.Slice,
      payload: slice(224, 178),
      says: "Fault Slice OutOfRange",
      number: 224,
      expected: 224,
    })
  })

  it("ignores a slice it had, and refuses one when nothing is being loaded", async () => {
    await bench.exchange(Command.Slice, slice(0, 200))
    await expectSaid(Command.Slice, slice(0, 200), [])
    await expectSaid(Command.Slice, bytes({ u32: 0 }, { raw: Buffer.alloc(200, 9) }), [])
    for (let at = 200; at < image.length; at += 200)
      await bench.exchange(Command.Slice, slice(at, 200))
    await expectSaid(Command.Commit, bytes({ u16: 1 }), ["Commit Ok"])
    await expectRefused({
      what: "",
      command: Command.Slice,
      payload: slice(0, 200),
      says: "Fault Slice NoShard",
    })
  })

  it("refuses to commit while bytes are missing, and takes them after", async () => {
    await bench.exchange(Command.Slice, slice(0, 200))
    const [reply] = await expectSaid(Command.Commit, bytes({ u16: 1 }), ["Commit BadChecksum"])
    expect(reply.payload.readUInt32LE(3)).toBe(200)
    for (let at = 200; at < image.length; at += 200)
      await bench.exchange(Command.Slice, slice(at, 200))
    await expectSaid(Command.Commit, bytes({ u16: 1 }), ["Commit Ok"])
    await expectSaid(Command.Commit, bytes({ u16: 2 }), ["Commit NoShard"])
  })

  it("refuses another checksum, and another layout hash than announced", async () => {
    for (const [fields, status] of [
      [{ sum: rightSum ^ 1, hash }, "BadChecksum"],
      [{ sum: rightSum, hash: hash ^ 1 }, "BadShard"],
    ] as const) {
      await bench.exchange(Command.Begin, begin(outputShard, fields))
      for (let at = 0; at < image.length; at += 224)
        await bench.exchange(Command.Slice, slice(at, 224))
      await expectSaid(Command.Commit, bytes({ u16: 1 }), [`Commit ${status}`])
      expect((await bench.fence()).state.state).toBe(0)
      await expectRefused({
        what: "",
        command: Command.Image,
        payload: imageSlice(),
        says: "Fault Image NoShard",
      })
    }
  })

  it("finds a single wrong byte by its checksum", async () => {
    for (let at = 0; at < image.length; at += 224) {
      const s = slice(at, 224)
      if (at === 224) s[50] ^= 0x10
      await bench.exchange(Command.Slice, s)
    }
    await expectSaid(Command.Commit, bytes({ u16: 1 }), ["Commit BadChecksum"])
  })
})

describe("a shard that is not sound", () => {
  const dense = partAt(2)
  const sparse = partAt(1)
  const pixels = partAt(0)
  const u16 = (at: number, value: number) => (m: Buffer) => m.writeUInt16LE(value, at)
  const i32 = (at: number, value: number) => (m: Buffer) => m.writeInt32LE(value, at)
  const flags = (part: number, change: (flags: number) => number) => (m: Buffer) =>
    m.writeUInt16LE(change(m.readUInt16LE(part + Part.Flags)), part + Part.Flags)
  const copy = (from: number, to: number) => (m: Buffer) => m.writeInt32LE(m.readInt32LE(from), to)
  const damage: [string, (m: Buffer) => void, string?][] = [
    ["of another magic", u16(Header.Magic, 0)],
    ["of another layout version", u16(Header.Version, LAYOUT_VERSION + 1), "BadVersion"],
    ["of layout version 0", u16(Header.Version, 0), "BadVersion"],
    ["larger than the memory", i32(Header.Size, ARENA_BYTES + 1), "TooLarge"],
    ["that leaves no room for reports", i32(Header.Size, ARENA_BYTES), "TooLarge"],
    ["of negative size", i32(Header.Size, -4)],
    ["smaller than it is", i32(Header.Size, 300)],
    ["without parts", u16(Header.Parts, 0)],
    ["of more parts than descriptors", u16(Header.Parts, 4)],
    ["of 65,535 parts", u16(Header.Parts, 65535)],
    ["without slots", u16(Header.Slots, 0)],
    ["of 17 slots", u16(Header.Slots, 17)],
    ["of 65,535 slots", u16(Header.Slots, 65535)],
    ["of one step", u16(Header.Steps, 1)],
    ["of 17 steps", u16(Header.Steps, 17)],
    ["of a learning shift of 17", u16(Header.LearnShift, 17)],
    ["of a signal shift of 32", u16(Header.SignalShift, 32)],
    ["of a net shift of 32", u16(Header.NetShift, 32)],
    ["of another width", u16(Header.Width, 21)],
    ["whose table is outside", i32(Header.InputTable, ARENA_BYTES)],
    ["whose table is negative", i32(Header.InputTable, -2147483648)],
    ["of layer 0", u16(pixels + Part.Layer, 0)],
    ["of layer 256", u16(dense + Part.Layer, 256)],
    ["of layer 65,535", u16(dense + Part.Layer, 65535)],
    ["of parts that go back", u16(sparse + Part.Layer, 4)],
    ["without neurons", u16(sparse + Part.Neurons, 0)],
    ["of more synapses than a byte counts", u16(sparse + Part.Neurons, 100)],
    ["of six inputs", u16(sparse + Part.Inputs, 6)],
    ["without outputs", u16(sparse + Part.Outputs, 0)],
    ["of outputs past the ring", u16(sparse + Part.OutputFirst, 4)],
    ["without sources", u16(sparse + Part.Sources, 0)],
    ["of other sources than its bus", u16(sparse + Part.Sources, 11)],
    ["of negative links", i32(sparse + Part.Links, -1)],
    ["of 2^30 links", i32(sparse + Part.Links, 1 << 30)],
    ["of dense links short of the layer", i32(dense + Part.Links, 3)],
    ["that writes behind its bus", u16(sparse + Part.BusOutFirst, 1)],
    ["of a bus narrower than the next reads", u16(sparse + Part.BusOutWidth, 7)],
    ["of a wider bus than the next reads", u16(sparse + Part.BusOutWidth, 9)],
    ["of a bus wider than all memory", u16(dense + Part.BusOutWidth, 65535)],
    ["of 0 sources a chunk", u16(sparse + Part.ChunkSources, 0)],
    ["of 0 synapses a chunk", u16(dense + Part.ChunkSynapses, 0)],
    ["of 0 neurons a chunk", u16(dense + Part.ChunkNeurons, 0)],
    ["that reads pixels behind the input", flags(sparse, f => f | PartFlag.Input)],
    ["that reads no pixels at the input", flags(pixels, f => f & ~PartFlag.Input)],
    ["of dense pixels", flags(pixels, f => f | PartFlag.Dense)],
    ["that awaits pixels", flags(pixels, f => f | PartFlag.Await)],
    ["that does not await what it lacks", flags(sparse, f => f & ~PartFlag.Await)],
    ["that awaits what it has", flags(dense, f => f | PartFlag.Await)],
    ["of outputs in the middle", flags(sparse, f => f | PartFlag.Output)],
    ["of outputs others read", flags(dense, f => f | PartFlag.Report)],
    ["of signals nobody reads", flags(dense, f => f & ~PartFlag.Output)],
    ["of an unknown flag", flags(dense, f => f | 32)],
    ["that reads pixels and sends back", copy(sparse + Part.BackOut, pixels + Part.BackOut)],
    ["whose bus is another's", copy(dense + Part.BusOut, sparse + Part.BusOut)],
    ["whose sums lie on a list", copy(sparse + Part.List, sparse + Part.Sum)],
    ["whose bus lies on a list", copy(pixels + Part.List, dense + Part.BusOut)],
    [
      "whose coefficients lie on a start table",
      copy(sparse + Part.Start, sparse + Part.Coefficient),
    ],
    [
      "whose coefficients lie on other targets",
      copy(pixels + Part.Target, sparse + Part.Coefficient),
    ],
    ["whose lists are one", copy(pixels + Part.List, sparse + Part.List)],
    ...(
      [
        Part.Start,
        Part.Target,
        Part.Coefficient,
        Part.Sum,
        Part.State,
        Part.BusIn,
        Part.BusOut,
        Part.BackOut,
        Part.BackIn,
        Part.Lambda,
        Part.Noise,
        Part.List,
        Part.SourceIds,
        Part.NeuronIds,
      ] as const
    ).flatMap((field): [string, (m: Buffer) => void][] => [
      [`whose ${Part[field]} is in the header`, i32(sparse + field, 2)],
      [`whose ${Part[field]} is negative`, i32(sparse + field, -2)],
      [`whose ${Part[field]} is outside`, i32(sparse + field, ARENA_BYTES - 2)],
    ]),
    [
      "whose start table goes back",
      m => m.writeUInt16LE(60000, m.readInt32LE(sparse + Part.Start) + 2),
    ],
    ["whose first link is not 0", m => m.writeUInt16LE(1, m.readInt32LE(sparse + Part.Start))],
    ["of a synapse it has not", m => m.writeUInt8(255, m.readInt32LE(sparse + Part.Target) + 3)],
  ]

  for (const [what, apply, status = "BadShard"] of damage)
    it(`is refused: ${what}`, async () => {
      const m = Buffer.from(outputShard)
      apply(m)
      // What is sent stays the same number of bytes.
      const reply = await load(bench, m)
      expect(said(reply)).toBe(`Commit ${status}`)
      expect((await bench.fence()).state).toMatchObject({ state: 0, boot })
    })

  it("is refused: links so crowded that a chunk would not end in time", async () => {
    // Ten pixels of 200 links each: sound if a chunk is small enough.
    const wide = network([{ neurons: 50, inputs: 5, outputs: 1, fanIn: 8 }], { width: 10 })
    const m = buildShard(wide, [{ layer: 1, first: 0, count: 50 }], 1)
    expect(said(await load(bench, m))).toBe("Commit Ok")
    m.writeUInt16LE(100, partAt(0) + Part.ChunkSources)
    expect(said(await load(bench, m))).toBe("Commit BadShard")
  })

  it("is refused: a chunk of neurons that would not end in time", async () => {
    const wide = network([{ neurons: 85, inputs: 3, outputs: 1, fanIn: 2 }], { steps: 16 })
    const m = buildShard(wide, [{ layer: 1, first: 0, count: 85 }], 1)
    expect(said(await load(bench, m))).toBe("Commit Ok")
    m.writeUInt16LE(85, partAt(0) + Part.ChunkNeurons)
    expect(said(await load(bench, m))).toBe("Commit BadShard")
  })

  it("and the checks themselves are not what refuses: the same shard undamaged is taken", async () => {
    expect(said(await load(bench, outputShard))).toBe("Commit Ok")
  })
})
