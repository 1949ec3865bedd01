/** Whatever is sent to a board with a shard: samples run as documented, all else is refused. */
import { beforeAll, describe, expect, it } from "vitest"
import { Header } from "../../src/core/layout"
import {
  BackFlag,
  Command,
  Compared,
  ImageFlag,
  MAX_PAYLOAD,
  Setting,
} from "../../src/wire/protocol"
import { bytes } from "./bench"

import {
  type Bad,
  back,
  bench,
  cut,
  expectRefused,
  expectSaid,
  imageSlice,
  load,
  longer,
  none,
  outputShard,
  said,
  signals,
  sums,
  useBoards,
  wrongLengths,
} from "./service"

useBoards(1)

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
    {
      what: "sums of outputs that are its own",
      command: Command.Sums,
      payload: sums({ layer: 3, values: new Array(9).fill(1) }),
      says: "Fault Sums WrongShard",
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
    ...[0x00, 0x01, 0x02, 0x7f, 0x89, 0x8f, 0x94, Command.Fault, 0xa0, 0xff, 0x100, 0xfff].map(
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
