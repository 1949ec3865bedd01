/** Boards with the service, and what is sent to them: for the tests of its commands. */
import { afterAll, beforeAll, expect } from "vitest"
import { buildShard } from "../../host/network/shard"
import type { Slice } from "../../host/network/slices"
import { Header } from "../../src/core/layout"
import {
  Command,
  Compared,
  checksum,
  FaultField,
  ImageFlag,
  MAX_PAYLOAD,
  PROTOCOL_VERSION,
  Setting,
  Status,
} from "../../src/wire/protocol"
import { network } from "../src/core/helpers"
import { type Bench, type Benches, bytes, type Report, startBenches } from "./bench"

export const SLOTS = 4
export const net = network(
  [
    { neurons: 5, fanIn: 7 },
    { neurons: 4, fanIn: 6 },
    { neurons: 3, outputs: 1 },
  ],
  { margin: 4096 },
)
/** Takes pixels, awaits signals 0, 1, 8 and 9 of layer 1 from elsewhere, gives the outputs. */
export const outputSlices: Slice[] = [
  { layer: 1, first: 1, count: 3 },
  { layer: 2, first: 0, count: 4 },
  { layer: 3, first: 0, count: 3 },
]
/** Takes pixels, reports signals 0…3 of layer 1 and awaits backward sums for them. */
export const hiddenSlices: Slice[] = [{ layer: 1, first: 0, count: 2 }]
export const outputShard = buildShard(net, outputSlices, SLOTS)
export const hiddenShard = buildShard(net, hiddenSlices, SLOTS)

export const imageOf = (shard: Buffer) => shard.subarray(0, shard.readInt32LE(Header.Image))

export const begin = (
  shard: Buffer,
  { tag = 7, protocol = PROTOCOL_VERSION, size = imageOf(shard).length, sum = 0, hash = 0 } = {},
) => bytes({ u16: tag }, { u16: protocol }, { u32: size }, { u32: sum }, { u32: hash })

/** All that loads a shard, as it is, up to the reply to commit. */
export async function load(bench: Bench, shard: Buffer): Promise<Report> {
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

export const imageSlice = ({
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
export const signals = ({ sample = 4, layer = 1, count = 2, first = 0, values = [5, -5] } = {}) =>
  bytes(
    { u32: sample },
    { u8: layer },
    { u8: count },
    { u16: first },
    { raw: bytes(...values.map(v => ({ u16: v }))) },
  )
export const sums = ({ sample = 4, layer = 2, values = [] as number[] } = {}) =>
  bytes(
    { u32: sample },
    { u8: layer },
    { u8: values.length },
    { u16: 0 },
    { raw: bytes(...values.map(v => ({ u32: v >>> 0 }))) },
  )
export const back = ({
  sample = 4,
  layer = 1,
  flags = 0,
  first = 0,
  number = 0,
  values = [1, 2],
} = {}) =>
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
export function said({ command, payload }: Report): string {
  if (command === Command.Fault)
    return `Fault ${Command[payload[1]] ?? payload[1]} ${Status[payload[0]]}`
  if ([Command.Signals, Command.Sums, Command.Back].includes(command)) return Command[command]
  return `${Command[command]} ${Status[payload[2]]}`
}

/** The boards of this file's tests, the first of them in the hand of most, and their boot numbers. */
export let all: Benches
export let bench: Bench
export let boot: number
export const boots: number[] = []

let used = false

/** Starts as many boards before the tests of a file; where one file holds others, they share them. */
export function useBoards(count: number, options?: Parameters<typeof startBenches>[1]): void {
  if (used) return
  used = true
  beforeAll(async () => {
    all = await startBenches(count, options)
    bench = all.benches[0]
    for (const each of all.benches) boots.push((await each.fence()).state.boot)
    boot = boots[0]
  })
  afterAll(async () => {
    await all?.stop()
    // The next file may run in the same process.
    boots.length = 0
    used = false
  })
}

/** Sends one command and expects these reports, no others, and a board that was not restarted. */
export async function expectSaid(
  command: number,
  payload: Buffer,
  expected: string[],
): Promise<Report[]> {
  const { reports, state } = await bench.exchange(command, payload)
  expect(reports.map(said)).toEqual(expected)
  expect(state.boot).toBe(boot)
  expect(bench.failures).toEqual([])
  return reports
}

export interface Bad {
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

export async function expectRefused({ command, payload, says, number, expected, compared }: Bad) {
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

export const cut = (b: Buffer) => b.subarray(0, b.length - 1)
export const longer = (b: Buffer) => Buffer.concat([b, Buffer.alloc(1)])
export const none = Buffer.alloc(0)

export const fixed: [Command, Buffer][] = [
  [Command.Begin, begin(outputShard)],
  [Command.Commit, bytes({ u16: 3 })],
  [Command.Status, bytes({ u16: 3 })],
  [Command.Read, bytes({ u16: 3 }, { u32: 0 }, { u16: 4 })],
  [Command.Set, bytes({ u16: 3 }, { u8: Setting.Margin }, { u32: 5 })],
  [Command.Save, bytes({ u16: 3 }, { u32: 1 }, { u32: 2 }, { u32: 3 })],
  [Command.Saved, bytes({ u16: 3 }, { u8: 0 })],
  [Command.Restore, bytes({ u16: 3 }, { u32: 1 })],
]
export const wrongLengths: Bad[] = fixed.flatMap(([command, payload]) =>
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
