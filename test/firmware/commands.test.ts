/** Whatever is sent to the service: an answer as documented, and a board that runs on. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { ARENA_BYTES } from "../../firmware/arena"
import { buildShard } from "../../host/network/shard"
import type { Slice } from "../../host/network/slices"
import { Header, LAYOUT_VERSION, Part, PartFlag } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import {
  BackField,
  BackFlag,
  Command,
  Compared,
  checksum,
  FaultField,
  ImageFlag,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
  Setting,
  SignalsField,
  Status,
} from "../../src/wire/protocol"
import { network, uniform } from "../src/core/helpers"
import { type Bench, type Benches, bytes, native, type Report, startBenches } from "./bench"

const SLOTS = 4
const net = network(
  [
    { neurons: 5, fanIn: 7 },
    { neurons: 4, fanIn: 6 },
    { neurons: 3, outputs: 1 },
  ],
  { margin: 4096 },
)
/** Takes pixels, awaits signals 0, 1, 8 and 9 of layer 1 from elsewhere, gives the outputs. */
const outputSlices: Slice[] = [
  { layer: 1, first: 1, count: 3 },
  { layer: 2, first: 0, count: 4 },
  { layer: 3, first: 0, count: 3 },
]
/** Takes pixels, reports signals 0…3 of layer 1 and awaits backward sums for them. */
const hiddenSlices: Slice[] = [{ layer: 1, first: 0, count: 2 }]
const outputShard = buildShard(net, outputSlices, SLOTS)
const hiddenShard = buildShard(net, hiddenSlices, SLOTS)

const imageOf = (shard: Buffer) => shard.subarray(0, shard.readInt32LE(Header.Image))

const begin = (
  shard: Buffer,
  { tag = 7, protocol = PROTOCOL_VERSION, size = imageOf(shard).length, sum = 0, hash = 0 } = {},
) => bytes({ u16: tag }, { u16: protocol }, { u32: size }, { u32: sum }, { u32: hash })

/** All that loads a shard, as it is, up to the reply to commit. */
async function load(bench: Bench, shard: Buffer): Promise<Report> {
  const image = imageOf(shard)
  const sum = checksum(image, 0, image.length, 0)
  await bench.send(Command.Begin, begin(shard, { sum, hash: shard.readInt32LE(Header.LayoutHash) }))
  for (let at = 0; at < image.length; at += 224) {
    await bench.send(Command.Slice, bytes({ u32: at }, { raw: image.subarray(at, at + 224) }))
    // Slices are not answered; a board keeps sixteen messages waiting.
    if (at % (8 * 224) === 7 * 224) await bench.fence()
  }
  const { reports } = await bench.exchange(Command.Commit, bytes({ u16: 9 }))
  return reports.at(-1)!
}

const imageSlice = ({
  sample = 4,
  updates = 0,
  flags = ImageFlag.First | ImageFlag.Last | ImageFlag.Flush,
  label = 0,
  pixel = 0,
  runs = Buffer.from([2, 3, 10, 20, 30]),
} = {}) =>
  bytes(
    { u32: sample },
    { u32: updates },
    { u8: flags },
    { u8: label },
    { u16: pixel },
    { raw: runs },
  )
const signals = ({ sample = 4, layer = 1, count = 2, first = 0, values = [5, -5] } = {}) =>
  bytes(
    { u32: sample },
    { u8: layer },
    { u8: count },
    { u16: first },
    { raw: bytes(...values.map(v => ({ u16: v }))) },
  )
const back = ({ sample = 4, layer = 1, flags = 0, first = 0, number = 0, values = [1, 2] } = {}) =>
  bytes(
    { u32: sample },
    { u8: layer },
    { u8: flags },
    { u16: first },
    { u8: 255 },
    { u8: number },
    { raw: bytes(...values.map(v => ({ u32: v }))) },
  )

/** What a report says: "Begin BadLength", "Fault Image OutOfOrder". */
function said({ command, payload }: Report): string {
  if (command === Command.Fault)
    return `Fault ${Command[payload[1]] ?? payload[1]} ${Status[payload[0]]}`
  if (command === Command.Signals || command === Command.Back) return Command[command]
  return `${Command[command]} ${Status[payload[2]]}`
}

let all: Benches
let bench: Bench
let boot: number
const boots: number[] = []

