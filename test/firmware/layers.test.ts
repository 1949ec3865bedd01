/** Boards that have some of the layers: signals for others, sums from others. */
import { beforeAll, describe, expect, it } from "vitest"
import { buildShard } from "../../host/network/shard"
import { Part } from "../../src/core/layout"
import { partAt } from "../../src/core/run"
import {
  BackField,
  BackFlag,
  Command,
  ImageFlag,
  Setting,
  SignalsField,
  SumsField,
} from "../../src/wire/protocol"
import { bytes } from "./bench"
import {
  type Bad,
  back,
  bench,
  expectRefused,
  expectSaid,
  hiddenShard,
  imageSlice,
  load,
  net,
  outputShard,
  SLOTS,
  said,
  signals,
  sums,
  useBoards,
} from "./service"

useBoards(1)

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

describe("with outputs whose sums all boards add up", () => {
  // Layer 2 has signals 0…7; this board computes 2…7 and the links from them to all nine synapses.
  const shard = (first: number) =>
    buildShard(
      net,
      [
        { layer: 2, first, count: 3 },
        { layer: 3, first: 0, count: 3, partial: true },
      ],
      SLOTS,
    )
  const learns = ImageFlag.First | ImageFlag.Last | ImageFlag.Learn
  const layerOne = (sample: number) =>
    signals({ sample, layer: 1, count: 10, values: Array.from({ length: 10 }, (_, i) => 90 * i) })
  const nine = (sample: number, value = 0) =>
    sums({ sample, layer: 3, values: Array(9).fill(value) })
  const refused = { what: "", number: 6, command: Command.Sums }

  /** Loads it, and sends an image and the signals it awaits. @returns its part of the sums */
  async function begin(first: number, sample: number, flags: number): Promise<number[]> {
    expect(said(await load(bench, shard(first)))).toBe("Commit Ok")
    await bench.send(Command.Image, imageSlice({ sample, flags, label: 0, runs: Buffer.alloc(0) }))
    const [told] = await expectSaid(Command.Signals, layerOne(sample), ["Sums"])
    expect(told.payload.readUInt32LE(SumsField.Sample)).toBe(sample)
    expect([told.payload[SumsField.Layer], told.payload[SumsField.Count]]).toEqual([3, 9])
    return Array.from({ length: 9 }, (_, i) => told.payload.readInt32LE(SumsField.Length + 4 * i))
  }

  it("tells its part: coefficients times its own signals", async () => {
    const told = await begin(1, 6, learns)
    const memory = await bench.board.read(0, shard(1).length)
    await bench.fence()
    const at = (field: Part) => memory.readInt32LE(partAt(1) + field)
    // Slot 2 of 4, six signals each.
    const bus = Array.from({ length: 6 }, (_, i) =>
      memory.readInt16LE(at(Part.BusIn) + 2 * (12 + i)),
    )
    expect(new Set(bus).size).toBeGreaterThan(1)
    const expected = Array.from({ length: 9 }, (_, t) =>
      bus.reduce(
        (sum, s, i) => sum + s * memory.readInt16LE(at(Part.Coefficient) + 2 * (6 * t + i)),
        0,
      ),
    )
    expect(told).toEqual(expected)
  })

  it("refuses sums of other samples, layers and lengths, and those that come again", async () => {
    await begin(1, 6, learns)
    for (const [payload, says] of [
      [nine(2), "Fault Sums OutOfOrder"],
      [sums({ sample: 6, layer: 2, values: Array(9).fill(0) }), "Fault Sums WrongShard"],
      [sums({ sample: 6, layer: 3, values: Array(8).fill(0) }), "Fault Sums BadLength"],
      [nine(6).subarray(0, 40), "Fault Sums BadLength"],
      [nine(6).subarray(0, 7), "Fault Sums BadLength"],
      [nine(0xffffffff), "Fault Sums BadValue"],
    ] as const)
      await expectRefused({ what: "", command: Command.Sums, payload, says })
    // What came of it another board says; this one has backward sums for layer 1.
    const [told] = await expectSaid(Command.Sums, nine(6), ["Back"])
    expect(told.payload[BackField.Layer]).toBe(1)
    await expectRefused({ ...refused, payload: nine(6), says: "Fault Sums OutOfOrder" })
  })

  it("refuses them before its own part is made", async () => {
    expect(said(await load(bench, shard(1)))).toBe("Commit Ok")
    await bench.send(Command.Image, imageSlice({ sample: 6, flags: learns, runs: Buffer.alloc(0) }))
    await expectRefused({ ...refused, payload: nine(6), says: "Fault Sums OutOfOrder" })
  })

  it("names by the sums it gets, and learns; one of the boards says what came of it", async () => {
    await begin(0, 5, ImageFlag.First | ImageFlag.Last | ImageFlag.Flush)
    // The net input of neuron 1 alone is large.
    const values = [0, 0, 0, 1, 1, 1, 0, 0, 0].map(v => v << 22)
    const [named] = await expectSaid(Command.Sums, sums({ sample: 5, layer: 3, values }), [
      "Signals",
    ])
    const outputs = [0, 1, 2].map(i => named.payload.readInt16LE(SignalsField.Length + 2 * i))
    expect(outputs[1]).not.toBe(outputs[0])
    expect(outputs[2]).toBe(outputs[0])

    await begin(0, 6, learns)
    const same = sums({ sample: 6, layer: 3, values })
    // All that is told beside sums: what came of it, and backward sums for layer 1.
    const [told] = (await bench.exchange(Command.Sums, same)).reports
    expect(said(told)).toBe("Back")
    expect(told.payload[BackField.Flags]).toBe(BackFlag.Learned | BackFlag.Last)
    expect(told.payload[BackField.Predicted]).toBe(outputs.indexOf(Math.max(...outputs)))
    expect((await bench.fence()).state.updates).toBe(1)
  })
})
