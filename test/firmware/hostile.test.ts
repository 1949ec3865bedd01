/** Hostile shards on the DeviceScript program: refused as JavaScript refuses them, or run to the end. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { ARENA_BYTES } from "../../firmware/arena"
import { Command, Setting, Status } from "../../src/wire/protocol"
import { randomSeed } from "../setup"
import { type Bench, type Benches, startBenches } from "./bench"
import { bytes } from "./bytes"
import {
  hostileMessages,
  hostileShard,
  inMemory,
  isTrusted,
  loading,
  type Message,
  namedShards,
  soundShards,
} from "./hostile"

/** Random ones that are tried, from a number that CI keeps. */
const RANDOM = 40
const seed = randomSeed(1e6) * 1009
/** A board keeps sixteen messages waiting. */
const AT_ONCE = 8

let all: Benches
let bench: Bench
let boot: number
beforeAll(async () => {
  all = await startBenches(1)
  bench = all.benches[0]
  boot = (await bench.fence()).state.boot
})
afterAll(() => all?.stop())

/** Sends messages and gives the statuses of the Commits among them, and of all faults. */
async function send(messages: Message[]): Promise<{ commits: string[]; faults: string[] }> {
  const commits: string[] = []
  const faults: string[] = []
  for (let at = 0; at < messages.length; at += AT_ONCE) {
    for (const { command, payload } of messages.slice(at, at + AT_ONCE))
      await bench.send(command, payload)
    const { reports, state } = await bench.fence()
    expect(state.boot).toBe(boot)
    for (const { command, payload } of reports) {
      if (command === Command.Commit) commits.push(Status[payload[2]])
      if (command === Command.Fault) faults.push(Status[payload[0]])
    }
  }
  return { commits, faults }
}

async function judged(shard: Buffer, number: number): Promise<string> {
  const { commits } = await send(loading(shard))
  if (commits[0] !== "Ok") return commits[0]
  const { faults } = await send(hostileMessages(number))
  expect(faults).not.toContain("Internal")
  expect(bench.failures).toEqual([])
  return commits[0]
}

it("takes what is sound", async () => {
  for (const [i, [name, shard]] of soundShards.entries())
    expect(`${name}: ${await judged(shard, i)}`).toBe(`${name}: Ok`)
})

it("refuses each shard that was found to lead the native program astray", async () => {
  for (const [i, [name, shard]] of namedShards.entries())
    expect(`${name}: ${await judged(shard, i)}`).toBe(`${name}: BadShard`)
})

it("trusts what JavaScript trusts, and runs on whatever follows", async () => {
  let trusted = 0
  for (let number = seed; number < seed + RANDOM; number++) {
    const shard = hostileShard(number)
    const status = await judged(shard, number)
    const sound = isTrusted(inMemory(shard, ARENA_BYTES))
    if (sound) trusted++
    expect([number, status]).toEqual([
      number,
      sound ? expect.stringMatching(/Ok|TooLarge/) : status,
    ])
    if (!sound) expect([number, status]).not.toEqual([number, "Ok"])
  }
  expect(trusted).toBeGreaterThan(0)
})

it("refuses a rate by Set that it would refuse in a shard", async () => {
  const [, shard] = soundShards.find(([name]) => name === "that learns all")!
  expect((await send(loading(shard))).commits).toEqual(["Ok"])
  const answers: string[] = []
  for (const [setting, value] of [
    [Setting.LearnShift, 2],
    [Setting.LearnShift, 3],
    [Setting.LearnShift, 17],
    [Setting.ElementShift, 3],
    [Setting.ElementShift, 24],
    [Setting.ElementShift, 25],
  ]) {
    const payload = bytes({ u16: 1 }, { u8: setting }, { u32: value })
    const { reports } = await bench.exchange(Command.Set, payload)
    answers.push(Status[reports.at(-1)!.payload[2]])
  }
  expect(answers).toEqual(["BadValue", "Ok", "BadValue", "BadValue", "Ok", "BadValue"])
})