beforeAll(async () => {
  // WUXING_FUZZ_FRAMES and WUXING_GC_STRESS are for a longer run of the random frames (npm run fuzz).
  all = await startBenches(2, { gcStress: process.env.WUXING_GC_STRESS === "1" })
  bench = all.benches[0]
  for (const each of all.benches) boots.push((await each.fence()).state.boot)
  boot = boots[0]
})
afterAll(() => all?.stop())

/** Sends one command and expects these reports, no others, and a board that was not restarted. */
async function expectSaid(command: number, payload: Buffer, expected: string[]): Promise<Report[]> {
  const { reports, state } = await bench.exchange(command, payload)
  expect(reports.map(said)).toEqual(expected)
  expect(state.boot).toBe(boot)
  expect(bench.failures).toEqual([])
  return reports
}

interface Bad {
  what: string
  command: Command
  payload: Buffer
  says: string
  /** Fields of a fault. */
  number?: number
  expected?: number
  /** Which value was compared, and what it was. */
  compared?: [Compared, number]
}

async function expectRefused({ command, payload, says, number, expected, compared }: Bad) {
  const refused = (await bench.fence()).state.refused
  const [report] = await expectSaid(command, payload, [says])
  if (number !== undefined) expect(report.payload.readInt32LE(2)).toBe(number)
  if (expected !== undefined) expect(report.payload.readInt32LE(FaultField.Expected)).toBe(expected)
  if (compared !== undefined) {
    expect(Compared[report.payload[FaultField.Compared]]).toBe(Compared[compared[0]])
    expect(report.payload.readInt32LE(FaultField.Got)).toBe(compared[1])
  }
  // A reply repeats the tag of its request, or 0 where there was none.
  if (report.command !== Command.Fault)
    expect(report.payload.readUInt16LE(0)).toBe(payload.length >= 2 ? payload.readUInt16LE(0) : 0)
  expect((await bench.fence()).state.refused).toBe(refused + 1)
}

const cut = (b: Buffer) => b.subarray(0, b.length - 1)
const longer = (b: Buffer) => Buffer.concat([b, Buffer.alloc(1)])
const none = Buffer.alloc(0)

const fixed: [Command, Buffer][] = [
  [Command.Begin, begin(outputShard)],
  [Command.Commit, bytes({ u16: 3 })],
  [Command.Status, bytes({ u16: 3 })],
  [Command.Read, bytes({ u16: 3 }, { u32: 0 }, { u16: 4 })],
  [Command.Set, bytes({ u16: 3 }, { u8: Setting.Margin }, { u32: 5 })],
  [Command.Save, bytes({ u16: 3 }, { u32: 1 }, { u32: 2 }, { u32: 3 })],
  [Command.Saved, bytes({ u16: 3 }, { u8: 0 })],
  [Command.Restore, bytes({ u16: 3 }, { u32: 1 })],
]
const wrongLengths: Bad[] = fixed.flatMap(([command, payload]) =>
  [
    { what: "empty", payload: none },
    { what: "of one byte", payload: payload.subarray(0, 1) },
    { what: "one byte short", payload: cut(payload) },
    { what: "one byte long", payload: longer(payload) },
    { what: "as long as a packet can be", payload: Buffer.alloc(MAX_PAYLOAD, 3) },
  ].map(({ what, payload }) => ({
    what: `${Command[command]} ${what}`,
    command,
    payload,
    says: `${Command[command]} BadLength`,
  })),
)

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

describe("with a shard that gives the outputs", () => {
  let memory: Buffer
  const hash = outputShard.readInt32LE(Header.LayoutHash)

  beforeAll(async () => {
    expect(said(await load(bench, outputShard))).toBe("Commit Ok")
    // Sample 4 is under way: its pixels are in, the signals of others are not.
    await expectSaid(Command.Image, imageSlice({ sample: 4 }), [])
    memory = await bench.board.read(0, outputShard.length)
    await bench.fence()
  })

  const cases: Bad[] = [
    ...wrongLengths,
    ...[none, imageSlice().subarray(0, 11)].map(payload => ({
      what: `an image of ${payload.length} bytes`,
      command: Command.Image,
      payload,
      says: "Fault Image BadLength",
    })),
    ...[
      none,
      signals().subarray(0, 7),
      signals({ values: [] }),
      cut(signals()),
      longer(signals()),
    ].map(payload => ({
      what: `signals of ${payload.length} bytes`,
      command: Command.Signals,
      payload,
      says: "Fault Signals BadLength",
    })),
    {
      what: "signals that count none",
      command: Command.Signals,
      payload: signals({ count: 0 }),
      says: "Fault Signals BadLength",
    },
    ...[none, back().subarray(0, 9), cut(back()), longer(back())].map(payload => ({
      what: `sums of ${payload.length} bytes`,
      command: Command.Back,
      payload,
      says: "Fault Back BadLength",
    })),
    ...[
      ["behind the shard", outputShard.length, 1],
      ["over its end", outputShard.length - 3, 4],
      ["far outside", 0xffffffff, 1],
      ["at 2^31", 0x80000000, 4],
      ["of more than a reply holds", 0, MAX_PAYLOAD - 6],
      ["of 65,535 bytes", 0, 65535],
    ].map(([where, at, length]) => ({
      what: `a read ${where}`,
      command: Command.Read,
      payload: bytes({ u16: 5 }, { u32: at as number }, { u16: length as number }),
      says: "Read OutOfRange",
    })),
    ...[
      [Setting.LearnShift, 0],
      [Setting.LearnShift, 17],
      [Setting.LearnShift, -1],
      [Setting.LearnShift, 0x80000000],
      [Setting.Margin, -1],
      [Setting.Margin, 32768],
      [Setting.ElementShift, 3],
      [Setting.ElementShift, 25],
      [3, 5],
      [255, 5],
    ].map(([setting, value]) => ({
      what: `setting ${setting} to ${value}`,
      command: Command.Set,
      payload: bytes({ u16: 5 }, { u8: setting }, { u32: value }),
      says: "Set BadValue",
    })),
    ...[0x80000000, 0xffffffff].map(sample => ({
      what: `an image of sample ${sample}`,
      command: Command.Image,
      payload: imageSlice({ sample }),
      says: "Fault Image BadValue",
    })),
    {
      what: "an unknown image flag",
      command: Command.Image,
      payload: imageSlice({ sample: 8, flags: 0x13 }),
      says: "Fault Image BadValue",
    },
    {
      what: "a second slice without a first",
      command: Command.Image,
      payload: imageSlice({ sample: 9, flags: ImageFlag.Last }),
      says: "Fault Image OutOfOrder",
      number: 9,
      expected: -1,
    },
    {
      what: "a sample to learn after other updates",
      command: Command.Image,
      payload: imageSlice({ sample: 9, updates: 3, flags: 7 }),
      says: "Fault Image OutOfOrder",
      number: 9,
      expected: 0,
    },
    {
      what: "a label that is no class",
      command: Command.Image,
      payload: imageSlice({ sample: 9, label: 3, flags: 7 }),
      says: "Fault Image BadValue",
      number: 9,
      expected: 3,
    },
    ...[
      ["layer 0", { layer: 0 }],
      ["the layer it has whole", { layer: 2 }],
      ["the output layer", { layer: 3 }],
      ["layer 255", { layer: 255 }],
    ].map(([what, fields]) => ({
      what: `signals of ${what}`,
      command: Command.Signals,
      payload: signals(fields as object),
      says: "Fault Signals WrongShard",
    })),
    ...[
      ["past the layer", { first: 9 }],
      ["far past it", { first: 65535 }],
      ["of its own range", { first: 2 }],
      ["that reach into its own range", { first: 1 }],
      ["that begin in it", { first: 7 }],
    ].map(([what, fields]) => ({
      what: `signals ${what}`,
      command: Command.Signals,
      payload: signals(fields as object),
      says: "Fault Signals OutOfRange",
      expected: 10,
    })),
    ...[5, 0, 0x7fffffff].map(sample => ({
      what: `signals of sample ${sample}, not in hand`,
      command: Command.Signals,
      payload: signals({ sample }),
      says: "Fault Signals OutOfOrder",
      number: sample,
      compared: [Compared.Sample, sample] as [Compared, number],
    })),
    ...[0x80000004, 0xffffffff].map(sample => ({
      what: `signals of sample ${sample}`,
      command: Command.Signals,
      payload: signals({ sample }),
      says: "Fault Signals BadValue",
    })),
    ...[4, 5].map(sample => ({
      what: `sums for sample ${sample}, not being learnt`,
      command: Command.Back,
      payload: back({ sample }),
      says: "Fault Back OutOfOrder",
    })),
    {
      what: "sums for sample 2^32−1, the mark of none",
      command: Command.Back,
      payload: back({ sample: 0xffffffff }),
      says: "Fault Back BadValue",
    },
    ...[0x00, 0x01, 0x02, 0x7f, 0x89, 0x8f, 0x93, Command.Fault, 0xa0, 0xff, 0x100, 0xfff].map(
      command => ({
        what: `command 0x${command.toString(16)}`,
        command,
        payload: Buffer.alloc(20, 1),
        says: `Fault ${Command[command & 0xff] ?? command & 0xff} UnknownCommand`,
        number: command,
      }),
    ),
  ]
  for (const bad of cases) it(`refuses ${bad.what}`, () => expectRefused(bad))

  it("has kept its memory through all of it", async () => {
    const now = await bench.board.read(0, outputShard.length)
    expect(now.equals(memory)).toBe(true)
    expect((await bench.fence()).state).toMatchObject({ state: 2, layoutHash: hash, updates: 0 })
  })

  it("still finishes the sample under way, and takes no signal twice", async () => {
    const ahead = { what: "", command: Command.Signals, says: "Fault Signals OutOfOrder" }
    await expectRefused({
      ...{ ...ahead, payload: signals({ first: 8 }) },
      compared: [Compared.FirstSignal, 8],
    })
    await expectSaid(Command.Signals, signals({ first: 0 }), [])
    await expectRefused({ ...ahead, payload: signals({ first: 0 }) })
    const [report] = await expectSaid(Command.Signals, signals({ first: 8 }), ["Signals"])
    expect(report.payload.readUInt32LE(0)).toBe(4)
    await expectRefused({
      what: "",
      command: Command.Signals,
      payload: signals({ first: 0 }),
      says: "Fault Signals OutOfOrder",
    })
  })

  const badRuns: [string, number[]][] = [
    ["a lone skip", [3]],
    ["a count without pixels", [0, 2]],
    ["fewer pixels than counted", [0, 3, 1, 1]],
    ["a run past the image", [18, 3, 1, 1, 1]],
    ["a skip past the image", [255, 0]],
    ["a full packet of skips", Array(220).fill(255)],
  ]
  for (const [what, runs] of badRuns)
    it(`refuses ${what}, and forgets the sample`, async () => {
      await expectRefused({
        what,
        command: Command.Image,
        payload: imageSlice({ sample: 12, runs: Buffer.from(runs) }),
        says: "Fault Image BadImage",
        number: 12,
      })
      await expectRefused({
        what,
        command: Command.Signals,
        payload: signals({ sample: 12 }),
        says: "Fault Signals OutOfOrder",
      })
    })

  it("refuses a slice at another pixel than the last one ended", async () => {
    const first = imageSlice({ sample: 13, flags: ImageFlag.First })
    for (const pixel of [0, 4, 6, 65535]) {
      await expectSaid(Command.Image, first, [])
      await expectRefused({
        what: "",
        command: Command.Image,
        payload: imageSlice({ sample: 13, flags: ImageFlag.Last, pixel }),
        says: "Fault Image OutOfOrder",
      })
    }
  })

  it("refuses a last slice of another label or purpose than the first", async () => {
    for (const [flags, label] of [
      [ImageFlag.Last | ImageFlag.Learn, 250],
      [ImageFlag.Last | ImageFlag.Learn, 2],
      [ImageFlag.Last, 1],
    ]) {
      await expectSaid(
        Command.Image,
        imageSlice({ sample: 14, label: 1, flags: ImageFlag.First | ImageFlag.Learn }),
        [],
      )
      await expectRefused({
        what: "",
        command: Command.Image,
        payload: imageSlice({ sample: 14, label, flags, pixel: 5 }),
        says: "Fault Image BadValue",
      })
      // Nothing is being learnt.
      await expectRefused({
        what: "",
        command: Command.Back,
        payload: back({ sample: 14 }),
        says: "Fault Back OutOfOrder",
      })
    }
  })

  it("keeps signals that come during the image until the image is whole", async () => {
    const flags = ImageFlag.Flush
    await expectSaid(Command.Image, imageSlice({ sample: 15, flags: ImageFlag.First }), [])
    await expectSaid(Command.Signals, signals({ sample: 15, first: 0 }), [])
    await expectSaid(Command.Signals, signals({ sample: 15, first: 8 }), [])
    const last = { sample: 15, flags: ImageFlag.Last | flags, pixel: 5 }
    const [late] = await expectSaid(Command.Image, imageSlice(last), ["Signals"])
    // The same image and signals in the usual order give the same outputs.
    await expectSaid(Command.Image, imageSlice({ sample: 19, flags: ImageFlag.First }), [])
    await expectSaid(Command.Image, imageSlice({ ...last, sample: 19 }), [])
    await expectSaid(Command.Signals, signals({ sample: 19, first: 0 }), [])
    const [usual] = await expectSaid(Command.Signals, signals({ sample: 19, first: 8 }), [
      "Signals",
    ])
    expect(late.payload.subarray(8)).toEqual(usual.payload.subarray(8))
  })

  it("reports the outcome, then the sums of the signals others gave and of no others", async () => {
    const learn = {
      sample: 21,
      label: 1,
      flags: ImageFlag.First | ImageFlag.Last | ImageFlag.Learn,
    }
    await expectSaid(Command.Image, imageSlice(learn), [])
    await expectSaid(Command.Signals, signals({ sample: 21, first: 0 }), [])
    const { reports, state } = await bench.exchange(
      Command.Signals,
      signals({ sample: 21, first: 8 }),
    )
    expect(state.updates).toBe(1)
    const fields = reports.map(({ payload }) => ({
      layer: payload[4],
      flags: payload[5],
      first: payload.readUInt16LE(6),
      predicted: payload[8],
      sums: (payload.length - 10) / 4,
    }))
    const { predicted } = fields[0]
    expect(predicted).toBeLessThan(3)
    expect(fields).toEqual([
      { layer: 2, flags: BackFlag.Learned | BackFlag.Last, first: 0, predicted, sums: 0 },
      { layer: 1, flags: BackFlag.Learned, first: 0, predicted, sums: 2 },
      { layer: 1, flags: BackFlag.Learned | BackFlag.Last, first: 8, predicted, sums: 2 },
    ])
  })

  it("sets what may be set, and nothing but that", async () => {
    const before = await bench.board.read(0, outputShard.length)
    await bench.fence()
    await expectSaid(Command.Set, bytes({ u16: 1 }, { u8: Setting.LearnShift }, { u32: 9 }), [
      "Set Ok",
    ])
    await expectSaid(Command.Set, bytes({ u16: 1 }, { u8: Setting.Margin }, { u32: 77 }), [
      "Set Ok",
    ])
    await expectSaid(Command.Set, bytes({ u16: 1 }, { u8: Setting.ElementShift }, { u32: 20 }), [
      "Set Ok",
    ])
    before.writeUInt16LE(20, Header.ElementShift)
    before.writeUInt16LE(9, Header.LearnShift)
    before.writeUInt16LE(77, Header.Margin)
    expect((await bench.board.read(0, outputShard.length)).equals(before)).toBe(true)
  })
})

describe("with a shard whose signals others read", () => {
  beforeAll(async () => {
    expect(said(await load(bench, hiddenShard))).toBe("Commit Ok")
    // A label is for whoever has the outputs: here any will do.
    await expectSaid(
      Command.Image,
      imageSlice({
        sample: 6,
        label: 250,
        flags: ImageFlag.First | ImageFlag.Last | ImageFlag.Learn,
      }),
      ["Signals"],
    )
  })

  const listed = (...sums: [number, number][]) =>
    bytes(
      { raw: back({ sample: 6, flags: BackFlag.Listed, number: 1, values: [] }) },
      ...sums.flatMap(([place, value]) => [{ u16: place }, { u32: value }]),
    )
  const cases: Bad[] = [
    ...[0, 2, 255].map(layer => ({
      what: `sums of layer ${layer}`,
      command: Command.Back,
      payload: back({ sample: 6, layer }),
      says: "Fault Back WrongShard",
    })),
    ...[3, 4, 65535].map(first => ({
      what: `sums from signal ${first} of 4`,
      command: Command.Back,
      payload: back({ sample: 6, first }),
      says: "Fault Back OutOfRange",
      expected: 4,
    })),
    ...[4, 65535].map(place => ({
      what: `a listed sum of signal ${place} of 4`,
      command: Command.Back,
      payload: listed([0, 1], [place, 1]),
      says: "Fault Back OutOfRange",
      expected: 4,
    })),
    ...[1, 4].map(bytes => ({
      what: `listed sums ${bytes} bytes short`,
      command: Command.Back,
      payload: listed([0, 1], [1, 1]).subarray(0, 22 - bytes),
      says: "Fault Back BadLength",
    })),
    ...[2, 7].map(sample => ({
      what: `sums for sample ${sample}, not being learnt`,
      command: Command.Back,
      payload: back({ sample }),
      says: "Fault Back OutOfOrder",
      expected: 6,
    })),
    {
      what: "signals it takes from nobody",
      command: Command.Signals,
      payload: signals({ sample: 6 }),
      says: "Fault Signals WrongShard",
    },
  ]
  for (const bad of cases) it(`refuses ${bad.what}`, () => expectRefused(bad))

  it("adds sums to their signals, in a row or each with its place", async () => {
    const sums = async () => {
      const part = partAt(0)
      const memory = await bench.board.read(0, hiddenShard.length)
      await bench.fence()
      const at = memory.readInt32LE(part + Part.BackIn)
      return Array.from({ length: 4 }, (_, i) => memory.readInt32LE(at + 4 * i))
    }
    expect(await sums()).toEqual([0, 0, 0, 0])
    await expectSaid(Command.Back, back({ sample: 6, first: 1, values: [5, 7] }), [])
    await expectSaid(Command.Back, listed([3, 100], [0, 0xffffffff], [3, 11]), [])
    expect(await sums()).toEqual([-1, 5, 7, 111])
  })

  it("learns from sums that overflow, once, and then not again", async () => {
    const big = [0x7fffffff, 0x80000000]
    await expectSaid(Command.Back, back({ sample: 6, number: 2, values: big }), [])
    for (const number of [2, 4, 1])
      await expectRefused({
        ...{ what: "repeated, ahead or old", command: Command.Back },
        ...{ payload: back({ sample: 6, number, values: big }), says: "Fault Back OutOfOrder" },
      })
    await expectSaid(Command.Back, back({ sample: 6, number: 3, values: big }), [])
    const last = back({ sample: 6, number: 4, flags: 1, values: [] })
    const { state } = await bench.exchange(Command.Back, last)
    expect(state.updates).toBe(1)
    await expectRefused({
      what: "",
      command: Command.Back,
      payload: back({ sample: 6 }),
      says: "Fault Back OutOfOrder",
    })
    await expectRefused({
      what: "",
      command: Command.Image,
      payload: imageSlice({ sample: 7, updates: 0, flags: 7 }),
      says: "Fault Image OutOfOrder",
      expected: 1,
    })
  })
})

describe("with a shard of two layers others read", () => {
  it("takes sums once a layer, and only when the sample has run forward", async () => {
    const shard = buildShard(
      net,
      [
        { layer: 1, first: 0, count: 2 },
        { layer: 2, first: 0, count: 2 },
      ],
      SLOTS,
    )
    expect(said(await load(bench, shard))).toBe("Commit Ok")
    const refused = { what: "", command: Command.Back, says: "Fault Back OutOfOrder" }
    const flags = ImageFlag.First | ImageFlag.Last | ImageFlag.Learn
    await expectSaid(Command.Image, imageSlice({ sample: 6, flags }), ["Signals"])
    await expectRefused({ ...refused, payload: back({ sample: 6, layer: 1 }) })
    const others = signals({ sample: 6, count: 6, first: 4, values: [1, 2, 3, 4, 5, 6] })
    await expectSaid(Command.Signals, others, ["Signals"])
    await expectSaid(Command.Back, back({ sample: 6, layer: 2, flags: BackFlag.Last }), ["Back"])
    await expectRefused({ ...refused, payload: back({ sample: 6, layer: 2 }), number: 6 })
    await expectSaid(Command.Back, back({ sample: 6, layer: 1 }), [])
    expect((await bench.fence()).state.updates).toBe(0)
    const last = back({ sample: 6, layer: 1, number: 1, flags: BackFlag.Last })
    await expectSaid(Command.Back, last, [])
    expect((await bench.fence()).state.updates).toBe(1)
  })
})

describe("with a shard of some of the outputs", () => {
  it("tells its own, waits for the others', and makes the error of all", async () => {
    const shard = buildShard(
      net,
      [
        { layer: 1, first: 0, count: 5 },
        { layer: 2, first: 0, count: 4 },
        { layer: 3, first: 1, count: 1 },
      ],
      SLOTS,
    )
    expect(said(await load(bench, shard))).toBe("Commit Ok")
    // No lead is large enough: there is something to learn.
    const margin = bytes({ u16: 7 }, { u8: Setting.Margin }, { u32: 32767 })
    await expectSaid(Command.Set, margin, ["Set Ok"])
    const flags = ImageFlag.First | ImageFlag.Last | ImageFlag.Learn
    // Signals of the layer others read with it, and its output.
    const told = await expectSaid(Command.Image, imageSlice({ sample: 6, flags }), [
      ...["Signals", "Signals"],
    ])
    const { payload } = told[1]
    expect([payload[SignalsField.Layer], payload[SignalsField.Count]]).toEqual([3, 1])
    expect(payload.readUInt16LE(SignalsField.First)).toBe(1)
    const early = back({ sample: 6, layer: 2, flags: BackFlag.Last })
    const refused = { what: "", number: 6 }
    const backRefused = { ...refused, command: Command.Back, says: "Fault Back OutOfOrder" }
    await expectRefused({ ...backRefused, payload: early })
    const output = (first: number) =>
      signals({ sample: 6, layer: 3, count: 1, first, values: [1000] })
    const signalsRefused = { ...refused, command: Command.Signals }
    await expectRefused({ ...signalsRefused, payload: output(2), says: "Fault Signals OutOfOrder" })
    await expectRefused({
      ...signalsRefused,
      payload: output(1),
      says: "Fault Signals OutOfRange",
    })
    await expectSaid(Command.Signals, output(0), [])
    await expectRefused({ ...signalsRefused, payload: output(0), says: "Fault Signals OutOfOrder" })
    const [error] = await expectSaid(Command.Signals, output(2), ["Back"])
    expect(error.payload[BackField.Flags]).toBe(BackFlag.Learned | BackFlag.Last)
    expect(error.payload[BackField.Predicted]).toBe(0)
    await expectSaid(Command.Back, early, [])
    expect((await bench.fence()).state.updates).toBe(1)
  })

  it("takes no outputs where it computes them all", async () => {
    expect(said(await load(bench, outputShard))).toBe("Commit Ok")
    await expectRefused({
      ...{ what: "", command: Command.Signals, says: "Fault Signals WrongShard" },
      payload: signals({ layer: 3, count: 1, values: [1] }),
    })
  })
})

describe("more than the service asks for", () => {
  it("registers are read, written and unknown ones refused by the runtime; the program runs on", async () => {
    for (const command of [
      0x1000, 0x1001, 0x1100, 0x1fff, 0x2000, 0x2001, 0x2101, 0x3000, 0x8000, 0xffff,
    ])
      for (const payload of [none, Buffer.alloc(4, 255), Buffer.alloc(MAX_PAYLOAD, 7)]) {
        const { state } = await bench.exchange(command, payload)
        expect(state.boot).toBe(boot)
      }
  })

  it("says how many messages it lost when more come than it can keep", async () => {
    expect(said(await load(bench, hiddenShard))).toBe("Commit Ok")
    const before = (await bench.fence()).state
    const sent = 120
    const read = bytes({ u16: 0x7777 }, { u32: 0 }, { u16: 200 })
    await Promise.all(Array.from({ length: sent }, () => bench.send(Command.Read, read)))
    // The fence itself may be among the lost.
    await bench.link.clock.sleep(3_000)
    const { reports, state } = await bench.fence()
    const busy = reports.filter(r => said(r) === "Fault 0 Busy")
    const told = busy.reduce((sum, r) => sum + r.payload.readUInt32LE(2), 0)
    const done = reports.filter(r => said(r) === "Read Ok").length
    // Sixteen wait; the replies that go out at once make room for a few more. A native board lets
    // the host wait instead and loses none.
    if (native) expect(done).toBe(sent)
    else expect(done).toBeLessThan(40)
    expect(done + told).toBe(sent)
    expect(state.dropped - before.dropped).toBe(told)
    expect(state.boot).toBe(boot)
    expect(bench.failures).toEqual([])
  })
})

describe("random frames", () => {
  const commands = Object.values(Command).filter((c): c is Command => typeof c === "number")
  const frames = Math.ceil(Number(process.env.WUXING_FUZZ_FRAMES ?? 900) / 2)
  const timeout = Math.max(60_000, frames * 400)

  it(`${2 * frames} of them neither restart a board nor find a defect of its program`, {
    timeout,
  }, async () => {
    await Promise.all(all.benches.map((each, i) => fuzz(each, boots[i], 1 + i)))
  })

  async function fuzz(bench: Bench, boot: number, seed: number): Promise<void> {
    const next = uniform(seed)
    const below = (n: number) => Math.floor(next() * n)
    const shards = [outputShard, hiddenShard]
    let updates = 0
    let learnt = 0
    const counts = new Map<string, number>()
    const valid = (): [number, Buffer] => {
      const sample = below(6)
      const any = [0, 1, 2, 8, 9, below(300)][below(6)]
      // Rarely, as each takes a board a second: what it keeps, and what it had kept.
      if (below(150) === 0)
        return [
          [Command.Save, bytes({ u16: below(9) }, { u32: sample }, { u32: 7 }, { u32: 0 })],
          [Command.Saved, bytes({ u16: below(9) }, { u8: below(2) })],
          [Command.Restore, bytes({ u16: below(9) }, { u32: below(30) })],
        ][below(3)] as [number, Buffer]
      switch (below(7)) {
        case 0:
          return [
            Command.Image,
            imageSlice({ sample, updates, label: below(3), flags: below(16) | 1 }),
          ]
        case 1:
          return [Command.Image, imageSlice({ sample, updates, flags: 7, label: below(3) })]
        case 2:
          return [
            Command.Signals,
            signals({ sample, first: any, values: [below(65536), below(65536)] }),
          ]
        case 3:
          return [
            Command.Back,
            back({ sample, flags: below(2), first: any, values: [below(2 ** 32)] }),
          ]
        case 4:
          return [Command.Read, bytes({ u16: 5 }, { u32: below(900) }, { u16: below(240) })]
        case 5:
          return [Command.Set, bytes({ u16: 5 }, { u8: below(3) }, { u32: below(20) })]
        default:
          return [Command.Commit, bytes({ u16: 5 })]
      }
    }
    for (let i = 0; i < frames; i++) {
      if (i % 60 === 0) {
        // Now and then a shard with damage in its descriptors; what is taken must be harmless too.
        const m = Buffer.from(shards[below(2)])
        if (i % 180 !== 0) {
          const end = partAt(m.readUInt16LE(Header.Parts))
          m.writeUInt16LE(below(3) ? below(40) : below(65536), 2 * below(end / 2))
          // An odd number of bytes has no checksum to send them with.
          m.writeInt32LE(m.readInt32LE(Header.Image) & ~1, Header.Image)
        }
        let reply = await load(bench, m)
        if (said(reply) !== "Commit Ok") reply = await load(bench, shards[below(2)])
        expect(said(reply)).toBe("Commit Ok")
      }
      let [command, payload] = valid()
      if (below(3) === 0) {
        payload = Buffer.from(payload)
        for (let k = below(3); k >= 0 && payload.length > 0; k--)
          payload[below(payload.length)] = below(4) ? below(256) : 255
      } else if (below(4) === 0) {
        command = below(6) ? commands[below(commands.length)] : below(0x1000)
        // Begin would only empty the board; its own tests are above.
        if (command === Command.Begin) command = Command.Image
        payload = Buffer.from(Array.from({ length: below(MAX_PAYLOAD + 1) }, () => below(256)))
      }
      await bench.send(command, payload)
      if (i % 8 !== 7) continue
      const { reports, state } = await bench.fence()
      for (const r of reports) counts.set(said(r), (counts.get(said(r)) ?? 0) + 1)
      expect(state.boot, `restarted within frames ${i - 7}…${i} of seed ${seed}`).toBe(boot)
      expect(bench.failures).toEqual([])
      // A whole learning step, on whatever the frames before have left behind.
      const step = { sample: below(1000), updates: state.updates, flags: 7, label: below(3) }
      await bench.send(Command.Image, imageSlice(step))
      for (const first of [0, 8])
        await bench.send(Command.Signals, signals({ ...step, first, values: [below(65536), 900] }))
      await bench.send(Command.Back, back({ ...step, flags: 1, values: [below(2 ** 32), 1 << 25] }))
      updates = (await bench.fence()).state.updates
      learnt += updates > state.updates ? 1 : 0
    }
    expect([...counts.keys()].filter(what => what.endsWith("Internal"))).toEqual([])
    // It reached what it was to reach: a learning step in some 40 frames, signals in as many.
    expect(learnt).toBeGreaterThanOrEqual(Math.floor(frames / 60))
    expect(counts.get("Signals") ?? 0).toBeGreaterThanOrEqual(Math.floor(frames / 60))
    if (process.env.WUXING_FUZZ_FRAMES)
      console.log(JSON.stringify({ seed, frames, learnt, reports: Object.fromEntries(counts) }))
  }
})

describe("a restart", () => {
  it("shows in the boot number, so that none was missed above", async () => {
    await all.restart(1)
    const { state } = await all.benches[1].fence()
    expect(state.boot).not.toBe(boots[1])
    expect(state).toMatchObject({ state: 0, updates: 0, refused: 0 })
  })
})
